/* request.c: lookups in a request. See request.h.
 *
 * Lookups walk the fields or the query from the front: a request has a dozen fields, and an index
 * over them would cost more to build than it saves.
 */
#include "core/http/request.h"

#include "core/http/line.h"

enum { QUERY_DIGITS_MAX = 18 }; /* no number of so many digits overflows */

struct bytes request_field(const struct request *request, struct bytes name)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (bytes_equal_nocase(request->fields[i].name, name)) {
            return request->fields[i].value;
        }
    }
    return (struct bytes){NULL, 0};
}

static bool list_has_token(struct bytes list, struct bytes token)
{
    struct bytes member;
    while (bytes_next_member(&list, &member)) {
        if (bytes_equal_nocase(member, token)) {
            return true;
        }
    }
    return false;
}

bool request_field_has_token(const struct request *request, struct bytes name, struct bytes token)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct field *field = &request->fields[i];
        if (bytes_equal_nocase(field->name, name) && list_has_token(field->value, token)) {
            return true;
        }
    }
    return false;
}

bool request_query_number(const struct request *request, struct bytes name, uint64_t *out,
                          bool *bad)
{
    struct bytes text = request_query_text(request, name);
    if (text.at == NULL) {
        return false;
    }
    unsigned long long value;
    if (text.len > QUERY_DIGITS_MAX || !http_decimal(text, &value)) {
        *bad = true;
        return true;
    }
    *out = value;
    return true;
}

/* Cuts the first parameter (name=value, or a name alone) off the query. */
static struct bytes next_parameter(struct bytes *query)
{
    const char *mark = memchr(query->at, '&', query->len);
    size_t len = mark != NULL ? (size_t)(mark - query->at) : query->len;
    struct bytes parameter = {query->at, len};
    size_t used = mark != NULL ? len + 1 : len;
    *query = (struct bytes){query->at + used, query->len - used};
    return parameter;
}

struct bytes request_query_text(const struct request *request, struct bytes name)
{
    struct bytes query = request->query;
    while (query.len > 0) {
        struct bytes parameter = next_parameter(&query);
        const char *mark = parameter.len > 0 ? memchr(parameter.at, '=', parameter.len) : NULL;
        size_t name_len = mark != NULL ? (size_t)(mark - parameter.at) : parameter.len;
        if (name_len == 0 || !bytes_equal((struct bytes){parameter.at, name_len}, name)) {
            continue;
        }
        size_t skipped = mark != NULL ? name_len + 1 : name_len;
        return (struct bytes){parameter.at + skipped, parameter.len - skipped};
    }
    return (struct bytes){NULL, 0};
}
