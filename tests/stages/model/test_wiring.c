/* test_wiring.c: the notation of threading models: what is read, what is printed again, what is
 * refused and with which words. */
#include "stages/model/wiring.h"

#include "tests/test.h"

/* The whole message of a refused text; the parser must refuse it. */
static const char *refusal(const char *text)
{
    static char error[WIRING_ERROR];
    struct wiring wiring;
    error[0] = '\0';
    expect_msg(!wiring_parse(&wiring, text, error), "'%s' was accepted", text);
    return error;
}

static struct wiring parsed(const char *text)
{
    char error[WIRING_ERROR];
    struct wiring wiring;
    expect_msg(wiring_parse(&wiring, text, error), "%s", error);
    return wiring;
}

static const char *printed(const char *text)
{
    static char out[WIRING_TEXT];
    struct wiring wiring = parsed(text);
    wiring_format(&wiring, out);
    return out;
}

/* A group of the parsed text: its letters, its kind, its threads. */
static void expect_group(const struct wiring *wiring, unsigned index, const char *letters,
                         enum group_kind kind, unsigned count)
{
    char actual[GROUP_LETTERS];
    expect(index < wiring->group_count);
    group_letters(&wiring->groups[index], actual);
    expect_text(actual, letters);
    expect_int(wiring->groups[index].kind, kind);
    expect_int(wiring->groups[index].count, count);
}

/* --- reading --- */

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
        expect_int(group_runs(&wiring.groups[0], stage), stage != STAGE_POLLER);
    }
    group_letters(&wiring.groups[0], letters);
    expect_text(letters, "LRPW");
}

TEST(wiring, small_letters_are_sessions)
{
    struct wiring wiring = parsed("L | rpw*40");
    expect_int(wiring.group_count, 2);
    expect_group(&wiring, 0, "L", GROUP_LOOP, 0);
    expect_group(&wiring, 1, "rpw", GROUP_POOL, 40);
    expect(!wiring.groups[0].blocks && wiring.groups[1].blocks);
    expect(!wiring.groups[0].in_turn && !wiring.groups[1].in_turn);
    expect_int(wiring.group_of[STAGE_WRITER], 1);
    expect_int(wiring.small_writer, -1);
}

TEST(wiring, a_processor_or_a_listener_alone_is_the_same_in_either_case)
{
    expect_text(printed("l | r*4 | p*2 | w*4"), "L | r*4 | P*2 | w*4");
    struct wiring wiring = parsed("l*2 | R | p*3 | W");
    expect_group(&wiring, 0, "L", GROUP_LOOP, 2);
    expect_group(&wiring, 2, "P", GROUP_POOL, 3);
}

/* Which of both is written first says nothing: W is where a write goes that would block. */
TEST(wiring, a_small_w_beside_a_capital_one_is_a_pair)
{
    struct wiring first = parsed("LKW | rpw*3");
    expect_int(first.group_of[STAGE_WRITER], 0);
    expect_int(first.small_writer, 1);
    struct wiring second = parsed("L | rpw*8 | KW");
    expect_int(second.group_of[STAGE_WRITER], 2);
    expect_int(second.small_writer, 1);
    struct wiring apart = parsed("L | R | P | w*2 | W");
    expect_int(apart.group_of[STAGE_WRITER], 4);
    expect_int(apart.small_writer, 3);
}

TEST(wiring, an_at_sign_is_a_loop_and_the_pool_that_runs_it_in_turn)
{
    struct wiring wiring = parsed("LRPW@3");
    expect_int(wiring.group_count, 2);
    expect_group(&wiring, 0, "LRW", GROUP_LOOP, 1);
    expect_group(&wiring, 1, "pw", GROUP_POOL, 3);
    expect(wiring.groups[0].in_turn && !wiring.groups[1].in_turn);
    expect_int(wiring.group_of[STAGE_READER], 0);
    expect_int(wiring.group_of[STAGE_PROCESSOR], 1);
    expect_int(wiring.group_of[STAGE_WRITER], 0);
    expect_int(wiring.small_writer, 1);
    wiring = parsed("L | RP@3 | W");
    expect_group(&wiring, 1, "R", GROUP_LOOP, 1);
    expect_group(&wiring, 2, "p", GROUP_POOL, 3);
    expect_int(wiring.group_of[STAGE_WRITER], 3);
    expect_int(wiring.small_writer, -1);
}

TEST(wiring, sessions_that_accept_are_a_loop_and_the_pool_that_runs_it_in_turn)
{
    struct wiring wiring = parsed("lrpw*5");
    expect_int(wiring.group_count, 2);
    expect_group(&wiring, 0, "L", GROUP_LOOP, 1);
    expect_group(&wiring, 1, "rpw", GROUP_POOL, 5);
    expect(wiring.groups[0].in_turn && wiring.groups[1].blocks);
    expect_int(wiring.groups[1].column, 1);
    wiring = parsed("lr*2 | P | w*2 | W");
    expect_group(&wiring, 1, "r", GROUP_POOL, 2);
}

