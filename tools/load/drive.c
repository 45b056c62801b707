/* drive.c: see drive.h. */
#include "tools/load/drive.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/load/usage.h"

#include <errno.h>

enum {
    RELEASE_MAX = 64,   /* due requests of one turn: answers must get theirs */
    TICK_NS = 20000000, /* deadlines, broken connections, what other threads say */
    START_AHEAD_NS = 3 * TICK_NS,
};

/* --- what is measured --- */

static void begin_window(struct drive *drive)
{
    struct results *results = drive->results;
    drive->windowed = true;
    results->window_ns = drive->window.start_ns;
    results->start_unix_s = usage_unix_s();
    drive->cpu_at_window_ns = usage_cpu_ns();
    drive->runqueue_at_window_ns = usage_runqueue_ns();
}

/* A request has ended, well or badly. */
static void drive_end_shot(struct drive *drive, const struct connection *connection,
                           const struct shot *shot, const struct outcome *outcome)
{
    struct results *results = drive->results;
    uint64_t ended_ns = outcome->done_ns != 0 ? outcome->done_ns : clock_ns();
    drive->in_flight--;
    occupancy_end(&results->occupancy, &drive->window, shot->measured, shot->released_ns, ended_ns);
    record_outcome(results, &drive->window, shot, outcome);
    if (drive->log != NULL) {
        request_log_put(drive->log, connection, shot, outcome);
    }
}

/* The connection for a request could not even be begun. Before any was made there is no server. */
static void drive_cannot_open(struct drive *drive, struct connection *connection, struct due due)
{
    const char *words = strerror(errno);
    struct shot shot = {.due_ns = due.due_ns,
                        .released_ns = due.released_ns,
                        .target = mix_next(&drive->mix),
                        .measured = window_has(&drive->window, due.due_ns)};
    struct outcome outcome = {.error = LOAD_CONNECT, .words = words};
    pool_on_refused(&drive->pool, connection, words);
    pool_on_closed(&drive->pool, connection);
    drive_end_shot(drive, connection, &shot, &outcome);
    if (!plan_is_open(drive->plan)) {
        schedule_think(&drive->schedule, clock_ns()); /* its user asks again, in a later turn */
    }
    drive->phase = drive->results->opened == 0 ? DRIVE_OVER : drive->phase;
}

static void drive_ask(struct drive *drive, struct connection *connection, struct due due)
{
    bool measured = window_has(&drive->window, due.due_ns);
    drive->in_flight++;
    if (drive->plan->fresh && !connection_open(connection)) {
        drive_cannot_open(drive, connection, due);
        return;
    }
    connection_ask(connection, mix_next(&drive->mix), due.due_ns, due.released_ns, measured);
    if (connection_has_room(connection)) {
        ready_put(&drive->ready, connection);
    }
}

static void drive_dispatch(struct drive *drive)
{
    while (drive->pending.count > 0 && drive->phase != DRIVE_CONNECTING &&
           drive->phase != DRIVE_OVER) {
        struct connection *connection = ready_take(&drive->ready);
        struct due due;
        if (connection == NULL || !pending_take(&drive->pending, &due)) {
            return;
        }
        drive_ask(drive, connection, due);
    }
}

static void put_due(struct drive *drive, uint64_t due_ns, uint64_t now_ns)
{
    struct results *results = drive->results;
    bool measured = window_has(&drive->window, due_ns);
    struct series_row *row = series_at(&results->series, &drive->window, due_ns);
    results->due += measured ? 1 : 0;
    if (row != NULL) {
        row->due++;
    }
    if (!pending_put(&drive->pending, (struct due){due_ns, now_ns})) {
        results->dropped += measured ? 1 : 0;
        return;
    }
    occupancy_change(&results->occupancy, &drive->window, 1, now_ns);
    if (drive->pending.count > results->pending_most) {
        results->pending_most = drive->pending.count;
    }
}

/* The newest request was not sent at once: it waits behind those that do. */
static void note_waiting_request(struct drive *drive, uint64_t due_ns)
{
    if (drive->pending.count > 0) {
        drive->results->waited += window_has(&drive->window, due_ns) ? 1 : 0;
        pool_grow(&drive->pool, drive->pending.count);
        drive_dispatch(drive);
    }
}

/* The time until which requests may be released now. */
static uint64_t release_until_ns(const struct drive *drive, uint64_t now_ns)
{
    return now_ns < drive->window.end_ns ? now_ns : drive->window.end_ns - 1;
}

/* Each is sent before the next is checked: sending takes microseconds, in which the next may have
 * become due. So each is stamped with a time of its own, too. False: none was due. */
