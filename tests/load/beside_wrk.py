#!/usr/bin/env python3
"""Prints quartet-load's speed beside wrk's: closed loops against one server, in alternating rounds.

usage: beside_wrk.py BUILD_DIR [ROUNDS] [CONNECTIONS]

No test: on a shared machine no single figure holds, so compare the ratios, which are of one run.
"""
import json
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

SECONDS = 2


def run(*command):
    """Its output, and the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wrk(_, url, connections):
    """Requests a second, CPU microseconds a request."""
    out, cpu = run("wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", url)
    count = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), cpu / count * 1e6


def load(build, url, connections):
    """The same."""
    out, cpu = run(build / "quartet-load", "--threads", "1", f"-c{connections}", f"-d{SECONDS}s",
                   "--warmup", "0s", "--json", "-", url)
    result = json.loads(out)
    return result["rate"]["answered"], cpu / result["run"]["answered"] * 1e6


def measure(build, url, rounds, connections):
    """Prints each round, then the medians."""
    ratios = []
    for i in range(rounds):
        order = (wrk, load) if i % 2 else (load, wrk)
        found = {program: program(build, url, connections) for program in order}
        ratios.append([ours / theirs for ours, theirs in zip(found[load], found[wrk])])
        print("wrk {:,.0f}/s {:.2f} us   quartet-load {:,.0f}/s {:.2f} us   ratio {:.3f}, CPU {:.3f}"
              .format(*found[wrk], *found[load], *ratios[-1]), flush=True)
    print("median ratio {:.3f}, CPU {:.3f}".format(*map(statistics.median, zip(*ratios))))


def main():
    """Against quartet --model loops."""
    build = pathlib.Path(sys.argv[1])
    rounds, connections = (int(text) for text in (sys.argv[2:] + ["5", "64"][len(sys.argv) - 2:]))
    with tempfile.TemporaryDirectory() as root:
        pathlib.Path(root, "tiny.txt").write_text("hello, world\n", encoding="ascii")
        server = subprocess.Popen([build / "quartet", "--model", "loops", "--root", root, "--listen",
                                   "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        try:
            url = re.search(r"http://\S+", server.stdout.readline()).group(0)
            measure(build, url + "/tiny.txt", rounds, connections)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
