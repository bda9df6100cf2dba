/** What stands in the panel beside the message, and what is drawn over everything. */

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
export const PANELS = [];

/** @type {Over[]} */
export const OVERS = [];
