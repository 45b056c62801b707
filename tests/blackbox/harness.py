"""What every black-box case stands on: a server process, a raw client, a strict response parser.

Nothing here knows a threading model: the server is a program that prints where it listens. The
parser is deliberately stricter than a browser, because a server that is only just understood by a
forgiving client is a server whose measurements cannot be trusted.
"""

import atexit
import calendar
import functools
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from lateness import Stopwatch, excuse

# Multiplies every deadline; sanitizer builds are about ten times slower.
timeout_scale = 1.0

# After that long without what a case waits for, it does not come at all. It is no bound on how long the server may
# take: a machine that other programs use may be ten times slower than usual.
PATIENCE_S = 60.0

# Words on stderr that mean a bug whatever the exit code says.
STDERR_BUGS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error", "bug:")

# The connection each thread opened last, for failure lines.
latest = threading.local()

RECV_SIZE = 1 << 18
# No case asks for more at once: an answer that never ends must not eat this machine's memory.
BUFFER_MAX = 200_000_000
SHOWN_BYTES = 400


class CaseFailed(Exception):
    """The server did not do what the case says."""


class Malformed(CaseFailed):
    """What came is not a well-formed response."""


def scaled(seconds):
    """A deadline in seconds on this build."""
    return seconds * timeout_scale


def eventually(predicate, what, timeout=PATIENCE_S):
    """Polls until predicate() is true and returns its value; fails with `what` at the deadline."""
    watch = Stopwatch()
    while True:
        value = predicate()
        if value:
            return value
        if watch.awake() > scaled(timeout):
            raise CaseFailed(f"within {scaled(timeout):.1f}s it did not happen that {what}")
        time.sleep(0.004)


def shown(data):
    """Bytes for a failure line: escaped, and cut in the middle when long."""
    data = bytes(data)
    if len(data) <= SHOWN_BYTES:
        return repr(data)
    half = SHOWN_BYTES // 2
    return f"{data[:half]!r}…({len(data)} bytes)…{data[-half // 2:]!r}"


# --- responses ---------------------------------------------------------------------------------

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t \x21-\x7e]*)\Z")
FIELD_VALUE = re.compile(rb"[\t \x21-\x7e\x80-\xff]*\Z")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
IMF_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
                      r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                      r"\d\d:\d\d:\d\d GMT\Z")


@functools.lru_cache(maxsize=64)  # most answers have the date of the one before
def parse_http_date(text):
    """Seconds since 1970 of an IMF-fixdate; anything else is malformed."""
    if not IMF_DATE.match(text):
        raise Malformed(f"not an IMF-fixdate: {text!r}")
    return calendar.timegm(time.strptime(text, "%a, %d %b %Y %H:%M:%S GMT"))


