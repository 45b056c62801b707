"""How far a run's figures are the server's: its grade, from the report of the load generator alone.

- *clean*: what the generator added is small beside what it measured;
- *bracketed*: it is not small, and the figure is known between two bounds;
- *censored*: the generator was full or too late, so the figure is a bound: a throughput is "at least", a latency "at most".
  Where requests had no answer, a latency is "at least", because those that waited longest are missing in it.

Every run with right answers has a grade, whatever it measured: leaving out the runs in which the generator is the limit
leaves out the fastest servers, and leaving out those in which it waits for a CPU leaves out the servers with many threads.

The generator adds *lag*: of sending (from when a request was due until the generator came to it) and of receiving (from
when an answer was there until it was read). The report has the first one for an open loop. For the second one, and for
closed loops, the grade rests on the share of the time in which the generator waited for a CPU. It is an upper bound: at each
moment of this time at most all requests that are on their way wait for the generator, so by Little's law the wait is at
most this share of the mean latency (J. D. C. Little, A Proof for the Queuing Formula L = lambda W, Operations Research 9, 1961).
"""
import dataclasses
import math

CLEAN, BRACKETED, CENSORED = "clean", "bracketed", "censored"
ORDER = [CLEAN, BRACKETED, CENSORED]
CLEAN_MEAN = 0.05  # of the mean latency: lag that a clean run may have
CLEAN_TAIL = 0.10  # of the percentile that is reported
BRACKETED_MOST = 0.25  # of either
FULL = 0.9  # of a CPU: a generator that is busy for longer is the limit
DUE_LEAST = 0.99  # of the asked rate, beside four standard deviations of a Poisson process
LOST_MOST = 0.1  # of the requests beyond a percentile: so many of them may be missing in it
BEYOND = {"mean": 0.01, "p50": 0.5, "p90": 0.1, "p99": 0.01, "p999": 0.001, "max": 0}
ENOUGH = 10  # requests beyond a percentile; fewer are an anecdote
LITTLE = "requests were under way on average"  # how quartet-load says that its sums differ
# What quartet-load itself calls INVALID and this module grades by the figures. Every other reason stays INVALID.
GRADED = (
    "the generator was late",
    "the generator was busy",
    "requests were due and never sent",
    "requests should have come due",
    "arrivals are not as asked",
)


@dataclasses.dataclass(frozen=True)
class Grade:
    """Of one run."""

    name: str
    why: tuple  # sentences without a stop; none for a clean run
    bounds: dict  # {metric: (low, high)} of the figures that are not exact; high may be infinite
    full: bool  # the generator was the limit, so what was not answered says nothing of the server


def percentiles(count):
    """The names of the percentiles that so many requests give."""
    return [name for name, beyond in BEYOND.items() if name in ("mean", "max") or count * beyond >= ENOUGH]


def reported(count):
    """The percentile whose lag is judged: the highest of p99, p90 and p50 that so many requests give."""
    return next((name for name in ("p99", "p90", "p50") if name in percentiles(count)), "p50")


def apart(report):
    """By how much the two sums of the generator differ that Little's law makes equal, as a share, if that is more than it
    tolerates. Where it has no CPU between two stamps they differ, so a small share is lag like any other."""
    sums = report.get("little") or {"holds": True}
    if sums["holds"] or not sums["judged"]:
        return 0.0
    most = max(sums["under_way"], sums["rate_times_latency"])
    return share(abs(sums["under_way"] - sums["rate_times_latency"]), most)


def invalid(report):
    """The reasons for which the generator cannot vouch for its run at all."""
    graded = GRADED + ((LITTLE,) if 0 < apart(report) <= BRACKETED_MOST else ())
    reasons = [why for why in report["invalid"] if not any(known in why for known in graded)]
    if not reasons and not report["rate"]["answered"]:
        return ["no answer came within the window"]
    return reasons


def share(part, whole):
    return part / whole if whole else 0.0


def waited(report):
    """The share of the window in which the generator was ready and had no CPU."""
    return min(1.0, share(report["generator"]["runqueue_ns"] / 1e9, report["window"]["seconds"]))


def lags(report):
    """[(what it is a share of, share, limit of a clean run)]."""
    found = [
        ("of its time the generator waited for a CPU", waited(report), CLEAN_MEAN),
        ("is between the generator's two sums of what was under way", apart(report), CLEAN_MEAN),
    ]
    latency = report["latency_ns"]
    kind = "from_due" if report["loop"] == "open" else "from_send"
    late = [latency[lag] for lag in ("own_lag", "receive_lag") if lag in latency] if report["loop"] == "open" else []
    name = reported(latency[kind]["count"])
    for key, limit in (("mean", CLEAN_MEAN), (name, CLEAN_TAIL)):
        lag = sum(one[key] for one in late)
        found.append((f"of the latency ({key}) was the generator's lag", share(lag, latency[kind][key]), limit))
    return found


