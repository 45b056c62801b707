"""Drawing by hand: a sheet of SVG, and scales with round numbers on them.

All figures are a phone's width or a little more, and are set beside each other where there is room; so their text is
readable everywhere. Colours are the status page's (core/web/page.css), and follow the reader's scheme and the printer.
"""
import html
import math
import textwrap

STYLE = """
.fig { --ground: #ffffff; --ink: #1c2430; --soft: #566170; --line: #e2e4e6; --hatch-back: 22%;
  --L: #5a6b80; --K: #86498f; --R: #2866a8; --P: #b9570a; --W: #0b7d69; --N: #46525f;
  --s0: #2f6fc4; --s1: #cc4b16; --s2: #14876f; --s3: #8e4a9e; --s4: #97700a; --s5: #c2336f;
  --s6: #55761d; --s7: #117d93; --s8: #5f5a55; --s9: #6d4fd0; --s10: #9b2c2c;
  font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
@media screen and (prefers-color-scheme: dark) { .fig { --ground: #1a1e24; --ink: #e4e8ed; --soft: #98a3b1; --line: #2b313a; --hatch-back: 26%;
  --L: #9fb0c5; --K: #d29bdc; --R: #78b0ee; --P: #f2a45c; --W: #55c7b1; --N: #b4bfcb;
  --s0: #7cb4f0; --s1: #f9935a; --s2: #5ed0b5; --s3: #d6a2e0; --s4: #dcb64c; --s5: #f48fb1;
  --s6: #a9c46c; --s7: #67d3e8; --s8: #b8b2ab; --s9: #b79bff; --s10: #f08a8a; } }
.fig text { fill: var(--ink); } .fig .soft { fill: var(--soft); } .fig .small { font-size: 11.5px; } .fig .strong { font-weight: 600; }
.fig .middle { text-anchor: middle; } .fig .end { text-anchor: end; }
.fig .grid { stroke: var(--line); stroke-width: 1; } .fig .axis { stroke: var(--soft); stroke-width: 1; }
.fig .curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; } .fig .whisker { stroke: var(--c); stroke-width: 1.4; }
.fig .range { fill: color-mix(in srgb, var(--c) 26%, var(--ground)); } .fig .dot { fill: var(--c); stroke: var(--ground); stroke-width: 1.2; }
.fig .one { stroke: var(--c); stroke-width: 1.2; opacity: .75; } .fig .bar { fill: var(--c); }
.fig .hatch { fill: color-mix(in srgb, var(--c) var(--hatch-back), var(--ground)); } .fig .stripe { fill: var(--c); }
.fig .pale { fill: color-mix(in srgb, var(--c) 35%, var(--ground)); } .fig .ring { fill: var(--ground); stroke: var(--c); stroke-width: 1.8; }
""" + "".join(
    f".fig .c-{name} {{ --c: var(--{name}); }}\n" for name in [*(f"s{i}" for i in range(11)), *"LKRPWN"]
)

SERIES = 11
MARKS = [
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
    "M-3.6-3.6h7.2v7.2h-7.2Z",
    "M0-4.8L4.6 3.4H-4.6Z",
    "M0-5L5 0L0 5L-5 0Z",
    "M0 4.8L4.6-3.4H-4.6Z",
    "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3Z",
]
CHARACTER = 6.7  # about as wide as one of the text is
LEADING = 13  # from one line of a label to the next


