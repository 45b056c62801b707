"""The tables that stand in every kind of report, as rows of texts."""
import shlex

from . import calibration, cells, grades, load, metrics, numbers, placement, runner, stats
from .figures import written

CALLS_TITLE = "System calls, counted in a separate pass"
TRACES_TITLE = "Trace of a separate pass, and what limits the server"
LEDGERS_TITLE = "Where all of a request's time goes in that trace, from due to the last byte (mean)"
SUMMARY_KEYS = ["rate", "p50_us", "p99_us", "cpu_us", "capacity", "pss_kib"]


def subjects(spec, facts):
    """The subjects of the comparison."""
    threads = facts.get("handler_threads") or {}
    rows = [["name", "is", "started with", "handler threads"]]
    for subject in spec.subjects:
        kind = "quartet" if subject["kind"] == "quartet" else subject["kind"]
        rows.append([subject["name"], kind, shlex.join(subject["args"]) or f"tools/peers/{subject['kind']}.conf", threads.get(subject["name"], "its own")])
    return rows


def overview(summary, workload):
    """One line for each subject at the busy closed level and at the featured open one; where there is neither, at the
    last level, so that a reader sees that none of its runs has a grade."""
    levels = [level for level in (summary.busy_level(workload), summary.featured(workload)) if level] or summary.levels_for(workload)[-1:]
    rows = [["model", "load", "graded", *(metrics.BY_KEY[key].title for key in SUMMARY_KEYS), "grades"]]
    for level in dict.fromkeys(levels):
        for subject in summary.subjects(workload):
            found = [summary.estimate(workload, level, subject, key) for key in SUMMARY_KEYS]
            valid = len(summary.valid(workload, level, subject))
            counted = f"{valid} of {len(summary.all(workload, level, subject))}"
            shown = [written(found[0], metrics.BY_KEY["rate"], valid)]
            shown += [
                e.text(metrics.BY_KEY[key].write) if e else numbers.NONE
                for e, key in zip(found[1:], SUMMARY_KEYS[1:])
            ]
            rows.append([subject["name"], level.label, counted, *shown, summary.grade_words(workload, level, subject)])
    return rows


def class_estimate(records, target, key):
    """Over the repetitions of one figure of one class, or None."""
    classes = [{one["target"]: one for one in record["load"].get("classes", [])} for record in records]
    return stats.estimate([found[target][key] if target in found else None for found in classes])


def by_class(summary, workload):
    """The latency of each class of requests of a mix at the featured level, or None where the workload has one class."""
    level = summary.featured(workload)
    targets = [path for _, path in workload["targets"]]
    if level is None or not 1 < len(targets) <= load.CLASSES_MOST:
        return None
    titles = [f"{target}, {key}" for target in targets for key in ("p50", "p99")]
    rows = [["model", *titles]]
    for subject in summary.subjects(workload):
        records = [record for record in summary.valid(workload, level, subject) if record.get("load")]
        found = [class_estimate(records, target, key) for target in targets for key in ("p50", "p99")]
        rows.append([subject["name"], *(one.text(numbers.time_us) if one else numbers.NONE for one in found)])
    return rows


def class_note(summary, workload):
    """Why a class of a mix has a dash where others have a percentile; nothing where none has."""
    level, most = summary.featured(workload), {}
    for subject in summary.subjects(workload):
        for record in summary.valid(workload, level, subject):
            for one in record["load"].get("classes", []):
                if one["p99"] is None:
                    most[one["target"]] = max(one["count"], most.get(one["target"], 0))
    listed = ", ".join(f"{target} had {count:,} at most" for target, count in most.items())
    return f"-: a p99 needs 1,000 requests of its class in one run; {listed}." if most else ""


def calls(summary, workload):
    """System calls per request from their separate pass, or None where there was none."""
    rows = [["model", "system calls per request", "most of them"]]
    for subject in summary.subjects(workload):
        record = summary.passed("syscalls", workload, subject)
        if record and record.get("syscalls") and record["metrics"].get("syscalls"):
            total = sum(record["syscalls"].values())
            each = record["metrics"].get("syscalls")
            most = ", ".join(
                f"{name} {numbers.digits3(number / total * each)}"
                for name, number in list(record["syscalls"].items())[:5]
            )
            rows.append([subject["name"], numbers.amount(each), most])
    return rows if len(rows) > 1 else None


