"""Cases: rows of a table (bytes in, answers out) and small functions, gathered by area.

A row is data. What it does not say is checked all the same: each response is well-formed, and at
the end the connection either answers a further request, so that it is known to be in step, or is
closed without another byte.
"""

import re
import time
from dataclasses import dataclass
from typing import Callable

from harness import CaseFailed, Client, latest, shown

PROBE = b"GET /probe.txt HTTP/1.1\r\nHost: probe\r\n\r\n"
PROBE_BODY = b"probe: this connection is in step\n"

# What a field must be, beside an exact text or a compiled pattern.
ABSENT = object()
PRESENT = object()

# How a row ends.
OPEN = "open"      # in step: a further request is answered
CLOSED = "closed"  # the server closes, and the last answer said so
EITHER = "either"  # as the last answer says
SILENT = "silent"  # closed, no word about it needed (HTTP/1.0, timeouts)


# --- requests ----------------------------------------------------------------------------------

def to_bytes(text):
    """Text as it goes on the wire."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


def request(method, target, *fields, body=b"", version="HTTP/1.1", host="test"):
    """Raw request bytes; a Host is added unless host is None, a Content-Length never."""
    lines = [b" ".join(to_bytes(part) for part in (method, target, version))]
    if host is not None:
        lines.append(b"Host: " + to_bytes(host))
    lines += [to_bytes(field) for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def get(target, *fields, **options):
    """A GET."""
    return request("GET", target, *fields, **options)


def head(target, *fields, **options):
    """A HEAD."""
    return request("HEAD", target, *fields, **options)


def post(target, body, *fields, **options):
    """A POST with the right Content-Length."""
    return request("POST", target, f"Content-Length: {len(body)}", *fields, body=body, **options)


def chunked(target, *chunks, fields=(), trailer=b"", **options):
    """A chunked POST; chunks are raw (their framing included), the last chunk is added."""
    return request("POST", target, "Transfer-Encoding: chunked", *fields,
                   body=b"".join(chunks) + b"0\r\n" + trailer + b"\r\n", **options)


def chunk(data, extension=b""):
    """One well-formed chunk."""
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


# --- what a client does ------------------------------------------------------------------------

@dataclass
class Pause:
    """Time between two writes; part of what the client does, not a way to wait for the server."""
    seconds: float


@dataclass
class Shutdown:
    """The client ends its sending side."""


@dataclass
class Take:
    """The client reads one response before it goes on."""
    count: int = 1


def byte_by_byte(data, pause=0.0):
    """Each byte in a write of its own."""
    steps = []
    for at in range(len(data)):
        steps.append(data[at:at + 1])
        if pause:
            steps.append(Pause(pause))
    return steps


def split_at(data, *places):
    """The same bytes in several writes, with a moment between them so that they arrive apart."""
    steps, last = [], 0
    for place in list(places) + [len(data)]:
        steps += [data[last:place], Pause(0.003)]
        last = place
    return steps[:-1]


# --- what is expected --------------------------------------------------------------------------

@dataclass
class Answer:
    """One expected response. `status` is a number or several; `to` is the request's method."""
    status: object = 200
    body: object = None            # bytes, a compiled bytes pattern, or None for "anything"
    fields: dict = None            # name -> text, pattern, ABSENT, PRESENT
    to: str = "GET"
    framing: object = None         # none, length, chunked, close
    check: Callable = None         # a further look; raises CaseFailed

    def compare(self, response):
        """Fails when the response is not this answer."""
        statuses = self.status if isinstance(self.status, tuple) else (self.status,)
        if response.status not in statuses:
            wanted = " or ".join(str(status) for status in statuses)
            raise CaseFailed(f"status {response.status} instead of {wanted}")
        if self.framing and response.framing != self.framing:
            raise CaseFailed(f"framing is {response.framing} instead of {self.framing}")
        for name, wanted in (self.fields or {}).items():
            compare_field(name, response.get(name), wanted)
        compare_body(response, self.body)
        if response.status >= 400:
            check_error(response, self.to)
        if self.check:
            self.check(response)


def compare_field(name, value, wanted):
    """One field against what is wanted of it."""
    if wanted is ABSENT:
        if value is not None:
            raise CaseFailed(f"{name} must not be there, is {value!r}")
        return
    if value is None:
        raise CaseFailed(f"no {name}")
    if wanted is PRESENT:
        return
    if isinstance(wanted, re.Pattern):
        if not wanted.search(value):
            raise CaseFailed(f"{name} is {value!r}, does not match {wanted.pattern!r}")
    elif value != wanted:
        raise CaseFailed(f"{name} is {value!r} instead of {wanted!r}")


