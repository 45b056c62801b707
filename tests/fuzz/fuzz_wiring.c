/* fuzz_wiring.c: any bytes as a wiring. Either one line of explanation, or a wiring that holds each
 * stage exactly once, in groups in travelling order, and that is read again as it is printed.
 */
#include "core/check.h"
#include "stages/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_explanation(const char *error)
{
    CHECK(strncmp(error, "wiring '", 8) == 0);
    CHECK(strlen(error) < WIRING_ERROR);
    CHECK(strstr(error, ", column ") != NULL);
}

static void check_groups(const struct wiring *wiring)
{
    unsigned seen = 0;
    int first_before = -1;
    CHECK(wiring->group_count >= 1 && wiring->group_count <= WIRING_GROUPS_MAX);
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *group = &wiring->groups[i];
        CHECK(group->stages != 0 && (seen & group->stages) == 0);
        seen |= group->stages;
        CHECK(__builtin_ctz(group->stages) > first_before);
        first_before = __builtin_ctz(group->stages);
        CHECK(group->count <= WIRING_THREADS_MAX);
        CHECK((group->kind == GROUP_POOL) == (group->stages == 1u << STAGE_PROCESSOR));
        for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
            CHECK(!group_holds(group, stage) || wiring->group_of[stage] == (int)i);
        }
    }
    CHECK(seen == ((1u << STAGE_COUNT) - 1 - (1u << STAGE_POLLER)));
}

/* A count of one is not printed, so it is left open in what is read again. */
static void check_round_trip(const struct wiring *wiring)
{
    struct wiring again;
    char once[WIRING_TEXT], twice[WIRING_TEXT], error[WIRING_ERROR];
    wiring_format(wiring, once);
    CHECK(wiring_parse(&again, once, error));
    CHECK(again.group_count == wiring->group_count);
    for (unsigned i = 0; i < again.group_count; i++) {
        unsigned count = wiring->groups[i].count;
        CHECK(again.groups[i].stages == wiring->groups[i].stages);
        CHECK(again.groups[i].count == (count == 1 ? 0 : count));
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
        struct settings settings = {.readers = size};
        check_groups(&wiring);
        check_round_trip(&wiring);
        if (model_size(&wiring, &settings, 2, error)) {
            check_round_trip(&wiring);
        } else {
            CHECK(strstr(error, " contradicts ") != NULL);
        }
    } else {
        check_explanation(error);
    }
    free(text);
    return 0;
}
