// The dialog that explains one weight: the lecture's chain rule, with the numbers of each sample of the batch.

import {ask, askNumbers, count, element, number} from "./dom.js";
import {verdictNode} from "./layer.js";

/** A letter with its indices: the unit below, the layer above. */
function symbol(letter, below, layer) {
  const [above, index] = [element("sup", {}, `(${layer})`), element("sub", {}, element("i", {}, below))];
  return element("span.symbol", {}, element("i", {}, letter), element("span.scripts", {}, above, index));
}

function fraction(top, bottom) {
  return element("span.fraction", {}, element("span", {}, "d", top), element("span", {}, "d", bottom));
}

/** The chain rule's fractions, in the lecture's letters, for a layer counted from 1. */
function fractions(layer, isBias) {
  const [C, a, z] = [() => element("i", {}, "C"), () => symbol("a", "j", layer), () => symbol("z", "j", layer)];
  const w = () => (isBias ? symbol("b", "j", layer) : symbol("w", "jk", layer));
  return {
    gradient: () => fraction(C(), w()),
    dC_da: () => fraction(C(), a()),
    da_dz: () => fraction(a(), z()),
    delta: () => symbol("δ", "j", layer),
    dz_dw: () => fraction(z(), w()),
  };
}



export class ChainRuleDialog {
  constructor() {
    this.body = element("div.body");
    this.title = element("h2", {id: "chain-rule-title"});
    const close = element("button", {type: "button", onclick: () => this.node.close()}, "Close ✕");
    const header = element("header", {}, this.title, close);
    this.node = element("dialog", {"aria-labelledby": "chain-rule-title"}, header, this.body);
    this.node.addEventListener("click", (event) => event.target === this.node && this.node.close()); // beside it
  }

  /**
   * Ask for a weight's chain rule and show it.
   *
   * @param {Object} weight {run, step, layer, unit, input}, the input null for a bias.
   * @param {string} layerName
   * @param {number[]|null} imageShape Rows and columns where the network's inputs are pictures.
   */
  async open(weight, layerName, imageShape) {
    this.weight = weight;
    const what = weight.input === null ? "bias of" : `weight from input ${weight.input} to`;
    this.title.textContent = `${layerName}: ${what} unit ${weight.unit}, step ${count(weight.step)}`;
    this.body.replaceChildren(element("p", {}, "Loading …"));
    this.node.showModal();
    try {
      const {run, step} = weight;
      const [answer, inputs] = await Promise.all([
        ask("weight", weight).then((response) => response.json()),
        imageShape ? askNumbers("inputs", {run, step}) : null,
      ]);
      if (this.weight === weight) this.show(answer, inputs && {inputs, imageShape});
    } catch (error) {
      if (this.weight === weight) this.body.replaceChildren(element("p.error", {role: "alert"}, error.message));
    }
  }

  show(answer, pictures) {
    const view = new WeightView(this.weight.layer + 1, answer, pictures);
    this.body.replaceChildren(view.node);
    this.body.scrollTop = 0;
  }
}

/** What the dialog holds for one weight. */
class WeightView {
  constructor(layer, answer, pictures) {
    this.layer = layer;
    this.answer = answer;
    this.isBias = answer.input === null;
    this.letters = fractions(layer, this.isBias);
    this.formula = element("div.formula");
    this.origin = element("div.origin");
    const names = this.isBias ? `j = ${answer.unit}` : `j = ${answer.unit}, k = ${answer.input}`;
    const left = element("div", {}, element("h3", {}, "The samples of the batch"), this.samplesTable(pictures));
    const right = element("div", {}, element("h3", {}, "The links of the chain"), this.links(), this.origin);
    this.node = element(
      "div",
      {},
      verdictNode("p", answer.agrees && answer.broken.length === 0, answer.conclusion),
      ...[...answer.broken, ...answer.broken_later].map((text) => element("p.broken", {}, `${text}.`)),
      this.formula,
      element("p.note", {}, `${names}; a number in brackets is the layer. The factors are the manual module's.`),
      this.results(),
      element("div.columns", {}, left, right),
    );
    this.choose(0);
  }

