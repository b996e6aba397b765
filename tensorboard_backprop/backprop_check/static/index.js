// The tab "Backprop check". TensorBoard loads this module into a frame of its own and calls `render`.

import {ChainRuleDialog} from "./chain_rule.js";
import {ask, askNumbers, count, element, scientific} from "./dom.js";
import {LayerView, verdictNode, verdictText} from "./layer.js";

const POLL_SECONDS = 5;

/** Build the page, and keep it up to date. */
export function render() {
  document.head.append(element("link", {rel: "stylesheet", href: new URL("./style.css", import.meta.url)}));
  document.documentElement.lang = "en";
  new Page(document.body).start();
}

class Page {
  constructor(body) {
    this.runs = null; // from /runs; null before the first answer
    this.run = null; // the chosen one's name
    this.step = null; // the chosen one
    this.isFollowing = true; // whether the newest step is to be shown
    this.shown = null; // what the heat maps show: {run, step, answer}
    this.layers = []; // a LayerView each
    this.cursor = null; // {layer, kind, index}
    this.dialog = new ChainRuleDialog();
    this.build(body);
  }

  build(body) {
    this.chooser = element("select", {id: "run", onchange: () => this.chooseRun(this.chooser.value)});
    this.slider = element("input", {
      id: "step",
      type: "range",
      min: "0",
      oninput: () => this.chooseStep(Number(this.slider.value)),
    });
    const button = (label, sign, by) =>
      element("button", {type: "button", "aria-label": label, onclick: () => this.walk(by)}, sign);
    this.previous = button("previous step", "◀", -1);
    this.next = button("next step", "▶", 1);
    this.marks = element("div.marks", {"aria-hidden": "true"});
    this.position = element("output.position", {for: "step"});
    const controls = element(
      "div.controls",
      {},
      element("label", {for: "run"}, "Run"),
      this.chooser,
      element("label", {for: "step"}, "Step"),
      this.previous,
      element("div.slider", {}, this.slider, this.marks),
      this.next,
      this.position,
    );
    this.banner = element("div.banner", {role: "status"});
    this.message = element("div.message", {}, "Loading …");
    this.sections = element("main");
    this.readout = element("footer", {"aria-live": "polite", hidden: ""});
    this.top = element("header.top", {hidden: ""}, controls, this.banner);
    body.append(this.top, this.message, this.sections, this.readout, this.dialog.node);
  }

  start() {
    const host = window.parent.document.body;
    const followTheme = () => {
      document.body.classList.toggle("dark", host.classList.contains("dark-mode"));
      for (const layer of this.layers) layer.draw();
    };
    followTheme();
    new MutationObserver(followTheme).observe(host, {attributeFilter: ["class"]});
    new ResizeObserver(() => this.resize()).observe(this.sections);
    document.addEventListener("visibilitychange", () => this.poll());
    this.poll();
    setInterval(() => this.poll(), POLL_SECONDS * 1000);
  }

  // --- which runs and steps there are ---------------------------------------------------------------------------

  async poll() {
    const isShown = window.frameElement.checkVisibility({visibilityProperty: true}); // not where another tab is open
    if (document.hidden || !isShown || this.isPolling) return;
    this.isPolling = true;
    try {
      const response = await ask("runs");
      this.runs = (await response.json()).runs;
      this.updateControls();
      this.load();
    } catch (error) {
      this.wanted = null; // so that the next answer takes this message away
      this.say("error", `TensorBoard does not answer. Is it still running? (${error.message})`);
    } finally {
      this.isPolling = false;
    }
  }

  /** The chosen run, as /runs tells of it. */
  get current() {
    return this.runs?.find((run) => run.run === this.run);
  }

  chooseRun(run) {
    this.run = run;
    this.isFollowing = true;
    this.updateControls();
    this.load();
  }

  /** @param {number} index Of the kept steps. */
  chooseStep(index) {
    const {steps} = this.current;
    this.step = steps[index];
    this.isFollowing = index === steps.length - 1;
    this.updatePosition();
    this.load();
  }

