/* json_view.c: a recursive scanner with a bounded depth. See json_view.h.
 *
 * Each take_… function moves `at` over what it recognises and returns false, at some place behind,
 * when the text is something else.
 */
#include "core/base/json_view.h"

#include "core/base/utf8.h"

#include <ctype.h>

static bool json_view_take_value(struct bytes *at, unsigned depth);

static void json_view_skip_space(struct bytes *at)
{
    while (at->len > 0 &&
           (*at->at == ' ' || *at->at == '\n' || *at->at == '\r' || *at->at == '\t')) {
        at->at++;
        at->len--;
    }
}

static bool json_view_take(struct bytes *at, char c)
{
    json_view_skip_space(at);
    if (at->len == 0 || *at->at != c) {
        return false;
    }
    at->at++;
    at->len--;
    return true;
}

static void json_view_skip(struct bytes *at, size_t len)
{
    *at = (struct bytes){at->at + len, at->len - len};
}

/* Of what begins with a backslash; 0 when it is no escape. */
static size_t escape_len(struct bytes text)
{
    enum { HEX = 6 };
    if (text.len < 2 || text.at[1] == '\0') {
        return 0;
    }
    if (text.at[1] != 'u') {
        return strchr("\"\\/bfnrt", text.at[1]) != NULL ? 2 : 0;
    }
    for (size_t i = 2; i < HEX; i++) {
        if (i >= text.len || !isxdigit((unsigned char)text.at[i])) {
            return 0;
        }
    }
    return HEX;
}

/* Of a character that stands for itself; 0 when it must not. JSON allows more control characters
 * than this, but what is valid here may be passed on to a terminal as it is. */
static size_t plain_len(struct bytes text)
{
    return utf8_is_control(text) ? 0 : utf8_sequence(text);
}

static bool take_string(struct bytes *at)
{
    struct bytes rest = *at;
    if (rest.len == 0 || *rest.at != '"') {
        return false;
    }
    json_view_skip(&rest, 1);
    while (rest.len > 0 && *rest.at != '"') {
        size_t len = *rest.at == '\\' ? escape_len(rest) : plain_len(rest);
        if (len == 0) {
            return false;
        }
        json_view_skip(&rest, len);
    }
    if (rest.len == 0) {
        return false;
    }
    json_view_skip(&rest, 1);
    *at = rest;
    return true;
}

static bool take_container(struct bytes *at, char closing, unsigned depth)
{
    at->at++;
    at->len--;
    if (json_view_take(at, closing)) {
        return true;
    }
    do {
        if (closing == '}') {
            json_view_skip_space(at);
            if (!take_string(at) || !json_view_take(at, ':')) {
                return false;
            }
        }
        if (!json_view_take_value(at, depth + 1)) {
            return false;
        }
    } while (json_view_take(at, ','));
    return json_view_take(at, closing);
}

static bool take_word(struct bytes *at, const char *word)
{
    size_t len = strlen(word);
    if (!bytes_start_with(*at, bytes_of(word))) {
        return false;
    }
    *at = (struct bytes){at->at + len, at->len - len};
    return true;
}

/* One at least. */
static bool take_digits(struct bytes *at)
{
    size_t len = 0;
    while (len < at->len && at->at[len] >= '0' && at->at[len] <= '9') {
        len++;
    }
    json_view_skip(at, len);
    return len > 0;
}

static bool take_number(struct bytes *at)
{
    if (at->len > 0 && *at->at == '-') {
        json_view_skip(at, 1);
    }
    bool zero = at->len > 0 && *at->at == '0';
    if (zero) {
        json_view_skip(at, 1); /* nothing may follow a leading 0 */
    } else if (!take_digits(at)) {
        return false;
    }
    if (at->len > 0 && *at->at == '.') {
        json_view_skip(at, 1);
        if (!take_digits(at)) {
            return false;
        }
    }
    if (at->len == 0 || (*at->at != 'e' && *at->at != 'E')) {
        return true;
    }
    json_view_skip(at, 1);
    if (at->len > 0 && (*at->at == '+' || *at->at == '-')) {
        json_view_skip(at, 1);
    }
    return take_digits(at);
}

static bool json_view_take_value(struct bytes *at, unsigned depth)
{
    json_view_skip_space(at);
    if (at->len == 0 || depth > JSON_VIEW_DEPTH_MAX) {
        return false;
    }
    switch (*at->at) {
    case '{':
        return take_container(at, '}', depth);
    case '[':
        return take_container(at, ']', depth);
    case '"':
        return take_string(at);
    case 't':
        return take_word(at, "true");
    case 'f':
        return take_word(at, "false");
    case 'n':
        return take_word(at, "null");
    default:
        return take_number(at);
    }
}

