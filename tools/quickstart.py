#!/usr/bin/env python3
"""Several threading models under the same load: one comparison table, and where each one's time goes.

Every cell (model x workload x round) has a server started anew on a free port of 127.0.0.1, a warm-up and a measured
run of wrk. The rounds are interleaved, so that a disturbance of the machine meets all models alike. Afterwards each model
runs once more with --trace, and quartet-trace tells its stage times. Python 3 standard library only; what is started here
is ended here, by its process id.
"""
import argparse
import csv
import datetime
import html
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

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
START_LIMIT_S = 10
STOP_LIMIT_S = 15

REPO = pathlib.Path(__file__).resolve().parent.parent
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
UNIT_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}

COLUMNS = ["model", "workload", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "spread"]


class Trouble(Exception):
    """Something the user should read, without a traceback."""


# --- processes ---

class Server:
    """One quartet process: ready when entered, ended when left."""

    def __init__(self, options, docroot, work, model, *extra):
        self.log = work / f"server-{model}.stderr"
        self.out = work / f"server-{model}.stdout"
        self.command = [str(options.build / "quartet"), "--listen", "127.0.0.1:0", "--root", str(docroot),
                        "--model", model, *extra]
        self.process = None
        self.url = None

    def __enter__(self):
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                            start_new_session=True)
        try:
            self.url = self.wait_ready()
        except BaseException:
            end_process(self.process)
            raise
        return self

    def __exit__(self, *unused):
        end_process(self.process)

    def wait_ready(self):
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            match = re.search(r"^listening on (http://\S+)$", self.out.read_text(), re.M)
            if match:
                return match[1]
            self.check_alive()
            time.sleep(0.01)
        raise Trouble(f"the server was not ready after {START_LIMIT_S} s: {self.describe()}")

    def check_alive(self):
        if self.process.poll() is not None:
            raise Trouble(f"the server ended by itself with status {self.process.returncode}: {self.describe()}")

    def stop(self):
        """Ends it in good order, so that a trace is whole."""
        self.check_alive()
        if end_process(self.process) != 0:
            raise Trouble(f"the server did not stop in good order: {self.describe()}")

    def describe(self):
        said = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n  ".join([" ".join(self.command), *(said or ["(it said nothing on stderr)"])])

    def cpu_s(self):
        """User and system time of all its threads."""
        try:
            stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            self.check_alive()
            raise
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def end_process(process):
    """SIGTERM, and SIGKILL for one that does not listen. Returns its status."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def run_wrk(url, seconds):
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency", url]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, start_new_session=True) as wrk:
        try:
            output, _ = wrk.communicate(timeout=seconds + 30)
        except subprocess.TimeoutExpired:
            raise Trouble(f"wrk did not end {seconds + 30} s after its start: {' '.join(command)}") from None
        finally:
            end_process(wrk)
    if wrk.returncode != 0:
        raise Trouble(f"wrk failed: {' '.join(command)}\n  {output.strip()}")
    return read_wrk(output)


def read_wrk(output):
    """The figures in wrk's report; a report without requests is no result."""
    count = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if not count or not rate or int(count[1]) == 0:
        raise Trouble(f"wrk got no answers:\n  {output.strip()}")
    latency = {percent: float(number) * UNIT_MS[unit]
               for percent, number, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", output, re.M)}
    errors = re.findall(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)", output)
    return {"count": int(count[1]), "rate": float(rate[1]), "p50_ms": latency["50"], "p99_ms": latency["99"],
            "errors": "; ".join(errors)}


# --- measuring ---

class Progress:
    """One line that says how far we are; on a terminal it is overwritten."""

    def __init__(self, steps, seconds):
        self.steps, self.left_s, self.step = steps, seconds, 0
        self.terminal = sys.stdout.isatty()

    def tell(self, what, seconds):
        self.step += 1
        line = f"[{self.step:2d}/{self.steps}] {what:<36s} about {self.left_s:3.0f} s left"
        print(f"\r{line}" if self.terminal else line, end="" if self.terminal else "\n", flush=True)
        self.left_s -= seconds

    def end(self):
        print(f"\r{'':78s}\r" if self.terminal else "", end="", flush=True)


def measure_cell(options, docroot, work, model, workload):
    target = WORKLOADS[workload][0]
    with Server(options, docroot, work, model) as server:
        run_wrk(server.url + target, WARMUP_S)
        before_s = server.cpu_s()
        result = run_wrk(server.url + target, options.seconds)
        server.check_alive()
        result["cpu_us"] = (server.cpu_s() - before_s) * 1e6 / result["count"]
    return {"model": model, "workload": workload, **result}


def trace_model(options, docroot, work, model):
    """Returns what quartet-trace says of a short traced run."""
    trace = options.out / f"{model}.trace"
    with Server(options, docroot, work, model, "--trace", str(trace)) as server:
        run_wrk(server.url + WORKLOADS[TRACED][0], TRACED_S)
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


def first_line(*command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=REPO, check=False)
    except OSError:
        return "unknown"
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0] if said and (done.returncode == 0 or command[0] == "wrk") else "unknown"


def environment_text(options):
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.M)
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": first_line("git", "describe", "--always", "--dirty"),
        "server": first_line(str(options.build / "quartet"), "--version"),
        "wrk": first_line("wrk", "--version"),
        "kernel": platform.release(),
        "cpu": f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}",
        "load average at the end": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "server options": "--listen 127.0.0.1:0 --root DIR --model MODEL, else defaults",
        "clock": "wrk's own for rates and latencies; /proc/PID/stat for CPU time",
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items())


def write_csv(path, results):
    keys = ["round", "model", "workload", "count", "rate", "p50_ms", "p99_ms", "cpu_us", "errors"]
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, keys)
        writer.writeheader()
        writer.writerows(results)


def page_text(rows, notes, stages, environment):
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
<h1>Environment</h1><pre>{html.escape(environment)}</pre></body></html>
"""


def report(options, results, stages):
    rows = summarise(options, results)
    notes, environment = footnotes(options, results), environment_text(options)
    comparison = f"{table_text(rows)}\n\n{notes}\n"
    (options.out / "comparison.txt").write_text(comparison)
    (options.out / "environment.txt").write_text(environment)
    (options.out / "index.html").write_text(page_text(rows, notes, stages, environment))
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


def make_docroot(work):
    docroot = work / "www"
    docroot.mkdir()
    for name, size in FILES.items():
        (docroot / name).write_bytes(b"x" * size)
    return docroot


def run(options):
    for program in ("quartet", "quartet-trace"):
        if not os.access(options.build / program, os.X_OK):
            raise Trouble(f"there is no {options.build / program}: build it first (tools/quickstart does)")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quartet-quickstart-") as work:
        work = pathlib.Path(work)
        results, stages = measure_all(options, make_docroot(work), work)
    report(options, results, stages)
    return 1 if any(result["errors"] for result in results) else 0


def main():
    # SIGTERM unwinds like Ctrl-C, so that nothing we started is left behind.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    try:
        sys.exit(run(parse_options()))
    except Trouble as trouble:
        sys.exit(f"quickstart: {trouble}")
    except KeyboardInterrupt:
        sys.exit("quickstart: interrupted; what was started has been ended")


if __name__ == "__main__":
    main()
