/** Making elements. Nothing here ever reads markup: what a trace says stays text. */

const SVG = "http://www.w3.org/2000/svg";
const FOCUSABLE = ["a", "button", "input", "select", "summary", "textarea"];

/**
 * Controls that reorder or hide text (Unicode Bidirectional Algorithm, UAX #9; C0 and C1; zero width) as a word that can be seen.
 * Line feed and tab stay.
 */
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Return text as it may be shown: what would hide or reorder it stands there as its code point.
 * @param {string} text
 */
export function shown(text) {
  return text.replace(HIDDEN, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element. `props` are attributes; `class`, `text`, `style` and `on` (listeners) are what they say.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || (value === false && !key.startsWith("aria-"))) continue;
    if (key === "text") node.textContent = shown(String(value));
    else if (key === "class") node.className = value;
    else if (key === "on") listen(node, value);
    else if (key === "style") node.style.cssText = value;
    else node.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : shown(String(value)));
  }
  // The notebook must not take keys pressed in here for its own commands (x would cut the cell). It looks for this mark
  // on the focused element itself.
  if ("tabindex" in props || FOCUSABLE.includes(tag)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  put(node, children);
  return node;
}

/**
 * Make an SVG element, as `h` makes one of HTML.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function s(tag, props = {}, ...children) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = shown(String(value));
    else if (key === "on") listen(node, value);
    else node.setAttribute(key, shown(String(value)));
  }
  if ("tabindex" in props) node.setAttribute("data-lm-suppress-shortcuts", "true");
  put(node, children);
  return node;
}

/** @param {Element} node @param {Record<string, any>} listeners */
function listen(node, listeners) {
  for (const [name, f] of Object.entries(listeners)) if (f) node.addEventListener(name, f);
}

/** @param {Element} node @param {(Child | Child[])[]} children */
function put(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : shown(String(child)));
  }
}

/**
 * Draw a path of 16 by 16 units in the colour of the text.
 * @param {string} path @param {number} [size]
 */
export function icon(path, size = 14) {
  const look = { fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" };
  return s("svg", { width: size, height: size, viewBox: "0 0 16 16", "aria-hidden": "true", class: "tl-icon", ...look }, s("path", { d: path }));
}

/** The sign of something that unfolds. */
export const chevron = () => icon("M6 3l5 5-5 5", 11);

/** @param {number} n */
export const bytes = (n) => (n === 1 ? "1 byte" : `${n.toLocaleString("en")} bytes`);

/**
 * Name a half open range of bytes.
 * @param {number} start @param {number} end
 */
export const range = (start, end) => (end <= start ? `no bytes at ${start}` : end - start === 1 ? `byte ${start}` : `bytes ${start}–${end - 1}`);

/** @param {string} text */
export const cap = (text) => text && text[0].toUpperCase() + text.slice(1);

/**
 * Cut text, and say so.
 * @param {string} text @param {number} length
 */
export const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

/**
 * Draw an element's children anew.
 * @param {Element} node @param {...(Child | Child[])} children
 */
export function fill(node, ...children) {
  node.replaceChildren();
  put(node, children);
}
