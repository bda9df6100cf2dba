/** PCRs over time: what was measured into which register, and the value that came of it. */
import { cut, h } from "./dom.js";
import { stepLink } from "./panelparts.js";

/** @typedef {import("./store.js").Store} Store */

pcrs.needs = ["doc", "frame", "cursor"];

/** @param {HTMLElement} box @param {Store} store */
export function pcrs(box, store) {
  const all = store.doc.frame.pcrs ?? [];
  if (!all.length) {
    return void box.append(
      h("p", { class: "tl-empty" }, h("b", { text: "Nothing was measured. " }), "No machine of this run was launched by DRTM, so its PCRs say nothing about what runs on it."),
    );
  }
  const body = h("tbody");
  let machine = "";
  for (const x of all) {
    const known = x.row <= store.cursor;
    if (x.machine !== machine) {
      machine = x.machine;
      body.append(h("tr", { class: "tl-group" }, h("th", { scope: "colgroup", colspan: 4, class: store.party(machine).tone, text: `${store.party(machine).name}'s machine` })));
    }
    body.append(
      h(
        "tr",
        { class: known ? "" : "tl-later" },
        h("th", { scope: "row", text: `PCR ${x.pcr}` }),
        h("td", {}, known ? (x.what ?? "") : "not measured yet"),
        h("td", { class: "tl-mono", title: known ? `${x.before} extended by ${x.digest} gives ${x.after}` : "" }, known ? `${cut(x.before ?? "", 8)} → ${cut(x.after ?? "", 16)}` : ""),
        h("td", {}, known ? stepLink(store, x.row) : ""),
      ),
    );
  }
  const head = h("tr", {}, ...["register", "what is measured", "value before → after", ""].map((text) => h("th", { scope: "col", text })));
  box.append(h("table", { class: "tl-pcrs" }, h("thead", {}, head), body));
  box.append(h("p", { class: "tl-dim", text: "Extending: new value = SHA-256(old value || digest). The order counts, and there is no way back but a new launch." }));
}
