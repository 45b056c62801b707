/* run.c: see run.h. */
#include "tools/load/run.h"

#include "core/base/check.h"
#include "tools/hlog.h"
#include "tools/load/drive.h"
#include "tools/load/progress.h"
#include "tools/load/report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Descriptors beside the connections: files, loop, timer, standard streams. */
enum { OTHER_DESCRIPTORS = 32 };

struct run {
    const struct plan *plan;
    struct results *results;
    struct drive drive;
    struct progress progress;
    FILE *hdr; /* or NULL */
    struct watch signals;
    int signal_fd;
};

static struct run *run_new(const struct plan *plan);
static void run_free(struct run *run);
static bool writes_json_only(const struct load_settings *settings);
static void need_descriptors(const struct load_settings *settings);
static FILE *open_for_writing(const char *option, const char *path);
static void close_written(FILE *file, const char *option, const char *path);
static void watch_signals(struct run *run);
static void on_signal(struct watch *watch, unsigned ready);
static void on_signals_closed(struct watch *watch);
static void on_second(void *arg, double start_s, double length_s);
static int report_run(const struct run *run, const struct report *report);

int run_load(const struct plan *plan)
{
    struct run *run = run_new(plan);
    if (!writes_json_only(plan->settings)) {
        report_head(stdout, plan);
    }
    struct bystanders *bystanders = bystanders_new(run->drive.loop, plan);
    if (!drive_run(&run->drive)) {
        die(EXIT_WORLD, "cannot connect to %s: %s", plan->targets[0].text,
            run->results->interrupted ? "interrupted" : run->drive.pool.refused);
    }
    progress_end(&run->progress);
    struct validity validity;
    validity_judge(&validity, plan, run->results);
    struct report report = {.plan = plan, .results = run->results, .validity = &validity};
    for (unsigned i = 0; i < BYSTANDER_KINDS; i++) {
        report.crowd[i] = bystanders_count(bystanders, i);
    }
    bystanders_free(bystanders);
    int status = report_run(run, &report);
    run_free(run);
    return status;
}

static struct run *run_new(const struct plan *plan)
{
    const struct load_settings *settings = plan->settings;
    struct run *run = must_calloc(1, sizeof *run);
    run->plan = plan;
    run->results = must_calloc(1, sizeof *run->results);
    need_descriptors(settings);
    run->hdr = settings->hdr != NULL ? open_for_writing("hdr", settings->hdr) : NULL;
    run->drive = (struct drive){
        .plan = plan, .results = run->results, .second_fn = on_second, .second_arg = run};
    if (settings->log != NULL) {
        run->drive.log = request_log_open(settings->log);
    }
    drive_init(&run->drive);
    watch_signals(run);
    progress_init(&run->progress, plan, stderr);
    return run;
}

static void run_free(struct run *run)
{
    watch_close(&run->signals, on_signals_closed);
    (void)close(run->signal_fd); /* nothing to lose */
    drive_deinit(&run->drive);
    free(run->results);
    free(run);
}

static bool writes_json_only(const struct load_settings *settings)
{
    return settings->json != NULL && strcmp(settings->json, "-") == 0;
}

static int report_run(const struct run *run, const struct report *report)
{
    const struct load_settings *settings = run->plan->settings;
    if (run->drive.log != NULL && !request_log_close(run->drive.log)) {
        die(EXIT_WORLD, "--log: %s cannot be written: %s", settings->log, strerror(errno));
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
    return report->validity->reason_count == 0 ? EXIT_SUCCESS : EXIT_INVALID;
}

/* As many as are needed, up to what this user may have. */
static void need_descriptors(const struct load_settings *settings)
{
    uint64_t need = settings->connections + settings->idle + settings->slow_readers +
                    settings->slow_senders + OTHER_DESCRIPTORS;
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

/* Ctrl-C is an event like any other: the run ends, and what there is is printed. */
static void watch_signals(struct run *run)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    run->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(run->signal_fd >= 0);
    if (!watch_open(run->drive.loop, &run->signals, run->signal_fd, on_signal)) {
        die(EXIT_WORLD, "cannot watch for signals: %s", strerror(errno));
    }
    watch_set(&run->signals, WATCH_READ);
}

static void on_signal(struct watch *watch, unsigned ready)
{
    struct run *run = (struct run *)(void *)((char *)watch - offsetof(struct run, signals));
    struct signalfd_siginfo info;
    (void)ready;
    if (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        drive_interrupt(&run->drive);
    }
}

static void on_signals_closed(struct watch *watch)
{
    (void)watch; /* the run's memory, freed after the loop */
}

static void on_second(void *arg, double start_s, double length_s)
{
    struct run *run = arg;
    if (run->hdr != NULL) {
        if (start_s <= 0) {
            hlog_begin(run->hdr, run->results->start_unix_s);
        }
        hlog_interval(run->hdr, start_s, length_s, &run->results->second);
    }
    progress_show(&run->progress, run->results, run->drive.pending.count, start_s + length_s);
}
