/* mime.c: from a file's name to its Content-Type. See mime.h.
 *
 * The extensions lie in one sorted array; a lookup is a binary search, done once when a file is
 * opened, not for each request.
 */
#include "core/http/mime.h"

#include "core/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What the web needs when the machine has no mime.types. */
static const char built_in[] = "text/html html htm\n"
                               "text/css css\n"
                               "text/plain txt md log\n"
                               "text/csv csv\n"
                               "text/javascript js mjs\n"
                               "application/json json map\n"
                               "application/xml xml\n"
                               "application/manifest+json webmanifest\n"
                               "application/wasm wasm\n"
                               "application/pdf pdf\n"
                               "application/zip zip\n"
                               "application/gzip gz\n"
                               "application/x-tar tar\n"
                               "image/svg+xml svg\n"
                               "image/png png\n"
                               "image/jpeg jpg jpeg\n"
                               "image/gif gif\n"
                               "image/webp webp\n"
                               "image/avif avif\n"
                               "image/vnd.microsoft.icon ico\n"
                               "font/woff woff\n"
                               "font/woff2 woff2\n"
                               "font/ttf ttf\n"
                               "font/otf otf\n"
                               "audio/mpeg mp3\n"
                               "audio/ogg ogg\n"
                               "video/mp4 mp4\n"
                               "video/webm webm\n";

enum { FILE_BYTES_MAX = 1 << 20, TYPE_MAX = 96 };
static const struct bytes charset = {"; charset=utf-8", 15};
static const struct bytes unknown = {"application/octet-stream", 24};

/* One extension. `type` is memory of our own, shared by the extensions of one line. */
struct mapping {
    char extension[MIME_EXTENSION_MAX + 1]; /* lower case */
    const char *type;
    unsigned order; /* the later of two lines wins */
};

static struct {
    struct mapping *at;
    unsigned count, capacity;
    char **types; /* to be freed */
    unsigned type_count, type_capacity;
} table;

static int by_extension(const void *a, const void *b)
{
    return strcmp(((const struct mapping *)a)->extension, ((const struct mapping *)b)->extension);
}

static int by_extension_latest_first(const void *a, const void *b)
{
    const struct mapping *left = a, *right = b;
    int order = by_extension(left, right);
    return order != 0 ? order : left->order < right->order ? 1 : -1;
}

/* tchar of RFC 9110 5.6.2, less the few that no media type uses. */
static bool is_type_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$&^_.+-", c) != NULL);
}

/* type "/" subtype (RFC 9110 8.3.1), without parameters. */
static bool is_type(struct bytes text)
{
    const char *slash = memchr(text.at, '/', text.len);
    if (slash == NULL || slash == text.at || slash == text.at + text.len - 1 ||
        text.len > TYPE_MAX) {
        return false;
    }
    for (const char *c = text.at; c < text.at + text.len; c++) {
        if (c != slash && !is_type_char(*c)) {
            return false;
        }
    }
    return true;
}

/* ASCII only, whatever the locale. */
static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool lower_extension(struct bytes text, char out[MIME_EXTENSION_MAX + 1])
{
    if (text.len == 0 || text.len > MIME_EXTENSION_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        out[i] = ascii_lower(text.at[i]);
    }
    out[text.len] = '\0';
    return memchr(out, '\0', text.len) == NULL;
}

/* Cuts the next word off a line: bytes between spaces and tabs. */
static bool next_word(struct bytes *line, struct bytes *word)
{
    *line = bytes_trim(*line);
    if (line->len == 0) {
        return false;
    }
    size_t len = 0;
    while (len < line->len && line->at[len] != ' ' && line->at[len] != '\t') {
        len++;
    }
    *word = (struct bytes){line->at, len};
    *line = (struct bytes){line->at + len, line->len - len};
    return true;
}

static const char *keep_type(struct bytes type)
{
    if (table.type_count == table.type_capacity) {
        table.type_capacity = table.type_capacity * 2 + 64;
        table.types = must_realloc(table.types, table.type_capacity * sizeof *table.types);
    }
    char *copy = must_alloc(type.len + 1);
    for (size_t i = 0; i < type.len; i++) {
        copy[i] = ascii_lower(type.at[i]);
    }
    copy[type.len] = '\0';
    table.types[table.type_count++] = copy;
    return copy;
}

