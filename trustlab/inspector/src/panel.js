/** The panel: tabs over what follows from the whole run, each drawn for the point in time. */
import { chevron, h } from "./dom.js";
import { PANELS } from "./panels.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./panels.js").Panel} Panel
 */

export class PanelView {
  /** @param {Store} store @param {number} view the number of the view, for ids */
  constructor(store, view) {
    this.store = store;
    this.view = view;
    this.shut = false;
    this.first = h("div", { class: "tl-pfirst" });
    this.tabs = h("div", { class: "tl-tabs", role: "tablist", "aria-label": "What is known", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
    this.body = h("div", { class: "tl-pbody", role: "tabpanel", tabindex: 0, on: { scroll: () => (this.body.dataset.scrolled = "yes") } });
    this.shutter = h("button", { class: "tl-shutter", on: { click: () => this.toggle() } }, chevron());
    this.node = h("div", { role: "group", class: "tl-card tl-panel", "aria-label": "What is known" }, this.first, this.tabs, this.body, this.shutter);
    this.node.hidden = PANELS.length === 0;
    /** Whether the reader has chosen a tab; until then the one that says most is open. */
    this.picked = false;
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
    if (!this.picked && ["doc", "frame"].some((key) => changed.has(key)) && store.tab !== opening(store)) {
      store.tab = opening(store);
      changed = new Set([...changed, "tab"]);
    }
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
    this.picked = true;
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
  const top = box.dataset.panel === panel.id && box.dataset.scrolled ? box.scrollTop : 0; // asking costs a layout
  box.dataset.panel = panel.id;
  const key = box.contains(document.activeElement) ? document.activeElement?.getAttribute("data-key") : null;
  box.replaceChildren();
  panel.fill(box, store);
  if (top) box.scrollTop = top;
  const again = key ? box.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

/**
 * The panel that says most: the binding once there is one, else who holds what.
 * @param {Store} store
 */
function opening(store) {
  const wanted = store.doc.frame.bindings.length ? "binding" : store.doc.frame.secrets.length ? "holds" : "";
  return PANELS.some((panel) => panel.id === wanted) ? wanted : PANELS[0].id;
}
