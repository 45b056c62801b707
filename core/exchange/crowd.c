/* crowd.c: the table of addresses: the C library's balanced tree under one lock. See crowd.h.
 *
 * A tree and not a hash table: an attacker who chooses the addresses cannot make it slow. The tree
 * allocates and frees its nodes while the lock is held, against the rule of core/base/lock.h. That
 * is the price of using the C library's, paid once a connection, and only where the limit is set.
 */
#include "core/exchange/crowd.h"

#include "core/base/lock.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct guest {
    struct in6_addr address; /* first: the key of a search is an address alone */
    uint64_t open;           /* never 0 while it is in the tree; under the lock once it is there */
};

struct crowd {
    uint64_t limit; /* fixed */
    struct {
        struct lock lock;
        void *root GUARDED; /* of struct guest, by address */
    } shared;
};

static int compare_crowds(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in6_addr));
}

struct crowd *crowd_new(uint64_t limit)
{
    CHECK(limit > 0); /* a limit of 0 would refuse all */
    struct crowd *crowd = must_calloc(1, sizeof *crowd);
    crowd->limit = limit;
    lock_init(&crowd->shared.lock, RANK_CROWD);
    return crowd;
}

void crowd_free(struct crowd *crowd) NO_ANALYSIS
{
    if (crowd == NULL) {
        return;
    }
    CHECK(crowd->shared.root == NULL);
    lock_deinit(&crowd->shared.lock);
    free(crowd);
}

/* `fresh` becomes the guest of an address that has none. */
static struct guest *find_or_add_locked(struct crowd *crowd, struct guest *fresh)
    REQUIRES(crowd->shared.lock)
{
    struct guest *const *node = tsearch(fresh, &crowd->shared.root, compare_crowds);
    CHECK(node != NULL); /* out of memory ends the program, as everywhere */
    return *node;
}

bool crowd_enter(struct crowd *crowd, const struct in6_addr *address) EXCLUDES(crowd->shared.lock)
{
    if (crowd == NULL || IN6_IS_ADDR_UNSPECIFIED(address)) {
        return true;
    }
    struct guest *fresh = must_calloc(1, sizeof *fresh);
    fresh->address = *address;
    lock_take(&crowd->shared.lock);
    struct guest *guest = find_or_add_locked(crowd, fresh);
    bool room = guest->open < crowd->limit;
    guest->open += room;
    lock_release(&crowd->shared.lock);
    if (guest != fresh) {
        free(fresh);
    }
    return room;
}

void crowd_leave(struct crowd *crowd, const struct in6_addr *address) EXCLUDES(crowd->shared.lock)
{
    if (crowd == NULL || IN6_IS_ADDR_UNSPECIFIED(address)) {
        return;
    }
    lock_take(&crowd->shared.lock);
    struct guest **node = tfind(address, &crowd->shared.root, compare_crowds);
    CHECK(node != NULL);
    struct guest *guest = *node;
    guest->open--;
    bool last = guest->open == 0;
    if (last) {
        (void)tdelete(guest, &crowd->shared.root, compare_crowds); /* found a moment ago */
    }
    lock_release(&crowd->shared.lock);
    if (last) {
        free(guest);
    }
}
