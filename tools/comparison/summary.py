"""The records of a comparison, gathered for reports: which cells of a subject, workload and level are valid (have a
grade), their estimates, and what went wrong."""
import functools
import math

from . import cells, comparisons, grades, load, outside, placement, stats


class Summary:
    """Cells by (workload, level, subject)."""

    def __init__(self, spec, records):
        self.spec = spec
        self.calibration = None  # of the machine and the load generator, where there is one
        self.changed = []  # sentences on what was declared before the cells ran and is another now
        run = [record for record in records if record["outcome"] != "spared"]
        self.missing = len(cells.plan(spec)) - len(records)
        self.spared = len(records) - len(run)
        self.records = sorted(run, key=lambda record: (record["repetition"], record["started"], record["id"]))
        climbed = {record["level"]["value"] for record in run if is_climbed(record)}
        self.levels = [
            level for level in cells.levels_of(spec) if level.kind != "climb" or level.value in climbed
        ]
        self.places = {}
        for record in self.records:
            if record["purpose"] == "measure" and (record["level"]["kind"] != "climb" or is_climbed(record)):
                self.places.setdefault(place_of(record), []).append(record)

    def all(self, workload, level, subject):
        return self.places.get((workload["name"], level.key, subject["name"]), [])

    def valid(self, workload, level, subject):
        return [record for record in self.all(workload, level, subject) if record["outcome"] == "ok"]

    def estimate(self, workload, level, subject, key):
        """Over the valid repetitions of one figure, or None."""
        return stats.bounded(
            [(record["metrics"].get(key), *range_of(record, key)) for record in self.valid(workload, level, subject)]
        )

    def pairs(self, workload, level, subject, reference, key):
        """[(subject's range, reference's range)] of one figure, from the repetitions in which both have it."""
        other = {record["repetition"]: record for record in self.valid(workload, level, reference)}
        return [
            (range_of(record, key), range_of(other[record["repetition"]], key))
            for record in self.valid(workload, level, subject)
            if record["repetition"] in other
            and None not in (record["metrics"].get(key), other[record["repetition"]]["metrics"].get(key))
        ]

    @functools.cached_property
    def comparisons(self):
        """All headlines, corrected for each other."""
        return comparisons.family(self)

    @functools.cached_property
    def blocks(self):
        """{(workload's name, level's key, repetition): the records of a block}."""
        found = {}
        for record in self.records:
            if record["purpose"] == "measure":
                found.setdefault(block_of(record), []).append(record)
        return found

    @functools.cached_property
    def disturbed(self):
        """{block: why} of those that something outside the experiment disturbed in the runs that count."""
        return {block: why for block, records in self.blocks.items() if (why := outside.of_block(records))}

    def grade_words(self, workload, level, subject):
        """How many of the runs have which grade: 4 clean, 2 censored (1 disturbed)."""
        return self.counted_grades(self.valid(workload, level, subject))

    def counted_grades(self, records):
        """A grade is about the load generator alone, so what other programs spoiled stands beside it."""
        found = [record.get("grade", grades.CLEAN) for record in records]
        said = ", ".join(f"{found.count(name)} {name}" for name in grades.ORDER if name in found)
        spoiled = sum(block_of(record) in self.disturbed for record in records)
        return f"{said} ({spoiled} disturbed)" if spoiled else said

    def estimates(self, workload, level, key):
        """[(subject, estimate)] of those that have one."""
        found = [(subject, self.estimate(workload, level, subject, key)) for subject in self.subjects(workload)]
        return [(subject, estimate) for subject, estimate in found if estimate is not None]

    def subjects(self, workload):
        return [subject for subject in self.spec.subjects if cells.can_run(subject, workload)]

    def left_out(self, workload):
        return [subject for subject in self.spec.subjects if not cells.can_run(subject, workload)]

    def placement(self, workload=None):
        """What the titles of a workload, or of the whole, say of the placement. Machines of a shared comparison, and
        workloads whose handlers cost more, may differ."""
        seen = [
            placement.words(record["placement"])
            for record in self.records
            if record.get("placement") and (workload is None or record["workload"] == workload["name"])
        ]
        return " or ".join(dict.fromkeys(seen))

    def middle(self, workload, level, subject):
        """The valid record whose rate is the median: where a whole picture of one run is wanted, not of a mixture."""
        records = sorted(
            (record for record in self.valid(workload, level, subject) if record.get("status")),
            key=lambda record: record["metrics"].get("stage_total_us") or 0,
        )
        return records[(len(records) - 1) // 2] if records else None

    def levels_for(self, workload):
        """Those at which the workload runs."""
        return [level for level in self.levels if level in cells.levels_for(self.spec, workload)]

    def closed(self, workload):
        return [level for level in self.levels_for(workload) if not level.is_open]

    def common(self, workload):
        """Open levels at which all subjects get the same rate."""
        return [level for level in self.levels_for(workload) if level.kind in ("rate", "slowest")]

    def own(self, workload):
        """Shares of each one's own peak."""
        return [level for level in self.levels_for(workload) if level.kind in ("own", "climb")]

    def busy_level(self, workload):
        """The closed loop with most connections."""
        closed = self.closed(workload)
        return closed[-1] if closed else None

    def featured(self, workload):
        """The open level whose cells stand for the workload: the middle one of those at which most subjects have valid
        cells, of the levels that are the same for all where there are any; else the busy one."""
        for levels in (self.common(workload), self.own(workload)):
            seen = [sum(bool(self.valid(workload, level, one)) for one in self.subjects(workload)) for level in levels]
            most = [level for level, count in zip(levels, seen) if count == max(seen) > 0]
            if most:
                return most[len(most) // 2]
        return self.busy_level(workload)

    def rate_at(self, workload, level):
        """The requests/s that a common open level asked for."""
        for subject in self.subjects(workload):
            for record in self.all(workload, level, subject):
                if record["rate_asked"]:
                    return record["rate_asked"]
        return None

    def bad(self, workload=None):
        return [
            record
            for record in self.records
            if record["outcome"] != "ok" and (workload is None or record["workload"] == workload["name"])
        ]

    def passed(self, purpose, workload, subject):
        """The record of a pass that is no measurement."""
        for record in self.records:
            if (
                record["purpose"] == purpose
                and record["workload"] == workload["name"]
                and record["subject"]["name"] == subject["name"]
                and record["outcome"] != "crashed"
            ):
                return record
        return None

    def ledger(self, workload, subject):
        """What the traced run says of the places of all time, or None."""
        record = self.passed("trace", workload, subject)
        return ((record or {}).get("trace") or {}).get("ledger")

    def saturation(self, workload, subject):
        """(highest open rate that was kept up with in most repetitions, lowest above it that was not in most, whether
        valid runs say so), either rate None."""
        kept, above = None, []
        for level in self.common(workload) + self.own(workload):
            records = self.all(workload, level, subject)
            rates = [record["rate_asked"] for record in records if record["rate_asked"]]
            if not rates:
                continue
            if 2 * sum(map(load.kept_up, records)) > len(records):
                kept = max(kept or 0, stats.median(rates))
            else:
                behind = sum(map(load.server_fell_behind, records))
                above.append((stats.median(rates), 2 * behind > len(records)))
        rate, known = min((one for one in above if one[0] > (kept or 0)), default=(None, False))
        return kept, rate, known


def range_of(record, key):
    """(low, high) of a figure that a record has: both are the figure where it is exact."""
    low, high = record.get("bounds", {}).get(key, [record["metrics"].get(key)] * 2)
    return low, math.inf if high is None else high


def is_climbed(record):
    """A step of a climb that was tried."""
    return record["level"]["kind"] == "climb" and record["outcome"] not in ("spared", "skipped")


def block_of(record):
    """As Summary.blocks has it."""
    level = record["level"]
    return record["workload"], f"{level['kind']}-{level['value']:g}", record["repetition"]


def place_of(record):
    level = record["level"]
    return record["workload"], f"{level['kind']}-{level['value']:g}", record["subject"]["name"]
