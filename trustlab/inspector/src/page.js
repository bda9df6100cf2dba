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
 * A trace's model with no kernel behind it.
 * @param {any} document
 * @returns {Model}
 */
export const still = (document) => quiet({ _document: document, chosen: -1, chosen_field: "" });

/**
 * A model with no kernel behind it: it keeps values, and nobody answers.
 * @param {Record<string, any>} given
 * @returns {Model}
 */
export function quiet(given) {
  /** @type {Record<string, any>} */
  const values = { ...given, _page: true };
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
 * @param {(document: any) => Model} [made] how a model is made of it
 */
export async function openPage(widget, made = still) {
  const packed = document.getElementById("document");
  const el = document.getElementById("inspector");
  if (!packed || !el) throw new Error("the page lacks its element document or inspector");
  widget.render({ model: made(await unpack(packed.textContent ?? "")), el });
}
