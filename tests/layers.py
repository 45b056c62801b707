#!/usr/bin/env python3
"""Fails on an include against the arrow tools -> stages -> queues -> core, and on what undoes the layers.

usage: layers.py [ROOT]

Why a test: the link order of the library targets catches a call against the arrow, but not an include that
only borrows a struct or a macro. Each rule below is a function that yields breaches as (file, line, words).
"""
import pathlib
import re
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
    "uv.h": {"core/loop.c"},
    # It reads requests for the server and responses for the load generator, in different ways.
    "http_parser.h": {"core/http_parse.c", "tools/load/response_parse.c"},
    "openssl/evp.h": {"tools/load/digest.c"},
    "curl/curl.h": {"tools/live/fetch.c"},
}

# A source without a header of its own name implements part of this header, and includes it first.
PART_OF = {
    "core/report_json.c": "core/report.h",
    "stages/processor.c": "stages/stage.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
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


RULES = [arrow, spelling, wrapped, mains, own_header_first, part_of_is_true, no_umbrella]


def read_sources(root):
    paths = [p for layer in MAY_INCLUDE for p in sorted((root / layer).rglob("*.[ch]"))]
    return [Source(root, path) for path in paths]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    sources = read_sources(root)
    if not sources:
        sys.exit(f"layers: no sources below {root}")
    breaches = [breach for rule in RULES for breach in rule(root, sources)]
    for name, line, words in breaches:
        print(f"{name}:{line}: {words}")
    print(f"layers: {len(sources)} files, {len(RULES)} rules, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
