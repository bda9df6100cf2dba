// Made from trustlab/inspector/src by python -m trustlab.inspector.join; change it there.

// page.js
/** The page opened from a disk: a model without a kernel, over the document that stands in the page, gzipped in base64. */

/** @typedef {import("./store.js").Model} Model */

/**
 * Unpack what `export.py` packed: base64 of gzip of JSON.
 * @param {string} packed
 * @returns {Promise<any>}
 */
async function unpack(packed) {
  const octets = Uint8Array.from(atob(packed.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([octets]).stream().pipeThrough(new (/** @type {any} */ (globalThis).DecompressionStream)("gzip"));
  return new Response(stream).json();
}

/**
 * A model with no kernel behind it: it keeps values, and nobody answers.
 * @param {any} document
 * @returns {Model}
 */
function still(document) {
  /** @type {Record<string, any>} */
  const values = { _document: document, _page: true, chosen: -1, chosen_field: "" };
  return {
    get: (name) => values[name],
    set: (name, value) => void (values[name] = value),
    save_changes: () => {},
    on: () => {},
    off: () => {},
    send: () => {},
  };
}

/**
 * Draw the document of the page's element `document` into its element `inspector`.
 * @param {{render(given: {model: Model, el: HTMLElement}): unknown}} widget
 */
async function openPage(widget) {
  const packed = document.getElementById("document");
  const el = document.getElementById("inspector");
  if (!packed || !el) throw new Error("the page lacks its element document or inspector");
  widget.render({ model: still(await unpack(packed.textContent ?? "")), el });
}

// dom.js
/** Making elements. Nothing here ever reads markup: what a trace says stays text. */

const SVG = "http://www.w3.org/2000/svg";
const FOCUSABLE = ["a", "button", "input", "select", "summary", "textarea"];

/**
 * Controls that reorder or hide text (Unicode Bidirectional Algorithm, UAX #9; C0 and C1; zero width) as a word that can be seen.
 * Line feed and tab stay.
 */
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Return text as it may be shown: what would hide or reorder it stands there as its code point.
 * @param {string} text
 */
function shown(text) {
  return text.replace(HIDDEN, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element. `props` are attributes; `class`, `text`, `style` and `on` (listeners) are what they say.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || (value === false && !key.startsWith("aria-"))) continue;
    if (key === "text") node.textContent = shown(String(value));
    else if (key === "class") node.className = value;
    else if (key === "on") listen(node, value);
    else if (key === "style") node.style.cssText = value;
    else node.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : shown(String(value)));
  }
  // The notebook must not take keys pressed in here for its own commands (x would cut the cell). It looks for this mark
  // on the focused element itself.
  if ("tabindex" in props || FOCUSABLE.includes(tag)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  put(node, children);
  return node;
}

/**
 * Make an SVG element, as `h` makes one of HTML.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
function s(tag, props = {}, ...children) {
  const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = shown(String(value));
    else if (key === "on") listen(node, value);
    else node.setAttribute(key, shown(String(value)));
  }
  if ("tabindex" in props) node.setAttribute("data-lm-suppress-shortcuts", "true");
  put(node, children);
  return node;
}

/** @param {Element} node @param {Record<string, any>} listeners */
function listen(node, listeners) {
  for (const [name, f] of Object.entries(listeners)) if (f) node.addEventListener(name, f);
}

/** @param {Element} node @param {(Child | Child[])[]} children */
function put(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : shown(String(child)));
  }
}

/**
 * Draw a path of 16 by 16 units in the colour of the text.
 * @param {string} path @param {number} [size]
 */
function icon(path, size = 14) {
  const look = { fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" };
  return s("svg", { width: size, height: size, viewBox: "0 0 16 16", "aria-hidden": "true", class: "tl-icon", ...look }, s("path", { d: path }));
}

/** The sign of something that unfolds. */
const chevron = () => icon("M6 3l5 5-5 5", 11);

/** @param {number} n */
const bytes = (n) => (n === 1 ? "1 byte" : `${n.toLocaleString("en")} bytes`);

/**
 * Name a half open range of bytes.
 * @param {number} start @param {number} end
 */
const range = (start, end) => (end <= start ? `no bytes at ${start}` : end - start === 1 ? `byte ${start}` : `bytes ${start}–${end - 1}`);

/** @param {string} text */
const cap = (text) => text && text[0].toUpperCase() + text.slice(1);

/**
 * Cut text, and say so.
 * @param {string} text @param {number} length
 */
const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

/**
 * Draw an element's children anew.
 * @param {Element} node @param {...(Child | Child[])} children
 */
function fill(node, ...children) {
  node.replaceChildren();
  put(node, children);
}

// types.js
// Made from document.py by python -m trustlab.inspector.join; change it there.

/**
 * @typedef {{frame: Frame, rows: (AnyRow)[], texts: (string)[], tamper: (Tampered)[]}} Document
 * @typedef {{title: string, substrate: string, badge: string, outcome: string, secrets_shown: boolean, live: boolean, lifelines: (string)[], phases: (Phase)[], reads: (number)[], prize: string, bindings: (Binding)[], secrets: (HeldSecret)[], pcrs: (Extended)[], notes: (string)[], steering: Steering | null}} Frame
 * @typedef {{name: string, first: number, last: number}} Phase
 * @typedef {{design: string, role: string, attester: string, verifier: string, inputs: (Input)[], binder: string, extra_data: string, holds: boolean, not_covered: string, attester_row: number | null, verifier_row: number | null, appraisal: number | null}} Binding
 * @typedef {{name: string, plain: string, say: string, attester: string | null, verifier: string | null, differs: boolean, attester_source: Source | null, verifier_source: Source | null}} Input
 * @typedef {{row: number, part: number, start: number, end: number}} Source
 * @typedef {{id: string, name: string, connection: string, row: number, holders: (Holder)[], inputs: (string)[], level: number, say: string, clause: string, prize: boolean, hex: string, snippet: string}} HeldSecret
 * @typedef {{party: string, row: number, how: string}} Holder
 * @typedef {{machine: string, pcr: number, row: number, before: string, digest: string, after: string, what: string}} Extended
 * @typedef {{state: "ended" | "held" | "running", connection: string, message: string, row: number | null, breaks: (string)[]}} Steering
 * @typedef {{kind: "event", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>}} PlainRow
 * @typedef {{title: string, hex: string, role: "command" | "data" | "plain" | "response" | "wire", fields: (TreeField)[], secret: boolean}} Piece
 * @typedef {[number, number, number, number, number, number, number]} TreeField
 * @typedef {{kind: "section", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, act: string}} SectionRow
 * @typedef {{kind: "connect", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, src: string, dst: string, twin: number | null}} ConnectRow
 * @typedef {{kind: "message", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, direction: string, offset: number | null, size: number, encrypted: boolean, state: "read" | "wire" | "written", altered: boolean, dropped: boolean, alert: string, fatal: boolean, twin: number | null, differs: boolean, compared: (Compared)[], first: number}} MessageRow
 * @typedef {{field: number, differs: boolean, word: string, text: string}} Compared
 * @typedef {{kind: "tpm", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, ms: number, client: string, locality: number, rc: number, rc_name: string, first: number}} TpmRow
 * @typedef {{kind: "machine", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, boot: boolean}} MachineRow
 * @typedef {{kind: "attack", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>}} AttackRow
 * @typedef {{kind: "app", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>}} AppRow
 * @typedef {{kind: "truth", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, addressed: string, answers: string}} TruthRow
 * @typedef {{kind: "binder", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, side: "" | "attester" | "verifier", binder: string}} BinderRow
 * @typedef {{kind: "verdict", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, appraisal: number | null, expected: string, found: string}} VerdictRow
 * @typedef {{kind: "appraisal", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, about: string, refused_by: string, failed: (string)[], verdicts: (number)[], binding: number | null}} AppraisalRow
 * @typedef {{kind: "read", id: number, at: string, to: string, name: string, text: string, say: string, more: string, clause: string, mark: "" | "fail" | "none" | "pass", connection: string, section: number, time: number, anchor: string, parts: (Piece)[], details: Record<string, any>, of: number, secret: boolean, loot: [number, number] | null}} ReadRow
 * @typedef {{design: string, connection: string, message: string, nth: number, field: string, kind: string, party: string, caught_by: string, sentence: string, keys: boolean}} Tampered
 * @typedef {{rows: (AnyRow)[], texts_from: number, texts: (string)[], frame: Frame | null, tamper: (Tampered)[]}} Batch
 * @typedef {PlainRow | SectionRow | ConnectRow | MessageRow | TpmRow | MachineRow | AttackRow | AppRow | TruthRow | BinderRow | VerdictRow | AppraisalRow | ReadRow} AnyRow
 */

/**
 * The class of a row by its kind.
 * @type {Record<string, string>}
 */
const ROWS = {"event": "PlainRow", "section": "SectionRow", "connect": "ConnectRow", "message": "MessageRow", "tpm": "TpmRow", "machine": "MachineRow", "attack": "AttackRow", "app": "AppRow", "truth": "TruthRow", "binder": "BinderRow", "verdict": "VerdictRow", "appraisal": "AppraisalRow", "read": "ReadRow"};

/**
 * Of each class: what values left out stand for, and which values are of which class.
 * @type {Record<string, any[]>}
 */
const SHAPES = {"Document": [{"rows": [], "tamper": []}, {"frame": "Frame", "rows": "row", "tamper": "Tampered"}], "Frame": [{"title": "", "substrate": "", "badge": "", "outcome": "", "secrets_shown": false, "live": false, "lifelines": [], "phases": [], "reads": [], "prize": "", "bindings": [], "secrets": [], "pcrs": [], "notes": [], "steering": null}, {"phases": "Phase", "bindings": "Binding", "secrets": "HeldSecret", "pcrs": "Extended", "steering": "Steering"}], "Phase": [{}, {}], "Binding": [{"attester": "", "verifier": "", "inputs": [], "binder": "", "extra_data": "", "holds": false, "not_covered": "", "attester_row": null, "verifier_row": null, "appraisal": null}, {"inputs": "Input"}], "Input": [{"plain": "", "say": "", "attester": null, "verifier": null, "differs": false, "attester_source": null, "verifier_source": null}, {"attester_source": "Source", "verifier_source": "Source"}], "Source": [{"part": 0, "start": 0, "end": 0}, {}], "HeldSecret": [{"connection": "", "row": 0, "holders": [], "inputs": [], "level": 0, "say": "", "clause": "", "prize": false, "hex": "", "snippet": ""}, {"holders": "Holder"}], "Holder": [{"how": ""}, {}], "Extended": [{"before": "", "digest": "", "after": "", "what": ""}, {}], "Steering": [{"state": "running", "connection": "", "message": "", "row": null, "breaks": []}, {}], "PlainRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "Piece": [{"role": "data", "fields": [], "secret": false}, {}], "SectionRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "act": ""}, {"parts": "Piece"}], "ConnectRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "src": "", "dst": "", "twin": null}, {"parts": "Piece"}], "MessageRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "direction": "", "offset": null, "size": 0, "encrypted": false, "state": "read", "altered": false, "dropped": false, "alert": "", "fatal": false, "twin": null, "differs": false, "compared": [], "first": 0}, {"parts": "Piece", "compared": "Compared"}], "Compared": [{"differs": false, "word": "", "text": ""}, {}], "TpmRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "ms": 0.0, "client": "", "locality": 0, "rc": 0, "rc_name": "", "first": 0}, {"parts": "Piece"}], "MachineRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "boot": false}, {"parts": "Piece"}], "AttackRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "AppRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "TruthRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "addressed": "", "answers": ""}, {"parts": "Piece"}], "BinderRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "side": "", "binder": ""}, {"parts": "Piece"}], "VerdictRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "appraisal": null, "expected": "", "found": ""}, {"parts": "Piece"}], "AppraisalRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "about": "", "refused_by": "", "failed": [], "verdicts": [], "binding": null}, {"parts": "Piece"}], "ReadRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "of": 0, "secret": false, "loot": null}, {"parts": "Piece"}], "Tampered": [{"party": "", "caught_by": "", "sentence": "", "keys": false}, {}], "Batch": [{"rows": [], "texts_from": 0, "texts": [], "frame": null, "tamper": []}, {"rows": "row", "frame": "Frame", "tamper": "Tampered"}]};

