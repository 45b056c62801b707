"""Runs all controls (control.py) on this machine: tools/compare --controls."""
import csv
import dataclasses
import os
import pathlib
import time

from . import control, controls_file, cpus, disturbance, environment, grades, load, numbers, placement, servers, status
from .trouble import BadSpec, Trouble

CALIBRATION_S = 2.0
WARMUP_S = 0.5
SETTLE_S = 0.05
BESIDE_S = 3 * WARMUP_S + 1  # warm-ups, starting and ending programs
CONNECTIONS = 256  # of the open loop: so many that none waits for one
SEED = 1
NICE = -5


@dataclasses.dataclass(frozen=True)
class Lab:
    """What all controls share."""

    build: pathlib.Path
    place: placement.Placement
    cpus: list
    seconds: object  # of each open loop, or None: what the control says


def read_sojourns(path):
    """Of the log of quartet-load: those of its window that were answered."""
    with open(path, newline="", encoding="utf-8") as log:
        rows = [row for row in csv.DictReader(log) if row["measured"] == "1" and row["status"] == "200"]
    sent = sorted((int(row["sent_ns"]), int(row["done_ns"])) for row in rows)
    return [(done - begun) / 1e9 for begun, done in sent]


def drive(lab, server, folder, name, target, seconds, words):
    """A run between two snapshots of the server. Trouble when a request fails."""
    apart = lab.place.kind == "apart"
    load_words = {"nice": NICE, "prefix": [], "args": [], "cpus": lab.place.generator if apart else None}
    options = ["--warmup", numbers.write_time(WARMUP_S), "--duration", numbers.write_time(seconds)]
    options += ["--seed", str(SEED), "--quiet", *(["--spin"] if apart else []), *words, server.url + target]
    before = status.ask(server.url)
    report = load.run(lab.build / "quartet-load", options, load_words, folder, name)
    time.sleep(SETTLE_S)
    window = status.window(status.ask(server.url), before)
    cannot = grades.invalid(report)
    if grades.lost(report):
        cannot.append(f"{100 * grades.lost(report):.2g} % of the requests had no good answer")
    if cannot:
        raise Trouble(f"{name}: {'; '.join(cannot)}")
    if window is None:
        raise Trouble(f"{name}: the server did not report its times")
    log = folder / f"{name}.csv"
    return control.Run(report, window["intervals"]["process"]["mean"] / 1e6, read_sojourns(log) if log.is_file() else [])


def measure(lab, kind, folder):
    """(alone, full, open): the three runs, on one server."""
    subject = {"kind": "quartet", "name": kind.name, "args": list(kind.args)}
    words = {"prefix": [], "args": [], "address": "127.0.0.1"}
    with servers.server_of(subject, lab.build, folder, folder, words, servers.Room(lab.place.server, None)) as server:
        alone = drive(lab, server, folder, "alone", kind.base, CALIBRATION_S, ["--connections", "1"])
        full = drive(lab, server, folder, "full", kind.base, CALIBRATION_S, ["--connections", str(4 * kind.servers)])
        words = ["--connections", str(CONNECTIONS), "--rate", str(kind.rate), "--log", str(folder / "open.csv")]
        return alone, full, drive(lab, server, folder, "open", kind.target, lab.seconds or kind.seconds, words)


def run_one(lab, kind, folder):
    """The figures of one control; what could not run is undecided."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open.csv").unlink(missing_ok=True)
    before = disturbance.snapshot(lab.cpus)
    try:
        found = control.judge(kind, *measure(lab, kind, folder))
    except Trouble as error:
        found = control.judged({"name": kind.name, "law": kind.law}, "undecided", str(error))
    after = disturbance.snapshot(lab.cpus)
    return found | disturbance.between(before, after, os.cpu_count(), len(lab.cpus))


HEAD = f"{'control':18} {'law':6} {'load':>5} {'predicted':>10} {'measured':>10}  {'interval':22} verdict"


def line_of(found):
    """A row of the table on the terminal."""
    if "predicted_us" not in found:
        return f"{found['name']:18} {found['law']:6} {found['verdict']}: {found['why']}"
    shown = {key: numbers.time_us(found[f"{key}_us"]) for key in ("predicted", "measured", "low", "high")}
    span = f"{shown['low']} to {shown['high']}"
    why = f": {found['why']}" if found["why"] else ""
    return (
        f"{found['name']:18} {found['law']:6} {found['load']:5.2f} {shown['predicted']:>10} {shown['measured']:>10}  "
        f"{span:22} {found['verdict']}{why}"
    )


TAKEN = ("controls", "build", "out", "duration", "placement")


def check_options(options, defaults):
    """An option that would have no effect is refused."""
    for key, default in vars(defaults).items():
        if key not in TAKEN and getattr(options, key) != default:
            name = "a spec" if key == "spec" else "--" + key.replace("_", "-")
            raise BadSpec(f"--controls does not go with {name}: it takes --build, --out, --duration and --placement")


def lab_of(options):
    try:
        seconds = numbers.read_time_s(options.duration) if options.duration else None
    except ValueError:
        raise BadSpec(f"--duration: {options.duration!r} is not accepted: a time such as 30s") from None
    own = cpus.allowed()
    wanted = {"kind": options.placement or placement.KINDS[0], "server_cpus": None, "generator_cpus": None}
    return Lab(options.build.resolve(), placement.plan(own, cpus.core_of(own), wanted), own, seconds)


def main(options):
    """Runs all; exit status 0 only when each prediction holds."""
    lab, folder = lab_of(options), controls_file.file_of(options.out).parent / "controls"
    seconds = sum(2 * CALIBRATION_S + (lab.seconds or kind.seconds) + BESIDE_S for kind in control.CONTROLS)
    where = placement.words(lab.place.facts())
    print(f"controls: {len(control.CONTROLS)}, about {numbers.clock(seconds)}; {where}\n{HEAD}", flush=True)
    found = []
    for kind in control.CONTROLS:
        found.append(run_one(lab, kind, folder / kind.name))
        print(line_of(found[-1]), flush=True)
    for words in disturbance.words([{"metrics": one} for one in found], "Other use of the machine: "):
        print(words)
    holds = controls_file.write(options.out, environment.describe(lab.build, [], {"controls": lab.place}), found)
    said = "all hold" if holds else "NOT ALL HOLD: find the cause before you conclude anything"
    print(f"controls: {said}; {controls_file.file_of(options.out)}")
    return 0 if holds else 1
