/* drive.c: see drive.h. */
#include "tools/load/drive.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/load/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECTING_MAX = 128, /* at a time: less than any listen backlog */
    RELEASE_MAX = 64,     /* due requests of one turn: answers must get theirs */
    TICK_NS = 20000000,   /* deadlines, broken connections, seconds */
    RETRY_NS = 100000000, /* before a connection that was refused is tried again */
};

static void init_connections(struct drive *drive);
static void on_opened(void *owner, struct connection *connection, uint64_t took_ns);
static void on_refused(void *owner, struct connection *connection, enum load_error error,
                       const char *words);
static void on_ended(void *owner, struct connection *connection, const struct shot *shot,
                     const struct outcome *outcome);
static void on_unasked(void *owner, struct connection *connection);
static void drive_on_closed(void *owner, struct connection *connection);
static void drive_on_alarm(void *arg);
static void drive_on_tick(void *arg);
static void on_deadline(void *arg, struct deadline *deadline);
static void before_poll(void *arg);
static void after_poll(void *arg, bool busy);
static void open_more(struct drive *drive);
static void open_again(struct drive *drive, struct connection *connection);
static void note_refused(struct drive *drive, struct connection *connection, const char *words);
static void add_broken(struct drive *drive, struct connection *connection);
static void retry_broken(struct drive *drive, uint64_t now_ns);
static void drive_begin_requests(struct drive *drive);
static void begin_window(struct drive *drive);
static void end_window(struct drive *drive);
static void end_second(struct drive *drive, uint64_t now_ns);
static void drive_catch_up(struct drive *drive, uint64_t now_ns);
static void drive_check_phase(struct drive *drive, uint64_t now_ns);
static void release_due(struct drive *drive, uint64_t now_ns);
static void wake_thinkers(struct drive *drive, uint64_t now_ns);
static void put_due(struct drive *drive, uint64_t due_ns, uint64_t now_ns);
static bool is_measured(const struct drive *drive, uint64_t due_ns);
static void drive_dispatch(struct drive *drive);
static void drive_ask(struct drive *drive, struct connection *connection, struct due due);
static void add_ready(struct drive *drive, struct connection *connection);
static struct connection *take_ready(struct drive *drive);
static void next_of_user(struct drive *drive, struct connection *connection, uint64_t now_ns);
static void drive_record(struct drive *drive, const struct shot *shot,
                         const struct outcome *outcome);
static void record_length(struct drive *drive, const struct shot *shot,
                          const struct outcome *outcome);
static void record_measured(struct drive *drive, const struct shot *shot,
                            const struct outcome *outcome);
static void drop_pending(struct drive *drive);
static uint64_t next_wake_ns(const struct drive *drive);
static void run_loop(struct drive *drive);
static void close_all(struct drive *drive);

static const struct connection_events connection_events = {
    .opened = on_opened,
    .refused = on_refused,
    .ended = on_ended,
    .unasked = on_unasked,
    .closed = drive_on_closed,
};

void drive_init(struct drive *drive)
{
    const struct load_settings *settings = drive->plan->settings;
    drive->loop = loop_new();
    drive->hooks = (struct loop_hooks){before_poll, after_poll, drive};
    loop_around_poll(drive->loop, &drive->hooks);
    wheel_init(&drive->wheel, clock_ns(), on_deadline, drive);
    alarm_open(&drive->alarm, drive->loop, drive_on_alarm, drive);
    drive->tick = loop_timer_new(drive->loop, drive_on_tick, drive);
    drive->shared = (struct connection_shared){
        .plan = drive->plan,
        .loop = drive->loop,
        .wheel = &drive->wheel,
        .events = &connection_events,
        .owner = drive,
        .buffer = must_alloc(CONNECTION_BUFFER),
    };
    init_connections(drive);
    drive->ready_last = &drive->ready_first;
    mix_begin(&drive->mix, settings->seed);
    for (unsigned i = 0; i < drive->plan->target_count; i++) {
        mix_add(&drive->mix, drive->plan->targets[i].url.weight);
    }
    pending_init(&drive->pending, settings->max_pending);
    pending_init(&drive->thinking, drive->connection_count * settings->pipeline);
}

static void init_connections(struct drive *drive)
{
    const struct load_settings *settings = drive->plan->settings;
    drive->connection_count = (unsigned)settings->connections;
    drive->connections = must_calloc(drive->connection_count, sizeof *drive->connections);
    drive->shots = must_calloc(drive->connection_count * settings->pipeline, sizeof *drive->shots);
    for (unsigned i = 0; i < drive->connection_count; i++) {
        connection_init(&drive->connections[i], &drive->shared, i,
                        drive->shots + i * settings->pipeline);
    }
}

