/** The ladder: a line of life for each party, and what was said between them. Only what is in view exists. */
import { cap, chevron, cut, h, icon } from "./dom.js";
import { linesOf, placesOf } from "./lines.js";
import { VirtualList } from "./virtual.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./lines.js").Line} Line
 */

const HEIGHTS = { pair: 41, say: 29, tpm: 61, fold: 42, sub: 26, verdict: 132, read: 116, bind: 28, caption: 42 };
const LOW = { pair: 38, say: 30, tpm: 54, fold: 50, sub: 28, verdict: 170, read: 150, bind: 30, caption: 50 };
const SIGN = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "–", "": "" });
const STATE = /** @type {Record<string, string>} */ ({ written: "written", wire: "on the wire", read: "" });
const LABEL = /** @type {Record<string, string>} */ ({ SupplementalData: "Evidence" });
const SLIM = 40;
/** How many lifelines fit beside one another. Of more hosts, clients stand left and servers right, and arrows say who they are. */
export const CROWD = 6;

let views = 0;

/**
 * What a message is called.
 * @param {AnyRow} row
 */
export const called = (row) => LABEL[row.name] ?? row.name;

/**
 * Where a lifeline stands, in hundredths of the width.
 * @param {number} n @param {number} count
 */
export const place = (n, count) => (count < 2 ? 50 : 12 + (76 * n) / (count - 1));

