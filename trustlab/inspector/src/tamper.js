/** The tamper map: every field changed once in flight, coloured by what caught the change. */
import { h } from "./dom.js";
import { rowsOfKind } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Tampered} Tampered */

tamper.needs = ["doc", "frame", "tamper", "cell", "layer", "live"];

/** The two layers, and who changes a byte in them. */
const LAYERS = /** @type {[boolean, string, string][]} */ ([
  [false, "without keys", "by somebody without keys"],
  [true, "under the record protection", "by somebody who has the channel's keys"],
]);
const STATES = /** @type {Record<string, string>} */ ({ playing: "", over: "", stopped: "Stopped. ", failed: "It did not work. " });

/** Kinds in the order of `trustlab tamper`, in words. */
export const CAUGHT_BY = /** @type {Record<string, string>} */ ({
  record: "record protection",
  finished: "Finished",
  signature: "a signature of the handshake",
  certificate: "the CA's signature",
  check: "a check of the evidence",
  alert: "the parser",
  application: "the application",
  stalled: "nobody: both wait",
  unread: "nobody read it any more",
  nothing: "nothing: it went through",
});

/** @param {HTMLElement} box @param {Store} store */
export function tamper(box, store) {
  const keys = layerOf(store);
  const runs = store.doc.tamper.filter((one) => one.keys === keys);
  const bar = mapBar(store, keys, runs.length);
  if (bar) box.append(bar);
  if (!runs.length) return void box.append(...noMap(store, keys));
  /** @type {Record<string, number>} */
  const tally = {};
  for (const run of runs) tally[run.kind] = (tally[run.kind] ?? 0) + 1;
  const chosen = runs[store.cell] ?? runs[remarkable(runs)];
  const through = tally.nothing ?? 0;
  const legend = h(
    "ul",
    { class: "tl-tkey" },
    ...Object.entries(CAUGHT_BY)
      .filter(([kind]) => tally[kind])
      .map(([kind, words]) => h("li", {}, h("i", { class: `tl-cell tl-k-${kind}`, "aria-hidden": "true" }), words, h("small", { text: ` ${tally[kind]}` }))),
  );
  const what = LAYERS[Number(keys)][2];
  box.append(
    h(
      "div",
      { class: "tl-tgrid" },
      h(
        "div",
        {},
        h("p", {}, h("b", { text: `${runs.length.toLocaleString("en")} fields, each changed by one bit in flight, ${what}. ` }), through ? `${through === 1 ? "One change" : `${through} changes`} went through unseen.` : "Every change was caught."),
        legend,
      ),
      h("div", {}, whatCaught(chosen), mapOf(runs, chosen, store)),
    ),
  );
}

/**
 * The layer that is shown: the reader's choice, else that of the map that is played or was played last.
 * @param {Store} store
 */
function layerOf(store) {
  const { tamper: runs, frame } = store.doc;
  return store.layer ?? frame.tampering?.keys ?? runs[runs.length - 1]?.keys ?? false;
}

/** @param {Store} store */
const isPlaying = (store) => store.live && store.doc.frame.tampering?.state === "playing";

/**
 * Whether the kernel can play a map of this run's design now.
 * @param {Store} store
 */
function canPlay(store) {
  const { mappable, outcome, steering } = store.doc.frame;
  return store.live && mappable !== "" && (outcome !== "" || steering?.state === "ended");
}

/**
 * Which layer, how far a map is that is played, and how to begin or end one.
 * @param {Store} store @param {boolean} keys @param {number} count rows of this layer
 */
function mapBar(store, keys, count) {
  const { tampering, other_layer } = store.doc.frame;
  const both = new Set(store.doc.tamper.map((one) => one.keys)).size > 1;
  const here = [tampering, other_layer].find((one) => one?.keys === keys) ?? null;
  const playing = isPlaying(store);
  if (!count && !both && !playing && !canPlay(store) && !here) return null;
  const layers = h("div", { class: "tl-seg", role: "group", "aria-label": "Which layer" },
    LAYERS.map(([value, text]) => h("button", { type: "button", "aria-pressed": value === keys, "data-key": `layer-${value}`, text, on: { click: () => store.set({ layer: value, cell: -1 }) } })));
  const send = (/** @type {string} */ action) => store.send({ type: "tamper-map", action, keys });
  const button = (/** @type {string} */ text, /** @type {string} */ action) => h("button", { class: "tl-ghostbtn", type: "button", "data-key": "map-button", text, on: { click: () => (store.say(action === "stop" ? "The tamper map ends." : "The tamper map begins."), send(action)) } });
  const said = here && here.state !== "over" ? `${STATES[here.state]}${here.done} of ${here.total ?? "…"} fields` : "";
  return h("div", { class: "tl-tbar" }, layers,
    here?.state === "playing" && playing && h("progress", { "aria-label": "Fields played", max: here.total ?? 1, value: here.total ? here.done : null }),
    said && h("span", { class: "tl-dim tl-tcount", text: here?.why ? `${said}: ${here.why}` : said }),
    playing ? button(here === tampering ? "Stop" : "Stop the other layer", "stop") : canPlay(store) && button(count ? "Play it again" : "Play the map", "start"));
}