// store.js
/** What a view knows and what the reader chose: one `Book` a model (the document), one `Store` a view (the choice). */

/**
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").TreeField} TreeField
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {{get(name: string): any, set(name: string, value: any): void, save_changes(): void,
 *   on(name: string, f: Function): void, off(name: string, f: Function): void, send(content: any): void}} Model
 * @typedef {{name: string, the: string, tone: string}} Party
 * @typedef {"doc" | "frame" | "cursor" | "row" | "piece" | "field" | "tab" | "chip" | "secretId" | "narrow" | "width" | "aligned" |
 *   "filter" | "folds" | "both" | "up" | "live" | "layout" | "said" | "compare" | "playing" | "stops" | "pins"} Key
 */

const KNOWN = /** @type {Record<string, Party>} */ ({
  teller: { name: "Teller", the: "the teller", tone: "tl-teller" },
  alice: { name: "Alice", the: "Alice", tone: "tl-alice" },
  bank: { name: "Bank", the: "the bank", tone: "tl-bank" },
  carol: { name: "Carol", the: "Carol", tone: "tl-carol" },
  lab: { name: "Lab", the: "the lab", tone: "tl-other" },
});

/**
 * Complete what Python left out because it says nothing.
 * @param {string} shape a class of `document.py`, or "row"
 * @param {any} value
 * @returns {any}
 */
function complete(shape, value) {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => complete(shape, one));
  const [defaults, parts] = SHAPES[shape === "row" ? ROWS[value.kind] ?? "PlainRow" : shape];
  const whole = { ...defaults, ...value };
  for (const key in parts) if (key in value) whole[key] = complete(parts[key], value[key]);
  return whole;
}

/** The document of one model, kept whole while batches come. All views of the model share it. */
class Book {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.doc = /** @type {Document} */ (complete("Document", model.get("_document") ?? { frame: {} }));
    this.live = this.doc.frame.live;
    this.asked = false;
    /** @type {Set<(kind: string, detail: any) => void>} */
    this.listeners = new Set();
    model.on("msg:custom", (/** @type {any} */ content, /** @type {any} */ buffers) => this.hear(content, buffers));
    // ipywidgets says so when the kernel goes or comes back; whether it is there, its answer tells.
    model.on("comm_live_update", () => this.probe());
    model.on("comm:close", () => this.alive(false));
  }

  /** @param {string} kind @param {any} [detail] */
  tell(kind, detail) {
    for (const listener of [...this.listeners]) listener(kind, detail);
  }

  /** @param {boolean} live */
  alive(live) {
    if (this.live === live) return;
    this.live = live;
    this.tell("live");
  }

  probe() {
    this.alive(false);
    this.resync();
  }

  resync() {
    if (this.asked) return;
    this.asked = true;
    this.model.send({ type: "resync" });
  }

  /** @param {any} content @param {any} buffers */
  hear(content, buffers) {
    if (content.type === "whole") {
      this.asked = false;
      this.doc = complete("Document", content.document);
      this.alive(this.doc.frame.live);
      this.tell("doc", null);
    } else if (content.type === "batch") {
      this.alive(true);
      this.take(content);
    } else this.tell(content.type, { ...content, buffers });
  }

  /**
   * Put rows at their number, texts behind the texts; ask for everything where one is missing.
   * @param {any} batch
   */
  take(batch) {
    const { doc } = this;
    const from = batch.texts_from ?? 0;
    const texts = batch.texts ?? [];
    if (from > doc.texts.length) return this.resync();
    texts.forEach((/** @type {string} */ text, /** @type {number} */ n) => (doc.texts[from + n] = text));
    const changed = new Set();
    for (const raw of batch.rows ?? []) {
      if (raw.id > doc.rows.length) return this.resync();
      doc.rows[raw.id] = complete("row", raw);
      changed.add(raw.id);
    }
    if (batch.frame) doc.frame = complete("Frame", batch.frame);
    if (batch.tamper?.length) doc.tamper = [...doc.tamper, ...complete("Tampered", batch.tamper)];
    if (batch.frame) this.tell("frame");
    if (changed.size || batch.tamper?.length) this.tell("doc", changed);
  }
}

/** What one view shows. `set` changes it; listeners hear once a frame which keys changed. */
class Store {
  /** @param {Book} book */
  constructor(book) {
    this.book = book;
    /** The point in time: everything up to this row has happened. */
    this.cursor = 0;
    /** The chosen row, its piece, and the field in it (-1: none). */
    this.row = 0;
    this.piece = 0;
    this.field = -1;
    /** Whether the reader chose the row; until then a view follows what happens. */
    this.touched = false;
    this.tab = "";
    /** The input of the binder that is pointed at, and the secret, by name. */
    this.chip = "";
    this.secretId = "";
    /** Panels: which binding, which connection's keys, which run of the tamper map; -1 and "" leave it to the panel. */
    this.bindingNumber = -1;
    this.leg = "";
    this.cell = -1;
    this.narrow = false;
    this.wide = false;
    this.width = 0;
    this.aligned = true;
    this.filter = { messages: false, failures: false, party: "" };
    /**
     * Folds that are open.
     * @type {Set<string>}
     */
    this.folds = new Set();
    this.both = true;
    /** Narrow windows: whether the sheet is pulled up. */
    this.up = false;
    this.playing = false;
    /**
     * Where playing a recording stops.
     * @type {Set<string>}
     */
    this.stops = new Set(["refusal", "reads"]);
    /**
     * Rows to print beside the chosen one.
     * @type {Set<number>}
     */
    this.pins = new Set();
    /**
     * A run beside this one: what if.
     * @type {{document: Document, first: any} | null}
     */
    this.compare = null;
    this.said = "";
    /** Ladders are scrolled to the chosen row when the choice was not made in them. */
    this.reveal = true;
    /** @type {Set<(changed: Set<string>) => void>} */
    this.listeners = new Set();
    /** @type {Set<string>} */
    this.changed = new Set();
    this.frame = 0;
    this.unhear = this.follow();
  }

  get doc() {
    return this.book.doc;
  }

  /** Whether a kernel answers. */
  get live() {
    return this.book.live;
  }

  /** @param {number} number @returns {string} */
  text(number) {
    return this.doc.texts[number] ?? "";
  }

  /** @param {number} id @returns {AnyRow | undefined} */
  rowOf(id) {
    return this.doc.rows[id];
  }

  /**
   * The chosen row.
   * @returns {AnyRow | undefined}
   */
  get chosen() {
    return this.doc.rows[this.row];
  }

  /** @param {string} name @returns {Party} */
  party(name) {
    return KNOWN[name] ?? { name: cap(name), the: name, tone: "tl-other" };
  }

  /**
   * Name an act, connection or leg in words: `teller-alice` is "teller – Alice".
   * @param {string} name
   */
  connectionName(name) {
    return name.replace(/-\d+$/, "").split("-").map((one) => KNOWN[one]?.the.replace(/^the /, "") ?? one).join(" – ");
  }

  /**
   * Whether this run can be steered from here.
   * @param {string} _action
   */
  can(_action) {
    return this.live && this.doc.frame.steering !== null && this.doc.frame.steering.state !== "ended";
  }

  /**
   * Choose a row, a piece of it, a field of that; what is not named is chosen well.
   * @param {{row?: number, piece?: number, field?: number, reveal?: boolean, quiet?: boolean}} choice
   */
  choose({ row = this.row, piece, field, reveal = true, quiet = false }) {
    const chosen = this.doc.rows[row];
    if (!chosen) return;
    const other = row !== this.row;
    piece = Math.min(piece ?? (other ? this.firstPiece(chosen) : this.piece), Math.max(0, chosen.parts.length - 1));
    const fields = chosen.parts[piece]?.fields.length ?? 0;
    if (field === undefined) field = !other && piece === this.piece ? this.field : this.firstField(chosen, piece);
    if (!quiet) this.touched = true;
    this.reveal = reveal;
    this.set({ row, piece, field: Math.min(field, fields - 1), cursor: Math.max(this.cursor, row) });
    if (other && reveal) this.mark("layout");
  }

  /**
   * The piece to look at first: what was read, before what lies around it.
   * @param {AnyRow} row
   */
  firstPiece(row) {
    return row.kind === "read" ? Math.max(0, row.parts.findIndex((one) => one.role === "plain")) : 0;
  }

  /**
   * The field to look at first.
   * @param {AnyRow} row @param {number} piece
   */
  firstField(row, piece) {
    const fields = row.parts[piece]?.fields.length ?? 0;
    const first = "first" in row && piece === this.firstPiece(row) ? row.first : 0;
    return fields ? Math.min(first, fields - 1) : -1;
  }

  /**
   * Go to a point in time, and choose what happened then.
   * @param {number} cursor
   */
  go(cursor) {
    const at = Math.max(0, Math.min(this.doc.rows.length - 1, cursor));
    this.touched = true;
    this.set({ cursor: at });
    const row = this.doc.rows[at];
    if (row && row.kind !== "verdict" && row.id !== this.row) this.choose({ row: at });
  }

  /**
   * Change what the view shows.
   * @param {Record<string, any>} values
   */
  set(values) {
    const self = /** @type {Record<string, any>} */ (/** @type {unknown} */ (this));
    for (const [key, value] of Object.entries(values)) {
      if (self[key] === value) continue;
      self[key] = value;
      this.mark(key);
    }
  }

  /**
   * Say that a key changed, though it is the same object.
   * @param {string} key
   */
  mark(key) {
    this.changed.add(key);
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Draw what waits for the next frame, now. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { changed } = this;
    this.changed = new Set();
    if (changed.size) for (const listener of [...this.listeners]) listener(changed);
  }

  /**
   * Hear which keys changed, once a frame. Returns how to stop.
   * @param {(changed: Set<string>) => void} listener
   */
  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @param {Record<string, any>} message */
  send(message) {
    this.book.model.send(message);
  }

  /**
   * Say something in the line that screen readers hear.
   * @param {string} text
   */
  say(text) {
    this.said = text;
    this.mark("said");
  }

  /** Take what the model says into this view. Returns how to stop. */
  follow() {
    let end = this.doc.rows.length - 1;
    /** @param {string} kind @param {any} detail */
    const hear = (kind, detail) => {
      if (kind === "doc") {
        const last = this.doc.rows.length - 1;
        if (this.cursor >= end) this.set({ cursor: last });
        end = last;
        this.rowsChanged = detail;
        if (!this.touched) this.begin();
        this.mark("doc");
      } else if (kind === "select") {
        this.choose({ row: detail.row, piece: detail.part, field: detail.field });
      } else if (kind === "say") this.say(detail.text);
      else if (kind === "what-if") this.set({ compare: { document: complete("Document", detail.document), first: detail.first } });
      else this.mark(kind);
    };
    this.book.listeners.add(hear);
    return () => this.book.listeners.delete(hear);
  }

  /** Choose what a reader should see first: that Alice reads, a refusal, an acceptance, or the last thing that happened. */
  begin() {
    const { rows, frame } = this.doc;
    this.set({ cursor: Math.max(0, rows.length - 1) });
    const held = frame.steering?.state === "held" ? frame.steering.row : null;
    const found = held ?? landing(rows);
    if (found !== null) this.choose({ row: found, quiet: true });
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.unhear();
    this.listeners.clear();
  }
}

/**
 * The row a run is about.
 * @param {AnyRow[]} rows @returns {number | null}
 */
function landing(rows) {
  let found = null;
  for (const row of rows) {
    if (row.kind === "read" && row.secret) return row.id;
    if (row.kind === "appraisal" && (found === null || row.mark === "fail")) found = row.id;
  }
  if (found !== null) return found;
  for (let n = rows.length - 1; n >= 0; n -= 1) if (["message", "tpm"].includes(rows[n].kind)) return n;
  return rows.length ? rows.length - 1 : null;
}

// lines.js
/** Rows -> lines of the ladder: what stands beside what, what is folded, what a filter leaves. Pure. */

/**
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {"pair" | "say" | "tpm" | "fold" | "sub" | "verdict" | "read" | "bind" | "caption"} LineKind
 * @typedef {{t: LineKind, ids: number[], key?: string, open?: boolean}} Line
 * @typedef {{aligned: boolean, filter: {messages: boolean, failures: boolean, party: string}, folds: Set<string>}} Choice
 */

