/** The verdict: Alice's steps as a small ladder with words, or the bounds within which there are none. */
import { h } from "./dom.js";

/** @typedef {import("./studiochoice.js").Answer} Answer */
/** @typedef {import("./studiochoice.js").Choices} Choices */
/** @typedef {import("./studiochoice.js").DrawnStep} DrawnStep */

/** Who stands where, from the left: name, and the class of the colour. */
const LANES = /** @type {Record<string, [string, string]>} */ ({
  teller: ["Teller", "tl-teller"], alice: ["Alice", "tl-alice"], bank: ["Bank", "tl-bank"], machine: ["Its machine", "tl-bank"], genuine: ["Her machine", "tl-other"],
});
/** Whose value a provenance is. */
const WHOSE = /** @type {Record<string, string>} */ ({
  teller: "tl-teller", "teller-anew": "tl-teller", "teller-machine": "tl-teller", bank: "tl-bank", "bank-machine": "tl-bank",
  genuine: "tl-other", "genuine-machine": "tl-other", own: "tl-alice", rogue: "tl-alice", any: "tl-alice", checked: "tl-alice",
});

/** @param {DrawnStep[]} steps */
const lanesOf = (steps) => Object.keys(LANES).filter((who) => who === "alice" || steps.some((step) => step.party === who));

/**
 * Draw the steps: lanes at the left, words at the right.
 * @param {Choices} all @param {DrawnStep[]} steps
 */
export function ladderOf(all, steps) {
  const lanes = lanesOf(steps);
  const at = (/** @type {string} */ who) => (100 * (lanes.indexOf(who) + 0.5)) / lanes.length;
  const lifelines = () => lanes.map((who) => h("i", { class: `tl-slife ${LANES[who][1]}`, style: `left:${at(who)}%` }));
  const head = h("div", { class: "tl-srow tl-snames", "aria-hidden": "true" },
    h("div", { class: "tl-slanes" }, lanes.map((who) => h("b", { class: LANES[who][1], style: `left:${at(who)}%`, text: LANES[who][0] }))));
  const rows = steps.map((step, n) => {
    const [from, to] = step.sends ? [step.party, "alice"] : ["alice", step.party];
    const right = at(from) < at(to);
    const ends = `left:${Math.min(at(from), at(to))}%;right:${100 - Math.max(at(from), at(to))}%`;
    const fields = Object.entries(step.fields);
    return h("li", { class: "tl-srow" },
      h("div", { class: "tl-slanes", "aria-hidden": "true" }, lifelines(),
        h("div", { class: `tl-sarrow ${right ? "tl-sright" : "tl-sleft"} ${step.sends ? LANES[step.party][1] : "tl-alice"}`, style: ends }, h("span", { text: step.message }))),
      h("div", { class: "tl-swords" },
        h("p", {}, h("b", { class: "tl-snumber", text: `${n + 1}` }), `${step.did}.`),
        fields.length ? h("ul", { class: "tl-sfields" }, fields.map(([name, where]) => h("li", { class: WHOSE[where] }, h("b", { text: name }), h("span", { text: all.provenances[where] })))) : null));
  });
  return h("div", { class: "tl-sladder" }, head, h("ol", { "aria-label": "Alice's steps" }, rows));
}

/**
 * Draw the bounds of a search that found nothing.
 * @param {Answer} answer
 */
export function boundsOf(answer) {
  return h("div", { class: "tl-sbounds" },
    h("p", { text: "Within these bounds no order of messages, and no choice of values, leads Alice there:" }),
    h("p", { class: "tl-sbound", text: `${answer.bounds}.` }),
    h("p", { class: "tl-dim", text: "This is not a proof. An attack with more sessions, or with a value that no menu has, would not be seen." }));
}

/**
 * The sentence under a verdict: how much was looked at.
 * @param {Answer} answer
 */
export function effortOf(answer) {
  const states = answer.states === 1 ? "1 state" : `${(answer.states ?? 0).toLocaleString("en")} states`;
  return answer.seconds === undefined ? `${states} searched beforehand` : `${states} in ${Math.max(1, Math.round(answer.seconds * 1000)).toLocaleString("en")} ms`;
}
