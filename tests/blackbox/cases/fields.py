"""Header fields: Host, and the syntax that request smuggling lives on."""

from docroot import HELLO
from table import CLOSED, EITHER, Answer, Table, get, request

table = Table("fields")
row = table.row

FILE = Answer(200, HELLO)
START = b"GET /hello.txt HTTP/1.1\r\nHost: t\r\n"
BEHIND = get("/smuggled.txt")


def raw(fields, behind=BEHIND):
    """A request with these field bytes as they stand, and a request behind it that a refusal must
    not answer."""
    return START + fields + b"\r\n" + behind


def refused(name, fields, status=400):
    """A row: refused, closed, and what lies behind is never answered."""
    row(name, raw(fields), status, end=CLOSED)


def accepted(name, fields):
    """A row: the file is answered and the connection is in step."""
    row(name, raw(fields, b""), FILE)


row("a missing Host is refused in 1.1", get("/hello.txt", host=None), 400, end=CLOSED)
row("a missing Host is refused in 1.2", get("/hello.txt", host=None, version="HTTP/1.2"), 400,
    end=CLOSED)
row("a missing Host is fine in 1.0", get("/hello.txt", host=None, version="HTTP/1.0"), FILE,
    end="silent")
row("two different Hosts are refused", get("/hello.txt", "Host: other"), 400, end=CLOSED)
row("two equal Hosts are refused", get("/hello.txt", "Host: test"), 400, end=CLOSED)
row("two Hosts in different case are refused", get("/hello.txt", "hOST: test"), 400, end=CLOSED)
row("two Hosts are refused in 1.0", get("/hello.txt", "Host: other", version="HTTP/1.0"), 400,
    end=CLOSED)
# RFC 9110 4.2.1: an http URI has a host, and a recipient refuses one without.
for host in ("", " \t ", ":", ":80"):
    row(f"an empty Host {host!r} is refused", get("/hello.txt", host=host), 400, end=CLOSED)
row("an empty Host is refused in 1.0", get("/hello.txt", host="", version="HTTP/1.0"), 400,
    end=CLOSED)
row("an empty Host is refused beside a target with one", get("http://test/hello.txt", host=""), 400,
    end=CLOSED)
row("an empty Host is refused for OPTIONS * too", request("OPTIONS", "*", host=""), 400, end=CLOSED)
# A reg-name may hold sub-delims (RFC 3986 3.2.2), a comma among them.
for host in ("a:80", "A.Example", "127.0.0.1:8080", "[::1]", "[::1]:8080", "a-b.c_d~e", "a.", "a,b",
             "a!b$c&d"):
    row(f"Host {host} is fine", get("/hello.txt", host=host), FILE)
for host in ("a b", "a/b", "a@b", "a:x", "a:80:90", "[::1", "::1]", "a?b", "a#b", "a<b",
             "a\\b", "a\"b", "a\x80b", "http://a", "[a]b"):
    row(f"Host {host!r} is refused", get("/hello.txt", host=host), 400, end=CLOSED)
for host in ("a:", "a:99999", "a%20b", "[zz]", "[]"):
    row(f"Host {host!r} is refused or taken", get("/hello.txt", host=host), (200, 400), end=EITHER)
row("a bad Host is refused for OPTIONS * too", request("OPTIONS", "*", host="a b"), 400,
    end=CLOSED)

refused("a space before a colon is refused", b"X-Name : value\r\n")
refused("a tab before a colon is refused", b"X-Name\t: value\r\n")
refused("an empty field name is refused", b": value\r\n")
refused("a line without colon is refused", b"X-Name value\r\n")
refused("a name alone is refused", b"X-Name\r\n")
refused("a space before the first name is refused", b" X-Name: value\r\n")
refused("a space in a name is refused", b"X Name: value\r\n")
refused("a parenthesis in a name is refused", b"X(Name: value\r\n")
refused("a quote in a name is refused", b'X"Name: value\r\n')
refused("a byte over 0x7f in a name is refused", b"X\x80Name: value\r\n")
refused("NUL in a name is refused", b"X\0Name: value\r\n")
refused("a continued line is refused", b"X-Name: value\r\n more\r\n")
refused("a line continued by a tab is refused", b"X-Name: value\r\n\tmore\r\n")
refused("a line continued by nothing is refused", b"X-Name: value\r\n \r\n")
refused("NUL in a value is refused", b"X-Name: va\0lue\r\n")
refused("NUL at the end of a value is refused", b"X-Name: value\0\r\n")
refused("a bare CR in a value is refused", b"X-Name: va\rlue\r\n")
refused("a bare CR at the end of a value is refused", b"X-Name: value\r\r\n")
refused("a bare CR alone as a value is refused", b"X-Name:\rvalue\r\n")
refused("a field smuggled behind a bare CR is refused", b"X:\rxTransfer-Encoding: chunked\r\n")
refused("a Content-Length behind a bare CR is refused", b"X: a\rContent-Length: 50\r\n")
refused("a bare LF behind a field is refused", b"X-Name: value\n")
refused("a bare LF in a value is refused", b"X-Name: va\nlue: x\r\n")
refused("an empty line of a bare LF is refused", b"X-Name: value\r\n\n")
refused("a control byte in a value is refused", b"X-Name: va\x01lue\r\n")
refused("a vertical tab in a value is refused", b"X-Name: va\x0blue\r\n")
refused("an escape byte in a value is refused", b"X-Name: \x1b[31m\r\n")
refused("DEL in a value is refused", b"X-Name: va\x7flue\r\n")
accepted("a tab in a value is fine", b"X-Name: va\tlue\r\n")
accepted("white space around a value is dropped", b"X-Name: \t value \t \r\n")
accepted("no space behind the colon is fine", b"X-Name:value\r\n")
accepted("an empty value is fine", b"X-Name:\r\n")
accepted("bytes over 0x7f in a value are fine", b"X-Name: gr\xc3\xbc\xdf\r\n")
accepted("colons in a value are fine", b"X-Name: a:b::c\r\n")
accepted("all token characters in a name are fine", b"!#$%&'*+-.^_`|~09azAZ: value\r\n")
accepted("an unknown field twice is fine", b"X-Name: a\r\nX-Name: b\r\n")

row("CR and another byte at the end of the head are refused", START + b"\rX" + BEHIND, 400,
    end=CLOSED)
row("CR and a request at the end of the head are refused", START + b"\r" + BEHIND, 400,
    end=CLOSED)
row("CR and CR LF at the end of the head are refused", START + b"\r\r\n" + BEHIND, 400,
    end=CLOSED)
row("LF LF at the end of the head is refused", START[:-2] + b"\n\n" + BEHIND, 400, end=CLOSED)
row("a space and an empty line at the end of the head are refused", START + b" \r\n\r\n" + BEHIND,
    400, end=CLOSED)
row("a field line before Host with a leading space is refused",
    b"GET /hello.txt HTTP/1.1\r\n X: y\r\nHost: t\r\n\r\n" + BEHIND, 400, end=CLOSED)
row("an Upgrade is not followed",
    get("/hello.txt", "Connection: Upgrade", "Upgrade: websocket"), FILE)
row("an Upgrade to h2c is not followed",
    get("/hello.txt", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: A"),
    FILE)
