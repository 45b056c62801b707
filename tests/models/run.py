#!/usr/bin/env python3
"""Has Spin search all states of a model, and demands that it finds every mistake that the model can be built with.

usage: run.py [--wide] [--only REGEX] MODEL.pml...

The head comment of a model says what to do, a line each:

    run NAME: [-DOPTION...]            safety: no assertion fails, nobody waits for ever
    live NAME_live: [-DOPTION...]      the claims too, where every thread that can go on does at last (weak fairness)
    wide NAME: [-DOPTION...]           as run, or as live if NAME ends with _live, with larger bounds; only with --wide
    bug BUG_NAME: KIND [-DOPTION...]   with -DBUG_NAME Spin must report KIND: assertion, end (threads wait for ever)
                                       or cycle (a claim is never fulfilled)

Exit 0: all as demanded. 1: not. 77: Spin is not installed.
"""
import argparse
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

DIRECTIVE = re.compile(r"^ \* (run|live|wide|bug) (\w+):(.*)$", re.M)
KINDS = {
    "assertion": re.compile(r"^pan:\d+: assertion violated", re.M),
    "end": re.compile(r"^pan:\d+: invalid end state", re.M),
    "cycle": re.compile(r"^pan:\d+: acceptance cycle", re.M),
}
# A search that gave up says one of these, and proves nothing.
INCOMPLETE = re.compile(r"max search depth too small|Search not completed|out of memory|hash table full|truncated")
MEGABYTES_MOST = 1024
DEPTH_MOST = 100_000
SECONDS_MOST = 900


class Failure(Exception):
    pass


def call(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MOST)
    return done.returncode, done.stdout + done.stderr


def compiler(long):
    """Most searches are shorter than cc takes to compile them. tcc compiles in no time, and makes slower programs."""
    if not long and shutil.which("tcc") is not None:
        return ["tcc"]
    return ["cc", "-O1" if long else "-O0"]


def build(folder, model, options, live, long):
    """A program that searches."""
    status, text = call(folder, "spin", *options, "-a", str(model))
    if status != 0 or "error" in text.lower():
        raise Failure(f"spin does not accept the model:\n{text}")
    kind = ["-DNFAIR=3"] if live else ["-DSAFETY", "-DNOCLAIM"]
    status, text = call(folder, *compiler(long), "-w", f"-DMEMLIM={MEGABYTES_MOST}", *kind, "-o", "pan", "pan.c")
    if status != 0:
        raise Failure(f"the search does not compile:\n{text}")


def search(model, options, live, long):
    """What Spin printed at the end of its search."""
    with tempfile.TemporaryDirectory() as folder:
        build(folder, model, options, live, long)
        how = ["-a", "-f"] if live else []
        return call(folder, "./pan", f"-m{DEPTH_MOST}", "-n", *how)[1].split("Stats on memory")[0]


def found(text):
    return [kind for kind, pattern in KINDS.items() if pattern.search(text)]


def figure(pattern, text):
    match = re.search(pattern, text, re.M)
    return match[1] if match else "?"


def check_run(model, name, options, live, long):
    text = search(model, options, live, long)
    if found(text) or INCOMPLETE.search(text) or "errors: 0" not in text:
        raise Failure(f"{name}: not proved:\n{text}")
    return f"{figure(r'([0-9.e+]+) states, stored', text)} states, depth {figure(r'depth reached ([0-9]+)', text)}"


def check_bug(model, name, options):
    kind, *more = options
    if kind not in KINDS:
        raise Failure(f"{name}: unknown kind of error '{kind}'")
    text = search(model, [f"-D{name}", *more], kind == "cycle", False)
    if found(text) != [kind]:
        raise Failure(f"{name}: Spin should have found '{kind}', and found {found(text) or 'nothing'}:\n{text}")
    return f"found: {figure(r'^pan:[0-9]+: (.*)$', text)}"


def check(model, directive, name, options):
    if directive == "bug":
        return check_bug(model, name, options)
    return check_run(model, name, options, name.endswith("_live"), directive == "wide")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check_model(model, args):
    """How many demands were not met."""
    text = model.read_text(encoding="utf-8")
    if "proctype" not in text:
        return 0  # a part of other models
    demands = DIRECTIVE.findall(text)
    kinds = {directive for directive, _, _ in demands}
    if not {"run", "bug"} <= kinds:
        print(f"{model.name}: demands no run, or no mistake to be found")
        return 1
    failed = 0
    for directive, name, options in demands:
        if (directive == "wide" and not args.wide) or not re.search(args.only, name):
            continue
        before = cpu_seconds()
        try:
            said = check(model, directive, name, options.split())
        except (Failure, subprocess.TimeoutExpired) as error:
            failed += 1
            said = f"FAILED: {error}"
        print(f"{model.name:16} {directive:4} {name:28} {cpu_seconds() - before:5.2f} s  {said}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description="searches all states of Promela models with Spin")
    parser.add_argument("--wide", action="store_true", help="the larger bounds too")
    parser.add_argument("--only", default="", help="regular expression: only these runs and mistakes")
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    if shutil.which("spin") is None:
        print("skipped: spin is not installed (tools/install-deps check)")
        return 77
    failed = sum(check_model(model.resolve(), args) for model in args.models)
    print(f"{cpu_seconds():.1f} s of CPU time")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
