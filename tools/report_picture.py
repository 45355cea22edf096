"""docs/report.png, the picture in the README: the first screen of a finished study's report.

    python tools/report_picture.py RUN [docs/report.png]

Needs Chromium and what the tests need (make test).
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1100, 1240


def main() -> None:
    report = Path(sys.argv[1], "report.html").resolve()
    picture = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/report.png")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.as_uri())
        page.screenshot(path=picture)
        browser.close()
    print(picture)


if __name__ == "__main__":
    main()
