"""The same number of threads for the handlers of all models that have such threads; the server says which those are."""
import pathlib
import sys
import unittest

import support
from comparison import experiment, handler_threads, placement
from comparison.trouble import BadSpec

BUILD = pathlib.Path(sys.argv.pop(1))
MODELS = ["staged", "loops", "worker-stack", "event-mpm", "leader-followers", "staged --processors 3"]


def spec_of(value, models=None, **more):
    return support.make_spec(
        models=MODELS if models is None else models, levels={"connections": [4, 16]}, server={"handler_threads": value}, **more
    )


class HandlerThreads(unittest.TestCase):
    def words(self, wanted):
        place = placement.Placement("apart", (0,), (1,))
        return experiment.check_models(BUILD, wanted, {"tiny": place})

    def said(self, wanted):
        places, found = {"tiny": placement.Placement("apart", (0,), (1,))}, self.words(wanted)
        return [handler_threads.said_of(BUILD, wanted, one, found[one["name"]], places) for one in wanted.subjects]

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

    def test_the_report_says_how_many(self):
        wanted = spec_of("equal")
        self.assertEqual(
            self.said(wanted), ["P*16", "LRPW*1 (its event loops)", "rpw*16", "rpw*16", "LRPW@16", "P*3 (its own)"]
        )
        several = spec_of("own", models=["adaptive", "offload --processors 3"])
        self.assertEqual(self.said(several), ["Rpw, P*4 (its own)", "LRpW, P*3 (its own)"])


if __name__ == "__main__":
    unittest.main()
