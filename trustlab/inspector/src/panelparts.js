// @ts-check
/** Small things that several panels share. */
import { h } from "./dom.js";

/** @typedef {import("./store.js").Store} Store */

/** The beginning of a long text. @param {string} text @param {number} length */
export const short = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

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

/** A link that goes to a step. @param {Store} store @param {number} row @param {string} [text] */
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

/** Names of connections in words: "teller – Alice". @param {Store} store @param {string} connection */
export function connectionName(store, connection) {
  const parties = connection.replace(/-\d+$/, "").split("-");
  const ends = store.ends(connection) ?? parties;
  return ends.map((p) => store.party(p).name).join(" – ");
}
