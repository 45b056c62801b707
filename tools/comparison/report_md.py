"""The report as text, for a repository."""
from . import comparisons, doubts, numbers, placement, tables, words


def cell_text(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(rows):
    """Padded, so that it reads as plain text too."""
    rows = [[cell_text(text) for text in row] for row in rows]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def word_lines(summary, workload):
    return "\n\n".join(f"**{heading}.** {said}" for heading, said in words.of_workload(summary, workload))


def workload_text(summary, workload, figures):
    decided, classes = comparisons.table(summary, workload), tables.by_class(summary, workload)
    parts = [
        f"## {placement.titled(workload['title'], summary.placement(workload))}",
        workload["what"] or "",
        word_lines(summary, workload),
        table(decided) if decided else "",
        table(tables.overview(summary, workload)),
    ]
    if classes:
        parts += [f"Latency of each class of requests, {summary.featured(workload).label}:", table(classes)]
        parts.append(tables.class_note(summary, workload))
    for figure in figures:
        parts += [
            f"### {figure.title}",
            f"![{figure.title}](figures/{figure.name}.svg)",
            figure.note,
            table([figure.columns, *figure.rows]),
        ]
    for title, rows, note in tables.passes(summary, workload):
        parts += [f"### {title}", table(rows), note]
    return "\n\n".join(part for part in parts if part)


def failed_controls(summary):
    """A quotation, which stands out at the top."""
    return "\n".join(f"> **Control.** {said}" for said in summary.failed_controls)


def whole(summary, figures, manifest):
    """report.md."""
    facts = summary.facts
    parts = [
        f"# {placement.titled(summary.spec.title, summary.placement())}",
        failed_controls(summary),
        summary.spec.question or "",
        f"{facts['date']}, commit {facts['commit']}, {facts['cpu']} ({numbers.counted(facts['cpus_allowed'], 'CPU')}), Linux "
        f"{facts['kernel']}.",
        "## What was compared",
        table(tables.subjects(summary.spec, summary.facts)),
        "\n".join("- " + said for said in tables.method(summary, facts)),
    ]
    parts += [workload_text(summary, workload, figures[workload["name"]]) for workload in summary.spec.workloads]
    parts += ["## What cannot be concluded", "\n".join("- " + said for said in doubts.of_comparison(summary, facts))]
    if summary.bad():
        parts += ["## Cells that are in no median", table(tables.wrong(summary))]
    parts += ["## Environment", table(tables.environment(facts)), f"Command: `{manifest['command']}`"]
    for name, text in manifest["peers"].items():
        parts += [f"### Configuration of {name}", f"```\n{text.strip()}\n```"]
    for tuned in manifest.get("tuning", []):
        parts += ["### How a setting was found", tuned["said"], f"```\n{tuned['log'].strip()}\n```"]
    if manifest["spec"]:
        parts += ["## Spec", f"```toml\n{manifest['spec'].strip()}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"
