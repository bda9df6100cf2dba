/** The choice outside the view: in the model, so that Python knows it and a reload finds it, and in the page's address. */
import { linkOf, pathOf, placeOf } from "./links.js";
import { fieldAt, fieldsOf } from "./paths.js";

/**
 * @typedef {import("./store.js").Store} Store
 */

const CALM = 120;

export class Sync {
  /** @param {Store} store @param {HTMLElement} root */
  constructor(store, root) {
    this.store = store;
    this.root = root;
    this.model = store.book.model;
    this.page = Boolean(this.model.get("_page"));
    this.timer = 0;
    this.told = "";
    this.fromModel = () => this.take();
    this.fromAddress = () => this.follow();
    this.model.on("change:chosen", this.fromModel);
    this.model.on("change:chosen_field", this.fromModel);
    window.addEventListener("hashchange", this.fromAddress);
  }

  /** Go where the address or the model says. Says whether they name a place. */
  begin() {
    return this.follow(false) || this.take();
  }

  /** @param {boolean} [show] bring the view into the window */
  follow(show = true) {
    const link = decodeURIComponent(location.hash.slice(1));
    if (!link || link === this.told) return false;
    const place = placeOf(this.store, link);
    if (!place) return false;
    this.store.choose(place);
    if (show && !this.page) this.root.scrollIntoView({ block: "nearest" });
    return true;
  }

  /** Choose what the model says is chosen. */
  take() {
    const { store } = this;
    const row = this.model.get("chosen") ?? -1;
    const path = this.model.get("chosen_field") ?? "";
    if (typeof row !== "number" || row < 0 || !store.rowOf(row)) return false;
    if (row === store.row && path === pathOf(store)) return true;
    const parts = store.rowOf(row)?.parts ?? [];
    const piece = parts.findIndex((part) => fieldAt(fieldsOf(part, store.doc.texts), path) >= 0);
    if (path && piece >= 0) store.choose({ row, piece, field: fieldAt(fieldsOf(parts[piece], store.doc.texts), path) });
    else if (row !== store.row) store.choose({ row });
    return true;
  }

  /** The reader chose: say so, but not with every key of a walk. */
  tell() {
    if (!this.store.touched) return;
    clearTimeout(this.timer);
    this.timer = Number(setTimeout(() => this.write(), CALM));
  }

  write() {
    const { store, model } = this;
    const path = pathOf(store);
    if (this.page) {
      this.told = linkOf(store);
      history.replaceState(history.state, "", `#${encodeURI(this.told)}`);
    }
    if (model.get("chosen") === store.row && model.get("chosen_field") === path) return;
    store.book.save({ chosen: store.row, chosen_field: path });
  }

  /** The address of the chosen field. */
  get address() {
    return `${location.href.split("#")[0]}#${encodeURI(linkOf(this.store))}`;
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("change:chosen", this.fromModel);
    this.model.off("change:chosen_field", this.fromModel);
    window.removeEventListener("hashchange", this.fromAddress);
  }
}