/* A pair is one group of the text. */
TEST(wiring, groups_are_named_as_they_were_written)
{
    static const struct {
        const char *text;
        unsigned index, number;
        const char *letters;
    } cases[] = {
        {"L | R | P | W", 2, 3, "P"}, {"LKW | rpw*3", 1, 2, "rpw"}, {"lrpw*4 | K", 0, 1, "lrpw"},
        {"lrpw*4 | K", 1, 1, "lrpw"}, {"lrpw*4 | K", 2, 2, "K"},    {"L | RPW@2 | K", 2, 2, "RPW"},
        {"L | RPW@2 | K", 3, 3, "K"}, {"lpw*2 | R", 1, 1, "lpw"},   {"LPW@2 | R", 1, 1, "LPW"},
        {"LP@2 | R | W", 0, 1, "LP"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char letters[GROUP_LETTERS];
        struct wiring wiring = parsed(cases[i].text);
        expect_int(wiring_written(&wiring, cases[i].index, letters), cases[i].number);
        expect_text(letters, cases[i].letters);
    }
}

TEST(wiring, white_space_means_nothing)
{
    expect_text(printed("L|R|P*2|W"), "L | R | P*2 | W");
    expect_text(printed("  L  |\tR | P * 2 |W \t"), "L | R | P*2 | W");
    expect_text(printed("LR *2|P*  3|W"), "LR*2 | P*3 | W");
    expect_text(printed("LRPW\t@ 2"), "LRPW@2");
}

/* The stage stands where its capital letter is; the loop with the small one may run it, too. */
TEST(wiring, small_p_and_w_beside_capital_letters_are_run_in_place_of_their_groups)
{
    struct wiring wiring = parsed("L | Rpw | P*3 | W");
    expect_int(wiring.group_count, 4);
    expect_group(&wiring, 1, "Rpw", GROUP_LOOP, 0);
    expect_int(wiring.groups[1].stages, 1u << STAGE_READER);
    expect_int(wiring.groups[1].inlined, 1u << STAGE_PROCESSOR | 1u << STAGE_WRITER);
    expect(!wiring.groups[1].blocks);
    expect_int(wiring.group_of[STAGE_PROCESSOR], 2);
    expect_int(wiring.group_of[STAGE_WRITER], 3);
    expect_int(wiring.small_writer, -1);
}

/* --- where a connection goes --- */

TEST(wiring, where_the_poller_stands_says_where_a_connection_goes_first)
{
    static const struct {
        const char *text;
        enum stage first, idle;
    } cases[] = {
        {"L | R | P | W", STAGE_READER, STAGE_READER},
        {"LRPW", STAGE_READER, STAGE_READER},
        {"L | rpw*3", STAGE_READER, STAGE_READER},
        {"L | K | rpw*3", STAGE_POLLER, STAGE_POLLER},
        {"LK | R | P | W", STAGE_POLLER, STAGE_POLLER},
        {"LKW | rpw*3", STAGE_POLLER, STAGE_POLLER},
        {"L | KW | rpw*3", STAGE_POLLER, STAGE_POLLER},
        {"L | rpw*3 | K", STAGE_READER, STAGE_POLLER},
        {"L | rpw*3 | KW", STAGE_READER, STAGE_POLLER},
        {"LR | K | PW", STAGE_READER, STAGE_POLLER},
        {"LRW | K*2 | P", STAGE_READER, STAGE_POLLER},
        {"lrpw*2 | K", STAGE_READER, STAGE_POLLER},
        {"LKRPW*2", STAGE_READER, STAGE_READER}, /* beside the reader it is part of its loop */
        {"L | KR | P | W", STAGE_READER, STAGE_READER},
        {"LKRPW@2", STAGE_READER, STAGE_READER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wiring wiring = parsed(cases[i].text);
        expect_msg(wiring_first_stage(&wiring) == cases[i].first, "%s", cases[i].text);
        expect_msg(wiring_idle_stage(&wiring) == cases[i].idle, "%s", cases[i].text);
    }
}

/* --- printing --- */

TEST(wiring, a_printed_wiring_is_read_as_the_same)
{
    static const char *const texts[] = {"L | R | P*8 | W",
                                        "LR*2 | PW*3",
                                        "LW | R*2 | P*9",
                                        "LP*2 | R | W*3",
                                        "L | RP*2 | W",
                                        "L | RPW*1024",
                                        "L*4 | R*5 | P*6 | W",
                                        "LRPW",
                                        "LRPW*1",
                                        "LRW | P",
                                        "LRW | P*1",
                                        "L | rpw*1",
                                        "LPW*2 | R*3",
                                        "L | R | PW*77",
                                        "LRP*12 | W*1000",
                                        "L | K*2 | rpw*1024",
                                        "L | r*4 | P*2 | w*4",
                                        "LK | R | P*2 | W",
                                        "L | rp*4 | W | K",
                                        "L | R | pw*3",
                                        "LKW | rpw*9",
                                        "lrpw*4",
                                        "lrpw*1 | K",
                                        "lpw*2 | R",
                                        "lw*2 | R | P*3",
                                        "lr*2 | P*4 | w*3 | W",
                                        "L | RPW@3",
                                        "LRPW@1",
                                        "LKRPW@2",
                                        "LP@2 | R | W",
                                        "LPW@2 | R",
                                        "L | RP@2 | w*2 | W",
                                        "LRP@4 | K | W",
                                        "L | Rpw | P*8 | W",
                                        "LRpW*4 | P*2",
                                        "LRpw | PW*2",
                                        "L | Rw | Pw*3 | W"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect_text(printed(texts[i]), texts[i]);
    }
}

TEST(wiring, an_open_count_is_left_open)
{
    expect_text(printed("L*n | R*n | P*n | W"), "L | R | P | W");
    expect_text(printed("L | rpw*n"), "L | rpw");
    expect_text(printed("LRPW@n"), "LRPW@n");
    expect_text(printed("lrpw"), "lrpw*n");
    expect_text(printed("LRpW*n | P*n"), "LRpW*n | P");
    expect_text(printed("L | Rpw | P*n | W"), "L | Rpw | P | W");
    expect_text(printed("L*1 | R*1 | P*1 | W*1"), "L | R | P*1 | W"); /* one is what open means */
}

/* The longest text there can be has room. */
TEST(wiring, the_largest_counts_can_be_printed)
{
    static const char *const texts[] = {
        "L*1024 | K*1024 | R*1024 | P*1024 | w*1024 | W*1024",
        "L*1024 | r*1024 | P*1024 | w*1024 | W*1024 | K*1024",
    };
    for (size_t i = 0; i < 2; i++) {
        expect_text(printed(texts[i]), texts[i]);
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
        {"L | k | rpw*2",
         "wiring 'L | k | rpw*2', column 5: k has no meaning: a poller never blocks "
         "for one connection"},
        {"lkrpw", "wiring 'lkrpw', column 2: k has no meaning: a poller never blocks for one "
                  "connection"},
        {"L | Rp | W", "wiring 'L | Rp | W', column 11: no group runs P, the processor"},
        {"L | rpW", "wiring 'L | rpW', column 7: 'W' does not fit: beside capital letters p and w "
                    "may be small, beside small letters none is capital"},
        {"Lr | P | W", "wiring 'Lr | P | W', column 2: 'r' does not fit: beside capital letters p "
                       "and w may be small, beside small letters none is capital"},
        {"LRPp | W", "wiring 'LRPp | W', column 4: p stands twice in its group"},
        {"L | Rwp | P | W", "wiring 'L | Rwp | P | W', column 7: p stands behind a later stage of "
                            "its group, write the letters in the order LKRPW"},
        {"Lp | R | P | W",
         "wiring 'Lp | R | P | W', column 1: p beside capital letters needs R in its group"},
        {"Lw | R | P | W",
         "wiring 'Lw | R | P | W', column 1: w beside capital letters needs R or P in its group"},
        {"L | Rpw | P | w", "wiring 'L | Rpw | P | w', column 5: w beside capital letters needs a "
                            "W in another group, where a write that would block goes"},
        {"LRpW@2 | P", "wiring 'LRpW@2 | P', column 1: '@' is for capital letters with P and "
                       "another stage: threads take turns at the loop and do P in between"},
        {"L | w | rpw", "wiring 'L | w | rpw', column 9: W, the writer, stands a second time"},
        {"L | W | RPW", "wiring 'L | W | RPW', column 9: W, the writer, stands a second time"},
        {"LKW | rpw | W", "wiring 'LKW | rpw | W', column 13: W, the writer, stands a second time"},
        {"LRPW@2 | w", "wiring 'LRPW@2 | w', column 10: W, the writer, stands a second time"},
        {"L | R | r | PW",
         "wiring 'L | R | r | PW', column 9: R, the reader, stands a second time"},
        {"lrpw@4", "wiring 'lrpw@4', column 1: '@' is for capital letters with P and another "
                   "stage: threads take turns at the loop and do P in between"},
        {"LR@4 | PW", "wiring 'LR@4 | PW', column 1: '@' is for capital letters with P and "
                      "another stage: threads take turns at the loop and do P in between"},
        {"L | R | P@2 | W", "wiring 'L | R | P@2 | W', column 9: '@' is for capital letters with "
                            "P and another stage: threads take turns at the loop and do P in "
                            "between"},
        {"LRPW@", "wiring 'LRPW@', column 6: a count is 'n' or a number from 1 to 1024"},
        {"LRPW@0", "wiring 'LRPW@0', column 6: a count is 'n' or a number from 1 to 1024"},
        {"LRW@3 | ", "wiring 'LRW@3 | ', column 1: '@' is for capital letters with P and "
                     "another stage: threads take turns at the loop and do P in between"},
        {"LRPW@3 | ", "wiring 'LRPW@3 | ', column 10: group 2 has no stage"},
        {"K | L | R | P | W",
         "wiring 'K | L | R | P | W', column 1: group 1, K, comes too early: a "
         "connection travels L, R, P, W"},
        {"rpw | L", "wiring 'rpw | L', column 1: group 1, rpw, comes too early: a connection "
                    "travels L, R, P, W"},
        {"RPW@2 | L", "wiring 'RPW@2 | L', column 1: group 1, RPW, comes too early: a connection "
                      "travels L, R, P, W"},
        {"KW | lrp*2", "wiring 'KW | lrp*2', column 1: group 1, KW, comes too early: a connection "
                       "travels L, R, P, W"},
        {"L | P | KR | W", "wiring 'L | P | KR | W', column 9: group 3, KR, comes too late: a "
                           "connection travels L, R, P, W"},
        {"L | P | K | rw*2", "wiring 'L | P | K | rw*2', column 13: group 4, rw, comes too late: a "
                             "connection travels L, R, P, W"},
        {"LP@2 | W | R", "wiring 'LP@2 | W | R', column 12: group 3, R, comes too late: a "
                         "connection travels L, R, P, W"},
        {"L | R | P | RW",
         "wiring 'L | R | P | RW', column 13: R, the reader, stands a second time"},
        {"LL | R | P | W", "wiring 'LL | R | P | W', column 2: L stands twice in its group"},
        {"L | PR | W", "wiring 'L | PR | W', column 6: R stands behind a later stage of its group, "
                       "write the letters in the order LKRPW"},
        {"L | R | P", "wiring 'L | R | P', column 10: no group runs W, the writer"},
        {"R | P | W", "wiring 'R | P | W', column 10: no group runs L, the listener"},
        {"L | P | R | W", "wiring 'L | P | R | W', column 9: group 3, R, comes too late: a "
                          "connection travels L, R, P, W"},
        {"R | L | P | W", "wiring 'R | L | P | W', column 1: group 1, R, comes too early: a "
                          "connection travels L, R, P, W"},
        {"L | R | P*0 | W", "wiring 'L | R | P*0 | W', column 11: a count is 'n' or a number from "
                            "1 to 1024"},
        {"L | R | P*1025 | W", "wiring 'L | R | P*1025 | W', column 11: a count is 'n' or a number "
                               "from 1 to 1024"},
        {"L | R | P* | W", "wiring 'L | R | P* | W', column 11: a count is 'n' or a number from 1 "
                           "to 1024"},
        {"LRPW*-1", "wiring 'LRPW*-1', column 6: a count is 'n' or a number from 1 to 1024"},
        {"L | | R", "wiring 'L | | R', column 5: group 2 has no stage"},
        {"", "wiring '', column 1: group 1 has no stage"},
        {"  ", "wiring '  ', column 3: group 1 has no stage"},
        {"*2", "wiring '*2', column 1: group 1 has no stage"},
        {"L | R | P | W |", "wiring 'L | R | P | W |', column 16: group 5 has no stage"},
        {"L | R | P | W | L | R", "wiring 'L | R | P | W | L | R', column 17: L, the listener, "
                                  "stands a second time"},
        {"L R | P | W", "wiring 'L R | P | W', column 3: 'R' is not expected here: groups are "
                        "joined by '|', a count follows '*' or '@'"},
        {"LRPW*2*3", "wiring 'LRPW*2*3', column 7: '*' is not expected here: groups are joined by "
                     "'|', a count follows '*' or '@'"},
        {"LRPW*nn", "wiring 'LRPW*nn', column 7: 'n' is not expected here: groups are joined by "
                    "'|', a count follows '*' or '@'"},
        {"LRPW\n", "wiring 'LRPW\n', column 5: '?' is not expected here: groups are joined by "
                   "'|', a count follows '*' or '@'"},
        {"LRPW\xe9", "wiring 'LRPW\xe9', column 5: '?' is not expected here: groups are joined by "
                     "'|', a count follows '*' or '@'"},
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
