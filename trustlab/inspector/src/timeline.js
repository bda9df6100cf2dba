/** One axis of time for three things: what Alice can read, what happened, and the phases; the slider is the same axis. */
import { cap, cut, fill, h, s, shown } from "./dom.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 */

const GRAIN = 2;
const LETTER = 6.4;
const SLIM_BAR = 3;
/**
 * Where playing stops: by kind of event, not by place.
 * @type {[string, string, (row: AnyRow) => boolean][]}
 */
export const STOPS = [
  ["certificate", "Certificate", (row) => row.kind === "message" && row.name === "Certificate"],
  ["quote", "Quote", (row) => row.kind === "tpm" && row.name === "TPM2_Quote"],
  ["refusal", "a check fails", (row) => row.kind === "appraisal" && row.mark === "fail"],
  ["reads", "Alice reads", (row) => row.kind === "read"],
  ["alert", "Alert", (row) => row.kind === "message" && row.alert !== ""],
];

/**
 * Whether playing stops at a row.
 * @param {AnyRow} row
 * @param {Set<string>} stops
 */
export const stopsAt = (row, stops) => STOPS.some(([id, , test]) => stops.has(id) && test(row));

/**
 * How much room a row takes on the axis: boot and checks are many and say little each.
 * @param {AnyRow} row
 */
function weight(row) {
  if (row.kind === "machine") return 0.28;
  if (row.kind === "verdict") return 0.3;
  return row.kind === "section" ? 0.4 : row.kind === "tpm" ? 0.6 : 1;
}

