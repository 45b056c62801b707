"""Reports from cells that were never run: the text as a picture, the page by what a reader can do with it.

UPDATE_GOLDEN=1 writes the pictures again; check the difference before you commit it.
"""
import base64
import csv
import html.parser
import io
import os
import pathlib
import re
import tempfile
import unittest
import urllib.parse

import support
from comparison import cells, controls_file, report, results, runner, spec, tables_of_toml
from comparison.trouble import Trouble

GOLDEN = support.REPO / "tests" / "golden"
RATES = {"staged": 9000, "loops": 12000, "nginx": 11800}
NOISE = {"staged": (0, 1, 2), "loops": (1, 0, 1), "nginx": (2, 3, -4)}
LEVELS = {"connections": [1, 64], "shares_of_slowest": [0.3, 0.5], "shares_of_own": [0.9, 1.0, 1.1]}


def canned(wanted):
    """Records in which loops is fastest and nginx is about as fast, one run is INVALID, one server crashed, and of one the
    generator was the limit."""
    records = []
    for cell in cells.plan(wanted):
        name, value = cell.subject["name"], cell.level.value
        asked = None if not cell.level.is_open else value * (9000 if cell.level.kind == "slowest" else RATES[name])
        rate = asked or RATES[name] * value / (value + 3)
        scale = {"staged": 3.0, "loops": 1.0, "nginx": 1.02}[name] * (1 + value if cell.level.is_open else 1)
        noise = 1 + 0.002 * NOISE[name][cell.repetition - 1]
        one = support.record(
            cell, rate * (1 + 0.02 * cell.repetition) * noise, scale * (1 + 0.05 * cell.repetition) / noise, asked=asked
        )
        if (name, cell.level.key, cell.repetition) == ("staged", "slowest-0.5", 2):
            one["outcome"], one["why"] = (
                "invalid",
                "no good answer",
            )
        if (name, cell.level.key) == ("loops", "slowest-0.3"):
            one |= {"grade": "bracketed", "grade_why": ["8 % of the latency (mean) was the generator's lag"]}
            one["bounds"] = {"p99_us": [0.8 * one["metrics"]["p99_us"], one["metrics"]["p99_us"]]}
        if (name, cell.level.key, cell.repetition) == ("nginx", "closed-64", 1):
            one = support.record(cell, 1, outcome="crashed", why="nginx ended by itself with signal 11: <no | words>")
        records.append(one)
    return records


def reported(wanted, records):
    """What report.md says of them."""
    with tempfile.TemporaryDirectory() as folder:
        there, plan = support.store(pathlib.Path(folder), wanted, records)
        report.write(there, wanted, plan)
        return (there.folder / "report.md").read_text(encoding="utf-8")


def shown(wanted, records):
    """What the terminal shows of them, as lines."""
    with tempfile.TemporaryDirectory() as folder:
        there, plan = support.store(pathlib.Path(folder), wanted, records)
        return report.write(there, wanted, plan).splitlines()


