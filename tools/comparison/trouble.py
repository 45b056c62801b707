"""What the user should read as one line, without a traceback."""


class Trouble(Exception):
    """Something cannot be done here; exit status 1."""


class BadSpec(Trouble):
    """Something was asked for that means nothing; exit status 2."""
