"""tools/compare as a user runs it, with real servers and very short cells. usage: test_end_to_end.py BUILD"""
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import support
from comparison import calibration, cgroups, cpus, measure, peers, placement, quota

BUILD = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else support.REPO / "build" / "dev"
SHORT = 'warmup = "50ms"\nsettle = "50ms"\nduration = "200ms"\nrepeats = 0\n'
# On CPUs of its own the generator spins there, and other tests would have to wait.
SHARED = '[placement]\nkind = "shared"\n'
SIX = (
    'title = "Six cells"\nmodels = ["staged", "loops"]\nrepetitions = 3\n' + SHORT + SHARED + "[levels]\nconnections = [2]\n"
)
LIMIT_S = 600
# A program that wants the CPU named by its first argument all the time, until its parent, the second, is gone.
BURNER = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile os.getppid() == int(sys.argv[2]): pass"
BURNERS = 4  # so that they get a share of the CPU beside what else may run there


def eventually(predicate):
    limit = time.monotonic() + LIMIT_S
    while not (value := predicate()):
        if time.monotonic() > limit:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)
    return value


class Compare(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.out = self.folder / "out"
        self.make_out()

    def make_out(self):
        """A comparison uses the calibration that is stored, as after --resume, so most tests need not wait for one."""
        self.out.mkdir()
        (self.out / calibration.FILE).write_text(json.dumps({"missing": "this test needs none"}))

    def command(self, text, *words):
        (self.folder / "spec.toml").write_text(text)
        return [
            str(support.REPO / "tools" / "compare"),
            str(self.folder / "spec.toml"),
            "--build",
            str(BUILD),
            "--out",
            "out",  # relative, as in README: each program gets its absolute path
            *words,
        ]

    def run_it(self, text, *words, status=0):
        return self.finished_as(status, self.command(text, *words))

    def run_words(self, *words, status=0):
        return self.finished_as(status, [str(support.REPO / "tools" / "compare"), *words])

    def finished_as(self, status, command):
        """Where 0 is expected, a machine so busy that no cell got an answer in time may end in a report with status 1."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        reported = status == 0 and "index.html" in done.stdout
        self.assertIn(done.returncode, (0, 1) if reported else (status,), done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stdout + done.stderr

    def rows(self):
        with open(self.out / "cells.csv", newline="", encoding="utf-8") as cells:
            return list(csv.DictReader(cells))

    def finished(self):
        return {path.parent.name: path.read_text() for path in self.out.glob("raw/*/cell.json")}

    def test_six_cells_killed_and_resumed_are_the_same_cells(self):
        said = self.run_it(SIX, "--dry-run")
        planned = re.findall("^([0-9a-f]{12})  ", said, re.MULTILINE)
        self.assertIn("are short: percentiles have few requests", said)
        self.assertEqual(len(planned), 6)
        self.assertEqual([path.name for path in self.out.iterdir()], [calibration.FILE])
        (self.out / calibration.FILE).unlink()
        process = subprocess.Popen(
            self.command(SIX),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: len(self.finished()) >= 2)
        family = eventually(lambda: len(found := measure.family(process.pid)) > 1 and found)
        process.send_signal(signal.SIGKILL)
        process.wait()
        eventually(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in family))
        before, calibrated = self.finished(), (self.out / calibration.FILE).read_text()
        left = self.cgroups_of(process.pid)
        self.assertLess(len(before), 6)
        for words in ([], ["--dry-run"]):
            self.assertIn("--resume goes on with it", self.run_it(SIX, *words, status=1))
        said = self.run_it(SIX, "--resume")
        self.assertIn(f"compare: {6 - len(before)} of 6 cells to run", said)
        self.assertEqual([row["id"] for row in self.rows()], planned)
        self.assertEqual({name: self.finished()[name] for name in before}, before)
        self.assertIn("A tiny file, hot", said)
        self.assertEqual(self.cgroups_of(process.pid), [], left)
        for name in ("index.html", "report.md", "figures/tiny-throughput.svg", "figures/tiny-stages.csv"):
            self.assertGreater((self.out / name).stat().st_size, 100, name)
        self.check_calibration(calibrated)
        self.check_record(min(self.rows(), key=lambda row: row["outcome"] != "ok"))

    @staticmethod
    def cgroups_of(pid):
        """Those that a comparison has made and not removed."""
        base = cgroups.base_of(False)
        return list(base.glob(f"{cgroups.PREFIX}{pid}-*")) if base else []

    def check_calibration(self, before):
        """It was made before the first cell, has stayed, and the report shows it. A machine may be too busy for one good answer."""
        self.assertEqual((self.out / calibration.FILE).read_text(), before)
        known = json.loads(before)
        self.assertIn("no good answer", known.get("missing", "no good answer"))
        for said in calibration.words(known):
            self.assertIn(said, (self.out / "report.md").read_text())

    def check_record(self, row):
        """A cell has its figures, and beside them all that they were made from."""
        self.assertIn(row["outcome"], ("ok", "invalid"))
        for key in ("rate", "p50_us", "cpu_us", "voluntary", "pss_kib", "threads", "stage_total_us"):
            self.assertNotEqual(row[key], "", key)
        self.assertGreater(float(row["rate"]), 0)
        parts = sum(
            float(row[f"stage_{part}_us"]) for part in ("read", "process.wait", "process", "write.wait", "write")
        )
        self.assertAlmostEqual(parts, float(row["stage_total_us"]), delta=0.001 * parts)
        folder = self.out / "raw" / row["id"]
        load = json.loads((folder / "load.json").read_text())
        self.assertAlmostEqual(
            float(row["rate"]), load["requests"]["good"] / load["window"]["seconds"], delta=0.2 * float(row["rate"])
        )
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        self.assertIn(load["generator"]["nice"], (max(-20, usual - 20), max(-20, usual - 5), usual))  # usual: where it is not allowed
        self.assertEqual(load["generator"]["policy"], "other")
        record = json.loads((folder / "cell.json").read_text())
        self.assertEqual(record["environment"]["cpus_allowed"], len(os.sched_getaffinity(0)))
        self.assertEqual(record["config"]["options"]["root"], record["command"][record["command"].index("--root") + 1])
        self.assertEqual(record["cgroup"], cgroups.base_of(False) is not None)
        self.assertEqual(row["cpu_pressure"] != "", record["cgroup"] and os.path.exists("/proc/pressure/cpu"))
        self.assertTrue((folder / "load.json").is_file() and (folder / "load.hlog").is_file())

    @unittest.skipUnless(peers.find("nginx"), "nginx is not installed")
    def test_a_peer_runs_beside_our_models(self):
        self.run_it('models = ["staged"]\npeers = ["nginx"]\nrepetitions = 1\n' + SHORT + SHARED + "[levels]\nconnections = [2]\n")
        outcomes = {row["subject"]: (row["outcome"], row["why"]) for row in self.rows()}
        self.assertIn(outcomes["nginx"][0], ("ok", "invalid"), outcomes)

    def test_a_crash_is_recorded_and_the_rest_goes_on(self):
        text = (
            'models = ["staged", "staged --access-log /nowhere/log"]\nrepetitions = 1\n'
            + SHORT
            + SHARED
            + '[levels]\nconnections = [2]\n[[peer]]\nkind = "command"\nname = "gone"\ncommand = "false"\n'
        )
        said = self.run_it(text)
        outcomes = {row["subject"]: row for row in self.rows()}
        self.assertIn(outcomes["staged"]["outcome"], ("ok", "invalid"))
        self.assertEqual(outcomes["gone"]["outcome"], "crashed")
        self.assertIn("ended by itself with status 1", outcomes["gone"]["why"])
        self.assertIn("/nowhere/log", outcomes["staged --access-log /nowhere/log"]["why"])
        self.assertIn("in which the server or the load generator failed", said)

    def test_a_climb_brackets_what_the_server_sustains(self):
        """One processor that sleeps 5 ms a request: 200 of them a second."""
        text = (
            'models = ["staged --processors 1"]\nworkloads = ["blocking"]\nrepetitions = 1\n'
            + SHORT.replace("200ms", "400ms")
            + SHARED
            + "[levels]\nconnections = [2]\nclimb = 0.5\n"
        )
        self.run_it(text)
        spared = [row["outcome"] == "spared" for row in self.rows()]
        self.assertEqual(len(spared), 7)
        self.assertEqual((spared[2], spared[6]), (False, True))  # its peak, and three times that
        self.assertGreaterEqual(spared.count(False), 3)
        self.assertEqual(self.run_it(text, "--resume").count("compare: 0 of 7 cells to run"), 1)

    def test_another_spec_is_not_mixed_in(self):
        one = 'models = ["staged"]\nrepetitions = 1\n' + SHORT + SHARED + "[levels]\nconnections = [2]\n"
        self.run_it(one)
        other = one.replace("200ms", "100ms")
        for words in (["--resume"], ["--resume", "--dry-run"]):
            self.assertIn("holds cells of another spec: --replace", self.run_it(other, *words, status=1))
        said = self.run_it(other, "--report", status=1)
        self.assertIn("holds cells of another spec: --report --out alone", said)
        self.assertNotIn("--replace", said)
        self.run_it(one, "--report")

    def test_a_report_needs_nothing_but_the_folder(self):
        """Neither the spec nor the files of its workloads, from wherever the command runs."""
        (self.folder / "mine.toml").write_text('targets = ["/tiny.txt"]\nfiles = [{path = "tiny.txt", size = 7}]\n')
        text = 'models = ["staged", "loops"]\nworkloads = ["mine.toml"]\nrepetitions = 1\n' + SHORT + SHARED
        self.run_it(text + "[levels]\nconnections = [2]\n")
        before = (self.out / "report.md").read_text()
        for name in ("mine.toml", "spec.toml", "out/report.md", "out/cells.csv"):
            (self.folder / name).unlink()
        self.run_words("--report", "--out", str(self.out))
        self.assertEqual((self.out / "report.md").read_text(), before)
        self.assertEqual(len(self.rows()), 2)
        self.assertIn("loops, the reference", self.run_words("--report", "--out", str(self.out), "--reference", "loops"))
        self.assertIn("'lops'", self.run_words("--report", "--out", str(self.out), "--reference", "lops", status=2))
        self.assertIn("holds no comparison", self.run_words("--report", "--out", str(self.folder / "none"), status=1))

    def test_nonsense_is_one_line_and_status_2(self):
        for text, words, expected in (
            (SIX.replace("3", "0"), [], "repetitions: 0"),
            (SIX, ["--cells", "3/2"], "--cells: '3/2'"),
            (SIX, ["--duration", "1"], "duration: '1'"),
            (SIX, ["--handler-threads", ""], "server.handler_threads: '' is not accepted: equal, own, or a number from 1 to 1024"),
            (SIX, ["--report", "--handler-threads", ""], "server.handler_threads: '' is not accepted"),
            (SIX, ["--models", ""], "nothing to compare"),
            (SIX, ["--workloads", ""], "workloads: [] is not accepted"),
            ('peers = ["nginx"]\nworkloads = ["cpu"]\n', ["--dry-run"], "no cell to run: cpu needs handlers that only quartet has"),
            (SIX + '[server]\nargs = "--min-threads 9 --max-threads 8"\n', ["--dry-run"], "spec.toml: server.args: '--min-threads 9"),
            (SIX.replace("loops", "lops"), ["--dry-run"], "'lops' is not accepted"),
            (SIX.replace("loops", "loops --readers 0"), [], "--readers: '0'"),
            (SIX, ["--load-hosts", "other", "--dry-run"], "--load-hosts: the server listens on 127.0.0.1"),
        ):
            said = self.run_it(text, *words, status=2)
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertIn(expected, said)

    def test_a_reader_of_the_plan_may_stop(self):
        """As `--dry-run | head -1` does. Unbuffered output, which a user's environment may ask for, fails earlier."""
        near, far = os.pipe()
        os.close(near)
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(
            self.command(SIX, "--dry-run"),
            stdout=far,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=buffered,
            timeout=LIMIT_S,
            check=False,
        )
        os.close(far)
        self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_tuning_tells_the_best_setting_and_keeps_its_log(self):
        done = subprocess.run(
            [
                str(support.REPO / "tools" / "compare"),
                "--build",
                str(BUILD),
                "--out",
                str(self.out),
                "--tune",
                "loops",
                "--quick",
                "--placement",
                "shared",
                "--grid",
                "processors=1,2,0",
                "--connections",
                "2",
                "--duration",
                "100ms",
                "--repetitions",
                "2",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(
            done.stdout, r"Best for tiny with 2 connections: loops (--processors [12]|the default): [\d,]+ requests/s"
        )
        self.assertIn("he optimum is", done.stdout)
        with open(self.folder / "out-tuning" / "loops" / "tuning.csv", newline="", encoding="utf-8") as log:
            settings = [row["setting"] for row in csv.DictReader(log)]
        self.assertEqual(set(settings), {"", "--processors 1", "--processors 2"})
        self.assertEqual(len(settings), 2 * 3 + 2 * 2)  # the finalists with the default, then the winner and one other

    def test_server_and_generator_have_cpus_of_their_own(self):
        """As many as the CPUs that this test may use leave to them; loops starts a thread for each of the server's."""
        text = 'models = ["loops"]\nrepetitions = 1\n' + SHORT + "[levels]\nconnections = [2]\n"
        allowed, facts = cpus.allowed(), self.planned_place().facts()
        said = self.run_it(text)
        self.check_placed(facts)
        self.assertIn(f"placement: {placement.words(facts)}", said)
        self.assertIn(f"A tiny file, hot \u00b7 {placement.words(facts)}", said)
        if len(allowed) > 1:
            self.assertFalse(set(cpus.read_list(facts["server_cpus"])) & set(cpus.read_list(facts["generator_cpus"])))
            self.run_it(text + f'[placement]\nserver_cpus = "{allowed[-1]}"\ngenerator_cpus = "{allowed[0]}"\n', "--replace")
            self.check_placed({"server_cpus": str(allowed[-1]), "generator_cpus": str(allowed[0])})
        shutil.rmtree(self.out)
        self.make_out()
        said = self.run_it(text, "--placement", "shared")
        everything = cpus.write_list(allowed)
        self.check_placed({"server_cpus": everything, "generator_cpus": everything})
        self.assertIn("server and generator share", said)

    @staticmethod
    def planned_place():
        """What tools/compare plans for the CPUs that this test may use."""
        allowed = cpus.allowed()
        wanted = {"kind": "apart", "server_cpus": None, "generator_cpus": None}
        return placement.plan(quota.within(allowed, quota.ours()), cpus.core_of(allowed), wanted)

    def check_placed(self, facts):
        """The row, what the server made of its CPUs, and what the load generator saw of its own."""
        row = self.rows()[0]
        record = json.loads((self.out / "raw" / row["id"] / "cell.json").read_text())
        for key in ("server_cpus", "generator_cpus"):
            self.assertEqual((row[key], record["placement"][key]), (facts[key], facts[key]))
            self.assertEqual(record["environment"][key]["tiny"], facts[key])
        self.assertEqual(record["config"]["wiring"], f"LRPW*{len(cpus.read_list(facts['server_cpus']))}")
        seen = json.loads((self.out / "raw" / row["id"] / "load.json").read_text())["environment"]
        self.assertEqual(seen["cpus_allowed"], len(cpus.read_list(facts["generator_cpus"])))

    def test_other_programs_on_the_servers_cpu_are_named_on_the_page(self):
        """The comparison repeats its disturbed block, still ends with a page, and the page says what happened."""
        cpu = self.planned_place().server[0]
        for _ in range(BURNERS):
            burner = subprocess.Popen([sys.executable, "-c", BURNER, str(cpu), str(os.getpid())])
            self.addCleanup(burner.wait)
            self.addCleanup(burner.kill)
        text = 'models = ["staged", "loops"]\nrepetitions = 1\n' + SHORT.replace("repeats = 0", "repeats = 1")
        said = self.run_it(text + "[levels]\nconnections = [2]\n")
        self.assertRegex(said, "repeated: tiny, 2 connections, closed loop, repetition 1: .*other programs took [0-9]+ % of a CPU")
        self.assertEqual([row["repeated"] for row in self.rows()], ["1", "1"])
        page = (self.out / "index.html").read_text()
        self.assertRegex(page, "The machine was shared: in [12] of 2 runs other programs took more than 5 % of a CPU")
        self.assertIn("1 of 1 blocks were repeated whole, 1 times together", page)

    def test_a_traced_cell_has_a_place_for_all_time(self):
        """The load generator's log is joined with the trace, and the parts add up."""
        text = 'models = ["staged"]\nrepetitions = 1\ntrace = true\n' + SHORT + SHARED
        said = self.run_it(text + "[levels]\nconnections = [2]\n")
        row = next(row for row in self.rows() if row["purpose"] == "trace")
        self.assertIn(row["outcome"], ("ok", "invalid"), row["why"])
        found = json.loads((self.out / "raw" / row["id"] / "cell.json").read_text())["trace"]
        self.assertGreater(found["ledger"]["requests"], 0)
        self.assertAlmostEqual(
            sum(found["ledger"]["parts_us"].values()) + found["ledger"]["unaccounted_share"] * found["ledger"]["latency_mean_us"],
            found["ledger"]["latency_mean_us"],
            delta=0.01 * found["ledger"]["latency_mean_us"],
        )
        self.assertIn("unaccounted", (self.out / "report.md").read_text())
        self.assertRegex(said, "Grades of the load generator in [12] runs|No run has a grade")

    def test_shares_of_the_cells_together_are_the_whole(self):
        for part in ("1/2", "2/2"):
            self.run_it(SIX.replace("repetitions = 3", "repetitions = 1"), "--cells", part)
        self.assertEqual(sorted(row["subject"] for row in self.rows()), ["loops", "staged"])


if __name__ == "__main__":
    unittest.main()
