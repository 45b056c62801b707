"""One cell: a new server, a warm-up, and a run of load between two snapshots of the server.

The snapshots are taken just before the load generator starts and just after it ends, when nothing is in flight, and figures
for each request are divided by all requests in between (the generator's own short warm-up included), so the two agree
exactly. Requests/s and latencies are those of the generator's window.
"""
import contextlib
import dataclasses
import json
import math
import os
import time

from . import capacity, clock_gaps, disturbance, grades, load, measure, placement, processes, servers, status, steadiness, syscalls
from .trouble import Trouble

CLIENT_LOG = "load.log"  # of a traced cell: a line for each request, as the load generator saw it
SETTLE_S = 0.05  # until the kernel has closed the generator's connections


@dataclasses.dataclass
class Bench:
    """What all cells of a comparison share."""

    spec: object
    build: object  # folder of the programs
    root: object  # folder of the files served
    driver: object  # runs the load generator: here, or on other machines
    load_words: dict  # how it is started
    places: dict  # workload's name -> Placement
    cpus: list  # all that the comparison may use
    cgroups: object  # the folder for those of the servers, or None
    environment: dict  # of this machine, into each record: the cells of one comparison may run on several
    threads: dict  # (model's name, workload's name) -> handler_threads.Threads


def seed_of(bench, cell):
    """The same arrivals for all subjects in one repetition, others in the next."""
    return bench.spec.seed * 1000 + cell.repetition


def drive(bench, cell, url, rate, folder, name, times):
    seed = seed_of(bench, cell) + (500_000 if name == "warmup" else 0)
    place = bench.places[cell.workload["name"]]
    own = {"apart": place.generator, "shared": ()}.get(place.kind)
    load_words = {**bench.load_words, "cpus": own, "nice": load.nice_of(bench.load_words["nice"], place.kind)}
    options = load.words(cell, url, load_words, rate, seed, times)
    if cell.purpose == "trace" and name == "load" and place.kind != placement.ELSEWHERE:  # clocks of others differ
        options = ["--log", str(folder / CLIENT_LOG), *options]
    return bench.driver(options, load_words, folder, name)


def warm_up(bench, cell, url, rate, folder):
    if cell.times["warmup"] > 0:
        drive(bench, cell, url, rate, folder, "warmup", (0, cell.times["warmup"]))


def snapshot(server, cell):
    """Kernel's and server's own figures at this moment."""
    own = status.ask(server.url) if cell.subject["kind"] == "quartet" else None
    return own, server.usage()


def figures(report, before, after, window):
    """The metrics of a cell, by name."""
    cpu_s, voluntary, involuntary = measure.between(before, after)
    answered = report["run"]["answered"]
    each = {"cpu_us": cpu_s * 1e6, "voluntary": voluntary, "involuntary": involuntary}
    found = {
        "rate": grades.goodput(report),
        **load.latency_us(report),
        **load.lag_us(report),
        "error_share": grades.lost(report),
        "shed_share": grades.shed(report),
        **{name: value / answered if answered else None for name, value in each.items()},
        "generator_cpu": report["generator"]["cpu_share"],
        "generator_taken": load.cpus_taken(report),
        "generator_waited": report["generator"]["runqueue_ns"] / 1e9 / report["window"]["seconds"],
    }
    found["capacity"] = 1e6 / found["cpu_us"] if found["cpu_us"] else None
    if window:
        found["wakeups"] = sum(queue["rung"] for queue in window["queues"]) / answered if answered else None
        for part in (*status.PARTS, "total", "sojourn"):
            found[f"stage_{part}_us"] = window["intervals"][part]["mean"]
            found[f"stage_{part}_p99_us"] = window["intervals"][part]["p99"]
    return found


def measured_run(bench, cell, server, rate, folder):
    """Load between two snapshots."""
    warm_up(bench, cell, server.url, rate, folder)
    time.sleep(SETTLE_S)
    server.check_alive()
    counts_before = clock_gaps.snapshot()
    others_before = disturbance.snapshot(bench.cpus)
    own_before, usage_before = snapshot(server, cell)
    counting = syscalls.counter(server.process.pid, folder) if cell.purpose == "syscalls" else contextlib.nullcontext()
    with counting as counted:
        report = drive(bench, cell, server.url, rate, folder, "load", (cell.times["settle"], cell.times["duration"]))
    server.check_alive()
    usage_after = server.usage()
    counts_after = clock_gaps.snapshot()
    others_after = disturbance.snapshot(bench.cpus)
    time.sleep(SETTLE_S)
    own_after = status.ask(server.url) if own_before else None
    window = status.window(own_after, own_before)
    found = figures(report, usage_before, usage_after, window)
    found |= disturbance.between(others_before, others_after, os.cpu_count(), len(bench.cpus))
    found["clock_gaps"] = clock_gaps.share(counts_before, counts_after, bench.cpus)
    found["pss_kib"], found["rss_kib"], found["threads"] = measure.memory(server.process.pid)
    if usage_after.waited_s is not None:
        found["cpu_pressure"] = (usage_after.waited_s - usage_before.waited_s) / (others_after.at - others_before.at)
    found["memory_peak_kib"] = server.group.peak_kib() if server.group else None
    result = {
        "metrics": found,
        "status": window,
        "config": own_after and own_after.get("config"),
        "build": own_after and own_after.get("build"),
        "command": server.command,
        "cgroup": server.group is not None,
    }
    if counted is not None:
        result["syscalls"] = counted.by_name()
        answered = report["run"]["answered"]
        found["syscalls"] = counted.total() / answered if answered and counted.total() else None
    return result, report


