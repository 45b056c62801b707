/* ranges.c: reading Range. See ranges.h. */
#include "core/http/ranges.h"

/* One range-spec as written; a number that is too large for us is the largest we have, which is
 * past any end. */
struct spec {
    bool has_first, has_last;
    uint64_t first, last; /* without a first, `last` is the length of a suffix */
};

static bool read_number(struct bytes text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(text.at[i] - '0');
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    return true;
}

/* int-range "first-" or "first-last", suffix-range "-length" (RFC 9110 14.1.1). */
static bool read_spec(struct bytes text, struct spec *spec)
{
    const char *dash = memchr(text.at, '-', text.len);
    if (dash == NULL) {
        return false;
    }
    size_t before = (size_t)(dash - text.at), after = text.len - before - 1;
    spec->has_first = before > 0;
    spec->has_last = after > 0;
    if (!read_number((struct bytes){text.at, before}, &spec->first) ||
        !read_number((struct bytes){dash + 1, after}, &spec->last)) {
        return false;
    }
    if (!spec->has_first) {
        return spec->has_last;
    }
    return !spec->has_last || spec->first <= spec->last;
}

/* The bytes that a spec names, cut to what there is (RFC 9110 14.1.2); false when there are
 * none. */
static bool resolve_range(const struct spec *spec, uint64_t length, struct range *range)
{
    if (!spec->has_first) {
        range->len = spec->last < length ? spec->last : length;
        range->first = length - range->len;
        return range->len > 0;
    }
    if (spec->first >= length) {
        return false;
    }
    uint64_t last = spec->has_last && spec->last < length ? spec->last : length - 1;
    *range = (struct range){spec->first, last - spec->first + 1};
    return true;
}

static bool ranges_overlap(const struct ranges *ranges, const struct range *new)
{
    for (unsigned i = 0; i < ranges->count; i++) {
        const struct range *old = &ranges->at[i];
        if (new->first < old->first + old->len && old->first < new->first + new->len) {
            return true;
        }
    }
    return false;
}

/* Takes the unit off (RFC 9110 14.1): only "bytes" is known. */
static bool read_unit(struct bytes *value)
{
    struct bytes unit = BYTES("bytes=");
    if (value->len < unit.len || !bytes_equal_nocase((struct bytes){value->at, unit.len}, unit)) {
        return false;
    }
    *value = (struct bytes){value->at + unit.len, value->len - unit.len};
    return true;
}

/* An empty representation has no byte to name in Content-Range: it is sent whole. */
enum ranges_verdict ranges_read(struct bytes value, uint64_t length, struct ranges *ranges)
{
    unsigned specs = 0;
    struct bytes member;
    ranges->count = 0;
    if (!read_unit(&value)) {
        return RANGES_WHOLE;
    }
    while (bytes_next_member(&value, &member)) {
        struct spec spec;
        struct range range;
        if (++specs > RANGES_MAX || !read_spec(member, &spec)) {
            return RANGES_WHOLE;
        }
        if (!resolve_range(&spec, length, &range)) {
            continue;
        }
        if (ranges_overlap(ranges, &range)) {
            return RANGES_WHOLE;
        }
        ranges->at[ranges->count++] = range;
    }
    if (ranges->count > 0) {
        return RANGES_SOME;
    }
    return specs > 0 && length > 0 ? RANGES_UNSATISFIABLE : RANGES_WHOLE;
}
