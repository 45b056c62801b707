#!/bin/bash
# usage: tests/static_can_fail.sh
#
# A check that cannot fail proves nothing: plants one breach at a time in a small tree of its own and
# expects layers.py and design_is_true.sh to name it, and to pass the same tree without it.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# The smallest tree that both checks pass.
plant_good_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{core,queues,stages,tools,tests}
    cd "$tree" || exit 1
    for name in core/loop core/http_parse core/handler queues/mailbox stages/wiring; do
        printf '#include <stddef.h>\nint %s_run(void);\n' "${name#*/}" >$name.h
        printf '#include "%s.h"\n\nint %s_run(void)\n{\n    return 0;\n}\n' "$name" "${name#*/}" >$name.c
    done
    # The sources that layers.py lists as part of another header.
    sed -nE 's/^    "(.*\.c)": "(.*\.h)",$/\1 \2/p' "$here/layers.py" | while read -r name header; do
        printf 'struct %s;\n' "$(basename "$header" .h)" >"$header"
        printf '#include "%s"\n' "$header" >"$name"
    done
    printf '#include "stages/wiring.h"\nint main(void)\n{\n}\n' >tools/quartet.c
    printf '#include "core/loop.h"\nint main(void)\n{\n}\n' >tools/quartet-trace.c
    echo 'CONN_STATE(IDLE, "waits", "home")' >core/conn_states.def
    echo 'VERDICT(WANT_READ, "bytes")' >core/verdicts.def
    echo 'CLOSE_REASON(DRAINED, "stopping")' >core/close_reasons.def
    echo 'LOCK_RANK(MAILBOX, "a queue")' >core/lock_ranks.def
    echo 'INTERVAL(READ_BLOCKED, "read.blocked", "", "", 0)' >core/trace_points.def
    echo 'PRESET("half-sync", "LRW | P")' >stages/presets.def
    cat >DESIGN.md <<'END'
A connection is IDLE, WANT_READ says so in `core/loop.c`, see `core/{loop,handler}.h`, `loop_run()`; DRAINED at the end.
| lock | guards |
| --- | --- |
| `MAILBOX` | a queue, `RANK_MAILBOX` |
The model `half-sync` shows `read.blocked`.
END
    echo 'enum { CONN_IDLE, RANK_MAILBOX };' >>core/loop.h
}

report() {
    echo "static_can_fail: $1"
    failures=$((failures + 1))
}

run_check() {
    case $1 in
    layers) python3 "$here/layers.py" "$tree" ;;
    design) "$here/design_is_true.sh" "$tree" ;;
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
for check in layers design; do
    run_check $check >"$tree/said" || { report "$check fails a good tree"; cat "$tree/said"; }
done
[ $failures -eq 0 ] || exit 1

echo '#include "stages/wiring.h"' >>core/loop.c
expect_breach layers 'core/loop.c:7: stages/wiring.h: core/ must not include stages/'
echo '#include "stages/wiring.h"' >>queues/mailbox.h
expect_breach layers 'queues/ must not include stages/'
echo '#include "queues/mailbox.h"' >>tools/quartet-trace.c
expect_breach layers 'tools/ must not include queues/'
echo '#include "queues/mailbox.h"' >>tools/quartet.c
expect_breach layers 'tools/ must not include queues/'
echo '#include <uv.h>' >>stages/wiring.c
expect_breach layers 'only core/loop.c may include uv.h'
echo '#include <http_parser.h>' >>core/handler.c
expect_breach layers 'only core/http_parse.c and tools/load/response_parse.c may include http_parser.h'
printf 'int main(void)\n{\n}\n' >>queues/mailbox.c
expect_breach layers 'main() belongs in tools/'
sed -i '1i #include <stddef.h>' stages/wiring.c
expect_breach layers 'the first include must be stages/wiring.h'
echo '#include "core/loop.h"' >core/stray.c
expect_breach layers 'core/stray.c:1: has no core/stray.h'
rm core/report_json.c
expect_breach layers 'PART_OF names core/report_json.c, which does not exist'
printf '#ifndef ALL_H\n#define ALL_H\n#include "core/loop.h"\n#endif\n' >core/all.h
expect_breach layers 'core/all.h:1: an umbrella header'
echo '#include "loop.h"' >>core/handler.c
expect_breach layers '"loop.h" is not a path from the root'
echo '#include <core/loop.h>' >>core/handler.c
expect_breach layers '<core/loop.h> is ours'

rm DESIGN.md
expect_breach design 'there is no DESIGN.md'
echo 'See `core/gone.c`.' >>DESIGN.md
expect_breach design 'names the path core/gone.c'
echo 'See `core/{loop,gone}.h`.' >>DESIGN.md
expect_breach design 'names the path core/{loop,gone}.h'
echo 'See `gone_run()`.' >>DESIGN.md
expect_breach design 'names the function gone_run()'
echo '| GONE_RANK | was a lock |' >>DESIGN.md
expect_breach design 'names GONE_RANK, which is nowhere in the code'
echo 'It is in `STATE_GONE`.' >>DESIGN.md
expect_breach design 'names STATE_GONE, which is nowhere in the code'
echo 'CONN_STATE(READING, "reads", "home")' >>core/conn_states.def
expect_breach design 'does not name the state READING of core/conn_states.def'
echo 'VERDICT(KEPT, "kept")' >>core/verdicts.def
expect_breach design 'does not name the verdict KEPT'
echo 'CLOSE_REASON(SHED, "shed")' >>core/close_reasons.def
expect_breach design 'does not name the close reason SHED'
echo 'LOCK_RANK(LOG, "log")' >>core/lock_ranks.def
expect_breach design 'does not name the lock rank LOG'
echo 'INTERVAL(READ, "read", "", "", 0)' >>core/trace_points.def
expect_breach design 'does not name the interval read of core/trace_points.def'
echo 'PRESET("half", "LRW | P")' >>stages/presets.def
expect_breach design 'does not name the model half of stages/presets.def'
: >stages/presets.def
expect_breach design 'stages/presets.def has no entry'

echo "static_can_fail: $failures failures"
[ "$failures" -eq 0 ]
