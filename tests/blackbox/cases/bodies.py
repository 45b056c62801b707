"""Request bodies, in every way they can be cut into writes, and Expect: 100-continue.

The servers of this area have --max-body-size 64K (see run.py)."""

from docroot import HELLO
from table import (CLOSED, EITHER, SILENT, Answer, Pause, Table, Take, byte_by_byte, chunk,
                   chunked, get, post, request, require, split_at)

table = Table("bodies")
row = table.row

ECHO = "/synthetic/echo"
TE = "Transfer-Encoding: chunked"
LIMIT = 65536
EXPECT = "Expect: 100-continue"
ALL_BYTES = bytes(range(256)) * 4
DIGEST_BODY = bytes((i * 7 + i // 251) % 256 for i in range(LIMIT))


def echoed(body):
    """The body comes back."""
    return Answer(200, body)


row("a body with Content-Length comes back", post(ECHO, b"hello"), echoed(b"hello"))
row("a body of all byte values comes back", post(ECHO, ALL_BYTES), echoed(ALL_BYTES))
row("a body that looks like a head comes back", post(ECHO, b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    echoed(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"))
row("an empty body comes back", post(ECHO, b""), echoed(b""))
row("a POST without any length has no body", request("POST", ECHO), (200, 411), end=EITHER)
row("a chunked body comes back", chunked(ECHO, chunk(b"hello, "), chunk(b"world")),
    echoed(b"hello, world"))
row("an empty chunked body comes back", chunked(ECHO), echoed(b""))
row("chunk extensions are ignored",
    chunked(ECHO, chunk(b"abc", b";a"), chunk(b"def", b";name=value"), chunk(b"g", b";a=1;b=2")),
    echoed(b"abcdefg"))
row("quoted chunk extensions are ignored", chunked(ECHO, chunk(b"abc", b';a="b; c, d"')),
    echoed(b"abc"))
row("trailers are ignored",
    chunked(ECHO, chunk(b"abc"), trailer=b"X-Sum: 1\r\nX-Other: 2\r\n"), echoed(b"abc"))
row("an extension on the last chunk is ignored",
    request("POST", ECHO, TE, body=chunk(b"abc") + b"0;last\r\n\r\n"), echoed(b"abc"))
row("chunk sizes are hexadecimal in either case",
    request("POST", ECHO, TE, body=b"a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n"),
    echoed(b"01234567890123456789x"))
row("leading zeros in a chunk size are fine",
    request("POST", ECHO, TE, body=b"0003\r\nabc\r\n000\r\n\r\n"), echoed(b"abc"))
row("2,000 chunks of one byte come back", chunked(ECHO, *[chunk(b"x")] * 2000),
    echoed(b"x" * 2000))
row("a chunk with the bytes of a last chunk inside comes back",
    chunked(ECHO, chunk(b"0\r\n\r\n"), chunk(b"x")), echoed(b"0\r\n\r\nx"))
row("a body in HTTP/1.0 comes back", post(ECHO, b"hello", version="HTTP/1.0"), echoed(b"hello"),
    end=SILENT)
row("a chunked PUT comes back",
    chunked(ECHO, chunk(b"abc")).replace(b"POST", b"PUT", 1), echoed(b"abc"))

WHOLE = post(ECHO, b"0123456789") + get("/hello.txt")
PIECES = chunked(ECHO, chunk(b"01234", b";x=y"), chunk(b"56789"), trailer=b"A: b\r\n") + get(
    "/hello.txt")
BOTH = (echoed(b"0123456789"), Answer(200, HELLO))
row("one byte at a time: a body with Content-Length", byte_by_byte(WHOLE), *BOTH)
row("one byte at a time: a chunked body", byte_by_byte(PIECES), *BOTH)
row("one byte at a time and apart: a chunked body", byte_by_byte(PIECES, pause=0.0005), *BOTH)
row("head and body in two writes", split_at(WHOLE, WHOLE.index(b"0123456789")), *BOTH)
row("a body split in its middle", split_at(WHOLE, WHOLE.index(b"56789")), *BOTH)
row("a body together with the start of the next request",
    split_at(WHOLE, WHOLE.index(b"GET /hello") + 3), *BOTH)
row("a head split inside its last CRLF CRLF", split_at(WHOLE, WHOLE.index(b"\r\n\r\n") + 1,
    WHOLE.index(b"\r\n\r\n") + 2, WHOLE.index(b"\r\n\r\n") + 3), *BOTH)
row("a chunk-size line split in its CRLF", split_at(PIECES, PIECES.index(b";x=y\r\n") + 5), *BOTH)
row("chunk data split before its CRLF", split_at(PIECES, PIECES.index(b"01234\r\n") + 5), *BOTH)
row("chunk data split inside its CRLF", split_at(PIECES, PIECES.index(b"01234\r\n") + 6), *BOTH)
row("a trailer split in its middle", split_at(PIECES, PIECES.index(b"A: b") + 2), *BOTH)
row("the last CRLF of a chunked body split",
    split_at(PIECES, PIECES.index(b"A: b\r\n\r\n") + 7), *BOTH)

row("a body of exactly the limit comes back", post(ECHO, DIGEST_BODY), echoed(DIGEST_BODY))
row("a chunked body of exactly the limit comes back",
    chunked(ECHO, chunk(DIGEST_BODY[:40000]), chunk(DIGEST_BODY[40000:])), echoed(DIGEST_BODY))
row("a body one over the limit is too large", post(ECHO, DIGEST_BODY + b"x"), 413, end=CLOSED)
row("a declared body over the limit is too large before it comes",
    request("POST", ECHO, f"Content-Length: {LIMIT + 1}"), 413, end=CLOSED)
row("a declared body of nineteen digits is too large",
    request("POST", ECHO, "Content-Length: 9223372036854775807"), (400, 413), end=CLOSED)
row("a chunked body one over the limit is too large",
    chunked(ECHO, chunk(DIGEST_BODY), chunk(b"x")), 413, end=CLOSED)
row("a chunk that would go over the limit is too large before it comes",
    request("POST", ECHO, TE, body=b"10001\r\n"), 413, end=CLOSED)
row("many chunks that go over the limit together are too large",
    chunked(ECHO, *[chunk(b"y" * 1000)] * 70), 413, end=CLOSED)
row("a body over the limit for a file is too large as well", post("/hello.txt", DIGEST_BODY + b"x"),
    (405, 413), end=CLOSED)
row("a request behind a too large body is not answered",
    post(ECHO, DIGEST_BODY + b"x") + get("/smuggled.txt"), 413, end=CLOSED)
row("a body on GET is not answered as a request",
    get("/hello.txt", "Content-Length: 5", body=b"GET /") + get("/digits.txt"), 200, 200)
row("50 bodies on one connection come back in order",
    b"".join(post(ECHO, b"%d" % i * i) for i in range(50)),
    *[echoed(b"%d" % i * i) for i in range(50)])
row("bodies of both kinds by turns come back in order",
    b"".join((post(ECHO, b"%d" % i) + chunked(ECHO, chunk(b"%d!" % i))) for i in range(20)),
    *[answer for i in range(20) for answer in (echoed(b"%d" % i), echoed(b"%d!" % i))])

WAITING = request("POST", ECHO, "Content-Length: 5", EXPECT)
row("100 comes before the body is sent", [WAITING, Take(), b"abcde"], 100, echoed(b"abcde"))
row("100 comes before a chunked body is sent",
    [request("POST", ECHO, TE, EXPECT), Take(), chunk(b"abc") + b"0\r\n\r\n"], 100, echoed(b"abc"))
row("100 comes before a body sent in pieces",
    [WAITING, Take(), b"ab", Pause(0.003), b"cd", Pause(0.003), b"e"], 100, echoed(b"abcde"))
row("Expect is not case-sensitive",
    [request("POST", ECHO, "Content-Length: 5", "expect: 100-Continue"), Take(), b"abcde"], 100,
    echoed(b"abcde"))
row("a second request with Expect gets its own 100",
    [WAITING, Take(), b"abcde", Take(), WAITING, Take(), b"fghij"], 100, echoed(b"abcde"), 100,
    echoed(b"fghij"))
row("an unknown expectation fails",
    request("POST", ECHO, "Content-Length: 5", "Expect: tea", body=b"abcde"), 417, end=EITHER)
row("with Expect and too large a length the final 413 comes without 100",
    request("POST", ECHO, f"Content-Length: {LIMIT + 1}", EXPECT), 413, end=CLOSED)
row("with Expect and a bad head the final 400 comes without 100",
    request("POST", ECHO, "Content-Length: 5", "Bad Name: x", EXPECT), 400, end=CLOSED)
row("Expect in HTTP/1.0 is ignored",
    request("POST", ECHO, "Content-Length: 5", EXPECT, version="HTTP/1.0", body=b"abcde"),
    echoed(b"abcde"), end=SILENT)
row("Expect without a body gets no 100", get("/hello.txt", EXPECT), Answer(200, HELLO))
row("Expect with an empty body gets no 100",
    request("POST", ECHO, "Content-Length: 0", EXPECT), echoed(b""))


@table.case("a body sent at once with Expect is answered, with or without 100")
def expect_at_once(world):
    """RFC 9110 10.1.1 lets a server leave out the 100 when it has seen some of the body."""
    with world.client() as client:
        first = client.ask(WAITING + b"abcde" + get("/hello.txt"))
        final = client.read_response() if first.status == 100 else first
        require(final.status == 200 and final.body == b"abcde", f"got {final.status}")
        after = client.read_response()
        require(after.body == HELLO, "out of step behind it")


@table.case("a client that gets 413 while it is still sending reads all of it")
def refusal_while_sending(world):
    """The lingering close: without it the client's unread bytes turn the answer into a RST."""
    for _ in range(5):
        with world.client() as client:
            client.send(request("POST", ECHO, "Content-Length: 2000000"))
            for _ in range(20):
                client.send(b"x" * 50000)
            response = client.read_response()
            require(response.status == 413, f"status {response.status}")
            require(response.says_close(), "the 413 does not say close")
            client.shutdown()
            client.expect_end()
