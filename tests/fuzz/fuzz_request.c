/* fuzz_request.c: any bytes, cut in any way, as a stream of requests.
 *
 * The first byte seeds the cuts and picks the limits, the rest is what the client sends. The stream
 * is read twice, whole and in random parts, request by request as long as the parser wants; both
 * readings must agree on everything, and what the parser promises to handlers must hold.
 */
#include "core/http/parse.h"

#include "core/base/check.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 16 };

struct reader {
    struct parse parse;
    struct request request;
    struct input input;
    struct parse_limits limits;
    struct bytes unfed;
    uint32_t random; /* 0: everything at once */
};

static size_t next_part(struct reader *reader)
{
    size_t room = reader->input.capacity - reader->input.len;
    size_t most = room < reader->unfed.len ? room : reader->unfed.len;
    CHECK(room > 0);
    if (reader->random == 0) {
        return most;
    }
    reader->random = reader->random * 1664525 + 1013904223;
    size_t part = 1 + (reader->random >> 16) % 40;
    return part < most ? part : most;
}

static bool lies_in(struct bytes view, const char *at, size_t len)
{
    return view.len == 0 || (view.at >= at && view.at + view.len <= at + len);
}

static void check_path(const struct reader *reader)
{
    struct bytes path = reader->request.path;
    if (bytes_equal(path, BYTES("*"))) {
        CHECK(reader->request.method == METHOD_OPTIONS);
        return;
    }
    CHECK(path.len > 0 && path.at[0] == '/');
    for (size_t i = 0; i < path.len; i++) {
        struct bytes rest = {path.at + i, path.len - i};
        CHECK((unsigned char)path.at[i] >= 0x20 && path.at[i] != 0x7f);
        CHECK(!bytes_start_with(rest, BYTES("//")));
        CHECK(!bytes_start_with(rest, BYTES("/./")) && !bytes_equal(rest, BYTES("/.")));
        CHECK(!bytes_start_with(rest, BYTES("/../")) && !bytes_equal(rest, BYTES("/..")));
    }
}

static void check_whole(const struct reader *reader)
{
    const struct request *request = &reader->request;
    const struct input *input = &reader->input;
    const struct parse *parse = &reader->parse;
    CHECK(input->used <= input->len && parse->head_len <= input->used);
    CHECK(lies_in(request->line, input->at, parse->head_len));
    CHECK(lies_in(request->target, input->at, parse->head_len));
    CHECK(lies_in(request->host, input->at, parse->head_len));
    CHECK(lies_in(request->query, input->at, parse->head_len));
    CHECK(request->field_count <= REQUEST_FIELDS_MAX);
    for (unsigned i = 0; i < request->field_count; i++) {
        CHECK(lies_in(request->fields[i].name, input->at, parse->head_len));
        CHECK(lies_in(request->fields[i].value, input->at, parse->head_len));
    }
    CHECK(lies_in(request->body, input->at + parse->head_len, input->used - parse->head_len) ||
          lies_in(request->body, parse->body, parse->body_len));
    CHECK(request->body.len <= reader->limits.body_size);
    CHECK(request->chunked || request->body.len == request->content_length);
    check_path(reader);
}

static enum parse_verdict read_request(struct reader *reader)
{
    enum parse_verdict verdict = PARSE_MORE;
    struct input *input = &reader->input;
    parse_begin(&reader->parse, &reader->request, reader->limits);
    if (input->len > 0) {
        verdict = parse_step(&reader->parse, &reader->request, input);
    }
    while (verdict == PARSE_CONTINUE || (verdict == PARSE_MORE && reader->unfed.len > 0)) {
        size_t part = verdict == PARSE_CONTINUE ? 0 : next_part(reader);
        if (part > 0) {
            memcpy(input->at + input->len, reader->unfed.at, part);
        }
        input->len += part;
        reader->unfed = (struct bytes){reader->unfed.at + part, reader->unfed.len - part};
        verdict = parse_step(&reader->parse, &reader->request, input);
        CHECK(input->len <= input->capacity);
    }
    if (verdict == PARSE_WHOLE) {
        check_whole(reader);
    }
    return verdict;
}

static void check_same(const struct reader *a, const struct reader *b, enum parse_verdict verdict)
{
    const struct request *one = &a->request, *two = &b->request;
    CHECK(one->keep_alive == two->keep_alive);
    if (verdict == PARSE_REFUSED) {
        CHECK(a->parse.status == b->parse.status && a->parse.reason == b->parse.reason);
        CHECK(bytes_equal(one->line, two->line) && !one->keep_alive);
        return;
    }
    CHECK(one->method == two->method && one->minor == two->minor && one->chunked == two->chunked);
    CHECK(bytes_equal(one->target, two->target) && bytes_equal(one->path, two->path));
    CHECK(bytes_equal(one->query, two->query) && bytes_equal(one->host, two->host));
    CHECK(bytes_equal(one->body, two->body) && one->field_count == two->field_count);
    for (unsigned i = 0; i < one->field_count; i++) {
        CHECK(bytes_equal(one->fields[i].name, two->fields[i].name));
        CHECK(bytes_equal(one->fields[i].value, two->fields[i].value));
    }
    size_t behind = a->input.len - a->input.used + a->unfed.len;
    CHECK(behind == b->input.len - b->input.used + b->unfed.len);
}

static void reader_init(struct reader *reader, struct bytes text, struct parse_limits limits,
                        uint32_t random)
{
    memset(reader, 0xa5, sizeof(*reader));
    reader->limits = limits;
    reader->unfed = text;
    reader->random = random;
    reader->input = (struct input){.capacity = limits.header_size + INPUT_SLACK};
    reader->input.at = malloc(reader->input.capacity);
}

/* What the exchange does between two requests. */
static void reader_next(struct reader *reader)
{
    struct input *input = &reader->input;
    parse_end(&reader->parse);
    memmove(input->at, input->at + input->used, input->len - input->used);
    input->len -= input->used;
    input->used = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bytes text = {(const char *)data + 1, size - 1};
    struct parse_limits limits = {data[0] % 2 == 0 ? 256 : 1024, data[0] % 3 == 0 ? 64 : 8192};
    struct reader whole, parts;
    parse_init_process();
    reader_init(&whole, text, limits, 0);
    reader_init(&parts, text, limits, data[0] + 1u);
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        enum parse_verdict verdict = read_request(&whole);
        CHECK(read_request(&parts) == verdict);
        if (verdict == PARSE_WHOLE || verdict == PARSE_REFUSED) {
            check_same(&whole, &parts, verdict);
        }
        if (verdict != PARSE_WHOLE) {
            break;
        }
        reader_next(&whole);
        reader_next(&parts);
    }
    parse_end(&whole.parse);
    parse_end(&parts.parse);
    free(whole.input.at);
    free(parts.input.at);
    return 0;
}
