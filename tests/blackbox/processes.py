"""Several processes: a parent and its children, with and without the accept mutex; and how many
connections one address may have.

Who serves a connection is read from /proc: the server's end of it is a descriptor of one child.
"""

import glob
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import threading

import harness
from harness import PATIENCE_S, CaseFailed, Client, eventually, scaled
from lateness import Stopwatch
from load import check_trace, read_trace
from servers import FAST, answers, hello, log_lines, quick, refused_now, start
from table import Table, get, require

table = Table("processes", args=("own",))
case = table.case

COUNT = 4
SHARED, APART = "on", "off"  # the two ways to listen: --accept-mutex
WAYS = (APART, SHARED)


def both_ways(name, alone=False, late=None):
    """A case for each way to listen; the function is given world and flags."""
    def add(run):
        for way in WAYS:
            flags = ("--processes", str(COUNT), "--accept-mutex", way)
            table.case(f"{name} (--accept-mutex {way})", alone, late)(
                lambda world, flags=flags: run(world, flags))
        return run
    return add


# --- who is who --------------------------------------------------------------------------------

def children(server):
    """The pids of the server's children, those that ended and wait for the parent left out."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == server.pid and fields[0] not in "ZX":
            found.add(int(path.split("/")[2]))
    return found


def all_there(server, without=()):
    """The children, once there are as many as there should be and none of those that died."""
    def look():
        now = children(server)
        return now if len(now) == COUNT and not now & set(without) else None
    return eventually(look, f"{COUNT} processes are there")


def inodes():
    """{(port here, port there): the number of that socket}. One look at the kernel's table, which has thousands of lines
    when other tests have run."""
    found = {}
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split(maxsplit=10)
            if fields[9] != "0":
                found[tuple(int(fields[i].split(":")[1], 16) for i in (1, 2))] = fields[9]
    return found


def listening_inode(port):
    """The number of the socket that listens there."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == port and fields[3] == "0A":
                return fields[9]
    raise CaseFailed(f"no process listens on port {port}")


def sockets_of(pid):
    """The numbers of a process's sockets."""
    found = set()
    for path in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            name = os.readlink(path)
        except OSError:
            continue
        if name.startswith("socket:["):
            found.add(name[len("socket:["):-1])
    return found


def find_owners(server, clients):
    """The child that serves each of these connections, or None while one is missing."""
    numbers = inodes()
    owner_of = {number: pid for pid in children(server) for number in sockets_of(pid)}
    ends = [(client.sock.getpeername()[1], client.sock.getsockname()[1]) for client in clients]
    owners = [owner_of.get(numbers.get(end)) for end in ends]
    return owners if all(owners) else None


def spread(server, count):
    """So many connections, each with its owner; they have been answered once. The accept mutex
    leaves them to whoever is awake: a child that is full lets others have some."""
    clients = [server.client() for _ in range(count)]
    for client in clients:
        hello(server, client)
    # Asked more than once: the kernel's table may leave a connection out when others come and go while it is read.
    owners = eventually(lambda: find_owners(server, clients), "each connection has a process")
    require(len(set(owners)) > 1, "one process has all connections")
    return list(zip(clients, owners))


# At most so many for each process where the accept mutex is on, so that all get some.
FULL = 8


def limits(flags):
    """Flags that make spread() spread, and keep what is open open for long enough."""
    full = ("--max-connections", str(FULL)) if SHARED in flags else ()
    return (*flags, *full, "--keepalive-timeout", "1h")


