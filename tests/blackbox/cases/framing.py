"""Where a body ends: everything on which two readers of the same bytes could disagree."""

from docroot import HELLO
from table import CLOSED, EITHER, Answer, Table, chunk, get, request, require

table = Table("framing")
row = table.row

BEHIND = get("/smuggled.txt")
ECHO = "/synthetic/echo"
TE = "Transfer-Encoding: chunked"
EMPTY_CHUNKED = b"0\r\n\r\n"


def refused(name, fields, body, status=400, version="HTTP/1.1", method="POST"):
    """A row: refused and closed; neither the body nor what lies behind is answered."""
    row(name, request(method, ECHO, *fields, body=body + BEHIND, version=version), status,
        end=CLOSED)


def refused_chunks(name, body, status=400):
    """A row: these bytes are no chunked body."""
    refused(name, [TE], body, status)


refused("Content-Length with Transfer-Encoding is refused", ["Content-Length: 5", TE],
        EMPTY_CHUNKED)
refused("Transfer-Encoding with Content-Length is refused", [TE, "Content-Length: 5"],
        EMPTY_CHUNKED)
refused("Transfer-Encoding with Content-Length 0 is refused", [TE, "Content-Length: 0"],
        EMPTY_CHUNKED)
refused("a GET with both lengths is refused", ["Content-Length: 5", TE], EMPTY_CHUNKED,
        method="GET")
refused("two different Content-Lengths are refused", ["Content-Length: 5", "Content-Length: 6"],
        b"abcdef")
refused("two equal Content-Lengths are refused", ["Content-Length: 5", "Content-Length: 5"],
        b"abcde")
refused("a second Content-Length in another case is refused",
        ["Content-Length: 5", "content-length: 50"], b"abcde")
for bad in ("5, 5", "5,6", "5,", ",5", "-5", "-0", "+5", "0x5", "5 5", "5a", "a5", "1e1", "5.0", "5;",
            '"5"', "", "99999999999999999999", "18446744073709551616", "18446744073709551621",
            "9223372036854775808", "\x0b5", "5\x80", "1_0", "五".encode()):
    text = bad if isinstance(bad, str) else "five in Chinese"
    value = bad if isinstance(bad, bytes) else bad.encode("latin-1")
    status = (400, 413) if text.isdigit() else 400
    refused(f"Content-Length {text!r} is refused", [b"Content-Length: " + value], b"abcde", status)
refused("a space before Content-Length's colon is refused", ["Content-Length : 5"], b"abcde")
refused("a tab before Content-Length's colon is refused", ["Content-Length\t: 5"], b"abcde")
refused("a continued Content-Length is refused", ["Content-Length:\r\n 5"], b"abcde")
refused("a Content-Length behind a bare LF is refused", ["X: y\nContent-Length: 5"], b"abcde")
row("a Content-Length with leading zeros is read as decimal or refused",
    request("POST", ECHO, "Content-Length: 0005", body=b"abcde"), Answer((200, 400)), end=EITHER)
row("a Content-Length with spaces around is fine",
    request("POST", ECHO, "Content-Length:   5  ", body=b"abcde"), Answer(200, b"abcde"))
# RFC 9110 5.6.3 allows a TAB as white space around a value; the parser does not, and says so.
for value in ("5\t", "5 \t", "5\t5"):
    refused(f"Content-Length {value!r} with a TAB is refused", [f"Content-Length: {value}"], b"abcde")

for bad in ("xchunked", "identity", "gzip", "chunkedx", "chunked-x", '"chunked"', "chunked;q=1",
            "chunke", "deflate", "x"):
    refused(f"Transfer-Encoding {bad} is not implemented", [f"Transfer-Encoding: {bad}"],
            EMPTY_CHUNKED, (400, 501))
refused("Transfer-Encoding gzip, chunked is not implemented",
        ["Transfer-Encoding: gzip, chunked"], EMPTY_CHUNKED, 501)
for bad in ("chunked, gzip", "chunked, chunked", "chunked, identity", "identity, chunked",
            "chunked chunked", "", "\x0bchunked", "chunked\x0b", "chu nked", ",", "chunked\x80"):
    refused(f"Transfer-Encoding {bad!r} is refused", [f"Transfer-Encoding: {bad}"], EMPTY_CHUNKED,
            (400, 501))
