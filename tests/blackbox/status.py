"""What a running server reports: the Server-Timing field, /server-status, /metrics.

Each case starts a server of its own, so that its figures are those of the case's requests alone.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from decimal import Decimal

from docroot import HELLO as HELLO_BODY
from harness import PATIENCE_S, eventually, scaled
from load import check_trace
from servers import hammer
from servers import start_patient as start
from table import PRESENT, Answer, Table, get, head, post, require

table = Table("status", args=("own",))
case = table.case


HELLO = get("/hello.txt")
STREAM = get("/synthetic/stream?chunks=3&size=10&ms=3")

# --- Server-Timing -----------------------------------------------------------------------------

METRIC = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+);dur=(\d+(?:\.\d{1,6})?)\Z")
MICROSECOND_NS, MILLISECOND_NS = 1000, 1000000


def timing(value):
    """{name: nanoseconds} of a Server-Timing value."""
    found = {}
    for part in value.split(", "):
        match = METRIC.match(part)
        require(match, f"bad Server-Timing member {part!r}")
        found[match.group(1)] = int(Decimal(match.group(2)) * MILLISECOND_NS)
    return found


def logged(path, requests):
    """{name: nanoseconds} of the line that an access log has for each of these, when it has them all. Each thread
    writes its own lines, so they may come in any order."""
    def lines():
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines()
        return text if len(text) >= len(requests) else None

    found = eventually(lines, f"the access log has {len(requests)} lines")
    return [{name: int(Decimal(value) * MICROSECOND_NS)
             for name, value in re.findall(r" ([a-z.]+)=(\d+(?:\.\d+)?)(?= )", line)}
            for request in requests for line in found if f'"{request} HTTP/1.1"' in line]


@case("Server-Timing says what the access log says")
def timing_is_the_logs(world):
    """In the head what is over by then, in a trailer how long the handler took."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        with start(world, "--server-timing", "--access-log", path) as server, \
                server.client() as client:
            answers = [client.ask(HELLO), client.ask(head("/hello.txt"), "HEAD"),
                       client.ask(STREAM), client.ask(get("/nothing-there"))]
            lines = logged(path, ("GET /hello.txt", "HEAD /hello.txt", "GET /synthetic/stream?chunks=3&size=10&ms=3",
                                  "GET /nothing-there"))
    for nth, (response, line) in enumerate(zip(answers, lines)):
        said = timing(response.get("Server-Timing") or "")
        names = ["accept"] * (nth == 0) + ["socket"] * ("socket.wait" in line) + ["read", "process-wait"]
        require(list(said) == names, f"answer {nth} has {list(said)} instead of {names}")
        require(said.get("socket") == line.get("socket.wait"),
                f"socket is {said.get('socket')}, in the log {line.get('socket.wait')}")
        require(said["read"] == line["read"], f"read is {said['read']}, in the log {line['read']}")
        require(said["process-wait"] == line["process.wait"],
                f"process-wait is {said['process-wait']}, in the log {line['process.wait']}")
    require([name for name, _ in answers[2].trailers] == ["Server-Timing"], "no trailer")
    took = timing(answers[2].trailers[0][1])
    require(list(took) == ["process"], f"the trailer has {list(took)}")
    require(2 * 3 * MILLISECOND_NS <= took["process"] <= lines[2]["process"],
            f"process is {took['process']}, in the log {lines[2]['process']}")


@case("Server-Timing is not there when it is not asked for, or nothing is measured")
def timing_is_off(world):
    """--trace-level off takes no stamps, so there is nothing to report."""
    for flags in ((), ("--server-timing", "--trace-level", "off")):
        with start(world, *flags) as server, server.client() as client:
            for request in (HELLO, STREAM):
                response = client.ask(request)
                require(response.get("Server-Timing") is None, f"{flags}: Server-Timing")
                require(response.get("Trailer") is None, f"{flags}: Trailer")


@case("a client of HTTP/1.0 gets Server-Timing in the head alone")
def timing_before_trailers(world):
    """Its streams end with the connection."""
    with start(world, "--server-timing") as server, server.client() as client:
        response = client.ask(get("/synthetic/stream?chunks=2&size=5&ms=0", version="HTTP/1.0"))
        require(response.framing == "close" and len(response.body) == 10, "not 10 bytes to the end")
        require("read" in timing(response.get("Server-Timing")), "no Server-Timing")
        require(response.get("Trailer") is None, "a Trailer")


# --- /server-status ----------------------------------------------------------------------------

# Requests that count, and what is to be counted of them.
ASKED = ((HELLO, "GET", 200), (head("/hello.txt"), "HEAD", 200), (get("/nothing-there"), "GET", 404),
         (post("/synthetic/echo", b"echo"), "GET", 200), (STREAM, "GET", 200),
         (get("/synthetic/async?ms=1"), "GET", 200),
         (get("/synthetic/forward?to=/hello.txt"), "GET", 200))
