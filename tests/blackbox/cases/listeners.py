"""What changes with the server's own options: addresses, the Server field, the synthetic handlers."""

import os
import socket
import tempfile

from docroot import HELLO
from harness import Client, Server
from table import ABSENT, Answer, Table, get, request, require

nameless = Table("settings", args=("--server-header", "off"))
plain = Table("settings", args=("--synthetic", "off"))
uncached = Table("settings", args=("--file-cache-entries", "0"))
small = Table("settings", args=("--max-header-size", "512"))
tight = Table("settings", args=("--output-highwater", "4K", "--batch", "1", "--accept-limit", "1"))
own = Table("listeners", args=("own",))


def cases():
    """All of this module."""
    return [case for table in (nameless, plain, uncached, small, tight, own)
            for case in table.cases]


FILE = Answer(200, HELLO)

nameless.row("--server-header off leaves the Server field out", get("/hello.txt"),
             Answer(200, HELLO, {"Server": ABSENT}))
nameless.row("--server-header off leaves it out of errors", get("/nothing"),
             Answer(404, fields={"Server": ABSENT}))
nameless.row("--server-header off leaves it out of refusals", b"\0\r\n\r\n",
             Answer((400, 501), fields={"Server": ABSENT}), end="closed")
for target in ("/synthetic/bytes?n=1", "/synthetic/sleep?ms=1", "/synthetic/stream?chunks=1"):
    plain.row(f"--synthetic off hides {target}", get(target), 404)
plain.row("--synthetic off hides echo", request("POST", "/synthetic/echo", "Content-Length: 1",
                                                body=b"x"), (404, 405), end="either")
plain.row("--synthetic off still serves files", get("/hello.txt"), FILE)
uncached.row("without a file cache files are served", get("/hello.txt") * 3, FILE, FILE, FILE)
uncached.row("without a file cache large files are served", get("/large.bin"), 200)
uncached.row("without a file cache missing files are not found", get("/nothing"), 404)
small.row("with --max-header-size 512 a small head fits", get("/hello.txt"), FILE)
small.row("with --max-header-size 512 a long target is refused", get("/" + "a" * 600), 414,
          end="closed")
small.row("with --max-header-size 512 a long field is refused", get("/hello.txt", "X: " + "v" * 600),
          431, end="closed")
small.row("with --max-header-size 512 a body may be longer",
          request("POST", "/synthetic/echo", "Content-Length: 30000", body=b"b" * 30000),
          Answer(200, b"b" * 30000))
tight.row("with --output-highwater 4K a stream is whole",
          get("/synthetic/stream?chunks=100&size=9000&ms=0"),
          Answer(200, check=lambda response: require(len(response.body) == 900_000, "not whole")))
tight.row("with --batch 1 a pipeline is answered in order",
          b"".join(get(f"/synthetic/bytes?n={i}") for i in range(50)),
          *[Answer(200, check=lambda response, i=i: require(len(response.body) == i, "order"))
            for i in range(50)])
tight.row("with --output-highwater 4K a large file is whole", get("/large.bin"),
          Answer(200, check=lambda response: require(len(response.body) == 5_000_000, "whole")))


def serve(world, *listen):
    """A server with these addresses."""
    return Server(world.program, ["--root", str(world.root), "--synthetic", "loopback",
                                  *world.base_args], listen=listen)


def hello(address):
    """The hello file from this address."""
    with Client(address) as client:
        return client.ask(get("/hello.txt")).body == HELLO


@own.case("a unix socket listens, also over a stale one, and is gone afterwards")
def unix_socket(world):
    """The synthetic handlers take a unix client for a local one."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        with serve(world, f"unix:{path}") as server:
            require(server.address == path, f"listens on {server.address}")
            require(hello(path), "no answer")
            with Client(path) as client:
                response = client.ask(get("/synthetic/bytes?n=100000"))
                require(len(response.body) == 100000, f"status {response.status}")
        require(not os.path.exists(path), "the socket is left behind")


@own.case("IPv6 listens")
def ipv6(world):
    """The address is printed in brackets."""
    with serve(world, "[::1]:0") as server:
        require(server.address[0] == "::1", f"listens on {server.address}")
        require(hello(server.address), "no answer")
        with Client(server.address) as client:
            require(client.ask(get("/synthetic/bytes?n=7")).status == 200, "not taken for local")


@own.case("several addresses listen at once")
def several(world):
    """Three of them, one a unix socket; all are drained together at the end."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with serve(world, "127.0.0.1:0", "127.0.0.1:0", f"unix:{path}") as server:
            require(len(set(server.addresses)) == 3, f"addresses {server.addresses}")
            for _ in range(3):
                for address in server.addresses:
                    require(hello(address), f"no answer on {address}")


@own.case("connections on several addresses are served side by side")
def side_by_side(world):
    """A connection on each stays open while the others are used."""
    with serve(world, "127.0.0.1:0", "[::1]:0") as server:
        clients = [Client(address) for address in server.addresses for _ in range(10)]
        for _ in range(3):
            for client in clients:
                client.send(get("/hello.txt"))
            for client in clients:
                require(client.read_response().body == HELLO, "another answer")
        for client in clients:
            client.close()


@own.case("two servers on ports of their own do not mix")
def two_servers(world):
    """Port 0 gives each another one."""
    with serve(world, "127.0.0.1:0") as one, serve(world, "127.0.0.1:0") as two:
        require(one.address != two.address, "the same port")
        require(hello(one.address) and hello(two.address), "no answer")
