"""A comparison in sentences, written from its numbers.

Every comparison is one of comparisons.py: against the reference, with its interval, and decided for the report as a whole.
"""
from . import cells, comparisons, disturbance, grades, load, metrics, numbers
from .status import PARTS


def listing(names):
    """a, b and c."""
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def span(estimate, write):
    if estimate.count == 1:
        return estimate.text(write)
    return f"{estimate.text(write)} ({write(estimate.low)} to {write(estimate.high)})"


def ranked(entries, metric):
    return sorted(entries, key=lambda entry: entry[1].median * (-1 if metric.better == "more" else 1))


def headline(summary, workload, level, key, where, what):
    """Sentences about one figure at one level: the reference's, and each other one against it, the best first."""
    metric = metrics.BY_KEY[key]
    order = ranked(summary.estimates(workload, level, key), metric)
    if not order:
        return []
    if len(order) == 1:
        name, value = order[0][0]["name"], span(order[0][1], metric.write)
        return [f"{where}only {name} has graded runs, so there is no comparison: {what} {value}."]
    decided = {
        one.subject: comparisons.words(one)
        for one in summary.comparisons
        if (one.workload, one.level, one.key) == (workload["name"], level, key)
    }
    reference = next((e for subject, e in order if subject["name"] == summary.spec.reference), None)
    if reference is None or not decided:
        listed = ", ".join(f"{subject['name']} {span(e, metric.write)}" for subject, e in order)
        return [f"{where}{what}: {listed}. {summary.spec.reference}, the reference, has none, so nothing is compared."]
    parts = [
        f"{subject['name']} ({estimate.text(metric.write)}) {decided[subject['name']]}"
        for subject, estimate in order
        if subject["name"] in decided
    ]
    first = f"{where}{what} of {summary.spec.reference}, the reference: {span(reference, metric.write)}."
    return [first, f"Against it: {'; '.join(parts)}."]


def level_words(level):
    """At the beginning of a sentence."""
    return f"With {level.label}, " if level.kind == "closed" else f"At {level.label}, "


def peak_words(summary, workload):
    """Throughput in the closed loop with most connections."""
    level = summary.busy_level(workload)
    said = headline(summary, workload, level, "rate", level_words(level), "requests/s") if level else []
    return said + meanwhile_words(summary, workload, level) if said else []


def valid_runs(summary, workload, subject):
    """Those of all levels."""
    return [record for level in summary.levels for record in summary.valid(workload, level, subject)]


GRADE_WORDS = (
    (grades.CENSORED, "Bounds only (censored)"),
    (grades.BRACKETED, "Known between two bounds (bracketed)"),
)


def grade_words(summary, workload):
    """Runs whose figures are bounds, with the reasons, at all levels."""
    said = []
    for name, what in GRADE_WORDS:
        parts = []
        for subject in summary.subjects(workload):
            runs = [record for record in valid_runs(summary, workload, subject) if record.get("grade") == name]
            if runs:
                count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
                parts.append(f"{count} of {subject['name']}, such as: {', '.join(runs[0]['grade_why'])}")
        if parts:
            said.append(f"{what}: {'; '.join(parts)}.")
    return said


def disturbed_words(summary, workload):
    """What a grade does not say: other programs, or a hypervisor, took CPU time."""
    found = {block: why for block, why in summary.disturbed.items() if block[0] == workload["name"]}
    if not found:
        return []
    (_, key, repetition), why = next(iter(found.items()))
    level = next(level for level in summary.levels if level.key == key)
    blocks = sum(block[0] == workload["name"] for block in summary.blocks)
    return [
        f"Disturbed from outside: {len(found)} of {blocks} blocks, such as {level.label}, repetition {repetition}: {'; '.join(why)}. A "
        "grade says what the load generator added; what other programs took from a server is in no grade, so a disturbed run may "
        "be spoiled though it is clean."
    ]


SHED_WORTH_SAYING = 0.001  # of the answers


