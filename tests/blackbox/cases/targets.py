"""Request targets: decoding, normalising, the root as a wall."""

import re

from docroot import FILES, HELLO
from table import CLOSED, EITHER, Answer, Table, get, request, require

table = Table("targets")
row = table.row

FILE = Answer(200, HELLO)
SUB = Answer(200, FILES["sub/a.txt"])
NEVER = re.compile(rb"\A(?!.*(SECRET|root:))", re.S)
WALL = Answer((400, 404), NEVER)
NOT_FOUND = Answer(404, NEVER)

row("a percent-encoded letter is decoded", get("/%68ello.txt"), FILE)
row("a percent-encoded dot is decoded", get("/hello%2Etxt"), FILE)
row("hex digits of either case are decoded", get("/hello%2etxt"), FILE)
row("decoding happens once", get("/%2568ello.txt"), NOT_FOUND)
row("a name with a percent sign is found by its encoding", get("/percent%2541.txt"),
    Answer(200, FILES["percent%41.txt"]))
row("a space in a name is %20", get("/with%20space.txt"), Answer(200, b"with a space\n"))
row("a plus is a plus", get("/with+plus.txt"), Answer(200, b"with a plus\n"))
row("a plus is no space", get("/with+space.txt"), NOT_FOUND)
row("UTF-8 in a name is percent-encoded", get("/gr%C3%BC%C3%9Fe.txt"),
    Answer(200, "Gr\u00fc\u00dfe\n".encode()))
row("an encoded slash is refused", get("/sub%2Fa.txt"), 400, end=EITHER)
row("an encoded slash in lower case is refused", get("/sub%2fa.txt"), 400, end=EITHER)
row("an encoded NUL is refused", get("/hello.txt%00"), 400, end=EITHER)
row("an encoded NUL before another name is refused", get("/hello.txt%00.html"), 400, end=EITHER)
for bad in ("/%zz", "/%4", "/%", "/hello.txt%", "/%%36", "/%u0041", "/% 41"):
    row(f"{bad} is no encoding", get(bad), 400, end=EITHER)

for up in ("/..", "/../", "/../outside/secret.txt", "/../../../../etc/passwd",
           "/%2e%2e/outside/secret.txt", "/.%2e/outside/secret.txt", "/%2e./outside/secret.txt",
           "/sub/../../outside/secret.txt", "/sub/%2e%2e/%2E%2E/outside/secret.txt",
           "/sub/..%2f..%2foutside/secret.txt", "/..%5c..%5coutside/secret.txt",
           "/%252e%252e/outside/secret.txt", "//../outside/secret.txt", "/./../outside/secret.txt",
           "/..;/outside/secret.txt", "/..%00/outside/secret.txt", "/..%c0%af/outside/secret.txt",
           "/nothing/../../outside/secret.txt"):
    row(f"{up} does not leave the root", get(up), WALL, end=EITHER)
row("'..' inside the root is resolved", get("/sub/../hello.txt"), FILE)
row("encoded '..' inside the root is resolved or refused", get("/sub/%2e%2e/hello.txt"),
    Answer((200, 400, 404)), end=EITHER)
row("'.' is dropped", get("/./sub/./a.txt"), SUB)
row("'.' at the end is the directory", get("/sub/."), Answer((200, 301)))
row("'..' at the end is the directory above", get("/sub/deep/.."), Answer((200, 301)))
row("double slashes collapse", get("//sub//a.txt"), SUB)
row("many slashes collapse", get("/" * 500 + "sub///a.txt"), SUB)
row("three dots are a name", get("/.../hello.txt"), NOT_FOUND)
row("dots behind a name are part of it", get("/hello.txt.."), NOT_FOUND)
row("a file is no directory", get("/hello.txt/"), NOT_FOUND)
row("nothing lies below a file", get("/hello.txt/more"), NOT_FOUND)
row("a path parameter is part of the name", get("/hello.txt;v=1"), NOT_FOUND)
row("an encoded space behind a name is part of it", get("/hello.txt%20"), NOT_FOUND)
row("names are case-sensitive", get("/HELLO.txt"), NOT_FOUND)

