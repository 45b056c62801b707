#!/bin/bash
# usage: tests/format.sh [--fix]
#
# clang-format decides spaces: fails on any of our sources that it would change; --fix changes them.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then
    mode=(-i)
fi
find core queues stages tools tests -name '*.[ch]' -print0 | sort -z | xargs -0 clang-format "${mode[@]}"
