/* test_wiring.c: the notation of threading models: what is read, what is printed again, what is
 * refused and with which words. */
#include "stages/model.h"

#include "tests/test.h"

static const char *const presets[] = {"staged", "staged-nolistener", "loops", "half-sync"};
enum { PRESETS = sizeof presets / sizeof *presets };

/* The whole message of a refused text; the parser must refuse it. */
static const char *refusal(const char *text)
{
    static char error[WIRING_ERROR];
    struct wiring wiring;
    error[0] = '\0';
    expect_msg(!wiring_parse(&wiring, text, error), "'%s' was accepted", text);
    return error;
}

/* Parsed, sized for 3 CPUs with no flags and printed again. */
static const char *sized(const char *text)
{
    static char out[WIRING_TEXT], error[WIRING_ERROR];
    struct wiring wiring;
    struct settings settings = {.listeners = 0};
    expect_msg(wiring_parse(&wiring, text, error), "%s", error);
    expect_msg(model_size(&wiring, &settings, 3, error), "%s", error);
    wiring_format(&wiring, out);
    return out;
}

/* --- reading --- */

TEST(wiring, every_preset_is_read)
{
    for (unsigned i = 0; i < PRESETS; i++) {
        const char *text = preset_wiring(presets[i]);
        expect_msg(text != NULL, "no preset %s", presets[i]);
        sized(text);
    }
    expect(preset_wiring("no-such-model") == NULL);
    expect(preset_wiring("") == NULL);
}

TEST(wiring, names_of_all_presets_are_listed)
{
    char names[WIRING_ERROR], wanted[WIRING_ERROR] = "";
    for (unsigned i = 0; i < PRESETS; i++) {
        strcat(wanted, i > 0 ? ", " : "");
        strcat(wanted, presets[i]);
    }
    presets_names(names, sizeof names);
    expect_text(names, wanted);
    char few[8];
    presets_names(few, sizeof few);
    expect_text(few, "staged,");
}

TEST(wiring, the_pipeline_is_four_groups_with_a_pool)
{
    struct wiring wiring;
    char error[WIRING_ERROR], letters[STAGE_COUNT + 1];
    expect(wiring_parse(&wiring, "L | R | P*3 | W", error));
    expect_int(wiring.group_count, 4);
    expect_int(wiring.groups[2].kind, GROUP_POOL);
    expect_int(wiring.groups[2].count, 3);
    expect_int(wiring.groups[2].column, 9);
    expect_int(wiring.groups[3].kind, GROUP_LOOP);
    expect_int(wiring.groups[3].count, 0);
    expect_int(wiring.group_of[STAGE_LISTENER], 0);
    expect_int(wiring.group_of[STAGE_POLLER], -1);
    expect_int(wiring.group_of[STAGE_WRITER], 3);
    group_letters(&wiring.groups[2], letters);
    expect_text(letters, "P");
}

TEST(wiring, stages_side_by_side_are_one_loop)
{
    struct wiring wiring;
    char error[WIRING_ERROR], letters[STAGE_COUNT + 1];
    expect(wiring_parse(&wiring, "LRPW*2", error));
    expect_int(wiring.group_count, 1);
    expect_int(wiring.groups[0].kind, GROUP_LOOP);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        expect_int(group_holds(&wiring.groups[0], stage), stage != STAGE_POLLER);
    }
    group_letters(&wiring.groups[0], letters);
    expect_text(letters, "LRPW");
}

TEST(wiring, white_space_means_nothing)
{
    expect_text(sized("L|R|P*2|W"), "L | R | P*2 | W");
    expect_text(sized("  L  |\tR | P * 2 |W \t"), "L | R | P*2 | W");
    expect_text(sized("LR *2|P*  3|W"), "LR*2 | P*3 | W");
}

TEST(wiring, a_printed_wiring_is_read_as_the_same)
{
    static const char *const texts[] = {"L | R | P*8 | W",     "LR*2 | PW*3",   "LW | R*2 | P*9",
                                        "LP*2 | R | W*3",      "L | RP*2 | W",  "L | RPW*1024",
                                        "L*4 | R*5 | P*6 | W", "LRPW",          "LRW | P",
                                        "LPW*2 | R*3",         "L | R | PW*77", "LRP*12 | W*1000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char once[WIRING_TEXT];
        struct wiring wiring;
        char error[WIRING_ERROR];
        expect_msg(wiring_parse(&wiring, texts[i], error), "%s", error);
        wiring_format(&wiring, once);
        expect_text(once, texts[i]);
    }
}

/* --- refusing --- */

