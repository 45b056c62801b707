"""What a JSON file holds: its shape, and where a value does not fit it. A file that does not is one line for the user: which
file, what is wrong, what to do.

A shape is one of
    str, int, float, bool     a value of this type; float also takes whole numbers, and neither takes infinity
    None                      null
    {"a", "b"}                one of these texts
    (shape, shape)            any of these
    [shape]                   a list of such items
    {"key": shape, ...}       a table with these keys; one that ends in ? may be missing, other keys are not looked at
    {...: shape}              in a table: all other keys, too
    a function                of the value, which returns its shape
"""
import json
import types

from .trouble import Trouble

MOST = 1e300  # of a number: what is beyond is no measurement
NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", None: "null"}


def fits_type(value, kind):
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind) and (kind is str or -MOST < value < MOST)


def words_of(shape):
    """What a shape takes, at its outermost."""
    if isinstance(shape, tuple):
        return " or ".join(map(words_of, shape))
    if isinstance(shape, (set, frozenset)):
        return "one of " + ", ".join(sorted(shape))
    if isinstance(shape, (dict, list, types.FunctionType)):
        return "a list" if isinstance(shape, list) else "a table"
    return NAMES[shape]


def table_misfit(table, shape, place):
    rest = shape.get(...)
    for key, inner in shape.items():
        name = key if key is ... else key.removesuffix("?")
        if name in table:
            found = misfit(table[name], inner, f"{place}{name}.")
            if found:
                return found
        elif key == name and key is not ...:
            return f"{place}{name} is missing"
    others = [key for key in table if key not in shape and f"{key}?" not in shape] if rest is not None else []
    return next((found for key in others if (found := misfit(table[key], rest, f"{place}{key}."))), None)


def misfit(value, shape, place=""):
    """Where a value does not fit and what belongs there, in words; None where it fits."""
    if isinstance(shape, types.FunctionType) and isinstance(value, dict):
        shape = shape(value)
    if isinstance(shape, tuple) and any(misfit(value, one) is None for one in shape):
        return None
    if isinstance(shape, tuple):  # the innermost words, where the value is a table or list as one of the shapes is
        shape = next((one for one in shape if isinstance(one, type(value)) and isinstance(value, (dict, list))), shape)
    if isinstance(shape, dict) and isinstance(value, dict):
        return table_misfit(value, shape, place)
    if isinstance(shape, list) and isinstance(value, list):
        return next((found for i, item in enumerate(value) if (found := misfit(item, shape[0], f"{place}{i}."))), None)
    if isinstance(shape, (set, frozenset)) and isinstance(value, str) and value in shape:
        return None
    if (shape is None and value is None) or (isinstance(shape, type) and fits_type(value, shape)):
        return None
    return f"{place.removesuffix('.') or 'all of it'} is {json.dumps(value)[:40]}, where {words_of(shape)} belongs"


def no_number(word):
    raise ValueError(f"{word} is no number")


def read(path, shape, remedy):
    """What a JSON file holds. Trouble where it cannot be read or is damaged, with what to do about it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=no_number)
    except OSError as error:
        raise Trouble(f"{path}: cannot be read: {error.strerror}: {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise Trouble(f"{path}: is damaged: not JSON ({error}): {remedy}") from None
    found = misfit(value, shape)
    if found:
        raise Trouble(f"{path}: is damaged: {found}: {remedy}")
    return value
