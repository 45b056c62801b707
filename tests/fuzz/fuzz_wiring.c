/* fuzz_wiring.c: any bytes as a wiring. Either one line of explanation, or a wiring that holds each
 * stage exactly once, but for w beside a W, and that is read again as it is printed.
 */
#include "core/base/check.h"
#include "stages/model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_explanation(const char *error)
{
    CHECK(strncmp(error, "wiring '", 8) == 0);
    CHECK(strlen(error) < WIRING_ERROR);
    CHECK(strstr(error, ", column ") != NULL);
}

/* A loop without a thread stands before the pool that runs it. */
static void check_group(const struct wiring *wiring, const struct wiring_group *group)
{
    bool last = group == &wiring->groups[wiring->group_count - 1];
    CHECK(group->stages != 0 && group->count <= WIRING_THREADS_MAX);
    CHECK((group->kind == GROUP_POOL) == (group->blocks || group->stages == 1u << STAGE_PROCESSOR));
    CHECK(!(group->in_turn && last));
    CHECK((group->stages & group->inlined) == 0);
    CHECK(group->inlined == 0 || (group->kind == GROUP_LOOP && !group->in_turn));
    CHECK(!group->in_turn || (group->kind == GROUP_LOOP && group[1].kind == GROUP_POOL));
}

/* Each stage stands where group_of says; a second W, which is small, where small_writer says. */
static void check_stage(const struct wiring *wiring, enum stage stage)
{
    unsigned holders = 0;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        if (group_runs(&wiring->groups[i], stage)) {
            bool small = stage == STAGE_WRITER && wiring->small_writer == (int)i;
            CHECK(small || wiring->group_of[stage] == (int)i);
            CHECK(!small || wiring->groups[i].kind == GROUP_POOL);
            holders++;
        }
    }
    unsigned pair = stage == STAGE_WRITER && wiring->small_writer >= 0;
    CHECK(holders == (wiring->group_of[stage] >= 0) + pair);
    CHECK(holders > 0 || stage == STAGE_POLLER);
}

static void check_groups(const struct wiring *wiring)
{
    CHECK(wiring->group_count >= 1 && wiring->group_count <= WIRING_GROUPS_MAX);
    for (unsigned i = 0; i < wiring->group_count; i++) {
        check_group(wiring, &wiring->groups[i]);
    }
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        check_stage(wiring, stage);
    }
    CHECK(group_runs(&wiring->groups[0], STAGE_LISTENER));
}

static void check_same(const struct wiring_group *one, const struct wiring_group *again)
{
    bool open = one->count == 1 && again->count == 0; /* means one there */
    CHECK(one->stages == again->stages && one->kind == again->kind);
    CHECK(one->inlined == again->inlined);
    CHECK(one->blocks == again->blocks && one->in_turn == again->in_turn);
    CHECK(one->count == again->count ||
          (open && one->kind == GROUP_LOOP && !group_runs(one, STAGE_PROCESSOR)));
}

static void check_round_trip(const struct wiring *wiring)
{
    struct wiring again;
    char once[WIRING_TEXT], twice[WIRING_TEXT], error[WIRING_ERROR];
    wiring_format(wiring, once);
    CHECK(wiring_parse(&again, once, error));
    CHECK(again.group_count == wiring->group_count);
    CHECK(again.small_writer == wiring->small_writer);
    for (unsigned i = 0; i < again.group_count; i++) {
        check_same(&wiring->groups[i], &again.groups[i]);
    }
    wiring_format(&again, twice);
    CHECK(strcmp(once, twice) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = must_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    char error[WIRING_ERROR] = "";
    struct wiring wiring;
    if (wiring_parse(&wiring, text, error)) {
        struct settings settings = {.readers = size, .min_threads = size % 3};
        check_groups(&wiring);
        check_round_trip(&wiring);
        if (model_size(&wiring, &settings, 2, error)) {
            check_round_trip(&wiring);
        } else {
            CHECK(strstr(error, " contradicts ") != NULL ||
                  strncmp(error, "--min-threads", 13) == 0);
        }
    } else {
        check_explanation(error);
    }
    free(text);
    return 0;
}
