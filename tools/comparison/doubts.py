"""The limits of a comparison, as sentences: what its results do not prove. Made from its spec and from what was
measured beside the load."""
from . import cpus, disturbance, outside, pairs, stats

FEW = 1000  # requests behind a percentile
WAITED_WORTH_SAYING = 0.1  # of a load generator's time: as quartet-load notes


PUBLISH = 9  # repetitions from which on a comparison is worth publishing
QUICK = 6  # repetitions from which on the interval of a median reaches 95 %


def repetitions_of(summary):
    """(the fewest, the most) graded runs that a figure rests on: what there is, not what was planned."""
    counts = [
        len(summary.valid(workload, level, subject))
        for workload in summary.spec.workloads
        for level in summary.levels
        for subject in summary.subjects(workload)
    ]
    known = [count for count in counts if count]
    return (min(known), max(known)) if known else (0, 0)


def interval_words(summary):
    """What an interval here means, exactly."""
    least, count = repetitions_of(summary)
    if count == 0:
        return "No run has a grade, so there are no intervals."
    if count < 2:
        return "With one repetition there are no intervals, and no difference can be distinguished from chance."
    low, high, coverage = stats.ranks(count)
    kind = (
        "from the smallest to the largest" if (low, high) == (1, count) else f"from the {low}. to the {high}. in order"
    )
    return (
        f"The interval of a median runs {kind} of {count} repetitions and contains the true median in at least "
        f"{100 * coverage:.1f} % of cases"
        + (f"; where a figure rests on {least}, in {100 * stats.ranks(least)[2]:.1f} %. " if least < count else ". ")
        + "Each repetition starts a new server; requests of several repetitions are never pooled."
    )


def comparison_words(summary):
    """What the headlines claim, and what not."""
    made = summary.comparisons
    if not made:
        return []
    counts = sorted({one.ratio.count for one in made if one.ratio})
    if not counts:
        return ["No server has two runs beside two of the reference, so nothing is compared."]
    which = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    undecided = sum(one.decision == pairs.UNDECIDED for one in made)
    margin = 100 * summary.spec.margin
    return [
        f"Each comparison is with {summary.spec.reference}, by the ratios of the two runs in each of {which} blocks (Student's "
        f"interval of their logarithms, {100 * pairs.COVERAGE:g} %). faster, slower, cheaper and dearer are corrected for all "
        f"{len(made)} comparisons of this report (Holm): the chance that any of them is false is at most {100 * pairs.ALPHA:g} %. "
        f"equal means that the whole interval lies within {margin:g} %."
        + (f" {undecided} of them are not decided: that is no equality, and more repetitions may decide them." if undecided else "")
    ]


def repeated_words(summary):
    """Blocks that were repeated, with the causes, and those that stayed disturbed."""
    blocks, still = summary.blocks, summary.disturbed
    again = [records for records in blocks.values() if outside.repeats(records)]
    said = []
    if again:
        times = sum(outside.repeats(records) for records in again)
        first = next(cause for records in again for one in records for early in one.get("earlier", []) for cause in early["causes"])
        said.append(
            f"{len(again)} of {len(blocks)} blocks were repeated whole, {times} times together, because something outside the "
            f"experiment disturbed them, such as: {first}. Their earlier runs are in the records (cell.json) and in no figure."
        )
    if still:
        said.append(
            f"{len(still)} of {len(blocks)} blocks were disturbed from outside in the runs that count, such as: "
            f"{next(iter(still.values()))[0]}. This widens the intervals."
        )
    return said


def machine_words(summary):
    """Cells of several machines are compared only where the machines are alike."""
    places = {
        tuple(record["environment"].get(key) for key in ("host", "cpu", "kernel", "cpus_allowed"))
        for record in summary.records
        if record.get("environment")
    }
    if len(places) < 2:
        return []
    alike = len({place[1:] for place in places}) == 1
    return [
        f"Cells ran on {len(places)} machines"
        + (
            " of one CPU model and kernel: the intervals include the difference between those machines."
            if alike
            else " of different CPUs, numbers of CPUs or kernels: do not compare their figures."
        )
    ]


def few_words(summary):
    """Percentiles of few requests, as sentences."""
    counts = [
        record["load"]["answered"] * record["load"]["seconds"]
        for record in summary.records
        if record["outcome"] == "ok" and record["purpose"] == "measure"
    ]
    few = [count for count in counts if count < FEW]
    if not few:
        return []
    return [
        f"In {len(few)} of {len(counts)} cells fewer than {FEW:,} requests were measured (the smallest count is {min(few):.0f}). "
        "There a p99 would be one of the ten longest, so it is not given (-). A p99.9 needs 10,000 requests."
    ]


