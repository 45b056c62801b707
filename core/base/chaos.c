/* chaos.c: choosing what a thread does at a point. See chaos.h. */
#include "core/base/chaos.h"

#include "core/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t chaos_seed;
static pthread_once_t chaos_once = PTHREAD_ONCE_INIT;
static _Thread_local uint64_t chaos_state;
static _Thread_local bool chaos_begun;

static void chaos_read_seed(void)
{
    const char *text = getenv("QUARTET_CHAOS_SEED");
    chaos_seed = text != NULL ? strtoull(text, NULL, 10) : 1;
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a good number from any other. */
static uint64_t chaos_mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void chaos_begin(const char *name)
{
    (void)pthread_once(&chaos_once, chaos_read_seed);
    chaos_state = chaos_mix(chaos_seed);
    for (; *name != '\0'; name++) {
        chaos_state = chaos_mix(chaos_state ^ (unsigned char)*name);
    }
    chaos_begun = true;
}

void chaos_announce(void)
{
    (void)pthread_once(&chaos_once, chaos_read_seed);
    fprintf(stderr, "quartet: chaos seed %" PRIu64 "\n", chaos_seed);
}

static void chaos_sleep(uint64_t most_us, uint64_t random)
{
    uint64_t ns = (random % most_us + 1) * NS_PER_US;
    struct timespec time = {.tv_sec = 0, .tv_nsec = (long)ns};
    (void)nanosleep(&time, NULL); /* a signal may shorten it */
}

/* The distance between two functions does not depend on where the program was loaded. */
static bool chaos_is_hot(const void *place)
{
    uintptr_t distance = (uintptr_t)place - (uintptr_t)chaos_mix;
    return chaos_mix(chaos_seed ^ distance) % 8 == 0;
}

/* How often, out of 1,024 times, a thread sleeps long, sleeps short, or yields. */
struct chaos_odds {
    unsigned long_sleep, short_sleep, yield;
};

static void chaos_choose(const struct chaos_odds *odds, uint64_t random)
{
    unsigned lot = random & 1023;
    uint64_t rest = random >> 10;
    if (lot < odds->long_sleep) {
        chaos_sleep(20000, rest);
    } else if (lot < odds->long_sleep + odds->short_sleep) {
        chaos_sleep(200, rest);
    } else if (lot < odds->long_sleep + odds->short_sleep + odds->yield) {
        (void)sched_yield();
    }
}

/* Not inlined, so that the return address names the place: lock_take() and its like are inlined,
 * and each of their callers is a place of its own. */
__attribute__((noinline)) void chaos_point(void)
{
    static const struct chaos_odds hot = {16, 192, 128}, cool = {0, 8, 64};
    int error = errno;
    if (!chaos_begun) {
        chaos_begin("");
    }
    chaos_state = chaos_mix(chaos_state);
    chaos_choose(chaos_is_hot(__builtin_return_address(0)) ? &hot : &cool, chaos_state);
    errno = error;
}
