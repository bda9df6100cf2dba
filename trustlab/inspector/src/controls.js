/** Hands: time travel over what is recorded; with a controller, the run itself. Every button is a call, and says which. */
import { bytes, cap, cut, fill, h, icon } from "./dom.js";
import { called } from "./ladder.js";
import { fieldOfByte, fieldsOf } from "./paths.js";
import { pop, python } from "./pop.js";
import { STOPS, stopsAt } from "./timeline.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./octets.js").Octets} Octets
 * @typedef {[action: string, label: string, args: Record<string, any>, call: string, sentence: string, short?: string]} Action
 */

const PACE = 240;
/** Milliseconds until a kernel that was asked for a file is taken for gone. */
const PATIENCE = 8000;
const SLOW = 700;
/** Letters of a refusal that are shown. */
const WORDS = 600;
const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M5 3v10M11 3v10";
/** @type {Action[]} */
const ACTIONS = [
  ["pause", "Pause", {}, "act.controller.pause()", "The run stops before the next message or TPM command."],
  ["play", "Go on", {}, "act.controller.play()", "The run goes on to the next breakpoint, or to its end."],
  ["step", "Step a message", { what: "message" }, 'act.controller.step("message")', "One message goes, and the run is held before the next.", "Step"],
  ["step", "Step a TPM command", { what: "tpm" }, 'act.controller.step("tpm")', "One TPM command runs, and the run is held before the next.", "TPM"],
  ["drop_held", "Drop it", {}, "act.controller.drop_held()", "The held message never arrives.", "Drop"],
  ["cancel", "Cancel", {}, "act.close()", "The run ends here, and leaves nothing behind."],
];
const SAVES = /** @type {[string, string, string][]} */ ([
  ["page", "this page (.html)", 'inspector.save_page("run.html")'],
  ["trace", "the trace (.jsonl)", 'inspector.save_trace("run.jsonl")'],
  ["capture", "the capture (.pcapng)", 'inspector.save_capture("run.pcapng")'],
]);

export class Controls {
  /** @param {Store} store @param {() => HTMLElement} root @param {Octets} octets */
  constructor(store, root, octets) {
    this.store = store;
    this.root = root;
    this.octets = octets;
    this.timer = 0;
    this.waiting = 0;
    const { go } = this;
    const button = (/** @type {string} */ label, /** @type {string} */ path, /** @type {() => void} */ press) => h("button", { title: label, "aria-label": label, on: { click: press } }, icon(path));
    this.back = [button("To the beginning", "M4 3v10M12 3L6 8l6 5z", () => go(0)), button("One step back", "M11 3L5 8l6 5z", () => go(store.cursor - 1))];
    this.playing = button("Play to the next stop", PLAY, () => store.set({ playing: !store.playing }));
    this.on = [button("One step on", "M5 3l6 5-6 5z", () => go(store.cursor + 1)), button("To the end", "M12 3v10M4 3l6 5-6 5z", () => go(Infinity))];
    this.transport = h("div", { class: "tl-play", role: "group", "aria-label": "Step through what happened" }, ...this.back, this.playing, ...this.on);
    this.hold = h("span", { class: "tl-hold" });
    /** Whether this view let the run go on: then it goes along to where the run is held next. */
    this.along = false;
    this.heldAt = "";
    this.breaks = /** @type {HTMLInputElement} */ (h("input", { class: "tl-breakname", placeholder: "Certificate", "aria-label": "Break on which message", on: { keydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && this.breakOn(this.breaks.value) } }));
    this.actions = ACTIONS.map((action) => h("button", { class: "tl-ghostbtn", title: action[4], "aria-label": action[1], on: { click: () => this.act(action) } }, h("span", { class: "tl-full", text: action[1] }), h("span", { class: "tl-short", text: action[5] ?? action[1] })));
    this.steer = h("div", { class: "tl-steer", role: "group", "aria-label": "Steer the run" }, this.hold, ...this.actions,
      h("span", { class: "tl-breaks" }, "break on", this.breaks, h("button", { class: "tl-ghostbtn", text: "Set", on: { click: () => this.breakOn(this.breaks.value) } })));
    this.edited = h("div", { class: "tl-edits" });
    this.edited.hidden = true;
    octets.bar.prepend(this.edited);
    this.stops = this.menu("tl-stops", "", h("div", { class: "tl-bps", role: "group", "aria-label": "Where playing stops" }, STOPS.map(([id, label]) => h("button", { class: "tl-bp", "data-stop": id, "aria-pressed": store.stops.has(id), text: label, on: { click: () => this.stop(id) } }))), this.steerHome = h("div", { class: "tl-steerhome" }, h("p", { class: "tl-small", text: "A run that goes on can be held and changed:" }), this.steer));
    this.keep = this.menu("tl-keep", "keep", ...SAVES.map(([what, label, call]) => h("button", { class: "tl-menuitem", text: label, on: { click: () => this.save(what, call) } })));
    store.onRefused = (text) => void pop(this.root(), "That was not done", h("p", { text: cap(cut(text, WORDS)) }));
    store.onFile = (detail) => {
      if (detail.asker !== store.asker) return;
      clearTimeout(this.waiting);
      download(detail);
    };
  }