def precedence_words(summary):
    """Notes of the load generator about the real-time priority that a spec's prefix gave it."""
    noted = {note for record in summary.records if record.get("load") for note in record["load"].get("notes", [])}
    return [f"A note of the load generator: {note}." for note in sorted(noted) if "real-time precedence" in note]


def waited_words(summary):
    """A closed loop is not judged by the generator's lateness, so its wait for a CPU is reported here, as sentences."""
    runs = [r for r in summary.records if (r["outcome"], r["purpose"], r["level"]["kind"]) == ("ok", "measure", "closed")]
    waits = [r["metrics"]["generator_waited"] for r in runs if r["metrics"]["generator_waited"] > WAITED_WORTH_SAYING]
    if not waits:
        return []
    return [
        f"In {len(waits)} of {len(runs)} closed loops the load generator waited for a CPU for more than "
        f"{100 * WAITED_WORTH_SAYING:g} % of its time, at most {100 * max(waits):.0f} %. Their latencies are too high and their "
        "rates too low by this share."
    ]


def disturbance_words(summary):
    """Other use of the machine, as sentences."""
    said = disturbance.words(summary.records, "The machine was shared: ")
    return [
        f"{one} The servers and the load generator then had less CPU time. This may be the cause of the highest percentiles "
        "and of grades that are not clean. To publish, measure again on a quiet machine."
        for one in said
    ]


LOOPBACK = "the results do not include the cost of a network and its interrupts"


def placement_words(summary, environment):
    """What generator and server had in common, as sentences."""
    note = f", {environment['placement_note']}" if environment.get("placement_note") else ""
    said = []
    if environment.get("placement") == "shared":
        count = environment["cpus_allowed"]
        shared_cpus = "the one CPU" if count == 1 else f"all {count} CPUs"
        said.append(
            f"Load generator and servers shared {shared_cpus}{note}, and the loopback device: "
            f"{LOOPBACK}, and the two compete for the CPUs, at the peak most."
        )
    elif environment.get("placement") == "apart":
        said.append(
            f"Load generator and servers had CPUs of their own{note}. They shared memory, caches and the loopback device: "
            f"{LOOPBACK}."
        )
    return said + one_cpu_words(summary)


def one_cpu_words(summary):
    """Of servers that had one CPU."""
    counts = {len(cpus.read_list(r["placement"]["server_cpus"])) for r in summary.records if r.get("placement")}
    if 1 not in counts:
        return []
    return [
        "With one server CPU no two threads of a server run at the same time. So the results show what hand-overs between "
        "threads cost, and not what a model gains from several CPUs."
    ]


def of_comparison(summary, environment):
    """All sentences about the limits of a comparison."""
    said = [*summary.changed, interval_words(summary), *comparison_words(summary)]
    fewest = repetitions_of(summary)[0]
    if fewest < PUBLISH:
        said.append(
            f"To publish, plan {PUBLISH} repetitions or more"
            + (f"; fewer than {QUICK} cannot give the interval of a median of 95 %." if fewest < QUICK else ".")
        )
    if any(not level.is_open for level in summary.levels):
        said.append(
            "The closed loop hides queueing: a slow answer delays the next request instead of making it wait, "
            "so its latencies are those of "
            "this loop, not of independent users. For latency, use the results at given rates."
        )
    said.append(
        "Of the stage times, total begins when the server has read a request's first byte, and sojourn when the kernel has "
        "received it. In a model without queues between threads all queueing is before total (socket.wait), because a busy "
        "thread reads the request later: so compare models by sojourn. Where there is no trace, socket.wait and "
        "sojourn are those of one request in eight (--socket-times), so they can differ a little from what stands beside "
        "them. The time from due until sending is part of the latencies only."
    )
    said += placement_words(summary, environment)
    said.append(
        "The results are of one machine, one kernel, these files and these flags. Another number of threads in a model "
        "may change the order; tools/compare --tune finds the best setting for a workload."
    )
    said += repeated_words(summary)
    said += precedence_words(summary)
    said += waited_words(summary)
    said += few_words(summary)
    said += machine_words(summary)
    said += disturbance_words(summary)
    if str(environment.get("commit", "")).endswith("-dirty"):
        said.append("The sources had changes that are not in the named commit.")
    return said
