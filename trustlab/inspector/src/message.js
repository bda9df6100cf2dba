/** The card of the chosen step: its sentence on top, never in a scroller; below it fields and bytes, checks, or what is known. */
import { bytes, cap, cut, fill, h, icon, range, shown } from "./dom.js";
import { Fields } from "./fields.js";
import { called, marked } from "./ladder.js";
import { Octets } from "./octets.js";
import { fieldsOf } from "./paths.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").MessageRow} MessageRow
 * @typedef {import("./types.js").AppraisalRow} AppraisalRow
 * @typedef {import("./types.js").VerdictRow} VerdictRow
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {import("./paths.js").Field} Field
 * @typedef {{edit(): void, whatIf(): void, link(): void, pin(): void}} Hands what the card's buttons do
 */

const SAID = 420;
const COMPARED = 16;
const ROLE = { wire: "on the wire", plain: "decrypted", command: "command", response: "response", data: "data" };
const MARK = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "○", "": "" });
const TITLE = /** @type {Record<string, string>} */ ({ connect: "TCP connection", binder: "The hash under the quote", truth: "Who is really there" });
const NOWHERE = /** @type {AnyRow} */ (/** @type {unknown} */ ({ kind: "event", at: "", to: "", parts: [] }));

/**
 * What a row is called.
 * @param {AnyRow} row
 * @param {Store} store
 */
export function titleOf(row, store) {
  if (row.kind === "appraisal") return row.mark === "fail" ? "Refused" : "Accepted";
  if (row.kind === "read") return `${cap(store.party(row.at || "alice").the)} reads`;
  return TITLE[row.kind] ?? (cap(called(row)) || cap(row.kind));
}

export class Message {
  /**
   * @param {Store} store
   * @param {number} view
   * @param {(text: string, x: number, y: number) => void} tip
   * @param {Hands} hands
   */
  constructor(store, view, tip, hands) {
    this.store = store;
    this.hands = hands;
    this.fields = new Fields(store, view);
    this.octets = new Octets(store, tip);
    this.head = h("div", { class: "tl-mhead" });
    this.note = h("div", { class: "tl-note" });
    this.deep = h("div", { class: "tl-deep" }, this.fields.head, this.fields.tree, this.octets.node);
    this.rest = h("div", { class: "tl-rest", tabindex: 0, role: "group", "aria-label": "More about this step" });
    this.node = h("div", { role: "group", class: "tl-card tl-msg", "aria-label": "The chosen step" }, this.head, this.note, this.deep, this.rest);
    /** @type {Piece | null} */
    this.piece = null;
    /** @type {Piece | null} */
    this.twin = null;
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    const { store } = this;
    const row = store.chosen;
    this.node.hidden = !row;
    if (!row) return;
    const anew = ["row", "piece", "both", "narrow", "live"].some((key) => changed.has(key)) || (changed.has("doc") && this.renewed(row)) || (changed.has("cursor") && this.twinOf(row) !== this.twin);
    if (anew || changed.has("pins")) this.heading(row);
    if (anew || changed.has("field")) this.sentence(row);
    if (anew) this.body(row);
    else if (changed.has("field") && this.piece) {
      this.fields.chosen();
      this.octets.chosen();
    } else if (changed.has("edits")) this.octets.chosen();
    if (!anew && changed.has("width")) this.octets.layout();
    if (changed.has("row") || changed.has("field")) this.announce(row);
  }

  /**
   * Whether a step, or one that its card tells of, changed.
   * @param {AnyRow} row
   */
  renewed(row) {
    const twin = "twin" in row && row.twin !== null ? [row.twin] : [];
    return this.store.renewed([row.id, ...twin, ...(row.kind === "appraisal" ? row.verdicts : [])]);
  }

  /**
   * The same piece on the other leg, once that has happened.
   * @param {AnyRow} row
   * @returns {Piece | null}
   */
  twinOf(row) {
    const { store } = this;
    if (row.kind !== "message" || row.twin === null || row.twin > store.cursor) return null;
    const piece = row.parts[store.piece];
    return store.rowOf(row.twin)?.parts.find((one) => one.role === piece?.role && one.title === piece?.title) ?? (store.piece === 0 ? store.rowOf(row.twin)?.parts[0] ?? null : null);
  }

