/* out_file.h: a file that a verb makes: there when it is whole, not there when that failed.
 *
 * The function that opens one keeps or drops it. What is no ordinary file (/dev/null, a pipe) is never
 * removed. Complaints are one line each. One thread.
 */
#ifndef TOOLS_TRACE_OUT_FILE_H
#define TOOLS_TRACE_OUT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct out_file {
    FILE *out; /* NULL: not open */
    char *path;
};

/* Creates it, or empties it. False after a complaint on `err`. */
bool out_file_open(struct out_file *file, const char *path, FILE *err);

/* Closes it, and adds its size to *bytes where it is an ordinary file. False, and it is removed,
 * when not all could be written. */
bool out_file_keep(struct out_file *file, FILE *err, uint64_t *bytes);

/* Closes and removes it; does nothing when it is not open. */
void out_file_drop(struct out_file *file);

#endif
