"""The figures of a workload. Each is made together with its table, from the same numbers, and left out where there
are none."""
import dataclasses

from . import charts, metrics, numbers, placement, svg
from .status import PARTS

KEY = [
    ("socket.wait", "R", "hatched"),
    ("read", "R", "bar"),
    ("process.wait", "P", "hatched"),
    ("process", "P", "bar"),
    ("write.wait", "W", "hatched"),
    ("write", "W", "bar"),
]


UNACCOUNTED_NOTE = (
    "Unaccounted: the share of the latency, from when a request was due, for which the trace of a separate pass and the load "
    "generator's log together have no place."
)


def threads_that_worked(group):
    """`P*8`, or `P: 1 of 8` where the others of a pool had nothing to do."""
    letters, worked, most = group["group"], group["threads"], group.get("most", group["threads"])
    return f"{letters}*{worked}" if worked == most else f"{letters}: {worked} of {most}"


@dataclasses.dataclass
class Figure:
    name: str
    title: str
    note: str
    inline: str  # SVG for the page
    alone: str  # SVG for a file
    columns: list
    rows: list  # of texts
    csv_rows: list  # the same with whole numbers


class Maker:
    """Makes the figures of one workload."""

    def __init__(self, summary, workload):
        self.summary, self.workload = summary, workload
        self.subjects = summary.subjects(workload)
        self.number = {subject["name"]: i for i, subject in enumerate(summary.spec.subjects)}

    def titled(self, title):
        return placement.titled(title, self.summary.placement(self.workload))

    def named(self, what):
        return f"{self.workload['name']}-{what}".replace(" ", "-")

    def estimate(self, level, subject, key):
        return self.summary.estimate(self.workload, level, subject, key)

    def series(self, levels, key, x_of):
        """A series for each subject; levels without graded cells are gaps."""
        made = []
        for subject in self.subjects:
            points = [charts.Point(x_of(level), self.estimate(level, subject, key)) for level in levels]
            made.append(
                charts.Series(
                    subject["name"], self.number[subject["name"]], [p for p in points if p.estimate and p.x is not None]
                )
            )
        return made

    def table(self, levels, keys):
        """(columns, rows as texts, rows as numbers) of medians with intervals."""
        columns = ["model", "load", *(metrics.BY_KEY[key].title for key in keys), "graded", "grades"]
        texts, plain = [], []
        for level in levels:
            for subject in self.subjects:
                found = [self.estimate(level, subject, key) for key in keys]
                valid, tried = len(self.summary.valid(self.workload, level, subject)), len(
                    self.summary.all(self.workload, level, subject)
                )
                if level.kind == "climb" and not tried:
                    continue  # the search did not need it
                label = self.level_words(level)
                texts.append(
                    [
                        subject["name"],
                        label,
                        *(written(e, metrics.BY_KEY[key], valid) for e, key in zip(found, keys)),
                        f"{valid} of {tried}",
                        self.summary.grade_words(self.workload, level, subject),
                    ]
                )
                plain.append(
                    [
                        subject["name"],
                        label,
                        *(f"{e.median:.6g}" if e else "" for e in found),
                        f"{valid}/{tried}",
                        self.summary.grade_words(self.workload, level, subject),
                    ]
                )
        return columns, texts, plain

    def level_words(self, level):
        rate = self.summary.rate_at(self.workload, level) if level.kind == "slowest" else None
        return f"{level.label} ({numbers.amount(rate)}/s)" if rate else level.label

    def over_load(self, what, title, note, levels, key, x_of, across_of, write_x, x_label, log, beside=()):
        """Curves where there are several levels, else rows; in the table with the keys `beside`."""
        title, metric = self.titled(title), metrics.BY_KEY[key]
        series = self.series(levels, key, x_of)
        if not any(one.points for one in series):
            return None
        columns, texts, plain = self.table(levels, [key, *beside])
        if len({p.x for one in series for p in one.points}) > 1:
            pictures = charts.curves(
                self.named(what), title, series, across_of, write_x, short(metric), x_label, metric.title, log
            )
        else:
            entries = [(one.name, one.number, one.points[0].estimate) for one in series if one.points]
            entries.sort(key=lambda entry: entry[2].median * (-1 if metric.better == "more" else 1))
            pictures = charts.rows(self.named(what), title, entries, short(metric), log)
            note = f"{self.level_words(levels[0])}. {note}" if len(levels) == 1 else note
        return Figure(self.named(what), title, note, *pictures, columns, texts, plain)

    def throughput(self):
        levels = self.summary.closed(self.workload)
        values = [level.value for level in levels]
        return self.over_load(
            "throughput",
            "Throughput against load",
            "Closed loop: each answer brings the next request.",
            levels,
            "rate",
            lambda level: level.value,
            lambda a, b: svg.Named(values, a, b),
            numbers.count,
            "connections",
            False,
        )

    def latency(self, levels, key, word):
        """Against the rate that was asked for; of shares of one's own peak, against the share."""
        own = levels[0].kind in ("own", "climb")
        x_of = (lambda level: level.value) if own else (lambda level: self.summary.rate_at(self.workload, level))
        xs = sorted({x for x in map(x_of, levels) if x})
        against = "share of its own peak" if own else "rate"
        return self.over_load(
            f"{word}-{'own' if own else 'rate'}",
            f"Latency, {metrics.BY_KEY[key].title}, against {against}",
            "From the moment a request was due, including the wait for a free connection."
            if key == "p99_us"
            else "From the moment a request was due.",
            levels,
            key,
            x_of,
            lambda a, b: svg.Named(xs, a, b),
            numbers.share if own else numbers.amount,
            "share of its own peak" if own else "requests/s, the same for all",
            True,
            ("send_lag_p99_us", "own_lag_p99_us") if key == "p99_us" else (),
        )

    def answered(self, levels):
        """Where the offered rate exceeds the capacity, the curve bends."""
        if len(levels) < 3:
            return None
        return self.over_load(
            "answered",
            "Answered against offered load",
            "Open loop. Where the generator itself fell behind, the figure is a lower bound.",
            levels,
            "rate",
            lambda level: level.value,
            lambda a, b: svg.Named([level.value for level in levels], a, b),
            numbers.share,
            "offered, share of its own peak",
            False,
        )

    def stages(self, level, what):
        """Mean times of the parts, which add up to the sojourn; where it is not known, to the total."""
        found = [(subject, self.summary.middle(self.workload, level, subject)) for subject in self.subjects]
        found = [(subject["name"], record["status"]["intervals"]) for subject, record in found if record]
        if not found:
            return None
        entries = [(name, stage_pieces(name, parts), numbers.time_us(whole_mean(parts))) for name, parts in found]
        entries.sort(key=lambda entry: sum(piece.value for piece in entry[1]))
        columns = [*PARTS, "total", "sojourn"]
        shown = [(name, [(parts[part]["mean"], parts[part]["p99"]) for part in columns]) for name, parts in found]
        title = self.titled(f"Where a request's time goes, {self.level_words(level)}")
        figure = Figure(
            self.named(what),
            title,
            "Mean time from a request's arrival in its socket, of the middle repetition; hatched parts are waits in the "
            "socket, in a queue or for a wakeup. Without a trace only one request in eight has a time in the socket, and so a "
            "sojourn, while all have a total. So the mean or the p99 of the sojourn may be below that of the total, though no request's "
            "sojourn is below its total.",
            *charts.stacks(self.named(what), title, entries, KEY, numbers.time_us),
            ["model (mean / p99)", *columns],
            [[name, *(f"{numbers.time_us(mean)} / {numbers.time_us(p99)}" for mean, p99 in pairs)] for name, pairs in shown],
            [[name, *(plain_pair(mean, p99) for mean, p99 in pairs)] for name, pairs in shown],
        )
        return self.with_ledgers(figure)

    def with_ledgers(self, figure):
        """Beside the stage times of each model: how much of the time its traced run has no place for."""
        ledgers = {subject["name"]: self.summary.ledger(self.workload, subject) for subject in self.subjects}
        if any(ledgers.values()):
            figure.note += f" {UNACCOUNTED_NOTE}"
            figure.columns.append("unaccounted")
            for text, plain in zip(figure.rows, figure.csv_rows):
                share = (ledgers[text[0]] or {}).get("unaccounted_share")
                text.append(numbers.share(share))
                plain.append("" if share is None else f"{share:.6g}")
        return figure

    def costs(self, level, key, what, title):
        title, metric = self.titled(title), metrics.BY_KEY[key]
        entries = [
            (subject["name"], self.number[subject["name"]], estimate)
            for subject, estimate in self.summary.estimates(self.workload, level, key)
        ]
        if not entries:
            return None
        entries.sort(key=lambda entry: entry[2].median)
        pictures = charts.rows(self.named(what), title, entries, short(metric))
        return Figure(
            self.named(what),
            title,
            f"{self.level_words(level)}. Of the server and its children.",
            *pictures,
            *self.table([level], [key]),
        )

    def threads(self, level):
        entries, texts, plain = [], [], []
        for subject in self.subjects:
            record = self.summary.middle(self.workload, level, subject)
            for group in record["status"]["threads"] if record else []:
                shade = main_letter(group["group"])
                held = max(0.0, group["busy"] - group["cpu"] - group["cpu_wait"])
                pieces = [
                    charts.Piece(group["cpu"], shade, "bar", "on a CPU"),
                    charts.Piece(group["cpu_wait"], shade, "hatched", "waits for a CPU"),
                    charts.Piece(held, shade, "pale", "blocked otherwise"),
                ]
                label = f"{subject['name']} {threads_that_worked(group)}"
                shown = [group["cpu"], group["cpu_wait"], group["busy"], group["busiest"]]
                entries.append((label, pieces, f"{sum(p.value for p in pieces):.2f}"))
                texts.append([label, *(f"{value:.2f}" for value in shown[:3]), numbers.share(shown[3])])
                plain.append([label, *(f"{value:.4f}" for value in shown)])
        if not entries:
            return None
        title = self.titled(f"Threads at work, {self.level_words(level)}")
        key = [("on a CPU", "N", "bar"), ("waits for a CPU", "N", "hatched"), ("blocked otherwise", "N", "pale")]
        pictures = charts.stacks(
            self.named("threads"), title, entries, key, lambda value: f"{value:g}" if value else "0"
        )
        return Figure(
            self.named("threads"),
            title,
            "Mean number of busy threads of a group, in the middle repetition; 1 means one thread all the time. "
            "Busy is on a CPU, waiting for one, or blocked otherwise.",
            *pictures,
            ["model and group", "on a CPU", "waits for a CPU", "busy", "busiest thread"],
            texts,
            plain,
        )

    def queues(self, level):
        entries, texts, plain = [], [], []
        for subject in self.subjects:
            record = self.summary.middle(self.workload, level, subject)
            for queue in record["status"]["queues"] if record else []:
                label = f"{subject['name']} {queue['name']}"
                entries.append((label, main_letter(queue["name"]), queue["mean_depth"], queue["peak_since_start"]))
                each = queue["rung"] / queue["put"]
                texts.append(
                    [
                        label,
                        numbers.amount(queue["mean_depth"]),
                        numbers.count(queue["peak_since_start"]),
                        numbers.time_us(queue["wait_p50_us"]),
                        numbers.time_us(queue["wait_p99_us"]),
                        numbers.share(each),
                        numbers.amount(queue["batch"]),
                    ]
                )
                plain.append(
                    [
                        label,
                        *(
                            f"{value:.6g}" if value is not None else ""
                            for value in (
                                queue["mean_depth"],
                                queue["peak_since_start"],
                                queue["wait_p50_us"],
                                queue["wait_p99_us"],
                                each,
                                queue["batch"],
                            )
                        ),
                    ]
                )
        if not entries:
            return None
        title = self.titled(f"Items in the queues, {self.level_words(level)}")
        pictures = charts.depths(self.named("queues"), title, entries, numbers.amount)
        return Figure(
            self.named("queues"),
            title,
            "Of the middle repetition. The mean follows from the time that each item waited. "
            "A queue R also holds connections put without ringing, which do not delay a request.",
            *pictures,
            ["model and queue", "mean depth", "peak", "wait, p50", "wait, p99", "puts that rang", "batch"],
            texts,
            plain,
        )


