/** The widget, as anywidget wants it: `initialize` once a model, `render` once a view. */
import { openPage } from "./page.js";
import { Book } from "./store.js";
import { View } from "./view.js";

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
