/* out_file.c: see out_file.h. */
#include "tools/trace/out_file.h"

#include "core/base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t out_file_close_it(struct out_file *file, bool keep);

bool out_file_open(struct out_file *file, const char *path, FILE *err)
{
    file->out = fopen(path, "we");
    if (file->out == NULL) {
        fprintf(err, "quartet-trace: cannot create %s: %s\n", path, strerror(errno));
        return false;
    }
    file->path = must_alloc(strlen(path) + 1);
    strcpy(file->path, path);
    return true;
}

bool out_file_keep(struct out_file *file, FILE *err, uint64_t *bytes)
{
    bool good = fflush(file->out) == 0 && !ferror(file->out);
    if (!good) {
        fprintf(err, "quartet-trace: cannot write %s: %s\n", file->path, strerror(errno));
    }
    uint64_t size = out_file_close_it(file, good);
    *bytes += good ? size : 0;
    return good;
}

void out_file_drop(struct out_file *file)
{
    if (file->out != NULL) {
        (void)out_file_close_it(file, false);
    }
}

/* Returns its size; of what is no ordinary file, 0. */
static uint64_t out_file_close_it(struct out_file *file, bool keep)
{
    struct stat now;
    bool ordinary = fstat(fileno(file->out), &now) == 0 && S_ISREG(now.st_mode);
    (void)fclose(file->out); /* has been flushed, or its content does not matter any more */
    if (!keep && ordinary) {
        (void)unlink(file->path); /* a complaint has been made, or the caller makes one */
    }
    free(file->path);
    *file = (struct out_file){0};
    return ordinary ? (uint64_t)now.st_size : 0;
}
