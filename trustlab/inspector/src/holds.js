/** Who holds what, and since when. */
import { h } from "./dom.js";
import { CROWD } from "./ladder.js";
import { endsInWords, stepLink } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").HeldSecret} HeldSecret */

holds.needs = ["doc", "frame", "cursor"];

/** @param {HTMLElement} box @param {Store} store */
export function holds(box, store) {
  const secrets = store.doc.frame.secrets.filter((one) => !one.public);
  const made = secrets.filter((s) => (s.row ?? 0) <= store.cursor);
  const all = store.doc.frame.lifelines ?? [];
  const parties = all.length > CROWD ? [] : all; // of many hosts, one column names those that hold it
  if (!made.length) {
    const text = secrets.length ? `At step ${store.cursor + 1} no secret has been made yet.` : "No key was made in this run, so there is nothing to steal.";
    return void box.append(h("p", { class: "tl-empty", text }));
  }
  const head = h(
    "tr",
    {},
    h("th", { scope: "col", text: "secret" }),
    parties.length === 0 && h("th", { scope: "col", text: "held by" }),
    ...parties.map((p) => h("th", { scope: "col", class: `tl-c ${store.party(p).tone}`, text: store.party(p).name })),
  );
  const body = h("tbody");
  let group = "";
  const order = [...made].sort((a, b) => Number(b.prize ?? false) - Number(a.prize ?? false));
  for (const s of order) {
    const name = s.connection ?? "";
    if (name !== group && name && !s.prize) {
      group = name;
      body.append(h("tr", { class: "tl-group" }, h("th", { scope: "colgroup", colspan: Math.max(1, parties.length) + 1, text: endsInWords(store, name) })));
    }
    body.append(holdingLine(s, parties, store));
  }
  box.append(h("table", { class: "tl-holds" }, h("thead", {}, head), body));
}

/** @param {HeldSecret} s @param {string[]} parties @param {Store} store */
function holdingLine(s, parties, store) {
  return h(
    "tr",
    { class: s.prize ? "tl-prize" : "" },
    h("th", { scope: "row", title: s.say ?? "" }, s.name),
    parties.length === 0 && h("td", {}, ...s.holders.filter((x) => x.row <= store.cursor).flatMap((x, n) => [n ? ", " : "", stepLink(store, x.row, store.party(x.party).name)])),
    ...parties.map((p) => {
      const holder = (s.holders ?? []).find((x) => x.party === p && x.row <= store.cursor);
      if (!holder) return h("td", { class: "tl-c tl-dim" }, h("span", { "aria-label": `${store.party(p).the} does not hold it`, text: "–" }));
      const stolen = p === "alice" && s.prize;
      return h(
        "td",
        { class: `tl-c${stolen ? " tl-bad" : ""}`, title: holder.how ?? "" },
        h("span", { class: "tl-yes", text: stolen ? "✘ " : "✔ " }),
        stepLink(store, holder.row, `since ${holder.row + 1}`),
      );
    }),
  );
}
