"""The figures of a cell: what each is called, how it is written, and which end is better. One line each; the CSV,
the tables and the words are made from this list."""
import dataclasses
from typing import Callable

from . import numbers
from .status import PARTS


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    title: str
    write: Callable
    better: str  # more, less, or empty where neither is better as such


METRICS = [
    Metric("rate", "requests/s", numbers.amount, "more"),
    Metric("p50_us", "p50", numbers.time_us, "less"),
    Metric("p90_us", "p90", numbers.time_us, "less"),
    Metric("p99_us", "p99", numbers.time_us, "less"),
    Metric("p999_us", "p99.9", numbers.time_us, "less"),
    Metric("max_us", "max", numbers.time_us, "less"),
    Metric("mean_us", "mean", numbers.time_us, "less"),
    Metric("send_lag_p99_us", "due until sent, p99", numbers.time_us, "less"),
    Metric("own_lag_p99_us", "of it the generator's, p99", numbers.time_us, "less"),
    Metric("error_share", "without a good answer", numbers.share, "less"),
    Metric("shed_share", "answered 503", numbers.share, "less"),
    Metric("cpu_us", "CPU per request", numbers.time_us, "less"),
    Metric("capacity", "capacity bound of a CPU", numbers.amount, "more"),  # 1 / CPU per request
    Metric("cpu_pressure", "server waited for a CPU", numbers.share, "less"),
    Metric("voluntary", "voluntary switches per request", numbers.amount, "less"),
    Metric("involuntary", "involuntary switches per request", numbers.amount, "less"),
    Metric("wakeups", "wakeups per request", numbers.amount, "less"),
    Metric("syscalls", "system calls per request", numbers.amount, "less"),
    Metric("pss_kib", "memory (PSS)", numbers.size_kib, "less"),
    Metric("rss_kib", "memory (RSS)", numbers.size_kib, "less"),
    Metric("memory_peak_kib", "peak memory of the cgroup", numbers.size_kib, "less"),
    Metric("threads", "threads", numbers.count, ""),
    Metric("generator_cpu", "generator's CPU share, of its busiest thread", numbers.share, ""),
    Metric("generator_taken", "generator's CPUs", numbers.amount, ""),
    Metric("generator_waited", "generator waited for a CPU", numbers.share, ""),
    Metric("others_cpus", "other programs' CPUs", numbers.amount, ""),
    Metric("stolen", "CPU time stolen", numbers.share, ""),
    Metric("clock_gaps", "CPU stood still", numbers.share, ""),
    *(Metric(f"stage_{part}_us", f"{part}, mean", numbers.time_us, "less") for part in (*PARTS, "total", "sojourn")),
    *(Metric(f"stage_{part}_p99_us", f"{part}, p99", numbers.time_us, "less") for part in (*PARTS, "total", "sojourn")),
]
BY_KEY = {metric.key: metric for metric in METRICS}
