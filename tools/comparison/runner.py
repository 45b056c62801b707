"""Going through all cells: skipping those that are done, surviving those that crash, finding peaks on the way."""
from . import cells, load, one_cell, outside, stats
from .progress import Progress
from .trouble import Trouble

OVERHEAD_S = 0.55  # starting and ending two programs, two snapshots of the server
SHORT_S = 1.0  # less is not enough for what happens once a second


def expected_s(cell, last_step=None):
    """In seconds. A climb is expected to end with `last_step`."""
    if cell.level.kind == "climb" and last_step is not None and cell.level.value > last_step:
        return 0.0
    return cell.times["warmup"] + cell.times["settle"] + cell.times["duration"] + OVERHEAD_S


def peaks_of(spec, records):
    """{workload: {subject: requests/s}}: the best median of the closed loops."""
    found = {}
    for record in records:
        if record["purpose"] == "measure" and record["level"]["kind"] == "closed" and record["outcome"] == "ok":
            levels = found.setdefault(record["workload"], {}).setdefault(record["subject"]["name"], {})
            levels.setdefault(record["level"]["value"], []).append(record["metrics"]["rate"])
    return {
        workload: {
            subject: max(stats.median(rates) for rates in levels.values()) for subject, levels in subjects.items()
        }
        for workload, subjects in found.items()
    }


def rate_of(cell, peaks):
    """(requests/s or None for a closed loop, why it cannot be had)."""
    if not cell.level.is_open:
        return None, ""
    if cell.level.kind == "rate":
        return cell.level.value, ""
    known = peaks.get(cell.workload["name"], {})
    if cell.level.kind in ("own", "climb"):
        peak = known.get(cell.subject["name"])
    else:
        peak = min(known.values(), default=None)
    if peak is None:
        return None, "no valid run with a closed loop, so there is no peak to take a share of"
    return cell.level.value * peak, ""


def why_full(below, records):
    """Why a climb ends here, or nothing: it is known of the step below that in most repetitions the subject did not keep
    up, that too few runs are valid for a verdict, or that it had been full before."""
    known = [records[cell.id] for cell in below if cell.id in records]
    kept_up = [record for record in known if load.kept_up(record)]
    if not known or len(known) < len(below) or 2 * len(kept_up) > len(known):
        return ""
    behind = sum(map(load.server_fell_behind, known))
    if 2 * behind >= len(known):
        return "it did not keep up with the step below"
    before = next((record["why"] for record in known if record["outcome"] == "full"), "")
    return before or "too few valid runs show whether it kept up with the step below"


def not_run(cell, outcome, why):
    return {
        "id": cell.id,
        "purpose": cell.purpose,
        "subject": cell.subject,
        "workload": cell.workload["name"],
        "level": {"kind": cell.level.kind, "value": cell.level.value, "connections": cell.level.connections},
        "repetition": cell.repetition,
        "times": cell.times,
        "rate_asked": None,
        "started": 0.0,
        "seconds": 0.0,
        "metrics": {},
        "outcome": outcome,
        "why": why,
    }