TEST(wiring, a_refusal_names_the_column_and_the_reason)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"L | X | P | W",
         "wiring 'L | X | P | W', column 5: 'X' is no stage, the stages are L, K, R, P and W"},
        {"L | rpw*2", "wiring 'L | rpw*2', column 5: blocking stages such as 'r' are not available "
                      "in this version"},
        {"LKW | R | P",
         "wiring 'LKW | R | P', column 2: the keep-alive poller K is not available in this "
         "version"},
        {"L | R | P | WR",
         "wiring 'L | R | P | WR', column 14: R, the reader, stands a second time"},
        {"LL | R | P | W", "wiring 'LL | R | P | W', column 2: L, the listener, stands a second "
                           "time"},
        {"L | PR | W", "wiring 'L | PR | W', column 6: R stands behind a later stage of its group, "
                       "write the letters in the order LKRPW"},
        {"L | R | P", "wiring 'L | R | P', column 10: no group holds W, the writer"},
        {"R | P | W", "wiring 'R | P | W', column 10: no group holds L, the listener"},
        {"L | P | R | W", "wiring 'L | P | R | W', column 9: group 3, R, comes too late: a "
                          "connection travels L, R, P, W"},
        {"R | L | P | W", "wiring 'R | L | P | W', column 5: group 2, L, comes too late: a "
                          "connection travels L, R, P, W"},
        {"L | R | P*0 | W", "wiring 'L | R | P*0 | W', column 11: a count is 'n' or a number from "
                            "1 to 1024"},
        {"L | R | P*1025 | W", "wiring 'L | R | P*1025 | W', column 11: a count is 'n' or a number "
                               "from 1 to 1024"},
        {"L | R | P* | W", "wiring 'L | R | P* | W', column 11: a count is 'n' or a number from 1 "
                           "to 1024"},
        {"LRPW*-1", "wiring 'LRPW*-1', column 6: a count is 'n' or a number from 1 to 1024"},
        {"L | | R", "wiring 'L | | R', column 5: group 2 holds no stage"},
        {"", "wiring '', column 1: group 1 holds no stage"},
        {"  ", "wiring '  ', column 3: group 1 holds no stage"},
        {"*2", "wiring '*2', column 1: group 1 holds no stage"},
        {"L | R | P | W |", "wiring 'L | R | P | W |', column 16: group 5 holds no stage"},
        {"L | R | P | W | L | R", "wiring 'L | R | P | W | L | R', column 17: L, the listener, "
                                  "stands a second time"},
        {"L R | P | W", "wiring 'L R | P | W', column 3: 'R' is not expected here: groups are "
                        "joined by '|', a count follows '*'"},
        {"LRPW*2*3", "wiring 'LRPW*2*3', column 7: '*' is not expected here: groups are joined by "
                     "'|', a count follows '*'"},
        {"LRPW*nn", "wiring 'LRPW*nn', column 7: 'n' is not expected here: groups are joined by "
                    "'|', a count follows '*'"},
        {"LRPW\n", "wiring 'LRPW\n', column 5: '?' is not expected here: groups are joined by "
                   "'|', a count follows '*'"},
        {"LRPW\xe9", "wiring 'LRPW\xe9', column 5: '?' is not expected here: groups are joined by "
                     "'|', a count follows '*'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_text(refusal(cases[i].text), cases[i].error);
    }
}

TEST(wiring, a_refusal_of_an_endless_text_stays_one_line_of_bounded_length)
{
    char text[5000];
    memset(text, 'Z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect(strlen(refusal(text)) < WIRING_ERROR);
    memcpy(text, "LRPW*", 5);
    memset(text + 5, '9', sizeof text - 6);
    expect(strstr(refusal(text), "column 6: a count") != NULL);
}

/* --- thread counts --- */

TEST(wiring, counts_left_open_come_from_the_cpus)
{
    expect_text(sized("L | R | P | W"), "L | R | P*12 | W");
    expect_text(sized("L | R | P*n | W"), "L | R | P*12 | W");
    expect_text(sized("LRPW*n"), "LRPW*3");
    expect_text(sized("LR | PW*n"), "LR | PW*3");
    expect_text(sized("LR*n | P*7 | W"), "LR | P*7 | W");
}

static bool size_with(const char *text, struct settings settings, char out[WIRING_ERROR])
{
    struct wiring wiring;
    expect_msg(wiring_parse(&wiring, text, out), "%s", out);
    if (!model_size(&wiring, &settings, 3, out)) {
        return false;
    }
    wiring_format(&wiring, out);
    return true;
}

TEST(wiring, flags_fill_in_counts_the_text_leaves_open)
{
    char out[WIRING_ERROR];
    expect(size_with("L | R | P*n | W", (struct settings){.readers = 2, .processors = 5}, out));
    expect_text(out, "L | R*2 | P*5 | W");
    expect(size_with("L | R | P*n | W", (struct settings){.listeners = 3, .writers = 4}, out));
    expect_text(out, "L*3 | R | P*12 | W*4");
    expect(size_with("LR | PW*n", (struct settings){.readers = 2, .writers = 6}, out));
    expect_text(out, "LR*2 | PW*6");
}

TEST(wiring, a_flag_may_repeat_what_the_text_says)
{
    char out[WIRING_ERROR];
    expect(size_with("LR*2 | PW*3", (struct settings){.readers = 2, .processors = 3}, out));
    expect_text(out, "LR*2 | PW*3");
    expect(size_with("LRPW*n", (struct settings){.listeners = 4, .writers = 4}, out));
    expect_text(out, "LRPW*4");
}

TEST(wiring, contradictions_are_named)
{
    char out[WIRING_ERROR];
    expect(!size_with("L | R | P*4 | W", (struct settings){.processors = 5}, out));
    expect_text(out, "--processors 5 contradicts the 4 threads of group 3, P");
    expect(!size_with("LRW | P*n", (struct settings){.readers = 2, .writers = 3}, out));
    expect_text(out, "--writers 3 contradicts the 2 threads of group 1, LRW");
    expect(!size_with("LRPW*1", (struct settings){.listeners = 2}, out));
    expect_text(out, "--listeners 2 contradicts the 1 threads of group 1, LRPW");
}

/* The longest text there can be has room. */
TEST(wiring, the_largest_counts_can_be_printed)
{
    expect_text(sized("L*1024 | R*1024 | P*1024 | W*1024"), "L*1024 | R*1024 | P*1024 | W*1024");
}
