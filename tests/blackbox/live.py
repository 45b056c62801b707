"""quartet-trace --live: a running server as seen from outside, on a terminal and elsewhere, while it
works, is gone, and is there again."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time

from harness import PATIENCE_S, CaseFailed, eventually, scaled
from servers import hello, start
from table import Table, require

table = Table("live", args=("own",))
case = table.case

ROWS, COLUMNS = 24, 80


def tool(world):
    """quartet-trace of the same build as the server."""
    return os.path.join(os.path.dirname(world.program), "quartet-trace")


def url_of(server):
    """The arguments of --live."""
    return "http://%s:%d" % server.address


class Watcher:
    """A --live whose output is gathered as it comes."""

    def __init__(self, world, *args):
        self.process = subprocess.Popen([tool(world), "--live", *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.text = ""
        self.thread = threading.Thread(target=self.gather, daemon=True)
        self.thread.start()

    def gather(self):
        """Until its end."""
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.text += data.decode()

    def says(self, pattern, timeout=PATIENCE_S):
        """Waits until something that matches has come."""
        eventually(lambda: re.search(pattern, self.text, re.S), f"--live says {pattern!r}", timeout)

    def end(self, number=signal.SIGINT):
        """A signal ends it at once with status 0."""
        self.process.send_signal(number)
        try:
            code = self.process.wait(scaled(5))
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise CaseFailed("--live does not end") from None
        self.thread.join(scaled(2))
        self.process.stdout.close()
        require(code == 0, f"--live ended with {code}: {self.text[-400:]}")


@case("--live shows what happens, and goes on with the server that comes after a restart")
def live_through_a_restart(world):
    """The new server has counted from nothing, and is shown so."""
    with start(world) as first:
        port = first.address[1]
        watcher = Watcher(world, url_of(first))
        watcher.says(rf"pid {first.pid}, .*since its start")
        asked = 0
        while "last 1." not in watcher.text:
            hello(first)
            asked += 1
            time.sleep(0.01)
        watcher.says(r"last \d\.\d s\n[1-9][0-9.,]* requests/s.*\nread +[1-9]")
        require("waiting for http" not in watcher.text, "it waits for a server that is there")
        first.stop()
    watcher.says(rf"\nwaiting for {re.escape(url_of(first))}: \w")
    with start(world, listen=(f"127.0.0.1:{port}",)) as second:
        watcher.says(rf"waiting for http.*pid {second.pid}, [^\n]*since its start")
        watcher.says(rf"pid {second.pid}, [^\n]*; last ")
        watcher.end()
    require(watcher.text.count("waiting for http") == 1, "it says more than once that it waits")


def on_a_terminal(command):
    """(exit code, what was written, terminal settings changed) of a program on a terminal of 24
    lines."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    written = b""
    deadline = time.monotonic() + scaled(20)
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.05)[0]:
            written += os.read(master, 65536)
        elif process.poll() is not None:
            break
    changed = termios.tcgetattr(slave) != before
    os.close(master)
    os.close(slave)
    require(process.poll() is not None, "it does not end")
    return process.returncode, written.decode(), changed


@case("--live draws in place on a terminal, and fits it")
def live_on_a_terminal(world):
    """By the number of a process; with more threads than the terminal has lines."""
    with start(world, "--wiring", "LR | P*30 | W") as server:
        for _ in range(5):
            hello(server)
        code, text, changed = on_a_terminal([tool(world), "--live", str(server.pid),
                                             "--count", "2"])
        require(code == 0 and not changed, f"exit {code}, settings changed: {changed}")
        screens = text.split("\033[H")[1:]
        require(len(screens) == 2 and text.startswith("\033[H"), f"{len(screens)} screens")
        for screen in screens:
            lines = screen.replace("\r\n", "\n").rstrip("\n").split("\n")
            require(10 < len(lines) <= ROWS, f"a screen has {len(lines)} lines")
            require(lines[-1].endswith("\033[J"), "what was below stays")
            for line in lines:
                require("\033[K" in line and len(line.split("\033")[0]) < COLUMNS,
                        f"a line does not fit: {line!r}")
        require("since its start" in screens[0] and "; last 1." in screens[1], f"{screens}")


@case("--live leaves out the connection it comes on, and no other")
def live_own_connection(world):
    """No client is connected, then two are."""
    with start(world) as server:
        watcher = Watcher(world, url_of(server))
        watcher.says(r"; last [^\n]*\n0 requests/s, [^\n]* 0 connections;")
        with server.client() as one, server.client() as other:
            hello(server, one)
            hello(server, other)
            watcher.says(r" 2 connections;")
        watcher.end()
        require("3 connections" not in watcher.text, "its own is counted")


@case("--live finds a server at a unix socket, and ends when it has been told how often")
def live_unix(world):
    """Given the path, or the process."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with start(world, listen=(f"unix:{path}",)) as server:
            for place in (f"unix:{path}", str(server.pid)):
                done = subprocess.run([tool(world), "--live", place, "--count", "1"],
                                      capture_output=True, check=False, timeout=scaled(PATIENCE_S))
                require(done.returncode == 0, f"{done.stderr!r}")
                require(f"pid {server.pid}, ".encode() in done.stdout, f"{done.stdout[:200]!r}")


@case("--live says in one line what is wrong")
def live_refuses(world):
    """A server without status, no server, no such process, no address."""
    with start(world, "--status", "off") as server:
        where = url_of(server)
        for place, code, words in ((where, 1, "it answers 404"), ("999999999", 1, "there is none"),
                                   ("http://127.0.0.1:1", 1, "connect"), ("http://", 1, "no address"),
                                   (str(os.getpid()), 1, "does not listen on any address"), ("", 1, "no address")):
            done = subprocess.run([tool(world), "--live", place, "--count", "1"],
                                  capture_output=True, check=False, timeout=scaled(PATIENCE_S))
            said = done.stderr.decode()
            require(done.returncode == code and words in said and said.count("\n") == 1,
                    f"{place}: {done.returncode}, {said!r}")
            require(not done.stdout, f"{place}: {done.stdout!r}")
    for args in (["--live"], ["--live", where, "file"], ["--live", where, "--json"],
                 ["--live", where, "--count", "0"], ["--count", "2", "file"]):
        done = subprocess.run([tool(world), *args], capture_output=True, check=False,
                              timeout=scaled(PATIENCE_S))
        require(done.returncode == 2 and done.stderr.count(b"\n") == 1, f"{args}: {done.stderr!r}")
