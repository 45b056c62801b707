"""A result folder that is damaged: each command that reads it ends in one line, which says which file, what is wrong and what to
do."""
import contextlib
import copy
import io
import json
import pathlib
import tempfile
import unittest
import warnings

import support
from comparison import calibration, cells, command, experiment, report, results, shapes
from comparison.trouble import Trouble
from test_calibration import FOUND

LEDGER = {"requests": 9, "unaccounted_share": 0.01, "latency_mean_us": 7.0, "parts_us": {"way.in": 1.0}}
TRACE = {"verdict": "none", "lost": 0, "bytes": 1, "ledger": LEDGER}
OTHERS = ("x", -7.5)  # what a value is replaced by
FEW = ("rate", "p99_us", "generator_waited", "stage_total_us", "read", "stolen", "syscalls")  # of tables whose keys are all alike


class Folder(unittest.TestCase):
    """One cell that is measured, one that is not, one with a trace."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "out"
        self.spec = support.make_spec(repetitions=1, trace=True, syscalls=True, levels={"connections": [64], "shares_of_slowest": [0.5]})
        there, self.plan = support.store(self.folder, self.spec, list(self.records()))
        there.write_json(calibration.FILE, FOUND)
        there.write_json("peaks.json", {"tiny": {"staged": 100.0}})

    def records(self):
        for cell in cells.plan(self.spec):
            one = support.record(cell, 9000, asked=4500 if cell.level.is_open else None)
            one |= {"trace": TRACE} if cell.purpose == "trace" else {}
            if cell.purpose == "syscalls":
                one |= {"syscalls": {"read": 5}}
                one["metrics"]["syscalls"] = 2.0
            yield one

    def cell_files(self):
        return {purpose: path for path in self.folder.glob("raw/*/cell.json") for purpose in [json.loads(path.read_text())["purpose"]]}

    def told(self, *words):
        """(exit status, what it says on stderr) of tools/compare."""
        err = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # a program that ends gives its lock back
            status = command.main([*words, "--out", str(self.folder)])
        return status, err.getvalue()

    def is_one_line(self, path, *words):
        status, said = self.told("--report", *words)
        self.assertEqual((status, len(said.splitlines())), (1, 1), said)
        self.assertTrue(said.startswith(f"compare: {path}: "), said)
        return said


class Damaged(Folder):
    def test_files_are_named_with_what_to_do(self):
        self.assertEqual(self.told("--report"), (0, ""))
        wanted = (
            (self.folder / "manifest.json", "--replace removes the comparison"),
            (self.folder / calibration.FILE, "remove it for a --report without it"),
            (self.cell_files()["measure"], "remove its folder, and --resume runs this cell again"),
        )
        for path, remedy in wanted:
            whole = path.read_bytes()
            for text in (b"", b"{", whole[: len(whole) // 2], b"\xff\xfe\x00", b"[]", b"5", b"null", b'{"id": 1}', b"[" * 100000, b'{"format": NaN}'):
                path.write_bytes(text)
                said = self.is_one_line(path)
                self.assertIn(": is damaged: ", said)
                self.assertIn(remedy, said)
            path.write_bytes(whole)
        self.assertEqual(self.told("--report"), (0, ""))

    def test_values_are_named_with_their_place(self):
        path = self.cell_files()["measure"]
        record = json.loads(path.read_text())
        for key, value, said in (
            ("metrics", {**record["metrics"], "rate": "many"}, 'metrics.rate is "many", where a number belongs'),
            ("load", [], "load is [], where a table belongs"),
            ("outcome", "good", 'outcome is "good", where one of crashed, failed, invalid, ok, skipped, spared belongs'),
            ("id", "../elsewhere", "id is '../elsewhere'"),
        ):
            path.write_text(json.dumps(record | {key: value}))
            self.assertIn(said, self.is_one_line(path))
        del record["metrics"]["rate"]
        path.write_text(json.dumps(record))
        self.assertIn("metrics.rate is missing", self.is_one_line(path))

    def test_peaks_are_named(self):
        (self.folder / "peaks.json").write_text('{"tiny": 5}')
        with self.assertRaisesRegex(Trouble, "peaks.json: is damaged: tiny is 5, where a table belongs: remove it, and --resume"):
            results.Results(self.folder).peaks()

    def test_a_file_that_cannot_be_written_is_named(self):
        for name in ("cells.csv", "figures"):
            path = self.folder / name
            kept = path.with_name("kept")
            path.rename(kept) if path.exists() else None
            path.mkdir() if name == "cells.csv" else path.write_text("")
            said = self.is_one_line(path)
            self.assertIn("remove it or make it writable, or --out takes another place", said)
            path.rmdir() if path.is_dir() else path.unlink()

    def test_text_that_is_no_utf_8_is_reported(self):
        path = self.folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"command": "tools/compare --out \udcff"}))
        self.assertEqual(self.told("--report"), (0, ""))
        self.assertIn("Command: `tools/compare --out ?`", (self.folder / "report.md").read_text())

    def test_whatever_is_damaged_there_is_no_traceback(self):
        """Every value of every kind of file, replaced by others or missing: a report, or one line."""
        made = self.cell_files()
        files = [self.folder / "manifest.json", self.folder / calibration.FILE, made["measure"], made["trace"]]
        tried = 0
        for path in files:
            whole = json.loads(path.read_text())
            for place in places(whole):
                for text in damaged(whole, place):
                    path.write_text(text)
                    status, said = self.told("--report")
                    self.assertLessEqual(len(said.splitlines()), 1, (place, text[:200], said))
                    self.assertEqual(status == 0, not said, (place, said))
                    tried += 1
            path.write_text(json.dumps(whole))
        self.assertGreater(tried, 300)


def places(value, place=()):
    """The ways to all values within one; of tables whose keys are all alike a few."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        if place[-1:] not in (("metrics",), ("intervals",)) or key in FEW:
            yield (*place, key)
            yield from places(inner, (*place, key))


