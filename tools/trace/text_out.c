/* text_out.c: a buffer, and numbers made in it. See text_out.h. */
#include "tools/trace/text_out.h"

#include "core/base/decimal.h"

#include <string.h>

static void text_out_put_bytes(struct text_out *text, const char *at, size_t len);
static uint64_t text_out_magnitude(int64_t value);

void text_out_init(struct text_out *text, FILE *out)
{
    text->out = out;
    text->len = 0;
}

void text_out_flush(struct text_out *text)
{
    (void)fwrite(text->at, 1, text->len, text->out); /* failing shows in ferror */
    text->len = 0;
}

void text_out_put(struct text_out *text, const char *what)
{
    text_out_put_bytes(text, what, strlen(what));
}

void text_out_number(struct text_out *text, uint64_t value)
{
    char digits[DECIMAL_MAX];
    text_out_put_bytes(text, digits, decimal_put(digits, value));
}

void text_out_signed(struct text_out *text, int64_t value)
{
    if (value < 0) {
        text_out_put_bytes(text, "-", 1);
    }
    text_out_number(text, text_out_magnitude(value));
}

void text_out_us(struct text_out *text, int64_t ns)
{
    uint64_t abs_ns = text_out_magnitude(ns);
    unsigned part = (unsigned)(abs_ns % 1000);
    if (ns < 0) {
        text_out_put_bytes(text, "-", 1);
    }
    text_out_number(text, abs_ns / 1000);
    char decimals[4] = {'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                        (char)('0' + part % 10)};
    text_out_put_bytes(text, decimals, sizeof decimals);
}

static void text_out_put_bytes(struct text_out *text, const char *at, size_t len)
{
    while (len > TEXT_OUT_SIZE - text->len) {
        size_t part = TEXT_OUT_SIZE - text->len;
        memcpy(text->at + text->len, at, part);
        text->len += part;
        at += part;
        len -= part;
        text_out_flush(text);
    }
    memcpy(text->at + text->len, at, len);
    text->len += len;
}

/* Of the lowest number, too. */
static uint64_t text_out_magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}
