"""A comparison as asked for: a TOML file, checked key by key (tables_of_toml.py)."""
import dataclasses
import pathlib

from . import checks, handler_threads, peers, placement, workloads
from .tables_of_toml import NEEDED, read_table, refuse
from .trouble import BadSpec

TOP = {
    "title": (checks.text(200), "A comparison of threading models"),
    "question": (checks.text(), None),
    "reference": (checks.name, None),
    "margin": (checks.number(0.001, 0.5), 0.05),
    "repetitions": (checks.whole(1, 1000), 9),
    "repeats": (checks.whole(0, 2), 2),
    "seed": (checks.whole(0, 2**31), 1),
    "warmup": (checks.duration(0, 3600), 1.0),
    "settle": (checks.duration(0, 60), 0.25),
    "duration": (checks.duration(0.05, 24 * 3600), 3.0),
    "trace": (checks.flag, False),
    "syscalls": (checks.flag, False),
    "workloads": (checks.list_of(checks.text(), 1), None),
    "models": (checks.list_of(checks.name, 0), None),
    "peers": (checks.list_of(checks.name, 0), None),
}
SERVER = {
    "args": (checks.words, []),
    "prefix": (checks.words, []),
    "address": (checks.name, "127.0.0.1"),
    "handler_threads": (handler_threads.asked, handler_threads.EQUAL),
}
LOAD = {"args": (checks.words, []), "prefix": (checks.words, []), "nice": (checks.whole(-20, 19), None)}
LEVELS = {
    "connections": (checks.list_of(checks.whole(1, 100000)), None),
    "rates": (checks.list_of(checks.whole(1, 10_000_000)), []),
    "shares_of_slowest": (checks.list_of(checks.number(0.01, workloads.SHARE_MOST)), []),
    "shares_of_own": (checks.list_of(checks.number(0.01, 5)), []),
    "climb": (checks.number(0, 1), 0),
    "open_connections": (checks.whole(1, 100000), 64),
}
MODEL = {
    "name": (checks.name, None),
    "model": (checks.name, None),
    "wiring": (checks.name, None),
    "flags": (checks.words, []),
}
PEER = {
    "name": (checks.name, None),
    "kind": (checks.choice(*peers.KINDS, "command"), NEEDED),
    "command": (checks.words, []),
}
TABLES = {"placement": placement.TABLE, "server": SERVER, "load": LOAD, "levels": LEVELS}
LISTS = {"model": MODEL, "peer": PEER, "workload": workloads.WORKLOAD}


@dataclasses.dataclass
class Spec:
    """A comparison. Subjects and workloads are plain dictionaries, since their content names their cells."""

    title: str
    question: str
    reference: str  # the subject that all others are compared with
    margin: float  # a ratio within it is called equal
    repetitions: int
    repeats: int  # of a block that something outside the experiment disturbed, at most
    seed: int
    warmup: float
    settle: float
    duration: float
    trace: bool
    syscalls: bool
    placement: dict
    server: dict
    load: dict
    levels: dict
    subjects: list
    workloads: list
    text: str = ""


def subject_of_model(where, path, entry):
    if bool(entry["model"]) == bool(entry["wiring"]):
        raise BadSpec(f"{where}: {path}: one of model and wiring is needed, and not both")
    words = ["--model", entry["model"]] if entry["model"] else ["--wiring", entry["wiring"]]
    name = entry["name"] or " ".join([entry["model"] or entry["wiring"], *entry["flags"]])
    return {"kind": "quartet", "name": name, "args": words + entry["flags"]}


def subject_of_peer(where, path, entry):
    if (entry["kind"] == "command") != bool(entry["command"]):
        raise BadSpec(f"{where}: {path}: a command is needed for the kind command, and only for it")
    return {"kind": entry["kind"], "name": entry["name"] or entry["kind"], "args": entry["command"]}


def model_by_words(where, text):
    """A model as --models has it: its name, and flags behind it."""
    name, *flags = checks.words(text) or [""]
    if not name or name.startswith("-"):
        refuse(where, "models", text, "the name of a model, and flags of the server behind it")
    return subject_of_model(where, "models", {"name": None, "model": name, "wiring": None, "flags": flags})


