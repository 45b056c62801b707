#!/usr/bin/env python3
"""Runs the black-box cases against a server of the preset `chaos`, under many seeds.

    run.py --server build/chaos/quartet --minutes 10               each model and five odd wirings, seed after seed
    run.py --server build/chaos/quartet --suite defects            the schedules of defects that were corrected
    run.py --server build/chaos-tsan/quartet --timeout-scale 10 --first-seed 100 --seeds 20
    run.py --server build/chaos/quartet --models staged,loops --seeds 1 --areas http

Each run is of one seed, one model and one area. A failure prints the command that repeats it. Exit 1 when something
failed, or when a case of the suite `defects` has another name now.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from defects import DEFECTS

TREE = Path(__file__).resolve().parents[2]
BLACKBOX = TREE / "tests" / "blackbox" / "run.py"

# Beside the wirings of the black-box tests: sessions that share the writing with a loop, several loops at each
# stage, and sessions behind a loop that may process.
ODD = {
    "L-rpwx64-W": "--wiring 'L | rpw*64 | W'",
    "LKR-Px2-Wx2": "--wiring 'LKR | P*2 | W*2'",
}
# How many cases of each area a run of the suite `areas` has; another seed has others.
SAMPLES = {"http": 60, "faults": 6, "load": 4}

# A run that takes longer has failed, and is ended with its servers.
RUN_SECONDS = 180

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:halt_on_error=0:exitcode=66",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1",
}


def models_of(server):
    """Name and arguments of each model: those of the black-box tests of this build, and ODD."""
    path = Path(server).resolve().parent / "tests" / "blackbox-models"
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines) | ODD


def command_of(options, area, args, seed, choice):
    """One run of the black-box tests."""
    return [sys.executable, str(BLACKBOX), "--server", options.server, "--area", area, f"--args={args}",
            "--chaos-seed", str(seed), "--timeout-scale", str(options.timeout_scale), *choice]


def area_runs(options, models, seed):
    """A sample of each area for each model."""
    for name, args in models.items():
        for area in options.areas.split(","):
            choice = ["--sample", str(SAMPLES[area]), "--shift", str(seed)]
            yield f"{name}/{area}", command_of(options, area, args, seed, choice)


def defect_runs(options, models, seed):
    """The cases of each defect, under each model that it concerns."""
    for defect in DEFECTS:
        for name, args in models.items():
            if defect.own_models and name != "staged":
                continue  # its cases start the models themselves
            if defect.models and name not in defect.models:
                continue
            given = "" if defect.own_models else args
            yield (f"{defect.name}, {name}",
                   command_of(options, defect.area, given, seed, ["--only", defect.cases]))


def lost_names(models):
    """Cases and models in the list of defects that there are no more."""
    for defect in DEFECTS:
        listed = subprocess.run([sys.executable, BLACKBOX, "--list", "--area", defect.area],
                                capture_output=True, text=True, check=True).stdout.splitlines()
        for part in defect.cases.split("|"):
            if not any(re.search(part, case) for case in listed):
                yield f"no case of the area {defect.area} matches '{part}' ({defect.name})"
        for name in defect.models:
            if name not in models:
                yield f"there is no model {name} ({defect.name})"


def shell_text(command):
    """The command as somebody would type it."""
    return " ".join(f'"{word}"' if re.search(r"[\s'|]", word) else word for word in command)


def run_one(what, command, environment):
    """True when it passed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
                          start_new_session=True) as process:
        try:
            text, _ = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            text = process.communicate()[0] + f"not done after {RUN_SECONDS} s"
    lines = text.splitlines()
    if process.returncode == 0:
        return True
    print(f"FAIL {what}", *(f"  {line}" for line in lines if line.strip()),
          f"  repeat: {shell_text(command)}", sep="\n", flush=True)
    return False


def run_all(options, models):
    """Seed after seed, until there are no more or the time is over. How many passed, and failed."""
    runs_of = {"areas": area_runs, "defects": defect_runs}[options.suite]
    environment = SANITIZERS | os.environ
    begin, passed, failed = time.monotonic(), 0, 0
    seeds = 0
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        seeds += 1
        for what, command in runs_of(options, models, seed):
            if time.monotonic() - begin > options.minutes * 60:
                return seeds, passed, failed
            ok = run_one(f"seed {seed}: {what}", command, environment)
            passed += ok
            failed += not ok
    return seeds, passed, failed


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the server binary, in its build tree")
    parser.add_argument("--suite", choices=("areas", "defects"), default="areas")
    parser.add_argument("--areas", default=",".join(SAMPLES), help="of the suite areas")
    parser.add_argument("--models", help="only these, with commas")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1000000, help="how many")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no run after so many")
    parser.add_argument("--timeout-scale", type=float, default=4.0, help="multiplies deadlines")
    return parser.parse_args()


def main():
    """Runs what was asked for."""
    options = parse_arguments()
    models = models_of(options.server)
    lost = list(lost_names(models)) if options.suite == "defects" else []
    if options.models:
        models = {name: models[name] for name in options.models.split(",")}
    for line in lost:
        print(line)
    seeds, passed, failed = run_all(options, models)
    print(f"{seeds} seeds, {len(models)} models: {passed} runs passed, {failed} failed")
    return 1 if failed or lost or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
