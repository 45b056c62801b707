"""How many threads run handlers: the same number for all models whose pool or sessions do, so that a comparison is one of models
and not of their defaults.

The server alone knows which of its groups that is: --max-threads is its flag for it, and refuses a model whose handlers run
on event loops. Those have a loop for each CPU, whatever is asked.
"""
import json

from . import cells, checks, processes
from .trouble import BadSpec

EQUAL, OWN = "equal", "own"
MOST = 1024  # what the server takes
FLAG = "--max-threads"
CHOOSES = (FLAG, "--min-threads", "--processors", "--sessions")  # whoever gives one of these has chosen
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


def has_chosen(spec, subject):
    """A model with a flag of its own or of all servers, or a wiring, which has its numbers in it."""
    words = subject["args"] + spec.server["args"]
    return "--wiring" in words or any(word.split("=")[0] in CHOOSES for word in words)


def words_for(build, spec, subject, own):
    """The flags of a subject beside its own, on these CPUs. Raises BadSpec for words that the server refuses anyway."""
    number = number_of(spec)
    plain = [str(build / "quartet"), *subject["args"], *spec.server["args"], "--check"]
    if number is None or has_chosen(spec, subject):
        return refused(subject, plain, own)
    if processes.ask([*plain[:-1], FLAG, str(number), "--check"], own)[0] == 0:
        return [FLAG, str(number)]
    return refused(subject, plain, own)


def refused(subject, command, own):
    """No words, for a command that the server accepts."""
    status, _, said = processes.ask(command, own)
    if status == 2:
        raise BadSpec(f"{subject['name']}: {said.strip()}")
    return []


def groups(build, spec, subject, words, own):
    """The groups of its wiring that run handlers, with their numbers of threads, as the server resolves them on these CPUs."""
    status, out, said = processes.ask([str(build / "quartet"), *subject["args"], *spec.server["args"], *words, "--print-config"], own)
    if status != 0:
        raise BadSpec(f"{subject['name']}: {said.strip()}")
    return ", ".join(group.strip() for group in json.loads(out)["wiring"].split("|") if "p" in group.lower())


def said_of(build, spec, subject, words, places):
    """For the table of what was compared: the groups, and why they are not equal where they are not. Placements differ by
    workload, and the loops of a model with them."""
    if subject["kind"] != "quartet":
        return "its own"
    found = " or ".join(dict.fromkeys(groups(build, spec, subject, words, place.server) for place in places.values()))
    if words:
        return found
    return f"{found} ({'its own' if number_of(spec) is None or has_chosen(spec, subject) else LOOPS})"
