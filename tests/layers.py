#!/usr/bin/env python3
"""Fails on an include or a call against the arrow tools -> stages -> queues -> core, or from a room of a layer
to a room above it, on modules that include each other in a circle, on what undoes the layers, and on names of
functions that say nothing without their file.

usage: layers.py [ROOT [BUILD_DIR]]

The rooms of a layer and their order are those of the table in DESIGN.md; a layer without rows there is flat.
Calls are read from the object files below BUILD_DIR, and are not checked where there are none.

Why a test: the link order of the library targets catches a call against the arrow, but neither one between
rooms, which share a library, nor an include that only borrows a struct or a macro. Each rule below is a
function that yields breaches as (file, line, words).
"""
import collections
import pathlib
import re
import subprocess
import sys

# Whose headers a folder may include. A tool that needs more than core is named with its reason.
MAY_INCLUDE = {
    "core": {"core"},
    "queues": {"core", "queues"},
    "stages": {"core", "queues", "stages"},
    "tools": {"core", "tools"},
    "tests": {"core", "queues", "stages", "tools", "tests"},
}
TOOL_MAY_INCLUDE = {
    "tools/quartet.c": {"stages"},  # the server itself: what all its processes are given
}

# A library's header and the sources that may see it: one, or one for each thing the library does.
WRAPPED = {
    # Each is asked for its version besides.
    "uv.h": {"core/loop/loop.c", "core/base/libraries.c", "tests/core/base/test_libraries.c"},
    # It reads requests for the server and responses for the load generator, in different ways.
    "http_parser.h": {"core/http/parse.c", "tools/load/response_parse.c", "core/base/libraries.c",
                      "tests/core/base/test_libraries.c"},
    "openssl/evp.h": {"tools/load/digest.c"},
    "curl/curl.h": {"tools/live/fetch.c"},
    "jansson.h": {"core/base/json_read.h"},
}

# A source without a header of its own name implements part of this header, and includes it first.
PART_OF = {
    "core/report/report_json.c": "core/report/report.h",
    "core/report/report_since.c": "core/report/report.h",
}

# The layers that are libraries, lowest first. Rooms and circles are rules for them.
LIBRARIES = ("core", "queues", "stages")

# Layers whose modules may include each other in a circle, each with the reason: none.
CIRCLES_ALLOWED = {}

# Sources that the build makes, and the room in which they are.
MADE_IN = {"pages": "web"}

# A row of DESIGN.md's table of rooms, lowest first.
ROOM_ROW = re.compile(r"^\| `(\w+)/(\w+)/` \|")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
STATIC_FUNCTION = re.compile(r"(?:_Noreturn |__attribute__\(\(.*\)\) )?static [^=;(]*\b(\w+)\(")
MAIN = re.compile(r"^\s*(?:int\s+)?main\s*\(")


class Source:
    def __init__(self, root, path):
        self.name = path.relative_to(root).as_posix()
        self.layer = self.name.split("/")[0]
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.includes = []  # (line, quote, header)
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if match:
                self.includes.append((number, match[1], match[2]))


def arrow(root, sources):
    """An include goes down the arrow or stays in its layer."""
    for source in sources:
        allowed = MAY_INCLUDE[source.layer] | TOOL_MAY_INCLUDE.get(source.name, set())
        for line, _, header in source.includes:
            layer = header.split("/")[0]
            if layer in MAY_INCLUDE and layer not in allowed:
                yield source.name, line, f"{header}: {source.layer}/ must not include {layer}/"


def spelling(root, sources):
    """Our headers are included in quotes by their path from the root, the system's in brackets."""
    for source in sources:
        for line, quote, header in source.includes:
            ours = (root / header).is_file()
            if quote == '"' and not ours:
                yield source.name, line, f'"{header}" is not a path from the root'
            if quote == "<" and ours:
                yield source.name, line, f"<{header}> is ours: write it in quotes"


def wrapped(root, sources):
    """A library is known to few files only."""
    for source in sources:
        for line, _, header in source.includes:
            if header in WRAPPED and source.name not in WRAPPED[header]:
                names = " and ".join(sorted(WRAPPED[header]))
                yield source.name, line, f"only {names} may include {header}"


