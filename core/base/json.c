/* json.c: writing JSON. See json.h.
 *
 * Members of the two outermost levels stand on lines of their own, deeper ones share a line: a
 * person can read the result, and a long list of small objects takes one line each.
 */
#include "core/base/json.h"

#include "core/base/check.h"
#include "core/base/decimal.h"
#include "core/base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_DEPTH = 2 };

void json_begin(struct json *json, FILE *out)
{
    *json = (struct json){.out = out};
}

static void new_line(struct json *json)
{
    fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* Writes the character at `at` and returns how many bytes of text it took. */
static size_t put_character(FILE *out, const unsigned char *at)
{
    struct bytes rest = {(const char *)at, strnlen((const char *)at, 4)};
    if (*at == '"' || *at == '\\') {
        fprintf(out, "\\%c", *at);
        return 1;
    }
    if (*at < 0x20 || *at == 0x7f) {
        fprintf(out, "\\u%04x", *at);
        return 1;
    }
    size_t len = utf8_sequence(rest);
    if (len == 2 && utf8_is_control(rest)) {
        fprintf(out, "\\u%04x", at[1]); /* its code point is its second byte */
        return len;
    }
    if (len == 0) {
        fputs("\xef\xbf\xbd", out); /* U+FFFD */
        return 1;
    }
    fwrite(at, 1, len, out);
    return len;
}

/* How many characters from here on stand for themselves. */
static size_t plain_length(const unsigned char *at)
{
    size_t len = 0;
    while (at[len] >= 0x20 && at[len] < 0x7f && at[len] != '"' && at[len] != '\\') {
        len++;
    }
    return len;
}

static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t plain = plain_length(at);
        if (plain > 0) {
            fwrite(at, 1, plain, out);
            at += plain;
        } else {
            at += put_character(out, at);
        }
    }
    fputc('"', out);
}

/* What stands before a value: the comma, the line break and the key. */
static void begin_member(struct json *json, const char *key)
{
    if (json->depth == 0) {
        CHECK(key == NULL);
        return;
    }
    unsigned level = json->depth - 1;
    CHECK((key != NULL) == (json->closing[level] == '}'));
    if (json->some[level]) {
        fputc(',', json->out);
    }
    if (json->depth <= LINES_DEPTH) {
        new_line(json);
    } else if (json->some[level]) {
        fputc(' ', json->out);
    }
    json->some[level] = true;
    if (key != NULL) {
        put_string(json->out, key);
        fputs(": ", json->out);
    }
}

static void open_level(struct json *json, const char *key, char opening, char closing)
{
    CHECK(json->depth < JSON_DEPTH_MAX);
    begin_member(json, key);
    fputc(opening, json->out);
    json->some[json->depth] = false;
    json->closing[json->depth] = closing;
    json->depth++;
}

void json_begin_object(struct json *json, const char *key)
{
    open_level(json, key, '{', '}');
}

void json_begin_array(struct json *json, const char *key)
{
    open_level(json, key, '[', ']');
}

void json_end(struct json *json)
{
    CHECK(json->depth > 0);
    json->depth--;
    if (json->some[json->depth] && json->depth < LINES_DEPTH) {
        new_line(json);
    }
    fputc(json->closing[json->depth], json->out);
    if (json->depth == 0) {
        fputc('\n', json->out);
    }
}

void json_text(struct json *json, const char *key, const char *text)
{
    begin_member(json, key);
    if (text == NULL) {
        fputs("null", json->out);
        return;
    }
    put_string(json->out, text);
}

/* A report has thousands of numbers, and a server that writes a trace makes several reports a
 * second. */
void json_number(struct json *json, const char *key, uint64_t value)
{
    char digits[DECIMAL_MAX];
    begin_member(json, key);
    fwrite(digits, 1, decimal_put(digits, value), json->out);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
    begin_member(json, key);
    fprintf(json->out, "%" PRId64, value);
}

/* JSON has no word for infinity or "not a number": both are null. */
void json_decimal(struct json *json, const char *key, double value)
{
    begin_member(json, key);
    if (!isfinite(value)) {
        fputs("null", json->out);
        return;
    }
    /* 15 digits read well; where they lose something, 17 never do. */
    char text[32];
    snprintf(text, sizeof(text), "%.15g", value);
    double again = strtod(text, NULL);
    if (again < value || again > value) {
        snprintf(text, sizeof(text), "%.17g", value);
    }
    fputs(text, json->out);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin_member(json, key);
    fputs(value ? "true" : "false", json->out);
}
