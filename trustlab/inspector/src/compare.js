/** Another run beside this one: what if. The course of both, and where it first parts. */
import { h } from "./dom.js";
import { called, Ladder } from "./ladder.js";
import { still } from "./page.js";
import { Book, Store } from "./store.js";

/**
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").Document} Document
 */

/**
 * What a row contributes to the course of a run: who did what, not with which octets, since randoms differ in any two runs.
 * @param {AnyRow} row
 */
const course = (row) => `${row.kind} ${row.at} ${row.to} ${row.name} ${row.mark}${row.kind === "message" ? ` ${row.alert} ${row.altered}` : ""}`;

/**
 * The step of each run at which their courses part, or null if they never do.
 * @param {AnyRow[]} one
 * @param {AnyRow[]} other
 * @returns {[number, number] | null}
 */
export function parting(one, other) {
  const steps = (/** @type {AnyRow[]} */ rows) => rows.filter((row) => row.kind !== "machine" && !(row.kind === "tpm" && row.section === 0));
  const left = steps(one);
  const right = steps(other);
  for (let n = 0; n < Math.max(left.length, right.length); n += 1) {
    if (left[n] && right[n] && course(left[n]) === course(right[n])) continue;
    const last = (/** @type {AnyRow[]} */ rows) => Math.max(0, rows.length - 1);
    return [left[n]?.id ?? last(one), right[n]?.id ?? last(other)];
  }
  return null;
}

export class Compare {
  /** @param {Store} store of the first run */
  constructor(store) {
    this.store = store;
    /** @type {Store | null} */
    this.other = null;
    this.node = h("div", { role: "group", class: "tl-card tl-compare", "aria-label": "The other run" });
    this.node.hidden = true;
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    if (!changed.has("compare")) return;
    const { store } = this;
    this.other?.close();
    this.other = null;
    this.node.replaceChildren();
    this.node.hidden = !store.compare;
    if (!store.compare) return;
    const { document: doc, first } = store.compare;
    const other = (this.other = new Store(new Book(still(doc))));
    const ladder = new Ladder(other);
    const apart = parting(store.doc.rows, doc.rows);
    const sentence = typeof first === "string" ? first : String(first?.sentence ?? first?.text ?? "");
    const [here, there] = apart ?? [-1, -1];
    const names = apart ? `They part at step ${here + 1} of this run, ${called(store.doc.rows[here])}, and step ${there + 1} of the other, ${called(doc.rows[there])}.` : "Both runs take the same course, from the first step to the last.";
    this.node.append(
      h("div", { class: "tl-mhead" }, h("h2", { text: "What if" }), h("span", { class: "tl-tag", text: doc.frame.title }), h("button", { class: "tl-ghostbtn tl-push", text: "Back to the first run", on: { click: () => store.set({ compare: null }) } })),
      h("div", { class: "tl-note" }, h("p", { class: "tl-say1", text: sentence || names }), sentence ? h("p", { class: "tl-more1", text: names }) : ""), ladder.node);
    other.on((keys) => ladder.draw(keys));
    other.set({ narrow: store.narrow, width: store.width });
    for (const key of ["doc", "frame", "row"]) other.mark(key);
    other.set({ cursor: doc.rows.length - 1 });
    if (there >= 0) other.choose({ row: there });
    if (here >= 0) store.choose({ row: here });
    other.draw();
  }

  close() {
    this.other?.close();
  }
}