  /** @param {AnyRow} row */
  heading(row) {
    const { store } = this;
    const title = titleOf(row, store);
    const bad = row.mark === "fail" || (row.kind === "read" && row.secret);
    const party = (/** @type {string} */ name) => h("b", { class: store.party(name).tone, text: store.party(name).name });
    const tag = (/** @type {string | false | 0} */ text) => text && h("span", { class: "tl-tag", text });
    const parts = row.parts.length > 1 && h("span", { class: "tl-seg tl-push" }, row.parts.map((one, n) => h("button", { "aria-pressed": n === store.piece, text: cut(one.title || ROLE[one.role], 24), on: { click: () => store.choose({ piece: n }) } })));
    const small = (/** @type {string} */ label, /** @type {string} */ path, /** @type {() => void} */ press, /** @type {boolean | undefined} */ on) =>
      h("button", { class: "tl-iconbtn", title: label, "aria-label": label, "aria-pressed": on === undefined ? null : on, on: { click: press } }, icon(path, 15));
    fill(this.head,
      h("h2", { class: bad ? "tl-badword" : "", text: cut(title, 120) }),
      row.at && h("span", { class: "tl-route" }, party(row.at), row.to ? [" → ", party(row.to)] : ""),
      row.kind === "appraisal" && row.about && tag(`about ${store.party(row.about).the}`),
      row.kind === "message" && row.size > 0 && tag(bytes(row.size)),
      row.kind === "message" && tag(row.encrypted ? "encrypted" : "in clear"),
      row.kind === "tpm" && tag(`${row.ms} ms, locality ${row.locality}`),
      tag(`step ${row.id + 1}`),
      h("span", { class: "tl-hands tl-push" }, parts,
        row.kind === "message" && h("button", { class: "tl-ghostbtn tl-edit", on: { click: () => this.hands.edit() } }, icon("M3 13l1-3 7-7 2 2-7 7z", 13), "Edit and let go"),
        row.kind === "message" && h("button", { class: "tl-ghostbtn", on: { click: () => this.hands.whatIf() } }, "What if?"),
        small("Copy a link to this field", "M7 9a3 3 0 004 0l2-2a3 3 0 00-4-4L8 4M9 7a3 3 0 00-4 0L3 9a3 3 0 004 4l1-1", () => this.hands.link(), undefined),
        small("Print this step too", "M4 6V2h8v4M4 11H2V6h12v5h-2M4 9h8v5H4z", () => this.hands.pin(), store.pins.has(row.id))));
  }

  /**
   * The card itself: one sentence, whatever is chosen.
   * @param {AnyRow} row
   */
  sentence(row) {
    const { store } = this;
    const piece = row.parts[store.piece];
    const fields = fieldsOf(piece, store.doc.texts);
    const field = fields[store.field];
    const bad = row.mark === "fail" && row.kind !== "tpm" ? true : row.kind === "read" && row.secret;
    this.note.className = `tl-note${bad ? " tl-bad" : row.kind === "appraisal" ? " tl-good" : ""}`;
    const own = row.say || row.text;
    const said = field ? field.note || own || (field.leaf ? `${cap(bytes(field.end - field.start))} of ${field.label}.` : `The fields of ${field.label}.`) : own || "Nothing more is known of this step.";
    const path = fields.length && field ? trail(fields, field) : "";
    fill(this.note,
      row.kind === "read" && h("p", { class: "tl-mono tl-readtext" }, row.text.length > SAID ? cut(row.text, SAID) : marked(row)),
      field && h("div", { class: "tl-where" }, h("span", { class: "tl-mono tl-path", title: path }, h("bdi", { text: path })), h("span", { class: "tl-cl", text: field.clause }), h("span", { class: "tl-at", text: range(field.start, field.end) })),
      h("p", { class: "tl-say1", text: cut(said, SAID) }),
      this.why(row, field),
      !field && row.more && h("p", { class: "tl-more1", text: cut(row.more, 600) }),
      !field && row.clause && h("p", { class: "tl-cl", text: row.clause }));
  }

  /**
   * Why a field differs between the legs, or why she kept it.
   * @param {AnyRow} row
   * @param {Field | undefined} field
   */
  why(row, field) {
    if (row.kind !== "message" || !field || !this.twinOf(row)) return null;
    const found = row.compared.find((one) => one.field === field.n);
    if (!found || (!found.word && !found.text)) return null;
    return h("div", { class: `tl-why${found.differs ? " tl-ne" : ""}` }, h("i", { "aria-hidden": "true", text: found.differs ? "≠" : "=" }), h("span", {}, h("b", { text: `${cap(found.word || (found.differs ? "differs" : "the same"))}. ` }), found.text));
  }

  /** @param {AnyRow} row */
  body(row) {
    const { store } = this;
    const piece = row.parts[store.piece] ?? null;
    this.piece = piece;
    this.deep.hidden = !piece;
    this.rest.hidden = piece !== null;
    this.twin = this.twinOf(row);
    this.fields.tree.hidden = this.fields.head.hidden = !piece?.fields.length;
    if (!piece) return this.list(row);
    const leg = (/** @type {AnyRow} */ one) => `${store.party(one.at).name} → ${store.party(one.to).name}`;
    const twinRow = row.kind === "message" && row.twin !== null ? store.rowOf(row.twin) ?? NOWHERE : NOWHERE;
    const { twin } = this;
    const compared = row.kind === "message" && twin ? row.compared : [];
    this.fields.tree.setAttribute("aria-label", shown(cut(`Fields of ${titleOf(row, store)}`, 120)));
    this.octets.scroller.setAttribute("aria-label", shown(cut(`Bytes of ${titleOf(row, store)}`, 120)));
    this.fields.show(piece, twin, compared, twin ? [`this leg, ${leg(row)}`, h("button", { class: "tl-link", text: leg(twinRow), title: "Go to the message on the other leg", on: { click: () => this.other() } })] : ["value"]);
    this.octets.show(piece, twin, twin ? [leg(row), leg(twinRow)] : []);
  }

