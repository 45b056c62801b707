"""Tuning: which flags, which settings, and that the verdict is made of the last round alone."""
import unittest
from unittest import mock

import support
from comparison import command, experiment, handler_threads, tune
from comparison.trouble import BadSpec, Trouble


class Knobs(unittest.TestCase):
    def test_are_those_of_the_groups(self):
        self.assertEqual(
            tune.knobs_of("L | R | P*8 | W", 2),
            {"--readers": [1, 2], "--processors": [1, 2, 4, 8, 16], "--writers": [1, 2]},
        )
        self.assertEqual(tune.knobs_of("LRPW*2", 4), {"--processors": [2, 4]})
        self.assertEqual(tune.knobs_of("LRPW@8", 2), {"--processors": [1, 2, 4, 8, 16]})
        self.assertEqual(tune.knobs_of("LKW | rpw*1024", 2), {"--writers": [1, 2], "--sessions": tune.SESSIONS})
        self.assertEqual(tune.knobs_of("lrpw*64", 2), {"--sessions": tune.SESSIONS})

    def test_by_words_say_what_is_wrong(self):
        self.assertEqual(
            tune.knobs_by_words(["--batch=1,64", "readers=2"]), {"--batch": ["1", "64"], "--readers": ["2"]}
        )
        for wrong in ("--batch", "=1", "--batch="):
            with self.assertRaisesRegex(BadSpec, "--grid"):
                tune.knobs_by_words([wrong])

    def test_make_all_settings(self):
        self.assertEqual(
            tune.settings_of({"--a": [1, 2], "--b": ["x"]}), [["--a", "1", "--b", "x"], ["--a", "2", "--b", "x"]]
        )


class Pretended(tune.Sweep):
    """A sweep over settings whose rates are known."""

    def __init__(self, values, final=5):
        self.spec = support.make_spec(models=["staged"], levels={"connections": [64]})
        self.base, self.knobs, self.default = self.spec.subjects[0], {"--processors": list(values)}, []
        self.settings = [["--processors", str(value)] for value in values]
        self.runs, self.planned, self.final = [], {}, final

    def play(self, rate_of):
        """All rounds; rate_of(setting's value or None, round, repetition)."""
        for number, (settings, repetitions) in enumerate(self.rounds(), 1):
            for repetition in range(repetitions):
                for words in settings:
                    rate = rate_of(int(words[1]) if words else None, number, repetition)
                    rate, p99 = rate if isinstance(rate, tuple) else (rate, 1.0)
                    record = {"outcome": "ok", "why": "", "metrics": {"rate": rate, "p99_us": p99, "cpu_us": 1.0}}
                    self.runs.append((number, words, record))
            self.last = number


