/** The key schedule as a graph: what is made from what, and who holds it at the cursor. */
import { cut, h, s } from "./dom.js";
import { endsInWords, snippet, stepLink } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").HeldSecret} HeldSecret */

keys.needs = ["doc", "frame", "cursor", "secretId", "leg", "publicKeys"];

const NODE_WIDTH = 158;
const NODE_HEIGHT = 40;
const COLUMN_WIDTH = 184;
const ROW_HEIGHT = 46;
/** A graph wider than its box is drawn smaller, down to this share; then it scrolls. */
const SMALLEST = 0.78;

/**
 * Secrets of one connection that are part of its key schedule.
 * @param {Store} store @param {string} connection
 */
const scheduleOf = (store, connection) => (store.doc.frame.secrets ?? []).filter((x) => x.connection === connection && !x.prize);

/** @param {Store} store */
function keyedConnections(store) {
  const names = (store.doc.frame.secrets ?? []).filter((x) => !x.prize).map((x) => x.connection ?? "");
  return [...new Set(names)].filter((name) => name);
}

/** @param {HTMLElement} box @param {Store} store */
export function keys(box, store) {
  const legs = keyedConnections(store);
  if (!legs.length) {
    const text = store.doc.frame.live
      ? "No key has been made yet."
      : "The run ended before any key was made. There is nothing to decrypt, and nothing to steal.";
    return void box.append(h("p", { class: "tl-empty", text }));
  }
  const leg = legs.includes(store.leg) ? store.leg : legs[0];
  const all = scheduleOf(store, leg);
  const nodes = store.publicKeys ? all : all.filter((one) => !one.public);
  box.append(h("div", { class: "tl-keybar" }, legs.length > 1 ? legChoice(legs, leg, store) : null, publicChoice(store)));
  box.append(h("div", { class: "tl-graphbox", tabindex: 0, role: "group", "aria-label": "Key schedule" }, graphOf(nodes, store)));
  const chosen = nodes.find((x) => x.id === store.secretId);
  box.append(chosen ? keyDetails(chosen, store) : h("p", { class: "tl-dim", text: "Choose a secret to see what it is made of." }));
}

/** @param {string[]} legs @param {string} leg @param {Store} store */
function legChoice(legs, leg, store) {
  return h(
    "div",
    { class: "tl-seg", role: "group", "aria-label": "Which connection" },
    ...legs.map((name) =>
      h("button", { type: "button", "aria-pressed": name === leg, text: endsInWords(store, name), on: { click: () => store.set({ leg: name, secretId: "" }) } }),
    ),
  );
}

/** @param {Store} store */
function publicChoice(store) {
  const box = h("input", { type: "checkbox", checked: store.publicKeys, "data-key": "public", on: { change: () => store.set({ publicKeys: !store.publicKeys }) } });
  return h("label", { class: "tl-tick" }, box, "with randoms, hashes and constants");
}

/**
 * Columns by depth (what a secret is made of stands left of it), rows in the order of making.
 * @param {HeldSecret[]} nodes @returns {Map<string, {x: number, y: number}>}
 */
export function arrange(nodes) {
  const byId = new Map(nodes.map((x) => [x.id, x]));
  /** @type {Map<string, number>} */
  const depth = new Map();
  /** @param {HeldSecret} node @param {Set<string>} above @returns {number} */
  const depthOf = (node, above) => {
    const known = depth.get(node.id);
    if (known !== undefined) return known;
    if (above.has(node.id)) return 0; // a damaged trace may name a circle
    const inputs = (node.inputs ?? []).map((id) => byId.get(id)).filter((x) => x !== undefined);
    const value = inputs.length ? 1 + Math.max(...inputs.map((x) => depthOf(/** @type {HeldSecret} */ (x), new Set([...above, node.id])))) : 0;
    depth.set(node.id, value);
    return value;
  };
  for (const node of nodes) depthOf(node, new Set());
  // A source stands beside what is made from it, not at the far left.
  for (const node of nodes) {
    if ((node.inputs ?? []).some((id) => byId.has(id))) continue;
    const uses = nodes.filter((x) => (x.inputs ?? []).includes(node.id)).map((x) => depth.get(x.id) ?? 1);
    if (uses.length) depth.set(node.id, Math.max(0, Math.min(...uses) - 1));
  }
  /** @type {Map<number, HeldSecret[]>} */
  const columns = new Map();
  for (const node of nodes) {
    const column = depth.get(node.id) ?? 0;
    columns.set(column, [...(columns.get(column) ?? []), node]);
  }
  const tallest = Math.max(...[...columns.values()].map((c) => c.length), 1);
  /** @type {Map<string, {x: number, y: number}>} */
  const places = new Map();
  for (const [column, members] of [...columns].sort(([a], [b]) => a - b)) {
    const middle = (/** @type {HeldSecret} */ node) => {
      const from = (node.inputs ?? []).flatMap((id) => places.get(id)?.y ?? []);
      return from.length ? from.reduce((a, b) => a + b, 0) / from.length : 0;
    };
    const order = column ? [...members].sort((a, b) => middle(a) - middle(b)) : members;
    order.forEach((node, n) => {
      places.set(node.id, { x: 2 + column * COLUMN_WIDTH, y: 2 + ((tallest - order.length) / 2 + n) * ROW_HEIGHT });
    });
  }
  return places;
}