def lost(report):
    """The share of the due requests that have no good answer."""
    errors = sum(error["count"] for error in report["errors"].values())
    return share(report["requests"]["dropped"] + errors, report["requests"]["due"])


def fell_short(report):
    """Fewer requests came due than were asked for: the generator did not reach its own schedule."""
    asked = report["rate"]["asked"] * report["window"]["seconds"]
    return report["loop"] == "open" and report["requests"]["due"] < DUE_LEAST * asked - 4 * math.sqrt(asked)


def limits(report):
    """Why the generator was the limit, as sentences without a stop."""
    said = []
    busy = report["generator"]["cpu_share"]
    if busy > FULL:
        said.append(f"the generator was busy for {100 * busy:.0f} % of the time")
    if fell_short(report):
        said.append("the generator did not reach the rate that was asked for")
    return said + [f"{100 * part:.0f} % {what}" for what, part, _ in lags(report) if part > BRACKETED_MOST]


def grade(report):
    """The grade of a run that `invalid` has nothing against."""
    full, without = limits(report), lost(report)
    why = list(full)
    if without > LOST_MOST * BEYOND["p99"]:
        why.append(f"{100 * without:.2g} % of the requests had no good answer")
    if why:
        return Grade(CENSORED, tuple(why), bounds(report, bool(full), without), bool(full))
    above = [(what, part) for what, part, limit in lags(report) if part > limit]
    if not above:
        return Grade(CLEAN, (), bounds(report, False, without), False)
    said = tuple(f"{100 * part:.0f} % {what}" for what, part in above)
    return Grade(BRACKETED, said, bracket(report) | bounds(report, False, without), False)


def bounds(report, full, without):
    """What is known of the figures of a generator that was the limit, or without the answers that did not come. A generator
    that waited for a CPU in a closed loop adds at most the share of its wait, however large."""
    latency = report["latency_ns"]["from_due" if report["loop"] == "open" else "from_send"]
    found = {}
    waits = full and report["loop"] == "closed" and report["generator"]["cpu_share"] <= FULL
    for name, beyond in BEYOND.items():
        least, most = latency[name] / 1000, latency[name] / 1000
        if full:
            least *= 1 - waited(report) if waits else 0
        if without > LOST_MOST * beyond:
            most = math.inf
        if least != most:
            found[f"{name}_us"] = (least, most)
    if waits:
        found["rate"] = bracket(report)["rate"]
    elif full and (report["loop"] == "closed" or fell_short(report)):
        found["rate"] = (goodput(report), math.inf)
    return found


def bracket(report):
    """Bounds of the figures where the lag is not small. A latency lies between the one from when a request was sent, in
    which no lag of sending is, and the one from when it was due. In a closed loop the generator waited for a CPU: without
    the wait throughput and mean would be better by its share at most; of a percentile this is an approximation."""
    latency, wait, found = report["latency_ns"], waited(report), {}
    for name in BEYOND:
        sent, due = latency["from_send"][name] / 1000, latency["from_due"][name] / 1000
        found[f"{name}_us"] = (min(sent, due) * (1 - wait), due if report["loop"] == "open" else sent)
    if report["loop"] == "open":
        return found
    return found | {"rate": (goodput(report), goodput(report) / (1 - wait) if wait < 1 else math.inf)}


def goodput(report):
    """Good answers within the window, per second. Of the answers that came in it some may be refusals: their share is that
    among all requests of the run."""
    refused = report["errors"].get("status", {"count": 0})["count"]
    return report["rate"]["answered"] * (1 - share(refused, refused + report["requests"]["good"]))


def shed(report):
    """The share of the answers that were 503."""
    statuses = report["run"]["statuses"]
    return share(statuses.get("503", 0), sum(statuses.values()))


def wrong(report):
    """What is wrong with the answers, as words. A refusal (503) and a connection that was not served are results of an
    overloaded server; an answer that is not what was asked for is none."""
    counts = {name: error["count"] for name, error in report["errors"].items()}
    said = [f"{name}: {counts[name]}" for name in ("malformed", "length", "hash") if counts[name]]
    statuses = report["run"]["statuses"]
    others = any(status[0] not in "23" and status != "503" for status in statuses)
    if counts["status"] and (others or counts["status"] > statuses.get("503", 0)):
        said.append(f"status: {counts['status']}")
    return "; ".join(said)


def called(outcome):
    """What reports call an outcome: INVALID is a run with wrong answers, or one for which the generator cannot vouch."""
    return "INVALID" if outcome in ("invalid", "failed") else outcome


def worst(names):
    """The grade of a figure that rests on several runs."""
    return max(names, key=ORDER.index, default=None)