void drive_deinit(struct drive *drive)
{
    alarm_close(&drive->alarm);
    loop_timer_free(drive->tick);
    loop_free(drive->loop);
    for (unsigned i = 0; i < drive->connection_count; i++) {
        connection_deinit(&drive->connections[i]);
    }
    pending_deinit(&drive->pending);
    pending_deinit(&drive->thinking);
    free(drive->connections);
    free(drive->shots);
    free(drive->shared.buffer);
}

bool drive_run(struct drive *drive)
{
    drive->results->precedence = usage_precedence();
    open_more(drive);
    loop_timer_start(drive->tick, TICK_NS);
    run_loop(drive);
    close_all(drive);
    if (drive->windowed) {
        end_second(drive, clock_ns());
    }
    drive->results->bytes_sent = drive->shared.bytes_sent;
    drive->results->bytes_received = drive->shared.bytes_received;
    return drive->results->opened > 0;
}

void drive_interrupt(struct drive *drive)
{
    drive->results->interrupted = true;
    if (drive->phase == DRIVE_RUNNING) {
        drive->end_ns = clock_ns();
        end_window(drive);
    }
    drive->phase = DRIVE_OVER;
}

/* With --spin a turn that found nothing is idle time, though it costs as much CPU. */
static void run_loop(struct drive *drive)
{
    bool spin = drive->plan->settings->spin;
    uint64_t before_ns = clock_ns(), woke_ns;
    while (drive->phase != DRIVE_OVER) {
        if (!spin) {
            loop_block(drive->loop, &woke_ns);
            continue;
        }
        bool busy = loop_turn(drive->loop);
        uint64_t now_ns = clock_ns();
        if (!busy && next_wake_ns(drive) > now_ns) {
            drive->results->idle_ns += drive->windowed ? now_ns - before_ns : 0;
        }
        before_ns = now_ns;
        drive_catch_up(drive, now_ns);
    }
}

/* What has no answer by now was interrupted. */
static void close_all(struct drive *drive)
{
    drop_pending(drive);
    loop_timer_stop(drive->tick);
    for (unsigned i = 0; i < drive->connection_count; i++) {
        connection_shut(&drive->connections[i], LOAD_ABANDONED, "interrupted");
    }
}

/* --- connections --- */

/* All at once would be more than a listen queue holds. */
static void open_more(struct drive *drive)
{
    while (drive->next_open < drive->connection_count && drive->connecting < CONNECTING_MAX) {
        struct connection *connection = &drive->connections[drive->next_open++];
        drive->connecting++;
        if (!connection_open(connection)) {
            note_refused(drive, connection, strerror(errno));
            drive_on_closed(drive, connection);
        }
    }
}

/* One of the first connections is open, or is not. The load starts when all are settled. */
static void settle_one(struct drive *drive)
{
    if (drive->phase != DRIVE_CONNECTING) {
        return;
    }
    drive->connecting--;
    if (++drive->settled < drive->connection_count) {
        return;
    }
    if (drive->results->opened == 0) {
        drive->phase = DRIVE_OVER;
        return;
    }
    drive_begin_requests(drive);
}

static void on_opened(void *owner, struct connection *connection, uint64_t took_ns)
{
    struct drive *drive = owner;
    drive->results->opened++;
    connection->refused = false;
    connection->retry_ns = 0;
    histogram_record(&drive->results->connect, took_ns);
    add_ready(drive, connection);
    if (drive->phase == DRIVE_CONNECTING) {
        settle_one(drive);
        open_more(drive);
        return;
    }
    drive_dispatch(drive);
}

static void on_refused(void *owner, struct connection *connection, enum load_error error,
                       const char *words)
{
    struct drive *drive = owner;
    (void)error;
    note_refused(drive, connection, words);
}

static void note_refused(struct drive *drive, struct connection *connection, const char *words)
{
    connection->refused = true;
    connection->retry_ns = clock_ns() + RETRY_NS;
    errors_note(&drive->results->errors, LOAD_CONNECT, words);
    snprintf(drive->refused, sizeof drive->refused, "%s", words);
}

static void on_unasked(void *owner, struct connection *connection)
{
    struct drive *drive = owner;
    (void)connection;
    drive->results->unasked++;
}

