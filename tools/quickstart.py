#!/usr/bin/env python3
"""Several threading models under the same load: one comparison table, and where each one's time goes.

Every cell (model x workload x round) has a server started anew on a free port of 127.0.0.1, a warm-up and a measured
run of wrk. The rounds are interleaved, so that a disturbance of the machine meets all models alike. Afterwards each model
runs once more with --trace, and quartet-trace tells its stage times. Python 3 standard library only; what is started here
is ended here, by its process id.
"""
import argparse
import csv
import html
import os
import pathlib
import statistics
import subprocess
import tempfile

from measure import REPO, Progress, Server, Trouble, environment, make_docroot, run_tool, run_wrk

# --- what is compared: one line each ---

MODELS = ["staged", "loops", "half-sync"]

WORKLOADS = {  # name: (target, what it is)
    "tiny": ("/tiny.txt", "a file of 13 bytes"),
    "1k": ("/1k.txt", "a file of 1 KiB"),
    "100k": ("/100k.bin", "a file of 100 KiB"),
    "spin50": ("/synthetic/spin?us=50", "a handler that burns 50 us of CPU"),
}
FILES = {"tiny.txt": 13, "1k.txt": 1024, "100k.bin": 100 * 1024}
TRACED = "tiny"  # the workload of the traced run

CONNECTIONS = 64
WARMUP_S = 1
TRACED_S = 1

COLUMNS = ["model", "workload", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "spread"]


# --- measuring ---

def measure_cell(options, docroot, work, model, workload):
    target = WORKLOADS[workload][0]
    with Server(options.build / "quartet", docroot, work, model, "--model", model) as server:
        run_wrk(server.url + target, WARMUP_S, CONNECTIONS)
        before_s = server.cpu_s()
        result = run_wrk(server.url + target, options.seconds, CONNECTIONS)
        server.check_alive()
        result["cpu_us"] = (server.cpu_s() - before_s) * 1e6 / result["count"]
    return {"model": model, "workload": workload, **result}


def trace_model(options, docroot, work, model):
    """Returns what quartet-trace says of a short traced run."""
    trace = options.out / f"{model}.trace"
    with Server(options.build / "quartet", docroot, work, model, "--model", model, "--trace", str(trace)) as server:
        run_wrk(server.url + WORKLOADS[TRACED][0], TRACED_S, CONNECTIONS)
        server.stop()
    reader = subprocess.run([str(options.build / "quartet-trace"), str(trace)], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    if reader.returncode != 0:
        raise Trouble(f"quartet-trace could not read {trace}:\n  {(reader.stderr or reader.stdout).strip()}")
    (options.out / f"stages-{model}.txt").write_text(reader.stdout)
    return reader.stdout


def measure_all(options, docroot, work):
    cell_s = WARMUP_S + options.seconds + 0.3
    trace_s = TRACED_S + 1.5
    cells = [(number, workload, model) for number in range(1, options.rounds + 1)
             for workload in WORKLOADS for model in options.models]
    progress = Progress(len(cells) + len(options.models), len(cells) * cell_s + len(options.models) * trace_s)
    results, stages = [], {}
    try:
        for number, workload, model in cells:
            progress.tell(f"round {number}: {model}, {workload}", cell_s)
            results.append({"round": number, **measure_cell(options, docroot, work, model, workload)})
        for model in options.models:
            progress.tell(f"stage times: {model}, {TRACED}", trace_s)
            stages[model] = trace_model(options, docroot, work, model)
    finally:
        progress.end()
    return results, stages


# --- reporting ---

def summarise(options, results):
    """One row of texts per workload and model: medians over the rounds."""
    rows = []
    for workload in WORKLOADS:
        for model in options.models:
            cells = [r for r in results if r["model"] == model and r["workload"] == workload]
            rate, p50, p99, cpu = (statistics.median(c[key] for c in cells)
                                   for key in ("rate", "p50_ms", "p99_ms", "cpu_us"))
            spread = (max(c["rate"] for c in cells) - min(c["rate"] for c in cells)) / rate
            rows.append([model, workload, f"{rate:.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{cpu:.1f}",
                         f"{spread:.0%}" if len(cells) > 1 else "-"])
    return rows


def table_text(rows):
    widths = [max(len(row[i]) for row in [COLUMNS, *rows]) for i in range(len(COLUMNS))]

    def line(row):
        return "  ".join(text.ljust(width) if i < 2 else text.rjust(width)
                         for i, (text, width) in enumerate(zip(row, widths))).rstrip()

    lines = [line(COLUMNS), line(["-" * width for width in widths])]
    for before, row in zip([None, *rows], rows):
        if before and before[1] != row[1]:
            lines.append("")
        lines.append(line(row))
    return "\n".join(lines)


def footnotes(options, results):
    notes = [
        f"{CONNECTIONS} keep-alive connections of wrk (one thread) over loopback, on the same {os.cpu_count()} CPUs as the server;",
        f"{WARMUP_S} s warm-up, {options.seconds} s measured, rounds interleaved: {options.rounds}; a new server for each; medians over rounds.",
        "wrk is a closed loop: a slow answer delays the next request instead of queueing it, so p50 and p99 hide the",
        "waiting that an open stream of requests would see. CPU: user and system time of the server per request.",
        "spread: the largest minus the smallest requests/s of the rounds; differences smaller than that mean nothing.",
        *(f"{name}: {what}." for name, (_, what) in WORKLOADS.items()),
    ]
    notes += [f"NOT VALID: {r['model']}, {r['workload']}, round {r['round']}: {r['errors']}" for r in results if r["errors"]]
    return "\n".join(notes)


def interval_table(said):
    """Of quartet-trace's report, the table of intervals: its heading to the next empty line."""
    lines = said.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("interval")), 0)
    end = next((i for i, line in enumerate(lines) if i > start and not line.strip()), len(lines))
    return "\n".join(lines[start:end])