static void add_mapping(const char *extension, const char *type)
{
    if (table.count == table.capacity) {
        table.capacity = table.capacity * 2 + 256;
        table.at = must_realloc(table.at, table.capacity * sizeof *table.at);
    }
    struct mapping *mapping = &table.at[table.count];
    strcpy(mapping->extension, extension);
    mapping->type = type;
    mapping->order = table.count++;
}

/* "type extension…"; a line without an extension, and all from '#' on, says nothing. */
static void add_line(struct bytes line)
{
    const char *comment = memchr(line.at, '#', line.len);
    if (comment != NULL) {
        line.len = (size_t)(comment - line.at);
    }
    struct bytes type, word;
    if (!next_word(&line, &type) || !is_type(type)) {
        return;
    }
    const char *kept = NULL;
    while (next_word(&line, &word)) {
        char extension[MIME_EXTENSION_MAX + 1];
        if (!lower_extension(word, extension)) {
            continue;
        }
        if (kept == NULL) {
            kept = keep_type(type);
        }
        add_mapping(extension, kept);
    }
}

/* Of two mappings of one extension the later stays. */
static void sort_table(void)
{
    if (table.count == 0) {
        return;
    }
    qsort(table.at, table.count, sizeof *table.at, by_extension_latest_first);
    unsigned kept = 0;
    for (unsigned i = 0; i < table.count; i++) {
        if (kept == 0 || by_extension(&table.at[kept - 1], &table.at[i]) != 0) {
            table.at[kept] = table.at[i];
            table.at[kept].order = 0;
            kept++;
        }
    }
    table.count = kept;
}

void mime_add(struct bytes text)
{
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.at) : text.len;
        size_t used = end != NULL ? len + 1 : len;
        if (len > 0 && text.at[len - 1] == '\r') {
            len--;
        }
        add_line((struct bytes){text.at, len});
        text.at += used;
        text.len -= used;
    }
    sort_table();
}

/* What can be read of the file, at most FILE_BYTES_MAX; an unreadable one counts as empty. */
static struct bytes read_types(const char *path, char *buffer)
{
    struct bytes text = {buffer, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return text;
    }
    while (text.len < FILE_BYTES_MAX) {
        ssize_t got = read(fd, buffer + text.len, FILE_BYTES_MAX - text.len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        text.len += (size_t)got;
    }
    (void)close(fd); /* read-only: nothing can be lost */
    return text;
}

void mime_init(const char *path)
{
    mime_add((struct bytes){built_in, sizeof built_in - 1});
    char *buffer = must_alloc(FILE_BYTES_MAX);
    mime_add(read_types(path, buffer));
    free(buffer);
}

void mime_deinit(void)
{
    for (unsigned i = 0; i < table.type_count; i++) {
        free(table.types[i]);
    }
    free(table.types);
    free(table.at);
    memset(&table, 0, sizeof table);
}

static bool ends_with(struct bytes text, struct bytes end)
{
    return text.len >= end.len && memcmp(text.at + text.len - end.len, end.at, end.len) == 0;
}

/* Texts, and the few application types that are texts in UTF-8 by their own rules. */
static bool is_text(struct bytes type)
{
    return bytes_start_with(type, BYTES("text/")) || ends_with(type, BYTES("/json")) ||
           ends_with(type, BYTES("+json")) || ends_with(type, BYTES("/xml")) ||
           ends_with(type, BYTES("+xml")) || ends_with(type, BYTES("/javascript"));
}

static struct bytes type_of(struct bytes name)
{
    const char *slash = memrchr(name.at, '/', name.len);
    const char *dot = memrchr(name.at, '.', name.len);
    struct mapping wanted;
    if (dot == NULL || (slash != NULL && dot < slash) || table.count == 0) {
        return unknown;
    }
    if (!lower_extension((struct bytes){dot + 1, (size_t)(name.at + name.len - dot - 1)},
                         wanted.extension)) {
        return unknown;
    }
    const struct mapping *found =
        bsearch(&wanted, table.at, table.count, sizeof *table.at, by_extension);
    return found != NULL ? bytes_of(found->type) : unknown;
}

size_t mime_of(struct bytes name, char out[MIME_TYPE_MAX])
{
    struct bytes type = type_of(name);
    memcpy(out, type.at, type.len);
    if (!is_text(type)) {
        return type.len;
    }
    memcpy(out + type.len, charset.at, charset.len);
    return type.len + charset.len;
}
