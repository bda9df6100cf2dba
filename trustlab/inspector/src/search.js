/** Find a field by name, by text, by its bytes in hex; in slices, so that the window stays quick. */
import { cap, cut, fill, h, icon } from "./dom.js";
import { called } from "./ladder.js";
import { fieldOfByte, fieldsOf } from "./paths.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {{row: number, piece: number, field: number, title: string, value: string, weight: number}} Hit
 */

const SHOWN = 40;
const ENOUGH = 400;
const SLICE = 8;
let boxes = 0;

export class Search {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.id = `tl-hits-${(boxes += 1)}`;
    /** @type {Hit[]} */
    this.hits = [];
    this.at = 0;
    this.run = 0;
    this.input = /** @type {HTMLInputElement} */ (h("input", {
      type: "search", placeholder: "Find a field, text, hex", "aria-label": "Find a field, text or hex", role: "combobox", "aria-expanded": false, "aria-controls": this.id, "aria-autocomplete": "list", spellcheck: "false",
      on: { input: () => this.find(this.input.value), keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), focus: () => this.input.value && this.find(this.input.value) },
    }));
    this.list = h("div", { class: "tl-hitlist", role: "listbox", id: this.id, "aria-label": "Found" });
    this.sum = h("p", { class: "tl-hitsum", role: "status" });
    this.box = h("div", { class: "tl-hits" }, this.sum, this.list);
    this.box.hidden = true;
    this.node = h("div", { class: "tl-find", role: "search", "aria-label": `Find in ${store.doc.frame.title || "this run"}`, on: { focusout: (/** @type {FocusEvent} */ e) => { if (!this.node.contains(/** @type {Node | null} */ (e.relatedTarget))) this.shut(); } } }, icon("M7 12A5 5 0 107 2a5 5 0 000 10zM11 11l3 3"), this.input, h("kbd", { "aria-hidden": "true", text: "/" }), this.box);
  }

  shut() {
    this.run += 1;
    this.box.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  /** @param {string} question */
  async find(question) {
    const wanted = question.trim().toLowerCase();
    if (wanted.length < 2) return this.shut();
    const run = (this.run += 1);
    /** @type {Hit[]} */
    const hits = [];
    let until = performance.now() + SLICE;
    for (const found of hitsOf(this.store, wanted)) {
      if (found) hits.push(found);
      if (hits.length >= ENOUGH) break;
      if (performance.now() < until) continue;
      await new Promise((go) => setTimeout(go));
      if (run !== this.run) return;
      until = performance.now() + SLICE;
    }
    hits.sort((a, b) => a.weight - b.weight || a.row - b.row);
    this.hits = hits.slice(0, SHOWN);
    this.at = 0;
    this.box.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.sum.textContent = !hits.length ? "Nothing found." : hits.length > SHOWN ? `The first ${SHOWN} of ${hits.length >= ENOUGH ? `more than ${ENOUGH}` : hits.length}.` : `${hits.length} found.`;
    fill(this.list, this.hits.map((hit, n) => h("div", { class: "tl-hit", role: "option", id: `${this.id}-${n}`, "aria-selected": n === 0, on: { mousedown: (/** @type {Event} */ e) => e.preventDefault(), click: () => this.take(n) } }, h("i", { text: hit.row + 1 }), h("b", { text: cut(hit.title, 90) }), h("span", { class: "tl-mono", text: cut(hit.value, 90) }))));
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((node, n) => node.setAttribute("aria-selected", String(n === this.at)));
    if (this.hits.length) this.input.setAttribute("aria-activedescendant", `${this.id}-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} n */
  take(n) {
    const hit = this.hits[n];
    if (!hit) return;
    this.shut();
    this.store.choose({ row: hit.row, piece: hit.piece, field: hit.field < 0 ? undefined : hit.field });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    event.stopPropagation();
    if (event.key === "Escape") {
      this.input.value = "";
      this.shut();
      this.input.blur();
    } else if (event.key === "Enter") this.take(this.at);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.at = Math.max(0, Math.min(this.hits.length - 1, this.at + (event.key === "ArrowDown" ? 1 : -1)));
      this.mark();
    }
  }
}

/**
 * Go through a document; what is between hits is null, so that whoever asks can pause.
 * @param {Store} store
 * @param {string} wanted in lower case
 * @returns {Generator<Hit | null>}
 */
function* hitsOf(store, wanted) {
  const { rows, texts } = store.doc;
  const hex = wanted.replace(/^0x/, "").replace(/[\s:]/g, "");
  const isHex = hex.length >= 4 && hex.length % 2 === 0 && /^[0-9a-f]+$/.test(hex);
  const named = new Set();
  texts.forEach((text, n) => { if (text.toLowerCase().includes(wanted)) named.add(n); });
  for (const row of rows) {
    const title = cap(called(row)) || cap(row.kind);
    const weight = row.kind === "message" || row.kind === "read" ? 0 : row.kind === "tpm" ? 4 : 2;
    if (`${title} ${row.name} ${row.text} ${row.say}`.toLowerCase().includes(wanted)) yield { row: row.id, piece: 0, field: -1, title, value: row.text || row.say, weight: weight - 1 };
    for (let piece = 0; piece < row.parts.length; piece += 1) {
      const part = row.parts[piece];
      for (let n = 0; n < part.fields.length && named.size; n += 1) {
        const [label, , start, end, value] = part.fields[n];
        if (!named.has(label) && !named.has(value ?? 0)) continue;
        yield { row: row.id, piece, field: n, title: `${title} › ${texts[label]}`, value: texts[value ?? 0] || part.hex.slice(2 * start, 2 * Math.min(end, start + 20)), weight: weight + (/size$|length$|type$/.test(texts[label]) ? 2 : 0) };
      }
      if (isHex) yield octetsIn(store, row, piece, hex, title, weight);
    }
    yield null;
  }
}

/**
 * @param {Store} store @param {AnyRow} row @param {number} piece @param {string} hex @param {string} title @param {number} weight
 * @returns {Hit | null}
 */
function octetsIn(store, row, piece, hex, title, weight) {
  const part = row.parts[piece];
  let at = part.hex.indexOf(hex);
  while (at >= 0 && at % 2) at = part.hex.indexOf(hex, at + 1);
  if (at < 0) return null;
  const fields = fieldsOf(part, store.doc.texts);
  const field = fieldOfByte(fields, at / 2);
  return { row: row.id, piece, field, title: field < 0 ? title : `${title} › ${fields[field].label}`, value: part.hex.slice(Math.max(0, at - 8), at + 36), weight };
}