def mains(root, sources):
    """Only tools/ (and test programs) have a main()."""
    for source in sources:
        if source.layer in ("tools", "tests"):
            continue
        for number, line in enumerate(source.lines, 1):
            if MAIN.match(line):
                yield source.name, number, "main() belongs in tools/"


def own_header_first(root, sources):
    """A source's first include is the header that promises what it holds: so each header stands alone."""
    for source in sources:
        if not source.name.endswith(".c") or source.layer not in ("core", "queues", "stages"):
            continue
        own = source.name[:-2] + ".h"
        if (root / own).is_file():
            if source.name in PART_OF:
                yield source.name, 1, f"has {own}: take it out of PART_OF in tests/layers.py"
        elif source.name in PART_OF:
            own = PART_OF[source.name]
        else:
            yield source.name, 1, f"has no {own} and no line in PART_OF in tests/layers.py"
            continue
        if not source.includes or source.includes[0][2] != own:
            line = source.includes[0][0] if source.includes else 1
            yield source.name, line, f"the first include must be {own}"


def part_of_is_true(root, sources):
    """The list of exceptions names what exists."""
    for name, header in PART_OF.items():
        for path in (name, header):
            if not (root / path).is_file():
                yield "tests/layers.py", 1, f"PART_OF names {path}, which does not exist"


def no_umbrella(root, sources):
    """A header declares something: one that only includes others undoes the boundaries."""
    for source in sources:
        if not source.name.endswith(".h") or not source.includes:
            continue
        text = re.sub(r"/\*.*?\*/", "", "\n".join(source.lines), flags=re.S)
        code = [l for l in re.sub(r"\\\n", " ", text).splitlines() if l.strip()]
        if all(re.match(r"\s*#\s*(include|ifndef|define \w+$|endif|pragma)", l) for l in code):
            yield source.name, 1, "an umbrella header: include what you use instead"


# --- names ---


def names_tell(root, sources):
    """A profile and a uprobe show a function's name without its file. So the name of a static function says
    in several words what it does (libc has `wait` and `swap`), and no other source of the libraries has it."""
    first = {}
    for source in sources:
        if not source.name.endswith(".c") or source.layer not in LIBRARIES:
            continue
        statics = {}  # a prototype and its definition are one function
        for number, line in enumerate(source.lines, 1):
            match = STATIC_FUNCTION.match(line)
            if match:
                statics.setdefault(match[1], number)
        for name, number in statics.items():
            if "_" not in name:
                yield source.name, number, f"the static function {name}() needs a name of several words"
            if name in first:
                yield source.name, number, f"{first[name]} has a static function {name}() too"
            first.setdefault(name, source.name)


# --- rooms ---


def read_rooms(root):
    """{layer: [room, ...]}, lowest first, as DESIGN.md has them."""
    rooms = collections.defaultdict(list)
    design = root / "DESIGN.md"
    for line in design.read_text(encoding="utf-8").splitlines() if design.is_file() else []:
        match = ROOM_ROW.match(line)
        if match and match[1] in LIBRARIES:
            rooms[match[1]].append(match[2])
    return rooms


