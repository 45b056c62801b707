"""How many threads run handlers: the same number for all models whose pool or sessions do, so that a comparison is one of models
and not of their defaults.

The server alone knows which of its groups that is: --max-threads is its flag for it, and refuses a model whose handlers run
on event loops. Those have a loop for each CPU, whatever is asked. The server also knows who has chosen already: its
configuration has the numbers that its words gave, wherever they stand (a model's flags, [server] args, a workload's
server_args, or a file of --config). Such a choice is kept.
"""
import dataclasses
import json
import shlex

from . import cells, checks, processes
from .trouble import BadSpec

EQUAL, OWN = "equal", "own"
MOST = 1024  # what the server takes
FLAG = "--max-threads"
CHOOSES = ("max-threads", "min-threads", "processors", "sessions", "wiring")  # options: whoever gives one of these has chosen
LOOPS = "its event loops"


def asked(value):
    if value in (EQUAL, OWN):
        return value
    try:
        return checks.whole(1, MOST)(int(value) if isinstance(value, str) and value.isdigit() else value)
    except ValueError:
        raise ValueError(f"{EQUAL}, {OWN}, or a number from 1 to {MOST}") from None


def number_of(spec):
    """None where each model keeps its own. Equal: as many as there are connections at most, so that no model lacks a thread for a
    client."""
    value = spec.server["handler_threads"]
    if value == OWN:
        return None
    return min(MOST, cells.most_connections(spec)) if value == EQUAL else value


def sources(spec, subject, workload):
    """[(key, words)] of all that gives a server its words, in their order."""
    return [
        (f"model {subject['name']}", subject["args"]),
        ("server.args", spec.server["args"]),
        (f"workload {workload['name']}: server_args", workload["server_args"]),
    ]


def ask(build, words, own, question):
    return processes.ask([str(build / "quartet"), *words, question], own)


def refuse(build, where, several, own):
    """Names the first words that the server refuses; those before them it accepts. It says itself what it accepts."""
    words = []
    for key, some in several:
        words += some
        status, _, said = ask(build, words, own, "--check")
        if status != 0:
            raise BadSpec(f"{where}: {key}: {shlex.join(some)!r} is not accepted: {said.strip()}")


def config_of(build, where, several, own):
    """What the server makes of all its words on these CPUs. Raises BadSpec for words that it refuses."""
    words = [word for _, some in several for word in some]
    status, out, said = ask(build, words, own, "--print-config")
    if status != 0:
        refuse(build, where, several, own)
        raise BadSpec(f"{where}: {said.strip()}")
    try:
        return json.loads(out)
    except ValueError:
        raise BadSpec(f"{where}: {shlex.join(words)!r} is not accepted: words of a server that starts (no --help, no --version)") from None


def has_chosen(config):
    """A model with a number of its own, or a wiring, which has its numbers in it."""
    return any(config["options"].get(key) for key in CHOOSES)


@dataclasses.dataclass(frozen=True)
class Threads:
    """Of one subject under one workload."""

    words: tuple  # the flags that give it the common number; none where it keeps its own
    said: str  # its groups that run handlers, as the server resolves them, and why they are not equal where they are not


def groups(config):
    """The groups of its wiring that run handlers, with their numbers of threads."""
    return ", ".join(group.strip() for group in config["wiring"].split("|") if "p" in group.lower())


def of_workload(build, where, spec, subject, workload, own):
    """The threads of a subject on the CPUs that it has under a workload."""
    several = sources(spec, subject, workload)
    config, number = config_of(build, where, several, own), number_of(spec)
    if number is None or has_chosen(config):
        return Threads((), f"{groups(config)} (its own)")
    words = (FLAG, str(number))
    status, out, _ = ask(build, [word for _, some in several for word in some] + list(words), own, "--print-config")
    return Threads(words, groups(json.loads(out))) if status == 0 else Threads((), f"{groups(config)} ({LOOPS})")


def said_of(spec, subject, threads):
    """For the table of what was compared. `threads` has those of all subjects by (subject's name, workload's name); placements
    and words differ by workload."""
    if subject["kind"] != "quartet":
        return "its own"
    found = {}
    for workload in spec.workloads:
        found.setdefault(threads[subject["name"], workload["name"]].said, []).append(workload["name"])
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{said} for {', '.join(names)}" for said, names in found.items())
