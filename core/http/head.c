/* head.c: the meaning of a head. See head.h. */
#include "core/http/head.h"

#include "core/base/check.h"
#include "core/http/line.h"
#include "core/http/target.h"

/* The fields that this file reads, found in one walk. A view is the first such field's value. */
struct known_fields {
    unsigned hosts, lengths, codings;
    struct bytes host, length, coding;
    bool close, keep_alive;       /* members of Connection */
    bool continues, expects_else; /* Expect */
    unsigned limits;              /* how often Keep-Alive names a timeout */
    bool limit_is_nonsense;       /* or something that is unreadable */
    unsigned long long limit_s;
};

/* A client that allows more seconds than so many digits hold has no limit. */
enum { LIMIT_DIGITS_MAX = 9 };

static void count_first(unsigned *count, struct bytes *first, struct bytes value)
{
    if ((*count)++ == 0) {
        *first = value;
    }
}

static void collect_connection(struct known_fields *known, struct bytes list)
{
    struct bytes option;
    while (bytes_next_member(&list, &option)) {
        known->close |= bytes_equal_nocase(option, BYTES("close"));
        known->keep_alive |= bytes_equal_nocase(option, BYTES("keep-alive"));
    }
}

/* One member of Keep-Alive: a token, or token=token. No RFC in force defines the field (RFC 9112
 * C.2.2 mentions it), so what is not understood is ignored and never refused. */
static void collect_limit(struct known_fields *known, struct bytes member)
{
    size_t name_len = http_span(member, CHAR_TOKEN);
    struct bytes name = {member.at, name_len};
    struct bytes value = {member.at + name_len, member.len - name_len};
    if (value.len > 0 && value.at[0] == '=') {
        value = (struct bytes){value.at + 1, value.len - 1};
        known->limit_is_nonsense |= !http_is_all(value, CHAR_TOKEN);
    } else {
        known->limit_is_nonsense |= value.len > 0;
    }
    known->limit_is_nonsense |= name_len == 0;
    if (bytes_equal_nocase(name, BYTES("timeout"))) {
        known->limits++;
        known->limit_is_nonsense |=
            value.len > LIMIT_DIGITS_MAX || !http_decimal(value, &known->limit_s);
    }
}

static void collect_limits(struct known_fields *known, struct bytes list)
{
    struct bytes member;
    while (bytes_next_member(&list, &member)) {
        collect_limit(known, member);
    }
}

static void collect_fields(const struct request *request, struct known_fields *known)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        struct bytes name = request->fields[i].name, value = request->fields[i].value;
        if (bytes_equal_nocase(name, BYTES("Host"))) {
            count_first(&known->hosts, &known->host, value);
        } else if (bytes_equal_nocase(name, BYTES("Content-Length"))) {
            count_first(&known->lengths, &known->length, value);
        } else if (bytes_equal_nocase(name, BYTES("Transfer-Encoding"))) {
            count_first(&known->codings, &known->coding, value);
        } else if (bytes_equal_nocase(name, BYTES("Connection"))) {
            collect_connection(known, value);
        } else if (bytes_equal_nocase(name, BYTES("Keep-Alive"))) {
            collect_limits(known, value);
        } else if (bytes_equal_nocase(name, BYTES("Expect"))) {
            bool continues = bytes_equal_nocase(value, BYTES("100-continue"));
            known->continues |= continues;
            known->expects_else |= !continues;
        }
    }
}

/* RFC 9112 3.2: a missing, second or invalid Host is answered with 400, whatever the target
 * says. */
static bool check_host(struct parse *parse, struct request *request,
                       const struct known_fields *known)
{
    if (known->hosts > 1) {
        return parse_refuse(parse, 400, "more than one Host (RFC 9112 3.2)");
    }
    if (known->hosts == 0 && request->minor >= 1) {
        return parse_refuse(parse, 400, "no Host (RFC 9112 3.2)");
    }
    if (known->hosts > 0 && !http_host_is_valid(known->host)) {
        return parse_refuse(parse, 400, "invalid Host (RFC 9112 3.2)");
    }
    request->host = known->host;
    return true;
}

static bool read_path(struct parse *parse, struct request *request, struct bytes raw)
{
    if (http_path_is_plain(raw)) {
        request->path = raw;
        return true;
    }
    char *store = parse->path_store;
    if (raw.len > sizeof(parse->path_store)) {
        store = parse->long_path = must_alloc(raw.len);
    }
    request->path.at = store;
    const char *fault = http_path_decode(raw, store, &request->path.len);
    if (fault != NULL) {
        request->path = (struct bytes){NULL, 0};
        return parse_refuse(parse, 400, fault);
    }
    return true;
}

