"""A comparison in sentences, written from its numbers.

The text calls one result higher or lower than another only where their intervals do not overlap. Where they overlap,
it says so.
"""
from . import capacity, disturbance, load, metrics, numbers, stats
from .status import PARTS


def listing(names):
    """a, b and c."""
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def span(estimate, write):
    if estimate.count == 1:
        return write(estimate.median)
    return f"{write(estimate.median)} ({write(estimate.low)} to {write(estimate.high)})"


def ranked(entries, metric):
    return sorted(entries, key=lambda entry: entry[1].median * (-1 if metric.better == "more" else 1))


def like_best(order):
    """The names of those whose intervals overlap that of the first."""
    return [subject["name"] for subject, estimate in order[1:] if not stats.separate(order[0][1], estimate)]


def times_more(first, second, metric):
    """How many times as much, as words."""
    more, less = (first, second) if metric.better == "more" else (second, first)
    if less.median <= 0:
        return "far more"
    ratio = more.median / less.median
    return f"{ratio:.2f} times" if ratio < 9.95 else f"{ratio:.0f} times"


def not_apart(names, what):
    """Sentences about those whose intervals overlap."""
    return [f"{listing(names)} {'does' if len(names) == 1 else 'do'} not differ from {what} measurably: the intervals overlap."] if names else []


def best_and_worst(where, entries, key, best, worst):
    """The best, those not distinguishable from it, and how far the worst is behind. `best` and `worst` are the
    ends of sentences, with {name}, {value} and {ratio}."""
    metric = metrics.BY_KEY[key]
    single = [(subject, estimate) for subject, estimate in entries if estimate.count == 1]
    if len(single) == len(entries) > 1:
        parts = [f"{subject['name']} {metric.write(estimate.median)}" for subject, estimate in ranked(entries, metric)]
        listed = f"{where}{metric.title} was: {', '.join(parts)}"
        return [f"{listed}; from one run each, so differences cannot be distinguished from chance."]
    if single and len(entries) > 1:
        rest = best_and_worst(where, [entry for entry in entries if entry not in single], key, best, worst)
        alone = listing(f"{subject['name']} ({metric.write(estimate.median)})" for subject, estimate in single)
        return [*rest, f"Of {alone} only one run is valid, so it is not compared."]
    order = ranked(entries, metric)
    name, value = order[0][0]["name"], span(order[0][1], metric.write)
    if len(order) == 1:
        return [f"{where}only {name} has valid runs, so there is no comparison: {metric.title} {value}."]
    first = where + best.format(name=name, value=value)
    alike = like_best(order)
    if len(alike) == len(order) - 1:
        ends = " to ".join(
            f"{metric.write(estimate.median)} ({subject['name']})" for subject, estimate in (order[0], order[-1])
        )
        return [
            f"{where}no {metric.title} differs measurably from the best: medians from {ends}, with overlapping intervals."
        ]
    said = [first + "."]
    said += not_apart(alike, "it")
    last, estimate = order[-1]
    if last["name"] not in alike:
        said.append(
            worst.format(
                name=last["name"], value=span(estimate, metric.write), ratio=times_more(order[0][1], estimate, metric)
            )
            + "."
        )
        said += not_apart(like_best(order[::-1]), "that")
    return said


def level_words(level):
    """At the beginning of a sentence."""
    return f"With {level.label}, " if level.kind == "closed" else f"At {level.label}, "


def peak_words(summary, workload):
    """Throughput in the closed loop where it was largest for most."""
    level = max(
        summary.closed(workload),
        key=lambda one: sum(e.median for _, e in summary.estimates(workload, one, "rate")),
        default=None,
    )
    entries = summary.estimates(workload, level, "rate") if level else []
    if not entries:
        return []
    said = best_and_worst(
        level_words(level),
        entries,
        "rate",
        "{name} had the highest throughput, {value} requests/s",
        "{name} had the lowest, {value}; the highest is {ratio} that",
    )
    return said + meanwhile_words(summary, workload, level)


GENERATOR_FULL = 0.9  # of a CPU: what quartet-load calls its own limit


def outrun_words(summary, workload):
    """Closed loops that are INVALID because the load generator had no time left. It was the limit where the server had
    some; where the CPUs of the server were full too, no side alone was. The rates are lower bounds in both cases."""
    alone, both = [], []
    for subject in summary.subjects(workload):
        outrun = [
            record
            for level in summary.closed(workload)
            for record in summary.all(workload, level, subject)
            if record["outcome"] == "invalid" and record["metrics"]["generator_cpu"] > GENERATOR_FULL
        ]
        full = [record for record in outrun if capacity.taken_words(record)]
        for said, runs in ((both, full), (alone, [record for record in outrun if record not in full])):
            if runs:
                best = max(runs, key=lambda record: record["metrics"]["rate"])
                count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
                rate = f"with up to {numbers.amount(best['metrics']['rate'])} requests/s"
                taken = f" ({capacity.taken_words(best)})" if capacity.taken_words(best) else ""
                said.append(f"{subject['name']} in {count}, {rate}{taken}")
    return [
        f"{begin}: {'; '.join(said)}."
        for begin, said in (
            ("The CPU of the load generator was the limit, not the server", alone),
            ("The CPUs were full, so neither the load generator nor the server alone was the limit", both),
        )
        if said
    ]