export class Timeline {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** The right end of each row, in shares of the whole. */
    this.ends = new Float64Array(0);
    this.reads = h("div", { class: "tl-reads" });
    this.ticks = s("svg", { class: "tl-ticks", "aria-hidden": "true" });
    this.later = h("div", { class: "tl-later" });
    this.knob = h("span", { class: "tl-knob" });
    this.slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "tl-slider", min: 0, step: 1, "aria-label": "Time: what had happened by step", on: { input: () => this.slide() } }));
    this.lane = h("div", { class: "tl-lane", on: { pointerdown: (/** @type {PointerEvent} */ e) => this.drag(e) } }, this.ticks, this.later, this.slider, this.knob);
    this.lanes = h("div", { class: "tl-lanes" }, this.reads, this.lane);
    this.state = h("span", { class: "tl-prize" });
    this.steps = h("span", { class: "tl-steps" });
    this.label = h("span", { class: "tl-lanelabel" }, h("b", { text: "Alice" }), " can read");
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    const anew = ["doc", "frame", "width"].some((key) => changed.has(key));
    if (anew || changed.has("stops")) this.axis();
    if (anew || changed.has("cursor")) this.time();
  }

  /** @param {number} row */
  end(row) {
    return row < 0 ? 0 : this.ends[Math.min(row, this.ends.length - 1)] ?? 0;
  }

  axis() {
    const { rows, frame } = this.store.doc;
    const ends = new Float64Array(rows.length);
    let sum = 0;
    const boot = frame.phases.find((phase) => phase.name === "boot");
    rows.forEach((row, n) => (ends[n] = sum += boot && n >= boot.first && n <= boot.last ? 0.28 : weight(row)));
    for (let n = 0; n < ends.length; n += 1) ends[n] /= sum;
    this.ends = ends;
    const width = (this.width = this.lane.clientWidth || 600);
    this.ticks.setAttribute("viewBox", `0 0 ${width} 42`);
    this.ticks.replaceChildren(...this.brackets(width), ...this.marks(width));
  }

  /** @param {number} width */
  brackets(width) {
    const nodes = [];
    for (const { name, first, last } of this.store.doc.frame.phases) {
      const from = first ? this.end(first - 1) * width + 2 : 0;
      const to = this.end(last) * width - 1;
      if (to - from < 3) continue;
      nodes.push(s("path", { d: `M${from} 40.5H${to}`, class: "tl-bracket" }));
      const room = Math.floor((to - from) / LETTER);
      if (room >= Math.min(name.length, 4)) nodes.push(s("text", { x: (from + to) / 2, y: 36, "text-anchor": "middle", class: "tl-phase", text: cut(name, Math.max(1, room - (name.length > room ? 1 : 0))) }));
    }
    return nodes;
  }

  /**
   * A mark for each row; of rows that would lie on one another only one of each kind.
   * @param {number} width
   */
  marks(width) {
    const { store } = this;
    const taken = new Set();
    const nodes = [];
    /**
     * Slim bars of one colour are one path: thousands of nodes would take longer to draw than all else.
     * @type {Map<string, string[]>}
     */
    const bars = new Map();
    for (const row of store.doc.rows) {
      const x = ((this.end(row.id - 1) + this.end(row.id)) / 2) * width;
      const stops = stopsAt(row, store.stops);
      const key = `${row.kind}${row.mark}${row.at}${Math.round(x / GRAIN)}`;
      if (taken.has(key) && !stops) continue;
      taken.add(key);
      const mark = this.mark(row, x, bars);
      if (mark) nodes.push(mark);
      if (stops) nodes.push(s("circle", { cx: x, cy: 28.5, r: 2.4, class: "tl-stopdot" }));
    }
    return [...[...bars].map(([tone, paths]) => s("path", { d: paths.join(""), class: tone })), ...nodes];
  }

  /**
   * @param {AnyRow} row
   * @param {number} x
   * @param {Map<string, string[]>} bars
   */
  mark(row, x, bars) {
    const bar = (/** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ height, /** @type {string} */ tone) => {
      if (w > SLIM_BAR) return s("rect", { x: x - w / 2, y, width: w, height, rx: 2, class: tone });
      const paths = bars.get(tone) ?? [];
      bars.set(tone, paths);
      paths.push(`M${(x - w / 2).toFixed(1)} ${y}h${w}v${height}h${-w}z`);
      return null;
    };
    if (row.kind === "message") return bar(7, 2.2, 16, row.fatal ? "tl-t-bad" : "tl-t-message");
    if (row.kind === "tpm") return bar(17, 1.5, 6, `tl-t-tone ${this.store.party(row.at).tone}`);
    if (row.kind === "attack") return s("path", { d: `M${x} 10l5 5-5 5-5-5z`, class: "tl-t-tone tl-alice" });
    if (row.kind === "appraisal" || (row.kind === "read" && row.secret)) return bar(4, 6, 20, row.kind === "read" || row.mark === "fail" ? "tl-t-bad" : "tl-t-pass");
    if (row.kind === "verdict") return row.mark === "fail" ? bar(11, 2, 12, "tl-t-bad") : bar(19, 1.5, 4, "tl-t-dim");
    return null;
  }

  time() {
    const { store } = this;
    const { rows, frame } = store.doc;
    const x = this.end(store.cursor) * 100;
    this.knob.style.left = this.later.style.left = `${x}%`;
    this.slider.max = String(Math.max(0, rows.length - 1));
    this.slider.value = String(store.cursor);
    const row = rows[store.cursor];
    this.slider.setAttribute("aria-valuetext", shown(`step ${store.cursor + 1} of ${rows.length}${row ? `: ${cut(row.name || row.kind, 120)}` : ""}`));
    this.steps.replaceChildren("step ", h("b", { text: rows.length ? store.cursor + 1 : 0 }), ` of ${rows.length.toLocaleString("en")}`);
    const alice = frame.lifelines.includes("alice");
    for (const node of [this.reads, this.label, this.state]) node.hidden = !alice;
    this.lanes.classList.toggle("tl-noreads", !alice);
    if (alice) this.loot(frame.reads.map((id) => rows[id]));
  }

  /**
   * What Alice can read, over time.
   * @param {(AnyRow | undefined)[]} reads
   */
  loot(reads) {
    const { store } = this;
    const { cursor, doc } = store;
    const secret = reads.find((row) => row?.kind === "read" && row.secret);
    const first = secret ?? reads[0];
    const at = first ? ((this.end(first.id - 1) + this.end(first.id)) / 2) * 100 : 100;
    const until = first && first.id <= cursor ? at : this.end(cursor) * 100;
    const bars = [h("span", { class: "tl-read tl-nothing", style: `left:0;width:max(${until}%, 90px)`, text: "nothing secret" })];
    if (first) {
      const on = first.id <= cursor;
      bars.push(h("span", { class: `tl-read ${secret ? "tl-got" : "tl-some"}${on ? "" : " tl-future"}`, style: `left:min(${at}%, calc(100% - ${on ? 190 : 8}px));right:0`, text: on ? cut(first.text, 160) : "" }));
    }
    this.reads.replaceChildren(...bars);
    const bad = secret !== undefined && secret.id <= cursor;
    const prize = doc.frame.prize || "the secret";
    this.state.className = `tl-prize ${bad ? "tl-lost" : "tl-safe"}`;
    fill(this.state, bad ? `✘ Alice has ${prize}` : `✔ ${cap(prize)} is safe`);
  }

  slide() {
    this.store.set({ playing: false });
    this.store.go(Number(this.slider.value));
  }

  /**
   * The axis is not even, so the pointer finds the row by the axis and not by the slider's own steps.
   * @param {PointerEvent} event
   */
  drag(event) {
    event.preventDefault();
    this.slider.focus({ preventScroll: true });
    const to = (/** @type {PointerEvent} */ e) => {
      const box = this.lane.getBoundingClientRect();
      const share = (e.clientX - box.left) / box.width;
      let low = 0;
      let high = this.ends.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.ends[middle] < share) low = middle + 1;
        else high = middle;
      }
      this.store.set({ playing: false });
      this.store.go(low);
    };
    const move = (/** @type {PointerEvent} */ e) => to(e);
    const end = () => {
      this.lane.removeEventListener("pointermove", move);
      this.lane.removeEventListener("pointerup", end);
      this.lane.removeEventListener("pointercancel", end);
    };
    this.lane.setPointerCapture(event.pointerId);
    this.lane.addEventListener("pointermove", move);
    this.lane.addEventListener("pointerup", end);
    this.lane.addEventListener("pointercancel", end);
    to(event);
  }
}
