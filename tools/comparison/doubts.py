"""What cannot be concluded from a comparison as it was made, as sentences, from its spec and from what was measured
beside it."""
from . import disturbance, stats

FEW = 1000  # requests behind a percentile
WAITED_WORTH_SAYING = 0.1  # of a load generator's time: as quartet-load notes


def interval_words(spec):
    """What an interval here means, exactly."""
    count = spec.repetitions
    if count < 2:
        return "With one repetition there are no intervals, and no difference can be told from chance."
    low, high, coverage = stats.ranks(count)
    kind = (
        "from the smallest to the largest" if (low, high) == (1, count) else f"from the {low}. to the {high}. in order"
    )
    return (
        f"An interval runs {kind} of {count} repetitions and holds the true median in at least "
        f"{100 * coverage:.1f} % of cases. Two things are "
        f"called different only where their intervals lie apart; with two that are equal that happens in "
        f"{100 * stats.chance_apart(count, count):.2g} % "
        f"of pairs, so among many pairs some will be. Each repetition is a server started anew; requests are "
        f"never pooled."
    )


def machine_words(summary):
    """Cells of several machines are compared only where those are alike."""
    places = {
        tuple(record["environment"].get(key) for key in ("host", "cpu", "kernel"))
        for record in summary.records
        if record.get("environment")
    }
    if len(places) < 2:
        return []
    alike = len({place[1:] for place in places}) == 1
    return [
        f"Cells ran on {len(places)} machines"
        + (
            " of one CPU model and kernel: how much those differ is part of the intervals."
            if alike
            else " of different CPUs or kernels: their figures must not be compared."
        )
    ]


def few_words(summary):
    """Of percentiles with next to nothing behind them, as sentences."""
    counts = [
        record["load"]["answered"] * record["load"]["seconds"]
        for record in summary.records
        if record["outcome"] == "ok" and record["purpose"] == "measure"
    ]
    few = [count for count in counts if count < FEW]
    if not few:
        return []
    return [
        f"In {len(few)} of {len(counts)} cells fewer than {FEW:,} requests were measured, at least {min(few):.0f}: there "
        "a p99 is one of the ten longest at most, and a p99.9 the longest."
    ]


def precedence_words(summary):
    """What the load generator noted of real-time precedence that a spec's prefix gave it."""
    noted = {note for record in summary.records if record.get("load") for note in record["load"].get("notes", [])}
    return [f"A note of the load generator: {note}." for note in sorted(noted) if "real-time precedence" in note]


def waited_words(summary):
    """A closed loop is not judged by the generator's lateness, so its wait for a CPU is told here, as sentences."""
    runs = [r for r in summary.records if (r["outcome"], r["purpose"], r["level"]["kind"]) == ("ok", "measure", "closed")]
    waits = [r["metrics"]["generator_waited"] for r in runs if r["metrics"]["generator_waited"] > WAITED_WORTH_SAYING]
    if not waits:
        return []
    return [
        f"In {len(waits)} of {len(runs)} closed loops the load generator waited for a CPU for more than "
        f"{100 * WAITED_WORTH_SAYING:g} % of its time, at most {100 * max(waits):.0f} %: so much is in their latencies, "
        "and missing in their rates."
    ]


def disturbance_words(summary):
    """What else used the machine, as sentences."""
    said = disturbance.words(summary.records, "The machine was not this comparison's alone. Of its cells, ")
    return [
        f"{one} Then servers and load generator had less of it or stood still: the highest percentiles, and what is INVALID "
        "for a late generator, may be of that. To publish, measure again on a quiet machine."
        for one in said
    ]


def of_comparison(summary, environment):
    """What cannot be concluded from a comparison as it was made."""
    said = [interval_words(summary.spec)]
    if summary.spec.repetitions < 6:
        said.append("Fewer than six repetitions cannot give an interval of 95 %.")
    if summary.closed():
        said.append(
            "The closed loop hides queueing: a slow answer delays the next request instead of making it wait, "
            "so its latencies are those of "
            "this loop, not of independent users. Read latencies at given rates."
        )
    said.append(
        "Stage times begin when the server has read a request's first byte. What it waits before that, unread in "
        "the socket, is in none of them, though in every latency: a model without hand-overs, whose thread is busy "
        "elsewhere, shows its queueing only there."
    )
    if not environment.get("load_hosts"):
        said.append(
            f"Load generator and servers shared the {environment.get('cpus_allowed', '?')} CPUs and the "
            f"loopback device: what a network and "
            "its interrupts do is not in here, and at the peak the two compete."
        )
    said.append(
        "One machine, one kernel, these files and these flags: another setting of a model's threads may change "
        "the order. "
        "tools/compare --tune finds the best one for a workload."
    )
    said += precedence_words(summary)
    said += waited_words(summary)
    said += few_words(summary)
    said += machine_words(summary)
    said += disturbance_words(summary)
    if str(environment.get("commit", "")).endswith("-dirty"):
        said.append("The sources differed from the commit that is named.")
    return said