static bool release_due(struct drive *drive)
{
    unsigned released = 0;
    uint64_t due_ns, now_ns;
    while (drive->phase == DRIVE_RUNNING && released < RELEASE_MAX) {
        now_ns = clock_ns();
        if (!schedule_take(&drive->schedule, release_until_ns(drive, now_ns), &due_ns)) {
            break;
        }
        if (due_ns >= drive->window.start_ns && !drive->windowed) {
            begin_window(drive);
        }
        put_due(drive, due_ns, now_ns);
        drive_dispatch(drive);
        note_waiting_request(drive, due_ns);
        released++;
    }
    return released > 0;
}

/* --- phases --- */

/* What was due and was not released is late, and must not be left out for it. */
static void release_rest(struct drive *drive)
{
    uint64_t due_ns;
    while (schedule_take(&drive->schedule, drive->window.end_ns - 1, &due_ns)) {
        put_due(drive, due_ns, clock_ns());
    }
    drive_dispatch(drive);
}

/* Users of a closed loop that were about to ask are not late: they are gone. */
static void dismiss_users(struct drive *drive)
{
    struct due due;
    while (pending_take(&drive->pending, &due)) {
        drive->results->due -= window_has(&drive->window, due.due_ns) ? 1 : 0;
        occupancy_end(&drive->results->occupancy, &drive->window, false, due.released_ns,
                      clock_ns());
    }
}

static void end_window(struct drive *drive)
{
    struct results *results = drive->results;
    if (drive->windowed) {
        results->cpu_ns = usage_cpu_ns() - drive->cpu_at_window_ns;
        results->cpu_total_ns = results->cpu_ns;
        results->runqueue_ns = usage_runqueue_ns() - drive->runqueue_at_window_ns;
        results->end_ns = drive->window.end_ns;
    }
    drive->drained_ns = drive->window.end_ns + drive->plan->settings->timeout_ns;
    drive->phase = DRIVE_DRAINING;
    if (!plan_is_open(drive->plan)) {
        dismiss_users(drive);
    }
}

static void drop_pending(struct drive *drive)
{
    struct due due;
    while (pending_take(&drive->pending, &due)) {
        drive->results->dropped += window_has(&drive->window, due.due_ns) ? 1 : 0;
        occupancy_change(&drive->results->occupancy, &drive->window, -1, clock_ns());
    }
}

static void drive_check_phase(struct drive *drive, uint64_t now_ns)
{
    if (drive->phase == DRIVE_RUNNING && !drive->windowed && now_ns >= drive->window.start_ns) {
        begin_window(drive);
    }
    if (drive->phase == DRIVE_RUNNING && now_ns >= drive->window.end_ns) {
        end_window(drive);
        if (plan_is_open(drive->plan)) {
            release_rest(drive);
        }
    }
    if (drive->phase == DRIVE_DRAINING) {
        if (now_ns >= drive->drained_ns) {
            drop_pending(drive);
        }
        if (drive->in_flight == 0 && drive->pending.count == 0) {
            drive->phase = DRIVE_OVER;
        }
    }
}

/* Everything that depends on the time. False: no request was due. */
static bool drive_catch_up(struct drive *drive)
{
    bool released = release_due(drive);
    drive_check_phase(drive, clock_ns());
    return released;
}

static void drive_begin_requests(struct drive *drive, uint64_t start_ns)
{
    const struct load_settings *settings = drive->plan->settings;
    drive->phase = DRIVE_RUNNING;
    drive->results->start_ns = start_ns;
    drive->window.start_ns = start_ns + settings->warmup_ns;
    drive->window.end_ns = drive->window.start_ns + settings->duration_ns;
    drive->window.length_ns = settings->duration_ns;
    schedule_begin(&drive->schedule, drive->plan, drive->seat, start_ns);
    (void)drive_catch_up(drive);
}

/* --- the start --- */

static void begin_when_known(struct drive *drive)
{
    uint64_t start_ns = atomic_load(&drive->line->start_ns);
    if (drive->phase != DRIVE_CONNECTING || !pool_is_settled(&drive->pool) || start_ns == 0) {
        return;
    }
    if (start_ns == START_NEVER) {
        drive->phase = DRIVE_OVER;
    } else {
        drive_begin_requests(drive, start_ns);
    }
}

/* The first attempt of each connection is over. The last drive of which that is true fixes the
 * time for all; the others find it at their next tick, which comes before that time. */
static void arrive_at_line(struct drive *drive)
{
    struct starting_line *line = drive->line;
    uint64_t ahead_ns = drive->seat.of > 1 ? START_AHEAD_NS : 0;
    /* Where each request makes its own, nothing is known yet. */
    atomic_fetch_add(&line->opened, drive->plan->fresh ? 1 : drive->results->opened);
    if (atomic_fetch_sub(&line->missing, 1) == 1) {
        bool some = atomic_load(&line->opened) > 0;
        atomic_store(&line->start_ns, some ? clock_ns() + ahead_ns : START_NEVER);
    }
    begin_when_known(drive);
}