  /** Show one sample's numbers in the formula, and where its dC/da came from. */
  choose(sample) {
    const {answer, letters} = this;
    const part = (node, value, text, holds = true) =>
      element(
        `div.part${holds ? "" : ".broken-link"}`,
        {},
        element("div.symbols", {}, node),
        element("div.value", {}, holds ? "" : "✗ ", value),
        element("div.note", {}, text),
      );
    const operator = (sign) => element("div.operator", {}, sign);
    const slope = `the slope of ${answer.activation}`;
    const before = this.isBias ? "1: a bias is added as it is" : this.inputName();
    this.formula.replaceChildren(
      part(letters.gradient(), number(answer.product[sample]), `of sample ${sample}`),
      operator("="),
      part(letters.dC_da(), number(answer.dC_da[sample]), this.originName(), this.holds("dC_da", sample)),
      operator("·"),
      part(letters.da_dz(), number(answer.da_dz[sample]), slope, this.holds("da_dz", sample)),
      operator("·"),
      part(letters.dz_dw(), number(answer.dz_dw[sample]), before, this.holds("dz_db", sample)),
    );
    this.origin.replaceChildren(...(answer.origin.terms ? this.paths(sample) : this.costSlope(sample)));
  }

  holds(link, sample) {
    return this.answer.holds[link]?.[sample] ?? true;
  }

  inputName() {
    const k = symbol("a", "k", this.layer - 1);
    return element("span", {}, "= ", k, this.layer === 1 ? ", the input" : ", the activation before");
  }

  originName() {
    return this.answer.origin.terms ? "the sum over paths" : "the slope of the cost";
  }

  samplesTable(pictures) {
    const {answer, letters} = this;
    const columns = ["dC_da", "da_dz", "delta", "dz_dw"];
    const head = element(
      "tr",
      {},
      element("th", {scope: "col"}, "sample"),
      ...columns.map((name) => element("th", {scope: "col"}, letters[name]())),
      element("th", {scope: "col"}, letters.gradient()),
    );
    const rows = answer.product.map((product, sample) => {
      const radio = element("input", {type: "radio", name: "sample", onchange: () => this.choose(sample)});
      radio.checked = sample === 0;
      const label = element("label", {}, radio, element("span", {}, String(sample)));
      if (pictures) label.append(picture(pictures, sample));
      return element(
        "tr",
        {},
        element("th", {scope: "row"}, label),
        ...columns.map((name) => cell(answer[name][sample], this.holds(name, sample))),
        cell(product, true),
      );
    });
    const body = element("tbody", {}, ...rows);
    const foot = row(columns.length + 1, "mean of the products", this.answer.mean, true);
    const table = element("table.samples", {}, element("thead", {}, head), body, element("tfoot", {}, foot));
    return element("div.scroll", {}, table);
  }

