"""One line that says how far we are; on a terminal it is overwritten."""
import shutil
import sys
import time

from . import numbers


class Progress:
    """Time left is the plan's, corrected by how long cells have taken so far."""

    def __init__(self, expected):
        self.expected = list(expected)  # seconds of each cell, in order
        self.at = 0
        self.planned = self.taken = 0.0
        self.begun = None
        self.terminal = sys.stdout.isatty()

    def left_s(self):
        pace = self.taken / self.planned if self.planned else 1.0
        return sum(self.expected[self.at :]) * pace

    def report(self, title):
        width = shutil.get_terminal_size((100, 24)).columns
        tail = f"  {numbers.clock(self.left_s())} left"
        digits = len(str(len(self.expected)))
        line = f"[{self.at + 1:{digits}d}/{len(self.expected)}] {title}"[: max(20, width - len(tail) - 1)]
        print(
            f"\r{line}{tail}".ljust(width) if self.terminal else line + tail,
            end="" if self.terminal else "\n",
            flush=True,
        )
        self.begun = time.monotonic()

    def done(self):
        self.taken += time.monotonic() - self.begun if self.expected[self.at] else 0
        self.planned += self.expected[self.at]
        self.at += 1

    def skip(self):
        """The next cell takes no time, and says nothing of how long others do."""
        self.at += 1

    def note(self, text):
        """A line that stays."""
        self.end()
        print(text, flush=True)

    def end(self):
        if self.terminal:
            print("\r" + " " * (shutil.get_terminal_size((100, 24)).columns - 1) + "\r", end="", flush=True)