def room_of(name):
    """The folder between layer and file; "" for a file that lies in the layer itself."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else ""


def in_a_room(root, sources):
    """A layer that has rooms has every file in one of them."""
    rooms = read_rooms(root)
    for source in sources:
        if source.layer in rooms and room_of(source.name) not in rooms[source.layer]:
            yield source.name, 1, f"lies in no room of {source.layer}/ (DESIGN.md has the table)"


def room_arrow(root, sources):
    """An include goes to the same room or to one below."""
    rooms = read_rooms(root)
    for source in sources:
        order = rooms.get(source.layer, [])
        for line, _, header in source.includes:
            here, there = room_of(source.name), room_of(header)
            if header.split("/")[0] != source.layer or here not in order or there not in order:
                continue
            if order.index(there) > order.index(here):
                yield source.name, line, f"{header}: {here}/ must not include {there}/, which is above it"


# --- circles ---


def module_of(name):
    """A header and its source are one module; a table (.def) is one by itself."""
    name = PART_OF.get(name, name)
    return name[:-2] if name.endswith((".c", ".h")) else name


def graph_of(sources, layer):
    """{module: {module that it includes: (file, line)}} within a layer."""
    graph = collections.defaultdict(dict)
    for source in sources:
        for line, _, header in source.includes if source.layer == layer else []:
            here, there = module_of(source.name), module_of(header)
            if here != there and header.split("/")[0] == layer:
                graph[here].setdefault(there, (source.name, line))
    return graph


def reached_from(graph, start):
    """All modules that `start` includes, directly or not."""
    reached, left = set(), list(graph.get(start, ()))
    while left:
        module = left.pop()
        if module not in reached:
            reached.add(module)
            left += graph.get(module, ())
    return reached


def circles_of(graph):
    """Sets of modules of which each includes, in the end, all others of its set."""
    reached = {module: reached_from(graph, module) for module in graph}
    circles = {frozenset(m for m in reached[start] if start in reached.get(m, ()))
               for start in graph if start in reached[start]}
    return sorted(circles, key=sorted)


def no_circle(root, sources):
    """What a module needs does not need the module: each can be read, and tested, without those above it."""
    for layer in LIBRARIES:
        graph = graph_of(sources, layer)
        circles = circles_of(graph)
        if layer in CIRCLES_ALLOWED:
            if not circles:
                yield "tests/layers.py", 1, f"{layer}/ has no circle: take it out of CIRCLES_ALLOWED"
            continue
        for circle in circles:
            first = min(circle)
            name, line = next(graph[first][m] for m in sorted(graph[first]) if m in circle)
            yield name, line, f"{len(circle)} modules include each other: {', '.join(sorted(circle))}"


# --- calls ---


def read_objects(build):
    """[(layer, room, source, path)] of the object files that CMake has made for the libraries."""
    objects = []
    for layer in LIBRARIES:
        top = build / layer / "CMakeFiles" / f"{layer}.dir"
        for path in sorted(top.rglob("*.o")):
            parts = path.relative_to(top).as_posix()[:-2].split("/")
            made = parts[0] == "__"
            room = MADE_IN.get(parts[1], "") if made else "/".join(parts[:-1])
            name = "/".join(parts[1:] if made else [layer] + parts)
            objects.append((layer, room, name, path))
    return objects


def read_symbols(objects):
    """({symbol: object that defines it}, [(object, symbol that it needs)])."""
    by_path = {str(which[3]): which for which in objects}
    said = subprocess.run(["nm", "-A", "-P", "-g", *by_path], capture_output=True, text=True, check=True)
    defined, needed = {}, []
    for line in said.stdout.splitlines():
        path, symbol, kind = re.match(r"(.*): (\S+) (\S)", line).groups()
        if kind in "Uvw":
            needed.append((by_path[path], symbol))
        else:
            defined[symbol] = by_path[path]
    return defined, needed


def calls(root, build):
    """Whatever an object needs is defined in its room, in one below, or outside of the libraries."""
    rooms = read_rooms(root)
    order = [(layer, room) for layer in LIBRARIES for room in rooms.get(layer) or [""]]

    def height(which):
        layer, room = which[0], which[1] if rooms.get(which[0]) else ""
        return order.index((layer, room)) if (layer, room) in order else -1

    defined, needed = read_symbols(read_objects(build))
    for which, symbol in needed:
        other = defined.get(symbol)
        if other is not None and height(other) > height(which) >= 0:
            yield which[2], 1, f"uses {symbol}, which {other[2]} above it defines"


RULES = [arrow, spelling, wrapped, mains, own_header_first, part_of_is_true, no_umbrella, names_tell, in_a_room,
         room_arrow, no_circle]


def read_sources(root):
    paths = [p for layer in MAY_INCLUDE for p in sorted((root / layer).rglob("*.[ch]"))]
    return [Source(root, path) for path in paths]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    sources = read_sources(root)
    if not sources:
        sys.exit(f"layers: no sources below {root}")
    breaches = [breach for rule in RULES for breach in rule(root, sources)]
    build = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if build is not None and read_objects(build):
        breaches += calls(root, build)
    else:
        print("layers: calls are not checked: " + (f"no object files below {build}" if build else "no BUILD_DIR"))
    for name, line, words in breaches:
        print(f"{name}:{line}: {words}")
    print(f"layers: {len(sources)} files, {len(RULES)} rules, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
