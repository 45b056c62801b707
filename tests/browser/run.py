#!/usr/bin/python3
"""Opens the pages that we make in a real browser.

    run.py --server build/dev/quartet --trace-tool build/dev/quartet-trace --pictures build/dev/browser

Exit status 77 (skipped) where there is no Chromium or Selenium; tools/install-deps knows them.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

SKIPPED = 77

try:
    import browser
    import report_page
    import status_page
except ImportError as error:
    print(f"browser tests skipped: {error}")
    sys.exit(SKIPPED)


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--trace-tool", required=True)
    parser.add_argument("--pictures", required=True)
    options = parser.parse_args()
    if not browser.is_there():
        print("browser tests skipped: no chromium and chromedriver here")
        return SKIPPED
    began = time.monotonic()
    server, tool = os.path.abspath(options.server), os.path.abspath(options.trace_tool)
    with tempfile.TemporaryDirectory(prefix="quartet-pages-") as scratch:
        root = os.path.join(scratch, "www")
        os.mkdir(root)
        with open(os.path.join(root, "hello.txt"), "w", encoding="ascii") as file:
            file.write("hello, world\n")
        with browser.Browser(options.pictures) as chromium:
            report_page.run(chromium, server, tool, root, scratch)
            status_page.run(chromium, server, root)
    print(f"all pages are as they should be, {time.monotonic() - began:.1f}s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as failure:  # pylint: disable=broad-except
        if not isinstance(failure, browser.PageFailed):
            traceback.print_exc()
        print(f"FAILED {failure}")
        sys.exit(1)