class Page(html.parser.HTMLParser):
    """What matters of a page: tags that are closed, links, texts, tables."""

    VOID = {"meta", "br", "link", "path", "rect", "line", "polyline", "circle"}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.sources, self.figures, self.errors = [], {}, [], 0, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.figures += tag == "figure"
        self.sources += [values[key] for key in ("src", "href", "action") if key in values]
        if "download" in values:
            self.links[values["download"]] = values["href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.errors.append(tag)


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.spec = support.make_spec(
            title="Canned", models=["staged", "loops"], peers=["nginx"], repetitions=3, levels=LEVELS, reference="loops"
        )
        there, plan = support.store(pathlib.Path(cls.folder.name), cls.spec, canned(cls.spec))
        cls.said = report.write(there, cls.spec, plan)
        cls.html = (there.folder / "index.html").read_text(encoding="utf-8")
        cls.markdown = (there.folder / "report.md").read_text(encoding="utf-8")
        cls.figures = there.folder / "figures"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compare(self, name, text):
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        self.maxDiff = None
        self.assertEqual(path.read_text(encoding="utf-8"), text)

    def test_the_text_is_as_in_the_picture(self):
        self.compare("compare_report.md", self.markdown)

    def test_what_a_terminal_shows_is_as_in_the_picture(self):
        self.compare("compare_terminal.txt", self.said + "\n")

    def test_a_figure_is_as_in_the_picture(self):
        self.compare("compare_stages.svg", (self.figures / "tiny-stages.svg").read_text(encoding="utf-8"))

    def test_the_page_is_whole_and_needs_nothing_but_itself(self):
        page = Page(self.html)
        self.assertEqual((page.errors, page.open), ([], []))
        self.assertTrue(all(source.startswith("data:") for source in page.sources), page.sources)
        self.assertNotIn("<script", self.html)
        self.assertNotRegex(re.sub(r'href="[^"]*"', "", self.html), r"url\((?!#)")

    def test_every_figure_brings_its_picture_and_its_data(self):
        page = Page(self.html)
        self.assertEqual(len(page.links), 2 * page.figures)
        self.assertGreaterEqual(page.figures, 12)
        for name, link in page.links.items():
            if name.endswith(".csv"):
                rows = list(csv.reader(io.StringIO(urllib.parse.unquote(link.split(",", 1)[1]))))
                self.assertGreater(len(rows), 1, name)
                self.assertEqual(len({len(row) for row in rows}), 1, name)
            else:
                picture = base64.b64decode(link.split(",", 1)[1]).decode()
                self.assertIn("<style>", picture)
                self.assertEqual(picture + "\n", (self.figures / name).read_text(encoding="utf-8"))

    def test_what_is_not_valid_is_shown_and_kept_out(self):
        self.assertIn("no good answer", self.html)
        self.assertIn("ended by itself with signal 11: &lt;no | words&gt;", self.html)
        self.assertIn("signal 11: <no \\| words>", self.markdown)
        self.assertRegex(self.markdown, r"staged +\| 50 % of the slowest's peak[^\n]*2 of 3")
        self.assertIn("Not in the medians: 1 cell (1 of staged) for which the load generator cannot vouch (INVALID).", self.markdown)
        self.assertRegex(self.markdown, r"\| [0-9a-f]{12} \| INVALID +\| staged")

    def test_headlines_are_ratios_to_the_reference_with_their_intervals(self):
        said = self.markdown
        self.assertRegex(said, r"requests/s of loops, the reference: [\d,]+ \([\d,]+ to [\d,]+\)\. Against it: ")
        self.assertRegex(said, r"Against it: nginx \([\d,]+\) not decided \[")
        self.assertRegex(said, r"staged \([\d,]+\) slower by 25 % \[2\d, 2\d\]")
        self.assertRegex(said, r"was due of loops, [^.]*\. Against it: nginx \([^)]*\) equal within 5 % \[[+0]")
        self.assertRegex(self.markdown, r"\| against loops +\| requests/s, 64 connections, closed loop")
        self.assertIn("staged", self.html[self.html.index("against loops"):])

    def test_headlines_are_rows_of_a_file_too(self):
        with open(self.figures.parent / "comparisons.csv", newline="", encoding="utf-8") as file:
            rows = {(row["figure"], row["model"]): row for row in csv.DictReader(file)}
        self.assertEqual(set(rows), {(key, name) for key in ("rate", "p99_us", "cpu_us") for name in ("staged", "nginx")})
        row = rows["rate", "staged"]
        self.assertEqual((row["reference"], row["pairs"], row["decision"], row["load"]), ("loops", "3", "slower", "closed-64"))
        self.assertTrue(float(row["low"]) <= float(row["ratio"]) <= float(row["high"]) < 1)
        self.assertLessEqual(float(row["p"]), float(row["p_holm"]))
        self.assertEqual(rows["rate", "nginx"]["pairs"], "2")

    def test_grades_and_the_bound_of_a_cpu_are_shown(self):
        self.assertIn("(bracketed): 3 runs of loops, such as: 8 % of the latency (mean) was the generator's lag.", self.markdown)
        self.assertRegex(self.markdown, r"loops +\| 30 % of the slowest's peak[^\n]*3 bracketed")
        self.assertRegex(self.markdown, r"one CPU could serve at that cost, in requests/s: loops [\d,]+, nginx [\d,]+, staged [\d,]+\.")

    def test_a_figure_between_bounds_has_an_interval_that_covers_them(self):
        found = re.search(r"loops +\| 30 % of the slowest[^|]*\| \d+ us \((\d+) us to (\d+) us\) +\| [^|]*\| 30.0 us", self.markdown)
        self.assertGreater(int(found[2]) / int(found[1]), 1.25)

    def test_saturation_and_doubts_are_in_words(self):
        self.assertIn("contains the true median in at least 75.0 % of cases", self.markdown)
        self.assertIn("The closed loop hides queueing", self.markdown)


class Classes(unittest.TestCase):
    """The requests of a mix are reported apart: a short one that waits behind a blocked one is the finding."""

    SHORT, LONG = "/tiny.txt", "/synthetic/sleep?ms=5"

    @staticmethod
    def records(classes):
        wanted = support.make_spec(workloads=["mix"], repetitions=2, levels={"connections": [64]})
        records = [support.record(cell, 1000, 1.0) for cell in cells.plan(wanted)]
        for record in records:
            record["load"] = {**(record.get("load") or {}), "classes": classes}
        return wanted, records

    def mixed(self, classes):
        wanted, records = self.records(classes)
        return wanted, reported(wanted, records)

    def test_have_a_table_of_their_own(self):
        classes = [
            {"target": self.SHORT, "weight": 95, "count": 5000, "p50": 120.0, "p99": 4200.0},
            {"target": self.LONG, "weight": 5, "count": 260, "p50": 5100.0, "p99": None},
        ]
        said = self.mixed(classes)[1]
        self.assertIn("Latency of each class of requests, 64 connections, closed loop:", said)
        self.assertRegex(said, r"model +\| /tiny.txt, p50 \| /tiny.txt, p99 \| /synthetic/sleep\?ms=5, p50")
        self.assertRegex(said, r"staged \| 120 us +\| 4.20 ms +\| 5.10 ms +\| - ")
        self.assertIn("-: a p99 needs 1,000 requests of its class in one run; /synthetic/sleep?ms=5 had 260 at most.", said)

    def test_are_in_the_terminal_where_they_have_a_p99(self):
        classes = [
            {"target": self.SHORT, "weight": 95, "count": 5000, "p50": 120.0, "p99": 4200.0},
            {"target": self.LONG, "weight": 5, "count": 260, "p50": 5100.0, "p99": None},
        ]
        wanted, records = self.records(classes)
        head, first = shown(wanted, records)[2:4]
        self.assertIn("/tiny.txt, p99", head)
        self.assertNotIn("/synthetic", head)
        self.assertIn("4.20 ms", first)

    def test_of_results_without_them_are_dashes(self):
        said = self.mixed([])[1]
        self.assertRegex(said, r"staged \| - +\| - +\| - +\| - ")
        self.assertNotIn("requests of its class", said)


class Terminal(unittest.TestCase):
    """The comparison itself; the page has the rest."""

    ABOVE = 5  # lines that tools/compare prints before and behind it

    def quickstart(self):
        path = support.REPO / "tools" / "quickstart.toml"
        values, text = tables_of_toml.read_toml(path)
        return spec.from_values(values, str(path), path.parent, text)

    def test_of_the_quickstart_is_at_most_40_lines(self):
        wanted = self.quickstart()
        records = [support.record(cell, 12345, asked=4567 if cell.level.is_open else None) for cell in cells.plan(wanted)]
        for one in records[::3]:
            one |= {"grade": "censored", "grade_why": ["the generator was busy for 95 % of the time"]}
        said = shown(wanted, records)
        self.assertLessEqual(len(said) + self.ABOVE, 40, said)
        self.assertLessEqual(max(len(line) for line in said if "  " in line), 132, said)

    def test_begins_with_the_result_and_names_the_reference(self):
        wanted = support.make_spec(models=["staged", "loops", "acceptor"], repetitions=3)
        rates = {"staged": 9000, "loops": 12000, "acceptor": 6000}
        said = shown(wanted, [support.record(cell, rates[cell.subject["name"]] + cell.repetition) for cell in cells.plan(wanted)])
        self.assertIn("A tiny file, hot", said[0])
        self.assertEqual(said[1], "requests/s and CPU per request: 64 connections, closed loop. Against staged, the reference; "
                         "percentages are of runs side by side, not of these medians.")
        self.assertEqual([line.split()[0] for line in said[3:6]], ["loops", "staged", "acceptor"])
        self.assertRegex(said[3], r"12,002, faster by 33 % \[33, 33\]  +83.3 us, cheaper by 25 % \[25, 25\]  +70.0 us = 21 \+ 3 \+ 43 \+ 7 \+ 17 \+ 9 %$")
        self.assertRegex(said[4], r"staged +9,002  +111 us  +70.0 us = 21 \+ 3 \+ 43 \+ 7 \+ 17 \+ 9 %$")
        self.assertEqual(said[6], "Grades of the load generator in 9 runs: 9 clean.")

    def test_says_what_has_no_grade(self):
        wanted = support.make_spec(repetitions=3)
        said = shown(wanted, [support.record(cell, 1, outcome="failed", why="wrong") for cell in cells.plan(wanted)])
        self.assertIn("no graded run", "\n".join(said))
        self.assertIn("Not in the medians: 6 cells (3 of loops and 3 of staged) with wrong answers (INVALID).", "\n".join(said))


class Outcomes(unittest.TestCase):
    """Whatever became of the cells, there is a report."""

    LEVELS = (
        {"connections": [1, 64]},
        {"connections": [], "rates": [3000]},
        {"connections": [64], "shares_of_slowest": [0.5], "shares_of_own": [0.9]},
        {"connections": [64], "rates": [10], "climb": 0.5},
    )

    def test_of_no_kind_stop_the_report(self):
        for levels in self.LEVELS:
            wanted = support.make_spec(repetitions=2, levels=levels, peers=["nginx"], trace=True, syscalls=True)
            plan = cells.plan(wanted)
            for outcome in ("ok", "invalid", "failed", "crashed", "skipped", "spared"):
                with self.subTest(levels=levels, outcome=outcome):
                    said = reported(wanted, [self.record(cell, outcome) for cell in plan])
                    self.assertIn("## What cannot be concluded", said)
            for some in ([], plan[:1], plan[-1:]):
                with self.subTest(levels=levels, there=len(some)):
                    reported(wanted, [self.record(cell, "ok") for cell in some])

    @staticmethod
    def record(cell, outcome):
        """As the runner makes it: cells that were not run have no figures."""
        if outcome in ("skipped", "spared"):
            return runner.not_run(cell, outcome, "so")
        return support.record(cell, 3000, outcome=outcome, why="so", asked=3000 if cell.level.is_open else None)

    def test_of_no_valid_run_leave_a_line_that_says_so(self):
        wanted = support.make_spec(repetitions=3, levels={"connections": [], "rates": [3000]})
        said = reported(wanted, [support.record(cell, 1, outcome="invalid", why="late") for cell in cells.plan(wanted)])
        self.assertRegex(said, r"staged +\| 3,000 requests/s +\| 0 of 3 +\| no graded run")


class Controls(unittest.TestCase):
    FAILED = {"name": "loop", "law": "M/D/1", "verdict": "undecided", "why": "late & <busy>"}

    def written(self, verdict, **facts):
        """(the page, report.md, what the terminal shows) beside a controls.json with this verdict."""
        wanted = support.make_spec(repetitions=1)
        with tempfile.TemporaryDirectory() as outer:
            folder = pathlib.Path(outer) / "compare"
            controls_file.write(folder, {**support.ENVIRONMENT, **facts}, [{**self.FAILED, "verdict": verdict}])
            there, plan = support.store(folder, wanted, [support.record(cell, 1000) for cell in cells.plan(wanted)])
            shown = report.write(there, wanted, plan)
            return [(folder / name).read_text(encoding="utf-8") for name in ("index.html", "report.md")] + [shown]

    def test_that_failed_here_today_stand_at_the_top_of_each_report(self):
        page, text, shown = self.written("undecided")
        for said, begin in ((page, "<h2>Failed controls</h2>"), (text, "> **Control.** "), (shown, "CONTROL: ")):
            self.assertIn("The control loop (M/D/1) did not hold on this machine on 2026-01-02: late", said)
            self.assertLess(said.index(begin), said.index("A tiny file, hot"))
        self.assertIn("late &amp; &lt;busy&gt;", page)

    def test_that_hold_or_are_of_another_day_are_not_named(self):
        for said in self.written("holds") + self.written("fails", date="2026-01-01T00:00:00+00:00"):
            self.assertNotIn("did not hold", said)
            self.assertNotIn("Failed controls", said)


class Words(unittest.TestCase):
    def written(self, places=({},), **values):
        wanted = support.make_spec(**values)
        records = [
            support.record(cell, RATES[cell.subject["name"]]) | {"environment": places[i % len(places)]}
            for i, cell in enumerate(cells.plan(wanted))
        ]
        return reported(wanted, records)

    def test_one_repetition_says_nothing_of_differences(self):
        said = self.written(repetitions=1)
        self.assertIn("Against it: loops (12,000) not decided (fewer than two pairs of runs).", said)
        self.assertIn("No server has two runs beside two of the reference, so nothing is compared.", said)
        self.assertIn("no difference can be distinguished from chance", said)

    def test_cells_of_machines_that_differ_are_not_to_be_compared(self):
        self.assertIn(
            "different CPUs, numbers", self.written(places=({"host": "a", "cpu": "x"}, {"host": "b", "cpu": "y"}))
        )
        self.assertIn(
            "of CPUs or kernels", self.written(places=({"host": "a", "cpus_allowed": 2}, {"host": "b", "cpus_allowed": 4}))
        )
        self.assertIn(
            "the intervals include the difference", self.written(places=({"host": "a", "cpu": "x"}, {"host": "b", "cpu": "x"}))
        )
        self.assertNotIn("Cells ran on", self.written(places=({"host": "a", "cpu": "x"},)))

    def test_one_run_beside_several_is_compared_with_nothing(self):
        wanted = support.make_spec(repetitions=3)
        plan = cells.plan(wanted)
        records = [support.record(cell, 100 * cell.repetition + RATES[cell.subject["name"]]) for cell in plan]
        for one in records:
            if one["subject"]["name"] == "loops" and one["repetition"] > 1:
                one["outcome"], one["why"] = "invalid", "late"
        said = reported(wanted, records)
        self.assertIn("of staged, the reference: 9,200 (9,100 to 9,300). Against it: loops (12,100) not decided (fewer", said)
        self.assertNotIn("(censored)", said)
        self.assertNotIn("waited for a CPU", said)

    def test_runs_that_are_valid_and_doubtful_are_reported(self):
        wanted = support.make_spec(repetitions=3)
        plan = cells.plan(wanted)
        records = [support.record(cell, 12000) for cell in plan]
        records[0]["metrics"]["generator_waited"] = 0.34
        records[1]["load"]["seconds"] = 0.05
        records[2]["load"]["notes"] = ["the generator runs with real-time precedence (fifo): so", "saturated: yes"]
        said = reported(wanted, records)
        self.assertIn("In 1 of 6 closed loops the load generator waited for a CPU for more than 10 % of its time, at most 34 %", said)
        self.assertIn("generator: the generator runs with real-time precedence (fifo): so.", said)
        self.assertNotIn("saturated", said)
        self.assertIn("In 1 of 6 cells fewer than 1,000 requests were measured (the smallest count is 600). There a p99", said)

    def test_a_server_faster_than_the_generator_has_a_lower_bound(self):
        """It is in the medians and in the comparison, as a bound."""
        wanted = support.make_spec(repetitions=6)
        plan = cells.plan(wanted)
        records = [support.record(cell, 100 * cell.repetition + RATES[cell.subject["name"]]) for cell in plan]
        for one in records:
            if one["subject"]["name"] == "loops" and one["repetition"] > 1:
                one |= {"grade": "censored", "grade_why": ["the generator was busy for 95 % of the time"], "generator_full": True}
                one["bounds"] = {"rate": [one["metrics"]["rate"], None], "p99_us": [0.0, 500.0]}
        said = reported(wanted, records)
        self.assertRegex(said, r"Against it: loops \(\u2265 12,350\) faster by at least 3\d %")
        self.assertIn("Bounds only (censored): 5 runs of loops, such as: the generator was busy for 95 % of the time.", said)
        self.assertRegex(said, r"loops +\| 64 connections, [^\n]*\| \u2265 12,350 [^\n]*\u2264 500 us[^\n]*1 clean, 5 censored")
        self.assertNotIn("Not in the medians", said)

    def test_refusals_are_said_and_are_no_goodput(self):
        wanted = support.make_spec(repetitions=3)
        records = [support.record(cell, RATES[cell.subject["name"]]) for cell in cells.plan(wanted)]
        for one in records:
            one["metrics"]["shed_share"] = 0.2 if one["subject"]["name"] == "loops" else 0.0
        said = reported(wanted, records)
        self.assertIn("answered 503, which are in no requests/s: loops 20 % (64 connections, closed loop; 12,000 good", said)

    def test_runs_that_are_not_steady_are_said(self):
        wanted = support.make_spec(repetitions=3)
        records = [support.record(cell, RATES[cell.subject["name"]]) for cell in cells.plan(wanted)]
        records[0]["unsteady"] = ["mean latency rose by 40 %"]
        said = reported(wanted, records)
        self.assertRegex(said, r"In 1 of 6 runs the second half [^\n]*, repetition 1: mean latency rose by 40 %\.")

    def test_a_percentile_of_few_requests_is_a_dash_and_the_next_one_is_compared(self):
        wanted = support.make_spec(repetitions=3, levels={"connections": [64], "rates": [100]})
        records = [support.record(cell, 100, asked=100) for cell in cells.plan(wanted)]
        for one in records:
            one["metrics"]["p99_us"] = None
        said = reported(wanted, records)
        self.assertIn("p90 from when a request was due of staged, the reference", said)
        self.assertRegex(said, r"staged +\| 100 requests/s +\| 3 of 3 \| 100 \(100 to 100\) +\| 100 us \| - ")
        self.assertIn("p99 would be one of the ten longest, so it is not given (-)", said)

    def test_intervals_rest_on_the_runs_that_there_are(self):
        wanted = support.make_spec(repetitions=9)
        plan = cells.plan(wanted)
        self.assertNotIn("To publish", reported(wanted, [support.record(cell, 100) for cell in plan]))
        some = [support.record(cell, 100) for cell in plan if cell.repetition <= 6]
        said = reported(wanted, some)
        self.assertIn("from the smallest to the largest of 6 repetitions and contains the true median in at least 96.9 %", said)
        self.assertIn("To publish, plan 9 repetitions or more.", said)

    def test_repeated_blocks_are_counted(self):
        wanted = support.make_spec(repetitions=3)
        records = [support.record(cell, 100) for cell in cells.plan(wanted)]
        early = {"metrics": {"rate": 7}, "outcome": "ok", "causes": ["other programs took 40 % of a CPU"]}
        records[0]["earlier"] = [early]
        records[3]["metrics"]["stolen"] = 0.2
        said = reported(wanted, records)
        self.assertRegex(said, "1 of 3 blocks were repeated whole, 1 times [^\n]* such as: other programs took 40 % of a CPU")
        self.assertIn("1 of 3 blocks were disturbed from outside in the runs that count, such as: the hypervisor took 20.0 %", said)

    def test_a_disturbed_block_shows_beside_its_grades(self):
        wanted = support.make_spec(repetitions=3)
        records = [support.record(cell, 100) for cell in cells.plan(wanted)]
        self.assertNotIn("disturbed", reported(wanted, records))
        spoiled = next(one for one in records if one["repetition"] == 2)
        spoiled["metrics"]["others_cpus"] = 0.4
        said = reported(wanted, records)
        for name in ("staged", "loops"):  # the other run of the block stood beside it
            self.assertRegex(said, rf"\| {name} +\| 64 connections[^\n]*\| 3 clean \(1 disturbed\) \|")
        trust = re.search(r"\*\*How far to trust it\.\*\* (.*)", said)[1]
        self.assertIn("1 of 3 blocks, such as 64 connections, closed loop, repetition 2: other programs took 40 % of a CPU.", trust)
        self.assertIn("a disturbed run may be spoiled though it is clean", trust)
        self.assertIn("Grades of the load generator in 6 runs: 6 clean (2 disturbed); disturbed from outside, such as: other programs took 40 %", "\n".join(shown(wanted, records)))

    def test_another_reference_after_the_runs_is_said(self):
        wanted = support.make_spec(repetitions=3)
        records = [support.record(cell, 100) for cell in cells.plan(wanted)]
        later = support.make_spec(repetitions=3, reference="loops")
        with tempfile.TemporaryDirectory() as folder:
            there, plan = support.store(pathlib.Path(folder), wanted, records)
            for of, words in ((wanted, False), (later, True)):
                report.write(there, of, plan)
                said = (there.folder / "report.md").read_text(encoding="utf-8")
                self.assertEqual("the reference was staged and the margin 5 %; this report has loops and 5 %" in said, words)

    def test_a_full_machine_is_said_with_the_grade(self):
        wanted = support.make_spec(models=["staged", "loops"], repetitions=3)
        records = [support.record(cell, 9000) for cell in cells.plan(wanted)]
        why = ["the CPUs were full: server 1.00 + generator 0.95 of 2 CPUs", "the generator was busy for 95 % of the time"]
        for one in records:
            if one["subject"]["name"] == "loops":
                one |= {"grade": "censored", "grade_why": why}
        self.assertIn(f"Bounds only (censored): 3 runs of loops, such as: {why[0]}, {why[1]}.", reported(wanted, records))

    def test_a_ledger_stands_beside_each_stage_table(self):
        wanted = support.make_spec(models=["staged", "loops"], repetitions=2, levels=LEVELS, trace=True)
        records = [support.record(cell, 9000, asked=900) for cell in cells.plan(wanted)]
        ledger = {"requests": 900, "unaccounted_share": 0.0123, "latency_mean_us": 77, "parts_us": {"own.lag": 7, "way.in": -1}}
        for one in records:
            if one["purpose"] == "trace":
                mine = ledger if one["subject"]["name"] == "staged" else None
                one["trace"] = {"verdict": "none", "lost": 0, "bytes": 1, "ledger": mine}
        said = reported(wanted, records)
        stages = said.split("Where a request's time goes, ")[2]  # behind its heading and its picture
        self.assertRegex(stages, r"\| model .* \| unaccounted \|")
        self.assertRegex(stages, r"\| staged .* \| 1\.2 % +\|")
        self.assertRegex(stages, r"\| loops .* \| - +\|")
        self.assertRegex(said, r"\| model +\| own\.lag +\| way\.in +\| unaccounted \| latency, mean \|")
        self.assertRegex(said, r"\| staged +\| 7\.00 us +\| -1\.00 us +\| 1\.2 % +\| 77\.0 us +\|")
        self.assertIn("A mean below 0 is no error: each part is the difference of two times", said)
        ledger["parts_us"]["way.in"] = 1
        self.assertNotIn("below 0", reported(wanted, records))

    def test_every_title_names_the_placement(self):
        for place, title in (
            (support.PLACEMENT, "2 server CPUs, one generator CPU"),
            ({**support.PLACEMENT, "server_cpus": "1"}, "one server CPU, one generator CPU"),
            ({**support.PLACEMENT, "kind": "shared", "server_cpus": "0-1"}, "server and generator share 2 CPUs"),
            ({**support.PLACEMENT, "kind": "elsewhere"}, "2 server CPUs, load from other machines"),
        ):
            wanted = support.make_spec(repetitions=2, levels=LEVELS)
            with tempfile.TemporaryDirectory() as folder:
                records = [support.record(c, 9000, asked=900) | {"placement": place} for c in cells.plan(wanted)]
                there, plan = support.store(pathlib.Path(folder), wanted, records)
                report.write(there, wanted, plan)
                page = (there.folder / "index.html").read_text(encoding="utf-8")
                text = (there.folder / "report.md").read_text(encoding="utf-8")
            titles = re.findall(r"<(?:h1|h3)>(.*?)</", page) + re.findall(r"<section id=[^>]*><h2>(.*?)</", page)
            titles += [re.search(r"<title>(.*?)</", page)[1], text.splitlines()[0]]
            self.assertGreater(len(titles), 12)
            for one in titles:
                self.assertTrue(one.endswith(f"\u00b7 {title}"), one)
            self.assertEqual("With one server CPU no two threads" in text, place["server_cpus"] == "1")

    def test_a_climb_says_what_each_kept_up_with_and_shows_no_step_above(self):
        """staged answers 9,000/s at most, loops 12,000/s; of nginx the generator could not ask for more."""
        wanted = support.make_spec(repetitions=3, levels={"connections": [64], "climb": 0.5}, peers=["nginx"])
        records = []
        for cell in cells.plan(wanted):
            most = RATES[cell.subject["name"]]
            asked = most * cell.level.value if cell.level.is_open else None
            outcome = "spared" if asked and cell.level.value > 1.5 else "ok"
            if asked and cell.level.value == 1.5 and cell.subject["name"] == "nginx":
                outcome = "invalid"
            records.append(support.record(cell, min(asked or most, most), asked=asked, outcome=outcome))
        with tempfile.TemporaryDirectory() as folder:
            report.write(*support.store(pathlib.Path(folder), wanted, records)[:1], wanted, cells.plan(wanted))
            said = (pathlib.Path(folder) / "report.md").read_text(encoding="utf-8")
            data = (pathlib.Path(folder) / "figures" / "tiny-answered.csv").read_text(encoding="utf-8")
        self.assertIn(
            "staged kept up with 9,000/s and not with 13,500/s; loops kept up with 12,000/s and not with 18,000/s", said
        )
        self.assertIn("nginx kept up with 11,800/s, and has too few graded runs at 17,700/s for a verdict", said)
        steps = {row["load"] for row in csv.DictReader(io.StringIO(data))}
        self.assertEqual(steps, {f"{share} % of its own peak" for share in (50, 100, 150)})

    def test_a_workload_with_rates_of_its_own_has_no_rows_of_other_levels(self):
        wanted = support.make_spec(workloads=["tiny", "near-idle"], levels={"connections": [64]}, repetitions=2)
        records = [support.record(cell, cell.level.value, asked=cell.level.value if cell.level.is_open else None)
                   for cell in cells.plan(wanted)]
        tiny, idle = reported(wanted, records).split("## A server that is nearly idle", 1)
        self.assertIn("64 connections, closed loop", tiny)
        self.assertNotIn("100 requests/s", tiny.split("A tiny file, hot", 1)[1])
        idle = idle.split("What cannot be concluded", 1)[0]
        self.assertIn("100 requests/s", idle)
        self.assertNotIn("closed loop", idle)
        self.assertNotIn("0 of 0", tiny + idle)

    def test_results_of_another_version_are_refused(self):
        wanted = support.make_spec(repetitions=3)
        with tempfile.TemporaryDirectory() as folder:
            there, _ = support.store(pathlib.Path(folder), wanted, [])
            there.write_json("manifest.json", {**there.read_json("manifest.json"), "format": 1})
            with self.assertRaisesRegex(Trouble, "another version of tools/compare .format 1, here 3., which can report it"):
                results.Results(pathlib.Path(folder)).open()

    def test_one_model_alone_is_no_comparison_but_a_report(self):
        self.assertIn("only staged has graded runs", self.written(models=["staged"]))


if __name__ == "__main__":
    unittest.main()
