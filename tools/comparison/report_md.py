"""The report for a terminal or a repository."""
from . import comparisons, doubts, placement, tables, words


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


def workload_text(summary, workload, figures, with_figures):
    decided = comparisons.table(summary, workload)
    parts = [
        f"## {placement.titled(workload['title'], summary.placement(workload))}",
        workload["what"] or "",
        word_lines(summary, workload),
        table(decided) if decided else "",
        table(tables.overview(summary, workload)),
    ]
    classes = tables.by_class(summary, workload)
    if classes:
        parts += [f"Latency of each class of requests, {summary.featured(workload).label}:", table(classes)]
    stages = next((figure for figure in figures if figure.name.endswith("-stages")), None)
    if stages and not with_figures:
        parts += [f"{stages.title} (mean / p99):", table([["model", *stages.columns[1:]], *stages.rows])]
    for figure in figures if with_figures else []:
        parts += [
            f"### {figure.title}",
            f"![{figure.title}](figures/{figure.name}.svg)",
            figure.note,
            table([figure.columns, *figure.rows]),
        ]
    for title, rows in tables.passes(summary, workload):
        parts += [f"### {title}", table(rows)]
    return "\n\n".join(part for part in parts if part)


def failed_controls(summary):
    """A quotation, which stands out at the top."""
    return "\n".join(f"> **Control.** {said}" for said in summary.failed_controls)


def terminal(summary, figures):
    """What is printed at the end: tables and words, no pictures."""
    parts = [workload_text(summary, workload, figures[workload["name"]], False) for workload in summary.spec.workloads]
    parts = [failed_controls(summary), *parts] if summary.failed_controls else parts
    return "\n\n".join(
        parts + ["## What cannot be concluded", "\n".join("- " + said for said in doubts.of_comparison(summary, summary.facts))]
    )


def whole(summary, figures, manifest):
    """report.md."""
    facts = summary.facts
    parts = [
        f"# {placement.titled(summary.spec.title, summary.placement())}",
        failed_controls(summary),
        summary.spec.question or "",
        f"{facts['date']}, commit {facts['commit']}, {facts['cpu']} ({facts['cpus_allowed']} CPUs), Linux "
        f"{facts['kernel']}.",
        "## What was compared",
        table(tables.subjects(summary.spec, summary.facts)),
        "\n".join("- " + said for said in tables.method(summary, facts)),
    ]
    parts += [workload_text(summary, workload, figures[workload["name"]], True) for workload in summary.spec.workloads]
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
