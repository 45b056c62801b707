"""What happened between two snapshots of a server, and how its threads are named."""
import unittest

import support  # noqa: F401  (the path)
from comparison import figures, status

GROUPS = [{"letters": "R", "threads": 1}, {"letters": "P", "threads": 8}]


def thread(name, group, wall, awake, cpu, runqueue):
    return {"name": name, "group": group, "wall_ns": wall, "awake_ns": awake, "cpu_ns": cpu, "runqueue_ns": runqueue}


class Threads(unittest.TestCase):
    def setUp(self):
        before = [thread("q-R", 0, 1000, 900, 0, 0), thread("q-P/1", 1, 1000, 500, 100, 100)]
        after = [thread("q-R", 0, 2000, 1100, 300, 500), thread("q-P/1", 1, 2000, 1400, 150, 150)]
        self.rows = status.thread_figures(after, before, GROUPS)

    def test_are_busy_while_they_wait_for_a_cpu_or_are_blocked(self):
        self.assertEqual([row["busy"] for row in self.rows], [0.8, 0.9])
        self.assertEqual([row["cpu_wait"] for row in self.rows], [0.5, 0.05])

    def test_that_had_nothing_to_do_are_no_others(self):
        self.assertEqual([figures.threads_that_worked(row) for row in self.rows], ["R*1", "P: 1 of 8"])


if __name__ == "__main__":
    unittest.main()
