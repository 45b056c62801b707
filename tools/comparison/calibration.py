"""What this machine and its load generator can do, before anything is measured: about four seconds against the bare epoll
server of tools/floor.c, on the CPUs of the experiment.

The capacity G is the rate of a closed loop on that server, which costs less than any server that is compared: above it nobody
can tell a server from the generator. The generator's own lag at shares of G shows how exact open loops will be, and a
program that only reads the clock shows how often and how long the host stops the generator's CPU.
"""
import json
import os
import sys

from . import cells, grades, load, numbers, placement, processes, servers
from .trouble import Trouble

FILE = "calibration.json"
SHARES = [0.2, 0.4, 0.6]  # of G: open loops
RATE_MOST = 0.4  # of G: what the rates that all servers share may ask for
CONNECTIONS = 64
TIMES = (0.1, 0.6)  # seconds of warm-up and of each load
SPIN_S = 0.5
GAP_NS = 50_000  # two readings of the clock that lie further apart: the CPU was taken meanwhile

SPIN = """
import sys, time
end = last = time.perf_counter_ns()
end += int(float(sys.argv[1]) * 1e9)
gaps = []
while last < end:
    now = time.perf_counter_ns()
    if now - last > int(sys.argv[2]):
        gaps.append(now - last)
    last = now
print(len(gaps), sum(gaps), max(gaps, default=0))
"""

SUBJECT = {"kind": "floor", "name": "quartet-floor", "args": []}
WORKLOAD = {"name": "calibration", "targets": [[1, "/"]], "load_args": [], "server_args": []}


def cell_of(level):
    times = {"warmup": TIMES[0], "settle": 0.0, "duration": TIMES[1]}
    return cells.Cell("calibration", "calibrate", SUBJECT, WORKLOAD, level, 0, times)


def run_load(bench, place, server, rate, folder, name):
    """The generator's report of one load; a closed loop where the rate is None."""
    level = cells.Level("rate" if rate else "closed", rate or CONNECTIONS, CONNECTIONS)
    own = {"apart": place.generator, "shared": ()}.get(place.kind)
    words = {**bench.load_words, "cpus": own, "nice": load.nice_of(bench.load_words["nice"], place.kind)}
    options = load.words(cell_of(level), server.url, words, rate, bench.spec.seed, TIMES)
    return bench.driver(options, words, folder, name)


def lag_at(share, rate, report):
    """How late the generator was by itself."""
    lag = report["latency_ns"]["own_lag"]
    return {"share": share, "rate": rate} | {f"{key}_us": lag[key] / 1000 for key in ("mean", "p50", "p99")}


def gaps_on(cpus, nice):
    """Of a program that reads the clock for SPIN_S on these CPUs, with the generator's precedence."""
    command = [*load.prefix_of({"nice": nice, "prefix": []}), sys.executable, "-c", SPIN, str(SPIN_S), str(GAP_NS)]
    status, out, said = processes.ask(command, cpus)
    if status != 0:
        raise Trouble(f"the program that reads the clock ended with status {status}: {said.strip()}")
    count, total_ns, longest_ns = map(int, out.split()[-3:])
    return {
        "seconds": SPIN_S,
        "count": count,
        "share": total_ns / 1e9 / SPIN_S,
        "longest_us": longest_ns / 1000,
    }


def measure(bench, place, folder):
    """What is stored: capacity and rates in requests/s, lags in microseconds. Raises Trouble where it cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    room = servers.Room(place.server, bench.cgroups)
    with servers.FloorServer(bench.build / "quartet-floor", folder, bench.spec.server["address"], room) as server:
        capacity = grades.goodput(run_load(bench, place, server, None, folder, "closed"))
        lags = [
            lag_at(share, share * capacity, run_load(bench, place, server, share * capacity, folder, f"open-{share:g}"))
            for share in SHARES
        ]
    spins_on = place.generator if place.kind == "apart" else None
    here = None if place.kind == placement.ELSEWHERE else gaps_on(spins_on or os.sched_getaffinity(0), load.nice_of(None, place.kind))
    return {"capacity": capacity, "connections": CONNECTIONS, "own_lag": lags, "clock_gaps": here}


def of_experiment(bench, place, there):
    """The stored calibration, or a new one, which is stored; or why there is none: an experiment goes on without it, and its
    report says so."""
    known = there.read_json(FILE)
    if known is None:
        try:
            known = measure(bench, place, there.raw / "calibration")
        except (Trouble, OSError, KeyError, json.JSONDecodeError) as error:
            known = {"missing": f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)}
        there.write_json(FILE, known)
    return known


def rate_most(known):
    """The highest rate that servers may be asked for in common, or None where it is not known."""
    return RATE_MOST * known["capacity"] if known and "capacity" in known else None


def words(known):
    """What it found, as sentences; nothing where an older version of this program left the results."""
    if known is None:
        return []
    if "missing" in known:
        return [f"There is no calibration: {known['missing']}. Rates are not bounded by what the load generator can do."]
    most = numbers.count(round(rate_most(known)))
    lags = ", ".join(
        f"at {lag['share']:g} G {numbers.time_us(lag['p50_us'])} (p50) and {numbers.time_us(lag['p99_us'])} (p99)"
        for lag in known["own_lag"]
    )
    said = [
        f"Calibration: the load generator got {numbers.count(round(known['capacity']))} requests/s from a bare epoll server (G), with "
        f"{known['connections']} connections. Rates that all servers share are at most {RATE_MOST:g} G, {most}/s.",
        f"By itself the generator was late by {lags}.",
    ]
    gaps = known["clock_gaps"]
    if gaps:
        longest = f", the longest {numbers.time_us(gaps['longest_us'])}" if gaps["count"] else ""
        said.append(
            f"A program that read the clock for {numbers.write_time(gaps['seconds'])} on its CPUs found {gaps['count']} gaps above "
            f"{GAP_NS // 1000} us, {numbers.share(gaps['share'])} of the time{longest}."
        )
    return said
