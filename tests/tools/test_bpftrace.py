#!/usr/bin/env python3
"""The bpftrace scripts of tools/ see what a server does: run on one that answers requests meanwhile.

usage: test_bpftrace.py SERVER

Exit status 77 where the kernel does not let us, or the program was built without probes.
"""
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import measure  # noqa: E402: found only now

SKIPPED = 77
SECONDS = 2
LIMIT_S = 600


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def start(server, *arguments):
    return subprocess.Popen(["bpftrace", "-p", str(server.process.pid), *arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(tracer):
    """(status, stdout, stderr)"""
    try:
        out, errors = tracer.communicate(timeout=LIMIT_S)
    finally:
        measure.end_process(tracer)
    return tracer.returncode, out, errors


def check_that_it_may_run(program):
    """What every use of it needs, one after the other."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if "USDT probes" not in version:
        skip(f"built without probes: {version.strip()}")
    if shutil.which("bpftrace") is None:
        skip("there is no bpftrace here")
    if os.geteuid() != 0:
        skip("bpftrace wants root")


def check_that_it_works(server):
    """The smallest script there is, on the probe that is hit most."""
    status, _, errors = finish(start(server, "-e", "usdt::quartet:take { @ = count(); } interval:ms:100 { exit(); }"))
    if status != 0:
        skip(f"bpftrace does not work here: {errors.strip() or f'status {status}'}")


def ask_until_done(server, tracers):
    """Requests, each on a connection of its own and then a second one, as long as any of them looks."""
    address = urllib.parse.urlsplit(server.url)
    count = 0
    while any(tracer.poll() is None for tracer in tracers):
        client = http.client.HTTPConnection(address.hostname, address.port, timeout=600)
        for _ in range(2):
            client.request("GET", "/tiny.txt")
            assert len(client.getresponse().read()) == 13
            count += 1
        client.close()
    return count


def histogram_counts(said):
    """{map: how many values} of bpftrace's histograms."""
    found = re.findall(r"^@(\w+): *\n((?:\[.*\n)+)", said, re.M)
    return {name: sum(int(count) for count in re.findall(r"^\[.*?[)\]] +(\d+) \|", body, re.M)) for name, body in found}


def check_stage_latency(said, asked):
    """Each stage has its histogram; those taken at the same moment count alike."""
    counts = histogram_counts(said)
    print(f"stage-latency: {counts}")
    for name in ("accept_wait", "socket_wait", "read", "process_wait", "process", "write_wait", "write", "total", "requeue_wait"):
        assert 0 < counts.get(name, 0) <= asked, f"@{name}: {counts.get(name)} values of {asked} requests"
    assert counts["write_wait"] == counts["write"] == counts["total"]


def check_wakeups(said):
    """In this wiring the reader wakes a processor, and a processor the writer; who else does is left open."""
    wakeups = re.findall(r"^@wakeups\[(.*), (.*)\]: \d+$", said, re.M)
    print(f"wakeups: {wakeups}")
    for ringer, woken in (("q-R", "q-P"), ("q-P", "q-W")):
        seen = any(pair[0].startswith(ringer) and pair[1].startswith(woken) for pair in wakeups)
        assert seen, f"no {ringer} wakes {woken}"
    for queue in "RPW":
        assert re.search(rf"^@puts\[{queue}\]: [1-9]", said, re.M), f"no put into {queue}"
    assert re.search(r"^@wakeup_us\[q-W\]: *$", said, re.M) and re.search(r"^@batch\[P\]: *$", said, re.M)


def main():
    program = sys.argv[1]
    check_that_it_may_run(program)
    with tempfile.TemporaryDirectory(prefix="quartet-bpftrace-") as work:
        work = pathlib.Path(work)
        docroot = measure.make_docroot(work, {"tiny.txt": 13})
        with measure.Server(program, docroot, work, "traced", "--processors", "2", "--log-level", "error") as server:
            check_that_it_works(server)
            tracers = [start(server, str(TOOLS / script), str(SECONDS)) for script in ("stage-latency.bt", "wakeups.bt")]
            asked = ask_until_done(server, tracers)
            said = []
            for tracer in tracers:
                status, out, errors = finish(tracer)
                assert status == 0, f"status {status}: {errors}"
                said.append(out)
            server.stop()
    check_stage_latency(said[0], asked)
    check_wakeups(said[1])


if __name__ == "__main__":
    main()