static void drive_open_more(struct drive *drive)
{
    pool_open_more(&drive->pool);
    if (pool_is_settled(&drive->pool) && !drive->arrived) {
        drive->arrived = true;
        arrive_at_line(drive);
    }
}

/* --- events of connections --- */

static void on_opened(void *owner, struct connection *connection, uint64_t took_ns)
{
    struct drive *drive = owner;
    pool_on_opened(&drive->pool, connection, took_ns);
    if (drive->phase == DRIVE_CONNECTING) {
        drive_open_more(drive);
    } else {
        drive_dispatch(drive);
    }
}

static void on_refused(void *owner, struct connection *connection, enum load_error error,
                       const char *words)
{
    struct drive *drive = owner;
    (void)error;
    pool_on_refused(&drive->pool, connection, words);
    if (drive->plan->fresh && drive->results->opened == 0) {
        drive->phase = DRIVE_OVER; /* before any was made there is no server */
    }
}

static void on_unasked(void *owner, struct connection *connection)
{
    struct drive *drive = owner;
    (void)connection;
    drive->results->unasked++;
}

static void drive_on_closed(void *owner, struct connection *connection)
{
    struct drive *drive = owner;
    if (drive->phase == DRIVE_OVER ||
        (drive->phase == DRIVE_DRAINING && drive->pending.count == 0)) {
        return;
    }
    pool_on_closed(&drive->pool, connection);
    if (drive->phase == DRIVE_CONNECTING) {
        drive_open_more(drive);
    } else {
        drive_dispatch(drive);
    }
}

/* A user of the closed loop asks again, on the same connection where that is possible. */
static void next_of_user(struct drive *drive, struct connection *connection, uint64_t now_ns)
{
    bool room = connection_has_room(connection);
    if (drive->phase != DRIVE_RUNNING || now_ns >= drive->window.end_ns) {
        return;
    }
    if (drive->plan->settings->think_ns > 0) {
        schedule_think(&drive->schedule, now_ns);
    } else if (room && drive->pending.count == 0) {
        drive->results->due += window_has(&drive->window, now_ns) ? 1 : 0;
        occupancy_change(&drive->results->occupancy, &drive->window, 1, now_ns);
        drive_ask(drive, connection, (struct due){now_ns, now_ns});
        return;
    } else {
        put_due(drive, now_ns, now_ns);
    }
    if (room) {
        ready_put(&drive->ready, connection);
    }
    drive_dispatch(drive);
}

static void on_ended(void *owner, struct connection *connection, const struct shot *shot,
                     const struct outcome *outcome)
{
    struct drive *drive = owner;
    drive_end_shot(drive, connection, shot, outcome);
    if (!plan_is_open(drive->plan)) {
        next_of_user(drive, connection, outcome->done_ns != 0 ? outcome->done_ns : clock_ns());
        return;
    }
    if (connection_has_room(connection)) {
        ready_put(&drive->ready, connection);
    }
    drive_dispatch(drive);
    (void)release_due(drive);
}

static const struct connection_events connection_events = {
    .opened = on_opened,
    .refused = on_refused,
    .ended = on_ended,
    .unasked = on_unasked,
    .closed = drive_on_closed,
};

/* --- the loop --- */

static void on_deadline(void *arg, struct deadline *deadline)
{
    (void)arg;
    connection_expire(connection_of_deadline(deadline), clock_ns());
}

static void drive_on_alarm(void *arg)
{
    (void)drive_catch_up(arg);
}

static void drive_show_pulse(struct drive *drive)
{
    const struct results *results = drive->results;
    struct pulse *pulse = &drive->pulse;
    atomic_store_explicit(&pulse->done, results->done_in_window, memory_order_relaxed);
    atomic_store_explicit(&pulse->waiting, drive->pending.count, memory_order_relaxed);
    atomic_store_explicit(&pulse->errors, errors_total(&results->errors), memory_order_relaxed);
}

static void drive_interrupt(struct drive *drive)
{
    drive->results->interrupted = true;
    if (drive->phase == DRIVE_RUNNING) {
        drive->window.end_ns = clock_ns();
        end_window(drive);
    }
    drive->phase = DRIVE_OVER;
}

static void drive_on_tick(void *arg)
{
    struct drive *drive = arg;
    loop_timer_start(drive->tick, TICK_NS);
    if (atomic_load(&drive->line->stop)) {
        drive_interrupt(drive);
        return;
    }
    uint64_t now_ns = clock_ns();
    wheel_advance(&drive->wheel, now_ns);
    if (drive->phase == DRIVE_CONNECTING) {
        begin_when_known(drive);
    } else {
        pool_retry(&drive->pool, now_ns);
        drive_dispatch(drive);
    }
    drive_show_pulse(drive);
    (void)drive_catch_up(drive);
}

