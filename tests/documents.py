#!/usr/bin/env python3
"""Fails when a document and the tree say different things.

usage: documents.py [ROOT]

Reasons are prose and age well; names do not. So each name is checked in the direction in which it goes stale:

    document -> tree   paths, functions, options and ALL_CAPS names in backticks, ALL_CAPS names in the first column of
                       tables, functions in a row with their files, relative links, and anchors of links
    tree -> document   every entry of the .def lists that a document promises to explain
    glossary           each term is defined once, and used in a document or in the code beside that

Documents are DESIGN.md and every README.md. Each rule below is a function that yields breaches as (document, words).
"""
import glob
import itertools
import os
import pathlib
import re
import sys

FOLDERS = ("core", "queues", "stages", "tools", "tests")
CODE = {".c", ".h", ".def", ".py", ".cmake", ".js", ".toml", ".pml"}
FOREIGN = "core/web/uplot"  # has a README of its own
LINES_MOST = {"README.md": 150, "DESIGN.md": 450}
PICTURE_BYTES_MOST = 200_000

# The .def lists that are explained, what their entries are called, and the documents that name every one.
EXPLAINED = {
    "core/exchange/conn_states.def": ("state", ("DESIGN.md",)),
    "core/exchange/verdicts.def": ("verdict", ("DESIGN.md",)),
    "core/points/close_reasons.def": ("close reason", ("DESIGN.md",)),
    "core/base/lock_ranks.def": ("lock rank", ("DESIGN.md",)),
    "core/points/trace_points.def": ("interval", ("tools/trace/README.md",)),
    "stages/model/presets.def": ("model", ("README.md", "stages/README.md")),
}
GLOSSARY = ("DESIGN.md", "Glossary")

# An entry's name: the first argument, or for two lists the text in quotes that people see.
ENTRY = re.compile(r"^[A-Z_]+\(([A-Z][A-Z0-9_]*)[,)]", re.M)
ENTRIES = {
    "core/points/trace_points.def": re.compile(r'^INTERVAL\([A-Z_]+, *"([^"]+)"', re.M),
    "stages/model/presets.def": re.compile(r'^[A-Z_]+\( *"([^"]+)"', re.M),
}

PATH = re.compile(r"(?:%s|\.ci)/[A-Za-z0-9_./*{},-]*" % "|".join(FOLDERS))
FUNCTION = re.compile(r"([a-z_][a-z0-9_]*)\(\)")
OPTION = re.compile(r"--[a-z][a-z-]+")
CAPITALS = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Z0-9_]{2,}(?![A-Za-z0-9_])")
WIRING = re.compile(r"[LKRPWlkrpwn0-9|*@ ]+")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*\S)", re.M)


class Document:
    def __init__(self, root, name):
        self.name = name
        self.folder = (root / name).parent
        self.text = (root / name).read_text(encoding="utf-8")
        # Neither drawings (``` blocks) nor examples (lines indented by four) are prose.
        self.prose = re.sub(r"^ *```.*?^ *```", "", self.text, flags=re.M | re.S)
        self.prose = re.sub(r"^ {4}.*$", "", self.prose, flags=re.M)
        self.quoted = sorted(set(re.findall(r"`([^`\n]+)`", self.prose)))
        self.anchors = anchors(HEADING.findall(self.prose))

    def names(self, entry):
        """Is this entry of a list named here: capitals as a word, alone or behind the prefix of its enum (CONN_IDLE);
        others in backticks, since `read` and `loops` are also plain English."""
        if entry[0].isupper():
            return re.search(rf"(?<![A-Za-z0-9_])(?:[A-Z]+_)?{entry}(?![A-Za-z0-9_])", self.text) is not None
        return f"`{entry}`" in self.text


def anchors(headings):
    """What links call these headings: lower case, spaces are dashes, no punctuation; a second one is NAME-1."""
    known = {}
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = known.setdefault(slug, 0)
        known[slug] += 1
        if number:
            known[f"{slug}-{number}"] = 1
    return set(known)


class Tree:
    def __init__(self, root):
        self.root = root
        found = itertools.chain([root / "README.md", root / "DESIGN.md"],
                                *((root / folder).rglob("README.md") for folder in FOLDERS))
        names = sorted(path.relative_to(root).as_posix() for path in found if path.exists())
        self.documents = {name: Document(root, name) for name in names if not name.startswith(FOREIGN)}
        self.code = self.read_code()
        self.words = set(re.findall(r"[A-Za-z_]\w*", self.code))
        # States and ranks are written without their enum's prefix: A_B_C in code answers for B_C and C too.
        self.tails = {word[at + 1:] for word in self.words for at, letter in enumerate(word) if letter == "_"}

    def read_code(self):
        """All sources in one text; tools without a suffix are sources too."""
        texts = []
        for folder in FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and (path.suffix in CODE or path.name == "CMakeLists.txt" or is_script(path)):
                    texts.append(path.read_text(encoding="utf-8", errors="replace"))
        return "\n".join(texts)


def is_script(path):
    """A program without a suffix."""
    return path.suffix in ("", ".sh") and os.access(path, os.X_OK)


# --- what the documents say exists ---

