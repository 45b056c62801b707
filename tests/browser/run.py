#!/usr/bin/python3
"""Opens the pages that we make in a real browser.

    run.py --server build/dev/quartet --trace-tool build/dev/quartet-trace --pictures build/dev/browser

Exit status 77 (skipped) where there is no Chromium or Selenium; tools/install-deps knows them.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

try:
    import browser
    import compare_page
    import report_page
    import status_page
except ImportError as error:
    print(f"browser tests skipped: {error}")
    sys.exit(77)


def test(chromium, server, tool, scratch):
    """All our pages."""
    began = time.monotonic()
    root = os.path.join(scratch, "www")
    os.mkdir(root)
    browser.write_hello(root)
    compare_page.run(chromium, scratch)
    report_page.run(chromium, server, tool, root, scratch)
    status_page.run(chromium, server, root)
    print(f"all pages are as they should be, {time.monotonic() - began:.1f}s")
    return 0


if __name__ == "__main__":
    browser.run_test(test)
