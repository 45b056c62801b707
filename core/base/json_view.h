/* json_view.h: reading JSON as views into its text. Nothing is copied or allocated. The text is
 * not trusted: every function stays inside the view that it is given.
 *
 *   if (json_view_valid(text)) { json_view_member(text, "queues", &queues); … }
 *
 * A view of a value may have white space around it. Any thread.
 */
#ifndef CORE_BASE_JSON_VIEW_H
#define CORE_BASE_JSON_VIEW_H

#include "core/base/bytes.h"

#include <stdint.h>

enum { JSON_VIEW_DEPTH_MAX = 32 };

/* Is the text exactly one value, nested no deeper than the limit, of well-formed UTF-8 and without
 * control characters but as escapes? */
bool json_view_valid(struct bytes text);

/* The next member of an object or array: `rest` begins as the whole container and moves on; false
 * at its end. `key` is what stands between the quotes, empty in an array. */
bool json_view_next(struct bytes *rest, struct bytes *key, struct bytes *value);

/* The value of the first member of that name; false (and *value empty) when there is none. */
bool json_view_member(struct bytes object, const char *key, struct bytes *value);

/* Does the value begin as an object '{', an array '[', a string '"'? */
bool json_view_is(struct bytes value, char opening);

/* A number without sign, cut to its whole part; 0 for anything else, the maximum when too large. */
uint64_t json_view_number(struct bytes value);

/* A member that is a string, as json_view_text gives it; anything else, and none, is empty. */
void json_view_member_text(struct bytes object, const char *key, char *out, size_t size);

/* A string without quotes and escapes, anything else as it stands; cut to size - 1 bytes. Control
 * characters become '?', so that the result can go to a terminal. Returns its length. */
size_t json_view_text(struct bytes value, char *out, size_t size);

#endif
