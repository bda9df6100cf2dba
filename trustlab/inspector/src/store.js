/** What a view knows and what the reader chose: one `Book` a model (the document), one `Store` a view (the choice). */
import { cap } from "./dom.js";
import { ROWS, SHAPES } from "./types.js";

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

/** What changes while a run goes on and nobody touches the view. */
const GROWING = new Set(["doc", "frame", "cursor", "layout"]);
const CHOICE = new Set(["row", "piece", "field"]);
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
export function complete(shape, value) {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => complete(shape, one));
  const [defaults, parts] = SHAPES[shape === "row" ? ROWS[value.kind] ?? "PlainRow" : shape];
  const whole = { ...defaults, ...value };
  for (const key in parts) if (key in value) whole[key] = complete(parts[key], value[key]);
  return whole;
}

/**
 * Complete a document, with lists of its own that can grow.
 * @param {any} value
 * @returns {Document}
 */
export function opened(value) {
  const doc = complete("Document", { frame: {}, ...value });
  return { ...doc, rows: [...(doc.rows ?? [])], texts: [...(doc.texts ?? [""])], tamper: [...(doc.tamper ?? [])] };
}

/**
 * A frame with the values and the stretches of lists that a batch brings.
 * @param {Frame} frame @param {any} batch
 * @returns {Frame}
 */
function changedFrame(frame, batch) {
  const parts = SHAPES.Frame[1];
  /** @type {Record<string, any>} */
  const whole = { ...frame };
  for (const [name, value] of Object.entries(batch.frame ?? {})) whole[name] = parts[name] ? complete(parts[name], value) : value;
  for (const { name, head, tail, items } of batch.lists ?? []) {
    const list = whole[name];
    whole[name] = [...list.slice(0, head), ...(parts[name] ? complete(parts[name], items) : items), ...list.slice(list.length - tail)];
  }
  return /** @type {Frame} */ (whole);
}

/** The document of one model, kept whole while batches come. All views of the model share it. */
export class Book {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.doc = opened(model.get("_document"));
    this.live = this.doc.frame.live;
    this.asked = false;
    /** @type {Set<(kind: string, detail: any) => void>} */
    this.listeners = new Set();
    model.on("msg:custom", (/** @type {any} */ content, /** @type {any} */ buffers) => this.hear(content, buffers));
    // Until it hears us, Python renews the whole in the model too: a kernel that is busy with the cell answers nobody.
    model.on("change:_document", () => this.renew());
    // ipywidgets says so when the kernel goes or comes back; whether it is there, its answer tells.
    model.on("comm_live_update", () => this.probe());
    model.on("comm:close", () => this.alive(false));
    // What was sent between the widget's birth and this line went to nobody.
    if (this.live) this.resync();
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

  /** Take the model's own document where this one lacks rows. */
  renew() {
    const doc = opened(this.model.get("_document"));
    if (doc.rows.length <= this.doc.rows.length) return;
    this.doc = doc;
    this.tell("doc", null);
  }

  probe() {
    this.alive(false);
    this.asked = false;
    this.resync();
  }

  /**
   * Ask something of the kernel; of one that was restarted nothing can be asked any more.
   * @param {any} content
   */
  send(content) {
    try {
      this.model.send(content);
    } catch {
      this.alive(false);
    }
  }

  /**
   * Put values into the model, for Python and for a view that opens later.
   * @param {Record<string, any>} values
   */
  save(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    try {
      this.model.save_changes();
    } catch {
      this.alive(false);
    }
  }

  resync() {
    if (this.asked) return;
    this.asked = true;
    this.send({ type: "resync" });
  }

