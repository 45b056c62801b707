"""The best setting of a model's thread flags for a workload, and how flat the optimum is.

All settings of a grid run once; the better half runs again, and so on (successive halving), so that most of the time
goes to those that may be best. Then the few that are left, and the default, run several times again, interleaved, and the best
of them is the winner. One more round runs the winner beside the default, and only it makes the figures of the verdict: a
setting that was chosen because it was lucky is not measured by its luck. Every run is in tuning.csv.

What is best is the goodput, of those settings whose p99 keeps a limit where one is given.
"""
import argparse
import csv
import io
import itertools
import json
import math
import random
import shlex

from . import cells, comparisons, experiment, handler_threads, metrics, numbers, pairs, placement, processes, results, runner, spec, stats
from .trouble import BadSpec, Trouble

FLAG_OF = {"L": "--listeners", "K": "--pollers", "R": "--readers", "P": "--processors", "W": "--writers"}
SESSIONS = [8, 32, 128, 512, 1024]
FINALISTS = 3
FINAL_REPETITIONS = 7
CALM = {"warmup": "500ms", "settle": "200ms"}
HASTY = {"warmup": "100ms", "settle": "50ms", "repeats": 0}
FLAT = 0.05  # a setting this near to the best is called as good


def config_of(build, args, own):
    """What the server makes of these options on its own CPUs."""
    status, out, said = processes.ask([str(build / "quartet"), *args, "--print-config"], own)
    if status != 0:
        raise BadSpec(f"--tune: {said.strip()}")
    return json.loads(out)


def counts_around(cpus, factors):
    return sorted({max(1, round(cpus * factor)) for factor in factors})


def knobs_of(wiring, cpus):
    """{flag: values} of the groups of a wiring. A listener or poller alone is left as it is: it is rarely what
    limits."""
    knobs = {}
    for group in wiring.split("|"):
        letters = group.replace("@", "*").split("*")[0].strip()
        if letters.islower() and letters != "p":
            knobs["--sessions"] = SESSIONS
        elif letters.upper() == "P" or "@" in group:
            knobs["--processors"] = counts_around(cpus, (0.5, 1, 2, 4, 8))
        elif set(letters) - {"L", "K"}:
            knobs[FLAG_OF[next(letter for letter in "PRW" if letter in letters)]] = counts_around(
                cpus, (0.5, 1)
            )  # more loops than CPUs only wait for each other
    return knobs


def knobs_by_words(words):
    """{flag: values} of FLAG=A,B."""
    knobs = {}
    for word in words:
        flag, equals, values = word.partition("=")
        if not equals or not values or not flag.strip("-"):
            raise BadSpec(
                f"--grid: {word!r} is not accepted: a flag of the server and values, such as --processors=4,8,16"
            )
        knobs["--" + flag.strip("-")] = values.split(",")
    return knobs


def settings_of(knobs):
    """All combinations, each as words."""
    return [
        [word for flag, value in zip(knobs, values) for word in (flag, str(value))]
        for values in itertools.product(*knobs.values())
    ]


