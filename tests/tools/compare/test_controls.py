"""Controls: a queue that follows its law passes, one that does not fails, and a run that shows nothing is undecided.
usage: test_controls.py BUILD"""
import contextlib
import dataclasses
import heapq
import io
import json
import pathlib
import random
import sys
import tempfile
import unittest
from unittest import mock

import support
import test_grades
from comparison import command, control, controls, controls_file, queueing
from comparison.trouble import BadSpec

BUILD = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else support.REPO / "build" / "dev"
OVERHEAD, BESIDE = 0.00003, 0.00006  # seconds
PROCESS = {control.SLEEP: 0.00506, control.NAP: 0.00206, control.SPIN: 0.000501}
DRAWS = {
    "": lambda source: 1.0,
    "exp": lambda source: source.expovariate(1),
    "bimodal": lambda source: (10 if source.random() < 0.05 else 1) / 1.45,
}


def sojourns(kind, dist, count, seed=1):
    """From sent to answered of a first-come first-served queue with the control's rate and servers."""
    source, process = random.Random(seed), PROCESS[kind.base]
    free, now, found = [0.0] * kind.servers, 0.0, []
    for _ in range(count):
        now += source.expovariate(kind.rate)
        begin = max(now, heapq.heappop(free))
        handler = process * DRAWS[dist](source)
        heapq.heappush(free, begin + handler + OVERHEAD)
        found.append(begin - now + handler + BESIDE)
    return found


def report(sojourn=0.0, rate=0.0, invalid=(), **more):
    made = test_grades.a_report(**more)
    made["latency_ns"]["from_send"]["mean"] = sojourn * 1e9
    made["rate"]["answered"] = rate
    return made | {"invalid": list(invalid)}


def judged(kind, found, **more):
    """The verdict on an open loop with these sojourns."""
    process = PROCESS[kind.base]
    alone = control.Run(report(process + BESIDE), process, [])
    full = control.Run(report(rate=kind.servers / (process + OVERHEAD)), process, [])
    return control.judge(kind, alone, full, control.Run(report(**more), process, found))


def kind_named(name):
    return next(kind for kind in control.CONTROLS if kind.name == name)


class Verdicts(unittest.TestCase):
    def test_a_queue_that_follows_its_law_holds(self):
        for kind in control.CONTROLS:
            with self.subTest(kind.name):
                found = judged(kind, sojourns(kind, kind.dist, round(kind.seconds * kind.rate)))
                self.assertEqual(found["verdict"], "holds", found)
                self.assertLess(found["high_us"] - found["low_us"], 2 * control.WIDEST * found["predicted_us"])

    def test_another_distribution_fails(self):
        for name, dist in (("loop-constant-60", "exp"), ("loop-exponential", ""), ("loop-bimodal", ""),
                           ("pool-constant", "exp"), ("pool-exponential", "")):
            with self.subTest(name):
                kind = kind_named(name)
                self.assertEqual(judged(kind, sojourns(kind, dist, round(kind.seconds * kind.rate)))["verdict"], "fails")

    def test_a_wrong_prediction_fails(self):
        for name, law in (("loop-constant-60", lambda *known: 1.5 * control.one_server(*known)),
                          ("loop-exponential", lambda *known: control.one_server(*known) / 1.5),
                          ("pool-constant", lambda rate, mean, _, servers: queueing.mmc_wait(rate, mean, servers))):
            with self.subTest(name):
                kind = kind_named(name)
                wrong = dataclasses.replace(kind, wait=law)
                self.assertEqual(judged(wrong, sojourns(kind, kind.dist, round(kind.seconds * kind.rate)))["verdict"], "fails")

    def test_one_server_too_few_fails(self):
        kind = kind_named("pool-constant")
        found = sojourns(dataclasses.replace(kind, servers=3), "", round(kind.seconds * kind.rate))
        self.assertEqual(judged(kind, found)["verdict"], "fails")

    def test_overheads_are_part_of_the_prediction(self):
        kind = kind_named("loop-constant-60")
        found = judged(kind, sojourns(kind, "", 4800))
        self.assertAlmostEqual(found["overhead_us"], OVERHEAD * 1e6)
        self.assertAlmostEqual(found["beside_us"], BESIDE * 1e6)
        self.assertAlmostEqual(found["load"], kind.rate * (PROCESS[kind.base] + OVERHEAD))

    def test_a_run_that_shows_nothing_is_undecided(self):
        kind = kind_named("loop-constant-60")
        whole = sojourns(kind, "", 4800)
        for found, said in (
            (judged(kind, whole, own_mean=50), "50 % of the latency (mean) was the generator's lag"),
            (judged(kind, whole, invalid=["arrivals are not as asked: distance 0.2"]), "arrivals are not as asked"),
            (judged(kind, whole[:300]), "300 requests are too few"),
            (judged(kind, whole[:600]), "too wide: a longer --duration"),
            (judged(dataclasses.replace(kind, rate=190), whole), "a service takes 5.09 ms, too long for this rate"),
        ):
            self.assertEqual(found["verdict"], "undecided")
            self.assertIn(said, found["why"])
            self.assertIn("undecided", controls.line_of(found))

    def test_all_hold_by_chance_as_often_as_is_said(self):
        self.assertAlmostEqual(len(control.CONTROLS) * (1 - control.coverage()), 0.01)


