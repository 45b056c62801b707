/* test_model.c: what a model, its flags and the number of CPUs make of a wiring: presets, thread
 * counts, policies, and the words for what contradicts. */
#include "stages/model/model.h"

#include "tests/test.h"

static const struct {
    const char *name, *wiring;
    unsigned dispatch, overload, spawn, inlining;
} presets[] = {
#define PRESET(name, wiring, dispatch, overload, spawn, inlining, source, what)                    \
    {name, wiring, DISPATCH_##dispatch, OVERLOAD_##overload, SPAWN_##spawn, INLINE_##inlining},
#include "stages/model/presets.def"
#undef PRESET
};
enum { PRESETS = sizeof presets / sizeof *presets, CPUS = 3 };

/* What the settings make of `wiring`: it printed, or why it is refused. */
static bool choose(struct settings settings, struct wiring *wiring, char out[WIRING_ERROR])
{
    if (!model_choose(wiring, &settings, CPUS, out)) {
        return false;
    }
    wiring_format(wiring, out);
    return true;
}

static void expect_chosen(struct settings settings, const char *text)
{
    char out[WIRING_ERROR];
    struct wiring wiring;
    expect_msg(choose(settings, &wiring, out), "%s", out);
    expect_text(out, text);
}

static void expect_refused(struct settings settings, const char *error)
{
    char out[WIRING_ERROR];
    struct wiring wiring;
    expect(!choose(settings, &wiring, out));
    expect_text(out, error);
}

static struct policies policies_of(struct settings settings)
{
    char out[WIRING_ERROR];
    struct wiring wiring;
    expect_msg(choose(settings, &wiring, out), "%s", out);
    return wiring.policies;
}

/* --- presets --- */

static void expect_same_groups(const struct wiring *one, const struct wiring *other)
{
    expect_int(one->group_count, other->group_count);
    for (unsigned i = 0; i < one->group_count; i++) {
        expect_int(one->groups[i].stages, other->groups[i].stages);
        expect_int(one->groups[i].kind, other->groups[i].kind);
        expect_int(one->groups[i].blocks, other->groups[i].blocks);
        expect_int(one->groups[i].in_turn, other->groups[i].in_turn);
        expect_int(one->groups[i].count, other->groups[i].count);
    }
}

TEST(model, every_preset_reads_back_as_it_is_printed)
{
    for (unsigned i = 0; i < PRESETS; i++) {
        char once[WIRING_ERROR], twice[WIRING_ERROR];
        struct wiring wiring, again;
        expect_msg(choose((struct settings){.model = presets[i].name}, &wiring, once), "%s", once);
        expect_msg(choose((struct settings){.wiring = once}, &again, twice), "%s", twice);
        expect_text(twice, once);
        expect_same_groups(&wiring, &again);
        expect_text(preset_wiring(presets[i].name), presets[i].wiring);
    }
}

TEST(model, every_preset_has_its_policies)
{
    for (unsigned i = 0; i < PRESETS; i++) {
        struct policies policies = policies_of((struct settings){.model = presets[i].name});
        expect_int(policies.dispatch, presets[i].dispatch);
        expect_int(policies.overload, presets[i].overload);
        expect_int(policies.spawn, presets[i].spawn);
        expect_int(policies.inlining, presets[i].inlining);
        expect_int(policies.min_threads, 1);
    }
}

TEST(model, names_of_all_presets_are_listed)
{
    char names[WIRING_ERROR], wanted[WIRING_ERROR] = "";
    for (unsigned i = 0; i < PRESETS; i++) {
        strcat(wanted, i > 0 ? ", " : "");
        strcat(wanted, presets[i].name);
    }
    presets_names(names, sizeof names);
    expect_text(names, wanted);
    char few[8];
    presets_names(few, sizeof few);
    expect_text(few, "staged,");
}

TEST(model, the_table_has_a_line_for_each_preset)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    presets_print(out);
    fclose(out);
    unsigned lines = 0;
    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    expect_int(lines, PRESETS + 1);
    for (unsigned i = 0; i < PRESETS; i++) {
        expect(strstr(text, presets[i].wiring) != NULL);
    }
    expect(strstr(text, "worker-stack") != NULL && strstr(text, "lifo, reject, on-demand") != NULL);
    free(text);
}