  /** What all this comes to: the mean over the batch, and the two gradients. */
  results() {
    const {answer} = this;
    const holds = answer.holds[this.isBias ? "bias" : "kernel"];
    const values = [
      [`mean of the ${answer.product.length} products`, answer.mean],
      [`${holds ? "" : "✗ "}manual gradient`, answer.manual],
      ["tape", answer.tape],
      ["tape − manual", Number(answer.tape) - Number(answer.manual)],
    ];
    const items = values.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, number(value))),
    );
    if (!holds) items[1].classList.add("broken-link");
    return element("dl.results", {}, ...items);
  }

  links() {
    const {answer} = this;
    const names = {
      dC_da: answer.origin.terms ? "dC/da is the sum over the paths" : "dC/da is the slope of the cost",
      da_dz: `da/dz is the slope of ${answer.activation}`,
      delta: "δ = dC/da · da/dz",
      dz_db: "dz/db = 1",
      kernel: "manual gradient = mean of δ · dz/dw over the batch",
      bias: "manual gradient = mean of δ · dz/db over the batch",
    };
    const items = Object.entries(answer.holds).map(([link, holds]) => {
      const all = [holds].flat().every(Boolean);
      return element("li", {}, verdictNode("span", all, names[link]));
    });
    return element("ul.links", {}, ...items);
  }

  /** The sum over the paths to the cost that made one sample's dC/da. */
  paths(sample) {
    const {origin, dC_da} = this.answer;
    const next = this.layer + 1;
    const head = [
      element("span", {}, "unit ", element("i", {}, "i"), ` of ${origin.layer}`),
      symbol("δ", "i", next),
      symbol("w", "ij", next),
      element("span", {}, symbol("δ", "i", next), " · ", symbol("w", "ij", next)),
    ];
    const rows = origin.weights.map((weight, i) =>
      element(
        "tr",
        {},
        element("th", {scope: "row"}, String(i)),
        cell(origin.delta[sample][i], true),
        cell(weight, true),
        cell(origin.terms[sample][i], true),
      ),
    );
    const sum = origin.terms[sample].reduce((total, term) => total + Number(term), 0);
    const foot = [
      row(3, "sum over the paths", sum, true),
      row(3, "dC/da of the manual module", dC_da[sample], this.holds("dC_da", sample)),
    ];
    const table = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head.map((node) => element("th", {scope: "col"}, node)))),
      element("tbody", {}, ...rows),
      element("tfoot", {}, ...foot),
    );
    return [element("h3", {}, `The paths from unit j to the cost, sample ${sample}`), element("div.scroll", {}, table)];
  }

  /** The slope of the cost that made one sample's dC/da. */
  costSlope(sample) {
    const {origin, dC_da} = this.answer;
    const heading = element("h3", {}, `The slope of the ${origin.cost} cost, sample ${sample}`);
    if (origin.slope === null) {
      return [heading, element("p", {}, `Nothing is known here of the cost ${origin.cost}: its slope is not checked.`)];
    }
    const italic = (letter) => element("i", {}, letter);
    const j = () => element("sub", {}, italic("j"));
    const [target, slope] = [number(origin.y[sample]), number(origin.slope[sample])];
    const y = [italic("y"), j()];
    const output = number((origin.probability ?? origin.a)[sample]);
    const line = origin.probability
      ? ["softmax(", italic("a"), ")", j(), " − ", ...y, ` = ${output} − ${target} = ${slope}`]
      : ["2 (", italic("a"), j(), " − ", ...y, `) = 2 (${output} − ${target}) = ${slope}`];
    const holds = this.holds("dC_da", sample);
    const manual = verdictNode("span", holds, `The manual module has ${number(dC_da[sample])}.`);
    return [heading, element("p.equation", {}, ...line), element("p", {}, manual)];
  }
}

/** A row at the foot of a table: a name across its columns but the last, and a number. */
function row(columns, name, value, holds) {
  return element("tr", {}, element("th", {scope: "row", colspan: columns}, name), cell(value, holds));
}

function cell(value, holds) {
  return holds ? element("td", {}, number(value)) : element("td.broken-link", {}, `✗ ${number(value)}`);
}

/** A small picture of a sample's input: dark ink on paper, from the smallest number to the largest. */
function picture({inputs, imageShape: [rows, columns]}, sample) {
  const canvas = element("canvas.picture", {width: columns, height: rows, "aria-hidden": "true"});
  const image = new ImageData(columns, rows);
  const pixels = inputs.subarray(sample * rows * columns, (sample + 1) * rows * columns);
  const least = pixels.reduce((a, b) => Math.min(a, b));
  const range = pixels.reduce((a, b) => Math.max(a, b)) - least || 1;
  pixels.forEach((pixel, i) => {
    image.data.fill(255 * (1 - (pixel - least) / range), 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
