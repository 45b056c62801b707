#!/bin/bash
# usage: tests/tidy.sh BUILD_DIR
#
# clang-tidy over every source of ours that BUILD_DIR compiles (.clang-tidy says which checks, and why
# some are left out). One process a file, all processors; prints what each found, and how many failed.
# Tests go without the path-sensitive analyzer, which takes nine tenths of the time: they run under the
# sanitizers, which see the same faults.
set -uo pipefail

build=$(cd "$1" && pwd) || exit 1
cd "$(dirname "$0")/.." || exit 1

compiled() {
    grep -oE '"file": "[^"]+"' "$build/compile_commands.json" | cut -d'"' -f4 | sort -u
}

# tidy OPTION...: over the files in stdin.
tidy() {
    xargs -d '\n' -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" "$@" 2>/dev/null
}

status=0
compiled | grep -v "^$PWD/tests/" | tidy || status=$?
compiled | grep "^$PWD/tests/" | tidy '--checks=-clang-analyzer-*' || status=$?
echo "tidy: $(compiled | wc -l) files, status $status"
exit $status
