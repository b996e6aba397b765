"""The server's side of the tab: it answers the page's requests.

| route        | takes                          | gives                                                              |
| `/runs`      |                                | the runs, their kept steps, and which of these are wrong           |
| `/step`      | run, step                      | the verdicts on all gradients of a step                            |
| `/gradients` | run, step, layer               | float64: kernel by tape and manual, bias by tape and manual        |
| `/weight`    | run, step, layer, unit, input? | the chain rule of a weight, or without an input of the unit's bias |
| `/inputs`    | run, step                      | float64 (B, n_0): the batch, for pictures of its samples           |
| `/open`      |                                | goes on to TensorBoard's charts, with those pinned that tell most  |

Layers, units and inputs are counted from 0. Answers are JSON where nothing else is said; numbers that are not finite
are the strings "NaN", "Infinity" and "-Infinity". A request that cannot be answered gets `{"error": "..."}`.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import numpy as np
from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug.wrappers import Request, Response

from backprop_check.chain_rule import broken_links, explain
from backprop_check.format import PLUGIN_NAME, About, FormatError, KeptStep
from backprop_check.reading import NotFoundError, Overview, Source, StepReader, read_overviews
from backprop_check.verdict import judge

STATIC_FILES = ("index.js", "layer.js", "heatmap.js", "chain_rule.js", "dom.js", "style.css")
"""What is served of the folder static, and nothing else."""

PINNED = (
    "1 learning/accuracy",
    "1 learning/loss",
    "2 check/log10 err L1 W",
    "3 gradients/L1 W norm",
)
"""The charts that `/open` pins, by their tags."""

WAY_OUT = "Choose another step or run, or train again."
"""What to do about data that cannot be understood."""

Handler: TypeAlias = Callable[[Request], Response]


class BadRequestError(ValueError):
    """The query is not one that can be answered. The message says what was received and expected."""


class BackpropCheck(base_plugin.TBPlugin):  # type: ignore[misc]
    """The tab "Backprop check"."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        """TensorBoard makes one.

        Args:
            context: what TensorBoard offers; its data provider is read.
        """
        self._provider = context.data_provider
        self._steps = StepReader()

    def is_active(self) -> bool:
        """Whether the tab is shown although there is no data for it. TensorBoard finds by itself where there is."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """How TensorBoard is to show the tab."""
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Backprop check")

    def get_plugin_apps(self) -> dict[str, Any]:
        """The routes, as WSGI applications."""
        handlers: dict[str, Handler] = {
            "/runs": self._runs,
            "/step": self._step,
            "/gradients": self._gradients,
            "/weight": self._weight,
            "/inputs": self._inputs,
            "/open": open_charts,
        }
        handlers |= {f"/{name}": static_file(name) for name in STATIC_FILES}
        return {route: Request.application(answering_errors(handler)) for route, handler in handlers.items()}

    def _runs(self, request: Request) -> Response:
        overviews = read_overviews(self._source(request))
        return _json(request, {"runs": [_run_answer(run, overview) for run, overview in overviews.items()]})

    def _step(self, request: Request) -> Response:
        number, about, step = self._read(request)
        answer = {
            "step": number,
            "epoch": number // about.num_steps_per_epoch + 1,
            "step_in_epoch": number % about.num_steps_per_epoch + 1,
            "num_steps_per_epoch": about.num_steps_per_epoch,
            "tolerance": about.tolerance,
            "cost": about.cost,
            "batch_size": len(step.targets),
            "image_shape": about.image_shape,
            "layers": [_layer_answer(about, step, l) for l in range(len(about.layers))],
        }
        return _json(request, answer)

    def _gradients(self, request: Request) -> Response:
        _, about, step = self._read(request)
        layer = _index(request, "layer", len(about.layers))
        return _numbers(request, *step.kernels[layer], *step.biases[layer])

    def _weight(self, request: Request) -> Response:
        _, about, step = self._read(request)
        layer = _index(request, "layer", len(about.layers))
        _, num_inputs, num_units = step.kernels[layer].shape
        unit = _index(request, "unit", num_units)
        input = _index(request, "input", num_inputs) if "input" in request.args else None
        answer = {
            "layer": about.layers[layer],
            "unit": unit,
            "input": input,
            "activation": about.activations[layer],
        } | dataclasses.asdict(explain(about, step, layer, unit, input))
        return _json(request, answer)

    def _inputs(self, request: Request) -> Response:
        _, _, step = self._read(request)
        return _numbers(request, step.factors["dz_dW"][0])

    def _source(self, request: Request) -> Source:
        environ = request.environ
        return Source(self._provider, plugin_util.context(environ), plugin_util.experiment_id(environ))

    def _read(self, request: Request) -> tuple[int, About, KeptStep]:
        number = _integer(request, "step")
        about, step = self._steps.read(self._source(request), _argument(request, "run"), number)
        return number, about, step


# --- routes that read no run --------------------------------------------------------------------------------------


def open_charts(request: Request) -> Response:
    """A short link for a long address: TensorBoard's Time Series, with charts pinned and no smoothing."""
    cards = json.dumps([{"plugin": "scalars", "tag": tag} for tag in PINNED], separators=(",", ":"))
    location = f"{request.script_root}/?pinnedCards={quote(cards, safe='')}&smoothing=0#timeseries"
    return Response(status=302, headers={"Location": location, "X-Content-Type-Options": "nosniff"})


