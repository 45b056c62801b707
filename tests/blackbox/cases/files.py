"""Files: types, validators, preconditions, encodings, links, and files that change."""

import ctypes
import hashlib
import os
import re
import time

from docroot import BR_BYTES, FILES, HELLO, OLD, OLD_DATE, PAGE, large_bytes
from harness import CaseFailed, eventually, parse_http_date
from table import (ABSENT, EITHER, PRESENT, Answer, Table, get, head, post, require)

table = Table("files")
row = table.row

FILE = Answer(200, HELLO)
STRONG = re.compile(r'^"[\x21\x23-\x7e]+"$')
LATER_DATE = "Sun, 09 Sep 2001 01:46:41 GMT"
EARLIER_DATE = "Sun, 09 Sep 2001 01:46:39 GMT"
SECRET_FREE = re.compile(rb"\A(?!.*SECRET)", re.S)
NOT_THERE = Answer((403, 404), SECRET_FREE)
UNCHANGED = Answer(304)

for name, kind in (("hello.txt", r"^text/plain"), ("page.html", r"^text/html"),
                   ("style.css", r"^text/css"), ("script.js", r"^(text|application)/javascript"),
                   ("data.json", r"^application/json"), ("picture.png", r"^image/png$"),
                   ("picture.jpg", r"^image/jpeg$"), ("picture.svg", r"^image/svg\+xml"),
                   ("strange.xyzzy", r"^application/octet-stream$"), ("UPPER.HTML", r"^text/html")):
    row(f"{name} has its type", get(f"/{name}"),
        Answer(200, FILES[name], {"Content-Type": re.compile(kind)}))
row("a file without extension is served", get("/noextension"), Answer(200, b"no extension\n"))
row("a file has validators",
    get("/hello.txt"), Answer(200, HELLO, {"ETag": STRONG, "Last-Modified": OLD_DATE}))
row("a file takes ranges", get("/hello.txt"), Answer(200, fields={"Accept-Ranges": "bytes"}))
row("an empty file is empty", get("/empty.txt"), Answer(200, b"", {"Content-Length": "0"},
                                                       framing="length"))
row("the root has an index", get("/"), Answer(200, FILES["index.html"]))
row("a directory has an index", get("/sub/"), Answer(200, FILES["sub/index.html"]))
row("an index by its name is a file", get("/sub/index.html"), Answer((200, 301)))
row("an index has its type", get("/sub/"),
    Answer(200, fields={"Content-Type": re.compile("^text/html")}))
row("a directory without its slash is redirected", get("/sub"),
    Answer(301, fields={"Location": re.compile(r"^(http://[^/]+)?/sub/$")}))
row("a redirect keeps the query", get("/sub?x=1"),
    Answer(301, fields={"Location": re.compile(r"/sub/(\?x=1)?$")}))
row("a redirect cannot be led elsewhere by slashes", get("//sub"),
    Answer(301, fields={"Location": re.compile(r"^(http://[^/]+)?/sub/$")}))
row("a redirect cannot be led elsewhere by a host in the path", get("//evil.example/.."),
    Answer((200, 301, 400, 404), check=lambda response: require(
        not (response.get("Location") or "").startswith("//"), "a Location with two slashes")),
    end=EITHER)
row("a directory without an index is not listed", get("/noindex/"), NOT_THERE)
row("nothing is there", get("/nothing.txt"), 404)
row("nothing is there in nowhere", get("/nowhere/nothing.txt"), 404)
row("a missing file's answer has a length", get("/nothing.txt"), Answer(404, framing="length"))
row("a path with markup is not reflected", get("/%3Cscript%3Ealert(1)%3C/script%3E"),
    Answer(404, re.compile(rb"\A(?!.*<script)", re.S)))
row("a path with quotes is not reflected", get("/%22onload=%22x"),
    Answer(404, re.compile(rb'\A(?!.*"onload=")', re.S)))
row("a path with CR LF cannot add a field", get("/%0d%0aSet-Cookie:%20x"),
    Answer((400, 404), fields={"Set-Cookie": ABSENT}), end=EITHER)
row("a directory name with CR LF cannot add a field", get("/sub%0d%0aX-Evil:%20x/../../sub"),
    Answer((301, 400, 404), fields={"X-Evil": ABSENT}), end=EITHER)

