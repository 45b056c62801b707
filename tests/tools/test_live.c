/* A running server as seen from outside: where it listens, what it reports, how that is shown. What
 * is fetched, and how a restart looks, is seen in tests/blackbox/live.py. */
#include "tools/live/listening.h"
#include "tools/live/page.h"

#include "tests/core/sample.h"
#include "tests/test.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- where a process listens --- */

static int open_listening(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    expect(fd >= 0 && bind(fd, address, len) == 0 && listen(fd, 1) == 0);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in6 address = {0}; /* the port of both kinds is in the same place */
    socklen_t len = sizeof address;
    expect(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    return ntohs(address.sin6_port);
}

static void expect_listening(const char *expected)
{
    char url[LISTENING_URL] = "", error[LISTENING_ERROR] = "";
    expect_msg(listening_of(getpid(), url, error), "%s", error);
    expect_text(url, expected);
}

TEST(live, finds_where_a_process_listens)
{
    static const uint32_t addresses[] = {INADDR_LOOPBACK, INADDR_ANY};
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(addresses[i])};
        char expected[64];
        int fd = open_listening((struct sockaddr *)&address, sizeof address);
        (void)snprintf(expected, sizeof expected, "http://127.0.0.1:%u", port_of(fd));
        expect_listening(expected);
        close(fd);
    }
}

TEST(live, finds_it_in_ipv6)
{
    static const struct in6_addr addresses[] = {IN6ADDR_LOOPBACK_INIT, IN6ADDR_ANY_INIT};
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = addresses[i]};
        char expected[64];
        int fd = open_listening((struct sockaddr *)&address, sizeof address);
        (void)snprintf(expected, sizeof expected, "http://[::1]:%u", port_of(fd));
        expect_listening(expected);
        close(fd);
    }
}

TEST(live, finds_it_in_a_unix_socket)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char expected[160];
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/quartet live %d", getpid());
    int fd = open_listening((struct sockaddr *)&address, sizeof address);
    (void)snprintf(expected, sizeof expected, "unix:%s", address.sun_path);
    expect_listening(expected);
    close(fd);
    (void)unlink(address.sun_path);
}

TEST(live, says_what_is_wrong_with_a_process)
{
    char url[LISTENING_URL], error[LISTENING_ERROR];
    expect(!listening_of(999999999, url, error));
    expect_text(error, "cannot read about process 999999999: there is none");
    expect(!listening_of(getpid(), url, error));
    expect(strstr(error, "does not listen on any address") != NULL);
}

/* --- what a server says --- */

/* As /server-status?json has it, `later_s` seconds after the sample's ten. */
static char *status_text(const struct report *report, unsigned later_s, unsigned pid)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    fprintf(out,
            "{\"server\": {\"version\": \"0.1.0\", \"pid\": %u, \"process\": 2, \"processes\": 4, "
            "\"started_s\": 1700000000, \"now_ns\": %u000000000, \"uptime_ns\": %u000000000, "
            "\"phase\": \"running\", \"measured\": true}, \"config\": {\"model\": \"half-sync\", "
            "\"wiring\": \"LRW | P*2\"}, "
            "\"report\": ",
            pid, 500 + later_s, 10 + later_s);
    report_to_json(out, report);
    fputs("}", out);
    expect_int(fclose(out), 0);
    return text;
}

static struct snapshot *read_sample(unsigned later_s, unsigned pid,
                                    void change(struct report *report))
{
    struct snapshot *snapshot = malloc(sizeof *snapshot);
    struct report report;
    sample_report(&report);
    if (change != NULL) {
        change(&report);
    }
    char *text = status_text(&report, later_s, pid);
    expect(snapshot_read(snapshot, bytes_of(text)));
    free(text);
    report_deinit(&report);
    return snapshot;
}

static void drop(struct snapshot *snapshot)
{
    snapshot_deinit(snapshot);
    free(snapshot);
}

/* What happens in two seconds. */
static void go_on(struct report *report)
{
    report->wall_ns += 2000000000;
    tally_add(&report->tally, COUNTER_REQUESTS, 24690);
    tally_add(&report->tally, COUNTER_BYTES_SENT, 3 << 20);
    tally_status(&report->tally, 503);
    for (unsigned i = 0; i < 200; i++) {
        tally_interval(&report->tally, INTERVAL_READ, 250000);
        tally_interval(&report->tally, INTERVAL_TOTAL, 1000000);
    }
    report->queues[1].put += 3000;
    report->queues[1].rung += 500;
    report->queues[1].inlined += 700;
    report->queues[1].depth = 7;
    histogram_record(&report->queues[1].wait, 40000);
    report->threads[0].wall_ns += 2000000000;
    report->threads[0].awake_ns += 500000000;
    report->threads[0].cpu_ns += 250000000;
}

TEST(live, subtracts_what_was_before)
{
    struct snapshot *before = read_sample(0, 4711, NULL), *now = read_sample(2, 4711, go_on);
    expect(snapshot_same_server(now, before));
    snapshot_since(now, before);
    const struct report *report = &now->report;
    expect_int(now->over_ns, 2000000000);
    expect_int(report->tally.counters[COUNTER_REQUESTS], 24690);
    expect_int(report->tally.counters[COUNTER_ACCEPTED], 0);
    expect_int(report->tally.statuses[5], 1);
    expect_int(report->tally.statuses[2], 0);
    expect_int(report->tally.intervals[INTERVAL_READ].count, 200);
    expect_int(report->tally.intervals[INTERVAL_WRITE].count, 0);
    expect_int(report->queues[1].put, 3000);
    expect_int(report->queues[1].depth, 7);
    expect_int(report->queues[1].wait.count, 1);
    expect_int(report->threads[0].busy_ns, 500000000);
    expect_int(report->connections, 8);
    drop(before);
    drop(now);
}

