// A layer's part of the page: the verdicts on its kernel and bias, and tape | manual | difference as heat maps.

import {count, element, number, scientific} from "./dom.js";
import {HeatMap, Legend, matrixLayout, readColours, scaleOf, tileLayout} from "./heatmap.js";

const PANELS = ["tape", "manual", "difference"];
const LARGEST_CELL = 36; // pixels
const MATRIX_HEIGHT = 580; // pixels, where the cells can be made to fit
const STRIP_HEIGHT = 24; // pixels

/** What a verdict says, in words: the sign and the words tell it without colour, too. */
export function verdictText(name, verdict, tolerance) {
  const error = `error ${scientific(verdict.error, 1)}, tolerance ${scientific(tolerance)}`;
  if (!verdict.agrees) return `${name} differs: ${error}`;
  if (!verdict.rounding) return `${name} agrees: ${error}`;
  return `${name} agrees, allowing for rounding: ${error}; without that, ${scientific(verdict.plain_error, 1)}`;
}

/** A verdict with its sign and colour. */
export function verdictNode(tag, agrees, text) {
  const [kind, sign] = agrees ? ["agrees", "✓"] : ["differs", "✗"];
  return element(`${tag}.verdict.${kind}`, {}, element("span.sign", {}, sign), text);
}

export class LayerView {
  /**
   * @param {Object} layer One of the layers in the answer of /step.
   * @param {number[]|null} imageShape Rows and columns where this layer's inputs are a picture.
   * @param {(kind: string, index: number) => void} onCursor Told what is pointed at; kind is "kernel" or "bias".
   * @param {(kind: string, index: number) => void} onOpen Told what is to be explained.
   */
  constructor(layer, imageShape, onCursor, onOpen) {
    this.layer = layer;
    this.imageShape = imageShape;
    this.head = element("div.verdicts");
    this.maps = {};
    this.legends = {};
    for (const kind of ["kernel", "bias"]) {
      const make = (panel) =>
        new HeatMap(
          `${layer.name} ${kind}, ${panel}`,
          (index) => onCursor(kind, index),
          (index) => onOpen(kind, index),
        );
      this.maps[kind] = PANELS.map(make);
      this.legends[kind] = PANELS.map(() => new Legend());
      scrollTogether(this.maps[kind].map((map) => map.node));
    }
    const panels = PANELS.map((panel, i) =>
      element(
        "figure.panel",
        {},
        element("figcaption", {}, panel === "difference" ? "difference: tape − manual" : panel),
        this.maps.kernel[i].node,
        this.legends.kernel[i].node,
        element("div.label", {}, "bias"),
        this.maps.bias[i].node,
        this.legends.bias[i].node,
      ),
    );
    this.panels = element("div.panels", {}, ...panels);
    const order = imageShape ? "a picture of the weights into each unit" : "inputs down, units across";
    const facts = `${layer.activation} · ${count(layer.inputs)} inputs · ${count(layer.units)} units · ${order}`;
    const title = element("h2", {}, layer.name, element("small", {}, facts));
    this.node = element("section.layer", {"aria-label": layer.name}, title, this.head, this.panels);
  }

  /** Whether a layer of another step can be shown in this view. */
  fits(layer) {
    return ["name", "activation", "inputs", "units"].every((key) => this.layer[key] === layer[key]);
  }

  /**
   * Show a step.
   *
   * @param {Object} layer From the answer of /step.
   * @param {number} tolerance
   * @param {Float64Array} numbers The answer of /gradients.
   */
  update(layer, tolerance, numbers) {
    this.layer = layer;
    const size = {kernel: layer.inputs * layer.units, bias: layer.units};
    const starts = {kernel: 0, bias: 2 * size.kernel};
    this.values = {};
    for (const kind of ["kernel", "bias"]) {
      const [tape, manual] = [0, 1].map((i) => {
        const start = starts[kind] + i * size[kind];
        return numbers.subarray(start, start + size[kind]);
      });
      this.values[kind] = [tape, manual, tape.map((value, i) => value - manual[i])];
    }
    const verdicts = ["kernel", "bias"].map((kind) =>
      verdictNode("span", layer[kind].agrees, verdictText(kind, layer[kind], tolerance)),
    );
    const broken = layer.broken.map((text) => element("p.broken", {}, `Broken link of the chain: ${text}.`));
    this.head.replaceChildren(...verdicts, ...broken);
    this.draw();
  }