for hidden in ("/.hidden", "/.git/config", "/sub/.env", "/.%68idden", "/%2ehidden", "/.git/",
               "/.git", "/sub/../.hidden"):
    row(f"{hidden} is not served", get(hidden), NOT_THERE)
row("a link out of the root is not followed", get("/link-out.txt"), NOT_THERE)
row("an absolute link out of the root is not followed", get("/link-out-absolute.txt"), NOT_THERE)
row("a linked directory out of the root is not entered", get("/link-dir-out/secret.txt"), NOT_THERE)
row("a linked directory out of the root is not redirected to", get("/link-dir-out"), NOT_THERE)
row("a link inside the root is followed", get("/link-in.txt"), Answer(200, FILES["sub/a.txt"]))
row("a dangling link is not there", get("/link-dangling.txt"), NOT_THERE)
row("a link to itself is not there", get("/link-loop.txt"), NOT_THERE)
row("a FIFO is refused and does not block", get("/fifo"), NOT_THERE)
row("a POST to a FIFO is refused and does not block", post("/fifo", b"x"), (403, 404, 405),
    end=EITHER)

row("If-Modified-Since with the file's date", get("/hello.txt", f"If-Modified-Since: {OLD_DATE}"),
    Answer(304, fields={"ETag": STRONG}))
row("If-Modified-Since with a later date",
    get("/hello.txt", f"If-Modified-Since: {LATER_DATE}"), UNCHANGED)
row("If-Modified-Since with an earlier date",
    get("/hello.txt", f"If-Modified-Since: {EARLIER_DATE}"), FILE)
row("If-Modified-Since in RFC 850 form",
    get("/hello.txt", "If-Modified-Since: Sunday, 09-Sep-01 01:46:40 GMT"), UNCHANGED)
row("If-Modified-Since in asctime form",
    get("/hello.txt", "If-Modified-Since: Sun Sep  9 01:46:40 2001"), UNCHANGED)
for bad in ("yesterday", "", "Sun, 09 Sep 2001 01:46:40", "Sun, 99 Sep 2001 01:46:40 GMT",
            "Sun, 09 Foo 2001 01:46:40 GMT", "2001-09-09T01:46:40Z", "1000000000",
            "Sun, 09 Sep 2001 25:46:40 GMT"):
    row(f"If-Modified-Since {bad!r} is ignored", get("/hello.txt", f"If-Modified-Since: {bad}"),
        FILE)
    row(f"If-Unmodified-Since {bad!r} is ignored",
        get("/hello.txt", f"If-Unmodified-Since: {bad}"), FILE)
row("If-Modified-Since on HEAD", head("/hello.txt", f"If-Modified-Since: {OLD_DATE}"),
    Answer(304, to="HEAD"))
row("If-Modified-Since on nothing", get("/nothing", f"If-Modified-Since: {OLD_DATE}"), 404)
row("If-Unmodified-Since with the file's date",
    get("/hello.txt", f"If-Unmodified-Since: {OLD_DATE}"), FILE)
row("If-Unmodified-Since with an earlier date",
    get("/hello.txt", f"If-Unmodified-Since: {EARLIER_DATE}"), 412)
row("If-None-Match with another tag", get("/hello.txt", 'If-None-Match: "no-such-tag"'), FILE)
row("If-None-Match * matches any file", get("/hello.txt", "If-None-Match: *"), UNCHANGED)
row("If-None-Match * on nothing", get("/nothing", "If-None-Match: *"), 404)
row("If-Match with another tag", get("/hello.txt", 'If-Match: "no-such-tag"'), 412)
row("If-Match * matches any file", get("/hello.txt", "If-Match: *"), FILE)
row("If-Match * on nothing", get("/nothing", "If-Match: *"), (404, 412))
row("If-None-Match outranks If-Modified-Since",
    get("/hello.txt", 'If-None-Match: "no-such-tag"', f"If-Modified-Since: {OLD_DATE}"), FILE)
row("If-Match outranks If-Unmodified-Since",
    get("/hello.txt", "If-Match: *", f"If-Unmodified-Since: {EARLIER_DATE}"), FILE)
row("If-Match is looked at before If-None-Match",
    get("/hello.txt", 'If-Match: "no-such-tag"', "If-None-Match: *"), 412)
