/* live.c: a snapshot of a running server each second: --live PID|URL.
 *
 * On a terminal a table that is drawn in place, as top does; elsewhere one table after the other.
 * The first one is of all since the server's start, the others of the time since the one before.
 * When the server does not answer it is waited for; another one at the same place has counted from
 * nothing, and so does the table.
 *
 * Signals are blocked and taken between two fetches. Nothing about the terminal is changed, so
 * there is nothing to put right at the end.
 */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/live/fetch.h"
#include "tools/live/listening.h"
#include "tools/live/page.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_NS = 1000000000, ROWS_USUAL = 24 };

struct live {
    struct fetch *fetch;
    const char *where;
    FILE *out;
    bool terminal;          /* out is one */
    unsigned drawn, most;   /* tables; 0: no end */
    bool waiting;           /* the server did not answer last time */
    bool known;             /* `before` is set */
    struct snapshot before; /* the last one, since the server's start */
    struct page page;       /* what is to be drawn */
};

static bool open_place(struct live *live, const char *place, char url[LISTENING_URL]);
static void live_run(struct live *live);
static bool live_fetch(struct live *live, char error[FETCH_ERROR]);
static bool live_take(struct live *live, struct bytes json);
static void live_draw(const struct live *live);
static void live_say_waiting(struct live *live, const char *why);
static void live_block_signals(sigset_t *signals);
static bool wait_until(struct live *live, const sigset_t *signals, uint64_t until_ns);

static int live_show(const char *place, unsigned count)
{
    char url[LISTENING_URL], error[FETCH_ERROR];
    struct live *live = must_calloc(1, sizeof *live);
    live->out = stdout;
    live->most = count;
    live->terminal = isatty(STDOUT_FILENO);
    int status = EXIT_WORLD;
    if (open_place(live, place, url)) {
        if (live_fetch(live, error)) {
            live_run(live);
            status = EXIT_SUCCESS;
        } else {
            fprintf(stderr, "quartet-trace: %s: %s\n", live->where, error);
        }
    }
    snapshot_deinit(&live->before);
    fetch_free(live->fetch);
    free(live);
    return status;
}

const struct trace_verb trace_verb_live = {
    .option = "--live",
    .argument = "PID|URL",
    .help = "watch a running server; no FILE",
    .alone = live_show,
};

/* A number is a process, anything else an address. */
static bool open_place(struct live *live, const char *place, char url[LISTENING_URL])
{
    char error[LISTENING_ERROR];
    char *end;
    unsigned long pid = strtoul(place, &end, 10);
    live->where = place;
    if (place[0] >= '0' && place[0] <= '9' && *end == '\0') {
        if (!listening_of((int)(pid < INT_MAX ? pid : INT_MAX), url, error)) {
            fprintf(stderr, "quartet-trace: %s\n", error);
            return false;
        }
        live->where = url;
    }
    live->fetch = fetch_new(live->where, "/server-status?json");
    if (live->fetch == NULL) {
        fprintf(stderr, "quartet-trace: %s is no process and no address\n", place);
    }
    return live->fetch != NULL;
}

/* Draws what is known, waits, takes the next snapshot. */
static void live_run(struct live *live)
{
    sigset_t signals;
    char error[FETCH_ERROR];
    uint64_t due_ns = clock_ns();
    bool fresh = true;
    live_block_signals(&signals);
    for (;;) {
        if (fresh) {
            live_draw(live);
            live->drawn++;
        }
        if (live->drawn == live->most) {
            break;
        }
        uint64_t now_ns = clock_ns();
        due_ns = due_ns + EVERY_NS > now_ns ? due_ns + EVERY_NS : now_ns;
        if (!wait_until(live, &signals, due_ns)) {
            break;
        }
        fresh = live_fetch(live, error);
        if (!fresh) {
            live_say_waiting(live, error);
        }
    }
    if (live->terminal) {
        fputc('\n', live->out);
    }
}

static bool live_fetch(struct live *live, char error[FETCH_ERROR])
{
    struct bytes json;
    if (!fetch_get(live->fetch, &json, error)) {
        return false;
    }
    if (!live_take(live, json)) {
        (void)snprintf(error, FETCH_ERROR, "the answer is not that of a quartet server");
        return false;
    }
    live->waiting = false;
    return true;
}

/* Read twice: once as it is, for the next time, once to be subtracted from. */
static bool live_take(struct live *live, struct bytes json)
{
    struct snapshot now, shown;
    bool good = snapshot_read(&now, json) && snapshot_read(&shown, json);
    if (!good) {
        snapshot_deinit(&now);
        return false;
    }
    if (live->known && snapshot_same_server(&now, &live->before)) {
        snapshot_since(&shown, &live->before);
    }
    page_make(&live->page, &shown);
    snapshot_deinit(&shown);
    snapshot_deinit(&live->before);
    live->before = now;
    live->known = true;
    return true;
}

/* --- the screen --- */

static struct winsize size_of_terminal(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        size = (struct winsize){.ws_row = ROWS_USUAL, .ws_col = PAGE_COLUMNS + 1};
    }
    return size;
}

/* From the top left corner over what was there; no line end behind the last line, or it would
 * scroll. The last column stays free, since some terminals wrap there. */
static void draw_in_place(FILE *out, const struct page *page)
{
    struct page shown = *page;
    struct winsize size = size_of_terminal();
    page_fit(&shown, size.ws_row, size.ws_col - 1);
    fputs("\033[H", out);
    for (unsigned i = 0; i < shown.count; i++) {
        fprintf(out, "%s%s\033[K", i > 0 ? "\r\n" : "", shown.lines[i].text);
    }
    fputs("\033[J", out);
}

static void live_draw(const struct live *live)
{
    if (live->terminal) {
        draw_in_place(live->out, &live->page);
    } else {
        for (unsigned i = 0; i < live->page.count; i++) {
            fprintf(live->out, "%s\n", live->page.lines[i].text);
        }
        fputc('\n', live->out);
    }
    (void)fflush(live->out); /* main checks ferror */
}

/* Elsewhere than on a terminal it is said once. */
static void live_say_waiting(struct live *live, const char *why)
{
    if (live->terminal) {
        fprintf(live->out, "\033[H");
    }
    if (live->terminal || !live->waiting) {
        fprintf(live->out, "waiting for %s: %s", live->where, why);
        fputs(live->terminal ? "\033[K\033[J" : "\n\n", live->out);
        (void)fflush(live->out);
    }
    live->waiting = true;
}

/* --- signals --- */

static void live_block_signals(sigset_t *signals)
{
    CHECK(sigemptyset(signals) == 0);
    CHECK(sigaddset(signals, SIGINT) == 0 && sigaddset(signals, SIGTERM) == 0);
    CHECK(sigaddset(signals, SIGHUP) == 0 && sigaddset(signals, SIGWINCH) == 0);
    CHECK(sigprocmask(SIG_BLOCK, signals, NULL) == 0);
}

/* False: a signal asks for the end. */
static bool wait_until(struct live *live, const sigset_t *signals, uint64_t until_ns)
{
    for (uint64_t now_ns = clock_ns(); now_ns < until_ns; now_ns = clock_ns()) {
        uint64_t left_ns = until_ns - now_ns;
        struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                .tv_nsec = (long)(left_ns % NS_PER_S)};
        int signal = sigtimedwait(signals, NULL, &left);
        if (signal == SIGWINCH && !live->waiting) {
            live_draw(live);
        } else if (signal > 0 && signal != SIGWINCH) {
            return false;
        }
    }
    return true;
}