class Sweep:
    """The tuning of one model on the server's CPUs."""

    limit_us = None  # of p99, from when a request was sent

    def __init__(self, wanted, base, build, grid, own):
        self.spec, self.base, self.own = wanted, base, own
        config = config_of(build, base["args"], own)
        knobs = grid or knobs_of(config["wiring"], len(own))
        if not knobs:
            raise Trouble(f"--tune: {base['name']} has no thread flag to sweep; --grid names others")
        self.knobs, self.default = knobs, []
        self.settings = [words for words in settings_of(knobs) if self.accepted(build, words)]
        if not self.settings:
            raise BadSpec(f"--tune: quartet accepts no setting of this grid for {base['name']}")
        self.runs = []  # (round, setting, record)
        self.planned = {}  # setting -> repetitions so far
        self.order = random.Random(wanted.seed)
        self.final = wanted.repetitions

    def accepted(self, build, words):
        """A grid may hold what the server refuses."""
        try:
            config_of(build, self.base["args"] + words, self.own)
        except BadSpec:
            return False
        return True

    def cells_of(self, settings, repetitions):
        """The next repetitions of these settings, each repetition in an order of its own."""
        made = []
        for _ in range(repetitions):
            block = []
            for words in settings:
                number = self.planned.get(tuple(words), 0) + 1
                self.planned[tuple(words)] = number
                subject = {
                    "kind": "quartet",
                    "name": shlex.join([self.base["name"], *words]),
                    "args": self.base["args"] + words,
                }
                level = cells.asked_levels(self.spec)[0]
                block.append(
                    (words, cells.make_cell(self.spec, "measure", subject, self.spec.workloads[0], level, number))
                )
            self.order.shuffle(block)
            made += block
        return made

    def median(self, words, last_round=None):
        scores = [
            self.score(record)
            for number, ran, record in self.runs
            if ran == words and record["outcome"] == "ok" and last_round in (None, number)
        ]
        return stats.median(scores) if scores else -math.inf

    def score(self, record):
        """The goodput, or nothing where p99 is above the limit or cannot be given."""
        p99 = record["metrics"]["p99_us"]
        kept = self.limit_us is None or (p99 is not None and p99 <= self.limit_us)
        return record["metrics"]["rate"] if kept else 0.0

    def better_half(self, settings, keep):
        return sorted(settings, key=lambda words: -self.median(words))[:keep]

    def rounds(self):
        """(settings, repetitions) of each round; the next is known when the last has run."""
        left, number = self.settings, 1
        while len(left) > FINALISTS:
            yield left, number
            left = self.better_half(left, max(FINALISTS, len(left) // 2))
            number = min(number * 2, 4)
        yield left + ([self.default] if self.default not in left else []), self.final
        yield self.confirmed(), self.final

    def confirmed(self):
        """The winner of the round before, and what it is confirmed against: the default, or the second if that is the
        winner."""
        order = [words for words, _ in self.finalists(self.last)]
        if not order:
            return []
        self.winner = order[0]
        others = [words for words in [self.default, *order] if words != self.winner]
        return [self.winner, *others[:1]]

    def expected_runs(self):
        """As many as rounds() makes."""
        total, left, number = 0, len(self.settings), 1
        while left > FINALISTS:
            total += left * number
            left = max(FINALISTS, left // 2)
            number = min(number * 2, 4)
        return total + (left + 1) * self.final + 2 * self.final

    def run(self, bench, there):
        plan = []
        for number, (settings, repetitions) in enumerate(self.rounds(), 1):
            if not settings:
                return
            block = self.cells_of(settings, repetitions)
            plan += [cell for _, cell in block]
            print(
                f"tune: {self.base['name']}, round {number}: "
                f"{numbers.counted(len(settings), 'setting')}, {numbers.counted(repetitions, 'repetition')}",
                flush=True,
            )
            runner.Runner(bench, there, plan).run([cell for _, cell in block])
            self.runs += [(number, words, there.records[cell.id]) for words, cell in block]
            self.last = number

    def rates(self, words, number):
        """Of one round, in the order of its repetitions; None for a run that is not valid."""
        return [
            self.score(record) if record["outcome"] == "ok" else None
            for round_number, ran, record in self.runs
            if round_number == number and ran == words
        ]

    def estimate(self, words, number=None):
        """Of one round alone, the last one if no other is named."""
        return stats.estimate(self.rates(words, number or self.last))

    def finalists(self, number=None):
        """[(setting, estimate)] of one round, best first."""
        number = number or self.last
        seen = dict.fromkeys(tuple(words) for ran, words, _ in self.runs if ran == number)
        found = [(list(words), self.estimate(list(words), number)) for words in seen]
        return sorted(((words, e) for words, e in found if e), key=lambda pair: -pair[1].median)

    def compared(self, words, others, number):
        """A setting against each of the others, in the runs of one round that stood side by side."""
        found = []
        for other in others:
            both = [pair for pair in zip(self.rates(words, number), self.rates(other, number)) if None not in pair]
            found.append(pairs.ratio([((a, a), (b, b)) for a, b in both]))
        return [
            comparisons.Comparison(self.spec.workloads[0]["name"], None, "rate", named(words), named(other), ratio, FLAT)
            for other, ratio in zip(others, pairs.holm(found))
        ]

    def csv_text(self):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["round", "model", "setting", "outcome", "why", "rate", "p99_us", "cpu_us"])
        for number, words, record in self.runs:
            writer.writerow(
                [
                    number,
                    self.base["name"],
                    shlex.join(words),
                    record["outcome"],
                    record["why"],
                    *(results.number(record["metrics"].get(key)) for key in ("rate", "p99_us", "cpu_us")),
                ]
            )
        return out.getvalue()


def named(words):
    return shlex.join(words) or "the default"


def flat_words(sweep, best, alone):
    """How sharp the optimum is: the settings near the best, from all runs, and what their flags have in common. It is
    sharp only where the best is distinguishable from all others."""
    near = [words for words in sweep.settings if sweep.median(words) >= (1 - FLAT) * sweep.median(best)]
    said = f"{len(near)} of {len(sweep.settings)} settings came within {numbers.share(FLAT)} of it"
    worst = min((sweep.median(words) for words in sweep.settings if sweep.median(words) > 0), default=None)
    if worst:
        said += f"; the worst reached {numbers.share(worst / sweep.median(best))}, by all its runs, for some settings a single one"
    spans = []
    for place, flag in enumerate(sweep.knobs):
        values = list(dict.fromkeys(words[2 * place + 1] for words in near))
        spans.append(f"{flag} {'/'.join(values)}")
    begin = "These runs do not show how sharp the optimum is: "
    if len(near) > 1 or alone:
        begin = f"The optimum is {'flat' if len(near) > 1 else 'sharp'}: "
    return begin + said + (f" (near it: {', '.join(spans)})." if near else ".")


def confirmation(sweep):
    """(the best setting, the comparison that confirms it or None). Where the last round shows that the other one is faster, that
    one is the best."""
    others = [words for words, _ in sweep.finalists() if words != sweep.winner]
    if not others or sweep.estimate(sweep.winner) is None:
        return (others[0] if others else sweep.winner), None
    found = sweep.compared(sweep.winner, others[:1], sweep.last)[0]
    if found.decision == pairs.BELOW:
        return others[0], sweep.compared(others[0], [sweep.winner], sweep.last)[0]
    return sweep.winner, found


def verdict(sweep):
    """The outcome in sentences."""
    if not sweep.finalists():
        raise Trouble(f"--tune: no graded run of {sweep.base['name']} in the last round; tuning.csv says why")
    best, confirmed = confirmation(sweep)
    estimate, write = sweep.estimate(best), metrics.BY_KEY["rate"].write
    if not estimate.median:
        raise Trouble(f"--tune: no setting of {sweep.base['name']} keeps p99 below {numbers.time_us(sweep.limit_us)}")
    limit = f" and p99 at most {numbers.time_us(sweep.limit_us)}" if sweep.limit_us else ""
    said = [
        f"Best for {sweep.spec.workloads[0]['name']} with {sweep.spec.levels['connections'][0]} connections{limit}: "
        f"{sweep.base['name']} {named(best)}: "
        f"{write(estimate.median)} requests/s ({write(estimate.low)} to {write(estimate.high)}, "
        f"{estimate.count} repetitions)."
    ]
    before = sweep.last - 1
    rest = [words for words, _ in sweep.finalists(before) if words != best]
    alike = [one.reference for one in sweep.compared(best, rest, before) if one.decision != pairs.ABOVE]
    if alike:
        said.append(f"Not distinguishable from it among the finalists: {'; '.join(alike)}.")
    if confirmed:
        said.append(f"One more round, against {confirmed.reference}: {comparisons.words(confirmed)}.")
    said.append(flat_words(sweep, best, not alike))
    return said


def limit_of(options):
    """In microseconds; None where there is no limit."""
    if options.p99_limit is None:
        return None
    try:
        return numbers.read_time_s(options.p99_limit) * 1e6
    except ValueError:
        raise BadSpec(f"--p99-limit: {options.p99_limit!r} is not accepted: a time such as 10ms") from None


def spec_of(options, model):
    """One model, one workload, one closed loop."""
    values = {
        "models": [model],
        "workloads": options.workloads.split(",")[:1] if options.workloads else ["tiny"],
        **(HASTY if options.quick else CALM),
        "duration": options.duration or "1s",
        "repetitions": options.repetitions or FINAL_REPETITIONS,
        "levels": {"connections": [options.connections]},
        "server": {"handler_threads": handler_threads.OWN},
        **({"placement": {"kind": options.placement}} if options.placement else {}),
    }
    return spec.from_values(values, "command line")


def side_by_side(base, best):
    """The subjects that a comparison has of a tuned model: with its default flags, and with the best where those are others."""
    named_so = [("default", []), *([(f"tuned: {shlex.join(best)}", best)] if best else [])]
    return [{"name": f"{base['name']} ({words})", "args": base["args"] + flags} for words, flags in named_so]


def tune_model(options, model):
    """Returns {subjects, said, log}: what to compare, how it was found, every run. None of a dry run."""
    wanted = spec_of(options, model)
    base = wanted.subjects[0]
    where = argparse.Namespace(
        **{
            **vars(options),
            "out": options.out.with_name(options.out.name + "-tuning") / base["name"].replace("/", "_"),
            "load_hosts": None,
            "cells": None,
        }
    )
    places, threads = experiment.prepared(where, wanted)
    own = places[wanted.workloads[0]["name"]].server
    sweep = Sweep(wanted, base, options.build, knobs_by_words(options.grid), own)
    seconds = sweep.expected_runs() * runner.expected_s(cells.plan(wanted)[0])
    print(
        f"tune: {base['name']}: {numbers.counted(len(sweep.settings), 'setting')} of {', '.join(sweep.knobs)}; "
        f"{sweep.expected_runs()} runs, about {numbers.clock(seconds)}"
    )
    print(placement.lines(places))
    sweep.limit_us = limit_of(options)
    if options.dry_run:
        return None
    there = experiment.open_results(where, wanted, places, threads)
    with experiment.bench_of(where, wanted, places, threads) as bench:
        sweep.run(bench, there)
    results.write_whole(there.folder / "tuning.csv", sweep.csv_text())
    said = verdict(sweep)
    best, _ = confirmation(sweep)
    print("\n".join([*said, f"tune: {there.folder / 'tuning.csv'} has every run\n"]))
    return {
        "subjects": side_by_side(base, best),
        "said": " ".join(said),
        "log": sweep.csv_text(),
    }


def ending(options, tuned):
    """The options of the comparison that follows."""
    more = {"tuned": tuned, "models": None, "wiring": [], "handler_threads": handler_threads.OWN}
    return argparse.Namespace(**{**vars(options), **more})


def tune(options):
    """One model: its best setting, of which the last round is the comparison with the default. Several, or peers beside it: the
    default and the best of each are then compared. Flags are what is compared, so each model keeps its own handler threads.
    What that comparison lacks is said before hours of tuning."""
    if options.handler_threads not in (None, handler_threads.OWN):
        raise BadSpec(f"--handler-threads: {options.handler_threads!r} is not accepted beside --tune, which sets the threads of each model")
    models = experiment.split(options.tune)
    alone = len(models) == 1 and not options.peers
    if not alone:
        ends = ending(options, [{"subjects": side_by_side(spec_of(options, model).subjects[0], [])} for model in models])
        experiment.prepared(ends, experiment.wanted_of(ends))
    found = [tune_model(options, model) for model in models]
    return 0 if alone or options.dry_run else experiment.compare(ending(options, found))
