/** What the Verifier checked, one line a check. */
import { h } from "./dom.js";
import { rowsOfKind, stepLink } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").VerdictRow} VerdictRow */
/** @typedef {import("./types.js").AppraisalRow} AppraisalRow */

checks.needs = ["doc", "frame", "cursor", "row"];

const CHECK_SIGN = { pass: "✔", fail: "✘", none: "○" };
const CHECK_WORD = { pass: "passed", fail: "failed", none: "not asked for" };

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
  const list = h("ul", { class: "tl-checks" });
  for (const x of order) if (x) list.append(checkLine(x, store));
  box.append(h("p", { class: "tl-dim" }, `${store.party(row.at ?? "").name} about ${store.party(row.about ?? "").the}, `, stepLink(store, row.id)), list);
}

/** @param {VerdictRow} x @param {Store} store */
function checkLine(x, store) {
  const mark = x.mark || "none";
  return h(
    "li",
    { class: `tl-check tl-${mark}` },
    h("span", { class: "tl-sign", "aria-hidden": "true", text: CHECK_SIGN[mark] }),
    h("button", { class: "tl-link tl-plainlink", type: "button", on: { click: () => store.choose({ row: x.id }) } }, h("b", { text: x.name }), h("span", { class: "tl-sr", text: ` ${CHECK_WORD[mark]}` })),
    h("p", { text: x.say || x.text || "" }),
    mark === "fail" ? expectedAndFound(x) : null,
    x.clause ? h("p", { class: "tl-clause", text: x.clause }) : null,
  );
}

/**
 * Expected and found, from a little before the first octet that differs.
 * @param {VerdictRow} x
 */
export function expectedAndFound(x) {
  const [expected, found] = [pairsOf(x.expected), pairsOf(x.found)];
  if (!expected.length || !found.length) return null;
  const first = expected.findIndex((o, n) => o !== found[n]);
  const from = Math.max(0, (first < 0 ? 0 : first) - 2);
  const line = (/** @type {string[]} */ mine, /** @type {string[]} */ other) =>
    h("span", { class: "tl-mono" }, from ? "… " : "", ...mine.slice(from, from + 16).flatMap((o, n) => [o === other[from + n] ? o : h("u", { text: o }), " "]), mine.length > from + 16 ? "…" : "");
  return h("dl", { class: "tl-cmp" }, h("dt", { text: "expected" }), h("dd", {}, line(expected, found)), h("dt", { text: "found" }), h("dd", {}, line(found, expected)));
}

/** @param {string | undefined} hex @returns {string[]} */
const pairsOf = (hex) => (hex ?? "").match(/../g) ?? [];