  walk(by) {
    this.slider.value = Number(this.slider.value) + by;
    this.chooseStep(Number(this.slider.value));
  }

  updateControls() {
    this.top.hidden = this.runs.length === 0;
    if (!this.current) this.run = this.runs[0]?.run ?? null; // the newest
    const names = JSON.stringify(this.runs.map(({run, name, error}) => [run, name, error === null]));
    if (names !== this.names) {
      this.names = names; // else the list would close under the reader's hands
      const options = this.runs.map(({run, name, error}) =>
        element("option", {value: run}, error === null ? name : `${name} ⚠`),
      );
      this.chooser.replaceChildren(...options);
    }
    if (this.run !== null) this.chooser.value = this.run;
    const {steps, wrong} = this.current ?? {steps: [], wrong: []};
    if (this.isFollowing) this.step = steps.at(-1) ?? null;
    if (steps.length > 0 && !steps.includes(this.step)) this.step = nearest(steps, this.step); // it is kept no more
    this.slider.max = Math.max(0, steps.length - 1);
    this.slider.disabled = steps.length === 0;
    this.slider.value = Math.max(0, steps.indexOf(this.step));
    const share = (step) => (steps.length > 1 ? steps.indexOf(step) / (steps.length - 1) : 0);
    this.marks.replaceChildren(
      ...wrong.map((step) => {
        const mark = element("span.mark", {title: `step ${count(step)} is wrong`});
        mark.style.setProperty("--share", share(step));
        return mark;
      }),
    );
    this.updatePosition();
  }

  updatePosition() {
    const {steps, wrong} = this.current ?? {steps: [], wrong: []};
    const index = steps.indexOf(this.step);
    this.previous.disabled = index <= 0;
    this.next.disabled = index === steps.length - 1;
    const differ = ["none differs", "1 differs"][wrong.length] ?? `${count(wrong.length)} differ`;
    const text = index < 0 ? "no step" : `${count(this.step)} (${index + 1} of ${steps.length} kept, ${differ})`;
    this.position.textContent = text;
    this.slider.setAttribute("aria-valuetext", index < 0 ? text : `step ${text}`);
  }

  // --- the chosen step ------------------------------------------------------------------------------------------

  /** Fetch the chosen step and show it, unless another one is chosen meanwhile. */
  async load() {
    const {run, step} = this;
    if (this.runs.length === 0) return this.showNothing("empty", ...emptyHelp());
    const {name, error: problem} = this.current;
    if (problem !== null) return this.showNothing("error", `${name}: ${problem}`);
    if (step === null) return this.showNothing("empty", `${name} has no kept step yet. This page waits for it.`);
    if (this.wanted?.run === run && this.wanted?.step === step) return;
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    this.wanted = {run, step};
    try {
      const answer = await (await ask("step", {run, step}, loading.signal)).json();
      const gradients = await Promise.all(
        answer.layers.map((_, layer) => askNumbers("gradients", {run, step, layer}, loading.signal)),
      );
      if (!loading.signal.aborted) this.show(run, answer, gradients);
    } catch (error) {
      if (loading.signal.aborted) return; // for a newer choice
      this.wanted = null; // the next poll tries again
      this.showNothing("error", `Step ${count(step)} of ${name}: ${error.message}`);
    }
  }

  show(run, answer, gradients) {
    this.shown = {run, answer};
    this.message.hidden = true;
    this.sections.hidden = false;
    this.readout.hidden = false;
    const {layers, tolerance} = answer;
    const isSameNetwork =
      this.layers.length === layers.length &&
      this.layers.every((view, l) => view.fits(layers[l])) &&
      String(this.imageShape) === String(answer.image_shape);
    if (!isSameNetwork) this.rebuild(answer);
    this.layers.forEach((view, l) => view.update(layers[l], tolerance, gradients[l]));
    if (!isSameNetwork) this.resize();
    this.showBanner(answer);
    this.showReadout();
  }