row("a fragment is refused", get("/hello.txt#top"), 400, end=CLOSED)
row("a fragment in the query is refused", get("/hello.txt?a#b"), 400, end=CLOSED)
for bad in ('"', "<", ">"):
    row(f"{bad} in a target is refused", get(f"/hello{bad}.txt"), 400, end=CLOSED)
    row(f"{bad} in a query is refused", get(f"/hello.txt?q={bad}"), 400, end=CLOSED)
for odd in ("\\", "^", "`", "{", "|", "}"):
    row(f"{odd} in a target finds nothing", get(f"/hello{odd}.txt"), (400, 404), end=EITHER)
for byte in (0x01, 0x0b, 0x1f, 0x7f):
    row(f"byte 0x{byte:02x} in a target is refused", get(b"/hello" + bytes([byte])), 400,
        end=CLOSED)
for byte in (0x80, 0xc3, 0xff):
    row(f"byte 0x{byte:02x} in a target is refused", get(b"/hello" + bytes([byte]) + b".txt"), 400,
        end=CLOSED)
    row(f"byte 0x{byte:02x} in a query is refused", get(b"/hello.txt?" + bytes([byte])), 400,
        end=CLOSED)

row("a query does not change the file", get("/hello.txt?v=1&w=/../x"), FILE)
row("an empty query does not change the file", get("/hello.txt?"), FILE)
row("a second question mark belongs to the query", get("/hello.txt?a?b"), FILE)
row("a bad escape in an unused query does no harm", get("/hello.txt?%zz"), (200, 400), end=EITHER)
row("an encoded question mark belongs to the name", get("/hello.txt%3Fv=1"), NOT_FOUND)
row("an encoded hash belongs to the name", get("/hello.txt%23top"), NOT_FOUND)

row("the absolute form is answered", get("http://test/hello.txt"), FILE)
row("the absolute form has a port", get("http://test:8080/hello.txt"), FILE)
row("the absolute form outranks Host", get("http://other.example/hello.txt"), FILE)
row("the scheme is not case-sensitive", get("HTTP://test/hello.txt"), FILE)
row("the absolute form without a path is the root", get("http://test"),
    Answer(200, FILES["index.html"]))
row("the absolute form with a query only is the root", get("http://test?x=1"), (200, 400),
    end=EITHER)
row("the absolute form with IPv6 is answered", get("http://[::1]:80/hello.txt"), FILE)
row("the absolute form is normalised too", get("http://test/sub/../hello.txt"), FILE)
row("the absolute form does not leave the root", get("http://test/../outside/secret.txt"), WALL,
    end=EITHER)
row("the absolute form still needs a Host", get("http://test/hello.txt", host=None), 400,
    end=CLOSED)
row("the absolute form in HTTP/1.0 is answered",
    get("http://test/hello.txt", version="HTTP/1.0", host=None), FILE, end="silent")
row("an absolute form without a host is refused", get("http:///hello.txt"), 400, end=EITHER)
row("another scheme is refused", get("ftp://test/hello.txt"), (400, 404, 421, 501), end=EITHER)
row("a file URL is refused", get("file:///etc/passwd"), WALL, end=EITHER)
row("a scheme without slashes is refused", get("http:hello.txt"), 400, end=EITHER)
row("a target without slash is refused", get("hello.txt"), 400, end=CLOSED)
row("an authority is no target for GET", get("test:80"), 400, end=CLOSED)
row("a query alone is no target", get("?x=1"), 400, end=CLOSED)
row("a segment of 300 bytes is not found", get("/" + "s" * 300), NOT_FOUND)
row("a path of 6,000 bytes is not found", get("/d" * 3000), (404, 414), end=EITHER)
row("OPTIONS of a path above the root is no success", request("OPTIONS", "/../../etc/passwd"),
    (200, 204, 400, 404), end=EITHER)


@table.case("every byte of a target is accepted or refused, and leaves the server in step")
def every_byte(world):
    """One request for each byte value; what is answered is 200, 400 or 404, never more than once."""
    for byte in range(256):
        with world.client() as client:
            response = client.ask(get(b"/hello.txt?" + bytes([byte])))
            allowed = (400,) if byte <= 0x20 or byte >= 0x7f else (200, 400)
            require(response.status in allowed, f"byte 0x{byte:02x} got {response.status}")
            if response.says_close():
                client.expect_end()
