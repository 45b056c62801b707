#!/usr/bin/env python3
"""Writes one CTestTestfile.cmake with the tests of several build trees, for one run and one closing line.

usage: merge_presets.py OUT_DIR BUILD_DIR[:REGEX]...

A test of build/asan named core/base/bytes becomes asan/core/base/bytes, so that names stay unique; REGEX picks some of a
tree's tests. Why not subdirs() of the trees: equal names would share one entry in reports and in -R.
"""
import json
import pathlib
import re
import subprocess
import sys

NAMES_TESTS = {"DEPENDS", "FIXTURES_SETUP", "FIXTURES_CLEANUP", "FIXTURES_REQUIRED"}


def quoted(text):
    fence = "="
    while f"]{fence}]" in text:
        fence += "="
    return f"[{fence}[{text}]{fence}]"


def property_text(preset, name, value):
    if name in NAMES_TESTS:
        value = [f"{preset}/{test}" for test in value]
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, list):
        return ";".join(str(item) for item in value)
    return str(value)


def test_lines(preset, test):
    name = f"{preset}/{test['name']}"
    command = test.get("command")
    if not command:
        sys.exit(f"merge_presets: the program of {name} is not built")
    yield f"add_test({quoted(name)} {' '.join(quoted(word) for word in command)})"
    words = [f"{prop['name']} {quoted(property_text(preset, prop['name'], prop['value']))}"
             for prop in test.get("properties", [])]
    words.append(f"LABELS {quoted(';'.join(labels_of(test) + [preset]))}")
    yield f"set_tests_properties({quoted(name)} PROPERTIES {' '.join(words)})"


def labels_of(test):
    return [label for prop in test.get("properties", []) if prop["name"] == "LABELS" for label in prop["value"]]


def tests_of(build, regex):
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                             check=True, capture_output=True, text=True).stdout
    return [test for test in json.loads(listing)["tests"] if re.search(regex, test["name"])]


def main():
    out = pathlib.Path(sys.argv[1])
    lines, counts = [], []
    for tree in sys.argv[2:]:
        build, _, regex = tree.partition(":")
        preset = pathlib.Path(build).name
        tests = tests_of(build, regex)
        counts.append(f"{preset} {len(tests)}")
        for test in tests:
            lines.extend(test_lines(preset, test))
    out.mkdir(parents=True, exist_ok=True)
    (out / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("tests: " + ", ".join(counts))


if __name__ == "__main__":
    main()