/** @param {HeldSecret[]} nodes @param {Store} store */
function graphOf(nodes, store) {
  const places = arrange(nodes);
  const width = Math.max(...[...places.values()].map((p) => p.x)) + NODE_WIDTH + 4;
  const height = Math.max(...[...places.values()].map((p) => p.y)) + NODE_HEIGHT + 4;
  const svg = s("svg", { class: "tl-graph", viewBox: `0 0 ${width} ${height}`, style: `max-width: ${width}px; min-width: ${Math.round(width * SMALLEST)}px` });
  for (const node of nodes) {
    const to = places.get(node.id);
    for (const id of node.inputs ?? []) {
      const from = places.get(id);
      if (!from || !to) continue;
      const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2, to.x, to.y + NODE_HEIGHT / 2];
      const m = (x1 + x2) / 2;
      svg.append(s("path", { d: `M${x1} ${y1}C${m} ${y1} ${m} ${y2} ${x2} ${y2}` }));
    }
  }
  for (const node of nodes) {
    const place = places.get(node.id);
    if (place) svg.append(nodeOf(node, place, store));
  }
  return svg;
}

/** @param {HeldSecret} node @param {{x: number, y: number}} place @param {Store} store */
function nodeOf(node, place, store) {
  const order = store.doc.frame.lifelines;
  const holders = node.holders.filter((x) => x.row <= store.cursor).sort((a, b) => order.indexOf(a.party) - order.indexOf(b.party));
  const stolen = holders.some((x) => x.party === "alice");
  const on = store.secretId === node.id;
  const made = node.public ? node.row <= store.cursor : holders.length > 0;
  const known = holders.length ? `held by ${holders.map((x) => store.party(x.party).the).join(" and ")}` : "everybody can see it";
  const pick = () => store.set({ secretId: node.id });
  const g = s(
    "g",
    {
      class: `tl-node${made ? "" : " tl-never"}${node.public ? " tl-public" : ""}${stolen ? " tl-stolen" : ""}${on ? " tl-picked" : ""}`,
      transform: `translate(${place.x} ${place.y})`,
      tabindex: 0,
      role: "button",
      "aria-pressed": String(on),
      "aria-label": `${node.name}, ${made ? known : "not made yet"}`,
      "data-key": node.id,
      on: {
        click: pick,
        keydown: (/** @type {KeyboardEvent} */ e) => {
          if (e.key !== "Enter" && e.key !== " ") return;
          e.preventDefault();
          pick();
        },
      },
    },
    s("rect", { width: NODE_WIDTH, height: NODE_HEIGHT, rx: 7 }),
    textAt(cut(node.name.replace(/(traffic) secret.*$/, "$1"), 24), 9, 16, ""),
    textAt(made ? cut(node.hex, 10) : "not made yet", 9, 31, "tl-hexv"),
  );
  holders.forEach((x, n) => {
    const party = store.party(x.party);
    const cx = NODE_WIDTH - 12 - (holders.length - 1 - n) * 17;
    g.append(s("circle", { cx, cy: 28, r: 7.5, class: `tl-disc ${party.tone}` }), textAt(party.name[0], cx, 31.5, "tl-letter"));
  });
  return g;
}

/** @param {string} text @param {number} x @param {number} y @param {string} css */
function textAt(text, x, y, css) {
  const node = s("text", { x, y, class: css });
  node.textContent = text;
  return node;
}

/** @param {HeldSecret} secret @param {Store} store */
function keyDetails(secret, store) {
  const holders = (secret.holders ?? []).filter((x) => x.row <= store.cursor);
  const box = h("div", { class: "tl-keysay", "aria-live": "polite" });
  box.append(h("p", {}, h("b", { text: `${secret.name}. ` }), secret.say ?? "", secret.clause ? h("span", { class: "tl-dim", text: ` ${secret.clause}` }) : null));
  if (secret.call) box.append(h("p", { class: "tl-mono", text: secret.call }));
  if (secret.public) box.append(h("p", { class: "tl-dim", text: "This is no secret: everybody who watches the wire can compute it." }));
  if (holders.length) {
    const words = holders.flatMap((x, n) => [n ? ", " : "", store.party(x.party).name, " since ", stepLink(store, x.row), x.how ? ` (${x.how})` : ""]);
    box.append(h("p", { class: "tl-dim" }, ...words, "."));
  }
  if (secret.hex) box.append(h("p", { class: "tl-mono", text: secret.hex }));
  if (secret.snippet) box.append(snippet(secret.snippet));
  else if (!secret.hex) box.append(h("p", { class: "tl-dim", text: "This view was made without secrets: their values are left out." }));
  return box;
}
