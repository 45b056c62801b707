"""What a page must show, computed a second time and in another language, from the JSON it used.

Each number on a page has a key: Figures.of(key) is what it must be, with the
kind that says how it is written.
"""

import math
import re
from decimal import ROUND_HALF_UP, Decimal

GAP = "\u202f"
PARTS = ("read", "process.wait", "process", "write.wait", "write")  # of the total
SHARED = ("socket.wait", *PARTS)  # of the time bar


# --- writing --------------------------------------------------------------------------------------

def rounded(value, places):
    """As JavaScript rounds: half away from zero, on the exact binary value."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def digits3(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    exponent = Decimal(value).adjusted()
    value = float(Decimal(value).quantize(Decimal(1).scaleb(exponent - 2), ROUND_HALF_UP))
    return rounded(value, min(2, max(0, 2 - Decimal(value).adjusted())))


def scaled(value, units):
    """In the largest unit that leaves one of it."""
    at = 0
    while at + 1 < len(units) and value >= 999.5 * units[at][0]:
        at += 1
    return digits3(value / units[at][0]) + units[at][1]


def written(kind, value):
    """The text of a number of that kind."""
    if value is None:
        return "\u2013"
    if kind == "time":
        if value < 999.5:
            return "0" if value == 0 else rounded(value, 0) + GAP + "ns"
        return scaled(value, ((1, GAP + "ns"), (1e3, GAP + "\u00b5s"), (1e6, GAP + "ms"),
                              (1e9, GAP + "s")))
    if kind == "count":
        return f"{int(rounded(value, 0)):,}"
    if kind == "amount":
        if value < 10000 and value == int(value):
            return f"{int(value):,}"
        return scaled(value, ((1, ""), (1e3, GAP + "k"), (1e6, GAP + "M"), (1e9, GAP + "G")))
    if kind == "size":
        return scaled(value, ((1, GAP + "B"), (1e3, GAP + "kB"), (1e6, GAP + "MB"),
                              (1e9, GAP + "GB"), (1e12, GAP + "TB")))
    percent = 100 * value
    if 0 < percent < 0.05:
        return "<0.1" + GAP + "%"
    return rounded(percent, 0 if percent >= 9.95 or percent == 0 else 1) + GAP + "%"


# --- histograms -----------------------------------------------------------------------------------

class Histogram:
    """A histogram of a report."""

    def __init__(self, json):
        self.buckets = dict(map(tuple, json["buckets"]))
        self.count, self.sum, self.max = json["count"], json["sum"], json["max"]

    def add(self, other):
        """Both as one."""
        for high, count in other.buckets.items():
            self.buckets[high] = self.buckets.get(high, 0) + count
        self.count, self.sum = self.count + other.count, self.sum + other.sum
        self.max = max(self.max, other.max)

    def percentile(self, share):
        """The highest value of the bucket in which that share ends."""
        wanted, seen = max(1, math.ceil(share * sum(self.buckets.values()))), 0
        for high in sorted(self.buckets):
            seen += self.buckets[high]
            if seen >= wanted:
                return min(high, self.max)
        return None

    def mean(self):
        """None when empty."""
        return self.sum / self.count if self.count else None


def merged(histograms):
    """Several as one."""
    whole = Histogram({"buckets": [], "count": 0, "sum": 0, "max": 0})
    for one in histograms:
        whole.add(one)
    return whole


# --- the report's figures -------------------------------------------------------------------------

HISTOGRAM_OF = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
QUEUE_COUNTS = ("put", "refused", "inlined", "rung", "elided")

class Intervals(dict):
    """By name; empty where a server measures nothing."""

    def __missing__(self, name):
        return merged([])


class Figures:
    """Of a report, of a window or since the server's start."""

    def __init__(self, report):
        self.report = report
        self.seconds = max(1e-3, report["wall_ns"] / 1e9)
        self.counters, self.closed = report["counters"], report["close_reasons"]
        self.statuses = report["statuses"]
        self.intervals = Intervals((name, Histogram(h)) for name, h in report["intervals_ns"].items())
        self.queues = {q["name"]: self._queue(q) for q in report["queues"]}
        self.loops = {loop["name"]: loop for loop in report["loops"]}
        self.threads = {t["name"]: self._thread(t) for t in report["threads"]}

    @staticmethod
    def _queue(queue):
        found = dict(queue)
        for key in ("wait_ns", "wakeup_ns", "batch", "cpu_wait_ns", "sampled_wait_ns"):
            found[key] = Histogram(queue[key])
        return found

    @staticmethod
    def _thread(thread):
        found = dict(thread)
        for name in ("busy", "cpu", "runqueue"):
            found[name] = min(1, found[name + "_ns"] / max(1, found["wall_ns"]))
        return found

    def members(self, group):
        """The threads of a group, in the report's order."""
        return [t for t in self.threads.values() if t["group"] == group]

    def pool(self, group):
        """The queues of a group."""
        return [q for q in self.queues.values() if q["group"] == group and not q["accept"]]

    def in_flight(self, first, *ends):
        """Between points of the flow, now."""
        flow = self.report["flow"]
        return max(0, flow[first] - sum(flow[end] for end in ends))

    def share(self, part):
        """Of the mean request's time."""
        whole = sum(self.intervals[name].mean() or 0 for name in SHARED)
        return (self.intervals[part].mean() or 0) / whole if whole else 0

    # --- by key ---

    def of(self, key):
        """(kind, value) of the number with this key; None when there should be no such number."""
        head, _, rest = key.partition(".")
        found = getattr(self, "_of_" + head, None)
        return found(rest) if found else None

    def _of_rate(self, rest):
        value = self.counters[rest] / self.seconds
        return ("size" if rest.startswith("BYTES") else "amount"), value

    def _of_total(self, rest):
        return "time", self.intervals["total"].percentile(HISTOGRAM_OF[rest])

    def _of_flow(self, rest):
        if rest == "all":
            return "amount", self.in_flight("begun", "ended", "abandoned")
        return "amount", self.in_flight("started", "handed")

    def _of_connections(self, _):
        return "amount", self.report["connections"]

    def _of_idle(self, _):
        return "amount", max(0, self.report["connections"] - self._of_flow("all")[1])

    def _of_cpus(self, _):
        return "amount", sum(t["cpu_ns"] for t in self.threads.values()) / (self.seconds * 1e9)

    def _of_share(self, rest):
        return "share", self.share(rest) if self.intervals[rest].count else None

    def _of_part(self, rest):
        part, _, what = rest.rpartition(".")
        if what == "share":
            return self._of_share(part)
        return "time", self.intervals[part].mean()

    def _of_interval(self, rest):
        name, _, what = rest.rpartition(".")
        h = self.intervals[name]
        if what == "count":
            return "count", h.count
        if what == "share":
            whole = self.intervals["total"].sum
            return "share", h.sum / whole if name in PARTS and whole else None
        if what == "mean":
            return "time", h.mean()
        if what == "max":
            return "time", h.max if h.count else None
        return "time", h.percentile(HISTOGRAM_OF[what])

    def _of_queue(self, rest):
        name, _, what = rest.rpartition(".")
        queue = self.queues[name]
        if what in QUEUE_COUNTS or what in ("depth", "depth_max", "bound"):
            return "count", queue[what]
        return self._of_queue_waits([queue], what.replace("wait_", ""))

    def _of_queue_waits(self, queues, what):
        of = lambda key: merged(q[key] for q in queues)
        if what == "for_cpu":
            sampled = of("sampled_wait_ns").sum
            return "share", of("cpu_wait_ns").sum / sampled if sampled else None
        if what == "batch":
            return "amount", of("batch").mean()
        if what == "wakeup_p50":
            return "time", of("wakeup_ns").percentile(0.5)
        return "time", of("wait_ns").percentile(HISTOGRAM_OF[what])

    def _of_loop(self, rest):
        name, _, what = rest.rpartition(".")
        rounds, events = (Histogram(self.loops[name][key]) for key in ("round_ns", "events"))
        if what == "count":
            return "count", rounds.count
        if what == "events":
            return "amount", events.mean()
        if what == "events_p99":
            return "count", events.percentile(0.99)
        if what == "mean":
            return "time", rounds.mean()
        if what == "max":
            return "time", rounds.max if rounds.count else None
        return "time", rounds.percentile(HISTOGRAM_OF[what])

    def _of_thread(self, rest):
        name, _, what = rest.rpartition(".")
        kind = {"cpu_ns": "time", "busy": "share", "cpu": "share", "runqueue": "share"}
        return kind.get(what, "count"), self.threads[name][what]

    def _of_closed(self, rest):
        return "count", self.closed[rest.rpartition(".")[0]]

    def _of_status(self, rest):
        return "count", self.statuses[rest.rpartition(".")[0]]

    def _of_counter(self, rest):
        return "count", self.counters[rest.rpartition(".")[0]]

    # --- in the drawing ---

    def _of_drawn(self, rest):
        match = re.fullmatch(r"group\.(\d+)\.busy", rest)
        if match:
            members = self.members(int(match[1]))
            busy, wall = (sum(t[key] for t in members) for key in ("busy_ns", "wall_ns"))
            return "share", min(1, busy / max(1, wall)) if len(members) > 1 else None
        match = re.fullmatch(r"thread\.(\d+)\.(\d+)\.busy", rest)
        if match:
            return "share", self.members(int(match[1]))[int(match[2])]["busy"]
        match = re.fullmatch(r"queue\.(\d+)\.(\w+)", rest)
        if match:
            return self._of_drawn_queue(int(match[1]), match[2])
        name, _, what = rest.rpartition(".")
        if name == "accept":
            return "amount", self.queues["accept"][what]
        return "time", self.intervals[name].percentile(HISTOGRAM_OF[what])

    def _of_drawn_queue(self, group, what):
        queues = self.pool(group)
        if what == "depth":
            return "amount", sum(q["depth"] for q in queues)
        if what == "wakeups":
            return "amount", sum(q["rung"] for q in queues) / self.seconds
        return self._of_queue_waits(queues, what)


def wrong(figures, shown):
    """What is wrong with the numbers of a page, each as a line; and the keys that were checked."""
    lines, seen = [], set()
    for key, value, text in shown:
        if key.startswith("chart."):
            continue
        found = figures.of(key)
        if found is None:
            lines.append(f"{key} is not a number that there should be")
            continue
        kind, wanted = found
        seen.add(key)
        same = value is None if wanted is None else (
            value is not None and math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-12))
        if not same:
            lines.append(f"{key} is {value}, the JSON says {wanted}")
        elif text != written(kind, wanted) and not (wanted is None and text == ""):
            lines.append(f"{key} reads {text!r}, not {written(kind, wanted)!r}")
    return lines, seen