def traces(summary, workload):
    """What the traces of a workload say limits each model, or None where there are none."""
    rows = [["model", "trace", "lost", "verdict"]]
    for subject in summary.subjects(workload):
        record = summary.passed("trace", workload, subject)
        if record and record.get("trace"):
            found = record["trace"]
            rows.append(
                [
                    subject["name"],
                    f"raw/{record['id']}/server.trace ({numbers.size_kib(found['bytes'] / 1024)})",
                    numbers.count(found["lost"]),
                    found["verdict"] + ("" if record["outcome"] == "ok" else f" (This run is {grades.called(record['outcome'])}.)"),
                ]
            )
    return rows if len(rows) > 1 else None


def ledgers(summary, workload):
    """The mean of each part of a request's latency in the traces of a workload, or None where no trace was joined with the
    load generator's log."""
    found = [(subject["name"], summary.ledger(workload, subject)) for subject in summary.subjects(workload)]
    found = [(name, ledger) for name, ledger in found if ledger and ledger["requests"]]
    if not found:
        return None
    parts = list(found[0][1]["parts_us"])
    return [["model", *parts, "unaccounted", "latency, mean"]] + [
        [
            name,
            *(numbers.time_us(ledger["parts_us"].get(part)) for part in parts),
            numbers.share(ledger["unaccounted_share"]),
            numbers.time_us(ledger["latency_mean_us"]),
        ]
        for name, ledger in found
    ]


BELOW_0 = (
    "A mean below 0 is no error: each part is the difference of two times, taken by two programs. way.out begins when the server's "
    "send() has returned; the client can have the last byte before that. way.in can be below 0 by the error of converting "
    "the kernel's clock. The parts add up to the latency all the same."
)


def ledger_note(summary, workload):
    """Where a part is below 0, why."""
    found = [summary.ledger(workload, subject) for subject in summary.subjects(workload)]
    return BELOW_0 if any(mean < 0 for ledger in found if ledger for mean in ledger["parts_us"].values()) else ""


def passes(summary, workload):
    """[(title, rows, note)] of what separate passes found."""
    made = (
        (CALLS_TITLE, calls(summary, workload), ""),
        (TRACES_TITLE, traces(summary, workload), ""),
        (LEDGERS_TITLE, ledgers(summary, workload), ledger_note(summary, workload)),
    )
    return [(placement.titled(title, summary.placement(workload)), rows, note) for title, rows, note in made if rows]


def wrong(summary):
    """Every cell that is in no median, with its reason."""
    rows = [["cell", "outcome", "model", "workload", "load", "why"]]
    for record in summary.bad():
        level = cells.Level(**record["level"])
        rows.append(
            [
                record["id"],
                grades.called(record["outcome"]),
                record["subject"]["name"],
                record["workload"],
                f"{level.label}, repetition {record['repetition']}",
                record["why"],
            ]
        )
    return rows


def environment(facts):
    """Keys and values, nested ones flattened."""
    rows = [["what", "value"]]
    for key, value in facts.items():
        if isinstance(value, dict):
            rows += [[f"{key}.{name}", str(inner)] for name, inner in value.items()]
        else:
            rows.append([key, str(value)])
    return rows


WHY_NICE = {
    "shared": "so that it gets a CPU soon when a request is due; the scheduler counts its CPU time like that of any program, "
    "and moves the server's threads to a free CPU",
    "apart": "so that other programs on its CPUs do not delay it",
}


def precedence(records, kind):
    """The priority of the load generator, as sentences. The values come from its own reports; they may differ from
    what the spec asked for."""
    seen = {}
    for record in records:
        if record.get("load"):
            how = record["load"]["policy"], record["load"]["nice"]
            seen[how] = seen.get(how, 0) + 1
    if len(seen) > 1:
        listed = "; ".join(f"{policy}, nice {nice}, in {count}" for (policy, nice), count in sorted(seen.items()))
        return [f"Its scheduling was not the same in all cells: {listed}."]
    return [
        f"It ran with a nice value of {nice}, {WHY_NICE[kind]}."
        if policy == "other" and nice < 0 and kind in WHY_NICE
        else f"Its scheduling policy was {policy}, its nice value {nice}."
        for policy, nice in seen
    ]