row("an unchanged answer in a pipeline leaves it in step",
    get("/hello.txt", "If-None-Match: *") + get("/hello.txt"), 304, FILE)
row("a failed precondition in a pipeline leaves it in step",
    get("/hello.txt", 'If-Match: "x"') + get("/hello.txt"), 412, FILE)

IDENTITY = Answer(200, PAGE, {"Content-Encoding": ABSENT, "Vary": re.compile("(?i)accept-encoding")})
GZIP = Answer(200, fields={"Content-Encoding": "gzip", "Vary": re.compile("(?i)accept-encoding"),
                           "Content-Type": re.compile("^text/html"), "ETag": PRESENT},
              check=lambda response: require(response.body[:2] == b"\x1f\x8b", "not gzip"))
BROTLI = Answer(200, BR_BYTES, {"Content-Encoding": "br", "Content-Type": re.compile("^text/html")})
for value, wanted in (("gzip", GZIP), ("br", BROTLI), ("identity", IDENTITY), ("", IDENTITY),
                      ("deflate", IDENTITY), ("gzip;q=0", IDENTITY), ("gzip;q=0.000", IDENTITY),
                      ("gzip;q=0, br;q=0", IDENTITY), ("gzip;q=1, br;q=0.5", GZIP),
                      ("gzip;q=0.5, br;q=1", BROTLI), ("br;q=0, gzip", GZIP), ("GZIP", GZIP),
                      ("deflate, gzip;q=0.1", GZIP), ("gzip ; q=0.5", GZIP), ("xgzip", IDENTITY),
                      ("*;q=0, gzip", GZIP)):
    row(f"Accept-Encoding {value!r} is obeyed", get("/page.html", f"Accept-Encoding: {value}"),
        wanted)
row("without Accept-Encoding the plain file comes", get("/page.html"), IDENTITY)
row("with both encodings wanted one of them comes",
    get("/page.html", "Accept-Encoding: gzip, deflate, br"),
    Answer(200, fields={"Content-Encoding": re.compile("^(gzip|br)$")}))
row("only the encoding that is there is used", get("/style.css", "Accept-Encoding: gzip, br"),
    Answer(200, fields={"Content-Encoding": "gzip", "Content-Type": re.compile("^text/css")}))
row("a file without encoded neighbour comes plain", get("/hello.txt", "Accept-Encoding: gzip, br"),
    Answer(200, HELLO, {"Content-Encoding": ABSENT}))
row("an encoded neighbour asked for by name is a file", get("/style.css.gz"),
    Answer(200, check=lambda response: require(response.body[:2] == b"\x1f\x8b", "not gzip")))


@table.case("a large file comes byte for byte")
def large(world):
    """By digest, twice: from disk, then perhaps from a cache."""
    wanted = hashlib.sha256(large_bytes()).hexdigest()
    for _ in range(2):
        response = world.fetch("/large.bin")
        require(hashlib.sha256(response.body).hexdigest() == wanted, "the bytes differ")


@table.case("the Date and Server fields have their form")
def identity(world):
    """Server names the program, with nothing of the machine in it."""
    response = world.fetch("/hello.txt")
    require(re.match(r"^[Qq]uartet(/[0-9.]+)?$", response.get("Server") or ""),
            f"Server is {response.get('Server')!r}")
    parse_http_date(response.get("Date"))


@table.case("If-None-Match with the file's tag, in all its forms")
def if_none_match(world):
    """Exact, weak, in a list, over several fields; and not when it only looks alike."""
    tag = world.fetch("/hello.txt").get("ETag")
    inner = tag.strip('"')
    for value, status in ((tag, 304), ("W/" + tag, 304), (f'"a", {tag}', 304), (f'{tag}, "b"', 304),
                          (f'"a",{tag},"b"', 304), (f'W/"a" , W/{tag}', 304), (f'"{inner}x"', 200),
                          (f'"x{inner}"', 200), (inner, 200), (f'"a{inner}, {inner}b"', 200)):
        response = world.fetch("/hello.txt", f"If-None-Match: {value}")
        require(response.status == status, f"{value} got {response.status}")
    response = world.fetch("/hello.txt", f"If-None-Match: {tag}",
                           f"If-Modified-Since: {EARLIER_DATE}")
    require(response.status == 304, f"with an earlier date beside it got {response.status}")
    for name in ("ETag", "Date"):
        require(response.get(name), f"the 304 has no {name}")
    require(response.get("ETag") == tag, "the 304 has another tag")