  /** @param {string} kind @param {string} label @param {...HTMLElement} children */
  menu(kind, label, ...children) {
    const node = h("details", { class: `tl-menu ${kind}`, on: { keydown: (/** @type {KeyboardEvent} */ e) => { if (e.key === "Escape") { node.removeAttribute("open"); node.querySelector("summary")?.focus(); } } } },
      h("summary", {}, h("span", { text: label }), icon("M4 6l4 4 4-4", 12)), h("div", { class: "tl-menubody" }, ...children));
    return node;
  }

  /** @param {number} row */
  go = (row) => {
    this.store.set({ playing: false });
    this.store.go(row);
  };

  /** @param {Set<string>} changed */
  draw(changed) {
    const { store } = this;
    const end = store.doc.rows.length - 1;
    if (changed.has("cursor") || changed.has("doc")) {
      for (const one of this.back) one.toggleAttribute("disabled", store.cursor <= 0);
      for (const one of this.on) one.toggleAttribute("disabled", store.cursor >= end);
    }
    if (changed.has("playing")) this.play();
    if (changed.has("stops") || changed.has("doc")) this.says();
    if (changed.has("frame") || changed.has("live") || changed.has("doc")) this.steering();
    if (["row", "frame", "live", "edits", "doc"].some((key) => changed.has(key))) this.edits();
  }

  says() {
    const { store } = this;
    const names = STOPS.filter(([id]) => store.stops.has(id)).map(([, label]) => label);
    fill(/** @type {HTMLElement} */ (this.stops.querySelector("summary > span")), h("span", { class: "tl-stopword", text: "stops at " }), h("b", { text: names.join(", ") || "nothing" }), h("b", { class: "tl-stopcount", text: names.length === 1 ? "1 stop" : `${names.length || "no"} stops` }));
    for (const one of this.stops.querySelectorAll("[data-stop]")) one.setAttribute("aria-pressed", String(store.stops.has(one.getAttribute("data-stop") ?? "")));
  }

  /** @param {string} id */
  stop(id) {
    const { stops } = this.store;
    if (!stops.delete(id)) stops.add(id);
    this.store.mark("stops");
  }

  // Time

  play() {
    const { store } = this;
    clearInterval(this.timer);
    fill(this.playing, icon(store.playing ? PAUSE : PLAY));
    this.playing.setAttribute("aria-label", store.playing ? "Pause" : "Play to the next stop");
    if (!store.playing) return;
    const { rows } = store.doc;
    if (store.cursor >= rows.length - 1) store.go(0);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pace = setInterval(() => {
      const next = store.cursor + 1;
      if (next >= rows.length) return store.set({ playing: false });
      store.go(next);
      if (stopsAt(rows[next], store.stops)) store.set({ playing: false });
    }, calm ? SLOW : PACE);
    this.timer = Number(pace);
  }

  // The run itself

  steering() {
    const { store } = this;
    const steering = store.doc.frame.steering;
    const can = store.can("step");
    const held = steering?.state === "held";
    const over = steering?.state === "ended";
    const state = !steering ? "" : !store.live ? "The kernel does not answer." : held ? `Held before ${this.place(steering)}.` : over ? "The run has ended." : "The run goes on.";
    const more = !steering || !store.live ? "" : over ? " To step through another, make a new act: run its cell again." : steering.breaks.length ? ` Breaks on ${steering.breaks.join(", ")}.` : "";
    fill(this.hold, h("b", { text: state }), more);
    this.actions.forEach((node, n) => {
      const useless = ACTIONS[n][0] === "pause" ? held : ["play", "step", "drop_held"].includes(ACTIONS[n][0]) && !held;
      node.setAttribute("aria-disabled", String(!can || useless));
    });
    this.steer.classList.toggle("tl-ended", over && store.live);
    this.bar?.classList.toggle("tl-steered", steering !== null);
    if (steering) this.follow(steering);
    if (steering && this.bar && this.steer.parentElement !== this.bar) this.bar.append(this.steer);
  }

