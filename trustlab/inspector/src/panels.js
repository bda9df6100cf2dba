/** What stands in the panel beside the message, and what is drawn over everything. */
import { binding } from "./binding.js";
import { appraisalInView, checks, tally } from "./checks.js";
import { holds } from "./holds.js";
import { keys } from "./keys.js";
import { pcrs } from "./pcrs.js";
import { tamper } from "./tamper.js";
import { wires } from "./wires.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {{(box: HTMLElement, store: Store): void, needs: string[]}} Fill fills an empty element; called again when a key of `needs` changes
 * @typedef {{id: string, label: string, fill: Fill, count?: (store: Store) => string}} Panel
 * @typedef {{(box: SVGElement, store: Store): void, needs: string[]}} Over the same, for the sheet of lines over ladder and panel
 */

/**
 * The tabs, in order; the first one stands open beside the others in wide windows.
 * @type {Panel[]}
 */
export const PANELS = [
  { id: "binding", label: "The binding", fill: binding },
  { id: "holds", label: "Who holds what", fill: holds },
  { id: "keys", label: "Keys", fill: keys },
  { id: "pcrs", label: "PCRs", fill: pcrs },
  { id: "checks", label: "Checks", fill: checks, count: countChecks },
  { id: "tamper", label: "Tamper map", fill: tamper },
];

/** @type {Over[]} */
export const OVERS = [wires];

/** @param {Store} store */
function countChecks(store) {
  const row = appraisalInView(store);
  if (!row) return "";
  const count = tally(row, store);
  return `${count.pass} ✔${count.fail ? ` ${count.fail} ✘` : ""}`;
}