/* Opened again at once after an orderly end, and after a while when it could not be made. */
static void drive_on_closed(void *owner, struct connection *connection)
{
    struct drive *drive = owner;
    if (drive->phase == DRIVE_CONNECTING) {
        add_broken(drive, connection);
        if (connection->refused) {
            settle_one(drive);
        }
        return;
    }
    if (drive->phase == DRIVE_OVER ||
        (drive->phase == DRIVE_DRAINING && drive->pending.count == 0)) {
        return;
    }
    if (connection->refused) {
        add_broken(drive, connection);
        return;
    }
    open_again(drive, connection);
}

static void open_again(struct drive *drive, struct connection *connection)
{
    if (!connection_open(connection)) {
        note_refused(drive, connection, strerror(errno));
        add_broken(drive, connection);
    }
}

static void add_broken(struct drive *drive, struct connection *connection)
{
    connection->next_broken = drive->broken;
    drive->broken = connection;
}

static void retry_broken(struct drive *drive, uint64_t now_ns)
{
    struct connection *next = drive->broken;
    drive->broken = NULL;
    while (next != NULL) {
        struct connection *connection = next;
        next = connection->next_broken;
        if (connection->retry_ns <= now_ns && drive->phase != DRIVE_CONNECTING) {
            open_again(drive, connection);
        } else {
            add_broken(drive, connection);
        }
    }
}

static void on_deadline(void *arg, struct deadline *deadline)
{
    (void)arg;
    connection_expire(connection_of_deadline(deadline), clock_ns());
}

/* --- phases --- */

static void drive_begin_requests(struct drive *drive)
{
    const struct load_settings *settings = drive->plan->settings;
    uint64_t now_ns = clock_ns();
    drive->phase = DRIVE_RUNNING;
    drive->results->start_ns = now_ns;
    drive->window_ns = now_ns + settings->warmup_ns;
    drive->end_ns = drive->window_ns + settings->duration_ns;
    if (plan_is_open(drive->plan)) {
        arrivals_begin(&drive->arrivals, settings->arrivals, (double)settings->rate, settings->seed,
                       now_ns);
        drive->next_due_ns = arrivals_next(&drive->arrivals);
    } else {
        for (uint64_t i = 0; i < drive->connection_count * settings->pipeline; i++) {
            put_due(drive, now_ns, now_ns);
        }
    }
    drive_catch_up(drive, now_ns);
    drive_dispatch(drive);
}

static void begin_window(struct drive *drive)
{
    struct results *results = drive->results;
    drive->windowed = true;
    drive->second_ns = results->window_ns = drive->window_ns;
    results->start_unix_s = usage_unix_s();
    drive->cpu_at_window_ns = usage_cpu_ns();
    drive->runqueue_at_window_ns = usage_runqueue_ns();
    if (plan_is_open(drive->plan)) {
        const struct load_settings *settings = drive->plan->settings;
        gaps_begin(&results->gaps, settings->arrivals, (double)settings->rate, drive->window_ns);
    }
}

static void end_window(struct drive *drive)
{
    struct results *results = drive->results;
    if (drive->windowed) {
        results->cpu_ns = usage_cpu_ns() - drive->cpu_at_window_ns;
        results->runqueue_ns = usage_runqueue_ns() - drive->runqueue_at_window_ns;
        results->end_ns = drive->end_ns;
    }
    drive->drained_ns = drive->end_ns + drive->plan->settings->timeout_ns;
    drive->phase = DRIVE_DRAINING;
    if (!plan_is_open(drive->plan)) {
        /* Users of a closed loop that were about to ask are not late: they are gone. */
        struct due due;
        while (pending_take(&drive->pending, &due)) {
            results->due -= is_measured(drive, due.due_ns) ? 1 : 0;
        }
    }
}

static void end_second(struct drive *drive, uint64_t now_ns)
{
    struct results *results = drive->results;
    double start_s = (double)(drive->second_ns - drive->window_ns) / (double)NS_PER_S;
    double length_s = (double)(now_ns - drive->second_ns) / (double)NS_PER_S;
    if (drive->second_fn != NULL) {
        drive->second_fn(drive->second_arg, start_s, length_s);
    }
    histogram_merge(&results->from_due, &results->second);
    memset(&results->second, 0, sizeof results->second);
    drive->second_ns = now_ns;
}

