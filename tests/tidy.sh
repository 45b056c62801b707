#!/bin/bash
# usage: tests/tidy.sh BUILD_DIR rules|paths
#
# clang-tidy over every source of ours that BUILD_DIR compiles (.clang-tidy says which checks, and why
# some are left out). One process a file, all processors, after everything else that wants one; prints what
# each found, and how many failed.
#   rules  every check but the path-sensitive analyzer: a tenth of a second a file
#   paths  the path-sensitive analyzer alone, with a third of the states that it searches of a function by
#          default: that halves the time, and beyond it it has never found anything here. Tests go without it:
#          they run under the sanitizers, which see the same faults.
# Ends with 77 where clang-tidy is not that of Debian 12: others have further checks, of other opinions.
set -uo pipefail

build=$(cd "$1" && pwd) || exit 1
part=${2-}
cd "$(dirname "$0")/.." || exit 1
. tests/held_to.sh
held_to clang-tidy 14

compiled() {
    grep -oE '"file": "[^"]+"' "$build/compile_commands.json" | cut -d'"' -f4 | sort -u
}

sources() {
    compiled | grep -v "^$PWD/tests/"
}

# tidy CHECKS: over the files in stdin.
tidy() {
    local states=(-Xclang -analyzer-config -Xclang max-nodes=75000)
    xargs -d '\n' -P "$(nproc)" -n 1 nice -n 10 clang-tidy --quiet -p "$build" "--checks=$1" \
        "${states[@]/#/--extra-arg=}" 2>/dev/null
}

status=0
case $part in
rules) files=compiled checks='-clang-analyzer-*' ;;
# .clang-tidy's own list, without the other families.
paths) files=sources checks='-bugprone-*,-cert-*,-concurrency-*,-misc-*,-performance-*,-readability-*' ;;
*)
    echo "tidy: the second argument is rules or paths, not '$part'" >&2
    exit 2
    ;;
esac
$files | tidy "$checks" || status=$?
echo "tidy: $part of $($files | wc -l) files, status $status"
exit $status
