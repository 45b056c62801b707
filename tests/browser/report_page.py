"""The page that quartet-trace --html makes, opened from a file: its numbers against what the other verbs
of quartet-trace say of the same trace."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess

from browser import (DESKTOP, PATIENCE_S, PHONE, drawing_is_legible, fits, numbers, require)
from expected import PARTS, Figures, Histogram, wrong
from harness import Server, eventually
from status_page import INK, PICTURED, Load

# name, arguments, groups that are drawn
TRACED = (
    ("staged", ("--model", "staged"), 4),
    ("loops", ("--model", "loops", "--readers", "2"), 1),
)
EXPECTED_KEYS = ("rate.REQUESTS", "total.p99", "flow.all", "connections", "share.process",
                 "drawn.process.p50", "part.write.wait.mean", "interval.total.count",
                 "queue.accept.put", "slowest.0.total", "slowest.9.total")
REQUESTS = 150


class RunFigures(Figures):
    """Of a whole traced run. What the live page shows of this moment is here the mean."""

    def __init__(self, data):
        duration = data["summary"]["duration_ns"]
        threads = [{**t, "wall_ns": min(t["wall_ns"], duration)} for t in data["report"]["threads"]]
        super().__init__({**data["report"], "threads": threads})
        self.data, self.seconds = data, duration / 1e9

    def mean_depth(self, label):
        """Time-averaged, by the samples."""
        timeline = self.data["timeline"]
        return timeline["all"]["depth"][timeline["labels"].index(label)]

    def _of_flow(self, rest):
        if rest == "all":
            return "amount", self.data["timeline"]["all"]["in_flight"]
        return "amount", self.intervals["process"].sum / (self.seconds * 1e9)

    def _of_connections(self, _):
        return "amount", self.data["timeline"]["all"]["connections"]

    def _of_slowest(self, rest):
        return "time", self.data["slowest"][int(rest.partition(".")[0])]["intervals_ns"]["total"]

    def _of_drawn(self, rest):
        if rest == "accept.depth":
            return "amount", self.mean_depth("accept")
        return super()._of_drawn(rest)

    def _of_drawn_queue(self, group, what):
        if what == "depth":
            return "amount", self.mean_depth(self.report["groups"][group]["letters"])
        return super()._of_drawn_queue(group, what)


def trace(program, root, *runs):
    """The traces of servers that run side by side, each under some load. A run is a path and arguments."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(program, ["--root", root, "--synthetic", "on", "--trace", path, *args]))
                   for path, args in runs]
        loads = [Load(server) for server in servers]
        for load in loads:
            eventually(lambda: sum(load.answers) >= REQUESTS, "there are enough requests")
            load.stop()
        for server in servers:
            server.signal(signal.SIGTERM)
            require(server.wait(PATIENCE_S) == 0, "the traced server did not end well")