def format_http_date(seconds):
    """The IMF-fixdate of seconds since 1970."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


class Response:
    """One parsed response; `fields` keeps order and case, lookups ignore case."""

    def __init__(self, status, fields, head_len):
        self.status = status
        self.fields = fields
        self.head_len = head_len
        self.body = b""
        self.chunks = []       # sizes, when chunked
        self.trailers = []     # fields behind the last chunk, which the head has announced
        self.framing = "none"  # none, length, chunked, close
        self.wire_len = head_len

    def all(self, name):
        """All values of a field."""
        wanted = name.lower()
        return [value for key, value in self.fields if key.lower() == wanted]

    def get(self, name):
        """The value of a field that comes once, or None."""
        values = self.all(name)
        if len(values) > 1:
            raise Malformed(f"{name} comes {len(values)} times")
        return values[0] if values else None

    def tokens(self, name):
        """The lower-case members of a list field."""
        joined = ",".join(self.all(name))
        return [part.strip().lower() for part in joined.split(",") if part.strip()]

    def says_close(self):
        """Does it announce that the connection ends?"""
        return "close" in self.tokens("Connection")


def parse_head(raw):
    """The Response of a head (without its empty line); strict about every byte."""
    lines = raw.split(b"\r\n")
    match = STATUS_LINE.match(lines[0])
    if not match:
        raise Malformed(f"bad status line {shown(lines[0])}")
    return Response(int(match.group(1)), [parse_field(line) for line in lines[1:]], len(raw) + 4)


def parse_field(line):
    """(name, value) of a field line."""
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.match(name):
        raise Malformed(f"bad header line {shown(line)}")
    value = value.strip(b" \t")
    if not FIELD_VALUE.match(value):
        raise Malformed(f"control byte in header line {shown(line)}")
    return name.decode(), value.decode("latin-1")


ONCE = {"date", "content-length", "transfer-encoding", "content-type", "server", "etag", "last-modified",
        "content-range", "location"}


def check_fields(response):
    """What holds for every response of an origin server with a clock."""
    once = [name.lower() for name, _ in response.fields if name.lower() in ONCE]
    if len(set(once)) < len(once):
        raise Malformed(f"a field comes more than once: {sorted(once)}")
    date = response.get("Date")
    if response.status >= 200 and date is None:
        raise Malformed("no Date")
    if date is not None:
        if abs(parse_http_date(date) - time.time()) > 30:
            raise Malformed(f"Date {date} is not now")
    length = response.get("Content-Length")
    if length is not None and not re.fullmatch(r"\d{1,18}", length):
        raise Malformed(f"bad Content-Length {length!r}")
    if length is not None and response.get("Transfer-Encoding") is not None:
        raise Malformed("both Content-Length and Transfer-Encoding")
    if response.status < 200 or response.status == 204:
        if length is not None or response.get("Transfer-Encoding") is not None:
            raise Malformed(f"a {response.status} declares a body")


class Begun:
    """A response of which the head is there. `at` is behind what has been parsed of it, so that a large body is parsed once
    however many pieces it comes in."""

    def __init__(self, response, method):
        self.response, self.at, self.body = response, response.head_len, bytearray()
        self.has_body = method != "HEAD" and response.status >= 200 and response.status not in (204, 304)


def parse_chunked(begun, buffer):
    """Fills body and chunks; the offset behind the body, or None when bytes are missing."""
    while True:
        end = buffer.find(b"\r\n", begun.at)
        if end < 0:
            if len(buffer) - begun.at > 64:
                raise Malformed(f"no end of chunk-size line in {shown(buffer[begun.at:begun.at + 64])}")
            return None
        line = bytes(buffer[begun.at:end])
        if not CHUNK_SIZE.match(line):
            raise Malformed(f"bad chunk-size line {shown(line)}")
        size = int(line, 16)
        at = end + 2
        if size == 0:
            return parse_trailers(buffer, at, begun.response)
        if len(buffer) < at + size + 2:
            return None
        if buffer[at + size:at + size + 2] != b"\r\n":
            raise Malformed(f"chunk of {size} is not followed by CRLF")
        begun.body += memoryview(buffer)[at:at + size]
        begun.response.chunks.append(size)
        begun.at = at + size + 2


def parse_trailers(buffer, at, response):
    """The offset behind the empty line that ends a chunked body, or None when bytes are missing.
    Exactly the fields that the head's Trailer names are expected."""
    response.trailers = []
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        if end == at:
            break
        if not response.tokens("Trailer"):
            raise Malformed(f"bytes behind the last chunk: {shown(buffer[at:at + 40])}")
        response.trailers.append(parse_field(bytes(buffer[at:end])))
        at = end + 2
    if sorted(name.lower() for name, _ in response.trailers) != sorted(response.tokens("Trailer")):
        raise Malformed(f"Trailer announces {response.all('Trailer')}, came {response.trailers}")
    return end + 2


