"""What a comparison leaves in its folder, and how it goes on after it was killed.

    manifest.json      the spec, the environment, the programs' digests
    calibration.json   what generator and machine can do, from before the first cell
    peaks.json         the peaks that shares of load refer to, found once
    raw/CELL/          everything of one cell; cell.json is written last and at once, so it is there whole or not at all
    cells.csv          a row a cell, made from those
    index.html, report.md, figures/

The raw folders are the truth: a cell that has a cell.json is done, and no other is.
"""
import csv
import fcntl
import io
import json
import os
import pathlib
import shutil

from . import results_files, shapes
from .metrics import METRICS
from .trouble import Trouble

MANIFEST = "manifest.json"
FORMAT = 3  # of the manifest and the records: results of another one are neither mixed nor reported
FIXED = [
    "id",
    "purpose",
    "subject",
    "workload",
    "loop",
    "level",
    "connections",
    "server_cpus",
    "generator_cpus",
    "rate_asked",
    "repetition",
    "outcome",
    "grade",
    "why",
    "repeated",
    "started",
    "seconds",
]
OWN = [
    "manifest.json",
    "peaks.json",
    "calibration.json",
    "cells.csv",
    "comparisons.csv",
    "index.html",
    "report.md",
    "raw",
    "figures",
    "tuning.csv",
    "spec.toml",
]


def write_whole(path, text):
    """A file that is there whole or not at all, however this ends. What is no character, as of a command line that is not UTF-8,
    becomes a question mark."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(beside, "w", encoding="utf-8", errors="replace", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)


def number(value):
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def row_of(record):
    level = record["level"]
    fixed = {
        "id": record["id"],
        "purpose": record["purpose"],
        "subject": record["subject"]["name"],
        "workload": record["workload"],
        "loop": "closed" if level["kind"] == "closed" else "open",
        "level": f"{level['kind']}-{level['value']:g}",
        "connections": level["connections"],
        "server_cpus": (record.get("placement") or {}).get("server_cpus", ""),
        "generator_cpus": (record.get("placement") or {}).get("generator_cpus", ""),
        "rate_asked": number(record["rate_asked"]),
        "repetition": record["repetition"],
        "outcome": record["outcome"],
        "grade": record.get("grade", ""),
        "why": "; ".join([record["why"].replace("\n", " "), *record.get("grade_why", [])]).strip("; "),
        "repeated": len(record.get("earlier", [])),
        "started": f"{record['started']:.3f}",
        "seconds": f"{record['seconds']:.3f}",
    }
    return fixed | {metric.key: number(record["metrics"].get(metric.key)) for metric in METRICS}


class Results:
    """The folder of one comparison."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).absolute()  # peers may run in a folder of their own
        self.raw = self.folder / "raw"
        self.records = {}
        self.lock = None

    def holds_cells(self):
        """A comparison, or what is left of one without its manifest."""
        return (self.folder / MANIFEST).is_file() or any(self.raw.glob("*/cell.json"))

    def clear(self):
        """Removes what an earlier comparison left, and nothing else."""
        if not self.holds_cells():
            return
        for name in OWN:
            path = self.folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def open(self, alone=True):
        """Makes the folder and reads what is there. Only parts of a shared comparison may be in it together."""
        self.raw.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder / ".lock", "w", encoding="utf-8")
        try:
            fcntl.flock(self.lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(f"another comparison is writing to {self.folder}") from None
        self.manifest()
        self.read_cells()

    def manifest(self):
        """None where there is no comparison. Of another format, or missing beside cells, it is refused."""
        if not self.holds_cells():
            return None
        path = self.folder / MANIFEST
        found = shapes.read(path, {"format": int}, results_files.REPLACE)
        if found["format"] != FORMAT:
            raise Trouble(
                f"{self.folder} was made by another version of tools/compare (format {found['format']}, here "
                f"{FORMAT}), which can report it; --out takes another place"
            )
        return self.read_json(MANIFEST)

    def calibration(self):
        return self.read_json("calibration.json")

    def peaks(self):
        return self.read_json("peaks.json")

    def close(self):
        self.lock.close()

    def read_cells(self):
        for path in self.raw.glob("*/cell.json"):
            if path.parent.name not in self.records:
                record = shapes.read(path, results_files.cell, results_files.CELL_REMEDY)
                if record["id"] != path.parent.name:
                    raise Trouble(f"{path}: is damaged: id is {record['id'][:40]!r}: {results_files.CELL_REMEDY}")
                self.records[record["id"]] = record

    def cell_folder(self, cell):
        """An empty one: what a cell that was cut short has left is no part of its next run."""
        folder = self.raw / cell.id
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def add(self, record):
        write_whole(self.raw / record["id"] / "cell.json", json.dumps(record, indent=1) + "\n")
        self.records[record["id"]] = record

    def read_json(self, name):
        """One of results_files.FILES, or None where it is missing."""
        path = self.folder / name
        return shapes.read(path, *results_files.FILES[name]) if path.is_file() else None

    def write_json(self, name, value):
        write_whole(self.folder / name, json.dumps(value, indent=1) + "\n")

    def write_csv(self, cells):
        """In the order of the plan; cells that are still to come have no row."""
        text = io.StringIO()
        writer = csv.DictWriter(text, FIXED + [metric.key for metric in METRICS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row_of(self.records[cell.id]) for cell in cells if cell.id in self.records)
        write_whole(self.folder / "cells.csv", text.getvalue())
