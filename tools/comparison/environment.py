"""Where a measurement was made: what a reader needs to repeat it, and to doubt it."""
import datetime
import hashlib
import os
import pathlib
import platform
import re
import resource
import subprocess

from . import cpus, peers

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
SETTINGS = [
    "kernel/sched_autogroup_enabled",
    "net/core/somaxconn",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/tcp_tw_reuse",
    "vm/swappiness",
    "kernel/randomize_va_space",
]


def read(path, otherwise="unknown"):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return otherwise


def first_line(command):
    """What a program says first, on either stream."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=REPO, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0].strip() if said else "unknown"


def commit():
    """The commit that is checked out, with a mark where the sources differ from it."""
    said = first_line(["git", "describe", "--always", "--dirty", "--abbrev=12"])
    return "unknown" if said.startswith("fatal") else said


def cpu_model():
    found = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", read("/proc/cpuinfo", ""), re.M)
    return found[1] if found else platform.machine()


def governors():
    """The frequency governor of each CPU, once each."""
    files = sorted(pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(sorted({read(file) for file in files})) or "none (not set by this kernel)"


def digest(program):
    try:
        return hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()[:16]
    except OSError:
        return "missing"


def limits():
    names = {
        "descriptors": resource.RLIMIT_NOFILE,
        "processes": resource.RLIMIT_NPROC,
        "locked_memory": resource.RLIMIT_MEMLOCK,
    }
    return {
        name: "{}/{}".format(
            *("unlimited" if value == resource.RLIM_INFINITY else value for value in resource.getrlimit(number))
        )
        for name, number in names.items()
    }


def versions(build, subjects):
    said = {
        "quartet": first_line([str(build / "quartet"), "--version"]),
        "quartet-load": first_line([str(build / "quartet-load"), "--version"]),
    }
    for subject in subjects:
        if subject["kind"] in peers.COMMANDS:
            program, *rest = peers.COMMANDS[subject["kind"]][1]
            said[subject["kind"]] = first_line([peers.find(program) or program, *rest])
    return said


def describe(build, subjects, places):
    """All of it, once for a comparison. `places` are the placements of its workloads by name."""
    facts = {name: place.facts() for name, place in places.items()}
    first = next(iter(facts.values()))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(),
        "binaries": {name: digest(build / name) for name in ("quartet", "quartet-load")},
        "versions": versions(build, subjects),
        "host": platform.node(),
        "system": re.sub(r'.*PRETTY_NAME="([^"]*)".*', r"\1", read("/etc/os-release", ""), flags=re.S) or "unknown",
        "kernel": platform.release(),
        "kernel_options": read("/proc/cmdline"),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "cpus_allowed": len(cpus.allowed()),
        "placement": first["kind"],
        "placement_note": first["note"],
        "server_cpus": {name: place["server_cpus"] for name, place in facts.items()},
        "generator_cpus": {name: place["generator_cpus"] for name, place in facts.items()},
        "runner_cpus": first["runner_cpus"],
        "governor": governors(),
        "clock": read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "turbo_off": read("/sys/devices/system/cpu/intel_pstate/no_turbo"),
        "smt": read("/sys/devices/system/cpu/smt/control"),
        "memory_kib": int(re.search(r"^MemTotal:\s+(\d+)", read("/proc/meminfo", "MemTotal: 0"), re.M)[1]),
        "limits": limits(),
        "settings": {name: read(f"/proc/sys/{name}") for name in SETTINGS},
        "python": platform.python_version(),
    }


def same_programs(before, now):
    """Words for what has changed between two descriptions so that their cells must not be mixed; None when nothing
    has."""
    for key in ("binaries", "kernel", "cpu", "cpus_allowed", "server_cpus", "generator_cpus"):
        if before.get(key) != now.get(key):
            return f"{key}: {before.get(key)} then, {now.get(key)} now"
    return None