class Runner:
    """A comparison under way."""

    def __init__(self, bench, results, plan):
        self.bench, self.results, self.plan = bench, results, plan
        self.peaks = results.read_json("peaks.json")
        self.reported = set()  # (subject, workload, outcome) of cells that were not run
        self.in_vain = 0  # blocks in a row that stayed disturbed however often they were repeated

    def needs_peaks(self, cell):
        return cell.level.kind in ("slowest", "own", "climb")

    def find_peaks(self):
        """Once for a comparison, so that a resumed one asks for the same rates."""
        if self.peaks is None:
            self.results.read_cells()
            missing = [cell for cell in peak_finders(self.plan) if cell.id not in self.results.records]
            if missing:
                raise Trouble(
                    f"{len(missing)} cells that find the peaks have not run: run all shares with --phase first, "
                    f"then again without"
                )
            self.peaks = peaks_of(self.bench.spec, self.results.records.values())
            self.results.write_json("peaks.json", self.peaks)

    def why_full_below(self, cell):
        """Of a shared comparison others may have run the step below, or may yet: then this cell runs."""
        self.results.read_cells()
        return why_full(cells.step_below(self.plan, cell), self.results.records)

    def prepare(self, cell):
        """(requests/s or None, what becomes of a cell that is not run, why it is not)."""
        if self.needs_peaks(cell):
            self.find_peaks()
        rate, why = rate_of(cell, self.peaks or {})
        if why:
            return None, "skipped", why
        if cell.level.kind == "climb":
            why = self.why_full_below(cell)
        return (None, "full", why) if why else (rate, None, "")

    def record_of(self, cell, progress):
        """Runs it, or says why not: once for all cells of a subject and workload with the same reason."""
        rate, outcome, why = self.prepare(cell)
        folder = self.results.cell_folder(cell)
        if outcome is None:
            progress.report(f"{cell.title}, repetition {cell.repetition}")
            record = one_cell.run(self.bench, cell, rate, folder)
            progress.done()
            return record
        folder.mkdir(parents=True)
        progress.skip()
        which = cell.subject["name"], cell.workload["name"], outcome
        if which not in self.reported:
            self.reported.add(which)
            where = "higher steps" if outcome == "full" else "shares of a peak"
            progress.note(f"  not run: {which[0]}, {which[1]}, {where}: {why}")
        return not_run(cell, outcome, why)

    def disturbed(self, block):
        """Why a block is to be repeated; nothing where it is not whole (others run a part of it) or has been repeated
        often enough."""
        records = [self.results.records.get(cell.id) for cell in block]
        if None in records or block[0].purpose != "measure" or self.in_vain >= outside.IN_VAIN:
            return []
        return outside.of_block(records) if outside.repeats(records) < self.bench.spec.repeats else []

    def run_again(self, block):
        """A whole block, with the same rates, in the same order."""
        for cell in block:
            before = self.results.records[cell.id]
            if before["metrics"]:
                again = one_cell.run(self.bench, cell, before["rate_asked"], self.results.cell_folder(cell))
                self.results.add(outside.with_earlier(again, before))
        self.results.write_csv(self.plan)

    def repeat(self, block, progress):
        """While something outside the experiment disturbs it. On a machine that is always disturbed this does not help:
        then it ends for all blocks."""
        repeated = False
        while why := self.disturbed(block):
            cell = block[0]
            progress.note(f"  repeated: {cell.workload['name']}, {cell.level.label}, repetition {cell.repetition}: {'; '.join(why)}")
            self.run_again(block)
            repeated = True
        if not repeated:
            return
        still = outside.of_block([self.results.records[cell.id] for cell in block])
        self.in_vain = self.in_vain + 1 if still else 0
        if self.in_vain == outside.IN_VAIN:
            progress.note(f"  {outside.IN_VAIN} blocks in a row stayed disturbed: none is repeated any more")

    def run_cell(self, cell, progress):
        """Returns whether it went wrong."""
        record = self.record_of(cell, progress)
        self.results.add(record)
        self.results.write_csv(self.plan)
        if record["outcome"] in ("ok", "full"):
            return False
        if record["outcome"] != "skipped":
            progress.note(f"  {record['outcome']}: {cell.title}, repetition {cell.repetition}: {record['why'][:300]}")
        return True

    def run(self, todo):
        """Returns how many of the cells went wrong."""
        todo = [cell for cell in todo if cell.id not in self.results.records]
        whole = {cells.block_of(block[0]): block for block in cells.in_blocks(self.plan)}
        progress = Progress(expected(todo, self.bench.spec))
        wrong = 0
        try:
            for block in cells.in_blocks(todo):
                wrong += sum(self.run_cell(cell, progress) for cell in block)
                self.repeat(whole[cells.block_of(block[0])], progress)
        finally:
            progress.end()
        return wrong


def expected(todo, spec):
    """The seconds of each cell, if each climb ends with the first step above the peak."""
    last_step = cells.step_above_peak(spec)
    return [expected_s(cell, last_step) for cell in todo]


def peak_finders(todo):
    """The closed loops: what a peak is made of."""
    return [cell for cell in todo if cell.purpose == "measure" and cell.level.kind == "closed"]


def first_phase(todo):
    """The cells that can run before any peak is known."""
    return [cell for cell in todo if cell.purpose == "measure" and cell.level.kind in ("closed", "rate")]
