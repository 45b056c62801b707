"""Numbers as people read them: three digits that count, a unit that leaves at least one before the point."""
import math
import re

NONE = "-"
TIME_UNITS = [(1e-3, "ns"), (1.0, "us"), (1e3, "ms"), (1e6, "s")]
TIME_WORDS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}


def known(value):
    return value is not None and math.isfinite(value)


def digits3(value):
    """3.35, 31.0, 204; larger ones with commas."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    before = math.floor(math.log10(abs(rounded)) + 1e-9) + 1
    return f"{rounded:,.{min(3, max(0, 3 - before))}f}"


def time_us(value):
    """Microseconds in the largest unit that leaves one of it."""
    if not known(value):
        return NONE
    if value == 0:
        return "0"
    unit = TIME_UNITS[0]
    for candidate in TIME_UNITS:
        if abs(value) >= 0.9995 * candidate[0]:
            unit = candidate
    return f"{digits3(value / unit[0])} {unit[1]}"


def count(value):
    """Whole, with commas."""
    return f"{round(value):,}" if known(value) else NONE


def noun(how_many, one):
    """server, servers: where the plural ends in s."""
    return one if how_many == 1 else one + "s"


def counted(how_many, one):
    """1 server, 2 servers."""
    return f"{how_many} {noun(how_many, one)}"


def amount(value):
    """Requests a second and the like: whole from a hundred on."""
    if not known(value):
        return NONE
    return count(value) if abs(value) >= 100 else digits3(value)


def size_kib(value):
    if not known(value):
        return NONE
    return f"{digits3(value / 1024)} MiB" if value >= 1024 else f"{digits3(value)} KiB"


def tick(write):
    """As `write` does, without zeros that say nothing: for axes, whose numbers are round."""

    def shorter(value):
        return re.sub(r"(\.\d*?)0+(?=\D|$)", lambda match: match[1].rstrip("."), write(value))

    return shorter


def share(value):
    if not known(value):
        return NONE
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def clock(seconds):
    """How long something takes: 45 s, 3 min 20 s, 2 h 5 min."""
    seconds = max(0, round(seconds))
    if seconds < 100:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def read_time_s(text):
    """The seconds of 10s, 250ms, 100us; ValueError for anything else."""
    for unit in ("us", "ms", "s", "m", "h"):
        digits = text[: -len(unit)]
        if text.endswith(unit) and digits.isascii() and digits.isdigit():
            return int(digits) * TIME_WORDS[unit] / 1e6
    raise ValueError(text)


def write_time(seconds):
    """As the programs read it."""
    microseconds = round(seconds * 1e6)
    if microseconds % 1_000_000 == 0:
        return f"{microseconds // 1_000_000}s"
    return f"{microseconds // 1000}ms" if microseconds % 1000 == 0 else f"{microseconds}us"
