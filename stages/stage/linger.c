/* linger.c: waiting until a client has the last of its answer. See linger.h. */
#include "stages/stage/linger.h"

#include "stages/engine/out_watch.h"
#include "stages/engine/engine.h"

/* A client that asked for close has mostly closed a moment later. Its socket is read once after
 * this time; only then is its descriptor watched, which costs more system calls than that read. */
static const uint64_t grace_ns = 2 * NS_PER_MS; /* and up to a step of the wheel more */

static enum verdict wait_on(struct worker *worker, struct client *client, bool grace)
{
    if (engine_phase(worker->engine) == PHASE_CUTTING) {
        return VERDICT_CLOSE;
    }
    if (!grace && !out_watch_set(worker, client, WATCH_READ)) {
        return VERDICT_CLOSE;
    }
    client->out.grace = grace;
    client->out.lingering = client->out.waiting = true;
    deadlines_set(&worker->loop.deadlines, &client->out.deadline,
                  grace ? grace_ns : worker->engine->settings->linger_timeout_ns);
    return VERDICT_NONE;
}

enum verdict linger_wait(struct worker *worker, struct client *client)
{
    bool watched = client->home.at == worker ? client->home.watched : client->out.watch != NULL;
    bool patient = worker->engine->settings->linger_timeout_ns > grace_ns;
    return wait_on(worker, client, !watched && patient);
}

enum verdict linger_begin(struct worker *worker, struct client *client)
{
    client->conn.lingered = 0;
    enum verdict verdict = conn_linger_begin(&client->conn);
    if (verdict != VERDICT_LINGER) {
        return verdict;
    }
    /* A session does not wait here, nor does a loop that sends in place of W: the router gives the
     * client to the loop that lingers. */
    bool waits = worker->kind == GROUP_LOOP && !worker_stands_in(worker, STAGE_WRITER);
    return waits ? linger_wait(worker, client) : conn_linger(&client->conn);
}

enum verdict linger_skip(struct worker *worker, struct client *client)
{
    client->conn.lingered = 0;
    tally_add(&worker->tally, COUNTER_LINGER_SKIPPED, 1);
    if (conn_linger_begin(&client->conn) == VERDICT_LINGER) {
        (void)conn_linger(&client->conn);
    }
    return VERDICT_CLOSE;
}

static enum verdict go_on(struct worker *worker, struct client *client, enum verdict verdict)
{
    if (verdict == VERDICT_CLOSE) {
        out_watch_stop(worker, client);
        return VERDICT_CLOSE;
    }
    return VERDICT_NONE;
}

enum verdict linger_readable(struct worker *worker, struct client *client)
{
    return go_on(worker, client, conn_linger(&client->conn));
}

enum verdict linger_expired(struct worker *worker, struct client *client)
{
    enum verdict verdict = conn_linger(&client->conn);
    if (verdict == VERDICT_LINGER && client->out.grace) {
        verdict = wait_on(worker, client, false);
    } else if (verdict == VERDICT_LINGER) {
        tally_add(&worker->tally, COUNTER_LINGER_EXPIRED, 1);
        verdict = VERDICT_CLOSE;
    }
    return go_on(worker, client, verdict);
}
