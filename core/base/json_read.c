/* json_read.c: libjansson within limits. See json_read.h. */
#include "core/base/json_read.h"

#include "core/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static void json_read_fail(char *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void json_read_fail(char *error, const char *fmt, ...)
{
    va_list args;
    if (error == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(error, JSON_READ_ERROR, fmt, args);
    va_end(args);
}

/* White space may stand between values; in a string libjansson refuses it. What is no UTF-8 is left
 * to libjansson as well. */
static bool has_json_control(struct bytes text, size_t *at)
{
    const char *start = text.at;
    while (text.len > 0) {
        bool space = *text.at == '\n' || *text.at == '\r' || *text.at == '\t';
        if (!space && utf8_is_control(text)) {
            *at = (size_t)(text.at - start);
            return true;
        }
        size_t len = utf8_sequence(text);
        text = (struct bytes){text.at + (len > 0 ? len : 1), text.len - (len > 0 ? len : 1)};
    }
    return false;
}

/* libjansson has a limit of its own for the parse, of some thousand. */
static bool is_json_too_deep(const json_t *value, unsigned depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (depth > JSON_READ_DEPTH_MAX) {
        return true;
    }
    json_array_foreach(value, i, member)
    {
        if (is_json_too_deep(member, depth + 1)) {
            return true;
        }
    }
    json_object_foreach((json_t *)value, key, member)
    {
        if (is_json_too_deep(member, depth + 1)) {
            return true;
        }
    }
    return false;
}

/* libjansson keeps whole numbers as signed ones. Where one does not fit, all are kept as reals. */
static json_t *load_json(struct bytes text, json_error_t *why)
{
    const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
    json_t *root = json_loadb(text.at, text.len, flags, why);
    if (root == NULL && json_error_code(why) == json_error_numeric_overflow) {
        root = json_loadb(text.at, text.len, flags | JSON_DECODE_INT_AS_REAL, why);
    }
    return root;
}

json_t *json_read(struct bytes text, char error[JSON_READ_ERROR])
{
    json_error_t why;
    size_t at;
    if (text.len > JSON_READ_SIZE_MAX) {
        json_read_fail(error, "%zu bytes of JSON, at most %d are read", text.len,
                       JSON_READ_SIZE_MAX);
        return NULL;
    }
    if (has_json_control(text, &at)) {
        json_read_fail(error, "byte %zu: a control character in JSON", at);
        return NULL;
    }
    json_t *root = load_json(text, &why);
    if (root == NULL) {
        json_read_fail(error, "byte %d: %s", why.position, why.text);
    } else if (is_json_too_deep(root, 0)) {
        json_read_fail(error, "JSON is nested deeper than %d", JSON_READ_DEPTH_MAX);
        json_decref(root);
        root = NULL;
    }
    return root;
}

uint64_t json_read_number(const json_t *value)
{
    static const double too_large = 18446744073709551616.0;
    if (json_is_integer(value)) {
        return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    }
    double real = json_real_value(value); /* 0 when it is none */
    if (real >= too_large) {
        return UINT64_MAX;
    }
    return real > 0 ? (uint64_t)real : 0;
}

uint64_t json_read_count(const json_t *object, const char *key)
{
    return json_read_number(json_object_get(object, key));
}

/* The next character, of at most four bytes, as it may be shown; returns that one's length. */
static size_t put_shown_character(char *out, struct bytes *text)
{
    size_t len = utf8_sequence(*text);
    bool plain = len > 0 && !utf8_is_control(*text);
    size_t used = len > 0 ? len : 1;
    memcpy(out, plain ? text->at : "?", plain ? len : 1);
    *text = (struct bytes){text->at + used, text->len - used};
    return plain ? len : 1;
}

size_t json_read_shown(struct bytes text, char *out, size_t size)
{
    size_t len = 0;
    while (text.len > 0) {
        char shown[4];
        size_t n = put_shown_character(shown, &text);
        if (len + n >= size) {
            break;
        }
        memcpy(out + len, shown, n);
        len += n;
    }
    out[len] = '\0';
    return len;
}

size_t json_read_text(const json_t *value, char *out, size_t size)
{
    struct bytes text = {json_string_value(value), json_string_length(value)};
    return json_read_shown(text, out, size);
}

size_t json_read_word(const json_t *object, const char *key, char *out, size_t size)
{
    return json_read_text(json_object_get(object, key), out, size);
}
