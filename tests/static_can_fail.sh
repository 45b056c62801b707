#!/bin/bash
# usage: tests/static_can_fail.sh
#
# A check that cannot fail proves nothing: plants one breach at a time in a small tree of its own and
# expects layers.py and documents.py to name it, and to pass the same tree without it.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0
circles_allowed=$(cd "$here" && python3 -Bc 'import layers; print(*layers.CIRCLES_ALLOWED)')

# The smallest tree that both checks pass.
plant_good_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{core/{base,loop,options,points,report,trace,web,http,exchange,handlers},queues,stages/model,stages/life,tools,tests}
    cd "$tree" || exit 1
    for name in core/loop/loop core/http/parse core/handlers/handler queues/mailbox stages/model/wiring stages/life/server; do
        printf '#include <stddef.h>\nint %s_run(void);\n' "${name##*/}" >$name.h
        printf '#include "%s.h"\n\nint %s_run(void)\n{\n    return 0;\n}\n' "$name" "${name##*/}" >$name.c
    done
    # The sources that layers.py lists as part of another header.
    sed -nE 's/^    "(.*\.c)": "(.*\.h)",$/\1 \2/p' "$here/layers.py" | while read -r name header; do
        printf 'struct %s;\n' "$(basename "$header" .h)" >"$header"
        printf '#include "%s"\n' "$header" >"$name"
    done
    # A circle in each layer for which layers.py still has an exception.
    for layer in $circles_allowed; do
        dir=$layer
        [ -d "$layer/model" ] && dir=$layer/model
        printf '#include "%s"\nstruct one;\n' "$dir/two.h" >"$dir/one.h"
        printf '#include "%s"\nstruct two;\n' "$dir/one.h" >"$dir/two.h"
    done
    printf '#include "stages/model/wiring.h"\nint main(void)\n{\n}\n' >tools/quartet.c
    printf '#include "core/loop/loop.h"\nint main(void)\n{\n}\n' >tools/quartet-trace.c
    echo 'CONN_STATE(IDLE, "waits", "home")' >core/exchange/conn_states.def
    echo 'VERDICT(WANT_READ, "bytes")' >core/exchange/verdicts.def
    echo 'CLOSE_REASON(DRAINED, "stopping")' >core/points/close_reasons.def
    echo 'LOCK_RANK(MAILBOX, "a queue")' >core/base/lock_ranks.def
    echo 'INTERVAL(READ_BLOCKED, "read.blocked", "", "", 0)' >core/points/trace_points.def
    echo 'PRESET("half-sync", "LRW | P")' >stages/model/presets.def
    mkdir -p tools/trace
    cat >DESIGN.md <<'END'
# Design
A connection is IDLE, WANT_READ says so in `core/loop/loop.c`, see `core/{loop/loop,handlers/handler}.h`, `loop_run()`; DRAINED at the end.
| lock | guards |
| --- | --- |
| `MAILBOX` | a queue, `RANK_MAILBOX` |

| room | holds |
| --- | --- |
| `stages/model/` | the wiring |
| `stages/life/` | the server |

The [models](stages/README.md#the-models), and [terms](#1-glossary) such as a worker.
## 1. Glossary
| term | means |
| --- | --- |
| worker | a thread |
END
    echo 'The model `half-sync`: see [DESIGN.md](DESIGN.md) and the option `--model`.' >README.md
    printf '# The models\nOne: `half-sync`.\n' >stages/README.md
    echo 'It shows `read.blocked`.' >tools/trace/README.md
    echo 'OPTION("model")' >core/options/options.def
    echo 'enum { CONN_IDLE, RANK_MAILBOX };' >>core/loop/loop.h
}

report() {
    echo "static_can_fail: $1"
    failures=$((failures + 1))
}

run_check() {
    case $1 in
    layers) python3 "$here/layers.py" "$tree" "$tree/build" ;;
    documents) python3 "$here/documents.py" "$tree" ;;
    esac
}

