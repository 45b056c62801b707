"""The highest load that a server keeps up with, among planned steps: bracketed, then bisected.

The first step is the peak of the closed loop. From there the distance doubles, upwards while the server keeps up and
downwards while it does not; then the bracket is halved until its ends are neighbours. Of sixty steps this runs about six.
It rests on one assumption: a server that does not keep up with a load does not keep up with more.
"""


def start_of(steps):
    """Where a search begins: the highest step that is not above the peak, else the lowest one."""
    return max((i for i, step in enumerate(steps) if step <= 1), default=0)


def bracket(steps, kept):
    """The places (highest kept, lowest not kept), None for an end that is open. A search tries no step above one that was not
    kept."""
    above = min((i for i, step in enumerate(steps) if kept.get(step) is False), default=None)
    below = max((i for i, step in enumerate(steps) if kept.get(step)), default=None)
    return below, above


def next_step(steps, kept):
    """The step to be tried next, or None at the end. `steps` are in ascending order; `kept` has {step: did it keep up} of
    those that were tried."""
    start, (below, above) = start_of(steps), bracket(steps, kept)
    if below is None and above is None:
        return steps[start] if steps else None
    if above is None:
        wanted = min(len(steps) - 1, below + max(1, below - start))
    elif below is None:
        wanted = max(0, above - max(1, start - above))
    else:
        wanted = (below + above) // 2
    return None if wanted in (below, above) else steps[wanted]


def path(steps, most):
    """The steps that a search tries of a server that keeps up with `most` and no more: for expectations."""
    kept = {}
    while (step := next_step(steps, kept)) is not None:
        kept[step] = step <= most
    return list(kept)
