"""Programs that are started: on which CPUs, and how long this one waits for them."""
import os
import subprocess
import tempfile
import unittest
from unittest import mock

import support  # noqa: F401  (the path of comparison)
from comparison import processes

MASK = ["grep", "Cpus_allowed_list", "/proc/self/status"]


class Start(unittest.TestCase):
    def test_is_on_the_cpus_that_are_given(self):
        for cpu in os.sched_getaffinity(0):
            status, out, _ = processes.ask(MASK, (cpu,))
            self.assertEqual((status, out.split()[1:]), (0, [str(cpu)]))
        ours = subprocess.run(MASK, capture_output=True, text=True, check=True).stdout
        self.assertEqual(processes.ask(MASK, None)[1], ours)


@unittest.skipUnless(os.path.exists("/proc/self/autogroup"), "this kernel does not group by sessions")
class Precedence(unittest.TestCase):
    def test_is_that_of_the_session(self):
        with tempfile.TemporaryFile() as out:
            processes.start(["cat", "/proc/self/autogroup"], out, subprocess.STDOUT, nice=7).wait()
            out.seek(0)
            self.assertRegex(out.read(), rb"nice 7$|^$")  # nothing where it is switched off for this session

    def test_that_is_not_allowed_is_none(self):
        with mock.patch("builtins.open", side_effect=PermissionError):
            processes.set_session_nice(-20)


class Wait(unittest.TestCase):
    def start(self, *command):
        process = processes.start(command, subprocess.DEVNULL, subprocess.DEVNULL)
        self.addCleanup(processes.end, process)
        return process

    def test_ends_with_the_program(self):
        self.assertEqual(processes.wait(self.start("sh", "-c", "exit 7"), 60), 7)

    def test_ends_with_its_limit(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            processes.wait(self.start("sleep", "1000"), 0.01)

    def test_does_not_wake_up_in_between(self):
        with mock.patch("time.sleep", side_effect=AssertionError("it polls")):
            self.assertEqual(processes.wait(self.start("sleep", "0.1"), 60), 0)


if __name__ == "__main__":
    unittest.main()
