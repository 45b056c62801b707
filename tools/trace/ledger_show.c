/* ledger_show.c: the ledger as a table for people and as JSON. See ledger.h. */
#include "tools/trace/ledger.h"

#include "core/base/cell.h"
#include "core/base/clock.h"

#include <inttypes.h>

/* Of all requests of the ledger, so that the means add up to the mean latency. */
static double mean_of_all(const struct ledger *ledger, int64_t sum_ns)
{
    return ledger->requests != 0 ? (double)sum_ns / (double)ledger->requests : 0;
}

/* `h` NULL: only the sum is known. */
static void print_line(FILE *out, const struct ledger *ledger, const char *name, uint64_t count,
                       int64_t sum_ns, const struct histogram *h)
{
    double mean = mean_of_all(ledger, sum_ns);
    char sign = mean < 0 ? '-' : ' ';
    fprintf(out, "  %-16s%10" PRIu64 "  %c%9s", name, count, sign,
            cell_time(mean < 0 ? -mean : mean).text);
    if (h != NULL) {
        fprintf(out, "%10s%10s%10s%10s%10s", cell_time((double)histogram_percentile(h, 0.5)).text,
                cell_time((double)histogram_percentile(h, 0.9)).text,
                cell_time((double)histogram_percentile(h, 0.99)).text,
                cell_time((double)histogram_percentile(h, 0.999)).text,
                cell_time((double)h->max).text);
    } else {
        fprintf(out, "%50s", "");
    }
    fprintf(out, "%9s\n", cell_percent((double)sum_ns, (double)ledger->latency.sum).text);
}

static void print_missing_requests(FILE *out, const struct ledger *ledger)
{
    if (ledger->portless > 0) {
        fprintf(out,
                "  %" PRIu64 " of the client's requests have no port, so they cannot be joined: "
                "a unix socket\n",
                ledger->portless);
    } else if (ledger->requests > ledger->joined) {
        fprintf(out, "  %" PRIu64 " requests of the client have no record here\n",
                ledger->requests - ledger->joined);
    }
    if (ledger->without_arrived > 0) {
        fprintf(out, "  %" PRIu64 " requests have no time of arrival (--socket-times)\n",
                ledger->without_arrived);
    }
    if (ledger->strangers > 0) {
        fprintf(out, "  %" PRIu64 " records are not in the client's log\n", ledger->strangers);
    }
    if (ledger->wrong > 0) {
        fprintf(out,
                "  WRONG: the times of %" PRIu64 " requests contradict each other; request "
                "%" PRIu64 ": %s\n",
                ledger->wrong, ledger->wrong_id, ledger->wrong_why);
    }
}

void ledger_print(FILE *out, const struct ledger *ledger)
{
    fprintf(out,
            "\nledger: %" PRIu64 " requests from due to answered; %s of their time has no place\n",
            ledger->requests,
            cell_percent((double)ledger->unaccounted_ns, (double)ledger->latency.sum).text);
    print_missing_requests(out, ledger);
    if (ledger->requests == 0) {
        return;
    }
    fprintf(out, "  %-16s%10s%12s%10s%10s%10s%10s%10s%9s\n", "part", "count", "mean", "p50", "p90",
            "p99", "p99.9", "max", "share");
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        print_line(out, ledger, ledger_part_name(i), ledger->parts[i].count, ledger->sums_ns[i],
                   &ledger->parts[i]);
    }
    print_line(out, ledger, "unaccounted",
               ledger->requests - ledger->joined + ledger->without_arrived,
               (int64_t)ledger->unaccounted_ns, NULL);
    print_line(out, ledger, "latency", ledger->requests, (int64_t)ledger->latency.sum,
               &ledger->latency);
}

static void part_to_json(struct json *json, const struct ledger *ledger, unsigned part)
{
    const struct histogram *h = &ledger->parts[part];
    json_begin_object(json, NULL);
    json_text(json, "name", ledger_part_name(part));
    json_number(json, "count", h->count);
    json_signed(json, "sum_ns", ledger->sums_ns[part]);
    json_decimal(json, "mean_ns", mean_of_all(ledger, ledger->sums_ns[part]));
    json_number(json, "p50_ns", histogram_percentile(h, 0.5));
    json_number(json, "p90_ns", histogram_percentile(h, 0.9));
    json_number(json, "p99_ns", histogram_percentile(h, 0.99));
    json_number(json, "max_ns", h->max);
    json_end(json);
}

void ledger_to_json(struct json *json, const char *key, const struct ledger *ledger)
{
    json_begin_object(json, key);
    json_number(json, "requests", ledger->requests);
    json_number(json, "joined", ledger->joined);
    json_number(json, "without_port", ledger->portless);
    json_number(json, "without_arrived", ledger->without_arrived);
    json_number(json, "records_not_in_log", ledger->strangers);
    json_number(json, "wrong", ledger->wrong);
    json_number(json, "wrong_request", ledger->wrong_id);
    json_text(json, "wrong_why", ledger->wrong > 0 ? ledger->wrong_why : NULL);
    json_number(json, "latency_sum_ns", ledger->latency.sum);
    json_decimal(json, "latency_mean_ns", histogram_mean(&ledger->latency));
    json_number(json, "unaccounted_ns", ledger->unaccounted_ns);
    json_decimal(json, "unaccounted_share", ledger_unaccounted_share(ledger));
    json_begin_array(json, "parts");
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        part_to_json(json, ledger, i);
    }
    json_end(json);
    json_end(json);
}
