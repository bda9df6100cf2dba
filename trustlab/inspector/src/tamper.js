/** The tamper map: every field changed once in flight, coloured by what caught the change. */
import { h } from "./dom.js";
import { rowsOfKind } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Tampered} Tampered */

tamper.needs = ["doc", "frame", "tamper", "cell"];

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
  const runs = store.doc.tamper ?? [];
  if (!runs.length) return void box.append(...noMap(store));
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
  const what = runs[0].keys ? "by somebody who has the channel's keys" : "by somebody without keys";
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

/** @param {Store} store */
function noMap(store) {
  const design = store.doc.frame.bindings?.[0]?.design ?? "trusted-passage";
  return [
    h("p", { class: "tl-empty" }, h("b", { text: "No tamper map here yet. " }), "It changes every field of the handshake once in flight and shows what caught it: record protection, Finished, a signature, a check, or nothing."),
    h("pre", { class: "tl-pre", tabindex: 0, text: `from trustlab.scenarios import TamperMap\npicture.tamper_map(TamperMap("${design}"))` }),
  ];
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
  const box = h("div", { class: "tl-tmap", role: "listbox", tabindex: 0, "aria-label": `Tamper map of ${runs.length} fields`, on: { keydown: (/** @type {KeyboardEvent} */ e) => moveCell(e, runs, chosen, store) } });
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
