"""A comparison cut into cells: subject x workload x level x repetition.

A cell's name is a hash of all that decides what it measures, so that the same spec names the same cells whenever and
wherever it is read: that is what resuming and sharing a comparison among machines rest on. Rates that are shares of a
peak are not known beforehand; their cells are named by the share.
"""
import dataclasses
import hashlib
import json
import random


KINDS = ("closed", "rate", "slowest", "own", "climb")


@dataclasses.dataclass(frozen=True)
class Level:
    """How much load. `kind` says what `value` is: connections of a closed loop, requests a second of an open one, or a
    share of the peak of the slowest or of the subject itself. The steps of a climb are shares of the subject's own
    peak, of which a search (search.py) tries some."""

    kind: str  # of KINDS
    value: float
    connections: int

    @property
    def is_open(self):
        return self.kind != "closed"

    @property
    def key(self):
        return f"{self.kind}-{self.value:g}"

    @property
    def label(self):
        if self.kind == "closed":
            return f"{self.value:g} connection{'s' if self.value != 1 else ''}, closed loop"
        if self.kind == "rate":
            return f"{self.value:,g} requests/s"
        whose = "the slowest's peak" if self.kind == "slowest" else "its own peak"
        return f"{100 * self.value:g} % of {whose}"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One measurement to be made. `purpose` is measure, or one that is kept out of all medians: peak for a closed loop that
    only finds what shares refer to, trace or syscalls for a separate pass."""

    id: str
    purpose: str
    subject: dict
    workload: dict
    level: Level
    repetition: int
    times: dict

    @property
    def title(self):
        what = "" if self.purpose == "measure" else f", {self.purpose}"
        return f"{self.subject['name']}, {self.workload['name']}, {self.level.label}{what}"


CLIMB_MOST = 3.0  # times the peak: no server sustains more than that in an open loop


def steps_of(step):
    """Shares of the peak that a climb may try."""
    return [round(step * nth, 6) for nth in range(1, int(CLIMB_MOST / step + 1e-9) + 1)] if step else []


def asked_levels(spec):
    """The levels of the spec."""
    asked = spec.levels
    closed = [Level("closed", count, count) for count in sorted(asked["connections"])]
    opened = asked["open_connections"]
    return (
        closed
        + [Level("rate", rate, opened) for rate in sorted(asked["rates"])]
        + [Level("slowest", share, opened) for share in sorted(asked["shares_of_slowest"])]
        + [Level("own", share, opened) for share in sorted(asked["shares_of_own"])]
        + [Level("climb", share, opened) for share in steps_of(asked["climb"])]
    )


def levels_for(spec, workload):
    """The levels at which a workload runs: its own where it has some, else those of the spec."""
    opened = spec.levels["open_connections"]
    own = (
        [Level("closed", count, count) for count in sorted(workload.get("connections", []))]
        + [Level("rate", rate, opened) for rate in sorted(workload.get("rates", []))]
        + [Level("slowest", share, opened) for share in sorted(workload.get("shares_of_slowest", []))]
    )
    return own or asked_levels(spec)


def most_connections(spec):
    """Of all levels of all workloads."""
    return max(level.connections for workload in spec.workloads for level in levels_for(spec, workload))


def levels_of(spec):
    """All levels of all workloads, in the order of the kinds."""
    found = dict.fromkeys(level for workload in spec.workloads for level in levels_for(spec, workload))
    return sorted(found, key=lambda level: (KINDS.index(level.kind), level.value))


def make_cell(spec, purpose, subject, workload, level, repetition):
    times = {"warmup": spec.warmup, "settle": spec.settle, "duration": spec.duration}
    content = [
        purpose,
        subject,
        workload,
        dataclasses.asdict(level),
        repetition,
        times,
        spec.seed,
        spec.placement,
        spec.server,
        spec.load,
    ]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    return Cell(digest, purpose, subject, workload, level, repetition, times)


def can_run(subject, workload):
    """Handlers below /synthetic/ are ours alone."""
    return subject["kind"] == "quartet" or not workload["ours_only"]


def pairs(spec):
    return [
        (subject, workload) for workload in spec.workloads for subject in spec.subjects if can_run(subject, workload)
    ]


def blocks(spec, levels):
    """Whole repetitions one after the other, so what is there when it is stopped early is balanced. In a repetition the
    blocks are in random order, and in a block its subjects: they are compared with each other, so they run side by side."""
    order = random.Random(spec.seed)
    cells = []
    for repetition in range(1, spec.repetitions + 1):
        places = [
            (workload, level) for workload in spec.workloads for level in levels if level in levels_for(spec, workload)
        ]
        order.shuffle(places)
        for workload, level in places:
            block = [
                make_cell(spec, "measure", subject, workload, level, repetition)
                for subject in spec.subjects
                if can_run(subject, workload)
            ]
            order.shuffle(block)
            cells += block
    return cells


def featured(levels):
    """The level at which a separate pass is made, and which stands for the rest in short tables: the middle one of
    the open levels, else the closed one with most connections."""
    for kinds in (("rate", "slowest"), ("own",), ("climb",)):
        opened = [level for level in levels if level.kind in kinds and (level.kind != "climb" or level.value <= 1)]
        if opened:
            return opened[len(opened) // 2]
    return levels[-1]


def peaks(spec):
    """One closed loop for each subject under a workload that has shares of a peak and no closed loop of its own."""
    return [
        make_cell(spec, "peak", subject, workload, Level("closed", opened, opened), 1)
        for subject, workload in pairs(spec)
        for opened in [spec.levels["open_connections"]]
        if {"slowest", "own", "climb"} & {level.kind for level in levels_for(spec, workload)}
        and not any(level.kind == "closed" for level in levels_for(spec, workload))
    ]


def passes(spec):
    """Cells that are not measured for their rates: a whole trace, a count of system calls."""
    purposes = [purpose for purpose, wanted in (("trace", spec.trace), ("syscalls", spec.syscalls)) if wanted]
    return [
        make_cell(spec, purpose, subject, workload, featured(levels_for(spec, workload)), 1)
        for purpose in purposes
        for subject, workload in pairs(spec)
        if purpose != "trace" or subject["kind"] == "quartet"
    ]


def plan(spec):
    """All cells in the order in which they run: what finds the peaks first, then rates, then the steps that a climb may
    try, then passes."""
    levels = levels_of(spec)
    climb = [level for level in levels if level.kind == "climb"]
    return (
        peaks(spec)
        + blocks(spec, [level for level in levels if not level.is_open])
        + blocks(spec, [level for level in levels if level.is_open and level not in climb])
        + [cell for level in climb for cell in blocks(spec, [level])]
        + passes(spec)
    )


def block_of(cell):
    """What the cells of one block have in common: all but the subject."""
    return cell.purpose, cell.workload["name"], cell.level.key, cell.repetition


def in_blocks(cells):
    """The cells, block by block, in the order of the first of each."""
    found = {}
    for cell in cells:
        found.setdefault(block_of(cell), []).append(cell)
    return list(found.values())


def shared_unit(cell):
    """What cells that run on the same machine have in common: those of a block, and all steps of a workload's climbs, since
    each step follows from those before it."""
    return ("climb", cell.workload["name"]) if cell.level.kind == "climb" and cell.purpose == "measure" else block_of(cell)


def share_of(cells, part, parts):
    """Every parts-th unit, from the part-th on (from 1): what is compared runs on one machine."""
    units = {}
    for cell in cells:
        units.setdefault(shared_unit(cell), []).append(cell)
    return [cell for unit in list(units.values())[part - 1 :: parts] for cell in unit]
