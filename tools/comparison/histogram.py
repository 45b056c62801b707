"""Histograms as the programs write them: {count, sum, buckets: [[highest value of the bucket, count], ...]}."""


def difference(after, before):
    """What was recorded between two cumulative snapshots of one histogram."""
    earlier = dict(map(tuple, before["buckets"])) if before else {}
    buckets = [[high, number - earlier.get(high, 0)] for high, number in after["buckets"]]
    return {
        "count": after["count"] - (before["count"] if before else 0),
        "sum": after["sum"] - (before["sum"] if before else 0),
        "buckets": [pair for pair in buckets if pair[1] > 0],
    }


def percentile(histogram, share):
    """The value that `share` of all recorded ones do not exceed, to the width of a bucket; None when empty."""
    total = sum(number for _, number in histogram["buckets"])
    wanted = max(1, -(-total * round(share * 1e6) // 1_000_000))
    seen = 0
    for high, number in histogram["buckets"]:
        seen += number
        if seen >= wanted:
            return high
    return None


def mean(histogram):
    return histogram["sum"] / histogram["count"] if histogram["count"] else None


def merged(histograms):
    """One histogram of several that were recorded by the same rules."""
    buckets = {}
    for histogram in histograms:
        for high, number in histogram["buckets"]:
            buckets[high] = buckets.get(high, 0) + number
    return {
        "count": sum(h["count"] for h in histograms),
        "sum": sum(h["sum"] for h in histograms),
        "max": max((h.get("max", 0) for h in histograms), default=0),
        "buckets": [list(p) for p in sorted(buckets.items())],
    }