  rebuild({layers, image_shape: imageShape}) {
    this.imageShape = imageShape;
    this.cursor = null;
    this.layers = layers.map(
      (layer, l) =>
        new LayerView(
          layer,
          l === 0 ? imageShape : null,
          (kind, index) => this.point({layer: l, kind, index}),
          (kind, index) => this.explain({layer: l, kind, index}),
        ),
    );
    this.sections.replaceChildren(...this.layers.map((view) => view.node));
  }

  showBanner({step, layers, tolerance, ...about}) {
    const verdicts = layers.flatMap((layer) =>
      ["kernel", "bias"].map((kind) => ({name: `${layer.name} ${kind}`, verdict: layer[kind]})),
    );
    const wrong = verdicts.filter(({verdict}) => !verdict.agrees);
    const within = `tolerance ${scientific(tolerance)}`;
    const largest = Math.max(...verdicts.map(({verdict}) => Number(verdict.error)));
    let summary = `All ${verdicts.length} gradients of step ${count(step)} agree`;
    let detail = `largest error ${scientific(largest, 1)}, ${within}`;
    if (wrong.length === 1) {
      summary = verdictText(wrong[0].name, wrong[0].verdict, tolerance);
      detail = "";
    } else if (wrong.length > 1) {
      summary = `${wrong.length} of ${verdicts.length} gradients of step ${count(step)} differ`;
      detail = wrong.map(({name, verdict}) => `${name} ${scientific(verdict.error, 1)}`).join(" · ") + ` · ${within}`;
    }
    const inEpoch = `step ${count(about.step_in_epoch)} of ${count(about.num_steps_per_epoch)} in it`;
    const place = `step ${count(step)} · epoch ${count(about.epoch)}, ${inEpoch}`;
    this.banner.replaceChildren(
      verdictNode("strong", wrong.length === 0, summary),
      element("span.detail", {}, detail),
      element("span.detail.place", {}, `${place} · ${about.cost}, batch of ${count(about.batch_size)}`),
    );
  }

  resize() {
    for (const view of this.layers) view.resize();
  }

  /** Say something in place of the heat maps. */
  showNothing(kind, ...children) {
    this.loading?.abort();
    this.wanted = null;
    this.sections.hidden = true;
    this.readout.hidden = true;
    this.banner.replaceChildren();
    this.say(kind, ...children);
  }

  say(kind, ...children) {
    const message = element(`div.message.${kind}`, {role: kind === "error" ? "alert" : "status"}, ...children);
    if (message.isEqualNode(this.message)) return; // it is said already, and must not be read out once more
    this.message.replaceWith(message);
    this.message = message;
  }

  // --- which weight ---------------------------------------------------------------------------------------------

  point(cursor) {
    this.cursor = cursor;
    this.layers.forEach((view, l) => view.showCursor(cursor.kind, l === cursor.layer ? cursor.index : null));
    this.showReadout();
  }

  showReadout() {
    const {cursor} = this;
    this.readout.textContent = cursor
      ? `${this.layers[cursor.layer].describe(cursor.kind, cursor.index)} · click or press Enter for its chain rule`
      : "Which weight? Point at a cell, or move there with the arrow keys. A click, or Enter, explains its gradient.";
  }

  explain({layer, kind, index}) {
    const {run, answer} = this.shown;
    const weight = {run, step: answer.step, layer, ...this.layers[layer].weightAt(kind, index)};
    this.dialog.open(weight, answer.layers[layer].name, answer.image_shape);
  }
}

function nearest(steps, step) {
  return steps.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best));
}

function emptyHelp() {
  return [
    element("p", {}, "There is no run with a gradient check in this log folder yet."),
    element("p", {}, "Train the network:"),
    element("pre", {}, "python train.py"),
    element("p", {}, "and point TensorBoard at its log folder. This page looks for new runs every few seconds."),
  ];
}
