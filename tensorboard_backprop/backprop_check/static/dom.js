// Small helpers for all parts of the page: making elements, writing numbers, asking the server.

/**
 * Make an element. Text children become text nodes, so nothing that a run holds is ever read as HTML.
 *
 * @param {string} tag Its name, with classes after dots: "p.error".
 * @param {Object} attributes Such as {id: "step"}; functions are listeners: {onclick: () => ...}.
 * @param {...(Node|string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined) {
      made.setAttribute(key, value);
    }
  }
  made.append(...children);
  return made;
}

/** A number for people, to four digits: 0.01235, −1.235e-08, "not a number". */
export function number(value) {
  value = Number(value); // the server writes what is not finite as a string
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "−infinity";
  const size = Math.abs(value);
  if (size === 0) return "0";
  const text = size >= 1e-3 && size < 1e4 ? value.toPrecision(4) : scientific(value, 3);
  return text.replace(/^-/, "−");
}

/** A number as Python prints it: 1.5e-01. Without a count of digits behind the point, as many as it has: 1e-05. */
export function scientific(value, digits = undefined) {
  value = Number(value);
  if (value === 0 || !Number.isFinite(value)) return number(value);
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A count with thousands separated: 1,875. */
export function count(value) {
  return value.toLocaleString("en-US");
}

/**
 * Ask one of the plugin's own routes.
 *
 * @param {string} route Such as "step".
 * @param {Object} query Its arguments; those that are null are left out.
 * @param {AbortSignal} [signal] To give up.
 * @returns {Promise<Response>} Rejected with the server's message where it cannot answer.
 */
export async function ask(route, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value !== null);
  const response = await fetch(new URL(`./${route}?${new URLSearchParams(given)}`, import.meta.url), {signal});
  if (!response.ok) {
    const {error} = await response.json().catch(() => ({error: `TensorBoard answered ${response.status}.`}));
    throw new Error(error);
  }
  return response;
}

/** The same for routes that answer with float64 numbers. */
export async function askNumbers(route, query, signal = undefined) {
  const response = await ask(route, query, signal);
  return new Float64Array(await response.arrayBuffer());
}