/* The end of draining is found by the events themselves, and by the tick. */
static uint64_t next_wake_ns(const struct drive *drive)
{
    if (drive->phase != DRIVE_RUNNING) {
        return UINT64_MAX / 4;
    }
    uint64_t phase_ns = drive->windowed ? drive->window.end_ns : drive->window.start_ns;
    uint64_t due_ns = schedule_next_ns(&drive->schedule);
    return due_ns < phase_ns ? due_ns : phase_ns;
}

static void before_poll(void *arg)
{
    struct drive *drive = arg;
    alarm_set(&drive->alarm, drive->plan->settings->spin ? 0 : next_wake_ns(drive));
}

static void after_poll(void *arg, bool busy)
{
    (void)arg;
    (void)busy;
}

/* With --spin a turn that found nothing is idle, though it costs as much CPU. The thread's CPU
 * clock says how much: the time in which the thread did not run is no idle time. */
static void spin_loop(struct drive *drive)
{
    uint64_t before_ns = usage_cpu_ns();
    while (drive->phase != DRIVE_OVER) {
        bool measured = drive->windowed && drive->phase == DRIVE_RUNNING;
        bool busy = loop_turn(drive->loop);
        busy = drive_catch_up(drive) || busy;
        uint64_t now_ns = usage_cpu_ns();
        drive->results->idle_ns += measured && !busy ? now_ns - before_ns : 0;
        before_ns = now_ns;
    }
}

static void sleep_loop(struct drive *drive)
{
    uint64_t woke_ns;
    while (drive->phase != DRIVE_OVER) {
        loop_block(drive->loop, &woke_ns);
    }
}

/* --- a run --- */

void drive_init(struct drive *drive)
{
    const struct plan *plan = drive->plan;
    const struct load_settings *settings = plan->settings;
    unsigned connections = (unsigned)seat_share(drive->seat, settings->connections);
    unsigned most = (unsigned)seat_share(drive->seat, plan->connections_most);
    unsigned before = (unsigned)seat_share_before(drive->seat, plan->connections_most);
    drive->window.open = plan_is_open(plan);
    series_init(&drive->results->series, plan);
    drive->loop = loop_new();
    drive->hooks = (struct loop_hooks){before_poll, after_poll, drive};
    loop_around_poll(drive->loop, &drive->hooks);
    wheel_init(&drive->wheel, clock_ns(), on_deadline, drive);
    alarm_open(&drive->alarm, drive->loop, drive_on_alarm, drive);
    drive->tick = loop_timer_new(drive->loop, drive_on_tick, drive);
    struct connection_shared shared = {
        .plan = plan,
        .loop = drive->loop,
        .wheel = &drive->wheel,
        .events = &connection_events,
        .owner = drive,
    };
    pool_init(&drive->pool, &shared, drive->results, &drive->ready, before, connections, most);
    ready_init(&drive->ready, most, settings->dispatch, settings->seed, drive->seat);
    schedule_init(&drive->schedule, plan, connections * settings->pipeline);
    pending_init(&drive->pending,
                 seat_share(drive->seat, settings->max_pending + drive->seat.of - 1));
    mix_begin(&drive->mix, settings->seed, drive->seat);
    for (unsigned i = 0; i < plan->target_count; i++) {
        mix_add(&drive->mix, plan->targets[i].url.weight);
    }
}

void drive_deinit(struct drive *drive)
{
    alarm_close(&drive->alarm);
    loop_timer_free(drive->tick);
    loop_free(drive->loop);
    pool_deinit(&drive->pool);
    ready_deinit(&drive->ready);
    schedule_deinit(&drive->schedule);
    pending_deinit(&drive->pending);
    series_deinit(&drive->results->series);
}

/* What has no answer at the end was interrupted. */
void drive_run(struct drive *drive)
{
    drive->results->precedence = usage_precedence();
    loop_timer_start(drive->tick, TICK_NS);
    drive_open_more(drive);
    if (drive->plan->settings->spin) {
        spin_loop(drive);
    } else {
        sleep_loop(drive);
    }
    drop_pending(drive);
    loop_timer_stop(drive->tick);
    pool_shut(&drive->pool, LOAD_ABANDONED, "interrupted");
    drive->results->bytes_sent = drive->pool.shared.bytes_sent;
    drive->results->bytes_received = drive->pool.shared.bytes_received;
    occupancy_change(&drive->results->occupancy, &drive->window, 0, clock_ns());
    drive_show_pulse(drive);
    if (drive->log != NULL) {
        drive->log_error = request_log_free(drive->log);
    }
}