class Asker:
    """A thread that asks on one connection again and again until it is stopped."""

    def __init__(self, server, client):
        self.server, self.client = server, client
        self.count, self.problem, self.enough = 0, None, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Any failure is a problem."""
        try:
            while not self.enough:
                hello(self.server, self.client)
                self.count += 1
        except (CaseFailed, OSError) as failure:
            self.problem = failure

    def stop(self):
        """Its connection was served all the time."""
        self.enough = True
        self.thread.join()
        require(self.problem is None, f"a connection of another process: {self.problem}")
        require(self.count > 0, "a connection of another process was not served")


# --- a process that dies -----------------------------------------------------------------------

@both_ways("a process that is killed takes only its own connections along and is replaced", True)
def kill_one(world, flags):
    """The others' connections are asked on all the while; new ones are served at once or by the
    replacement, none is lost."""
    with start(world, *limits(flags)) as server:
        before = children(server)
        owned = spread(server, 3 * FULL)
        victim = owned[0][1]
        askers = [Asker(server, client) for client, pid in owned if pid != victim]
        os.kill(victim, signal.SIGKILL)
        for client, pid in owned:
            if pid == victim:
                client.expect_end(allow_reset=True)
                client.close()
        eventually(lambda: victim not in children(server), "it has died")
        for _ in range(10):
            with server.client() as client:
                hello(server, client)
        now = all_there(server, {victim})
        require(len(now & before) == COUNT - 1, "others were replaced too")
        for asker in askers:
            asker.stop()
        require(re.search(rf"process \d, pid {victim}, was ended by signal 9 \(Killed\); "
                          r"the next starts in 100 ms", server.stderr()), server.stderr()[-600:])


@both_ways("each process may be killed in turn, under load, and the port is served all the time",
           True)
def kill_each(world, flags):
    """With the mutex one of them holds it when it dies, whichever it is."""
    with start(world, *flags) as server:
        enough, served, lost = threading.Event(), [], []

        def come_and_go():
            while not enough.is_set():
                try:
                    with server.client() as client:
                        client.send(FAST)
                        served.append(client.read_response().status)
                except CaseFailed as failure:
                    lost.append(failure)  # the dying process had accepted it
                except OSError as failure:
                    served.append(failure)  # refused: nobody listened
        threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        killed = set()
        try:
            for victim in sorted(children(server)):
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
                eventually(lambda gone=victim: gone not in children(server), "it has died")
                count = len(served)
                eventually(lambda least=count + 20: len(served) > least, "requests are served")
            all_there(server, killed)
        finally:
            enough.set()
        for thread in threads:
            thread.join()
        require(set(served) == {200}, f"answered with {set(served)}")
        require(len(lost) <= len(killed) * len(threads), f"{len(lost)} lost: {lost[-1:]}")
        hello(server)


def watches(pid, inode):
    """Does this process wait for what comes at that socket? Its epoll says so."""
    try:
        fds = [path.rsplit("/", 1)[1] for path in glob.glob(f"/proc/{pid}/fd/*")
               if os.readlink(path) == f"socket:[{inode}]"]
        infos = [open(path, encoding="ascii").read() for path in glob.glob(f"/proc/{pid}/fdinfo/*")]
    except OSError:
        return False
    watched = [fd for info in infos
               for fd, events in re.findall(r"^tfd:\s*(\d+) events:\s*([0-9a-f]+)", info, re.M)
               if int(events, 16) & select.EPOLLIN]
    return bool(set(fds) & set(watched))


def holder(server):
    """The child that has the accept mutex while nothing happens: the only one at the socket."""
    inode = listening_inode(server.address[1])

    def look():
        found = [pid for pid in children(server) if watches(pid, inode)]
        return found[0] if len(found) == 1 else None
    return eventually(look, "one process alone waits at the socket")


HOLDERS = 5


@case("the accept mutex of a process that is killed is taken over")
def kill_holder(world):
    """The process that takes it over lives on and counts that. One that gives the mutex back in the moment
    in which it is killed leaves nothing to take over, so there are several tries."""
    with start(world, "--processes", str(COUNT), "--accept-mutex", "on") as server:
        hello(server)
        for nth in range(1, HOLDERS + 1):
            victim = holder(server)
            os.kill(victim, signal.SIGKILL)
            all_there(server, {victim})
            hello(server)
            server.signal(signal.SIGUSR1)
            eventually(lambda tables=nth * COUNT:
                       len(re.findall("^totals$", server.stderr(), re.M)) >= tables, "tables")
            if "times the accept mutex was taken over" in server.stderr():
                return
        raise CaseFailed("no process reports that it has taken the mutex over")


def delays(server):
    """In how many milliseconds the next process would start, as it said each time."""
    return [int(ms) for ms in re.findall(r"the next starts in (\d+) ms", server.stderr())]


@case("a process that dies again and again is replaced more and more slowly")
def back_off(world):
    """100 ms, then 200 ms, then 400 ms. Where a machine without a CPU lets one live for long, it begins with 100 ms again."""
    with start(world, "--processes", "2") as server:
        victim, said = min(children(server)), []
        for _ in range(30):
            others = children(server) - {victim}
            os.kill(victim, signal.SIGKILL)
            eventually(lambda count=len(said): len(delays(server)) > count, "it says when the next one starts")
            said = delays(server)
            require(said[-1] in (100, 2 * (said[-2:-1] or [50])[0]), f"the next start in {said} ms")
            eventually(lambda gone=victim: len(children(server)) == 2 and gone not in children(server), "it is replaced")
            if said[-3:] == [100, 200, 400]:
                break
            victim = (children(server) - others).pop()
        require(said[-3:] == [100, 200, 400], f"the next start in {said} ms")
        hello(server)


@case("the children die with the parent")
def parent_killed(world):
    """Also when it has no time to signal them."""
    server = start(world, "--processes", "3")
    pids = children(server)
    server.kill()
    eventually(lambda: not [pid for pid in pids if lives(pid)], "they are gone")
    eventually(lambda: refused_now(server), "nobody listens any more")


def lives(pid):
    """Is it a process that has not ended?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


