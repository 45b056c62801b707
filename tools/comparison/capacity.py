"""Were the CPUs of a run full? A load generator that is busy all the time is the limit only where the server had CPU time
left. quartet-load knows its own side alone; here both sides are known."""
from . import cpus

FULL = 0.95  # of the CPU time that there is


def taken_words(record):
    """What took the CPUs where they were full, as words; nothing where they were not, or it is not known."""
    place, metrics = record.get("placement"), record["metrics"]
    if not place or metrics.get("cpu_us") is None:
        return ""
    count = len(cpus.read_list(place["server_cpus"]))
    server, generator = metrics["cpu_us"] * metrics["rate"] / 1e6, metrics["generator_taken"]
    shared = place["kind"] == "shared"
    if server + (generator if shared else 0) < FULL * count:
        return ""
    whose = f"of {count} CPUs" if count > 1 else "of one CPU"
    if shared:
        return f"server {server:.2f} + generator {generator:.2f} {whose}"
    return f"server {server:.2f} {whose}"
