"""The command line of tools/compare."""
import argparse
import os
import pathlib
import sys

from . import controls, environment, experiment, peers, placement, tune, workloads
from .trouble import BadSpec, Trouble

REPO = environment.REPO
DESCRIPTION = """Runs an experiment: servers side by side under the same load, and writes a report.

A cell is a model x workload x level of load x repetition. Cells run in random interleaved order, each with a new
server. A cell that crashes is recorded and the rest goes on; --resume continues a comparison that was killed.

  tools/compare --models staged,loops --quick              two models in one minute
  tools/compare --models 'staged,loops --readers 2' --wiring 'L | RP*2 | W' --peers nginx
  tools/compare experiment.toml --dry-run                  what would run, and how long it takes
  tools/compare experiment.toml --out results/experiment
  tools/compare --controls                                 does queueing theory hold here? before anything is concluded
  tools/compare --tune staged --workloads tiny             the best setting of its thread flags
  tools/compare --tune staged,loops --peers nginx          default and best-tuned, side by side"""


def parser():
    out = argparse.ArgumentParser(
        prog="tools/compare",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit status: 0; 1 when something cannot be done or every cell went wrong; 2 for a bad "
        "command line or spec; 130 after Ctrl-C.",
    )
    what = out.add_argument_group("what is compared")
    what.add_argument("spec", nargs="?", metavar="SPEC.toml", help="the experiment; tools/comparison/README.md lists its keys")
    what.add_argument("--models", metavar="A,B", help="models of quartet, each with flags behind it where wanted")
    what.add_argument("--wiring", action="append", default=[], metavar="SPEC", help="a wiring of quartet; repeatable")
    what.add_argument("--peers", metavar="A,B", help=f"other servers: {', '.join(peers.KINDS)}")
    what.add_argument("--workloads", metavar="A,B", help=f"workloads: {', '.join(workloads.shipped())}, or .toml files")
    how = out.add_argument_group("how")
    how.add_argument("--quick", action="store_true", help="6 repetitions of 1 s with 1 and 64 connections and at one rate: a first impression, not to publish")
    how.add_argument(
        "--handler-threads",
        metavar="N",
        help="threads of the pool or sessions that run a model's handlers: a number, equal (default: as many as there are "
        "connections at most) or own (each model's default); flags of a model win",
    )
    how.add_argument("--repetitions", type=int, metavar="N", help="instead of the spec's")
    how.add_argument("--reference", metavar="NAME", help="the model or peer that all others are compared with (default: the first)")
    how.add_argument("--duration", metavar="T", help="of the measured part of a cell, instead of the spec's")
    how.add_argument(
        "--trace", action="store_true", help="one more cell for each model and workload, with a full trace"
    )
    how.add_argument(
        "--syscalls", action="store_true", help="one more cell for each that counts system calls (perf or strace)"
    )
    how.add_argument(
        "--build",
        type=pathlib.Path,
        default=REPO / "build" / "release",
        metavar="DIR",
        help="the programs (default build/release)",
    )
    how.add_argument(
        "--placement",
        choices=placement.KINDS,
        help="apart: server and load generator have CPUs of their own (default); shared: both may use all CPUs",
    )
    run = out.add_argument_group("running")
    run.add_argument(
        "--out", type=pathlib.Path, default=REPO / "results" / "compare", metavar="DIR", help="default results/compare"
    )
    run.add_argument("--resume", action="store_true", help="go on in DIR; cells that are there stay")
    run.add_argument("--replace", action="store_true", help="remove the comparison that DIR holds")
    run.add_argument("--dry-run", action="store_true", help="check all that a run needs, list the cells and the expected time, run none")
    run.add_argument("--report", action="store_true", help="run nothing, write the report of what DIR holds; DIR has its spec")
    run.add_argument(
        "--cells", metavar="I/N", help="only the I-th of N shares of the blocks (and of the climbs), for several machines or jobs"
    )
    run.add_argument(
        "--phase", choices=["first", "all"], default="all", help="first: only cells that need no peak to be known"
    )
    run.add_argument("--load-hosts", metavar="HOST,...", help="machines to load from, over ssh, all at one start time")
    run.add_argument(
        "--ssh",
        default="ssh -o BatchMode=yes",
        metavar="COMMAND",
        help="how a host is reached (default 'ssh -o BatchMode=yes')",
    )
    run.add_argument(
        "--address",
        metavar="ADDR",
        help="where servers listen (default 127.0.0.1). Elsewhere, handlers below /synthetic/ and "
        "/server-status answer everybody",
    )
    run.add_argument(
        "--controls",
        action="store_true",
        help="run six servers whose mean wait queueing theory knows, and write controls.json beside DIR; exit status 0 only "
        "when each prediction holds",
    )
    sweep = out.add_argument_group("tuning")
    sweep.add_argument(
        "--tune",
        metavar="A,B",
        help="sweep the thread flags of a model for one workload; of several, or with --peers, then compare the default and "
        "the best of each, named 'A (default)' and 'A (tuned: FLAGS)'",
    )
    sweep.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="FLAG=A,B",
        help="values of a flag, instead of those made from the CPUs; repeatable",
    )
    sweep.add_argument("--p99-limit", metavar="T", help="the best is the highest goodput whose p99 is at most this, such as 10ms")
    sweep.add_argument(
        "--connections", type=int, default=64, metavar="N", help="of the closed loop that is tuned for (default 64)"
    )
    return out


def carry_out(options):
    if options.controls:
        controls.check_options(options, parser().parse_args([]))
        return controls.main(options)
    return tune.tune(options) if options.tune else experiment.compare(options)


def main(arguments=None):
    options = parser().parse_args(arguments)
    options.tuned = []
    try:
        status = carry_out(options)
        sys.stdout.flush()  # a short text is still in the buffer: the reader may have gone
        return status
    except BadSpec as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    except Trouble as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as of `--dry-run | head`; what is still to be written at the end must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # of a folder that cannot be written, a full disk
        which = error.filename2 or error.filename
        where = f"{which}: {error.strerror}: remove it or make it writable, or --out takes another place" if which else error
        print(f"compare: {where}", file=sys.stderr)
        return 1