  /**
   * Where a run is held, in words: the message, its step, and who stands at its ends.
   * @param {import("./types.js").SteeringState} steering
   */
  place({ message, connection, row }) {
    const { store } = this;
    const held = row === null ? undefined : store.rowOf(row);
    const ends = held?.to ? `${store.party(held.at).name} → ${store.party(held.to).name}, step ${held.id + 1}` : connection && store.connectionName(connection);
    return `${held ? called(held) : message || "the next step"}${ends ? ` (${ends})` : ""}`;
  }

  /**
   * Go along to where the run is held now, if nothing was chosen yet or this view let it go on.
   * @param {import("./types.js").SteeringState} steering
   */
  follow({ state, connection, message, row }) {
    const { store } = this;
    const at = state === "held" ? `${connection} ${message} ${row}` : state;
    const moved = at !== this.heldAt;
    this.heldAt = at;
    if (!moved || state === "running" || !(this.along || !store.touched)) return;
    if (state === "held" && row !== null) store.choose({ row, quiet: !store.touched });
    if (state === "ended" && this.along) {
      store.touched = false;
      store.begin();
    }
  }

  /**
   * Where the steering stands while there is something to steer.
   * @param {HTMLElement} bar
   */
  home(bar) {
    this.bar = bar;
  }

  /** @param {Action} action */
  act([action, label, args, call, sentence]) {
    if (!this.store.can(action)) return this.cannot(label, sentence, call);
    if (action !== "pause") this.along = true;
    this.store.send({ type: "control", action, ...args });
  }

  /**
   * Say what a button would do, and by which call.
   * @param {string} label
   * @param {string} sentence
   * @param {string} call
   */
  cannot(label, sentence, call) {
    const { steering } = this.store.doc.frame;
    const why = !this.store.live ? "No kernel answers here: this is what was recorded." : steering ? "This run has ended." : "This run was not started with a controller.";
    pop(this.root(), label, h("p", { text: sentence }), h("p", { text: `${why} In Python the button is this call:` }), python(call));
  }

  /** @param {string} name */
  breakOn(name) {
    const wanted = name.trim() || this.breaks.placeholder;
    if (this.store.can("break_on")) this.store.send({ type: "control", action: "break_on", name: wanted });
    else this.cannot("Break on a message", `The run is held before ${wanted}.`, `act.controller.break_on(${JSON.stringify(wanted)})`);
  }

  /** Whether the chosen message is the one that is held. */
  get holding() {
    const { store } = this;
    const steering = store.doc.frame.steering;
    return store.can("tamper") && steering?.state === "held" && steering.row === store.row;
  }

  /** Edit the bytes of a held message; of another, say how to come by it. */
  edit() {
    const { store } = this;
    const row = store.chosen;
    if (!row) return;
    if (this.holding) {
      store.set({ up: true });
      this.octets.scroller.focus();
      store.say("Type hex digits over a byte; the length stays the same.");
      return;
    }
    const name = JSON.stringify(called(row) === row.name ? row.name : row.name);
    const path = JSON.stringify(fieldsOf(row.parts[store.piece], store.doc.texts)[store.field]?.path ?? "random");
    const said = "The run is held before this message, you change its bytes, and it goes on.";
    if (store.can("break_on")) pop(this.root(), "Edit and let go", h("p", { text: `${said} This one has gone already.` }), h("button", { class: "tl-ghostbtn", text: `Break on ${row.name}`, on: { click: () => this.breakOn(row.name) } }));
    else this.cannot("Edit and let go", said, `act.start()\nact.controller.break_on(${name})\nact.controller.tamper(${name}, ${path}, value)\nact.controller.play()\noutcome = act.wait()`);
  }

