"""Kinds of figure: curves over load, rows of medians, stacked rows. Each takes plain series and knows nothing of
servers."""
import dataclasses
import math

from . import numbers, svg

WIDTH = 480
RIGHT = 14
ROW = 27
LABELS_LEAST, LABELS_MOST = 124, 224  # of the width, for the names of rows


@dataclasses.dataclass
class Point:
    """A median with its interval at some place of the x axis."""

    x: float
    estimate: object


@dataclasses.dataclass
class Series:
    name: str
    number: int  # decides colour and mark, the same in all figures
    points: list


def left_of(labels):
    """Where the bars begin: behind the longest label, where it leaves them half of the width."""
    longest = max(map(len, labels), default=0)
    return min(LABELS_MOST, max(LABELS_LEAST, math.ceil(svg.CHARACTER * longest + 8)))


def colour(number):
    return f"c-s{number % svg.SERIES}"


def legend_rows(names, width):
    """Names wrapped into rows: [[(index, name, x)]]."""
    rows, x = [[]], 0
    for index, name in enumerate(names):
        needed = 22 + svg.CHARACTER * len(name) + 12
        if rows[-1] and x + needed > width:
            rows.append([])
            x = 0
        rows[-1].append((index, name, x))
        x += needed
    return rows


def draw_legend(sheet, series, top, left):
    rows = legend_rows([svg.cut(one.name, 200) for one in series], WIDTH - left - RIGHT)
    for number, row in enumerate(rows):
        for index, name, x in row:
            y = top + 19 * number
            sheet.mark(left + x + 6, y - 4, series[index].number, colour(series[index].number))
            sheet.text(left + x + 16, y, name)
    return top + 19 * len(rows)


def value_axis(sheet, scale, write, left, label):
    """Horizontal lines with values at the left."""
    for tick in scale.ticks():
        y = scale.at(tick)
        sheet.line(left, y, WIDTH - RIGHT, y, "grid")
        sheet.text(left - 7, y + 4, numbers.tick(write)(tick), "soft small end")
    sheet.text(0, 13, label, "soft small")


def draw_series(sheet, one, across, up, write, aside):
    """`aside` moves it a little, so that intervals at one place do not hide each other."""
    shade = colour(one.number)
    sheet.curve([(across.at(p.x) + aside, up.at(p.estimate.median)) for p in one.points], shade)
    for point in one.points:
        x, estimate = across.at(point.x) + aside, point.estimate
        sheet.line(x, up.at(estimate.low), x, up.at(estimate.high), f"whisker {shade}")
        interval = f"{write(estimate.low)} to {write(estimate.high)}"
        title = f"{one.name}: {estimate.text(write)} ({interval}), {estimate.count} repetitions"
        sheet.mark(x, up.at(estimate.median), one.number, shade, title)


def curves(name, title, series, across_of, write_x, write_y, x_label, y_label, log_y=False):
    """Lines over load. `across_of(start, end)` makes the x scale."""
    series = sorted((one for one in series if one.points), key=lambda one: -one.points[-1].estimate.median)
    left, top, bottom = 62, 24, 258
    sheet = svg.Sheet(WIDTH, 0, name)
    values = [value for one in series for p in one.points for value in (p.estimate.low, p.estimate.high)]
    positive = [value for value in values if value > 0] or [1]
    up = svg.Log(min(positive), max(positive), bottom, top) if log_y else svg.Linear(max(values), bottom, top)
    across = across_of(left, WIDTH - RIGHT)
    value_axis(sheet, up, write_y, left, y_label)
    sheet.line(left, bottom, WIDTH - RIGHT, bottom, "axis")
    for tick in across.ticks():
        sheet.text(across.at(tick), bottom + 17, numbers.tick(write_x)(tick), "soft small middle")
    sheet.text((left + WIDTH - RIGHT) / 2, bottom + 35, x_label, "soft small middle")
    for place, one in reversed(list(enumerate(series))):
        draw_series(sheet, one, across, up, write_y, 4 * (place - (len(series) - 1) / 2))
    sheet.height = draw_legend(sheet, series, bottom + 60, left) - 6
    return sheet.svg(title, False), sheet.svg(title, True)


def value_scale(values, log, start, end):
    """Log where asked for and it spreads; never where something is zero."""
    if log and min(values) > 0:
        return svg.Log(min(values), max(values), start, end)
    return svg.Linear(max(values), start, end)


def bottom_axis(sheet, scale, write, top, bottom):
    last = -1e9
    for tick in scale.ticks():
        x = scale.at(tick)
        sheet.line(x, top, x, bottom, "grid")
        words = numbers.tick(write)(tick)
        half = svg.CHARACTER * len(words) / 2
        if x - half > last + 6 and x + half < WIDTH + 8:
            sheet.text(x, bottom + 16, words, "soft small middle")
            last = x + half