# expect_breach CHECK WORDS: it must fail, and say so in these words.
expect_breach() {
    local said
    if said=$(run_check "$1" 2>&1); then
        report "$1 passed a tree where it should say: $2"
    elif ! grep -qF -- "$2" <<<"$said"; then
        report "$1 failed without saying: $2"
        echo "$said"
    fi
    plant_good_tree
}

plant_good_tree
for check in layers documents; do
    run_check $check >"$tree/said" || { report "$check fails a good tree"; cat "$tree/said"; }
done
[ $failures -eq 0 ] || exit 1

echo '#include "stages/model/wiring.h"' >>core/loop/loop.c
expect_breach layers 'core/loop/loop.c:7: stages/model/wiring.h: core/ must not include stages/'
echo '#include "stages/model/wiring.h"' >>queues/mailbox.h
expect_breach layers 'queues/ must not include stages/'
echo '#include "queues/mailbox.h"' >>tools/quartet-trace.c
expect_breach layers 'tools/ must not include queues/'
echo '#include "queues/mailbox.h"' >>tools/quartet.c
expect_breach layers 'tools/ must not include queues/'
echo '#include <uv.h>' >>stages/model/wiring.c
expect_breach layers 'only core/base/libraries.c and core/loop/loop.c and tests/core/base/test_libraries.c may include uv.h'
echo '#include <http_parser.h>' >>core/handlers/handler.c
expect_breach layers 'only core/base/libraries.c and core/http/parse.c and tests/core/base/test_libraries.c and tools/load/response_parse.c may include http_parser.h'
printf 'int main(void)\n{\n}\n' >>queues/mailbox.c
expect_breach layers 'main() belongs in tools/'
sed -i '1i #include <stddef.h>' stages/model/wiring.c
expect_breach layers 'the first include must be stages/model/wiring.h'
echo '#include "core/loop/loop.h"' >core/stray.c
expect_breach layers 'core/stray.c:1: has no core/stray.h'
rm core/report/report_json.c
expect_breach layers 'PART_OF names core/report/report_json.c, which does not exist'
printf '#ifndef ALL_H\n#define ALL_H\n#include "core/loop/loop.h"\n#endif\n' >core/all.h
expect_breach layers 'core/all.h:1: an umbrella header'
echo '#include "loop.h"' >>core/handlers/handler.c
expect_breach layers '"loop.h" is not a path from the root'
echo '#include <core/loop/loop.h>' >>core/handlers/handler.c
expect_breach layers '<core/loop/loop.h> is ours'

echo 'static void swap(struct call *a);' >>queues/mailbox.c
expect_breach layers 'queues/mailbox.c:7: the static function swap() needs a name of several words'
echo 'static int look_up(int key)' >>core/loop/loop.c
echo 'static const char *look_up(int key, const char *name,' >>stages/life/server.c
expect_breach layers 'stages/life/server.c:7: core/loop/loop.c has a static function look_up() too'

echo '#include "stages/life/server.h"' >>stages/model/wiring.c
expect_breach layers 'stages/life/server.h: model/ must not include life/, which is above it'
mv stages/life/server.c stages/stray.c
expect_breach layers 'stages/stray.c:1: lies in no room of stages/'
mkdir stages/attic && printf 'struct old;\n' >stages/attic/old.h
expect_breach layers 'stages/attic/old.h:1: lies in no room of stages/'
echo '#include "core/handlers/handler.h"' >>core/loop/loop.h
echo '#include "core/loop/loop.h"' >>core/handlers/handler.c
expect_breach layers 'core/handlers/handler.c:7: 2 modules include each other: core/handlers/handler, core/loop/loop'
[ -z "$circles_allowed" ] || rm stages/model/one.h
[ -z "$circles_allowed" ] || expect_breach layers 'stages/ has no circle: take it out of CIRCLES_ALLOWED'
# compiled PATH TEXT: an object file of this text, where CMake puts that of PATH.
compiled() {
    local object=build/${1%%/*}/CMakeFiles/${1%%/*}.dir/${1#*/}.o
    mkdir -p "$(dirname "$object")" && cc -c -xc -o "$object" - <<<"$2"
}
compiled core/handlers/handler.c 'int taken(void); int handler_run(void) { return taken(); }'
compiled queues/mailbox.c 'int taken(void) { return 1; }'
expect_breach layers 'core/handlers/handler.c:1: uses taken, which queues/mailbox.c above it defines'
compiled stages/model/wiring.c 'extern int begun; int wired(void) { return begun; }'
compiled stages/life/server.c 'int wired(void); int begun; int run(void) { return wired(); }'
expect_breach layers 'stages/model/wiring.c:1: uses begun, which stages/life/server.c above it defines'

