"""The best setting of a model's thread flags for a workload, and how flat the optimum is.

All settings of a grid run once; the better half runs again, and so on (successive halving), so that most of the time
goes to those that may be best. At the end the few that are left, and the default, run several times again, interleaved.
Only those last runs make the medians and intervals: a setting that was chosen because it was lucky is not measured by
its luck. Every run is in tuning.csv.
"""
import argparse
import csv
import io
import itertools
import json
import math
import random
import shlex

from . import cells, experiment, metrics, numbers, placement, processes, results, runner, spec, stats
from .trouble import BadSpec, Trouble

FLAG_OF = {"L": "--listeners", "K": "--pollers", "R": "--readers", "P": "--processors", "W": "--writers"}
SESSIONS = [8, 32, 128, 512, 1024]
FINALISTS = 3
FINAL_REPETITIONS = 7
CALM = {"warmup": "500ms", "settle": "200ms"}
HASTY = {"warmup": "100ms", "settle": "50ms"}
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
        rates = [
            record["metrics"]["rate"]
            for number, ran, record in self.runs
            if ran == words and record["outcome"] == "ok" and last_round in (None, number)
        ]
        return stats.median(rates) if rates else -math.inf

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

    def expected_runs(self):
        """As many as rounds() makes."""
        total, left, number = 0, len(self.settings), 1
        while left > FINALISTS:
            total += left * number
            left = max(FINALISTS, left // 2)
            number = min(number * 2, 4)
        return total + (left + 1) * self.final

    def run(self, bench, there):
        plan = []
        for number, (settings, repetitions) in enumerate(self.rounds(), 1):
            block = self.cells_of(settings, repetitions)
            plan += [cell for _, cell in block]
            print(
                f"tune: {self.base['name']}, round {number}: {len(settings)} settings, {repetitions} repetitions",
                flush=True,
            )
            runner.Runner(bench, there, plan).run([cell for _, cell in block])
            self.runs += [(number, words, there.records[cell.id]) for words, cell in block]
            self.last = number

    def estimate(self, words, key="rate"):
        """Of the last round alone."""
        return stats.estimate(
            [
                record["metrics"].get(key)
                for number, ran, record in self.runs
                if number == self.last and ran == words and record["outcome"] == "ok"
            ]
        )

    def finalists(self):
        """[(setting, estimate)], best first."""
        seen = [
            list(words)
            for words in dict.fromkeys(tuple(words) for number, words, _ in self.runs if number == self.last)
        ]
        found = [(words, self.estimate(words)) for words in seen]
        return sorted(((words, e) for words, e in found if e), key=lambda pair: -pair[1].median)

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


def verdict(sweep):
    """The outcome in sentences."""
    order = sweep.finalists()
    if not order:
        raise Trouble(f"--tune: no valid run of {sweep.base['name']} in the last round; tuning.csv says why")
    best, estimate = order[0]
    write = metrics.BY_KEY["rate"].write
    said = [
        f"Best for {sweep.spec.workloads[0]['name']} with {sweep.spec.levels['connections'][0]} connections: "
        f"{sweep.base['name']} {named(best)}: "
        f"{write(estimate.median)} requests/s ({write(estimate.low)} to {write(estimate.high)}, "
        f"{estimate.count} repetitions)."
    ]
    alike = [named(words) for words, other in order[1:] if not stats.separate(estimate, other)]
    if alike:
        said.append(f"Not distinguishable from it: {'; '.join(alike)}.")
    default = next((e for words, e in order if words == sweep.default), None)
    if default and best != sweep.default:
        more = estimate.median / default.median - 1
        apart = (
            "and their intervals do not overlap"
            if stats.separate(estimate, default)
            else "but their intervals overlap"
        )
        said.append(f"That is {numbers.share(more)} more than the default, {apart}.")
    said.append(flat_words(sweep, best, not alike))
    return said


def spec_of(options, model):
    """One model, one workload, one closed loop."""
    values = {
        "models": [model],
        "workloads": options.workloads.split(",")[:1] if options.workloads else ["tiny"],
        **(HASTY if options.quick else CALM),
        "duration": options.duration or "1s",
        "repetitions": options.repetitions or FINAL_REPETITIONS,
        "levels": {"connections": [options.connections]},
        **({"placement": {"kind": options.placement}} if options.placement else {}),
    }
    return spec.from_values(values, "command line")


def tune_model(options, model):
    """Returns {model, best, said}."""

    wanted = spec_of(options, model)
    base = wanted.subjects[0]
    experiment.check_programs(options.build, wanted.subjects)
    where = argparse.Namespace(
        **{
            **vars(options),
            "out": options.out.with_name(options.out.name + "-tuning") / base["name"].replace("/", "_"),
            "load_hosts": None,
            "cells": None,
        }
    )
    places = experiment.places_of(where, wanted)
    own = places[wanted.workloads[0]["name"]].server
    sweep = Sweep(wanted, base, options.build, knobs_by_words(options.grid), own)
    seconds = sweep.expected_runs() * runner.expected_s(cells.plan(wanted)[0])
    print(
        f"tune: {base['name']}: {len(sweep.settings)} settings of {', '.join(sweep.knobs)}; "
        f"{sweep.expected_runs()} runs, about {numbers.clock(seconds)}"
    )
    print(placement.lines(places))
    if options.dry_run:
        return None
    there = experiment.open_results(where, wanted, places)
    with experiment.bench_of(where, wanted, places) as bench:
        sweep.run(bench, there)
    results.write_whole(there.folder / "tuning.csv", sweep.csv_text())
    said = verdict(sweep)
    best = sweep.finalists()[0][0]
    print("\n".join([*said, f"tune: {there.folder / 'tuning.csv'} has every run\n"]))
    return {
        "name": shlex.join([base["name"], *best]),
        "args": base["args"] + best,
        "said": " ".join(said),
        "log": sweep.csv_text(),
    }


def tune(options):
    """One model: its best setting. Several, or peers beside it: the best of each are then compared."""

    models = experiment.split(options.tune)
    found = [tune_model(options, model) for model in models]
    if options.dry_run or (len(models) == 1 and not options.peers):
        return 0
    options.tuned, options.models, options.wiring = found, None, []
    return experiment.compare(options)
