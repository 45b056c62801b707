"""An experiment from what was asked for to its report: which cells, where their results lie, running them."""
import contextlib
import dataclasses
import os
import pathlib
import resource
import shlex
import shutil
import sys
import tempfile

from . import calibration, cells, cgroups, comparisons, cpus, driver, environment, handler_threads, numbers, one_cell, peers, placement, quota, report
from . import processes, results, runner, spec, tables_of_toml, workloads
from .trouble import BadSpec, Trouble

COMMAND_LINE = "command line"
DEFAULTS = {
    "title": "A comparison of threading models",
    "levels": {"connections": [1, 16, 64, 256], "shares_of_slowest": [0.1, 0.3, 0.5], "climb": 0.1},
}
QUICK = {
    "repetitions": 6,
    "repeats": 0,
    "warmup": "300ms",
    "settle": "100ms",
    "duration": "1s",
    "levels": {"connections": [1, 64], "shares_of_slowest": [0.5], "climb": 0},
}


def split(text):
    return [item.strip() for item in text.split(",") if item.strip()] if text else []


def merged(base, more):
    """Tables joined key by key; all else is replaced."""
    out = dict(base)
    for key, value in more.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def subject_words(tuned):
    """A model with its default flags or the best that were found, as a spec has it."""
    kind, what, *flags = tuned["args"]
    return {"name": tuned["name"], kind.removeprefix("--"): what, "flags": flags}


def here(name):
    """A workload of the command line: the path of a file is relative to where the command runs, not to the spec."""
    return str(pathlib.Path(name).absolute()) if name.endswith(".toml") else name


def values_of(options):
    """(what a TOML file would hold, where it comes from, its folder, its text)."""
    if options.spec:
        path = pathlib.Path(options.spec)
        values, text = tables_of_toml.read_toml(path)
        where, folder = str(path), path.parent
    else:
        values, where, folder, text = dict(DEFAULTS), COMMAND_LINE, pathlib.Path("."), ""
    if options.quick:
        values = merged(values, QUICK)
    if options.models is not None or options.peers is not None or options.wiring or options.tuned:
        for key in ("models", "model", "peers", "peer", "reference"):
            values.pop(key, None)
        values.update(
            {
                "models": split(options.models),
                "peers": split(options.peers),
                "model": [{"wiring": wiring} for wiring in options.wiring]
                + [subject_words(subject) for one in options.tuned for subject in one["subjects"]],
            }
        )
    elif not options.spec:
        values["models"] = ["staged", "loops"]
    if options.workloads is not None:
        values.pop("workload", None)
        values["workloads"] = [here(name) for name in split(options.workloads)]
    if options.address is not None:
        values = merged(values, {"server": {"address": options.address}})
    if options.placement is not None:
        values = merged(values, {"placement": {"kind": options.placement}})
    if options.handler_threads is not None:
        values = merged(values, {"server": {"handler_threads": options.handler_threads}})
    for key in ("repetitions", "duration", "reference"):
        if getattr(options, key) is not None:
            values[key] = getattr(options, key)
    values.update({key: True for key in ("trace", "syscalls") if getattr(options, key)})
    return values, where, folder, text


# Options that say what is compared.
SAYS_WHAT = ("spec", "models", "wiring", "peers", "workloads", "quick", "repetitions", "duration", "trace", "syscalls")
SAYS_WHERE = ("address", "placement", "handler_threads")


def spec_there(options):
    """The spec of the comparison that the folder holds: whole, so that a report needs no other file."""
    manifest = results.Results(options.out).manifest()
    if manifest is None:
        raise Trouble(f"{options.out} holds no comparison")
    if set(manifest.get("wanted", {})) != {field.name for field in dataclasses.fields(spec.Spec)}:
        raise Trouble(f"{options.out} is of another version of tools/compare: name its spec beside --report")
    there = spec.Spec(**{**manifest["wanted"], "text": manifest["spec"]})
    asked = options.reference or there.reference
    return dataclasses.replace(there, reference=spec.reference_of(str(options.out), asked, there.subjects))


def wanted_of(options):
    """The spec as the command line says it; a report of which nothing is said is of what its folder holds."""
    silent = all(getattr(options, name) in (None, []) or getattr(options, name) is False for name in SAYS_WHAT + SAYS_WHERE)
    if options.report and not options.tuned and silent:
        return spec_there(options)
    return spec.from_values(*values_of(options))


def part_of(text):
    """(I, N) of I/N."""
    if text is None:
        return 1, 1
    part, slash, parts = text.partition("/")
    if not slash or not part.isdigit() or not parts.isdigit() or not 1 <= int(part) <= int(parts):
        raise BadSpec(f"--cells: {text!r} is not accepted: a share such as 2/8, the first number from 1 to the second")
    return int(part), int(parts)