/** @param {Store} store @param {boolean} keys */
function noMap(store, keys) {
  const { bindings, mappable } = store.doc.frame;
  const design = mappable || (bindings[0]?.design ?? "trusted-passage");
  const layer = keys ? "It opens each encrypted record, changes a field of its content, and seals it again, as only somebody with the channel's keys can: so it shows what protects the content beside the record." : "It changes every field of the handshake once in flight and shows what caught it: record protection, Finished, a signature, a check, or nothing.";
  const code = mappable ? `picture.tamper_map(${keys ? "keys=True" : ""})` : `from trustlab.scenarios import TamperMap\npicture.tamper_map(TamperMap("${design}"${keys ? ", keys=True" : ""}))`;
  return [h("p", { class: "tl-empty" }, h("b", { text: isPlaying(store) ? "The first rows come in a moment. " : "No tamper map here yet. " }), layer), h("pre", { class: "tl-pre", tabindex: 0, text: code })];
}

/**
 * The run that says most: one that nothing caught, else one that a check of the evidence caught.
 * @param {Tampered[]} runs
 */
function remarkable(runs) {
  const at = runs.findIndex((x) => x.kind === "check" && /extraData$/.test(x.field));
  const through = runs.findIndex((x) => x.kind === "nothing");
  return Math.max(0, at >= 0 ? at : through);
}

/** @param {Tampered} run */
function whatCaught(run) {
  return h(
    "p",
    { class: "tl-tsay", "aria-live": "polite" },
    h("b", { text: `${run.message} › ${run.field}` }),
    h("span", { class: `tl-kd tl-k-${run.kind}`, text: run.caught_by || CAUGHT_BY[run.kind] || run.kind }),
    h("span", { class: "tl-dim", text: run.sentence ?? "" }),
  );
}

/** @param {Tampered[]} runs @param {Tampered} chosen @param {Store} store */
function mapOf(runs, chosen, store) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  runs.forEach((x, n) => {
    const key = `${x.connection}\n${x.message}\n${x.nth ?? 1}`;
    groups.set(key, [...(groups.get(key) ?? []), n]);
  });
  const box = h("div", { class: "tl-tmap", role: "listbox", tabindex: 0, "data-key": "map", "aria-label": `Tamper map of ${runs.length} fields`, on: { keydown: (/** @type {KeyboardEvent} */ e) => moveCell(e, runs, chosen, store) } });
  const several = new Set(runs.map((x) => x.connection)).size > 1;
  for (const [key, numbers] of groups) {
    const [connection, message, nth] = key.split("\n");
    const name = `${message}${nth === "1" ? "" : ` ${nth}`}`;
    box.append(
      h(
        "div",
        { class: "tl-trow", role: "group", "aria-label": name },
        h("span", { class: "tl-tn", title: several ? connection : "" }, name),
        h(
          "span",
          { class: "tl-cells" },
          ...numbers.map((n) =>
            h("i", { class: `tl-cell tl-k-${runs[n].kind}${runs[n] === chosen ? " tl-picked" : ""}`, role: "option", "aria-selected": runs[n] === chosen, "aria-label": `${runs[n].field}: ${CAUGHT_BY[runs[n].kind] ?? runs[n].kind}`, "data-cell": n }),
          ),
        ),
      ),
    );
  }
  const point = (/** @type {Event} */ e) => {
    const cell = e.target instanceof HTMLElement ? e.target.dataset.cell : undefined;
    if (cell !== undefined) store.set({ cell: Number(cell) });
    return cell === undefined ? null : runs[Number(cell)];
  };
  box.addEventListener("mouseover", point);
  box.addEventListener("click", (e) => {
    const run = point(e);
    if (run) goTo(run, store);
  });
  return box;
}

/** @param {KeyboardEvent} e @param {Tampered[]} runs @param {Tampered} chosen @param {Store} store */
function moveCell(e, runs, chosen, store) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[e.key];
  if (e.key === "Enter") return goTo(chosen, store);
  if (!step) return;
  e.preventDefault();
  e.stopPropagation();
  store.set({ cell: Math.max(0, Math.min(runs.length - 1, runs.indexOf(chosen) + step)) });
}

/**
 * Choose the field in this run's own message of that name.
 * @param {Tampered} run @param {Store} store
 */
function goTo(run, store) {
  const rows = rowsOfKind(store, "message").filter((x) => x.name === run.message);
  const row = rows[(run.nth ?? 1) - 1] ?? rows[0];
  if (!row) return;
  const fields = row.parts?.[0]?.fields ?? [];
  const leaf = run.field.split(".").pop() ?? "";
  const field = fields.findIndex((f) => store.text(f[0]).endsWith(leaf));
  store.choose({ row: row.id, piece: 0, field });
}
