"""A real Chromium, without a window, as the browser tests need it: what it said on its console, what
it asked the network for, pictures, and how wide and how dark it is.

Selenium and the driver are Debian's; nothing is downloaded, and the profile lives in a directory that
goes away.
"""

import argparse
import base64
import json
import os
import shutil
import sys
import tempfile
import time
import traceback

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
FLAGS = ("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
         "--disable-background-timer-throttling")
SKIPPED = 77  # an exit status
# After that long without what a test waits for, it does not come. No bound on what a page may take: other tests run
# beside it.
PATIENCE_S = 300
DESKTOP = 1280
PHONE = 390


class PageFailed(Exception):
    """The page is not as it should be."""


def require(condition, what):
    """Fails the case with these words."""
    if not condition:
        raise PageFailed(what)


def eventually(get, what):
    """Polls until get() is true and returns its value."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = get()
        if value:
            return value
        require(time.monotonic() < deadline, f"within {PATIENCE_S}s it did not happen that {what}")
        time.sleep(0.05)


def run_test(test):
    """A test program: its arguments, a browser and a directory of its own for
    test(chromium, server, trace_tool, scratch), which returns the exit status."""
    parser = argparse.ArgumentParser()
    for name in ("--server", "--trace-tool", "--pictures"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    if not (os.access(CHROMIUM, os.X_OK) and os.access(DRIVER, os.X_OK)):
        print("browser test skipped: no chromium and chromedriver here")
        sys.exit(SKIPPED)
    try:
        with tempfile.TemporaryDirectory(prefix="quartet-pages-") as scratch, \
                Browser(options.pictures) as chromium:
            sys.exit(test(chromium, os.path.abspath(options.server),
                          os.path.abspath(options.trace_tool), scratch))
    except Exception as failure:  # pylint: disable=broad-except
        if not isinstance(failure, PageFailed):
            traceback.print_exc()
        print(f"FAILED {failure}")
        sys.exit(1)


def write_hello(root):
    """A file to ask for."""
    with open(os.path.join(root, "hello.txt"), "w", encoding="ascii") as file:
        file.write("hello, world\n")


class PatientService(Service):
    """Selenium waits half a minute for its driver to answer, which a busy machine may exceed."""

    def is_connectable(self):
        until = time.monotonic() + PATIENCE_S
        while not super().is_connectable():
            self.assert_process_still_running()
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


class Browser:
    """One browser; use as a context manager. `pictures`: where screenshots go."""

    def __init__(self, pictures):
        self.pictures = pictures
        os.makedirs(pictures, exist_ok=True)
        self.profile = tempfile.mkdtemp(prefix="quartet-browser-")
        options = Options()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={self.profile}"):
            options.add_argument(flag)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=PatientService(DRIVER))
        self.driver.set_page_load_timeout(PATIENCE_S)
        self.driver.set_script_timeout(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def tab(self):
        """A new empty tab, which is the current one from now on."""
        self.driver.switch_to.new_window("tab")
        return self.driver.current_window_handle

    def switch(self, tab):
        """Makes that tab the current one."""
        self.driver.switch_to.window(tab)

    def open(self, url):
        """Loads a page into the current tab."""
        self.driver.get(url)

    def run(self, script, *args):
        """The value of a script's return statement."""
        return self.driver.execute_script(script, *args)

    def look(self, width, dark):
        """The size of the page, and the reader's scheme."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 860, "deviceScaleFactor": 1 if width > 600 else 1.5,
            "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def picture(self, name):
        """The whole page of the current tab as a PNG; returns its path."""
        width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
        path = os.path.join(self.pictures, name + ".png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
        return path

    def complaints(self):
        """What the console has of errors since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE"]

    def asked_for(self):
        """URLs that have been asked for since the last call, in all tabs."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls


# --- what holds for every page --------------------------------------------------------------------

def fits(browser, width):
    """Nothing is wider than the window (a phone's innerWidth would grow with what is)."""
    wide = browser.run("return document.scrollingElement.scrollWidth")
    require(wide <= width, f"the page is {wide} wide in a window of {width}")


OVERLAPS = """
    const texts = [...document.querySelectorAll('svg.wiring text')]
        .filter(node => node.textContent !== '' && node.getClientRects().length > 0)
        .map(node => [node.textContent, node.getBoundingClientRect()]);
    const found = [];
    texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
        const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
        const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (wide > 1 && high > 3) {
            found.push(`${a} over ${b}`);
        }
    }));
    const frame = document.querySelector('svg.wiring').getBoundingClientRect();
    texts.forEach(([a, p]) => {
        if (p.left < frame.left - 1 || p.right > frame.right + 1 || p.bottom > frame.bottom + 1) {
            found.push(`${a} outside of the drawing`);
        }
    });
    return found;
"""


def drawing_is_legible(browser, groups):
    """Each group is drawn, and no words lie over others."""
    boxes = browser.run("return document.querySelectorAll('svg.wiring .group').length")
    require(boxes == groups, f"{boxes} groups are drawn, the wiring has {groups}")
    overlaps = browser.run(OVERLAPS)
    require(not overlaps, "in the drawing: " + "; ".join(overlaps[:8]))


def numbers(browser):
    """Every number on the page: (key, value, text), value None where it is not known."""
    found = browser.run("return [...document.querySelectorAll('[data-key]')]"
                        ".map(node => [node.dataset.key, node.dataset.value, node.textContent])")
    return [(key, None if value in ("", None) else float(value), text)
            for key, value, text in found]