refused("Transfer-Encoding twice is refused", [TE, TE], EMPTY_CHUNKED, (400, 501))
refused("Transfer-Encoding chunked then identity is refused", [TE, "Transfer-Encoding: identity"],
        EMPTY_CHUNKED, (400, 501))
refused("Transfer-Encoding gzip then chunked in two fields is not implemented",
        ["Transfer-Encoding: gzip", TE], EMPTY_CHUNKED, (400, 501))
refused("a space before Transfer-Encoding's colon is refused", ["Transfer-Encoding : chunked"],
        EMPTY_CHUNKED)
refused("a continued Transfer-Encoding is refused", ["Transfer-Encoding:\r\n chunked"],
        EMPTY_CHUNKED)
refused("a Transfer-Encoding continued by a tab is refused", ["Transfer-Encoding:\r\n\tchunked"],
        EMPTY_CHUNKED)
refused("a Transfer-Encoding behind a continued line is refused",
        ["X: y\r\n Transfer-Encoding: chunked"], EMPTY_CHUNKED)
refused("Transfer-Encoding in HTTP/1.0 is refused", [TE], EMPTY_CHUNKED, version="HTTP/1.0")
refused("Transfer-Encoding in kept-alive HTTP/1.0 is refused", [TE, "Connection: keep-alive"],
        EMPTY_CHUNKED, version="HTTP/1.0")
refused("Transfer-Encoding with a NUL is refused", ["Transfer-Encoding: chunked\0"], EMPTY_CHUNKED)
row("Transfer-Encoding CHUNKED is chunked",
    request("POST", ECHO, "TRANSFER-ENCODING: CHUNKED", body=chunk(b"abc") + EMPTY_CHUNKED),
    Answer(200, b"abc"))
row("Transfer-Encoding with empty list members is chunked or refused",
    request("POST", ECHO, "Transfer-Encoding: , chunked", body=EMPTY_CHUNKED),
    (200, 400, 501), end=EITHER)
row("Transfer_Encoding is another field",
    request("POST", ECHO, "Transfer_Encoding: chunked", "Content-Length: 5", body=b"abcde"),
    Answer(200, b"abcde"))
row("X-Transfer-Encoding is another field",
    request("POST", ECHO, "X-Transfer-Encoding: chunked", "Content-Length: 5", body=b"abcde"),
    Answer(200, b"abcde"))
row("a TE field says nothing about the request's body",
    request("POST", ECHO, "TE: chunked, trailers", "Content-Length: 5", body=b"abcde"),
    Answer(200, b"abcde"))

for bad in (b"zz", b"-1", b"+3", b"0x3", b" 3", b"\t3", b"", b";", b"3 3", b"3,3", b"3\x00", b"3x",
            b"fffffffffffffffff", b"10000000000000003", b"ffffffffffffffff", b"8000000000000000",
            b"00000000000000000000000000000000000000000000000000000000000000000000x"):
    refused_chunks(f"chunk size {bad.decode('latin-1')!r} is refused",
                   bad + b"\r\nabc\r\n" + EMPTY_CHUNKED, (400, 413))
row("white space behind a chunk size is dropped or refused",
    request("POST", ECHO, TE, body=b"3 \r\nabc\r\n" + EMPTY_CHUNKED), (200, 400), end=EITHER)
refused_chunks("a chunk-size line that ends in LF is refused", b"3\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("a chunk-size line that ends in CR and a byte is refused",
               b"3\rXabc\r\n" + EMPTY_CHUNKED)
