#!/usr/bin/env python3
"""Mixed load with abuse against servers of several models, side by side, for minutes.

    tests/soak/soak.py --server build/release/quartet --minutes 20 --models staged,event-mpm,leader-followers,adaptive

Good clients check each byte of small files, ranges, streams, echoes and answers completed later. Beside them: clients
that read or send slowly, send half a request and leave, reset, abort an upload; files replaced and truncated while they
are sent; SIGHUP every second. Once in ten seconds a line for each model: requests, the good clients' latency (p50, p99),
memory, descriptors. In the end: memory after the first minute is flat, each request begun is answered or abandoned, all
descriptors are closed, the p50 of the last third is not far above that of the first. Exit status 1 otherwise.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1] / "blackbox"))

# pylint: disable=wrong-import-position
import docroot
import harness
from harness import CaseFailed, Malformed, Server, eventually
from servers import settle
from status import status_of
from table import get, post, require

PERIOD_S = 10
# A good client asks so often, so that the four servers leave the machine some rest.
PAUSE_S = 0.01
# Header and keep-alive timeout of the servers.
IDLE_S = 3
# Memory may grow by so much after the first minute: an allocator's arenas fill for a while.
GROWTH = 1.15
GROWTH_KB = 4096
# The p50 may grow by this factor: the machine has other work too.
SLOWER = 3


class Soak:
    """One model: its server, its clients, what they saw."""

    def __init__(self, options, model, folder):
        self.model, self.options = model, options
        parent = Path(folder) / model
        parent.mkdir()
        self.root = docroot.build(parent)
        self.large = docroot.large_bytes()
        self.log = parent / "access.log"
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.times, self.counts, self.failures, self.rows = [], {}, [], []
        self.server = Server(options.server, [
            "--model", model, "--root", str(self.root), "--synthetic", "on", "--access-log", str(self.log),
            "--header-timeout", f"{IDLE_S}s", "--body-timeout", "3s", "--io-timeout", "5s", "--keepalive-timeout", f"{IDLE_S}s",
            "--max-body-size", "64M", *options.args.split()])
        self.baseline = settle(self.server)
        jobs = [self.good] * 3 + [self.slow_reader, self.slow_sender, self.half_request, self.resetter,
                                  self.aborted_upload, self.changing_file, self.replacer, self.hangup]
        self.threads = [threading.Thread(target=self.loop, args=(job, random.Random(f"{options.seed}-{i}")))
                        for i, job in enumerate(jobs)]
        for thread in self.threads:
            thread.start()

    def loop(self, job, draw):
        """One job until the end. A job may be cut off by the server: those of abuse, and where a limit says so."""
        while not self.over.is_set():
            try:
                job(draw)
                self.note(job.__name__)
            except (ConnectionError, BrokenPipeError):
                self.note(f"{job.__name__}: cut")
            except (CaseFailed, OSError) as failure:
                self.failures.append(f"{job.__name__}: {failure}")
                return

    def note(self, what):
        """Counts an outcome."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def rest(self, seconds):
        """Until then, or the end."""
        self.over.wait(seconds)

    def good(self, draw):
        """A connection with checked requests."""
        with self.server.client(timeout=20) as client:
            before = time.monotonic()
            for _ in range(20):
                if self.over.is_set():
                    return
                begin = time.monotonic()
                try:
                    kind = self.ask(client, draw)
                except CaseFailed:
                    if not client.eof or client.buffer or begin - before < IDLE_S * 2 / 3:
                        raise
                    self.note("this process was so late that a connection was idle for too long")
                    return
                before = time.monotonic()
                if kind == "hello":
                    with self.lock:
                        self.times.append(before - begin)
                self.rest(PAUSE_S)

    def ask(self, client, draw):
        """One of them; which."""
        kind = draw.choice(("hello", "hello", "hello", "range", "echo", "stream", "async"))
        start = draw.randrange(docroot.LARGE_SIZE - 200_000)
        body = draw.randbytes(draw.randrange(1, 20_000)) if kind == "echo" else b""
        data, right = {
            "hello": (get("/hello.txt"), docroot.HELLO),
            "range": (get("/large.bin", f"Range: bytes={start}-{start + 99_999}"), self.large[start:start + 100_000]),
            "echo": (post("/synthetic/echo", body), body),
            "stream": (get("/synthetic/stream?chunks=10&size=2000&ms=2"), None),
            "async": (get("/synthetic/async?ms=5"), None)}[kind]
        response = client.ask(data)
        require(response.status in (200, 206), f"{kind} has status {response.status}")
        require(right is None or response.body == right, f"the body of {kind} is wrong")
        require(kind != "stream" or len(response.body) == 20_000, "the stream is short")
        return kind

    def slow_reader(self, draw):
        """Reads a little of a large answer, now and then, and leaves."""
        with self.server.client(receive_buffer=8192) as client:
            client.send(get(f"/synthetic/bytes?n={draw.randrange(1, 50)}000000"))
            for _ in range(draw.randrange(1, 40)):
                client.sock.setblocking(True)
                client.sock.settimeout(10)
                if not client.sock.recv(4096):
                    return
                self.rest(0.05)

    def slow_sender(self, draw):
        """A head, byte by byte, that may come to its end."""
        with self.server.client() as client:
            for byte in get("/hello.txt")[:draw.randrange(1, 60)]:
                client.sock.send(bytes([byte]))
                self.rest(0.02)

    def half_request(self, draw):
        """Half a head or half a body, and then nothing; or the end."""
        with self.server.client() as client:
            data = draw.choice((get("/hello.txt")[:20], post("/synthetic/echo", b"x" * 1000)[:-300]))
            client.send(data)
            self.rest(draw.choice((0, 0.1, 4)))

    def resetter(self, draw):
        """Asks, reads perhaps, and resets."""
        client = self.server.client()
        client.send(get(draw.choice(("/large.bin", "/hello.txt", "/synthetic/async?ms=20",
                                     "/synthetic/stream?chunks=50&size=1000&ms=2"))) * draw.randrange(1, 4))
        self.rest(draw.choice((0, 0.01, 0.05)))
        client.abort()

    def aborted_upload(self, draw):
        """Most of a body, then a reset."""
        client = self.server.client()
        client.send(post("/synthetic/echo", draw.randbytes(2_000_000))[:draw.randrange(200, 1_900_000)])
        self.rest(0.02)
        client.abort()

    def changing_file(self, draw):
        """A file that another thread replaces and truncates: whole, or closed. Each version is of one byte."""
        with self.server.client(timeout=20) as client:
            for _ in range(draw.randrange(1, 5)):
                try:
                    response = client.ask(get("/changing/file.bin"))
                except Malformed:
                    raise
                except CaseFailed:
                    require(client.eof, "the answer for a changing file hangs")
                    self.note("a truncated file cut its answer")
                    return
                require(response.status in (200, 404), f"status {response.status}")
                # sendfile gives the socket the file's own pages, and truncating zeroes the rest of the last one: zeros
                # may reach the client in what the kernel had taken before.
                require(response.status == 404 or len(set(response.body) - {0}) <= 1, "a body of several versions")
                self.rest(0.05)

    def replacer(self, draw):
        """A new version, by name or in place; a truncation."""
        path, data = self.root / "changing/file.bin", bytes([draw.randrange(1, 256)]) * draw.randrange(1, 1_500_000)
        if draw.random() < 0.5:
            (self.root / "changing/new").write_bytes(data)
            os.rename(self.root / "changing/new", path)
        elif path.exists():
            os.truncate(path, draw.randrange(path.stat().st_size + 1))
        self.rest(0.05)

    def hangup(self, _):
        """SIGHUP, and now and then a new access log."""
        self.rest(1)
        if self.log.exists() and self.log.stat().st_size > 5_000_000:
            self.log.unlink()
        self.server.signal(signal.SIGHUP)

    def sample(self):
        """One row: what was seen since the last."""
        with self.lock:
            times, self.times = sorted(self.times), []
        alive = self.server.alive()
        p50, p99 = (times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3) if times else (0, 0)
        row = (len(times), p50, p99, self.server.resident_kb() if alive else 0,
               self.server.descriptors() if alive else 0)
        self.rows.append(row)
        print(f"{self.model:17} {row[0]:6} small, p50 {p50:7.2f} ms, p99 {p99:7.2f} ms, {row[3]:7} KB, "
              f"{row[4]:4} descriptors" + (f"  FAILED: {self.failures[0]}" if self.failures else ""), flush=True)

    def end(self):
        """What is wrong, as a list."""
        self.over.set()
        for thread in self.threads:
            thread.join()
        wrong = list(self.failures)
        try:
            if not self.server.alive():
                raise CaseFailed("the server is gone")
            wrong += self.judge()
        except CaseFailed as failure:
            wrong.append(str(failure))
        wrong += self.server.stop()
        print(f"{self.model}: " + ", ".join(f"{what} {count}" for what, count in sorted(self.counts.items())))
        return wrong

    def judge(self):
        """Memory, latency, accounts, descriptors."""
        wrong = []
        after = self.rows[max(1, 60 // PERIOD_S):]
        if len(after) >= 4:
            part = max(1, len(after) // 3)
            first, last = after[:part], after[-part:]
            memory = [statistics.median(row[3] for row in rows) for rows in (first, last)]
            p50 = [statistics.median(row[1] for row in rows) for rows in (first, last)]
            print(f"{self.model}: memory {memory[0]:.0f} to {memory[1]:.0f} KB, p50 {p50[0]:.2f} to {p50[1]:.2f} ms")
            if memory[1] > memory[0] * GROWTH + GROWTH_KB:
                wrong.append(f"memory grew from {memory[0]} to {memory[1]} KB")
            if p50[1] > p50[0] * SLOWER:
                wrong.append(f"p50 grew from {p50[0]:.2f} to {p50[1]:.2f} ms")
        eventually(lambda: self.server.descriptors() <= self.baseline + 1,
                   f"the descriptors return to {self.baseline} (and one cached file)", timeout=20)

        def balanced():
            with self.server.client() as client:
                report = status_of(client)["report"]
            flow = report["flow"]
            return flow["begun"] == flow["ended"] + flow["abandoned"] and report["counters"]["TRACE_LOST"] == 0

        eventually(balanced, "all requests begun are answered or abandoned")
        return wrong


def main():
    """Exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--models", default="staged,event-mpm,leader-followers,adaptive")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--args", default="", help="more options of the servers")
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    harness.timeout_scale = 2
    with tempfile.TemporaryDirectory(prefix="quartet-soak-") as folder:
        soaks = [Soak(options, model, folder) for model in options.models.split(",")]
        end = time.monotonic() + options.minutes * 60
        while time.monotonic() < end:
            time.sleep(min(PERIOD_S, max(0.1, end - time.monotonic())))
            for soak in soaks:
                soak.sample()
        wrong = [f"{soak.model}: {text}" for soak in soaks for text in soak.end()]
    for text in wrong:
        print("FAILED:", text)
    print(f"{len(soaks)} models, {len(wrong)} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