# --- start and end -----------------------------------------------------------------------------

@both_ways("it says once where it listens, when all processes are ready")
def listening(world, flags):
    """The line is the parent's."""
    with start(world, *flags) as server:
        require(len(children(server)) == COUNT, f"{len(children(server))} processes")
        for _ in range(20):
            hello(server)
        require(server.stdout().count("listening on") == 1, server.stdout())


@case("what keeps all processes from starting is said once, and the parent ends with 1")
def cannot_start(world):
    """The trace's folder is not there; the children that came first end too."""
    for flag, value in (("--trace", "/no/such/folder/trace"), ("--root", "/no/such/folder"),
                        ("--access-log", "/no/such/folder/log")):
        done = subprocess.run([world.program, "--root", str(world.root), "--listen", "127.0.0.1:0",
                               "--processes", "4", flag, value, *world.base_args],
                              capture_output=True, check=False, timeout=scaled(PATIENCE_S))
        errors = done.stderr.decode(errors="replace")
        require(done.returncode == 1, f"{flag}: exit {done.returncode}")
        require(len(re.findall(r"^quartet: ", errors, re.M)) == 1 and value in errors,
                f"stderr: {errors}")
        require("process 1" in errors and "process 2" not in errors, f"stderr: {errors}")
        require(b"listening" not in done.stdout, "it says that it listens")


@both_ways("SIGTERM drains all processes, and they end with 0", True, late=0.5)
def drain(world, flags):
    """Answers in flight end whole, idle connections and the port are closed."""
    with start(world, *limits(flags), "--synthetic", "on") as server:
        # A terminal's Ctrl-C goes to a group: the parent's must not hold the children.
        require(all(os.getpgid(pid) == pid for pid in children(server)), "they share a group")
        owned = spread(server, 2 * FULL)
        streams = [client for client, _ in owned[::2]]
        for client in streams:
            client.send(get("/synthetic/stream?chunks=5&size=100&ms=300"))
        for client in streams:
            while b"\r\n\r\n" not in client.buffer:
                client.fill()
        server.signal(signal.SIGTERM)
        for client, _ in owned[1::2]:
            client.expect_end()
        eventually(lambda: refused_now(server), "new clients are refused")
        require(server.alive(), "they were refused only when all had ended")
        for client in streams:
            require(len(client.read_response().body) == 500, "a stream was cut")
            client.expect_end()
        require(server.wait(5) == 0, f"exit {server.process.returncode}")
        require(refused_now(server), "somebody still listens")
        require(server.stderr().count("quartet info: stopped") == COUNT, server.stderr())


