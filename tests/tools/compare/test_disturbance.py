"""What else used the machine: other programs are counted, ours are not, and the report says it."""
import os
import subprocess
import unittest
from unittest import mock

import support
from comparison import cells, disturbance, measure

BURN_S = 0.3
BURN = f"import sys, time\nwhile time.process_time() < {BURN_S}: pass\nprint('burnt', flush=True)\nsys.stdin.read()"


class Stranger:
    """A program that does not descend from this one, whose child burns CPU; it ends with its input."""

    def __init__(self, *command):
        ours, theirs = os.pipe()
        self.input = os.fdopen(theirs, "w")
        self.shell = subprocess.Popen(
            ["sh", "-c", 'exec 3<&0; "$@" <&3 &', "sh", *command], stdin=ours, stdout=subprocess.PIPE, text=True
        )
        os.close(ours)
        self.shell.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.shell.stdout.close()

    def says(self):
        return self.shell.stdout.readline().strip()


class Others(unittest.TestCase):
    def test_are_programs_that_do_not_descend_from_this_one(self):
        before = disturbance.others_s()
        with Stranger("python3", "-c", BURN) as stranger:
            self.assertEqual(stranger.says(), "burnt")
            self.assertGreaterEqual(disturbance.others_s() - before, BURN_S)

    def test_keep_the_time_of_those_that_ended(self):
        before = disturbance.others_s()
        with Stranger("sh", "-c", 'echo | python3 -c "$1"; echo over; exec cat', "sh", BURN) as stranger:
            self.assertEqual([stranger.says(), stranger.says()], ["burnt", "over"])
            # Children that ended are in ticks of 10 ms: user and system time are cut to them.
            self.assertGreaterEqual(disturbance.others_s() - before, BURN_S - 0.02)

    def test_are_not_ours(self):
        with subprocess.Popen(["python3", "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            self.assertEqual(child.stdout.readline(), b"burnt\n")
            without = disturbance.others_s()
            with mock.patch.object(measure, "family", lambda pid: []):
                self.assertGreaterEqual(disturbance.others_s() - without, BURN_S)
            child.communicate(b"\n")

    def test_are_not_the_kernels_threads(self):
        with mock.patch.object(measure, "cpu_s", lambda pid, fields: 1.0):
            self.assertEqual(disturbance.program_s(os.getpid()), 1.0)
            kernel = ["I", "2", "0", "0", "0", "-1", "69238880", *["0"] * 40]  # as /proc/PID/stat has it of a kworker
            with mock.patch.object(measure, "stat_fields", lambda pid: kernel):
                self.assertEqual(disturbance.program_s(99), 0.0)

    def test_are_looked_at_again_when_one_ends_meanwhile(self):
        seen = []

        def ends_once(pid):
            seen.append(pid)
            if len(seen) == 1:
                raise FileNotFoundError
            return 1.0

        with mock.patch.object(disturbance, "program_s", ends_once), mock.patch.object(os, "listdir", lambda _: ["7", "8"]):
            self.assertEqual(disturbance.others_s(), 2.0)

    def test_steal_is_the_eighth_of_the_times_of_our_cpus(self):
        text = "cpu  1 2 3 4 5 6 7 8000 9 10\n" + "".join(f"cpu{n} 1 2 3 4 5 6 7 {n}00 9 10\n" for n in (0, 1, 2, 10))
        self.assertAlmostEqual(disturbance.stolen_s(text, [1, 2]), 300 * measure.TICK_S)
        self.assertEqual(disturbance.stolen_s("cpu  1 2 3\ncpu0 1 2 3\nintr 1", [0]), 0)

    def test_are_shares_of_the_time_between_two_looks(self):
        before, after = disturbance.Snapshot(10, 5, 1), disturbance.Snapshot(12, 6, 1.04)
        found = disturbance.between(before, after, 2, 2)
        self.assertAlmostEqual(found["others_cpus"], 0.5)
        self.assertAlmostEqual(found["stolen"], 0.01)
        self.assertEqual(disturbance.between(before, disturbance.Snapshot(12, 4, 1), 2, 1)["others_cpus"], 0)
        self.assertEqual(disturbance.between(before, disturbance.Snapshot(12, 99, 1), 2, 1)["others_cpus"], 2)


class Words(unittest.TestCase):
    def words(self, **metrics):
        spec = support.make_spec(levels={"connections": [1]}, repetitions=3)
        records = [support.record(cell, 1000) for cell in cells.plan(spec)]
        records[1]["metrics"] |= metrics
        records[2] |= {"outcome": "crashed", "metrics": {}}
        return disturbance.words(records, "Of these: ")

    def test_say_nothing_of_a_quiet_machine(self):
        self.assertEqual(self.words(), [])

    def test_say_what_was_taken_and_in_how_many_cells(self):
        self.assertEqual(
            self.words(others_cpus=1.2),
            ["Of these: in 1 of 5 runs other programs took more than 5 % of a CPU, at most 120 %."],
        )
        self.assertIn("in 1 of 5 runs the hypervisor took more than 1 %", self.words(stolen=0.031)[0])
        self.assertIn("at most 3.1 %", self.words(stolen=0.031)[0])


if __name__ == "__main__":
    unittest.main()
