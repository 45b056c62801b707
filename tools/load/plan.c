/* plan.c: from options to targets and expectations. See plan.h. */
#include "tools/load/plan.h"

#include "core/base/check.h"
#include "tools/load/request_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 1 << 30, THREADS_MAX = 256 };

_Static_assert((int)OPTION_TEXTS_MAX <= (int)MIX_MAX, "a mix holds every URL that can be given");

static bool plan_refuse(char error[PLAN_ERROR_MAX], const char *option, const char *value,
                        const char *accepted);
static bool set_method(struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool check_headers(const struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool load_body(struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool generate_body(struct plan *plan, const char *size, char error[PLAN_ERROR_MAX]);
static bool read_body(struct plan *plan, const char *path, char error[PLAN_ERROR_MAX]);
static bool set_expectations(struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool add_target(struct plan *plan, const char *text, char error[PLAN_ERROR_MAX]);
static bool set_rate(struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool set_objectives(struct plan *plan, char error[PLAN_ERROR_MAX]);
static bool set_threads(struct plan *plan, char error[PLAN_ERROR_MAX]);

bool plan_make(struct plan *plan, const struct load_settings *settings, char error[PLAN_ERROR_MAX])
{
    *plan = (struct plan){.settings = settings};
    if (!set_rate(plan, error) || !set_objectives(plan, error) || !check_headers(plan, error) ||
        !load_body(plan, error) || !set_method(plan, error) || !set_expectations(plan, error)) {
        return false;
    }
    for (unsigned i = 0; i < settings->url.count; i++) {
        if (!add_target(plan, settings->url.at[i], error)) {
            return false;
        }
    }
    return set_threads(plan, error);
}

int plan_cpu(const struct plan *plan, unsigned thread)
{
    return plan->threads > 1 ? plan->cpus[thread % plan->cpu_count] : -1;
}

void plan_free(struct plan *plan)
{
    for (unsigned i = 0; i < plan->target_count; i++) {
        free((char *)plan->targets[i].keep.at);
        free((char *)plan->targets[i].close.at);
    }
    free((char *)plan->body.at);
}

static bool set_rate(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const struct load_settings *settings = plan->settings;
    if (!arrivals_parse(settings->arrivals, &plan->arrivals)) {
        return plan_refuse(error, "arrivals", settings->arrivals,
                           "poisson, constant, or burst:K with K from 1 to 100000");
    }
    if (settings->rate == NULL) {
        return true;
    }
    if (!rate_parse(settings->rate, &plan->rate)) {
        return plan_refuse(error, "rate", settings->rate,
                           "a number of requests a second from 1 to 10000000, FROM:TO or up to 64 "
                           "steps R,R,...");
    }
    rate_curve_make(&plan->curve, &plan->rate, settings->warmup_ns, settings->duration_ns);
    return true;
}

static bool set_objectives(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const struct option_texts *slo = &plan->settings->slo;
    for (unsigned i = 0; i < slo->count; i++) {
        if (!objective_parse(slo->at[i], &plan->objectives[plan->objective_count++])) {
            return plan_refuse(
                error, "slo", slo->at[i],
                "a percentile or max, and a time above 0, such as p99=5ms or max=1s");
        }
    }
    return true;
}

static bool set_threads(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const struct load_settings *settings = plan->settings;
    plan->fresh = settings->requests_per_connection == 1;
    plan->connections_most =
        (unsigned)(settings->grow_to > settings->connections ? settings->grow_to
                                                             : settings->connections);
    plan->cpu_count = cpus_allowed(plan->cpus);
    uint64_t threads = settings->threads != 0 ? settings->threads : plan->cpu_count;
    threads = threads < settings->connections ? threads : settings->connections;
    plan->threads = (unsigned)(threads < THREADS_MAX ? threads : THREADS_MAX);
    if (settings->spin && plan->threads > plan->cpu_count) {
        snprintf(error, PLAN_ERROR_MAX,
                 "--spin needs a CPU for each of the %u threads, and %u are allowed", plan->threads,
                 plan->cpu_count);
        return false;
    }
    return true;
}

/* Always false, for `return plan_refuse(...)`. */
static bool plan_refuse(char error[PLAN_ERROR_MAX], const char *option, const char *value,
                        const char *accepted)
{
    snprintf(error, PLAN_ERROR_MAX, "--%s: '%.128s' is not accepted: %s", option, value, accepted);
    return false;
}

static bool set_method(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const char *asked = plan->settings->method;
    plan->method = asked != NULL ? asked : plan->settings->body != NULL ? "POST" : "GET";
    plan->head = strcmp(plan->method, "HEAD") == 0;
    if (!request_method_good(plan->method) || strcmp(plan->method, "CONNECT") == 0) {
        return plan_refuse(error, "method", plan->method,
                           "a method such as GET or POST, not CONNECT");
    }
    return true;
}

static bool check_headers(const struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const struct option_texts *headers = &plan->settings->header;
    char accepted[REQUEST_ERROR_MAX];
    for (unsigned i = 0; i < headers->count; i++) {
        if (!request_header_good(headers->at[i], accepted)) {
            return plan_refuse(error, "header", headers->at[i], accepted);
        }
    }
    return true;
}

static bool load_body(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const char *body = plan->settings->body;
    if (body == NULL) {
        return true;
    }
    return body[0] == '@' ? generate_body(plan, body + 1, error) : read_body(plan, body, error);
}

static bool generate_body(struct plan *plan, const char *size, char error[PLAN_ERROR_MAX])
{
    uint64_t len;
    if (!option_parse_size(size, &len) || len > BODY_MAX) {
        return plan_refuse(error, "body", plan->settings->body, "a FILE, or @SIZE up to 1G");
    }
    char *at = must_alloc(len + 1);
    for (uint64_t i = 0; i < len; i++) {
        at[i] = (char)('a' + i % 26);
    }
    plan->body = (struct bytes){at, len};
    return true;
}

static bool read_body(struct plan *plan, const char *path, char error[PLAN_ERROR_MAX])
{
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return plan_refuse(error, "body", path, strerror(errno));
    }
    size_t capacity = 1 << 16;
    char *at = must_alloc(capacity);
    size_t len = fread(at, 1, capacity, in);
    while (len == capacity && len <= BODY_MAX) { /* less: at its end, or an error */
        capacity *= 2;
        at = must_realloc(at, capacity);
        len += fread(at + len, 1, capacity - len, in);
    }
    bool failed = ferror(in) != 0;
    (void)fclose(in); /* only read from */
    plan->body = (struct bytes){at, len};
    if (failed || len > BODY_MAX) {
        return plan_refuse(error, "body", path, "a file that can be read, of at most 1G");
    }
    return true;
}

static bool set_expectations(struct plan *plan, char error[PLAN_ERROR_MAX])
{
    const struct option_texts *expect = &plan->settings->expect;
    for (unsigned i = 0; i < expect->count; i++) {
        const char *text = expect->at[i];
        bool is_status = strlen(text) == 3 && strspn(text, "0123456789") == 3;
        int status = is_status ? atoi(text) : 0;
        if (status >= 200 && status <= 599 && plan->expect_status == 0) {
            plan->expect_status = status;
        } else if (!plan->expect_hash && digest_parse(text, plan->hash)) {
            plan->expect_hash = true;
        } else {
            return plan_refuse(
                error, "expect", text,
                "one status from 200 to 599, and one SHA-256 as 64 hexadecimal digits");
        }
    }
    return true;
}

static bool add_target(struct plan *plan, const char *text, char error[PLAN_ERROR_MAX])
{
    const struct load_settings *settings = plan->settings;
    struct target *target = &plan->targets[plan->target_count];
    char accepted[URL_ERROR_MAX];
    target->text = text;
    if (!url_parse(text, &target->url, accepted)) {
        return plan_refuse(error, "url", text, accepted);
    }
    if (!url_same_server(&target->url, &plan->targets[0].url)) {
        return plan_refuse(error, "url", text,
                           "the server of the first URL: a mix is of one server");
    }
    struct request_parts parts = {
        .method = plan->method,
        .target = target->url.target,
        .host = target->url.host,
        .headers = settings->header.at,
        .header_count = settings->header.count,
        .body = plan->body,
        .has_body = settings->body != NULL,
    };
    target->keep = request_text(&parts, false);
    target->close = request_text(&parts, true);
    plan->target_count++;
    return true;
}