def todo_of(options, plan):
    part, parts = part_of(options.cells)
    todo = cells.share_of(plan, part, parts)
    return runner.first_phase(todo) if options.phase == "first" else todo


def check_prefixes(wanted):
    for table, words in (("server", wanted.server["prefix"]), ("load", wanted.load["prefix"])):
        if words and not shutil.which(words[0]):
            raise Trouble(f"{table}.prefix: the program {words[0]} was not found")


def check_programs(build, subjects):
    needed = ["quartet-load"] + (["quartet"] if any(s["kind"] == "quartet" for s in subjects) else [])
    for name in needed:
        if not os.access(build / name, os.X_OK):
            raise Trouble(f"{build / name} does not exist; build it with: cmake --preset release && cmake --build --preset release")
    for subject in subjects:
        peers.check_there(subject)


def places_of(options, wanted):
    """{workload's name: Placement}, from the CPUs that this program may use now: before it limits itself to some."""
    allowed, asked = cpus.allowed(), wanted.placement
    if asked["kind"] == "apart" and not (asked["server_cpus"] or asked["generator_cpus"]):
        allowed = quota.within(allowed, quota.ours())
    core_of, remote = cpus.core_of(allowed), bool(options.load_hosts)
    return {
        workload["name"]: placement.plan(allowed, core_of, asked, workload["server_cost"], remote)
        for workload in wanted.workloads
    }


def check_models(build, wanted, places, where):
    """What the server says of all its words on the CPUs that it will have, before anything runs. Returns {(model's name, workload's
    name): handler_threads.Threads}. `where`: what the words come from."""
    found = {}
    for subject, workload in cells.pairs(wanted):
        if subject["kind"] == "quartet":
            own, names = places[workload["name"]].server, (subject["name"], workload["name"])
            found[names] = handler_threads.of_workload(build, where, wanted, subject, workload, own)
    return found


def raise_descriptors():
    """Servers and load generators inherit it: as many descriptors as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def show_plan(wanted, todo, places):
    for cell in todo:
        print(f"{cell.id}  {cell.title}, repetition {cell.repetition}")
    climbs = any(map(runner.is_climb, todo))
    print(
        f"{'at most ' if climbs else ''}{numbers.counted(len(todo), 'cell')}: "
        f"{numbers.counted(len(wanted.subjects), 'server')}, {numbers.counted(len(wanted.workloads), 'workload')}, "
        f"{numbers.counted(len(cells.levels_of(wanted)), 'level')}, {numbers.counted(wanted.repetitions, 'repetition')}; "
        f"about {numbers.clock(sum(runner.expected(todo, wanted)))}"
        + (", if each sustains a little less than its peak" if climbs else "")
    )
    if climbs:
        print(f"A climb brackets the highest load that a server sustains, up to {100 * cells.CLIMB_MOST:g} %, and runs few of its steps.")
    print(placement.lines(places))
    warn_of_short(wanted)


def warn_of_short(wanted):
    if wanted.duration < runner.SHORT_S:
        print(
            f"Note: runs of {numbers.write_time(wanted.duration)} are short: percentiles have few requests behind them, "
            "and one disturbance is a large part of a run."
        )


def manifest_of(wanted, options, places, threads):
    """What must not change between the parts of one comparison."""
    return {
        "format": results.FORMAT,
        "title": wanted.title,
        "question": wanted.question,
        "command": shlex.join(sys.argv),
        "spec": wanted.text,
        "wanted": dataclasses.asdict(dataclasses.replace(wanted, text="")),
        "declared": comparisons.declared(wanted),
        "cells": [cell.id for cell in cells.plan(wanted)],
        "environment": environment.describe(options.build, wanted.subjects, places),
        "peers": {s["name"]: peers.template_text(s["kind"]) for s in wanted.subjects if s["kind"] in peers.KINDS},
        "handler_threads": {subject["name"]: handler_threads.said_of(wanted, subject, threads) for subject in wanted.subjects},
        "load_hosts": split(options.load_hosts),
        "tuning": [{"said": one["said"], "log": one["log"]} for one in options.tuned],
    }


def check_same_plan(options, manifest, planned):
    if manifest is None:
        raise Trouble(f"{options.out} holds no comparison")
    if manifest["cells"] != planned:
        instead = "--report --out alone reports them" if options.report else "--replace removes them, --out takes another place"
        raise Trouble(f"{options.out} holds cells of another spec: {instead}")


def check_folder(options, there):
    """A comparison that is there stays, if nothing else is asked for."""
    if there.holds_cells() and not (options.resume or options.replace or options.cells):
        raise Trouble(
            f"{options.out} holds a comparison: --resume goes on with it, --replace removes it, --out takes "
            f"another place"
        )


def check_calibrated(there):
    """The cells that are there had rates that the calibration bounded: others would have rates of another calibration."""
    shared = [record for record in there.records.values() if record["level"]["kind"] == "slowest" and record["rate_asked"]]
    if shared and there.calibration() is None:
        raise Trouble(
            f"{there.folder / calibration.FILE}: is missing, so the rates of the {len(shared)} cells that are there cannot be asked for "
            f"again: put it back, --replace removes the comparison, --out takes another place"
        )


def check_goes_on(options, there, before, now):
    """Cells of other programs, another spec or another calibration are never mixed in."""
    check_same_plan(options, before, now["cells"])
    check_calibrated(there)
    changed = environment.same_programs(before["environment"], now["environment"])
    if changed and not options.cells:
        raise Trouble(
            f"{options.out} holds cells made elsewhere or by other programs ({changed}): --replace or another --out"
        )


def open_results(options, wanted, places, threads):
    """The folder, made or found again."""
    there = results.Results(options.out)
    if options.replace:
        there.clear()
    check_folder(options, there)
    there.open(alone=options.cells is None)
    now, before = manifest_of(wanted, options, places, threads), there.manifest()
    if before is None:
        there.write_json("manifest.json", now)
    else:
        check_goes_on(options, there, before, now)
    return there


@contextlib.contextmanager
def kept_to(runner_cpus):
    """This program on CPUs of its own, where it has some."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, runner_cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def bench_of(options, wanted, places, threads):
    """What all cells share, with the files that they serve."""
    raise_descriptors()
    facts, allowed = environment.describe(options.build, wanted.subjects, places), cpus.allowed()
    own = next(iter(places.values())).runner
    with kept_to(own), tempfile.TemporaryDirectory(prefix="compare-") as root:
        os.chmod(root, 0o755)  # peers may run as another user
        workloads.make_files(root, wanted.workloads)
        yield one_cell.Bench(
            wanted,
            options.build.resolve(),
            pathlib.Path(root),
            driver.driver_of(options, wanted.server["address"]),
            wanted.load,
            places,
            allowed,
            cgroups.prepared(next(iter(places.values())).kind == "shared"),
            facts,
            threads,
        )