  /** Go to the same field on the other leg. */
  other() {
    const { store } = this;
    const row = store.chosen;
    if (row?.kind !== "message" || row.twin === null) return;
    const field = fieldsOf(row.parts[store.piece], store.doc.texts)[store.field];
    const there = fieldsOf(store.rowOf(row.twin)?.parts[store.piece], store.doc.texts).find((one) => one.path === field?.path);
    store.choose({ row: row.twin, piece: store.piece, field: there?.n });
  }

  // What stands there instead of bytes

  /** @param {AnyRow} row */
  list(row) {
    if (row.kind === "appraisal") return this.checks(row);
    const { store } = this;
    /** @type {[string, any][]} */
    const known = Object.entries(row.details);
    if (row.kind === "connect") known.push(["from", row.src], ["to", row.dst]);
    if (row.kind === "binder") known.push(["whose quote", { attester: "hashed by the one who is quoted", verifier: "hashed by the one who checks", "": "" }[row.side]], ["hash", row.binder]);
    if (row.kind === "verdict") known.push(["expected", row.expected], ["found", row.found]);
    if (row.connection) known.push(["connection", store.connectionName(row.connection)]);
    known.push(["time", `${(row.time * 1000).toFixed(1)} ms after the run began`]);
    if ((row.say || row.text).length > SAID) known.push(["in full", row.say || row.text]);
    const text = (/** @type {any} */ value) => (typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value) ?? "");
    fill(this.rest, h("dl", { class: "tl-kv" }, known.filter(([, value]) => value !== "" && value !== null && value !== undefined).flatMap(([key, value]) => {
      const said = text(value);
      return [h("dt", { text: key.replaceAll("_", " ") }), h("dd", { class: /^[0-9a-f]{20,}$/.test(said) ? "tl-mono" : "" }, cut(said, 20000))];
    })));
  }

  /** @param {AppraisalRow} row */
  checks(row) {
    const { store } = this;
    const all = row.verdicts.map((id) => store.rowOf(id)).filter((one) => one?.kind === "verdict");
    const failed = all.filter((one) => one?.mark === "fail");
    const rest = all.filter((one) => one?.mark !== "fail");
    const draw = (/** @type {AnyRow | undefined} */ one) => (one?.kind === "verdict" ? checkOf(one) : null);
    const count = (/** @type {string} */ mark) => rest.filter((one) => one?.mark === mark).length;
    const show = `Show the ${count("pass")} checks that passed${count("none") ? ` and ${count("none")} that the policy did not ask for` : ""}`;
    const more = h("button", { class: "tl-morebtn", "aria-expanded": false, text: show, on: { click: () => more.replaceWith(...rest.flatMap((one) => draw(one) ?? [])) } });
    fill(this.rest, failed.map(draw), failed.length && rest.length && !store.wide ? more : rest.map(draw));
  }

  /** @param {AnyRow} row */
  announce(row) {
    const { store } = this;
    const field = fieldsOf(row.parts[store.piece], store.doc.texts)[store.field];
    const who = row.to ? `, ${store.party(row.at).name} to ${store.party(row.to).name}` : "";
    store.say(cut(`Step ${row.id + 1}: ${titleOf(row, store)}${who}. ${field ? `${field.label}: ${field.note}` : row.say || row.text}`, 400));
  }
}

/**
 * One check, with the octets it compared if they differ.
 * @param {VerdictRow} row
 */
export function checkOf(row) {
  const differ = row.mark === "fail" && row.expected && row.found;
  return h("div", { class: `tl-check tl-mark-${row.mark}`, "data-row": row.id }, h("i", { "aria-hidden": "true", text: MARK[row.mark] }), h("b", { text: row.name }), h("p", { text: row.say || row.text }),
    differ && h("div", { class: "tl-cmp" }, h("span", { text: "expected" }), h("div", {}, apart(row.expected, row.found)), h("span", { text: "found" }), h("div", {}, apart(row.found, row.expected))),
    row.clause && h("div", { class: "tl-cl", text: row.clause }));
}

/**
 * Octets around the first difference, those that differ marked.
 * @param {string} one
 * @param {string} other
 */
function apart(one, other) {
  let from = 0;
  while (2 * from < Math.max(one.length, other.length) && one.substr(2 * from, 2) === other.substr(2 * from, 2)) from += 1;
  from = Math.max(0, from - 2);
  const nodes = /** @type {(Node | string)[]} */ (from ? ["… "] : []);
  for (let n = from; n < from + COMPARED && 2 * n < one.length; n += 1) {
    const octet = one.substr(2 * n, 2);
    nodes.push(octet === other.substr(2 * n, 2) ? octet : h("u", { text: octet }), " ");
  }
  if (2 * (from + COMPARED) < one.length) nodes.push("…");
  return nodes;
}

/**
 * The way to a field.
 * @param {Field[]} fields
 * @param {Field} field
 */
function trail(fields, field) {
  const labels = [field.label];
  for (let up = field.parent; up >= 0; up = fields[up].parent) labels.unshift(fields[up].label);
  return labels.join(" › ");
}
