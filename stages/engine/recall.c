/* recall.c: counting pressing tickets and ringing for them. See recall.h. */
#include "stages/engine/recall.h"

#include "core/base/chaos.h"
#include "core/base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct recall *recall_new(void)
{
    struct recall *recall = must_calloc(1, sizeof *recall);
    recall->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (recall->bell < 0) {
        die(EXIT_WORLD, "cannot make a doorbell: eventfd: %s", strerror(errno));
    }
    return recall;
}

void recall_free(struct recall *recall)
{
    if (recall != NULL) {
        close(recall->bell);
        free(recall);
    }
}

void recall_expect(struct recall *recall)
{
    if (!recall_is_expected(recall)) {
        atomic_store(&recall->expected, true);
    }
}

void recall_begin(struct recall *recall)
{
    atomic_fetch_add(&recall->pressing, 1);
    chaos_point();
}

void recall_ring(struct recall *recall, struct mailbox *box)
{
    uint64_t one = 1;
    if (!mailbox_has_sleeper(box)) {
        chaos_point();
        CHECK(write(recall->bell, &one, sizeof one) == sizeof one);
    }
}

void recall_pass_on(struct recall *recall, struct mailbox *box)
{
    if (recall != NULL && recall_is_pressing(recall)) {
        recall_ring(recall, box);
    }
}

void recall_end(struct recall *recall)
{
    chaos_point();
    atomic_fetch_sub(&recall->pressing, 1);
}

bool recall_answer(struct recall *recall)
{
    uint64_t one;
    bool rung = read(recall->bell, &one, sizeof one) == sizeof one;
    chaos_point();
    return rung && recall_is_pressing(recall);
}
