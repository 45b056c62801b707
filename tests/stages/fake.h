/* fake.h: for tests of one module of the engine, or of one stage: an engine without threads, in any
 * wiring, whose stages are fakes.
 *
 * The test runs each step of each worker itself. A fake stage notes its call and returns the verdicts
 * that fake_say() has queued for it, then NONE. A test that wants a stage itself, or other settings,
 * puts them into `fake` between fake_set_up() and fake_start():
 *
 *   fake_set_up("L | R | P*2 | W");
 *   fake.stages[STAGE_READER] = &reader_stage;
 *   fake_start();
 *
 * Thread-safety: one thread, one engine.
 */
#ifndef TESTS_STAGES_FAKE_H
#define TESTS_STAGES_FAKE_H

#include "core/options/options.h"
#include "stages/engine/closing.h"
#include "stages/engine/engine.h"
#include "stages/engine/places.h"
#include "stages/engine/process_share.h"
#include "stages/engine/route.h"
#include "stages/life/layout.h"
#include "stages/model/model.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAKE_CALLS = 200, FAKE_CLIENTS = 100, FAKE_CPUS = 2 };

enum fake_entry { FAKE_ENTER, FAKE_READABLE, FAKE_WRITABLE, FAKE_REFUSED, FAKE_COMPLETE };

/* One call of a stage. Only FAKE_ENTER has a verdict and `direct`; FAKE_COMPLETE has no worker. */
struct fake_call {
    enum fake_entry entry;
    enum stage stage;
    struct worker *worker;
    struct client *client; /* may have been closed since */
    enum verdict verdict;
    bool direct;
};

static struct {
    struct settings settings;
    const struct stage_entry *stages[STAGE_COUNT];
    struct engine engine;
    struct process_share share;
    struct fake_call calls[FAKE_CALLS];
    unsigned call_count;
    enum verdict says[STAGE_COUNT][FAKE_CALLS];
    unsigned will_say[STAGE_COUNT], said[STAGE_COUNT];
    struct deadline *fired; /* the last deadline that has passed */
    int far[FAKE_CLIENTS];  /* the clients' own ends */
    unsigned client_count;
} fake;

/* --- the stages --- */

static inline void fake_note(struct fake_call call)
{
    CHECK(fake.call_count < FAKE_CALLS);
    fake.calls[fake.call_count++] = call;
}

/* What this stage returns after all that has been queued already. */
static inline void fake_say(enum stage stage, enum verdict verdict)
{
    CHECK(fake.will_say[stage] < FAKE_CALLS);
    fake.says[stage][fake.will_say[stage]++] = verdict;
}

static inline enum verdict fake_enter(enum stage stage, struct worker *worker,
                                      struct client *client, enum verdict verdict, bool direct)
{
    fake_note((struct fake_call){FAKE_ENTER, stage, worker, client, verdict, direct});
    bool more = fake.said[stage] < fake.will_say[stage];
    return more ? fake.says[stage][fake.said[stage]++] : VERDICT_NONE;
}