TEST(model, an_unknown_name_is_refused_with_those_there_are)
{
    char out[WIRING_ERROR], names[WIRING_ERROR], wanted[2 * WIRING_ERROR];
    struct wiring wiring;
    expect(preset_wiring("no-such-model") == NULL && preset_wiring("") == NULL);
    expect(!choose((struct settings){.model = "no-such-model"}, &wiring, out));
    presets_names(names, sizeof names);
    snprintf(wanted, sizeof wanted,
             "--model: 'no-such-model' is not accepted: one of %s, or a --wiring", names);
    expect_text(out, wanted);
}

TEST(model, an_unknown_name_of_any_length_leaves_room_for_the_advice)
{
    char name[1000], out[WIRING_ERROR];
    struct wiring wiring;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    expect(!choose((struct settings){.model = name}, &wiring, out));
    expect(strcmp(out + strlen(out) - strlen(", or a --wiring"), ", or a --wiring") == 0);
}

TEST(model, a_wiring_that_is_wrong_is_refused_in_its_own_words)
{
    expect_refused((struct settings){.wiring = "L | R | P"},
                   "wiring 'L | R | P', column 10: no group runs W, the writer");
}

/* --- counts --- */

TEST(model, counts_left_open_come_from_the_cpus)
{
    static const char *const cases[][2] = {
        {"L | R | P | W", "L | R | P*12 | W"},
        {"L | R | P*n | W", "L | R | P*12 | W"},
        {"LRPW*n", "LRPW*3"},
        {"LR | PW*n", "LR | PW*3"},
        {"LR*n | P*7 | W", "LR | P*7 | W"},
        {"L | K | RPW", "L | K | RPW*3"},
        {"LRPW@n", "LRPW@12"},
        {"L | RP@n | W", "L | RP@12 | W"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_chosen((struct settings){.wiring = cases[i][0]}, cases[i][1]);
    }
}

/* A thread that each client that stalls occupies: as many as there may be. */
TEST(model, sessions_are_many_where_a_client_that_stalls_holds_one)
{
    static const char *const cases[][2] = {
        {"L | rpw", "L | rpw*1024"},
        {"lrpw", "lrpw*1024"},
        {"L | K | rpw*n", "L | K | rpw*1024"},
        {"L | r | P | w", "L | r*1024 | P*12 | w*1024"},
        {"L | R | pw", "L | R | pw*1024"},
        {"L | R | pw | W", "L | R | pw*12 | W"}, /* W takes what would block */
        {"L | R | P | w | W", "L | R | P*12 | w*12 | W"},
        {"LKW | rpw", "LKW | rpw*1024"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_chosen((struct settings){.wiring = cases[i][0]}, cases[i][1]);
    }
}

TEST(model, flags_fill_in_counts_the_text_leaves_open)
{
    expect_chosen((struct settings){.wiring = "L | R | P*n | W", .readers = 2, .processors = 5},
                  "L | R*2 | P*5 | W");
    expect_chosen((struct settings){.wiring = "L | R | P*n | W", .listeners = 3, .writers = 4},
                  "L*3 | R | P*12 | W*4");
    expect_chosen((struct settings){.wiring = "LR | PW*n", .readers = 2, .writers = 6},
                  "LR*2 | PW*6");
    expect_chosen((struct settings){.wiring = "L | K | rpw", .pollers = 2, .sessions = 7},
                  "L | K*2 | rpw*7");
    expect_chosen((struct settings){.wiring = "L | r | P | w", .sessions = 7},
                  "L | r*7 | P*12 | w*1024");
    expect_chosen((struct settings){.wiring = "L | r | P | w", .readers = 3, .writers = 4},
                  "L | r*3 | P*12 | w*4");
    expect_chosen((struct settings){.wiring = "lrpw", .sessions = 7}, "lrpw*7");
    expect_chosen((struct settings){.wiring = "lrpw", .listeners = 7}, "lrpw*7");
    expect_chosen((struct settings){.wiring = "lpw | R", .sessions = 7}, "lpw*7 | R");
    expect_chosen((struct settings){.wiring = "LRPW@n", .processors = 5}, "LRPW@5");
    expect_chosen((struct settings){.wiring = "LRPW@n", .readers = 5}, "LRPW@5");
    expect_chosen((struct settings){.wiring = "LRW | P", .max_threads = 5}, "LRW | P*5");
    expect_chosen((struct settings){.model = "worker-stack", .max_threads = 9}, "L | rpw*9");
    expect_chosen((struct settings){.model = "acceptor", .sessions = 1}, "lrpw*1");
}

TEST(model, a_flag_may_repeat_what_the_text_says)
{
    expect_chosen((struct settings){.wiring = "LR*2 | PW*3", .readers = 2, .processors = 3},
                  "LR*2 | PW*3");
    expect_chosen((struct settings){.wiring = "LRPW*n", .listeners = 4, .writers = 4}, "LRPW*4");
    expect_chosen(
        (struct settings){
            .wiring = "L | rpw*4", .sessions = 4, .readers = 4, .max_threads = 4, .min_threads = 4},
        "L | rpw*4");
}

TEST(model, contradictions_are_named)
{
    expect_refused((struct settings){.wiring = "L | R | P*4 | W", .processors = 5},
                   "--processors 5 contradicts the 4 threads of group 3, P");
    expect_refused((struct settings){.wiring = "LRW | P*n", .readers = 2, .writers = 3},
                   "--writers 3 contradicts the 2 threads of group 1, LRW");
    expect_refused((struct settings){.wiring = "LRPW*1", .listeners = 2},
                   "--listeners 2 contradicts the 1 thread of group 1, LRPW");
    expect_refused((struct settings){.wiring = "LK*2 | R | P | W", .pollers = 3},
                   "--pollers 3 contradicts the 2 threads of group 1, LK");
    expect_refused((struct settings){.wiring = "L | rpw*4", .sessions = 5},
                   "--sessions 5 contradicts the 4 threads of group 2, rpw");
    expect_refused((struct settings){.wiring = "lrpw*4 | K*2", .pollers = 5},
                   "--pollers 5 contradicts the 2 threads of group 2, K");
    expect_refused((struct settings){.wiring = "lrpw*4", .listeners = 5},
                   "--listeners 5 contradicts the 4 threads of group 1, lrpw");
    expect_refused((struct settings){.wiring = "L | RPW@4", .processors = 5},
                   "--processors 5 contradicts the 4 threads of group 2, RPW");
    expect_refused((struct settings){.wiring = "L | rpw*4", .max_threads = 5},
                   "--max-threads 5 contradicts the 4 threads of group 2, rpw");
    expect_refused((struct settings){.wiring = "L | rpw", .sessions = 4, .max_threads = 5},
                   "--max-threads 5 contradicts the 4 threads of group 2, rpw");
}

TEST(model, a_count_for_a_group_that_is_not_there_is_refused)
{
    expect_refused((struct settings){.model = "staged", .pollers = 2},
                   "--pollers 2: the wiring has no such group");
    expect_refused((struct settings){.model = "staged", .sessions = 2},
                   "--sessions 2: the wiring has no such group");
    expect_refused((struct settings){.model = "leader-followers", .sessions = 2},
                   "--sessions 2: the wiring has no such group");
}

TEST(model, bounds_of_threads_are_for_the_group_that_runs_the_handlers)
{
    expect_refused((struct settings){.model = "loops", .max_threads = 2},
                   "--max-threads: group 1, LRPW, is a poll loop; only the threads of pools and "
                   "sessions come and go on demand");
    expect_refused((struct settings){.wiring = "lr*3 | PW*2", .min_threads = 2},
                   "--min-threads: group 2, PW, is a poll loop; only the threads of pools and "
                   "sessions come and go on demand");
    expect_refused((struct settings){.wiring = "L | rpw*4", .min_threads = 5},
                   "--min-threads 5 is more than the 4 threads there may be");
    expect_refused((struct settings){.wiring = "L | rpw*1", .min_threads = 5},
                   "--min-threads 5 is more than the 1 thread there may be");
    expect_refused((struct settings){.model = "worker-stack", .min_threads = 5, .max_threads = 4},
                   "--min-threads 5 is more than the 4 threads there may be");
}

/* --- policies --- */

TEST(model, a_wiring_waits_hands_out_in_order_and_starts_all_threads)
{
    struct policies policies = policies_of((struct settings){.wiring = "L | rpw*4"});
    expect_int(policies.dispatch, DISPATCH_FIFO);
    expect_int(policies.overload, OVERLOAD_WAIT);
    expect_int(policies.spawn, SPAWN_FIXED);
}

TEST(model, a_flag_wins_over_the_models_policy)
{
    struct policies policies = policies_of((struct settings){
        .model = "worker-stack", .dispatch = DISPATCH_FIFO, .overload = OVERLOAD_REAP});
    expect_int(policies.dispatch, DISPATCH_FIFO);
    expect_int(policies.overload, OVERLOAD_REAP);
    expect_int(policies.spawn, SPAWN_ON_DEMAND);
    policies = policies_of((struct settings){.model = "worker-stack", .spawn = SPAWN_FIXED});
    expect_int(policies.dispatch, DISPATCH_LIFO);
    expect_int(policies.spawn, SPAWN_FIXED);
    policies = policies_of((struct settings){.model = "staged",
                                             .dispatch = DISPATCH_LIFO,
                                             .overload = OVERLOAD_REJECT,
                                             .spawn = SPAWN_ON_DEMAND});
    expect_int(policies.dispatch, DISPATCH_LIFO);
    expect_int(policies.overload, OVERLOAD_REJECT);
    expect_int(policies.spawn, SPAWN_ON_DEMAND);
}

TEST(model, a_least_number_of_threads_means_that_the_others_come_on_demand)
{
    struct policies policies = policies_of((struct settings){.model = "staged", .min_threads = 2});
    expect_int(policies.spawn, SPAWN_ON_DEMAND);
    expect_int(policies.min_threads, 2);
    expect_refused((struct settings){.model = "staged", .min_threads = 2, .spawn = SPAWN_FIXED},
                   "--min-threads contradicts --spawn fixed, which starts all threads");
}

TEST(model, policies_of_pools_are_refused_for_poll_loops)
{
    expect_refused((struct settings){.model = "loops", .dispatch = DISPATCH_LIFO},
                   "--dispatch lifo: the wiring has only poll loops, no pool and no sessions");
    expect_refused((struct settings){.wiring = "L | RP | W", .spawn = SPAWN_ON_DEMAND},
                   "--spawn on-demand: the wiring has only poll loops, no pool and no sessions");
    struct policies policies = policies_of((struct settings){.model = "loops",
                                                             .dispatch = DISPATCH_FIFO,
                                                             .spawn = SPAWN_FIXED,
                                                             .overload = OVERLOAD_REAP});
    expect_int(policies.overload, OVERLOAD_REAP);
}

/* --- what a loop runs itself --- */

TEST(model, a_wiring_with_a_small_letter_beside_capital_ones_has_the_policy_idle)
{
    expect_int(policies_of((struct settings){.wiring = "L | Rpw | P | W"}).inlining, INLINE_IDLE);
    expect_int(policies_of((struct settings){.wiring = "L | R | P | W"}).inlining, INLINE_NONE);
    expect_int(policies_of((struct settings){.model = "offload"}).inlining, INLINE_SHORT);
    struct settings asked = {.model = "adaptive", .inlining = INLINE_ALWAYS};
    expect_int(policies_of(asked).inlining, INLINE_ALWAYS);
    expect_refused((struct settings){.model = "staged", .inlining = INLINE_SHORT},
                   "--inline: the wiring has no small letter beside capital ones");
}

/* '*n' says that the loops do the handlers' work. */
TEST(model, a_loop_that_may_run_handlers_is_one_unless_its_number_is_asked_for)
{
    expect_chosen((struct settings){.wiring = "L | Rpw | P*2 | W"}, "L | Rpw | P*2 | W");
    expect_chosen((struct settings){.wiring = "LRpW*n | P*2"}, "LRpW*3 | P*2");
    expect_chosen((struct settings){.model = "offload", .readers = 1, .processors = 2},
                  "LRpW | P*2");
}
