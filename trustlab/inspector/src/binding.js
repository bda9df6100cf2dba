/** The binding: which octets of the handshake each side hashed, and where the two differ. */
import { cap, cut, h, range } from "./dom.js";
import { chooseSource } from "./panelparts.js";

/** @typedef {import("./types.js").Binding} Binding */
/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./store.js").Store} Store */

binding.needs = ["doc", "frame", "cursor", "chip", "row", "bindingNumber"];

/**
 * The binding that the reader is most likely asking about: the one they chose, that of the chosen row, or the last one known.
 * @param {Store} store @returns {number}
 */
export function bindingInView(store) {
  const all = store.doc.frame.bindings ?? [];
  const known = all.map((b, n) => ({ b, n })).filter(({ b }) => begun(b, store.cursor));
  if (!known.length) return -1;
  if (known.some(({ n }) => n === store.bindingNumber)) return store.bindingNumber;
  const row = store.row;
  const own = known.find(({ b }) => b.appraisal === row || b.attester_row === row || b.verifier_row === row);
  const broken = known.find(({ b }) => b.holds === false && judged(b, store.cursor));
  return (own ?? broken ?? known[known.length - 1]).n;
}

/** @param {Binding} b @param {number} cursor */
const begun = (b, cursor) => Math.min(b.attester_row ?? Infinity, b.verifier_row ?? Infinity) <= cursor;
/** @param {Binding} b @param {number} cursor */
const attested = (b, cursor) => (b.attester_row ?? Infinity) <= cursor;
/** @param {Binding} b @param {number} cursor */
const judged = (b, cursor) => (b.verifier_row ?? Infinity) <= cursor;

/**
 * The input whose line to the ladder is drawn: the chip under the pointer, else the first that differs.
 * @param {Binding} b @param {Store} store @returns {Input | undefined}
 */
export function inputInView(b, store) {
  const inputs = b.inputs ?? [];
  return inputs.find((x) => x.name === store.chip) ?? (judged(b, store.cursor) ? inputs.find((x) => x.differs) : undefined);
}

/** @param {HTMLElement} box @param {Store} store */
export function binding(box, store) {
  const all = store.doc.frame.bindings ?? [];
  const number = bindingInView(store);
  if (number < 0) return void box.append(noBinding(all.length > 0, store));
  const b = all[number];
  if (all.length > 1) box.append(quoteChoice(all, number, store));
  box.append(equation(b, store, box.clientWidth < UPRIGHT), explanation(b, store));
}

/** @param {boolean} later @param {Store} store */
function noBinding(later, store) {
  if (later) return h("p", { class: "tl-empty", text: `At step ${store.cursor + 1} nobody has hashed this handshake yet.` });
  return h(
    "p",
    { class: "tl-empty" },
    h("b", { text: "No quote is bound to this connection. " }),
    "A certificate ties the connection to a name, on a CA's word. Nothing says which machine holds the key.",
  );
}

/** @param {Binding[]} all @param {number} number @param {Store} store */
function quoteChoice(all, number, store) {
  const label = (/** @type {Binding} */ b) => `${store.party(b.attester ?? "").name}'s quote, checked by ${store.party(b.verifier ?? "").the}`;
  const select = h(
    "select",
    { "aria-label": "Which quote", on: { change: (/** @type {any} */ e) => store.set({ bindingNumber: Number(e.target.value), chip: "" }) } },
    ...all.map((b, n) => h("option", { value: n, selected: n === number, disabled: !begun(b, store.cursor), text: cap(label(b)) })),
  );
  return h("label", { class: "tl-which" }, select);
}

/** Narrower than this (in px), inputs are rows and the two sides columns. */
const UPRIGHT = 560;

