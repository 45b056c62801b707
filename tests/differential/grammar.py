"""Requests by a seed: a grammar that mostly keeps to the RFC, and mutations that mostly do not."""

MARKER = b"GET /marker.txt HTTP/1.1\r\nHost: m\r\n\r\n"
LAST = b"GET /marker.txt HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n"
INNER = b"GET /inner.txt HTTP/1.1\r\nHost: i\r\n\r\n"

METHODS = [b"GET"] * 6 + [b"POST"] * 8 + [b"PUT", b"DELETE", b"OPTIONS", b"get", b"TRACE", b"FOO", b"G@T", b"P,T", b""]
TARGETS = [b"/file.txt"] * 8 + [b"/synthetic/echo"] * 6 + [
    b"/", b"http://a/file.txt", b"http://a:80/file.txt", b"HTTP://a/", b"http:///file.txt", b"//a/file.txt", b"*", b"",
    b"file.txt", b"/file.txt?a=b#c", b"/file.txt#x", b"/a b", b"/%", b"/%00", b"/\x01", b"/\xff", b"/\\x", b"/../x",
    b"/file.txt\t", b"a:80", b"http://u@a/file.txt", b"/" + b"a" * 9000]
VERSIONS = [b"HTTP/1.1"] * 20 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.10", b"HTTP/11",
                                 b"HTTP/1.", b"HTTP /1.1", b"", b"HTTP/01.1", b"HTTP/1.1 "]
HOSTS = [b"Host: a"] * 20 + [b"Host:", b"Host: a\r\nHost: b", b"Host: a\r\nhost: a", b"Host: a b", b"Host: a:", b"Host: a:x",
                             b"Host: [::1]", b"Host: [::1", b"Host: a/b", b"Host: u@a", b"Host: a,b", b"Host : a", b"X: y",
                             b"Host: a:99999", b"Host: \x01", b"Host: %41"]
FIELDS = [b"X: y", b"X:y", b"X:", b"X : y", b"X\t: y", b" X: y", b"X", b": y", b"X: y\r\n z", b"X: y\r\n\tz", b"X: \x00",
          b"X: a\x00b", b"X\x00: y", b"X: a\rb", b"X: a\nb", b"X: \xff", b"X: \x7f", b"X(: y", b"X: " + b"a" * 3000,
          b"Connection: keep-alive", b"Connection: close", b"Connection: x, close", b"Expect: 100-continue",
          b"Expect: 200-ok", b"Content_Length: 5", b"Upgrade: h2c", b"Trailer: T", b"TE: trailers", b"Content-Length: 0"]
LENGTHS = [b"%d"] * 12 + [b"+%d", b"-%d", b"0%d", b"%d ", b" %d", b"\t%d", b"%d,%d", b"%d, %d", b"%d.0", b"0x%d", b"%de0",
                          b"%d\x00", b"%d a", b"", b"1%d", b"18446744073709551616%d", b"\xa0%d", b"%d;", b"'%d'", b"%d\x0b",
                          b"1844674407370955161%d"]
CODINGS = [b"chunked"] * 14 + [b"Chunked", b"CHUNKED", b" chunked", b"chunked ", b"\tchunked", b"\x0bchunked", b"chunked, chunked",
                               b"gzip, chunked", b"chunked, gzip", b"identity", b"identity, chunked", b"chunked;a=b", b"xchunked",
                               b"chunkedx", b"\"chunked\"", b"chunked,", b",chunked", b"", b"chun\r\n ked", b"\r\n chunked",
                               b"chunked\x00", b"cow"]
NAMES = [b"Transfer-Encoding: "] * 12 + [b"Transfer-Encoding:", b"Transfer-Encoding : ", b"transfer-encoding: ",
                                         b"Transfer_Encoding: ", b"Transfer-Encoding\t: ", b" Transfer-Encoding: ",
                                         b"Transfer-Encoding:\x0b", b"X: y\nTransfer-Encoding: ", b"Transfer-Encoding\x00: "]
SIZES = [b"%x"] * 14 + [b"%X", b"0%x", b"000000000000000000%x", b"0x%x", b"+%x", b"-%x", b" %x", b"%x ", b"%x\t", b"%x;a", b"%x;a=b",
                        b"%x;a=\"b\"", b"%x ;a", b"%x; a", b"%x;", b"%x;a=\"\r\n", b"%x;\x00", b"%xg", b"", b"%x,", b"1%x",
                        b"10000000000000000%x", b"fffffffffffffff%x", b"%x;a\rb", b"%x;a\nb", b"%x\x00"]
