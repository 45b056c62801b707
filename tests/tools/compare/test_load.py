"""The load generator's start: what goes before its name, and what the report says of it."""
import contextlib
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import support
from comparison import load, tables


@contextlib.contextmanager
def another_nice(script):
    """A program nice that comes before all others."""
    with tempfile.TemporaryDirectory(prefix="quartet-nice-") as folder:
        program = pathlib.Path(folder) / "nice"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        with mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"):
            yield


def words(**values):
    return {"nice": -5, "prefix": [], **values}


class Precedence(unittest.TestCase):
    def test_comes_before_the_words_of_the_spec(self):
        self.assertEqual(
            load.prefix_of(words(prefix=["taskset", "-c", "1"])), ["nice", "-n", "-5", "taskset", "-c", "1"]
        )
        self.assertEqual(load.prefix_of(words(nice=0)), [])

    def test_is_what_the_machine_gives(self):
        self.assertEqual(load.nice_granted(words(nice=3)), 3)
        self.assertEqual(load.nice_granted(words(nice=0)), 0)

    def test_is_none_where_it_is_not_allowed(self):
        with another_nice("echo 'nice: cannot set niceness: Permission denied' >&2; echo 0"):
            self.assertEqual(load.nice_granted(words()), 0)
        with another_nice("exit 1"):
            self.assertEqual(load.nice_granted(words()), 0)

    def test_is_told_as_it_was(self):
        self.assertIn("a nice value of -5, so that", tables.precedence(-5, -5)[0])
        self.assertIn("not allowed", tables.precedence(-5, 0)[0])
        self.assertEqual(tables.precedence(0, 0), [])

    def test_is_minus_five_if_nothing_is_said(self):
        self.assertEqual(support.make_spec().load["nice"], -5)


if __name__ == "__main__":
    unittest.main()