bool json_view_valid(struct bytes text)
{
    if (!json_view_take_value(&text, 0)) {
        return false;
    }
    json_view_skip_space(&text);
    return text.len == 0;
}

static struct bytes json_view_between(struct bytes from, struct bytes to)
{
    return (struct bytes){from.at, (size_t)(to.at - from.at)};
}

bool json_view_next(struct bytes *rest, struct bytes *key, struct bytes *value)
{
    *key = *value = (struct bytes){rest->at, 0};
    if (!json_view_take(rest, '{') && !json_view_take(rest, '[') && !json_view_take(rest, ',')) {
        return false;
    }
    struct bytes start = *rest;
    if (!json_view_take_value(rest, 0)) {
        return false; /* the end of an empty container, too */
    }
    *value = json_view_between(start, *rest);
    if (!json_view_is(*value, '"') || !json_view_take(rest, ':')) {
        return true;
    }
    json_view_skip_space(value);
    *key = (struct bytes){value->at + 1, value->len - 2};
    start = *rest;
    if (!json_view_take_value(rest, 0)) {
        return false;
    }
    *value = json_view_between(start, *rest);
    return true;
}

bool json_view_member(struct bytes object, const char *key, struct bytes *value)
{
    struct bytes name;
    while (json_view_next(&object, &name, value)) {
        if (bytes_equal(name, bytes_of(key))) {
            return true;
        }
    }
    *value = (struct bytes){object.at, 0};
    return false;
}

bool json_view_is(struct bytes value, char opening)
{
    return json_view_take(&value, opening);
}

uint64_t json_view_number(struct bytes value)
{
    uint64_t number = 0;
    json_view_skip_space(&value);
    for (; value.len > 0 && *value.at >= '0' && *value.at <= '9'; value.at++, value.len--) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*value.at - '0'), &number)) {
            return UINT64_MAX;
        }
    }
    return number;
}

/* As UTF-8; returns its length. */
static size_t json_view_put_character(unsigned code, char out[4])
{
    if (code < 0x80) {
        out[0] = code < 0x20 || code == 0x7f ? '?' : (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

static unsigned take_escape(struct bytes *at)
{
    unsigned code = 0;
    if (at->len == 0) {
        return '?';
    }
    char c = *at->at;
    at->at++;
    at->len--;
    if (c != 'u') {
        return c == '"' || c == '\\' || c == '/' ? (unsigned)c : '?';
    }
    for (unsigned i = 0; i < 4; i++, at->at++, at->len--) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at->len > 0 && *at->at != '\0' ? strchr(digits, *at->at) : NULL;
        if (digit == NULL) {
            return '?';
        }
        code = code << 4 | (unsigned)(digit - digits) % 16;
    }
    bool half = code >= 0xd800 && code < 0xe000; /* of a pair; our own writer makes none */
    return half || (code >= 0x7f && code < 0xa0) ? '?' : code;
}

/* The next character, written as it shall be shown; returns that one's length. */
static size_t take_character(struct bytes *at, bool escapes, char out[4])
{
    size_t len = utf8_sequence(*at);
    if (len > 1 && !utf8_is_control(*at)) {
        memcpy(out, at->at, len);
        json_view_skip(at, len);
        return len;
    }
    unsigned char c = (unsigned char)*at->at;
    json_view_skip(at, len > 1 ? len : 1);
    if (c == '\\' && escapes) {
        return json_view_put_character(take_escape(at), out);
    }
    return json_view_put_character(len == 1 ? c : '?', out);
}

size_t json_view_text(struct bytes value, char *out, size_t size)
{
    json_view_skip_space(&value);
    bool string = json_view_is(value, '"') && value.len >= 2;
    if (string) {
        value = (struct bytes){value.at + 1, value.len - 2};
    }
    size_t len = 0;
    while (value.len > 0) {
        char text[4];
        size_t n = take_character(&value, string, text);
        if (len + n >= size) {
            break;
        }
        memcpy(out + len, text, n);
        len += n;
    }
    out[len] = '\0';
    return len;
}

void json_view_member_text(struct bytes object, const char *key, char *out, size_t size)
{
    struct bytes value;
    out[0] = '\0';
    if (json_view_member(object, key, &value) && json_view_is(value, '"')) {
        (void)json_view_text(value, out, size);
    }
}