def judge(report):
    """(outcome, why) of what the load generator says of its own run. Nothing is left out because of what it measured."""
    wrong = grades.wrong(report)
    if wrong:
        return "failed", f"wrong answers: {wrong}"
    cannot = grades.invalid(report)
    return ("invalid", "; ".join(cannot)) if cannot else ("ok", "")


def graded(report, log, taken=""):
    """What the figures of a run are worth, for its record. An open bound is null there. `taken`: what took the CPUs, where
    they were full, which is why the generator was the limit."""
    grade = grades.grade(report)
    bounds = {key: [low, high if math.isfinite(high) else None] for key, (low, high) in grade.bounds.items()}
    return {
        "grade": grade.name,
        "grade_why": [*([f"the CPUs were full: {taken}"] if taken and grade.full else []), *grade.why],
        "bounds": bounds,
        "generator_full": grade.full,
        "unsteady": steadiness.notes(log),
    }


def load_figures(report):
    """Of the generator's report, what the comparison needs again; the whole lies beside it."""
    return {
        "loop": report["loop"],
        "asked": report["rate"]["asked"],
        "due": report["rate"]["due"],
        "answered": grades.goodput(report),
        "seconds": report["window"]["seconds"],
        "dropped": report["requests"]["dropped"],
        "notes": report.get("notes", []),
        "nice": report["generator"]["nice"],
        "policy": report["generator"]["policy"],
        "statuses": report["run"]["statuses"],
        "classes": load.classes_us(report),
    }


def ledger_figures(said):
    """Of the trace joined with the load generator's log: the share of all latency that has no place, and the mean of each
    part. None where there is no such log."""
    ledger = said.get("ledger")
    if not ledger:
        return None
    return {
        "requests": ledger["requests"],
        "unaccounted_share": ledger["unaccounted_share"],
        "latency_mean_us": ledger["latency_mean_ns"] / 1000,
        "parts_us": {part["name"]: part["mean_ns"] / 1000 for part in ledger["parts"]},
    }


def read_trace(bench, folder):
    """What quartet-trace says of a trace: the text for people, verdict and ledger for the report."""
    tool, trace, log = str(bench.build / "quartet-trace"), str(folder / "server.trace"), folder / CLIENT_LOG
    join = ["--client-log", str(log)] if log.is_file() else []
    for words, name in (([], "trace.txt"), (["--json"], "trace.json")):
        with open(folder / name, "wb") as out, open(folder / "trace.log", "ab") as err:
            if processes.start([tool, *words, *join, trace], out, err).wait() != 0:
                raise Trouble(f"quartet-trace cannot read {trace}: {processes.said(folder / 'trace.log')}")
    said = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    return {
        "verdict": (said.get("verdict") or {}).get("text", ""),
        "lost": said["summary"]["records_lost"],
        "bytes": (folder / "server.trace").stat().st_size,
        "ledger": ledger_figures(said),
    }


def attempt(bench, cell, rate, folder):
    trace = ["--trace", str(folder / "server.trace")] if cell.purpose == "trace" else []
    ours = bench.threads.get((cell.subject["name"], cell.workload["name"]))
    more = [*(ours.words if ours else ()), *trace]
    words = {**bench.spec.server, "args": bench.spec.server["args"] + cell.workload["server_args"]}
    room = servers.Room(bench.places[cell.workload["name"]].server, bench.cgroups)
    with servers.server_of(cell.subject, bench.build, bench.root, folder, words, room, more) as server:
        result, report = measured_run(bench, cell, server, rate, folder)
    if cell.purpose == "trace":
        result["trace"] = read_trace(bench, folder)
    outcome, why = judge(report)
    if outcome == "ok":
        taken = capacity.taken_words({**result, "placement": bench.places[cell.workload["name"]].facts()})
        result |= graded(report, (folder / "load.hlog").read_text(encoding="utf-8"), taken)
    return {**result, "outcome": outcome, "why": why, "load": load_figures(report)}


def run(bench, cell, rate, folder):
    """The record of one cell, whatever became of it."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.time()
    try:
        result = attempt(bench, cell, rate, folder)
    except (Trouble, OSError, json.JSONDecodeError, KeyError) as error:
        result = {
            "metrics": {},
            "outcome": "crashed",
            "why": f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error),
        }
    return {
        "id": cell.id,
        "purpose": cell.purpose,
        "subject": cell.subject,
        "workload": cell.workload["name"],
        "level": dataclasses.asdict(cell.level),
        "repetition": cell.repetition,
        "times": cell.times,
        "rate_asked": rate,
        "started": begun,
        "seconds": time.time() - begun,
        "environment": bench.environment,
        "placement": bench.places[cell.workload["name"]].facts(),
        **result,
    }
