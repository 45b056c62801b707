/* run.c: see run.h. */
#include "tools/load/run.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/hlog.h"
#include "tools/load/crew.h"
#include "tools/load/report.h"
#include "tools/load/seconds.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Descriptors beside the connections: files and standard streams; a thread's loop and timer. */
enum { OTHER_DESCRIPTORS = 32, THREAD_DESCRIPTORS = 8 };

struct run {
    const struct plan *plan;
    struct results *results;
    struct crew *crew;
    struct seconds *seconds;
    struct progress progress;
    FILE *hdr, *log; /* or NULL */
    int signal_fd;
};

static FILE *open_for_writing(const char *option, const char *path)
{
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        die(EXIT_WORLD, "--%s: %s cannot be written: %s", option, path, strerror(errno));
    }
    return out;
}

static void close_written(FILE *file, const char *option, const char *path)
{
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) {
        die(EXIT_WORLD, "--%s: %s cannot be written: %s", option, path, strerror(errno));
    }
}

/* As many as are needed, up to what this user may have. */
static void need_descriptors(const struct plan *plan)
{
    const struct load_settings *settings = plan->settings;
    uint64_t need = plan->connections_most + settings->idle + settings->slow_readers +
                    settings->slow_senders + OTHER_DESCRIPTORS +
                    (uint64_t)plan->threads * THREAD_DESCRIPTORS;
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= need) {
        return;
    }
    if (limit.rlim_max < need) {
        die(EXIT_WORLD,
            "so many connections need %llu descriptors, and %llu are allowed (ulimit -n)",
            (unsigned long long)need, (unsigned long long)limit.rlim_max);
    }
    limit.rlim_cur = need;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Ctrl-C is an event like any other: the run ends, and what there is is printed. Blocked before
 * there are threads, which inherit that. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static struct run *run_new(const struct plan *plan)
{
    const struct load_settings *settings = plan->settings;
    struct run *run = must_calloc(1, sizeof *run);
    run->plan = plan;
    run->results = must_calloc(1, sizeof *run->results);
    run->seconds = must_calloc(1, sizeof *run->seconds);
    series_init(&run->results->series, plan);
    need_descriptors(plan);
    /* Opening a FIFO waits for its reader: a signal ends that. */
    run->hdr = settings->hdr != NULL ? open_for_writing("hdr", settings->hdr) : NULL;
    run->log = settings->log != NULL ? request_log_open(settings->log) : NULL;
    run->signal_fd = open_signals();
    run->crew = crew_new(plan, run->log);
    progress_init(&run->progress, plan, stderr);
    return run;
}

static void run_free(struct run *run)
{
    (void)close(run->signal_fd); /* nothing to lose */
    crew_free(run->crew);
    series_deinit(&run->results->series);
    free(run->seconds);
    free(run->results);
    free(run);
}

static void run_end_second(struct run *run, bool last)
{
    const struct seconds *second = run->seconds;
    if (!seconds_end(run->seconds, run->crew, clock_ns(), last)) {
        return;
    }
    if (run->hdr != NULL) {
        if (second->start_s <= 0) {
            hlog_begin(run->hdr, usage_unix_s() - second->length_s);
        }
        hlog_interval(run->hdr, second->start_s, second->length_s, fine_parts(&second->latest));
    }
    progress_show(&run->progress, &second->latest, crew_progress(run->crew),
                  second->start_s + second->length_s);
}

/* Seconds that nobody sees cost no CPU. */
static uint64_t run_next_second_ns(struct run *run)
{
    bool seen = run->hdr != NULL || run->progress.out != NULL;
    return seen ? seconds_next_ns(run->seconds, run->crew) : UINT64_MAX;
}

/* Until `until_ns`, or the end of all drives. False: they have ended. */
static bool wait_until(struct run *run, uint64_t until_ns)
{
    struct pollfd fds[] = {{.fd = run->signal_fd, .events = POLLIN},
                           {.fd = run->crew->over_fd, .events = POLLIN}};
    struct signalfd_siginfo info;
    uint64_t now_ns = clock_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec wait = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                            .tv_nsec = (long)(left_ns % NS_PER_S)};
    int ready = ppoll(fds, 2, until_ns != UINT64_MAX ? &wait : NULL, NULL);
    if (ready > 0 && read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        crew_interrupt(run->crew);
    }
    return ready <= 0 || fds[1].revents == 0;
}

/* The threads drive the load; this one watches. */
static void watch_run(struct run *run)
{
    crew_start(run->crew);
    while (wait_until(run, run_next_second_ns(run))) {
        run_end_second(run, false);
    }
    bool connected = crew_join(run->crew);
    crew_merge(run->crew, run->results);
    if (!connected) {
        die(EXIT_WORLD, "cannot connect to %s: %s", run->plan->targets[0].text,
            run->results->interrupted ? "interrupted" : crew_refused(run->crew));
    }
    if (run->results->window_ns != 0) {
        run_end_second(run, true);
    }
    progress_end(&run->progress);
}

static bool writes_json_only(const struct load_settings *settings)
{
    return settings->json != NULL && strcmp(settings->json, "-") == 0;
}

static void close_log(const struct run *run)
{
    int error = crew_log_error(run->crew);
    if (fclose(run->log) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        die(EXIT_WORLD, "--log: %s cannot be written: %s", run->plan->settings->log,
            strerror(error));
    }
}

static int report_run(const struct run *run, const struct report *report)
{
    const struct load_settings *settings = run->plan->settings;
    if (run->log != NULL) {
        close_log(run);
    }
    if (run->hdr != NULL) {
        close_written(run->hdr, "hdr", settings->hdr);
    }
    bool json_only = writes_json_only(settings);
    if (settings->json != NULL) {
        FILE *out = json_only ? stdout : open_for_writing("json", settings->json);
        report_json(out, report);
        if (!json_only) {
            close_written(out, "json", settings->json);
        }
    }
    if (!json_only) {
        report_text(stdout, report);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        die(EXIT_WORLD, "stdout cannot be written: %s", strerror(errno));
    }
    bool well = report->validity->reason_count == 0 && report_objectives_met(report);
    return well ? EXIT_SUCCESS : EXIT_INVALID;
}

int run_load(const struct plan *plan)
{
    struct run *run = run_new(plan);
    if (!writes_json_only(plan->settings)) {
        report_head(stdout, plan);
    }
    watch_run(run);
    struct validity validity;
    validity_judge(&validity, plan, run->results);
    struct report report = {
        .plan = plan, .results = run->results, .validity = &validity, .crew = run->crew};
    int status = report_run(run, &report);
    run_free(run);
    return status;
}