def damaged(whole, place):
    """The file as text, with the value at this place replaced by each of OTHERS of another kind, and without it."""
    for other in (*OTHERS, ...):
        changed = copy.deepcopy(whole)
        where = changed
        for key in place[:-1]:
            where = where[key]
        if other is ...:
            del where[place[-1]]
        elif type(other) is type(where[place[-1]]):
            continue
        else:
            where[place[-1]] = other
        yield json.dumps(changed)


class Missing(Folder):
    def test_manifest_beside_cells_is_said(self):
        (self.folder / "manifest.json").unlink()
        for words in ((), ("--reference", "loops")):
            self.assertIn("cannot be read: No such file", self.is_one_line(self.folder / "manifest.json", *words))
        there = results.Results(self.folder)
        self.assertTrue(there.holds_cells())
        there.clear()
        self.assertEqual(list(self.folder.glob("raw/*")), [])

    def test_cells_are_counted(self):
        self.cell_files()["measure"].unlink()
        self.assertEqual(self.told("--report"), (0, ""))
        self.assertIn("1 more planned cell was not run, or not yet.", (self.folder / "report.md").read_text())

    def test_everything_is_no_comparison_and_makes_no_folder(self):
        spec = self.folder.parent / "spec.toml"
        spec.write_text('models = ["staged"]')
        self.folder = self.folder.parent / "new"
        for words in (("--report",), (str(spec), "--report")):
            self.assertEqual(self.told(*words), (1, f"compare: {self.folder} holds no comparison\n"))
            self.assertFalse(self.folder.exists())

    def test_calibration_beside_cells_with_shares_is_refused(self):
        """Else some cells of a block would have rates that the calibration bounds, and others would not."""
        def go_on():
            there = results.Results(self.folder)
            there.read_cells()
            experiment.check_calibrated(there)

        go_on()
        (self.folder / calibration.FILE).unlink()
        with self.assertRaisesRegex(Trouble, "calibration.json: is missing, so the rates of the 6 cells .*: put it back, --replace"):
            go_on()
        for path in self.folder.glob("raw/*/cell.json"):
            if json.loads(path.read_text())["level"]["kind"] == "slowest":
                path.unlink()
        go_on()


class Shapes(unittest.TestCase):
    def test_say_what_belongs_where(self):
        for value, shape, said in (
            (5, int, None),
            (5, float, None),
            (5.5, int, "all of it is 5.5, where a whole number belongs"),
            (True, int, "all of it is true, where a whole number belongs"),
            (1, bool, "all of it is 1, where true or false belongs"),
            (10**400, float, "where a number belongs"),
            (None, (str, None), None),
            (5, (str, None), "all of it is 5, where a text or null belongs"),
            ([1, "a"], [int], '1 is "a", where a whole number belongs'),
            ({"a": {"b": 1}}, {"a": {"b": str}}, "a.b is 1, where a text belongs"),
            ({}, {"a": int}, "a is missing"),
            ({}, {"a?": int}, None),
            ({"a": "x"}, {"a?": int}, 'a is "x", where a whole number belongs'),
            ({"a": 1, "b": "x"}, {"a": int, ...: int}, 'b is "x", where a whole number belongs'),
            ({"a": 1, "b": "x"}, {"a": int}, None),
            ("d", {"a", "b"}, 'all of it is "d", where one of a, b belongs'),
            ({"a": [5]}, {"a": ([str], None)}, "a.0 is 5, where a text belongs"),
        ):
            found = shapes.misfit(value, shape)
            self.assertEqual(found is None, said is None, (value, shape, found))
            self.assertIn(said or "", found or "")


if __name__ == "__main__":
    unittest.main()
