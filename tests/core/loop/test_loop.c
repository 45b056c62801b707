/* test_loop.c: what a poll loop reports on descriptors and times. */
#include "core/loop/loop.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A watch that counts its events. */
struct seen {
    struct watch watch; /* first: found by a cast */
    unsigned calls, closed;
    unsigned ready;     /* of the last call */
    bool close_at_once; /* in the callback */
};

static void on_closed(struct watch *watch)
{
    ((struct seen *)watch)->closed++;
}

static void on_ready(struct watch *watch, unsigned ready)
{
    struct seen *seen = (struct seen *)watch;
    seen->calls++;
    seen->ready = ready;
    if (seen->close_at_once) {
        watch_close(watch, on_closed);
    }
}

static void make_pair(int ends[2])
{
    expect_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

/* Two connected TCP sockets: these can be reset. */
static void make_tcp_pair(int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    expect(listener >= 0);
    expect_int(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    expect_int(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    expect_int(listen(listener, 1), 0);
    ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    expect_int(connect(ends[1], (struct sockaddr *)&address, sizeof address), 0);
    ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    expect(ends[0] >= 0);
    close(listener);
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    expect_int(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

static void send_byte(int fd)
{
    expect_int(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

static void take_byte(int fd)
{
    char byte;
    expect_int(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
}

static void fill(int fd)
{
    static const char zeros[65536];
    while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static void drain(int fd)
{
    static char into[65536];
    while (recv(fd, into, sizeof into, MSG_DONTWAIT) > 0) {
    }
}

/* --- watches --- */

TEST(loop, tells_when_a_descriptor_is_readable)
{
    int ends[2];
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    make_pair(ends);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    expect(!loop_turn(loop));
    expect_int(seen.calls, 0);
    send_byte(ends[1]);
    expect(loop_turn(loop));
    expect_int(seen.calls, 1);
    expect_int(seen.ready, WATCH_READ);
    expect(loop_turn(loop)); /* still readable: reported again */
    take_byte(ends[0]);
    expect(!loop_turn(loop));
    expect_int(seen.calls, 2);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
    expect_int(seen.closed, 1);
}

TEST(loop, tells_when_a_descriptor_is_writable)
{
    int ends[2];
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    make_pair(ends);
    fill(ends[0]);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_WRITE);
    expect(!loop_turn(loop));
    send_byte(ends[1]); /* readable, which was not asked for */
    expect(!loop_turn(loop));
    drain(ends[1]);
    expect(loop_turn(loop));
    expect_int(seen.ready, WATCH_WRITE);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

TEST(loop, a_watch_can_be_set_to_something_else_at_any_time)
{
    int ends[2];
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    make_pair(ends);
    send_byte(ends[1]);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    expect(!loop_turn(loop)); /* open is not yet watched */
    static const unsigned sets[] = {
        WATCH_READ, WATCH_READ | WATCH_WRITE, 0, WATCH_WRITE, WATCH_WRITE, WATCH_READ, 0, 0,
        WATCH_READ};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        seen.ready = 0;
        watch_set(&seen.watch, sets[i]);
        expect_int(seen.watch.events, sets[i]);
        expect_int(loop_turn(loop), sets[i] != 0);
        expect_int(seen.ready, sets[i]);
    }
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

TEST(loop, the_end_of_a_peer_is_told_as_readable)
{
    int ends[2];
    char byte;
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    make_pair(ends);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    close(ends[1]);
    expect(loop_turn(loop));
    expect_int(seen.ready, WATCH_READ);
    expect_int(recv(ends[0], &byte, 1, 0), 0);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    loop_free(loop);
}

/* The next system call says what is wrong; after that the watch can be armed again. */
TEST(loop, a_reset_is_told_as_readiness_for_what_is_watched)
{
    static const unsigned sets[] = {WATCH_READ, WATCH_WRITE, WATCH_READ | WATCH_WRITE};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        int ends[2];
        char byte;
        struct seen seen = {.calls = 0};
        struct loop *loop = loop_new();
        make_tcp_pair(ends);
        fill(ends[0]);
        expect(watch_open(loop, &seen.watch, ends[0], on_ready));
        watch_set(&seen.watch, sets[i]);
        loop_turn(loop);
        reset(ends[1]);
        uint64_t woke_ns = 0;
        loop_block(loop, &woke_ns);
        expect(seen.calls > 0);
        expect_int(seen.ready, sets[i]);
        expect(recv(ends[0], &byte, 1, 0) < 0);
        watch_set(&seen.watch, WATCH_READ);
        expect(loop_turn(loop));
        watch_close(&seen.watch, on_closed);
        close(ends[0]);
        loop_free(loop);
        expect_int(seen.closed, 1);
    }
}

TEST(loop, a_watch_may_close_itself_in_its_callback)
{
    int ends[2];
    struct seen seen = {.close_at_once = true};
    struct loop *loop = loop_new();
    make_pair(ends);
    send_byte(ends[1]);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    expect(loop_turn(loop));
    close(ends[0]);
    loop_turn(loop);
    loop_turn(loop);
    expect_int(seen.calls, 1);
    expect_int(seen.closed, 1);
    close(ends[1]);
    loop_free(loop);
}

/* The number of a closed descriptor is given out again at once; the late end of the old watch must
 * not touch the new one. */
TEST(loop, a_closed_descriptors_number_can_be_watched_again_at_once)
{
    struct loop *loop = loop_new();
    struct seen olds[20] = {{.calls = 0}}, news[20] = {{.calls = 0}};
    for (unsigned i = 0; i < 20; i++) {
        int first[2], second[2];
        make_pair(first);
        expect(watch_open(loop, &olds[i].watch, first[0], on_ready));
        watch_set(&olds[i].watch, WATCH_READ | WATCH_WRITE);
        loop_turn(loop);
        watch_close(&olds[i].watch, on_closed);
        close(first[0]);
        close(first[1]);
        make_pair(second);
        expect_int(second[0], first[0]);
        expect(watch_open(loop, &news[i].watch, second[0], on_ready));
        watch_set(&news[i].watch, WATCH_READ);
        unsigned old_calls = olds[i].calls;
        loop_turn(loop);
        expect_int(news[i].calls, 0);
        expect_int(olds[i].closed, 1);
        send_byte(second[1]);
        expect(loop_turn(loop));
        expect_int(news[i].calls, 1);
        expect_int(olds[i].calls, old_calls);
        watch_close(&news[i].watch, on_closed);
        close(second[0]);
        close(second[1]);
    }
    loop_free(loop);
}

TEST(loop, two_loops_may_watch_one_descriptor)
{
    int ends[2];
    struct seen home = {.calls = 0}, away = {.calls = 0};
    struct loop *home_loop = loop_new(), *away_loop = loop_new();
    make_pair(ends);
    expect(watch_open(home_loop, &home.watch, ends[0], on_ready));
    expect(watch_open(away_loop, &away.watch, ends[0], on_ready));
    watch_set(&home.watch, WATCH_READ);
    watch_set(&away.watch, WATCH_WRITE);
    expect(!loop_turn(home_loop));
    expect(loop_turn(away_loop));
    expect_int(away.ready, WATCH_WRITE);
    watch_close(&away.watch, on_closed);
    loop_free(away_loop);
    send_byte(ends[1]);
    expect(loop_turn(home_loop));
    expect_int(home.ready, WATCH_READ);
    watch_close(&home.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(home_loop);
}

TEST(loop, what_cannot_be_watched_is_said_to_be)
{
    char path[] = "/tmp/quartet-loop-XXXXXX";
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    int file = mkstemp(path);
    expect(file >= 0);
    expect(!watch_open(loop, &seen.watch, file, on_ready));
    unlink(path);
    close(file);
    loop_free(loop);
}

/* --- blocking --- */

TEST(loop, block_sets_the_time_of_waking_before_the_first_callback)
{
    int ends[2];
    struct seen seen = {.calls = 0};
    struct loop *loop = loop_new();
    make_pair(ends);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    send_byte(ends[1]);
    uint64_t before_ns = clock_ns(), woke_ns = 0;
    loop_block(loop, &woke_ns);
    expect(woke_ns >= before_ns && woke_ns <= clock_ns());
    expect_int(seen.calls, 1);
    uint64_t first_ns = woke_ns;
    expect(loop_turn(loop)); /* a turn leaves it alone */
    expect(woke_ns == first_ns);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

/* What had been seen when the loop woke. */
struct waking {
    const struct seen *seen;
    const uint64_t *woke_ns;
    unsigned calls;
    bool first, timed;
};

static void on_wake(void *arg)
{
    struct waking *waking = arg;
    waking->calls++;
    waking->first = waking->seen->calls == 0;
    waking->timed = *waking->woke_ns != 0;
}

TEST(loop, block_tells_of_waking_once_and_before_the_first_callback)
{
    int ends[2];
    uint64_t woke_ns = 0;
    struct seen seen = {.calls = 0};
    struct waking waking = {.seen = &seen, .woke_ns = &woke_ns};
    struct loop *loop = loop_new();
    loop_on_wake(loop, on_wake, &waking);
    make_pair(ends);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    send_byte(ends[1]);
    loop_block(loop, &woke_ns);
    expect(waking.calls == 1 && waking.first && waking.timed);
    send_byte(ends[1]);
    expect(loop_turn(loop)); /* it has not slept */
    expect_int(waking.calls, 1);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

/* --- around each poll --- */

/* What happened, in order: b before, a after, A after with something to come, c a callback. */
struct diary {
    struct seen seen; /* first: found by a cast */
    char text[32];
};

static void note(struct diary *diary, char what)
{
    size_t len = strlen(diary->text);
    expect(len + 1 < sizeof diary->text);
    diary->text[len] = what;
}

static void note_before(void *arg)
{
    note(arg, 'b');
}

static void note_after(void *arg, bool busy)
{
    note(arg, busy ? 'A' : 'a');
}

static void note_ready(struct watch *watch, unsigned ready)
{
    on_ready(watch, ready);
    note((struct diary *)watch, 'c');
}

static void note_time(void *arg)
{
    note(arg, 'c');
}

static void note_timer(void *arg)
{
    note(arg, 't');
}

TEST(loop, calls_the_hooks_around_a_poll_and_no_callback_between_them)
{
    int ends[2];
    uint64_t woke_ns;
    struct diary diary = {.text = ""};
    struct loop_hooks hooks = {.before = note_before, .after = note_after, .arg = &diary};
    struct loop *loop = loop_new();
    make_pair(ends);
    expect(watch_open(loop, &diary.seen.watch, ends[0], note_ready));
    watch_set(&diary.seen.watch, WATCH_READ);
    loop_around_poll(loop, &hooks);
    expect(!loop_turn(loop));
    expect_text(diary.text, "ba");
    send_byte(ends[1]);
    expect(loop_turn(loop));
    expect_text(diary.text, "babAc");
    loop_block(loop, &woke_ns);
    expect_text(diary.text, "babAcbAc");
    loop_around_poll(loop, NULL);
    expect(loop_turn(loop));
    expect_text(diary.text, "babAcbAcc");
    watch_close(&diary.seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

TEST(loop, counts_the_callbacks_of_watches_and_timers)
{
    int ends[2];
    uint64_t woke_ns;
    struct diary diary = {.text = ""};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, note_time, &diary);
    make_pair(ends);
    expect(watch_open(loop, &diary.seen.watch, ends[0], note_ready));
    watch_set(&diary.seen.watch, WATCH_READ);
    expect(!loop_turn(loop));
    expect_int(loop_take_events(loop), 0);
    send_byte(ends[1]);
    expect(loop_turn(loop));
    expect(loop_turn(loop)); /* still readable */
    expect_int(loop_take_events(loop), 2);
    take_byte(ends[0]);
    loop_timer_start(timer, 0);
    loop_block(loop, &woke_ns);
    expect_int(loop_take_events(loop), 1);
    expect_int(loop_take_events(loop), 0);
    loop_timer_free(timer);
    watch_close(&diary.seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

TEST(loop, calls_the_hook_ahead_of_a_timer_too)
{
    uint64_t woke_ns;
    struct diary diary = {.text = ""};
    struct loop_hooks hooks = {.before = note_before, .after = note_after, .arg = &diary};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, note_time, &diary);
    loop_around_poll(loop, &hooks);
    loop_timer_start(timer, 0);
    loop_block(loop, &woke_ns);
    expect_text(diary.text, "bac");
    loop_timer_free(timer);
    loop_free(loop);
}

/* --- timers --- */

struct alarm_clock {
    unsigned fired;
    uint64_t at_ns;
};

static void on_time(void *arg)
{
    struct alarm_clock *alarm_clock = arg;
    alarm_clock->fired++;
    alarm_clock->at_ns = clock_ns();
}

/* libuv counts whole milliseconds, so a time may look up to one short. */
static void expect_after(const struct alarm_clock *alarm_clock, uint64_t start_ns, uint64_t after)
{
    expect(alarm_clock->at_ns + NS_PER_MS >= start_ns + after);
}

TEST(loop, a_timer_fires_once_after_its_time)
{
    struct alarm_clock alarm_clock = {.fired = 0};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, on_time, &alarm_clock);
    uint64_t start_ns = clock_ns(), woke_ns = 0;
    loop_timer_start(timer, 20 * NS_PER_MS);
    expect(!loop_turn(loop));
    while (alarm_clock.fired == 0) {
        loop_block(loop, &woke_ns);
    }
    expect_after(&alarm_clock, start_ns, 20 * NS_PER_MS);
    expect(!loop_turn(loop));
    expect_int(alarm_clock.fired, 1);
    loop_timer_free(timer);
    loop_free(loop);
}

TEST(loop, a_timer_can_be_started_anew_and_stopped)
{
    struct alarm_clock late = {.fired = 0}, never = {.fired = 0};
    struct loop *loop = loop_new();
    struct loop_timer *late_timer = loop_timer_new(loop, on_time, &late);
    struct loop_timer *never_timer = loop_timer_new(loop, on_time, &never);
    uint64_t woke_ns = 0;
    loop_timer_start(late_timer, NS_PER_MS);
    loop_timer_start(never_timer, 2 * NS_PER_MS);
    uint64_t start_ns = clock_ns();
    loop_timer_start(late_timer, 30 * NS_PER_MS);
    loop_timer_stop(never_timer);
    loop_timer_stop(never_timer);
    while (late.fired == 0) {
        loop_block(loop, &woke_ns);
    }
    expect_after(&late, start_ns, 30 * NS_PER_MS);
    expect_int(late.fired, 1);
    expect_int(never.fired, 0);
    loop_timer_start(late_timer, 0);
    while (late.fired == 1) {
        loop_block(loop, &woke_ns);
    }
    expect_int(late.fired, 2);
    loop_timer_free(late_timer);
    loop_timer_free(never_timer);
    loop_free(loop);
}

/* What the callback did must be acted on, so the round ends, whatever else is watched. */
TEST(loop, a_round_ends_with_a_timer_that_was_due_before_it_began)
{
    int ends[2];
    struct seen seen = {.calls = 0};
    struct alarm_clock alarm_clock = {.fired = 0};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, on_time, &alarm_clock);
    make_pair(ends);
    expect(watch_open(loop, &seen.watch, ends[0], on_ready));
    watch_set(&seen.watch, WATCH_READ);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t woke_ns = 0, due_ns = clock_ns() + 3 * NS_PER_MS;
        loop_timer_start(timer, NS_PER_MS);
        while (clock_ns() < due_ns) {
        }
        alarm(10); /* a round that goes on waiting ends the program */
        loop_block(loop, &woke_ns);
        alarm(0);
        expect_int(alarm_clock.fired, i);
        expect(woke_ns >= due_ns);
    }
    send_byte(ends[1]); /* and the loop goes on as before */
    expect(loop_turn(loop));
    expect_int(seen.calls, 1);
    watch_close(&seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_timer_free(timer);
    loop_free(loop);
}

/* A timer that starts itself again at once, and a descriptor that is always ready. */
struct restless {
    struct seen seen; /* first */
    struct loop_timer *timer;
    unsigned fired;
};

enum { RESTLESS_MOST = 1000 };

static void on_restless(void *arg)
{
    struct restless *restless = arg;
    if (++restless->fired < RESTLESS_MOST) {
        loop_timer_start(restless->timer, 0);
    }
}

TEST(loop, a_timer_that_starts_itself_again_does_not_keep_the_loop_from_polling)
{
    int ends[2];
    struct restless restless = {.fired = 0};
    struct loop *loop = loop_new();
    restless.timer = loop_timer_new(loop, on_restless, &restless);
    make_pair(ends);
    expect(watch_open(loop, &restless.seen.watch, ends[0], on_ready));
    watch_set(&restless.seen.watch, WATCH_READ);
    send_byte(ends[1]);
    loop_timer_start(restless.timer, 0);
    for (unsigned round = 1; round <= 10; round++) {
        expect(loop_turn(loop));
        expect_int(restless.seen.calls, round);
        expect(restless.fired <= round);
    }
    watch_close(&restless.seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_timer_free(restless.timer);
    loop_free(loop);
}

/* Both are due before the round begins: the descriptor is served first, because what it brings may
 * be what the deadline waits for. */
TEST(loop, a_ready_descriptor_is_served_ahead_of_a_timer_that_is_due)
{
    int ends[2];
    struct diary diary = {.text = ""};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, note_timer, &diary);
    make_pair(ends);
    expect(watch_open(loop, &diary.seen.watch, ends[0], note_ready));
    watch_set(&diary.seen.watch, WATCH_READ);
    loop_timer_start(timer, NS_PER_MS);
    uint64_t due_ns = clock_ns() + 3 * NS_PER_MS;
    while (clock_ns() < due_ns) {
    }
    send_byte(ends[1]);
    expect(loop_turn(loop));
    expect_text(diary.text, "ct");
    watch_close(&diary.seen.watch, on_closed);
    close(ends[0]);
    close(ends[1]);
    loop_timer_free(timer);
    loop_free(loop);
}

/* Two timers are due in the same round, and the first stops, frees or restarts the second. */
struct pair_of_timers {
    struct loop_timer *other;
    void (*act)(struct loop_timer *other);
    unsigned fired;
};

static void on_first_timer(void *arg)
{
    struct pair_of_timers *pair = arg;
    pair->act(pair->other);
}

static void on_second_timer(void *arg)
{
    struct pair_of_timers *pair = arg;
    pair->fired++;
}

static void start_late(struct loop_timer *timer)
{
    loop_timer_start(timer, 3600 * NS_PER_S);
}

TEST(loop, a_timer_that_is_due_may_be_stopped_freed_and_restarted_by_another)
{
    static void (*const acts[])(struct loop_timer *) = {loop_timer_stop, start_late,
                                                        loop_timer_free};
    for (unsigned i = 0; i < 3; i++) {
        struct pair_of_timers pair = {.act = acts[i]};
        struct loop *loop = loop_new();
        struct loop_timer *first = loop_timer_new(loop, on_first_timer, &pair);
        pair.other = loop_timer_new(loop, on_second_timer, &pair);
        loop_timer_start(first, 0);
        loop_timer_start(pair.other, 0);
        expect(loop_turn(loop));
        expect(!loop_turn(loop));
        expect_int(pair.fired, 0);
        loop_timer_free(first);
        if (acts[i] != loop_timer_free) {
            loop_timer_free(pair.other);
        }
        loop_free(loop);
    }
}

TEST(loop, a_running_timer_may_be_freed)
{
    struct alarm_clock alarm_clock = {.fired = 0};
    struct loop *loop = loop_new();
    struct loop_timer *timer = loop_timer_new(loop, on_time, &alarm_clock);
    loop_timer_start(timer, 0);
    loop_timer_free(timer);
    loop_turn(loop);
    expect_int(alarm_clock.fired, 0);
    loop_free(loop);
}
