"""What the tests of tools/comparison stand on: its path, specs by hand, records of cells that were never run."""
import dataclasses
import pathlib
import sys

REPO = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO / "tools"))

from comparison import cells, comparisons, results, spec, status  # noqa: E402

PLACEMENT = {"kind": "apart", "server_cpus": "1-2", "generator_cpus": "3", "runner_cpus": "0", "note": ""}
ENVIRONMENT = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "0123456789ab",
    "cpu": "A processor",
    "cpus": 4,
    "cpus_allowed": 4,
    "placement": "apart",
    "placement_note": "",
    "server_cpus": {"tiny": "1-2"},
    "generator_cpus": {"tiny": "3"},
    "runner_cpus": "0",
    "kernel": "6.1.0",
    "binaries": {"quartet": "feed", "quartet-load": "beef"},
}
PARTS_US = {"socket.wait": 15.0, "read": 2.0, "process.wait": 30.0, "process": 5.0, "write.wait": 12.0, "write": 6.0}


def make_spec(**values):
    values.setdefault("models", ["staged", "loops"])
    return spec.from_values(values, "test.toml")


def window(scale):
    """What a server says of a run, its waits `scale` times as long."""
    means = {part: mean * (scale if part.endswith("wait") else 1) for part, mean in PARTS_US.items()}
    means["sojourn"] = sum(means.values())
    means["total"] = means["sojourn"] - means["socket.wait"]
    intervals = {
        name: {"count": 1000, "sum_us": 1000 * mean, "mean": mean, "p50": mean, "p99": 4 * mean, "p999": 9 * mean}
        for name, mean in means.items()
    }
    queue = {
        "name": "P",
        "put": 1000,
        "rung": 250,
        "elided": 750,
        "refused": 0,
        "mean_depth": 1.5 * scale,
        "peak_since_start": 20,
        "bound": 16384,
        "wait_p50_us": 20.0,
        "wait_p99_us": 80.0,
        "batch": 2.5,
    }
    thread = {"group": "R", "threads": 1, "busy": 0.6, "cpu": 0.4, "cpu_wait": 0.1, "busiest": 0.6}
    return {"seconds": 1.0, "intervals": intervals, "queues": [queue], "threads": [thread], "verdict": None}


def metrics_of(rate, scale, ours=True, opened=False):
    found = {
        "rate": rate,
        "cpu_us": 1e6 / rate,
        "capacity": rate,
        "error_share": 0.0,
        "shed_share": 0.0,
        "voluntary": 0.25 * scale,
        "involuntary": 0.01,
        "wakeups": 0.5,
        "pss_kib": 4096.0,
        "rss_kib": 6000.0,
        "threads": 5,
        "generator_cpu": 0.2,
        "generator_taken": 0.2,
        "generator_waited": 0.01,
        "others_cpus": 0.01,
        "stolen": 0.0,
        "clock_gaps": 0.0,
    }
    if opened:
        found |= {"send_lag_p99_us": 40.0 * scale, "own_lag_p99_us": 30.0}
    found |= {
        f"{name}_us": 100.0 * scale * factor
        for name, factor in (("mean", 1.2), ("p50", 1), ("p90", 2), ("p99", 5), ("p999", 9), ("max", 20))
    }
    if ours:
        intervals = window(scale)["intervals"]
        found |= {f"stage_{part}_us": intervals[part]["mean"] for part in (*status.PARTS, "total", "sojourn")}
        found |= {f"stage_{part}_p99_us": intervals[part]["p99"] for part in (*status.PARTS, "total", "sojourn")}
    return found


def record(cell, rate, scale=1.0, outcome="ok", why="", asked=None):
    """A cell as it would be on disk."""
    ours = cell.subject["kind"] == "quartet"
    level = {"kind": cell.level.kind, "value": cell.level.value, "connections": cell.level.connections}
    whole = outcome != "crashed"
    return {
        "id": cell.id,
        "purpose": cell.purpose,
        "subject": cell.subject,
        "workload": cell.workload["name"],
        "level": level,
        "repetition": cell.repetition,
        "times": cell.times,
        "placement": PLACEMENT,
        "rate_asked": asked,
        "started": 1000.0,
        "seconds": 2.0,
        "outcome": outcome,
        "why": why,
        **({"grade": "clean", "grade_why": [], "bounds": {}} if outcome == "ok" else {}),
        "metrics": metrics_of(rate, scale, ours, cell.level.is_open) if whole else {},
        "status": window(scale) if ours and whole else None,
        "load": {"answered": rate, "due": asked or rate, "dropped": 0, "seconds": 3.0, "nice": -5, "policy": "other"} if whole else None,
    }


def store(folder, wanted, records):
    """A folder as a comparison leaves it. Returns (results, plan)."""
    plan = cells.plan(wanted)
    there = results.Results(folder)
    there.open()
    there.write_json(
        "manifest.json",
        {
            "format": results.FORMAT,
            "title": wanted.title,
            "question": None,
            "command": "tools/compare test.toml",
            "spec": "",
            "wanted": dataclasses.asdict(dataclasses.replace(wanted, text="")),
            "declared": comparisons.declared(wanted),
            "cells": [cell.id for cell in plan],
            "environment": ENVIRONMENT,
            "peers": {},
            "load_hosts": [],
        },
    )
    for one in records:
        (there.raw / one["id"]).mkdir()
        there.add(one)
    there.write_csv(plan)
    there.close()
    return there, plan
