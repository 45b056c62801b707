#!/bin/bash
# usage: tests/format.sh [--fix]
#
# clang-format decides spaces: fails on any of our sources that it would change; --fix changes them.
# Ends with 77 where clang-format is not that of Debian 12, as others break lines elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/held_to.sh
held_to clang-format 14

mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then
    mode=(-i)
fi
find core queues stages tools tests -name '*.[ch]' -print0 | sort -z | xargs -0 clang-format "${mode[@]}"