def calibrate(bench, there):
    """Once for an experiment, on the CPUs of its first workload."""
    known = calibration.of_experiment(bench, next(iter(bench.places.values())), there)
    print(f"compare: {calibration.words(known)[0]}")


def prepared(options, wanted):
    """(places, handler threads), when all that a run needs is there and accepted."""
    check_programs(options.build, wanted.subjects)
    check_prefixes(wanted)
    driver.driver_of(options, wanted.server["address"])
    check_folder(options, results.Results(options.out))
    places = places_of(options, wanted)
    return places, check_models(options.build, wanted, places, options.spec or COMMAND_LINE)


def dry_run(options, wanted, todo):
    """Refuses what the run would refuse, and shows what it would do."""
    places, threads = prepared(options, wanted)
    there = results.Results(options.out)
    before = None if options.replace else there.manifest()
    if before is not None:
        there.read_cells()
        check_goes_on(options, there, before, manifest_of(wanted, options, places, threads))
    show_plan(wanted, todo, places)


def run_cells(options, wanted, plan, todo):
    places, threads = prepared(options, wanted)
    there = open_results(options, wanted, places, threads)
    left = [cell for cell in todo if cell.id not in there.records]
    print(
        f"compare: {len(left)} of {len(plan)} cells to run, about "
        f"{numbers.clock(sum(runner.expected(left, wanted)))}; results in {options.out}"
    )
    print(placement.lines(places))
    warn_of_short(wanted)
    with bench_of(options, wanted, places, threads) as bench:
        if left:
            calibrate(bench, there)
        runner.Runner(bench, there, plan).run(left)
    return there


def compare(options):
    wanted = wanted_of(options)
    plan = cells.plan(wanted)
    if not plan:
        names = ", ".join(workload["name"] for workload in wanted.workloads)
        raise BadSpec(
            f"{options.spec or COMMAND_LINE}: no cell to run: {names} needs handlers that only quartet has; give models, or workloads "
            f"that peers can run"
        )
    todo = todo_of(options, plan)
    if options.dry_run:
        dry_run(options, wanted, todo)
        return 0
    if options.report:
        there = results.Results(options.out)
        check_same_plan(options, there.manifest(), [cell.id for cell in plan])
        there.open()
        there.write_csv(plan)
    else:
        try:
            there = run_cells(options, wanted, plan, todo)
        except KeyboardInterrupt:
            print("\ncompare: interrupted; the same command with --resume goes on", file=sys.stderr)
            return 130
    if options.cells:
        print(
            f"compare: {len(there.records)} of {len(plan)} cells are in {options.out}; --report writes the "
            f"report when all are"
        )
        return 0
    print(report.write(there, wanted, plan))
    print(f"compare: figures, and what cannot be concluded: {options.out / 'index.html'}")
    return 0 if any(record["outcome"] == "ok" for record in there.records.values()) else 1
