"""Controls: experiments whose outcome queueing theory knows, and the verdict on each.

Each has a queue of a known kind: Poisson arrivals, one or several servers that block or burn CPU for a time of a known
distribution. Three runs on the same server: one connection (nothing waits: what a request takes beside its service), a full
house (no server is ever idle: what a service takes beside its handler), and an open loop with a log of each request. Both
overheads and the mean time in the handler are measured, and are part of the prediction. The mean wait is not.

The prediction holds if it is in the interval of the measured mean wait. The interval comes from the run alone
(batch_means.py). Its coverage is so chosen that on a machine where all laws hold, all predictions hold in 99 of 100 runs.
"""
import dataclasses

from . import batch_means, grades, numbers, queueing

ALL_HOLD = 0.99
BATCHES = 40
WIDEST = 0.35  # half an interval, of the prediction: a wider one would hold other laws as well
BUSIEST = 0.9  # load above which a run is too short to be stationary
FEWEST = 10 * BATCHES  # requests


@dataclasses.dataclass(frozen=True)
class Control:
    """`wait` is the law: (requests/s, mean service time, its scv, servers) -> mean wait, in seconds. `base` is the target
    with a constant time, `dist` what makes it a drawn one."""

    name: str
    law: str
    args: tuple
    servers: int
    base: str
    dist: str
    scv: float
    rate: int
    seconds: float  # of the open loop
    wait: object

    @property
    def target(self):
        return self.base + (f"&dist={self.dist}" if self.dist else "")


def one_server(rate, mean, scv, _):
    return queueing.mg1_wait(rate, mean, scv)


def constant_times(rate, mean, _, count):
    return queueing.mdc_wait(rate, mean, count)


LOOP = ("--model", "loops", "--readers", "1")
POOL = ("--model", "half-sync", "--processors", "4")
SLEEP, NAP, SPIN = "/synthetic/sleep?ms=5", "/synthetic/sleep?ms=2", "/synthetic/spin?us=500"
BIMODAL = queueing.bimodal_scv(0.05, 10)
# Short services give many requests, and so narrow intervals; long ones make overheads small.
CONTROLS = (
    Control("loop-constant-30", "M/D/1", LOOP, 1, SLEEP, "", 0, 60, 40, one_server),
    Control("loop-constant-60", "M/D/1", LOOP, 1, SLEEP, "", 0, 120, 40, one_server),
    Control("loop-exponential", "M/M/1", LOOP, 1, SPIN, "exp", 1, 1000, 20, one_server),
    Control("loop-bimodal", "M/G/1", LOOP, 1, SPIN, "bimodal", BIMODAL, 1000, 20, one_server),
    Control("pool-constant", "M/D/4", POOL, 4, NAP, "", 0, 1300, 30, constant_times),
    Control("pool-exponential", "M/M/4", POOL, 4, NAP, "exp", 1, 1300, 30, queueing.mgc_wait),
)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of load; times in seconds."""

    report: dict  # of quartet-load
    process: float  # mean time in the handler, from the server's own report
    sojourns: list  # from sent to answered, of each request in the order of sending; empty without a log

    @property
    def sojourn(self):
        return self.report["latency_ns"]["from_send"]["mean"] / 1e9


def coverage():
    """Of each interval, so that all hold by chance as often as ALL_HOLD says."""
    return 1 - (1 - ALL_HOLD) / len(CONTROLS)


def load_doubts(report):
    """Why the load was not the one of the theory, as sentences without a stop."""
    return [why for why in report["invalid"] if "arrivals" in why] + list(grades.grade(report).why)


def judged(found, verdict, why=""):
    return {**found, "verdict": verdict, "why": why}


def judge(control, alone, full, opened):
    """The figures of one control, with its verdict: holds, fails, or undecided with the reason."""
    beside = max(0.0, alone.sojourn - alone.process)  # network and wakeups, of which the server knows nothing
    overhead = max(0.0, control.servers / full.report["rate"]["answered"] - full.process)  # around the handler
    mean, scv = queueing.with_overhead(opened.process, control.scv, overhead)
    utilisation = control.rate * mean / control.servers
    found = {
        "name": control.name,
        "law": control.law,
        "target": control.target,
        "args": list(control.args),
        "rate": control.rate,
        "requests": len(opened.sojourns),
        "load": utilisation,
        "process_us": opened.process * 1e6,
        "overhead_us": overhead * 1e6,
        "beside_us": beside * 1e6,
        "coverage": coverage(),
    }
    doubts = load_doubts(opened.report)
    if doubts:
        return judged(found, "undecided", "; ".join(doubts))
    if utilisation > BUSIEST:
        return judged(found, "undecided", f"a service takes {numbers.time_us(mean * 1e6)}, too long for this rate")
    if len(opened.sojourns) < FEWEST:
        return judged(found, "undecided", f"{len(opened.sojourns)} requests are too few")
    predicted = control.wait(control.rate, mean, scv, control.servers)
    sojourn = batch_means.interval(opened.sojourns, BATCHES, coverage())
    wait = batch_means.Interval(sojourn.mean - opened.process - beside, sojourn.half)
    found |= {"predicted_us": predicted * 1e6, "measured_us": wait.mean * 1e6}
    found |= {"low_us": wait.low * 1e6, "high_us": wait.high * 1e6}
    if not wait.holds(predicted):
        return judged(found, "fails")
    if wait.half > WIDEST * predicted:
        return judged(found, "undecided", "the interval is too wide: a longer --duration makes it narrower")
    return judged(found, "holds")