FACTS = {**support.ENVIRONMENT, "host": "here"}
BAD = {"name": "x", "law": "M/D/1", "verdict": "fails", "why": "", "predicted_us": 1000.0, "low_us": 1100.0, "high_us": 1200.0}
GOOD = {**BAD, "verdict": "holds"}


class File(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.out = pathlib.Path(temporary.name) / "compare"

    def words(self, **facts):
        return controls_file.failed_words(self.out, {**FACTS, **facts})

    def test_names_the_controls_that_fail_on_this_machine_today(self):
        self.assertFalse(controls_file.write(self.out, FACTS, [GOOD, BAD, {**BAD, "verdict": "undecided", "why": "no load"}]))
        first, second = self.words(date="2026-01-02T23:00:00+00:00")
        self.assertIn("x (M/D/1) did not hold on this machine on 2026-01-02: queueing theory predicts a mean wait of 1.00 ms, "
                      "measured were 1.10 ms to 1.20 ms", first)
        self.assertIn("no load", second)

    def test_is_silent_elsewhere_and_later_and_when_all_hold(self):
        self.assertEqual(self.words(), [])
        self.assertTrue(controls_file.write(self.out, FACTS, [GOOD]))
        self.assertEqual(self.words(), [])
        controls_file.write(self.out, FACTS, [BAD])
        self.assertEqual(len(self.words()), 1)
        for other in ({"date": "2026-01-03T00:00:01+00:00"}, {"host": "there"}, {"kernel": "6.2"}, {"cpu": "another"}):
            self.assertEqual(self.words(**other), [])

    def test_says_that_a_damaged_file_says_nothing(self):
        controls_file.write(self.out, FACTS, [BAD])
        for text in ("{", "[]", '{"format": 1, "machine": {"date": "2026-01-02"}, "controls": [{"name": "x"}]}'):
            controls_file.file_of(self.out).write_text(text, encoding="utf-8")
            self.assertRegex(self.words()[0], "^What the controls found is not known. .*controls.json: is damaged: .*: remove it, or run")


class Log(unittest.TestCase):
    def test_gives_the_sojourns_of_the_window_in_the_order_of_sending(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "open.csv"
            path.write_text("due_ns,sent_ns,first_byte_ns,done_ns,connection,url,status,bytes,measured,outcome\n"
                            "1,3000,0,9000,1,0,200,1,1,good\n1,1000,0,5000,2,0,200,1,1,good\n"
                            "1,500,0,900,1,0,200,1,0,good\n1,4000,0,-1,1,0,0,0,1,timeout\n", encoding="utf-8")
            self.assertEqual(controls.read_sojourns(path), [4e-6, 6e-6])


class Load(unittest.TestCase):
    def test_that_brought_no_answer_or_a_failure_makes_a_control_undecided(self):
        for said, words in ((report(), "no answer came within the window"),
                            (report(rate=5, count=100, timeout=3), "3 % of the requests had no good answer")):
            with tempfile.TemporaryDirectory() as folder, mock.patch.object(controls.load, "run", lambda *_: said), \
                    mock.patch.object(controls.status, "ask", lambda _: None), mock.patch.object(controls.servers, "server_of"):
                lab = controls.Lab(BUILD, controls.placement.Placement("shared", (0,), (0,)), [0], 1.0)
                found = controls.run_one(lab, control.CONTROLS[0], pathlib.Path(folder))
            self.assertEqual((found["verdict"], found["why"]), ("undecided", f"alone: {words}"))


class Command(unittest.TestCase):
    def test_refuses_options_that_have_no_effect(self):
        defaults = command.parser().parse_args([])
        for words, said in ((["--quick"], "--quick"), (["spec.toml"], "a spec"), (["--load-hosts", "a"], "--load-hosts")):
            with self.assertRaisesRegex(BadSpec, f"--controls does not go with {said}: it takes --build"):
                controls.check_options(command.parser().parse_args(["--controls", *words]), defaults)

    def test_a_failed_control_is_in_the_file_and_in_the_exit_status(self):
        """Real servers and short runs. The prediction is wrong by so much that no state of the machine hides it."""
        kinds = (kind_named("loop-constant-60"), kind_named("pool-exponential"))
        wrong = tuple(dataclasses.replace(kind, wait=lambda *known: 1000.0) for kind in kinds)
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(control, "CONTROLS", wrong), mock.patch.object(
            controls, "CALIBRATION_S", 0.2
        ), contextlib.redirect_stdout(io.StringIO()) as said:
            out = pathlib.Path(folder) / "compare"
            words = ["--controls", "--build", str(BUILD), "--out", str(out), "--duration", "3s"]
            self.assertEqual(command.main(words), 1)
            found = json.loads(controls_file.file_of(out).read_text(encoding="utf-8"))
            paths = [out.parent / "controls" / kind.name / "open.csv" for kind in kinds]
            logs = [controls.read_sojourns(path) if path.exists() else None for path in paths]
        self.assertFalse(found["holds"])
        self.assertIn("NOT ALL HOLD", said.getvalue())
        for one, kind, log in zip(found["controls"], kinds, logs):
            self.assertIn(one["verdict"], ("fails", "undecided"))
            self.assertEqual(one["name"], kind.name)
            if log is None or "requests" not in one:  # a disturbed machine: one of the loads had no good answers
                self.assertEqual(one["verdict"], "undecided")
                self.assertRegex(one["why"], "^(alone|full|open): ")
                continue
            self.assertEqual(one["requests"], len(log))
            self.assertGreater(one["process_us"], 500)


if __name__ == "__main__":
    unittest.main()
