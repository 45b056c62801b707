#!/usr/bin/env python3
"""Runs the black-box cases against a server binary.

    run.py --server build/dev/quartet                              the http cases
    run.py --server build/dev/quartet --area faults --args '--model loops'
    run.py --server build/dev/quartet --area load --args "--wiring 'L | RP*2 | W'"
    run.py --server build/dev/quartet --only 'pipelin|half-closed'
    run.py --server build/chaos/quartet --area load --chaos-seed 7

One line a failure, then `N passed, N failed`; exit 1 when something failed.
"""

import argparse
import os
import re
import shlex
import sys
import tempfile
import threading
import time
import traceback

# Where nobody says where, by hand for instance, nothing is written beside the sources.
sys.dont_write_bytecode = sys.pycache_prefix is None

# pylint: disable=wrong-import-position
import arrival
import cli
import docroot
import explain
import fairness
import faults
import file_faults
import floor
import generator
import handler_faults
import harness
import in_time
import ledger
import limits
import live
import load
import memory
import processes
import session_faults
import sources
import status
import verdicts
from cases import (bodies, connections, fields, files, framing, handlers, listeners, methods,
                   ranges, request_line, synthetic, targets)
from lateness import Stopwatch
from table import World

HTTP = (methods, request_line, targets, fields, framing, bodies, connections, files, ranges,
        synthetic, handlers)

# What every server of the http cases is started with, before --args.
HTTP_ARGS = ("--synthetic", "on", "--max-body-size", "64K", "--keepalive-timeout", "1h",
             "--header-timeout", "30s", "--body-timeout", "30s", "--io-timeout", "30s")


# What each area consists of.
AREAS = {
    "http": HTTP + (listeners,),
    "faults": (faults, handler_faults, file_faults),
    "in_time": (in_time,),
    "load": (load,),
    "processes": (processes,),
    "sources": (sources, fairness, session_faults),
    "limits": (limits,),
    "memory": (memory,),
    "status": (status, explain),
    "arrival": (arrival,),
    "verdicts": (verdicts,),
    "quartet_load": (generator,),
    "quartet_load_times": (generator.times,),
    "floor": (floor,),
    "live": (live,),
    "ledger": (ledger,),
    "cli": (cli,),
}


def cases_of(part):
    """The cases of a module, of one of its tables, or those that a module makes."""
    if hasattr(part, "table"):
        return part.table.cases
    return part.cases() if callable(part.cases) else part.cases


def all_cases(areas):
    """The cases of the areas asked for, in a fixed order."""
    return [case for area, parts in AREAS.items() if area in areas
            for part in parts for case in cases_of(part)]


