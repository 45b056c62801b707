/* fuzz_response.c: any bytes as what a server sends. Read whole or one byte at a time, they are the
 * same responses: the same verdicts, statuses and bodies, and no byte is read twice or left out.
 */
#include "core/base/check.h"
#include "tools/load/response_parse.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { RESPONSES_MAX = 64 };

struct reading {
    unsigned count;
    struct {
        enum response_verdict verdict;
        int status;
        uint64_t body;
        bool keep_alive;
    } at[RESPONSES_MAX];
    uint64_t body_sum; /* of all bodies' bytes, as body_fn saw them */
};

static void add_body(void *arg, const char *at, size_t len)
{
    struct reading *reading = arg;
    for (size_t i = 0; i < len; i++) {
        reading->body_sum = reading->body_sum * 31 + (unsigned char)at[i];
    }
}

static void note(struct reading *reading, const struct response_parse *parse,
                 enum response_verdict verdict)
{
    reading->at[reading->count].verdict = verdict;
    reading->at[reading->count].status = parse->status;
    reading->at[reading->count].body = parse->body;
    reading->at[reading->count++].keep_alive = parse->keep_alive;
}

/* Reads in pieces of at most `piece` bytes, as a connection does. */
static void read_all(struct reading *reading, const char *at, size_t len, size_t piece, bool head)
{
    struct response_parse parse = {.body_fn = add_body, .body_arg = reading};
    enum response_verdict verdict = RESPONSE_MORE;
    memset(reading, 0, sizeof *reading);
    response_begin(&parse, head);
    while (len > 0 && reading->count < RESPONSES_MAX - 1) {
        size_t most = len < piece ? len : piece, used = 0;
        verdict = response_step(&parse, at, most, &used);
        CHECK(used <= most && (verdict != RESPONSE_MORE || used == most));
        at += used;
        len -= used;
        if (verdict == RESPONSE_MALFORMED) {
            CHECK(parse.fault != NULL);
            note(reading, &parse, verdict);
            return;
        }
        if (verdict == RESPONSE_WHOLE) {
            CHECK(parse.status >= 0 && (!parse.has_length || head || parse.body <= parse.length));
            note(reading, &parse, verdict);
            response_begin(&parse, head);
        }
    }
    if (len == 0 && parse.begun) {
        verdict = response_end(&parse);
        CHECK(verdict != RESPONSE_MORE);
        note(reading, &parse, verdict);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct reading whole, bytewise;
    if (size == 0) {
        return 0;
    }
    bool head = data[0] % 8 == 0;
    const char *text = (const char *)data + 1;
    read_all(&whole, text, size - 1, size, head);
    read_all(&bytewise, text, size - 1, 1, head);
    CHECK(whole.count == bytewise.count && whole.body_sum == bytewise.body_sum);
    for (unsigned i = 0; i < whole.count; i++) {
        CHECK(whole.at[i].verdict == bytewise.at[i].verdict);
        CHECK(whole.at[i].status == bytewise.at[i].status);
        CHECK(whole.at[i].body == bytewise.at[i].body);
        CHECK(whole.at[i].keep_alive == bytewise.at[i].keep_alive);
    }
    return 0;
}
