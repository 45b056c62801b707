/* conditional.c: preconditions of a request. See conditional.h. */
#include "core/http/conditional.h"

#include "core/http/date.h"

/* The value of a field that must come once: a repeated one has no meaning and counts as absent. */
static struct bytes only_field(const struct request *request, struct bytes name)
{
    struct bytes found = {0};
    for (unsigned i = 0; i < request->field_count; i++) {
        if (bytes_equal_nocase(request->fields[i].name, name)) {
            if (found.at != NULL) {
                return (struct bytes){0};
            }
            found = request->fields[i].value;
        }
    }
    return found;
}

static bool has_field(const struct request *request, struct bytes name)
{
    return request_field(request, name).at != NULL;
}

static time_t date_field(const struct request *request, struct bytes name)
{
    struct bytes value = only_field(request, name);
    return value.at != NULL ? http_date_parse(value.at, value.len) : (time_t)-1;
}

/* --- entity tags (RFC 9110 8.8.3) --- */

struct etag {
    bool weak;
    struct bytes opaque; /* with its quotes */
};

static bool is_etag_char(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/* Takes one entity tag off the front. A tag may hold commas, so it is read to its closing quote. */
static bool read_etag(struct bytes *text, struct etag *etag)
{
    etag->weak = bytes_start_with(*text, BYTES("W/"));
    size_t start = etag->weak ? 2 : 0;
    if (text->len <= start || text->at[start] != '"') {
        return false;
    }
    size_t end = start + 1;
    while (end < text->len && is_etag_char(text->at[end])) {
        end++;
    }
    if (end == text->len || text->at[end] != '"') {
        return false;
    }
    end++;
    etag->opaque = (struct bytes){text->at + start, end - start};
    *text = (struct bytes){text->at + end, text->len - end};
    return true;
}

/* Skips the commas and white space between two members; false when nothing is left or two members
 * touch. */
static bool next_in_list(struct bytes *list, bool first)
{
    bool separated = first;
    while (list->len > 0 && (list->at[0] == ' ' || list->at[0] == '\t' || list->at[0] == ',')) {
        separated |= list->at[0] == ',';
        list->at++;
        list->len--;
    }
    return separated && list->len > 0;
}

/* RFC 9110 8.8.3.2: by strong comparison a weak tag matches nothing. What follows a malformed
 * member is not read. */
static bool list_matches(struct bytes list, struct bytes ours, bool strong)
{
    struct etag etag;
    for (bool first = true; next_in_list(&list, first) && read_etag(&list, &etag); first = false) {
        if (bytes_equal(etag.opaque, ours) && !(strong && etag.weak)) {
            return true;
        }
    }
    return false;
}

/* A list may be spread over several fields (RFC 9110 5.3). "*" matches whatever exists, and we have
 * a file. */
static bool field_matches(const struct request *request, struct bytes name, struct bytes ours,
                          bool strong)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (!bytes_equal_nocase(request->fields[i].name, name)) {
            continue;
        }
        struct bytes value = request->fields[i].value;
        if (bytes_equal(value, BYTES("*")) || list_matches(value, ours, strong)) {
            return true;
        }
    }
    return false;
}

/* --- the two questions --- */

/* Steps 1 and 2 of RFC 9110 13.2.2: If-Unmodified-Since counts only without If-Match. */
static bool state_is_expected(const struct request *request, const struct validators *now)
{
    if (has_field(request, BYTES("If-Match"))) {
        return field_matches(request, BYTES("If-Match"), now->etag, true);
    }
    time_t since = date_field(request, BYTES("If-Unmodified-Since"));
    return since == (time_t)-1 || now->modified <= since;
}

/* Steps 3 and 4: If-Modified-Since counts only without If-None-Match. */
static bool client_has_it(const struct request *request, const struct validators *now)
{
    if (has_field(request, BYTES("If-None-Match"))) {
        return field_matches(request, BYTES("If-None-Match"), now->etag, false);
    }
    time_t since = date_field(request, BYTES("If-Modified-Since"));
    return since != (time_t)-1 && now->modified <= since;
}

enum precondition conditional_check(const struct request *request, const struct validators *now)
{
    if (!state_is_expected(request, now)) {
        return PRECONDITION_FAILED;
    }
    return client_has_it(request, now) ? PRECONDITION_NOT_MODIFIED : PRECONDITION_HOLDS;
}

bool conditional_range_holds(const struct request *request, const struct validators *now)
{
    if (!has_field(request, BYTES("If-Range"))) {
        return true;
    }
    struct bytes value = only_field(request, BYTES("If-Range"));
    struct etag etag;
    if (value.at != NULL && read_etag(&value, &etag)) {
        return value.len == 0 && !etag.weak && bytes_equal(etag.opaque, now->etag);
    }
    time_t date = date_field(request, BYTES("If-Range"));
    return date != (time_t)-1 && date == now->modified;
}