WATCHED = (get("/server-status"), get("/server-status?auto"), get("/server-status?json"),
           get("/metrics"), get("/server-status?no-such-thing"))
PARTS = ("read", "process.wait", "process", "write.wait", "write")


def ask_all(client):
    """Asks all that counts, once."""
    for request, method, status in ASKED:
        client.send(request)
        got = client.read_response(method).status
        require(got == status, f"status {got} instead of {status}")


def status_of(client):
    """/server-status?json, read."""
    response = client.ask(get("/server-status?json"))
    Answer(200, fields={"Content-Type": "application/json", "Cache-Control": "no-store"},
           framing="length").compare(response)
    return json.loads(response.body)


def settled(client, count):
    """/server-status?json when so many requests are through: a client has its answer a moment
    before the server has counted it."""
    def look():
        found = status_of(client)
        return found if found["report"]["counters"]["REQUESTS"] >= count else None

    return eventually(look, f"{count} requests are counted")


def check_counts(report, count):
    """Each figure that counts requests says so many, and all are through."""
    flow = report["flow"]
    require(flow == {"begun": count, "whole": count, "started": count, "handed": count,
                     "ended": count, "abandoned": 0}, f"flow is {flow} for {count} requests")
    require(sum(report["statuses"].values()) == count, f"statuses are {report['statuses']}")
    for name in (*PARTS, "total", "ttfb"):
        found = report["intervals_ns"][name]
        require(found["count"] == count, f"{name} has {found['count']} of {count}")
        require(sum(n for _, n in found["buckets"]) == count, f"{name} has other buckets")
    sums = {name: report["intervals_ns"][name]["sum"] for name in (*PARTS, "total")}
    require(sum(sums[name] for name in PARTS) == sums["total"], f"the parts do not add up: {sums}")


@case("/server-status?json is valid, and counts what was asked")
def json_counts(world):
    """On one connection, and then on more."""
    with start(world) as server, server.client() as watcher:
        for rounds in range(1, 4):
            with server.client() as client:
                ask_all(client)
            found = settled(watcher, rounds * len(ASKED))
            check_counts(found["report"], rounds * len(ASKED))
        require(found["server"]["pid"] == server.pid, f"pid {found['server']['pid']}")
        require(found["server"]["phase"] == "running", f"phase {found['server']['phase']}")
        require(0 < found["server"]["uptime_ns"] <= found["server"]["now_ns"], "no time")
        require(found["report"]["statuses"]["4xx"] == 3, f"{found['report']['statuses']}")
        require(len(found["report"]["groups"]) > 0 and found["config"]["wiring"], "no wiring")
        named = ", ".join(f"{name} {number}" for name, number in found["build"]["libraries"].items())
        said = subprocess.run([world.program, "--version"], capture_output=True, text=True, check=True).stdout
        require(f"; {named})" in said, f"--version says {said!r}, the build {named!r}")
        threads = sum(0 if group["in_turn"] else group["threads"]
                      for group in found["report"]["groups"])
        there = len(found["report"]["threads"]) + found["report"]["threads_unused"]
        require(0 < there <= threads, f"{there} threads of {threads}")


@case("/server-status?json has the rounds of each poll loop and their events")
def json_rounds(world):
    """None where nothing is measured. A loop that runs in turn has its rounds, too."""
    with start(world) as server, server.client() as watcher:
        with server.client() as client:
            ask_all(client)
        report = settled(watcher, len(ASKED))["report"]
        kinds = [group["kind"] for group in report["groups"]]
        require(all(kinds[loop["group"]] == "loop" for loop in report["loops"]), f"{kinds}")
        require({loop["group"] for loop in report["loops"]} ==
                {i for i, kind in enumerate(kinds) if kind == "loop"}, "a loop is missing")
        for loop in report["loops"]:
            rounds, events = loop["round_ns"], loop["events"]
            # The thread counts both one after the other, and the report may come in between.
            require(abs(rounds["count"] - events["count"]) <= 1, f"{loop['name']}: {rounds['count']} rounds")
            require(rounds["sum"] <= report["wall_ns"], f"{loop['name']} is longer than the run")
        if "loop" in kinds:
            require(sum(loop["events"]["sum"] for loop in report["loops"]) > 0, "no events")
    with start(world, "--trace-level", "off") as server, server.client() as watcher:
        require(status_of(watcher)["report"]["loops"] == [], "rounds that are not measured")
        answer = watcher.ask(get("/server-status?json&seconds=1"))
        window = json.loads(answer.body)["windows"][0]["report"]
        require(window["intervals_ns"] == {}, "times that are not measured")


def grown(now, before):
    """What has been added to a histogram, as [highest value, count] pairs."""
    old = dict(map(tuple, before["buckets"]))
    return [[high, n - old.get(high, 0)] for high, n in now["buckets"] if n > old.get(high, 0)]


