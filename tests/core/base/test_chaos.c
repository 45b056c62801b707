/* What a thread does at its points, in builds with QUARTET_CHAOS: children with seeds of their own go through the
 * same places, and the test notes each sleep and yield instead of carrying it out. */
#include "core/base/chaos.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 8, ROUNDS = 400, SEEDS = 64 };

/* What was chosen at a point: GO_ON, YIELD, or how long to sleep, in ns. */
enum { GO_ON = 0, YIELD = -1 };
static int64_t chosen;

struct walk {
    int64_t chosen[PLACES][ROUNDS];
};

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    chosen = time->tv_sec * (int64_t)NS_PER_S + time->tv_nsec;
    errno = EINTR;
    return -1;
}

int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
    chosen = YIELD;
    return 0;
}

/* Each use is a place of its own. */
#define POINT(walk, place, round)                                                                  \
    (chosen = GO_ON, chaos_point(), (walk)->chosen[place][round] = chosen)

static void walk_through(struct walk *walk)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        POINT(walk, 0, i);
        POINT(walk, 1, i);
        POINT(walk, 2, i);
        POINT(walk, 3, i);
        POINT(walk, 4, i);
        POINT(walk, 5, i);
        POINT(walk, 6, i);
        POINT(walk, 7, i);
    }
}

/* A process reads its seed once, so each walk is in a child. `name`: NULL for a thread that has not begun. The
 * caller frees it. */
static struct walk *new_walk(unsigned seed, const char *name)
{
    struct walk *walk =
        mmap(NULL, sizeof *walk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(walk != MAP_FAILED);
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) {
        char text[16];
        snprintf(text, sizeof text, "%u", seed);
        setenv("QUARTET_CHAOS_SEED", text, 1);
        if (name != NULL) {
            chaos_begin(name);
        }
        walk_through(walk);
        _exit(0);
    }
    int status = 1;
    expect(waitpid(child, &status, 0) == child && status == 0);
    return walk;
}

static void free_walk(struct walk *walk)
{
    munmap(walk, sizeof *walk);
}

static bool walks_are_alike(unsigned seed, const char *name, unsigned other_seed,
                            const char *other_name)
{
    struct walk *one = new_walk(seed, name), *other = new_walk(other_seed, other_name);
    bool alike = memcmp(one, other, sizeof *one) == 0;
    free_walk(one);
    free_walk(other);
    return alike;
}

/* Does a thread sleep at more than one point in ten there? One that does not sleeps at less than one in a hundred. */
static bool is_hot(const struct walk *walk, unsigned place)
{
    unsigned sleeps = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sleeps += walk->chosen[place][i] > 0;
    }
    return sleeps > ROUNDS / 10;
}

/* A bit for each place where threads sleep often. */
static unsigned hot_places(unsigned seed, const char *name)
{
    struct walk *walk = new_walk(seed, name);
    unsigned hot = 0;
    for (unsigned place = 0; place < PLACES; place++) {
        hot |= (unsigned)is_hot(walk, place) << place;
    }
    free_walk(walk);
    return hot;
}

TEST(chaos, chooses_the_same_for_one_seed_and_name)
{
    expect(walks_are_alike(7, "w0", 7, "w0"));
    expect(walks_are_alike(8, "", 8, NULL));
}

TEST(chaos, chooses_otherwise_for_another_seed_or_name)
{
    expect(!walks_are_alike(7, "w0", 8, "w0"));
    expect(!walks_are_alike(7, "w0", 7, "w1"));
    expect(!walks_are_alike(7, "w0", 7, NULL));
}

/* 512 pairs of a seed and a place: 64 expected, and the bounds are four standard deviations away. */
TEST(chaos, lets_all_threads_sleep_often_at_the_same_few_places_of_a_seed)
{
    unsigned hot_count = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        unsigned hot = hot_places(seed, "w0");
        expect_msg(hot == hot_places(seed, "w1"), "seed %u has other places for another thread",
                   seed);
        hot_count += (unsigned)__builtin_popcount(hot);
    }
    expect_msg(hot_count > 34 && hot_count < 94, "%u of %u places are hot", hot_count,
               SEEDS * PLACES);
}

TEST(chaos, sleeps_for_no_longer_than_20_ms)
{
    int64_t longest = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct walk *walk = new_walk(seed, "w0");
        for (unsigned i = 0; i < PLACES * ROUNDS; i++) {
            int64_t slept = walk->chosen[i / ROUNDS][i % ROUNDS];
            longest = slept > longest ? slept : longest;
        }
        free_walk(walk);
    }
    expect_msg(longest > 15 * (int64_t)NS_PER_MS && longest <= 20 * (int64_t)NS_PER_MS,
               "%" PRId64 " ns", longest);
}

TEST(chaos, keeps_errno)
{
    for (unsigned i = 0; i < 10000; i++) {
        errno = EAGAIN;
        chaos_point();
        expect(errno == EAGAIN);
    }
}
