"""The report as one page that needs nothing but itself: style, figures and their data are inside."""
import base64
import csv
import html
import io
import pathlib
import re
import urllib.parse

from . import comparisons, doubts, numbers, placement, tables, words

STYLE = pathlib.Path(__file__).resolve().parent / "report.css"
MARK = (
    '<svg viewBox="0 0 19 19" aria-hidden="true"><rect fill="var(--L)" width="8" height="8" rx="2"/><rect '
    'fill="var(--R)" x="11" width="8" height="8" '
    'rx="2"/><rect fill="var(--W)" y="11" width="8" height="8" rx="2"/><rect fill="var(--P)" x="11" y="11" '
    'width="8" height="8" rx="2"/></svg>'
)


UNIT = re.compile(r"(?<=\d) (?=ns|us|ms|s\b|KiB|MiB|%|of \d|clean|bracketed|censored|disturbed)|(?<=\d of) (?=\d)|(?<=[\u2265\u2264]) (?=\d)")
RANGE = re.compile(r"\(\S+[^()]* to [^()]*\)|\[[^\]]*\]")


def text(words_):
    return html.escape(str(words_))


def narrow(words_):
    """A number and its unit stay on one line."""
    return UNIT.sub("\u00a0", text(words_))


def datum(words_):
    """So does an interval, where there is room."""
    return RANGE.sub(lambda match: match[0].replace(" ", "\u00a0"), narrow(words_))


