#!/usr/bin/env python3
"""Fails when a model names something that the sources do not have.

usage: names.py ROOT MODEL.pml...

Names of the sources are: what is written as name() in a comment, inlines, proctypes, constants of an mtype, and variables
outside of proctypes. `out_waiting` also stands for a member: out.waiting or out->waiting. Names that belong to the model
alone begin with model_ or ghost_.
"""
import pathlib
import re
import sys

FOLDERS = ("core", "queues", "stages")
OWN = re.compile(r"(model|ghost|BUG)_")
NAMES = (
    re.compile(r"^inline (\w+)", re.M),
    re.compile(r"^(?:active (?:\[\d+\] )?)?proctype (\w+)", re.M),
)
LISTS = (
    re.compile(r"^mtype = \{([^}]*)\}", re.M),
    re.compile(r"^(?:bool|byte|chan|mtype|short|int) ([^;{]*?)(?:;|= \[)", re.M),
)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
FUNCTION = re.compile(r"\b([a-z]\w*)\(\)")
VARIABLE = re.compile(r"^\s*(\w+)")


def names(model):
    bare = COMMENT.sub("", model)
    for pattern in NAMES:
        yield from pattern.findall(bare)
    for pattern in LISTS:
        for names_list in pattern.findall(bare):
            yield from (VARIABLE.match(part)[1] for part in names_list.split(",") if VARIABLE.match(part))
    for comment in COMMENT.findall(model):
        yield from FUNCTION.findall(comment)


def main():
    root, *models = map(pathlib.Path, sys.argv[1:])
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in {".c", ".h", ".def"}]
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    known = set(re.findall(r"\w+", code))
    known |= {"_".join(member) for member in re.findall(r"\b(\w+)(?:\.|->)(?=(\w+))", code)}
    # a verdict is VERDICT_NAME in the code, and NAME in its list
    known |= {f"VERDICT_{word}" for word in re.findall(r"^VERDICT\((\w+)", code, re.M)}
    unknown = [f"{model.name}: {name}" for model in models
               for name in sorted(set(names(model.read_text(encoding="utf-8"))))
               if not OWN.match(name) and name not in known]
    print("\n".join(unknown) or f"all names of {len(models)} models are in the sources")
    return 1 if unknown or not models else 0


if __name__ == "__main__":
    sys.exit(main())