@case("a second SIGTERM ends all processes at once")
def cut(world):
    """Although answers are in flight."""
    with start(world, "--processes", "2") as server:
        clients = [server.client() for _ in range(8)]
        for client in clients:
            client.send(get("/synthetic/stream?chunks=1000&size=10&ms=100"))
            client.fill()
        server.signal(signal.SIGTERM)
        eventually(lambda: server.stderr().count("stopping:") == 2, "both have heard of it")
        watch = Stopwatch()
        server.signal(signal.SIGTERM)
        require(server.wait(8) == 0, f"exit {server.process.returncode}")
        require(watch.awake() < scaled(4), "not at once")
        for client in clients:
            client.close()


# --- what each process writes ------------------------------------------------------------------

@both_ways("SIGHUP makes all processes reopen the access log, and no line is lost")
def reopen(world, flags):
    """All write to one file, whole lines."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path, old = os.path.join(folder, "log"), os.path.join(folder, "log.1")
        with start(world, *limits(flags), "--access-log", path) as server:
            owned = spread(server, 2 * FULL)
            os.rename(path, old)
            server.signal(signal.SIGHUP)

            def all_reopened():
                return os.path.exists(path) and all(
                    path in [os.path.realpath(fd) for fd in glob.glob(f"/proc/{pid}/fd/*")]
                    for pid in children(server))
            eventually(all_reopened, "all have reopened it")
            for client, _ in owned:
                hello(server, client)
        require(len(log_lines(old)) == len(owned), f"{len(log_lines(old))} lines before")
        require(len(log_lines(path)) == len(owned), f"{len(log_lines(path))} lines after")


@both_ways("each process writes a trace of its own, and their requests add up")
def traces(world, flags):
    """A replacement's has the next number; the killed one's is cut short."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, *limits(flags), "--trace", path) as server:
            sent = {}
            for client, pid in spread(server, 2 * FULL):
                hello(server, client)
                sent[pid] = sent.get(pid, 0) + 2
                client.close()
            victim = next(pid for pid in sent)
            os.kill(victim, signal.SIGKILL)
            all_there(server, {victim})
            eventually(lambda: os.path.exists(f"{path}.{COUNT + 1}"), "the next trace is there")
        found = sorted(os.path.basename(name) for name in glob.glob(f"{path}*"))
        require(found == [f"trace.{i}" for i in range(1, COUNT + 2)], f"files {found}")
        counts = []
        for name in found:
            try:
                summary = read_trace(world, os.path.join(folder, name))[1]["summary"]
            except CaseFailed:
                continue
            counts.append(summary["requests"])
            check_trace(world, os.path.join(folder, name), summary["requests"])
        require(len(counts) == COUNT, f"{len(counts)} of {COUNT} traces are whole")
        require(sum(counts) == sum(sent.values()) - sent[victim],
                f"{counts} requests, sent {sent}, of them to the killed process {sent[victim]}")


@both_ways("SIGUSR1 prints a table for each process, with its part of the connections")
def stage_tables(world, flags):
    """The parts add up to what was accepted."""
    with start(world, *limits(flags)) as server:
        owned = spread(server, 2 * FULL)
        server.signal(signal.SIGUSR1)
        heading = re.compile(r"^process (\d) of 4, pid (\d+): (\d+\.\d) % of 16 connections "
                             r"accepted, (\d+) open now$", re.M)
        eventually(lambda: len(heading.findall(server.stderr())) == COUNT, "all have printed it")
        lines = heading.findall(server.stderr())
        require({int(line[0]) for line in lines} == set(range(1, COUNT + 1)), f"{lines}")
        for number, pid, part, open_now in lines:
            count = len([1 for _, one in owned if one == int(pid)])
            require(int(open_now) == count, f"process {number} has {count}, says {open_now}")
            require(abs(float(part) - 100 * count / 16) < 0.1, f"process {number} says {part} %")
        eventually(lambda: len(re.findall("^totals$", server.stderr(), re.M)) == COUNT, "tables")
        for client, _ in owned:
            client.close()

        def none_open():
            server.signal(signal.SIGUSR1)
            return [line[3] for line in heading.findall(server.stderr())][-COUNT:] == ["0"] * COUNT
        eventually(none_open, "none is open any more")


