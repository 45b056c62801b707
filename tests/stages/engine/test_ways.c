/* test_ways.c: the ways of each preset and of wirings in which stages stand apart. That they are
 * what requests take is tested with requests (test_server.c). */
#include "stages/engine/ways.h"

#include "core/options/options.h"
#include "stages/life/layout.h"
#include "stages/model/model.h"
#include "tests/test.h"

enum { CPUS = 2, TEXT = 600 };

/* "L>R new, R>P request ...", without the kinds that are not asked for. */
static void write_ways(const struct engine *server, const char *kinds, char text[TEXT])
{
    struct way_report ways[WAYS_MAX];
    unsigned count = ways_list(server, ways);
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        char from[GROUP_LETTERS], to[GROUP_LETTERS];
        group_letters(&server->wiring.groups[ways[i].from], from);
        group_letters(&server->wiring.groups[ways[i].to], to);
        if (strstr(kinds, ways[i].kind) != NULL) {
            len += (size_t)snprintf(text + len, TEXT - len, "%s%s>%s %s", len > 0 ? ", " : "", from,
                                    to, ways[i].kind);
        }
    }
}

static void expect_ways(const char *wiring, const char *kinds, const char *ways)
{
    static struct settings settings;
    struct engine server = {.settings = &settings};
    char error[WIRING_ERROR], text[TEXT];
    option_set_defaults(&settings);
    bool preset = preset_wiring(wiring) != NULL;
    settings.model = preset ? wiring : NULL;
    settings.wiring = preset ? NULL : wiring;
    expect_msg(model_choose(&server.wiring, &settings, CPUS, error), "%s", error);
    layout_groups(&server);
    write_ways(&server, kinds, text);
    expect_msg(strcmp(text, ways) == 0, "wiring '%s':\n  %s\nand not\n  %s", wiring, text, ways);
    layout_free(&server);
}

enum {
    PRESETS = 0
#define PRESET(name, wiring, dispatch, overload, spawn, inlining, source, what) +1
#include "stages/model/presets.def"
#undef PRESET
};

static const char usual[] = "new readable request answer blocked kept";

TEST(ways, of_each_preset)
{
    static const struct {
        const char *model, *ways;
    } presets[] = {
        {"staged", "L>R new, R>P request, P>W answer, W>R kept"},
        {"staged-nolistener", "LR>P request, P>W answer, W>LR kept"},
        {"conn-queue", "L>rpw new, K>rpw readable, rpw>K kept"},
        {"acceptor", "L>rpw new, rpw>rpw kept"},
        {"reaped-pool", "L>rpw new, rpw>rpw kept"},
        {"polled-pool", "L>K new, K>rpw readable, rpw>K kept"},
        {"worker-stack", "L>rpw new, rpw>rpw kept"},
        {"event-mpm", "LKW>rpw readable, rpw>LKW blocked, LKW>LKW kept, rpw>LKW kept"},
        {"loops", "LRPW>LRPW kept"},
        {"half-sync", "LRW>P request, P>LRW answer, LRW>LRW kept"},
        {"adaptive",
         "L>Rpw new, Rpw>P request, P>W answer, W>Rpw kept, Rpw>W blocked, Rpw>Rpw kept"},
        {"offload", "LRpW>P request, P>LRpW answer, LRpW>LRpW kept"},
        {"leader-followers", "LRW>pw request, pw>LRW blocked, LRW>LRW kept, pw>LRW kept"},
    };
    expect_int(sizeof presets / sizeof *presets, PRESETS);
    for (unsigned i = 0; i < sizeof presets / sizeof *presets; i++) {
        expect_ways(presets[i].model, usual, presets[i].ways);
    }
}

TEST(ways, where_stages_stand_apart)
{
    expect_ways("L | r*4 | P*2 | w*4", usual, "L>r new, r>P request, P>w answer, w>r kept");
    expect_ways("LK | R | P*2 | W", usual, "LK>R readable, R>P request, P>W answer, W>LK kept");
    expect_ways("L | rp*4 | W | K", usual, "L>rp new, K>rp readable, rp>W answer, W>K kept");
}

/* w in a session of its own, beside a W: no answer comes there. */
TEST(ways, where_a_small_writer_is_in_no_session_of_a_processor)
{
    expect_ways("LR | P*2 | w*2 | W", usual, "LR>P request, P>W answer, W>LR kept");
}

TEST(ways, that_are_taken_now_and_then)
{
    static const char rare[] = "partial interim room body pipelined linger close";
    expect_ways("LK | R | P*2 | W", rare,
                "R>LK partial, W>P room, W>R body, W>R pipelined, W>LK close, R>W interim");
    expect_ways("event-mpm", rare,
                "rpw>LKW partial, LKW>rpw room, LKW>rpw body, LKW>rpw pipelined, rpw>LKW linger, "
                "rpw>LKW close");
    expect_ways("loops", rare, "");
}