const BARS = 24;
const SHORT = 3;

/**
 * Whether a filter leaves a row.
 * @param {AnyRow} row @param {Choice["filter"]} filter
 */
function passes(row, filter) {
  if (filter.party && row.at !== filter.party && row.to !== filter.party) return false;
  if (filter.messages && !["message", "appraisal", "read"].includes(row.kind)) return false;
  if (!filter.failures) return true;
  if (row.kind === "message") return row.fatal || row.dropped || row.altered;
  if (row.kind === "tpm") return row.rc !== 0;
  return row.mark === "fail" || (row.kind === "read" && row.secret);
}

/**
 * Return the lines for rows. `ids` are the rows of a line in order of time; two of a `pair` are one message on two legs.
 * @param {AnyRow[]} rows
 * @param {Choice} choice
 * @returns {Line[]}
 */
function linesOf(rows, choice) {
  /** @type {Line[]} */
  const lines = [];
  /**
   * Lines that belong behind an earlier one: what Alice says of the leg that is drawn there.
   * @type {Map<Line, Line[]>}
   */
  const behind = new Map();
  /** @type {Map<number, Line>} */
  const drawn = new Map();
  const { filter, aligned } = choice;
  /**
   * Where each connection opens.
   * @type {Map<string, Line>}
   */
  const opened = new Map();
  const filtered = filter.messages || filter.failures || filter.party !== "";
  /** Machines' steps before this row are known to stand open. */
  let clear = 0;
  /** @type {Line | null} */
  let group = null;
  for (let n = 0; n < rows.length; n += 1) {
    const row = rows[n];
    if (row.kind === "verdict" || drawn.has(n) || !passes(row, filter)) continue;
    if (row.kind === "truth" && row.addressed && row.addressed === row.answers) continue; // as it should be
    if (n >= clear && !filtered && (row.kind === "machine" || row.kind === "tpm")) {
      const [end, scanned] = machines(rows, n);
      if (end - n >= SHORT) {
        lines.push(...folded(rows, n, end, choice.folds));
        n = end - 1;
        group = null;
        continue;
      }
      clear = scanned;
    }
    if (row.kind === "tpm") {
      if (group && group.ids.length < BARS && rows[group.ids[0]].at === row.at) group.ids.push(n);
      else lines.push((group = { t: "tpm", ids: [n] }));
      continue;
    }
    group = null;
    /** @type {Line} */
    const line = { t: kindOf(row), ids: [n] };
    if (line.t === "pair") {
      const twin = aligned && "twin" in row ? row.twin : null;
      if (twin !== null && twin > n && rows[twin] && passes(rows[twin], filter)) line.ids.push(twin);
      for (const id of line.ids) drawn.set(id, line);
      if (row.kind === "connect") opened.set(row.connection, line);
    }
    // What speaks of a leg or a connection that is drawn already stands behind it.
    const spoken = aligned && row.kind === "attack" ? drawn.get(n + 1) : undefined;
    const place = aligned && row.kind === "truth" ? opened.get(row.connection) : spoken;
    if (place) behind.set(place, [...(behind.get(place) ?? []), line]);
    else lines.push(line);
  }
  return behind.size ? lines.flatMap((line) => [line, ...(behind.get(line) ?? [])]) : lines;
}

/** @param {AnyRow} row @returns {LineKind} */
function kindOf(row) {
  if (row.kind === "message" || row.kind === "connect") return "pair";
  if (row.kind === "appraisal") return "verdict";
  if (row.kind === "read") return "read";
  if (row.kind === "binder") return "bind";
  return row.kind === "section" ? "caption" : "say";
}

/**
 * Where a stretch of machines that start or stop ends, their steps and their TPMs'; and how far it was looked for.
 * @param {AnyRow[]} rows @param {number} from @returns {[number, number]}
 */
function machines(rows, from) {
  let end = from;
  let booted = false;
  while (end < rows.length) {
    const row = rows[end];
    if (row.kind !== "machine" && row.kind !== "tpm" && row.kind !== "attack") break;
    if (row.kind === "machine") booted ||= row.boot || row.name === "power off";
    end += 1;
  }
  if (!booted) return [from, end];
  // TPM commands behind the last machine's step belong to what follows.
  let last = end;
  while (last > from && rows[last - 1].kind !== "machine") last -= 1;
  return [last, end];
}

/** @param {AnyRow[]} rows @param {number} from @param {number} end @param {Set<string>} folds @returns {Line[]} */
function folded(rows, from, end, folds) {
  const ids = [];
  /** @type {Line[]} */
  const attacks = [];
  for (let n = from; n < end; n += 1) {
    if (rows[n].kind === "attack") attacks.push({ t: "say", ids: [n] });
    else ids.push(n);
  }
  const key = `fold-${from}`;
  const open = folds.has(key);
  /** @type {Line[]} */
  const subs = open ? ids.map((id) => ({ t: "sub", ids: [id] })) : [];
  return [{ t: "fold", ids, key, open }, ...subs, ...attacks];
}

/**
 * The line of each row, by id; a row without a line of its own has that of the next one that has, as a check that of its appraisal.
 * @param {Line[]} lines
 * @param {number} count
 */
function placesOf(lines, count) {
  const places = new Int32Array(count).fill(-1);
  lines.forEach((line, n) => {
    for (const id of line.ids) places[id] = n;
  });
  let next = -1;
  for (let id = count - 1; id >= 0; id -= 1) {
    if (places[id] < 0) places[id] = next;
    else next = places[id];
  }
  return places;
}

// virtual.js
/** A long list of which only what is in view exists: lines of any height, measured when they are drawn. */

const OVERSCAN = 240;

class VirtualList {
  /**
   * @param {HTMLElement} scroller it has a size of its own and scrolls
   * @param {HTMLElement} inner in it, as high as all lines
   * @param {(n: number) => HTMLElement} render makes line `n`
   * @param {(n: number) => number} estimate its height in pixels until it is drawn
   */
  constructor(scroller, inner, render, estimate) {
    this.scroller = scroller;
    this.inner = inner;
    this.render = render;
    this.estimate = estimate;
    this.count = 0;
    this.heights = new Float64Array(0);
    this.tops = new Float64Array(1);
    /**
     * Lines in view, by number.
     * @type {Map<number, HTMLElement>}
     */
    this.nodes = new Map();
    this.top = 0;
    this.view = 0;
    scroller.addEventListener("scroll", () => this.update(scroller.scrollTop), { passive: true });
  }

  /**
   * Draw `count` lines anew; the first `same` of them are as high as they were.
   * @param {number} count @param {number} [same]
   */
  reset(count, same = 0) {
    const heights = new Float64Array(count);
    const keep = Math.min(same, this.count, count);
    heights.set(this.heights.subarray(0, keep));
    for (let n = keep; n < count; n += 1) heights[n] = this.estimate(n);
    this.heights = heights;
    this.count = count;
    this.sum(0, new Float64Array(count + 1));
    this.refresh();
  }

  /** Draw again what is in view. */
  refresh() {
    for (const node of this.nodes.values()) node.remove();
    this.nodes.clear();
    this.resize();
  }

  /** The window changed its size. */
  resize() {
    this.view = this.scroller.clientHeight;
    this.update(this.scroller.scrollTop);
  }

  /** @param {number} from @param {Float64Array} [tops] */
  sum(from, tops = this.tops) {
    if (from === 0) tops[0] = 0;
    for (let n = from; n < this.count; n += 1) tops[n + 1] = tops[n] + this.heights[n];
    this.tops = tops;
    this.inner.style.height = `${tops[this.count]}px`;
  }

  /**
   * The line at a height.
   * @param {number} y
   */
  at(y) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** @param {number} top how far the list is scrolled */
  update(top) {
    this.top = top;
    if (!this.count) return;
    for (let round = 0; round < 4; round += 1) {
      const first = this.at(this.top - OVERSCAN);
      const last = this.at(this.top + this.view + OVERSCAN);
      for (const [n, node] of this.nodes) {
        if (n >= first && n <= last) continue;
        node.remove();
        this.nodes.delete(n);
      }
      /** @type {[number, HTMLElement][]} */
      const fresh = [];
      let next = null;
      for (let n = last; n >= first; n -= 1) {
        let node = this.nodes.get(n);
        if (!node) {
          node = this.render(n);
          node.style.position = "absolute";
          node.style.left = "0";
          node.style.right = "0";
          this.nodes.set(n, node);
          this.inner.insertBefore(node, next); // in reading order, for screen readers and the tab key
          fresh.push([n, node]);
        }
        node.style.top = `${this.tops[n]}px`;
        next = node;
      }
      if (!this.measure(fresh)) return;
    }
  }

  /**
   * Measure lines just drawn; say whether anything has to move.
   * @param {[number, HTMLElement][]} fresh
   */
  measure(fresh) {
    const anchor = this.at(this.top);
    let from = this.count;
    let moved = 0;
    for (const [n, node] of fresh) {
      const height = node.offsetHeight;
      if (!height || Math.abs(height - this.heights[n]) < 0.5) continue;
      if (n < anchor) moved += height - this.heights[n];
      this.heights[n] = height;
      from = Math.min(from, n);
    }
    if (from === this.count) return false;
    this.sum(from);
    if (moved) {
      this.scroller.scrollTop = this.top + moved; // what is looked at stays where it is
      this.top = this.scroller.scrollTop;
    }
    return true;
  }

  /**
   * Scroll until line `n` is in view, with room above and below.
   * @param {number} n @param {number} [room]
   */
  reveal(n, room = 60) {
    if (n < 0 || n >= this.count) return;
    for (let round = 0; round < 3; round += 1) {
      const top = this.tops[n];
      const end = this.tops[n + 1];
      const to = top < this.top + 8 ? top - room : end > this.top + this.view - 8 ? end - this.view + room : this.top;
      if (Math.abs(to - this.top) < 1) return;
      const far = Math.abs(to - this.top) > this.view;
      this.scroller.scrollTop = far ? top - this.view / 3 : to;
      this.update(this.scroller.scrollTop);
    }
  }
}

// ladder.js
/** The ladder: a line of life for each party, and what was said between them. Only what is in view exists. */

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./lines.js").Line} Line
 */

const HEIGHTS = { pair: 41, say: 29, tpm: 61, fold: 42, sub: 26, verdict: 132, read: 116, bind: 28, caption: 42 };
const LOW = { pair: 38, say: 30, tpm: 54, fold: 50, sub: 28, verdict: 170, read: 150, bind: 30, caption: 50 };
const SIGN = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "–", "": "" });
const STATE = /** @type {Record<string, string>} */ ({ written: "written, not sent", wire: "on the wire", read: "" });
const LABEL = /** @type {Record<string, string>} */ ({ SupplementalData: "Evidence" });
const SLIM = 40;

let views = 0;

/**
 * What a message is called.
 * @param {AnyRow} row
 */
const called = (row) => LABEL[row.name] ?? row.name;

/**
 * Where a lifeline stands, in hundredths of the width.
 * @param {number} n @param {number} count
 */
const place = (n, count) => (count < 2 ? 50 : 12 + (76 * n) / (count - 1));