def saturation_words(summary, workload):
    """Only where the rates were raised beyond what a subject sustained."""
    said = []
    for subject in summary.subjects(workload):
        kept, above, known = summary.saturation(workload, subject)
        if not kept or not above:
            continue
        first = f"{subject['name']} kept up with {numbers.amount(kept)}/s"
        if known:
            said.append(f"{first} and not with {numbers.amount(above)}/s")
        else:
            said.append(f"{first}, and has too few valid runs at {numbers.amount(above)}/s for a verdict")
    return [f"With rates raised step by step, {'; '.join(said)}."] if said else []


def latency_words(summary, workload):
    level = summary.featured(workload)
    if level is None or not level.is_open:
        return (
            ["No open loop has a valid run, so this report has no latency at a given rate."]
            if summary.common(workload) + summary.own(workload)
            else []
        )
    entries = summary.estimates(workload, level, "p99_us")
    rate = summary.rate_at(workload, level) if level.kind == "slowest" else None
    where = f"At {numbers.amount(rate)} requests/s ({level.label}), " if rate else level_words(level)
    said = best_and_worst(
        where,
        entries,
        "p99_us",
        "{name} had the lowest p99 from when a request was due, {value}",
        "{name} had the highest, {value}, {ratio} as long",
    )
    behind = []
    for subject in summary.subjects(workload):
        valid = summary.valid(workload, level, subject)
        count = sum(map(load.fell_behind, valid))
        behind += [f"{subject['name']} in {count} of its {len(valid)} valid runs"] if count else []
    said += [f"Requests queued, because the rate was higher than the server sustained: {listing(behind)}."] if behind else []
    return said + meanwhile_words(summary, workload, level)


def meanwhile_words(summary, workload, level):
    """Other use of the machine during the runs that stand for the level."""
    records = [record for subject in summary.subjects(workload) for record in summary.valid(workload, level, subject)]
    return disturbance.words(records, "Other use of the machine: ")


def waiting_words(summary, workload, level):
    """How much of a request's time is waiting, and where most of it lies."""
    shares = []
    for subject in summary.subjects(workload):
        record = summary.middle(workload, level, subject)
        if not record:
            continue
        parts = {part: record["status"]["intervals"][part]["mean"] or 0 for part in PARTS}
        total = sum(parts.values())
        if total > 0:
            waiting = (parts["socket.wait"] + parts["process.wait"] + parts["write.wait"]) / total
            shares.append((subject["name"], waiting, max(parts, key=parts.get)))
    shares.sort(key=lambda entry: -entry[1])
    some = [
        f"{name} {numbers.share(share)} (largest part: {part})" for name, share, part in shares if share >= 0.005
    ]
    none = [name for name, share, _ in shares if share < 0.005]
    return "; ".join(some + ([f"less than 0.5 % in {listing(none)}"] if none else []))


STAGE_WORDS = [
    "These shares of a request's mean time, from its arrival in the socket to its last byte sent, were waiting: in the "
    "socket, where a thread that runs all stages has its queue, and between stages.",
]


def stage_words(summary, workload):
    """At the level that stands for the workload, and where all connections are busy."""
    levels = dict.fromkeys(level for level in (summary.featured(workload), summary.busy_level(workload)) if level)
    listed = [(level, waiting_words(summary, workload, level)) for level in levels]
    said = [f"{level_words(level).removesuffix(', ')}: {words}." for level, words in listed if words]
    return [*STAGE_WORDS, *said] if said else []


def cost_words(summary, workload):
    level = summary.busy_level(workload) or summary.featured(workload)
    entries = summary.estimates(workload, level, "cpu_us") if level else []
    if len(entries) < 2:
        return []
    return best_and_worst(
        level_words(level),
        entries,
        "cpu_us",
        "{name} used the least CPU time for each request, {value}",
        "{name} used the most, {value}, {ratio} as much",
    )


def missing_words(summary, workload):
    """Cells that failed or were not run, so that a missing result is not read as a success."""
    said = []
    left = summary.left_out(workload)
    if left:
        said.append(f"{listing(s['name'] for s in left)} cannot run this workload: only Quartet has its handlers.")
    kinds = {}
    for record in summary.bad(workload):
        kinds.setdefault(record["outcome"], []).append(record["subject"]["name"])
    for outcome, names in sorted(kinds.items()):
        cells = listing(f"{names.count(name)} of {name}" for name in sorted(set(names)))
        many = "1 cell" if len(names) == 1 else f"{len(names)} cells"
        said.append(f"Not in the medians: {many} ({cells}) {REASONS[outcome]}.")
    return said


REASONS = {
    "invalid": "that the load generator reports as INVALID",
    "failed": "in which requests failed",
    "crashed": "in which the server or the load generator failed",
    "skipped": "for which no peak is known, so that their rate has no value",
}


PARAGRAPHS = [
    ("Throughput", lambda *of: peak_words(*of) + outrun_words(*of) + saturation_words(*of)),
    ("Latency", latency_words),
    ("Where the time goes", stage_words),
    ("Cost", cost_words),
    ("Left out", missing_words),
]


def of_workload(summary, workload):
    """[(heading, sentences)] of a workload; headings without sentences are left out."""
    made = [(heading, " ".join(write(summary, workload))) for heading, write in PARAGRAPHS]
    return [(heading, said) for heading, said in made if said] or [("Nothing", "No cell of this workload has been run.")]
