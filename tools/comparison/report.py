"""Writes what a comparison says: the page, the same as text, and each figure with its data as files of their own."""
import shutil

from . import comparisons, controls_file, figures, report_html, report_md, report_terminal, results, svg
from .summary import Summary


def summary_of(there, wanted, plan):
    """The records of the plan; others that the folder may hold belong to no report."""
    manifest = there.manifest()
    summary = Summary(wanted, [there.records[cell.id] for cell in plan if cell.id in there.records])
    summary.facts = {**manifest["environment"], "load_hosts": manifest["load_hosts"]}
    summary.failed_controls = controls_file.failed_words(there.folder, summary.facts)
    summary.facts["handler_threads"] = manifest.get("handler_threads", {})
    summary.calibration = there.calibration()
    summary.changed = comparisons.changed(summary, manifest)
    return summary, manifest


def write_figures(folder, made):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for figure in (figure for several in made.values() for figure in several):
        results.write_whole(folder / f"{figure.name}.svg", figure.alone + "\n")
        results.write_whole(folder / f"{figure.name}.csv", report_html.csv_text(figure))


def write(there, wanted, plan):
    """Returns the text for a terminal."""
    summary, manifest = summary_of(there, wanted, plan)
    made = {workload["name"]: figures.of_workload(summary, workload) for workload in wanted.workloads}
    write_figures(there.folder / "figures", made)
    results.write_whole(there.folder / "comparisons.csv", comparisons.csv_text(summary))
    results.write_whole(there.folder / "index.html", report_html.whole(summary, made, manifest, svg.STYLE))
    results.write_whole(there.folder / "report.md", report_md.whole(summary, made, manifest))
    return report_terminal.whole(summary)
