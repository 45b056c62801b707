"""What the files of a comparison's folder hold, as shapes (shapes.py), and what to do where one is damaged. The reports rest on
these keys; a file may have more."""
from . import cells, grades, status

SUBJECT = {"kind": str, "name": str, "args": [str]}
WORKLOAD = {"name": str, "title": str, "what": (str, None), "targets": [[(int, str)]], "ours_only": bool, "server_args": [str]}
WORKLOAD |= {"load_args": [str], "files": [{"path": str, "size": int}], "server_cost": float}
WORKLOAD |= {f"{key}?": [float] for key in ("connections", "rates", "shares_of_slowest")}
LEVELS = {key: [float] for key in ("connections", "rates", "shares_of_slowest", "shares_of_own")}
LEVELS |= {"climb": float, "open_connections": int}
SPEC = {"title": str, "question": (str, None), "reference": str, "margin": float, "repetitions": int, "repeats": int, "seed": int}
SPEC |= {"warmup": float, "settle": float, "duration": float, "trace": bool, "syscalls": bool, "placement": {}}
SPEC |= {"server": {"args": [str], "handler_threads": (int, str)}, "load": {"args": [str]}, "levels": LEVELS}
SPEC |= {"subjects": [SUBJECT], "workloads": [WORKLOAD]}

ENVIRONMENT = {key: str for key in ("date", "commit", "cpu", "kernel")} | {"cpus_allowed": int}
ENVIRONMENT |= {"placement?": str, "placement_note?": str, "server_cpus": {...: str}}


def environment(value):
    """Each workload has CPUs of both sides."""
    names = value.get("server_cpus")
    return ENVIRONMENT | {"generator_cpus": {name: str for name in names} if isinstance(names, dict) else {}}


MANIFEST = {"format": int, "command": str, "spec": str, "cells": [str], "environment": environment, "peers": {...: str}}
MANIFEST |= {"load_hosts": [str], "handler_threads?": {...: str}, "tuning?": [{"said": str, "log": str}]}
MANIFEST |= {"declared?": {"reference": str, "margin": float, "repetitions": int}, "wanted?": SPEC}

LAG = {"share": float, "p50_us": float, "p99_us": float}
GAPS = {"above_us": float, "seconds": float, "count": int, "share_of_time": float, "longest_us": float}
FOUND = {"capacity_requests_per_s": float, "connections": int, "own_lag": [LAG], "clock_gaps": (GAPS, None)}
PEAKS = {...: {...: float}}

OUTCOMES = {"ok", "invalid", "failed", "crashed", "skipped", "spared"}
LEVEL = {"kind": set(cells.KINDS), "value": float, "connections": int}
PLACEMENT = {"kind": str, "server_cpus": str, "generator_cpus": str}
METRICS = {...: (float, None)}
TIMES = {"mean": (float, None), "p99": (float, None)}
QUEUE = {"name": str, "put": float, "rung": float, "mean_depth": float, "peak_since_start": float}
QUEUE |= {key: (float, None) for key in ("wait_p50_us", "wait_p99_us", "batch")}
THREADS = {"group": str, "threads": int, **{key: float for key in ("busy", "cpu", "cpu_wait", "busiest")}, "most?": int}
INTERVALS = {name: TIMES for name in (*status.PARTS, "total", "sojourn")}
STATUS = {"intervals": {...: TIMES, **INTERVALS}, "queues": [QUEUE], "threads": [THREADS]}
CLASS = {"target": str, "count": int, "p50": (float, None), "p99": (float, None)}
LOAD = {"answered": float, "due": float, "dropped": float, "seconds": float, "nice": int, "policy": str}
LOAD |= {"notes?": [str], "classes?": [CLASS]}
LEDGER = {"requests": int, "unaccounted_share": float, "latency_mean_us": float, "parts_us": {...: float}}
TRACE = {"verdict": str, "lost": int, "bytes": int, "ledger?": (LEDGER, None)}
CELL = {"id": str, "purpose": str, "subject": SUBJECT, "workload": str, "level": LEVEL, "repetition": int, "outcome": OUTCOMES}
CELL |= {"why": str, "rate_asked": (float, None), "started": float, "seconds": float, "metrics": METRICS, "times": {}}
MACHINE = {"host?": str, "cpu?": str, "kernel?": str, "cpus_allowed?": int}
CELL |= {"placement?": PLACEMENT, "environment?": MACHINE, "status?": (STATUS, None), "trace?": (TRACE, None)}
CELL |= {"grade?": set(grades.ORDER), "grade_why?": [str], "bounds?": {...: [(float, None)]}, "unsteady?": [str]}
CELL |= {"generator_full?": bool, "cgroup?": bool, "syscalls?": {...: int}}
CELL |= {"earlier?": [{"metrics": METRICS, "causes": [str]}]}
ANY = CELL | {"load?": (LOAD, None)}
MEASURED = CELL | {"metrics": METRICS | {"rate": float, "generator_waited": float}, "load": LOAD}


def calibration(value):
    return {"missing": str} if "missing" in value else FOUND


def cell(value):
    """Of a run that has figures, the reports use some without a question."""
    return MEASURED if value.get("outcome") == "ok" else ANY


REPLACE = "put it back, or --replace removes the comparison and --out takes another place"
FILES = {  # name: (shape, what to do)
    "manifest.json": (MANIFEST, REPLACE),
    "calibration.json": (calibration, "put it back, or remove it for a --report without it"),
    "peaks.json": (PEAKS, "remove it, and --resume finds the peaks again"),
}
CELL_REMEDY = "remove its folder, and --resume runs this cell again"