def compare_body(response, wanted):
    """The body against bytes or a pattern."""
    if wanted is None:
        return
    if isinstance(wanted, re.Pattern):
        if not wanted.search(response.body):
            raise CaseFailed(f"body {shown(response.body)} does not match {wanted.pattern!r}")
    elif response.body != wanted:
        raise CaseFailed(f"body is {shown(response.body)} instead of {shown(wanted)}")


def check_error(response, method):
    """Error bodies are short, typed, and hold nothing a browser would run."""
    if method == "HEAD":
        return
    if len(response.body) > 2048:
        raise CaseFailed(f"an error body of {len(response.body)} bytes")
    if response.body and response.get("Content-Type") is None:
        raise CaseFailed("an error body without Content-Type")
    if b"<script" in response.body.lower():
        raise CaseFailed("an error body with markup from the request")


# --- running a row -----------------------------------------------------------------------------

def play(client, steps, answers):
    """Does the steps and compares all answers, in order. Returns the last response."""
    if isinstance(steps, (bytes, bytearray)):
        steps = [bytes(steps)]
    waiting = list(answers)
    last = None

    def take_one():
        nonlocal last
        wanted = waiting.pop(0)
        nth = len(answers) - len(waiting)
        try:
            last = client.read_response(wanted.to)
            wanted.compare(last)
        except CaseFailed as failure:
            if len(answers) == 1:
                raise
            raise type(failure)(f"answer {nth} of {len(answers)}: {failure}") from None

    for step in steps:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
        elif isinstance(step, Shutdown):
            client.shutdown()
        elif isinstance(step, Take):
            for _ in range(step.count):
                take_one()
        else:
            client.send(step)
    while waiting:
        take_one()
    return last


def check_end(client, last, end):
    """Is the connection in the state the row promises?"""
    closes = last is not None and last.says_close()
    if end == EITHER:
        end = CLOSED if closes or client.eof else OPEN
    if end == OPEN:
        if closes:
            raise CaseFailed("the last answer says Connection: close")
        if client.buffer:
            raise CaseFailed(f"bytes behind the last response: {shown(client.buffer)}")
        probe = client.ask(PROBE)
        if probe.status != 200 or probe.body != PROBE_BODY:
            raise CaseFailed(f"out of step: a further request got {probe.status} "
                             f"{shown(probe.body)}")
        return
    if end == CLOSED and last is not None and not closes:
        client.expect_end()
        raise CaseFailed("closes without having said Connection: close")
    client.expect_end()


# --- cases and their areas ---------------------------------------------------------------------

@dataclass
class Case:
    """One thing that is run and passes or fails."""
    name: str
    run: Callable
    area: str
    args: tuple = ()    # of the server it needs
    alone: bool = False # nothing else may run meanwhile (it measures time or load)
    late: float = None  # by how many seconds it may be late with what it does; None: time is no part of it


class Table:
    """The cases of one area, on one kind of server."""

    def __init__(self, area, args=()):
        self.area = area
        self.args = tuple(args)
        self.cases = []

    def row(self, name, steps, *answers, end=OPEN):
        """A case that is nothing but data. A bare number is an Answer of that status."""
        answers = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]

        def run(world):
            with world.client() as client:
                last = play(client, steps, answers)
                check_end(client, last, end)

        self.cases.append(Case(name, run, self.area, self.args))

    def case(self, name, alone=False, late=None):
        """Decorator: a function of the world it runs in."""
        def add(function):
            self.cases.append(Case(name, function, self.area, self.args, alone, late))
            return function
        return add


class World:
    """What a case may touch: its server and the document root. Closes its clients at the end."""

    def __init__(self, server, root, program=None, base_args=()):
        self.server = server
        self.root = root
        self.program = program
        self.base_args = tuple(base_args)
        self.clients = []
        latest.client = None

    def client(self, **options):
        """A connection to the case's server."""
        client = Client(self.server.address, **options)
        self.clients.append(client)
        return client

    def fetch(self, target, *fields, method="GET"):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(request(method, target, *fields), method)

    def transcript(self):
        """What this thread's last client sent and got, for a failure line."""
        client = getattr(latest, "client", None)
        if client is None:
            return ""
        return f" | sent {shown(client.sent)} | got {shown(client.received)}"

    def close(self):
        """Closes what the case left open."""
        for client in self.clients:
            client.close()


def require(condition, message):
    """An assertion with a message, that survives python -O."""
    if not condition:
        raise CaseFailed(message)
