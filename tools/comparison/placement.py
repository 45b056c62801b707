"""Which CPUs the servers, the load generator and this program (the runner) have.

Apart: generator and server have disjoint CPUs. Neither delays the other, so the generator can wait for the next due time
without sleeping, and what a server reaches is not what the generator has left. Whole cores go to one side, since two
threads of a core slow each other down. Shared: both may use all CPUs.

plan() is a function of its arguments alone; what the machine has comes from cpus.py.
"""
import dataclasses
import math

from . import checks, cpus
from .trouble import BadSpec

KINDS = ("apart", "shared")
ELSEWHERE = "elsewhere"  # the kind where load comes from other machines
RUNNER_FROM = 4  # cores from which on one of them is the runner's: the first, which serves most interrupts
SERVER_COST = 2.0  # CPU time of a server for one of the generator's: that of short requests, roughly


def cpu_list(value):
    try:
        return cpus.read_list(value)
    except (ValueError, AttributeError):
        raise ValueError('numbers of CPUs such as "0-3,8"') from None


TABLE = {
    "kind": (checks.choice(*KINDS), KINDS[0]),
    "server_cpus": (cpu_list, None),
    "generator_cpus": (cpu_list, None),
}


@dataclasses.dataclass(frozen=True)
class Placement:
    """CPUs by their numbers. Of the kind shared, server and generator have the same; of elsewhere, the generator has
    none here. A runner without CPUs of its own has an empty list and may use all."""

    kind: str
    server: tuple
    generator: tuple
    runner: tuple = ()
    note: str = ""  # what a reader has to know of it, as the end of a sentence

    def facts(self):
        """As records and the manifest have it."""
        return {
            "kind": self.kind,
            "server_cpus": cpus.write_list(self.server),
            "generator_cpus": cpus.write_list(self.generator),
            "runner_cpus": cpus.write_list(self.runner),
            "note": self.note,
        }


def refuse(key, numbers, why):
    raise BadSpec(f"placement.{key}: {cpus.write_list(numbers)} is not accepted: {why}")


def check(allowed, wanted, remote):
    """Keys that contradict each other or the machine."""
    for key in ("server_cpus", "generator_cpus"):
        numbers = wanted[key]
        if numbers is None:
            continue
        if wanted["kind"] == "shared":
            refuse(key, numbers, 'the kind "shared" leaves all CPUs to both')
        if not set(numbers) <= set(allowed):
            refuse(key, numbers, f"this program may use the CPUs {cpus.write_list(allowed)}")
        if not remote and set(numbers) == set(allowed):
            refuse(key, numbers, 'no CPU is left for the other side: take fewer, or kind = "shared"')
    if remote and wanted["generator_cpus"]:
        refuse("generator_cpus", wanted["generator_cpus"], "load comes from other machines")
    both = set(wanted["server_cpus"] or ()) & set(wanted["generator_cpus"] or ())
    if both:
        refuse("generator_cpus", sorted(both), 'the server has it: give each its own, or kind = "shared"')


def by_core(numbers, core_of):
    """Groups of CPUs that share a core, in order."""
    groups = {}
    for number in sorted(numbers):
        groups.setdefault(core_of[number], []).append(number)
    return list(groups.values())


def joined(groups):
    return tuple(sorted(number for group in groups for number in group))


def divided(groups, server_cost):
    """(server's, generator's) of cores in order. The generator's share is rounded up, since it must not be the
    limit."""
    count = min(len(groups) - 1, math.ceil(len(groups) / (1 + server_cost) - 1e-9))
    return joined(groups[: len(groups) - count]), joined(groups[len(groups) - count :])


def by_words(allowed, wanted):
    """Where the spec names CPUs: a side that is not named has all others."""
    server, generator = wanted["server_cpus"], wanted["generator_cpus"]
    server = server or [number for number in allowed if number not in generator]
    generator = generator or [number for number in allowed if number not in server]
    left = [number for number in allowed if number not in server and number not in generator]
    return Placement("apart", tuple(server), tuple(generator), tuple(left))


def plan(allowed, core_of, wanted, server_cost=SERVER_COST, remote=False):
    """The placement for CPUs `allowed` on cores `core_of`. `wanted` is the spec's table, `server_cost` the workload's,
    `remote`: load comes from other machines. BadSpec for words that cannot be followed."""
    everything = tuple(sorted(allowed))
    check(everything, wanted, remote)
    if remote:
        return Placement(ELSEWHERE, tuple(wanted["server_cpus"] or everything), ())
    if wanted["kind"] == "shared":
        return Placement("shared", everything, everything)
    if len(everything) == 1:
        return Placement("shared", everything, everything, note="because this program may use one CPU only")
    if wanted["server_cpus"] or wanted["generator_cpus"]:
        return noted(by_words(everything, wanted), core_of)
    groups = by_core(everything, core_of)
    if len(groups) == 1:
        groups = [[number] for number in everything]
    first = 1 if len(groups) >= RUNNER_FROM else 0
    server, generator = divided(groups[first:], server_cost)
    return noted(Placement("apart", server, generator, joined(groups[:first])), core_of)


def noted(place, core_of):
    """With a note where the two sides meet in a core."""
    met = {core_of[number] for number in place.server} & {core_of[number] for number in place.generator}
    return dataclasses.replace(place, note="on threads of the same core, which slow each other down") if met else place


def titled(title, said):
    """A title that names the placement."""
    return f"{title} \u00b7 {said}" if said else title


def counted(numbers, whose):
    return f"one {whose} CPU" if len(numbers) == 1 else f"{len(numbers)} {whose} CPUs"


def words(facts):
    """What titles say of a placement."""
    server = cpus.read_list(facts["server_cpus"])
    if facts["kind"] == "shared":
        return f"server and generator share {'one CPU' if len(server) == 1 else f'{len(server)} CPUs'}"
    if facts["kind"] == ELSEWHERE:
        return f"{counted(server, 'server')}, load from other machines"
    return f"{counted(server, 'server')}, {counted(cpus.read_list(facts['generator_cpus']), 'generator')}"


def lines(places):
    """For a terminal: a line for each way in which {workload's name: Placement} places them."""
    said = {}
    for name, place in places.items():
        facts = place.facts()
        sides = {"server": facts["server_cpus"], "generator": facts["generator_cpus"], "runner": facts["runner_cpus"]}
        which = ", ".join(f"{side} {numbers}" for side, numbers in sides.items() if numbers)
        note = f", {place.note}" if place.note else ""
        said.setdefault(f"placement: {words(facts)} ({which}){note}", []).append(name)
    return "\n".join(line + (f": {', '.join(names)}" if len(said) > 1 else "") for line, names in said.items())