#define FAKE_STAGE(of)                                                                             \
    static inline enum verdict fake_enter_##of(struct worker *worker, struct client *client,       \
                                               enum verdict verdict, bool direct)                  \
    {                                                                                              \
        return fake_enter(STAGE_##of, worker, client, verdict, direct);                            \
    }
#define FAKE_EVENT(of, name, entry)                                                                \
    static inline void fake_##name##_##of(struct worker *worker, struct client *client)            \
    {                                                                                              \
        fake_note((struct fake_call){entry, STAGE_##of, worker, client, VERDICT_NONE, false});     \
    }
FAKE_STAGE(LISTENER)
FAKE_STAGE(POLLER)
FAKE_STAGE(READER)
FAKE_STAGE(PROCESSOR)
FAKE_STAGE(WRITER)
FAKE_EVENT(LISTENER, refused, FAKE_REFUSED)
FAKE_EVENT(POLLER, readable, FAKE_READABLE)
FAKE_EVENT(READER, readable, FAKE_READABLE)
FAKE_EVENT(WRITER, writable, FAKE_WRITABLE)

static inline void fake_complete(void *arg, struct exchange *x)
{
    CHECK(arg == &fake.engine);
    fake_note((struct fake_call){FAKE_COMPLETE, STAGE_PROCESSOR, .client = client_of(x->conn)});
}

/* What stage.h says that the engine never calls is NULL. */
static const struct stage_entry fake_stages[STAGE_COUNT] = {
    [STAGE_LISTENER] = {.enter = fake_enter_LISTENER, .refused = fake_refused_LISTENER},
    [STAGE_POLLER] = {.enter = fake_enter_POLLER, .readable = fake_readable_POLLER},
    [STAGE_READER] = {.enter = fake_enter_READER, .readable = fake_readable_READER},
    [STAGE_PROCESSOR] = {.enter = fake_enter_PROCESSOR, .complete = fake_complete},
    [STAGE_WRITER] = {.enter = fake_enter_WRITER, .writable = fake_writable_WRITER},
};

static inline void fake_expect_call(unsigned index, enum fake_entry entry, enum stage stage,
                                    const struct worker *worker)
{
    expect_msg(index < fake.call_count, "call %u of %u", index, fake.call_count);
    expect_int(fake.calls[index].entry, entry);
    expect_text(stage_name(fake.calls[index].stage), stage_name(stage));
    expect_text(fake.calls[index].worker->name, worker->name);
}

/* --- the engine --- */

/* A wiring, or the name of a preset. */
static inline void fake_set_up(const char *wiring)
{
    memset(&fake, 0, sizeof fake);
    for (unsigned i = 0; i < STAGE_COUNT; i++) {
        fake.stages[i] = &fake_stages[i];
    }
    (void)signal(SIGPIPE, SIG_IGN);
    option_set_defaults(&fake.settings);
    fake.settings.doorbell = DOORBELL_EVENTFD;
    fake.settings.max_connections = FAKE_CLIENTS;
    bool preset = preset_wiring(wiring) != NULL;
    fake.settings.model = preset ? wiring : NULL;
    fake.settings.wiring = preset ? NULL : wiring;
}

static inline void fake_on_deadline(void *arg, struct deadline *deadline)
{
    (void)arg;
    fake.fired = deadline;
}

static inline void fake_start(void)
{
    char error[WIRING_ERROR];
    struct engine *engine = &fake.engine;
    engine->settings = &fake.settings;
    engine->share = &fake.share;
    expect_msg(model_choose(&engine->wiring, &fake.settings, FAKE_CPUS, error), "%s", error);
    lock_init(&engine->ending.lock, RANK_SERVER);
    condition_init(&engine->ending.empty);
    session_list_init(&engine->session_list);
    parse_init_process();
    layout_groups(engine);
    memcpy(engine->stages, fake.stages, sizeof fake.stages);
    layout_mailboxes(engine);
    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct worker *worker = &engine->workers[i];
        worker_init(worker);
        if (worker->loop.poll != NULL) {
            deadlines_start(&worker->loop.deadlines, worker->loop.poll, fake_on_deadline, worker);
        }
    }
}

/* All clients have been closed. What lies in outboxes and mailboxes is forgotten. */
static inline void fake_stop(void)
{
    struct engine *engine = &fake.engine;
    expect_int(atomic_load(&engine->connections), 0);
    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct worker *worker = &engine->workers[i];
        if (worker->loop.poll != NULL) {
            loop_turn(worker->loop.poll); /* calls back for the watches that have been closed */
            deadlines_end(&worker->loop.deadlines);
            loop_free(worker->loop.poll);
        }
        worker->dirty_count = 0;
        worker_deinit(worker);
    }
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        mailbox_deinit(&engine->mailboxes[i]);
    }
    for (unsigned i = 0; i < fake.client_count; i++) {
        close(fake.far[i]);
    }
    session_list_deinit(&engine->session_list);
    condition_deinit(&engine->ending.empty);
    lock_deinit(&engine->ending.lock);
    free(engine->mailboxes);
    free(engine->mailbox_groups);
    layout_free(engine);
}

/* The first thread of the group that runs this stage. */
static inline struct worker *fake_worker(enum stage stage)
{
    return fake.engine.groups[fake.engine.wiring.group_of[stage]].workers;
}

/* --- clients --- */

/* A client as a listener on `worker` accepts it: counted, served, with its seats. *far is the
 * client's own end, which does not block, and is closed by fake_stop(). */
static inline struct client *fake_client(struct worker *worker, int *far)
{
    int ends[2];
    CHECK(fake.client_count < FAKE_CLIENTS);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    *far = fake.far[fake.client_count++] = ends[1];
    struct client *client = client_new(ends[0], &(struct peer){.local = true}, clock_ns());
    CHECK(places_take(&fake.engine, PLACE_SERVED));
    client->place = PLACE_SERVED;
    client->session.polls = true;
    atomic_fetch_add(&fake.engine.connections, 1);
    CHECK(places_enter(&fake.engine, client));
    route_seats(worker, client);
    return client;
}

/* It sends this, and `worker` reads it once, as a reader does. */
static inline enum verdict fake_read(struct worker *worker, struct client *client, int far,
                                     const char *text)
{
    size_t len = strlen(text);
    CHECK(send(far, text, len, MSG_NOSIGNAL) == (ssize_t)len);
    client->conn.state = CONN_READING;
    return conn_read(&client->conn, &worker->exchanges);
}

/* Its home closes it, or `worker` where it has none. */
static inline void fake_close(struct worker *worker, struct client *client)
{
    client_close(client->home.at != NULL ? client->home.at : worker, client);
}

/* Has the server closed its end, with nothing left to read? */
static inline bool fake_is_closed(int far)
{
    char byte;
    ssize_t got = recv(far, &byte, 1, MSG_PEEK);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* --- what workers hand on --- */

/* Sleeps, so that a put from now on rings where it is to. */
static inline void fake_sleep(struct worker *worker)
{
    CHECK(mailbox_sleep(worker->mailbox, &worker->taker, false));
}

/* Has its bell been rung since it was last asked? */
static inline bool fake_is_rung(struct worker *worker)
{
    uint64_t rings;
    struct pollfd bell = {.fd = doorbell_fd(&worker->taker.bell), .events = POLLIN};
    return poll(&bell, 1, 0) == 1 && read(bell.fd, &rings, sizeof rings) == sizeof rings;
}

/* The next ticket in the worker's mailbox; NULL when it is empty. Who has posted it must have
 * flushed. */
static inline struct ticket *fake_take(struct worker *worker)
{
    struct chain chain = {0};
    unsigned taken = mailbox_take(worker->mailbox, &worker->taker, &chain, 1);
    return taken > 0 ? ticket_of(chain_next(&chain)) : NULL;
}

#endif