@case("/server-status is of the process that answers, which says which one it is")
def status_of_one(world):
    """Its requests are its own."""
    with start(world, "--processes", "2") as server, server.client() as client:
        for _ in range(3):
            hello(server, client)
        found = json.loads(client.ask(get("/server-status?json")).body)["server"]
        require(found["pid"] in children(server), f"pid {found['pid']} is no child")
        require(found["process"] in (1, 2) and found["processes"] == 2, f"{found}")

        def asked():
            text = client.ask(get("/server-status?json")).body
            return json.loads(text)["report"]["counters"]["REQUESTS"] == 3
        eventually(asked, "its own three requests are counted")


@both_ways("a unix socket is shared, and stays when a process dies")
def unix_socket(world, flags):
    """It is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with start(world, *flags, listen=(f"unix:{path}",)) as server:
            victim = min(children(server))
            os.kill(victim, signal.SIGKILL)
            all_there(server, {victim})
            for _ in range(20):
                with Client(path) as client:
                    hello(server, client)
        require(not os.path.exists(path), "it is left over")


@case("the accept mutex makes no difference to a single process")
def one_process(world):
    """Its listener threads take turns all the same."""
    with start(world, "--accept-mutex", "on") as server:
        require(not children(server), "it has children")
        for _ in range(50):
            hello(server)


@case("with the accept mutex a process that is busy lets another accept")
def busy_process(world):
    """Each request keeps a thread busy for longer than another waits for its turn."""
    with start(world, "--processes", "2", "--accept-mutex", "on") as server:
        clients = [server.client() for _ in range(6)]
        for client in clients:
            client.send(get("/synthetic/spin?us=100000"))
        quick(server, 2, "beside busy processes")
        for client in clients:
            require(client.read_response().status == 200, "not answered")


# --- connections of one address ----------------------------------------------------------------

@case("an address over its limit of connections gets 429, another one is served")
def per_address(world):
    """Closing one makes room; the answer is not lost to a reset."""
    with start(world, "--max-connections-per-address", "2") as server:
        first, second = (server.client(source="127.0.0.2") for _ in range(2))
        hello(server, first)
        hello(server, second)
        for _ in range(5):
            with server.client(source="127.0.0.2") as third:
                response = third.ask(FAST)
                require(response.status == 429, f"status {response.status}")
                require(response.get("Retry-After") == "1" and response.says_close(), "its fields")
                third.expect_end()
        with server.client(source="127.0.0.3") as other:
            hello(server, other)
        hello(server, second)
        first.close()

        def has_room():
            with server.client(source="127.0.0.2") as client:
                return client.ask(FAST).status == 200
        eventually(has_room, "there is room again")
        require(server.stderr().count("turning away 127.0.0.2") == 1, "not one line in the log")
        server.signal(signal.SIGUSR1)

        def counted():
            """Five at least: until there was room again, more may have been."""
            found = re.search(r" (\d+)  connections turned away at --max-conn", server.stderr())
            return found and int(found[1]) >= 5
        eventually(counted, "they are counted")
        second.close()


@case("an address at its limit is let in again and again as its connections end")
def per_address_many(world):
    """One after the other, none is turned away for one that is closed already by the server."""
    with start(world, "--max-connections-per-address", "1") as server:
        for _ in range(30):
            eventually(lambda: answers(server), "let in")


@case("unix sockets have no limit for each address")
def per_address_unix(world):
    """They have no address."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with start(world, "--max-connections-per-address", "1", listen=(f"unix:{path}",)) as server:
            clients = [Client(path) for _ in range(5)]
            for client in clients:
                hello(server, client)
            for client in clients:
                client.close()
