/* test_crowd.c: how many connections an address may have. LeakSanitizer sees entries that stay. */
#include "core/exchange/crowd.h"

#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>

static struct in6_addr address_of(unsigned number)
{
    struct in6_addr address = {0};
    address.s6_addr[10] = address.s6_addr[11] = 0xff;
    address.s6_addr[12] = 127;
    address.s6_addr[14] = (unsigned char)(number >> 8);
    address.s6_addr[15] = (unsigned char)number;
    return address;
}

TEST(crowd, turns_away_who_is_one_too_many)
{
    struct crowd *crowd = crowd_new(2);
    struct in6_addr one = address_of(1);
    expect(crowd_enter(crowd, &one));
    expect(crowd_enter(crowd, &one));
    expect(!crowd_enter(crowd, &one));
    expect(!crowd_enter(crowd, &one));
    crowd_leave(crowd, &one);
    crowd_leave(crowd, &one);
    crowd_free(crowd);
}

TEST(crowd, lets_the_next_one_in_when_one_leaves)
{
    struct crowd *crowd = crowd_new(1);
    struct in6_addr one = address_of(1);
    for (unsigned i = 0; i < 3; i++) {
        expect(crowd_enter(crowd, &one));
        expect(!crowd_enter(crowd, &one));
        crowd_leave(crowd, &one);
    }
    crowd_free(crowd);
}

TEST(crowd, counts_each_address_for_itself)
{
    struct crowd *crowd = crowd_new(1);
    struct in6_addr address;
    for (unsigned i = 0; i < 1000; i++) {
        address = address_of(i);
        expect(crowd_enter(crowd, &address));
    }
    for (unsigned i = 0; i < 1000; i++) {
        address = address_of(i);
        expect(!crowd_enter(crowd, &address));
    }
    for (unsigned i = 1000; i-- > 0;) {
        address = address_of(i);
        crowd_leave(crowd, &address);
    }
    crowd_free(crowd);
}

TEST(crowd, does_not_count_unix_sockets)
{
    struct crowd *crowd = crowd_new(1);
    struct in6_addr none = {0};
    expect(crowd_enter(crowd, &none));
    expect(crowd_enter(crowd, &none));
    crowd_leave(crowd, &none);
    crowd_free(crowd); /* would abort if an item were still in it */
}

TEST(crowd, has_no_limit_where_there_is_none)
{
    struct in6_addr one = address_of(1);
    expect(crowd_enter(NULL, &one));
    crowd_leave(NULL, &one);
    crowd_free(NULL);
}

/* --- several threads --- */

enum { THREADS = 4, ROUNDS = 20000, LIMIT = 3 };
static struct crowd *shared_crowd;
static _Atomic int inside[2], most;

static void *come_and_go(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct in6_addr address = address_of(i % 2);
        if (crowd_enter(shared_crowd, &address)) {
            int now = atomic_fetch_add(&inside[i % 2], 1) + 1;
            int before = atomic_load(&most);
            while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) {
            }
            atomic_fetch_sub(&inside[i % 2], 1);
            crowd_leave(shared_crowd, &address);
        }
    }
    return unused;
}

TEST(crowd, keeps_the_limit_for_several_threads)
{
    pthread_t threads[THREADS];
    shared_crowd = crowd_new(LIMIT);
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect(atomic_load(&most) <= LIMIT);
    crowd_free(shared_crowd);
}