  /** @param {any} content @param {any} buffers */
  hear(content, buffers) {
    if (content.type === "whole") {
      this.asked = false;
      this.doc = opened(content.document);
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
    if (batch.lists?.some((/** @type {any} */ one) => one.head + one.tail > /** @type {any} */ (doc.frame)[one.name].length)) return this.resync();
    texts.forEach((/** @type {string} */ text, /** @type {number} */ n) => (doc.texts[from + n] = text));
    const changed = new Set();
    for (const raw of batch.rows ?? []) {
      if (raw.id > doc.rows.length) return this.resync();
      doc.rows[raw.id] = complete("row", raw);
      changed.add(raw.id);
    }
    const reframed = batch.lists?.length > 0 || Object.keys(batch.frame ?? {}).length > 0;
    if (reframed) doc.frame = changedFrame(doc.frame, batch);
    if (batch.tamper?.length) doc.tamper = [...doc.tamper, ...complete("Tampered", batch.tamper)];
    if (reframed) this.tell("frame");
    if (changed.size || batch.tamper?.length) this.tell("doc", changed);
  }
}

/** What one view shows. `set` changes it; listeners hear once a frame which keys changed. */
export class Store {
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
    this.publicKeys = false;
    this.cell = -1;
    /**
     * Whether the tamper map is shown that is played with the channel's keys; null leaves it to the panel.
     * @type {boolean | null}
     */
    this.layer = null;
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
    /**
     * Rows that are new or changed since the last frame; null for all.
     * @type {Set<number> | null}
     */
    this.rowsChanged = null;
    /** @type {Set<(changed: Set<string>) => void>} */
    this.listeners = new Set();
    /** @type {Set<string>} */
    this.changed = new Set();
    this.frame = 0;
    /** When a view that only grows is drawn again. */
    this.rested = 0;
    /** This view, to itself: Python sends to all views, and says who asked. */
    this.asker = Math.random().toString(36).slice(2);
    /**
     * What to do with a file that this view asked for.
     * @type {(detail: any) => void}
     */
    this.onFile = () => {};
    /**
     * What to do when Python says why something that was asked is not done.
     * @type {(text: string) => void}
     */
    this.onRefused = (text) => this.say(text);
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
    const { steering } = this.doc.frame;
    return this.live && (steering ? steering.state !== "ended" : this.book.model.get("_controls") === true);
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
    if (row.kind === "read" && row.loot) {
      const loot = row.text.slice(...row.loot);
      const found = row.parts[piece]?.fields.findIndex((one) => this.text(one[4]) === loot) ?? -1;
      if (found >= 0) return found;
    }
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
    if (!this.frame) this.frame = requestAnimationFrame(() => this.due());
  }

  /** Draw, unless the reader is only watching and what was drawn last took long: then more may gather for as long again. */
  due() {
    this.frame = 0;
    const hurried = [...this.changed].some((key) => !GROWING.has(key) && (this.touched || !CHOICE.has(key)));
    if (hurried || performance.now() >= this.rested) this.draw();
    else this.frame = requestAnimationFrame(() => this.due());
  }

  /** Draw what waits for the next frame, now. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { changed } = this;
    const began = performance.now();
    this.changed = new Set();
    if (changed.size) for (const listener of [...this.listeners]) listener(changed);
    this.rowsChanged = new Set();
    this.rested = 2 * performance.now() - began;
  }

  /**
   * Whether any of these rows is another than in the last frame.
   * @param {number[]} ids
   */
  renewed(ids) {
    const { rowsChanged } = this;
    return !rowsChanged || ids.some((id) => rowsChanged.has(id));
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
    this.book.send(message);
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
        if (!detail) this.rowsChanged = null;
        else if (this.rowsChanged) for (const id of detail) this.rowsChanged.add(id);
        if (!this.touched) this.begin();
        this.mark("doc");
      } else if (kind === "select") {
        this.choose({ row: detail.row, piece: detail.part, field: detail.field });
      } else if (kind === "say") this.onRefused(String(detail.text));
      else if (kind === "what-if") this.answered(detail);
      else if (kind === "file") this.onFile(detail);
      else this.mark(kind);
    };
    this.book.listeners.add(hear);
    return () => this.book.listeners.delete(hear);
  }

  /**
   * A run to lay beside this one came back.
   * @param {any} detail
   */
  answered(detail) {
    if (detail.asker !== this.asker) return;
    if (detail.document) this.set({ compare: { document: opened(detail.document), first: detail.first ?? "" } });
    else this.onRefused(String(detail.text ?? "There is no such run."));
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
export function landing(rows) {
  let found = null;
  for (const row of rows) {
    if (row.kind === "read" && row.secret) return row.id;
    if (row.kind === "appraisal" && (found === null || row.mark === "fail")) found = row.id;
  }
  if (found !== null) return found;
  for (let n = rows.length - 1; n >= 0; n -= 1) if (["message", "tpm"].includes(rows[n].kind)) return n;
  return rows.length ? rows.length - 1 : null;
}