def tool_says(tool, *args):
    """What quartet-trace prints."""
    done = subprocess.run([tool, *args], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    require(done.returncode == 0, f"quartet-trace {args[0]}: {done.stderr}")
    return done.stdout


def check_data(name, tool, path, data):
    """The figures in the page are those that the other verbs have."""
    same = json.loads(tool_says(tool, "--json", path))
    differ = [key for key in same if data.get(key) != same[key]]
    require(not differ, f"{name}: the page and --json differ in {differ}")
    rows = list(csv.DictReader(io.StringIO(tool_says(tool, "--csv", path))))
    totals = [int(row["total"]) for row in rows if int(row["total"]) >= 0]
    slowest = [one["intervals_ns"]["total"] for one in data["slowest"]]
    require(slowest == sorted(totals, reverse=True)[:10], f"{name}: the slowest are {slowest}")
    columns = data["timeline"]["columns"]
    require(sum(c["requests"] for c in columns) == len(totals), f"{name}: requests over time")
    for i, heat in enumerate(data["timeline"]["heats"]):
        check_heat(name, heat, [c["heat"][i] for c in columns], data)
    samples = [c for c in columns if "depth" in c]
    require(len(samples) >= 2, f"{name}: {len(samples)} columns have samples")


def check_heat(name, heat, flats, data):
    """All requests are in the map of an interval, in rows that can be theirs."""
    h = Histogram(data["report"]["intervals_ns"][heat])
    counts = {}
    for flat in flats:
        for row, count in zip(flat[::2], flat[1::2]):
            counts[row] = counts.get(row, 0) + count
    require(sum(counts.values()) == h.count, f"{name}: the map of {heat} has {sum(counts.values())}")
    lows = data["timeline"]["row_lows_ns"]
    median, seen = h.percentile(0.5), 0
    for row in sorted(counts):
        seen += counts[row]
        if seen * 2 >= h.count:
            low = lows[row] if row else 0
            require(low <= median <= lows[row + 1] * 1.01, f"{name}: the median of {heat} is in {low}")
            return


POINT = """
    const over = document.querySelector('#distribution .u-over');
    const box = over.getBoundingClientRect();
    over.dispatchEvent(new MouseEvent('mousemove', {bubbles: true,
        clientX: box.left + box.width * arguments[0], clientY: box.top + 20}));
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(
        [document.querySelector('#distribution [data-key="chart.x"]').dataset.value,
         [...document.querySelectorAll('#distribution .chart:first-child [data-key^="chart.share"]')]
             .map(node => [node.dataset.key, node.dataset.value])]))));
"""


def check_distribution(browser, name, data):
    """Where the pointer is, the curves have the shares that the histograms have."""
    for where in (0.3, 0.6, 0.9):
        at, shares = browser.run(POINT, where)
        for key, value in shares:
            h = Histogram(data["report"]["intervals_ns"][key.partition("time.")[2]])
            below = sum(count for high, count in h.buckets.items() if high <= float(at))
            require(abs(float(value) - below / h.count) < 1e-9,
                    f"{name}: at {at} ns {key} is {value}, not {below / h.count}")
        require(len(shares) >= 2, f"{name}: {len(shares)} curves")


def check_look(browser, name, groups):
    """Both widths, both schemes."""
    for width, dark in ((DESKTOP, False), (PHONE, True), (DESKTOP, True)):
        browser.look(width, dark)
        browser.run("return new Promise(done => requestAnimationFrame(() => "
                    "requestAnimationFrame(done)))")
        fits(browser, width)
        drawing_is_legible(browser, groups)
        ink = browser.run("return getComputedStyle(document.body).color")
        require(ink == INK[dark], f"{name}: the ink is {ink}")
        if name in PICTURED and (width == DESKTOP) != dark:
            browser.picture(f"report-{name}-{width}-{'dark' if dark else 'light'}")


def check_page(browser, tool, name, path, groups):
    """One page of a whole trace."""
    page = path + ".html"
    tool_says(tool, "--html", page, path)
    browser.look(DESKTOP, False)
    browser.open("file://" + page)
    data = json.loads(browser.run("return document.getElementById('data').textContent"))
    check_data(name, tool, path, data)
    lines, seen = wrong(RunFigures(data), numbers(browser))
    require(not lines, f"{name}: " + "; ".join(lines[:6]))
    missing = [key for key in EXPECTED_KEYS if key not in seen]
    require(not missing, f"{name}: the page lacks {missing}")
    require(not browser.run("return document.querySelectorAll('.alarm').length"), f"{name}: alarms")
    said = browser.run("return document.getElementById('verdict').textContent")
    require(said.startswith(data["verdict"]["text"]) and "(Judged: " in said, f"{name}: {said}")
    check_distribution(browser, name, data)
    check_look(browser, name, groups)


def check_cut(browser, tool, path):
    """Of a trace without its end the page says so first, and shows what there is."""
    cut = path + ".cut"
    with open(path, "rb") as whole, open(cut, "wb") as part:
        part.write(whole.read()[:os.path.getsize(path) * 2 // 3])
    done = subprocess.run([tool, "--html", cut + ".html", cut], capture_output=True, check=False)
    require(done.returncode == 1 and not os.path.exists(cut + ".html"), "a cut trace makes no page")
    subprocess.run([tool, "--salvage", "--html", cut + ".html", cut], capture_output=True, check=False)
    browser.open("file://" + cut + ".html")
    first = browser.run("return document.querySelector('main > :first-child').textContent")
    require("Not whole" in first, f"the page of a cut trace begins with {first!r}")
    shown = {key: value for key, value, _ in numbers(browser)}
    require(shown["interval.total.count"] > 0, "the page of a cut trace has requests")


def check_several(browser, tool, paths):
    """Processes of different wirings are shown together, but for the drawing, which would be of none."""
    page = paths[0] + ".several.html"
    subprocess.run([tool, "--html", page, *paths], capture_output=True, check=True)
    browser.open("file://" + page)
    require("No drawing" in browser.run("return document.getElementById('wiring').textContent"),
            "two wirings in one are drawn")
    shown = {key: value for key, value, _ in numbers(browser)}
    data = json.loads(browser.run("return document.getElementById('data').textContent"))
    count = data["report"]["intervals_ns"]["total"]["count"]
    require(shown["interval.total.count"] == count >= len(paths) * REQUESTS, "requests of both")


def run(browser, program, tool, root, scratch):
    """All of it."""
    paths = {name: os.path.join(scratch, name + ".trace") for name, *_ in TRACED}
    trace(program, root, *((paths[name], args) for name, args, _ in TRACED))
    for name, _, groups in TRACED:
        check_page(browser, tool, name, paths[name], groups)
    check_cut(browser, tool, paths["staged"])
    check_several(browser, tool, list(paths.values()))
    complaints = browser.complaints()
    require(not complaints, f"the console says {complaints[:3]}")
    others = [url for url in browser.asked_for()
              if not url.startswith(("file://" + scratch, "data:", "chrome:", "about:"))]
    require(not others, f"asked for {others[:4]}")
