/* session_list.c: ending the waits of sessions from outside. See session_list.h.
 *
 * shutdown(2) is called with the lock held, against the general rule. The lock keeps the session
 * from closing the descriptor between the choice and the call, and so the kernel from giving its
 * number to another connection. shutdown does not block.
 */
#include "stages/engine/session_list.h"

#include "core/base/chaos.h"

#include <sys/socket.h>

void session_list_init(struct session_list *list)
{
    *list = (struct session_list){0};
    lock_init(&list->shared.lock, RANK_SESSION_LIST);
    lock_take(&list->shared.lock);
    list->shared.first.session.next = list->shared.first.session.prev = &list->shared.first;
    lock_release(&list->shared.lock);
}

void session_list_deinit(struct session_list *list)
{
    lock_deinit(&list->shared.lock);
}

/* At the end, so that the list is in order of age but for those that first blocked late. */
void session_list_add(struct session_list *list, struct client *client)
{
    if (client->session.listed) {
        return;
    }
    client->session.listed = true;
    lock_take(&list->shared.lock);
    client->session.prev = list->shared.first.session.prev;
    client->session.next = &list->shared.first;
    client->session.prev->session.next = client;
    list->shared.first.session.prev = client;
    lock_release(&list->shared.lock);
}

void session_list_remove(struct session_list *list, struct client *client)
{
    if (!client->session.listed) {
        return;
    }
    client->session.listed = false;
    lock_take(&list->shared.lock);
    client->session.prev->session.next = client->session.next;
    client->session.next->session.prev = client->session.prev;
    lock_release(&list->shared.lock);
}

/* ENOTCONN and the like: the client was faster. */
static bool doom_client(struct client *client)
{
    int idle = SESSION_IDLE;
    if (!atomic_compare_exchange_strong(&client->session.as, &idle, SESSION_DOOMED)) {
        return false;
    }
    chaos_point();
    (void)shutdown(client->conn.fd, SHUT_RD);
    return true;
}

static bool is_older(const struct client *one, const struct client *other, uint64_t now_ns)
{
    bool one_over = atomic_load(&one->session.due_ns) <= now_ns;
    bool other_over = atomic_load(&other->session.due_ns) <= now_ns;
    return one_over != other_over ? one_over : one->conn.id < other->conn.id;
}

static struct client *oldest_idle_locked(struct session_list *list, uint64_t now_ns)
    REQUIRES(list->shared.lock)
{
    struct client *best = NULL;
    struct client *at = list->shared.first.session.next;
    for (; at != &list->shared.first; at = at->session.next) {
        if (atomic_load(&at->session.as) == SESSION_IDLE &&
            (best == NULL || is_older(at, best, now_ns))) {
            best = at;
        }
    }
    return best;
}

bool session_list_end_one(struct session_list *list, uint64_t now_ns)
{
    bool ended = false;
    lock_take(&list->shared.lock);
    struct client *oldest = oldest_idle_locked(list, now_ns);
    while (oldest != NULL && !ended) {
        ended = doom_client(oldest); /* or it has become busy meanwhile: the next */
        oldest = ended ? NULL : oldest_idle_locked(list, now_ns);
    }
    lock_release(&list->shared.lock);
    return ended;
}

void session_list_end_idle(struct session_list *list)
{
    lock_take(&list->shared.lock);
    struct client *at = list->shared.first.session.next;
    for (; at != &list->shared.first; at = at->session.next) {
        (void)doom_client(at);
    }
    lock_release(&list->shared.lock);
}

void session_list_end_all(struct session_list *list)
{
    lock_take(&list->shared.lock);
    struct client *at = list->shared.first.session.next;
    for (; at != &list->shared.first; at = at->session.next) {
        int as = atomic_load(&at->session.as);
        if (as == SESSION_IDLE || as == SESSION_WAITING) {
            (void)shutdown(at->conn.fd, SHUT_RDWR);
        }
    }
    lock_release(&list->shared.lock);
}
