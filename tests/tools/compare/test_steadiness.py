"""Is a run steady: on logs made by hand, whose seconds are known."""
import random
import struct
import unittest

import support  # noqa: F401  (the path)
from comparison import hlog, steadiness

HEAD = struct.pack(">IIIIQQd", 0x1C849303, 0, 0, 2, 1, 1 << 40, 1.0)[:40]


def index_of(nanoseconds):
    """The place of a value, by search: the inverse of hlog.highest."""
    low, high = 0, 1 << 14
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if hlog.highest(middle, HEAD) >= nanoseconds else (middle + 1, high)
    return low


def log(seconds, last=1.0):
    """[(requests, latency in us)] as a histogram log; the last line is of `last` seconds."""
    lines = ["#[Histogram log format version 1.3]"]
    for nth, (count, latency_us) in enumerate(seconds):
        place = index_of(latency_us * 1000)
        length = last if nth == len(seconds) - 1 else 1.0
        lines.append(f"{nth:.3f},{length:.3f},1.0,{hlog.encode(HEAD, [0] * place + [count])}")
    return "\n".join(lines) + "\n"


def noisy(draw, count, rate=20000, latency_us=100, growth=0.0):
    """A second has a tenth more or less latency by chance; `growth` is from the first to the last one."""
    return [
        (int(rate * draw.gauss(1, 0.01)), latency_us * draw.gauss(1, 0.1) * (1 + growth * nth / (count - 1)))
        for nth in range(count)
    ]


class Seconds(unittest.TestCase):
    def test_are_read_as_they_were(self):
        rates, means = steadiness.seconds(log([(1000, 100), (2000, 200)]))
        self.assertEqual(rates, [1000, 2000])
        for seen, wanted in zip(means, (100, 200)):
            self.assertAlmostEqual(seen, wanted, delta=0.01 * wanted)

    def test_that_are_cut_short_do_not_count(self):
        self.assertEqual(len(steadiness.seconds(log([(1000, 100)] * 8, last=0.3))[0]), 7)

    def test_of_nothing_are_none(self):
        self.assertEqual(steadiness.notes(log([])), [])
        self.assertEqual(steadiness.notes(log([(0, 1)] * 10)), [])


class Notes(unittest.TestCase):
    def test_are_made_of_a_queue_that_grows(self):
        said = steadiness.notes(log(noisy(random.Random(1), 20, growth=1.0)))
        self.assertEqual(len(said), 1)
        self.assertRegex(said[0], r"mean latency rose by \d\d %")

    def test_are_made_of_a_throughput_that_falls(self):
        said = steadiness.notes(log([(1000, 100)] * 5 + [(900, 100)] * 5))
        self.assertEqual(said, ["requests/s fell by 10 %"])

    def test_are_rare_for_a_steady_run(self):
        draw = random.Random(2)
        noted = sum(bool(steadiness.notes(log(noisy(draw, 10)))) for _ in range(300))
        self.assertLess(noted, 9)

    def test_need_three_seconds_in_each_half(self):
        self.assertEqual(steadiness.notes(log([(1000, 100)] * 2 + [(100, 100)] * 3)), [])
        self.assertEqual(len(steadiness.notes(log([(1000, 100)] * 3 + [(100, 100)] * 3))), 1)

    def test_leave_out_what_is_too_small_to_matter(self):
        self.assertEqual(steadiness.notes(log([(1000, 100)] * 5 + [(960, 100)] * 5)), [])


if __name__ == "__main__":
    unittest.main()