class Ladder {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.view = (views += 1);
    /** @type {Line[]} */
    this.lines = [];
    this.places = new Int32Array(0);
    this.firsts = new Int32Array(0);
    /** @type {Map<string, number>} */
    this.columns = new Map();
    this.headed = "";
    this.names = h("div", { class: "tl-names" });
    this.inner = h("div", { class: "tl-lines" });
    this.now = h("div", { class: "tl-now", "aria-hidden": "true" });
    this.lives = h("div", { class: "tl-lives", "aria-hidden": "true" });
    this.scroller = h("div", { class: "tl-rows", role: "group", tabindex: 0, "aria-label": "Steps", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e) } }, this.inner);
    this.inner.append(this.lives, this.now);
    this.node = h("section", { class: "tl-card tl-ladder", "aria-label": "What was said" }, this.tools(), this.names, this.scroller);
    const estimate = (/** @type {number} */ n) => (store.narrow ? LOW : HEIGHTS)[this.lines[n].t];
    this.list = new VirtualList(this.scroller, this.inner, (n) => this.line(this.lines[n]), estimate);
    this.scroller.addEventListener("scroll", () => store.mark("layout"), { passive: true });
  }

  tools() {
    const { store } = this;
    const kinds = h("span", { class: "tl-seg tl-legs" });
    for (const [label, value] of /** @type {[string, boolean][]} */ ([["legs side by side", true], ["in order of time", false]]))
      kinds.append(h("button", { "data-aligned": String(value), "aria-pressed": value === store.aligned, text: label, on: { click: () => store.set({ aligned: value }) } }));
    const tick = (/** @type {"messages" | "failures"} */ key, /** @type {string} */ label) =>
      h("label", { class: "tl-tick" }, h("input", { type: "checkbox", on: { change: (/** @type {any} */ e) => this.narrowTo({ [key]: e.target.checked }) } }), label);
    this.parties = h("select", { class: "tl-party", "aria-label": "Steps of which party", on: { change: (/** @type {any} */ e) => this.narrowTo({ party: e.target.value }) } });
    this.bar = h("div", { class: "tl-ltools" }, kinds, h("span", { class: "tl-push" }, this.parties, tick("messages", "messages only"), tick("failures", "failures")));
    return this.bar;
  }

  /** @param {Partial<Store["filter"]>} change */
  narrowTo(change) {
    this.store.set({ filter: { ...this.store.filter, ...change } });
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    const { store } = this;
    if (["doc", "frame", "folds", "aligned", "filter", "narrow"].some((key) => changed.has(key))) this.rebuild(changed.has("narrow"));
    else if (changed.has("width")) this.list.resize();
    if (changed.has("cursor") || changed.has("doc")) this.time();
    if (changed.has("row") || changed.has("doc")) this.choice();
    if (changed.has("row") && store.reveal) this.reveal();
  }

  /** @param {boolean} anew */
  rebuild(anew) {
    const { store } = this;
    const { rows, frame } = store.doc;
    const lifelines = frame.lifelines;
    const known = new Set(lifelines);
    this.columns = new Map(lifelines.map((name, n) => [name, place(n, known.size)]));
    this.lines = linesOf(rows, store);
    this.places = placesOf(this.lines, rows.length);
    this.firsts = Int32Array.from(this.lines, (line) => line.ids[0]);
    const alone = rows.some((row) => "twin" in row && row.twin !== null);
    this.bar?.classList.toggle("tl-onelegged", !alone);
    for (const button of this.bar?.querySelectorAll("[data-aligned]") ?? []) button.setAttribute("aria-pressed", String(String(store.aligned) === button.getAttribute("data-aligned")));
    this.head(lifelines);
    this.list.reset(this.lines.length, anew ? 0 : this.lines.length);
    this.time();
    this.choice();
    store.mark("layout");
  }

  /** @param {string[]} lifelines */
  head(lifelines) {
    const { store } = this;
    const key = lifelines.join();
    if (this.headed === key) return;
    this.headed = key;
    const middle = store.doc.rows.some((row) => row.kind === "attack");
    this.names.replaceChildren(...lifelines.map((name) => {
      const party = store.party(name);
      return h("span", { class: `tl-name ${party.tone}`, style: `left:${this.columns.get(name)}%` }, party.name, name === "alice" && middle && h("small", { text: "in the middle" }));
    }));
    this.lives.replaceChildren(...lifelines.map((name) => h("i", { class: store.party(name).tone, style: `left:${this.columns.get(name)}%` })));
    const all = lifelines.map((name) => h("option", { value: name, text: store.party(name).name }));
    this.parties?.replaceChildren(h("option", { value: "", text: "everybody" }), ...all);
  }

  /** The future fades; a line says where now is. */
  time() {
    const { cursor, doc } = this.store;
    for (const node of this.inner.querySelectorAll("[data-at]")) node.classList.toggle("tl-future", Number(node.getAttribute("data-at")) > cursor);
    const next = cursor < doc.rows.length - 1 ? this.firsts.findIndex((first) => first > cursor) : -1;
    this.now.hidden = next < 0;
    this.now.dataset.t = `now: step ${cursor + 1}`;
    this.now.style.top = `${this.list.tops[Math.max(0, next)] ?? 0}px`;
    this.nextLine = next;
  }

  choice() {
    const { row } = this.store;
    for (const node of this.inner.querySelectorAll("[data-row]")) this.mark(node, Number(node.getAttribute("data-row")) === row);
    this.scroller.setAttribute("aria-activedescendant", `tl${this.view}-row-${row}`);
  }

  /** @param {Element} node @param {boolean} chosen */
  mark(node, chosen) {
    node.classList.toggle("tl-sel", chosen);
    node.setAttribute("aria-pressed", String(chosen));
  }

  reveal() {
    const { store } = this;
    const line = this.lines[this.places[store.row]];
    if (!line) return;
    if (line.t === "fold" && !line.open && line.ids.includes(store.row)) {
      store.folds.add(line.key ?? "");
      this.rebuild(false);
    }
    this.list.reveal(this.places[store.row]);
    this.time();
    this.choice();
    store.mark("layout");
  }

  // Lines

  /** @param {Line} line @returns {HTMLElement} */
  line(line) {
    const rows = this.store.doc.rows;
    const node = this.lineOf(line, rows[line.ids[0]]);
    const { cursor, row } = this.store;
    for (const one of [node, ...node.querySelectorAll("[data-at]")]) {
      const at = one.getAttribute("data-at");
      if (at !== null) one.classList.toggle("tl-future", Number(at) > cursor);
    }
    for (const one of node.querySelectorAll("[data-row]")) this.mark(one, Number(one.getAttribute("data-row")) === row);
    if (node.hasAttribute("data-row")) this.mark(node, Number(node.getAttribute("data-row")) === row);
    return node;
  }

  /** @param {Line} line @param {AnyRow} row @returns {HTMLElement} */
  lineOf(line, row) {
    switch (line.t) {
      case "pair": return this.pair(line);
      case "tpm": return this.tpm(line);
      case "fold": return this.fold(line);
      case "sub": return this.sub(row);
      case "verdict": return this.verdict(row);
      case "read": return this.read(row);
      case "bind": return this.bind(row);
      case "caption": return h("div", { ...this.of(row, "tl-line tl-caption") }, h("b", { text: cap(row.name) }), row.text);
      default: return h("div", { class: `tl-line tl-say tl-say-${row.kind}` }, h("span", { ...this.of(row, this.store.party(row.at).tone) }, row.text || row.say || row.name));
    }
  }

  /**
   * What every element of a row carries.
   * @param {AnyRow} row @param {string} kind
   */
  of(row, kind) {
    return { class: kind, role: "button", id: `tl${this.view}-row-${row.id}`, "data-row": row.id, "data-at": row.id, "data-anchor": row.anchor };
  }

  /** @param {Line} line */
  pair(line) {
    const rows = this.store.doc.rows;
    const [one, two] = line.ids.map((id) => rows[id]);
    if (!two) return h("div", { class: "tl-line tl-pair" }, this.half(one));
    const [left, right] = this.middle(one) <= this.middle(two) ? [one, two] : [two, one];
    const node = h("div", { class: "tl-line tl-pair tl-two" }, this.half(left), this.half(right));
    if (left.kind !== "message") return node;
    const differs = left.differs;
    const x = (this.middle(left) + this.middle(right)) / 2;
    node.append(h("button", {
      class: `tl-rel${differs ? " tl-ne" : ""}`, tabindex: -1, "data-at": Math.max(left.id, right.id), style: `left:${x}%`, text: differs ? "≠" : "=",
      title: differs ? "The two legs differ: see where" : "The same on both legs, byte for byte",
      "aria-label": differs ? `${called(left)} differs between the legs; show the difference` : `${called(left)} is the same on both legs`,
      on: { click: (/** @type {Event} */ e) => { e.stopPropagation(); this.difference(left); } },
    }));
    return node;
  }

  /**
   * Choose the field that has to differ between the legs.
   * @param {AnyRow} row
   */
  difference(row) {
    if (row.kind !== "message") return;
    const found = row.compared.find((one) => one.differs && one.word === "has to differ") ?? row.compared.find((one) => one.differs);
    this.store.set({ both: true, up: true });
    this.store.choose({ row: row.id, piece: 0, field: found?.field });
  }

  /** @param {AnyRow} row */
  span(row) {
    const from = this.columns.get(row.at) ?? 50;
    return [from, this.columns.get(row.to) ?? (from < 50 ? 100 : 0)];
  }

  /** @param {AnyRow} row */
  middle(row) {
    const [from, to] = this.span(row);
    return (from + to) / 2;
  }

  /** @param {AnyRow} row */
  half(row) {
    const { store } = this;
    const [from, to] = this.span(row);
    const message = row.kind === "message" ? row : null;
    const state = message ? STATE[message.state] : "";
    const held = store.doc.frame.steering?.state === "held" && store.doc.frame.steering.row === row.id;
    const kinds = [
      "tl-half", from < to ? "tl-tor" : "tl-tol", row.kind === "connect" && "tl-con", message?.encrypted && "tl-enc", message?.fatal && "tl-fatal",
      message && `tl-is-${message.state}`, message?.dropped && "tl-dropped", held && "tl-held", Math.max(from, to) > 60 && Math.min(from, to) > 40 ? "tl-outer" : "tl-inner",
    ];
    const at = store.party(row.at);
    const end = store.party(row.to);
    const what = row.kind === "connect" ? "connects" : called(row);
    const words = [what, `${at.name} to ${end.name}`, `step ${row.id + 1}`, message && (message.encrypted ? "encrypted" : "in clear"), state, message?.altered && "altered", message?.dropped && "dropped"];
    const notes = [held ? "held here" : state, message?.altered && "altered", message?.dropped && "dropped"].filter(Boolean).join(", ");
    const letter = (/** @type {import("./store.js").Party} */ party) => h("u", { class: party.tone, text: party.name[0] });
    return h("div", { ...this.of(row, kinds.filter(Boolean).join(" ")), style: `left:calc(${Math.min(from, to)}% + 2px);width:calc(${Math.abs(from - to)}% - 4px)`, title: words.filter(Boolean).join(", "), "aria-label": words.filter(Boolean).join(", ") },
      h("span", { class: "tl-letters", "aria-hidden": "true" }, letter(at), icon("M3 8h9M9 5l3 3-3 3", 12), letter(end)),
      h("span", { class: "tl-lbl" }, h("span", { class: "tl-on" }, message?.encrypted && h("i", { class: "tl-lock" }), h("b", {}, message?.alert ? [h("span", { class: "tl-alertword", text: "Alert " }), message.alert] : what),
        notes ? h("small", { class: "tl-state", text: notes }) : message?.size ? h("small", { class: "tl-size", text: `${message.size.toLocaleString("en")} B` }) : null), h("span", { class: "tl-srctag" })),
      h("small", { class: "tl-step", text: row.id + 1 }), h("span", { class: "tl-shaft" }));
  }

  /**
   * TPM commands as bars, as long as they took.
   * @param {Line} line
   */
  tpm(line) {
    const { store } = this;
    const rows = line.ids.map((id) => store.doc.rows[id]);
    const times = rows.map((row) => (row.kind === "tpm" ? row.ms : 0));
    const total = times.reduce((sum, one) => sum + one, 0);
    const party = store.party(rows[0].at);
    const x = this.columns.get(rows[0].at) ?? 50;
    const short = (/** @type {AnyRow} */ row) => row.name.replace(/^TPM2_/, "");
    const bars = rows.map((row, n) => {
      const share = total ? times[n] / total : 1 / rows.length;
      const slim = share * 300 < SLIM;
      return h("span", { ...this.of(row, `tl-bar${slim ? " tl-slim" : ""}${row.mark === "fail" ? " tl-failed" : ""}`), style: `flex:${Math.max(share, 0.004)} 0 0`, title: `${row.name}, ${times[n]} ms, step ${row.id + 1}`, "aria-label": `${row.name}, ${times[n]} milliseconds, step ${row.id + 1}` }, slim ? "" : short(row));
    });
    return h("div", { class: `tl-line tl-tpm ${party.tone}`, "data-at": rows[0].id },
      h("div", { class: "tl-tpmbox", style: x > 50 ? `right:calc(${100 - x}% + 6px)` : `left:calc(${x}% + 6px)` },
        h("div", { class: "tl-ttl" }, h("b", { text: `${party.name}'s TPM` }), h("span", { text: `${rows.length === 1 ? short(rows[0]) : `${rows.length} commands`}, ${total.toFixed(2)} ms` })),
        h("div", { class: "tl-bars" }, bars)));
  }

  /** @param {Line} line */
  fold(line) {
    const { store } = this;
    const rows = line.ids.map((id) => store.doc.rows[id]);
    const parties = (/** @type {string} */ name) => new Set(rows.filter((row) => row.kind === "machine" && row.name === name).map((row) => row.at)).size;
    const off = parties("power off");
    const started = parties("power on");
    const measured = parties("DRTM launch");
    const machines = (/** @type {number} */ n) => (n === 1 ? "1 machine" : `${n} machines`);
    const said = started ? `${machines(started)} started` : off ? `${machines(off)} switched off` : "Machines";
    return h("div", { class: "tl-line tl-fold", "data-at": rows[0].id },
      h("button", { "data-fold": line.key, "aria-expanded": line.open === true, on: { click: () => this.toggle(line) } }, chevron(), h("span", {}, h("b", { text: said }), measured > 0 && `, ${measured} of them measured into ${measured === 1 ? "its TPM" : "their TPMs"}`), h("span", { class: "tl-push", text: rows.length === 1 ? "1 step" : `${rows.length} steps` })));
  }

  /** @param {Line} line */
  toggle(line) {
    const { store } = this;
    const key = line.key ?? "";
    if (!store.folds.delete(key)) store.folds.add(key);
    store.mark("folds");
    store.draw();
    /** @type {HTMLElement | null} */ (this.inner.querySelector(`[data-fold="${key}"]`))?.focus();
  }

  /**
   * A step inside a fold.
   * @param {AnyRow} row
   */
  sub(row) {
    const party = this.store.party(row.at);
    const ms = row.kind === "tpm" ? row.ms : 0;
    return h("div", { ...this.of(row, `tl-line tl-sub ${party.tone}`) },
      h("i", { text: row.id + 1 }), h("em", { text: party.name }), h("span", { text: row.kind === "tpm" ? row.name : row.text || row.name }),
      ms ? h("span", { class: "tl-ms", style: `--w:${Math.min(60, ms * 8)}px`, text: `${ms} ms` }) : h("span"));
  }

  /** @param {AnyRow} row */
  verdict(row) {
    if (row.kind !== "appraisal") throw new TypeError(`row ${row.id} is no appraisal`);
    const { store } = this;
    const bad = row.mark === "fail";
    const checks = row.verdicts.map((id) => store.doc.rows[id]).filter(Boolean);
    const count = (/** @type {string} */ mark) => checks.filter((one) => one.mark === mark).length;
    const sum = `${count("pass")} passed, ${count("fail")} failed${count("none") ? `, ${count("none")} not asked` : ""}`;
    return this.box(row, bad ? "tl-bad" : "tl-good", `${cap(store.party(row.at).the)} ${bad ? "hangs up" : "accepts the evidence"}.`, h("p", { text: row.text || row.say }),
      checks.length > 0 && h("div", { class: "tl-strip", role: "img", "aria-label": `Checks: ${sum}` }, checks.map((one) => h("i", { class: `tl-mark-${one.mark}`, title: `${one.name}: ${one.text || one.say}`, text: SIGN[one.mark] })), h("span", { text: sum })));
  }

  /** @param {AnyRow} row @param {string} kind @param {string} title @param {...any} children */
  box(row, kind, title, ...children) {
    return h("div", { class: "tl-line tl-boxline" }, h("div", { ...this.of(row, `tl-box ${kind}`) }, h("strong", {}, h("span", { "aria-hidden": "true", text: kind === "tl-bad" ? "✘" : "✔" }), title), ...children));
  }

  /** @param {AnyRow} row */
  read(row) {
    if (row.kind !== "read") throw new TypeError(`row ${row.id} reads nothing`);
    const { store } = this;
    const who = cap(store.party(row.at || "alice").the);
    const prize = store.doc.frame.prize;
    if (row.secret) return this.box(row, "tl-bad", `${who} reads ${prize || "a secret"}.`, h("p", { class: "tl-mono" }, marked(row)), row.more && h("p", { class: "tl-small", text: row.more }));
    return h("div", { class: "tl-line tl-say tl-say-attack" }, h("span", { ...this.of(row, "tl-alice") }, `${who} reads: `, h("span", { class: "tl-mono", text: row.text })));
  }

  /** @param {AnyRow} row */
  bind(row) {
    if (row.kind !== "binder") throw new TypeError(`row ${row.id} binds nothing`);
    const party = this.store.party(row.at);
    const x = this.columns.get(row.at) ?? 50;
    const open = () => this.store.set({ tab: "binding" });
    return h("div", { class: `tl-line tl-bind${x > 50 ? " tl-toright" : ""}`, style: x > 50 ? `padding-right:calc(${100 - x}% + 6px)` : `padding-left:calc(${x}% + 6px)` },
      h("span", { ...this.of(row, ""), on: { click: open } }, row.text || `${cap(party.the)} hashes this handshake`, ": ", h("b", { class: "tl-mono", text: `${row.binder.slice(0, 8)}…` })));
  }

  // Hands

  /** @param {MouseEvent} event */
  click(event) {
    const found = /** @type {Element} */ (event.target).closest("[data-row]");
    if (found) this.store.choose({ row: Number(found.getAttribute("data-row")), reveal: false });
  }

  /**
   * Up and down lead from line to line, left and right along one: between legs, from command to command.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.scroller) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const { store } = this;
    const line = this.places[store.row] ?? 0;
    let to = -1;
    if (step) to = this.from(line, step);
    else if (event.key === "Home") to = this.from(-1, 1);
    else if (event.key === "End") to = this.from(this.lines.length, -1);
    else if (side) to = this.along(line, side);
    else return;
    event.preventDefault();
    if (to >= 0) store.choose({ row: to });
  }

  /**
   * The row of a line some way off that can be chosen; on a pair, of the leg that is chosen now.
   * @param {number} line @param {number} by
   */
  from(line, by) {
    const sign = Math.sign(by);
    let found = -1;
    let left = Math.abs(by);
    for (let n = line + sign; n >= 0 && n < this.lines.length && left > 0; n += sign) {
      if (this.lines[n].t === "fold") continue;
      found = n;
      left -= 1;
    }
    if (found < 0) return -1;
    const { ids } = this.lines[found];
    const rows = this.store.doc.rows;
    const here = this.store.chosen;
    return here && ids.length === 2 ? ids.find((id) => rows[id].connection === here.connection) ?? ids[0] : ids[0];
  }

  /** @param {number} line @param {number} by */
  along(line, by) {
    const rows = this.store.doc.rows;
    const ids = [...(this.lines[line]?.ids ?? [])];
    if (this.lines[line]?.t === "pair") ids.sort((a, b) => this.middle(rows[a]) - this.middle(rows[b]));
    else if (this.lines[line]?.t !== "tpm") return -1;
    return ids[ids.indexOf(this.store.row) + by] ?? -1;
  }
}