  /** The line over the bytes of a held message. */
  edits() {
    const { octets, store } = this;
    const before = octets.editing;
    octets.editing = this.holding;
    this.edited.hidden = !octets.editing;
    if (octets.editing && !before) requestAnimationFrame(() => octets.reveal());
    octets.scroller.classList.toggle("tl-editing", octets.editing);
    if (!octets.editing) return;
    const count = octets.edits.size;
    fill(this.edited, h("b", { text: count ? `${cap(bytes(count))} changed.` : "Held: type hex over a byte." }),
      h("button", { class: "tl-ghostbtn", "aria-disabled": !count, text: "Let it go, changed", on: { click: () => count && this.letGo() } }),
      count > 0 && h("button", { class: "tl-ghostbtn", text: "Undo", on: { click: () => { octets.edits.clear(); store.mark("edits"); } } }));
  }

  /** Give the held message its new fields, each whole, and let it go: one request, so that all of it is done or nothing. */
  letGo() {
    const { octets, store } = this;
    const row = store.chosen;
    const piece = row?.parts[store.piece];
    if (!row || !piece) return;
    const fields = fieldsOf(piece, store.doc.texts);
    const edited = new Set([...octets.edits.keys()].map((byte) => fieldOfByte(fields, byte)));
    /** @type {Record<string, string>} */
    const changes = {};
    for (const n of edited) {
      if (n < 0) continue;
      const { start, end, path } = fields[n];
      let value = "";
      for (let byte = start; byte < end; byte += 1) value += octets.edits.get(byte) ?? piece.hex.substr(2 * byte, 2);
      changes[path] = value;
    }
    this.along = true;
    store.send({ type: "control", action: "let_go", name: row.name, connection: row.connection, fields: changes });
  }

  /** Change the chosen field and run the act again. */
  whatIf() {
    const { store } = this;
    const row = store.chosen;
    if (!row) return;
    const piece = row.parts[store.piece];
    const field = fieldsOf(piece, store.doc.texts)[store.field];
    if (!field) return void pop(this.root(), "What if?", h("p", { text: "Choose a field first: what if it were another one?" }));
    const hex = piece.hex.slice(2 * field.start, 2 * field.end);
    const changed = `${(parseInt(hex.slice(0, 2) || "0", 16) ^ 1).toString(16).padStart(2, "0")}${hex.slice(2)}`;
    const input = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "tl-value tl-mono", rows: 3, "aria-label": `Other octets of ${field.label}, in hex`, spellcheck: "false" }));
    input.value = changed.slice(0, 4096);
    const call = () => `other = act.what_if(${JSON.stringify(row.name)}, ${JSON.stringify(field.path)}, bytes.fromhex("${clean(input.value)}"))\nprint(act.compare(other))`;
    const said = h("div");
    const show = () => fill(said, python(call()));
    input.addEventListener("input", show);
    const ask = () => {
      const value = clean(input.value);
      if (value.length !== hex.length) return fill(said, h("p", { class: "tl-badword", text: `${field.label} has ${bytes(hex.length / 2)}; these are ${bytes(Math.ceil(value.length / 2))}.` }));
      store.send({ type: "what-if", row: row.id, field: field.path, value, asker: store.asker });
      close();
      store.say("The act runs again; it will stand beside this one.");
    };
    show();
    const close = pop(this.root(), `What if ${field.label} were another one?`, h("p", { text: `The act runs again, and somebody without keys changes this field of ${called(row)} on its way. Both runs then stand side by side.` }), input, said,
      store.live ? h("button", { class: "tl-ghostbtn", text: "Run it again", on: { click: ask } }) : h("p", { class: "tl-dim", text: "No kernel answers here, so the act cannot run again from this page; the call above does it." }));
  }

  // Keeping

  /** @param {string} what @param {string} call */
  save(what, call) {
    this.keep.removeAttribute("open");
    const silent = () => void pop(this.root(), "Keep", h("p", { text: "No kernel answers here, so nothing can be written. In Python the button is this call:" }), python(call));
    if (!this.store.live) return silent();
    clearTimeout(this.waiting);
    this.waiting = Number(setTimeout(silent, PATIENCE)); // a kernel may go without a word
    this.store.send({ type: "download", what, asker: this.store.asker });
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.waiting);
  }
}

/** @param {string} text */
const clean = (text) => text.replace(/[^0-9a-f]/gi, "").toLowerCase();

/**
 * Hand a file to the reader.
 * @param {any} detail
 */
function download(detail) {
  const url = URL.createObjectURL(new Blob([detail.buffers?.[0] ?? new Uint8Array()]));
  const link = /** @type {HTMLAnchorElement} */ (h("a", { href: url, download: detail.name }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