def expanded(pattern):
    """A path with its braces written out, as a shell does."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    return [path for part in match[1].split(",")
            for path in expanded(pattern[:match.start()] + part + pattern[match.end():])]


def paths(tree, document):
    """Paths in backticks, with wildcards and braces."""
    for quoted in document.quoted:
        if PATH.fullmatch(quoted):
            for path in expanded(quoted):
                if not glob.glob(str(tree.root / path)):
                    yield f"names the path {quoted}, which does not exist"


def functions(tree, document):
    """Functions in backticks."""
    for quoted in document.quoted:
        match = FUNCTION.fullmatch(quoted)
        if match and match[1] not in tree.words | tree.tails:
            yield f"names the function {quoted}, which is nowhere in the code"


def rows(tree, document):
    """A function in the same row of a table as sources is in one of them."""
    for line in document.prose.splitlines():
        quoted = re.findall(r"`([^`]+)`", line) if line.lstrip().startswith("|") else []
        sources = [tree.root / path for path in quoted if PATH.fullmatch(path) and path.endswith((".c", ".h"))]
        text = "".join(path.read_text(encoding="utf-8") for path in sources if path.exists())
        for name in (match[1] for match in map(FUNCTION.fullmatch, quoted) if match):
            if sources and not re.search(rf"\b{name}\(", text):
                yield f"names {name}() in a row with files that do not have it"


def options(tree, document):
    """Options in backticks, of the programs here."""
    for quoted in document.quoted:
        match = OPTION.match(quoted)
        if match and match[0] not in tree.code and f'"{match[0][2:]}"' not in tree.code:
            yield f"names the option {match[0]}, which is nowhere in the code"


def capitals(tree, document):
    """ALL_CAPS words (three letters or more): in backticks anywhere, or in the first column of a table. Not wirings."""
    texts = [line.split("|")[1] for line in document.prose.splitlines() if line.lstrip().startswith("|")]
    texts += [quoted for quoted in document.quoted if not WIRING.fullmatch(quoted)]
    for word in sorted({word for text in texts for word in CAPITALS.findall(text)}):
        if word not in tree.words | tree.tails:
            yield f"names {word}, which is nowhere in the code"


def links(tree, document):
    """Relative links lead to something, and their anchors to a heading there; pictures are small."""
    for target in LINK.findall(document.prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.folder / path).resolve() if path else (tree.root / document.name).resolve()
        if not file.exists():
            yield f"links to {target}, which does not exist"
            continue
        if file.suffix == ".png" and file.stat().st_size > PICTURE_BYTES_MOST:
            yield f"shows {target}, which is larger than {PICTURE_BYTES_MOST:,} bytes"
        other = tree.documents.get(os.path.relpath(file, tree.root.resolve()))
        if anchor and (other is None or anchor not in other.anchors):
            yield f"links to {target}, and there is no such heading"


def length(_, document):
    """What is read first is short."""
    lines = document.text.count("\n")
    if lines > LINES_MOST.get(document.name, lines):
        yield f"has {lines} lines, more than {LINES_MOST[document.name]}"


# --- what the code has and a document must explain ---

def lists(tree):
    """Every entry of a list is named in its documents."""
    for name, (what, names) in EXPLAINED.items():
        path = tree.root / name
        entries = ENTRIES.get(name, ENTRY).findall(path.read_text(encoding="utf-8")) if path.exists() else []
        if not entries:
            yield name, "does not exist, or has no entry that this test can read"
        for entry, document in itertools.product(entries, names):
            if document in tree.documents and not tree.documents[document].names(entry):
                yield document, f"does not name the {what} {entry} of {name}"


def existence(tree):
    """The documents that the other rules rely on."""
    for name in sorted({"DESIGN.md", "README.md"}.union(*(names for _, names in EXPLAINED.values()))):
        if name not in tree.documents:
            yield name, "does not exist"


# --- the glossary ---

def glossary(tree):
    """Each term is defined once, and occurs outside of the glossary."""
    name, heading = GLOSSARY
    document = tree.documents.get(name)
    if document is None:
        return
    match = re.search(rf"^#+ [^\n]*{heading}[^\n]*\n(.*?)(?=^#|\Z)", document.prose, re.M | re.S)
    rows = re.findall(r"^\|([^|]*)\|", match[1], re.M)[2:] if match else []  # behind the heading and its rule
    if not rows:
        yield name, "has no glossary that this test can read"
        return
    elsewhere = [other.text for other in tree.documents.values() if other is not document]
    elsewhere += [document.text.replace(match[1], ""), tree.code]
    terms = [term.strip().strip("*`") for row in rows for term in row.split(",")]
    for term in sorted(set(terms)):
        if terms.count(term) > 1:
            yield name, f"defines {term} twice"
        if not any(re.search(rf"\b{re.escape(term)}", text, re.I) for text in elsewhere):
            yield name, f"defines {term}, which occurs nowhere else"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    tree = Tree(root)
    breaches = [breach for rule in (existence, lists, glossary) for breach in rule(tree)]
    breaches += [(document.name, words) for document in tree.documents.values()
                 for rule in (paths, functions, rows, options, capitals, links, length) for words in rule(tree, document)]
    for name, words in breaches:
        print(f"documents: {name}: {words}")
    print(f"documents: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
