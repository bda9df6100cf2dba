/** What a view has around it: the theme, and the still pictures that stand behind it. */
import { h } from "./dom.js";

/**
 * Hide the still pictures of a run while a live view of it is there; they are an output of their own behind it.
 * @param {string} name their class
 * @returns {() => void} how to show them again
 */
export function hideStills(name) {
  if (!/^tl-still-\w+$/.test(name)) return () => {};
  const style = h("style", { text: `.${name}, .jp-OutputArea-child:has(> .jp-OutputArea-output .${name}) { display: none; }` });
  document.head.append(style);
  return () => style.remove();
}

/**
 * Wear the theme around: JupyterLab says which it wears, a page may, and else the system does.
 * @param {HTMLElement} root
 * @param {() => void} [changed]
 * @returns {() => void} how to stop
 */
export function followTheme(root, changed = () => {}) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const lab = document.body.dataset.jpThemeLight;
    const said = document.documentElement.dataset.theme;
    root.classList.toggle("tl-dark", lab ? lab === "false" : said ? said === "dark" : scheme.matches);
    changed();
  };
  scheme.addEventListener("change", paint);
  const themes = new MutationObserver(paint);
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
  paint();
  return () => {
    themes.disconnect();
    scheme.removeEventListener("change", paint);
  };
}

/**
 * Turn a page from light to dark, or back.
 * @param {HTMLElement} root
 */
export function turnTheme(root) {
  document.documentElement.dataset.theme = root.classList.contains("tl-dark") ? "light" : "dark";
}
