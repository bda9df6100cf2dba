/** One view: its parts, its sizes, its keys. */
import { h, s } from "./dom.js";
import { Ladder } from "./ladder.js";
import { PanelView } from "./panel.js";
import { OVERS } from "./panels.js";
import { Store } from "./store.js";

/**
 * @typedef {import("./store.js").Book} Book
 */

const NARROW = 860;
const WIDE = 1720;

export class View {
  /** @param {HTMLElement} el @param {Book} book */
  constructor(el, book) {
    this.el = el;
    const store = (this.store = new Store(book));
    this.ladder = new Ladder(store);
    this.panel = new PanelView(store, this.ladder.view);
    this.wires = s("svg", { class: "tl-wires", "aria-hidden": "true" });
    this.said = h("div", { class: "tl-sr", role: "status" });
    this.right = h("div", { class: "tl-right" }, this.panel.node);
    this.main = h("div", { class: "tl-main" }, this.ladder.node, this.right, this.wires);
    this.node = h("div", { class: "tl-view" }, this.main, this.said);
    this.root = h("div", { class: "tl-root" }, this.node);
    el.append(this.root);
    store.on((changed) => this.draw(changed));
    this.sizes = new ResizeObserver(() => this.measure());
    this.sizes.observe(this.root);
    this.measure();
    store.begin();
    for (const key of ["doc", "frame", "row", "tab"]) store.mark(key);
    store.draw();
  }

  measure() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.store.set({ width, narrow: width < NARROW, wide: width >= WIDE });
    this.store.mark("width");
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    this.ladder.draw(changed);
    this.panel.draw(changed);
    if (changed.has("said")) this.said.textContent = this.store.said;
    for (const over of OVERS) {
      if (!over.needs.some((key) => changed.has(key))) continue;
      this.wires.replaceChildren();
      over(this.wires, this.store);
    }
  }

  close() {
    this.sizes.disconnect();
    this.store.close();
    this.root.remove();
  }
}
