/* line.h: the smallest pieces of HTTP/1.1 text: lines, tokens and field lines.
 *
 * Used for the head and again for what frames a chunked body, so that the same rules hold in both
 * places. Only CRLF ends a line: RFC 9112 2.2 lets a recipient take a bare LF for one, but a server
 * that does while the proxy before it does not reads other requests than the proxy sent.
 *
 * Pure functions over views. Any thread.
 */
#ifndef CORE_HTTP_LINE_H
#define CORE_HTTP_LINE_H

#include "core/base/bytes.h"

/* What a character may be part of; bits of http_chars[]. */
enum {
    CHAR_TOKEN = 1,  /* token (RFC 9110 5.6.2) */
    CHAR_TARGET = 2, /* request target: what RFC 3986 allows in a URI, and [ ], but no fragment */
    CHAR_HOST = 4,   /* reg-name (RFC 3986 3.2.2), without the % of an escape */
    CHAR_HEX = 8,
};
extern const unsigned char http_chars[256];

/* How many characters at the front of `text` are of that class. */
static inline size_t http_span(struct bytes text, unsigned class)
{
    size_t len = 0;
    while (len < text.len && (http_chars[(unsigned char)text.at[len]] & class) != 0) {
        len++;
    }
    return len;
}

/* A non-empty text, all of that class. */
static inline bool http_is_all(struct bytes text, unsigned class)
{
    return text.len > 0 && http_span(text, class) == text.len;
}

/* The value of a character of class CHAR_HEX. */
static inline unsigned http_hex_value(char c)
{
    unsigned low = (unsigned char)c & 0x0f;
    return c <= '9' ? low : low + 9;
}

/* A non-empty run of digits of any length as a number; false when it is none, or overflows. */
bool http_decimal(struct bytes text, unsigned long long *value);

enum line_end {
    LINE_OPEN,  /* no end in sight yet */
    LINE_WHOLE, /* ended by CRLF */
    LINE_BARE_LF,
    LINE_BARE_CR,
    LINE_CONTROL, /* a control character; TAB is let through */
};

/* Looks for the end of a line in at[*scanned … end). LINE_OPEN: *scanned is where to go on when
 * more has come. LINE_WHOLE: it is behind the CRLF. A fault: it is at the offending byte. */
enum line_end http_line_scan(const char *at, size_t *scanned, size_t end);

/* The fault as a static text. */
const char *http_line_fault(enum line_end end);

/* What is wrong with a field line (RFC 9112 5; without its CRLF, already scanned): static text, or
 * NULL when its name is a token directly followed by a colon. */
const char *http_field_fault(struct bytes line);

#endif