static void drive_check_phase(struct drive *drive, uint64_t now_ns)
{
    if (drive->phase == DRIVE_RUNNING && !drive->windowed && now_ns >= drive->window_ns) {
        begin_window(drive);
    }
    if (drive->phase == DRIVE_RUNNING && now_ns >= drive->end_ns) {
        end_window(drive);
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

static void drop_pending(struct drive *drive)
{
    struct due due;
    while (pending_take(&drive->pending, &due)) {
        drive->results->dropped += is_measured(drive, due.due_ns) ? 1 : 0;
    }
}

/* --- what is due --- */

/* Everything that depends on the time. */
static void drive_catch_up(struct drive *drive, uint64_t now_ns)
{
    release_due(drive, now_ns);
    wake_thinkers(drive, now_ns);
    drive_check_phase(drive, now_ns);
}

/* Each is sent before the next is checked: sending takes microseconds, in which the next may have
 * become due. */
static void release_due(struct drive *drive, uint64_t now_ns)
{
    bool open = plan_is_open(drive->plan) && drive->phase == DRIVE_RUNNING;
    for (unsigned i = 0; open && i < RELEASE_MAX; i++) {
        uint64_t due_ns = drive->next_due_ns;
        if (due_ns > now_ns || due_ns >= drive->end_ns) {
            return;
        }
        if (due_ns >= drive->window_ns) {
            if (!drive->windowed) {
                begin_window(drive);
            }
            gaps_note(&drive->results->gaps, now_ns);
        }
        put_due(drive, due_ns, now_ns);
        drive->next_due_ns = arrivals_next(&drive->arrivals);
        drive_dispatch(drive);
        now_ns = clock_ns();
    }
}

static void wake_thinkers(struct drive *drive, uint64_t now_ns)
{
    struct due due;
    const struct due *first;
    while ((first = pending_first(&drive->thinking)) != NULL && first->due_ns <= now_ns) {
        (void)pending_take(&drive->thinking, &due); /* there is one */
        if (due.due_ns < drive->end_ns) {
            put_due(drive, due.due_ns, now_ns);
            drive_dispatch(drive);
        }
    }
}

static void put_due(struct drive *drive, uint64_t due_ns, uint64_t now_ns)
{
    struct results *results = drive->results;
    bool measured = is_measured(drive, due_ns);
    results->due += measured ? 1 : 0;
    if (!pending_put(&drive->pending, (struct due){due_ns, now_ns})) {
        results->dropped += measured ? 1 : 0;
    } else if (drive->pending.count > results->pending_most) {
        results->pending_most = drive->pending.count;
    }
}

static bool is_measured(const struct drive *drive, uint64_t due_ns)
{
    return due_ns >= drive->window_ns && due_ns < drive->end_ns;
}

/* The oldest due request meets the connection that has been ready for longest. */
static void drive_dispatch(struct drive *drive)
{
    while (drive->pending.count > 0 && drive->phase != DRIVE_CONNECTING) {
        struct connection *connection = take_ready(drive);
        struct due due;
        if (connection == NULL || !pending_take(&drive->pending, &due)) {
            return;
        }
        drive_ask(drive, connection, due);
    }
}

static void drive_ask(struct drive *drive, struct connection *connection, struct due due)
{
    bool measured = is_measured(drive, due.due_ns);
    drive->in_flight++;
    connection_ask(connection, mix_next(&drive->mix), due.due_ns, due.released_ns, measured);
    if (connection_has_room(connection)) {
        add_ready(drive, connection);
    }
}

static void add_ready(struct drive *drive, struct connection *connection)
{
    if (!connection->is_ready) {
        connection->is_ready = true;
        connection->next_ready = NULL;
        *drive->ready_last = connection;
        drive->ready_last = &connection->next_ready;
    }
}

/* One that broke while it was ready is found out here. */
static struct connection *take_ready(struct drive *drive)
{
    struct connection *connection;
    while ((connection = drive->ready_first) != NULL) {
        drive->ready_first = connection->next_ready;
        if (drive->ready_first == NULL) {
            drive->ready_last = &drive->ready_first;
        }
        connection->is_ready = false;
        if (connection_has_room(connection)) {
            return connection;
        }
    }
    return NULL;
}

/* --- what became of it --- */

static void on_ended(void *owner, struct connection *connection, const struct shot *shot,
                     const struct outcome *outcome)
{
    struct drive *drive = owner;
    drive->in_flight--;
    drive_record(drive, shot, outcome);
    if (drive->log != NULL) {
        request_log_put(drive->log, connection, shot, outcome);
    }
    uint64_t now_ns = outcome->done_ns != 0 ? outcome->done_ns : clock_ns();
    if (!plan_is_open(drive->plan)) {
        next_of_user(drive, connection, now_ns);
        return;
    }
    if (connection_has_room(connection)) {
        add_ready(drive, connection);
    }
    drive_dispatch(drive);
    release_due(drive, now_ns);
}

/* A user of the closed loop asks again, on the same connection where that is possible. */
static void next_of_user(struct drive *drive, struct connection *connection, uint64_t now_ns)
{
    uint64_t due_ns = now_ns + drive->plan->settings->think_ns;
    bool room = connection_has_room(connection);
    if (drive->phase != DRIVE_RUNNING || due_ns >= drive->end_ns) {
        return;
    }
    if (due_ns > now_ns) {
        CHECK(pending_put(&drive->thinking, (struct due){due_ns, 0}));
    } else if (room && drive->pending.count == 0) {
        drive->results->due += is_measured(drive, due_ns) ? 1 : 0;
        drive_ask(drive, connection, (struct due){due_ns, due_ns});
        return;
    } else {
        put_due(drive, due_ns, now_ns);
    }
    if (room) {
        add_ready(drive, connection);
    }
    drive_dispatch(drive);
}

static void drive_record(struct drive *drive, const struct shot *shot,
                         const struct outcome *outcome)
{
    struct results *results = drive->results;
    bool sent = shot->sent_ns != 0, answered = outcome->done_ns != 0;
    results->sent_ever += sent ? 1 : 0;
    results->bad_ever += outcome->error != LOAD_GOOD ? 1 : 0;
    if (answered) {
        results->answered_ever++;
        results->statuses[outcome->status < RESULTS_STATUSES ? outcome->status : 0]++;
        record_length(drive, shot, outcome);
        if (outcome->done_ns >= drive->window_ns && outcome->done_ns < drive->end_ns) {
            results->done_in_window++;
            results->body_bytes_in_window += outcome->body;
        }
    }
    if (shot->measured) {
        record_measured(drive, shot, outcome);
    }
}

static void record_measured(struct drive *drive, const struct shot *shot,
                            const struct outcome *outcome)
{
    struct results *results = drive->results;
    bool sent = shot->sent_ns != 0;
    results->sent += sent ? 1 : 0;
    results->sent_in_window += sent && shot->sent_ns < drive->end_ns ? 1 : 0;
    if (outcome->error != LOAD_GOOD) {
        errors_note(&results->errors, outcome->error, outcome->words);
        return;
    }
    results->good++;
    histogram_record(&results->second, outcome->done_ns - shot->due_ns);
    histogram_record(&results->from_send, outcome->done_ns - shot->sent_ns);
    histogram_record(&results->first_byte, shot->first_byte_ns - shot->sent_ns);
    histogram_record(&results->send_lag, shot->sent_ns - shot->due_ns);
    histogram_record(&results->own_lag, shot->released_ns - shot->due_ns);
}

static void record_length(struct drive *drive, const struct shot *shot,
                          const struct outcome *outcome)
{
    struct target_results *target = &drive->results->targets[shot->target];
    if (outcome->error != LOAD_GOOD) {
        return;
    }
    if (target->answers++ == 0) {
        target->first_length = outcome->body;
    } else if (target->first_length != outcome->body) {
        target->other_lengths++;
    }
}

/* --- time --- */

static void drive_on_alarm(void *arg)
{
    drive_catch_up(arg, clock_ns());
}

static void drive_on_tick(void *arg)
{
    struct drive *drive = arg;
    uint64_t now_ns = clock_ns();
    loop_timer_start(drive->tick, TICK_NS);
    wheel_advance(&drive->wheel, now_ns);
    if (drive->phase == DRIVE_CONNECTING) {
        open_more(drive);
    }
    retry_broken(drive, now_ns);
    if (drive->phase == DRIVE_RUNNING && drive->windowed && now_ns - drive->second_ns >= NS_PER_S) {
        end_second(drive, now_ns);
    }
    drive_catch_up(drive, now_ns);
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

/* The end of draining is found by the events themselves, and by the tick. */
static uint64_t next_wake_ns(const struct drive *drive)
{
    if (drive->phase != DRIVE_RUNNING) {
        return UINT64_MAX / 4;
    }
    uint64_t next_ns = drive->windowed ? drive->end_ns : drive->window_ns;
    if (plan_is_open(drive->plan) && drive->next_due_ns < next_ns) {
        next_ns = drive->next_due_ns;
    }
    const struct due *thinker = pending_first(&drive->thinking);
    if (thinker != NULL && thinker->due_ns < next_ns) {
        next_ns = thinker->due_ns;
    }
    return next_ns;
}