def sample(cases, count, shift):
    """`count` cases spread evenly over all of them, the same ones each time; another shift gives
    others."""
    if not count or count >= len(cases):
        return cases
    return [cases[(i * len(cases) // count + shift) % len(cases)] for i in range(count)]


class Tally:
    """What passed and what failed; prints as it goes. Any thread."""

    def __init__(self, verbose):
        self.lock = threading.Lock()
        self.verbose = verbose
        self.passed = 0
        self.failed = 0

    def add(self, name, problem, seconds=0.0):
        """One outcome; problem is None when it passed."""
        with self.lock:
            if problem is None:
                self.passed += 1
                if self.verbose:
                    print(f"ok   {name} ({seconds * 1000:.0f} ms)", flush=True)
            else:
                self.failed += 1
                line = " / ".join(str(problem).splitlines())
                print(f"FAIL {name}: {line}", flush=True)


# A case that this process ran too late is run again; on a machine where that goes on for ever, it fails.
LATE_MAX = 20


def attempt(case, world):
    """Runs one case; None, or one line saying what went wrong."""
    for _ in range(LATE_MAX):
        watch = Stopwatch()
        problem = attempt_once(case, world)
        if problem is None or case.late is None or watch.late() <= case.late:
            return problem
    return f"{problem} (this process was late by {watch.late() * 1000:.0f} ms, {LATE_MAX} times)"


def attempt_once(case, world):
    """The same, whether this process was on time or not."""
    try:
        case.run(world)
        return None
    except harness.CaseFailed as failure:
        return f"{failure}{world.transcript()}"
    except Exception:  # pylint: disable=broad-except
        lines = traceback.format_exc().strip().splitlines()
        where = [line.strip() for line in lines if line.strip().startswith("File")][-1]
        return f"{lines[-1]} at {where}{world.transcript()}"
    finally:
        world.close()


class SharedServer:
    """Runs cases side by side on one server. When it dies, it is restarted, and the cases that
    were under way are run again one at a time, so that the guilty one is named."""

    def __init__(self, program, args, root, jobs, tally):
        self.program, self.args, self.root = program, args, root
        self.jobs, self.tally = jobs, tally
        self.lock = threading.Lock()
        self.server = None
        self.running = {}   # case -> the server it runs on
        self.suspects = []
        self.deaths = []

    def start(self):
        """A new server process."""
        return harness.Server(self.program, ["--root", str(self.root), *self.args])

    def run(self, cases):
        """All cases; the server's own end counts as one more."""
        try:
            self.server = self.start()
        except harness.CaseFailed as failure:
            for case in cases:
                self.tally.add(f"{case.area}: {case.name}", failure)
            return
        together = [case for case in cases if not case.alone]
        workers = [threading.Thread(target=self.work, args=(together,), daemon=True)
                   for _ in range(self.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.work([case for case in cases if case.alone])
        self.try_suspects()
        problems = self.server.stop()
        self.tally.add(f"server: ends as it should ({shlex.join(self.args)})",
                       "; ".join(problems) if problems else None)

    def work(self, cases):
        """One worker: takes cases until none is left."""
        while True:
            with self.lock:
                if not cases:
                    return
                case = cases.pop(0)
                server = self.server
                self.running[id(case)] = (case, server)
            world = World(server, self.root, self.program, self.args)
            start = time.monotonic()
            problem = attempt(case, world)
            if problem is not None:
                server.wait(0.2 / harness.timeout_scale)  # it may be about to die
            with self.lock:
                suspected = case in self.suspects
                del self.running[id(case)]
                if not suspected and not server.alive():
                    self.bury(server)
                    self.suspects.append(case)
                    suspected = True
            if not suspected:
                self.tally.add(f"{case.area}: {case.name}", problem, time.monotonic() - start)

    def bury(self, server):
        """The server has died: all that runs on it is suspect, and a new one is started."""
        self.suspects += [case for case, on in self.running.values() if on is server]
        if server is self.server:
            self.deaths.append("; ".join(server.stop()))
            self.server = self.start()

    def try_suspects(self):
        """One at a time, each seen to its end."""
        guilty = 0
        for case in self.suspects:
            world = World(self.server, self.root, self.program, self.args)
            problem = attempt(case, world)
            self.server.wait(0.1)
            if not self.server.alive():
                guilty += 1
                problem = f"the server died: {'; '.join(self.server.stop())}{world.transcript()}"
                self.server = self.start()
            self.tally.add(f"{case.area}: {case.name}", problem)
        if self.deaths and not guilty:
            names = ", ".join(case.name for case in self.suspects)
            self.tally.add("server: stays alive", f"died while these ran together: {names}: "
                           + self.deaths[0])


def run_own_servers(cases, program, args, root, jobs, tally):
    """Cases that start servers of their own: some side by side, those that measure alone."""
    lock = threading.Lock()

    def work(waiting):
        while True:
            with lock:
                if not waiting:
                    return
                case = waiting.pop(0)
            start = time.monotonic()
            problem = attempt(case, World(None, root, program, args))
            tally.add(f"{case.area}: {case.name}", problem, time.monotonic() - start)

    together = [case for case in cases if not case.alone]
    workers = [threading.Thread(target=work, args=(together,), daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    work([case for case in cases if case.alone])


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="the server binary")
    parser.add_argument("--args", default="", help="extra arguments for every server, as one text")
    parser.add_argument("--area", default="http",
                        help=f"one of {', '.join(AREAS)}, or several with commas")
    parser.add_argument("--only", help="regular expression on 'area: name'")
    parser.add_argument("--list", action="store_true", help="print the names and exit")
    parser.add_argument("--sample", type=int, default=0, help="run only N cases, spread evenly")
    parser.add_argument("--shift", type=int, default=0, help="which N cases")
    parser.add_argument("--jobs", type=int, default=4, help="cases run side by side")
    parser.add_argument("--timeout-scale", type=float, default=1.0, help="multiplies deadlines")
    parser.add_argument("--chaos-seed", type=int, help="for a server of the preset chaos: what its threads choose")
    parser.add_argument("--verbose", action="store_true", help="print what passed, with its time")
    arguments = parser.parse_args()
    if not arguments.list and not arguments.server:
        parser.error("--server is needed")
    return arguments


def main():
    """Runs what was asked for."""
    arguments = parse_arguments()
    harness.timeout_scale = arguments.timeout_scale
    if arguments.chaos_seed is not None:
        os.environ["QUARTET_CHAOS_SEED"] = str(arguments.chaos_seed)
    cases = all_cases(arguments.area.split(","))
    if arguments.only:
        pattern = re.compile(arguments.only)
        cases = [case for case in cases if pattern.search(f"{case.area}: {case.name}")]
    cases = sample(cases, arguments.sample, arguments.shift)
    if arguments.list:
        for case in cases:
            print(f"{case.area}: {case.name}")
        return 0
    extra = tuple(shlex.split(arguments.args))
    tally = Tally(arguments.verbose)
    with tempfile.TemporaryDirectory(prefix="quartet-docroot-") as parent:
        root = docroot.build(parent)
        groups = {}
        for case in cases:
            groups.setdefault(case.args, []).append(case)
        own = groups.pop(("own",), [])
        for args, group in groups.items():
            server_args = HTTP_ARGS + args + extra
            SharedServer(arguments.server, server_args, root, arguments.jobs, tally).run(group)
        run_own_servers(own, arguments.server, extra, root, arguments.jobs, tally)
    if tally.failed and arguments.chaos_seed is not None:
        print(f"failed with --chaos-seed {arguments.chaos_seed}", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
