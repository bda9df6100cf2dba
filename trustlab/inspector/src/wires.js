/** The line from an input of the binder to the octets on the ladder it was taken from. */
import { range, s } from "./dom.js";
import { bindingInView, inputInView } from "./binding.js";

/** @typedef {import("./store.js").Store} Store */

wires.needs = ["doc", "frame", "cursor", "row", "chip", "tab", "bindingNumber", "width", "layout"];

const CORNER = 7;

/**
 * Draw the line. Rows that are sources get the class `tl-src` and a tag with the range of bytes.
 * @param {SVGElement} svg @param {Store} store
 */
export function wires(svg, store) {
  const root = svg.parentElement;
  if (!root) return;
  for (const node of root.querySelectorAll(".tl-src")) {
    node.classList.remove("tl-src");
  }
  const panel = root.querySelector(".tl-eq");
  const number = bindingInView(store);
  if (!panel || number < 0) return;
  const binding = (store.doc.frame.bindings ?? [])[number];
  const input = inputInView(binding, store);
  const chips = [...root.querySelectorAll(".tl-chip")].filter((x) => x instanceof HTMLElement && x.dataset.chip === input?.name);
  if (!input || !chips.length) return;
  const places = [input.attester_source, input.verifier_source].filter((x) => x && x.row <= store.cursor);
  /** @type {Element[]} */
  const rows = [];
  for (const place of places) {
    const row = place && root.querySelector(`[data-row="${place.row}"]`);
    if (!place || !row || rows.includes(row)) continue;
    row.classList.add("tl-src");
    const tag = row.querySelector(".tl-srctag");
    if (tag) tag.textContent = range(place.start, place.end);
    rows.push(row);
  }
  const ladder = root.querySelector(".tl-ladder");
  const list = root.querySelector(".tl-rows");
  if (!rows.length || !ladder || !list || store.narrow) return;
  drawWire(svg, root, ladder, list, rows, chips[0], store.wide);
}

/** @param {SVGElement} svg @param {HTMLElement} root @param {Element} ladder @param {Element} list @param {Element[]} rows @param {Element} chip @param {boolean} wide */
function drawWire(svg, root, ladder, list, rows, chip, wide) {
  const base = root.getBoundingClientRect();
  const box = (/** @type {Element} */ node) => {
    const r = node.getBoundingClientRect();
    return { left: r.left - base.left, right: r.right - base.left, top: r.top - base.top, bottom: r.bottom - base.top };
  };
  const [pane, view, target] = [box(ladder), box(list), box(chip)];
  const row = rows.map(box).sort((a, b) => b.right - a.right)[0];
  const y = row.top + 12;
  const hidden = y < view.top || y > view.bottom;
  const from = { x: hidden ? pane.right - 2 : Math.min(row.right, pane.right), y: Math.min(Math.max(y, view.top + 10), view.bottom - 10) };
  const gutter = pane.right + 7;
  // Down the gutter, over the table's head, then onto the head of its own column: never across text.
  const table = chip.closest(".tl-eq");
  const head = headOf(chip);
  const to = { x: (target.left + target.right) / 2, y: (head ? head - base.top : target.top) - 2 };
  const bar = Math.min(table ? box(table).top - 4 : to.y, to.y - CORNER);
  const turn = (bar > from.y ? 1 : -1) * Math.min(CORNER, Math.abs(bar - from.y) / 2);
  const path = `M${from.x} ${from.y}H${gutter - CORNER}q${CORNER} 0 ${CORNER} ${turn}V${bar - turn}q0 ${turn} ${CORNER} ${turn}H${to.x - CORNER}q${CORNER} 0 ${CORNER} ${CORNER}V${to.y}`;
  const card = chip.closest(".tl-panel");
  const shownIn = chip.closest(".tl-pbody, .tl-pfirst");
  if (shownIn && (target.top < box(shownIn).top || target.bottom > box(shownIn).bottom)) return;
  const drawn = head === null && card ? sideways(from, gutter, box(card).left, target, wide) : path;
  svg.append(
    s("path", { class: "tl-casing", d: drawn }),
    s("path", { class: "tl-wire", d: drawn, "stroke-dasharray": hidden ? "2 4" : "none" }),
    s("circle", { cx: from.x, cy: from.y, r: hidden ? 0 : 3.5 }),
  );
}

/**
 * A line to a chip of a table that stands upright: along the gutter beside the panel, then into the chip from the left. In a wide
 * window a card lies between ladder and panel, and the line goes over it.
 * @param {{x: number, y: number}} from @param {number} gutter @param {number} left the panel's @param {{left: number, top: number, bottom: number}} target @param {boolean} wide
 */
function sideways(from, gutter, left, target, wide) {
  const y = (target.top + target.bottom) / 2;
  if (!wide) return `M${from.x} ${from.y}H${gutter}V${y}H${left + 12}`;
  const over = 6;
  return `M${from.x} ${from.y}H${gutter}V${over}H${left - 7}V${y}H${left + 12}`;
}

/**
 * Where the words begin that stand over a chip, in the window; null if they stand beside it.
 * @param {Element} chip
 */
function headOf(chip) {
  const cell = chip.closest("td");
  const head = cell?.closest("table")?.querySelector("thead tr")?.children[cell.cellIndex];
  if (!head || cell?.closest(".tl-upright")) return null;
  const words = document.createRange();
  words.selectNodeContents(head);
  return words.getBoundingClientRect().top;
}
