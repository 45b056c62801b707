"""The search for the highest load: on servers whose limit is known."""
import random
import unittest

import support  # noqa: F401  (the path)
from comparison import cells, search


class Search(unittest.TestCase):
    def steps(self, step=0.05):
        return [round(step * nth, 6) for nth in range(1, int(cells.CLIMB_MOST / step + 1e-9) + 1)]

    def test_begins_at_the_peak(self):
        self.assertEqual(search.next_step(self.steps(), {}), 1)
        self.assertEqual(search.next_step(self.steps(0.4), {}), 0.8)
        self.assertEqual(search.next_step([1.5, 3], {}), 1.5)
        self.assertIsNone(search.next_step([], {}))

    def test_finds_the_last_step_that_is_kept_up_with_whatever_it_is(self):
        steps = self.steps()
        for most in [0, *steps]:
            tried = search.path(steps, most)
            self.assertEqual(max((step for step in tried if step <= most), default=0), most)
            above = [step for step in steps if step > most]
            if above:
                self.assertIn(above[0], tried)
            self.assertLessEqual(len(tried), 11, most)
            self.assertEqual(len(tried), len(set(tried)))

    def test_doubles_its_distance_and_then_halves_the_bracket(self):
        self.assertEqual(search.path(self.steps(), 0.71), [1, 0.95, 0.9, 0.8, 0.6, 0.7, 0.75])
        self.assertEqual(search.path(self.steps(), 1.12), [1, 1.05, 1.1, 1.2, 1.15])

    def test_ends_whatever_a_noisy_server_answers(self):
        draw = random.Random(6)
        for _ in range(500):
            steps, kept = self.steps(draw.choice([0.02, 0.05, 0.25, 1])), {}
            while (step := search.next_step(steps, kept)) is not None:
                self.assertNotIn(step, kept)
                kept[step] = draw.random() < 0.5
            below, above = search.bracket(steps, kept)
            self.assertTrue(above is None or below is None or above - below == 1)


if __name__ == "__main__":
    unittest.main()
