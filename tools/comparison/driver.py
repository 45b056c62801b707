"""Where the load comes from: this machine, or others."""
import shlex

from . import hosts, load
from .trouble import BadSpec


def here(build):
    """Runs quartet-load on this machine."""

    def run(options, load_words, folder, name):
        return load.run(build / "quartet-load", options, load_words, folder, name)

    return run


def driver_of(options, address):
    """A function that makes one run of load and returns its report."""
    build = options.build.resolve()
    if not options.load_hosts:
        return here(build)
    if address.startswith("127."):
        raise BadSpec(
            f"--load-hosts: the server listens on {address}, which no other machine reaches: --address, or "
            f"server.address in the spec"
        )
    names = [host.strip() for host in options.load_hosts.split(",") if host.strip()]
    return hosts.driver(build, names, shlex.split(options.ssh))
