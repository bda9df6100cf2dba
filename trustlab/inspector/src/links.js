/** Links by name: `#act-2/alice-bank/ServerHello/random` leads to the same place in every run. */
import { fieldAt, fieldsOf } from "./paths.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {{row: number, piece: number, field: number}} Place
 */

/**
 * The link of what is chosen: the row's anchor, and the field's path; "~1" names a piece that is not the first with that path.
 * @param {Store} store
 */
export function linkOf(store) {
  const row = store.chosen;
  if (!row) return "";
  const anchor = row.anchor || `step-${row.id + 1}`;
  const fields = fieldsOf(row.parts[store.piece], store.doc.texts);
  const field = fields[store.field];
  if (!field) return anchor;
  const first = row.parts.findIndex((part) => fieldAt(fieldsOf(part, store.doc.texts), field.path) >= 0);
  return `${anchor}/${field.path}${first === store.piece ? "" : `~${store.piece}`}`;
}

/**
 * Where a link leads, or null.
 * @param {Store} store
 * @param {string} link without its "#"
 * @returns {Place | null}
 */
export function placeOf(store, link) {
  const [, path, number] = /** @type {RegExpMatchArray} */ (link.match(/^(.*?)(?:~(\d+))?$/s));
  const { rows, texts } = store.doc;
  const step = path.match(/^step-(\d+)(?:\/(.*))?$/);
  let best = step && rows[Number(step[1]) - 1] ? rows[Number(step[1]) - 1] : null;
  let rest = step?.[2] ?? "";
  if (!best) {
    for (const row of rows) {
      if (!row.anchor || (row.anchor !== path && !path.startsWith(`${row.anchor}/`)) || (best && best.anchor.length >= row.anchor.length)) continue;
      best = row;
      rest = path.slice(row.anchor.length + 1);
    }
  }
  if (!best) return null;
  const wanted = number === undefined ? best.parts.map((_, n) => n) : [Number(number)];
  for (const piece of wanted) {
    const field = fieldAt(fieldsOf(best.parts[piece], texts), rest);
    if (field >= 0) return { row: best.id, piece, field };
  }
  const piece = store.firstPiece(best);
  return { row: best.id, piece, field: store.firstField(best, piece) };
}

/**
 * The path of the chosen field, or "".
 * @param {Store} store
 */
export function pathOf(store) {
  return fieldsOf(store.chosen?.parts[store.piece], store.doc.texts)[store.field]?.path ?? "";
}