def static_file(name: str) -> Handler:
    """The handler that serves a file of the folder static."""
    path = Path(__file__).parent / "static" / name
    content_type = {".js": "text/javascript", ".css": "text/css"}[path.suffix]
    return lambda request: http_util.Respond(request, path.read_bytes(), content_type)


def answering_errors(handler: Handler) -> Handler:
    """The same handler, which answers a request that it cannot serve with what is wrong."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except NotFoundError as error:
            return _json(request, {"error": str(error)}, code=404)
        except BadRequestError as error:
            return _json(request, {"error": str(error)}, code=400)
        except FormatError as error:
            return _json(request, {"error": f"{error}\n{WAY_OUT}"}, code=400)

    return answer


# --- what the query says ------------------------------------------------------------------------------------------


def _argument(request: Request, name: str) -> str:
    if name not in request.args:
        raise BadRequestError(f"the query has no {name!r}; it has: {', '.join(request.args) or 'nothing'}")
    return request.args[name]


def _integer(request: Request, name: str) -> int:
    text = _argument(request, name)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequestError(f"{name} is {text!r}; expected a whole number from 0")
    return int(text)


def _index(request: Request, name: str, length: int) -> int:
    index = _integer(request, name)
    if index >= length:
        raise NotFoundError(f"{name} is {index}; expected 0 to {length - 1}")
    return index


# --- answers ------------------------------------------------------------------------------------------------------


def _run_answer(run: str, overview: Overview | FormatError) -> dict[str, Any]:
    answer: dict[str, Any] = {"run": run, "name": run.removesuffix("/train"), "steps": [], "wrong": [], "error": None}
    if isinstance(overview, FormatError):
        return answer | {"error": f"{overview}\n{WAY_OUT}"}
    steps = sorted(overview.errors)
    return answer | {"steps": steps, "wrong": [step for step in steps if overview.is_wrong(step)]}


def _layer_answer(about: About, step: KeptStep, layer: int) -> dict[str, Any]:
    kernel, bias = judge(about, step, layer)
    return {
        "name": about.layers[layer],
        "activation": about.activations[layer],
        "inputs": step.kernels[layer].shape[1],
        "units": step.kernels[layer].shape[2],
        "kernel": dataclasses.asdict(kernel),
        "bias": dataclasses.asdict(bias),
        "broken": broken_links(about, step, layer),
    }


def _json(request: Request, answer: dict[str, Any], code: int = 200) -> Response:
    """TensorBoard's `Respond` writes what is not finite as strings, and sends `nosniff`."""
    return http_util.Respond(request, _plain(answer), "application/json", code=code)


def _plain(value: Any) -> Any:
    """Arrays as lists, at any depth."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _numbers(request: Request, *arrays: Any) -> Response:
    content = b"".join(np.ascontiguousarray(array, "<f8").tobytes() for array in arrays)
    return http_util.Respond(request, content, "application/octet-stream")
