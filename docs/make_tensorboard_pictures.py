"""Make the README's pictures of TensorBoard again, in a real browser: `python docs/make_tensorboard_pictures.py`.

Two real runs on MNIST: one as `train.py` does it, one with a manual module whose gradient of one kernel is 15 % too
large. It needs Chromium or Chrome.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import models.tensorflow_backend  # noqa: E402, F401

from playwright.sync_api import Frame, Page, sync_playwright  # noqa: E402

from tests.logged_runs import logged_run  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HIDDEN_2 = 1
WIDTH, HEIGHT = 1280, 860


def main() -> None:
    """Train twice, open TensorBoard, write `tensorboard-*.png` beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        logged_run(logs, None).folder.rename(logs / "right")
        logged_run(logs, None, faulty=True, epochs=2).folder.rename(logs / "faulty")
        server = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            address = next(filter(None, (re.search(r"http://\S+/", line) for line in server.stdout))).group()
            time.sleep(10)  # until all is read
            with sync_playwright() as playwright:
                executable = next(filter(None, map(shutil.which, BROWSERS)))
                browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
                take_pictures(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), address)
                browser.close()
        finally:
            server.terminate()


def take_pictures(page: Page, address: str) -> None:
    """All of them, one after the other."""
    page.goto(f"{address}data/plugin/backprop_check/open")
    page.wait_for_timeout(8000)
    save(page, "charts")

    frame = open_tab(page, f"{address}?darkMode=false#backprop_check")
    choose(frame, "faulty")
    frame.locator("section.layer").nth(HIDDEN_2).evaluate("node => scrollTo(0, node.offsetTop - 110)")
    page.wait_for_timeout(500)
    save(page, "faulty")
    canvas = frame.locator("section.layer").nth(HIDDEN_2).locator("canvas").first
    canvas.click(position={"x": 100, "y": 60})
    page.wait_for_timeout(1500)
    save(page, "chain-rule")

    frame = open_tab(page, f"{address}?darkMode=true#backprop_check")
    choose(frame, "right")
    save(page, "right")


def open_tab(page: Page, address: str) -> Frame:
    """The frame of the tab."""
    page.goto("about:blank")
    page.goto(address)
    page.frame_locator("iframe").locator("header.top:visible").wait_for()
    return next(frame for frame in page.frames if "plugin_entry" in frame.url)


def choose(frame: Frame, run: str) -> None:
    """Choose a run, and wait until it is shown."""
    frame.locator("#run").select_option(f"{run}/train")
    frame.locator(".banner .verdict").wait_for()
    frame.page.wait_for_timeout(1500)


def save(page: Page, name: str) -> None:
    """A picture of the window."""
    page.screenshot(path=FOLDER / f"tensorboard-{name}.png")


if __name__ == "__main__":
    main()
