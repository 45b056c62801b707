#!/usr/bin/python3
"""Loads what quartet-trace --perfetto writes into a trace viewer that others keep, and asks it what it
has read: speedscope, from npm, which knows the format but nothing of us.

    viewer.py --server build/dev/quartet --trace-tool build/dev/quartet-trace --pictures build/dev/browser

Exit status 77 (skipped) where there is no Chromium, Selenium or npm, or npm cannot fetch it.
"""

import collections
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

VIEWER = "speedscope@1.25.0"

try:
    import browser
    from browser import DESKTOP, SKIPPED, eventually, require
    from harness import Server
    from report_page import tool_says, trace
except ImportError as error:
    print(f"viewer test skipped: {error}")
    sys.exit(77)

TRACED = (
    ("staged", ("--model", "staged")),
    ("loops", ("--model", "loops", "--readers", "2")),
    ("LRx2-PWx3", ("--wiring", "LR*2 | PW*3")),
)

# Its warnings, and what it would have saved as a file.
EARS = """
    window.heard = {warnings: [], saved: null};
    console.warn = (...words) => heard.warnings.push(words.join(' '));
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        if (blob.type === 'text/json') {
            blob.text().then(text => { heard.saved = text; });
        }
        return make.call(URL, blob);
    };
"""
SAVE = "window.dispatchEvent(new KeyboardEvent('keydown', {key: 's', ctrlKey: true}))"


def fetch(scratch):
    """The directory of the viewer's page; None where npm does not give it."""
    if shutil.which("npm") is None:
        print("viewer test skipped: no npm here")
        return None
    done = subprocess.run(["npm", "install", "--prefix", scratch, "--ignore-scripts", "--no-audit", "--no-fund",
                           "--silent", VIEWER], capture_output=True, text=True, timeout=browser.PATIENCE_S, check=False)
    if done.returncode != 0:
        print(f"viewer test skipped: npm does not install {VIEWER}: {done.stderr.strip()}")
        return None
    return os.path.join(scratch, "node_modules", "speedscope", "dist", "release")


def slices_of(path):
    """{track: [(name, begin, end)]} as the file has them, times in ns since the track's first."""
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    hosts = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    found = collections.defaultdict(list)
    origins = {}
    for event in sorted((e for e in events if e["ph"] == "X"), key=lambda e: e["ts"]):
        pid, tid = event["pid"], event["tid"]
        begin = event["ts"] - origins.setdefault((pid, tid), event["ts"])
        # The viewer writes a number without a fraction that is zero.
        shown = {key: int(value) if isinstance(value, float) and value.is_integer() else value
                 for key, value in event["args"].items()}
        words = f'{event["name"]} {json.dumps(shown, separators=(",", ":"))}'
        found[f"{hosts[pid]} (pid {pid}), {names[pid, tid]} (tid {tid})"].append(
            (words, round(begin * 1000), round((begin + event["dur"]) * 1000)))
    return {track: sorted(slices) for track, slices in found.items()}


def slices_read(saved):
    """The same, as the viewer has them."""
    frames = [frame["name"] for frame in saved["shared"]["frames"]]
    found = {}
    for profile in saved["profiles"]:
        require(profile["unit"] == "microseconds", f"its unit is {profile['unit']}")
        stack, slices = [], []
        for event in profile["events"]:
            if event["type"] == "O":
                stack.append((event["frame"], event["at"]))
                continue
            frame, begin = stack.pop()
            require(frame == event["frame"], "it closes another slice than it opened")
            slices.append((frames[frame], round(begin * 1000), round(event["at"] * 1000)))
        found[profile["name"]] = sorted(slices)
    return found


def touch(slices):
    """Do slices end in the moment in which others end or begin on this track? The viewer adds begin and duration
    in floating point, and may take those ends in another order: they are not compared."""
    ends = [end for _, _, end in slices]
    return len(set(ends)) < len(ends) or not set(ends).isdisjoint(begin for _, begin, _ in slices)


def compare(where, wanted, read):
    """Each slice is there, at its time."""
    if touch(wanted):
        wanted, read = ([one[:2] for one in slices] for slices in (wanted, read))
    differ = [pair for pair in zip(wanted, read) if pair[0] != pair[1]]
    require(not differ and len(read) == len(wanted),
            f"{where} has {len(read)} slices of {len(wanted)}, first {differ[:1]}")


def check(chromium, name, address, path):
    """The viewer has each thread with each of its slices, and has nothing to complain of."""
    chromium.tab()
    chromium.look(DESKTOP, False)
    chromium.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": EARS})
    chromium.complaints()
    chromium.open(f"http://{address[0]}:{address[1]}/index.html#profileURL={os.path.basename(path)}")
    eventually(lambda: "Export" in chromium.run("return document.body.innerText"), "it has read the file")
    chromium.picture(f"viewer-{name}")
    chromium.run(SAVE)
    saved = eventually(lambda: chromium.run("return heard.saved"), "it has saved what it read")
    wanted, read = slices_of(path), slices_read(json.loads(saved))
    warnings = [] if any(map(touch, wanted.values())) else chromium.run("return heard.warnings")
    require(not warnings and not chromium.complaints(), f"{name}: it warns of {warnings[:3]}")
    require(read.keys() == wanted.keys(), f"{name}: it has the threads {list(read)}, the file {list(wanted)}")
    for track, slices in wanted.items():
        compare(f"{name}: {track}", slices, read[track])
    require(sum(map(len, wanted.values())) >= 300, f"{name}: only a few slices")


def test(chromium, server, tool, scratch):
    """All kinds of traces."""
    root = fetch(scratch)
    if root is None:
        return SKIPPED
    browser.write_hello(root)
    with Server(server, ["--root", root]) as host:
        for name, args in TRACED:
            recorded = os.path.join(scratch, f"{name}.trace")
            shown = os.path.join(root, f"{name}.json")
            trace(server, root, (recorded, args))
            tool_says(tool, "--perfetto", shown, recorded)
            check(chromium, name, host.address, shown)
    print(f"{VIEWER} has read {len(TRACED)} traces as they are")
    return 0


if __name__ == "__main__":
    browser.run_test(test)