def environment_text(options):
    facts = {
        **environment(options.build / "quartet"),
        "server options": "--listen 127.0.0.1:0 --root DIR --model MODEL, else defaults",
        "clock": "wrk's own for rates and latencies; the process's CPU clock for CPU time",
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items())


def write_csv(path, results):
    keys = ["round", "model", "workload", "count", "rate", "p50_ms", "p99_ms", "cpu_us", "errors"]
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, keys)
        writer.writeheader()
        writer.writerows(results)


def page_text(rows, notes, stages, machine):
    """A page that needs nothing but itself. Bars are drawn against the best model of the same workload."""
    best = {}
    for row in rows:
        best[row[1]] = max(best.get(row[1], 0.0), float(row[2]))
    body = []
    for row in rows:
        bar = f'<td><div class="bar" style="width:{100 * float(row[2]) / best[row[1]]:.0f}%"></div></td>'
        body.append("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + bar + "</tr>")
    heads = "".join(f"<th>{html.escape(column)}</th>" for column in [*COLUMNS, "requests/s against the best"])
    parts = [f"<h2>{html.escape(model)}</h2><pre>{html.escape(report)}</pre>" for model, report in stages.items()]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Quartet: quick comparison</title><style>
body {{ font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }}
table {{ border-collapse: collapse; width: 100%; }} td, th {{ padding: .2em .7em; text-align: right; }}
td:nth-child(-n+2), th:nth-child(-n+2) {{ text-align: left; }} tr:nth-child(even) {{ background: #f2f2f2; }}
td:last-child {{ width: 25%; }} .bar {{ background: #2a6fb0; height: .9em; }} pre {{ overflow-x: auto; }}
</style></head><body><h1>Threading models under the same load</h1>
<table><thead><tr>{heads}</tr></thead><tbody>{"".join(body)}</tbody></table>
<pre>{html.escape(notes)}</pre><h1>Stage times ({TRACED}, traced)</h1>{"".join(parts)}
<h1>Environment</h1><pre>{html.escape(machine)}</pre></body></html>
"""


def report(options, results, stages):
    rows = summarise(options, results)
    notes, machine = footnotes(options, results), environment_text(options)
    comparison = f"{table_text(rows)}\n\n{notes}\n"
    (options.out / "comparison.txt").write_text(comparison)
    (options.out / "environment.txt").write_text(machine)
    (options.out / "index.html").write_text(page_text(rows, notes, stages, machine))
    write_csv(options.out / "comparison.csv", results)
    print(f"\n{comparison}")
    for model, said in stages.items():
        print(f"Stage times of {model} ({TRACED}, {CONNECTIONS} connections, traced):\n{interval_table(said)}\n")
    shown = os.path.relpath(options.out)
    print(f"Results are in {shown}/: index.html, comparison.txt, comparison.csv, environment.txt, stages-MODEL.txt.")
    print(f"Look closer: {os.path.relpath(options.build)}/quartet-trace {shown}/{options.models[0]}.trace")


# --- the run ---

def parse_options():
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=lambda text: text.split(","), default=MODELS,
                        help="comma-separated (default: %s)" % ",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=3, help="measured time of a cell (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=REPO / "results" / "quickstart", help="where results go")
    parser.add_argument("--build", type=pathlib.Path, default=REPO / "build" / "release", help="where the programs are")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds start at 1")
    return options


def run(options):
    for program in ("quartet", "quartet-trace"):
        if not os.access(options.build / program, os.X_OK):
            raise Trouble(f"there is no {options.build / program}: build it first (tools/quickstart does)")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quartet-quickstart-") as work:
        work = pathlib.Path(work)
        results, stages = measure_all(options, make_docroot(work, FILES), work)
    report(options, results, stages)
    return 1 if any(result["errors"] for result in results) else 0


if __name__ == "__main__":
    run_tool("quickstart", lambda: run(parse_options()))
