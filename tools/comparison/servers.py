"""A server that is measured: ours or a peer. Ready when entered, ended when left."""
import dataclasses
import pathlib
import re
import socket
import subprocess
import time

from . import cgroups, measure, peers, processes
from .trouble import Trouble

START_LIMIT_S = 15
LOOK_EVERY_S = 0.01


class Crashed(Trouble):
    """The server of a cell ended by itself, or was never ready."""


@dataclasses.dataclass
class Room:
    """Where a server runs."""

    cpus: tuple
    cgroups: object  # the folder in which it gets a cgroup of its own, or None


class Server:
    """What all servers have in common: a process, its logs, and a way to see that it is there."""

    whole_group = True  # does its whole process group get the signal to end?

    def __init__(self, name, work, room):
        self.name = name
        self.cpus = room.cpus
        self.work = pathlib.Path(work)
        self.group = cgroups.make(room.cgroups, self.work.name) if room.cgroups else None
        self.out, self.err = self.work / "server.stdout", self.work / "server.stderr"
        self.command = []
        self.process = None
        self.url = None

    def __enter__(self):
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.end()
            raise
        return self

    def start(self):
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            try:
                self.process = processes.start(self.command, out, err, cpus=self.cpus, group=self.group)
            except (OSError, subprocess.SubprocessError) as error:
                why = getattr(error, "strerror", None) or error
                raise Crashed(f"{self.name} cannot be started: {self.command[0]}: {why}") from None

    def end(self):
        """Its process, and what else is in its cgroup."""
        if self.process:
            processes.end(self.process, self.whole_group)
        if self.group:
            self.group.remove()

    def usage(self):
        """measure.Usage since its start; CPU time from its cgroup, where it has one."""
        found = measure.usage(self.process.pid)
        if self.group:
            found.cpu_s, found.waited_s = self.group.cpu_s(), self.group.waited_s()
        return found

    def __exit__(self, *unused):
        self.end()

    def wait_ready(self):
        limit = time.monotonic() + START_LIMIT_S
        while not self.is_ready():
            self.check_alive()
            if time.monotonic() > limit:
                raise Crashed(f"{self.name} was not ready after {START_LIMIT_S} s: {self.said()}")
            time.sleep(LOOK_EVERY_S)

    def check_alive(self):
        status = self.process.poll()
        if status is not None:
            how = f"status {status}" if status >= 0 else f"signal {-status}"
            raise Crashed(f"{self.name} ended by itself with {how}: {self.said()}")

    def said(self):
        return processes.said(self.err) or processes.said(self.out) or "it said nothing"


def open_to(address):
    """Its own figures and handlers are for local clients only; a client of another machine is not local."""
    return [] if address.startswith("127.") else ["--synthetic", "on", "--status", "on"]


class OurServer(Server):
    """quartet says where it listens."""

    whole_group = False  # it ends its children itself

    def __init__(self, subject, program, root, work, server_words, room, more):
        super().__init__(subject["name"], work, room)
        self.command = [
            *server_words["prefix"],
            str(program),
            "--listen",
            f"{server_words['address']}:0",
            "--root",
            str(root),
            "--log-level",
            "warn",
            *open_to(server_words["address"]),
            *subject["args"],
            *server_words["args"],
            *more,
        ]

    def is_ready(self):
        match = re.search(r"^listening on (http://\S+)$", self.out.read_text(errors="replace"), re.M)
        self.url = match[1] if match else None
        return match is not None


class FloorServer(OurServer):
    """The bare epoll server of tools/floor.c, which says where it listens as quartet does."""

    def __init__(self, program, work, server_words, room):
        Server.__init__(self, "quartet-floor", work, room)
        self.command = [*server_words["prefix"], str(program), "--listen", f"{server_words['address']}:0"]


class Peer(Server):
    """A peer gets its address from us, and is ready when it accepts connections."""

    def __init__(self, subject, root, work, server_words, room):
        super().__init__(subject["name"], work, room)
        self.address = server_words["address"]
        self.port = free_port(self.address)
        own = peers.command_of(subject, self.address, self.port, root, self.work, len(self.cpus))
        self.command = [*server_words["prefix"], *own]
        self.url = f"http://{self.address}:{self.port}"

    def is_ready(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True


def free_port(address):
    """A port that is free now. If another program takes it before the peer does, the cell has crashed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, 0))
        return probe.getsockname()[1]


def server_of(subject, build, root, work, server_words, room, more=()):
    if subject["kind"] == "quartet":
        return OurServer(subject, build / "quartet", root, work, server_words, room, more)
    return Peer(subject, root, work, server_words, room)
