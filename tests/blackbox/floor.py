"""quartet-floor: the bare loop, and the bare pipeline, that servers are compared with."""

import contextlib
import itertools
import socket
import subprocess
import tempfile

from generator import beside, load_json, url_of
from harness import PATIENCE_S, Server, eventually, scaled
from table import Table, require

table = Table("floor", args=("own",))
case = table.case

HEAD = b"GET /any HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b"hello, world\n"


KINDS = ((), ("--pipeline",))


def start(world, kind=(), listen="127.0.0.1:0"):
    """One that is ready."""
    return Server(beside(world, "quartet-floor"), kind, listen=(listen,))


def running(function):
    """A case with a server of its own of each kind, which must be there at its end, and answer."""
    def run(world):
        for kind in KINDS:
            server = start(world, kind)
            try:
                function(world, server)
                require(ask(server, HEAD, 1).count(BODY) == 1, f"{kind}: it does not answer at the end")
            finally:
                server.kill()
    return run


def ask(server, data, answers, pieces=1):
    """Sends the data in so many pieces; returns what came when so many answers are there."""
    with server.client() as client:
        size = -(-len(data) // pieces)
        for start_at in range(0, len(data), size):
            client.send(data[start_at:start_at + size])
        while client.buffer.count(BODY) < answers:
            client.fill()
        return bytes(client.buffer)


@case("each head is answered once, whatever the pieces it comes in")
@running
def heads(_, server):
    """One head, byte by byte; five at once, and two in pieces that cut the blank line."""
    for data, answers, pieces in ((HEAD, 1, 1), (HEAD, 1, len(HEAD)), (5 * HEAD, 5, 1), (2 * HEAD, 2, 3)):
        got = ask(server, data, answers, pieces)
        require(got.count(b"HTTP/1.1 200 OK\r\n") == answers and got.endswith(BODY),
                f"{answers} heads in {pieces} pieces got {got!r}")
        require(got.count(b"Content-Length: %d\r\n" % len(BODY)) == answers, f"the length is wrong: {got!r}")


@case("a head that does not fit, and a client that does not read, are closed")
@running
def closed(_, server):
    """Neither takes the server's one thread."""
    with socket.create_connection(server.address, timeout=scaled(PATIENCE_S)) as large:
        large.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 5000)
        with contextlib.suppress(ConnectionResetError):
            require(large.recv(1) == b"", "a head of 5,000 bytes was answered")
    with socket.create_connection(server.address) as deaf:
        deaf.setblocking(False)

        def is_closed():
            try:
                deaf.send(100 * HEAD)
            except BlockingIOError:
                pass
            except OSError:
                return True
            return False
        eventually(is_closed, "the connection of the deaf client is closed")


@case("quartet-load finds every answer good, and a socket of the file system serves as well")
def measured(world):
    """Closed loop, many connections."""
    with tempfile.TemporaryDirectory() as folder:
        listens = ("127.0.0.1:0", f"unix:{folder}/floor.sock")
        for number, (kind, listen) in enumerate(itertools.product(KINDS, listens)):
            server = start(world, kind, listen.replace("floor", f"floor{number}"))
            try:
                _, result = load_json(world, "-c", "50", "-d", "200ms", "--warmup", "0ms", url_of(server.address, "/"))
            finally:
                server.kill()
            requests = result["requests"]
            require(requests["good"] > 50 and requests["good"] == requests["due"], f"{listen}: {requests}")


def refused(world, *args):
    """(exit status, stderr) of one that does not start."""
    done = subprocess.run([beside(world, "quartet-floor"), *args], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=scaled(PATIENCE_S), check=False)
    return done.returncode, done.stderr.decode()


@case("a bad command line, and a port in use, are one line")
def bad(world):
    """2 for what means nothing, 1 for what cannot be done."""
    for args, words in ((("--listen", "nowhere"), "--listen nowhere: 127.0.0.1:8080"), (("--port", "1"), "usage:"),
                        (("--listen", "127.0.0.1:99999"), "a port from 0 to 65535"), (("--listen",), "usage:")):
        status, said = refused(world, *args)
        require(status == 2 and said.startswith("quartet-floor: ") and said.count("\n") == 1 and words in said,
                f"{args}: {status}, {said!r}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, said = refused(world, "--listen", "127.0.0.1:%d" % taken.getsockname()[1])
    require(status == 1 and "Address already in use" in said and said.count("\n") == 1, f"{status}, {said!r}")
