/** Small things that several panels share. */
import { h } from "./dom.js";

/** @typedef {import("./store.js").Store} Store */

/**
 * Choose the row and the innermost field that holds a source's octets.
 * @param {Store} store @param {import("./types.js").Source} place
 */
export function chooseSource(store, place) {
  const piece = place.part ?? 0;
  const fields = store.rowOf(place.row)?.parts?.[piece]?.fields ?? [];
  let best = -1;
  fields.forEach((f, n) => {
    const [, , start, end] = f;
    if (start > place.start || end < place.end) return;
    if (best < 0 || end - start <= fields[best][3] - fields[best][2]) best = n;
  });
  store.choose({ row: place.row, piece, field: best });
}

/**
 * A link that goes to a step.
 * @param {Store} store @param {number} row @param {string} [text]
 */
export const stepLink = (store, row, text) =>
  h("button", { class: "tl-link", type: "button", text: text ?? `step ${row + 1}`, on: { click: () => store.choose({ row }) } });

/**
 * Python to read and to copy.
 * @param {string} code
 */
export function snippet(code) {
  const button = h("button", {
    class: "tl-ghost",
    type: "button",
    text: "Copy as Python",
    on: {
      click: async () => {
        try {
          await navigator.clipboard.writeText(code);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Select it and copy by hand"; // a page opened from disk may not use the clipboard
        }
      },
    },
  });
  return h("div", { class: "tl-code" }, h("pre", { tabindex: 0, "aria-label": "Python", text: code }), button);
}

/**
 * A connection in words, by who really stood at its ends: "Teller – Alice".
 * @param {Store} store @param {string} connection
 */
export function endsInWords(store, connection) {
  const row = store.doc.rows.find((one) => one.connection === connection && one.at && one.to);
  return row ? [row.at, row.to].map((name) => store.party(name).name).join(" – ") : store.connectionName(connection);
}

/**
 * Rows of one kind.
 * @template {import("./types.js").AnyRow["kind"]} K
 * @param {Store} store @param {K} kind
 * @returns {Extract<import("./types.js").AnyRow, {kind: K}>[]}
 */
export const rowsOfKind = (store, kind) => /** @type {any} */ (store.doc.rows.filter((row) => row.kind === kind));
