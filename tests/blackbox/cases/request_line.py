"""The request line and the size of a head."""

from docroot import HELLO
from table import CLOSED, EITHER, Answer, Table, get, request

table = Table("request-line")
row = table.row

HOST = b"Host: t\r\n\r\n"
FILE = Answer(200, HELLO)


def line(text, rest=HOST):
    """A request with this first line, as it stands."""
    return text + b"\r\n" + rest


row("HTTP/1.0 is answered and closed", line(b"GET /hello.txt HTTP/1.0"), FILE, end="silent")
row("HTTP/1.1 is answered", line(b"GET /hello.txt HTTP/1.1"), FILE)
row("HTTP/1.2 is taken as 1.1", line(b"GET /hello.txt HTTP/1.2"), FILE)
row("HTTP/1.9 is taken as 1.1", line(b"GET /hello.txt HTTP/1.9"), FILE)
for version in (b"2.0", b"9.9", b"3.1"):
    row(f"HTTP/{version.decode()} is not supported", line(b"GET /hello.txt HTTP/" + version), 505,
        end=CLOSED)
row("HTTP/0.9 with a version is not supported", line(b"GET /hello.txt HTTP/0.9"), (400, 505),
    end=CLOSED)
row("a request without version is refused", b"GET /hello.txt\r\n", (400, 505), end=CLOSED)
row("a request without version but with fields is refused", line(b"GET /hello.txt"), (400, 505),
    end=CLOSED)
for bad in (b"HXXX/1.1", b"http/1.1", b"HTTP/1.", b"HTTP/1", b"HTTP/", b"HTTP", b"HTTP/11",
            b"HTTP/1.1x", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.a", b"HTTP/.1", b"HTTP/1,1",
            b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1 .1", b"XHTTP/1.1", b"HTTP/-1.1", b"HTTP/1.+1"):
    row(f"{bad.decode()} is no version", line(b"GET /hello.txt " + bad), (400, 505), end=CLOSED)
row("two spaces behind the method are refused", line(b"GET  /hello.txt HTTP/1.1"), 400, end=CLOSED)
row("two spaces before the version are refused", line(b"GET /hello.txt  HTTP/1.1"), 400,
    end=CLOSED)
row("a space behind the version is refused", line(b"GET /hello.txt HTTP/1.1 "), 400, end=CLOSED)
row("a space before the method is refused", line(b" GET /hello.txt HTTP/1.1"), 400, end=CLOSED)
row("a tab behind the method is refused", line(b"GET\t/hello.txt HTTP/1.1"), (400, 501),
    end=CLOSED)
row("a tab before the version is refused", line(b"GET /hello.txt\tHTTP/1.1"), 400, end=CLOSED)
row("a form feed as a separator is refused", line(b"GET\x0c/hello.txt\x0cHTTP/1.1"), (400, 501),
    end=CLOSED)
row("a missing target is refused", line(b"GET HTTP/1.1"), 400, end=CLOSED)
row("a target of one space is refused", line(b"GET  HTTP/1.1"), 400, end=CLOSED)
row("a fourth word is refused", line(b"GET /hello.txt HTTP/1.1 more"), 400, end=CLOSED)
row("a space in the target is refused", line(b"GET /with space.txt HTTP/1.1"), 400, end=CLOSED)
row("one empty line before a request is skipped", b"\r\n" + get("/hello.txt"), FILE)
row("two empty lines before a request are skipped", b"\r\n\r\n" + get("/hello.txt"), FILE)
row("an empty line between pipelined requests is skipped",
    get("/hello.txt") + b"\r\n" + get("/hello.txt"), FILE, FILE)
row("a bare LF before a request is refused", b"\n" + get("/hello.txt"), 400, end=CLOSED)
row("a bare CR before a request is refused", b"\r" + get("/hello.txt"), 400, end=CLOSED)
row("a request line that ends in a bare LF is refused", b"GET /hello.txt HTTP/1.1\n" + HOST, 400,
    end=CLOSED)
row("a bare LF request without the rest is refused at once", b"GET /hello.txt HTTP/1.1\n", 400,
    end=CLOSED)
row("a whole request in bare LF is refused", b"GET /hello.txt HTTP/1.1\nHost: t\n\n", 400,
    end=CLOSED)
row("a bare CR in the request line is refused", line(b"GET /hello\r.txt HTTP/1.1"), 400,
    end=CLOSED)
row("CR CR LF behind the version is refused", line(b"GET /hello.txt HTTP/1.1\r"), 400, end=CLOSED)
row("NUL in the request line is refused", line(b"GET /hello\0.txt HTTP/1.1"), 400, end=CLOSED)
row("a TLS greeting is refused", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(100),
    (400, 501), end=CLOSED)
row("the HTTP/2 preface is refused", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 501, 505),
    end=CLOSED)
row("a PROXY protocol line is refused",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + get("/hello.txt"), (400, 501), end=CLOSED)
row("a field line where the request line should be is refused", b"Host: t\r\n\r\n", (400, 501),
    end=CLOSED)

row("a target of 8,000 bytes fits", get("/hello.txt?" + "q" * 8000), FILE)
row("a target over the limit is refused", get("/" + "a" * 20000), 414, end=CLOSED)
row("a query over the limit is refused", get("/hello.txt?" + "a" * 20000), 414, end=CLOSED)
row("a target without end is refused while it comes", b"GET /" + b"a" * 40000, 414, end=CLOSED)
# RFC 9112 3: a method longer than any that is implemented.
row("a method without end is refused while it comes", b"A" * 40000, 501, end=CLOSED)
row("a method over the limit is not implemented", request("A" * 20000, "/hello.txt"), 501,
    end=CLOSED)
row("a line without end that begins with no method is malformed", b"GET/" + b"A" * 40000, 400,
    end=CLOSED)
row("a large field that fits is taken", get("/hello.txt", "X-Large: " + "v" * 12000), FILE)
row("a field over the limit is refused", get("/hello.txt", "X-Large: " + "v" * 20000), 431,
    end=CLOSED)
row("many fields over the limit together are refused",
    get("/hello.txt", *[f"X-{i}: " + "v" * 400 for i in range(60)]), 431, end=CLOSED)
row("a field without end is refused while it comes",
    b"GET /hello.txt HTTP/1.1\r\nHost: t\r\nX: " + b"v" * 40000, 431, end=CLOSED)
row("a field name without end is refused while it comes",
    b"GET /hello.txt HTTP/1.1\r\nHost: t\r\n" + b"n" * 40000, (400, 431), end=CLOSED)
row("100 fields are taken", get("/hello.txt", *[f"X-{i}: {i}" for i in range(99)]), FILE)
row("101 fields are refused", get("/hello.txt", *[f"X-{i}: {i}" for i in range(100)]), 431,
    end=CLOSED)
row("300 fields are refused", get("/hello.txt", *[f"X-{i}: {i}" for i in range(299)]), 431,
    end=CLOSED)
row("a refused head is not followed by an answer to what lies behind it",
    get("/hello.txt", "X-Large: " + "v" * 20000) + get("/smuggled.txt"), 431, end=CLOSED)
row("empty lines without end are bounded or skipped", b"\r\n" * 3000 + get("/hello.txt"),
    (200, 400, 414, 431), end=EITHER)
