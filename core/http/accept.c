/* accept.c: reading Accept. See accept.h.
 *
 * A comma or semicolon inside a quoted string cuts the member in two, neither half of which says
 * anything: no type that we make has such a parameter.
 */
#include "core/http/accept.h"

/* One member of Accept. */
struct range {
    struct bytes type; /* "text/plain", or with a star for either part */
    struct bytes version;
    int weight;
};

int accept_qvalue(struct bytes text)
{
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1')) {
        return WEIGHT_BAD;
    }
    if (text.len > 1 && text.at[1] != '.') {
        return WEIGHT_BAD;
    }
    int weight = text.at[0] == '1' ? WEIGHT_FULL : 0;
    int unit = 100;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return WEIGHT_BAD;
        }
        weight += (text.at[i] - '0') * unit;
    }
    return weight <= WEIGHT_FULL ? weight : WEIGHT_BAD;
}

/* Cuts off what stands before the next semicolon, trimmed. */
static struct bytes next_part(struct bytes *rest)
{
    const char *semicolon = rest->len > 0 ? memchr(rest->at, ';', rest->len) : NULL;
    size_t len = semicolon != NULL ? (size_t)(semicolon - rest->at) : rest->len;
    struct bytes part = bytes_trim((struct bytes){rest->at, len});
    len += semicolon != NULL;
    *rest = (struct bytes){rest->at + len, rest->len - len};
    return part;
}

static struct bytes unquoted_text(struct bytes text)
{
    bool quoted = text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"';
    return quoted ? (struct bytes){text.at + 1, text.len - 2} : text;
}

static void read_range_parameter(struct bytes part, struct range *range)
{
    const char *equals = part.len > 0 ? memchr(part.at, '=', part.len) : NULL;
    if (equals == NULL) {
        return;
    }
    struct bytes name = {part.at, (size_t)(equals - part.at)};
    struct bytes value = unquoted_text((struct bytes){equals + 1, part.len - name.len - 1});
    if (bytes_equal_nocase(name, BYTES("q"))) {
        range->weight = accept_qvalue(value);
    } else if (bytes_equal_nocase(name, BYTES("version"))) {
        range->version = value;
    }
}

static struct range read_range(struct bytes member)
{
    struct range range = {.type = next_part(&member), .weight = WEIGHT_FULL};
    while (member.len > 0) {
        read_range_parameter(next_part(&member), &range);
    }
    return range;
}

/* The first part of a type, with its slash. */
static struct bytes family_of(struct bytes type)
{
    const char *slash = memchr(type.at, '/', type.len);
    return (struct bytes){type.at, slash != NULL ? (size_t)(slash - type.at) + 1 : 0};
}

static bool is_family(struct bytes range, struct bytes type)
{
    struct bytes family = family_of(type);
    return range.len == family.len + 1 && range.at[family.len] == '*' &&
           bytes_equal_nocase((struct bytes){range.at, family.len}, family);
}

/* UNSAID: it does not match. */
static enum accept_width width_of(const struct range *range, struct bytes type,
                                  struct bytes version)
{
    if (range->weight == WEIGHT_BAD ||
        (range->version.len > 0 && !bytes_equal(range->version, version))) {
        return ACCEPT_UNSAID;
    }
    if (bytes_equal_nocase(range->type, type)) {
        return range->version.len > 0 ? ACCEPT_VERSION : ACCEPT_TYPE;
    }
    if (is_family(range->type, type)) {
        return ACCEPT_FAMILY;
    }
    return bytes_equal(range->type, BYTES("*/*")) ? ACCEPT_ANY : ACCEPT_UNSAID;
}

/* Of two ranges that are equally narrow the better one counts. */
static void note_match(struct accept_match *match, enum accept_width width, int weight)
{
    bool better = width == match->width && weight > match->weight;
    if (width != ACCEPT_UNSAID && (width > match->width || better)) {
        *match = (struct accept_match){width, weight};
    }
}

struct accept_match accept_type(const struct request *request, struct bytes type,
                                struct bytes version)
{
    struct accept_match match = {ACCEPT_UNSAID, 0};
    bool said = false;
    for (unsigned i = 0; i < request->field_count; i++) {
        if (!bytes_equal_nocase(request->fields[i].name, BYTES("Accept"))) {
            continue;
        }
        struct bytes list = request->fields[i].value, member;
        while (bytes_next_member(&list, &member)) {
            struct range range = read_range(member);
            note_match(&match, width_of(&range, type, version), range.weight);
            said = true;
        }
    }
    return said ? match : (struct accept_match){ACCEPT_ANY, WEIGHT_FULL};
}
