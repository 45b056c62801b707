/* recent.c: the earlier moments. See recent.h. */
#include "core/report/recent.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/report/report_read.h"

#include <stdlib.h>

/* One that asks every second comes a little too early at times. */
static const uint64_t slack_ns = NS_PER_S / 10;
/* Up to this age every moment is kept, then those that are so far apart. */
static const uint64_t all_kept_ns = 15 * NS_PER_S, apart_ns = 5 * NS_PER_S;

/* Lives as long as it is kept or read. */
struct recent_moment {
    unsigned users; /* guarded by the lock of the one that keeps it */
    uint64_t at_ns;
    struct recent_moment *next; /* of those to be freed */
    size_t len;
    char text[];
};

void recent_init(struct recent *recent)
{
    *recent = (struct recent){0};
    lock_init(&recent->shared.lock, RANK_RECENT);
}

void recent_deinit(struct recent *recent) NO_ANALYSIS
{
    for (unsigned i = 0; i < recent->shared.count; i++) {
        free(recent->shared.at[i]);
    }
    lock_deinit(&recent->shared.lock);
}

static void free_moments(struct recent_moment *list)
{
    while (list != NULL) {
        struct recent_moment *next = list->next;
        free(list);
        list = next;
    }
}

/* Adds it to the list when nobody uses it any more. */
static void release_moment(struct recent_moment *moment, struct recent_moment **list)
{
    if (--moment->users == 0) {
        moment->next = *list;
        *list = moment;
    }
}

/* --- keeping --- */

static bool moment_is_due_locked(const struct recent *recent, uint64_t now_ns)
    REQUIRES(recent->shared.lock)
{
    unsigned count = recent->shared.count;
    return count == 0 || now_ns + slack_ns >= recent->shared.at[count - 1]->at_ns + NS_PER_S;
}

/* How many bytes the moments from this one on have. */
static size_t bytes_from_locked(const struct recent *recent, unsigned from)
    REQUIRES(recent->shared.lock)
{
    size_t bytes = 0;
    for (unsigned i = from; i < recent->shared.count; i++) {
        bytes += recent->shared.at[i]->len;
    }
    return bytes;
}

/* Leaves out what is too old, too much, or so near to an older one that no window needs it. */
static void thin_locked(struct recent *recent, uint64_t now_ns, struct recent_moment **dropped)
    REQUIRES(recent->shared.lock)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < recent->shared.count; i++) {
        struct recent_moment *moment = recent->shared.at[i];
        uint64_t age_ns = now_ns - moment->at_ns;
        bool near = kept > 0 && age_ns > all_kept_ns &&
                    moment->at_ns - recent->shared.at[kept - 1]->at_ns < apart_ns - slack_ns;
        if (near || age_ns > RECENT_SECONDS_MAX * NS_PER_S + apart_ns ||
            bytes_from_locked(recent, i) > RECENT_BYTES_MAX) {
            release_moment(moment, dropped);
        } else {
            recent->shared.at[kept++] = moment;
        }
    }
    recent->shared.count = kept;
}

void recent_note(struct recent *recent, struct bytes json, uint64_t now_ns)
{
    struct recent_moment *dropped = NULL, *moment = must_alloc(sizeof *moment + json.len);
    moment->users = 1;
    moment->at_ns = now_ns;
    moment->len = json.len;
    memcpy(moment->text, json.at, json.len);
    lock_take(&recent->shared.lock);
    if (moment_is_due_locked(recent, now_ns)) {
        CHECK(recent->shared.count < RECENT_MOMENTS); /* thinned each time, to far fewer */
        recent->shared.at[recent->shared.count++] = moment;
        thin_locked(recent, now_ns, &dropped);
    } else {
        release_moment(moment, &dropped);
    }
    lock_release(&recent->shared.lock);
    free_moments(dropped);
}

/* --- windows --- */

/* For the caller to release; NULL: the start. */
static struct recent_moment *take_base(struct recent *recent, uint64_t now_ns, unsigned seconds)
{
    struct recent_moment *found = NULL;
    lock_take(&recent->shared.lock);
    for (unsigned i = 0; seconds > 0 && i < recent->shared.count; i++) {
        struct recent_moment *moment = recent->shared.at[i];
        uint64_t age_ns = now_ns > moment->at_ns ? now_ns - moment->at_ns + slack_ns : 0;
        bool old_enough = age_ns >= seconds * NS_PER_S;
        if (old_enough || (found == NULL && age_ns >= NS_PER_S)) {
            found = moment;
        }
    }
    if (found != NULL) {
        found->users++;
    }
    lock_release(&recent->shared.lock);
    return found;
}

static void release_base(struct recent *recent, struct recent_moment *base)
{
    struct recent_moment *dropped = NULL;
    lock_take(&recent->shared.lock);
    release_moment(base, &dropped);
    lock_release(&recent->shared.lock);
    free_moments(dropped);
}

void recent_window(struct recent *recent, struct bytes json, uint64_t now_ns, unsigned seconds,
                   struct report *window)
{
    struct recent_moment *base = take_base(recent, now_ns, seconds);
    CHECK(report_from_json(window, json)); /* our own */
    if (base != NULL) {
        struct report before;
        CHECK(report_from_json(&before, (struct bytes){base->text, base->len}));
        report_since(window, &before);
        report_deinit(&before);
        release_base(recent, base);
    }
}