def rows(name, title, entries, write, log=False):
    """A row for each: interval as a bar, repetitions as ticks, the median as a mark and in words.
    `entries` are (name, number, estimate)."""
    left, right, top = left_of(label for label, *_ in entries), 84, 8
    sheet = svg.Sheet(WIDTH, top + ROW * len(entries) + 26, name)
    bottom = top + ROW * len(entries)
    scale = value_scale([v for *_, e in entries for v in (e.low, e.high)], log, left, WIDTH - right)
    bottom_axis(sheet, scale, write, top, bottom)
    for row, (label, number, estimate) in enumerate(entries):
        y = top + ROW * row + ROW / 2
        shade = colour(number)
        sheet.label(left - 10, y, label, left - 8)
        low, high = scale.at(estimate.low), scale.at(estimate.high)
        sheet.rect(low - 1, y - 6, high - low + 2, 12, f"range {shade}", 3)
        for value in estimate.values:
            sheet.line(scale.at(value), y - 6, scale.at(value), y + 6, f"one {shade}")
        sheet.mark(
            scale.at(estimate.median), y, number, shade, f"{label}: {write(estimate.low)} to {write(estimate.high)}"
        )
        sheet.text(WIDTH, y + 4, estimate.text(write), "end strong")
    return sheet.svg(title, False), sheet.svg(title, True)


@dataclasses.dataclass
class Piece:
    """A part of a stacked row. Hatched is waiting, pale is what is neither."""

    value: float
    colour: str
    style: str = "bar"
    title: str = ""


def draw_piece(sheet, piece, x, y, width):
    if piece.style == "hatched":
        sheet.hatched(x, y, width, 16, piece.colour, piece.title)
    else:
        sheet.rect(x, y, width, 16, f"{piece.style} c-{piece.colour}", title=piece.title)


def draw_swatches(sheet, key, y):
    """The legend of stacked rows: (word, colour, style)."""
    x = 0
    for word, shade, style in key:
        needed = 20 + svg.CHARACTER * len(word) + 14
        if x + needed > WIDTH + 10:
            x, y = 0, y + 19
        if style == "hatched":
            sheet.hatched(x, y - 9, 14, 10, shade)
        else:
            sheet.rect(x, y - 9, 14, 10, f"{style} c-{shade}", 2)
        sheet.text(x + 19, y, word, "soft small")
        x += needed
    return y


def stacks(name, title, entries, key, write, marks=None):
    """A row for each: pieces end to end, their sum in words. `entries` are (name, pieces, words); `marks` are values
    that get a ring in their row, by name."""
    left, right = left_of(label for label, *_ in entries), 78
    sheet = svg.Sheet(WIDTH, 0, name)
    top = draw_swatches(sheet, key, 12) + 12
    bottom = top + ROW * len(entries)
    largest = max([sum(p.value for p in pieces) for _, pieces, _ in entries] + [v for v in (marks or {}).values()])
    scale = svg.Linear(largest, left, WIDTH - right)
    bottom_axis(sheet, scale, write, top, bottom)
    for row, (label, pieces, words) in enumerate(entries):
        y, x = top + ROW * row + (ROW - 16) / 2, left
        sheet.label(left - 10, y + 8, label, left - 8)
        for piece in pieces:
            width = scale.at(piece.value) - left
            draw_piece(sheet, piece, x, y, width)
            x += width
        sheet.text(WIDTH, y + 12, words, "end strong")
    sheet.height = bottom + 26
    return sheet.svg(title, False), sheet.svg(title, True)


def depths(name, title, entries, write):
    """A row for each queue: mean depth as a mark, peak as a ring, on a log scale. `entries` are (name, colour, mean,
    peak)."""
    left, right = left_of(label for label, *_ in entries), 84
    sheet = svg.Sheet(WIDTH, 0, name)
    sheet.parts.append('<circle cx="6" cy="8" r="4.5" class="bar c-N"/>')
    sheet.text(16, 12, "mean, over the run", "soft small")
    sheet.parts.append('<circle cx="150" cy="8" r="4.5" class="ring c-N"/>')
    sheet.text(160, 12, "most, since the start", "soft small")
    top = 24
    bottom = top + ROW * len(entries)
    values = [v for *_, mean, peak in entries for v in (mean, peak) if v > 0] or [1]
    scale = svg.Log(max(0.001, min(values)), max(values), left, WIDTH - right)
    bottom_axis(sheet, scale, write, top, bottom)
    for row, (label, shade, mean, peak) in enumerate(entries):
        y = top + ROW * row + ROW / 2
        sheet.label(left - 10, y, label, left - 8)
        sheet.line(scale.at(mean), y, scale.at(peak), y, f"whisker c-{shade}")
        sheet.parts.append(f'<circle cx="{scale.at(peak):.1f}" cy="{y:.1f}" r="4.5" class="ring c-{shade}"/>')
        sheet.parts.append(f'<circle cx="{scale.at(mean):.1f}" cy="{y:.1f}" r="4.5" class="bar c-{shade}"/>')
        sheet.text(WIDTH, y + 4, f"{write(mean)} / {write(peak)}", "end strong")
    sheet.height = bottom + 26
    return sheet.svg(title, False), sheet.svg(title, True)
