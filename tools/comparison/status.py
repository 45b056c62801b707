"""What our server says of itself: two snapshots of /server-status?json, and what happened between them.

Its histograms are cumulative since the start, so a window is the difference of two. That needs no trace, costs the
measured run nothing, and covers every request of the window.
"""
import http.client
import json
import urllib.parse

from . import histogram

ASK_LIMIT_S = 3
# Of the sojourn, in order; those behind the first make the total.
PARTS = ["socket.wait", "read", "process.wait", "process", "write.wait", "write"]
INTERVALS = ["accept.wait", *PARTS, "total", "sojourn", "read.blocked", "write.blocked", "ttfb", "requeue.wait"]


def ask(url):
    """The snapshot, or None: a server whose sessions are all occupied by clients does not answer."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=ASK_LIMIT_S)
    try:
        connection.request("GET", "/server-status?json", headers={"Connection": "close"})
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def interval_figures(after, before):
    figures = {}
    for name in INTERVALS:
        if name not in after:
            continue
        window = histogram.difference(after[name], before.get(name))
        in_us = {
            key: None if value is None else value / 1000
            for key, value in (
                ("mean", histogram.mean(window)),
                ("p50", histogram.percentile(window, 0.5)),
                ("p99", histogram.percentile(window, 0.99)),
                ("p999", histogram.percentile(window, 0.999)),
            )
        }
        figures[name] = {"count": window["count"], "sum_us": window["sum"] / 1000, **in_us}
    return figures


def queue_figures(after, before, seconds):
    """The mean number in a queue is what its items waited, over the time (Little's law)."""
    earlier = {queue["name"]: queue for queue in before}
    rows = []
    for queue in after:
        old = earlier.get(queue["name"])
        if queue.get("accept") or old is None:
            continue
        put = queue["put"] - old["put"]
        if put <= 0:
            continue
        wait = histogram.difference(queue["wait_ns"], old["wait_ns"])
        batch = histogram.difference(queue["batch"], old["batch"])
        rows.append(
            {
                "name": queue["name"],
                "put": put,
                "rung": queue["rung"] - old["rung"],
                "elided": queue["elided"] - old["elided"],
                "refused": queue["refused"] - old["refused"],
                "mean_depth": wait["sum"] / 1e9 / seconds,
                "peak_since_start": queue["depth_max"],
                "bound": queue["bound"],
                "wait_p50_us": scaled(histogram.percentile(wait, 0.5)),
                "wait_p99_us": scaled(histogram.percentile(wait, 0.99)),
                "batch": histogram.mean(batch),
            }
        )
    return rows


def scaled(nanoseconds):
    return None if nanoseconds is None else nanoseconds / 1000


def thread_figures(after, before, groups):
    """Shares of the window by group of threads: busy, on a CPU, waiting for one. `threads` have had something to do, of
    `most`. Busy is what the server's own reports call so (core/report/report.h)."""
    earlier = {thread["name"]: thread for thread in before}
    rows = {}
    for thread in after:
        old = earlier.get(thread["name"], {})
        since = {key: thread[key] - old.get(key, 0) for key in ("wall_ns", "awake_ns", "cpu_ns", "runqueue_ns")}
        wall = since["wall_ns"]
        if wall <= 0:
            continue
        number = thread.get("group", -1)
        letters = groups[number]["letters"] if 0 <= number < len(groups) else thread["name"]
        most = groups[number]["threads"] if 0 <= number < len(groups) else 0
        row = rows.setdefault(
            letters, {"group": letters, "threads": 0, "most": most, "busy": 0.0, "cpu": 0.0, "cpu_wait": 0.0, "busiest": 0.0}
        )
        busy = min(wall, max(since["awake_ns"], since["cpu_ns"] + since["runqueue_ns"])) / wall
        row["threads"] += 1
        row["most"] = max(row["most"], row["threads"])
        row["busy"] += busy
        row["cpu"] += since["cpu_ns"] / wall
        row["cpu_wait"] += since["runqueue_ns"] / wall
        row["busiest"] = max(row["busiest"], busy)
    return list(rows.values())


def window(after, before):
    """Everything between two snapshots, or None where one is missing or they are not of one process."""
    if after is None or before is None or after["server"]["pid"] != before["server"]["pid"]:
        return None
    seconds = (after["server"]["now_ns"] - before["server"]["now_ns"]) / 1e9
    new, old = after["report"], before["report"]
    return {
        "seconds": seconds,
        "intervals": interval_figures(new["intervals_ns"], old["intervals_ns"]),
        "queues": queue_figures(new["queues"], old["queues"], seconds),
        "threads": thread_figures(new["threads"], old["threads"], new.get("groups", [])),
        "verdict": after.get("verdict"),
    }
