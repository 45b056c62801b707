"""Defects of timing and ownership that were corrected, with the cases that repeat their schedules.

tests/chaos/run.py runs these cases by name. A part of `cases` that matches nothing is an error: who renames a case
renames it here."""

from dataclasses import dataclass


@dataclass
class Defect:
    """`cases` are regular expressions with `|` between them. `models`: only these (empty: all). `own_models`: the
    cases start servers of their own, with arguments of their own."""

    name: str
    area: str
    cases: str
    models: tuple = ()
    own_models: bool = False


# Those where a session sends beside the loop of W.
SHARED_WRITING = ("leader-followers", "event-mpm", "L-rpwx64-W")

DEFECTS = (
    Defect("a poll loop starves behind a timer that is started again", "sources",
           "small requests are answered while a long answer", own_models=True),
    Defect("deadlines expire before the sockets are examined", "in_time",
           "before the keep-alive timeout is answered|whose rest came before their timeout"
           "|whose client made room before the I/O timeout"),
    Defect("the wait for a socket ends after the sending end is given away", "load",
           "streams in pieces that fill the socket|streams to slow readers are whole|stream readers that vanish", SHARED_WRITING),
    Defect("a stop needs a thread that cannot be started", "limits",
           "SIGTERM when no thread can be started|a second SIGTERM cuts, also when", own_models=True),
    Defect("draining resets connections whose request is there", "in_time",
           "draining answers every request|draining answers new connections behind a full queue"),
    Defect("the high-water mark does not hold behind a pause", "in_time",
           "are made no more than --output-highwater"),
    Defect("a second head inherits the first one's deadline", "in_time",
           "has a header timeout of its own"),
    Defect("a completed answer waits behind idle clients", "sources",
           "completes does not wait behind idle clients|many answers that others complete"
           "|the session that was recalled for it", own_models=True),
    Defect("only the fullest home makes place", "limits", "an idle connection of any makes place", own_models=True),
    Defect("connections that are turned away fill the server", "limits",
           "turned away with 429 take nobody's place|at most 64 connections linger", own_models=True),
    Defect("the log calls cut answers whole", "faults",
           "an answer that a stop gives up|a file that shrinks while it is sent|an answer shorter than declared"),
    Defect("a shortage of descriptors is remembered", "faults",
           "opened with the last descriptor|looked for again"),
    Defect("a FIFO without a reader stops the server", "faults",
           "that becomes a FIFO without a reader|a log on a FIFO that nobody reads"),
)
