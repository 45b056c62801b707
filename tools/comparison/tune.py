"""Sweeps of thread flags."""
from .trouble import Trouble


def tune(options):
    raise Trouble(f"--tune {options.tune}: not there yet")
