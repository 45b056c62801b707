/* test_explain.c: what --check says of a preset and of odd wirings. That it comes true is tested with
 * running servers (tests/blackbox/explain.py). */
#include "stages/life/explain.h"

#include "core/options/options.h"
#include "stages/model/model.h"
#include "tests/golden/golden.h"

enum { CPUS = 2, CONNECTIONS = 1000 };

static struct settings settings;

static void begin(const char *wiring)
{
    option_set_defaults(&settings);
    bool preset = preset_wiring(wiring) != NULL;
    settings.model = preset ? wiring : NULL;
    settings.wiring = preset ? NULL : wiring;
}

/* Free it. */
static char *explained(void)
{
    char *text = NULL, error[WIRING_ERROR];
    size_t len = 0;
    struct wiring wiring;
    expect_msg(model_choose(&wiring, &settings, CPUS, error), "%s", error);
    FILE *out = open_memstream(&text, &len);
    explain_print(out, &settings, &wiring);
    expect_int(fclose(out), 0);
    return text;
}

static void expect_picture(const char *wiring, const char *picture)
{
    begin(wiring);
    settings.max_connections = CONNECTIONS;
    char *text = explained();
    golden_expect(picture, text);
    free(text);
}

static void expect_says(const char *words)
{
    char *text = explained();
    expect_msg(strstr(text, words) != NULL, "'%s' is not in\n%s", words, text);
    free(text);
}

TEST(explain, a_pipeline)
{
    expect_picture("staged", "explain_staged.txt");
}

TEST(explain, loops)
{
    expect_picture("loops", "explain_loops.txt");
}

TEST(explain, sessions_behind_a_loop_that_also_writes)
{
    expect_picture("event-mpm", "explain_event_mpm.txt");
}

TEST(explain, threads_that_take_turns_at_a_loop)
{
    expect_picture("leader-followers", "explain_leader_followers.txt");
}

TEST(explain, a_poller_beside_the_listener_before_a_reader)
{
    expect_picture("LK | R | P*2 | W", "explain_LK_R_P_W.txt");
}

TEST(explain, where_the_number_of_threads_comes_from)
{
    begin("staged");
    settings.processors = 3;
    expect_says("P           3  pool     from --processors\n");
    begin("L | R*2 | P*n | W");
    expect_says("R           2  loop     as the wiring says\n");
    begin("reaped-pool");
    expect_says("rpw        15  session  the model's own number; 1 at the start");
    settings.max_connections = 20;
    expect_says("rpw        20  session  from --max-connections; 1 at the start");
}

TEST(explain, what_becomes_of_clients_that_no_session_is_free_for)
{
    begin("L | rpw*3");
    expect_says("At most 3 clients are served at a time");
    expect_says("Others wait in its queue.");
    begin("lrpw*3");
    expect_says("Others wait in the kernel's accept queue.");
    settings.overload = OVERLOAD_REAP;
    expect_says("At most 2 clients are served at a time");
    expect_says("Others make the server close an idle one.");
    begin("worker-stack");
    expect_says("Others get 503.");
    settings.dispatch = DISPATCH_FIFO;
    expect_says("Others wait in its queue.");
}

TEST(explain, each_of_several_processes)
{
    begin("loops");
    settings.processes = 4;
    expect_says("4 processes; what follows is true of each\n");
}
