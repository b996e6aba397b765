"""Real TensorBoard on real logs: its own JSON, and its pages in a real browser.

The browser tests need Playwright (`pip install -r tests/requirements.txt`) and Chromium or Chrome; without them they
are skipped.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from backprop_check.format import PLUGIN_NAME, about_summary, step_summary
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util.tensor_util import make_tensor_proto

from callbacks import kept_steps
from callbacks.cadence import Cadence
from callbacks.event_file import EventFile
from callbacks.run_description import CHARTS, write_layout_once
from tests.logged_runs import FAULTY_LAYER, logged_run, write_made_images

TABS = {
    "timeseries": "1 learning",
    "scalars": "1 learning",
    "custom_scalars": "Learning",
    "images": "confusion matrix",
    "graphs": "Main Graph",
    "distributions": "activations",
    "histograms": "activations",
    "text": "configuration",
    "hparams": "Hyperparameters",
    "projector": None,
    "backprop_check": None,
}
"""What each active tab of a default run shows; None where it has a frame of its own."""

WITHOUT_TENSORFLOW = (
    "import sys; sys.modules['tensorflow'] = None; from tensorboard.main import run_main; sys.exit(run_main())"
)
"""TensorBoard where TensorFlow cannot be imported, as in an environment that lacks it."""

SERVERS = {
    "without TensorFlow": ["-c", WITHOUT_TENSORFLOW],
    "without the fast data server": ["-c", WITHOUT_TENSORFLOW, "--load_fast=false"],
    "as the README starts it": ["-m", "tensorboard.main"],
}


class Server:
    """TensorBoard in a process of its own."""

    def __init__(self, logs, python_arguments=SERVERS["without TensorFlow"]):
        command = [sys.executable, "-W", "ignore", *python_arguments, "--logdir", str(logs), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--reload_interval", "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = []
        for line in self.process.stdout:  # up to the line that tells the address
            self.output.append(line)
            if found := re.search(r"http://[^/]+/", line):
                self.url = found.group().replace("0.0.0.0", "localhost")
                return
        raise AssertionError(f"TensorBoard did not start:\n{''.join(self.output)}")

    def get(self, path, **query):
        """The content of an answer, as text."""
        with urllib.request.urlopen(f"{self.url}data/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
            return answer.read().decode()

    def json(self, path, **query):
        """The content of an answer."""
        return json.loads(self.get(path, **query))

    def active_tabs(self):
        return {name for name, plugin in self.json("plugins_listing").items() if plugin["enabled"]}

    def wait_for(self, condition, what):
        """Wait until TensorBoard has read that far."""
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(urllib.error.HTTPError, KeyError, IndexError):
                if condition():
                    return
            assert time.monotonic() < deadline, f"after a minute, still not: {what}"
            time.sleep(0.3)

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=30)


@contextlib.contextmanager
def serving(logs, *arguments):
    server = Server(logs, *arguments)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def data_file(tmp_path_factory):
    return write_made_images(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def runs(logs, data_file):
    """A right run of 33 steps and a faulty one of 22, by name."""
    named = {
        "right": logged_run(logs, data_file, epochs=3),
        "faulty": logged_run(logs, data_file, epochs=2, faulty=True),
    }
    for name, run in named.items():
        run.folder.rename(logs / name)
    return named


def wait_until_read(server):
    server.wait_for(lambda: server.active_tabs() == set(TABS), "eleven active tabs")
    server.wait_for(
        lambda: (
            {run["name"]: len(run["steps"]) for run in server.json("plugin/backprop_check/runs")["runs"]}
            in ({"right": 13, "faulty": 12}, {"right": 10, "faulty": 10})
        ),
        "all kept steps",
    )


@pytest.fixture(scope="module", params=SERVERS)
def server(request, logs, runs):
    with serving(logs, SERVERS[request.param]) as server:
        wait_until_read(server)
        yield server


# --- TensorBoard's JSON -----------------------------------------------------------------------------------------


def test_these_tabs_are_active_and_no_others(server):
    assert server.active_tabs() == set(TABS)
    assert len(TABS) <= 11


def test_curves_have_the_runs_own_numbers(server, runs):
    history = runs["right"].result.history
    points = server.json("plugin/scalars/scalars", run="right/validation", tag="1 learning/accuracy")
    assert [step for _, step, _ in points] == [11, 22, 33]
    assert [value for _, _, value in points] == pytest.approx(history["val_accuracy"])
    for name, factor in (("right", 1), ("faulty", 1.15)):
        tag = f"3 gradients/L{FAULTY_LAYER + 1} W norm"
        tape, manual = (
            server.json("plugin/scalars/scalars", run=f"{name}/{run}", tag=tag) for run in ("train", "numpy")
        )
        assert [value for *_, value in manual] == pytest.approx([factor * value for *_, value in tape], rel=1e-4)


def test_the_layout_of_charts_fits_the_tags(server):
    layout = server.json("plugin/custom_scalars/layout")
    assert {category["title"]: len(category["chart"]) for category in layout["category"]} == {
        title: len(charts) for title, charts in CHARTS.items()
    }
    for category in layout["category"]:
        for chart in category["chart"]:
            for pattern in chart["multiline"]["tag"]:
                found = server.json("plugin/custom_scalars/scalars", run="right/train", tag=pattern)
                assert found["regex_valid"]
                assert found["tag_to_events"], pattern


def test_pictures_texts_graph_and_histograms_are_served(server):
    pictures = server.json("plugin/images/tags")
    assert set(pictures["right/validation"]) == {"confusion matrix", "worst misclassified"}
    assert set(pictures["right/train"]) == {
        "hidden_1 kernel",
        "hidden_1 kernel, gradient",
        "network with its gradients",
    }
    texts = server.json("plugin/text/text", run="faulty/train", tag="gradient report")
    assert "<strong>FAIL</strong>" in texts[-1]["text"]
    assert "<table>" in texts[-1]["text"]
    graph = server.get("plugin/graphs/graph", run="right/train", conceptual="false")
    assert '"3_backward/1_forward/mlp/hidden_1/MatMul/MatMul"' in graph
    histograms = server.json("plugin/histograms/histograms", run="right/train", tag="weights/L1 W")
    assert sum(count for _, _, count in histograms[0][2]) == 784 * 16


def test_hyperparameters_with_how_the_runs_ended(server):
    request = urllib.request.Request(
        f"{server.url}data/plugin/hparams/session_groups",
        data=json.dumps({"startIndex": 0, "sliceSize": 10, "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE"],
                         "colParams": []}).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        groups = json.load(answer)["sessionGroups"]
    assert {group["sessions"][0]["name"]: group["sessions"][0]["status"] for group in groups} == {
        "right": "STATUS_SUCCESS",
        "faulty": "STATUS_FAILURE",
    }
    assert all(group["hparams"]["learning_rate"] == 1 for group in groups)


def test_the_projector_has_points_and_pictures(server, runs):
    run = "right/projector"
    info = server.json("plugin/projector/info", run=run)
    assert {embedding["tensorName"]: embedding["tensorShape"] for embedding in info["embeddings"]} == {
        "hidden_1": [60, 16],
        "hidden_2": [60, 16],
    }
    assert server.get("plugin/projector/metadata", run=run, name="hidden_1").startswith("class\tpredicted\n")


def test_the_tab_tells_right_from_faulty_layer_by_layer(server):
    found = {run["name"]: run for run in server.json("plugin/backprop_check/runs")["runs"]}
    assert found["right"]["wrong"] == []
    assert found["faulty"]["wrong"] == found["faulty"]["steps"] != []
    for name in ("right", "faulty"):
        for step in found[name]["steps"]:
            layers = server.json("plugin/backprop_check/step", run=found[name]["run"], step=step)["layers"]
            for l, layer in enumerate(layers):
                assert layer["kernel"]["agrees"] == (name == "right" or l != FAULTY_LAYER)
                assert layer["bias"]["agrees"]


# --- a run that is being written --------------------------------------------------------------------------------


def copy_growing(source, target, shares):
    """Copy a finished run's events file a share at a time: as a reader finds it while the run is being written."""
    content = source.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    for share in shares:
        target.write_bytes(content[: int(share * len(content))])
        yield


