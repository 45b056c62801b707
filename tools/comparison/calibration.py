"""What this machine and its load generator can do, before anything is measured: about four seconds against the bare epoll
server of tools/floor.c, on the CPUs of the experiment.

The capacity G is the rate of a closed loop on that server, which costs less than any server that is compared: above it nobody
can tell a server from the generator. The generator's own lag at shares of G shows how exact open loops will be, and a
program that only reads the clock shows how often and how long the host stops the generator's CPU.

A calibration that fails ends no experiment, since the grade of each run judges the generator again: the results hold the reason,
and no rate is bounded.
"""
import json
import pathlib
import sys
import tempfile

from . import cells, grades, load, numbers, placement, processes, servers
from .trouble import Trouble

FILE = "calibration.json"
SHARES = [0.2, 0.4, 0.6]  # of G: open loops
RATE_MOST = 0.4  # of G: what the rates that all servers share may ask for
TIMES = (0.1, 0.6)  # seconds of warm-up and of each load
SPIN_S = 0.5
GAP_NS = 50_000  # two readings of the clock that lie further apart: the CPU was taken meanwhile

SPIN = """
import sys, time
begun = last = time.perf_counter_ns()
end = begun + int(float(sys.argv[1]) * 1e9)
gaps = []
while last < end:
    now = time.perf_counter_ns()
    if now - last > int(sys.argv[2]):
        gaps.append(now - last)
    last = now
print(last - begun, len(gaps), sum(gaps), max(gaps, default=0))
"""

SUBJECT = {"kind": "floor", "name": "quartet-floor", "args": []}
WORKLOAD = {"name": "calibration", "targets": [[1, "/"]], "load_args": [], "server_args": []}


def cell_of(level):
    times = {"warmup": TIMES[0], "settle": 0.0, "duration": TIMES[1]}
    return cells.Cell("calibration", "calibrate", SUBJECT, WORKLOAD, level, 0, times)


def run_load(bench, place, server, rate, folder, name):
    """The generator's report of one load, with the connections of the experiment's open loops; a closed loop where the rate is
    None."""
    opened = bench.spec.levels["open_connections"]
    level = cells.Level("closed", opened, opened) if rate is None else cells.Level("rate", rate, opened)
    own = {"apart": place.generator, "shared": ()}.get(place.kind)
    words = {**bench.load_words, "cpus": own, "nice": load.nice_of(bench.load_words["nice"], place.kind)}
    options = load.words(cell_of(level), server.url, words, rate, bench.spec.seed, TIMES)
    report = bench.driver(options, words, folder, name)
    server.check_alive()
    return report


def lag_at(share, rate, report):
    """How late the generator was by itself."""
    lag = report["latency_ns"]["own_lag"]
    return {"share": share, "requests_per_s": rate} | {f"{key}_us": lag[key] / 1000 for key in ("mean", "p50", "p99")}


def gaps_on(cpus, nice):
    """Of a program that reads the clock for SPIN_S on these CPUs, with the generator's precedence. Its last reading is the first
    behind the end, so that a gap which reaches beyond it counts."""
    command = [*load.prefix_of({"nice": nice, "prefix": []}), sys.executable, "-c", SPIN, str(SPIN_S), str(GAP_NS)]
    status, out, said = processes.ask(command, cpus)
    if status != 0:
        raise Trouble(f"the program that reads the clock ended with status {status}: {said.strip()}")
    all_ns, count, taken_ns, longest_ns = map(int, out.split()[-4:])
    return {
        "above_us": GAP_NS / 1000,
        "seconds": all_ns / 1e9,
        "count": count,
        "share_of_time": taken_ns / all_ns,
        "longest_us": longest_ns / 1000,
    }


def gaps_here(bench, place):
    """None where the generator runs on other machines."""
    if place.kind == placement.ELSEWHERE:
        return None
    cpus = place.generator if place.kind == "apart" else bench.cpus
    return gaps_on(cpus, load.nice_of(bench.load_words["nice"], place.kind))


def measure(bench, place, folder):
    """What is stored, with units in the names. Raises Trouble where it cannot be had."""
    room = servers.Room(place.server, bench.cgroups)
    with servers.FloorServer(bench.build / "quartet-floor", folder, bench.spec.server, room) as server:
        capacity = grades.goodput(run_load(bench, place, server, None, folder, "closed"))
        if not capacity:
            raise Trouble("quartet-floor gave no good answer")
        rates = {share: max(1, round(share * capacity)) for share in SHARES}
        lags = [lag_at(share, rate, run_load(bench, place, server, rate, folder, f"open-{share:g}")) for share, rate in rates.items()]
    return {
        "placement": place.facts(),
        "connections": bench.spec.levels["open_connections"],
        "capacity_requests_per_s": capacity,
        "own_lag": lags,
        "clock_gaps": gaps_here(bench, place),
    }


def attempt(bench, place, there):
    """In a folder of its own: other machines may work on the same comparison."""
    try:
        return measure(bench, place, pathlib.Path(tempfile.mkdtemp(prefix="calibration-", dir=there.raw)))
    except (Trouble, OSError, KeyError, json.JSONDecodeError) as error:
        return {"missing": f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)}


def of_experiment(bench, place, there):
    """The stored calibration, or a new one, which is stored; or why there is none: an experiment goes on without it, and its
    report says so. Of several machines that share a comparison, the first to store one gives it to all."""
    known = there.calibration()
    if known is None:
        found = attempt(bench, place, there)
        known = there.calibration()
        if known is None:
            there.write_json(FILE, found)
    return known or found


def rate_most(known):
    """The highest rate that servers may be asked for in common, in requests/s, or None where it is not known."""
    return RATE_MOST * known["capacity_requests_per_s"] if known and "capacity_requests_per_s" in known else None


def gap_words(gaps):
    if gaps is None:
        return "The load came from other machines; how often and how long those stopped the generator's CPUs was not measured."
    longest = f", the longest {numbers.time_us(gaps['longest_us'])}" if gaps["count"] else ""
    return (
        f"A program that read the clock for {numbers.time_us(gaps['seconds'] * 1e6)} on its CPUs found {gaps['count']} gaps above "
        f"{gaps['above_us']:g} us, {numbers.share(gaps['share_of_time'])} of the time{longest}."
    )


def words(known):
    """What it found, as sentences; nothing where an older version of this program left the results."""
    if known is None:
        return []
    if "missing" in known:
        return [f"There is no calibration: {known['missing']}. Rates are not bounded by what the load generator can do."]
    most = numbers.count(round(rate_most(known)))
    lags = ", ".join(
        f"{numbers.time_us(lag['p50_us'])} (p50) and {numbers.time_us(lag['p99_us'])} (p99) at {lag['share']:g} G"
        for lag in known["own_lag"]
    )
    said = [
        f"Calibration: the load generator got {numbers.count(round(known['capacity_requests_per_s']))} requests/s from a bare epoll server (G), with "
        f"{known['connections']} connections. Rates that all servers share are at most {RATE_MOST:g} G, {most}/s.",
        f"By itself the generator was late by {lags}.",
    ]
    return [*said, gap_words(known["clock_gaps"])]