def begin_response(buffer, method):
    """What has Begun, or None while the head is not there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if not b"HTTP/1.1 ".startswith(bytes(buffer[:9])):
            raise Malformed(f"not the start of a response: {shown(buffer[:60])}")
        return None
    response = parse_head(bytes(buffer[:end]))
    check_fields(response)
    return Begun(response, method)


def parse_body(begun, buffer, eof):
    """Parses on; the offset behind the response, or None when more must be read. `eof`: nothing more will come."""
    response = begun.response
    coding, length = response.get("Transfer-Encoding"), response.get("Content-Length")
    if not begun.has_body:
        return begun.at
    if coding is not None:
        if coding.lower() != "chunked":
            raise Malformed(f"unknown Transfer-Encoding {coding!r}")
        response.framing = "chunked"
        after = parse_chunked(begun, buffer)
    elif length is not None:
        response.framing = "length"
        after = begun.at + int(length)
    else:
        response.framing = "close"
        after = len(buffer) if eof else None
    if after is None or len(buffer) < after:
        return None
    response.body = bytes(begun.body if coding is not None else memoryview(buffer)[begun.at:after])
    response.wire_len = after
    return after


# --- the client --------------------------------------------------------------------------------

class Client:
    """One raw connection. Sending also reads, so that a pipeline deeper than the socket buffers
    cannot deadlock against a server that waits for its output to be taken."""

    def __init__(self, address, timeout=PATIENCE_S, receive_buffer=None, source=None):
        self.timeout = timeout
        self.sent = bytearray()      # for failure lines; bounded
        self.received = bytearray()  # likewise
        self.buffer = bytearray()    # not yet parsed
        self.total_received = 0
        self.eof = False
        self.reset = False
        self.send_failed = False
        # Before the server can have started any clock of the exchange that is under way: before the connection
        # was made, or before the first byte that was sent behind the last answer.
        self.began = time.monotonic()
        self.answered = False
        latest.client = self
        family = socket.AF_INET
        if isinstance(address, str):
            family = socket.AF_UNIX
        elif ":" in address[0]:
            family = socket.AF_INET6
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(scaled(timeout))
        if source:
            self.sock.bind((source, 0))
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        """Closes; safe to call twice."""
        self.sock.close()

    def abort(self):
        """Closes with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def shutdown(self):
        """Ends the sending side only."""
        self.sock.shutdown(socket.SHUT_WR)

    def stop_reading(self):
        """Ends both directions; a thread that waits for more sees the end."""
        self.sock.shutdown(socket.SHUT_RDWR)

    def _poll(self, events, deadline):
        poller = select.poll()
        poller.register(self.sock, events)
        left = deadline - time.monotonic()
        found = poller.poll(max(0, left * 1000))
        if not found:
            raise CaseFailed(f"nothing happened for {scaled(self.timeout):.1f}s")
        return found[0][1]

    def _receive(self):
        """One recv. True when something, also the end, came."""
        try:
            data = self.sock.recv(RECV_SIZE)
        except BlockingIOError:
            return False
        except ConnectionError:
            self.eof = self.reset = True
            return True
        if not data:
            self.eof = True
            return True
        self.total_received += len(data)
        self.buffer += data
        if len(self.buffer) > BUFFER_MAX:
            raise CaseFailed(f"more than {BUFFER_MAX} bytes in one answer")
        if len(self.received) < 4096:
            self.received += data[:4096]
        return True

    def send(self, data):
        """Sends all of it, or notes in send_failed that the server has cut the connection."""
        if len(self.sent) < 4096:
            self.sent += data[:4096]
        if self.answered:
            self.began, self.answered = time.monotonic(), False
        view = memoryview(data)
        deadline = time.monotonic() + scaled(self.timeout)
        while view:
            wanted = select.POLLOUT if self.eof else select.POLLOUT | select.POLLIN
            self._poll(wanted, deadline)
            if not self.eof:
                self._receive()
            try:
                view = view[self.sock.send(view):]
                deadline = time.monotonic() + scaled(self.timeout)
            except BlockingIOError:
                continue
            except ConnectionError:
                self.send_failed = True
                return

    def fill(self, deadline=None):
        """Waits for more bytes or the end."""
        if deadline is None:
            deadline = time.monotonic() + scaled(self.timeout)
        while not self.eof:
            self._poll(select.POLLIN, deadline)
            if self._receive():
                return

    def quiet_for(self, seconds):
        """True when nothing, not even the end, comes for that long."""
        if self.eof or self.buffer:
            return False
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        return not poller.poll(seconds * 1000)

    def read_response(self, method="GET"):
        """The next response, checked. One that never ends is a failure too."""
        give_up = time.monotonic() + 3 * scaled(self.timeout)
        begun = None
        while True:
            if time.monotonic() > give_up:
                raise CaseFailed(f"the response does not end ({len(self.buffer)} bytes of it came)")
            if self.buffer and begun is None:
                begun = begin_response(self.buffer, method)
            used = parse_body(begun, self.buffer, self.eof) if begun is not None else None
            if used is not None:
                del self.buffer[:used]
                self.answered = True
                return begun.response
            if self.eof:
                how = "was reset" if self.reset else "ended"
                where = "inside a response" if self.buffer else "before a response"
                raise CaseFailed(f"the connection {how} {where}")
            try:
                self.fill()
            except CaseFailed as failure:
                raise CaseFailed(f"{failure} while waiting for a response"
                                 f" ({len(self.buffer)} bytes of it came)") from None

    def ask(self, data, method="GET"):
        """Sends and reads one response."""
        self.send(data)
        return self.read_response(method)

    def expect_end(self, allow_reset=False):
        """The server closes, and says nothing before it does."""
        while not self.eof:
            try:
                self.fill()
            except CaseFailed:
                raise CaseFailed("the connection stays open") from None
            if self.buffer:
                break
        if self.buffer:
            raise CaseFailed(f"bytes behind the last response: {shown(self.buffer)}")
        if self.reset and not allow_reset:
            raise CaseFailed("the connection was reset instead of closed")

    def drain(self):
        """Reads to the end; how many bytes in all have come."""
        while not self.eof:
            self.fill()
            self.buffer.clear()
        return self.total_received


