/** What the Verifier checked, one line a check. */
import { h } from "./dom.js";
import { checkOf } from "./message.js";
import { rowsOfKind, stepLink } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").VerdictRow} VerdictRow */
/** @typedef {import("./types.js").AppraisalRow} AppraisalRow */

checks.needs = ["doc", "frame", "cursor", "row"];

/** @param {Store} store @returns {AppraisalRow | undefined} */
export function appraisalInView(store) {
  const all = /** @type {AppraisalRow[]} */ (rowsOfKind(store, "appraisal")).filter((x) => x.id <= store.cursor);
  return all.find((x) => x.id === store.row || (x.verdicts ?? []).includes(store.row)) ?? all.find((x) => x.mark === "fail") ?? all[all.length - 1];
}

/**
 * How many checks passed, failed and were not asked for.
 * @param {AppraisalRow} row @param {Store} store
 */
export function tally(row, store) {
  const count = { pass: 0, fail: 0, none: 0 };
  for (const id of row.verdicts ?? []) {
    const mark = store.rowOf(id)?.mark;
    if (mark) count[mark] += 1;
  }
  return count;
}

/** @param {HTMLElement} box @param {Store} store */
export function checks(box, store) {
  const row = appraisalInView(store);
  if (!row) {
    const later = rowsOfKind(store, "appraisal").length;
    const text = later ? `At step ${store.cursor + 1} nobody has checked the evidence yet.` : "No evidence was checked in this run. In plain TLS a client checks a certificate and a name, and here both were right.";
    return void box.append(h("p", { class: "tl-empty", text }));
  }
  const verdicts = (row.verdicts ?? []).map((id) => /** @type {VerdictRow | undefined} */ (store.rowOf(id))).filter((x) => x !== undefined);
  const order = [...verdicts].sort((a, b) => Number(b?.mark === "fail") - Number(a?.mark === "fail"));
  const list = h("div", { class: "tl-checks" });
  for (const x of order) if (x) list.append(checkOf(x));
  box.append(h("p", { class: "tl-dim" }, `${store.party(row.at ?? "").name} about ${store.party(row.about ?? "").the}, `, stepLink(store, row.id)), list);
}