refused_chunks("a chunk-size line that ends in CR CR LF is refused",
               b"3\r\r\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("chunk data followed by LF is refused", b"3\r\nabc\n" + EMPTY_CHUNKED)
refused_chunks("chunk data followed by CR and a byte is refused", b"3\r\nabc\rX" + EMPTY_CHUNKED)
refused_chunks("chunk data followed by CR and a request is refused", b"3\r\nabc\r" + BEHIND)
refused_chunks("chunk data followed by two bytes is refused", b"3\r\nabcXX" + EMPTY_CHUNKED)
refused_chunks("chunk data longer than its size is refused", b"3\r\nabcd\r\n" + EMPTY_CHUNKED)
refused_chunks("chunk data followed directly by a size is refused", b"3\r\nabc" + EMPTY_CHUNKED)
refused_chunks("LF in a chunk extension is refused", b"3;a\nb\r\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("NUL in a chunk extension is refused", b"3;a\0b\r\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("CR in a chunk extension is refused", b"3;a\rb\r\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("a control byte in a chunk extension is refused",
               b"3;a\x01\r\nabc\r\n" + EMPTY_CHUNKED)
refused_chunks("a chunk extension without end is refused", b"3;" + b"a" * 40000, (400, 413, 431))
refused_chunks("a chunk size of many zeros is bounded", b"0" * 40000, (400, 413, 431))
refused_chunks("a last chunk followed by LF is refused", b"3\r\nabc\r\n0\n\r\n")
refused_chunks("a last chunk followed by CR and a byte is refused", b"0\r\n\rX")
refused_chunks("a last chunk followed by CR and a request is refused", b"0\r\n\r")
refused_chunks("a last chunk with a bare LF at the end is refused", b"0\r\n\n")
refused_chunks("a trailer with a bare LF is refused", b"0\r\nX: y\n\r\n")
refused_chunks("a trailer with a bare CR is refused", b"0\r\nX: a\rb\r\n\r\n")
refused_chunks("a continued trailer is refused", b"0\r\nX: y\r\n z\r\n\r\n")
refused_chunks("a trailer without colon is refused", b"0\r\nnonsense\r\n\r\n")
refused_chunks("a trailer with a space before its colon is refused", b"0\r\nX : y\r\n\r\n")
refused_chunks("a trailer with NUL is refused", b"0\r\nX: \0\r\n\r\n")
refused_chunks("a trailer section over the limit is refused",
               b"0\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 400) for i in range(80)) + b"\r\n",
               (400, 413, 431))
refused_chunks("a trailer without end is refused", b"0\r\nX: " + b"v" * 40000, (400, 413, 431))

row("a chunked GET of a file is answered and stays in step",
    request("GET", "/hello.txt", TE, body=chunk(BEHIND) + EMPTY_CHUNKED), Answer(200, HELLO))
row("a GET with Content-Length is answered and stays in step",
    request("GET", "/hello.txt", f"Content-Length: {len(BEHIND)}", body=BEHIND),
    Answer(200, HELLO))
row("a request inside a body is not answered",
    request("POST", ECHO, f"Content-Length: {len(BEHIND)}", body=BEHIND), Answer(200, BEHIND))
row("a trailer that looks like framing is not framing",
    request("POST", ECHO, TE, body=chunk(b"abc") + b"0\r\nContent-Length: 500\r\n\r\n"),
    (200, 400), end=EITHER)

@table.case("a request cut off anywhere in its head is never answered as a whole one")
def cut_heads(world):
    """The client ends its sending side; a refusal is fine, silence too, success is not."""
    whole = get("/hello.txt", "X-Field: value")
    for length in range(1, len(whole)):
        with world.client() as client:
            client.send(whole[:length])
            client.shutdown()
            while not client.eof:
                client.fill()
            if client.buffer:
                status = client.read_response().status
                require(status in (400, 408), f"{length} bytes and the end got {status}")


@table.case("a body cut off is never answered as a whole one")
def cut_bodies(world):
    """Likewise for both kinds of body."""
    plain = request("POST", ECHO, "Content-Length: 10", body=b"0123456789")
    pieces = request("POST", ECHO, TE, body=chunk(b"0123456789") + EMPTY_CHUNKED)
    for whole, body_len in ((plain, 10), (pieces, 10 + 5 + 5)):
        for missing in range(1, body_len + 1):
            with world.client() as client:
                client.send(whole[:-missing])
                client.shutdown()
                while not client.eof:
                    client.fill()
                if client.buffer:
                    status = client.read_response("POST").status
                    require(status in (400, 408), f"{missing} bytes short got {status}")
