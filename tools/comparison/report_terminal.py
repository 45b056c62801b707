"""What a terminal shows at the end: each model against the reference, in a screen or two. The page has the rest."""
from . import comparisons, doubts, figures, grades, metrics, numbers, placement, status, tables, words


def figure_of(summary, workload, level, key, subject):
    """A figure of a subject and what the comparison decides of it, with the interval of the ratio."""
    estimate = summary.estimate(workload, level, subject, key)
    if estimate is None:
        return figures.written(None, None, len(summary.valid(workload, level, subject)))
    said = estimate.text(metrics.BY_KEY[key].write)
    place = workload["name"], level, key, subject["name"]
    decided = [one for one in summary.comparisons if (one.workload, one.level, one.key, one.subject) == place]
    return f"{said}, {comparisons.words(decided[0])}" if decided else said


def time_of(summary, workload, subject):
    """The mean time of a request from its arrival in the socket to its last byte, and what part of it each stage and each wait
    is, of the middle repetition."""
    level = summary.featured(workload)
    record = summary.middle(workload, level, subject) if level else None
    if not record:
        return numbers.NONE
    means = [record["status"]["intervals"][part]["mean"] or 0 for part in status.PARTS]
    all_of_it = sum(means) or 1
    whole = numbers.time_us(figures.whole_mean(record["status"]["intervals"]))
    return f"{whole} = {' + '.join(f'{100 * mean / all_of_it:.0f}' for mean in means)} %"


def order_of(summary, workload, headlines):
    """The subjects, the best of the first headline first, those without a figure last."""
    if not headlines:
        return summary.subjects(workload)
    level, key = headlines[0]
    ranked = [subject for subject, _ in words.ranked(summary.estimates(workload, level, key), metrics.BY_KEY[key])]
    return ranked + [subject for subject in summary.subjects(workload) if subject not in ranked]


def padded(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]


def caption(summary, headlines):
    """Which figures at which levels, and against what."""
    levels = dict.fromkeys(level for level, _ in headlines)
    said = [f"{words.listing(metrics.BY_KEY[key].title for of, key in headlines if of == level)}: {level.label}" for level in levels]
    return f"{'; '.join(said)}. Against {summary.spec.reference}, the reference; percentages are of runs side by side, not of these medians."


def classes_of(summary, workload):
    """(titles, {subject's name: figures}) of the p99 of each class of a mix, where some subject has one."""
    head, *rows = tables.by_class(summary, workload) or [["model"]]
    known = [i for i, title in enumerate(head) if title.endswith(", p99") and any(row[i] != numbers.NONE for row in rows)]
    return [head[i] for i in known], {row[0]: [row[i] for i in known] for row in rows}


def table(summary, workload):
    headlines, (titles, classes) = comparisons.headlines(summary, workload), classes_of(summary, workload)
    rows = [["model", *(metrics.BY_KEY[key].title for _, key in headlines), *titles, "mean time, its parts"]]
    for subject in order_of(summary, workload, headlines):
        found = [figure_of(summary, workload, level, key, subject) for level, key in headlines]
        rows.append([subject["name"], *found, *classes.get(subject["name"], []), time_of(summary, workload, subject)])
    return [*([caption(summary, headlines)] if headlines else []), *padded(rows)]


def trust(summary, workload):
    """The grades of all runs of a workload, and what is in no figure."""
    valid = [record for subject in summary.subjects(workload) for record in words.valid_runs(summary, workload, subject)]
    causes = [why for block, why in summary.disturbed.items() if block[0] == workload["name"]]
    such = f"; disturbed from outside, such as: {', '.join(causes[0])}; measure again on a quiet machine" if causes else ""
    grades_said = f"Grades of the load generator in {len(valid)} runs: {summary.counted_grades(valid)}{such}." if valid else f"No run has a grade ({', '.join(grades.ORDER)})."
    return " ".join([grades_said, *words.missing_words(summary, workload)])


def workload_lines(summary, workload):
    title = placement.titled(workload["title"], summary.placement(workload))
    return [title, *table(summary, workload), trust(summary, workload), ""]


def whole(summary):
    lines = [f"CONTROL: {said}" for said in summary.failed_controls]
    for workload in summary.spec.workloads:
        lines += workload_lines(summary, workload)
    lines += [f"Parts of the mean time, from arrival to the last byte: {', '.join(status.PARTS)}."]
    fewest = doubts.repetitions_of(summary)[0]
    return "\n".join(lines + ([f"To publish, plan {doubts.PUBLISH} repetitions or more."] if fewest < doubts.PUBLISH else [])).rstrip()
