"""Workloads: what is asked for, by whom, and the files that must be there. Each shipped one is a file in
tools/workloads/."""
import pathlib
import random

from . import checks, placement, tables_of_toml
from .trouble import BadSpec

SHIPPED = pathlib.Path(__file__).resolve().parent.parent / "workloads"
URLS_MOST = 16  # what quartet-load takes
SHARE_MOST = 0.5  # of the slowest's peak: nearer to it, the rate measures how near each one is to its own
LEVELS = ("connections", "rates", "shares_of_slowest")
BLOCK = 1 << 16


def target(value):
    """A target, with its weight in front where it is one of several."""
    weight, comma, path = value.partition(",") if isinstance(value, str) else ("", "", "")
    if not comma:
        weight, path = "1", value
    if not isinstance(path, str) or not path.startswith("/") or not weight.isdigit() or not 1 <= int(weight) <= 1000000:
        raise ValueError("a target such as /tiny.txt, or with a weight in front such as 3,/tiny.txt")
    return [int(weight), path]


def file_entry(value):
    """{path, size} of a file below the server's root."""
    if not isinstance(value, dict) or set(value) != {"path", "size"}:
        raise ValueError('{path = "name", size = bytes}')
    path = value["path"]
    if not isinstance(path, str) or path.startswith("/") or ".." in path or not path:
        raise ValueError("a path that stays below the root")
    return {"path": path, "size": checks.whole(0, 1 << 30)(value["size"])}


def class_entry(value):
    """{share, smallest, largest, files} of a class of a Zipf mix."""
    keys = {
        "share": checks.number(0, 100),
        "smallest": checks.whole(1, 1 << 30),
        "largest": checks.whole(1, 1 << 30),
        "files": checks.whole(1, URLS_MOST),
    }
    if not isinstance(value, dict) or set(value) != set(keys):
        raise ValueError("{share = percent, smallest = bytes, largest = bytes, files = number}")
    entry = {key: check(value[key]) for key, check in keys.items()}
    if entry["smallest"] > entry["largest"]:
        raise ValueError("a smallest size that is not above the largest")
    return entry


WORKLOAD = {
    "like": (checks.name, None),
    "name": (checks.name, None),
    "title": (checks.text(100), None),
    "what": (checks.text(), None),
    "targets": (checks.list_of(target, 0, URLS_MOST), []),
    "connections": (checks.list_of(checks.whole(1, 100000)), []),
    "rates": (checks.list_of(checks.whole(1, 10_000_000)), []),
    "shares_of_slowest": (checks.list_of(checks.number(0.01, SHARE_MOST)), []),
    "files": (checks.list_of(file_entry), []),
    "classes": (checks.list_of(class_entry), []),
    "zipf_exponent": (checks.number(0, 5), 1.0),
    "seed": (checks.whole(0, 2**31), 1),
    "load_args": (checks.words, []),
    "server_args": (checks.words, []),
    "ours_only": (checks.flag, False),
    "server_cost": (checks.number(0.01, 1000), placement.SERVER_COST),
}


def by_name(where, name, folder):
    """A shipped workload, or a file."""
    path = path_of(where, name, folder)
    values, _ = tables_of_toml.read_toml(path)
    entry = tables_of_toml.read_table(str(path), "", values, WORKLOAD)
    entry["name"] = entry["name"] or path.stem
    return finish(str(path), entry)


def path_of(where, name, folder):
    """Of a file, it is absolute or relative to the spec's folder."""
    path = folder / name if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    if "\0" in name or (not name.endswith(".toml") and name not in shipped()):
        raise BadSpec(
            f"{where}: workloads: {name!r} is not accepted: one of {', '.join(shipped())}, or the path of a .toml file"
        )
    return path


def like(where, place, values, folder):
    """What a table holds, on top of the workload that its `like` names."""
    name = values.get("like") if isinstance(values, dict) else None
    if name is None:
        return values
    if not isinstance(name, str):
        tables_of_toml.refuse(where, f"{place}like", name, "the name of a shipped workload, or the path of a .toml file")
    values = {key: value for key, value in values.items() if key != "like"}
    return {"name": pathlib.Path(name).stem, **tables_of_toml.read_toml(path_of(where, name, folder))[0], **values}


def shipped():
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def finish(where, entry):
    """A Zipf mix becomes files and targets; what is left must be whole."""
    entry = dict(entry)
    if entry["classes"]:
        files, targets = zipf(entry)
        entry["files"], entry["targets"] = entry["files"] + files, entry["targets"] + targets
    if not entry["name"]:
        raise BadSpec(f"{where}: workload.name: is missing")
    if not 1 <= len(entry["targets"]) <= URLS_MOST:
        raise BadSpec(
            f"{where}: workload {entry['name']}: it has {len(entry['targets'])} targets; accepted are 1 to {URLS_MOST}"
        )
    entry["title"] = entry["title"] or entry["name"]
    entry["ours_only"] = entry["ours_only"] or any(path.startswith("/synthetic/") for _, path in entry["targets"])
    made_of = {"classes", "zipf_exponent", "seed", "like", *(key for key in LEVELS if not entry[key])}
    return {key: entry[key] for key in WORKLOAD if key not in made_of}


def zipf(entry):
    """Files of sizes drawn from each class, asked for by Zipf's law within the class. The seed decides all."""
    draw = random.Random(entry["seed"])
    files, targets = [], []
    for number, kind in enumerate(entry["classes"]):
        total = sum(rank ** -entry["zipf_exponent"] for rank in range(1, kind["files"] + 1))
        for rank in range(1, kind["files"] + 1):
            path = f"class{number}-{rank}.bin"
            files.append({"path": path, "size": draw.randint(kind["smallest"], kind["largest"])})
            weight = kind["share"] * 1000 * rank ** -entry["zipf_exponent"] / total
            targets.append([max(1, round(weight)), "/" + path])
    return files, targets


def make_files(root, chosen):
    """All files of all workloads below one root; two may share a file, but not a name."""
    root = pathlib.Path(root)
    for entry in (file for workload in chosen for file in workload["files"]):
        path = root / entry["path"]
        if path.is_file():
            if path.stat().st_size != entry["size"]:
                raise BadSpec(f"two workloads want the file {entry['path']} with different sizes")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as out:
            for start in range(0, entry["size"], BLOCK):
                out.write(b"x" * min(BLOCK, entry["size"] - start))


def url_words(workload, base):
    """As quartet-load takes them."""
    if len(workload["targets"]) == 1:
        return [base + workload["targets"][0][1]]
    return [f"{weight},{base}{path}" for weight, path in workload["targets"]]
