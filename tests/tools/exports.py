#!/usr/bin/env python3
"""What quartet-trace exports, judged by programs and rules that are not its own.

usage: exports.py --trace-tool PROGRAM --make-trace PROGRAM --server PROGRAM [TEST…]
"""
import argparse
import collections
import csv
import decimal
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).parent
JAR = "/usr/share/java/hdrhistogram.jar"  # Debian's libhdrhistogram-java
REQUESTS = 30000

options = argparse.Namespace()


def run_tool(*args, status=0):
    """quartet-trace's stdout."""
    done = subprocess.run([options.trace_tool, *map(str, args)], capture_output=True, text=True, timeout=600,
                          check=False)
    if done.returncode != status:
        raise AssertionError(f"exit {done.returncode}, wanted {status}: {done.stderr}")
    return done.stdout


def make_trace(path, requests=REQUESTS, seed=1):
    subprocess.run([options.make_trace, path, str(requests), str(seed)], check=True, timeout=600)
    return path


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for _ in range(20):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()


def ask_oddly(port):
    """Requests that come in pieces, behind each other, and whose answer is read late."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as client:
        client.sendall(b"GET /synthetic/bytes?n=4000000 HTTP/1.1\r\nHost: a\r\n")
        client.sendall(b"X: y\r\n\r\n" + 3 * b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while client.recv(65536):
            pass


def real_trace(place, *args, odd_clients=4):
    """The traces of a server of that kind under some load, in order."""
    (place / "index.html").write_text("hello\n")
    server = subprocess.Popen([options.server, "--root", place, "--listen", "127.0.0.1:0", "--trace", place / "run.trace",
                               "--log-level", "error", *args], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        paths = ["/", "/synthetic/spin?us=300", "/synthetic/sleep?ms=2", "/synthetic/async?ms=3", "/none"]
        clients = [threading.Thread(target=ask, args=(port, path)) for path in 2 * paths]
        clients += [threading.Thread(target=ask_oddly, args=(port,)) for _ in range(odd_clients)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        server.stdout.close()
    return sorted(place.glob("run.trace*"))


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
                              timeout=600, check=False)
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
        self.assertEqual(len(list(logs.iterdir())), 13)

    def test_says_what_cannot_be_made(self):
        trace = make_trace(self.dir / "a.trace", 1)
        for place, words in (("/proc/none", "cannot create /proc/none: "),
                             (trace, f"cannot create {trace}/accept.wait.hlog: Not a directory")):
            done = subprocess.run([options.trace_tool, "--hdr", place, trace], capture_output=True, text=True,
                                  check=False, timeout=600)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith(f"quartet-trace: {words}"), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)


class Schema(Case):
    """What programs rely on is written down in the manual."""

    MAPS = {"run", "counters", "close_reasons", "statuses", "intervals_ns"}  # whose keys are names of other things

    def keys_of(self, value):
        if isinstance(value, list):
            for member in value:
                yield from self.keys_of(member)
        elif isinstance(value, dict):
            for key, member in value.items():
                yield key
                if key not in self.MAPS:
                    yield from self.keys_of(member)

    def test_every_key_and_column_is_in_the_manual(self):
        traces = real_trace(self.dir, "--model", "staged", "--processes", "2", odd_clients=0)
        words = set(re.findall(r"[\w.]*\w", (HERE / "../../tools/quartet-trace.1").read_text()))
        shown = json.loads(run_tool("--json", *traces))
        columns = run_tool("--csv", *traces).splitlines()[0].split(",")
        self.assertLessEqual(set(self.keys_of(shown)) | set(columns), words)
        self.assertEqual(len(shown["sources"]), 2)
        self.assertEqual(shown["summary"]["requests"], 200)


class Targets(Case):
    """The way from a slow request to its target, as the manual has it."""

    PARTS = ("read", "process.wait", "process", "write.wait", "write")

    def test_the_slowest_lines_of_the_access_log_are_the_slowest_requests(self):
        traces = real_trace(self.dir, "--model", "staged", "--access-log", self.dir / "access.log", odd_clients=0)
        manual = (HERE / "../../tools/trace/README.md").read_text()
        command = re.search(r"^ +(sed .*access\.log .*\S)$", manual, re.M)
        self.assertTrue(command, "the manual has no such command")
        lines = subprocess.run(command[1], shell=True, cwd=self.dir, capture_output=True, text=True, check=True,
                               timeout=600).stdout.splitlines()
        rows = sorted(csv.DictReader(run_tool("--csv", *traces).splitlines()), key=lambda row: -int(row["total"]))
        self.assertEqual(len(lines), 20)
        self.assertEqual([int(line.split()[0]) for line in lines], [int(row["total"]) // 1000 for row in rows[:20]])
        by_parts = {tuple(int(row[part]) for part in self.PARTS): row for row in rows}
        for line in lines:
            times = dict(re.findall(r" ([a-z.]+)=([\d.]+)", line))
            row = by_parts[tuple(int(decimal.Decimal(times[part]) * 1000) for part in self.PARTS)]
            self.assertIn(f'HTTP/1.1" {row["status"]} {row["bytes_sent"]} ', line)
            self.assertIn("GET /", line)


class Rules:
    """What a viewer relies on, checked over all events of a file. Times are whole nanoseconds."""

    def __init__(self, case, path):
        self.case = case
        whole = json.loads(path.read_text(), parse_float=decimal.Decimal)
        self.other = whole["otherData"]
        self.events = collections.defaultdict(list)
        for event in whole["traceEvents"]:
            self.events[event["ph"]].append(event)
        case.assertLessEqual(self.events.keys(), set("MXbestfC"))
        self.slices = collections.defaultdict(list)
        for event in self.events["X"]:
            begin = self.ns(event["ts"])
            self.slices[event["pid"], event["tid"]].append((begin, begin + self.ns(event["dur"]), event))
        for track in self.slices.values():
            track.sort(key=lambda slice: (slice[0], -slice[1]))

    def ns(self, us):
        value = us * 1000
        self.case.assertEqual(value, int(value))
        return int(value)

    def check(self):
        self.names_are_there()
        self.slices_nest()
        self.arrows_end_in_slices()
        self.spans_begin_and_end()
        self.counters_count()
        self.case.assertEqual(self.other["slices"], len(self.events["X"]))
        self.case.assertEqual(self.other["spans_beside_threads"], len(self.events["b"]))
        self.case.assertEqual(self.other["arrows"], len(self.events["s"]))

    def names_are_there(self):
        processes = {e["pid"] for e in self.events["M"] if e["name"] == "process_name"}
        threads = {(e["pid"], e["tid"]) for e in self.events["M"] if e["name"] == "thread_name"}
        self.case.assertLessEqual(self.slices.keys(), threads)
        self.case.assertEqual({pid for pid, _ in threads}, processes)
        self.case.assertTrue(all(e["args"]["name"] for e in self.events["M"] if e["name"].endswith("_name")))

    def slices_nest(self):
        """Apart, or one inside the other; and inside only parts of the same request."""
        for track in self.slices.values():
            around = []
            for begin, end, event in track:
                self.case.assertLess(begin, end)
                while around and around[-1][1] <= begin:
                    around.pop()
                if around:
                    self.case.assertLessEqual(end, around[-1][1], event)
                    self.case.assertEqual(around[-1][2]["args"]["request"], event["args"]["request"])
                    self.case.assertEqual(around[-1][2]["name"], "request")
                around.append((begin, end, event))

    def arrows_end_in_slices(self):
        stations = [e for phase in "stf" for e in self.events[phase]]
        arrows = collections.defaultdict(list)
        for event in stations:
            arrows[event["id"]].append(event)
            self.case.assertTrue(self.slice_at(event), event)
        for arrow in arrows.values():
            arrow.sort(key=lambda event: event["ts"])
            self.case.assertRegex("".join(event["ph"] for event in arrow), "^st?f$")
            self.case.assertEqual(len({self.slice_at(event)["args"]["request"] for event in arrow}), 1)
            self.case.assertEqual(arrow[-1]["bp"], "e")

    def slice_at(self, event):
        at = self.ns(event["ts"])
        for begin, end, found in self.slices[event["pid"], event["tid"]]:
            if begin <= at < end:
                return found
        return None

    def spans_begin_and_end(self):
        key = lambda e: (e["pid"], e["cat"], e["id"], e["name"])
        begins = {key(e): e["ts"] for e in self.events["b"]}
        ends = {key(e): e["ts"] for e in self.events["e"]}
        self.case.assertEqual(begins.keys(), ends.keys())
        self.case.assertEqual(len(begins), len(self.events["b"]))
        self.case.assertTrue(all(begin < ends[key] for key, begin in begins.items()))

    def counters_count(self):
        for event in self.events["C"]:
            self.case.assertTrue(event["args"])
            self.case.assertTrue(all(isinstance(value, int) and value >= 0 for value in event["args"].values()))

    def parts(self):
        """How often each part is shown, as a slice or beside the threads."""
        shown = self.events["X"] + self.events["b"]
        return collections.Counter((e["pid"], e["args"]["request"], e["name"]) for e in shown if e["name"] != "request")


class Perfetto(Case):
    """--perfetto by the rules of its format."""

    def export(self, *traces):
        out = self.dir / "out.json"
        self.assertEqual(run_tool("--perfetto", out, *traces), "")
        rules = Rules(self, out)
        rules.check()
        return rules

    def check_against_rows(self, rules, traces):
        """Each part that took time is shown once, with the time that --csv has."""
        rows = list(csv.DictReader(run_tool("--csv", *traces).splitlines()))
        wanted = collections.Counter((int(row["source"]), int(row["request"]), part) for row in rows
                                     for part in ("read", "process", "write") if int(row[part]) > 0)
        whole = {(e["pid"], e["args"]["request"]) for e in rules.events["b"] if e["name"] == "request"}
        wanted = {key: count for key, count in wanted.items() if key[:2] not in whole}
        self.assertEqual(rules.parts(), wanted)
        self.assertEqual(rules.other["requests"], len(rows))

    def test_a_pipeline_has_three_slices_and_an_arrow_a_request(self):
        trace = make_trace(self.dir / "made.trace", 3000)
        rules = self.export(trace)
        self.check_against_rows(rules, [trace])
        self.assertEqual(len(rules.events["s"]), 3000)
        self.assertGreater(len(rules.events["X"]), 3000 * 3 * 0.95)
        self.assertGreater(len(rules.events["t"]), 3000 * 0.9)

    def test_every_kind_of_server_keeps_the_rules(self):
        for name, args in {"staged": ["--model", "staged"], "loops": ["--model", "loops"],
                           "acceptor": ["--model", "acceptor", "--sessions", "32"],
                           "leader-followers": ["--model", "leader-followers"],
                           "LR*2 | PW*3": ["--wiring", "LR*2 | PW*3"],
                           "processes": ["--model", "staged", "--processes", "2"]}.items():
            with self.subTest(model=name):
                place = self.dir / name
                place.mkdir()
                traces = real_trace(place, *args)
                rules = self.export(*traces)
                self.check_against_rows(rules, traces)
                counters = {event["name"] for event in rules.events["C"]}
                self.assertLessEqual({"connections", "requests in"}, counters)
                if name != "loops":
                    self.assertTrue(any(name.startswith("queue ") for name in counters), counters)
                names = [e["args"]["name"] for e in rules.events["M"] if e["name"] == "process_name"]
                self.assertEqual(names, ["quartet 1:staged", "quartet 2:staged"] if name == "processes" else
                                 [f"quartet {name}"])
                self.assertGreater(len(rules.events["X"]), 400)
                if name in ("loops", "acceptor"):  # one thread does all of a request
                    self.assertGreater(sum(e["name"] == "request" for e in rules.events["X"]), 50)
                else:
                    self.assertGreater(len(rules.events["s"]), 100)

    def test_what_cannot_be_written_is_said_and_removed(self):
        trace = make_trace(self.dir / "a.trace", 3000)
        out = self.dir / "out.json"
        for place, words in (("/proc/none", "cannot create /proc/none: "), ("/dev/full", "cannot write /dev/full: ")):
            done = subprocess.run([options.trace_tool, "--perfetto", place, trace], capture_output=True, text=True,
                                  check=False, timeout=600)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith(f"quartet-trace: {words}"), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertTrue(os.path.exists("/dev/full"))
        os.truncate(trace, 600000)
        run_tool("--perfetto", out, trace, status=1)
        self.assertFalse(out.exists())
        run_tool("--perfetto", out, "--salvage", trace)
        Rules(self, out).check()


class LongTraces(Case):
    """A million records, in bounded memory. How fast is a matter for a quiet machine: tools/trace/README.md says how it is measured."""

    REQUESTS = 500000
    BYTES_MOST = 120 << 20

    def memory_of(self, *args):
        with open(os.devnull, "wb") as nowhere:
            tool = subprocess.Popen([options.trace_tool, *map(str, args)], stdout=nowhere)
            _, status, used = os.wait4(tool.pid, 0)
            tool.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(tool.returncode, 0)
        return used.ru_maxrss * 1024

    @unittest.skipIf(os.environ.get("QUARTET_SANITIZE"), "sanitizers take time and memory")
    def test_are_read_in_bounded_memory(self):
        trace = make_trace(self.dir / "long.trace", self.REQUESTS)
        records = json.loads(run_tool("--json", trace))["summary"]["records"]
        self.assertGreater(records, 2 * self.REQUESTS * 0.99)
        self.assertGreater(trace.stat().st_size, self.BYTES_MOST)
        for args in (["--table"], ["--json"], ["--csv"], ["--hdr", self.dir / "logs"], ["--slowest", 1000],
                     ["--perfetto", os.devnull]):
            with self.subTest(args=args):
                self.assertLess(self.memory_of(*args, trace), self.BYTES_MOST)


def main():
    parser = argparse.ArgumentParser()
    for program in ("trace-tool", "make-trace", "server"):
        parser.add_argument(f"--{program}", required=True)
    _, rest = parser.parse_known_args(namespace=options)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