/** @param {Binding} b @param {Store} store @param {boolean} upright */
function equation(b, store, upright) {
  /** @type {{who: "attester" | "verifier", name: string, result: string}[]} */
  const sides = [];
  const both = judged(b, store.cursor);
  if (attested(b, store.cursor)) sides.push({ who: "attester", name: "The quote", result: b.extra_data || b.binder || "" });
  if (both) sides.push({ who: "verifier", name: cap(store.party(b.verifier ?? "").the), result: b.binder ?? "" });
  const inputs = b.inputs ?? [];
  const chosen = inputInView(b, store);
  const heading = (/** @type {Input} */ x, /** @type {string} */ scope) => h("th", { scope, class: both && x.differs ? "tl-unlike" : "", text: x.plain || x.name });
  const result = (/** @type {string} */ hex) => h("td", { class: `tl-result${both && b.holds === false ? " tl-bad" : ""}`, title: hex, text: hex ? `= ${cut(hex, 8)}` : "" });
  const speaker = (/** @type {string} */ name, /** @type {string} */ scope) => h("th", { scope }, h("b", { text: name }), " hashes");
  const cell = (/** @type {Input} */ x, /** @type {"attester" | "verifier"} */ who) => h("td", {}, chipOf(x, who, both, chosen, store));
  if (!upright) {
    return h(
      "table",
      { class: "tl-eq" },
      h("thead", {}, h("tr", {}, h("td"), ...inputs.map((x) => heading(x, "col")), h("td"))),
      h("tbody", {}, ...sides.map((side) => h("tr", {}, speaker(side.name, "row"), ...inputs.map((x) => cell(x, side.who)), result(side.result)))),
    );
  }
  const sign = (/** @type {boolean} */ differs) => (sides.length > 1 ? h("td", { class: "tl-sign2", text: differs ? "≠" : "=" }) : null);
  const between = (/** @type {HTMLElement[]} */ cells, /** @type {boolean} */ differs) => (cells.length > 1 ? [cells[0], sign(differs), cells[1]] : cells);
  return h(
    "table",
    { class: "tl-eq tl-upright" },
    h("thead", {}, h("tr", {}, h("td"), ...(sides.length > 1 ? [speaker(sides[0].name, "col"), h("td"), speaker(sides[1].name, "col")] : sides.map((x) => speaker(x.name, "col"))))),
    h(
      "tbody",
      {},
      ...inputs.map((x) => h("tr", {}, heading(x, "row"), ...between(sides.map((side) => cell(x, side.who)), x.differs ?? false))),
      h("tr", {}, h("th", { scope: "row", text: "the hash" }), ...between(sides.map((side) => result(side.result)), b.holds === false)),
    ),
  );
}

/** @param {Input} x @param {"attester" | "verifier"} who @param {boolean} both @param {Input | undefined} chosen @param {Store} store */
function chipOf(x, who, both, chosen, store) {
  const value = who === "attester" ? x.attester : x.verifier;
  const text = value === null || value === undefined ? "not in it" : readable(value);
  const side = who === "attester" ? "as the quote has it" : `as ${store.party(bindingVerifier(store)).the} saw it`;
  const on = chosen === x;
  return h("button", {
    class: `tl-chip${both && x.differs ? " tl-unlike" : ""}${on ? " tl-picked" : ""}`,
    type: "button",
    "data-chip": x.name,
    "data-side": who,
    "data-key": `${who} ${x.name}`,
    "aria-pressed": on,
    "aria-label": `${x.plain || x.name}, ${side}: ${text}`,
    title: value ? `${x.name} = ${value}` : x.name,
    text,
    on: {
      click: () => store.set({ chip: x.name }),
      mouseenter: () => store.set({ chip: x.name }),
      focus: () => store.set({ chip: x.name }),
    },
  });
}

/** @param {Store} store */
const bindingVerifier = (store) => store.doc.frame.bindings?.[bindingInView(store)]?.verifier ?? "";

/**
 * Octets as letters where all are letters, else the beginning of the hex.
 * @param {string} hex
 */
function readable(hex) {
  const codes = Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
  if (codes.length && codes.every((c) => c > 31 && c < 127)) {
    const text = String.fromCharCode(...codes);
    return codes.length <= 2 ? `“${text}”` : cut(text, 8);
  }
  return cut(hex, 6);
}

/** @param {Binding} b @param {Store} store */
function explanation(b, store) {
  const say = h("div", { class: "tl-eqsay", "aria-live": "polite" });
  const x = inputInView(b, store);
  if (x) {
    say.append(h("p", {}, h("b", { text: `${cap(x.plain || x.name)}. ` }), x.say ?? ""));
    const places = [x.attester_source, x.verifier_source].filter((p) => p && p.row <= store.cursor);
    const unique = places.filter((p, n) => places.findIndex((q) => q?.row === p?.row && q?.start === p?.start) === n);
    if (unique.length) {
      const links = unique.flatMap((p, n) => [n ? " and " : "", p ? sourceLink(p, store) : ""]);
      say.append(h("p", { class: "tl-dim" }, "Taken from ", ...links, "."));
    }
  } else say.append(h("p", { text: "Point at an input to see which bytes of the handshake it was taken from." }));
  if (b.not_covered) say.append(h("p", { class: "tl-dim", text: b.not_covered }));
  return say;
}

/** @param {import("./types.js").Source} place @param {Store} store */
function sourceLink(place, store) {
  const row = store.rowOf(place.row);
  return h("button", {
    class: "tl-link",
    type: "button",
    text: `${row?.name ?? "a message"}, step ${place.row + 1}, ${range(place.start, place.end)}`,
    on: { click: () => chooseSource(store, place) },
  });
}
