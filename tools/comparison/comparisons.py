"""The headlines of a comparison: each server against the reference, in throughput, latency and CPU time.

Which comparisons there are follows from the spec and not from the results: in each workload the closed loop with most
connections, the level that stands for the open loops, and three figures. All of a report are one family (pairs.holm).
"""
import csv
import dataclasses
import io
import math

from . import metrics, pairs

LATENCIES = ("p99_us", "p90_us", "p50_us", "mean_us")  # the first for which there are enough requests
WORDS = {"cpu_us": ("cheaper", "dearer")}  # better, worse
USUAL_WORDS = ("faster", "slower")
WHAT = ["workload", "load", "figure", "model", "reference"]
COLUMNS = [*WHAT, "pairs", "ratio", "low", "high", "p", "p_holm", "decision", "words"]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One subject against the reference, in one figure at one level."""

    workload: str
    level: object
    key: str
    subject: str
    reference: str
    ratio: object  # pairs.Ratio, or None
    margin: float

    @property
    def decision(self):
        return pairs.decide(self.ratio, self.margin)


def latency_key(summary, workload, level):
    """The highest percentile that the reference and another subject have, else the mean."""
    for key in LATENCIES:
        names = [subject["name"] for subject, _ in summary.estimates(workload, level, key)]
        if summary.spec.reference in names and len(names) > 1:
            return key
    return LATENCIES[0]


def headlines(summary, workload):
    """[(level, metric)] of a workload's headlines."""
    busy, featured = summary.busy_level(workload), summary.featured(workload)
    found = [(busy, "rate")] if busy else []
    if featured and featured.is_open:
        found.append((featured, latency_key(summary, workload, featured)))
    return found + ([(busy or featured, "cpu_us")] if busy or featured else [])


def reference_of(summary, workload):
    """The subject, or None where it cannot run the workload."""
    return next((one for one in summary.subjects(workload) if one["name"] == summary.spec.reference), None)


def family(summary):
    """All comparisons of a report, corrected for each other."""
    found = []
    for workload in summary.spec.workloads:
        reference = reference_of(summary, workload)
        for level, key in headlines(summary, workload) if reference else []:
            found += [
                Comparison(
                    workload["name"], level, key, subject["name"], reference["name"],
                    pairs.ratio(summary.pairs(workload, level, subject, reference, key)), summary.spec.margin,
                )
                for subject in summary.subjects(workload)
                if subject is not reference
            ]
    corrected = pairs.holm([one.ratio for one in found])
    return [dataclasses.replace(one, ratio=ratio) for one, ratio in zip(found, corrected)]


def percent(value):
    """Of a change, with the digits that count."""
    size = abs(100 * value)
    return f"{size:,.0f}" if size >= 9.95 else f"{size:.1f}"


def signed(ratio):
    """A ratio as a change in percent; of no bound no number."""
    if not 0 < ratio < math.inf:
        return "no bound"
    size = percent(ratio - 1)
    return "0 %" if size == "0.0" else f"{'-' if ratio < 1 else '+'}{size} %"


def decided_words(one, ratio):
    """faster by 12 % [9.5, 15]: by how much the figure itself is more or less."""
    better, worse = WORDS.get(one.key, USUAL_WORDS)
    more_is_better = metrics.BY_KEY[one.key].better == "more"
    word = better if (one.decision == pairs.ABOVE) == more_is_better else worse
    ends = sorted(abs(end - 1) for end in (ratio.low, ratio.high))
    if ratio.middle is None:
        return f"{word} by at least {percent(ends[0])} %"
    return f"{word} by {percent(ratio.middle - 1)} % [{percent(ends[0])}, {percent(ends[1])}]"


def words(one):
    """What a comparison shows."""
    ratio = one.ratio
    if ratio is None:
        return "not decided (fewer than two pairs of runs)"
    if one.decision in (pairs.ABOVE, pairs.BELOW):
        return decided_words(one, ratio)
    if ratio.low <= 0 and math.isinf(ratio.high):
        return "not decided (no bounds)"
    interval = f"[{signed(ratio.low)}, {signed(ratio.high)}]"
    if one.decision == pairs.EQUAL:
        return f"equal within {100 * one.margin:g} % {interval}"
    corrected = " after the correction" if ratio.low > 1 or ratio.high < 1 else ""
    return f"not decided{corrected} {interval}"


def name_of(one):
    """The decision as the CSV has it."""
    if one.decision in (pairs.EQUAL, pairs.UNDECIDED):
        return {pairs.EQUAL: "equal", pairs.UNDECIDED: "not decided"}[one.decision]
    return decided_words(one, one.ratio).split(" ")[0]


def numbers_of(ratio):
    """The pairs, the ratio with its interval, and its chance, as texts."""
    if ratio is None:
        return [0, *[""] * 5]
    values = (ratio.middle, ratio.low, ratio.high, ratio.p, ratio.adjusted)
    return [ratio.count, *(f"{value:.6g}" if value is not None else "" for value in values)]


def csv_text(summary):
    """comparisons.csv: a row for each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in summary.comparisons:
        what = [one.workload, one.level.key, one.key, one.subject, one.reference]
        writer.writerow([*what, *numbers_of(one.ratio), name_of(one), words(one)])
    return out.getvalue()


def table(summary, workload):
    """The headlines of a workload as rows of texts, or None where nothing is compared."""
    found = [one for one in summary.comparisons if one.workload == workload["name"]]
    if not found:
        return None
    columns = list(dict.fromkeys((one.level, one.key) for one in found))
    by_place = {(one.level, one.key, one.subject): one for one in found}
    heads = [f"{metrics.BY_KEY[key].title}, {level.label}" for level, key in columns]
    rows = [[f"against {summary.spec.reference}", *heads]]
    for name in dict.fromkeys(one.subject for one in found):
        rows.append([name, *(words(by_place[level, key, name]) for level, key in columns)])
    return rows


def changed(summary, manifest):
    """A sentence where the reference or the margin is another one than when the cells ran."""
    before = manifest.get("declared")
    now = declared(summary.spec)
    if before in (None, now):
        return []
    return [
        f"When the cells ran, the reference was {before['reference']} and the margin {100 * before['margin']:g} %; this report "
        f"has {now['reference']} and {100 * now['margin']:g} %. Its comparisons were chosen when the results were there."
    ]


def declared(spec):
    """What is decided before the first cell runs, for the manifest."""
    return {"reference": spec.reference, "margin": spec.margin, "repetitions": spec.repetitions}
