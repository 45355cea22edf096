"""docs/page.png, the picture in the README: the page of `bruit serve` as it begins.

    python tools/page_picture.py [docs/page.png]

It needs Chromium, and the extras serve and test.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1120, 1330


def main() -> None:
    picture = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/page.png")
    command = [sys.executable, "-m", "bruit", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        said = ""
        while "}" not in said:
            said += server.stdout.readline()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB")
            page.goto(json.loads(said)["url"])
            page.wait_for_selector("#chart .line", state="attached")
            page.wait_for_timeout(500)
            page.screenshot(path=picture)
            browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