def check_window(window, now, before):
    """The report of a window is the difference of two that were asked for."""
    require(window["wall_ns"] == now["wall_ns"] - before["wall_ns"], f"{window['wall_ns']} ns")
    for key in ("counters", "close_reasons", "statuses"):
        wanted = {name: n - before[key][name] for name, n in now[key].items()}
        require(window[key] == wanted, f"{key} of the window are {window[key]}")
    for name, found in window["intervals_ns"].items():
        wanted = grown(now["intervals_ns"][name], before["intervals_ns"][name])
        require(found["buckets"] == wanted, f"{name} has {found['buckets']}, not {wanted}")
    old = {thread["name"]: thread for thread in before["threads"]}
    for found, thread in zip(window["threads"], now["threads"]):
        # A thread that had no CPU may have been called awake, and have gone to sleep before that: no window is negative.
        since = {key: max(0, thread[key] - old.get(thread["name"], {}).get(key, 0))
                 for key in ("wall_ns", "awake_ns", "cpu_ns", "runqueue_ns")}
        busy = min(since["wall_ns"], max(since["awake_ns"], since["cpu_ns"] + since["runqueue_ns"]))
        require(found == {**found, **since, "busy_ns": busy}, f"{found} is not {since}, {busy}")


@case("/server-status?json&seconds= has what happened in each window, and a verdict of it")
def json_windows(world):
    """The first answer is remembered, and the window begins with it."""
    with start(world) as server, server.client() as watcher:
        def ask(seconds):
            return json.loads(watcher.ask(get(f"/server-status?json&seconds={seconds}")).body)

        with server.client() as client:
            ask_all(client)
        settled(watcher, len(ASKED))  # the youngest that is remembered, or one just before it
        time.sleep(1.2)  # the window itself, not a wait for anything
        before = ask("1")
        with server.client() as client:
            ask_all(client)
        time.sleep(1.2)
        now = ask("1,0,300")
        require([one["seconds"] for one in now["windows"]] == [1, 0, 300], "other windows")
        last, whole, _ = now["windows"]
        check_window(last["report"], now["report"], before["report"])
        require(whole["report"]["counters"] == now["report"]["counters"], "since the start")
        require(last["report"]["counters"]["REQUESTS"] == len(ASKED), "requests of the window")
        for one in (last, whole):
            require(one["verdict"]["since_ns"] == one["report"]["wall_ns"], f"{one['verdict']}")
        require(now["verdict"] == last["verdict"], f"{now['verdict']} is not {last['verdict']}")
        for wrong in ("", "x", "-1", "301", "1,2,3,4,5", "1;2"):
            answer = watcher.ask(get(f"/server-status?json&seconds={wrong}"))
            require(answer.status == 400 and b"0 to 300" in answer.body, f"{wrong!r}: {answer.status}")


