"""What values a key of a spec may have. A check takes a value and returns it in the form that the program uses, or
raises ValueError with what is accepted."""
import re
import shlex

from . import numbers

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ()._@*|:+=/-]{0,119}$")


def text(limit=2000):
    def check(value):
        if not isinstance(value, str) or not value.strip() or len(value) > limit:
            raise ValueError(f"a text of 1 to {limit} characters")
        return value.strip()

    return check


def name(value):
    if not isinstance(value, str) or not NAME.match(value):
        raise ValueError("a name of at most 120 letters, digits, spaces and ()._@*|:+=/-")
    return value


def choice(*words):
    def check(value):
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return check


def flag(value):
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def whole(low, high):
    def check(value):
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def number(low, high):
    def check(value):
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return value

    return check


def duration(low, high):
    """Seconds, of a text such as 250ms."""
    accepted = f"a time such as 10s, 250ms or 100us, from {numbers.write_time(low)} to {numbers.write_time(high)}"

    def check(value):
        try:
            seconds = numbers.read_time_s(value)
        except (ValueError, TypeError, AttributeError):
            raise ValueError(accepted) from None
        if not low <= seconds <= high:
            raise ValueError(accepted)
        return seconds

    return check


def list_of(check_item, least=0, most=1000):
    """Items without repetition."""

    def check(value):
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise ValueError(f"a list of {least} to {most} items")
        items = []
        for item in value:
            try:
                items.append(check_item(item))
            except ValueError as accepted:
                raise ValueError(f"a list, each item {accepted}") from None
        if len({repr(item) for item in items}) != len(items):
            raise ValueError("a list without repetitions")
        return items

    return check


def words(value):
    """Arguments of a program: a list of texts, or one text in the shell's notation."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            raise ValueError("a list of texts, or one text whose quotes are closed") from None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts, or one text in the shell's notation")
    return value
