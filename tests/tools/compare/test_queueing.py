"""What queueing theory says, against published values, against each other, and against a simulation; and intervals of
dependent values, against how often they hold the truth."""
import heapq
import math
import random
import unittest

import support  # noqa: F401  (the path of the tools)
from comparison import batch_means, queueing


def simulated_waits(rate, service_of, servers, count, seed):
    """Waits of a first-come first-served queue, in order. service_of(random) draws a service time."""
    source = random.Random(seed)
    free, now, waits = [0.0] * servers, 0.0, []
    for _ in range(count):
        now += source.expovariate(rate)
        begin = max(now, heapq.heappop(free))
        heapq.heappush(free, begin + service_of(source))
        waits.append(begin - now)
    return waits


class Waits(unittest.TestCase):
    def test_of_one_server_are_those_of_textbooks(self):
        """At load 0.5: half a service time for constant ones, a whole one for exponential ones."""
        self.assertAlmostEqual(queueing.mg1_wait(0.5, 1, 0), 0.5)
        self.assertAlmostEqual(queueing.mg1_wait(0.5, 1, 1), 1.0)
        self.assertAlmostEqual(queueing.mg1_wait(160, 0.005, 0), 0.010)
        self.assertAlmostEqual(queueing.mg1_wait(160, 0.005, 1), 0.020)

    def test_erlang_c_has_the_published_values(self):
        """Tables of Erlang's delay formula: (servers, load in erlangs, chance to wait)."""
        for servers, offered, chance in ((1, 0.3, 0.3), (2, 1, 0.3333), (5, 4, 0.5541), (10, 8, 0.4092), (20, 16, 0.2561)):
            self.assertAlmostEqual(queueing.erlang_c(servers, offered), chance, places=4)

    def test_of_many_servers_agree_with_one(self):
        for load in (0.1, 0.5, 0.9):
            self.assertAlmostEqual(queueing.mmc_wait(load, 1, 1), queueing.mg1_wait(load, 1, 1))
            self.assertAlmostEqual(queueing.mdc_wait(load, 1, 1), queueing.mg1_wait(load, 1, 0), places=8)
            self.assertAlmostEqual(queueing.mgc_wait(load, 1, 1.83, 1), queueing.mg1_wait(load, 1, 1.83))

    def test_of_constant_times_agree_with_cosmetatos(self):
        """G. P. Cosmetatos, "Approximate explicit formulae for the average queueing time in the processes (M/D/r) and
        (D/M/r)" (1975), which is within 1 or 2 %."""
        for servers in (2, 4, 8):
            for load in (0.5, 0.7, 0.9):
                factor = 1 + (1 - load) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2) / (16 * load * servers)
                wanted = queueing.mmc_wait(load * servers, 1, servers) / 2 * factor
                found = queueing.mdc_wait(load * servers, 1, servers)
                self.assertLess(abs(found / wanted - 1), 0.02 if load >= 0.7 else 0.06, (servers, load))

    def test_scale_with_the_unit_of_time(self):
        self.assertAlmostEqual(queueing.mdc_wait(560, 0.005, 4), 0.005 * queueing.mdc_wait(2.8, 1, 4))

    def test_agree_with_a_simulation(self):
        bimodal = lambda source: 10 / 1.45 if source.random() < 0.05 else 1 / 1.45  # noqa: E731
        for name, rate, service_of, servers, wanted in (
            ("M/M/1", 0.5, lambda source: source.expovariate(1), 1, queueing.mg1_wait(0.5, 1, 1)),
            ("bimodal", 0.5, bimodal, 1, queueing.mg1_wait(0.5, 1, queueing.bimodal_scv(0.05, 10))),
            ("M/D/4", 2.8, lambda source: 1, 4, queueing.mdc_wait(2.8, 1, 4)),
            ("M/M/4", 2.8, lambda source: source.expovariate(1), 4, queueing.mmc_wait(2.8, 1, 4)),
        ):
            found = batch_means.interval(simulated_waits(rate, service_of, servers, 100_000, 1), 30, 0.999)
            self.assertTrue(found.holds(wanted), f"{name}: {wanted} is not in {found.low} to {found.high}")
            self.assertLess(found.half, 0.15 * wanted)

    def test_scv_of_two_lengths_and_of_a_constant_part(self):
        self.assertAlmostEqual(queueing.bimodal_scv(0.05, 10), 5.95 / 1.45**2 - 1)
        self.assertAlmostEqual(queueing.bimodal_scv(0.5, 1), 0)
        mean, scv = queueing.with_overhead(3.0, 1.0, 1.0)  # the deviation stays 3
        self.assertEqual((mean, scv), (4.0, 9 / 16))


class Intervals(unittest.TestCase):
    def test_cover_the_truth_as_often_as_they_say(self):
        """Waits of M/M/1 at load 0.5: single values would say too little. 200 runs, 95 % each."""
        held = naive = 0
        for seed in range(200):
            waits = simulated_waits(0.5, lambda source: source.expovariate(1), 1, 6000, seed)
            held += batch_means.interval(waits, 20, 0.95).holds(1.0)
            naive += batch_means.interval(waits, 6000, 0.95).holds(1.0)
        self.assertGreaterEqual(held, 180)
        self.assertLess(naive, 160)

    def test_leave_out_what_does_not_fill_a_batch(self):
        self.assertEqual(batch_means.interval([1, 1, 3, 3, 99], 2, 0.95).mean, 2)


if __name__ == "__main__":
    unittest.main()