def table(rows, cls="", write=datum):
    head = "".join(f"<th>{text(word)}</th>" for word in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{write(word)}</td>" for word in row) + "</tr>" for row in rows[1:])
    return f'<div class="scroll {cls}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def noted(words_):
    return f'<p class="note">{text(words_)}</p>' if words_ else ""


def folded(title, inside):
    return f"<details><summary>{text(title)}</summary>{inside}</details>"


def csv_text(figure):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(figure.columns)
    writer.writerows(figure.csv_rows)
    return out.getvalue()


def figure_text(figure):
    picture = base64.b64encode(figure.alone.encode()).decode()
    data = urllib.parse.quote(csv_text(figure))
    get = (
        f'<span class="get"><a download="{text(figure.name)}.svg" href="data:image/svg+xml;base64,{picture}">SVG</a>'
        f'<a download="{text(figure.name)}.csv" href="data:text/csv;charset=utf-8,{data}">CSV</a></span>'
    )
    return (
        f'<figure class="figure"><figcaption><h3>{text(figure.title)}</h3><span '
        f'class="note">{text(figure.note)}</span></figcaption>'
        f"{figure.inline}{get}{folded('Data', table([figure.columns, *figure.rows], write=narrow))}</figure>"
    )


def counts(summary):
    """The comparison in five numbers."""
    bad = len(summary.bad())
    entries = [
        ("servers compared", len(summary.spec.subjects), ""),
        (numbers.noun(len(summary.spec.workloads), "workload"), len(summary.spec.workloads), ""),
        (numbers.noun(summary.spec.repetitions, "repetition"), summary.spec.repetitions, ""),
        ("graded cells", f"{len(summary.records) - bad} of {len(summary.records)}", "alarm" if bad else ""),
        ("measured in", numbers.clock(sum(record["seconds"] for record in summary.records)), ""),
    ]
    inside = "".join(
        f'<div class="{cls}"><dt>{text(name)}</dt><dd>{text(value)}</dd></div>' for name, value, cls in entries
    )
    return f'<dl class="counts">{inside}</dl>'


def title(summary):
    return placement.titled(summary.spec.title, summary.placement())


def head(summary):
    facts = summary.facts
    question = f'<p class="question">{text(summary.spec.question)}</p>' if summary.spec.question else ""
    cpus = f"{facts['cpu']}, {numbers.counted(facts['cpus_allowed'], 'CPU')}"
    where = " \u00b7 ".join([facts["date"][:10], f"commit {facts['commit']}", cpus, f"Linux {facts['kernel']}"])
    return (
        f'<div class="brand">{MARK} quartet</div><h1>{text(title(summary))}</h1>'
        f'<p class="where">{text(where)}</p>{question}{counts(summary)}'
    )


def failed_controls(summary):
    listed = "".join(f"<li>{text(said)}</li>" for said in summary.failed_controls)
    inside = f'<h2>Failed controls</h2><div class="words doubts"><ul>{listed}</ul></div>'
    return f"<section>{inside}</section>" if listed else ""


def decided(summary, workload):
    rows = comparisons.table(summary, workload)
    return table(rows, "texts decided") if rows else ""


def classes(summary, workload):
    rows = tables.by_class(summary, workload)
    level = summary.featured(workload)
    note = tables.class_note(summary, workload) if rows else ""
    return f"<h3>Latency of each class of requests, {text(level.label)}</h3>{table(rows)}{noted(note)}" if rows else ""


def workload_section(summary, workload, figures):
    where = summary.placement(workload)
    more = "".join(folded(title, table(rows, "texts") + noted(note)) for title, rows, note in tables.passes(summary, workload))
    said = "".join(
        f"<p><b>{text(heading)}.</b> {text(sentences)}</p>"
        for heading, sentences in words.of_workload(summary, workload)
    )
    what = f'<p class="what">{text(workload["what"])}</p>' if workload["what"] else ""
    return (
        f'<section id="{text(workload["name"])}"><h2>{text(placement.titled(workload["title"], where))}</h2>{what}'
        f'<div class="words">{said}</div>{decided(summary, workload)}{table(tables.overview(summary, workload))}{classes(summary, workload)}'
        f'<div class="figures">{"".join(figure_text(figure) for figure in figures)}</div>{more}</section>'
    )


def doubts_section(summary):
    listed = "".join(f"<li>{text(said)}</li>" for said in doubts.of_comparison(summary, summary.facts))
    return f'<section><h2>What cannot be concluded</h2><div class="words doubts"><ul>{listed}</ul></div></section>'


def how_section(summary):
    listed = "".join(f"<li>{text(said)}</li>" for said in tables.method(summary, summary.facts))
    who = table(tables.subjects(summary.spec, summary.facts), "texts")
    return f'<section><h2>What was compared, and how</h2><ul class="method">{listed}</ul>{who}</section>'


def appendix(summary, manifest):
    """All that is needed to repeat it."""
    parts = []
    if summary.bad():
        parts.append(
            folded(f"Cells that are in no median ({len(summary.bad())})", table(tables.wrong(summary), "texts"))
        )
    parts.append(folded("Environment", table(tables.environment(summary.facts), "texts")))
    parts += [
        folded(f"Configuration of {name}", f"<pre>{text(conf.strip())}</pre>")
        for name, conf in manifest["peers"].items()
    ]
    parts += [
        folded(
            "How its setting was found: " + tuned["said"].split(":")[1].strip(),
            f"<p>{text(tuned['said'])}</p><pre>{text(tuned['log'])}</pre>",
        )
        for tuned in manifest.get("tuning", [])
    ]
    if manifest["spec"]:
        parts.append(folded("Spec", f"<pre>{text(manifest['spec'].strip())}</pre>"))
    made_by = f"<footer>Made by <code>{text(manifest['command'])}</code></footer>"
    return f"<section><h2>To repeat it</h2>{''.join(parts)}</section>{made_by}"


def whole(summary, figures, manifest, figure_style):
    """index.html."""
    sections = "".join(
        workload_section(summary, workload, figures[workload["name"]]) for workload in summary.spec.workloads
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title(summary))}</title><style>
{STYLE.read_text(encoding="utf-8")}{figure_style}</style></head><body>
<header>{head(summary)}</header>
<main>{failed_controls(summary)}{sections}{doubts_section(summary)}{how_section(summary)}{appendix(summary, manifest)}</main>
</body></html>
"""
