"""The page that tools/compare writes, of runs that were never made: its tables can be read without scrolling sideways."""

import os
import pathlib
import sys

from browser import DESKTOP, PHONE, fits, require

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "compare"))

import support  # noqa: E402  (the path comes first)
from comparison import cells, report  # noqa: E402

MODELS = ["staged", "loops", "conn-queue", "worker-stack", "event-mpm"]
LEVELS = {"connections": [1, 64], "shares_of_slowest": [0.3, 0.6], "shares_of_own": [0.8, 0.9, 1.1]}
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
        yield one


def run(browser, scratch):
    """At a desk nothing scrolls sideways; on a phone only tables do, within themselves."""
    wanted = support.make_spec(models=MODELS, repetitions=6, levels=LEVELS)
    folder = pathlib.Path(scratch) / "compare"
    there, plan = support.store(folder, wanted, list(records(wanted)))
    report.write(there, wanted, plan)
    browser.look(DESKTOP, False)
    browser.open(f"file://{folder}/index.html")
    require(not (wide := browser.run(SIDEWAYS)), f"tables that scroll sideways: {wide}")
    for width in (DESKTOP, PHONE):
        browser.look(width, False)
        fits(browser, width)
    require(not (said := browser.complaints()), f"the console says {said[:3]}")
