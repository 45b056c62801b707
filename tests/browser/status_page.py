"""The page of /server-status in a real browser: its numbers against the JSON it used, its drawing, its
manners. All servers run at once, each in a tab of its own, so that their first seconds pass together."""

import http.client
import json
import re
import threading

from browser import (DESKTOP, PATIENCE_S, PHONE, PageFailed, drawing_is_legible, eventually, fits, numbers,
                     require)
from expected import Figures, wrong
from harness import Server

# name, arguments, groups that are drawn
WIRINGS = (
    ("staged", ("--model", "staged"), 4),
    ("loops", ("--model", "loops", "--readers", "2"), 1),
    ("odd", ("--wiring", "LK | R | P*2 | W"), 4),
    ("in-turn", ("--wiring", "LRPW@4"), 2),
    ("apart", ("--wiring", "LR | P*2 | w*2 | W"), 4),
    ("event-mpm", ("--model", "event-mpm"), 2),
)
# Numbers that a page without them would pass this test for nothing.
EXPECTED_KEYS = ("rate.REQUESTS", "total.p99", "share.process", "drawn.process.p50",
                 "part.write.wait.mean", "interval.total.count", "interval.read.p999",
                 "counter.REQUESTS.count", "status.2xx.count", "queue.accept.depth", "connections")
PICTURED = ("staged", "loops", "odd")  # a picture takes most of the time
CLIENTS = 3
PAUSE_S = 0.02  # of a client between two requests


def url_of(server):
    """Where its page is."""
    host, port = server.address
    return f"http://{host}:{port}/server-status"


class Load:
    """Clients that ask until they are stopped, each on one connection; counts the answers."""

    TARGETS = ("/hello.txt", "/synthetic/spin?us=300", "/synthetic/bytes?n=30000", "/nothing")

    def __init__(self, server):
        self.address, self.answers = server.address, [0] * CLIENTS
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True)
                        for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        """One client."""
        client = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        while not self.stopping.wait(PAUSE_S):
            client.request("GET", self.TARGETS[(self.answers[number] + number) % len(self.TARGETS)])
            client.getresponse().read()
            self.answers[number] += 1
        client.close()

    def stop(self):
        """Ends them; how many answers there were."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return sum(self.answers)


def page_state(browser):
    """What the page was made from and its numbers, of one moment."""
    last, shown = browser.run(
        "return [window.quartet.last, [...document.querySelectorAll('[data-key]')]"
        ".map(node => [node.dataset.key, node.dataset.value, node.textContent])]")
    return json.loads(last), [(key, float(value) if value else None, text)
                              for key, value, text in shown]


def drawn(browser):
    """How many times the page has been drawn."""
    return browser.run("return window.quartet ? window.quartet.drawn : 0")


SECONDS = {"10 s": 10, "1 min": 60, "since start": 0}


def figures_of(last):
    """What the page has to show: the second window of the answer. What is in flight now is known
    from all that has passed."""
    return Figures({**last["windows"][1]["report"], "flow": last["report"]["flow"]})


def choose(browser, words):
    """Presses the button of that window, and waits until it is shown."""
    browser.run("[...document.querySelectorAll('#choices button')]"
                ".find(b => b.textContent === arguments[0]).click()", words)
    eventually(lambda: browser.run("return window.quartet.seconds") == SECONDS[words],
               f"the page shows {words}")


def check_numbers(browser, name, window):
    """Every number is what the JSON says, and they are there."""
    choose(browser, window)
    last, shown = page_state(browser)
    whole = last["windows"][1]["report"]["wall_ns"] == last["report"]["wall_ns"]
    require(whole == (window == "since start"), f"{name}: {window} is since the start: {whole}")
    lines, seen = wrong(figures_of(last), shown)
    require(not lines, f"{name}, {window}: " + "; ".join(lines[:6]))
    return seen


def check_pipes(browser, name):
    """A pipe is drawn where requests go through a queue, and nowhere else."""
    last, shown = page_state(browser)
    taken = {queue["group"] for queue in last["report"]["queues"] if queue["put"] > 0}
    keys = (re.fullmatch(r"drawn\.queue\.(\d+)\.depth", key) for key, _, _ in shown)
    pipes = {int(key[1]) for key in keys if key}
    require(pipes == taken, f"{name}: pipes in front of groups {pipes}, requests go to {taken}")


LOOKS = ((DESKTOP, False), (PHONE, False), (PHONE, True), (DESKTOP, True))
INK = {False: "rgb(28, 36, 48)", True: "rgb(228, 232, 237)"}


def check_look(browser, name, groups):
    """Both widths, both schemes: nothing sticks out, and pictures for people."""
    width_before = DESKTOP
    for width, dark in LOOKS:
        before = drawn(browser)
        browser.look(width, dark)
        if width != width_before:
            eventually(lambda: drawn(browser) > before, "it is drawn again")
        width_before = width
        fits(browser, width)
        drawing_is_legible(browser, groups)
        ink = browser.run("return getComputedStyle(document.body).color")
        require(ink == INK[dark], f"{name}: the ink is {ink}")
        if name == "staged" or name in PICTURED and (width == DESKTOP) != dark:
            browser.picture(f"status-{name}-{width}-{'dark' if dark else 'light'}")


def check_uncounted(browser, name, answers, before):
    """The page's own requests are in no figure: it has been drawn since, and nothing was added."""
    eventually(lambda: drawn(browser) > before + 1, f"{name} is drawn twice more")
    last, _ = page_state(browser)
    counters = last["report"]["counters"]
    require(counters["REQUESTS"] == answers and counters["BEGUN"] == answers,
            f"{name}: {counters['REQUESTS']} requests of {counters['BEGUN']} begun, asked {answers}")
    require(last["report"]["intervals_ns"]["total"]["count"] == answers, f"{name}: times of watching")