def shed_words(summary, workload):
    """Subjects that refused requests: then requests/s are the good answers."""
    said = []
    for subject in summary.subjects(workload):
        for level in summary.levels:
            refused = summary.estimate(workload, level, subject, "shed_share")
            if refused and refused.median > SHED_WORTH_SAYING:
                good = summary.estimate(workload, level, subject, "rate")
                said.append(
                    f"{subject['name']} {numbers.share(refused.median)} ({level.label}; {good.text(numbers.amount)} good answers/s)"
                )
    return [f"Requests answered 503, which are in no requests/s: {'; '.join(said)}."] if said else []


def unsteady_words(summary, workload):
    """Runs whose second half differs from the first."""
    runs = [record for subject in summary.subjects(workload) for record in valid_runs(summary, workload, subject)]
    noted = [record for record in runs if record.get("unsteady")]
    if not noted:
        return []
    first = noted[0]
    which = f"{first['subject']['name']}, {cells.Level(**first['level']).label}, repetition {first['repetition']}"
    return [
        f"In {len(noted)} of {len(runs)} runs the second half of the window differs from the first, such as {which}: "
        f"{' and '.join(first['unsteady'])}."
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
            said.append(f"{first}, and has too few graded runs at {numbers.amount(above)}/s for a verdict")
    return [f"Highest loads: {'; '.join(said)}."] if said else []


def latency_words(summary, workload):
    level = summary.featured(workload)
    if level is None or not level.is_open:
        return (
            ["No open loop has a graded run, so this report has no latency at a given rate."]
            if summary.common(workload) + summary.own(workload)
            else []
        )
    key = comparisons.latency_key(summary, workload, level)
    rate = summary.rate_at(workload, level) if level.kind == "slowest" else None
    where = f"At {numbers.amount(rate)} requests/s ({level.label}), " if rate else level_words(level)
    said = headline(summary, workload, level, key, where, f"{metrics.BY_KEY[key].title} from when a request was due")
    behind = []
    for subject in summary.subjects(workload):
        valid = summary.valid(workload, level, subject)
        count = sum(map(load.server_fell_behind, valid))
        behind += [f"{subject['name']} in {count} of its {len(valid)} runs"] if count else []
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
    if not level or len(summary.estimates(workload, level, "cpu_us")) < 2:
        return []
    said = headline(summary, workload, level, "cpu_us", level_words(level), "CPU time per request")
    order = ranked(summary.estimates(workload, level, "capacity"), metrics.BY_KEY["capacity"])
    listed = ", ".join(f"{subject['name']} {estimate.text(numbers.amount)}" for subject, estimate in order)
    return said + [f"One divided by it is what one CPU could serve at that cost, in requests/s: {listed}. Under more load a request may cost less."]


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
        whose = listing(f"{names.count(name)} of {name}" for name in sorted(set(names)))
        many = "1 cell" if len(names) == 1 else f"{len(names)} cells"
        said.append(f"Not in the medians: {many} ({whose}) {REASONS[outcome]}.")
    return said


REASONS = {
    "invalid": "for which the load generator cannot vouch (INVALID)",
    "failed": "with wrong answers (INVALID)",
    "crashed": "in which the server or the load generator failed",
    "skipped": "whose share of a peak is no rate: no peak is known, or it is below one request a second",
}


PARAGRAPHS = [
    ("Throughput", lambda *of: peak_words(*of) + shed_words(*of) + saturation_words(*of)),
    ("Latency", latency_words),
    ("Where the time goes", stage_words),
    ("Cost", cost_words),
    ("How far to trust it", lambda *of: grade_words(*of) + disturbed_words(*of) + unsteady_words(*of)),
    ("Left out", missing_words),
]


def of_workload(summary, workload):
    """[(heading, sentences)] of a workload; headings without sentences are left out."""
    made = [(heading, " ".join(write(summary, workload))) for heading, write in PARAGRAPHS]
    return [(heading, said) for heading, said in made if said] or [("Nothing", "No cell of this workload has been run.")]
