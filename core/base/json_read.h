/* json_read.h: reading JSON that need not be trusted: a trace, what a server says of itself.
 *
 * Why libjansson: a parser of untrusted text is best one that many use and others maintain. What is
 * added here are limits, and values in the form in which we keep them. The values are
 * libjansson's, and so are the functions that walk them; those take NULL for "there is none".
 *
 *   json_t *root = json_read(text, error);
 *   uint64_t pid = json_read_count(json_object_get(root, "server"), "pid");
 *   json_decref(root);
 *
 * Any thread.
 */
#ifndef CORE_BASE_JSON_READ_H
#define CORE_BASE_JSON_READ_H

#include "core/base/bytes.h"

#include <jansson.h>
#include <stdint.h>

enum {
    JSON_READ_SIZE_MAX = 64 << 20,
    JSON_READ_DEPTH_MAX = 32,
    JSON_READ_ERROR = 256,
};

/* The one value that the text is, for json_decref. NULL when the text is something else, is over one
 * of the limits, names a member twice, or holds a control character but white space (so a text that
 * is accepted may go to a terminal): `error`, which may be NULL, is then one line that says what and
 * where. */
json_t *json_read(struct bytes text, char error[JSON_READ_ERROR]);

/* A number's whole part, and UINT64_MAX for a larger one; 0 for a negative one and anything else. Beside
 * a number above 2^63 - 1 those above 2^53 are not exact. */
uint64_t json_read_number(const json_t *value);
/* The same of a member; 0 when there is none. */
uint64_t json_read_count(const json_t *object, const char *key);

/* Text as it can go to a terminal: control characters become '?'. It is cut to size - 1 bytes, between
 * characters. Returns its length. */
size_t json_read_shown(struct bytes text, char *out, size_t size);
/* A string in this form; anything else, and NULL, is empty. */
size_t json_read_text(const json_t *value, char *out, size_t size);
/* The same of a member. */
size_t json_read_word(const json_t *object, const char *key, char *out, size_t size);

#endif
