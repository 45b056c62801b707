/* mime.h: from a file's name to its Content-Type.
 *
 * A built-in table knows the types of the web; the system's mime.types adds the rest and wins where
 * both know an extension. Read once before threads start, read-only afterwards. Any thread. Limits:
 * at most 1 MiB of mime.types is read; types and extensions longer than below are skipped.
 */
#ifndef CORE_HTTP_MIME_H
#define CORE_HTTP_MIME_H

#include "core/base/bytes.h"

enum { MIME_TYPE_MAX = 128, MIME_EXTENSION_MAX = 16 };
#define MIME_TYPES_PATH "/etc/mime.types"

/* Reads the file where there is one; malformed lines are skipped. Once, before threads start. */
void mime_init(const char *path);
void mime_deinit(void);

/* Adds the types of a text in the form of mime.types. Before threads start; for mime_init, tests
 * and the fuzzer. The text may go away afterwards. */
void mime_add(struct bytes text);

/* The value of Content-Type for a file of that name: the type of its extension (case-insensitive),
 * with "; charset=utf-8" where it is a text. Returns its length; no NUL is written. */
size_t mime_of(struct bytes name, char out[MIME_TYPE_MAX]);

#endif