ENDS = [b"\r\n"] * 30 + [b"\n", b"\r", b"\r\r\n", b" \r\n", b"\n\r\n", b"\r\n\r\n", b"", b"\x00\r\n"]
TRAILERS = [b""] * 14 + [b"T: v\r\n", b"Content-Length: 9\r\n", b"T\r\n", b" T: v\r\n", b"T : v\r\n", b"T: v\n", b"T: \x00\r\n",
                         b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"T: v\r\n w\r\n"]
BODIES = [b"hello", b"", b"a", INNER, b"x=1\r\n\r\n", b"\r\n", b"0\r\n\r\n", INNER * 2, b"5\r\nhello\r\n0\r\n\r\n"]
BYTES = [b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b":", b"\x0b", b"\xff", b"0", b"-", b",", b";", b"\x85", b"\x0c"]


def filled(pattern, number):
    """The pattern with its number, as often as it names it."""
    count = pattern.count(b"%d") + pattern.count(b"%x") + pattern.count(b"%X")
    return pattern % ((number,) * count)


def chunked(draw, body, odd):
    """The body in chunks."""
    def pick(choices):
        return draw.choice(choices) if odd else choices[0]

    out, rest = b"", body
    while rest:
        size = draw.randrange(1, len(rest) + 1)
        out += filled(pick(SIZES), size) + pick(ENDS) + rest[:size] + pick(ENDS)
        rest = rest[size:]
    return out + pick([b"0"] * 12 + [b"00", b"0;a=b", b"0 ", b"-0", b"0x0", b""]) + pick(ENDS) + pick(TRAILERS) + pick(ENDS)


def mutated(draw, data):
    """One change of bytes."""
    at = draw.randrange(len(data) + 1)
    how = draw.randrange(5)
    if how < 2:
        return data[:at] + draw.choice(BYTES) + data[at:]
    if how == 2:
        return data[:at] + draw.choice(BYTES) + data[at + 1:]
    if how == 3:
        return data[:at] + data[at + draw.randrange(1, 4):]
    end = min(len(data), at + draw.randrange(1, 30))
    return data[:end] + data[at:end] + data[end:]


def request(draw):
    """One request, mostly strange in one or two places."""
    odd = draw.randrange(7)  # which part is strange: 6 means none by the grammar

    def pick(choices, part):
        return draw.choice(choices) if odd == part else choices[0]

    method = draw.choice(METHODS) if odd == 0 else draw.choice((b"GET", b"POST", b"POST", b"PUT"))
    target = draw.choice(TARGETS) if odd == 0 else draw.choice((b"/file.txt", b"/synthetic/echo"))
    body = draw.choice(BODIES)
    fields = [pick(HOSTS, 1)]
    if odd == 2:
        fields += draw.choices(FIELDS, k=draw.randrange(1, 3))
    kind = draw.randrange(6)
    coding = draw.choice(NAMES) + draw.choice(CODINGS) if odd == 4 else NAMES[0] + CODINGS[0]
    lengths = [b"Content-Length: " + filled(pick(LENGTHS, 3), len(body))]
    if odd == 3 and draw.random() < 0.3:
        lengths.append(b"Content-Length: " + filled(draw.choice(LENGTHS), draw.choice((len(body), 0, 5))))
    if kind < 2:
        fields += lengths
    elif kind < 4:
        fields.append(coding)
        body = chunked(draw, body, odd == 5)
    elif kind == 4 and odd in (3, 4):
        fields += draw.sample([*lengths, coding], len(lengths) + 1)
        body = draw.choice((body, chunked(draw, body, False)))
    else:
        body = b""
    lines = [b" ".join((method, target, pick(VERSIONS, 0))), *fields]
    end = draw.choice(ENDS) if odd == 6 and draw.random() < 0.5 else b"\r\n"
    data = draw.choice([b""] * 8 + [b"\r\n", b"\n"]) + b"".join(line + (end if draw.random() < 0.5 else b"\r\n")
                                                               for line in lines) + b"\r\n" + body
    for _ in range(draw.choice((0, 0, 0, 1, 1, 2))):
        data = mutated(draw, data)
    return data
