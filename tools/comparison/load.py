"""One run of quartet-load, and what its JSON says."""
import json
import math
import subprocess

from . import grades, numbers, processes, workloads
from .trouble import Trouble

INVALID_STATUS = 3
GRACE_S = 40


class LoadFailed(Trouble):
    """The load generator could not run: no connection, or words that it does not know."""


NICE_APART, NICE_SHARED = -20, -5


def nice_of(given, kind):
    """The generator's nice value for a kind of placement. On CPUs of its own it takes nothing from the server, and another
    program there must not delay it; on shared ones the server needs what it does not take."""
    if given is not None:
        return given
    return NICE_APART if kind == "apart" else NICE_SHARED


def prefix_of(load_words):
    """What goes before the program's name. Where the nice value is not allowed, nice says so and runs it without."""
    nice = load_words["nice"]
    return (["nice", "-n", str(nice)] if nice else []) + load_words["prefix"]


def thread_words(cpus):
    """Options for a generator with these CPUs of its own: it takes nothing from the server when it does not sleep. With none
    (empty), one thread, which the scheduler moves out of the server's way; several would stay on a CPU each. Elsewhere
    (None) the machine decides."""
    if cpus is None:
        return []
    return ["--spin"] if cpus else ["--threads", "1"]


def words(cell, url, load_words, rate, seed, times):
    """The options of one run. `times` is (warm-up, duration) in seconds."""
    warmup, duration = times
    options = [
        "--connections",
        str(cell.level.connections),
        "--warmup",
        numbers.write_time(warmup),
        "--duration",
        numbers.write_time(duration),
        "--seed",
        str(seed),
        "--quiet",
    ]
    if rate is not None:
        options += ["--rate", str(rate)]
    options += thread_words(load_words.get("cpus"))
    return options + cell.workload["load_args"] + load_words["args"] + workloads.url_words(cell.workload, url)


def run(program, options, load_words, folder, name):
    """Returns the JSON of a run whose files are written as folder/NAME.json and .hlog."""
    report = folder / f"{name}.json"
    command = [
        *prefix_of(load_words),
        str(program),
        "--json",
        str(report),
        "--hdr",
        str(folder / f"{name}.hlog"),
        *options,
    ]
    seconds = sum(numbers.read_time_s(options[options.index(key) + 1]) for key in ("--warmup", "--duration"))
    with open(folder / f"{name}.txt", "wb") as out:
        process = processes.start(command, out, subprocess.STDOUT, cpus=load_words.get("cpus"), nice=load_words["nice"])
        try:
            status = processes.wait(process, seconds + GRACE_S)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"quartet-load did not end {numbers.clock(seconds + GRACE_S)} after its start") from None
        finally:
            processes.end(process, whole_group=True)
    if status not in (0, INVALID_STATUS):
        raise LoadFailed(f"quartet-load ended with status {status}: {processes.said(folder / f'{name}.txt', 3)}")
    return json.loads(report.read_text(encoding="utf-8"))


def latency_us(report):
    """Latency of an open loop runs from the moment when a request was due; of a closed loop from when it was sent,
    since there none is due. A percentile with too few requests beyond it is None."""
    kind = "from_due" if report["loop"] == "open" else "from_send"
    figures = report["latency_ns"][kind]
    keys = {"mean": "mean", "p50": "p50", "p90": "p90", "p99": "p99", "p999": "p999", "max": "max"}
    enough = grades.percentiles(figures["count"]) if figures["count"] else []
    return {f"{name}_us": figures[key] / 1000 if name in enough else None for name, key in keys.items()}


CLASSES_MOST = 4  # more are no classes of one workload, but files of it


def classes_us(report):
    """Of each URL of a mix: its target, and its latency from when a request was due (of a closed loop, sent). Nothing where
    there is one URL, or too many to tell apart."""
    urls = report.get("urls", [])
    if not 1 < len(urls) <= CLASSES_MOST:
        return []
    found = []
    for url in urls:
        figures = url["latency_ns"]
        enough = grades.percentiles(figures["count"]) if figures["count"] else []
        each = {key: figures[key] / 1000 if key in enough else None for key in ("p50", "p99")}
        found.append({"target": "/" + url["url"].split("/", 3)[-1], "weight": url["weight"], "count": figures["count"], **each})
    return found


def lag_us(report):
    """Of an open loop: from when a request was due until it was sent, and how late the generator was by itself."""
    if report["loop"] != "open":
        return {}
    return {f"{kind}_p99_us": report["latency_ns"][kind]["p99"] / 1000 for kind in ("send_lag", "own_lag")}


def cpus_taken(report):
    """CPUs that all threads of the generator were busy on, on average."""
    threads = report["generator"].get("threads")
    return sum(thread["cpu_share"] for thread in threads) if threads else report["generator"]["cpu_share"]


def fell_behind(record):
    """Less than 97 % of what was due was answered in the window, beside what may be on its way by chance at its two
    ends, or something was dropped."""
    said = record.get("load")
    if not said:
        return False
    return said["answered"] < 0.97 * said["due"] - math.sqrt(max(0, said["due"])) or bool(said["dropped"])


def kept_up(record):
    """A run in which what was due was answered."""
    return record["outcome"] == "ok" and not fell_behind(record)


def server_fell_behind(record):
    """A run in which what was due was not answered, and the generator was not the limit."""
    return record["outcome"] == "ok" and fell_behind(record) and not record.get("generator_full")