rm DESIGN.md
expect_breach documents 'DESIGN.md: does not exist'
echo 'See `core/gone.c`.' >>DESIGN.md
expect_breach documents 'names the path core/gone.c'
echo 'See `core/{loop/loop,gone}.h`.' >>DESIGN.md
expect_breach documents 'names the path core/{loop/loop,gone}.h'
echo 'See `gone_run()`.' >>DESIGN.md
expect_breach documents 'names the function gone_run()'
echo '| a step | `core/loop/loop.c` | `handler_run()` |' >>DESIGN.md
expect_breach documents 'names handler_run() in a row with files that do not have it'
echo '| GONE_RANK | was a lock |' >>DESIGN.md
expect_breach documents 'names GONE_RANK, which is nowhere in the code'
echo 'It is in `STATE_GONE`.' >>DESIGN.md
expect_breach documents 'names STATE_GONE, which is nowhere in the code'
echo 'CONN_STATE(READING, "reads", "home")' >>core/exchange/conn_states.def
expect_breach documents 'does not name the state READING of core/exchange/conn_states.def'
echo 'VERDICT(KEPT, "kept")' >>core/exchange/verdicts.def
expect_breach documents 'does not name the verdict KEPT'
echo 'CLOSE_REASON(SHED, "shed")' >>core/points/close_reasons.def
expect_breach documents 'does not name the close reason SHED'
echo 'LOCK_RANK(LOG, "log")' >>core/base/lock_ranks.def
expect_breach documents 'does not name the lock rank LOG'
echo 'INTERVAL(READ, "read", "", "", 0)' >>core/points/trace_points.def
expect_breach documents 'tools/trace/README.md: does not name the interval read of core/points/trace_points.def'
echo 'PRESET("half", "LRW | P")' >>stages/model/presets.def
expect_breach documents 'stages/README.md: does not name the model half of stages/model/presets.def'
: >stages/model/presets.def
expect_breach documents 'stages/model/presets.def: does not exist, or has no entry'
rm tools/trace/README.md
expect_breach documents 'tools/trace/README.md: does not exist'
echo 'See `core/gone.c`.' >queues/README.md
expect_breach documents 'queues/README.md: names the path core/gone.c'
echo 'See `tests/gone_*.c`.' >>README.md
expect_breach documents 'names the path tests/gone_*.c'
echo 'Say `--gone-option N`.' >>README.md
expect_breach documents 'names the option --gone-option'
echo '[there](stages/GONE.md)' >>README.md
expect_breach documents 'links to stages/GONE.md, which does not exist'
echo '[there](../README.md#gone)' >>stages/README.md
expect_breach documents 'links to ../README.md#gone, and there is no such heading'
echo '[there](#gone)' >>README.md
expect_breach documents 'links to #gone, and there is no such heading'
sed -i 's/^# The models/# Models/' stages/README.md
expect_breach documents 'links to stages/README.md#the-models, and there is no such heading'
head -c 200001 /dev/zero >tools/large.png
echo '![large](tools/large.png)' >>README.md
expect_breach documents 'shows tools/large.png, which is larger'
echo '| worker | a process |' >>DESIGN.md
expect_breach documents 'defines worker twice'
echo '| gremlin | breaks things |' >>DESIGN.md
expect_breach documents 'defines gremlin, which occurs nowhere else'
sed -i 's/^## 1. Glossary/## 1. Words/' DESIGN.md
expect_breach documents 'has no glossary'
yes '' | head -200 >>README.md
expect_breach documents 'README.md: has 201 lines'

echo "static_can_fail: $failures failures"
[ "$failures" -eq 0 ]
