/* text_out.h: texts and numbers into a FILE without printf, which takes most of the time where
 * there is a line for each of ten million requests.
 *
 * Use: text_out_init, then the put functions, then text_out_flush before anybody else writes to the
 * FILE. Write errors show in its ferror. One thread.
 */
#ifndef TOOLS_TRACE_TEXT_OUT_H
#define TOOLS_TRACE_TEXT_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_OUT_SIZE = 16384 };

struct text_out {
    FILE *out;
    size_t len;
    char at[TEXT_OUT_SIZE];
};

void text_out_init(struct text_out *text, FILE *out);
void text_out_flush(struct text_out *text);

void text_out_put(struct text_out *text, const char *what);
void text_out_number(struct text_out *text, uint64_t value);
void text_out_signed(struct text_out *text, int64_t value);
/* Nanoseconds as microseconds: "-12.345", always three decimals. */
void text_out_us(struct text_out *text, int64_t ns);

#endif
