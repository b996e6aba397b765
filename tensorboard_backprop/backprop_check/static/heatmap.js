// Heat maps of gradients: where each number of a gradient stands, its colour, and a cursor to walk over them.
//
// A number is known by its index in the gradient, row by row: a kernel (inputs, units) has the weight from input k to
// unit j at k * units + j; a bias has unit j at j.

import {element, number} from "./dom.js";

/**
 * @typedef {Object} Layout
 * @property {number} width In cells.
 * @property {number} height In cells.
 * @property {(x: number, y: number) => number} indexAt The number that stands in a cell; -1 in a gap.
 * @property {(index: number) => {x: number, y: number}} positionOf The cell of a number.
 */

/** Inputs down, units across. A bias is one row of it. @returns {Layout} */
export function matrixLayout(inputs, units) {
  return {
    width: units,
    height: inputs,
    indexAt: (x, y) => y * units + x,
    positionOf: (index) => ({x: index % units, y: Math.floor(index / units)}),
  };
}

/** A picture of each unit, made of its weights from all pixels, with a gap between units. @returns {Layout} */
export function tileLayout(rows, columns, units, tilesAcross) {
  const [stepX, stepY] = [columns + 1, rows + 1];
  return {
    width: tilesAcross * stepX - 1,
    height: Math.ceil(units / tilesAcross) * stepY - 1,
    indexAt(x, y) {
      const [column, row] = [x % stepX, y % stepY];
      const unit = Math.floor(y / stepY) * tilesAcross + Math.floor(x / stepX);
      return column < columns && row < rows && unit < units ? (row * columns + column) * units + unit : -1;
    },
    positionOf(index) {
      const [unit, input] = [index % units, Math.floor(index / units)];
      return {
        x: (unit % tilesAcross) * stepX + (input % columns),
        y: Math.floor(unit / tilesAcross) * stepY + Math.floor(input / columns),
      };
    },
  };
}

/** The largest size of the numbers that are finite: zero is the middle of the scale, and this its ends. */
export function scaleOf(...arrays) {
  let largest = 0;
  for (const array of arrays) {
    for (const value of array) {
      const size = Math.abs(value);
      if (size > largest && size < Infinity) largest = size;
    }
  }
  return largest;
}

/** The page's colours, from its style sheet: it has others in the dark. */
export function readColours() {
  const style = getComputedStyle(document.body);
  const read = (name) => {
    const hex = parseInt(style.getPropertyValue(name).trim().slice(1), 16);
    return [hex >> 16, (hex >> 8) & 255, hex & 255];
  };
  return {
    negative: read("--negative"),
    zero: read("--zero"),
    positive: read("--positive"),
    nan: read("--not-a-number"),
  };
}

/** Red, green and blue of a number; `scale` has the full colour. */
function colourOf(value, scale, colours) {
  if (Number.isNaN(value)) return colours.nan;
  const share = value === 0 ? 0 : Math.max(-1, Math.min(1, value / scale)); // infinity is at an end of the scale, too
  const end = share < 0 ? colours.negative : colours.positive;
  return colours.zero.map((zero, i) => zero + (end[i] - zero) * Math.abs(share));
}

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

/** One gradient as a picture that can be pointed at, and walked over with the arrow keys. */
export class HeatMap {
  /**
   * @param {string} label What it shows, for those who do not see it.
   * @param {(index: number) => void} onCursor Told which number is pointed at.
   * @param {(index: number) => void} onOpen Told which number is to be explained.
   */
  constructor(label, onCursor, onOpen) {
    this.onCursor = onCursor;
    this.onOpen = onOpen;
    this.index = 0; // of the cursor
    this.canvas = element("canvas", {
      tabindex: "0",
      role: "application",
      "aria-roledescription": "heat map",
      "aria-label": `${label}. Arrow keys move from cell to cell, Enter explains one.`,
      onpointermove: (event) => this.pointAt(event),
      onclick: (event) => this.pointAt(event) && onOpen(this.index),
      onfocus: () => onCursor(this.index),
      onkeydown: (event) => this.press(event),
    });
    this.cursor = element("div.cursor", {hidden: ""});
    this.node = element("div.viewport", {tabindex: "-1"}, element("div.map", {}, this.canvas, this.cursor));
  }

  /** Take a layout, and the size of its cells in pixels. */
  place(layout, cellWidth, cellHeight) {
    Object.assign(this, {layout, cellWidth, cellHeight});
    this.canvas.width = layout.width; // one pixel a cell: the style sheet enlarges it
    this.canvas.height = layout.height;
    this.canvas.style.width = `${layout.width * cellWidth}px`;
    this.canvas.style.height = `${layout.height * cellHeight}px`;
    if (!this.cursor.hidden) this.showCursor(this.index);
  }

  /** Paint the numbers of a gradient. */
  draw(values, scale, colours) {
    const {width, height, indexAt} = this.layout;
    const image = new ImageData(width, height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 4) {
        const index = indexAt(x, y);
        if (index >= 0) {
          const [red, green, blue] = colourOf(values[index], scale, colours);
          image.data[at] = red;
          image.data[at + 1] = green;
          image.data[at + 2] = blue;
          image.data[at + 3] = 255;
        }
      }
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** Frame a number's cell, or with null none. */
  showCursor(index) {
    this.cursor.hidden = index === null;
    if (index === null) return;
    this.index = index;
    const {x, y} = this.layout.positionOf(index);
    Object.assign(this.cursor.style, {
      left: `${x * this.cellWidth}px`,
      top: `${y * this.cellHeight}px`,
      width: `${this.cellWidth}px`,
      height: `${this.cellHeight}px`,
    });
  }

  pointAt(event) {
    const index = this.layout.indexAt(
      Math.min(Math.floor(event.offsetX / this.cellWidth), this.layout.width - 1),
      Math.min(Math.floor(event.offsetY / this.cellHeight), this.layout.height - 1),
    );
    if (index >= 0) this.onCursor(index);
    return index >= 0;
  }

  press(event) {
    if (event.key === "Enter") {
      this.onOpen(this.index);
    } else if (event.key in ARROWS) {
      this.move(...ARROWS[event.key]);
    } else {
      return;
    }
    event.preventDefault(); // neither scrolls the page
  }

  /** Go to the next number in a direction, across a gap; at the edge, stay. */
  move(dx, dy) {
    let {x, y} = this.layout.positionOf(this.index);
    const isInside = () => x >= 0 && y >= 0 && x < this.layout.width && y < this.layout.height;
    do {
      x += dx;
      y += dy;
    } while (isInside() && this.layout.indexAt(x, y) < 0);
    if (isInside()) this.onCursor(this.layout.indexAt(x, y));
    this.cursor.scrollIntoView({block: "nearest", inline: "nearest"});
  }
}

/** The scale beneath a heat map: its colours, and the numbers at its ends. */
export class Legend {
  constructor() {
    this.node = element("div.legend");
  }

  /** @param {number} scale @param {boolean} hasNan Whether a number is none. */
  show(scale, hasNan) {
    const bar = element("span.bar", {"aria-hidden": "true"});
    const ends = scale === 0 ? [element("span", {}, "all zero")] : [number(-scale), bar, number(scale)];
    const nan = hasNan ? [element("span.swatch", {"aria-hidden": "true"}), "not a number"] : [];
    this.node.replaceChildren(...ends, ...nan);
  }
}