def stage_pieces(name, parts):
    return [
        charts.Piece(parts[part]["mean"] or 0, shade, style, f"{name}, {part}: {numbers.time_us(parts[part]['mean'])}")
        for part, shade, style in KEY
    ]


def whole_mean(parts):
    return parts["sojourn" if parts["sojourn"]["mean"] is not None else "total"]["mean"]


def plain_pair(mean, p99):
    return f"{mean:.6g}/{p99:.6g}" if mean is not None and p99 is not None else ""


def main_letter(letters):
    """The stage whose colour stands for a group."""
    return next((letter for letter in "PRWKL" if letter in letters.upper()), "N")


def written(estimate, metric, valid=0):
    """With its interval. Of graded runs without the figure: a dash, as where a percentile has too few requests."""
    if estimate is None:
        return numbers.NONE if valid else "no graded run"
    if estimate.count == 1:
        return estimate.text(metric.write)
    return f"{estimate.text(metric.write)} ({metric.write(estimate.low)} to {metric.write(estimate.high)})"


def short(metric):
    """As it stands at an axis: thousands as k."""
    if metric.key != "rate":
        return metric.write
    return lambda value: f"{value / 1000:g}k" if value >= 1000 and value % 100 == 0 else numbers.amount(value)


def at_level(make, busy, featured):
    """The figures of one level: of `featured`, or of `busy` where there is one."""
    made = [make.stages(featured, "stages")]
    if busy and busy != featured:
        made.append(make.stages(busy, "stages-busy"))
    level = busy or featured
    return made + [
        make.costs(level, "cpu_us", "cpu", "CPU time per request"),
        make.costs(level, "voluntary", "switches", "Voluntary context switches per request"),
        make.threads(featured),
        make.queues(featured),
    ]


def of_workload(summary, workload):
    """All figures of a workload, in the order in which one reads them."""
    make = Maker(summary, workload)
    busy, featured = summary.busy_level(workload), summary.featured(workload)
    made = [make.throughput()] if summary.closed(workload) else []
    for levels in (summary.common(workload), summary.own(workload)):
        if levels:
            made += [
                make.latency(levels, key, word)
                for key, word in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p999"))
            ]
    made.append(make.answered(summary.own(workload)))
    if featured is not None:
        made += at_level(make, busy, featured)
    return [figure for figure in made if figure is not None]
