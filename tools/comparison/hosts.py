"""Load from other machines: quartet-load on each, over ssh, all at one start time; what they saw is added up.

Connections and rate are divided among the hosts, each has a seed of its own. Their clocks must agree (NTP): how far
their windows began apart is checked, and a run in which that is too much is INVALID. A host runs the program at the
same path as here, or else the one in its PATH.
"""
import io
import json
import math
import shlex
import subprocess
import tarfile
import time

from . import histogram, hlog, load, numbers
from .load import GRACE_S, INVALID_STATUS, LoadFailed

AHEAD_S = 1.5  # how long before its start time a run is arranged
APART_MOST_S = 0.1  # windows that begin further apart are no one run
FILES = ("load.json", "load.hlog", "load.txt", "status")
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}

REMOTE = """d=$(mktemp -d) || exit 1; trap 'rm -rf "$d"' EXIT; p={program}; [ -x "$p" ] || p=quartet-load
while [ "$(date +%s%N)" -lt {start_ns} ]; do sleep 0.005; done
{prefix} "$p" --json "$d/load.json" --hdr "$d/load.hlog" {options} >"$d/load.txt" 2>&1 </dev/null
echo $? >"$d/status"
tar -C "$d" -cf - ."""


def divided(total, parts, index):
    """Whole parts that together are the total."""
    return total // parts + (1 if index < total % parts else 0)


def with_value(options, key, value):
    """The options with another value for one of them, where it is there."""
    if key not in options:
        return options
    at = options.index(key)
    return options[: at + 1] + [str(value)] + options[at + 2 :]


def value_of(options, key, otherwise=0):
    return int(options[options.index(key) + 1]) if key in options else otherwise


def share_of(options, index, parts):
    """The options of one host."""
    connections, rate = value_of(options, "--connections"), value_of(options, "--rate")
    mine = with_value(options, "--connections", divided(connections, parts, index))
    mine = with_value(mine, "--rate", divided(rate, parts, index))
    mine = with_value(mine, "--seed", value_of(options, "--seed") + 7919 * index)
    for key in ("--idle", "--slow-readers", "--slow-senders"):
        mine = with_value(mine, key, divided(value_of(options, key), parts, index))
    return mine


def unpack(data, host):
    """The files that a host sent, by name; none but those that are expected."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name in FILES and member.isreg():
                    files[name] = archive.extractfile(member).read().decode(errors="replace")
    except tarfile.TarError:
        raise LoadFailed(f"{host} sent no results") from None
    return files


def checked(files, host):
    """The report of a host whose run came to its end."""
    status = files.get("status", "").strip()
    if status not in ("0", str(INVALID_STATUS)) or "load.json" not in files:
        said = " / ".join(files.get("load.txt", "").split("\n")[-4:]).strip(" /")
        raise LoadFailed(f"quartet-load on {host} ended with status {status or 'unknown'}: {said or 'it said nothing'}")
    return json.loads(files["load.json"])


def merged_latency(several):
    """Of one kind, from all hosts."""
    one = histogram.merged(several)
    found = {name: histogram.percentile(one, share) or 0 for name, share in PERCENTILES.items()}
    return one | found | {"mean": histogram.mean(one) or 0}


def summed(tables):
    out = {}
    for table in tables:
        for key, value in table.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                out[key] = out.get(key, 0) + value
    return out


def merged_errors(reports):
    return {
        kind: {"count": sum(r["errors"][kind]["count"] for r in reports), "first": reports[0]["errors"][kind]["first"]}
        for kind in reports[0]["errors"]
    }


def merge(reports):
    """One report of those of all hosts, [(host, report)]."""
    names, several = [host for host, _ in reports], [report for _, report in reports]
    begun = [report["window"]["start_unix_s"] for report in several]
    apart = max(begun) - min(begun)
    invalid = [f"{host}: {why}" for host, report in reports for why in report["invalid"]]
    if apart > APART_MOST_S:
        invalid.append(
            f"the hosts did not begin together: {numbers.time_us(apart * 1e6)} apart, at most "
            f"{numbers.time_us(APART_MOST_S * 1e6)} is accepted"
        )
    run = summed(report["run"] for report in several)
    run["statuses"] = summed(report["run"]["statuses"] for report in several)
    return {
        "tool": several[0]["tool"],
        "version": several[0]["version"],
        "loop": several[0]["loop"],
        "hosts": names,
        "apart_s": apart,
        "valid": not invalid,
        "invalid": invalid,
        "notes": [f"{host}: {note}" for host, report in reports for note in report.get("notes", [])],
        "window": several[0]["window"],
        "rate": summed(report["rate"] for report in several),
        "requests": summed(report["requests"] for report in several),
        "run": run,
        "errors": merged_errors(several),
        "latency_ns": {
            kind: merged_latency([report["latency_ns"][kind] for report in several])
            for kind in several[0]["latency_ns"]
        },
        "generator": {
            key: max(report["generator"][key] for report in several)
            for key in ("cpu_share", "cpu_ns", "runqueue_ns", "nice")
        }
        | {"policy": ", ".join(sorted({report["generator"]["policy"] for report in several}))},
    }


class Hosts:
    """The machines that load comes from."""

    def __init__(self, build, names, ssh):
        self.program, self.names, self.ssh = build / "quartet-load", names, ssh

    def start(self, host, options, load_words, start_ns):
        script = REMOTE.format(
            program=shlex.quote(str(self.program)),
            start_ns=start_ns,
            prefix=shlex.join(load.prefix_of(load_words)),
            options=shlex.join(options),
        )
        return subprocess.Popen(
            [*self.ssh, host, script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, host, process, seconds):
        try:
            data, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"{host} did not end in time") from None
        if process.returncode != 0:
            raise LoadFailed(
                f"{host}: ssh ended with status {process.returncode}: {said.decode(errors='replace').strip()[-300:]}"
            )
        return unpack(data, host)

    def run(self, options, load_words, folder, name):
        """As load.run() does, from all hosts."""
        if 0 < value_of(options, "--rate") < len(self.names):
            raise LoadFailed(f"{value_of(options, '--rate')} requests/s cannot be divided among {len(self.names)} hosts: each takes whole ones")
        start_ns = math.ceil((time.time() + AHEAD_S) * 1e9)
        seconds = (
            AHEAD_S
            + GRACE_S
            + sum(numbers.read_time_s(options[options.index(key) + 1]) for key in ("--warmup", "--duration"))
        )
        running = [
            (host, self.start(host, share_of(options, i, len(self.names)), load_words, start_ns))
            for i, host in enumerate(self.names)
        ]
        try:
            found = [(host, self.finish(host, process, seconds)) for host, process in running]
        finally:
            for _, process in running:
                load.processes.end(process, whole_group=True)
        reports = [(host, checked(files, host)) for host, files in found]
        for host, files in found:
            (folder / f"{name}.{host}.json").write_text(files["load.json"], encoding="utf-8")
        (folder / f"{name}.hlog").write_text(hlog.merge([files["load.hlog"] for _, files in found]), encoding="utf-8")
        report = merge(reports)
        (folder / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
        return report


def driver(build, names, ssh):
    return Hosts(build, names, ssh).run
