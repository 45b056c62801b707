/* held.c: ending the waits of sessions from outside. See held.h.
 *
 * shutdown(2) is called with the lock held, against the general rule. The lock keeps the holder
 * from closing the descriptor between the choice and the call, and so the kernel from giving its
 * number to another connection. shutdown does not block.
 */
#include "stages/engine/held.h"

#include <sys/socket.h>

void held_init(struct held *held)
{
    *held = (struct held){0};
    lock_init(&held->shared.lock, RANK_HELD);
    lock_take(&held->shared.lock);
    held->shared.first.session.next = held->shared.first.session.prev = &held->shared.first;
    lock_release(&held->shared.lock);
}

void held_deinit(struct held *held)
{
    lock_deinit(&held->shared.lock);
}

/* At the end, so that the list is in order of age but for those that first blocked late. */
void held_add(struct held *held, struct client *client)
{
    if (client->session.held) {
        return;
    }
    client->session.held = true;
    lock_take(&held->shared.lock);
    client->session.prev = held->shared.first.session.prev;
    client->session.next = &held->shared.first;
    client->session.prev->session.next = client;
    held->shared.first.session.prev = client;
    lock_release(&held->shared.lock);
}

void held_remove(struct held *held, struct client *client)
{
    if (!client->session.held) {
        return;
    }
    client->session.held = false;
    lock_take(&held->shared.lock);
    client->session.prev->session.next = client->session.next;
    client->session.next->session.prev = client->session.prev;
    lock_release(&held->shared.lock);
}

/* ENOTCONN and the like: the client was faster. */
static bool doom_client(struct client *client)
{
    int idle = HELD_IDLE;
    if (!atomic_compare_exchange_strong(&client->session.as, &idle, HELD_DOOMED)) {
        return false;
    }
    (void)shutdown(client->conn.fd, SHUT_RD);
    return true;
}

static bool is_older(const struct client *one, const struct client *other, uint64_t now_ns)
{
    bool one_over = atomic_load(&one->session.due_ns) <= now_ns;
    bool other_over = atomic_load(&other->session.due_ns) <= now_ns;
    return one_over != other_over ? one_over : one->conn.id < other->conn.id;
}

static struct client *oldest_idle_locked(struct held *held, uint64_t now_ns)
    REQUIRES(held->shared.lock)
{
    struct client *best = NULL;
    struct client *at = held->shared.first.session.next;
    for (; at != &held->shared.first; at = at->session.next) {
        if (atomic_load(&at->session.as) == HELD_IDLE &&
            (best == NULL || is_older(at, best, now_ns))) {
            best = at;
        }
    }
    return best;
}

bool held_end_one(struct held *held, uint64_t now_ns)
{
    bool ended = false;
    lock_take(&held->shared.lock);
    struct client *oldest = oldest_idle_locked(held, now_ns);
    while (oldest != NULL && !ended) {
        ended = doom_client(oldest); /* or it has become busy meanwhile: the next */
        oldest = ended ? NULL : oldest_idle_locked(held, now_ns);
    }
    lock_release(&held->shared.lock);
    return ended;
}

void held_end_idle(struct held *held)
{
    lock_take(&held->shared.lock);
    struct client *at = held->shared.first.session.next;
    for (; at != &held->shared.first; at = at->session.next) {
        (void)doom_client(at);
    }
    lock_release(&held->shared.lock);
}

void held_end_all(struct held *held)
{
    lock_take(&held->shared.lock);
    struct client *at = held->shared.first.session.next;
    for (; at != &held->shared.first; at = at->session.next) {
        int as = atomic_load(&at->session.as);
        if (as == HELD_IDLE || as == HELD_WAITING) {
            (void)shutdown(at->conn.fd, SHUT_RDWR);
        }
    }
    lock_release(&held->shared.lock);
}