/**
 * What was read, its prize marked.
 * @param {import("./types.js").ReadRow} row
 */
function marked(row) {
  if (!row.loot) return [row.text];
  const [from, to] = row.loot;
  return [row.text.slice(0, from), h("mark", { text: row.text.slice(from, to) }), row.text.slice(to)];
}

// panelparts.js
/** Small things that several panels share. */

/** @typedef {import("./store.js").Store} Store */

/**
 * Choose the row and the innermost field that holds a source's octets.
 * @param {Store} store @param {import("./types.js").Source} place
 */
function chooseSource(store, place) {
  const piece = place.part ?? 0;
  const fields = store.rowOf(place.row)?.parts?.[piece]?.fields ?? [];
  let best = -1;
  fields.forEach((f, n) => {
    const [, , start, end] = f;
    if (start > place.start || end < place.end) return;
    if (best < 0 || end - start <= fields[best][3] - fields[best][2]) best = n;
  });
  store.choose({ row: place.row, piece, field: best });
}

/**
 * A link that goes to a step.
 * @param {Store} store @param {number} row @param {string} [text]
 */
const stepLink = (store, row, text) =>
  h("button", { class: "tl-link", type: "button", text: text ?? `step ${row + 1}`, on: { click: () => store.choose({ row }) } });

/**
 * Python to read and to copy.
 * @param {string} code
 */
function snippet(code) {
  const button = h("button", {
    class: "tl-ghost",
    type: "button",
    text: "Copy as Python",
    on: {
      click: async () => {
        try {
          await navigator.clipboard.writeText(code);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Select it and copy by hand"; // a page opened from disk may not use the clipboard
        }
      },
    },
  });
  return h("div", { class: "tl-code" }, h("pre", { tabindex: 0, "aria-label": "Python", text: code }), button);
}

/**
 * A connection in words, by who really stood at its ends: "Teller – Alice".
 * @param {Store} store @param {string} connection
 */
function endsInWords(store, connection) {
  const row = store.doc.rows.find((one) => one.connection === connection && one.at && one.to);
  return row ? [row.at, row.to].map((name) => store.party(name).name).join(" – ") : store.connectionName(connection);
}

/**
 * Rows of one kind.
 * @template {import("./types.js").AnyRow["kind"]} K
 * @param {Store} store @param {K} kind
 * @returns {Extract<import("./types.js").AnyRow, {kind: K}>[]}
 */
const rowsOfKind = (store, kind) => /** @type {any} */ (store.doc.rows.filter((row) => row.kind === kind));

// binding.js
/** The binding: which octets of the handshake each side hashed, and where the two differ. */

/** @typedef {import("./types.js").Binding} Binding */
/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./store.js").Store} Store */

binding.needs = ["doc", "frame", "cursor", "chip", "row", "bindingNumber"];

/**
 * The binding that the reader is most likely asking about: the one they chose, that of the chosen row, or the last one known.
 * @param {Store} store @returns {number}
 */
function bindingInView(store) {
  const all = store.doc.frame.bindings ?? [];
  const known = all.map((b, n) => ({ b, n })).filter(({ b }) => begun(b, store.cursor));
  if (!known.length) return -1;
  if (known.some(({ n }) => n === store.bindingNumber)) return store.bindingNumber;
  const row = store.row;
  const own = known.find(({ b }) => b.appraisal === row || b.attester_row === row || b.verifier_row === row);
  const broken = known.find(({ b }) => b.holds === false && judged(b, store.cursor));
  return (own ?? broken ?? known[known.length - 1]).n;
}

/** @param {Binding} b @param {number} cursor */
const begun = (b, cursor) => Math.min(b.attester_row ?? Infinity, b.verifier_row ?? Infinity) <= cursor;
/** @param {Binding} b @param {number} cursor */
const attested = (b, cursor) => (b.attester_row ?? Infinity) <= cursor;
/** @param {Binding} b @param {number} cursor */
const judged = (b, cursor) => (b.verifier_row ?? Infinity) <= cursor;

/**
 * The input whose line to the ladder is drawn: the chip under the pointer, else the first that differs.
 * @param {Binding} b @param {Store} store @returns {Input | undefined}
 */
function inputInView(b, store) {
  const inputs = b.inputs ?? [];
  return inputs.find((x) => x.name === store.chip) ?? (judged(b, store.cursor) ? inputs.find((x) => x.differs) : undefined);
}

/** @param {HTMLElement} box @param {Store} store */
function binding(box, store) {
  const all = store.doc.frame.bindings ?? [];
  const number = bindingInView(store);
  if (number < 0) return void box.append(noBinding(all.length > 0, store));
  const b = all[number];
  if (all.length > 1) box.append(quoteChoice(all, number, store));
  box.append(equation(b, store, box.clientWidth < UPRIGHT), explanation(b, store));
}

/** @param {boolean} later @param {Store} store */
function noBinding(later, store) {
  if (later) return h("p", { class: "tl-empty", text: `At step ${store.cursor + 1} nobody has hashed this handshake yet.` });
  return h(
    "p",
    { class: "tl-empty" },
    h("b", { text: "No quote is bound to this connection. " }),
    "A certificate ties the connection to a name, on a CA's word. Nothing says which machine holds the key.",
  );
}