@table.case("If-Match with the file's tag, in all its forms")
def if_match(world):
    """Strong comparison: a weak tag never matches."""
    tag = world.fetch("/hello.txt").get("ETag")
    for value, status in ((tag, 200), (f'"a", {tag}', 200), ("W/" + tag, 412), ('"a", "b"', 412)):
        response = world.fetch("/hello.txt", f"If-Match: {value}")
        require(response.status == status, f"{value} got {response.status}")
    response = world.fetch("/hello.txt", f"If-Match: {tag}", f"If-None-Match: {tag}")
    require(response.status == 304, f"with If-None-Match beside it got {response.status}")


@table.case("the tag of an encoded file is another one than the plain file's")
def encoded_tags(world):
    """Strong validators name bytes (RFC 9110 8.8.3)."""
    plain = world.fetch("/page.html").get("ETag")
    gzipped = world.fetch("/page.html", "Accept-Encoding: gzip").get("ETag")
    brotli = world.fetch("/page.html", "Accept-Encoding: br").get("ETag")
    require(len({plain, gzipped, brotli}) == 3, f"tags {plain} {gzipped} {brotli}")
    response = world.fetch("/page.html", "Accept-Encoding: gzip", f"If-None-Match: {gzipped}")
    require(response.status == 304, f"the encoded file's own tag got {response.status}")
    response = world.fetch("/page.html", "Accept-Encoding: gzip", f'If-None-Match: "{plain}"')
    require(response.status == 200, f"the plain file's tag got {response.status}")


def own_folder(world, name):
    """A folder below the root that one case alone changes."""
    folder = world.root / "changing" / name
    folder.mkdir(exist_ok=True)
    return folder


@table.case("a file that is replaced is noticed within a second")
def replaced(world):
    """By a rename, as careful writers do; length and date change too."""
    folder = own_folder(world, "replaced")
    (folder / "file.txt").write_bytes(b"old\n")
    os.utime(folder / "file.txt", (OLD, OLD))
    first = world.fetch("/changing/replaced/file.txt")
    require(first.body == b"old\n", f"got {first.body!r}")
    (folder / "new").write_bytes(b"new and longer\n")
    (folder / "new").rename(folder / "file.txt")
    eventually(lambda: world.fetch("/changing/replaced/file.txt").body == b"new and longer\n",
               "the new bytes are served", timeout=10)
    second = world.fetch("/changing/replaced/file.txt", f"If-None-Match: {first.get('ETag')}")
    require(second.status == 200, f"the old tag got {second.status}")


@table.case("a tag does not show the inode number")
def inode_hidden(world):
    """In hexadecimal or in decimal, in any part of the tag."""
    folder = own_folder(world, "inode")
    (folder / "file.txt").write_bytes(b"whose inode?\n")
    number = (folder / "file.txt").stat().st_ino
    tag = world.fetch("/changing/inode/file.txt").get("ETag").strip('"')
    parts = re.split("[^0-9a-z]", tag)
    require(f"{number:x}" not in parts and str(number) not in parts, f"inode {number} is in {tag}")


@table.case("a file of the same length and time in the place of another has another tag")
def replaced_alike(world):
    """As a copy that keeps times leaves it."""
    folder = own_folder(world, "alike")
    (folder / "file.txt").write_bytes(b"one\n")
    os.utime(folder / "file.txt", (OLD, OLD))
    first = world.fetch("/changing/alike/file.txt")
    require(first.body == b"one\n", f"got {first.body!r}")
    (folder / "new").write_bytes(b"two\n")
    os.utime(folder / "new", (OLD, OLD))
    (folder / "new").rename(folder / "file.txt")
    eventually(lambda: world.fetch("/changing/alike/file.txt").body == b"two\n",
               "the new bytes are served", timeout=10)
    require(world.fetch("/changing/alike/file.txt").get("ETag") != first.get("ETag"), "the same tag")


IN_OPEN = 0x20


