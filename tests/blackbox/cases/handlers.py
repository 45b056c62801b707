"""What a handler may do beside answering: complete elsewhere, forward, break its word."""

import re
import time

from docroot import HELLO
from table import CLOSED, EITHER, OPEN, Answer, Table, get, head, post, request, require

table = Table("handlers")
row = table.row

LAST = "Connection: close"

# --- answers completed by another thread -------------------------------------------------------

row("an answer completed later", get("/synthetic/async?ms=20"),
    Answer(200, b"completed after 20 ms\n", framing="length"))
row("an answer completed at once by another thread", get("/synthetic/async?ms=0"),
    Answer(200, b"completed after 0 ms\n"))
row("an answer completed before its handler returns", get("/synthetic/async?ms=0&after=1"),
    Answer(200, b"completed after 0 ms\n"))
row("HEAD of an answer completed later", head("/synthetic/async?ms=5"),
    Answer(200, b"", fields={"Content-Length": "21"}, to="HEAD"))
row("the last answer may be completed later", get("/synthetic/async?ms=5", LAST), 200, end=CLOSED)
row("the last answer may be completed early", get("/synthetic/async?ms=0&after=5", LAST), 200,
    end=CLOSED)
row("answers completed later keep their place in the pipeline",
    get("/synthetic/async?ms=60") + get("/hello.txt") + get("/synthetic/async?ms=0")
    + get("/synthetic/async?ms=20") + get("/synthetic/async?ms=0&after=20") + get("/hello.txt")
    + get("/synthetic/async?ms=1"),
    Answer(200, b"completed after 60 ms\n"), Answer(200, HELLO),
    Answer(200, b"completed after 0 ms\n"), Answer(200, b"completed after 20 ms\n"),
    Answer(200, b"completed after 0 ms\n"), Answer(200, HELLO),
    Answer(200, b"completed after 1 ms\n"))
row("a long pipeline of answers completed elsewhere",
    b"".join(get(f"/synthetic/async?ms={i % 3}") for i in range(60)),
    *[Answer(200, b"completed after %d ms\n" % (i % 3)) for i in range(60)])
for target, name in (("/synthetic/async", "ms"), ("/synthetic/async?ms=60001", "ms"),
                     ("/synthetic/async?ms=x", "ms"), ("/synthetic/async?ms=0&after=", "after"),
                     ("/synthetic/async?ms=0&after=60001", "after"),
                     ("/synthetic/async?ms=5&after=5", "after")):
    row(f"{target} names the bad parameter", get(target),
        Answer(400, re.compile(rb"\b" + name.encode() + rb"\b")), end=EITHER)
row("an answer completed elsewhere is for GET and HEAD", post("/synthetic/async?ms=1", b""),
    Answer(405, fields={"Allow": "GET, HEAD, OPTIONS"}))


@table.case("answers completed later by the hundred are all answered")
def crowd(world):
    """Together they wait as long as one: nothing is held but memory."""
    clients = [world.client() for _ in range(150)]
    for i, client in enumerate(clients):
        client.send(get(f"/synthetic/async?ms={100 + i % 50}"))
    for i, client in enumerate(clients):
        body = client.read_response().body
        require(body == b"completed after %d ms\n" % (100 + i % 50), f"answer {i} is {body!r}")


@table.case("clients that leave while others complete their answers do no harm")
def leave(world):
    """By FIN and by RST; those who stay are served."""
    for nth in range(60):
        client = world.client()
        client.send(get(f"/synthetic/async?ms={nth % 30}") + get("/hello.txt"))
        if nth % 3 == 0:
            client.abort()
        elif nth % 3 == 1:
            client.shutdown()
            client.close()
        else:
            require(client.read_response().status == 200, "not answered")
            require(client.read_response().body == HELLO, "out of step")


# --- forwarding --------------------------------------------------------------------------------

def forward(target):
    """The target that forwards there."""
    return "/synthetic/forward?to=" + target


def nested(count, target):
    """So many forwards before the target; each decodes once, so nothing in it needs encoding."""
    for _ in range(count):
        target = forward(target)
    return target


BAD_TARGET = Answer(400, re.compile(rb"\bto\b"))

row("a forward answers what its target answers", get(forward("/hello.txt")), Answer(200, HELLO))
row("HEAD of a forward", head(forward("/hello.txt")),
    Answer(200, b"", fields={"Content-Length": str(len(HELLO))}, to="HEAD"))
row("a forward to a file that is not there", get(forward("/nothing")), 404)
row("a forward decodes its target", get(forward("%2Fhell%6f.txt%3Fx%3D1")), Answer(200, HELLO))
row("a forward normalises its target", get(forward("/a//./%252e%252e/hello.txt")),
    Answer(200, HELLO))
row("a forward takes its own query along", get(forward("/synthetic/bytes%3Fn%3D5")),
    Answer(200, fields={"Content-Length": "5"}))
row("a forward keeps the request's fields", get(forward("/hello.txt"), "Range: bytes=0-1"),
    Answer(206, HELLO[:2]))
row("a forward keeps the request's body", post(forward("/synthetic/echo"), b"a body"),
    Answer(200, b"a body"))
row("a forward to a method that the target has not", get(forward("/synthetic/echo")),
    Answer(405, fields={"Allow": "POST, PUT, OPTIONS"}))
