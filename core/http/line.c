/* line.c: lines, tokens and field lines. See line.h. */
#include "core/http/line.h"

#include <stdint.h>

/* Sixteen characters a row, from NUL; the sums of the CHAR_ bits. Bytes over 0x7f are of no
 * class. */
const unsigned char http_chars[256] = {
    /* clang-format off */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  7,  0,  1,  7,  3,  7,  7,  6,  6,  7,  7,  6,  7,  7,  2,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  2,  6,  0,  6,  0,  2,
     2, 15, 15, 15, 15, 15, 15,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  2,  0,  2,  1,  7,
     1, 15, 15, 15, 15, 15, 15,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  0,  1,  0,  7,  0,
    /* clang-format on */
};

bool http_decimal(struct bytes text, unsigned long long *value)
{
    unsigned long long sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (unsigned)(text.at[i] - '0'), &sum)) {
            return false;
        }
    }
    *value = sum;
    return text.len > 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Is any of the eight bytes a control character? The subtraction borrows into the high bit of a
 * byte that is less than what is subtracted; ~word masks bytes over 0x7f. A borrow can spill into
 * the next byte only from one that is a control character itself, so the answer is exact. */
static bool has_control(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101, highs = ones * 0x80;
    uint64_t below_space = (word - ones * 0x20) & ~word & highs;
    uint64_t del_to_zero = word ^ (ones * 0x7f);
    uint64_t del = (del_to_zero - ones) & ~del_to_zero & highs;
    return (below_space | del) != 0;
}

static size_t next_control(const char *at, size_t here, size_t end)
{
    uint64_t word;
    while (end - here >= sizeof(word)) {
        memcpy(&word, at + here, sizeof(word));
        if (has_control(word)) {
            break;
        }
        here += sizeof(word);
    }
    while (here < end && !is_control(at[here])) {
        here++;
    }
    return here;
}

enum line_end http_line_scan(const char *at, size_t *scanned, size_t end)
{
    size_t here = next_control(at, *scanned, end);
    while (here < end && at[here] == '\t') {
        here = next_control(at, here + 1, end);
    }
    *scanned = here;
    if (here == end) {
        return LINE_OPEN;
    }
    if (at[here] != '\r') {
        return at[here] == '\n' ? LINE_BARE_LF : LINE_CONTROL;
    }
    if (here + 1 == end) {
        return LINE_OPEN;
    }
    if (at[here + 1] != '\n') {
        return LINE_BARE_CR;
    }
    *scanned = here + 2;
    return LINE_WHOLE;
}

const char *http_line_fault(enum line_end end)
{
    switch (end) {
    case LINE_BARE_LF:
        return "a line ends in LF without CR (RFC 9112 2.2)";
    case LINE_BARE_CR:
        return "CR without LF (RFC 9112 2.2)";
    case LINE_CONTROL:
        return "control character (RFC 9110 5.5)";
    case LINE_OPEN:
    case LINE_WHOLE:
        break;
    }
    return "no fault";
}

const char *http_field_fault(struct bytes line)
{
    size_t name_len = http_span(line, CHAR_TOKEN);
    char behind = name_len < line.len ? line.at[name_len] : '\0';
    if (name_len > 0 && behind == ':') {
        return NULL;
    }
    bool space = behind == ' ' || behind == '\t';
    if (name_len == 0) {
        return space ? "folded field line (RFC 9112 5.2)"
                     : "field without a valid name (RFC 9110 5.1)";
    }
    return space ? "white space before the colon of a field (RFC 9112 5.1)"
                 : "invalid character in a field name (RFC 9110 5.1)";
}