class Sheet:
    """Marks on paper; x to the right, y down."""

    def __init__(self, width, height, name):
        self.width, self.height, self.name = width, height, name
        self.parts, self.patterns = [], {}

    def text(self, x, y, words, cls=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}">{html.escape(str(words))}</text>')

    def label(self, x, y, words, width):
        """The name of a row, to the left of x, centred about y; in several lines where it is longer than the width."""
        lines = lines_of(words, width)
        for number, line in enumerate(lines):
            self.text(x, y + 4 + LEADING * (number - (len(lines) - 1) / 2), line, "end")

    def line(self, x1, y1, x2, y2, cls):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{cls}"/>')

    def rect(self, x, y, width, height, cls, radius=0, title=None):
        round_words = f' rx="{radius}"' if radius else ""
        inside = f"<title>{html.escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0, width):.1f}" height="{height:.1f}"{round_words} class="{cls}">{inside}</rect>'
        )

    def curve(self, points, cls):
        words = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{words}" class="curve {cls}"/>')

    def mark(self, x, y, series, cls, title=None):
        inside = f"<title>{html.escape(title)}</title>" if title else ""
        self.parts.append(
            f'<path d="{MARKS[series % len(MARKS)]}" transform="translate({x:.1f} {y:.1f})" class="dot {cls}">{inside}</path>'
        )

    def hatched(self, x, y, width, height, colour, title=None):
        """Waiting: stripes on a pale ground. A pattern's name is the figure's own, since all share one page."""
        name = f"{self.name}-{colour}"
        self.patterns[name] = (
            f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" class="c-{colour}">'
            f'<rect width="6" height="6" class="hatch"/><rect width="2.4" height="6" class="stripe"/></pattern>'
        )
        inside = f"<title>{html.escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0, width):.1f}" height="{height:.1f}" fill="url(#{name})">{inside}</rect>'
        )

    def svg(self, title, alone):
        """The picture; `alone` brings its style along, for a file of its own."""
        style = f"<style>{STYLE}</style>" if alone else ""
        ground = f'<rect width="{self.width}" height="{self.height:.0f}" style="fill:var(--ground)"/>' if alone else ""
        size = f' width="{self.width}" height="{self.height:.0f}"' if alone else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="fig" viewBox="0 0 {self.width} {self.height:.0f}"{size} role="img" '
            f'aria-label="{html.escape(title, quote=True)}">{style}<defs>{"".join(self.patterns.values())}</defs>{ground}{"".join(self.parts)}</svg>'
        )


class Linear:
    """From zero up, to a round number."""

    def __init__(self, largest, start, end):
        self.step = round_step(largest / 4 if largest > 0 else 1)
        self.top = math.ceil(largest / self.step - 1e-9) * self.step if largest > 0 else self.step
        self.start, self.end = start, end

    def at(self, value):
        return self.start + (self.end - self.start) * value / self.top

    def ticks(self):
        return [self.step * i for i in range(round(self.top / self.step) + 1)]


class Log:
    """Whole decades are too wide for most figures: it ends at 1, 2 or 5 of one."""

    def __init__(self, smallest, largest, start, end):
        smallest = max(smallest, 1e-9)
        largest = max(largest, smallest * 1.01)
        self.low = round_down(smallest)
        self.high = round_up(largest)
        if self.high <= self.low:
            self.high = self.low * 10
        self.start, self.end = start, end

    def at(self, value):
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * min(1.0, share)

    def ticks(self):
        steps = (1, 2, 5) if self.high / self.low <= 150 else (1,)
        found = [step * 10.0**power for power in range(-10, 13) for step in steps]
        return [tick for tick in found if self.low * 0.999 <= tick <= self.high * 1.001]


class Named:
    """Given places only, such as numbers of connections, evenly apart."""

    def __init__(self, values, start, end):
        self.values = list(values)
        inset = (end - start) * 0.06
        self.start, self.end = start + inset, end - inset

    def at(self, value):
        if len(self.values) == 1:
            return (self.start + self.end) / 2
        return self.start + (self.end - self.start) * self.values.index(value) / (len(self.values) - 1)

    def ticks(self):
        return self.values


def round_step(least):
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= least * 0.9999)


def round_down(value):
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max(step * power for step in (1, 2, 5) if step * power <= value * 1.0001)


def round_up(value):
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return min(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.9999)


LABEL_LINES = 2


def lines_of(text, width):
    """A label broken between words into lines that fit, the last of them cut where there is still more."""
    room = max(2, int(width / CHARACTER))
    return textwrap.wrap(text, room, max_lines=LABEL_LINES, placeholder="\u2026", break_on_hyphens=False) or [""]


def cut(text, width):
    """A name that fits."""
    room = int(width / CHARACTER)
    return text if len(text) <= room else text[: max(1, room - 1)] + "\u2026"
