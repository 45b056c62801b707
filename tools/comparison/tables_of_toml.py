"""TOML files as checked tables: key -> (check, default).

A key that is not in a table's description, a value that its check refuses and a table that lacks what it needs are one line
each, with the file, the key and what is accepted.
"""
import copy
import pathlib
import tomllib

from .trouble import BadSpec

NEEDED = object()  # the default of a key that must be there


def refuse(where, key, value, accepted):
    raise BadSpec(f"{where}: {key}: {value!r} is not accepted: {accepted}")


def read_table(where, path, table, keys, beside=()):
    """The values of one table, each checked, defaults filled in. Keys are named by their path in the file;
    `beside` are those that stand in it, too, and are read elsewhere."""
    if not isinstance(table, dict):
        refuse(where, path.rstrip("."), table, "a table")
    for key in table:
        if key not in keys:
            accepted = ", ".join(sorted([*keys, *beside]))
            raise BadSpec(f"{where}: {path}{key}: there is no such key; accepted here: {accepted}")
    values = {}
    for key, (check, default) in keys.items():
        if key in table:
            try:
                values[key] = check(table[key])
            except ValueError as accepted:
                refuse(where, path + key, table[key], accepted)
        elif default is NEEDED:
            raise BadSpec(f"{where}: {path}{key}: is missing")
        else:
            values[key] = copy.deepcopy(default)
    return values


def read_toml(path):
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(
            f"{path}: cannot be read: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise BadSpec(f"{path}: not TOML: {error}") from None
