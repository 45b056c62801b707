#!/usr/bin/env python3
"""The same strange requests to our parser, llhttp, nginx, Apache and h2o.

    run.py --server build/dev/quartet                          600 requests of seed 1
    run.py --server build/dev/quartet --cases 100000 --seed 7
    run.py --server build/dev/quartet --show 'b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"'

Each request is followed on its connection by two requests for a marker. The answers, a letter each, show how a server
framed it: M the marker, R another answer, X a refusal; then the end. We fail when we accept what all others refuse, or
frame it as none of those that accept it does. A server that closes behind its answer has framed nothing. Peers that are
missing are named; without any this is skipped (77). Last line: `N requests, N failures`.
"""

import argparse
import ast
import os
import random
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1] / "blackbox"))

# pylint: disable=wrong-import-position
from harness import Server
from grammar import LAST, MARKER, request

FILES = {"marker.txt": b"MARKER\n", "inner.txt": b"inner\n", "file.txt": b"file\n", "index.html": b"index\n"}
# What says that the request is not understood, or not by its framing; 404, 405 and the like are about a request that is.
REFUSALS = {400, 408, 411, 413, 414, 417, 431, 501, 505}
# A server that says nothing for so long waits for more. Then it gets the end of the client's side, and so ends.
QUIET_S = 0.3
END_S = 10
# A server that gets no CPU may be cut off by that. What fails is asked again, with so much more patience.
PATIENCE = 20
BATCH = 500
# Debian 12 has the sources of llhttp, in node-llhttp; from 13 on the library, in libllhttp-dev.
LLHTTP_SOURCES = Path("/usr/share/llhttp")
LLHTTP_HEADER = Path("/usr/include/llhttp.h")

# Their limits are as wide as ours, since a request that is refused for its length says nothing about framing.
CONFIGS = {
    "nginx": """daemon off; pid {work}/nginx.pid; error_log stderr crit; worker_processes 1; user root;
events {{ }} http {{ access_log off; client_body_temp_path {work}/body; keepalive_requests 1000000; keepalive_timeout 5;
large_client_header_buffers 4 16k;
fastcgi_temp_path {work}/f; proxy_temp_path {work}/p; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
server {{ listen 127.0.0.1:{port}; root {root}; }} }}
""",
    "apache": """ServerRoot {work}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {work}/apache.pid
Mutex posixsem
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ErrorLog /dev/null
DocumentRoot {root}
KeepAlive On
MaxKeepAliveRequests 0
LimitRequestLine 16384
LimitRequestFieldSize 16384
""",
    "h2o": """listen:
  host: 127.0.0.1
  port: {port}
num-threads: 1
user: root
hosts:
  default:
    paths:
      /:
        file.dir: {root}
"""}
COMMANDS = {"nginx": ["nginx", "-p", "{work}", "-c", "{conf}", "-e", "stderr"],
            "apache": ["apache2", "-f", "{conf}", "-DFOREGROUND"],
            "h2o": ["h2o", "-c", "{conf}"]}


