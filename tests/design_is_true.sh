#!/bin/bash
# usage: tests/design_is_true.sh [ROOT]
#
# Fails when DESIGN.md and the code name different things. Reasons are prose and age well; names do
# not, so each name is checked in the direction in which it goes stale:
#   DESIGN.md -> code   paths, functions and ALL_CAPS names in backticks, and the first column of tables
#   code -> DESIGN.md   every entry of the .def lists that DESIGN.md promises to explain
set -uo pipefail
export LC_ALL=C

root=${1:-$(dirname "$0")/..}
cd "$root" || exit 1
design=DESIGN.md
layers=(core queues stages tools tests)
breaches=0

breach() {
    echo "design: $1"
    breaches=$((breaches + 1))
}

[ -f "$design" ] || { echo "design: there is no $design"; exit 1; }

# --- what DESIGN.md says exists ---

# Every text between single backticks outside of drawings (``` blocks), one a line.
backticked() {
    awk '/^ *```/ { drawing = !drawing; next } !drawing' "$design" | grep -o '`[^`]*`' | tr -d '`' | sort -u
}

# True when a path, or one that its wildcards or braces stand for, exists.
path_exists() {
    local found
    for found in $(eval "printf '%s\n' $1"); do
        [ -e "$found" ] || return 1
    done
}

check_paths() {
    local path
    while read -r path; do
        path_exists "$path" || breach "names the path $path, which does not exist"
    done < <(backticked | grep -E '^(core|queues|stages|tools|tests|\.ci)/[A-Za-z0-9_./*{},-]*$')
}

# Every word of the sources, once: a name that is in none of them is gone.
words_of_code() {
    find "${layers[@]}" -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' -o -name '*.cmake' \) \
        -print0 2>/dev/null | xargs -0r cat | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u
}

# The words of the second file that are not in the first; _NAME in code answers for NAME too, since
# states and ranks are written without their enum's prefix.
unknown_words() {
    awk 'NR == FNR { known[$0]; rest = $0
                     while ((at = index(rest, "_")) > 0) { rest = substr(rest, at + 1); known[rest] }
                     next }
         !($0 in known)' "$1" "$2"
}

# ALL_CAPS words (three letters or more): in backticks anywhere, or in the first column of a table.
capitals() {
    {
        backticked
        awk -F'|' '/^ *\|/ { print $2 }' "$design"
    } | grep -oE '(^|[^A-Za-z0-9_])[A-Z][A-Z0-9_]{2,}($|[^A-Za-z0-9_])' | grep -oE '[A-Z][A-Z0-9_]+' | sort -u
}

functions_named() {
    backticked | grep -oE '^[a-z_][a-z0-9_]*\(\)$' | tr -d '()' | sort -u
}

check_words() {
    local known wanted word
    known=$(mktemp) && wanted=$(mktemp) || exit 1
    words_of_code >"$known"
    capitals >"$wanted"
    while read -r word; do
        breach "names $word, which is nowhere in the code"
    done < <(unknown_words "$known" "$wanted")
    functions_named >"$wanted"
    while read -r word; do
        breach "names the function $word(), which is nowhere in the code"
    done < <(unknown_words "$known" "$wanted")
    rm -f "$known" "$wanted"
}

# --- what the code has and DESIGN.md must explain ---

# Entries of a .def list: the text in quotes of its first argument, or of the second for intervals.
entries() {
    case $1 in
    *trace_points.def) sed -nE 's/^INTERVAL\([A-Z_]+, *"([^"]+)".*/\1/p' "$1" ;;
    *presets.def) sed -nE 's/^[A-Z_]+\( *"([^"]+)".*/\1/p' "$1" ;;
    *) sed -nE 's/^[A-Z_]+\(([A-Z][A-Z0-9_]*)[,)].*/\1/p' "$1" ;;
    esac
}

# Is this name in DESIGN.md: a word in capitals, alone or behind the prefix of its enum (CONN_IDLE); any
# other in backticks, since `read` and `loops` are also plain English.
design_names() {
    if [[ $1 == [A-Z]* ]]; then
        grep -qE "(^|[^A-Za-z0-9_])([A-Z]+_)?$1($|[^A-Za-z0-9_])" "$design"
    else
        grep -qF "\`$1\`" "$design"
    fi
}

check_list() {
    local file=$1 what=$2 entry count=0
    [ -f "$file" ] || { breach "$file does not exist, DESIGN.md cannot be checked against it"; return; }
    while read -r entry; do
        count=$((count + 1))
        design_names "$entry" || breach "does not name the $what $entry of $file"
    done < <(entries "$file")
    [ "$count" -gt 0 ] || breach "$file has no entry that this test can read"
}

check_paths
check_words
check_list core/conn_states.def "state"
check_list core/verdicts.def "verdict"
check_list core/close_reasons.def "close reason"
check_list core/lock_ranks.def "lock rank"
check_list core/trace_points.def "interval"
check_list stages/presets.def "model"

echo "design: $breaches breaches"
[ "$breaches" -eq 0 ]
