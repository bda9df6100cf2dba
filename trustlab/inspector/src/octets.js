/** Bytes as hex: one leg or two, aligned by field; only what is in view exists, so that a megabyte opens at once. */
import { bytes, cut, fill, h } from "./dom.js";
import { fieldsOf } from "./paths.js";
import { cellOf, segmentAt, stripOf } from "./strip.js";
import { VirtualList } from "./virtual.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {import("./paths.js").Field} Field
 * @typedef {import("./strip.js").Strip} Strip
 */

const TALL = 20;
const CELL = 21.7;
const ASCII = 7.4;
const ADDRESS = 50;
const GAP = "··";

export class Octets {
  /**
   * @param {Store} store
   * @param {(text: string, x: number, y: number) => void} tip shows words at the pointer, or takes them away
   */
  constructor(store, tip) {
    this.store = store;
    this.tip = tip;
    /** @type {Piece | null} */
    this.piece = null;
    /** @type {Piece | null} */
    this.twin = null;
    /** @type {Strip} */
    this.strip = { segments: [], cells: 0, differing: 0 };
    /** @type {Field[]} */
    this.fields = [];
    /** @type {Field[]} */
    this.twinFields = [];
    /**
     * Bytes that the reader changed in a held message.
     * @type {Map<number, string>}
     */
    this.edits = new Map();
    this.caret = -1;
    this.editing = false;
    this.half = "";
    this.perLine = 16;
    this.about = h("span");
    this.legs = h("span", { class: "tl-seg tl-push" });
    this.bar = h("div", { class: "tl-hexbar" }, this.about, this.legs);
    this.inner = h("div", { class: "tl-hexlines" });
    this.scroller = h("div", {
      class: "tl-hex", tabindex: 0, role: "group", "aria-label": "Bytes",
      on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e), mousemove: (/** @type {MouseEvent} */ e) => this.point(e), mouseleave: () => this.tip("", 0, 0) },
    }, this.inner);
    this.node = h("div", { class: "tl-hexwrap" }, this.bar, this.scroller);
    this.list = new VirtualList(this.scroller, this.inner, (n) => this.line(n), () => TALL);
    for (const [label, both] of /** @type {[string, boolean][]} */ ([["both legs", true], ["one", false]]))
      this.legs.append(h("button", { "data-both": String(both), text: label, on: { click: () => store.set({ both }) } }));
  }

  get two() {
    return this.twin !== null && this.store.both;
  }

  /**
   * Show a piece, beside its twin if there is one; `names` says whose each is.
   * @param {Piece} piece
   * @param {Piece | null} twin
   * @param {string[]} names
   */
  show(piece, twin, names) {
    const { store } = this;
    const texts = store.doc.texts;
    if (piece !== this.piece) {
      this.edits.clear();
      this.caret = -1;
    }
    this.piece = piece;
    this.twin = twin;
    this.fields = fieldsOf(piece, texts);
    this.twinFields = twin ? fieldsOf(twin, texts) : [];
    this.strip = stripOf(piece, this.two ? twin : null, texts);
    const difference = twin ? stripOf(piece, twin, texts).differing : 0;
    fill(this.about, this.two ? names.join("  |  ") : { plain: "what the ends see, decrypted", command: "the command", response: "the response", wire: "bytes as sent", data: "bytes" }[piece.role],
      twin && h("span", { class: "tl-tag", text: difference ? `${difference.toLocaleString("en")} of ${bytes(piece.hex.length / 2)} differ` : "not one byte differs" }));
    this.legs.hidden = !twin;
    for (const button of this.legs.children) button.setAttribute("aria-pressed", String(button.getAttribute("data-both") === String(store.both)));
    this.layout();
  }

  /** Lay the bytes out for the width there is. */
  layout() {
    if (!this.piece) return;
    const width = this.scroller.clientWidth - 28;
    const fits = (/** @type {number} */ k) => (this.two ? ADDRESS + 2 * k * CELL + 18 : ADDRESS + k * (CELL + ASCII) + 36) <= width;
    this.perLine = (this.two ? [16, 12, 8, 6, 4] : [32, 24, 16, 12, 8]).find(fits) ?? (this.two ? 4 : 8);
    this.list.reset(Math.ceil(this.strip.cells / this.perLine));
    this.reveal();
  }

  /** The chosen field changed. */
  chosen() {
    this.list.refresh();
    this.reveal();
  }

  reveal() {
    const field = this.fields[this.store.field];
    const byte = this.caret >= 0 ? this.caret : field?.start;
    if (byte !== undefined) this.list.reveal(Math.floor(cellOf(this.strip.segments, byte) / this.perLine), 24);
  }

  /** @param {number} n */
  line(n) {
    const from = n * this.perLine;
    const to = Math.min(this.strip.cells, from + this.perLine);
    const left = this.side("a", from, to);
    const address = this.strip.segments[segmentAt(this.strip.segments, from)];
    const byte = address.a ? Math.min(address.a.end - 1, address.a.start + from - address.at) : 0;
    return h("div", { class: "tl-hx" }, h("span", { class: "tl-address", "aria-hidden": "true", text: byte.toString(16).padStart(4, "0") }), left.node, this.two ? this.side("b", from, to).node : h("span", { class: "tl-ascii", "aria-hidden": "true", text: left.ascii }));
  }

  /**
   * The cells of one leg on one line: an element for each stretch that looks alike.
   * @param {"a" | "b"} leg
   * @param {number} from
   * @param {number} to
   */
  side(leg, from, to) {
    const { segments } = this.strip;
    const hex = leg === "a" ? this.piece?.hex ?? "" : this.twin?.hex ?? "";
    const otherHex = leg === "a" ? this.twin?.hex ?? "" : this.piece?.hex ?? "";
    const chosen = this.chosenRange(leg);
    const node = h("span", { class: "tl-hexcells" });
    let ascii = "";
    let word = "";
    let look = "";
    let field = -1;
    const flush = (/** @type {boolean} */ last) => {
      if (word) node.append(h("s", { class: look, "data-n": leg === "a" ? field : null }, word), last ? "" : " ");
      word = "";
    };
    let n = segmentAt(segments, from);
    for (let cell = from; cell < to; cell += 1) {
      while (cell >= segments[n].at + segments[n].length) n += 1;
      const { at, a, b } = segments[n];
      const mine = leg === "a" ? a : b;
      const other = leg === "a" ? b : a;
      const byte = mine && cell - at < mine.end - mine.start ? mine.start + cell - at : -1;
      const there = other && cell - at < other.end - other.start ? other.start + cell - at : -1;
      const edited = leg === "a" ? this.edits.get(byte) : undefined;
      const text = byte < 0 ? GAP : edited ?? hex.substr(2 * byte, 2);
      const differs = this.two && (byte < 0 || there < 0 || text !== otherHex.substr(2 * there, 2));
      const kinds = [differs && "tl-n", byte >= chosen.start && byte < chosen.end && "tl-chosen", chosen.loot && byte >= chosen.start && byte < chosen.end && "tl-loot", edited !== undefined && "tl-edited", leg === "a" && byte === this.caret && byte >= 0 && "tl-caret"].filter(Boolean).join(" ");
      const owner = mine ? mine.field : -1;
      if (kinds !== look || owner !== field) {
        flush(false);
        look = kinds;
        field = owner;
      }
      word += word ? ` ${text}` : text;
      if (byte >= 0 && !this.two) {
        const code = parseInt(text, 16);
        ascii += code > 32 && code < 127 ? String.fromCharCode(code) : code === 32 ? " " : "·";
      }
    }
    flush(true);
    node.append("   ".repeat(from + this.perLine - to));
    return { node, ascii };
  }

  /**
   * The bytes of the chosen field on a leg.
   * @param {"a" | "b"} leg
   */
  chosenRange(leg) {
    const { store } = this;
    const field = this.fields[store.field];
    if (!field) return { start: -1, end: -1, loot: false };
    if (leg === "a") {
      const row = store.chosen;
      return { start: field.start, end: field.end, loot: row?.kind === "read" && row.secret && row.loot !== null && field.value !== "" && field.value === row.text.slice(...row.loot) };
    }
    const twin = this.twinFields.find((one) => one.path === field.path);
    return { start: twin?.start ?? -1, end: twin?.end ?? -1, loot: false };
  }

  // Hands

  /** @param {MouseEvent} event */
  click(event) {
    const found = /** @type {HTMLElement} */ (event.target).closest("[data-n]");
    if (!(found instanceof HTMLElement)) return;
    const n = Number(found.dataset.n);
    if (this.editing) this.caret = this.byteAt(event, found);
    if (n >= 0 && n !== this.store.field) this.store.choose({ field: n });
    else this.list.refresh();
  }

  /**
   * The byte under the pointer, by the letters of its stretch.
   * @param {MouseEvent} event
   * @param {HTMLElement} stretch
   */
  byteAt(event, stretch) {
    const box = stretch.getBoundingClientRect();
    const count = ((stretch.textContent ?? "").length + 1) / 3;
    const inside = Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
    const line = /** @type {HTMLElement} */ (stretch.closest(".tl-hx"));
    let cell = 0;
    for (const [n, node] of this.list.nodes) if (node === line) cell = n * this.perLine;
    for (let before = stretch.previousElementSibling; before; before = before.previousElementSibling) cell += ((before.textContent ?? "").length + 1) / 3;
    const segment = this.strip.segments[segmentAt(this.strip.segments, cell + inside)];
    return segment.a ? Math.min(segment.a.end - 1, segment.a.start + cell + inside - segment.at) : -1;
  }

  /** @param {MouseEvent} event */
  point(event) {
    const found = /** @type {Element} */ (event.target).closest?.("[data-n]");
    const field = this.fields[Number(found?.getAttribute("data-n") ?? -1)];
    this.tip(field ? `${field.label}${field.note ? `: ${cut(field.note, 200)}` : ""}` : "", event.clientX, event.clientY);
  }

  /**
   * Arrows walk over the bytes and choose their fields; in a held message, hex digits change the byte.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (!this.piece || event.ctrlKey || event.metaKey || event.altKey) return;
    const size = this.piece.hex.length / 2;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.perLine, ArrowUp: -this.perLine, Home: -size, End: size }[event.key];
    const digit = this.editing && /^[0-9a-f]$/i.test(event.key);
    if (by === undefined && !digit) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.caret < 0) this.caret = Math.max(0, this.fields[this.store.field]?.start ?? 0);
    else if (by !== undefined) this.caret = Math.min(size - 1, Math.max(0, this.caret + by));
    if (by !== undefined) this.half = "";
    if (digit) this.type(event.key.toLowerCase(), size);
    const segment = this.strip.segments.find(({ a }) => a && a.start <= this.caret && this.caret < a.end);
    const field = segment?.a?.field ?? -1;
    if (field >= 0 && field !== this.store.field) this.store.choose({ field });
    else this.chosen();
  }

  /**
   * @param {string} digit
   * @param {number} size
   */
  type(digit, size) {
    if (!this.half) {
      this.half = digit;
      return;
    }
    const value = this.half + digit;
    this.half = "";
    if (value === this.piece?.hex.substr(2 * this.caret, 2)) this.edits.delete(this.caret);
    else this.edits.set(this.caret, value);
    this.caret = Math.min(size - 1, this.caret + 1);
    this.store.mark("edits");
  }
}
