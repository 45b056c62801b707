#!/usr/bin/env python3
"""Shows that hostile schedules find a mistake that was made once: applies each patch of tests/chaos/mutants to a copy
of the tree, builds the server with the preset chaos-tsan there, and runs the cases of that defect, seed after seed.

    mutants.py [--minutes 1]

Exit 1 when a mutant survives for so long under one of its models, or its patch does not apply any more."""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
TREE = Path(__file__).resolve().parents[2]

# Each patch, the cases of the area `load` that run against it, and the arguments of the models that it breaks.
MUTANTS = {
    "stop_waiting_late": ("streams in pieces that fill the socket", (
        "--model leader-followers", "--wiring 'L | rpw*8 | W'", "--model event-mpm --sessions 64")),
}


def build(name, folder):
    """The server of a copy with the patch."""
    shutil.copytree(TREE, folder, ignore=shutil.ignore_patterns("build", ".git", "results"))
    patch = TREE / "tests" / "chaos" / "mutants" / f"{name}.patch"
    for command in (["patch", "-p1", "-i", str(patch)],
                    ["cmake", "--preset", "chaos-tsan", "-DBUILD_TESTING=OFF"],
                    ["cmake", "--build", "--preset", "chaos-tsan", "--target", "quartet"]):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "build" / "chaos-tsan" / "quartet"


def seconds_to_find(server, cases, args, limit):
    """Until a seed fails for ThreadSanitizer or a CHECK; None when none does."""
    begin, seed = time.monotonic(), 0
    while time.monotonic() - begin < limit:
        seed += 1
        done = subprocess.run(
            ["setarch", "-R", sys.executable, str(TREE / "tests" / "blackbox" / "run.py"), "--server", str(server),
             "--area", "load", "--only", cases, f"--args={args}", "--chaos-seed", str(seed), "--timeout-scale", "10"],
            capture_output=True, text=True, check=False)
        if "ThreadSanitizer" in done.stdout or "bug:" in done.stdout:
            return time.monotonic() - begin
    return None


def main():
    """Each mutant under each of its models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1, help="for each model")
    limit = parser.parse_args().minutes * 60
    survivors = 0
    for name, (cases, models) in MUTANTS.items():
        with tempfile.TemporaryDirectory(prefix="quartet-mutant-") as parent:
            server = build(name, Path(parent) / "tree")
            for args in models:
                seconds = seconds_to_find(server, cases, args, limit)
                survivors += seconds is None
                print(f"{name}, {args}:", "not found" if seconds is None else f"found after {seconds:.0f} s",
                      flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
