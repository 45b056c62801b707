/* request.c: one request's journey. */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "tools/trace/journey.h"

#include <inttypes.h>
#include <stdlib.h>

struct wanted {
    unsigned source; /* 0: any */
    uint64_t id;
};

struct search {
    struct trace_run *run;
    struct wanted wanted;
    unsigned found;
};

static const char *request_wrong(const char *argument);
static void *request_begin(struct trace_run *run, const char *argument);
static void request_request(void *state, const struct trace_source *source,
                            const struct trace_record *request);
static int request_end(void *state, struct trace_run *run);
static bool request_verb_parse(struct wanted *wanted, const char *argument);
static bool parse_number(uint64_t *value, const char **at, uint64_t most);

const struct trace_verb trace_verb_request = {
    .option = "--request",
    .argument = "ID",
    .help = "one request's journey as a line; K:ID is that of the K-th file",
    .wrong = request_wrong,
    .begin = request_begin,
    .request = request_request,
    .end = request_end,
    .cancel = free,
};

static const char *request_wrong(const char *argument)
{
    struct wanted wanted;
    return request_verb_parse(&wanted, argument)
               ? NULL
               : "a request's number is wanted, or FILE:NUMBER as 2:17";
}

static void *request_begin(struct trace_run *run, const char *argument)
{
    struct search *search = must_calloc(1, sizeof *search);
    search->run = run;
    CHECK(request_verb_parse(&search->wanted, argument)); /* request_wrong has seen it */
    return search;
}

static void request_request(void *state, const struct trace_source *source,
                            const struct trace_record *request)
{
    struct search *search = state;
    const struct wanted *wanted = &search->wanted;
    if (request->request_id != wanted->id ||
        (wanted->source != 0 && wanted->source != source->number)) {
        return;
    }
    if (search->found++ == 0) {
        journey_print_legend(search->run->out);
    }
    journey_print(search->run->out, source, request, 0);
}

static int request_end(void *state, struct trace_run *run)
{
    struct search *search = state;
    int status = search->found > 0 ? EXIT_SUCCESS : EXIT_WORLD;
    if (search->found == 0) {
        fprintf(run->err, "quartet-trace: there is no request %" PRIu64 " among the records\n",
                search->wanted.id);
        trace_run_report_lost(run, "it may have been one of them");
    }
    free(search);
    return status;
}

static bool request_verb_parse(struct wanted *wanted, const char *argument)
{
    const char *colon = strchr(argument, ':');
    uint64_t source = 0;
    if (colon != NULL && (!parse_number(&source, &argument, TRACE_SOURCES_MAX) ||
                          argument++ != colon || source == 0)) {
        return false;
    }
    wanted->source = (unsigned)source;
    return parse_number(&wanted->id, &argument, UINT64_MAX) && *argument == '\0';
}

static bool parse_number(uint64_t *value, const char **at, uint64_t most)
{
    const char *digits = *at;
    for (*value = 0; **at >= '0' && **at <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (*value > (most - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    return *at != digits;
}