def peer_by_name(where, name):
    if name not in peers.KINDS:
        refuse(where, "peers", name, "one of " + ", ".join(peers.KINDS))
    return {"kind": name, "name": name, "args": []}


def once(where, what, things):
    names = [thing["name"] for thing in things]
    for name in names:
        if names.count(name) > 1:
            raise BadSpec(f"{where}: two {what} have the name {name!r}: give one another name")


def subjects_of(where, top, entries):
    subjects = [model_by_words(where, text) for text in top["models"] or []]
    subjects += [subject_of_model(where, f"model[{i}]", entry) for i, entry in enumerate(entries["model"])]
    subjects += [peer_by_name(where, name) for name in top["peers"] or []]
    subjects += [subject_of_peer(where, f"peer[{i}]", entry) for i, entry in enumerate(entries["peer"])]
    if not subjects:
        raise BadSpec(f"{where}: nothing to compare: give models, model, peers or peer")
    once(where, "models or peers", subjects)
    return subjects


def workloads_of(where, folder, top, entries):
    chosen = [workloads.by_name(where, name, folder) for name in top["workloads"] or []]
    chosen += [workloads.finish(where, entry) for entry in entries["workload"]]
    chosen = chosen or [workloads.by_name(where, "tiny", folder)]
    once(where, "workloads", chosen)
    return chosen


ONE_LOOP = [64]  # connections, where nothing is said of them and they are needed


def reference_of(where, name, subjects):
    """The first subject, if none is given."""
    names = [subject["name"] for subject in subjects]
    if name is not None and name not in names:
        refuse(where, "reference", name, "one of " + ", ".join(names))
    return name or names[0]


def check_levels(where, levels):
    """Where connections are not given, rates alone need none: there is a closed loop only if a level needs its peak, or
    if there is no other load."""
    peaks = levels["shares_of_slowest"] or levels["shares_of_own"] or levels["climb"]
    if levels["connections"] is None:
        levels["connections"] = [] if levels["rates"] and not peaks else list(ONE_LOOP)
    if 0 < levels["climb"] < 0.02:
        refuse(where, "levels.climb", levels["climb"], "0 for none, or a share of the peak from 0.02 to 1")
    if levels["climb"] and levels["shares_of_own"]:
        raise BadSpec(f"{where}: levels: climb and shares_of_own are both shares of one's own peak: give one of them")
    if not peaks and not any(levels[key] for key in ("connections", "rates")):
        raise BadSpec(f"{where}: levels: no load: give connections or rates")


def check_prefixes(where, tables):
    """A mask of a prefix would work against the placement, and the report would name CPUs that nothing ran on."""
    for name in ("server", "load"):
        if tables["placement"]["kind"] == "apart" and tables[name]["prefix"][:1] == ["taskset"]:
            key = "generator_cpus" if name == "load" else "server_cpus"
            refuse(where, f"{name}.prefix", "taskset", f'placement.{key} says which CPUs, or placement.kind = "shared"')


def from_values(values, where, folder=pathlib.Path("."), text=""):
    """A spec of what a TOML file holds."""
    values = dict(values)
    tables = {name: read_table(where, f"{name}.", values.pop(name, {}), keys) for name, keys in TABLES.items()}
    entries = {}
    for name, keys in LISTS.items():
        given = values.pop(name, [])
        if not isinstance(given, list) or any(isinstance(entry, str) for entry in given):
            names = f"; did you mean {name}s, which takes names?" if isinstance(given, (list, str)) else ""
            refuse(where, name, given, f"tables headed [[{name}]]{names}")
        if name == "workload":
            given = [workloads.like(where, f"{name}[{i}].", entry, folder) for i, entry in enumerate(given)]
        entries[name] = [read_table(where, f"{name}[{i}].", entry, keys) for i, entry in enumerate(given)]
    headings = [f"[{name}]" for name in TABLES] + [f"[[{name}]]" for name in LISTS]
    top = read_table(where, "", values, TOP, headings)
    check_levels(where, tables["levels"])
    check_prefixes(where, tables)
    subjects = subjects_of(where, top, entries)
    return Spec(
        reference=reference_of(where, top["reference"], subjects),
        subjects=subjects,
        workloads=workloads_of(where, folder, top, entries),
        text=text,
        **tables,
        **{key: top[key] for key in top if key not in ("reference", "workloads", "models", "peers")},
    )
