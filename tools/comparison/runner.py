"""Going through all cells: skipping those that are done, surviving those that crash, finding peaks on the way."""
from . import calibration, cells, grades, load, one_cell, outside, search, stats
from .progress import Progress
from .trouble import Trouble

OVERHEAD_S = 0.55  # starting and ending two programs, two snapshots of the server
FINDERS = ("measure", "peak")  # the purposes of closed loops that find a peak
SHORT_S = 1.0  # less is not enough for what happens once a second


def expected_s(cell):
    """In seconds."""
    return cell.times["warmup"] + cell.times["settle"] + cell.times["duration"] + OVERHEAD_S


def peaks_of(spec, records):
    """{workload: {subject: requests/s}}: the best median of the closed loops."""
    found = {}
    for record in records:
        if record["purpose"] in FINDERS and record["level"]["kind"] == "closed" and record["outcome"] == "ok":
            levels = found.setdefault(record["workload"], {}).setdefault(record["subject"]["name"], {})
            levels.setdefault(record["level"]["value"], []).append(record["metrics"]["rate"])
    return {
        workload: {
            subject: max(stats.median(rates) for rates in levels.values()) for subject, levels in subjects.items()
        }
        for workload, subjects in found.items()
    }


def rate_of(cell, peaks, most=None):
    """(requests/s or None for a closed loop, why it cannot be had). They are whole, as quartet-load takes them. A share of the
    slowest's peak is not above `most`."""
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
        return None, "no graded run with a closed loop, so there is no peak to take a share of"
    rate = cell.level.value * peak
    rate = min(rate, most) if most and cell.level.kind == "slowest" else rate
    if rate < 1:
        return None, f"{100 * cell.level.value:g} % of a peak of {peak:.3g}/s is less than one request a second"
    return round(rate), ""


def kept_steps(todo, records):
    """{(workload, subject): {step: did it keep up in most repetitions}} of the steps whose cells have all been run."""
    runs = {}
    for cell in todo:
        runs.setdefault((pair_of(cell), cell.level.value), []).append(records.get(cell.id))
    found = {}
    for (pair, step), several in runs.items():
        if None not in several and all(record["outcome"] != "spared" for record in several):
            found.setdefault(pair, {})[step] = 2 * sum(map(load.kept_up, several)) > len(several)
    return found


def pair_of(cell):
    return cell.workload["name"], cell.subject["name"]


def is_climb(cell):
    return cell.purpose == "measure" and cell.level.kind == "climb"


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
        self.peaks = results.peaks()
        self.rate_most = calibration.rate_most(results.calibration())
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

    def prepare(self, cell):
        """(requests/s or None, what becomes of a cell that is not run, why it is not)."""
        if self.needs_peaks(cell):
            self.find_peaks()
        rate, why = rate_of(cell, self.peaks or {}, self.rate_most)
        return (None, "skipped", why) if why else (rate, None, "")

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
            progress.note(f"  not run: {which[0]}, {which[1]}, shares of a peak: {why}")
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
            which = f"{cell.workload['name']}, {cell.level.label}, repetition {cell.repetition}"
            progress.note(f"  repeated: {which}: {'; '.join(why)}")
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
        if record["outcome"] == "ok":
            return False
        if record["outcome"] != "skipped":
            progress.note(f"  {grades.called(record['outcome'])}: {cell.title}, repetition {cell.repetition}: {record['why'][:300]}")
        return True

    def run_block(self, block, progress):
        """Returns how many of its cells went wrong."""
        wrong = sum(self.run_cell(cell, progress) for cell in block)
        self.repeat(block if is_climb(block[0]) else self.whole[cells.block_of(block[0])], progress)
        return wrong

    def next_cells(self, climbing):
        """The cells of the next step of each search that is not at its end, repetition by repetition."""
        self.results.read_cells()
        records, steps = self.results.records, cells.steps_of(self.bench.spec.levels["climb"])
        kept = kept_steps(climbing, records)
        wanted = {pair: search.next_step(steps, kept.get(pair, {})) for pair in map(pair_of, climbing)}
        chosen = [cell for cell in climbing if wanted[pair_of(cell)] == cell.level.value and cell.id not in records]
        return sorted(chosen, key=lambda cell: cell.repetition)

    def climb(self, climbing, progress):
        """All searches side by side: subjects whose next step is the same share a block. Returns how many cells went wrong.
        Cells that no search needs get a record that says so."""
        wrong = 0
        without = [cell for cell in climbing if cell.id not in self.results.records and self.prepare(cell)[1]]
        for cell in without:
            wrong += self.run_cell(cell, progress)
        left = [cell for cell in climbing if cell not in without]
        while chosen := self.next_cells(left):
            wrong += sum(self.run_block(block, progress) for block in cells.in_blocks(chosen))
        for cell in left:
            if cell.id not in self.results.records:
                self.results.cell_folder(cell).mkdir(parents=True)
                self.results.add(not_run(cell, "spared", "the search did not need this step"))
        self.results.write_csv(self.plan)
        return wrong

    def run(self, todo):
        """Returns how many of the cells went wrong. Climbs are the last."""
        left = [cell for cell in todo if cell.id not in self.results.records]
        climbs = {cell.workload["name"] for cell in left if is_climb(cell)}
        climbing = [cell for cell in self.plan if is_climb(cell) and cell.workload["name"] in climbs]
        self.whole = {cells.block_of(block[0]): block for block in cells.in_blocks(self.plan)}
        progress = Progress(sorted_expected(left, self.bench.spec))
        wrong = 0
        try:
            for block in cells.in_blocks([cell for cell in left if not is_climb(cell)]):
                wrong += self.run_block(block, progress)
            if climbing:
                wrong += self.climb(climbing, progress)
        finally:
            progress.end()
        return wrong


def expected(todo, spec):
    """The seconds of each cell. A search is expected to try what it tries of a server that sustains a little less than its
    peak."""
    steps = cells.steps_of(spec.levels["climb"])
    tried = search.path(steps, 0.999)
    return [expected_s(cell) if not is_climb(cell) or cell.level.value in tried else 0.0 for cell in todo]


def sorted_expected(todo, spec):
    """In the order in which they run: the steps of searches last, those that are not needed at the end."""
    pairs = list(zip(todo, expected(todo, spec)))
    return [s for cell, s in pairs if not is_climb(cell)] + sorted((s for cell, s in pairs if is_climb(cell)), reverse=True)


def peak_finders(todo):
    """The closed loops: what a peak is made of."""
    return [cell for cell in todo if cell.purpose in FINDERS and cell.level.kind == "closed"]


def first_phase(todo):
    """The cells that can run before any peak is known."""
    return [cell for cell in todo if cell.purpose in FINDERS and cell.level.kind in ("closed", "rate")]