@case("who watches is not counted, and leaves no record")
def watching_is_uncounted(world):
    """Among requests that are, in a pipeline with them, and forwarded to."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path) as server, server.client() as client:
            ask_all(client)
            for _ in range(10):
                for request in WATCHED:
                    client.ask(request)
            client.send(WATCHED[0] + HELLO + WATCHED[2] + HELLO)
            answers = [client.read_response() for _ in range(4)]
            require([answer.body == HELLO_BODY for answer in answers] == [False, True] * 2,
                    "out of step")
            forwarded = client.ask(get("/synthetic/forward?to=/server-status%3Fauto"))
            require(b"Scoreboard" in forwarded.body, "not forwarded")
            count = len(ASKED) + 3
            report = settled(client, count)["report"]
            check_counts(report, count)
            require(report["connections"] == report["counters"]["ACCEPTED"] == 1, "connections")
        check_trace(world, path, count)


@case("--status says who may watch, and who may not is told nothing")
def who_may_watch(world):
    """That one gets a 404 like any other, which counts. Clients that are not local: a unit test."""
    for who, allowed in (("on", True), ("loopback", True), ("off", False)):
        with start(world, "--status", who) as server, server.client() as client:
            for request in WATCHED[:4]:
                got = client.ask(request).status
                require(got == (200 if allowed else 404), f"--status {who}: {got}")
            if not allowed:
                return


@case("figures can be read at any moment under load")
def watched_under_load(world):
    """Each is whole, no request is seen to leave a point before it came there, and what has ended is
    in all other figures."""
    order = ("begun", "whole", "started", "handed", "ended")
    with start(world) as server, server.client() as client:
        hammers = hammer(server, 4)
        for nth in range(12):
            client.ask(WATCHED[nth % 2 * 3])
            report = status_of(client)["report"]
            flow = report["flow"]
            counts = [flow[name] for name in order]
            require(counts[-1] > 0, f"nothing is answered: {flow}")
            require(counts == sorted(counts, reverse=True), f"one left before it came: {flow}")
            for others in (sum(report["statuses"].values()),
                           *(report["intervals_ns"][name]["count"] for name in (*PARTS, "total"))):
                require(others >= flow["ended"], f"{others} are counted of {flow['ended']}")
        for one in hammers:
            require(not one.problem, f"{one.problem}")
        server.stop()


# --- Apache's keys -----------------------------------------------------------------------------

# What telegraf's and metricbeat's apache modules read as numbers.
APACHE_NUMBERS = ("ServerUptimeSeconds", "Load1", "Load5", "Load15", "Total Accesses",
                  "Total kBytes", "Total Duration", "CPUUser", "CPUSystem", "CPUChildrenUser",
                  "CPUChildrenSystem", "CPULoad", "Uptime", "ReqPerSec", "BytesPerSec",
                  "BytesPerReq", "DurationPerReq", "BusyWorkers", "IdleWorkers", "Processes",
                  "Stopping", "ConnsTotal", "ConnsAsyncWriting")


@case("/server-status?auto has Apache's keys")
def apache_keys(world):
    """A key, a colon, a value on each line, as the programs that read it want it."""
    with start(world) as server, server.client() as client:
        ask_all(client)
        settled(client, len(ASKED))
        response = client.ask(WATCHED[1])
        Answer(200, fields={"Content-Type": "text/plain; charset=ISO-8859-1"}).compare(response)
        lines = [line.partition(": ") for line in response.body.decode().splitlines()]
        keys = {key: value for key, colon, value in lines if colon}
        require(len(keys) == len(lines), f"a key twice or a line without one: {lines}")
        for key in APACHE_NUMBERS:
            require(re.fullmatch(r"\d+(\.\d+)?", keys.get(key, "")), f"{key} is {keys.get(key)!r}")
        require(keys["Total Accesses"] == str(len(ASKED)), f"{keys['Total Accesses']} accesses")
        require(re.fullmatch(r"[_WR.]+", keys["Scoreboard"]), f"scoreboard {keys['Scoreboard']}")
        require(keys["BusyWorkers"] != "0", "who answers is busy")
        marks = sum(keys["Scoreboard"].count(mark) for mark in "WR")
        require(int(keys["BusyWorkers"]) == marks, "the scoreboard has other busy workers")


# --- /metrics ----------------------------------------------------------------------------------

# Reads OpenMetrics from stdin and prints {sample name and labels: value}.
OPENMETRICS = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
print(json.dumps({s.name + json.dumps(s.labels, sort_keys=True): s.value
                  for f in families(sys.stdin.read()) for s in f.samples}))
"""


def program_says(command, text):
    """What a program makes of a text; it must be content and complain of nothing."""
    done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=scaled(PATIENCE_S))
    said = done.stderr.decode()
    require(done.returncode == 0 and not said, f"{command[0]}: {done.returncode}, {said[-600:]}")
    return done.stdout


def judged(client):
    """The samples of /metrics, when both formats are accepted by those that read them."""
    require(shutil.which("promtool"), "promtool is missing, see tools/install-deps")
    text = client.ask(get("/metrics"))
    newer = client.ask(get("/metrics", "Accept: application/openmetrics-text;version=1.0.0"))
    Answer(200, fields={"Content-Type": "text/plain; version=0.0.4; charset=utf-8",
                        "Date": PRESENT}).compare(text)
    Answer(200, fields={"Content-Type": "application/openmetrics-text; version=1.0.0; "
                                        "charset=utf-8"}).compare(newer)
    said = program_says(["promtool", "check", "metrics"], text.body)
    require(not said, f"promtool: {said[-600:]!r}")
    return json.loads(program_says(["/usr/bin/python3", "-c", OPENMETRICS], newer.body))


@case("/metrics is what Prometheus and OpenMetrics ask for")
def metrics_are_accepted(world):
    """By their own checker and parser; a scrape has the figures of the requests made."""
    with start(world) as server, server.client() as client:
        ask_all(client)
        settled(client, len(ASKED))
        samples = judged(client)
    require(samples["quartet_requests_total{}"] == len(ASKED), "another number of requests")
    for stage in PARTS:
        name = "quartet_stage_duration_seconds_count" + json.dumps({"stage": stage})
        require(samples[name] == len(ASKED), f"{name} is {samples[name]}")


@case("/metrics leaves out what is not measured")
def metrics_unmeasured(world):
    """With --trace-level off there are no stage times, and no empty histograms of them."""
    with start(world, "--trace-level", "off") as server, server.client() as client:
        ask_all(client)
        eventually(lambda: judged(client)["quartet_requests_total{}"] == len(ASKED),
                   "all requests are counted")
        require(not any("duration" in name for name in judged(client)), "durations")