  /** Fit the heat maps into the width that there is. */
  resize() {
    const {inputs, units} = this.layer;
    const style = getComputedStyle(this.panels);
    const gap = parseFloat(style.columnGap);
    const all = this.panels.clientWidth;
    const third = Math.floor((all - 2 * gap) / 3);
    const cells = this.imageShape ? units * inputs : units * third;
    const isStacked = all < 800 || cells > third * third;
    this.panels.classList.toggle("stacked", isStacked);
    const width = isStacked ? all : third;
    const fit = (room, number, most) => Math.max(1, Math.min(most, Math.floor(room / number)));
    const unitWidth = fit(width, units, LARGEST_CELL);
    if (this.imageShape) {
      const [rows, columns] = this.imageShape;
      const most = Math.max(1, Math.floor((width + 1) / (columns + 1)));
      const across = Math.min(units, most, isStacked ? units : Math.ceil(Math.sqrt(units)));
      const layout = tileLayout(rows, columns, units, across);
      const cell = fit(width, layout.width, LARGEST_CELL);
      this.place("kernel", layout, cell, cell);
    } else {
      this.place("kernel", matrixLayout(inputs, units), unitWidth, fit(MATRIX_HEIGHT, inputs, LARGEST_CELL));
    }
    this.place("bias", matrixLayout(1, units), unitWidth, STRIP_HEIGHT);
    this.draw();
  }

  place(kind, layout, cellWidth, cellHeight) {
    for (const map of this.maps[kind]) map.place(layout, cellWidth, cellHeight);
  }

  draw() {
    if (!this.values || !this.maps.bias[0].layout) return; // not yet
    const colours = readColours();
    for (const kind of ["kernel", "bias"]) {
      const [tape, manual, difference] = this.values[kind];
      const shared = scaleOf(tape, manual);
      const scales = [shared, shared, scaleOf(difference)];
      this.maps[kind].forEach((map, i) => {
        map.draw(this.values[kind][i], scales[i], colours);
        this.legends[kind][i].show(scales[i], this.values[kind][i].some(Number.isNaN));
      });
    }
  }

  /** Frame a cell in all three panels, or with null none. */
  showCursor(kind, index) {
    for (const each of ["kernel", "bias"]) {
      for (const map of this.maps[each]) map.showCursor(each === kind ? index : null);
    }
  }

  /** Unit and input of a number; a bias has no input. */
  weightAt(kind, index) {
    const {units} = this.layer;
    return {unit: index % units, input: kind === "kernel" ? Math.floor(index / units) : null};
  }

  /** Which weight a cell is, with its values. */
  describe(kind, index) {
    const {unit, input} = this.weightAt(kind, index);
    const [tape, manual, difference] = this.values[kind].map((values) => number(values[index]));
    const pixel = this.imageShape
      ? ` (row ${Math.floor(input / this.imageShape[1])}, column ${input % this.imageShape[1]})`
      : "";
    const place = input === null ? "bias" : `input ${input}${pixel}`;
    return `${this.layer.name} · unit ${unit} · ${place}: tape ${tape}, manual ${manual}, difference ${difference}`;
  }
}

/** Keep the same part of some heat maps in sight where they are too large to be shown whole. */
function scrollTogether(nodes) {
  for (const node of nodes) {
    node.addEventListener("scroll", () => {
      for (const other of nodes) other.scrollTo(node.scrollLeft, node.scrollTop);
    });
  }
}