row("a forward of a POST to a file", post(forward("/hello.txt"), b"x"),
    Answer(405, fields={"Allow": "GET, HEAD, OPTIONS"}))
row("a forward to an answer in pieces",
    get(forward("/synthetic/stream%3Fchunks=3%26size=5%26ms=1")),
    Answer(200, framing="chunked", check=lambda response: require(len(response.body) == 15,
                                                                  "another length")))
row("a forward to an answer completed elsewhere", get(forward("/synthetic/async%3Fms=5")),
    Answer(200, b"completed after 5 ms\n"))
row("a forward to a handler that sleeps", get(forward("/synthetic/sleep%3Fms=1")), 200)
row("eight forwards in a row", get(nested(8, "/hello.txt")), Answer(200, HELLO))
row("nine are a loop: 500, and the connection stays",
    get(nested(9, "/hello.txt")) + get("/hello.txt"), 500, Answer(200, HELLO), end=OPEN)
row("a far longer loop", get(nested(40, "/hello.txt")), 500)
row("forwards in a pipeline", get(forward("/hello.txt")) * 3 + get(forward("/nothing")),
    Answer(200, HELLO), Answer(200, HELLO), Answer(200, HELLO), 404)
for name, target in (("above the root", "/../../etc/passwd"),
                     ("above the root, encoded", "/%252e%252e/etc/passwd"),
                     ("an encoded slash", "/a%252fb"), ("a control character", "/a%0db"),
                     ("another scheme's address", "http://example.com/"), ("an asterisk", "*"),
                     ("no path at all", ""), ("a path without slash", "hello.txt"),
                     ("half an escape", "/a%2"), ("a space", "/a%20b"),
                     ("a fragment", "/a%23b"), ("more than its limit", "/" + "a" * 1024)):
    row(f"a forward to {name} is refused", get(forward(target)), BAD_TARGET)
row("a forward without a target is refused", get("/synthetic/forward"), BAD_TARGET)


# --- lengths that are not kept -----------------------------------------------------------------

def length(declared, actual, pieces=1):
    """An answer that declares the one and makes the other."""
    return f"/synthetic/length?declared={declared}&actual={actual}&pieces={pieces}"


def body_of(count):
    """A check for a body of generated bytes."""
    return lambda response: require(len(response.body) == count,
                                    f"{len(response.body)} bytes instead of {count}")


for declared, actual, pieces in ((5, 9, 1), (0, 9, 1), (5, 9, 3), (10, 1000, 10), (1400, 1401, 1),
                                 (70_000, 1 << 20, 1), (70_000, 1 << 20, 7), (1, 1 << 20, 100)):
    row(f"{actual} bytes in {pieces} where {declared} were declared: the next answer is exact",
        get(length(declared, actual, pieces)) * 2 + get("/hello.txt"),
        Answer(200, check=body_of(declared)), Answer(200, check=body_of(declared)),
        Answer(200, HELLO), end=OPEN)
for declared, pieces in ((0, 1), (100, 1), (100, 7), (1 << 20, 1), (1 << 20, 64)):
    row(f"{declared} bytes in {pieces} as declared",
        get(length(declared, declared, pieces)) + get("/hello.txt"),
        Answer(200, check=body_of(declared)), Answer(200, HELLO), end=OPEN)
for declared, actual in ((5, 9), (9, 5)):
    row(f"HEAD may declare {declared} and make {actual}",
        head(length(declared, actual)) + get("/hello.txt"),
        Answer(200, b"", to="HEAD", fields={"Content-Length": str(declared)}), Answer(200, HELLO),
        end=OPEN)


def cut_short(world, target, least):
    """The head, so many bytes, and the end of the connection; nothing of the next answer."""
    with world.client() as client:
        client.send(get(target) + get("/hello.txt"))
        while not client.eof:
            client.fill()
        require(not client.reset, "reset instead of closed")
        _, _, body = bytes(client.buffer).partition(b"\r\n\r\n")
        require(len(body) == least, f"{len(body)} bytes of a body instead of {least}")


@table.case("less than was declared ends the connection behind it")
def less(world):
    """Whole and in pieces; the next request of the pipeline is not answered."""
    for declared, actual, pieces in ((9, 5, 1), (9, 0, 1), (9, 5, 3), (1 << 20, 100_000, 1),
                                     (1 << 20, 100_000, 9)):
        cut_short(world, length(declared, actual, pieces), actual)


# --- how long an idle connection is kept -------------------------------------------------------

@table.case("a client's Keep-Alive: timeout is honoured where it is the shorter one", alone=True)
def shorter_timeout(world):
    """Ours is 60 s here. A malformed field counts as none."""
    short, longer, nonsense = world.client(), world.client(), world.client()
    short.ask(get("/hello.txt", "Keep-Alive: timeout=1, max=100"))
    longer.ask(get("/hello.txt", "Keep-Alive: timeout=3600"))
    nonsense.ask(get("/hello.txt", "Keep-Alive: timeout=1s"))
    short.expect_end()
    require(time.monotonic() - short.began >= 0.9, "closed before its time")
    for client in (longer, nonsense):
        require(client.quiet_for(0.2), "closed with it")
        require(client.ask(request("GET", "/hello.txt")).body == HELLO, "not kept")
