#!/usr/bin/env python3
"""What quartet-trace exports, judged by programs and rules that are not its own.

usage: exports.py --trace-tool PROGRAM --make-trace PROGRAM --server PROGRAM [TEST…]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
JAR = "/usr/share/java/hdrhistogram.jar"  # Debian's libhdrhistogram-java
REQUESTS = 30000

options = argparse.Namespace()


def run_tool(*args, status=0):
    """quartet-trace's stdout."""
    done = subprocess.run([options.trace_tool, *map(str, args)], capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode != status:
        raise AssertionError(f"exit {done.returncode}, wanted {status}: {done.stderr}")
    return done.stdout


def make_trace(path, requests=REQUESTS, seed=1):
    subprocess.run([options.make_trace, path, str(requests), str(seed)], check=True, timeout=60)
    return path


def highest_equivalent(value):
    """The highest value of the histogram bucket that this one falls into."""
    shift = max(0, value.bit_length() - 8)
    return ((value >> shift) + 1 << shift) - 1


class Case(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory(prefix="quartet-test-")
        self.dir = pathlib.Path(self.keep.name)

    def tearDown(self):
        self.keep.cleanup()


@unittest.skipUnless(os.path.exists(JAR), "libhdrhistogram-java is not installed")
class Hdr(Case):
    """--hdr against HdrHistogram's own reader."""

    def read_logs(self, logs):
        done = subprocess.run(["java", "-cp", JAR, HERE / "ReadHlog.java", *logs], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines()]
        return {row[0].removesuffix(".hlog"): [float(cell) for cell in row[1:]] for row in rows}

    def test_an_independent_reader_finds_the_same_percentiles(self):
        traces = [make_trace(self.dir / "1.trace", 300000), make_trace(self.dir / "2.trace", 20000, seed=2)]
        logs = self.dir / "logs"
        self.assertEqual(run_tool("--hdr", logs, *traces), "")
        intervals = json.loads(run_tool("--json", *traces))["report"]["intervals_ns"]
        read = self.read_logs(sorted(logs.iterdir()))
        self.assertEqual(read.keys(), intervals.keys())
        for name, ours in intervals.items():
            with self.subTest(interval=name):
                lines, start, first, last, count, *values = read[name]
                self.assertEqual((lines, start, first, last), (3, 1.7e9, 0, 3))
                self.assertEqual(count, ours["count"])
                # Ours never says more than the maximum, which a log holds as its bucket only.
                mine = [ours[key] for key in ("p50", "p90", "p99", "p999", "max")]
                if count > 0:
                    self.assertEqual(values, [highest_equivalent(value) for value in mine])
                self.assertTrue(all(value in (theirs, ours["max"]) for value, theirs in zip(mine, values)))

    def test_a_trace_that_breaks_leaves_no_logs(self):
        trace = make_trace(self.dir / "cut.trace")
        os.truncate(trace, 2000000)
        logs = self.dir / "logs"
        run_tool("--hdr", logs, trace, status=1)
        self.assertEqual(list(logs.iterdir()), [])
        run_tool("--hdr", logs, "--salvage", trace)
        self.assertEqual(len(list(logs.iterdir())), 11)

    def test_says_what_cannot_be_made(self):
        trace = make_trace(self.dir / "a.trace", 1)
        for place, words in (("/proc/none", "cannot create /proc/none: "),
                             (trace, f"cannot create {trace}/accept.wait.hlog: Not a directory")):
            done = subprocess.run([options.trace_tool, "--hdr", place, trace], capture_output=True, text=True,
                                  check=False, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith(f"quartet-trace: {words}"), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)


def main():
    parser = argparse.ArgumentParser()
    for program in ("trace-tool", "make-trace", "server"):
        parser.add_argument(f"--{program}", required=True)
    _, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
