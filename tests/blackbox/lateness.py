"""How late this process and its server are: what bounds on time are widened by.

A client that gets no CPU sends late and reads late, on a machine where other programs run; a server that gets
none answers late. So no case holds the server to this process's clock alone:
  a lower bound begins before the bytes were sent that start the server's clock (Client.began);
  an upper bound is held against Stopwatch.awake(), which leaves out what this process came late by, and the
  time for which the server's threads waited for a CPU;
  a case that must do something in time says by how much it may be late (Table.case's `late`): when it was
  later, the server was in its right, and what the case saw says nothing.
"""

import threading
import time

# How often the watcher asks to be woken, and how late a timer may be on a machine with nothing else to do.
PERIOD_S = 0.01
USUAL_S = 0.001


class Watcher(threading.Thread):
    """Sleeps for PERIOD_S again and again, and sums up by how much longer it slept."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late = 0.0
        self.excused = 0.0  # touched by the thread that runs the cases only
        self.due = time.monotonic() + PERIOD_S
        self.start()

    def run(self):
        """For ever."""
        while True:
            time.sleep(max(0, self.due - time.monotonic()))
            now = time.monotonic()
            # Both are read without a lock. In this order a reader may count one delay twice, and never misses it.
            self.late += max(0, now - self.due - USUAL_S)
            self.due = now + PERIOD_S

    def total(self):
        """Seconds so far, with what goes on just now. Any thread."""
        late = self.late
        return late + max(0, time.monotonic() - self.due - USUAL_S)


_watcher = Watcher()


def total():
    """By how many seconds this process was late in all, so far."""
    return _watcher.total() + _watcher.excused


def excuse(seconds):
    """Counts what a server of a failed case waited for a CPU: after the case it cannot be asked any more."""
    _watcher.excused += seconds


class Stopwatch:
    """Begins when it is made; with a server it knows what that one's threads wait for a CPU."""

    def __init__(self, server=None):
        self.server = server
        self.late_before = total()
        self.starved_before = server.starved_seconds() if server else 0
        self.begin = time.monotonic()

    def seconds(self):
        """By the clock: for lower bounds, and for what grows with time."""
        return time.monotonic() - self.begin

    def late(self):
        """How much of that the machine took: this process was late by it, or a thread of the server waited."""
        starved = self.server.starved_seconds() - self.starved_before if self.server else 0
        return total() - self.late_before + max(0, starved)

    def awake(self):
        """The rest: for upper bounds."""
        return self.seconds() - self.late()
