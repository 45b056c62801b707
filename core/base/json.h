/* json.h: writing JSON: objects, arrays, strings and numbers, correctly escaped and comma'd.
 *
 *   json_begin(&json, file);
 *   json_begin_object(&json, NULL);
 *   json_number(&json, "depth", 3);
 *   json_end(&json);
 *
 * `key` is NULL inside an array and for the outermost value. Members of the two outermost levels
 * stand on lines of their own, and a line end follows the outermost closing. One thread at a time.
 * Write errors show in ferror of the file.
 */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH_MAX = 16 };

struct json {
    FILE *out;
    unsigned depth;
    bool some[JSON_DEPTH_MAX]; /* a member has been written at this depth */
    char closing[JSON_DEPTH_MAX];
};

void json_begin(struct json *json, FILE *out);
void json_begin_object(struct json *json, const char *key);
void json_begin_array(struct json *json, const char *key);
/* Closes the innermost object or array. */
void json_end(struct json *json);
/* `text` NULL is null. Bytes that are no UTF-8 become U+FFFD. */
void json_text(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_decimal(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);

#endif