class Halving(unittest.TestCase):
    def test_finds_the_best_and_runs_it_most(self):
        sweep = Pretended(range(1, 17))
        sweep.play(lambda value, _, repetition: 1000 - 10 * abs((value or 4) - 11) + repetition)
        best, estimate = sweep.finalists()[0]
        self.assertEqual(best, ["--processors", "11"])
        self.assertEqual((estimate.count, len(sweep.runs)), (5, sweep.expected_runs()))
        self.assertEqual(sum(1 for _, words, _ in sweep.runs if words == ["--processors", "1"]), 1)

    def test_confirms_the_winner_in_one_more_round_beside_the_default(self):
        """A setting that was lucky when it won is measured by the last round."""
        sweep = Pretended([1, 2])
        sweep.play(
            lambda value, number, repetition: {1: 100, 2: 130 if number == 1 else 90, None: 110}[value] + repetition
        )
        last = [words for number, words, _ in sweep.runs if number == sweep.last]
        self.assertEqual(sorted(last), [[]] * 5 + [["--processors", "2"]] * 5)
        said = " ".join(tune.verdict(sweep))
        self.assertIn("Best for tiny with 64 connections: staged the default: 112 requests/s", said)
        self.assertIn("against --processors 2: faster by 22 % [", said)

    def test_keeps_a_limit_of_p99(self):
        """The fastest has a p99 above the limit."""
        sweep = Pretended([1, 2, 3])
        sweep.limit_us = 1000
        sweep.play(lambda value, _, repetition: ((value or 1) * 100 + repetition, 2000 if value == 3 else 500))
        self.assertEqual(tune.confirmation(sweep)[0], ["--processors", "2"])
        self.assertIn("connections and p99 at most 1.00 ms: staged --processors 2", tune.verdict(sweep)[0])
        sweep.limit_us = 1
        with self.assertRaisesRegex(Trouble, "no setting of staged keeps p99 below 1.00 us"):
            tune.verdict(sweep)

    def test_luck_in_the_rounds_that_choose_is_not_in_the_result(self):
        sweep = Pretended(range(1, 9))
        sweep.play(lambda value, number, repetition: 5000 if value == 3 and number == 1 else 1000 + repetition)
        self.assertLessEqual(sweep.estimate(["--processors", "3"], sweep.last - 1).high, 1004)
        self.assertIn("Not distinguishable from it", " ".join(tune.verdict(sweep)))

    def test_the_default_is_always_measured_beside(self):
        sweep = Pretended([1, 2])
        sweep.play(lambda value, *_: {1: 100, 2: 200, None: 150}[value])
        said = " ".join(tune.verdict(sweep))
        self.assertIn("One more round, against the default: faster by 33 % [33, 33].", said)
        self.assertIn("The optimum is sharp: 1 of 2 settings came within 5.0 % of it; the worst reached 50 %", said)

    def test_an_optimum_that_is_not_distinguishable_is_not_called_sharp(self):
        sweep = Pretended([1, 2])
        sweep.play(lambda value, _, repetition: {1: 100, 2: 200, None: 180}[value] + 40 * (repetition * (value or 3) % 5))
        said = " ".join(tune.verdict(sweep))
        self.assertIn("Not distinguishable from it", said)
        self.assertIn("These runs do not show how sharp the optimum is: 1 of 2 settings", said)


class SideBySide(unittest.TestCase):
    """The comparison that ends the tuning of several models."""

    BEST = {"staged": ["--processors", "16"], "loops": [], "worker-stack --batch 4": ["--sessions", "8"]}

    def compared(self, *words):
        """The spec of the comparison that --tune ends with."""
        options = command.parser().parse_args(words)
        options.tuned = []

        def found(_, model):
            base = support.make_spec(models=[model]).subjects[0]
            return {"subjects": tune.side_by_side(base, self.BEST[model]), "said": "", "log": ""}

        with mock.patch.object(tune, "tune_model", found), mock.patch.object(experiment, "prepared"), mock.patch.object(
            experiment, "compare", experiment.wanted_of
        ):
            return tune.tune(options)

    def test_has_the_default_and_the_tuned_of_each_model_named_so(self):
        wanted = self.compared("--tune", "staged,worker-stack --batch 4")
        self.assertEqual(
            {subject["name"]: subject["args"] for subject in wanted.subjects},
            {
                "staged (default)": ["--model", "staged"],
                "staged (tuned: --processors 16)": ["--model", "staged", "--processors", "16"],
                "worker-stack --batch 4 (default)": ["--model", "worker-stack", "--batch", "4"],
                "worker-stack --batch 4 (tuned: --sessions 8)": ["--model", "worker-stack", "--batch", "4", "--sessions", "8"],
            },
        )
        self.assertEqual(wanted.reference, "staged (default)")

    def test_has_the_default_alone_where_it_won(self):
        wanted = self.compared("--tune", "loops", "--peers", "nginx")
        self.assertEqual([subject["name"] for subject in wanted.subjects], ["loops (default)", "nginx"])

    def test_gives_each_model_its_own_handler_threads(self):
        self.assertIsNone(handler_threads.number_of(self.compared("--tune", "staged,loops")))
        with self.assertRaisesRegex(BadSpec, "--handler-threads: '8'"):
            self.compared("--tune", "staged,loops", "--handler-threads", "8")

    def test_is_checked_before_anything_is_tuned(self):
        options = command.parser().parse_args(["--tune", "staged,loops", "--build", "/nowhere"])
        with mock.patch.object(tune, "tune_model", side_effect=AssertionError("tuned")):
            with self.assertRaisesRegex(Trouble, "/nowhere/quartet-load does not exist"):
                tune.tune(options)
        options.workloads = "tiny,none"
        with self.assertRaisesRegex(BadSpec, "none"):
            tune.tune(options)


if __name__ == "__main__":
    unittest.main()
