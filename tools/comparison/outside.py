"""Which runs are repeated: those that something outside the experiment disturbed, and with them their whole block.

The causes are measured beside the load and know nothing of its outcome, so repeating chooses no result. A block stays
whole: a comparison within it has only runs that stood side by side.
"""
from . import disturbance

GAPS_MOST = 0.005  # of the time: a CPU that stood still
STOLEN_MOST = disturbance.STOLEN_WORTH_SAYING
OTHERS_MOST = disturbance.OTHERS_WORTH_SAYING
IN_VAIN = 3  # blocks in a row that repeating did not help, after which none is repeated

CAUSES = [  # metric, limit, words with the share
    ("clock_gaps", GAPS_MOST, "a CPU stood still for {:.1f} % of the time"),
    ("stolen", STOLEN_MOST, "the hypervisor took {:.1f} % of the CPUs' time"),
    ("others_cpus", OTHERS_MOST, "other programs took {:.0f} % of a CPU"),
]


def causes(metrics):
    """Why a run with these metrics is to be repeated, as phrases; of a run that was not measured none."""
    return [words.format(100 * metrics[key]) for key, limit, words in CAUSES if (metrics.get(key) or 0) > limit]


def of_block(records):
    """The causes of all runs of a block, each once, with the largest share."""
    known = [record["metrics"] for record in records]
    return causes({key: max((one.get(key) or 0 for one in known), default=0) for key, *_ in CAUSES})


def repeats(records):
    """How often a block has been repeated so far."""
    return max((len(record.get("earlier", [])) for record in records), default=0)


def with_earlier(record, before):
    """The record of a repeated run, which keeps what its earlier runs measured and why they do not count."""
    earlier = {"metrics": before["metrics"], "outcome": before["outcome"], "causes": causes(before["metrics"])}
    return {**record, "earlier": [*before.get("earlier", []), earlier]}
