#!/bin/bash
# usage: tests/tidy.sh BUILD_DIR
#
# clang-tidy over every source of ours that BUILD_DIR compiles (.clang-tidy says which checks, and why
# some are left out). One process a file, all processors; prints what each found, and how many failed.
set -uo pipefail

build=$(cd "$1" && pwd) || exit 1
cd "$(dirname "$0")/.." || exit 1

compiled() {
    grep -oE '"file": "[^"]+"' "$build/compile_commands.json" | cut -d'"' -f4 | sort -u
}

compiled | xargs -d '\n' -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" 2>/dev/null
status=$?
echo "tidy: $(compiled | wc -l) files, status $status"
exit $status
