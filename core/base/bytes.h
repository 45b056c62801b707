/* bytes.h: a view of bytes that another object owns, and the operations on such views.
 *
 * A view never outlives the memory that it points into; each struct that keeps one says whose it
 * is.
 */
#ifndef CORE_BASE_BYTES_H
#define CORE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct bytes {
    const char *at;
    size_t len;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case-insensitive, for field names and tokens. */
static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static inline bool bytes_start_with(struct bytes text, struct bytes start)
{
    return text.len >= start.len && (start.len == 0 || memcmp(text.at, start.at, start.len) == 0);
}

/* The view without spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
static inline struct bytes bytes_trim(struct bytes text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Cuts the next member off a comma-separated list, trimmed; false when the list is used up. Empty
 * members are skipped, as RFC 9110 5.6.1.2 asks of a recipient. Quoted strings are not special:
 * use it for lists of tokens only. */
bool bytes_next_member(struct bytes *list, struct bytes *member);

#endif