class Peer:
    """Another server, on a port of its own. Ends with its process group."""

    def __init__(self, name, root, folder):
        work = Path(folder) / name
        work.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = ("127.0.0.1", port)
        facts = {"work": work, "root": root, "port": port, "conf": work / "conf"}
        (work / "conf").write_text(CONFIGS[name].format(**facts), "utf-8")
        self.process = subprocess.Popen([part.format(**facts) for part in COMMANDS[name]], start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(self.address).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not start") from None
                time.sleep(0.02)

    def end(self):
        """And its children."""
        self.process.terminate()
        self.process.wait()


def converse(address, data, patience=1):
    """What comes back, until the end."""
    out, deadline, shut = bytearray(), time.monotonic() + patience * END_S, False
    with socket.create_connection(address) as sock:
        try:
            sock.sendall(data)
        except ConnectionError:
            pass
        while time.monotonic() < deadline:
            if not select.select([sock], [], [], patience * (QUIET_S if not shut else 1))[0]:
                if not shut:
                    try:
                        sock.shutdown(socket.SHUT_WR)
                    except OSError:
                        break
                shut = True
                continue
            try:
                got = sock.recv(65536)
            except ConnectionError:
                break
            if not got:
                break
            out += got
    return bytes(out)


def next_answer(data):
    """(letter, what follows) of the first answer; None when there is none."""
    head, end, rest = data.partition(b"\r\n\r\n")
    match = re.match(rb"HTTP/1\.[01] (\d\d\d)", head)
    if not end or not match:
        return None
    status = int(match[1])
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    if status < 200 or status in (204, 304):
        body = b""
    elif re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
        body = rest[:rest.find(b"0\r\n\r\n") + 5]
        rest = rest[len(body):]
    else:
        size = int(length[1]) if length else len(rest)
        body, rest = rest[:size], rest[size:]
    if status < 200:
        return "", rest
    letter = "X" if status in REFUSALS else "M" if body == FILES["marker.txt"] else "R"
    return letter, rest


def letters(data):
    """The answers, up to the first marker or refusal: what follows says no more about the request."""
    out = ""
    while data and not out.endswith(("M", "X")):
        found = next_answer(data)
        if found is None:
            return out + ("9" if not out else "")  # an answer without a head, as of HTTP/0.9
        out += found[0]
        data = found[1]
    return out


def frames_of_llhttp(program, cases):
    """The letters of each case."""
    data = b"".join(struct.pack("=I", len(case)) + case for case in cases)
    lines = subprocess.run([program], input=data, capture_output=True, check=True).stdout.decode().split("\n")
    return [re.sub(r"([MX]).*", r"\1", line).rstrip("W") for line in lines[:len(cases)]]


def accepts(frame):
    """Was the request taken for one?"""
    return frame.startswith("R")


def judge(ours, others):
    """What is wrong with our letters, or None."""
    if not accepts(ours):
        return "we answer it as the marker" if ours == "M" and "M" not in others.values() else None
    friends = {frame for frame in others.values() if accepts(frame)}
    if not friends:
        return "we accept what all others refuse"
    # R alone: closed behind the answer, or the rest is not whole: what followed was not looked at.
    known = friends - {"R"}
    if ours != "R" and known and ours not in known:
        return "we frame it as none of those that accept it"
    return None


def judged(of):
    """The same of the letters of all."""
    return judge(of["quartet"], {name: frame for name, frame in of.items() if name != "quartet"})


def is_strict_between(of, asker, case):
    """We refuse a bare LF in front of the next request, which others skip: without that byte nothing is wrong."""
    if not re.fullmatch("R+X", of["quartet"]):
        return False
    for less in (re.sub(rb"\n\Z", b"", case), re.sub(rb"(\r\n\r\n)\n", rb"\1", case)):
        again = {name: found[0] for name, found in asker.ask([less]).items()}
        if less != case and judge(again.pop("quartet"), again) is None:
            return True
    return False


def build_llhttp(folder):
    """The program that frames by llhttp, or None."""
    if LLHTTP_HEADER.is_file():
        llhttp = ["-lllhttp"]
    elif LLHTTP_SOURCES.is_dir():
        llhttp = ["-I/usr/share/include/llhttp", *LLHTTP_SOURCES.glob("*.c")]
    else:
        return None
    if not shutil.which("cc"):
        return None
    program = Path(folder) / "frame_llhttp"
    subprocess.run(["cc", "-O1", "-o", program, Path(__file__).parent / "frame_llhttp.c", *llhttp], check=True)
    return program


class Asker:
    """All servers and llhttp, to be asked the same."""

    def __init__(self, options, folder):
        root = Path(folder) / "root"
        root.mkdir()
        os.chmod(folder, 0o755)
        for name, content in FILES.items():
            (root / name).write_bytes(content)
        self.peers = {name: Peer(name, root, folder) for name in CONFIGS if shutil.which(COMMANDS[name][0])}
        self.llhttp = build_llhttp(folder)
        self.server = Server(options.server, ["--root", str(root), "--synthetic", "on"])
        missing = [name for name in CONFIGS if name not in self.peers] + ([] if self.llhttp else ["llhttp"])
        if missing:
            print("missing:", ", ".join(missing))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for peer in self.peers.values():
            peer.end()
        for problem in self.server.stop():
            raise SystemExit(f"FAILED: {problem}")

    def ask(self, cases, patience=1):
        """{name: the letters of each case}, ours first."""
        wire = [case + MARKER + LAST for case in cases]
        addresses = {"quartet": self.server.address, **{name: peer.address for name, peer in self.peers.items()}}
        with ThreadPoolExecutor(24) as pool:
            jobs = {name: [pool.submit(converse, address, data, patience) for data in wire]
                    for name, address in addresses.items()}
            frames = {name: [letters(job.result()) for job in found] for name, found in jobs.items()}
        if self.llhttp:
            frames["llhttp"] = frames_of_llhttp(self.llhttp, wire)
        return frames


class Verdicts:
    """What all said, counted."""

    def __init__(self):
        self.failures = self.strict = self.disagreements = 0
        self.accepted = {}

    def add(self, asker, case, of, show):
        """One case."""
        for name, frame in of.items():
            self.accepted[name] = self.accepted.get(name, 0) + accepts(frame)
        self.disagreements += len({frame for frame in of.values() if accepts(frame)} - {"R"}) > 1
        wrong = judged(of)
        if wrong:
            of = {name: found[0] for name, found in asker.ask([case], PATIENCE).items()}
            wrong = judged(of)
        if wrong and is_strict_between(of, asker, case):
            self.strict += 1
        elif wrong:
            self.failures += 1
            print(f"FAILED: {wrong}: {case[:400]!r}: {of}")
        if show:
            print(of)


def main():
    """Exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--show", help="the letters of all for this request, a Python literal")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    cases = [ast.literal_eval(options.show)] if options.show else [request(draw) for _ in range(options.cases)]
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(prefix="quartet-differential-") as folder, Asker(options, folder) as asker:
        for at in range(0, len(cases), BATCH):
            batch = cases[at:at + BATCH]
            frames = asker.ask(batch)
            if len(frames) == 1:
                print("skipped: no other server or parser")
                return 77
            for i, case in enumerate(batch):
                verdicts.add(asker, case, {name: found[i] for name, found in frames.items()}, options.show)
    print("accepted:", ", ".join(f"{name} {count}" for name, count in verdicts.accepted.items()))
    print(f"{verdicts.disagreements} framed in several ways by those that accept them; {verdicts.strict} where we refuse "
          "a bare LF in front of the next request")
    print(f"{len(cases)} requests, {verdicts.failures} failures")
    return 1 if verdicts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