def test_a_run_that_is_being_written_appears_and_grows_without_a_restart(tmp_path, runs, logs):
    """The cuts lie in the middle of an event, as they do for a reader who comes while it is being written."""
    write_layout_once(tmp_path)
    [train_events] = (logs / "right" / "train").glob("events.*")
    [run_events] = (logs / "right").glob("events.*")
    with serving(tmp_path) as server:
        growing = copy_growing(train_events, tmp_path / "new" / "train" / train_events.name, (0.3, 0.7, 1))

        def kept():
            [run] = server.json("plugin/backprop_check/runs")["runs"]
            return len(run["steps"])

        def points():
            return len(server.json("plugin/scalars/scalars", run="new/train", tag="1 learning/batch loss"))

        next(growing)
        server.wait_for(lambda: 0 < points() < 13 and 0 < kept() < 13, "the first part")
        first = points(), kept()
        next(growing)
        server.wait_for(lambda: points() > first[0] and kept() > first[1], "the second part")
        next(growing)
        shutil.copy(run_events, tmp_path / "new")
        server.wait_for(lambda: points() == kept() == 13, "the whole run")
        server.wait_for(lambda: "hparams" in server.active_tabs(), "its hyperparameters")
        assert "projector" not in server.active_tabs()
        shutil.copytree(logs / "right" / "projector", tmp_path / "new" / "projector")
        server.wait_for(lambda: "projector" in server.active_tabs(), "the projector's points")