# --- the server --------------------------------------------------------------------------------

_running = set()


@atexit.register
def _kill_all():
    for process in list(_running):
        process.kill()


def listed(directory):
    """The names in it, none when it has gone."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


def waited_ns(path):
    """What a schedstat of /proc says of the wait for a CPU, 0 when the thread has ended. A server may have a thousand
    threads, and many cases ask: that is why this does without what open() and glob() add."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    try:
        return int(os.read(file, 100).split()[1])
    except (OSError, IndexError):
        return 0
    finally:
        os.close(file)


class Server:
    """One server process. Output goes to files, so that a silent pipe never stops it. `prepare` is
    called in the child before the program is."""

    def __init__(self, program, args=(), listen=("127.0.0.1:0",), nofile=None, drain=10.0,
                 prepare=None):
        self.scratch = tempfile.TemporaryDirectory(prefix="quartet-blackbox-")
        self.out_path = os.path.join(self.scratch.name, "stdout")
        self.err_path = os.path.join(self.scratch.name, "stderr")
        self.drain = drain
        command = [program]
        for address in listen:
            command += ["--listen", address]
        command += list(args)
        self.command = command

        def limit():
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
            if prepare:
                prepare()

        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, preexec_fn=limit)
        _running.add(self.process)
        self.pid = self.process.pid
        try:
            self.addresses = self._wait_until_ready(len(listen))
        except CaseFailed:
            self.kill()
            raise
        self.address = self.addresses[0]

    def _wait_until_ready(self, count):
        def lines():
            found = re.findall(r"^listening on (\S+)$", self.stdout(), re.M)
            if len(found) >= count:
                return found
            if self.process.poll() is not None:
                raise CaseFailed(f"the server ended with {self.process.returncode} at start: "
                                 f"{' '.join(self.command)}: {self.stderr().strip()[-600:]}")
            return None
        found = eventually(lines, f"{count} 'listening on' line(s) come, stdout has "
                           + repr(self.stdout()))
        return [parse_address(text) for text in found]

    def stdout(self):
        """All that was printed so far."""
        with open(self.out_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stderr(self):
        """All that was said so far."""
        with open(self.err_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def client(self, **options):
        """A new connection."""
        return Client(self.address, **options)

    def alive(self):
        """Is the process still there?"""
        return self.process.poll() is None

    def open_files(self):
        """What its open descriptors are (a path, `socket:[inode]` …), without those with which a thread reads its
        own figures in /proc for a moment."""
        folder, found = f"/proc/{self.pid}/fd", []
        for name in os.listdir(folder):
            try:
                found.append(os.readlink(f"{folder}/{name}"))
            except FileNotFoundError:
                pass  # closed meanwhile
        return [target for target in found if not target.startswith("/proc/")]

    def descriptors(self):
        """How many of these."""
        return len(self.open_files())

    def cpu_seconds(self):
        """CPU time used so far, user and system."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            parts = file.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def starved_seconds(self):
        """For how long its threads were ready to run and waited for a CPU, so far, added up."""
        tasks = f"/proc/{self.pid}/task"
        return sum(waited_ns(f"{tasks}/{thread}/schedstat") for thread in listed(tasks)) / 1e9

    def resident_kb(self):
        """Resident memory."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def signal(self, number):
        """Sends a signal to this process only."""
        self.process.send_signal(number)

    def wait(self, timeout):
        """The exit code, or None when it is still there at the deadline."""
        try:
            return self.process.wait(scaled(timeout))
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        """Ends it without ceremony; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        _running.discard(self.process)

    def problems(self):
        """What is wrong with an ended server: its exit code and what it said."""
        found = []
        code = self.process.returncode
        if code != 0:
            how = f"with signal {-code}" if code < 0 else f"with exit code {code}"
            found.append(f"the server ended {how}")
        errors = self.stderr()
        if any(word in errors for word in STDERR_BUGS):
            found.append("stderr reports a bug")
        if found and errors.strip():
            found.append("stderr: " + " / ".join(errors.strip().splitlines()[-60:]))
        return found

    def stop(self):
        """SIGTERM, and a list of problems (empty when it ended as it should)."""
        if self.alive():
            self.signal(signal.SIGTERM)
            if self.wait(self.drain + PATIENCE_S) is None:
                self.kill()
                return [f"still running {self.drain + PATIENCE_S}s after SIGTERM; stderr: "
                        + self.stderr()[-600:]]
        self.process.wait()
        _running.discard(self.process)
        return self.problems()

    def __enter__(self):
        return self

    def __exit__(self, kind, failure, trace):
        if failure is not None:
            excuse(self.starved_seconds())
            died = not self.alive()
            problems = self.stop() if died else []
            self.kill()
            if problems and isinstance(failure, CaseFailed):
                raise CaseFailed(f"{failure}; " + "; ".join(problems)) from None
            return
        problems = self.stop()
        if problems:
            raise CaseFailed("; ".join(problems))


def parse_address(text):
    """What Client connects to, from the text behind 'listening on'."""
    match = re.fullmatch(r"http://\[([0-9a-f:.]+)\]:(\d+)/?", text)
    if match:
        return match.group(1), int(match.group(2))
    match = re.fullmatch(r"http://([0-9.]+):(\d+)/?", text)
    if match:
        host = "127.0.0.1" if match.group(1) == "0.0.0.0" else match.group(1)
        return host, int(match.group(2))
    match = re.search(r"unix:(?://)?(/.*)", text)
    if match:
        return match.group(1)
    raise CaseFailed(f"cannot make sense of the address {text!r}")
