#!/usr/bin/env python3
"""Every probe of core/points/probes.def is in the server's program, with as many arguments as the list says.

usage: test_probes.py SERVER PROBES_DEF

Exit status 77: the program was built without probes, or there is no readelf.
"""
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def wanted(path):
    """The list: {name: number of arguments}."""
    lines = re.findall(r"^PROBE_(?:POINT|STAMP)\((.*)\)$", pathlib.Path(path).read_text(encoding="utf-8"), re.M)
    probes = {words[0]: len(words) - 1 for words in ([word.strip() for word in line.split(",")] for line in lines)}
    if len(probes) < 10 or len(probes) != len(lines):
        sys.exit(f"cannot read {path}: {len(lines)} lines, {len(probes)} names")
    return probes


def present(program):
    """What readelf says: [(provider, name, number of arguments)], one for each place in the code."""
    said = subprocess.run(["readelf", "--notes", program], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Provider: (\S+)\s+Name: (\S+)\s+Location: .*\s+Arguments: (.*)", said)
    return [(provider, name, len(arguments.split())) for provider, name, arguments in found]


def main():
    program, path = sys.argv[1:]
    if shutil.which("readelf") is None:
        skip("there is no readelf here")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if "USDT probes" not in version:
        skip(f"built without probes: {version.strip()}")
    probes = wanted(path)
    found = present(program)
    wrong = [f"{provider}:{name} has {count} arguments, which is not in the list" for provider, name, count in found
             if provider != "quartet" or probes.get(name) != count]
    wrong += [f"{name} is nowhere in the program" for name in probes if name not in {name for _, name, _ in found}]
    print("\n".join(wrong or [f"{len(probes)} probes in {len(found)} places"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
