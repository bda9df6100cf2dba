/** The studio, as anywidget wants it: chips above, the verdict beneath. */
import { quiet, openPage } from "./page.js";
import { StudioView } from "./studioview.js";

/** @typedef {import("./store.js").Model} Model */

/** @param {{model: Model, el: HTMLElement}} given */
function render({ model, el }) {
  const view = new StudioView(el, model);
  return () => view.close();
}

/** For the page opened from a disk. */
const page = () => openPage({ render }, quiet);

export default { render, page };