def check_network(browser, servers):
    """The browser requested only the page and its figures."""
    allowed = {url_of(server) for server in servers}
    allowed |= {f"{url}?json&seconds=1,{seconds}" for url in allowed for seconds in SECONDS.values()}
    others = {url for url in browser.asked_for()
              if url not in allowed and not url.startswith(("data:", "chrome:", "about:"))}
    require(not others, f"asked for {sorted(others)[:4]}")


def check_restart(browser, program, args, server):
    """The page says when the server is gone, and goes on with the next one from zero, which measures
    no times."""
    old, _ = page_state(browser)
    port = server.address[1]
    require(not server.stop(), "the server did not end well")
    eventually(lambda: "gone" in browser.run("return document.getElementById('live').textContent"),
               "the page says that the server is gone")
    with Server(program, [*args, "--trace-level", "off"], listen=(f"127.0.0.1:{port}",)):
        eventually(lambda: page_state(browser)[0]["server"]["pid"] != old["server"]["pid"],
                   "the page shows the new server")
        require("live" in browser.run("return document.getElementById('live').textContent"), "live")
        last, shown = page_state(browser)
        require(last["report"]["counters"]["REQUESTS"] == 0, "the new server has no requests")
        require(not last["server"]["measured"], "the new server measures")
        lines, seen = wrong(figures_of(last), shown)
        require(not lines, "after the restart: " + "; ".join(lines[:6]))
        require("rate.REQUESTS" in seen, "there are figures after the restart")
        require("not measured" in browser.run("return document.getElementById('time-aside').textContent"),
                "the page says that there are no times")
    others = [words for words in browser.complaints() if "net::ERR_" not in words]
    require(not others, f"the console says {others[:3]}")


def run(browser, program, root):
    """All of it."""
    args = ("--root", root, "--synthetic", "on")
    servers = [Server(program, [*args, *more]) for _, more, _ in WIRINGS]
    try:
        run_servers(browser, servers)
        browser.look(DESKTOP, False)
        check_restart(browser, program, [*args, *WIRINGS[-1][1]], servers[-1])
    finally:
        for server in servers:
            server.kill()


def run_servers(browser, servers):
    """What can be seen of running servers."""
    loads = [Load(server) for server in servers]
    tabs = []
    for server in servers:
        tabs.append(browser.tab())
        browser.look(DESKTOP, False)
        browser.open(url_of(server))
    for (name, _, groups), tab, load in zip(WIRINGS, tabs, loads):
        browser.switch(tab)
        eventually(lambda: drawn(browser) >= 3, f"{name} is drawn three times")
        seen = set()
        for window in ("since start", "10 s"):
            seen |= check_numbers(browser, name, window)
        missing = [key for key in EXPECTED_KEYS if key not in seen]
        require(not missing, f"{name}: the page lacks {missing}")
        check_look(browser, name, groups)
        check_numbers(browser, name, "1 min")
        check_pipes(browser, name)
        answers = load.stop()
        check_uncounted(browser, name, answers, drawn(browser))
        if tab != tabs[-1]:
            browser.open("about:blank")  # each page that is drawn takes CPU time from the others
    complaints = browser.complaints()
    require(not complaints, f"the console says {complaints[:3]}")
    check_network(browser, servers)