/** @param {Binding[]} all @param {number} number @param {Store} store */
function quoteChoice(all, number, store) {
  const label = (/** @type {Binding} */ b) => `${store.party(b.attester ?? "").name}'s quote, checked by ${store.party(b.verifier ?? "").the}`;
  const select = h(
    "select",
    { "aria-label": "Which quote", on: { change: (/** @type {any} */ e) => store.set({ bindingNumber: Number(e.target.value), chip: "" }) } },
    ...all.map((b, n) => h("option", { value: n, selected: n === number, disabled: !begun(b, store.cursor), text: cap(label(b)) })),
  );
  return h("label", { class: "tl-which" }, select);
}

/** Narrower than this (in px), inputs are rows and the two sides columns. */
const UPRIGHT = 560;

/** @param {Binding} b @param {Store} store @param {boolean} upright */
function equation(b, store, upright) {
  /** @type {{who: "attester" | "verifier", name: string, result: string}[]} */
  const sides = [];
  const both = judged(b, store.cursor);
  if (attested(b, store.cursor)) sides.push({ who: "attester", name: "The quote", result: b.extra_data || b.binder || "" });
  if (both) sides.push({ who: "verifier", name: cap(store.party(b.verifier ?? "").the), result: b.binder ?? "" });
  const inputs = b.inputs ?? [];
  const chosen = inputInView(b, store);
  const heading = (/** @type {Input} */ x, /** @type {string} */ scope) => h("th", { scope, class: both && x.differs ? "tl-unlike" : "", text: x.plain || x.name });
  const result = (/** @type {string} */ hex) => h("td", { class: `tl-result${both && b.holds === false ? " tl-bad" : ""}`, title: hex, text: hex ? `= ${cut(hex, 8)}` : "" });
  const speaker = (/** @type {string} */ name, /** @type {string} */ scope) => h("th", { scope }, h("b", { text: name }), " hashes");
  const cell = (/** @type {Input} */ x, /** @type {"attester" | "verifier"} */ who) => h("td", {}, chipOf(x, who, both, chosen, store));
  if (!upright) {
    return h(
      "table",
      { class: "tl-eq" },
      h("thead", {}, h("tr", {}, h("td"), ...inputs.map((x) => heading(x, "col")), h("td"))),
      h("tbody", {}, ...sides.map((side) => h("tr", {}, speaker(side.name, "row"), ...inputs.map((x) => cell(x, side.who)), result(side.result)))),
    );
  }
  const sign = (/** @type {boolean} */ differs) => (sides.length > 1 ? h("td", { class: "tl-sign2", text: differs ? "≠" : "=" }) : null);
  const between = (/** @type {HTMLElement[]} */ cells, /** @type {boolean} */ differs) => (cells.length > 1 ? [cells[0], sign(differs), cells[1]] : cells);
  return h(
    "table",
    { class: "tl-eq tl-upright" },
    h("thead", {}, h("tr", {}, h("td"), ...(sides.length > 1 ? [speaker(sides[0].name, "col"), h("td"), speaker(sides[1].name, "col")] : sides.map((x) => speaker(x.name, "col"))))),
    h(
      "tbody",
      {},
      ...inputs.map((x) => h("tr", {}, heading(x, "row"), ...between(sides.map((side) => cell(x, side.who)), x.differs ?? false))),
      h("tr", {}, h("th", { scope: "row", text: "the hash" }), ...between(sides.map((side) => result(side.result)), b.holds === false)),
    ),
  );
}

/** @param {Input} x @param {"attester" | "verifier"} who @param {boolean} both @param {Input | undefined} chosen @param {Store} store */
function chipOf(x, who, both, chosen, store) {
  const value = who === "attester" ? x.attester : x.verifier;
  const text = value === null || value === undefined ? "not in it" : readable(value);
  const side = who === "attester" ? "as the quote has it" : `as ${store.party(bindingVerifier(store)).the} saw it`;
  const on = chosen === x;
  return h("button", {
    class: `tl-chip${both && x.differs ? " tl-unlike" : ""}${on ? " tl-on" : ""}`,
    type: "button",
    "data-chip": x.name,
    "data-side": who,
    "data-key": `${who} ${x.name}`,
    "aria-pressed": on,
    "aria-label": `${x.plain || x.name}, ${side}: ${text}`,
    title: value ? `${x.name} = ${value}` : x.name,
    text,
    on: {
      click: () => store.set({ chip: x.name }),
      mouseenter: () => store.set({ chip: x.name }),
      focus: () => store.set({ chip: x.name }),
    },
  });
}

/** @param {Store} store */
const bindingVerifier = (store) => store.doc.frame.bindings?.[bindingInView(store)]?.verifier ?? "";

/**
 * Octets as letters where all are letters, else the beginning of the hex.
 * @param {string} hex
 */
function readable(hex) {
  const codes = Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
  if (codes.length && codes.every((c) => c > 31 && c < 127)) {
    const text = String.fromCharCode(...codes);
    return codes.length <= 2 ? `“${text}”` : cut(text, 12);
  }
  return cut(hex, 8);
}

/** @param {Binding} b @param {Store} store */
function explanation(b, store) {
  const say = h("div", { class: "tl-eqsay", "aria-live": "polite" });
  const x = inputInView(b, store);
  if (x) {
    say.append(h("p", {}, h("b", { text: `${cap(x.plain || x.name)}. ` }), x.say ?? ""));
    const places = [x.attester_source, x.verifier_source].filter((p) => p && p.row <= store.cursor);
    const unique = places.filter((p, n) => places.findIndex((q) => q?.row === p?.row && q?.start === p?.start) === n);
    if (unique.length) {
      const links = unique.flatMap((p, n) => [n ? " and " : "", p ? sourceLink(p, store) : ""]);
      say.append(h("p", { class: "tl-dim" }, "Taken from ", ...links, "."));
    }
  } else say.append(h("p", { text: "Point at an input to see which bytes of the handshake it was taken from." }));
  if (b.not_covered) say.append(h("p", { class: "tl-dim", text: b.not_covered }));
  return say;
}

/** @param {import("./types.js").Source} place @param {Store} store */
function sourceLink(place, store) {
  const row = store.rowOf(place.row);
  return h("button", {
    class: "tl-link",
    type: "button",
    text: `${row?.name ?? "a message"}, step ${place.row + 1}, ${range(place.start, place.end)}`,
    on: { click: () => chooseSource(store, place) },
  });
}

// checks.js
/** What the Verifier checked, one line a check. */

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").VerdictRow} VerdictRow */
/** @typedef {import("./types.js").AppraisalRow} AppraisalRow */

checks.needs = ["doc", "frame", "cursor", "row"];

const CHECK_SIGN = { pass: "✔", fail: "✘", none: "○" };
const CHECK_WORD = { pass: "passed", fail: "failed", none: "not asked for" };

/** @param {Store} store @returns {AppraisalRow | undefined} */
function appraisalInView(store) {
  const all = /** @type {AppraisalRow[]} */ (rowsOfKind(store, "appraisal")).filter((x) => x.id <= store.cursor);
  return all.find((x) => x.id === store.row || (x.verdicts ?? []).includes(store.row)) ?? all.find((x) => x.mark === "fail") ?? all[all.length - 1];
}

/**
 * How many checks passed, failed and were not asked for.
 * @param {AppraisalRow} row @param {Store} store
 */
function tally(row, store) {
  const count = { pass: 0, fail: 0, none: 0 };
  for (const id of row.verdicts ?? []) {
    const mark = store.rowOf(id)?.mark;
    if (mark) count[mark] += 1;
  }
  return count;
}

