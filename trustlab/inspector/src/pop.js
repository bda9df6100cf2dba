/** A sheet over the view that says one thing and closes. */
import { h } from "./dom.js";

/**
 * Open a dialogue in `root`; Escape, the ground and its button close it, and the focus goes back.
 * @param {HTMLElement} root
 * @param {string} title
 * @param {...(import("./dom.js").Child | import("./dom.js").Child[])} children
 * @returns {() => void} how to close it
 */
export function pop(root, title, ...children) {
  const before = document.activeElement;
  root.querySelector(".tl-pop")?.remove();
  const close = () => {
    sheet.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key !== "Tab") return;
    const stops = [...sheet.querySelectorAll("button, input, textarea, [tabindex='0']")];
    const last = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement !== last) return;
    event.preventDefault();
    /** @type {HTMLElement | undefined} */ (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  };
  const sheet = h("div", { class: "tl-pop", role: "dialog", "aria-modal": true, "aria-label": title, on: { keydown: key, click: (/** @type {Event} */ e) => e.target === sheet && close() } },
    h("div", { class: "tl-popbody" }, h("h2", { text: title }), ...children, h("button", { class: "tl-ghostbtn tl-popclose", text: "Close", on: { click: close } })));
  root.append(sheet);
  /** @type {HTMLElement | null} */ (sheet.querySelector("input, textarea, .tl-popclose"))?.focus({ preventScroll: true });
  return close;
}

/**
 * Python to read and to copy.
 * @param {string} code
 */
export function python(code) {
  const copy = h("button", { class: "tl-ghostbtn", text: "Copy", on: { click: () => { copyText(code, copy); copy.textContent = "Copied"; } } });
  return h("div", { class: "tl-python" }, h("pre", { tabindex: 0, text: code }), copy);
}

/**
 * Put text on the clipboard; where the browser does not let a page do so (a file, an old context), select it for the reader.
 * @param {string} text
 * @param {HTMLElement} near
 */
export function copyText(text, near) {
  const area = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "tl-sr", "aria-hidden": "true", tabindex: -1 }));
  const fallback = () => {
    area.value = text;
    near.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).catch(fallback);
  else fallback();
}
