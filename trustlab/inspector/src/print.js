/** What is printed: the whole of every chosen step, and the course of the run; nothing is cut off by a window. */
import { bytes, h, range } from "./dom.js";
import { titleOf } from "./message.js";
import { fieldsOf } from "./paths.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").Piece} Piece
 */

const STEPS = 600;
const PRINTED = 8192;
const PER_LINE = 32;

/**
 * Make what is printed of a view.
 * @param {Store} store
 */
export function printed(store) {
  const { rows, frame } = store.doc;
  const chosen = [...new Set([...store.pins, store.row])].sort((a, b) => a - b).map((id) => rows[id]).filter(Boolean);
  const steps = rows.filter((row) => row.kind !== "verdict" && row.id <= store.cursor);
  return h("div", { class: "tl-print" }, h("h2", { text: frame.title }), h("p", { text: `${frame.badge || frame.substrate} ${frame.outcome}` }), ...chosen.map((row) => step(store, row)),
    h("h3", { text: "The run" }),
    h("table", {}, h("tbody", {}, steps.slice(0, STEPS).map((row) => h("tr", {}, h("td", { text: row.id + 1 }), h("td", { text: row.at && `${store.party(row.at).name}${row.to ? ` → ${store.party(row.to).name}` : ""}` }), h("td", {}, h("b", { text: titleOf(row, store) }), ` ${row.text || row.say}`))))),
    steps.length > STEPS && h("p", { text: `${steps.length - STEPS} more steps are not printed.` }));
}

/** @param {Store} store @param {AnyRow} row */
function step(store, row) {
  return h("section", {}, h("h3", { text: `Step ${row.id + 1}: ${titleOf(row, store)}${row.to ? `, ${store.party(row.at).name} to ${store.party(row.to).name}` : ""}` }), h("p", { class: "tl-say1", text: row.say || row.text }), row.more && h("p", { text: row.more }),
    ...row.parts.flatMap((piece) => [h("h4", { text: `${piece.title || piece.role}, ${bytes(piece.hex.length / 2)}` }), table(store, piece), dump(piece)]));
}

/** @param {Store} store @param {Piece} piece */
function table(store, piece) {
  return h("table", {}, h("tbody", {}, fieldsOf(piece, store.doc.texts).map((field) => h("tr", {}, h("td", { style: `padding-left:${field.depth * 10}px`, text: field.label }), h("td", { text: range(field.start, field.end) }), h("td", { class: "tl-mono", text: field.value || (field.leaf ? piece.hex.substr(2 * field.start, 2 * Math.min(32, field.end - field.start)) : "") }), h("td", { text: field.note })))));
}

/** @param {Piece} piece */
function dump(piece) {
  const lines = [];
  const size = Math.min(piece.hex.length / 2, PRINTED);
  for (let at = 0; at < size; at += PER_LINE) lines.push(`${at.toString(16).padStart(4, "0")}  ${piece.hex.slice(2 * at, 2 * Math.min(size, at + PER_LINE)).replace(/../g, "$& ")}`);
  if (size < piece.hex.length / 2) lines.push(`… ${bytes(piece.hex.length / 2 - size)} more`);
  return h("pre", { class: "tl-mono", text: lines.join("\n") });
}
