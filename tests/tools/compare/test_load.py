"""The load generator's start: what goes before its name, and what the report says of it."""
import unittest

import support
from comparison import cells, load, tables


def words(**values):
    return {"nice": -5, "prefix": [], **values}


class Precedence(unittest.TestCase):
    def test_comes_before_the_words_of_the_spec(self):
        self.assertEqual(
            load.prefix_of(words(prefix=["taskset", "-c", "1"])), ["nice", "-n", "-5", "taskset", "-c", "1"]
        )
        self.assertEqual(load.prefix_of(words(nice=0)), [])

    def sentences(self, *scheduled, kind="shared"):
        return tables.precedence([{"load": {"policy": policy, "nice": nice}} for policy, nice in scheduled], kind)

    def test_is_reported_as_it_was(self):
        self.assertIn("a nice value of -5, so that it gets", self.sentences(("other", -5), ("other", -5))[0])
        self.assertIn("so that other programs on its", self.sentences(("other", -5), kind="apart")[0])
        self.assertEqual(self.sentences(("other", 0)), ["Its scheduling policy was other, its nice value 0."])
        self.assertEqual(self.sentences(("fifo", -5)), ["Its scheduling policy was fifo, its nice value -5."])
        self.assertNotIn("so that", self.sentences(("other", -5), kind="elsewhere")[0])
        self.assertIn("other, nice -5, in 2; other, nice 0, in 1", self.sentences(("other", -5), ("other", 0), ("other", -5))[0])
        self.assertEqual(tables.precedence([{"load": None}, {}], "shared"), [])

    def test_a_generator_with_cpus_of_its_own_does_not_sleep(self):
        cell = cells.plan(support.make_spec())[0]
        options = [load.words(cell, "http://a", words(args=[], cpus=own), None, 1, (0, 1)) for own in ((1,), (), None)]
        self.assertEqual(["--spin" in one for one in options], [True, False, False])
        self.assertEqual(["--threads" in one for one in options], [False, True, False])

    def test_all_threads_are_counted(self):
        one = {"generator": {"cpu_share": 0.9}}
        self.assertEqual(load.cpus_taken(one), 0.9)
        one["generator"]["threads"] = [{"cpu_share": 0.9}, {"cpu_share": 0.5}]
        self.assertEqual(load.cpus_taken(one), 1.4)

    def test_depends_on_the_placement_if_nothing_is_said(self):
        asked = support.make_spec().load["nice"]
        self.assertEqual([load.nice_of(asked, kind) for kind in ("apart", "shared", "elsewhere")], [-20, -5, -5])
        self.assertEqual(load.nice_of(0, "apart"), 0)


class Classes(unittest.TestCase):
    @staticmethod
    def url(path, count):
        figures = {"count": count, "mean": 1000, "p50": 2000, "p90": 3000, "p99": 4000, "p999": 5000, "max": 6000}
        return {"url": f"http://127.0.0.1:1{path}", "weight": 1, "latency_ns": figures}

    def test_are_the_urls_of_a_mix(self):
        found = load.classes_us({"urls": [self.url("/a?b=/c", 2000), self.url("/d", 20)]})
        self.assertEqual([one["target"] for one in found], ["/a?b=/c", "/d"])
        self.assertEqual([(one["p50"], one["p99"]) for one in found], [(2.0, 4.0), (2.0, None)])

    def test_are_neither_one_url_nor_many_files(self):
        self.assertEqual(load.classes_us({"urls": [self.url("/a", 2000)]}), [])
        self.assertEqual(load.classes_us({"urls": [self.url("/a", 2000)] * 5}), [])
        self.assertEqual(load.classes_us({}), [])

if __name__ == "__main__":
    unittest.main()
