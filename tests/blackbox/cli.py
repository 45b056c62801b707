"""The command line: what is refused, in which words, with which exit code."""

import json
import os
import re
import socket
import subprocess
import tempfile

from docroot import HELLO
from harness import PATIENCE_S, STDERR_BUGS, CaseFailed, Server, scaled, shown
from servers import PRESETS
from table import Table, get, require

table = Table("cli", args=("own",))
case = table.case

STAGES = {"L": "listener", "R": "reader", "P": "processor", "W": "writer"}


def call(world, *args, prepare=None):
    """Runs the program to its end, `prepare` before it in the child; (exit code, stdout, stderr)."""
    try:
        done = subprocess.run([world.program, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=scaled(PATIENCE_S), check=False, preexec_fn=prepare)
    except subprocess.TimeoutExpired:
        raise CaseFailed(f"{args} does not end") from None
    errors = done.stderr.decode(errors="replace")
    require(not any(word in errors for word in STDERR_BUGS), f"stderr: {errors[-800:]}")
    return done.returncode, done.stdout.decode(errors="replace"), errors


def one_line(errors):
    """stderr is exactly one line."""
    require(errors.endswith("\n") and errors.count("\n") == 1 and len(errors) > 1,
            f"stderr is not one line: {shown(errors.encode())}")


def refused(name, args, *words):
    """A case: exit 2, and one line on stderr that holds these words (a stage by letter or name)."""
    def run(world):
        code, out, errors = call(world, *args)
        require(code == 2, f"exit code {code} instead of 2; stderr {shown(errors.encode())}")
        one_line(errors)
        for word in words:
            require(word in errors or STAGES.get(word, word) in errors,
                    f"{word!r} is not in {errors!r}")
        require(not out, f"stdout has {shown(out.encode())}")
    table.case(name)(run)


def accepted(name, args):
    """A case: --check finds nothing wrong."""
    def run(world):
        code, _, errors = call(world, "--check", "--root", str(world.root), *args)
        require(code == 0, f"exit code {code}; stderr {shown(errors.encode())}")
    table.case(name)(run)


for flag, value in (("--readers", "0"), ("--readers", "many"), ("--readers", "-1"),
                    ("--readers", "1.5"), ("--readers", ""), ("--readers", "257"),
                    ("--readers", "1x"), ("--readers", "99999999999999999999"),
                    ("--processors", "0"), ("--processors", "1025"), ("--writers", "x"),
                    ("--listeners", "0"), ("--batch", "0"), ("--batch", "5000"),
                    ("--accept-limit", "0"), ("--queue-size", "0"), ("--backlog", "65536"),
                    ("--max-connections", "0"), ("--max-connections", "x"),
                    ("--processes", "0"), ("--processes", "65"), ("--accept-mutex", "maybe"),
                    ("--max-connections-per-address", "-1"), ("--keepalive-requests", "-1"), ("--keepalive-timeout", "5"),
                    ("--keepalive-timeout", "5x"), ("--keepalive-timeout", "s"),
                    ("--keepalive-timeout", "-5s"), ("--keepalive-timeout", "25h"),
                    ("--header-timeout", "10"), ("--header-timeout", "1 s"),
                    ("--body-timeout", "1day"), ("--io-timeout", "99999999999999999999s"),
                    ("--drain-timeout", "two"), ("--linger-timeout", ""),
                    ("--max-header-size", "100"), ("--max-header-size", "2M"),
                    ("--max-header-size", "16Q"), ("--max-body-size", "-1"),
                    ("--max-body-size", "2G"), ("--max-body-size", "K"),
                    ("--output-highwater", "1K"), ("--output-highwater", "x"),
                    ("--unsent-limit", "0"), ("--unsent-limit", "2G"), ("--unsent-limit", "x"),
                    ("--model", "nonsense"), ("--model", ""), ("--wakeup", "sometimes"),
                    ("--wakeup", "spin:"), ("--wakeup", "spin:x"), ("--doorbell", "bell"),
                    ("--synthetic", "maybe"), ("--server-header", "yes"),
                    ("--log-level", "loud"), ("--trace-level", "all"), ("--listen", "nonsense"),
                    ("--listen", "127.0.0.1"), ("--listen", "127.0.0.1:"),
                    ("--listen", "127.0.0.1:65536"), ("--listen", "127.0.0.1:http"),
                    ("--listen", "256.0.0.1:80"), ("--listen", "[::1:80"), ("--listen", "unix:"),
                    ("--pin", "X=0"), ("--pin", "L"), ("--pin", "L=x"), ("--pin", "L=99999")):
    refused(f"{flag} {value!r} is refused by name", ["--check", flag, value], flag)
refused("an unknown flag is refused", ["--no-such-flag"], "--no-such-flag")
refused("an unknown flag with a value is refused", ["--no-such-flag=3"], "--no-such-flag")
refused("a flag without its value is refused", ["--readers"], "readers")
refused("a value for a flag without one is refused", ["--check=3"], "check")
refused("a stray word is refused", ["--check", "stray"], "stray")
refused("an unknown short flag is refused", ["-Z"], "Z")

for spec, why in (("L | R | P", "W"), ("R | P | W", "L"), ("L | P | W", "R"), ("L | R | W", "P"),
                  ("L | R | P*2 | P | W", "P"), ("L | L | R | P | W", "L"), ("LL | R | P | W", "L"),
                  ("L | RR | P | W", "R"), ("L | X | P | W", "X"), ("L | R | P | W | Q", "Q"),
                  ("L | | R | P | W", ""), ("L | R | P | W |", ""), ("| L | R | P | W", ""),
                  ("", ""), (" ", ""), ("|", ""), ("L | R*0 | P | W", "0"),
                  ("L | R | P*0 | W", "0"), ("L | R | P* | W", ""), ("L | R | P*x | W", ""),
                  ("L | R | P*-1 | W", ""), ("L | R | P*99999999999 | W", ""),
                  ("L | R | *2 | W", ""), ("L | R | 2*P | W", ""), ("W | P | R | L", ""),
                  ("L | P | R | W", ""), ("R | L | P | W", ""), ("L | R | W | P", ""),
                  ("L | Rp | W", ""), ("Lr | P | W", ""),
                  ("L R P W", ""), ("L , R , P , W", ""), ("L || R | P | W", ""),
                  ("L | R | P*2*2 | W", ""), ("LRPW | LRPW", ""), ("L|R|P|W|", ""),
                  ("L | R | P*2 W", "")):
    refused(f"the wiring {spec!r} is refused", ["--check", "--wiring", spec], "wiring", why)
del spec, why, flag, value

# What is wrong with a wiring: the column where it stands, and the words for it.
for spec, column, why in (
        ("L | R | P", 10, "no group runs W, the writer"),
        ("L | R | W", 10, "no group runs P, the processor"),
        ("L | P | W", 10, "no group runs R, the reader"),
        ("R | P | W", 10, "no group runs L, the listener"),
        ("L | R | PX | W", 10, "'X' is no stage, the stages are L, K, R, P and W"),
        ("L | R | P | P | W", 13, "P, the processor, stands a second time"),
        ("LL | R | P | W", 2, "L stands twice in its group"),
        ("LRPW | LRPW", 8, "L, the listener, stands a second time"),
        ("L | PR | W", 6, "R stands behind a later stage of its group"),
        ("L | R | WP", 10, "P stands behind a later stage of its group"),
        ("L | k | RPW", 5, "k has no meaning: a poller never blocks for one connection"),
        ("L | Rp | W", 11, "no group runs P, the processor"),
        ("Lr | P | W", 2, "'r' does not fit: beside capital letters p and w may be small, beside small letters none is "
         "capital"),
        ("lrpw@2", 1, "'@' is for capital letters with P and another stage"),
        ("L | R | P@2 | W", 9, "'@' is for capital letters with P and another stage"),
        ("L | R | P*0 | W", 11, "a count is 'n' or a number from 1 to 1024"),
        ("L | R | P*1025 | W", 11, "a count is 'n' or a number from 1 to 1024"),
        ("L | R | P* | W", 11, "a count is 'n' or a number from 1 to 1024"),
        ("L | R | P*x | W", 11, "a count is 'n' or a number from 1 to 1024"),
        ("L | R | P*-1 | W", 11, "a count is 'n' or a number from 1 to 1024"),
        ("  ", 3, "group 1 has no stage"),
        ("| LRPW", 1, "group 1 has no stage"),
        ("L | | R | P | W", 5, "group 2 has no stage"),
        ("L | R | *2 | W", 9, "group 3 has no stage"),
        ("L | R | P | W |", 16, "group 5 has no stage"),
        ("W | P | R | L", 1, "group 1, W, comes too early: a connection travels L, R, P, W"),
        ("R | L | P | W", 1, "group 1, R, comes too early: a connection travels L, R, P, W"),
        ("L | R | W | P", 13, "group 4, P, comes too late: a connection travels L, R, P, W"),
        ("RW | LP", 1, "group 1, RW, comes too early: a connection travels L, R, P, W"),
        ("L R P W", 3, "'R' is not expected here: groups are joined by '|'"),
        ("L, R, P, W", 2, "',' is not expected here: groups are joined by '|'"),
        ("L | R | P*2*2 | W", 12, "'*' is not expected here: groups are joined by '|'"),
        ("L | R | P*2n | W", 12, "'n' is not expected here: groups are joined by '|'"),
        ("L | R\x1b | P | W", 6, "'?' is not expected here: groups are joined by '|'")):
    refused(f"the wiring {spec!r} is refused with where and why", ["--check", "--wiring", spec],
            f"wiring '{spec}', column {column}: {why}")
del spec, column, why

for good in ("L | RP*2 | W", "LR*2 | PW*3", "LRPW*2", "LRW | P*4", "L|R|P|W", "L | R | P*8 | W",
             "LR | P*2 | W", "  L|R  |P *2| W ", "L | R*2 | P*4 | W*2", "LRP | W", "L | RPW*2",
             "LRPW", "L | R | PW*4", "L | R | P*n | W", "L | rpw*4", "L | K | RPW", "lrpw*2",
             "LKW | rpw*3", "LRPW@4", "L | rpw | K", "L | r*8 | P*2 | w*8"):
    accepted(f"the wiring {good!r} is accepted", ["--wiring", good])
for model in PRESETS:
    accepted(f"the model {model} is accepted", ["--model", model])
for args in (["--readers", "2", "--processors", "3", "--writers", "2"],
             ["--model", "loops", "--readers", "3"], ["--model", "half-sync", "--processors", "7"],
             ["--keepalive-timeout", "250ms"], ["--keepalive-timeout=10s"], ["-m", "loops"],
             ["-mloops"], ["-l", "127.0.0.1:0"], ["--listen", "[::1]:0"],
             ["--listen", "unix:/nowhere/socket"], ["--wakeup", "always"],
             ["--wakeup", "spin:20"], ["--doorbell", "pipe"], ["--doorbell", "condvar"],
             ["--max-body-size", "0"], ["--max-body-size", "1G"], ["--max-header-size", "4096"],
             ["--drain-timeout", "0s"], ["--pin", "L=0"], ["--pin", "L=0,R=0,P=0,W=0"],
             ["--max-connections", "1"], ["--synthetic", "off"], ["--keepalive-requests", "0"]):
    accepted(" ".join(args) + " is accepted", args)
del good, model, args

for args, why in (
        (["--wiring", "L | R*2 | P | W", "--readers", "3"],
         "--readers 3 contradicts the 2 threads of group 2, R"),
        (["--wiring", "L | R | P*2 | W", "--processors", "9"],
         "--processors 9 contradicts the 2 threads of group 3, P"),
        (["--wiring", "L | RPW*2", "--writers", "1"],
         "--writers 1 contradicts the 2 threads of group 2, RPW"),
        (["--model", "loops", "--readers", "2", "--writers", "3"],
         "--writers 3 contradicts the 2 threads of group 1, LRPW"),
        (["--model", "staged-nolistener", "--listeners", "2", "--readers", "4"],
         "--readers 4 contradicts the 2 threads of group 1, LR")):
    refused(f"{' '.join(args)} is refused with the group and its count", ["--check", *args], why)
del args, why
refused("--readers that contradicts the wiring's count is refused",
        ["--check", "--wiring", "L | R*2 | P | W", "--readers", "3"], "--readers")
refused("--processors that contradicts the wiring's count is refused",
        ["--check", "--wiring", "L | R | P*2 | W", "--processors", "3"], "--processors")
refused("--readers and --writers that contradict each other in one group are refused",
        ["--check", "--model", "loops", "--readers", "2", "--writers", "3"], "--")
refused("--model beside a --wiring is refused or one of both is named",
        ["--check", "--model", "loops", "--wiring", "L | R | P", "--readers", "2"], "wiring")


@case("--check says nothing on stderr and exits 0")
def check(world):
    """With defaults and a root that is there."""
    code, _, errors = call(world, "--check", "--root", str(world.root))
    require(code == 0 and not errors, f"exit code {code}, stderr {errors!r}")


@case("threads are counted from the CPUs that the server may use")
def counts_from_mask(world):
    """A loop for each, four threads of a pool for each; not from all that the machine has."""
    allowed = sorted(os.sched_getaffinity(0))
    for cpus in (allowed[:1], allowed):
        count = len(cpus)
        for model, wiring in (("loops", f"LRPW*{count}"), ("staged", f"L | R | P*{4 * count} | W")):
            code, out, errors = call(world, "--print-config", "--model", model,
                                     prepare=lambda cpus=cpus: os.sched_setaffinity(0, cpus))
            require(code == 0, f"exit code {code}; stderr {shown(errors.encode())}")
            said = json.loads(out)["wiring"]
            require(said == wiring, f"{model} on CPUs {cpus}: {said!r} instead of {wiring!r}")


@case("--print-config prints JSON that holds what was set")
def print_config(world):
    """One object, also with odd characters in a value."""
    code, out, _ = call(world, "--print-config", "--root", str(world.root), "--model", "loops",
                        "--keepalive-timeout", "250ms", "--access-log", '/tmp/a "quoted" \\ name')
    require(code == 0, f"exit code {code}")
    config = json.loads(out)
    require(isinstance(config, dict), "not an object")
    text = json.dumps(config)
    for wanted in ("loops", str(world.root)):
        require(wanted in text, f"{wanted!r} is not in it")


@case("--list-models names each model with its wiring")
def list_models(world):
    """The default is among them."""
    code, out, _ = call(world, "--list-models")
    require(code == 0, f"exit code {code}")
    for name in ("staged", "staged-nolistener", "loops", "half-sync"):
        require(re.search(rf"^\W*{name}\b", out, re.M), f"{name} is not listed")
    require(re.search(r"L\s*\|\s*R\s*\|\s*P", out), "no wiring is shown")


@case("--help names every flag and exits 0")
def help_text(world):
    """On stdout, with the flags of the options table."""
    code, out, errors = call(world, "--help")
    require(code == 0 and not errors, f"exit code {code}, stderr {errors!r}")
    for flag in ("--listen", "--root", "--model", "--wiring", "--keepalive-timeout",
                 "--max-body-size", "--drain-timeout", "--access-log", "--config"):
        require(flag in out, f"{flag} is missing")
    code, short, _ = call(world, "-h")
    require(code == 0 and short == out, "-h says something else")


@case("--version is one line with the name, a number, what is compiled in, and the libraries")
def version(world):
    """On stdout."""
    code, out, _ = call(world, "--version")
    require(code == 0, f"exit code {code}")
    line = (r"quartet \d+\.\d+(\.\d+)? \((no )?trace points(, [A-Za-z ]+)*; "
            r"libuv 1\.\d+\.\d+, http-parser 2\.\d+\.\d+\)\n")
    require(re.fullmatch(line, out), f"printed {out!r}")


@case("a port in use ends it with exit 1 and one line")
def port_in_use(world):
    """The line names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, errors = call(world, "--root", str(world.root), "--listen", f"127.0.0.1:{port}")
    require(code == 1, f"exit code {code}")
    one_line(errors)
    require(str(port) in errors, f"{errors!r} does not name the port")
    require("listening" not in out, "it says that it listens")


@case("a root that is not there ends it with exit 1 and one line")
def no_root(world):
    """So does a file in its place."""
    for root in ("/no/such/root", str(world.root / "hello.txt")):
        code, _, errors = call(world, "--root", root, "--listen", "127.0.0.1:0")
        require(code == 1, f"{root}: exit code {code}")
        one_line(errors)
        require(root in errors, f"{errors!r} does not name it")


@case("a log or socket that cannot be made ends it with exit 1 and one line")
def no_log(world):
    """In a folder that is not there."""
    for flag, value in (("--access-log", "/no/such/folder/log"), ("--trace", "/no/such/folder/t"),
                        ("--listen", "unix:/no/such/folder/socket")):
        code, _, errors = call(world, "--root", str(world.root), "--listen", "127.0.0.1:0", flag,
                               value)
        require(code == 1, f"{flag}: exit code {code}")
        one_line(errors)
        require("/no/such/folder" in errors, f"{errors!r} does not name it")


def with_config(world, text, *args):
    """Runs with this configuration file; (exit code, stdout, stderr, its path)."""
    with tempfile.TemporaryDirectory(prefix="quartet-config-") as folder:
        path = os.path.join(folder, "quartet.conf")
        with open(path, "wb") as file:
            file.write(text)
        return *call(world, "--config", path, *args), path


@case("a mistake in a configuration file is named with file and line")
def config_errors(world):
    """An unknown name, a bad value, a missing value."""
    for text, line in ((b"# comment\n\nreaders many\n", 3), (b"no-such-option 1\n", 1),
                       (b"model staged\nreaders\n", 2), (b"\n\n\n\nkeepalive-timeout 5\n", 5),
                       (b"readers = 0\n", 1)):
        code, _, errors, path = with_config(world, text, "--check")
        require(code == 2, f"{text}: exit code {code}")
        one_line(errors)
        require(f"{path}:{line}" in errors, f"{errors!r} does not name {os.path.basename(path)}:{line}")


@case("a configuration file is read, and the command line wins")
def config_wins(world):
    """Both spellings, comments, white space, no newline at the end."""
    text = b"# a comment\n\nmodel loops\nmax-body-size = 77K\n  batch 7"
    code, out, errors, _ = with_config(world, text, "--print-config", "--batch", "9")
    require(code == 0, f"exit code {code}, {errors!r}")
    config = json.dumps(json.loads(out))
    require("loops" in config, "the model is not taken over")
    require(re.search(r'"batch": "?9\b', config), "the command line does not win")
    require(re.search(r"77K|78848", config), "max-body-size is not taken over")


@case("a configuration file that is not there ends it with one line")
def no_config(world):
    """Exit 1 or 2."""
    code, _, errors = call(world, "--config", "/no/such/file", "--check")
    require(code in (1, 2), f"exit code {code}")
    one_line(errors)
    require("/no/such/file" in errors, f"{errors!r} does not name it")


@case("a configuration file of rubbish is refused, never crashed on")
def config_rubbish(world):
    """Bytes of all kinds."""
    for text in (bytes(range(256)), b"\0" * 100, b"=" * 1000, b"x" * 100000, b"readers = = 2\n",
                 b"listen " + b"a" * 5000 + b"\n"):
        code, _, errors, _ = with_config(world, text, "--check")
        require(code == 2, f"{text[:20]!r}: exit code {code}")
        one_line(errors)


@case("a server started from a configuration file serves")
def config_serves(world):
    """The root comes from the file."""
    with tempfile.TemporaryDirectory(prefix="quartet-config-") as folder:
        path = os.path.join(folder, "quartet.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"root {world.root}\nkeepalive-timeout 9s\n")
        with Server(world.program, ["--config", path, *world.base_args]) as server:
            with server.client() as client:
                require(client.ask(get("/hello.txt")).body == HELLO, "another answer")
