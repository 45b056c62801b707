"""The page that tools/compare writes, of runs that were never made: its tables can be read without scrolling sideways."""

import os
import pathlib
import sys

from browser import DESKTOP, PHONE, fits, require

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "compare"))

import support  # noqa: E402  (the path comes first)
from comparison import calibration, cells, report, spec, tables_of_toml  # noqa: E402

MODELS = ["staged", "loops", "conn-queue", "worker-stack", "event-mpm"]
LEVELS = {"connections": [1, 64], "shares_of_slowest": [0.3, 0.5], "shares_of_own": [0.8, 0.9, 1.1]}
CLASSES = [
    {"target": target, "weight": 1, "count": 123456, "p50": 123.4, "p99": 123456.7} for target in ("/tiny.txt", "/synthetic/sleep?ms=5")
]
CALIBRATION = {
    "capacity_requests_per_s": 123456.7,
    "connections": 64,
    "own_lag": [{"share": share, "rate": 1, "mean_us": 1, "p50_us": 12.3, "p99_us": 1234.5} for share in calibration.SHARES],
    "clock_gaps": {"seconds": 0.5, "above_us": 50, "count": 1234, "share_of_time": 0.123, "longest_us": 1234.5},
}
SIDEWAYS = """
    document.querySelectorAll('details').forEach(one => { one.open = true; });
    return [...document.querySelectorAll('main .scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)
        .map(one => one.textContent.slice(0, 60));
"""


def records(wanted):
    """Figures of many digits, with grades and bounds that make the longest words."""
    for cell in cells.plan(wanted):
        one = support.record(cell, 123456 + 1000 * cell.repetition, asked=45678 if cell.level.is_open else None)
        if cell.repetition > 1:
            one |= {"grade": "censored", "grade_why": ["the generator was busy for 95 % of the time"]}
            one["bounds"] = {"rate": [one["metrics"]["rate"], None], "p99_us": [0.0, one["metrics"]["p99_us"]]}
        if one["workload"] == "mix":
            one["load"]["classes"] = CLASSES
        yield one


def quickstart():
    """What tools/quickstart runs."""
    path = support.REPO / "tools" / "quickstart.toml"
    values, text = tables_of_toml.read_toml(path)
    return spec.from_values(values, str(path), path.parent, text)


def run(browser, scratch):
    """The first page that a user has, and one with more levels than that."""
    look_at(browser, pathlib.Path(scratch) / "quickstart", quickstart())
    look_at(browser, pathlib.Path(scratch) / "compare", support.make_spec(models=MODELS, repetitions=6, levels=LEVELS))


def look_at(browser, folder, wanted):
    """At a desk nothing scrolls sideways; on a phone only tables do, within themselves."""
    there, plan = support.store(folder, wanted, list(records(wanted)))
    there.write_json(calibration.FILE, CALIBRATION)
    report.write(there, wanted, plan)
    browser.look(DESKTOP, False)
    browser.open(f"file://{folder}/index.html")
    require(not (wide := browser.run(SIDEWAYS)), f"tables that scroll sideways: {wide}")
    for width in (DESKTOP, PHONE):
        browser.look(width, False)
        fits(browser, width)
    require(not (said := browser.complaints()), f"the console says {said[:3]}")