# --- in a browser -----------------------------------------------------------------------------------------------

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install -r tests/requirements.txt"
    )
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser is installed; looked for: {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages_server(logs, runs):
    with serving(logs) as server:
        wait_until_read(server)
        yield server


class Opened:
    """A page, and what went wrong in it."""

    def __init__(self, page, url):
        self.page = page
        self.problems = []
        self.requested = []
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("response", lambda answer: self.problems.append(answer.url) if answer.status >= 400 else None)
        page.on("request", lambda request: self.requested.append(request.url))
        page.goto(url)

    def tab(self):
        """The frame of the tab "Backprop check"."""
        self.page.frame_locator("iframe").locator("header.top:visible, div.message:visible").first.wait_for()
        return next(frame for frame in self.page.frames if "plugin_entry" in frame.url)


@pytest.fixture
def open_page(browser):
    """Opens an address in a window of that size."""
    contexts = []

    def open_it(url, width=1500, height=950):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        return Opened(contexts[-1].new_page(), url)

    yield open_it
    for context in contexts:
        context.close()


def choose(frame, run):
    """Choose a run in the tab, and wait for its verdict."""
    frame.locator("#run").select_option(f"{run}/train")
    frame.locator(".banner .verdict").wait_for()
    frame.locator("section.layer").nth(2).wait_for()
    frame.page.wait_for_timeout(300)


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_opens_without_an_error(pages_server, open_page, tab):
    opened = open_page(f"{pages_server.url}#{tab}")
    if tab == "backprop_check":
        opened.tab()
    elif tab == "projector":  # it paints, and has no text of its own
        while not any("/projector/tensor?" in url for url in opened.requested):
            opened.page.wait_for_timeout(200)
    else:
        opened.page.get_by_text(TABS[tab]).first.wait_for()
    opened.page.wait_for_timeout(1500)
    assert opened.problems == []
    assert opened.page.get_by_text(re.compile("malformed|failed to|error:", re.IGNORECASE)).count() == 0
    assert {urllib.parse.urlsplit(url).hostname for url in opened.requested if url.startswith("http")} <= {"localhost"}


@pytest.mark.parametrize("width", [1280, 1500, 1920])
def test_the_tab_fits_the_window(pages_server, open_page, width):
    frame = open_page(f"{pages_server.url}#backprop_check", width=width).tab()
    choose(frame, "faulty")
    assert frame.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert frame.locator(".panel").count() == 9
    for box in (panel.bounding_box() for panel in frame.locator(".panel").all()):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_the_verdicts_of_both_runs_read_right(pages_server, open_page):
    opened = open_page(f"{pages_server.url}#backprop_check")
    frame = opened.tab()
    choose(frame, "right")
    assert "All 6 gradients of step 30 agree" in frame.locator(".banner").inner_text()
    assert frame.locator("section.layer .verdict.agrees").count() == 6
    choose(frame, "faulty")
    assert re.search(
        r"hidden_2 kernel differs: error 1\.3e-0?1, tolerance 1e-0?5", frame.locator(".banner").inner_text()
    )
    verdicts = frame.locator("section.layer .verdict").all_inner_texts()
    assert [("differs" in text) for text in verdicts] == [False, False, True, False, False, False]
    colour = "node => getComputedStyle(node).color"
    wrong = frame.locator("section.layer .verdict.differs").evaluate(colour)
    agrees = frame.locator("section.layer .verdict.agrees").first.evaluate(colour)
    [wrong, agrees] = [list(map(int, re.findall(r"\d+", text)[:3])) for text in (wrong, agrees)]
    assert wrong[0] > wrong[1], "red"
    assert agrees[1] > agrees[0], "green"
    assert opened.problems == []


def test_the_slider_moves_by_mouse_and_keyboard(pages_server, open_page):
    frame = open_page(f"{pages_server.url}#backprop_check").tab()
    choose(frame, "right")
    position, slider = frame.locator(".position"), frame.locator("#step")
    assert position.inner_text().startswith("30 (13 of 13 kept")
    slider.focus()
    frame.page.keyboard.press("ArrowLeft")
    frame.get_by_text("All 6 gradients of step 20 agree").wait_for()
    frame.page.keyboard.press("Home")
    frame.get_by_text("All 6 gradients of step 0 agree").wait_for()
    frame.get_by_label("next step").click()
    frame.get_by_text("All 6 gradients of step 1 agree").wait_for()
    assert position.inner_text().startswith("1 (2 of 13 kept")


def test_which_weight_by_mouse(pages_server, open_page, runs):
    """A cell tells its weight's values; a click explains them: the product of the factors is the manual value."""
    opened = open_page(f"{pages_server.url}#backprop_check")
    frame = opened.tab()
    choose(frame, "faulty")
    section = frame.locator("section.layer").nth(FAULTY_LAYER)
    section.scroll_into_view_if_needed()
    canvas = section.locator("canvas").first
    box = canvas.bounding_box()
    unit, input = 5, 2  # column and row of 16 x 16
    canvas.hover(position={"x": (unit + 0.5) * box["width"] / 16, "y": (input + 0.5) * box["height"] / 16})
    told = frame.locator("footer").inner_text()
    assert re.search(r"hidden_2.*unit 5.*input 2.*tape.*manual.*difference", told)
    step = frame.locator(".position").inner_text().split()[0]
    kept = next(r for r in runs["faulty"].records.records if r.first_step <= int(step) < r.first_step + len(r))
    value = kept.gradients[2 * FAULTY_LAYER][int(step) - kept.first_step][input, unit]
    numbers = [float(text.replace("−", "-")) for text in re.findall(r"[−-]?\d\.\d+e[−-]?\d+|[−-]?0\.\d+", told)]
    assert numbers[:2] == pytest.approx([value, 1.15 * value], rel=1e-3)
    canvas.click(position={"x": (unit + 0.5) * box["width"] / 16, "y": (input + 0.5) * box["height"] / 16})
    dialog = frame.locator("dialog[open]")
    dialog.wait_for()
    frame.page.wait_for_timeout(500)
    text = dialog.inner_text()
    for expected in ("hidden_2", "tape", "manual", "the manual kernel gradient is not the mean"):
        assert expected in text
    assert opened.problems == []


def test_which_weight_by_keyboard(pages_server, open_page):
    frame = open_page(f"{pages_server.url}#backprop_check").tab()
    choose(frame, "right")
    canvas = frame.locator("section.layer").nth(2).locator("canvas").first
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        frame.page.keyboard.press(key)
    told = frame.locator("footer").inner_text()
    assert re.search(r"output.*unit 2.*input 1", told)
    frame.page.keyboard.press("Enter")
    frame.locator("dialog[open]").wait_for()
    frame.page.keyboard.press("Escape")
    frame.locator("dialog[open]").wait_for(state="detached")
    assert canvas.evaluate("node => node === document.activeElement")


def test_dark_mode_is_dark_and_light_mode_light(pages_server, open_page):
    brightness = "sum(getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number))"
    program = f"() => {{ const sum = numbers => numbers.reduce((a, b) => a + b); return {brightness}; }}"
    for query, is_dark in (("?darkMode=true", True), ("?darkMode=false", False)):
        frame = open_page(f"{pages_server.url}{query}#backprop_check").tab()
        choose(frame, "right")
        assert (frame.evaluate(program) < 200) == is_dark
        colour = frame.evaluate("getComputedStyle(document.querySelector('h2')).color")
        assert (sum(map(int, re.findall(r"\d+", colour)[:3])) > 400) == is_dark


def test_the_link_opens_pinned_charts_without_smoothing(pages_server, open_page):
    opened = open_page(f"{pages_server.url}data/plugin/backprop_check/open")
    pinned = opened.page.locator("metrics-pinned-view card-view")
    pinned.nth(3).wait_for()
    opened.page.wait_for_timeout(1000)
    assert pinned.count() == 4
    for tag in ("1 learning/accuracy", "1 learning/loss", "2 check/log10 err L1 W", "3 gradients/L1 W norm"):
        assert pinned.get_by_text(tag, exact=True).count() >= 1
    assert opened.page.locator("input[type=number]").first.input_value() == "0"
    assert opened.problems == []


def test_an_empty_log_folder_says_how_to_begin(tmp_path, open_page):
    with serving(tmp_path) as server:
        frame = open_page(f"{server.url}#backprop_check").tab()
        assert "python train.py" in frame.locator(".message").inner_text()


@pytest.mark.parametrize("damage", ["foreign", "cut off"])
def test_a_run_that_cannot_be_read_is_told_and_the_others_still_shown(tmp_path, logs, runs, open_page, damage):
    shutil.copytree(logs / "right" / "train", tmp_path / "right" / "train")
    broken = tmp_path / "broken" / "train"
    if damage == "foreign":
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME))
        metadata.data_class = DATA_CLASS_TENSOR
        events = EventFile(broken)
        events.write(0, [Summary.Value(tag="errors", tensor=make_tensor_proto(np.zeros((3, 3))), metadata=metadata)])
        events.close()
    else:  # after the description of the run and before its first step
        broken.mkdir(parents=True)
        [events] = (logs / "right" / "train").glob("events.*")
        content = events.read_bytes()
        (broken / events.name).write_bytes(content[: content.index(b"num_steps_per_epoch") + 300])
    with serving(tmp_path) as server:
        server.wait_for(lambda: len(server.json("plugin/backprop_check/runs")["runs"]) == 2, "both runs")
        frame = open_page(f"{server.url}#backprop_check").tab()
        frame.locator("#run").select_option("broken/train")
        frame.locator(".message").get_by_text("broken").wait_for()
        choose(frame, "right")
        assert "All 6 gradients" in frame.locator(".banner").inner_text()


def test_a_run_of_a_million_steps_is_shown(tmp_path, runs, open_page):
    """As many kept steps as such a run has, at its step numbers."""
    right = runs["right"]
    record, check = right.records.records[0], right.result.check
    about = kept_steps.describe(check, record, (28, 28))
    cadence = Cadence.of_run(10**6, 100, 10, 1, 217_000)
    events = EventFile(tmp_path / "long" / "train")
    events.write(0, about_summary(about).value)
    for step in sorted(cadence.kept):
        events.write(step, step_summary(about, kept_steps.keep(check, record, 0)).value)
    events.close()
    with serving(tmp_path) as server:
        server.wait_for(lambda: server.json("plugin/backprop_check/runs")["runs"], "the run")
        frame = open_page(f"{server.url}#backprop_check").tab()
        choose(frame, "long")
        assert frame.locator(".position").inner_text().startswith(f"{max(cadence.kept):,} (")
        frame.locator("#step").focus()
        frame.page.keyboard.press("Home")
        frame.get_by_text("All 6 gradients of step 0 agree").wait_for()