export class Ladder {
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
    this.crowd = false;
    /** All that lines depend on beside their rows, when they were last drawn. */
    this.stage = "";
    this.names = h("div", { class: "tl-names" });
    this.inner = h("div", { class: "tl-lines" });
    this.now = h("div", { class: "tl-now", "aria-hidden": "true" });
    this.lives = h("div", { class: "tl-lives", "aria-hidden": "true" });
    this.scroller = h("div", { class: "tl-rows", role: "group", tabindex: 0, "aria-label": "Steps", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e) } }, this.inner);
    this.inner.append(this.lives, this.now);
    this.node = h("div", { role: "group", class: "tl-card tl-ladder", "aria-label": "What was said" }, this.tools(), this.names, this.scroller);
    const estimate = (/** @type {number} */ n) => (store.narrow ? LOW : HEIGHTS)[this.lines[n].t];
    this.list = new VirtualList(this.scroller, this.inner, (n) => this.line(this.lines[n]), estimate);
    this.list.kept = () => this.places[store.row] ?? -1;
    this.scroller.addEventListener("scroll", () => store.mark("layout"), { passive: true });
  }

  tools() {
    const { store } = this;
    const kinds = h("span", { class: "tl-seg tl-legs" });
    for (const [label, value] of /** @type {[string, boolean][]} */ ([["legs side by side", true], ["in order of time", false]]))
      kinds.append(h("button", { "data-aligned": String(value), "aria-pressed": value === store.aligned, "aria-label": label, on: { click: () => store.set({ aligned: value }) } }, value ? [h("span", { class: "tl-long", text: "legs " }), "side by side"] : [h("span", { class: "tl-long", text: "in order of " }), h("span", { text: "time" })]));
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
    if ((changed.has("row") && store.reveal) || changed.has("narrow")) this.reveal();
  }

  /** @param {boolean} anew */
  rebuild(anew) {
    const { store } = this;
    const { rows, frame } = store.doc;
    const lifelines = frame.lifelines;
    const before = this.lines;
    const stage = JSON.stringify([lifelines, frame.prize, frame.steering, store.narrow]);
    const same = !anew && stage === this.stage;
    this.stage = stage;
    const known = new Set(lifelines);
    this.crowd = lifelines.length > CROWD;
    this.columns = new Map(this.crowd ? [] : lifelines.map((name, n) => [name, place(n, known.size)]));
    this.lines = linesOf(rows, store);
    this.places = placesOf(this.lines, rows.length);
    this.firsts = Int32Array.from(this.lines, (line) => line.ids[0]);
    const alone = rows.some((row) => "twin" in row && row.twin !== null);
    this.bar?.classList.toggle("tl-onelegged", !alone);
    for (const button of this.bar?.querySelectorAll("[data-aligned]") ?? []) button.setAttribute("aria-pressed", String(String(store.aligned) === button.getAttribute("data-aligned")));
    this.head(lifelines);
    this.list.reset(this.lines.length, anew ? 0 : this.lines.length, (n) => same && this.stays(before[n], this.lines[n]));
    this.time();
    this.choice();
    store.mark("layout");
  }

  /**
   * Whether a line looks as it did in the last frame.
   * @param {Line} before @param {Line | undefined} line
   */
  stays(before, line) {
    if (line?.t !== before.t || line.open !== before.open || line.ids.join() !== before.ids.join()) return false;
    const { store } = this;
    const told = store.doc.rows[line.ids[0]];
    return !store.renewed(line.ids) && !(told.kind === "appraisal" && store.renewed(told.verdicts));
  }

  /** @param {string[]} lifelines */
  head(lifelines) {
    const { store } = this;
    const key = lifelines.join();
    if (this.headed === key) return;
    this.headed = key;
    this.node.classList.toggle("tl-crowd", this.crowd);
    const all = lifelines.map((name) => h("option", { value: name, text: store.party(name).name }));
    this.parties?.replaceChildren(h("option", { value: "", text: "everybody" }), ...all);
    if (this.crowd) return this.sides();
    const middle = store.doc.rows.some((row) => row.kind === "attack");
    this.names.replaceChildren(...lifelines.map((name) => {
      const party = store.party(name);
      return h("span", { class: `tl-name ${party.tone}`, style: `left:${this.columns.get(name)}%` }, party.name, name === "alice" && middle && h("small", { text: "in the middle" }));
    }));
    this.lives.replaceChildren(...lifelines.map((name) => h("i", { class: store.party(name).tone, style: `left:${this.columns.get(name)}%` })));
  }

  /** Two lifelines for many hosts. */
  sides() {
    const sides = ["client", "server"].map((side, n) => {
      const hosts = new Set();
      for (const row of this.store.doc.rows) if (row.to && (row.kind === "connect" || row.kind === "message")) hosts.add((side === "client") === (row.kind === "message" && row.direction === "server") ? row.to : row.at);
      return { name: `${side}s`, count: hosts.size, x: place(n, 2) };
    });
    this.names.replaceChildren(...sides.map(({ name, count, x }) => h("span", { class: "tl-name tl-other", style: `left:${x}%` }, cap(name), h("small", { text: count === 1 ? "1 host" : `${count} hosts` }))));
    this.lives.replaceChildren(...sides.map(({ x }) => h("i", { class: "tl-other", style: `left:${x}%` })));
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
    const row = this.shownFor(this.store.row);
    for (const node of this.inner.querySelectorAll("[data-row]")) this.mark(node, Number(node.getAttribute("data-row")) === row);
    this.scroller.setAttribute("aria-activedescendant", `tl${this.view}-row-${row}`);
  }

  /**
   * The row whose element stands for a row: a check is shown by its appraisal.
   * @param {number} id
   */
  shownFor(id) {
    const row = this.store.doc.rows[id];
    return row?.kind === "verdict" ? row.appraisal ?? id : id;
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
    const { cursor } = this.store;
    const row = this.shownFor(this.store.row);
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
    if (this.crowd) return row.kind === "message" && row.direction === "server" ? [place(1, 2), place(0, 2)] : [place(0, 2), place(1, 2)];
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
    const words = [what, row.to ? `${at.name} to ${end.name}` : at.name, `step ${row.id + 1}`, message && (message.encrypted ? "encrypted" : "in clear"), state, message?.altered && "altered", message?.dropped && "dropped"];
    const notes = [held ? "held here" : state, message?.altered && "altered", message?.dropped && "dropped"].filter(Boolean).join(", ");
    const letter = (/** @type {import("./store.js").Party} */ party) => h("u", { class: party.tone, text: party.name[0] });
    return h("div", { ...this.of(row, kinds.filter(Boolean).join(" ")), style: `left:calc(${Math.min(from, to)}% + 2px);width:calc(${Math.abs(from - to)}% - 4px)`, title: words.filter(Boolean).join(", "), "aria-label": words.filter(Boolean).join(", ") },
      h("span", { class: "tl-letters", "aria-hidden": "true" }, letter(at), icon("M3 8h9M9 5l3 3-3 3", 12), letter(end)),
      h("span", { class: "tl-lbl" }, h("span", { class: "tl-on" }, message?.encrypted && h("i", { class: "tl-lock" }), h("b", {}, message?.alert ? [h("span", { class: "tl-alertword", text: "Alert " }), message.alert] : what),
        notes ? h("small", { class: "tl-state", text: notes }) : message?.size && !message.alert ? h("small", { class: "tl-size", text: `${message.size.toLocaleString("en")} B` }) : null), this.crowd && h("small", { class: "tl-ends", text: row.to ? `${cut(row.at, 39)} → ${cut(row.to, 39)}` : cut(row.at, 39) }), h("span", { class: "tl-srctag" })),
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
        h("div", { class: "tl-ttl" }, h("b", { text: `${party.name}'s TPM` }), h("span", {}, h("span", { class: "tl-count1", text: `${rows.length === 1 ? short(rows[0]) : `${rows.length} commands`}, ` }), `${total.toFixed(1)} ms`)),
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
    return this.box(row, bad ? "tl-bad" : "tl-good", `${cap(store.party(row.at).the)} ${bad ? "hangs up" : "accepts the evidence"}.`, h("p", { text: row.say || row.text }),
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
export function marked(row) {
  if (!row.loot) return [row.text];
  const [from, to] = row.loot;
  return [row.text.slice(0, from), h("mark", { text: row.text.slice(from, to) }), row.text.slice(to)];
}
