"""HdrHistogram logs: reading, adding and writing them.

Those of one program are all made with the same head (lowest value 1, the same digits, V2 encoding), so that two
histograms are added count by count, without ever turning a bucket into a value.
"""
import base64
import struct
import zlib

HEAD = 40
SUB_BITS = {2: 7, 3: 10}  # by digits
COOKIE_DEFLATED = 0x1C849304 | 0x10
LAST_BYTE = 9  # of a number; it holds eight bits, the others seven


def numbers_of(data):
    """Zigzag LEB128."""
    at = 0
    while at < len(data):
        value = shift = 0
        for place in range(1, LAST_BYTE + 1):
            byte = data[at]
            at += 1
            value |= (byte if place == LAST_BYTE else byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield value >> 1 ^ -(value & 1)


def number_bytes(value):
    left = (value << 1 ^ value >> 63) & (1 << 64) - 1
    out = bytearray()
    while left >= 0x80 and len(out) < LAST_BYTE - 1:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def decode(text):
    """(head, counts) of one compressed histogram; ValueError when it is none of ours."""
    try:
        packed = base64.b64decode(text, validate=True)
        cookie, length = struct.unpack(">II", packed[:8])
        data = zlib.decompress(packed[8 : 8 + length])
        if cookie != COOKIE_DEFLATED or len(data) < HEAD:
            raise ValueError
        counts = []
        for number in numbers_of(data[HEAD:]):
            counts += [number] if number >= 0 else [0] * -number
    except (struct.error, zlib.error, IndexError, ValueError):
        raise ValueError("not a histogram of quartet-load") from None
    return data[:HEAD], counts


def encode(head, counts):
    body, at = bytearray(), 0
    while counts and counts[-1] == 0:
        counts = counts[:-1]
    while at < len(counts):
        run = 1
        while counts[at] == 0 and counts[at + run] == 0:
            run += 1
        body += number_bytes(-run if run > 1 else counts[at])
        at += run
    data = zlib.compress(head[:4] + struct.pack(">I", len(body)) + head[8:] + bytes(body), 1)
    return base64.b64encode(struct.pack(">II", COOKIE_DEFLATED, len(data)) + data).decode()


def read(text):
    """(comment and heading lines, [(start, length, max, head, counts)])."""
    top, rows = [], []
    for line in text.splitlines():
        if line.startswith(("#", '"')):
            top.append(line)
        else:
            start, length, most, packed = line.split(",")
            rows.append((float(start), float(length), float(most), *decode(packed)))
    return top, rows


def add(first, second):
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    return [count + (shorter[i] if i < len(shorter) else 0) for i, count in enumerate(longer)]


def merge(texts):
    """One log of several that began at the same time: the n-th intervals of all are one."""
    logs = [read(text) for text in texts]
    lines = list(logs[0][0])
    for group in range(max(len(rows) for _, rows in logs)):
        rows = [rows[group] for _, rows in logs if group < len(rows)]
        counts = []
        for row in rows:
            counts = add(counts, row[4])
        lines.append(
            f"{rows[0][0]:.3f},{max(row[1] for row in rows):.3f},{max(row[2] for row in rows):.6f},"
            f"{encode(rows[0][3], counts)}"
        )
    return "\n".join(lines) + "\n"


def highest(index, head):
    """The highest value that a count at this place stands for."""
    bits = SUB_BITS[struct.unpack(">I", head[12:16])[0]]
    run = 1 << bits
    bucket, sub = (index >> bits) - 1, (index & run - 1) + run
    if bucket < 0:
        bucket, sub = 0, sub - run
    return (sub + 1 << bucket) - 1
