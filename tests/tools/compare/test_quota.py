"""The CPU time that a cgroup may use, in trees that are made up."""
import pathlib
import tempfile
import unittest

import support  # noqa: F401  (the path of comparison)
from comparison import quota


class Quota(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.top = pathlib.Path(temporary.name)
        self.mounts = f"9 1 0:1 / {self.top}/two rw - cgroup2 cgroup2 rw\n8 1 0:2 / {self.top}/one rw - cgroup cgroup rw,cpu,cpuacct\n"

    def put(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def smallest(self, own="0::/a/b\n3:cpuacct,cpu:/c\n"):
        return quota.smallest(self.mounts, own)

    def test_is_none_where_nothing_limits(self):
        self.assertIsNone(self.smallest())
        self.put("two/a/b/cpu.max", "max 100000\n")
        self.put("one/c/cpu.cfs_quota_us", "-1\n")
        self.put("one/c/cpu.cfs_period_us", "100000\n")
        self.assertIsNone(self.smallest())
        self.assertIsNone(self.smallest("5:pids:/\n"))

    def test_is_the_smallest_of_those_above(self):
        self.put("two/a/b/cpu.max", "350000 100000\n")
        self.assertEqual(self.smallest(), 3.5)
        self.put("two/a/cpu.max", "200000 100000\n")
        self.assertEqual(self.smallest(), 2)
        self.put("one/cpu.cfs_quota_us", "150000\n")
        self.put("one/cpu.cfs_period_us", "100000\n")
        self.assertEqual(self.smallest(), 1.5)

    def test_leaves_the_cpus_that_it_lasts_for(self):
        for limit, left in ((None, [2, 3, 5]), (7, [2, 3, 5]), (2.9, [2, 3]), (1.5, [2]), (0.3, [2])):
            self.assertEqual(quota.within([2, 3, 5], limit), left)


if __name__ == "__main__":
    unittest.main()
