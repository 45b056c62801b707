/* embed-page.c: runs at build time; makes one page out of its parts, and a C array of the page, so
 * that the programs carry their pages in themselves.
 *
 *   embed-page ROOT PAGE HEADER NAME OUT
 *
 * A line of PAGE that is "@INCLUDE path@" becomes that file's text; paths are below ROOT. OUT is a
 * source that includes HEADER and defines `const struct bytes NAME`; OUT.d lists what it was made
 * of, so that the build makes it again when a part changes. Part of no library: core needs it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 1 << 20, PATH_MAX_LEN = 4096, BYTES_A_LINE = 24 };

static const char *root;
static size_t written;

static FILE *must_open(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        fprintf(stderr, "embed-page: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

static void must_close(FILE *file, const char *path)
{
    int bad = ferror(file);
    if (fclose(file) != 0 || bad) {
        fprintf(stderr, "embed-page: %s cannot be written\n", path);
        exit(1);
    }
}

static void write_bytes(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fprintf(out, "%u,%s", (unsigned char)*text, ++written % BYTES_A_LINE == 0 ? "\n" : "");
    }
}

/* Opens a part, and notes it as one. */
static FILE *open_part(const char *path, FILE *parts)
{
    char whole[PATH_MAX_LEN];
    (void)snprintf(whole, sizeof whole, "%s/%s", root, path);
    fprintf(parts, " %s", whole);
    return must_open(whole, "r");
}

/* The path of a line that asks for a part, cut out of it; or NULL. */
static char *embed_included(char *line)
{
    static const char start[] = "@INCLUDE ";
    char *end = strstr(line, "@\n");
    if (strncmp(line, start, sizeof start - 1) != 0 || end == NULL) {
        return NULL;
    }
    *end = '\0';
    return line + sizeof start - 1;
}

static void write_file(FILE *out, const char *path, FILE *parts)
{
    char *line = malloc(LINE_MAX_LEN);
    FILE *in = open_part(path, parts);
    while (line != NULL && fgets(line, LINE_MAX_LEN, in) != NULL) {
        char *part = embed_included(line);
        if (part != NULL) {
            write_file(out, part, parts);
        } else {
            write_bytes(out, line);
        }
    }
    must_close(in, path);
    free(line);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: embed-page ROOT PAGE HEADER NAME OUT\n");
        return 2;
    }
    const char *page = argv[2], *header = argv[3], *name = argv[4], *path = argv[5];
    char parts_path[PATH_MAX_LEN];
    root = argv[1];
    (void)snprintf(parts_path, sizeof parts_path, "%s.d", path);
    FILE *out = must_open(path, "w");
    FILE *parts = must_open(parts_path, "w");
    fprintf(parts, "%s:", path);
    fprintf(out, "/* Made by tools/embed-page.c from %s. */\n#include \"%s\"\n\n", page, header);
    fprintf(out, "static const unsigned char text[] = {\n");
    write_file(out, page, parts);
    fprintf(out, "};\n\nconst struct bytes %s = {(const char *)text, sizeof text};\n", name);
    fputc('\n', parts);
    must_close(parts, parts_path);
    must_close(out, path);
    return 0;
}