@table.case("a FIFO below the root is not even opened")
def fifo_untouched(world):
    """To open it would release a writer that waits for a reader; a device may do anything."""
    folder = own_folder(world, "fifo")
    os.mkfifo(folder / "fifo")
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    require(watcher >= 0, "no inotify")
    try:
        watch = libc.inotify_add_watch(watcher, os.fsencode(folder / "fifo"), IN_OPEN)
        require(watch >= 0, "cannot watch the FIFO")
        status = world.fetch("/changing/fifo/fifo").status
        require(status in (403, 404), f"status {status}")
        try:
            require(not os.read(watcher, 4096), "the FIFO was opened")
        except BlockingIOError:
            pass
    finally:
        os.close(watcher)


@table.case("a file that is written in place is noticed within a second")
def rewritten(world):
    """The same inode and the same length: only the times differ."""
    folder = own_folder(world, "rewritten")
    path = folder / "file.txt"
    path.write_bytes(b"aaaa\n")
    os.utime(path, (OLD, OLD))
    require(world.fetch("/changing/rewritten/file.txt").body == b"aaaa\n", "the first bytes")
    path.write_bytes(b"bbbb\n")
    eventually(lambda: world.fetch("/changing/rewritten/file.txt").body == b"bbbb\n",
               "the new bytes are served", timeout=10)


@table.case("a file that grows or shrinks keeps each answer exact")
def resized(world):
    """Whatever length is declared is what comes; the parser would notice. Only a file that is cut
    short while the server believes its old length leaves no choice but to end the connection."""
    folder = own_folder(world, "resized")
    path = folder / "file.txt"

    def served(wanted):
        try:
            return world.fetch("/changing/resized/file.txt").body == wanted
        except CaseFailed as failure:
            if "ended inside a response" not in str(failure):
                raise
            return False

    for size in (10, 100_000, 1, 3_000_000, 0, 500):
        path.write_bytes(b"z" * size)
        eventually(lambda w=b"z" * size: served(w), f"{size} bytes are served", timeout=10)


@table.case("a file that vanishes is not found within a second")
def vanished(world):
    """And found again when it is back."""
    folder = own_folder(world, "vanished")
    path = folder / "file.txt"
    path.write_bytes(b"here\n")
    target = "/changing/vanished/file.txt"
    require(world.fetch(target).status == 200, "not there at first")
    path.unlink()
    eventually(lambda: world.fetch(target).status == 404, "it is not found", timeout=10)
    path.write_bytes(b"back\n")
    eventually(lambda: world.fetch(target).body == b"back\n", "it is found again", timeout=10)


@table.case("a file that nobody may read is not served")
def unreadable(world):
    """Root reads everything, so then it is only seen that nothing breaks."""
    folder = own_folder(world, "unreadable")
    path = folder / "file.txt"
    path.write_bytes(b"private\n")
    path.chmod(0)
    status = world.fetch("/changing/unreadable/file.txt").status
    require(status in (403, 404) or os.geteuid() == 0, f"status {status}")


@table.case("a directory that becomes a file, and a file that becomes a link out")
def changing_kind(world):
    """What was checked once must be checked again."""
    folder = own_folder(world, "kind")
    path = folder / "thing"
    path.mkdir()
    require(world.fetch("/changing/kind/thing").status == 301, "no redirect to a directory")
    path.rmdir()
    path.write_bytes(b"a file now\n")
    eventually(lambda: world.fetch("/changing/kind/thing").body == b"a file now\n",
               "the file is served", timeout=10)
    path.unlink()
    path.symlink_to("../../../outside/secret.txt")
    eventually(lambda: world.fetch("/changing/kind/thing").status in (403, 404),
               "the link is refused", timeout=10)


@table.case("the date of a file from the future is not after the answer's own")
def future(world):
    """RFC 9110 8.8.2.1: Last-Modified is never later than Date."""
    folder = own_folder(world, "future")
    path = folder / "file.txt"
    path.write_bytes(b"tomorrow\n")
    os.utime(path, (time.time() + 86400, time.time() + 86400))
    response = world.fetch("/changing/future/file.txt")
    modified = response.get("Last-Modified")
    require(modified is None
            or parse_http_date(modified) <= parse_http_date(response.get("Date")) + 1,
            f"Last-Modified {modified} is after Date {response.get('Date')}")
