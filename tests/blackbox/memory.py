"""Memory: what an idle connection takes up, and what a busy spell leaves behind.

In each case 500 clients ask at once, again and again, so that the server needs 500 times what a request needs. What it
has when all of them are idle is counted. Only models in which a poll loop waits for idle clients are asked: elsewhere a
thread does, with its stack.
"""

import os
import re
import time

from harness import CaseFailed, eventually
from servers import PRESETS, all_descriptors
from servers import start_patient as start
from table import Table, get, require

table = Table("memory", args=("own",))
case = table.case

AT_ONCE = 500
IDLE = 4000
IDLE_BYTES_MOST = 768
# Stacks and heaps that are touched for the first time, and 500 idle connections: a third of the buffers of 500 requests.
SPELL_KB_MOST = 2000

# Another thread completes the answer later: until then the request has its buffers, and occupies no thread.
LATER = get("/synthetic/async?ms=100")



def measuring(wiring):
    """Only what has no pool measures here. Threads of pools share a few sets of histograms, and whenever two of them
    record at once they may touch a set for the first time (90 KB). A loop touches its own with the first requests."""
    return () if "|" not in wiring else ("--trace-level", "off")


def on_two_cpus():
    """The number of threads, and with it of their stacks and tables, is the same on every machine."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def taken(server):
    """How many bytes of memory it has for itself: its anonymous pages."""
    with open(f"/proc/{server.pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Anonymous:\s+(\d+)", file.read(), re.M).group(1)) * 1024


def taken_at_rest(server):
    """The same when it has given back all that it will: for longer than it waits before it does, nothing has changed."""
    last = None

    def rests():
        nonlocal last
        before, last = last, taken(server)
        time.sleep(0.8)
        return last == before

    eventually(rests, "the server's memory stays as it is")
    return last


def grows_by(server, before, most, what):
    """Sooner or later it has at most so many bytes more than before."""
    try:
        eventually(lambda: taken(server) - before <= most, what)
    except CaseFailed as failure:
        raise CaseFailed(f"{failure}: it has {taken(server) - before} bytes more") from None


def idle_crowd(server, count):
    """That many new clients; 500 at a time have asked before the first was answered."""
    crowd = []
    while len(crowd) < count:
        clients = [server.client() for _ in range(AT_ONCE)]
        for client in clients:
            client.send(LATER)
        for client in clients:
            require(client.read_response().status == 200, "another answer")
        crowd += clients
    return crowd


def idle_is_small(model, wiring):
    """The first 500 make the server touch what it keeps: after them each connection counts."""
    @case(f"{model}: the buffers of 500 requests are given back, an idle connection takes up 768 bytes at most", True)
    def small(world):
        with all_descriptors(), start(world, "--model", model, *measuring(wiring), prepare=on_two_cpus) as server:
            empty = taken_at_rest(server)
            crowd = idle_crowd(server, AT_ONCE)
            grows_by(server, empty, SPELL_KB_MOST * 1024, f"at most {SPELL_KB_MOST} KB are left of the first 500")
            begun = taken_at_rest(server)
            crowd += idle_crowd(server, IDLE)
            grows_by(server, begun, IDLE * IDLE_BYTES_MOST, f"{IDLE} idle connections take up {IDLE_BYTES_MOST} bytes each")
            for client in crowd:
                client.close()


for name, wiring in PRESETS.items():
    if "K" in wiring or "R" in wiring:
        idle_is_small(name, wiring)
