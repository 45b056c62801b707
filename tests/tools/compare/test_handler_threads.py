"""The same number of threads for the handlers of all models that have such threads; the server says which those are."""
import pathlib
import sys
import tempfile
import types
import unittest
from unittest import mock

import support
from comparison import cells, experiment, handler_threads, one_cell, placement
from comparison.trouble import BadSpec, Trouble

BUILD = pathlib.Path(sys.argv.pop(1))
MODELS = ["staged", "loops", "worker-stack", "event-mpm", "leader-followers", "staged --processors 3"]


def spec_of(value, models=None, **more):
    return support.make_spec(
        models=MODELS if models is None else models, levels={"connections": [4, 16]}, server={"handler_threads": value}, **more
    )


class HandlerThreads(unittest.TestCase):
    def threads(self, wanted):
        places = {workload["name"]: placement.Placement("apart", (0,), (1,)) for workload in wanted.workloads}
        return experiment.check_models(BUILD, wanted, places, "my.toml")

    def words(self, wanted):
        return {name: list(found.words) for (name, _), found in self.threads(wanted).items()}

    def said(self, wanted):
        threads = self.threads(wanted)
        return [handler_threads.said_of(wanted, one, threads) for one in wanted.subjects]

    def test_are_equal_for_all_models_that_have_them(self):
        found = self.words(spec_of("equal"))
        same = ["--max-threads", "16"]
        self.assertEqual(
            found,
            {
                "staged": same,
                "loops": [],
                "worker-stack": same,
                "event-mpm": same,
                "leader-followers": same,
                "staged --processors 3": [],
            },
        )

    def test_are_as_many_as_asked_for(self):
        self.assertEqual(self.words(spec_of(5))["staged"], ["--max-threads", "5"])
        self.assertEqual(self.words(spec_of("own"))["staged"], [])

    def test_a_wiring_and_flags_for_all_servers_have_chosen(self):
        wanted = spec_of(5, models=[], model=[{"wiring": "L | R | P*2 | W"}])
        self.assertEqual(list(self.words(wanted).values()), [[]])
        wanted.server["args"] = ["--sessions", "4"]
        wanted.subjects[:] = [{"kind": "quartet", "name": "worker-stack", "args": ["--model", "worker-stack"]}]
        self.assertEqual(self.words(wanted), {"worker-stack": []})
        self.assertEqual(self.said(wanted), ["rpw*4 (its own)"])

    def test_words_that_the_server_refuses_are_refused(self):
        with self.assertRaisesRegex(BadSpec, "staged --processors 0"):
            self.words(spec_of("equal", models=["staged --processors 0"]))

    def mixed(self, server_args, **more):
        """Two workloads, of which the second has words for the server."""
        other = {"name": "other", "targets": ["/tiny.txt"], "server_args": server_args}
        models = more.pop("models", ["staged", "worker-stack"])
        return spec_of(more.pop("value", "equal"), models, workloads=["tiny"], workload=[other], **more)

    def test_that_a_workload_chooses_are_kept_in_it_and_said(self):
        with tempfile.TemporaryDirectory() as folder:
            conf = pathlib.Path(folder) / "server.conf"
            conf.write_text("max-threads 7\n")
            for words in ("--max-threads 7", "--max-threads=7", f"--config {conf}"):
                for value in ("equal", 5):
                    wanted = self.mixed(words, value=value)
                    found = {key: one.words for key, one in self.threads(wanted).items()}
                    common = ("--max-threads", "16" if value == "equal" else "5")
                    self.assertEqual(found["staged", "tiny"], common)
                    self.assertEqual(found["staged", "other"], ())
                    self.assertEqual(self.said(wanted)[0], f"P*{common[1]} for tiny; P*7 (its own) for other")

    def test_of_a_workload_that_chooses_nothing_are_equal(self):
        self.assertEqual(self.said(self.mixed("--batch 8")), ["P*16", "rpw*16"])

    def test_a_cell_starts_its_server_with_those_of_its_workload(self):
        wanted = self.mixed("--max-threads 7")
        started = []
        bench = types.SimpleNamespace(
            threads=self.threads(wanted), spec=wanted, build=BUILD, root=None, cgroups=None,
            places={name: placement.Placement("apart", (0,), (1,)) for name in ("tiny", "other")},
        )

        def server_of(_subject, _build, _root, _work, words, _room, more):
            started.append([*words["args"], *more])
            raise Trouble("not this time")

        with mock.patch.object(one_cell.servers, "server_of", server_of):
            for name in ("tiny", "other"):
                with self.assertRaises(Trouble):
                    cell = next(cell for cell in cells.plan(wanted) if cell.workload["name"] == name)
                    one_cell.attempt(bench, cell, None, pathlib.Path("none"))
        self.assertEqual(started, [["--max-threads", "16"], ["--max-threads", "7"]])

    def test_contradictions_are_refused_with_the_file_and_the_key(self):
        for server_args, models, said in (
            ("--min-threads 128", ["staged"], "--min-threads 128 is more than the"),
            ("--min-threads 9 --max-threads 8", ["worker-stack"], "--min-threads 9 is more than the 8 threads there may be"),
            ("--max-threads 7", ["loops"], "only the threads of pools and sessions come and go"),
            ("--max-threads 7", ["staged --processors 3"], ""),
        ):
            with self.assertRaises(BadSpec) as refused:
                self.threads(self.mixed(server_args, models=models))
            line = str(refused.exception)
            self.assertTrue(line.startswith(f"my.toml: workload other: server_args: '{server_args}' is not accepted: "), line)
            self.assertIn(said, line)
            self.assertEqual(len(line.splitlines()), 1)

    def test_words_that_start_no_server_are_refused(self):
        with self.assertRaisesRegex(BadSpec, "my.toml: .*--version' is not accepted"):
            self.threads(self.mixed("--version"))

    def test_the_report_says_how_many(self):
        wanted = spec_of("equal")
        self.assertEqual(
            self.said(wanted), ["P*16", "LRPW*1 (its event loops)", "rpw*16", "rpw*16", "LRPW@16", "P*3 (its own)"]
        )
        several = spec_of("own", models=["adaptive", "offload --processors 3"])
        self.assertEqual(self.said(several), ["Rpw, P*4 (its own)", "LRpW, P*3 (its own)"])


if __name__ == "__main__":
    unittest.main()
