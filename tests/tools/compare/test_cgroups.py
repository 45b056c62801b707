"""The cgroup of a server: where it lies, what it counts, and that it is gone afterwards. The kernel's part runs where this
program may make one."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import support
from comparison import cells, cgroups, processes, servers, tables, summary

UNIFIED = "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n"
BESIDE_V1 = "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" + UNIFIED.replace("cgroup rw", "cgroup/unified rw", 1)
BURN_S = 0.2
BURN = f"import time\nwhile time.process_time() < {BURN_S}: pass"


class Places(unittest.TestCase):
    def bases(self, mounts, own):
        return [str(base) for base in cgroups.bases_of(mounts, own)]

    def test_are_beside_ours_or_below_it(self):
        self.assertEqual(
            self.bases(UNIFIED, "0::/user.slice/a.scope\n"), ["/sys/fs/cgroup/user.slice", "/sys/fs/cgroup/user.slice/a.scope"]
        )
        self.assertEqual(self.bases(BESIDE_V1, "1:cpu:/x\n0::/\n"), ["/sys/fs/cgroup/unified"])
        moved = UNIFIED.replace(" / ", " /box ").replace("/sys/fs/cgroup", "/a\\040b")
        self.assertEqual(self.bases(moved, "0::/box/a\n"), ["/a b", "/a b/a"])

    def test_end_at_the_mount(self):
        chain = cgroups.chain_of(UNIFIED, "0::/a/b\n")
        self.assertEqual([str(folder) for folder in chain], [f"/sys/fs/cgroup{rest}" for rest in ("/a/b", "/a", "")])
        self.assertEqual(cgroups.chain_of(UNIFIED.replace(" / ", " /box "), "0::/boxes\n"), [])

    def test_are_none_where_version_2_is_not(self):
        self.assertEqual(self.bases("33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "0::/\n"), [])
        self.assertEqual(self.bases(UNIFIED, "1:cpu:/x\n"), [])
        self.assertEqual(self.bases(UNIFIED, "0::/../other\n"), [])

    def test_are_none_where_a_server_would_not_compete_with_the_generator(self):
        """A nice value counts within a cgroup only, once each has its share of the CPUs."""
        with tempfile.TemporaryDirectory() as folder:
            base = pathlib.Path(folder)
            with mock.patch.object(cgroups, "bases_of", lambda *_: [base]), mock.patch.object(
                cgroups, "can_be_entered", lambda _: True
            ), mock.patch.multiple(cgroups.Group, cpu_s=lambda _: 0.0, remove=lambda group: not group.folder.rmdir()):
                for controllers, shared, found in (("memory", True, base), ("cpu memory", True, None), ("cpu", False, base)):
                    (base / "cgroup.subtree_control").write_text(controllers)
                    self.assertEqual(cgroups.base_of(shared), found)


class Figures(unittest.TestCase):
    def test_are_those_that_the_kernel_has(self):
        with tempfile.TemporaryDirectory() as folder:
            group = cgroups.Group(pathlib.Path(folder))
            self.assertEqual((group.cpu_s(), group.waited_s(), group.peak_kib()), (None, None, None))
            (group.folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
            (group.folder / "cpu.pressure").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1500\nfull avg10=0 total=9\n")
            (group.folder / "memory.peak").write_text("4096\n")
            self.assertEqual((group.cpu_s(), group.waited_s(), group.peak_kib()), (2.5, 0.0015, 4))

    def test_of_the_report_name_their_source(self):
        wanted = support.make_spec(repetitions=1)
        records = [support.record(cell, 100) for cell in cells.plan(wanted)]
        for given, said in (([False, False], "all from /proc"), ([True, True], "of the server's own, the"), ([True, False], "in 1 of 2")):
            made = [one | {"cgroup": has} for one, has in zip(records, given)]
            self.assertIn(said, tables.cpu_time_words(summary.Summary(wanted, made)))


@unittest.skipUnless(cgroups.base_of(False), "this program may make no cgroup here")
class Kernel(unittest.TestCase):
    def setUp(self):
        self.base = cgroups.base_of(False)
        self.group = cgroups.make(self.base, f"test-{id(self)}")
        self.addCleanup(self.group.remove)

    def start(self, *command):
        return processes.start(command, subprocess.DEVNULL, subprocess.DEVNULL, group=self.group)

    def test_counts_those_that_have_ended(self):
        self.start("sh", "-c", f'"{sys.executable}" -c "$1"; exit 3', "sh", BURN).wait()
        self.assertGreaterEqual(self.group.cpu_s(), BURN_S)

    def test_is_gone_with_all_that_was_in_it(self):
        stray = self.start("sh", "-c", "setsid sleep 1000 & exec sleep 1000")
        self.assertTrue(self.group.remove())
        stray.wait()
        self.assertFalse(self.group.folder.exists())

    def test_is_gone_when_a_server_could_not_start(self):
        with tempfile.TemporaryDirectory() as folder:
            subject = {"kind": "command", "name": "gone", "args": ["false"]}
            words = {"address": "127.0.0.1", "prefix": []}
            room = servers.Room((min(os.sched_getaffinity(0)),), self.base)
            server = servers.server_of(subject, None, "/", folder, words, room)
            self.assertTrue(server.group.folder.exists())
            with self.assertRaises(servers.Crashed), server:
                pass
            self.assertFalse(server.group.folder.exists())

    def test_of_a_comparison_that_is_gone_is_removed_by_the_next(self):
        dead = subprocess.Popen(["true"])
        dead.wait()
        left = self.base / f"{cgroups.PREFIX}{dead.pid}-cell"
        left.mkdir()
        cgroups.prepared(False)
        self.assertFalse(left.exists())
        self.assertTrue(self.group.folder.exists())


if __name__ == "__main__":
    unittest.main()
