/** One view: its parts, its sizes, its theme, its keys. */
import { Compare } from "./compare.js";
import { Controls } from "./controls.js";
import { fill, h, s, shown } from "./dom.js";
import { Ladder } from "./ladder.js";
import { Message } from "./message.js";
import { PanelView } from "./panel.js";
import { OVERS } from "./panels.js";
import { copyText, pop } from "./pop.js";
import { printed } from "./print.js";
import { Search } from "./search.js";
import { followTheme, hideStills, turnTheme } from "./shell.js";
import { Store } from "./store.js";
import { Sync } from "./sync.js";
import { Timeline } from "./timeline.js";

/**
 * @typedef {import("./store.js").Book} Book
 */

const SLIM = 760;
const BROAD = 1720;
const KEYS = [
  ["↑ ↓", "the step before, the step after"], ["← →", "the other leg, the next TPM command"], ["[ ]", "one step back or on in time"], ["space", "play, pause"],
  ["T", "the same message on the other leg"], ["D", "the field that has to differ"], ["/", "find"], ["1 – 9", "the panels"], ["Esc", "back to the steps"], ["?", "this"],
];

export class View {
  /** @param {HTMLElement} el @param {Book} book */
  constructor(el, book) {
    this.el = el;
    const store = (this.store = new Store(book));
    this.page = Boolean(book.model.get("_page"));
    this.root = h("div", { class: `tl-root${this.page ? " tl-inpage" : ""}`, on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
    this.tipNode = h("div", { class: "tl-tip", "aria-hidden": "true" });
    this.tipNode.hidden = true;
    this.ladder = new Ladder(store);
    const tip = (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) => this.tip(text, x, y);
    this.message = new Message(store, this.ladder.view, tip, { edit: () => this.controls.edit(), whatIf: () => this.controls.whatIf(), link: () => this.link(), pin: () => this.pin() });
    this.panel = new PanelView(store, this.ladder.view);
    this.timeline = new Timeline(store);
    this.search = new Search(store);
    /** @type {Controls} */
    this.controls = new Controls(store, () => this.root, this.message.octets);
    this.compare = new Compare(store);
    this.wires = s("svg", { class: "tl-wires", "aria-hidden": "true" });
    this.said = h("div", { class: "tl-sr", role: "status" });
    this.title = h(this.page ? "h1" : "h2", { class: "tl-title" });
    this.badges = h("div", { class: "tl-badges" });
    this.build();
    this.sync = new Sync(store, this.root);
    el.append(this.root);
    this.unhide = hideStills(String(book.model.get("_still") ?? ""));
    this.steps = [this.timeline, this.ladder, this.message, this.panel, this.controls, this.compare];
    store.on((changed) => this.draw(changed));
    this.watch();
    this.measure();
    store.begin();
    this.sync.begin();
    for (const key of ["doc", "frame", "row", "tab", "stops", "live"]) store.mark(key);
    store.draw();
  }

  build() {
    const { store } = this;
    const grip = h("button", { class: "tl-grip", "aria-label": "Show fields and bytes", on: { click: () => store.set({ up: !store.up }) } }, h("i"));
    const sheets = [["step", "This step"], ["panel", "What is known"]].map(([id, label]) => h("button", { "data-sheet": id, "aria-pressed": id === "step", text: label, on: { click: () => this.sheet(id) } }));
    this.sheets = h("span", { class: "tl-seg" }, sheets);
    this.right = h("div", { class: "tl-right", "data-sheet": "step" }, h("div", { class: "tl-sheetbar" }, grip, this.panel.node.hidden ? null : this.sheets), this.message.node, this.panel.node, this.compare.node);
    this.grip = grip;
    const bar = h("div", { class: "tl-steerbar" });
    this.controls.home(bar);
    const help = h("button", { class: "tl-iconbtn", title: "Keys", "aria-label": "Keyboard", text: "?", on: { click: () => this.help() } });
    const theme = this.page && h("button", { class: "tl-iconbtn", title: "Light or dark", "aria-label": "Light or dark", on: { click: () => turnTheme(this.root) } }, h("span", { class: "tl-halfmoon", "aria-hidden": "true" }));
    this.root.append(
      h("div", { class: "tl-view" },
        h("div", { class: "tl-head" }, this.title, this.badges, this.controls.stops, h("span", { class: "tl-headright" }, this.search.node, this.controls.keep, theme, help)),
        h("div", { role: "group", class: "tl-over", "aria-label": "What happened over time" }, this.timeline.label, this.timeline.lanes, this.timeline.state, this.controls.transport, this.timeline.steps, bar),
        h("div", { class: "tl-main" }, this.ladder.node, this.right, this.wires)),
      this.said, this.tipNode);
  }

  // What changes around it

  watch() {
    this.sizes = new ResizeObserver(() => this.measure());
    this.sizes.observe(this.root);
    const unfollow = followTheme(this.root, () => this.store.mark("layout"));
    const before = () => {
      this.sheetOfPaper?.remove();
      this.root.append((this.sheetOfPaper = printed(this.store)));
    };
    const after = () => this.sheetOfPaper?.remove();
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    this.unwatch = () => {
      this.sizes?.disconnect();
      unfollow();
      window.removeEventListener("beforeprint", before);
      window.removeEventListener("afterprint", after);
    };
  }

  measure() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.store.set({ width, narrow: width < SLIM, wide: width >= BROAD });
    this.store.mark("width");
    this.store.mark("layout");
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    if (changed.has("up") || changed.has("narrow")) this.raise();
    if (changed.has("frame") || changed.has("doc") || changed.has("live")) this.name();
    const focused = ["frame", "live", "edits", "row"].some((key) => changed.has(key)) && this.root.contains(document.activeElement) ? document.activeElement : null;
    for (const part of this.steps) part.draw(changed);
    if (focused && document.activeElement === document.body || focused?.getClientRects().length === 0) this.ladder.scroller.focus({ preventScroll: true }); // what was pressed has gone: keys stay in here
    if (changed.has("compare")) this.right?.classList.toggle("tl-comparing", this.store.compare !== null);
    if (changed.has("said")) fill(this.said, this.store.said);
    if (changed.has("row") || changed.has("field") || changed.has("piece")) this.sync.tell();
    for (const over of OVERS) {
      if (!over.needs.some((key) => changed.has(key))) continue;
      this.wires.replaceChildren();
      over(this.wires, this.store);
    }
  }

  name() {
    const { frame } = this.store.doc;
    fill(this.title, frame.title || "A run");
    this.title.title = shown(frame.title);
    const badge = frame.badge || frame.substrate;
    this.badges.replaceChildren(
      ...(badge ? [h("details", { class: "tl-menu tl-badge" }, h("summary", { text: frame.substrate === "memory" ? "everything in one process" : frame.substrate || "where it ran" }), h("div", { class: "tl-menubody" }, h("p", { text: badge })))] : []),
      ...(frame.secrets_shown ? [h("span", { class: "tl-secretbadge", title: "This view holds keys and private plaintext.", text: "secrets shown" })] : []),
      ...(frame.notes.length ? [h("details", { class: "tl-menu tl-notes" }, h("summary", { text: frame.notes.length === 1 ? "1 note" : `${frame.notes.length} notes` }), h("div", { class: "tl-menubody" }, frame.notes.map((note) => h("p", { text: note }))))] : []));
  }

  /**
   * Narrow windows: the sheet at the lower edge shows the step or what is known.
   * @param {string} id
   */
  sheet(id) {
    this.right?.setAttribute("data-sheet", id);
    for (const one of this.sheets?.children ?? []) one.setAttribute("aria-pressed", String(one.getAttribute("data-sheet") === id));
    this.store.set({ up: id === "panel" || this.store.up });
    this.store.mark("layout");
  }

  raise() {
    const { up, narrow } = this.store;
    this.right?.classList.toggle("tl-up", up && narrow);
    this.grip?.setAttribute("aria-expanded", String(up));
    this.grip?.setAttribute("aria-label", up ? "Show less" : "Show fields and bytes");
    this.store.mark("layout");
  }

  /**
   * Show words at the pointer, or take them away.
   * @param {string} text @param {number} x @param {number} y
   */
  tip(text, x, y) {
    this.tipNode.hidden = !text;
    if (!text) return;
    const box = this.root.getBoundingClientRect();
    fill(this.tipNode, text);
    const wide = this.tipNode.offsetWidth;
    this.tipNode.style.left = `${Math.max(4, Math.min(x - box.left + 12, box.width - wide - 8))}px`;
    const high = this.tipNode.offsetHeight;
    const below = y - box.top + 16;
    this.tipNode.style.top = `${below + high > box.height ? y - box.top - high - 8 : below}px`;
  }

  // Hands

  link() {
    const { address } = this.sync;
    copyText(address, this.root);
    this.store.say("The link is copied.");
    pop(this.root, "A link to this field", h("p", { text: "It leads to the same step and field in every run of this act, and is on the clipboard now." }), h("pre", { class: "tl-mono tl-address1", tabindex: 0, text: address }));
  }

  pin() {
    const { pins, row } = this.store;
    if (!pins.delete(row)) pins.add(row);
    this.store.say(pins.has(row) ? "This step will be printed." : "This step will not be printed, unless it is chosen then.");
    this.store.mark("pins");
  }

  help() {
    pop(this.root, "Keys", h("dl", { class: "tl-keys" }, KEYS.flatMap(([key, text]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text })])));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "s" && !this.page) return this.passOn(event);
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = /^(TEXTAREA|SELECT)$/.test(target.tagName) || (target instanceof HTMLInputElement && !["range", "checkbox"].includes(target.type));
    if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { store } = this;
    const { key } = event;
    const pressed = target.tagName === "BUTTON" || target.tagName === "SUMMARY" || target instanceof HTMLInputElement;
    if (key === "/") this.search.input.focus();
    else if (key === "[") this.controls.go(store.cursor - 1);
    else if (key === "]") this.controls.go(store.cursor + 1);
    else if (key === " " && !pressed) store.set({ playing: !store.playing });
    else if (key === "t" || key === "T") this.message.other();
    else if ((key === "d" || key === "D") && store.chosen) this.ladder.difference(store.chosen);
    else if (key === "?") this.help();
    else if (key === "Escape") this.ladder.scroller.focus({ preventScroll: true });
    else if (/^[1-9]$/.test(key) && this.panel.shownPanels[Number(key) - 1]) this.panel.open(this.panel.shownPanels[Number(key) - 1].id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Saving is the notebook's, which hears no key pressed in here: give it this one from outside.
   * @param {KeyboardEvent} event
   */
  passOn(event) {
    event.preventDefault();
    event.stopPropagation();
    const { key, code, keyCode, ctrlKey, metaKey } = event;
    this.el.dispatchEvent(new KeyboardEvent("keydown", /** @type {any} */ ({ key, code, keyCode, ctrlKey, metaKey, bubbles: true, cancelable: true })));
  }

  close() {
    this.unwatch?.();
    this.unhide();
    this.sync.close();
    this.controls.close();
    this.compare.close();
    this.store.close();
    this.root.remove();
  }
}
