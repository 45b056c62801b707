#!/bin/bash
# usage: . tests/held_to.sh; held_to PROGRAM MAJOR
#
# Tools that judge the sources change their mind between releases, so the project is held to one of each. Where
# another is installed, held_to says so and ends the check with 77, which ctest counts as skipped.

held_to() {
    local version
    version=$("$1" --version | grep version) || exit 1
    if ! [[ $version =~ version\ ([0-9]+) ]] || [ "${BASH_REMATCH[1]}" != "$2" ]; then
        echo "skipped: the project is held to $1 $2, and this is $version"
        exit 77
    fi
}