/** @param {HTMLElement} box @param {Store} store */
function checks(box, store) {
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
function expectedAndFound(x) {
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

// holds.js
/** Who holds what, and since when. */

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").HeldSecret} HeldSecret */

holds.needs = ["doc", "frame", "cursor"];

/** @param {HTMLElement} box @param {Store} store */
function holds(box, store) {
  const secrets = store.doc.frame.secrets ?? [];
  const made = secrets.filter((s) => (s.row ?? 0) <= store.cursor);
  const parties = store.doc.frame.lifelines ?? [];
  if (!made.length) {
    const text = secrets.length ? `At step ${store.cursor + 1} no secret has been made yet.` : "No key was made in this run, so there is nothing to steal.";
    return void box.append(h("p", { class: "tl-empty", text }));
  }
  const head = h(
    "tr",
    {},
    h("th", { scope: "col", text: "secret" }),
    ...parties.map((p) => h("th", { scope: "col", class: `tl-c ${store.party(p).tone}`, text: store.party(p).name })),
  );
  const body = h("tbody");
  let group = "";
  const order = [...made].sort((a, b) => Number(b.prize ?? false) - Number(a.prize ?? false));
  for (const s of order) {
    const name = s.connection ?? "";
    if (name !== group && name && !s.prize) {
      group = name;
      body.append(h("tr", { class: "tl-group" }, h("th", { scope: "colgroup", colspan: parties.length + 1, text: endsInWords(store, name) })));
    }
    body.append(holdingLine(s, parties, store));
  }
  box.append(h("table", { class: "tl-holds" }, h("thead", {}, head), body));
}

/** @param {HeldSecret} s @param {string[]} parties @param {Store} store */
function holdingLine(s, parties, store) {
  return h(
    "tr",
    { class: s.prize ? "tl-prize" : "" },
    h("th", { scope: "row", title: s.say ?? "" }, s.name),
    ...parties.map((p) => {
      const holder = (s.holders ?? []).find((x) => x.party === p && x.row <= store.cursor);
      if (!holder) return h("td", { class: "tl-c tl-dim" }, h("span", { "aria-label": `${store.party(p).the} does not hold it`, text: "–" }));
      const stolen = p === "alice" && s.prize;
      return h(
        "td",
        { class: `tl-c${stolen ? " tl-bad" : ""}`, title: holder.how ?? "" },
        h("span", { class: "tl-yes", text: stolen ? "✘ " : "✔ " }),
        stepLink(store, holder.row, `since ${holder.row + 1}`),
      );
    }),
  );
}

// keys.js
/** The key schedule as a graph: what is made from what, and who holds it at the cursor. */

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").HeldSecret} HeldSecret */

keys.needs = ["doc", "frame", "cursor", "secretId", "leg"];

const NODE_WIDTH = 158;
const NODE_HEIGHT = 40;
const COLUMN_WIDTH = 184;
const ROW_HEIGHT = 46;
/** A graph wider than its box is drawn smaller, down to this share; then it scrolls. */
const SMALLEST = 0.78;

/**
 * Secrets of one connection that are part of its key schedule.
 * @param {Store} store @param {string} connection
 */
const scheduleOf = (store, connection) => (store.doc.frame.secrets ?? []).filter((x) => x.connection === connection && !x.prize);

/** @param {Store} store */
function keyedConnections(store) {
  const names = (store.doc.frame.secrets ?? []).filter((x) => !x.prize).map((x) => x.connection ?? "");
  return [...new Set(names)].filter((name) => name);
}

/** @param {HTMLElement} box @param {Store} store */
function keys(box, store) {
  const legs = keyedConnections(store);
  if (!legs.length) {
    const text = store.doc.frame.live
      ? "No key has been made yet."
      : "The run ended before any key was made. There is nothing to decrypt, and nothing to steal.";
    return void box.append(h("p", { class: "tl-empty", text }));
  }
  const leg = legs.includes(store.leg) ? store.leg : legs[0];
  if (legs.length > 1) box.append(legChoice(legs, leg, store));
  const nodes = scheduleOf(store, leg);
  box.append(h("div", { class: "tl-graphbox", tabindex: 0, role: "group", "aria-label": "Key schedule" }, graphOf(nodes, store)));
  const chosen = nodes.find((x) => x.id === store.secretId);
  box.append(chosen ? keyDetails(chosen, store) : h("p", { class: "tl-dim", text: "Choose a secret to see what it is made of." }));
}

/** @param {string[]} legs @param {string} leg @param {Store} store */
function legChoice(legs, leg, store) {
  return h(
    "div",
    { class: "tl-seg", role: "group", "aria-label": "Which connection" },
    ...legs.map((name) =>
      h("button", { type: "button", "aria-pressed": name === leg, text: endsInWords(store, name), on: { click: () => store.set({ leg: name, secretId: "" }) } }),
    ),
  );
}

/**
 * Columns by depth (what a secret is made of stands left of it), rows in the order of making.
 * @param {HeldSecret[]} nodes @returns {Map<string, {x: number, y: number}>}
 */
function arrange(nodes) {
  const byId = new Map(nodes.map((x) => [x.id, x]));
  /** @type {Map<string, number>} */
  const depth = new Map();
  /** @param {HeldSecret} node @param {Set<string>} above @returns {number} */
  const depthOf = (node, above) => {
    const known = depth.get(node.id);
    if (known !== undefined) return known;
    if (above.has(node.id)) return 0; // a damaged trace may name a circle
    const inputs = (node.inputs ?? []).map((id) => byId.get(id)).filter((x) => x !== undefined);
    const value = inputs.length ? 1 + Math.max(...inputs.map((x) => depthOf(/** @type {HeldSecret} */ (x), new Set([...above, node.id])))) : 0;
    depth.set(node.id, value);
    return value;
  };
  for (const node of nodes) depthOf(node, new Set());
  // A source stands beside what is made from it, not at the far left.
  for (const node of nodes) {
    if ((node.inputs ?? []).some((id) => byId.has(id))) continue;
    const uses = nodes.filter((x) => (x.inputs ?? []).includes(node.id)).map((x) => depth.get(x.id) ?? 1);
    if (uses.length) depth.set(node.id, Math.max(0, Math.min(...uses) - 1));
  }
  /** @type {Map<number, HeldSecret[]>} */
  const columns = new Map();
  for (const node of nodes) {
    const column = depth.get(node.id) ?? 0;
    columns.set(column, [...(columns.get(column) ?? []), node]);
  }
  const tallest = Math.max(...[...columns.values()].map((c) => c.length), 1);
  /** @type {Map<string, {x: number, y: number}>} */
  const places = new Map();
  for (const [column, members] of [...columns].sort(([a], [b]) => a - b)) {
    const middle = (/** @type {HeldSecret} */ node) => {
      const from = (node.inputs ?? []).flatMap((id) => places.get(id)?.y ?? []);
      return from.length ? from.reduce((a, b) => a + b, 0) / from.length : 0;
    };
    const order = column ? [...members].sort((a, b) => middle(a) - middle(b)) : members;
    order.forEach((node, n) => {
      places.set(node.id, { x: 2 + column * COLUMN_WIDTH, y: 2 + ((tallest - order.length) / 2 + n) * ROW_HEIGHT });
    });
  }
  return places;
}

/** @param {HeldSecret[]} nodes @param {Store} store */
function graphOf(nodes, store) {
  const places = arrange(nodes);
  const width = Math.max(...[...places.values()].map((p) => p.x)) + NODE_WIDTH + 4;
  const height = Math.max(...[...places.values()].map((p) => p.y)) + NODE_HEIGHT + 4;
  const svg = s("svg", { class: "tl-graph", viewBox: `0 0 ${width} ${height}`, style: `max-width: ${width}px; min-width: ${Math.round(width * SMALLEST)}px` });
  for (const node of nodes) {
    const to = places.get(node.id);
    for (const id of node.inputs ?? []) {
      const from = places.get(id);
      if (!from || !to) continue;
      const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2, to.x, to.y + NODE_HEIGHT / 2];
      const m = (x1 + x2) / 2;
      svg.append(s("path", { d: `M${x1} ${y1}C${m} ${y1} ${m} ${y2} ${x2} ${y2}` }));
    }
  }
  for (const node of nodes) {
    const place = places.get(node.id);
    if (place) svg.append(nodeOf(node, place, store));
  }
  return svg;
}

/** @param {HeldSecret} node @param {{x: number, y: number}} place @param {Store} store */
function nodeOf(node, place, store) {
  const order = store.doc.frame.lifelines;
  const holders = node.holders.filter((x) => x.row <= store.cursor).sort((a, b) => order.indexOf(a.party) - order.indexOf(b.party));
  const stolen = holders.some((x) => x.party === "alice");
  const on = store.secretId === node.id;
  const who = holders.length ? `held by ${holders.map((x) => store.party(x.party).the).join(" and ")}` : "not made yet";
  const pick = () => store.set({ secretId: node.id });
  const g = s(
    "g",
    {
      class: `tl-node${holders.length ? "" : " tl-never"}${stolen ? " tl-stolen" : ""}${on ? " tl-on" : ""}`,
      transform: `translate(${place.x} ${place.y})`,
      tabindex: 0,
      role: "button",
      "aria-pressed": String(on),
      "aria-label": `${node.name}, ${who}`,
      "data-key": node.id,
      on: {
        click: pick,
        keydown: (/** @type {KeyboardEvent} */ e) => {
          if (e.key !== "Enter" && e.key !== " ") return;
          e.preventDefault();
          pick();
        },
      },
    },
    s("rect", { width: NODE_WIDTH, height: NODE_HEIGHT, rx: 7 }),
    textAt(cut(node.name.replace(/(traffic) secret.*$/, "$1"), 24), 9, 16, ""),
    textAt(holders.length ? (node.hex ? cut(node.hex, 10) : "") : "not made yet", 9, 31, "tl-hexv"),
  );
  holders.forEach((x, n) => {
    const party = store.party(x.party);
    const cx = NODE_WIDTH - 12 - (holders.length - 1 - n) * 17;
    g.append(s("circle", { cx, cy: 28, r: 7.5, class: `tl-disc ${party.tone}` }), textAt(party.name[0], cx, 31.5, "tl-letter"));
  });
  return g;
}

/** @param {string} text @param {number} x @param {number} y @param {string} css */
function textAt(text, x, y, css) {
  const node = s("text", { x, y, class: css });
  node.textContent = text;
  return node;
}

/** @param {HeldSecret} secret @param {Store} store */
function keyDetails(secret, store) {
  const holders = (secret.holders ?? []).filter((x) => x.row <= store.cursor);
  const box = h("div", { class: "tl-keysay", "aria-live": "polite" });
  box.append(h("p", {}, h("b", { text: `${secret.name}. ` }), secret.say ?? "", secret.clause ? h("span", { class: "tl-dim", text: ` ${secret.clause}` }) : null));
  if (holders.length) {
    const words = holders.flatMap((x, n) => [n ? ", " : "", store.party(x.party).name, " since ", stepLink(store, x.row), x.how ? ` (${x.how})` : ""]);
    box.append(h("p", { class: "tl-dim" }, ...words, "."));
  }
  if (secret.hex) box.append(h("p", { class: "tl-mono", text: secret.hex }));
  if (secret.snippet) box.append(snippet(secret.snippet));
  else if (!secret.hex) box.append(h("p", { class: "tl-dim", text: "This view was made without secrets: their values are left out." }));
  return box;
}

// pcrs.js
/** PCRs over time: what was measured into which register, and the value that came of it. */

/** @typedef {import("./store.js").Store} Store */

pcrs.needs = ["doc", "frame", "cursor"];

/** @param {HTMLElement} box @param {Store} store */
function pcrs(box, store) {
  const all = store.doc.frame.pcrs ?? [];
  if (!all.length) {
    return void box.append(
      h("p", { class: "tl-empty" }, h("b", { text: "Nothing was measured. " }), "No machine of this run was launched by DRTM, so its PCRs say nothing about what runs on it."),
    );
  }
  const body = h("tbody");
  let machine = "";
  for (const x of all) {
    const known = x.row <= store.cursor;
    if (x.machine !== machine) {
      machine = x.machine;
      body.append(h("tr", { class: "tl-group" }, h("th", { scope: "colgroup", colspan: 4, class: store.party(machine).tone, text: `${store.party(machine).name}'s machine` })));
    }
    body.append(
      h(
        "tr",
        { class: known ? "" : "tl-later" },
        h("th", { scope: "row", text: `PCR ${x.pcr}` }),
        h("td", {}, known ? (x.what ?? "") : "not measured yet"),
        h("td", { class: "tl-mono", title: known ? `${x.before} extended by ${x.digest} gives ${x.after}` : "" }, known ? `${cut(x.before ?? "", 8)} → ${cut(x.after ?? "", 16)}` : ""),
        h("td", {}, known ? stepLink(store, x.row) : ""),
      ),
    );
  }
  const head = h("tr", {}, ...["register", "what is measured", "value before → after", ""].map((text) => h("th", { scope: "col", text })));
  box.append(h("table", { class: "tl-pcrs" }, h("thead", {}, head), body));
  box.append(h("p", { class: "tl-dim", text: "Extending: new value = SHA-256(old value || digest). The order counts, and there is no way back but a new launch." }));
}

// tamper.js
/** The tamper map: every field changed once in flight, coloured by what caught the change. */

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Tampered} Tampered */

tamper.needs = ["doc", "frame", "tamper", "cell"];

/** Kinds in the order of `trustlab tamper`, in words. */
const CAUGHT_BY = /** @type {Record<string, string>} */ ({
  record: "record protection",
  finished: "Finished",
  signature: "a signature of the handshake",
  certificate: "the CA's signature",
  check: "a check of the evidence",
  alert: "the parser",
  application: "the application",
  stalled: "nobody: both wait",
  unread: "nobody read it any more",
  nothing: "nothing: it went through",
});

/** @param {HTMLElement} box @param {Store} store */
function tamper(box, store) {
  const runs = store.doc.tamper ?? [];
  if (!runs.length) return void box.append(...noMap(store));
  /** @type {Record<string, number>} */
  const tally = {};
  for (const run of runs) tally[run.kind] = (tally[run.kind] ?? 0) + 1;
  const chosen = runs[store.cell] ?? runs[remarkable(runs)];
  const through = tally.nothing ?? 0;
  const legend = h(
    "ul",
    { class: "tl-tkey" },
    ...Object.entries(CAUGHT_BY)
      .filter(([kind]) => tally[kind])
      .map(([kind, words]) => h("li", {}, h("i", { class: `tl-cell tl-k-${kind}`, "aria-hidden": "true" }), words, h("small", { text: ` ${tally[kind]}` }))),
  );
  const what = runs[0].keys ? "by somebody who has the channel's keys" : "by somebody without keys";
  box.append(
    h(
      "div",
      { class: "tl-tgrid" },
      h(
        "div",
        {},
        h("p", {}, h("b", { text: `${runs.length.toLocaleString("en")} fields, each changed by one bit in flight, ${what}. ` }), through ? `${through === 1 ? "One change" : `${through} changes`} went through unseen.` : "Every change was caught."),
        legend,
      ),
      h("div", {}, whatCaught(chosen), mapOf(runs, chosen, store)),
    ),
  );
}

/** @param {Store} store */
function noMap(store) {
  const design = store.doc.frame.bindings?.[0]?.design ?? "trusted-passage";
  return [
    h("p", { class: "tl-empty" }, h("b", { text: "No tamper map here yet. " }), "It changes every field of the handshake once in flight and shows what caught it: record protection, Finished, a signature, a check, or nothing."),
    h("pre", { class: "tl-pre", tabindex: 0, text: `picture.tamper_map("${design}")` }),
  ];
}

/**
 * The run that says most: one that nothing caught, else one that a check of the evidence caught.
 * @param {Tampered[]} runs
 */
function remarkable(runs) {
  const at = runs.findIndex((x) => x.kind === "check" && /extraData$/.test(x.field));
  const through = runs.findIndex((x) => x.kind === "nothing");
  return Math.max(0, at >= 0 ? at : through);
}

/** @param {Tampered} run */
function whatCaught(run) {
  return h(
    "p",
    { class: "tl-tsay", "aria-live": "polite" },
    h("b", { text: `${run.message} › ${run.field}` }),
    h("span", { class: `tl-kd tl-k-${run.kind}`, text: run.caught_by || CAUGHT_BY[run.kind] || run.kind }),
    h("span", { class: "tl-dim", text: run.sentence ?? "" }),
  );
}

