"""Clients that share one poll loop with clients that keep it busy: all of them make progress.

The cases start wirings in which one thread runs the handlers and polls the sockets.
"""

import threading

from servers import hello, start
from table import Table, get, require

table = Table("fairness", args=("own",))
case = table.case

ONE_LOOP = ("LRPW*1", "L | RPW*1", "L | R | PW*1", "LR | PW*1")


class Reader(threading.Thread):
    """Reads one chunked answer to its end, as fast as it comes."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client

    def run(self):
        client = self.client
        while not client.eof and not client.buffer.endswith(b"\r\n0\r\n\r\n"):
            del client.buffer[:-16]
            client.fill()


@case("small requests are answered while a long answer without pauses is made", True)
def beside_a_stream(world):
    """The long answer is 10 MB in 100,000 pieces. The thread that makes it rests after some of them. The client stops
    reading it when it has shown that."""
    enough = 20
    for wiring in ONE_LOOP:
        with start(world, "--wiring", wiring) as server:
            with server.client() as stream, server.client() as small:
                hello(server, small)
                stream.send(get("/synthetic/stream?chunks=100000&size=100&ms=0"))
                stream.fill()
                reader = Reader(stream)
                reader.start()
                answered = 0
                while answered < enough and reader.is_alive():
                    hello(server, small)
                    answered += reader.is_alive()
                stream.stop_reading()
                reader.join()
                require(answered >= 5, f"{wiring}: {answered} were answered meanwhile")


@case("requests are answered beside 300 answers that pause for a millisecond between pieces", True)
def beside_many_pauses(world):
    """Some pause is over at any time, so there is always a timer that is due."""
    for wiring in ONE_LOOP:
        with start(world, "--wiring", wiring, "--drain-timeout", "300ms") as server:
            streams = [server.client() for _ in range(300)]
            for client in streams:
                client.send(get("/synthetic/stream?chunks=100000&size=1&ms=1"))
            for client in streams:
                client.fill()
            for _ in range(20):
                with server.client(timeout=5) as client:
                    hello(server, client)
            for client in streams:
                client.abort()
