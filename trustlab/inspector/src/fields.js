/** The tree of a message's fields; beside it, where there is one, the same message on the other leg. */
import { chevron, cut, h, range } from "./dom.js";
import { fieldsOf } from "./paths.js";
import { VirtualList } from "./virtual.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {import("./types.js").Compared} Compared
 * @typedef {import("./paths.js").Field} Field
 */

const HIGH = 25;
const VALUE = 40;
/** So many fields stand open at first; deeper ones are folded until a tree is that short. */
const OPEN = 40;

export class Fields {
  /** @param {Store} store @param {number} view */
  constructor(store, view) {
    this.store = store;
    this.view = view;
    /** @type {Field[]} */
    this.fields = [];
    /**
     * Numbers of the fields in view, in order.
     * @type {number[]}
     */
    this.visible = [];
    /**
     * What is unfolded, of each piece that was looked at.
     * @type {WeakMap<object, Set<number>>}
     */
    this.opened = new WeakMap();
    /** @type {Set<number>} */
    this.open = new Set();
    /** @type {Map<string, Field> | null} */
    this.other = null;
    /** @type {Map<number, Compared>} */
    this.compared = new Map();
    this.pieceHex = "";
    this.otherHex = "";
    this.head = h("div", { class: "tl-tr tl-trhead" });
    this.inner = h("div", { class: "tl-treelines", role: "presentation" });
    this.tree = h("div", { class: "tl-tree", role: "tree", tabindex: 0, "aria-label": "Fields", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e) } }, this.inner);
    this.list = new VirtualList(this.tree, this.inner, (n) => this.row(this.fields[this.visible[n]]), () => HIGH);
  }

  /**
   * @param {Piece} piece
   * @param {Piece | null} twin
   * @param {Compared[]} compared
   * @param {(Node | string)[]} heads the names of the columns of values
   */
  show(piece, twin, compared, heads) {
    const { texts } = this.store.doc;
    this.fields = fieldsOf(piece, texts);
    this.other = twin ? new Map(fieldsOf(twin, texts).map((one) => [one.path, one])) : null;
    this.compared = new Map(compared.map((one) => [one.field, one]));
    this.pieceHex = piece.hex;
    this.otherHex = twin?.hex ?? "";
    this.open = this.opened.get(piece) ?? this.first();
    this.opened.set(piece, this.open);
    this.head.className = `tl-tr tl-trhead${twin ? "" : " tl-one"}`;
    this.head.replaceChildren(h("span", { class: "tl-headfield", text: "field" }), ...heads.flatMap((one, n) => (n ? [h("span"), h("span", {}, one)] : [h("span", {}, one)])), ...(twin ? [] : [h("span", { class: "tl-o", text: "bytes" })]));
    this.rebuild();
  }

  /** What stands open at first: as many levels as leave the tree short. */
  first() {
    for (let depth = 8; depth >= 0; depth -= 1) {
      const open = new Set(this.fields.filter((one) => !one.leaf && one.depth < depth).map((one) => one.n));
      if (depth === 1 || this.fields.filter((one) => one.depth <= depth).length <= OPEN) return open;
    }
    return new Set();
  }

  rebuild() {
    this.unfold(this.store.field);
    const visible = [];
    for (let n = 0; n < this.fields.length; n += 1) {
      visible.push(n);
      if (!this.fields[n].leaf && !this.open.has(n)) n = this.fields[n].last;
    }
    this.visible = visible;
    this.list.reset(visible.length);
    this.chosen();
  }

  /**
   * Open what a field lies in. Says whether anything was folded.
   * @param {number} n
   */
  unfold(n) {
    let folded = false;
    for (let up = this.fields[n]?.parent ?? -1; up >= 0; up = this.fields[up].parent) {
      if (this.open.has(up)) continue;
      this.open.add(up);
      folded = true;
    }
    return folded;
  }

  /** The chosen field changed. */
  chosen() {
    if (this.unfold(this.store.field)) return this.rebuild();
    const at = this.visible.indexOf(this.store.field);
    for (const [n, node] of this.list.nodes) this.mark(node, n === at);
    if (at >= 0) this.list.reveal(at, 50);
    this.tree.setAttribute("aria-activedescendant", `tl${this.view}-field-${this.store.field}`);
  }

  /** @param {Element} node @param {boolean} on */
  mark(node, on) {
    node.classList.toggle("tl-sel", on);
    node.setAttribute("aria-selected", String(on));
  }

  /** @param {Field} field */
  row(field) {
    const other = this.other?.get(field.path);
    const differs = this.other !== null && (!other || this.hexOf(field, this.pieceHex) !== this.hexOf(other, this.otherHex));
    const must = differs && this.compared.get(field.n)?.word === "has to differ";
    const open = this.open.has(field.n);
    const kinds = ["tl-tr", !this.other && "tl-one", field.leaf ? "" : "tl-parent", differs && "tl-ne", must && "tl-must"].filter(Boolean).join(" ");
    const sign = this.other ? h("span", { class: "tl-r" }, differs ? h("b", { text: "≠" }) : "=") : h("span", { class: "tl-o", text: range(field.start, field.end).replace(/^\D+/, "") });
    const node = h("div", { class: kinds, role: "treeitem", id: `tl${this.view}-field-${field.n}`, "data-field": field.n, "data-path": field.path, "aria-level": field.depth + 1, "aria-expanded": field.leaf ? null : String(open), style: `--d:${field.depth}` },
      h("span", { class: `tl-f${field.leaf ? " tl-leaf" : ""}` }, field.leaf ? null : h("span", { class: "tl-fold1", "data-fold": field.n, "aria-hidden": "true" }, chevron()), h("span", { class: "tl-fname", text: cut(field.label, 80) })),
      h("span", { class: "tl-v", text: this.value(field, this.pieceHex) }), sign,
      this.other && h("span", { class: "tl-v", text: differs ? (other ? this.value(other, this.otherHex) : "absent") : field.leaf ? "the same" : "" }));
    this.mark(node, field.n === this.store.field);
    return node;
  }

  /** @param {Field} field @param {string} hex */
  hexOf(field, hex) {
    return hex.slice(2 * field.start, 2 * field.end);
  }

  /** @param {Field} field @param {string} hex */
  value(field, hex) {
    if (field.value) return cut(field.value, 120);
    return field.leaf ? cut(hex.substr(2 * field.start, Math.min(2 * (field.end - field.start), VALUE + 1)), VALUE) : "";
  }

  // Hands

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {Element} */ (event.target);
    const fold = target.closest("[data-fold]");
    const row = target.closest("[data-field]");
    if (fold) this.toggle(Number(fold.getAttribute("data-fold")));
    else if (row) this.store.choose({ field: Number(row.getAttribute("data-field")) });
  }

  /** @param {number} n @param {boolean} [open] */
  toggle(n, open = !this.open.has(n)) {
    if (open) this.open.add(n);
    else {
      this.open.delete(n);
      const { field } = this.store;
      if (field > n && field <= this.fields[n].last) this.store.choose({ field: n });
    }
    this.rebuild();
  }

  /**
   * As the ARIA pattern of a tree has it.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.visible.indexOf(this.store.field);
    const field = this.fields[this.store.field];
    let to = null;
    if (event.key === "ArrowDown") to = this.visible[at + 1];
    else if (event.key === "ArrowUp") to = this.visible[at - 1];
    else if (event.key === "Home") [to] = this.visible;
    else if (event.key === "End") to = this.visible.at(-1);
    else if (event.key === "ArrowRight" && field && !field.leaf) {
      if (this.open.has(field.n)) to = field.n + 1;
      else this.toggle(field.n, true);
    } else if (event.key === "ArrowLeft" && field) {
      if (!field.leaf && this.open.has(field.n)) this.toggle(field.n, false);
      else if (field.parent >= 0) to = field.parent;
    } else if (event.key !== "ArrowRight") return;
    event.preventDefault();
    event.stopPropagation();
    if (typeof to === "number") this.store.choose({ field: to });
  }
}