def placed(facts):
    """Where the CPUs of both sides lay, as a sentence."""
    if facts.get("placement") != "apart":
        return []
    pairs = {}
    for name, server in facts["server_cpus"].items():
        pairs.setdefault((server, facts["generator_cpus"][name]), []).append(name)
    listed = [
        f"the servers had CPU {server}, the load generator CPU {generator}" + (f" ({', '.join(names)})" if len(pairs) > 1 else "")
        for (server, generator), names in pairs.items()
    ]
    return [f"CPUs by their numbers: {'; '.join(listed)}. The load generator did not sleep (--spin)."]


def cpu_time_words(summary):
    """Where the CPU time comes from."""
    ran = [record["cgroup"] for record in summary.records if "cgroup" in record]
    if not any(ran):
        return "all from /proc"
    where = "" if all(ran) else f" in {sum(ran)} of {len(ran)} cells"
    return f"the CPU time comes from a cgroup of the server's own{where}, the rest from /proc"


def not_run(count, one, many, why):
    """Planned cells that were not run, as sentences."""
    return [f"{count} more planned {one if count == 1 else many} not run, {why}."] if count else []


def lowered(summary):
    """Of the rates that are lower than the share that was asked for, as a sentence; and of those that the user chose above it."""
    most = calibration.rate_most(summary.calibration)
    if most is None:
        return []
    asked = {"slowest": set(), "rate": set()}
    peaks = runner.peaks_of(summary.spec, summary.records)
    for record in summary.records:
        kind, rate = record["level"]["kind"], record["rate_asked"]
        if rate and kind in asked and (rate >= most * (1 - 1e-9) if kind == "slowest" else rate > most):
            found = peaks.get(record["workload"], {}) if kind == "slowest" else {}
            instead = f" (instead of {numbers.count(round(record['level']['value'] * min(found.values())))}/s)" if found else ""
            asked[kind].add(f"{record['workload']}, {cells.Level(**record['level']).label}{instead}")
    said = []
    if asked["slowest"]:
        said.append(f"Lowered to {numbers.count(round(most))}/s, {calibration.RATE_MOST:g} G: {'; '.join(sorted(asked['slowest']))}.")
    if asked["rate"]:
        said.append(f"Above {calibration.RATE_MOST:g} G, where the generator itself may be late: {'; '.join(sorted(asked['rate']))}.")
    return said


def method(summary, facts):
    """How it was measured, as sentences."""
    spec = summary.spec
    skipped = sum(record["outcome"] == "skipped" for record in summary.records)
    said = [
        f"{len(summary.records) - skipped} cells, each with a new server, in random order (seed {spec.seed}), "
        f"{spec.repetitions} repetitions. The servers of one workload, level and repetition run one after the other: a block.",
        *not_run(
            summary.spared,
            "step of a climb was",
            "steps of climbs were",
            "because the searches for the highest load did not need them",
        ),
        *not_run(skipped, "cell was", "cells were", "because their share of a peak is no rate: no peak is known, or it is below one request a second"),
        *not_run(summary.missing, "cell was", "cells were", "or not yet"),
        f"Each cell: {numbers.write_time(spec.warmup)} of warm-up, then {numbers.write_time(spec.duration)} measured "
        f"after {numbers.write_time(spec.settle)} "
        "of the same load to settle.",
        "Load comes from quartet-load. A run is clean where the generator's lag is at most 5 % of the mean latency and 10 % of "
        "the percentile, bracketed up to 25 % (the interval then runs from the latency from send to the one from due), "
        "censored beyond or where the generator was full: at least (\u2265) or at most (\u2264) the figure. A run is "
        "INVALID where answers were wrong or the generator cannot vouch for it at all: such a run is in no median. Nothing else is "
        "left out because of what it measured.",
    ]
    said += calibration.words(summary.calibration)
    said += lowered(summary)
    said += precedence(summary.records, facts.get("placement"))
    said += placed(facts)
    said.append(
        "Latency of an open loop runs from when a request was due (Poisson arrivals, the same for all in one "
        "repetition), of a closed loop from when it was sent."
    )
    said.append(
        "CPU time, context switches and memory are the kernel's, of the server and its children, "
        f"divided by all requests between two snapshots; {cpu_time_words(summary)}. "
        "Stage times, queues and threads are Quartet's own, the difference of two snapshots of "
        "/server-status?json around the run; they need no trace."
    )
    return said