TEST(live, knows_another_server)
{
    struct snapshot *before = read_sample(0, 4711, NULL), *now = read_sample(2, 4712, NULL);
    expect(!snapshot_same_server(now, before));
    drop(before);
    drop(now);
}

static void another_thread(struct report *report)
{
    (void)snprintf(report->threads[1].name, REPORT_NAME, "new");
}

TEST(live, takes_a_new_thread_as_it_is)
{
    struct snapshot *before = read_sample(0, 1, NULL), *now = read_sample(1, 1, another_thread);
    snapshot_since(now, before);
    expect_int(now->report.threads[0].busy_ns, 0);
    expect_int(now->report.threads[1].busy_ns, 3000000000);
    drop(before);
    drop(now);
}

TEST(live, refuses_what_is_no_status)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"server\": {}}",
                                        "{\"report\": {}}",
                                        "<!doctype html>",
                                        "{\"server\": {}, \"report\": 3}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct snapshot snapshot;
        expect_msg(!snapshot_read(&snapshot, bytes_of(texts[i])), "%s", texts[i]);
        snapshot_deinit(&snapshot);
    }
}

TEST(live, reads_what_is_incomplete)
{
    struct snapshot snapshot;
    struct page page;
    expect(snapshot_read(&snapshot, BYTES("{\"server\": {\"measured\": 1, \"pid\": \"x\"}, "
                                          "\"report\": {\"threads\": [{\"group\": 77}]}}")));
    page_make(&page, &snapshot);
    expect(page.count > 0);
    snapshot_deinit(&snapshot);
}

/* --- how it is shown --- */

static void expect_page(const struct page *page, const char *const *lines)
{
    unsigned count = 0;
    for (unsigned i = 0; lines[i] != NULL; i++) {
        expect_msg(i < page->count, "no line \"%s\"", lines[i]);
        expect_text(page->lines[i].text, lines[i]);
        count++;
    }
    expect_int(page->count, count);
}

TEST(live, shows_a_screenful)
{
    static const char *const lines[] = {
        "quartet 0.1.0, half-sync: LRW | P*2",
        "pid 4711, process 2 of 4, up 0:00:12, running; last 2.0 s",
        "12,345 requests/s, 1.50MiB/s sent, 7 connections; 4xx 0, 5xx 1, cut off 0",
        "",
        "stage             per s     mean      p50      p99      max  share of total",
        "accept.wait           0",
        "socket.wait           0",
        "read                100    250us    251us    251us    251us  ###          25.0%",
        "process.wait          0",
        "process               0",
        "write.wait            0",
        "write                 0",
        "total               100   1.00ms   1.00ms   1.00ms   1.00ms  ########### 100.0%",
        "sojourn               0",
        "requeue.wait          0",
        "",
        "queue            depth    peak   put/s inlined/s wait p50     p99  rung/s batch",
        "accept               4      90",
        "R->P                 7      63   1,500       350   40.2us  40.2us     250   0.0",
        "P->W/a-name-th       0     130       0         0      0ns     0ns       0   0.0",
        "",
        "threads             busy                               cpu  no cpu     busiest",
        "LR                  [#####               ]   25.0%   12.5%    0.0%",
        "P                   [                    ]       -       -       -",
        "",
        "The load limits: no stage does; the busiest group, LR, was busy 25 % of the",
        "time; 0 % of the requests' time was waiting between stages. On average 0.1",
        "requests were in the server, over 8 connections, on which the next came 640us",
        "after an answer: with more load (more connections, a higher rate) it would",
        "answer more.",
        NULL,
    };
    static struct page page;
    struct snapshot *before = read_sample(0, 4711, NULL), *now = read_sample(2, 4711, go_on);
    snapshot_since(now, before);
    page_make(&page, now);
    expect_page(&page, lines);
    drop(before);
    drop(now);
}

static void many_threads(struct report *report)
{
    enum { MANY = 600 };
    free(report->threads);
    report->threads = calloc(MANY, sizeof *report->threads);
    report->thread_count = MANY;
    report->groups[1].threads = MANY;
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(report->threads[i].name, REPORT_NAME, "q-rpw/%u", i);
        report->threads[i].group = 1;
    }
}

TEST(live, fits_any_terminal)
{
    static struct page page;
    struct snapshot *now = read_sample(0, 1, many_threads);
    for (unsigned rows = 1; rows < 300; rows += 7) {
        page_make(&page, now);
        page_fit(&page, rows, 50);
        expect(page.count > 0 && page.count <= rows);
        for (unsigned i = 0; i < page.count; i++) {
            expect(strlen(page.lines[i].text) <= 50);
        }
    }
    page_make(&page, now);
    page_fit(&page, 24, 80);
    expect_int(page.count, 24);
    expect(strncmp(page.lines[0].text, "quartet", 7) == 0);
    const char *last = page.lines[23].text; /* the verdict's end */
    expect_msg(strstr(last, "(write.blocked).") != NULL, "%s", last);
    drop(now);
}
