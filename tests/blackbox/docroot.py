"""The document root every server serves: small files with known bytes, and the traps beside them."""

import gzip
import os
import random
from pathlib import Path

from table import PROBE_BODY

HELLO = b"Hello, quartet.\n"
DIGITS = b"0123456789" * 10
LARGE_SIZE = 5_000_000
OLD = 1_000_000_000  # Sun, 09 Sep 2001 01:46:40 GMT
OLD_DATE = "Sun, 09 Sep 2001 01:46:40 GMT"

PAGE = b"<!doctype html><title>page</title>" + b"<p>words, words, words</p>" * 200
BR_BYTES = b"\x8b\x02\x80not really brotli, only different\x03"  # the server must not look inside

FILES = {
    "hello.txt": HELLO,
    "probe.txt": PROBE_BODY,
    "smuggled.txt": b"SMUGGLED\n",
    "digits.txt": DIGITS,
    "empty.txt": b"",
    "index.html": b"<h1>root index</h1>\n",
    "page.html": PAGE,
    "style.css": b"body { color: black }\n",
    "script.js": b"let one = 1;\n",
    "data.json": b'{"one": 1}\n',
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "picture.jpg": b"\xff\xd8\xff" + bytes(64),
    "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "strange.xyzzy": b"no such type\n",
    "noextension": b"no extension\n",
    "with space.txt": b"with a space\n",
    "with+plus.txt": b"with a plus\n",
    "gr\u00fc\u00dfe.txt": "Gr\u00fc\u00dfe\n".encode(),
    "percent%41.txt": b"a literal percent sign\n",
    "UPPER.HTML": b"<p>upper</p>\n",
    "sub/index.html": b"<h1>sub index</h1>\n",
    "sub/a.txt": b"file a in sub\n",
    "sub/deep/b.txt": b"file b, deep\n",
    "noindex/x.txt": b"x\n",
    ".hidden": b"SECRET dotfile\n",
    ".git/config": b"SECRET git\n",
    "sub/.env": b"SECRET env\n",
}


def large_bytes():
    """Five megabytes that no two places have in common, the same on each run."""
    return random.Random(20021112).randbytes(LARGE_SIZE)


def build(parent):
    """Makes root/ and outside/ below parent and returns root."""
    root, outside = Path(parent) / "root", Path(parent) / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(b"SECRET outside the root\n")
    (outside / "dir").mkdir()
    (outside / "dir" / "secret.txt").write_bytes(b"SECRET outside the root\n")
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "large.bin").write_bytes(large_bytes())
    (root / "page.html.gz").write_bytes(gzip.compress(PAGE, mtime=0))
    (root / "page.html.br").write_bytes(BR_BYTES)
    (root / "style.css.gz").write_bytes(gzip.compress(FILES["style.css"], mtime=0))
    (root / "link-out.txt").symlink_to("../outside/secret.txt")
    (root / "link-out-absolute.txt").symlink_to(outside / "secret.txt")
    (root / "link-dir-out").symlink_to("../outside/dir")
    (root / "link-in.txt").symlink_to("sub/a.txt")
    (root / "link-dangling.txt").symlink_to("nowhere.txt")
    (root / "link-loop.txt").symlink_to("link-loop.txt")
    os.mkfifo(root / "fifo")
    (root / "changing").mkdir()
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (OLD, OLD))
    return root