/** @param {Tampered[]} runs @param {Tampered} chosen @param {Store} store */
function mapOf(runs, chosen, store) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  runs.forEach((x, n) => {
    const key = `${x.connection}\n${x.message}\n${x.nth ?? 1}`;
    groups.set(key, [...(groups.get(key) ?? []), n]);
  });
  const box = h("div", { class: "tl-tmap", role: "listbox", tabindex: 0, "aria-label": `Tamper map of ${runs.length} fields`, on: { keydown: (/** @type {KeyboardEvent} */ e) => moveCell(e, runs, chosen, store) } });
  const several = new Set(runs.map((x) => x.connection)).size > 1;
  for (const [key, numbers] of groups) {
    const [connection, message, nth] = key.split("\n");
    const name = `${message}${nth === "1" ? "" : ` ${nth}`}`;
    box.append(
      h(
        "div",
        { class: "tl-trow", role: "group", "aria-label": name },
        h("span", { class: "tl-tn", title: several ? connection : "" }, name),
        h(
          "span",
          { class: "tl-cells" },
          ...numbers.map((n) =>
            h("i", { class: `tl-cell tl-k-${runs[n].kind}${runs[n] === chosen ? " tl-on" : ""}`, role: "option", "aria-selected": runs[n] === chosen, "aria-label": `${runs[n].field}: ${CAUGHT_BY[runs[n].kind] ?? runs[n].kind}`, "data-cell": n }),
          ),
        ),
      ),
    );
  }
  const point = (/** @type {Event} */ e) => {
    const cell = e.target instanceof HTMLElement ? e.target.dataset.cell : undefined;
    if (cell !== undefined) store.set({ cell: Number(cell) });
    return cell === undefined ? null : runs[Number(cell)];
  };
  box.addEventListener("mouseover", point);
  box.addEventListener("click", (e) => {
    const run = point(e);
    if (run) goTo(run, store);
  });
  return box;
}

/** @param {KeyboardEvent} e @param {Tampered[]} runs @param {Tampered} chosen @param {Store} store */
function moveCell(e, runs, chosen, store) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[e.key];
  if (e.key === "Enter") return goTo(chosen, store);
  if (!step) return;
  e.preventDefault();
  e.stopPropagation();
  store.set({ cell: Math.max(0, Math.min(runs.length - 1, runs.indexOf(chosen) + step)) });
}

/**
 * Choose the field in this run's own message of that name.
 * @param {Tampered} run @param {Store} store
 */
function goTo(run, store) {
  const rows = rowsOfKind(store, "message").filter((x) => x.name === run.message);
  const row = rows[(run.nth ?? 1) - 1] ?? rows[0];
  if (!row) return;
  const fields = row.parts?.[0]?.fields ?? [];
  const leaf = run.field.split(".").pop() ?? "";
  const field = fields.findIndex((f) => store.text(f[0]).endsWith(leaf));
  store.choose({ row: row.id, piece: 0, field });
}

// wires.js
/** The line from an input of the binder to the octets on the ladder it was taken from. */

/** @typedef {import("./store.js").Store} Store */

wires.needs = ["doc", "frame", "cursor", "row", "chip", "tab", "bindingNumber", "width", "layout"];

const CORNER = 7;

/**
 * Draw the line. Rows that are sources get the class `tl-src` and a tag with the range of bytes.
 * @param {SVGElement} svg @param {Store} store
 */
function wires(svg, store) {
  const root = svg.parentElement;
  if (!root) return;
  for (const node of root.querySelectorAll(".tl-src")) {
    node.classList.remove("tl-src");
  }
  const panel = root.querySelector(".tl-eq");
  const number = bindingInView(store);
  if (!panel || number < 0) return;
  const binding = (store.doc.frame.bindings ?? [])[number];
  const input = inputInView(binding, store);
  const chips = [...root.querySelectorAll(".tl-chip")].filter((x) => x instanceof HTMLElement && x.dataset.chip === input?.name);
  if (!input || !chips.length) return;
  const places = [input.attester_source, input.verifier_source].filter((x) => x && x.row <= store.cursor);
  /** @type {Element[]} */
  const rows = [];
  for (const place of places) {
    const row = place && root.querySelector(`[data-row="${place.row}"]`);
    if (!place || !row || rows.includes(row)) continue;
    row.classList.add("tl-src");
    const tag = row.querySelector(".tl-srctag");
    if (tag) tag.textContent = range(place.start, place.end);
    rows.push(row);
  }
  const ladder = root.querySelector(".tl-ladder");
  const list = root.querySelector(".tl-rows");
  if (!rows.length || !ladder || !list || store.narrow) return;
  drawWire(svg, root, ladder, list, rows, chips[0]);
}

/** @param {SVGElement} svg @param {HTMLElement} root @param {Element} ladder @param {Element} list @param {Element[]} rows @param {Element} chip */
function drawWire(svg, root, ladder, list, rows, chip) {
  const base = root.getBoundingClientRect();
  const box = (/** @type {Element} */ node) => {
    const r = node.getBoundingClientRect();
    return { left: r.left - base.left, right: r.right - base.left, top: r.top - base.top, bottom: r.bottom - base.top };
  };
  const [pane, view, target] = [box(ladder), box(list), box(chip)];
  const row = rows.map(box).sort((a, b) => b.right - a.right)[0];
  const y = row.top + 12;
  const hidden = y < view.top || y > view.bottom;
  const from = { x: hidden ? pane.right - 2 : Math.min(row.right, pane.right), y: Math.min(Math.max(y, view.top + 10), view.bottom - 10) };
  const gutter = pane.right + 7;
  const chipBox = chip.closest(".tl-pbody, .tl-pfirst")?.getBoundingClientRect();
  const to = { x: (target.left + target.right) / 2, y: Math.max(target.top, (chipBox?.top ?? 0) - base.top) };
  // Down the gutter, under the tab bar, then onto the chip from above: never across text.
  const bar = to.y - 26;
  const turn = (bar > from.y ? 1 : -1) * Math.min(CORNER, Math.abs(bar - from.y) / 2);
  const path = `M${from.x} ${from.y}H${gutter - CORNER}q${CORNER} 0 ${CORNER} ${turn}V${bar - turn}q0 ${turn} ${CORNER} ${turn}H${to.x - CORNER}q${CORNER} 0 ${CORNER} ${CORNER}V${to.y}`;
  svg.append(
    s("path", { class: "tl-casing", d: path }),
    s("path", { class: "tl-wire", d: path, "stroke-dasharray": hidden ? "2 4" : "none" }),
    s("circle", { cx: from.x, cy: from.y, r: hidden ? 0 : 3.5 }),
  );
}

// panels.js
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
const PANELS = [
  { id: "binding", label: "The binding", fill: binding },
  { id: "holds", label: "Who holds what", fill: holds },
  { id: "keys", label: "Keys", fill: keys },
  { id: "pcrs", label: "PCRs", fill: pcrs },
  { id: "checks", label: "Checks", fill: checks, count: countChecks },
  { id: "tamper", label: "Tamper map", fill: tamper },
];

/** @type {Over[]} */
const OVERS = [wires];

/** @param {Store} store */
function countChecks(store) {
  const row = appraisalInView(store);
  if (!row) return "";
  const count = tally(row, store);
  return `${count.pass} ✔${count.fail ? ` ${count.fail} ✘` : ""}`;
}

// panel.js
/** The panel: tabs over what follows from the whole run, each drawn for the point in time. */

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./panels.js").Panel} Panel
 */

class PanelView {
  /** @param {Store} store @param {number} view the number of the view, for ids */
  constructor(store, view) {
    this.store = store;
    this.view = view;
    this.shut = false;
    this.first = h("div", { class: "tl-pfirst" });
    this.tabs = h("div", { class: "tl-tabs", role: "tablist", "aria-label": "What is known", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
    this.body = h("div", { class: "tl-pbody", role: "tabpanel", tabindex: 0 });
    this.shutter = h("button", { class: "tl-shutter", on: { click: () => this.toggle() } }, chevron());
    this.node = h("section", { class: "tl-card tl-panel", "aria-label": "What is known" }, this.first, this.tabs, this.body, this.shutter);
    this.node.hidden = PANELS.length === 0;
    if (!store.tab && PANELS.length) store.tab = opening(store);
  }

  toggle() {
    this.shut = !this.shut;
    this.draw(new Set(["tab"]));
    this.store.mark("layout");
  }

  /** The tabs of this width: in a wide window the first panel stands above them. */
  get shownPanels() {
    return this.store.wide ? PANELS.slice(1) : PANELS;
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    if (!PANELS.length) return;
    const { store } = this;
    const panels = this.shownPanels;
    const anew = changed.has("tab") || changed.has("width");
    const one = panels.find((panel) => panel.id === store.tab) ?? panels[0];
    if (anew || ["cursor", "doc", "frame"].some((key) => changed.has(key))) this.bar(panels, one);
    if (anew || one.fill.needs.some((key) => changed.has(key))) refill(this.body, one, store);
    this.first.hidden = !store.wide;
    if (store.wide && (anew || PANELS[0].fill.needs.some((key) => changed.has(key)))) {
      const inside = h("div");
      this.first.replaceChildren(h("h2", { text: PANELS[0].label }), inside);
      PANELS[0].fill(inside, store);
    }
  }

  /** @param {Panel[]} panels @param {Panel} chosen */
  bar(panels, chosen) {
    const focused = this.tabs.contains(document.activeElement);
    this.tabs.replaceChildren(...panels.map((panel) => {
      const on = panel === chosen;
      const count = panel.count?.(this.store);
      return h("button", { role: "tab", id: `tl${this.view}-tab-${panel.id}`, "aria-selected": on, tabindex: on ? 0 : -1, on: { click: () => this.open(panel.id) } }, panel.label, count && h("span", { class: "tl-dim", text: ` ${count}` }));
    }));
    this.body.setAttribute("aria-labelledby", `tl${this.view}-tab-${chosen.id}`);
    this.node.classList.toggle("tl-shut", this.shut);
    this.shutter.setAttribute("aria-expanded", String(!this.shut));
    this.shutter.setAttribute("aria-label", this.shut ? "Show the panel" : "Hide the panel");
    if (focused) /** @type {HTMLElement | null} */ (this.tabs.querySelector("[aria-selected=true]"))?.focus();
  }

  /** @param {string} id */
  open(id) {
    this.shut = false;
    if (this.store.tab === id) this.draw(new Set(["tab"]));
    else this.store.set({ tab: id });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const ids = this.shownPanels.map((panel) => panel.id);
    const at = Math.max(0, ids.indexOf(this.store.tab));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    if (to === undefined || !ids[to]) return;
    event.preventDefault();
    event.stopPropagation();
    this.open(ids[to]);
    this.store.draw();
  }
}

/** @param {HTMLElement} box @param {Panel} panel @param {Store} store */
function refill(box, panel, store) {
  const top = box.dataset.panel === panel.id ? box.scrollTop : 0;
  box.dataset.panel = panel.id;
  const key = box.contains(document.activeElement) ? document.activeElement?.getAttribute("data-key") : null;
  box.replaceChildren();
  panel.fill(box, store);
  box.scrollTop = top;
  const again = key ? box.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

/**
 * The panel to open first: the binding where there is one, else who holds what.
 * @param {Store} store
 */
function opening(store) {
  const wanted = store.doc.frame.bindings.length ? "binding" : store.doc.frame.secrets.length ? "holds" : "";
  return PANELS.some((panel) => panel.id === wanted) ? wanted : PANELS[0].id;
}

// view.js
/** One view: its parts, its sizes, its keys. */

/**
 * @typedef {import("./store.js").Book} Book
 */

const NARROW = 860;
const WIDE = 1720;

class View {
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

// index.js
/** The widget, as anywidget wants it: `initialize` once a model, `render` once a view. */

/** @typedef {import("./store.js").Model} Model */

/** @type {WeakMap<Model, Book>} */
const books = new WeakMap();

/** @param {Model} model */
function bookOf(model) {
  const known = books.get(model);
  if (known) return known;
  const book = new Book(model);
  books.set(model, book);
  return book;
}

/** @param {{model: Model}} given */
function initialize({ model }) {
  bookOf(model); // it hears from now on, whether a view is open or not
}

/** @param {{model: Model, el: HTMLElement}} given */
function render({ model, el }) {
  const view = new View(el, bookOf(model));
  return () => view.close();
}

/** For the page opened from a disk. */
const page = () => openPage({ render });

export default { initialize, render, page };
