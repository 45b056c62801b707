"""Where the load comes from: this machine, or others."""
from . import load
from .trouble import Trouble


def here(build):
    """Runs quartet-load on this machine."""
    def run(options, load_words, folder, name):
        return load.run(build / "quartet-load", options, load_words, folder, name)
    return run


def driver_of(options):
    if options.load_hosts:
        raise Trouble("--load-hosts: not there yet")
    return here(options.build.resolve())