static bool read_target(struct parse *parse, struct request *request)
{
    struct http_target parts;
    bool options = request->method == METHOD_OPTIONS;
    const char *fault = http_target_split(request->target, options, &parts);
    if (fault != NULL) {
        return parse_refuse(parse, 400, fault);
    }
    request->query = parts.query;
    if (parts.authority.at != NULL) {
        /* RFC 9112 3.2.2: the host of an absolute target counts, the Host field does not. */
        request->host = parts.authority;
    }
    return read_path(parse, request, parts.path);
}

/* Looks at all codings of a request that has not simply "chunked"; always refuses. */
static bool refuse_coding(struct parse *parse, const struct request *request)
{
    bool other = false, last_chunked = false;
    for (unsigned i = 0; i < request->field_count; i++) {
        struct bytes list = request->fields[i].value, coding;
        if (!bytes_equal_nocase(request->fields[i].name, BYTES("Transfer-Encoding"))) {
            continue;
        }
        while (bytes_next_member(&list, &coding)) {
            if (last_chunked) {
                return parse_refuse(parse, 400, "chunked is not the last coding (RFC 9112 6.1)");
            }
            last_chunked = bytes_equal_nocase(coding, BYTES("chunked"));
            other |= !last_chunked;
        }
    }
    if (!last_chunked) {
        return parse_refuse(parse, 400, "the last transfer coding is not chunked (RFC 9112 6.3)");
    }
    if (!other) {
        return parse_refuse(parse, 400, "empty member in Transfer-Encoding (RFC 9112 6.1)");
    }
    return parse_refuse(parse, 501, "transfer coding other than chunked (RFC 9112 6.1)");
}

static bool check_coding(struct parse *parse, struct request *request,
                         const struct known_fields *known)
{
    if (request->minor == 0) {
        return parse_refuse(parse, 400, "Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)");
    }
    if (known->codings > 1 || !bytes_equal_nocase(known->coding, BYTES("chunked"))) {
        return refuse_coding(parse, request);
    }
    request->chunked = true;
    return true;
}

static bool check_length(struct parse *parse, struct request *request,
                         const struct known_fields *known)
{
    unsigned long long length;
    /* RFC 9112 6.3 would let us take a list of equal numbers for one; no honest client sends it. */
    if (known->lengths > 1) {
        return parse_refuse(parse, 400, "more than one Content-Length (RFC 9112 6.3)");
    }
    if (!http_decimal(known->length, &length)) {
        return parse_refuse(parse, 400, "invalid Content-Length (RFC 9110 8.6)");
    }
    if (length > parse->limits.body_size) {
        return parse_refuse(parse, 413, "declared body over the limit");
    }
    request->content_length = length;
    return true;
}

/* RFC 9112 6.3. Both fields together are how requests are smuggled; 6.1 allows us to refuse
 * them. */
static bool check_framing(struct parse *parse, struct request *request,
                          const struct known_fields *known)
{
    if (known->codings > 0 && known->lengths > 0) {
        return parse_refuse(parse, 400, "Transfer-Encoding with Content-Length (RFC 9112 6.1)");
    }
    if (known->codings > 0) {
        return check_coding(parse, request, known);
    }
    return known->lengths == 0 || check_length(parse, request, known);
}

/* RFC 9110 10.1.1: in HTTP/1.0 the field is ignored; without a body no client waits for the 100. */
static bool check_expect(struct parse *parse, struct request *request,
                         const struct known_fields *known)
{
    if (request->minor == 0) {
        return true;
    }
    if (known->expects_else) {
        return parse_refuse(parse, 417, "expectation other than 100-continue (RFC 9110 10.1.1)");
    }
    request->expect_continue =
        known->continues && (request->chunked || request->content_length > 0);
    return true;
}

bool http_head_check(struct parse *parse, struct request *request)
{
    struct known_fields known = {0};
    collect_fields(request, &known);
    if (!check_host(parse, request, &known) || !read_target(parse, request) ||
        !check_framing(parse, request, &known) || !check_expect(parse, request, &known)) {
        return false;
    }
    /* RFC 9112 9.3. */
    request->keep_alive = !known.close && (request->minor >= 1 || known.keep_alive);
    request->idle_limit_s = known.limits == 1 && !known.limit_is_nonsense ? known.limit_s : 0;
    return true;
}
