// Made from trustlab/inspector/src by python -m trustlab.inspector.join; change it there.

// page.js
const { still, quiet, openPage } = (() => {
async function unpack(packed) {
const octets = Uint8Array.from(atob(packed.trim()), (c) => c.charCodeAt(0));
const stream = new Blob([octets]).stream().pipeThrough(new (/** @type {any} */ (globalThis).DecompressionStream)("gzip"));
return new Response(stream).json();
}

const still = (document) => quiet({ _document: document, chosen: -1, chosen_field: "" });

function quiet(given) {
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

async function openPage(widget, made = still) {
const packed = document.getElementById("document");
const el = document.getElementById("inspector");
if (!packed || !el) throw new Error("the page lacks its element document or inspector");
widget.render({ model: made(await unpack(packed.textContent ?? "")), el });
}
return { still, quiet, openPage };
})();

// dom.js
const { shown, h, s, icon, chevron, bytes, range, cap, cut, fill } = (() => {
const SVG = "http://www.w3.org/2000/svg";
const FOCUSABLE = ["a", "button", "input", "select", "summary", "textarea"];

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function shown(text) {
return text.replace(HIDDEN, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}


function h(tag, props = {}, ...children) {
const node = document.createElement(tag);
for (const [key, value] of Object.entries(props)) {
if (value === null || value === undefined || (value === false && !key.startsWith("aria-"))) continue;
if (key === "text") node.textContent = shown(String(value));
else if (key === "class") node.className = value;
else if (key === "on") listen(node, value);
else if (key === "style") node.style.cssText = value;
else node.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : shown(String(value)));
}
if ("tabindex" in props || FOCUSABLE.includes(tag)) node.setAttribute("data-lm-suppress-shortcuts", "true");
put(node, children);
return node;
}

function s(tag, props = {}, ...children) {
const node = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
for (const [key, value] of Object.entries(props)) {
if (value === null || value === undefined || value === false) continue;
if (key === "text") node.textContent = shown(String(value));
else if (key === "on") listen(node, value);
else node.setAttribute(key, shown(String(value)));
}
if ("tabindex" in props) node.setAttribute("data-lm-suppress-shortcuts", "true");
put(node, children);
return node;
}

function listen(node, listeners) {
for (const [name, f] of Object.entries(listeners)) if (f) node.addEventListener(name, f);
}

function put(node, children) {
for (const child of children.flat()) {
if (child === null || child === undefined || child === false || child === "") continue;
node.append(child instanceof Node ? child : shown(String(child)));
}
}

function icon(path, size = 14) {
const look = { fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" };
return s("svg", { width: size, height: size, viewBox: "0 0 16 16", "aria-hidden": "true", class: "tl-icon", ...look }, s("path", { d: path }));
}

const chevron = () => icon("M6 3l5 5-5 5", 11);

const bytes = (n) => (n === 1 ? "1 byte" : `${n.toLocaleString("en")} bytes`);

const range = (start, end) => (end <= start ? `no bytes at ${start}` : end - start === 1 ? `byte ${start}` : `bytes ${start}–${end - 1}`);

const cap = (text) => text && text[0].toUpperCase() + text.slice(1);

const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

function fill(node, ...children) {
node.replaceChildren();
put(node, children);
}
return { shown, h, s, icon, chevron, bytes, range, cap, cut, fill };
})();

// types.js
const { ROWS, SHAPES } = (() => {
const ROWS = {"event": "PlainRow", "section": "SectionRow", "connect": "ConnectRow", "message": "MessageRow", "tpm": "TpmRow", "machine": "MachineRow", "attack": "AttackRow", "app": "AppRow", "truth": "TruthRow", "binder": "BinderRow", "verdict": "VerdictRow", "appraisal": "AppraisalRow", "read": "ReadRow"};

const SHAPES = {"Document": [{"rows": [], "tamper": []}, {"frame": "Frame", "rows": "row", "tamper": "Tampered"}], "Frame": [{"title": "", "substrate": "", "badge": "", "outcome": "", "secrets_shown": false, "live": false, "lifelines": [], "phases": [], "reads": [], "prize": "", "bindings": [], "secrets": [], "pcrs": [], "notes": [], "steering": null, "mappable": "", "tampering": null, "other_layer": null}, {"phases": "Phase", "bindings": "Binding", "secrets": "HeldSecret", "pcrs": "Extended", "steering": "SteeringState", "tampering": "Tampering", "other_layer": "Tampering"}], "Phase": [{}, {}], "Binding": [{"attester": "", "verifier": "", "inputs": [], "binder": "", "extra_data": "", "holds": false, "not_covered": "", "attester_row": null, "verifier_row": null, "appraisal": null}, {"inputs": "Input"}], "Input": [{"plain": "", "say": "", "attester": null, "verifier": null, "differs": false, "attester_source": null, "verifier_source": null}, {"attester_source": "Source", "verifier_source": "Source"}], "Source": [{"part": 0, "start": 0, "end": 0}, {}], "HeldSecret": [{"connection": "", "row": 0, "holders": [], "inputs": [], "level": 0, "say": "", "clause": "", "call": "", "public": false, "prize": false, "hex": "", "snippet": ""}, {"holders": "Holder"}], "Holder": [{"how": ""}, {}], "Extended": [{"before": "", "digest": "", "after": "", "what": ""}, {}], "SteeringState": [{"state": "running", "connection": "", "message": "", "row": null, "breaks": []}, {}], "Tampering": [{"keys": false, "done": 0, "total": null, "state": "playing", "why": ""}, {}], "PlainRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "Piece": [{"role": "data", "fields": [], "secret": false}, {}], "SectionRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "act": ""}, {"parts": "Piece"}], "ConnectRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "src": "", "dst": "", "twin": null}, {"parts": "Piece"}], "MessageRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "direction": "", "offset": null, "size": 0, "encrypted": false, "state": "read", "altered": false, "dropped": false, "alert": "", "fatal": false, "twin": null, "differs": false, "compared": [], "first": 0}, {"parts": "Piece", "compared": "Compared"}], "Compared": [{"differs": false, "word": "", "text": ""}, {}], "TpmRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "ms": 0.0, "client": "", "locality": 0, "rc": 0, "rc_name": "", "first": 0}, {"parts": "Piece"}], "MachineRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "boot": false}, {"parts": "Piece"}], "AttackRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "AppRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}}, {"parts": "Piece"}], "TruthRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "addressed": "", "answers": ""}, {"parts": "Piece"}], "BinderRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "side": "", "binder": ""}, {"parts": "Piece"}], "VerdictRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "appraisal": null, "expected": "", "found": ""}, {"parts": "Piece"}], "AppraisalRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "about": "", "refused_by": "", "failed": [], "verdicts": [], "binding": null}, {"parts": "Piece"}], "ReadRow": [{"at": "", "to": "", "name": "", "text": "", "say": "", "more": "", "clause": "", "mark": "", "connection": "", "section": 0, "time": 0.0, "anchor": "", "parts": [], "details": {}, "of": 0, "secret": false, "loot": null}, {"parts": "Piece"}], "Tampered": [{"party": null, "caught_by": "", "sentence": "", "keys": false}, {}], "Batch": [{"rows": [], "texts_from": 0, "texts": [], "frame": {}, "lists": [], "tamper": []}, {"rows": "row", "lists": "FrameSplice", "tamper": "Tampered"}], "FrameSplice": [{}, {}]};
return { ROWS, SHAPES };
})();

// store.js
const { complete, opened, Book, Store, landing } = (() => {
const GROWING = new Set(["doc", "frame", "cursor", "layout"]);
const CHOICE = new Set(["row", "piece", "field"]);
const KNOWN = /** @type {Record<string, Party>} */ ({
teller: { name: "Teller", the: "the teller", tone: "tl-teller" },
alice: { name: "Alice", the: "Alice", tone: "tl-alice" },
bank: { name: "Bank", the: "the bank", tone: "tl-bank" },
carol: { name: "Carol", the: "Carol", tone: "tl-carol" },
lab: { name: "Lab", the: "the lab", tone: "tl-other" },
});

function complete(shape, value) {
if (value === null || value === undefined) return value;
if (Array.isArray(value)) return value.map((one) => complete(shape, one));
const [defaults, parts] = SHAPES[shape === "row" ? ROWS[value.kind] ?? "PlainRow" : shape];
const whole = { ...defaults, ...value };
for (const key in parts) if (key in value) whole[key] = complete(parts[key], value[key]);
return whole;
}

function opened(value) {
const doc = complete("Document", { frame: {}, ...value });
return { ...doc, rows: [...(doc.rows ?? [])], texts: [...(doc.texts ?? [""])], tamper: [...(doc.tamper ?? [])] };
}

function changedFrame(frame, batch) {
const parts = SHAPES.Frame[1];
const whole = { ...frame };
for (const [name, value] of Object.entries(batch.frame ?? {})) whole[name] = parts[name] ? complete(parts[name], value) : value;
for (const { name, head, tail, items } of batch.lists ?? []) {
const list = whole[name];
whole[name] = [...list.slice(0, head), ...(parts[name] ? complete(parts[name], items) : items), ...list.slice(list.length - tail)];
}
return /** @type {Frame} */ (whole);
}

class Book {
constructor(model) {
this.model = model;
this.doc = opened(model.get("_document"));
this.live = this.doc.frame.live;
this.asked = false;
this.listeners = new Set();
model.on("msg:custom", (/** @type {any} */ content, /** @type {any} */ buffers) => this.hear(content, buffers));
model.on("change:_document", () => this.renew());
model.on("comm_live_update", () => this.probe());
model.on("comm:close", () => this.alive(false));
if (this.live) this.resync();
}

tell(kind, detail) {
for (const listener of [...this.listeners]) listener(kind, detail);
}

alive(live) {
if (this.live === live) return;
this.live = live;
this.tell("live");
}

renew() {
const doc = opened(this.model.get("_document"));
if (doc.rows.length <= this.doc.rows.length) return;
this.doc = doc;
this.tell("doc", null);
}

probe() {
this.alive(false);
this.asked = false;
this.resync();
}

send(content) {
try {
this.model.send(content);
} catch {
this.alive(false);
}
}

save(values) {
for (const [name, value] of Object.entries(values)) this.model.set(name, value);
try {
this.model.save_changes();
} catch {
this.alive(false);
}
}

resync() {
if (this.asked) return;
this.asked = true;
this.send({ type: "resync" });
}

hear(content, buffers) {
if (content.type === "whole") {
this.asked = false;
this.doc = opened(content.document);
this.alive(this.doc.frame.live);
this.tell("doc", null);
} else if (content.type === "batch") {
this.alive(true);
this.take(content);
} else this.tell(content.type, { ...content, buffers });
}

take(batch) {
const { doc } = this;
const from = batch.texts_from ?? 0;
const texts = batch.texts ?? [];
if (from > doc.texts.length) return this.resync();
if (batch.lists?.some((/** @type {any} */ one) => one.head + one.tail > /** @type {any} */ (doc.frame)[one.name].length)) return this.resync();
texts.forEach((/** @type {string} */ text, /** @type {number} */ n) => (doc.texts[from + n] = text));
const changed = new Set();
for (const raw of batch.rows ?? []) {
if (raw.id > doc.rows.length) return this.resync();
doc.rows[raw.id] = complete("row", raw);
changed.add(raw.id);
}
const reframed = batch.lists?.length > 0 || Object.keys(batch.frame ?? {}).length > 0;
if (reframed) doc.frame = changedFrame(doc.frame, batch);
if (batch.tamper?.length) doc.tamper = [...doc.tamper, ...complete("Tampered", batch.tamper)];
if (reframed) this.tell("frame");
if (changed.size || batch.tamper?.length) this.tell("doc", changed);
}
}

class Store {
constructor(book) {
this.book = book;
this.cursor = 0;
this.row = 0;
this.piece = 0;
this.field = -1;
this.touched = false;
this.tab = "";
this.chip = "";
this.secretId = "";
this.bindingNumber = -1;
this.leg = "";
this.publicKeys = false;
this.cell = -1;
this.layer = null;
this.narrow = false;
this.wide = false;
this.width = 0;
this.aligned = true;
this.filter = { messages: false, failures: false, party: "" };
this.folds = new Set();
this.both = true;
this.up = false;
this.playing = false;
this.stops = new Set(["refusal", "reads"]);
this.pins = new Set();
this.compare = null;
this.said = "";
this.reveal = true;
this.rowsChanged = null;
this.listeners = new Set();
this.changed = new Set();
this.frame = 0;
this.rested = 0;
this.asker = Math.random().toString(36).slice(2);
this.onFile = () => {};
this.onRefused = (text) => this.say(text);
this.unhear = this.follow();
}

get doc() {
return this.book.doc;
}

get live() {
return this.book.live;
}

text(number) {
return this.doc.texts[number] ?? "";
}

rowOf(id) {
return this.doc.rows[id];
}

get chosen() {
return this.doc.rows[this.row];
}

party(name) {
return KNOWN[name] ?? { name: cap(name), the: name, tone: "tl-other" };
}

connectionName(name) {
return name.replace(/-\d+$/, "").split("-").map((one) => KNOWN[one]?.the.replace(/^the /, "") ?? one).join(" – ");
}

can(_action) {
const { steering } = this.doc.frame;
return this.live && (steering ? steering.state !== "ended" : this.book.model.get("_controls") === true);
}

choose({ row = this.row, piece, field, reveal = true, quiet = false }) {
const chosen = this.doc.rows[row];
if (!chosen) return;
const other = row !== this.row;
piece = Math.min(piece ?? (other ? this.firstPiece(chosen) : this.piece), Math.max(0, chosen.parts.length - 1));
const fields = chosen.parts[piece]?.fields.length ?? 0;
if (field === undefined) field = !other && piece === this.piece ? this.field : this.firstField(chosen, piece);
if (!quiet) this.touched = true;
this.reveal = reveal;
this.set({ row, piece, field: Math.min(field, fields - 1), cursor: Math.max(this.cursor, row) });
if (other && reveal) this.mark("layout");
}

firstPiece(row) {
return row.kind === "read" ? Math.max(0, row.parts.findIndex((one) => one.role === "plain")) : 0;
}

firstField(row, piece) {
const fields = row.parts[piece]?.fields.length ?? 0;
if (row.kind === "read" && row.loot) {
const loot = row.text.slice(...row.loot);
const found = row.parts[piece]?.fields.findIndex((one) => this.text(one[4]) === loot) ?? -1;
if (found >= 0) return found;
}
const first = "first" in row && piece === this.firstPiece(row) ? row.first : 0;
return fields ? Math.min(first, fields - 1) : -1;
}

go(cursor) {
const at = Math.max(0, Math.min(this.doc.rows.length - 1, cursor));
this.touched = true;
this.set({ cursor: at });
const row = this.doc.rows[at];
if (row && row.kind !== "verdict" && row.id !== this.row) this.choose({ row: at });
}

set(values) {
const self = /** @type {Record<string, any>} */ (/** @type {unknown} */ (this));
for (const [key, value] of Object.entries(values)) {
if (self[key] === value) continue;
self[key] = value;
this.mark(key);
}
}

mark(key) {
this.changed.add(key);
if (!this.frame) this.frame = requestAnimationFrame(() => this.due());
}

due() {
this.frame = 0;
const hurried = [...this.changed].some((key) => !GROWING.has(key) && (this.touched || !CHOICE.has(key)));
if (hurried || performance.now() >= this.rested) this.draw();
else this.frame = requestAnimationFrame(() => this.due());
}

draw() {
cancelAnimationFrame(this.frame);
this.frame = 0;
const { changed } = this;
const began = performance.now();
this.changed = new Set();
if (changed.size) for (const listener of [...this.listeners]) listener(changed);
this.rowsChanged = new Set();
this.rested = 2 * performance.now() - began;
}

renewed(ids) {
const { rowsChanged } = this;
return !rowsChanged || ids.some((id) => rowsChanged.has(id));
}

on(listener) {
this.listeners.add(listener);
return () => this.listeners.delete(listener);
}

send(message) {
this.book.send(message);
}

say(text) {
this.said = text;
this.mark("said");
}

follow() {
let end = this.doc.rows.length - 1;
const hear = (kind, detail) => {
if (kind === "doc") {
const last = this.doc.rows.length - 1;
if (this.cursor >= end) this.set({ cursor: last });
end = last;
if (!detail) this.rowsChanged = null;
else if (this.rowsChanged) for (const id of detail) this.rowsChanged.add(id);
if (!this.touched) this.begin();
this.mark("doc");
} else if (kind === "select") {
this.choose({ row: detail.row, piece: detail.part, field: detail.field });
} else if (kind === "say") this.onRefused(String(detail.text));
else if (kind === "what-if") this.answered(detail);
else if (kind === "file") this.onFile(detail);
else this.mark(kind);
};
this.book.listeners.add(hear);
return () => this.book.listeners.delete(hear);
}

answered(detail) {
if (detail.asker !== this.asker) return;
if (detail.document) this.set({ compare: { document: opened(detail.document), first: detail.first ?? "" } });
else this.onRefused(String(detail.text ?? "There is no such run."));
}

begin() {
const { rows, frame } = this.doc;
this.set({ cursor: Math.max(0, rows.length - 1) });
const held = frame.steering?.state === "held" ? frame.steering.row : null;
const found = held ?? landing(rows);
if (found !== null) this.choose({ row: found, quiet: true });
}

close() {
cancelAnimationFrame(this.frame);
this.unhear();
this.listeners.clear();
}
}

function landing(rows) {
let found = null;
for (const row of rows) {
if (row.kind === "read" && row.secret) return row.id;
if (row.kind === "appraisal" && (found === null || row.mark === "fail")) found = row.id;
}
if (found !== null) return found;
for (let n = rows.length - 1; n >= 0; n -= 1) if (["message", "tpm"].includes(rows[n].kind)) return n;
return rows.length ? rows.length - 1 : null;
}
return { complete, opened, Book, Store, landing };
})();

// lines.js
const { passes, linesOf, placesOf } = (() => {
const BARS = 24;
const SHORT = 3;

function passes(row, filter) {
if (filter.party && row.at !== filter.party && row.to !== filter.party) return false;
if (filter.messages && !["message", "appraisal", "read"].includes(row.kind)) return false;
if (!filter.failures) return true;
if (row.kind === "message") return row.fatal || row.dropped || row.altered;
if (row.kind === "tpm") return row.rc !== 0;
return row.mark === "fail" || (row.kind === "read" && row.secret);
}

function linesOf(rows, choice) {
const lines = [];
const behind = new Map();
const drawn = new Map();
const { filter, aligned } = choice;
const opened = new Map();
const filtered = filter.messages || filter.failures || filter.party !== "";
let clear = 0;
let group = null;
for (let n = 0; n < rows.length; n += 1) {
const row = rows[n];
if (row.kind === "verdict" || drawn.has(n) || !passes(row, filter)) continue;
if (row.kind === "truth" && row.addressed && row.addressed === row.answers) continue; // as it should be
if (n >= clear && !filtered && (row.kind === "machine" || row.kind === "tpm")) {
const [end, scanned] = machines(rows, n);
if (end - n >= SHORT) {
lines.push(...folded(rows, n, end, choice.folds));
n = end - 1;
group = null;
continue;
}
clear = scanned;
}
if (row.kind === "tpm") {
if (group && group.ids.length < BARS && rows[group.ids[0]].at === row.at) group.ids.push(n);
else lines.push((group = { t: "tpm", ids: [n] }));
continue;
}
group = null;
const line = { t: kindOf(row), ids: [n] };
if (line.t === "pair") {
const twin = aligned && "twin" in row ? row.twin : null;
if (twin !== null && twin > n && rows[twin] && passes(rows[twin], filter)) line.ids.push(twin);
for (const id of line.ids) drawn.set(id, line);
if (row.kind === "connect") opened.set(row.connection, line);
}
const spoken = aligned && row.kind === "attack" ? drawn.get(n + 1) : undefined;
const place = aligned && row.kind === "truth" ? opened.get(row.connection) : spoken;
if (place) behind.set(place, [...(behind.get(place) ?? []), line]);
else lines.push(line);
}
return behind.size ? lines.flatMap((line) => [line, ...(behind.get(line) ?? [])]) : lines;
}

function kindOf(row) {
if (row.kind === "message" || row.kind === "connect") return "pair";
if (row.kind === "appraisal") return "verdict";
if (row.kind === "read") return "read";
if (row.kind === "binder") return "bind";
return row.kind === "section" ? "caption" : "say";
}

function machines(rows, from) {
let end = from;
let booted = false;
while (end < rows.length) {
const row = rows[end];
if (row.kind !== "machine" && row.kind !== "tpm" && row.kind !== "attack") break;
if (row.kind === "machine") booted ||= row.boot || row.name === "power off";
end += 1;
}
if (!booted) return [from, end];
let last = end;
while (last > from && rows[last - 1].kind !== "machine") last -= 1;
return [last, end];
}

function folded(rows, from, end, folds) {
const ids = [];
const attacks = [];
for (let n = from; n < end; n += 1) {
if (rows[n].kind === "attack") attacks.push({ t: "say", ids: [n] });
else ids.push(n);
}
const key = `fold-${from}`;
const open = folds.has(key);
const subs = open ? ids.map((id) => ({ t: "sub", ids: [id] })) : [];
return [{ t: "fold", ids, key, open }, ...subs, ...attacks];
}

function placesOf(lines, count) {
const places = new Int32Array(count).fill(-1);
lines.forEach((line, n) => {
for (const id of line.ids) places[id] = n;
});
let next = -1;
for (let id = count - 1; id >= 0; id -= 1) {
if (places[id] < 0) places[id] = next;
else next = places[id];
}
return places;
}
return { passes, linesOf, placesOf };
})();

// virtual.js
const { VirtualList } = (() => {
const OVERSCAN = 240;

class VirtualList {
constructor(scroller, inner, render, estimate) {
this.scroller = scroller;
this.inner = inner;
this.render = render;
this.estimate = estimate;
this.count = 0;
this.heights = new Float64Array(0);
this.tops = new Float64Array(1);
this.nodes = new Map();
this.top = 0;
this.view = 0;
this.wide = 0;
this.kept = () => -1;
scroller.addEventListener("scroll", () => this.update(scroller.scrollTop), { passive: true });
new ResizeObserver(() => this.sized()).observe(scroller);
}

sized() {
if (!this.scroller.clientHeight) return this.resize();
const wide = this.scroller.clientWidth;
const kept = this.kept();
const seen = this.view === 0 || this.sees(kept);
if (wide !== this.wide) this.refresh();
this.resize();
if (seen && this.view > 0) this.reveal(kept);
}

sees(n) {
return n >= 0 && n < this.count && this.tops[n + 1] > this.top && this.tops[n] < this.top + this.view;
}

reset(count, same = 0, still = () => false) {
const heights = new Float64Array(count);
const keep = Math.min(same, this.count, count);
heights.set(this.heights.subarray(0, keep));
for (let n = keep; n < count; n += 1) heights[n] = this.estimate(n);
this.heights = heights;
this.count = count;
this.sum(0, new Float64Array(count + 1));
this.refresh(still);
}

refresh(still = () => false) {
for (const [n, node] of this.nodes) {
if (still(n)) continue;
node.remove();
this.nodes.delete(n);
}
if (this.view > 0) this.update(this.top); // as it was when it was last asked: asking costs a layout
else this.resize();
}

resize() {
const { clientWidth, clientHeight } = this.scroller;
this.wide = clientHeight ? clientWidth : 0; // what is drawn while it is hidden has no height: it is drawn again when it is shown
if (!clientHeight && this.view) return; // JupyterLab hides all while it changes its theme, too briefly to be told of it
this.view = clientHeight;
this.update(this.scroller.scrollTop);
}

sum(from, tops = this.tops) {
if (from === 0) tops[0] = 0;
for (let n = from; n < this.count; n += 1) tops[n + 1] = tops[n] + this.heights[n];
this.tops = tops;
this.inner.style.height = `${tops[this.count]}px`;
}

at(y) {
let low = 0;
let high = this.count - 1;
while (low < high) {
const middle = (low + high + 1) >> 1;
if (this.tops[middle] <= y) low = middle;
else high = middle - 1;
}
return Math.max(0, low);
}

update(top) {
this.top = top;
if (!this.count) return;
for (let round = 0; round < 4; round += 1) {
const first = this.at(this.top - OVERSCAN);
const last = this.at(this.top + this.view + OVERSCAN);
for (const [n, node] of this.nodes) {
if (n >= first && n <= last) continue;
node.remove();
this.nodes.delete(n);
}
const fresh = [];
let next = null;
for (let n = last; n >= first; n -= 1) {
let node = this.nodes.get(n);
if (!node) {
node = this.render(n);
node.style.position = "absolute";
node.style.left = "0";
node.style.right = "0";
this.nodes.set(n, node);
this.inner.insertBefore(node, next); // in reading order, for screen readers and the tab key
fresh.push([n, node]);
}
node.style.top = `${this.tops[n]}px`;
next = node;
}
if (!this.measure(fresh)) return;
}
}

measure(fresh) {
const anchor = this.at(this.top);
let from = this.count;
let moved = 0;
for (const [n, node] of fresh) {
const height = node.offsetHeight;
if (!height || Math.abs(height - this.heights[n]) < 0.5) continue;
if (n < anchor) moved += height - this.heights[n];
this.heights[n] = height;
from = Math.min(from, n);
}
if (from === this.count) return false;
this.sum(from);
if (moved) {
this.scroller.scrollTop = this.top + moved; // what is looked at stays where it is
this.top = this.scroller.scrollTop;
}
return true;
}

reveal(n, room = 60) {
if (n < 0 || n >= this.count) return;
for (let round = 0; round < 3; round += 1) {
const top = this.tops[n];
const end = this.tops[n + 1];
const to = top < this.top + 8 ? top - room : end > this.top + this.view - 8 ? end - this.view + room : this.top;
if (Math.abs(to - this.top) < 1) return;
const far = Math.abs(to - this.top) > this.view;
this.scroller.scrollTop = far ? top - this.view / 3 : to;
this.update(this.scroller.scrollTop);
}
}
}
return { VirtualList };
})();

// ladder.js
const { CROWD, called, place, Ladder, marked } = (() => {
const HEIGHTS = { pair: 41, say: 29, tpm: 61, fold: 42, sub: 26, verdict: 132, read: 116, bind: 28, caption: 42 };
const LOW = { pair: 38, say: 30, tpm: 54, fold: 50, sub: 28, verdict: 170, read: 150, bind: 30, caption: 50 };
const SIGN = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "–", "": "" });
const STATE = /** @type {Record<string, string>} */ ({ written: "written", wire: "on the wire", read: "" });
const LABEL = /** @type {Record<string, string>} */ ({ SupplementalData: "Evidence" });
const SLIM = 40;
const CROWD = 6;

let views = 0;

const called = (row) => LABEL[row.name] ?? row.name;

const place = (n, count) => (count < 2 ? 50 : 12 + (76 * n) / (count - 1));

class Ladder {
constructor(store) {
this.store = store;
this.view = (views += 1);
this.lines = [];
this.places = new Int32Array(0);
this.firsts = new Int32Array(0);
this.columns = new Map();
this.headed = "";
this.crowd = false;
this.stage = "";
this.names = h("div", { class: "tl-names" });
this.inner = h("div", { class: "tl-lines" });
this.now = h("div", { class: "tl-now", "aria-hidden": "true" });
this.lives = h("div", { class: "tl-lives", "aria-hidden": "true" });
this.scroller = h("div", { class: "tl-rows", role: "group", tabindex: 0, "aria-label": "Steps", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e) } }, this.inner);
this.inner.append(this.lives, this.now);
this.node = h("div", { role: "group", class: "tl-card tl-ladder", "aria-label": "What was said" }, this.tools(), this.names, this.scroller);
const estimate = (/** @type {number} */ n) => (store.narrow ? LOW : HEIGHTS)[this.lines[n].t];
this.list = new VirtualList(this.scroller, this.inner, (n) => this.line(this.lines[n]), estimate);
this.list.kept = () => this.places[store.row] ?? -1;
this.scroller.addEventListener("scroll", () => store.mark("layout"), { passive: true });
}

tools() {
const { store } = this;
const kinds = h("span", { class: "tl-seg tl-legs" });
for (const [label, value] of /** @type {[string, boolean][]} */ ([["legs side by side", true], ["in order of time", false]]))
kinds.append(h("button", { "data-aligned": String(value), "aria-pressed": value === store.aligned, "aria-label": label, on: { click: () => store.set({ aligned: value }) } }, value ? [h("span", { class: "tl-long", text: "legs " }), "side by side"] : [h("span", { class: "tl-long", text: "in order of " }), h("span", { text: "time" })]));
const tick = (/** @type {"messages" | "failures"} */ key, /** @type {string} */ label) =>
h("label", { class: "tl-tick" }, h("input", { type: "checkbox", on: { change: (/** @type {any} */ e) => this.narrowTo({ [key]: e.target.checked }) } }), label);
this.parties = h("select", { class: "tl-party", "aria-label": "Steps of which party", on: { change: (/** @type {any} */ e) => this.narrowTo({ party: e.target.value }) } });
this.bar = h("div", { class: "tl-ltools" }, kinds, h("span", { class: "tl-push" }, this.parties, tick("messages", "messages only"), tick("failures", "failures")));
return this.bar;
}

narrowTo(change) {
this.store.set({ filter: { ...this.store.filter, ...change } });
}

draw(changed) {
const { store } = this;
if (["doc", "frame", "folds", "aligned", "filter", "narrow"].some((key) => changed.has(key))) this.rebuild(changed.has("narrow"));
else if (changed.has("width")) this.list.resize();
if (changed.has("cursor") || changed.has("doc")) this.time();
if (changed.has("row") || changed.has("doc")) this.choice();
if ((changed.has("row") && store.reveal) || changed.has("narrow")) this.reveal();
}

rebuild(anew) {
const { store } = this;
const { rows, frame } = store.doc;
const lifelines = frame.lifelines;
const before = this.lines;
const stage = JSON.stringify([lifelines, frame.prize, frame.steering, store.narrow]);
const same = !anew && stage === this.stage;
this.stage = stage;
const known = new Set(lifelines);
this.crowd = lifelines.length > CROWD;
this.columns = new Map(this.crowd ? [] : lifelines.map((name, n) => [name, place(n, known.size)]));
this.lines = linesOf(rows, store);
this.places = placesOf(this.lines, rows.length);
this.firsts = Int32Array.from(this.lines, (line) => line.ids[0]);
const alone = rows.some((row) => "twin" in row && row.twin !== null);
this.bar?.classList.toggle("tl-onelegged", !alone);
for (const button of this.bar?.querySelectorAll("[data-aligned]") ?? []) button.setAttribute("aria-pressed", String(String(store.aligned) === button.getAttribute("data-aligned")));
this.head(lifelines);
this.list.reset(this.lines.length, anew ? 0 : this.lines.length, (n) => same && this.stays(before[n], this.lines[n]));
this.time();
this.choice();
store.mark("layout");
}

stays(before, line) {
if (line?.t !== before.t || line.open !== before.open || line.ids.join() !== before.ids.join()) return false;
const { store } = this;
const told = store.doc.rows[line.ids[0]];
return !store.renewed(line.ids) && !(told.kind === "appraisal" && store.renewed(told.verdicts));
}

head(lifelines) {
const { store } = this;
const key = lifelines.join();
if (this.headed === key) return;
this.headed = key;
this.node.classList.toggle("tl-crowd", this.crowd);
const all = lifelines.map((name) => h("option", { value: name, text: store.party(name).name }));
this.parties?.replaceChildren(h("option", { value: "", text: "everybody" }), ...all);
if (this.crowd) return this.sides();
const middle = store.doc.rows.some((row) => row.kind === "attack");
this.names.replaceChildren(...lifelines.map((name) => {
const party = store.party(name);
return h("span", { class: `tl-name ${party.tone}`, style: `left:${this.columns.get(name)}%` }, party.name, name === "alice" && middle && h("small", { text: "in the middle" }));
}));
this.lives.replaceChildren(...lifelines.map((name) => h("i", { class: store.party(name).tone, style: `left:${this.columns.get(name)}%` })));
}

sides() {
const sides = ["client", "server"].map((side, n) => {
const hosts = new Set();
for (const row of this.store.doc.rows) if (row.to && (row.kind === "connect" || row.kind === "message")) hosts.add((side === "client") === (row.kind === "message" && row.direction === "server") ? row.to : row.at);
return { name: `${side}s`, count: hosts.size, x: place(n, 2) };
});
this.names.replaceChildren(...sides.map(({ name, count, x }) => h("span", { class: "tl-name tl-other", style: `left:${x}%` }, cap(name), h("small", { text: count === 1 ? "1 host" : `${count} hosts` }))));
this.lives.replaceChildren(...sides.map(({ x }) => h("i", { class: "tl-other", style: `left:${x}%` })));
}

time() {
const { cursor, doc } = this.store;
for (const node of this.inner.querySelectorAll("[data-at]")) node.classList.toggle("tl-future", Number(node.getAttribute("data-at")) > cursor);
const next = cursor < doc.rows.length - 1 ? this.firsts.findIndex((first) => first > cursor) : -1;
this.now.hidden = next < 0;
this.now.dataset.t = `now: step ${cursor + 1}`;
this.now.style.top = `${this.list.tops[Math.max(0, next)] ?? 0}px`;
this.nextLine = next;
}

choice() {
const row = this.shownFor(this.store.row);
for (const node of this.inner.querySelectorAll("[data-row]")) this.mark(node, Number(node.getAttribute("data-row")) === row);
this.scroller.setAttribute("aria-activedescendant", `tl${this.view}-row-${row}`);
}

shownFor(id) {
const row = this.store.doc.rows[id];
return row?.kind === "verdict" ? row.appraisal ?? id : id;
}

mark(node, chosen) {
node.classList.toggle("tl-sel", chosen);
node.setAttribute("aria-pressed", String(chosen));
}

reveal() {
const { store } = this;
const line = this.lines[this.places[store.row]];
if (!line) return;
if (line.t === "fold" && !line.open && line.ids.includes(store.row)) {
store.folds.add(line.key ?? "");
this.rebuild(false);
}
this.list.reveal(this.places[store.row]);
this.time();
this.choice();
store.mark("layout");
}


line(line) {
const rows = this.store.doc.rows;
const node = this.lineOf(line, rows[line.ids[0]]);
const { cursor } = this.store;
const row = this.shownFor(this.store.row);
for (const one of [node, ...node.querySelectorAll("[data-at]")]) {
const at = one.getAttribute("data-at");
if (at !== null) one.classList.toggle("tl-future", Number(at) > cursor);
}
for (const one of node.querySelectorAll("[data-row]")) this.mark(one, Number(one.getAttribute("data-row")) === row);
if (node.hasAttribute("data-row")) this.mark(node, Number(node.getAttribute("data-row")) === row);
return node;
}

lineOf(line, row) {
switch (line.t) {
case "pair": return this.pair(line);
case "tpm": return this.tpm(line);
case "fold": return this.fold(line);
case "sub": return this.sub(row);
case "verdict": return this.verdict(row);
case "read": return this.read(row);
case "bind": return this.bind(row);
case "caption": return h("div", { ...this.of(row, "tl-line tl-caption") }, h("b", { text: cap(row.name) }), row.text);
default: return h("div", { class: `tl-line tl-say tl-say-${row.kind}` }, h("span", { ...this.of(row, this.store.party(row.at).tone) }, row.text || row.say || row.name));
}
}

of(row, kind) {
return { class: kind, role: "button", id: `tl${this.view}-row-${row.id}`, "data-row": row.id, "data-at": row.id, "data-anchor": row.anchor };
}

pair(line) {
const rows = this.store.doc.rows;
const [one, two] = line.ids.map((id) => rows[id]);
if (!two) return h("div", { class: "tl-line tl-pair" }, this.half(one));
const [left, right] = this.middle(one) <= this.middle(two) ? [one, two] : [two, one];
const node = h("div", { class: "tl-line tl-pair tl-two" }, this.half(left), this.half(right));
if (left.kind !== "message") return node;
const differs = left.differs;
const x = (this.middle(left) + this.middle(right)) / 2;
node.append(h("button", {
class: `tl-rel${differs ? " tl-ne" : ""}`, tabindex: -1, "data-at": Math.max(left.id, right.id), style: `left:${x}%`, text: differs ? "≠" : "=",
title: differs ? "The two legs differ: see where" : "The same on both legs, byte for byte",
"aria-label": differs ? `${called(left)} differs between the legs; show the difference` : `${called(left)} is the same on both legs`,
on: { click: (/** @type {Event} */ e) => { e.stopPropagation(); this.difference(left); } },
}));
return node;
}

difference(row) {
if (row.kind !== "message") return;
const found = row.compared.find((one) => one.differs && one.word === "has to differ") ?? row.compared.find((one) => one.differs);
this.store.set({ both: true, up: true });
this.store.choose({ row: row.id, piece: 0, field: found?.field });
}

span(row) {
if (this.crowd) return row.kind === "message" && row.direction === "server" ? [place(1, 2), place(0, 2)] : [place(0, 2), place(1, 2)];
const from = this.columns.get(row.at) ?? 50;
return [from, this.columns.get(row.to) ?? (from < 50 ? 100 : 0)];
}

middle(row) {
const [from, to] = this.span(row);
return (from + to) / 2;
}

half(row) {
const { store } = this;
const [from, to] = this.span(row);
const message = row.kind === "message" ? row : null;
const state = message ? STATE[message.state] : "";
const held = store.doc.frame.steering?.state === "held" && store.doc.frame.steering.row === row.id;
const kinds = [
"tl-half", from < to ? "tl-tor" : "tl-tol", row.kind === "connect" && "tl-con", message?.encrypted && "tl-enc", message?.fatal && "tl-fatal",
message && `tl-is-${message.state}`, message?.dropped && "tl-dropped", held && "tl-held", Math.max(from, to) > 60 && Math.min(from, to) > 40 ? "tl-outer" : "tl-inner",
];
const at = store.party(row.at);
const end = store.party(row.to);
const what = row.kind === "connect" ? "connects" : called(row);
const words = [what, row.to ? `${at.name} to ${end.name}` : at.name, `step ${row.id + 1}`, message && (message.encrypted ? "encrypted" : "in clear"), state, message?.altered && "altered", message?.dropped && "dropped"];
const notes = [held ? "held here" : state, message?.altered && "altered", message?.dropped && "dropped"].filter(Boolean).join(", ");
const letter = (/** @type {import("./store.js").Party} */ party) => h("u", { class: party.tone, text: party.name[0] });
return h("div", { ...this.of(row, kinds.filter(Boolean).join(" ")), style: `left:calc(${Math.min(from, to)}% + 2px);width:calc(${Math.abs(from - to)}% - 4px)`, title: words.filter(Boolean).join(", "), "aria-label": words.filter(Boolean).join(", ") },
h("span", { class: "tl-letters", "aria-hidden": "true" }, letter(at), icon("M3 8h9M9 5l3 3-3 3", 12), letter(end)),
h("span", { class: "tl-lbl" }, h("span", { class: "tl-on" }, message?.encrypted && h("i", { class: "tl-lock" }), h("b", {}, message?.alert ? [h("span", { class: "tl-alertword", text: "Alert " }), message.alert] : what),
notes ? h("small", { class: "tl-state", text: notes }) : message?.size && !message.alert ? h("small", { class: "tl-size", text: `${message.size.toLocaleString("en")} B` }) : null), this.crowd && h("small", { class: "tl-ends", text: row.to ? `${cut(row.at, 39)} → ${cut(row.to, 39)}` : cut(row.at, 39) }), h("span", { class: "tl-srctag" })),
h("small", { class: "tl-step", text: row.id + 1 }), h("span", { class: "tl-shaft" }));
}

tpm(line) {
const { store } = this;
const rows = line.ids.map((id) => store.doc.rows[id]);
const times = rows.map((row) => (row.kind === "tpm" ? row.ms : 0));
const total = times.reduce((sum, one) => sum + one, 0);
const party = store.party(rows[0].at);
const x = this.columns.get(rows[0].at) ?? 50;
const short = (/** @type {AnyRow} */ row) => row.name.replace(/^TPM2_/, "");
const bars = rows.map((row, n) => {
const share = total ? times[n] / total : 1 / rows.length;
const slim = share * 300 < SLIM;
return h("span", { ...this.of(row, `tl-bar${slim ? " tl-slim" : ""}${row.mark === "fail" ? " tl-failed" : ""}`), style: `flex:${Math.max(share, 0.004)} 0 0`, title: `${row.name}, ${times[n]} ms, step ${row.id + 1}`, "aria-label": `${row.name}, ${times[n]} milliseconds, step ${row.id + 1}` }, slim ? "" : short(row));
});
return h("div", { class: `tl-line tl-tpm ${party.tone}`, "data-at": rows[0].id },
h("div", { class: "tl-tpmbox", style: x > 50 ? `right:calc(${100 - x}% + 6px)` : `left:calc(${x}% + 6px)` },
h("div", { class: "tl-ttl" }, h("b", { text: `${party.name}'s TPM` }), h("span", {}, h("span", { class: "tl-count1", text: `${rows.length === 1 ? short(rows[0]) : `${rows.length} commands`}, ` }), `${total.toFixed(1)} ms`)),
h("div", { class: "tl-bars" }, bars)));
}

fold(line) {
const { store } = this;
const rows = line.ids.map((id) => store.doc.rows[id]);
const parties = (/** @type {string} */ name) => new Set(rows.filter((row) => row.kind === "machine" && row.name === name).map((row) => row.at)).size;
const off = parties("power off");
const started = parties("power on");
const measured = parties("DRTM launch");
const machines = (/** @type {number} */ n) => (n === 1 ? "1 machine" : `${n} machines`);
const said = started ? `${machines(started)} started` : off ? `${machines(off)} switched off` : "Machines";
return h("div", { class: "tl-line tl-fold", "data-at": rows[0].id },
h("button", { "data-fold": line.key, "aria-expanded": line.open === true, on: { click: () => this.toggle(line) } }, chevron(), h("span", {}, h("b", { text: said }), measured > 0 && `, ${measured} of them measured into ${measured === 1 ? "its TPM" : "their TPMs"}`), h("span", { class: "tl-push", text: rows.length === 1 ? "1 step" : `${rows.length} steps` })));
}

toggle(line) {
const { store } = this;
const key = line.key ?? "";
if (!store.folds.delete(key)) store.folds.add(key);
store.mark("folds");
store.draw();
/** @type {HTMLElement | null} */ (this.inner.querySelector(`[data-fold="${key}"]`))?.focus();
}

sub(row) {
const party = this.store.party(row.at);
const ms = row.kind === "tpm" ? row.ms : 0;
return h("div", { ...this.of(row, `tl-line tl-sub ${party.tone}`) },
h("i", { text: row.id + 1 }), h("em", { text: party.name }), h("span", { text: row.kind === "tpm" ? row.name : row.text || row.name }),
ms ? h("span", { class: "tl-ms", style: `--w:${Math.min(60, ms * 8)}px`, text: `${ms} ms` }) : h("span"));
}

verdict(row) {
if (row.kind !== "appraisal") throw new TypeError(`row ${row.id} is no appraisal`);
const { store } = this;
const bad = row.mark === "fail";
const checks = row.verdicts.map((id) => store.doc.rows[id]).filter(Boolean);
const count = (/** @type {string} */ mark) => checks.filter((one) => one.mark === mark).length;
const sum = `${count("pass")} passed, ${count("fail")} failed${count("none") ? `, ${count("none")} not asked` : ""}`;
return this.box(row, bad ? "tl-bad" : "tl-good", `${cap(store.party(row.at).the)} ${bad ? "hangs up" : "accepts the evidence"}.`, h("p", { text: row.say || row.text }),
checks.length > 0 && h("div", { class: "tl-strip", role: "img", "aria-label": `Checks: ${sum}` }, checks.map((one) => h("i", { class: `tl-mark-${one.mark}`, title: `${one.name}: ${one.text || one.say}`, text: SIGN[one.mark] })), h("span", { text: sum })));
}

box(row, kind, title, ...children) {
return h("div", { class: "tl-line tl-boxline" }, h("div", { ...this.of(row, `tl-box ${kind}`) }, h("strong", {}, h("span", { "aria-hidden": "true", text: kind === "tl-bad" ? "✘" : "✔" }), title), ...children));
}

read(row) {
if (row.kind !== "read") throw new TypeError(`row ${row.id} reads nothing`);
const { store } = this;
const who = cap(store.party(row.at || "alice").the);
const prize = store.doc.frame.prize;
if (row.secret) return this.box(row, "tl-bad", `${who} reads ${prize || "a secret"}.`, h("p", { class: "tl-mono" }, marked(row)), row.more && h("p", { class: "tl-small", text: row.more }));
return h("div", { class: "tl-line tl-say tl-say-attack" }, h("span", { ...this.of(row, "tl-alice") }, `${who} reads: `, h("span", { class: "tl-mono", text: row.text })));
}

bind(row) {
if (row.kind !== "binder") throw new TypeError(`row ${row.id} binds nothing`);
const party = this.store.party(row.at);
const x = this.columns.get(row.at) ?? 50;
const open = () => this.store.set({ tab: "binding" });
return h("div", { class: `tl-line tl-bind${x > 50 ? " tl-toright" : ""}`, style: x > 50 ? `padding-right:calc(${100 - x}% + 6px)` : `padding-left:calc(${x}% + 6px)` },
h("span", { ...this.of(row, ""), on: { click: open } }, row.text || `${cap(party.the)} hashes this handshake`, ": ", h("b", { class: "tl-mono", text: `${row.binder.slice(0, 8)}…` })));
}


click(event) {
const found = /** @type {Element} */ (event.target).closest("[data-row]");
if (found) this.store.choose({ row: Number(found.getAttribute("data-row")), reveal: false });
}

key(event) {
if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.scroller) return;
const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
const side = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
const { store } = this;
const line = this.places[store.row] ?? 0;
let to = -1;
if (step) to = this.from(line, step);
else if (event.key === "Home") to = this.from(-1, 1);
else if (event.key === "End") to = this.from(this.lines.length, -1);
else if (side) to = this.along(line, side);
else return;
event.preventDefault();
if (to >= 0) store.choose({ row: to });
}

from(line, by) {
const sign = Math.sign(by);
let found = -1;
let left = Math.abs(by);
for (let n = line + sign; n >= 0 && n < this.lines.length && left > 0; n += sign) {
if (this.lines[n].t === "fold") continue;
found = n;
left -= 1;
}
if (found < 0) return -1;
const { ids } = this.lines[found];
const rows = this.store.doc.rows;
const here = this.store.chosen;
return here && ids.length === 2 ? ids.find((id) => rows[id].connection === here.connection) ?? ids[0] : ids[0];
}

along(line, by) {
const rows = this.store.doc.rows;
const ids = [...(this.lines[line]?.ids ?? [])];
if (this.lines[line]?.t === "pair") ids.sort((a, b) => this.middle(rows[a]) - this.middle(rows[b]));
else if (this.lines[line]?.t !== "tpm") return -1;
return ids[ids.indexOf(this.store.row) + by] ?? -1;
}
}

function marked(row) {
if (!row.loot) return [row.text];
const [from, to] = row.loot;
return [row.text.slice(0, from), h("mark", { text: row.text.slice(from, to) }), row.text.slice(to)];
}
return { CROWD, called, place, Ladder, marked };
})();

// compare.js
const { parting, Compare } = (() => {
const course = (row) => `${row.kind} ${row.at} ${row.to} ${row.name} ${row.mark}${row.kind === "message" ? ` ${row.alert} ${row.altered}` : ""}`;

function parting(one, other) {
const steps = (/** @type {AnyRow[]} */ rows) => rows.filter((row) => row.kind !== "machine" && !(row.kind === "tpm" && row.section === 0));
const left = steps(one);
const right = steps(other);
for (let n = 0; n < Math.max(left.length, right.length); n += 1) {
if (left[n] && right[n] && course(left[n]) === course(right[n])) continue;
const last = (/** @type {AnyRow[]} */ rows) => Math.max(0, rows.length - 1);
return [left[n]?.id ?? last(one), right[n]?.id ?? last(other)];
}
return null;
}

class Compare {
constructor(store) {
this.store = store;
this.other = null;
this.node = h("div", { role: "group", class: "tl-card tl-compare", "aria-label": "The other run" });
this.node.hidden = true;
}

draw(changed) {
if (!changed.has("compare")) return;
const { store } = this;
this.other?.close();
this.other = null;
this.node.replaceChildren();
this.node.hidden = !store.compare;
if (!store.compare) return;
const { document: doc, first } = store.compare;
const other = (this.other = new Store(new Book(still(doc))));
const ladder = new Ladder(other);
const apart = parting(store.doc.rows, doc.rows);
const sentence = typeof first === "string" ? first : String(first?.sentence ?? first?.text ?? "");
const [here, there] = apart ?? [-1, -1];
const names = apart ? `They part at step ${here + 1} of this run, ${called(store.doc.rows[here])}, and step ${there + 1} of the other, ${called(doc.rows[there])}.` : "Both runs take the same course, from the first step to the last.";
this.node.append(
h("div", { class: "tl-mhead" }, h("h2", { text: "What if" }), h("span", { class: "tl-tag", text: doc.frame.title }), h("button", { class: "tl-ghostbtn tl-push", text: "Back to the first run", on: { click: () => store.set({ compare: null }) } })),
h("div", { class: "tl-note" }, h("p", { class: "tl-say1", text: sentence || names }), sentence ? h("p", { class: "tl-more1", text: names }) : ""), ladder.node);
other.on((keys) => ladder.draw(keys));
other.set({ narrow: store.narrow, width: store.width });
for (const key of ["doc", "frame", "row"]) other.mark(key);
other.set({ cursor: doc.rows.length - 1 });
if (there >= 0) other.choose({ row: there });
if (here >= 0) store.choose({ row: here });
other.draw();
}

close() {
this.other?.close();
}
}
return { parting, Compare };
})();

// paths.js
const { fieldsOf, fieldAt, fieldOfByte } = (() => {
const kept = new WeakMap();

function fieldsOf(piece, texts) {
if (!piece) return [];
const known = kept.get(piece);
if (known && known.texts === texts.length) return known.fields;
const fields = [];
const stack = [];
const seen = new Map();
piece.fields.forEach(([label, depth, start, end, value, note, clause], n) => {
stack.length = Math.min(depth, stack.length);
const name = texts[label] ?? "";
const parent = stack.at(-1);
const plain = parent ? `${parent.path}/${name}` : name;
const count = seen.get(plain) ?? 0;
seen.set(plain, count + 1);
const next = piece.fields[n + 1];
const field = {
n, label: name, depth: stack.length, start, end, value: texts[value ?? 0] ?? "", note: texts[note ?? 0] ?? "",
clause: texts[clause ?? 0] ?? "", path: count ? `${plain}[${count}]` : plain, parent: parent ? parent.n : -1,
leaf: !(next && next[1] > depth), last: n,
};
fields.push(field);
stack.push(field);
});
for (let n = fields.length - 1; n >= 0; n -= 1) {
const { parent, last } = fields[n];
if (parent >= 0 && fields[parent].last < last) fields[parent].last = last;
}
kept.set(piece, { texts: texts.length, fields });
return fields;
}

function fieldAt(fields, path) {
if (!path) return -1;
const exact = fields.find((one) => one.path === path);
return (exact ?? fields.find((one) => one.path.endsWith(`/${path}`)))?.n ?? -1;
}

function fieldOfByte(fields, byte) {
let found = -1;
for (const one of fields) if (one.start <= byte && byte < one.end && (found < 0 || one.depth >= fields[found].depth)) found = one.n;
return found;
}
return { fieldsOf, fieldAt, fieldOfByte };
})();

// pop.js
const { pop, python, copyText } = (() => {
function pop(root, title, ...children) {
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

function python(code) {
const copy = h("button", { class: "tl-ghostbtn", text: "Copy", on: { click: () => { copyText(code, copy); copy.textContent = "Copied"; } } });
return h("div", { class: "tl-python" }, h("pre", { tabindex: 0, text: code }), copy);
}

function copyText(text, near) {
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
return { pop, python, copyText };
})();

// timeline.js
const { STOPS, stopsAt, Timeline } = (() => {
const GRAIN = 2;
const LETTER = 6.4;
const SLIM_BAR = 3;
const STOPS = [
["certificate", "Certificate", (row) => row.kind === "message" && row.name === "Certificate"],
["quote", "Quote", (row) => row.kind === "tpm" && row.name === "TPM2_Quote"],
["refusal", "a check fails", (row) => row.kind === "appraisal" && row.mark === "fail"],
["reads", "Alice reads", (row) => row.kind === "read"],
["alert", "Alert", (row) => row.kind === "message" && row.alert !== ""],
];

const stopsAt = (row, stops) => STOPS.some(([id, , test]) => stops.has(id) && test(row));

function weight(row) {
if (row.kind === "machine") return 0.28;
if (row.kind === "verdict") return 0.3;
return row.kind === "section" ? 0.4 : row.kind === "tpm" ? 0.6 : 1;
}

class Timeline {
constructor(store) {
this.store = store;
this.ends = new Float64Array(0);
this.reads = h("div", { class: "tl-reads" });
this.ticks = s("svg", { class: "tl-ticks", "aria-hidden": "true" });
this.later = h("div", { class: "tl-later" });
this.knob = h("span", { class: "tl-knob" });
this.slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "tl-slider", min: 0, step: 1, "aria-label": "Time: what had happened by step", on: { input: () => this.slide() } }));
this.lane = h("div", { class: "tl-lane", on: { pointerdown: (/** @type {PointerEvent} */ e) => this.drag(e) } }, this.ticks, this.later, this.slider, this.knob);
this.lanes = h("div", { class: "tl-lanes" }, this.reads, this.lane);
this.state = h("span", { class: "tl-prize" });
this.steps = h("span", { class: "tl-steps" });
this.label = h("span", { class: "tl-lanelabel" }, h("b", { text: "Alice" }), " can read");
}

draw(changed) {
const anew = ["doc", "frame", "width"].some((key) => changed.has(key));
if (anew || changed.has("stops")) this.axis();
if (anew || changed.has("cursor")) this.time();
}

end(row) {
return row < 0 ? 0 : this.ends[Math.min(row, this.ends.length - 1)] ?? 0;
}

axis() {
const { rows, frame } = this.store.doc;
const ends = new Float64Array(rows.length);
let sum = 0;
const boot = frame.phases.find((phase) => phase.name === "boot");
rows.forEach((row, n) => (ends[n] = sum += boot && n >= boot.first && n <= boot.last ? 0.28 : weight(row)));
for (let n = 0; n < ends.length; n += 1) ends[n] /= sum;
this.ends = ends;
const width = (this.width = this.lane.clientWidth || 600);
this.ticks.setAttribute("viewBox", `0 0 ${width} 42`);
this.ticks.replaceChildren(...this.brackets(width), ...this.marks(width));
}

brackets(width) {
const nodes = [];
for (const { name, first, last } of this.store.doc.frame.phases) {
const from = first ? this.end(first - 1) * width + 2 : 0;
const to = this.end(last) * width - 1;
if (to - from < 3) continue;
nodes.push(s("path", { d: `M${from} 40.5H${to}`, class: "tl-bracket" }));
const room = Math.floor((to - from) / LETTER);
if (room >= Math.min(name.length, 4)) nodes.push(s("text", { x: (from + to) / 2, y: 36, "text-anchor": "middle", class: "tl-phase", text: cut(name, Math.max(1, room - (name.length > room ? 1 : 0))) }));
}
return nodes;
}

marks(width) {
const { store } = this;
const taken = new Set();
const nodes = [];
const bars = new Map();
for (const row of store.doc.rows) {
const x = ((this.end(row.id - 1) + this.end(row.id)) / 2) * width;
const stops = stopsAt(row, store.stops);
const key = `${row.kind}${row.mark}${row.at}${Math.round(x / GRAIN)}`;
if (taken.has(key) && !stops) continue;
taken.add(key);
const mark = this.mark(row, x, bars);
if (mark) nodes.push(mark);
if (stops) nodes.push(s("circle", { cx: x, cy: 28.5, r: 2.4, class: "tl-stopdot" }));
}
return [...[...bars].map(([tone, paths]) => s("path", { d: paths.join(""), class: tone })), ...nodes];
}

mark(row, x, bars) {
const bar = (/** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ height, /** @type {string} */ tone) => {
if (w > SLIM_BAR) return s("rect", { x: x - w / 2, y, width: w, height, rx: 2, class: tone });
const paths = bars.get(tone) ?? [];
bars.set(tone, paths);
paths.push(`M${(x - w / 2).toFixed(1)} ${y}h${w}v${height}h${-w}z`);
return null;
};
if (row.kind === "message") return bar(7, 2.2, 16, row.fatal ? "tl-t-bad" : "tl-t-message");
if (row.kind === "tpm") return bar(17, 1.5, 6, `tl-t-tone ${this.store.party(row.at).tone}`);
if (row.kind === "attack") return s("path", { d: `M${x} 10l5 5-5 5-5-5z`, class: "tl-t-tone tl-alice" });
if (row.kind === "appraisal" || (row.kind === "read" && row.secret)) return bar(4, 6, 20, row.kind === "read" || row.mark === "fail" ? "tl-t-bad" : "tl-t-pass");
if (row.kind === "verdict") return row.mark === "fail" ? bar(11, 2, 12, "tl-t-bad") : bar(19, 1.5, 4, "tl-t-dim");
return null;
}

time() {
const { store } = this;
const { rows, frame } = store.doc;
const x = this.end(store.cursor) * 100;
this.knob.style.left = this.later.style.left = `${x}%`;
this.slider.max = String(Math.max(0, rows.length - 1));
this.slider.value = String(store.cursor);
const row = rows[store.cursor];
this.slider.setAttribute("aria-valuetext", shown(`step ${store.cursor + 1} of ${rows.length}${row ? `: ${cut(row.name || row.kind, 120)}` : ""}`));
this.steps.replaceChildren("step ", h("b", { text: rows.length ? store.cursor + 1 : 0 }), ` of ${rows.length.toLocaleString("en")}`);
const alice = frame.lifelines.includes("alice");
for (const node of [this.reads, this.label, this.state]) node.hidden = !alice;
this.lanes.classList.toggle("tl-noreads", !alice);
if (alice) this.loot(frame.reads.map((id) => rows[id]));
}

loot(reads) {
const { store } = this;
const { cursor, doc } = store;
const secret = reads.find((row) => row?.kind === "read" && row.secret);
const first = secret ?? reads[0];
const at = first ? ((this.end(first.id - 1) + this.end(first.id)) / 2) * 100 : 100;
const until = first && first.id <= cursor ? at : this.end(cursor) * 100;
const bars = [h("span", { class: "tl-read tl-nothing", style: `left:0;width:max(${until}%, 90px)`, text: "nothing secret" })];
if (first) {
const on = first.id <= cursor;
bars.push(h("span", { class: `tl-read ${secret ? "tl-got" : "tl-some"}${on ? "" : " tl-future"}`, style: `left:min(${at}%, calc(100% - ${on ? 190 : 8}px));right:0`, text: on ? cut(first.text, 160) : "" }));
}
this.reads.replaceChildren(...bars);
const bad = secret !== undefined && secret.id <= cursor;
const prize = doc.frame.prize || "the secret";
this.state.className = `tl-prize ${bad ? "tl-lost" : "tl-safe"}`;
fill(this.state, bad ? `✘ Alice has ${prize}` : `✔ ${cap(prize)} is safe`);
}

slide() {
this.store.set({ playing: false });
this.store.go(Number(this.slider.value));
}

drag(event) {
event.preventDefault();
this.slider.focus({ preventScroll: true });
const to = (/** @type {PointerEvent} */ e) => {
const box = this.lane.getBoundingClientRect();
const share = (e.clientX - box.left) / box.width;
let low = 0;
let high = this.ends.length - 1;
while (low < high) {
const middle = (low + high) >> 1;
if (this.ends[middle] < share) low = middle + 1;
else high = middle;
}
this.store.set({ playing: false });
this.store.go(low);
};
const move = (/** @type {PointerEvent} */ e) => to(e);
const end = () => {
this.lane.removeEventListener("pointermove", move);
this.lane.removeEventListener("pointerup", end);
this.lane.removeEventListener("pointercancel", end);
};
this.lane.setPointerCapture(event.pointerId);
this.lane.addEventListener("pointermove", move);
this.lane.addEventListener("pointerup", end);
this.lane.addEventListener("pointercancel", end);
to(event);
}
}
return { STOPS, stopsAt, Timeline };
})();

// controls.js
const { Controls } = (() => {
const PACE = 240;
const PATIENCE = 8000;
const SLOW = 700;
const WORDS = 600;
const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M5 3v10M11 3v10";
const ACTIONS = [
["pause", "Pause", {}, "act.controller.pause()", "The run stops before the next message or TPM command."],
["play", "Go on", {}, "act.controller.play()", "The run goes on to the next breakpoint, or to its end."],
["step", "Step a message", { what: "message" }, 'act.controller.step("message")', "One message goes, and the run is held before the next.", "Step"],
["step", "Step a TPM command", { what: "tpm" }, 'act.controller.step("tpm")', "One TPM command runs, and the run is held before the next.", "TPM"],
["drop_held", "Drop it", {}, "act.controller.drop_held()", "The held message never arrives.", "Drop"],
["cancel", "Cancel", {}, "act.close()", "The run ends here, and leaves nothing behind."],
];
const SAVES = /** @type {[string, string, string][]} */ ([
["page", "this page (.html)", 'inspector.save_page("run.html")'],
["trace", "the trace (.jsonl)", 'inspector.save_trace("run.jsonl")'],
["capture", "the capture (.pcapng)", 'inspector.save_capture("run.pcapng")'],
]);

class Controls {
constructor(store, root, octets) {
this.store = store;
this.root = root;
this.octets = octets;
this.timer = 0;
this.waiting = 0;
const { go } = this;
const button = (/** @type {string} */ label, /** @type {string} */ path, /** @type {() => void} */ press) => h("button", { title: label, "aria-label": label, on: { click: press } }, icon(path));
this.back = [button("To the beginning", "M4 3v10M12 3L6 8l6 5z", () => go(0)), button("One step back", "M11 3L5 8l6 5z", () => go(store.cursor - 1))];
this.playing = button("Play to the next stop", PLAY, () => store.set({ playing: !store.playing }));
this.on = [button("One step on", "M5 3l6 5-6 5z", () => go(store.cursor + 1)), button("To the end", "M12 3v10M4 3l6 5-6 5z", () => go(Infinity))];
this.transport = h("div", { class: "tl-play", role: "group", "aria-label": "Step through what happened" }, ...this.back, this.playing, ...this.on);
this.hold = h("span", { class: "tl-hold" });
this.along = false;
this.heldAt = "";
this.breaks = /** @type {HTMLInputElement} */ (h("input", { class: "tl-breakname", placeholder: "Certificate", "aria-label": "Break on which message", on: { keydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && this.breakOn(this.breaks.value) } }));
this.actions = ACTIONS.map((action) => h("button", { class: "tl-ghostbtn", title: action[4], "aria-label": action[1], on: { click: () => this.act(action) } }, h("span", { class: "tl-full", text: action[1] }), h("span", { class: "tl-short", text: action[5] ?? action[1] })));
this.steer = h("div", { class: "tl-steer", role: "group", "aria-label": "Steer the run" }, this.hold, ...this.actions,
h("span", { class: "tl-breaks" }, "break on", this.breaks, h("button", { class: "tl-ghostbtn", text: "Set", on: { click: () => this.breakOn(this.breaks.value) } })));
this.edited = h("div", { class: "tl-edits" });
this.edited.hidden = true;
octets.bar.prepend(this.edited);
this.stops = this.menu("tl-stops", "", h("div", { class: "tl-bps", role: "group", "aria-label": "Where playing stops" }, STOPS.map(([id, label]) => h("button", { class: "tl-bp", "data-stop": id, "aria-pressed": store.stops.has(id), text: label, on: { click: () => this.stop(id) } }))), this.steerHome = h("div", { class: "tl-steerhome" }, h("p", { class: "tl-small", text: "A run that goes on can be held and changed:" }), this.steer));
this.keep = this.menu("tl-keep", "keep", ...SAVES.map(([what, label, call]) => h("button", { class: "tl-menuitem", text: label, on: { click: () => this.save(what, call) } })));
store.onRefused = (text) => void pop(this.root(), "That was not done", h("p", { text: cap(cut(text, WORDS)) }));
store.onFile = (detail) => {
if (detail.asker !== store.asker) return;
clearTimeout(this.waiting);
download(detail);
};
}

menu(kind, label, ...children) {
const node = h("details", { class: `tl-menu ${kind}`, on: { keydown: (/** @type {KeyboardEvent} */ e) => { if (e.key === "Escape") { node.removeAttribute("open"); node.querySelector("summary")?.focus(); } } } },
h("summary", {}, h("span", { text: label }), icon("M4 6l4 4 4-4", 12)), h("div", { class: "tl-menubody" }, ...children));
return node;
}

go = (row) => {
this.store.set({ playing: false });
this.store.go(row);
};

draw(changed) {
const { store } = this;
const end = store.doc.rows.length - 1;
if (changed.has("cursor") || changed.has("doc")) {
for (const one of this.back) one.toggleAttribute("disabled", store.cursor <= 0);
for (const one of this.on) one.toggleAttribute("disabled", store.cursor >= end);
}
if (changed.has("playing")) this.play();
if (changed.has("stops") || changed.has("doc")) this.says();
if (changed.has("frame") || changed.has("live") || changed.has("doc")) this.steering();
if (["row", "frame", "live", "edits", "doc"].some((key) => changed.has(key))) this.edits();
}

says() {
const { store } = this;
const names = STOPS.filter(([id]) => store.stops.has(id)).map(([, label]) => label);
fill(/** @type {HTMLElement} */ (this.stops.querySelector("summary > span")), h("span", { class: "tl-stopword", text: "stops at " }), h("b", { text: names.join(", ") || "nothing" }), h("b", { class: "tl-stopcount", text: names.length === 1 ? "1 stop" : `${names.length || "no"} stops` }));
for (const one of this.stops.querySelectorAll("[data-stop]")) one.setAttribute("aria-pressed", String(store.stops.has(one.getAttribute("data-stop") ?? "")));
}

stop(id) {
const { stops } = this.store;
if (!stops.delete(id)) stops.add(id);
this.store.mark("stops");
}


play() {
const { store } = this;
clearInterval(this.timer);
fill(this.playing, icon(store.playing ? PAUSE : PLAY));
this.playing.setAttribute("aria-label", store.playing ? "Pause" : "Play to the next stop");
if (!store.playing) return;
const { rows } = store.doc;
if (store.cursor >= rows.length - 1) store.go(0);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const pace = setInterval(() => {
const next = store.cursor + 1;
if (next >= rows.length) return store.set({ playing: false });
store.go(next);
if (stopsAt(rows[next], store.stops)) store.set({ playing: false });
}, calm ? SLOW : PACE);
this.timer = Number(pace);
}


steering() {
const { store } = this;
const steering = store.doc.frame.steering;
const can = store.can("step");
const held = steering?.state === "held";
const over = steering?.state === "ended";
const state = !steering ? "" : !store.live ? "The kernel does not answer." : held ? `Held before ${this.place(steering)}.` : over ? "The run has ended." : "The run goes on.";
const more = !steering || !store.live ? "" : over ? " To step through another, make a new act: run its cell again." : steering.breaks.length ? ` Breaks on ${steering.breaks.join(", ")}.` : "";
fill(this.hold, h("b", { text: state }), more);
this.actions.forEach((node, n) => {
const useless = ACTIONS[n][0] === "pause" ? held : ["play", "step", "drop_held"].includes(ACTIONS[n][0]) && !held;
node.setAttribute("aria-disabled", String(!can || useless));
});
this.steer.classList.toggle("tl-ended", over && store.live);
this.bar?.classList.toggle("tl-steered", steering !== null);
if (steering) this.follow(steering);
if (steering && this.bar && this.steer.parentElement !== this.bar) this.bar.append(this.steer);
}

place({ message, connection, row }) {
const { store } = this;
const held = row === null ? undefined : store.rowOf(row);
const ends = held?.to ? `${store.party(held.at).name} → ${store.party(held.to).name}, step ${held.id + 1}` : connection && store.connectionName(connection);
return `${held ? called(held) : message || "the next step"}${ends ? ` (${ends})` : ""}`;
}

follow({ state, connection, message, row }) {
const { store } = this;
const at = state === "held" ? `${connection} ${message} ${row}` : state;
const moved = at !== this.heldAt;
this.heldAt = at;
if (!moved || state === "running" || !(this.along || !store.touched)) return;
if (state === "held" && row !== null) store.choose({ row, quiet: !store.touched });
if (state === "ended" && this.along) {
store.touched = false;
store.begin();
}
}

home(bar) {
this.bar = bar;
}

act([action, label, args, call, sentence]) {
if (!this.store.can(action)) return this.cannot(label, sentence, call);
if (action !== "pause") this.along = true;
this.store.send({ type: "control", action, ...args });
}

cannot(label, sentence, call) {
const { steering } = this.store.doc.frame;
const why = !this.store.live ? "No kernel answers here: this is what was recorded." : steering ? "This run has ended." : "This run was not started with a controller.";
pop(this.root(), label, h("p", { text: sentence }), h("p", { text: `${why} In Python the button is this call:` }), python(call));
}

breakOn(name) {
const wanted = name.trim() || this.breaks.placeholder;
if (this.store.can("break_on")) this.store.send({ type: "control", action: "break_on", name: wanted });
else this.cannot("Break on a message", `The run is held before ${wanted}.`, `act.controller.break_on(${JSON.stringify(wanted)})`);
}

get holding() {
const { store } = this;
const steering = store.doc.frame.steering;
return store.can("tamper") && steering?.state === "held" && steering.row === store.row;
}

edit() {
const { store } = this;
const row = store.chosen;
if (!row) return;
if (this.holding) {
store.set({ up: true });
this.octets.scroller.focus();
store.say("Type hex digits over a byte; the length stays the same.");
return;
}
const name = JSON.stringify(called(row) === row.name ? row.name : row.name);
const path = JSON.stringify(fieldsOf(row.parts[store.piece], store.doc.texts)[store.field]?.path ?? "random");
const said = "The run is held before this message, you change its bytes, and it goes on.";
if (store.can("break_on")) pop(this.root(), "Edit and let go", h("p", { text: `${said} This one has gone already.` }), h("button", { class: "tl-ghostbtn", text: `Break on ${row.name}`, on: { click: () => this.breakOn(row.name) } }));
else this.cannot("Edit and let go", said, `act.start()\nact.controller.break_on(${name})\nact.controller.tamper(${name}, ${path}, value)\nact.controller.play()\noutcome = act.wait()`);
}

edits() {
const { octets, store } = this;
const before = octets.editing;
octets.editing = this.holding;
this.edited.hidden = !octets.editing;
if (octets.editing && !before) requestAnimationFrame(() => octets.reveal());
octets.scroller.classList.toggle("tl-editing", octets.editing);
if (!octets.editing) return;
const count = octets.edits.size;
fill(this.edited, h("b", { text: count ? `${cap(bytes(count))} changed.` : "Held: type hex over a byte." }),
h("button", { class: "tl-ghostbtn", "aria-disabled": !count, text: "Let it go, changed", on: { click: () => count && this.letGo() } }),
count > 0 && h("button", { class: "tl-ghostbtn", text: "Undo", on: { click: () => { octets.edits.clear(); store.mark("edits"); } } }));
}

letGo() {
const { octets, store } = this;
const row = store.chosen;
const piece = row?.parts[store.piece];
if (!row || !piece) return;
const fields = fieldsOf(piece, store.doc.texts);
const edited = new Set([...octets.edits.keys()].map((byte) => fieldOfByte(fields, byte)));
const changes = {};
for (const n of edited) {
if (n < 0) continue;
const { start, end, path } = fields[n];
let value = "";
for (let byte = start; byte < end; byte += 1) value += octets.edits.get(byte) ?? piece.hex.substr(2 * byte, 2);
changes[path] = value;
}
this.along = true;
store.send({ type: "control", action: "let_go", name: row.name, connection: row.connection, fields: changes });
}

whatIf() {
const { store } = this;
const row = store.chosen;
if (!row) return;
const piece = row.parts[store.piece];
const field = fieldsOf(piece, store.doc.texts)[store.field];
if (!field) return void pop(this.root(), "What if?", h("p", { text: "Choose a field first: what if it were another one?" }));
const hex = piece.hex.slice(2 * field.start, 2 * field.end);
const changed = `${(parseInt(hex.slice(0, 2) || "0", 16) ^ 1).toString(16).padStart(2, "0")}${hex.slice(2)}`;
const input = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "tl-value tl-mono", rows: 3, "aria-label": `Other octets of ${field.label}, in hex`, spellcheck: "false" }));
input.value = changed.slice(0, 4096);
const call = () => `other = act.what_if(${JSON.stringify(row.name)}, ${JSON.stringify(field.path)}, bytes.fromhex("${clean(input.value)}"))\nprint(act.compare(other))`;
const said = h("div");
const show = () => fill(said, python(call()));
input.addEventListener("input", show);
const ask = () => {
const value = clean(input.value);
if (value.length !== hex.length) return fill(said, h("p", { class: "tl-badword", text: `${field.label} has ${bytes(hex.length / 2)}; these are ${bytes(Math.ceil(value.length / 2))}.` }));
store.send({ type: "what-if", row: row.id, field: field.path, value, asker: store.asker });
close();
store.say("The act runs again; it will stand beside this one.");
};
show();
const close = pop(this.root(), `What if ${field.label} were another one?`, h("p", { text: `The act runs again, and somebody without keys changes this field of ${called(row)} on its way. Both runs then stand side by side.` }), input, said,
store.live ? h("button", { class: "tl-ghostbtn", text: "Run it again", on: { click: ask } }) : h("p", { class: "tl-dim", text: "No kernel answers here, so the act cannot run again from this page; the call above does it." }));
}


save(what, call) {
this.keep.removeAttribute("open");
const silent = () => void pop(this.root(), "Keep", h("p", { text: "No kernel answers here, so nothing can be written. In Python the button is this call:" }), python(call));
if (!this.store.live) return silent();
clearTimeout(this.waiting);
this.waiting = Number(setTimeout(silent, PATIENCE)); // a kernel may go without a word
this.store.send({ type: "download", what, asker: this.store.asker });
}

close() {
clearInterval(this.timer);
clearTimeout(this.waiting);
}
}

const clean = (text) => text.replace(/[^0-9a-f]/gi, "").toLowerCase();

function download(detail) {
const url = URL.createObjectURL(new Blob([detail.buffers?.[0] ?? new Uint8Array()]));
const link = /** @type {HTMLAnchorElement} */ (h("a", { href: url, download: detail.name }));
link.click();
setTimeout(() => URL.revokeObjectURL(url), 1000);
}
return { Controls };
})();

// fields.js
const { Fields } = (() => {
const HIGH = 25;
const VALUE = 40;
const OPEN = 40;

class Fields {
constructor(store, view) {
this.store = store;
this.view = view;
this.fields = [];
this.visible = [];
this.opened = new WeakMap();
this.open = new Set();
this.other = null;
this.compared = new Map();
this.pieceHex = "";
this.otherHex = "";
this.head = h("div", { class: "tl-tr tl-trhead" });
this.inner = h("div", { class: "tl-treelines", role: "presentation" });
this.tree = h("div", { class: "tl-tree", role: "tree", tabindex: 0, "aria-label": "Fields", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e) } }, this.inner);
this.list = new VirtualList(this.tree, this.inner, (n) => this.row(this.fields[this.visible[n]]), () => HIGH);
}

show(piece, twin, compared, heads) {
const { texts } = this.store.doc;
this.fields = fieldsOf(piece, texts);
this.other = twin ? new Map(fieldsOf(twin, texts).map((one) => [one.path, one])) : null;
this.compared = new Map(compared.map((one) => [one.field, one]));
this.pieceHex = piece.hex;
this.otherHex = twin?.hex ?? "";
this.open = this.opened.get(piece) ?? this.first();
this.opened.set(piece, this.open);
this.head.className = `tl-tr tl-trhead${twin ? "" : " tl-one"}`;
this.head.replaceChildren(h("span", { class: "tl-headfield", text: "field" }), ...heads.flatMap((one, n) => (n ? [h("span"), h("span", {}, one)] : [h("span", {}, one)])), ...(twin ? [] : [h("span", { class: "tl-o", text: "bytes" })]));
this.rebuild();
}

first() {
for (let depth = 8; depth >= 0; depth -= 1) {
const open = new Set(this.fields.filter((one) => !one.leaf && one.depth < depth).map((one) => one.n));
if (depth === 1 || this.fields.filter((one) => one.depth <= depth).length <= OPEN) return open;
}
return new Set();
}

rebuild() {
this.unfold(this.store.field);
const visible = [];
for (let n = 0; n < this.fields.length; n += 1) {
visible.push(n);
if (!this.fields[n].leaf && !this.open.has(n)) n = this.fields[n].last;
}
this.visible = visible;
this.list.reset(visible.length);
this.chosen();
}

unfold(n) {
let folded = false;
for (let up = this.fields[n]?.parent ?? -1; up >= 0; up = this.fields[up].parent) {
if (this.open.has(up)) continue;
this.open.add(up);
folded = true;
}
return folded;
}

chosen() {
if (this.unfold(this.store.field)) return this.rebuild();
const at = this.visible.indexOf(this.store.field);
for (const [n, node] of this.list.nodes) this.mark(node, n === at);
if (at >= 0) this.list.reveal(at, 50);
this.tree.setAttribute("aria-activedescendant", `tl${this.view}-field-${this.store.field}`);
}

mark(node, on) {
node.classList.toggle("tl-sel", on);
node.setAttribute("aria-selected", String(on));
}

row(field) {
const other = this.other?.get(field.path);
const differs = this.other !== null && (!other || this.hexOf(field, this.pieceHex) !== this.hexOf(other, this.otherHex));
const must = differs && this.compared.get(field.n)?.word === "has to differ";
const open = this.open.has(field.n);
const kinds = ["tl-tr", !this.other && "tl-one", field.leaf ? "" : "tl-parent", differs && "tl-ne", must && "tl-must"].filter(Boolean).join(" ");
const sign = this.other ? h("span", { class: "tl-r" }, differs ? h("b", { text: "≠" }) : "=") : h("span", { class: "tl-o", text: range(field.start, field.end).replace(/^\D+/, "") });
const node = h("div", { class: kinds, role: "treeitem", id: `tl${this.view}-field-${field.n}`, "data-field": field.n, "data-path": field.path, "aria-level": field.depth + 1, "aria-expanded": field.leaf ? null : String(open), style: `--d:${field.depth}` },
h("span", { class: `tl-f${field.leaf ? " tl-leaf" : ""}` }, field.leaf ? null : h("span", { class: "tl-fold1", "data-fold": field.n, "aria-hidden": "true" }, chevron()), h("span", { class: "tl-fname", text: cut(field.label, 80) })),
h("span", { class: "tl-v", text: this.value(field, this.pieceHex) }), sign,
this.other && h("span", { class: "tl-v", text: differs ? (other ? this.value(other, this.otherHex) : "absent") : field.leaf ? "the same" : "" }));
this.mark(node, field.n === this.store.field);
return node;
}

hexOf(field, hex) {
return hex.slice(2 * field.start, 2 * field.end);
}

value(field, hex) {
if (field.value) return cut(field.value, 120);
return field.leaf ? cut(hex.substr(2 * field.start, Math.min(2 * (field.end - field.start), VALUE + 1)), VALUE) : "";
}


click(event) {
const target = /** @type {Element} */ (event.target);
const fold = target.closest("[data-fold]");
const row = target.closest("[data-field]");
if (fold) this.toggle(Number(fold.getAttribute("data-fold")));
else if (row) this.store.choose({ field: Number(row.getAttribute("data-field")) });
}

toggle(n, open = !this.open.has(n)) {
if (open) this.open.add(n);
else {
this.open.delete(n);
const { field } = this.store;
if (field > n && field <= this.fields[n].last) this.store.choose({ field: n });
}
this.rebuild();
}

key(event) {
if (event.ctrlKey || event.metaKey || event.altKey) return;
const at = this.visible.indexOf(this.store.field);
const field = this.fields[this.store.field];
let to = null;
if (event.key === "ArrowDown") to = this.visible[at + 1];
else if (event.key === "ArrowUp") to = this.visible[at - 1];
else if (event.key === "Home") [to] = this.visible;
else if (event.key === "End") to = this.visible.at(-1);
else if (event.key === "ArrowRight" && field && !field.leaf) {
if (this.open.has(field.n)) to = field.n + 1;
else this.toggle(field.n, true);
} else if (event.key === "ArrowLeft" && field) {
if (!field.leaf && this.open.has(field.n)) this.toggle(field.n, false);
else if (field.parent >= 0) to = field.parent;
} else if (event.key !== "ArrowRight") return;
event.preventDefault();
event.stopPropagation();
if (typeof to === "number") this.store.choose({ field: to });
}
}
return { Fields };
})();

// strip.js
const { stripOf, segmentAt, cellOf } = (() => {
function runsOf(piece, texts) {
const fields = fieldsOf(piece, texts);
const size = piece.hex.length / 2;
const runs = [];
let at = 0;
let owner = -1;
for (const field of fields) {
if (!field.leaf) {
if (field.start > at) runs.push({ key: `<${field.path}`, start: at, end: (at = field.start), field: field.parent });
continue;
}
if (field.start > at) runs.push({ key: `<${field.path}`, start: at, end: (at = field.start), field: field.parent });
if (field.end > at) runs.push({ key: field.path, start: at, end: (at = field.end), field: field.n });
owner = field.parent;
}
if (at < size) runs.push({ key: "<end", start: at, end: size, field: owner >= 0 && fields[owner].end >= size ? owner : -1 });
return runs;
}

function stripOf(piece, twin, texts) {
const left = runsOf(piece, texts);
const right = twin ? runsOf(twin, texts) : [];
const segments = [];
let cells = 0;
let differing = 0;
const put = (a, b) => {
const length = Math.max(a ? a.end - a.start : 0, b ? b.end - b.start : 0);
segments.push({ at: cells, length, a, b });
cells += length;
if (twin) differing += different(piece.hex, a, twin.hex, b);
};
if (!twin) for (const run of left) put(run, null);
else {
const there = new Map(right.map((run, n) => [run.key, n]));
let at = 0;
for (const run of left) {
const to = there.get(run.key);
if (to === undefined || to < at) put(run, null);
else {
while (at < to) put(null, right[at++]);
put(run, right[at++]);
}
}
while (at < right.length) put(null, right[at++]);
}
return { segments, cells, differing };
}

function different(one, a, other, b) {
const n = a ? a.end - a.start : 0;
const m = b ? b.end - b.start : 0;
if (!a || !b) return n + m;
if (n === m && one.slice(2 * a.start, 2 * a.end) === other.slice(2 * b.start, 2 * b.end)) return 0;
let count = Math.abs(n - m);
for (let i = 0; i < Math.min(n, m); i += 1) {
if (one.substr(2 * (a.start + i), 2) !== other.substr(2 * (b.start + i), 2)) count += 1;
}
return count;
}

function segmentAt(segments, cell) {
let low = 0;
let high = segments.length - 1;
while (low < high) {
const middle = (low + high + 1) >> 1;
if (segments[middle].at <= cell) low = middle;
else high = middle - 1;
}
return low;
}

function cellOf(segments, byte) {
for (const { at, a } of segments) if (a && a.start <= byte && byte < a.end) return at + byte - a.start;
return 0;
}
return { stripOf, segmentAt, cellOf };
})();

// octets.js
const { Octets } = (() => {
const TALL = 20;
const CELL = 21.7;
const ASCII = 7.4;
const ADDRESS = 50;
const GAP = "··";

class Octets {
constructor(store, tip) {
this.store = store;
this.tip = tip;
this.piece = null;
this.twin = null;
this.strip = { segments: [], cells: 0, differing: 0 };
this.fields = [];
this.twinFields = [];
this.edits = new Map();
this.caret = -1;
this.editing = false;
this.half = "";
this.perLine = 16;
this.about = h("span");
this.legs = h("span", { class: "tl-seg tl-push" });
this.bar = h("div", { class: "tl-hexbar" }, this.about, this.legs);
this.inner = h("div", { class: "tl-hexlines" });
this.scroller = h("div", {
class: "tl-hex", tabindex: 0, role: "group", "aria-label": "Bytes",
on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), click: (/** @type {MouseEvent} */ e) => this.click(e), mousemove: (/** @type {MouseEvent} */ e) => this.point(e), mouseleave: () => this.tip("", 0, 0) },
}, this.inner);
this.node = h("div", { class: "tl-hexwrap" }, this.bar, this.scroller);
this.list = new VirtualList(this.scroller, this.inner, (n) => this.line(n), () => TALL);
for (const [label, both] of /** @type {[string, boolean][]} */ ([["both legs", true], ["one", false]]))
this.legs.append(h("button", { "data-both": String(both), text: label, on: { click: () => store.set({ both }) } }));
}

get two() {
return this.twin !== null && this.store.both;
}

show(piece, twin, names) {
const { store } = this;
const texts = store.doc.texts;
if (piece !== this.piece) {
this.edits.clear();
this.caret = -1;
}
this.piece = piece;
this.twin = twin;
this.fields = fieldsOf(piece, texts);
this.twinFields = twin ? fieldsOf(twin, texts) : [];
this.strip = stripOf(piece, this.two ? twin : null, texts);
const difference = twin ? stripOf(piece, twin, texts).differing : 0;
fill(this.about, this.two ? names.join("  |  ") : { plain: "what the ends see, decrypted", command: "the command", response: "the response", wire: "bytes as sent", data: "bytes" }[piece.role],
twin && h("span", { class: "tl-tag", text: difference ? `${difference.toLocaleString("en")} of ${bytes(piece.hex.length / 2)} differ` : "not one byte differs" }));
this.legs.hidden = !twin;
for (const button of this.legs.children) button.setAttribute("aria-pressed", String(button.getAttribute("data-both") === String(store.both)));
this.layout();
}

layout() {
if (!this.piece) return;
const width = this.scroller.clientWidth - 28;
const fits = (/** @type {number} */ k) => (this.two ? ADDRESS + 2 * k * CELL + 18 : ADDRESS + k * (CELL + ASCII) + 36) <= width;
this.perLine = (this.two ? [16, 12, 8, 6, 4] : [32, 24, 16, 12, 8]).find(fits) ?? (this.two ? 4 : 8);
this.list.reset(Math.ceil(this.strip.cells / this.perLine));
this.reveal();
}

chosen() {
this.list.refresh();
this.reveal();
}

reveal() {
const field = this.fields[this.store.field];
const byte = this.caret >= 0 ? this.caret : field?.start;
if (byte !== undefined) this.list.reveal(Math.floor(cellOf(this.strip.segments, byte) / this.perLine), 24);
}

line(n) {
const from = n * this.perLine;
const to = Math.min(this.strip.cells, from + this.perLine);
const left = this.side("a", from, to);
const address = this.strip.segments[segmentAt(this.strip.segments, from)];
const byte = address.a ? Math.min(address.a.end - 1, address.a.start + from - address.at) : 0;
return h("div", { class: "tl-hx" }, h("span", { class: "tl-address", "aria-hidden": "true", text: byte.toString(16).padStart(4, "0") }), left.node, this.two ? this.side("b", from, to).node : h("span", { class: "tl-ascii", "aria-hidden": "true", text: left.ascii }));
}

side(leg, from, to) {
const { segments } = this.strip;
const hex = leg === "a" ? this.piece?.hex ?? "" : this.twin?.hex ?? "";
const otherHex = leg === "a" ? this.twin?.hex ?? "" : this.piece?.hex ?? "";
const chosen = this.chosenRange(leg);
const node = h("span", { class: "tl-hexcells" });
let ascii = "";
let word = "";
let look = "";
let field = -1;
const flush = (/** @type {boolean} */ last) => {
if (word) node.append(h("s", { class: look, "data-n": leg === "a" ? field : null }, word), last ? "" : " ");
word = "";
};
let n = segmentAt(segments, from);
for (let cell = from; cell < to; cell += 1) {
while (cell >= segments[n].at + segments[n].length) n += 1;
const { at, a, b } = segments[n];
const mine = leg === "a" ? a : b;
const other = leg === "a" ? b : a;
const byte = mine && cell - at < mine.end - mine.start ? mine.start + cell - at : -1;
const there = other && cell - at < other.end - other.start ? other.start + cell - at : -1;
const edited = leg === "a" ? this.edits.get(byte) : undefined;
const text = byte < 0 ? GAP : edited ?? hex.substr(2 * byte, 2);
const differs = this.two && (byte < 0 || there < 0 || text !== otherHex.substr(2 * there, 2));
const kinds = [differs && "tl-n", byte >= chosen.start && byte < chosen.end && "tl-chosen", chosen.loot && byte >= chosen.start && byte < chosen.end && "tl-loot", edited !== undefined && "tl-edited", leg === "a" && byte === this.caret && byte >= 0 && "tl-caret"].filter(Boolean).join(" ");
const owner = mine ? mine.field : -1;
if (kinds !== look || owner !== field) {
flush(false);
look = kinds;
field = owner;
}
word += word ? ` ${text}` : text;
if (byte >= 0 && !this.two) {
const code = parseInt(text, 16);
ascii += code > 32 && code < 127 ? String.fromCharCode(code) : code === 32 ? " " : "·";
}
}
flush(true);
node.append("   ".repeat(from + this.perLine - to));
return { node, ascii };
}

chosenRange(leg) {
const { store } = this;
const field = this.fields[store.field];
if (!field) return { start: -1, end: -1, loot: false };
if (leg === "a") {
const row = store.chosen;
return { start: field.start, end: field.end, loot: row?.kind === "read" && row.secret && row.loot !== null && field.value !== "" && field.value === row.text.slice(...row.loot) };
}
const twin = this.twinFields.find((one) => one.path === field.path);
return { start: twin?.start ?? -1, end: twin?.end ?? -1, loot: false };
}


click(event) {
const found = /** @type {HTMLElement} */ (event.target).closest("[data-n]");
if (!(found instanceof HTMLElement)) return;
const n = Number(found.dataset.n);
if (this.editing) this.caret = this.byteAt(event, found);
if (n >= 0 && n !== this.store.field) this.store.choose({ field: n });
else this.list.refresh();
}

byteAt(event, stretch) {
const box = stretch.getBoundingClientRect();
const count = ((stretch.textContent ?? "").length + 1) / 3;
const inside = Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
const line = /** @type {HTMLElement} */ (stretch.closest(".tl-hx"));
let cell = 0;
for (const [n, node] of this.list.nodes) if (node === line) cell = n * this.perLine;
for (let before = stretch.previousElementSibling; before; before = before.previousElementSibling) cell += ((before.textContent ?? "").length + 1) / 3;
const segment = this.strip.segments[segmentAt(this.strip.segments, cell + inside)];
return segment.a ? Math.min(segment.a.end - 1, segment.a.start + cell + inside - segment.at) : -1;
}

point(event) {
const found = /** @type {Element} */ (event.target).closest?.("[data-n]");
const field = this.fields[Number(found?.getAttribute("data-n") ?? -1)];
this.tip(field ? `${field.label}${field.note ? `: ${cut(field.note, 200)}` : ""}` : "", event.clientX, event.clientY);
}

key(event) {
if (!this.piece || event.ctrlKey || event.metaKey || event.altKey) return;
const size = this.piece.hex.length / 2;
const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.perLine, ArrowUp: -this.perLine, Home: -size, End: size }[event.key];
const digit = this.editing && /^[0-9a-f]$/i.test(event.key);
if (by === undefined && !digit) return;
event.preventDefault();
event.stopPropagation();
if (this.caret < 0) this.caret = Math.max(0, this.fields[this.store.field]?.start ?? 0);
else if (by !== undefined) this.caret = Math.min(size - 1, Math.max(0, this.caret + by));
if (by !== undefined) this.half = "";
if (digit) this.type(event.key.toLowerCase(), size);
const segment = this.strip.segments.find(({ a }) => a && a.start <= this.caret && this.caret < a.end);
const field = segment?.a?.field ?? -1;
if (field >= 0 && field !== this.store.field) this.store.choose({ field });
else this.chosen();
}

type(digit, size) {
if (!this.half) {
this.half = digit;
return;
}
const value = this.half + digit;
this.half = "";
if (value === this.piece?.hex.substr(2 * this.caret, 2)) this.edits.delete(this.caret);
else this.edits.set(this.caret, value);
this.caret = Math.min(size - 1, this.caret + 1);
this.store.mark("edits");
}
}
return { Octets };
})();

// message.js
const { titleOf, Message, checkOf } = (() => {
const SAID = 420;
const COMPARED = 16;
const ROLE = { wire: "on the wire", plain: "decrypted", command: "command", response: "response", data: "data" };
const MARK = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "○", "": "" });
const TITLE = /** @type {Record<string, string>} */ ({ connect: "TCP connection", binder: "The hash under the quote", truth: "Who is really there" });
const NOWHERE = /** @type {AnyRow} */ (/** @type {unknown} */ ({ kind: "event", at: "", to: "", parts: [] }));

function titleOf(row, store) {
if (row.kind === "appraisal") return row.mark === "fail" ? "Refused" : "Accepted";
if (row.kind === "read") return `${cap(store.party(row.at || "alice").the)} reads`;
return TITLE[row.kind] ?? (cap(called(row)) || cap(row.kind));
}

class Message {
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
this.piece = null;
this.twin = null;
}

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

renewed(row) {
const twin = "twin" in row && row.twin !== null ? [row.twin] : [];
return this.store.renewed([row.id, ...twin, ...(row.kind === "appraisal" ? row.verdicts : [])]);
}

twinOf(row) {
const { store } = this;
if (row.kind !== "message" || row.twin === null || row.twin > store.cursor) return null;
const piece = row.parts[store.piece];
return store.rowOf(row.twin)?.parts.find((one) => one.role === piece?.role && one.title === piece?.title) ?? (store.piece === 0 ? store.rowOf(row.twin)?.parts[0] ?? null : null);
}

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

why(row, field) {
if (row.kind !== "message" || !field || !this.twinOf(row)) return null;
const found = row.compared.find((one) => one.field === field.n);
if (!found || (!found.word && !found.text)) return null;
return h("div", { class: `tl-why${found.differs ? " tl-ne" : ""}` }, h("i", { "aria-hidden": "true", text: found.differs ? "≠" : "=" }), h("span", {}, h("b", { text: `${cap(found.word || (found.differs ? "differs" : "the same"))}. ` }), found.text));
}

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

other() {
const { store } = this;
const row = store.chosen;
if (row?.kind !== "message" || row.twin === null) return;
const field = fieldsOf(row.parts[store.piece], store.doc.texts)[store.field];
const there = fieldsOf(store.rowOf(row.twin)?.parts[store.piece], store.doc.texts).find((one) => one.path === field?.path);
store.choose({ row: row.twin, piece: store.piece, field: there?.n });
}


list(row) {
if (row.kind === "appraisal") return this.checks(row);
const { store } = this;
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

announce(row) {
const { store } = this;
const field = fieldsOf(row.parts[store.piece], store.doc.texts)[store.field];
const who = row.to ? `, ${store.party(row.at).name} to ${store.party(row.to).name}` : "";
store.say(cut(`Step ${row.id + 1}: ${titleOf(row, store)}${who}. ${field ? `${field.label}: ${field.note}` : row.say || row.text}`, 400));
}
}

function checkOf(row) {
const differ = row.mark === "fail" && row.expected && row.found;
return h("div", { class: `tl-check tl-mark-${row.mark}`, "data-row": row.id }, h("i", { "aria-hidden": "true", text: MARK[row.mark] }), h("b", { text: row.name }), h("p", { text: row.say || row.text }),
differ && h("div", { class: "tl-cmp" }, h("span", { text: "expected" }), h("div", {}, apart(row.expected, row.found)), h("span", { text: "found" }), h("div", {}, apart(row.found, row.expected))),
row.clause && h("div", { class: "tl-cl", text: row.clause }));
}

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

function trail(fields, field) {
const labels = [field.label];
for (let up = field.parent; up >= 0; up = fields[up].parent) labels.unshift(fields[up].label);
return labels.join(" › ");
}
return { titleOf, Message, checkOf };
})();

// panelparts.js
const { chooseSource, stepLink, snippet, endsInWords, rowsOfKind } = (() => {
function chooseSource(store, place) {
const piece = place.part ?? 0;
const fields = store.rowOf(place.row)?.parts?.[piece]?.fields ?? [];
let best = -1;
fields.forEach((f, n) => {
const [, , start, end] = f;
if (start > place.start || end < place.end) return;
if (best < 0 || end - start <= fields[best][3] - fields[best][2]) best = n;
});
store.choose({ row: place.row, piece, field: best });
}

const stepLink = (store, row, text) =>
h("button", { class: "tl-link", type: "button", text: text ?? `step ${row + 1}`, on: { click: () => store.choose({ row }) } });

function snippet(code) {
const button = h("button", {
class: "tl-ghost",
type: "button",
text: "Copy as Python",
on: {
click: async () => {
try {
await navigator.clipboard.writeText(code);
button.textContent = "Copied";
} catch {
button.textContent = "Select it and copy by hand"; // a page opened from disk may not use the clipboard
}
},
},
});
return h("div", { class: "tl-code" }, h("pre", { tabindex: 0, "aria-label": "Python", text: code }), button);
}

function endsInWords(store, connection) {
const row = store.doc.rows.find((one) => one.connection === connection && one.at && one.to);
return row ? [row.at, row.to].map((name) => store.party(name).name).join(" – ") : store.connectionName(connection);
}

const rowsOfKind = (store, kind) => /** @type {any} */ (store.doc.rows.filter((row) => row.kind === kind));
return { chooseSource, stepLink, snippet, endsInWords, rowsOfKind };
})();

// binding.js
const { bindingInView, inputInView, binding } = (() => {
binding.needs = ["doc", "frame", "cursor", "chip", "row", "bindingNumber"];

function bindingInView(store) {
const all = store.doc.frame.bindings ?? [];
const known = all.map((b, n) => ({ b, n })).filter(({ b }) => begun(b, store.cursor));
if (!known.length) return -1;
if (known.some(({ n }) => n === store.bindingNumber)) return store.bindingNumber;
const row = store.row;
const own = known.find(({ b }) => b.appraisal === row || b.attester_row === row || b.verifier_row === row);
const broken = known.find(({ b }) => b.holds === false && judged(b, store.cursor));
return (own ?? broken ?? known[known.length - 1]).n;
}

const begun = (b, cursor) => Math.min(b.attester_row ?? Infinity, b.verifier_row ?? Infinity) <= cursor;
const attested = (b, cursor) => (b.attester_row ?? Infinity) <= cursor;
const judged = (b, cursor) => (b.verifier_row ?? Infinity) <= cursor;

function inputInView(b, store) {
const inputs = b.inputs ?? [];
return inputs.find((x) => x.name === store.chip) ?? (judged(b, store.cursor) ? inputs.find((x) => x.differs) : undefined);
}

function binding(box, store) {
const all = store.doc.frame.bindings ?? [];
const number = bindingInView(store);
if (number < 0) return void box.append(noBinding(all.length > 0, store));
const b = all[number];
if (all.length > 1) box.append(quoteChoice(all, number, store));
box.append(equation(b, store, box.clientWidth < UPRIGHT), explanation(b, store));
}

function noBinding(later, store) {
if (later) return h("p", { class: "tl-empty", text: `At step ${store.cursor + 1} nobody has hashed this handshake yet.` });
return h(
"p",
{ class: "tl-empty" },
h("b", { text: "No quote is bound to this connection. " }),
"A certificate ties the connection to a name, on a CA's word. Nothing says which machine holds the key.",
);
}

function quoteChoice(all, number, store) {
const label = (/** @type {Binding} */ b) => `${store.party(b.attester ?? "").name}'s quote, checked by ${store.party(b.verifier ?? "").the}`;
const select = h(
"select",
{ "aria-label": "Which quote", on: { change: (/** @type {any} */ e) => store.set({ bindingNumber: Number(e.target.value), chip: "" }) } },
...all.map((b, n) => h("option", { value: n, selected: n === number, disabled: !begun(b, store.cursor), text: cap(label(b)) })),
);
return h("label", { class: "tl-which" }, select);
}

const UPRIGHT = 560;

function equation(b, store, upright) {
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

const bindingVerifier = (store) => store.doc.frame.bindings?.[bindingInView(store)]?.verifier ?? "";

function readable(hex) {
const codes = Array.from(hex.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
if (codes.length && codes.every((c) => c > 31 && c < 127)) {
const text = String.fromCharCode(...codes);
return codes.length <= 2 ? `“${text}”` : cut(text, 8);
}
return cut(hex, 6);
}

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

function sourceLink(place, store) {
const row = store.rowOf(place.row);
return h("button", {
class: "tl-link",
type: "button",
text: `${row?.name ?? "a message"}, step ${place.row + 1}, ${range(place.start, place.end)}`,
on: { click: () => chooseSource(store, place) },
});
}
return { bindingInView, inputInView, binding };
})();

// checks.js
const { appraisalInView, tally, checks } = (() => {
checks.needs = ["doc", "frame", "cursor", "row"];

function appraisalInView(store) {
const all = /** @type {AppraisalRow[]} */ (rowsOfKind(store, "appraisal")).filter((x) => x.id <= store.cursor);
return all.find((x) => x.id === store.row || (x.verdicts ?? []).includes(store.row)) ?? all.find((x) => x.mark === "fail") ?? all[all.length - 1];
}

function tally(row, store) {
const count = { pass: 0, fail: 0, none: 0 };
for (const id of row.verdicts ?? []) {
const mark = store.rowOf(id)?.mark;
if (mark) count[mark] += 1;
}
return count;
}

function checks(box, store) {
const row = appraisalInView(store);
if (!row) {
const later = rowsOfKind(store, "appraisal").length;
const text = later ? `At step ${store.cursor + 1} nobody has checked the evidence yet.` : "No evidence was checked in this run. In plain TLS a client checks a certificate and a name, and here both were right.";
return void box.append(h("p", { class: "tl-empty", text }));
}
const verdicts = (row.verdicts ?? []).map((id) => /** @type {VerdictRow | undefined} */ (store.rowOf(id))).filter((x) => x !== undefined);
const order = [...verdicts].sort((a, b) => Number(b?.mark === "fail") - Number(a?.mark === "fail"));
const list = h("div", { class: "tl-checks" });
for (const x of order) if (x) list.append(checkOf(x));
box.append(h("p", { class: "tl-dim" }, `${store.party(row.at ?? "").name} about ${store.party(row.about ?? "").the}, `, stepLink(store, row.id)), list);
}
return { appraisalInView, tally, checks };
})();

// holds.js
const { holds } = (() => {
holds.needs = ["doc", "frame", "cursor"];

function holds(box, store) {
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
return { holds };
})();

// keys.js
const { keys, arrange } = (() => {
keys.needs = ["doc", "frame", "cursor", "secretId", "leg", "publicKeys"];

const NODE_WIDTH = 158;
const NODE_HEIGHT = 40;
const COLUMN_WIDTH = 184;
const ROW_HEIGHT = 46;
const SMALLEST = 0.78;

const scheduleOf = (store, connection) => (store.doc.frame.secrets ?? []).filter((x) => x.connection === connection && !x.prize);

function keyedConnections(store) {
const names = (store.doc.frame.secrets ?? []).filter((x) => !x.prize).map((x) => x.connection ?? "");
return [...new Set(names)].filter((name) => name);
}

function keys(box, store) {
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

function legChoice(legs, leg, store) {
return h(
"div",
{ class: "tl-seg", role: "group", "aria-label": "Which connection" },
...legs.map((name) =>
h("button", { type: "button", "aria-pressed": name === leg, text: endsInWords(store, name), on: { click: () => store.set({ leg: name, secretId: "" }) } }),
),
);
}

function publicChoice(store) {
const box = h("input", { type: "checkbox", checked: store.publicKeys, "data-key": "public", on: { change: () => store.set({ publicKeys: !store.publicKeys }) } });
return h("label", { class: "tl-tick" }, box, "with randoms, hashes and constants");
}

function arrange(nodes) {
const byId = new Map(nodes.map((x) => [x.id, x]));
const depth = new Map();
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
for (const node of nodes) {
if ((node.inputs ?? []).some((id) => byId.has(id))) continue;
const uses = nodes.filter((x) => (x.inputs ?? []).includes(node.id)).map((x) => depth.get(x.id) ?? 1);
if (uses.length) depth.set(node.id, Math.max(0, Math.min(...uses) - 1));
}
const columns = new Map();
for (const node of nodes) {
const column = depth.get(node.id) ?? 0;
columns.set(column, [...(columns.get(column) ?? []), node]);
}
const tallest = Math.max(...[...columns.values()].map((c) => c.length), 1);
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

function textAt(text, x, y, css) {
const node = s("text", { x, y, class: css });
node.textContent = text;
return node;
}

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
return { keys, arrange };
})();

// pcrs.js
const { pcrs } = (() => {
pcrs.needs = ["doc", "frame", "cursor"];

function pcrs(box, store) {
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
return { pcrs };
})();

// tamper.js
const { CAUGHT_BY, tamper } = (() => {
tamper.needs = ["doc", "frame", "tamper", "cell", "layer", "live"];

const LAYERS = /** @type {[boolean, string, string][]} */ ([
[false, "without keys", "by somebody without keys"],
[true, "under the record protection", "by somebody who has the channel's keys"],
]);
const STATES = /** @type {Record<string, string>} */ ({ playing: "", over: "", stopped: "Stopped. ", failed: "It did not work. " });

const CAUGHT_BY = /** @type {Record<string, string>} */ ({
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

function tamper(box, store) {
const keys = layerOf(store);
const runs = store.doc.tamper.filter((one) => one.keys === keys);
const bar = mapBar(store, keys, runs.length);
if (bar) box.append(bar);
if (!runs.length) return void box.append(...noMap(store, keys));
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

function layerOf(store) {
const { tamper: runs, frame } = store.doc;
return store.layer ?? frame.tampering?.keys ?? runs[runs.length - 1]?.keys ?? false;
}

const isPlaying = (store) => store.live && store.doc.frame.tampering?.state === "playing";

function canPlay(store) {
const { mappable, outcome, steering } = store.doc.frame;
return store.live && mappable !== "" && (outcome !== "" || steering?.state === "ended");
}

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

function noMap(store, keys) {
const { bindings, mappable } = store.doc.frame;
const design = mappable || (bindings[0]?.design ?? "trusted-passage");
const layer = keys ? "It opens each encrypted record, changes a field of its content, and seals it again, as only somebody with the channel's keys can: so it shows what protects the content beside the record." : "It changes every field of the handshake once in flight and shows what caught it: record protection, Finished, a signature, a check, or nothing.";
const code = mappable ? `picture.tamper_map(${keys ? "keys=True" : ""})` : `from trustlab.scenarios import TamperMap\npicture.tamper_map(TamperMap("${design}"${keys ? ", keys=True" : ""}))`;
return [h("p", { class: "tl-empty" }, h("b", { text: isPlaying(store) ? "The first rows come in a moment. " : "No tamper map here yet. " }), layer), h("pre", { class: "tl-pre", tabindex: 0, text: code })];
}

function remarkable(runs) {
const at = runs.findIndex((x) => x.kind === "check" && /extraData$/.test(x.field));
const through = runs.findIndex((x) => x.kind === "nothing");
return Math.max(0, at >= 0 ? at : through);
}

function whatCaught(run) {
return h(
"p",
{ class: "tl-tsay", "aria-live": "polite" },
h("b", { text: `${run.message} › ${run.field}` }),
h("span", { class: `tl-kd tl-k-${run.kind}`, text: run.caught_by || CAUGHT_BY[run.kind] || run.kind }),
h("span", { class: "tl-dim", text: run.sentence ?? "" }),
);
}

function mapOf(runs, chosen, store) {
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

function moveCell(e, runs, chosen, store) {
const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[e.key];
if (e.key === "Enter") return goTo(chosen, store);
if (!step) return;
e.preventDefault();
e.stopPropagation();
store.set({ cell: Math.max(0, Math.min(runs.length - 1, runs.indexOf(chosen) + step)) });
}

function goTo(run, store) {
const rows = rowsOfKind(store, "message").filter((x) => x.name === run.message);
const row = rows[(run.nth ?? 1) - 1] ?? rows[0];
if (!row) return;
const fields = row.parts?.[0]?.fields ?? [];
const leaf = run.field.split(".").pop() ?? "";
const field = fields.findIndex((f) => store.text(f[0]).endsWith(leaf));
store.choose({ row: row.id, piece: 0, field });
}
return { CAUGHT_BY, tamper };
})();

// wires.js
const { wires } = (() => {
wires.needs = ["doc", "frame", "cursor", "row", "chip", "tab", "bindingNumber", "width", "layout"];

const CORNER = 7;

function wires(svg, store) {
const root = svg.parentElement;
if (!root) return;
for (const node of root.querySelectorAll(".tl-src")) {
node.classList.remove("tl-src");
}
const panel = root.querySelector(".tl-eq");
const number = bindingInView(store);
if (!panel || number < 0) return;
const binding = (store.doc.frame.bindings ?? [])[number];
const input = inputInView(binding, store);
const chips = [...root.querySelectorAll(".tl-chip")].filter((x) => x instanceof HTMLElement && x.dataset.chip === input?.name);
if (!input || !chips.length) return;
const places = [input.attester_source, input.verifier_source].filter((x) => x && x.row <= store.cursor);
const rows = [];
for (const place of places) {
const row = place && root.querySelector(`[data-row="${place.row}"]`);
if (!place || !row || rows.includes(row)) continue;
row.classList.add("tl-src");
const tag = row.querySelector(".tl-srctag");
if (tag) tag.textContent = range(place.start, place.end);
rows.push(row);
}
const ladder = root.querySelector(".tl-ladder");
const list = root.querySelector(".tl-rows");
if (!rows.length || !ladder || !list || store.narrow) return;
drawWire(svg, root, ladder, list, rows, chips[0], store.wide);
}

function drawWire(svg, root, ladder, list, rows, chip, wide) {
const base = root.getBoundingClientRect();
const box = (/** @type {Element} */ node) => {
const r = node.getBoundingClientRect();
return { left: r.left - base.left, right: r.right - base.left, top: r.top - base.top, bottom: r.bottom - base.top };
};
const [pane, view, target] = [box(ladder), box(list), box(chip)];
const row = rows.map(box).sort((a, b) => b.right - a.right)[0];
const y = row.top + 12;
const hidden = y < view.top || y > view.bottom;
const from = { x: hidden ? pane.right - 2 : Math.min(row.right, pane.right), y: Math.min(Math.max(y, view.top + 10), view.bottom - 10) };
const gutter = pane.right + 7;
const table = chip.closest(".tl-eq");
const head = headOf(chip);
const to = { x: (target.left + target.right) / 2, y: (head ? head - base.top : target.top) - 2 };
const bar = Math.min(table ? box(table).top - 4 : to.y, to.y - CORNER);
const turn = (bar > from.y ? 1 : -1) * Math.min(CORNER, Math.abs(bar - from.y) / 2);
const path = `M${from.x} ${from.y}H${gutter - CORNER}q${CORNER} 0 ${CORNER} ${turn}V${bar - turn}q0 ${turn} ${CORNER} ${turn}H${to.x - CORNER}q${CORNER} 0 ${CORNER} ${CORNER}V${to.y}`;
const card = chip.closest(".tl-panel");
const shownIn = chip.closest(".tl-pbody, .tl-pfirst");
if (shownIn && (target.top < box(shownIn).top || target.bottom > box(shownIn).bottom)) return;
const drawn = head === null && card ? sideways(from, gutter, box(card).left, target, wide) : path;
svg.append(
s("path", { class: "tl-casing", d: drawn }),
s("path", { class: "tl-wire", d: drawn, "stroke-dasharray": hidden ? "2 4" : "none" }),
s("circle", { cx: from.x, cy: from.y, r: hidden ? 0 : 3.5 }),
);
}

function sideways(from, gutter, left, target, wide) {
const y = (target.top + target.bottom) / 2;
if (!wide) return `M${from.x} ${from.y}H${gutter}V${y}H${left + 12}`;
const over = 6;
return `M${from.x} ${from.y}H${gutter}V${over}H${left - 7}V${y}H${left + 12}`;
}

function headOf(chip) {
const cell = chip.closest("td");
const head = cell?.closest("table")?.querySelector("thead tr")?.children[cell.cellIndex];
if (!head || cell?.closest(".tl-upright")) return null;
const words = document.createRange();
words.selectNodeContents(head);
return words.getBoundingClientRect().top;
}
return { wires };
})();

// panels.js
const { PANELS, OVERS } = (() => {
const PANELS = [
{ id: "binding", label: "The binding", fill: binding },
{ id: "holds", label: "Who holds what", fill: holds },
{ id: "keys", label: "Keys", fill: keys },
{ id: "pcrs", label: "PCRs", fill: pcrs },
{ id: "checks", label: "Checks", fill: checks, count: countChecks },
{ id: "tamper", label: "Tamper map", fill: tamper },
];

const OVERS = [wires];

function countChecks(store) {
const row = appraisalInView(store);
if (!row) return "";
const count = tally(row, store);
return `${count.pass} ✔${count.fail ? ` ${count.fail} ✘` : ""}`;
}
return { PANELS, OVERS };
})();

// panel.js
const { PanelView } = (() => {
class PanelView {
constructor(store, view) {
this.store = store;
this.view = view;
this.shut = false;
this.first = h("div", { class: "tl-pfirst" });
this.tabs = h("div", { class: "tl-tabs", role: "tablist", "aria-label": "What is known", on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
this.body = h("div", { class: "tl-pbody", role: "tabpanel", tabindex: 0, on: { scroll: () => (this.body.dataset.scrolled = "yes") } });
this.shutter = h("button", { class: "tl-shutter", on: { click: () => this.toggle() } }, chevron());
this.node = h("div", { role: "group", class: "tl-card tl-panel", "aria-label": "What is known" }, this.first, this.tabs, this.body, this.shutter);
this.node.hidden = PANELS.length === 0;
this.picked = false;
}

toggle() {
this.shut = !this.shut;
this.draw(new Set(["tab"]));
this.store.mark("layout");
}

get shownPanels() {
return this.store.wide ? PANELS.slice(1) : PANELS;
}

draw(changed) {
if (!PANELS.length) return;
const { store } = this;
if (!this.picked && ["doc", "frame"].some((key) => changed.has(key)) && store.tab !== opening(store)) {
store.tab = opening(store);
changed = new Set([...changed, "tab"]);
}
const panels = this.shownPanels;
const anew = changed.has("tab") || changed.has("width");
const one = panels.find((panel) => panel.id === store.tab) ?? panels[0];
if (anew || ["cursor", "doc", "frame"].some((key) => changed.has(key))) this.bar(panels, one);
if (anew || one.fill.needs.some((key) => changed.has(key))) refill(this.body, one, store);
this.first.hidden = !store.wide;
if (store.wide && (anew || PANELS[0].fill.needs.some((key) => changed.has(key)))) {
const inside = h("div");
this.first.replaceChildren(h("h2", { text: PANELS[0].label }), inside);
PANELS[0].fill(inside, store);
}
}

bar(panels, chosen) {
const focused = this.tabs.contains(document.activeElement);
this.tabs.replaceChildren(...panels.map((panel) => {
const on = panel === chosen;
const count = panel.count?.(this.store);
return h("button", { role: "tab", id: `tl${this.view}-tab-${panel.id}`, "aria-selected": on, tabindex: on ? 0 : -1, on: { click: () => this.open(panel.id) } }, panel.label, count && h("span", { class: "tl-dim", text: ` ${count}` }));
}));
this.body.setAttribute("aria-labelledby", `tl${this.view}-tab-${chosen.id}`);
this.node.classList.toggle("tl-shut", this.shut);
this.shutter.setAttribute("aria-expanded", String(!this.shut));
this.shutter.setAttribute("aria-label", this.shut ? "Show the panel" : "Hide the panel");
if (focused) /** @type {HTMLElement | null} */ (this.tabs.querySelector("[aria-selected=true]"))?.focus();
}

open(id) {
this.shut = false;
this.picked = true;
if (this.store.tab === id) this.draw(new Set(["tab"]));
else this.store.set({ tab: id });
}

key(event) {
const ids = this.shownPanels.map((panel) => panel.id);
const at = Math.max(0, ids.indexOf(this.store.tab));
const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: ids.length - 1 }[event.key];
if (to === undefined || !ids[to]) return;
event.preventDefault();
event.stopPropagation();
this.open(ids[to]);
this.store.draw();
}
}

function refill(box, panel, store) {
const top = box.dataset.panel === panel.id && box.dataset.scrolled ? box.scrollTop : 0; // asking costs a layout
box.dataset.panel = panel.id;
const key = box.contains(document.activeElement) ? document.activeElement?.getAttribute("data-key") : null;
box.replaceChildren();
panel.fill(box, store);
if (top) box.scrollTop = top;
const again = key ? box.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

function opening(store) {
const wanted = store.doc.frame.bindings.length ? "binding" : store.doc.frame.secrets.length ? "holds" : "";
return PANELS.some((panel) => panel.id === wanted) ? wanted : PANELS[0].id;
}
return { PanelView };
})();

// print.js
const { printed } = (() => {
const STEPS = 600;
const PRINTED = 8192;
const PER_LINE = 32;

function printed(store) {
const { rows, frame } = store.doc;
const chosen = [...new Set([...store.pins, store.row])].sort((a, b) => a - b).map((id) => rows[id]).filter(Boolean);
const steps = rows.filter((row) => row.kind !== "verdict" && row.id <= store.cursor);
return h("div", { class: "tl-print" }, h("h2", { text: frame.title }), h("p", { text: `${frame.badge || frame.substrate} ${frame.outcome}` }), ...chosen.map((row) => step(store, row)),
h("h3", { text: "The run" }),
h("table", {}, h("tbody", {}, steps.slice(0, STEPS).map((row) => h("tr", {}, h("td", { text: row.id + 1 }), h("td", { text: row.at && `${store.party(row.at).name}${row.to ? ` → ${store.party(row.to).name}` : ""}` }), h("td", {}, h("b", { text: titleOf(row, store) }), ` ${row.text || row.say}`))))),
steps.length > STEPS && h("p", { text: `${steps.length - STEPS} more steps are not printed.` }));
}

function step(store, row) {
return h("section", {}, h("h3", { text: `Step ${row.id + 1}: ${titleOf(row, store)}${row.to ? `, ${store.party(row.at).name} to ${store.party(row.to).name}` : ""}` }), h("p", { class: "tl-say1", text: row.say || row.text }), row.more && h("p", { text: row.more }),
...row.parts.flatMap((piece) => [h("h4", { text: `${piece.title || piece.role}, ${bytes(piece.hex.length / 2)}` }), table(store, piece), dump(piece)]));
}

function table(store, piece) {
return h("table", {}, h("tbody", {}, fieldsOf(piece, store.doc.texts).map((field) => h("tr", {}, h("td", { style: `padding-left:${field.depth * 10}px`, text: field.label }), h("td", { text: range(field.start, field.end) }), h("td", { class: "tl-mono", text: field.value || (field.leaf ? piece.hex.substr(2 * field.start, 2 * Math.min(32, field.end - field.start)) : "") }), h("td", { text: field.note })))));
}

function dump(piece) {
const lines = [];
const size = Math.min(piece.hex.length / 2, PRINTED);
for (let at = 0; at < size; at += PER_LINE) lines.push(`${at.toString(16).padStart(4, "0")}  ${piece.hex.slice(2 * at, 2 * Math.min(size, at + PER_LINE)).replace(/../g, "$& ")}`);
if (size < piece.hex.length / 2) lines.push(`… ${bytes(piece.hex.length / 2 - size)} more`);
return h("pre", { class: "tl-mono", text: lines.join("\n") });
}
return { printed };
})();

// search.js
const { Search } = (() => {
const SHOWN = 40;
const ENOUGH = 400;
const SLICE = 8;
let boxes = 0;

class Search {
constructor(store) {
this.store = store;
this.id = `tl-hits-${(boxes += 1)}`;
this.hits = [];
this.at = 0;
this.run = 0;
this.input = /** @type {HTMLInputElement} */ (h("input", {
type: "search", placeholder: "Find a field, text, hex", "aria-label": "Find a field, text or hex", role: "combobox", "aria-expanded": false, "aria-controls": this.id, "aria-autocomplete": "list", spellcheck: "false",
on: { input: () => this.find(this.input.value), keydown: (/** @type {KeyboardEvent} */ e) => this.key(e), focus: () => this.input.value && this.find(this.input.value) },
}));
this.list = h("div", { class: "tl-hitlist", role: "listbox", id: this.id, "aria-label": "Found" });
this.sum = h("p", { class: "tl-hitsum", role: "status" });
this.box = h("div", { class: "tl-hits" }, this.sum, this.list);
this.box.hidden = true;
this.node = h("div", { class: "tl-find", role: "search", "aria-label": `Find in ${store.doc.frame.title || "this run"}`, on: { focusout: (/** @type {FocusEvent} */ e) => { if (!this.node.contains(/** @type {Node | null} */ (e.relatedTarget))) this.shut(); } } }, icon("M7 12A5 5 0 107 2a5 5 0 000 10zM11 11l3 3"), this.input, h("kbd", { "aria-hidden": "true", text: "/" }), this.box);
}

shut() {
this.run += 1;
this.box.hidden = true;
this.input.setAttribute("aria-expanded", "false");
}

async find(question) {
const wanted = question.trim().toLowerCase();
if (wanted.length < 2) return this.shut();
const run = (this.run += 1);
const hits = [];
let until = performance.now() + SLICE;
for (const found of hitsOf(this.store, wanted)) {
if (found) hits.push(found);
if (hits.length >= ENOUGH) break;
if (performance.now() < until) continue;
await new Promise((go) => setTimeout(go));
if (run !== this.run) return;
until = performance.now() + SLICE;
}
hits.sort((a, b) => a.weight - b.weight || a.row - b.row);
this.hits = hits.slice(0, SHOWN);
this.at = 0;
this.box.hidden = false;
this.input.setAttribute("aria-expanded", "true");
this.sum.textContent = !hits.length ? "Nothing found." : hits.length > SHOWN ? `The first ${SHOWN} of ${hits.length >= ENOUGH ? `more than ${ENOUGH}` : hits.length}.` : `${hits.length} found.`;
fill(this.list, this.hits.map((hit, n) => h("div", { class: "tl-hit", role: "option", id: `${this.id}-${n}`, "aria-selected": n === 0, on: { mousedown: (/** @type {Event} */ e) => e.preventDefault(), click: () => this.take(n) } }, h("i", { text: hit.row + 1 }), h("b", { text: cut(hit.title, 90) }), h("span", { class: "tl-mono", text: cut(hit.value, 90) }))));
this.mark();
}

mark() {
[...this.list.children].forEach((node, n) => node.setAttribute("aria-selected", String(n === this.at)));
if (this.hits.length) this.input.setAttribute("aria-activedescendant", `${this.id}-${this.at}`);
else this.input.removeAttribute("aria-activedescendant");
this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
}

take(n) {
const hit = this.hits[n];
if (!hit) return;
this.shut();
this.store.choose({ row: hit.row, piece: hit.piece, field: hit.field < 0 ? undefined : hit.field });
}

key(event) {
event.stopPropagation();
if (event.key === "Escape") {
this.input.value = "";
this.shut();
this.input.blur();
} else if (event.key === "Enter") this.take(this.at);
else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
event.preventDefault();
this.at = Math.max(0, Math.min(this.hits.length - 1, this.at + (event.key === "ArrowDown" ? 1 : -1)));
this.mark();
}
}
}

function* hitsOf(store, wanted) {
const { rows, texts } = store.doc;
const hex = wanted.replace(/^0x/, "").replace(/[\s:]/g, "");
const isHex = hex.length >= 4 && hex.length % 2 === 0 && /^[0-9a-f]+$/.test(hex);
const named = new Set();
texts.forEach((text, n) => { if (text.toLowerCase().includes(wanted)) named.add(n); });
for (const row of rows) {
const title = cap(called(row)) || cap(row.kind);
const weight = row.kind === "message" || row.kind === "read" ? 0 : row.kind === "tpm" ? 4 : 2;
if (`${title} ${row.name} ${row.text} ${row.say}`.toLowerCase().includes(wanted)) yield { row: row.id, piece: 0, field: -1, title, value: row.text || row.say, weight: weight - 1 };
for (let piece = 0; piece < row.parts.length; piece += 1) {
const part = row.parts[piece];
for (let n = 0; n < part.fields.length && named.size; n += 1) {
const [label, , start, end, value] = part.fields[n];
if (!named.has(label) && !named.has(value ?? 0)) continue;
yield { row: row.id, piece, field: n, title: `${title} › ${texts[label]}`, value: texts[value ?? 0] || part.hex.slice(2 * start, 2 * Math.min(end, start + 20)), weight: weight + (/size$|length$|type$/.test(texts[label]) ? 2 : 0) };
}
if (isHex) yield octetsIn(store, row, piece, hex, title, weight);
}
yield null;
}
}

function octetsIn(store, row, piece, hex, title, weight) {
const part = row.parts[piece];
let at = part.hex.indexOf(hex);
while (at >= 0 && at % 2) at = part.hex.indexOf(hex, at + 1);
if (at < 0) return null;
const fields = fieldsOf(part, store.doc.texts);
const field = fieldOfByte(fields, at / 2);
return { row: row.id, piece, field, title: field < 0 ? title : `${title} › ${fields[field].label}`, value: part.hex.slice(Math.max(0, at - 8), at + 36), weight };
}
return { Search };
})();

// shell.js
const { hideStills, followTheme, turnTheme } = (() => {
function hideStills(name) {
if (!/^tl-still-\w+$/.test(name)) return () => {};
const style = h("style", { text: `.${name}, .jp-OutputArea-child:has(> .jp-OutputArea-output .${name}) { display: none; }` });
document.head.append(style);
return () => style.remove();
}

function followTheme(root, changed = () => {}) {
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

function turnTheme(root) {
document.documentElement.dataset.theme = root.classList.contains("tl-dark") ? "light" : "dark";
}
return { hideStills, followTheme, turnTheme };
})();

// links.js
const { linkOf, placeOf, pathOf } = (() => {
function linkOf(store) {
const row = store.chosen;
if (!row) return "";
const anchor = row.anchor || `step-${row.id + 1}`;
const fields = fieldsOf(row.parts[store.piece], store.doc.texts);
const field = fields[store.field];
if (!field) return anchor;
const first = row.parts.findIndex((part) => fieldAt(fieldsOf(part, store.doc.texts), field.path) >= 0);
return `${anchor}/${field.path}${first === store.piece ? "" : `~${store.piece}`}`;
}

function placeOf(store, link) {
const [, path, number] = /** @type {RegExpMatchArray} */ (link.match(/^(.*?)(?:~(\d+))?$/s));
const { rows, texts } = store.doc;
const step = path.match(/^step-(\d+)(?:\/(.*))?$/);
let best = step && rows[Number(step[1]) - 1] ? rows[Number(step[1]) - 1] : null;
let rest = step?.[2] ?? "";
if (!best) {
for (const row of rows) {
if (!row.anchor || (row.anchor !== path && !path.startsWith(`${row.anchor}/`)) || (best && best.anchor.length >= row.anchor.length)) continue;
best = row;
rest = path.slice(row.anchor.length + 1);
}
}
if (!best) return null;
const wanted = number === undefined ? best.parts.map((_, n) => n) : [Number(number)];
for (const piece of wanted) {
const field = fieldAt(fieldsOf(best.parts[piece], texts), rest);
if (field >= 0) return { row: best.id, piece, field };
}
const piece = store.firstPiece(best);
return { row: best.id, piece, field: store.firstField(best, piece) };
}

function pathOf(store) {
return fieldsOf(store.chosen?.parts[store.piece], store.doc.texts)[store.field]?.path ?? "";
}
return { linkOf, placeOf, pathOf };
})();

// sync.js
const { Sync } = (() => {
const CALM = 120;

class Sync {
constructor(store, root) {
this.store = store;
this.root = root;
this.model = store.book.model;
this.page = Boolean(this.model.get("_page"));
this.timer = 0;
this.told = "";
this.fromModel = () => this.take();
this.fromAddress = () => this.follow();
this.model.on("change:chosen", this.fromModel);
this.model.on("change:chosen_field", this.fromModel);
window.addEventListener("hashchange", this.fromAddress);
}

begin() {
return this.follow(false) || this.take();
}

follow(show = true) {
const link = decodeURIComponent(location.hash.slice(1));
if (!link || link === this.told) return false;
const place = placeOf(this.store, link);
if (!place) return false;
this.store.choose(place);
if (show && !this.page) this.root.scrollIntoView({ block: "nearest" });
return true;
}

take() {
const { store } = this;
const row = this.model.get("chosen") ?? -1;
const path = this.model.get("chosen_field") ?? "";
if (typeof row !== "number" || row < 0 || !store.rowOf(row)) return false;
if (row === store.row && path === pathOf(store)) return true;
const parts = store.rowOf(row)?.parts ?? [];
const piece = parts.findIndex((part) => fieldAt(fieldsOf(part, store.doc.texts), path) >= 0);
if (path && piece >= 0) store.choose({ row, piece, field: fieldAt(fieldsOf(parts[piece], store.doc.texts), path) });
else if (row !== store.row) store.choose({ row });
return true;
}

tell() {
if (!this.store.touched) return;
clearTimeout(this.timer);
this.timer = Number(setTimeout(() => this.write(), CALM));
}

write() {
const { store, model } = this;
const path = pathOf(store);
if (this.page) {
this.told = linkOf(store);
history.replaceState(history.state, "", `#${encodeURI(this.told)}`);
}
if (model.get("chosen") === store.row && model.get("chosen_field") === path) return;
store.book.save({ chosen: store.row, chosen_field: path });
}

get address() {
return `${location.href.split("#")[0]}#${encodeURI(linkOf(this.store))}`;
}

close() {
clearTimeout(this.timer);
this.model.off("change:chosen", this.fromModel);
this.model.off("change:chosen_field", this.fromModel);
window.removeEventListener("hashchange", this.fromAddress);
}
}
return { Sync };
})();

// view.js
const { View } = (() => {
const SLIM = 760;
const BROAD = 1720;
const KEYS = [
["↑ ↓", "the step before, the step after"], ["← →", "the other leg, the next TPM command"], ["[ ]", "one step back or on in time"], ["space", "play, pause"],
["T", "the same message on the other leg"], ["D", "the field that has to differ"], ["/", "find"], ["1 – 9", "the panels"], ["Esc", "back to the steps"], ["?", "this"],
];

class View {
constructor(el, book) {
this.el = el;
const store = (this.store = new Store(book));
this.page = Boolean(book.model.get("_page"));
this.root = h("div", { class: `tl-root${this.page ? " tl-inpage" : ""}`, on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
this.tipNode = h("div", { class: "tl-tip", "aria-hidden": "true" });
this.tipNode.hidden = true;
this.ladder = new Ladder(store);
const tip = (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) => this.tip(text, x, y);
this.message = new Message(store, this.ladder.view, tip, { edit: () => this.controls.edit(), whatIf: () => this.controls.whatIf(), link: () => this.link(), pin: () => this.pin() });
this.panel = new PanelView(store, this.ladder.view);
this.timeline = new Timeline(store);
this.search = new Search(store);
this.controls = new Controls(store, () => this.root, this.message.octets);
this.compare = new Compare(store);
this.wires = s("svg", { class: "tl-wires", "aria-hidden": "true" });
this.said = h("div", { class: "tl-sr", role: "status" });
this.title = h(this.page ? "h1" : "h2", { class: "tl-title" });
this.badges = h("div", { class: "tl-badges" });
this.build();
this.sync = new Sync(store, this.root);
el.append(this.root);
this.unhide = hideStills(String(book.model.get("_still") ?? ""));
this.steps = [this.timeline, this.ladder, this.message, this.panel, this.controls, this.compare];
store.on((changed) => this.draw(changed));
this.watch();
this.measure();
store.begin();
this.sync.begin();
for (const key of ["doc", "frame", "row", "tab", "stops", "live"]) store.mark(key);
store.draw();
}

build() {
const { store } = this;
const grip = h("button", { class: "tl-grip", "aria-label": "Show fields and bytes", on: { click: () => store.set({ up: !store.up }) } }, h("i"));
const sheets = [["step", "This step"], ["panel", "What is known"]].map(([id, label]) => h("button", { "data-sheet": id, "aria-pressed": id === "step", text: label, on: { click: () => this.sheet(id) } }));
this.sheets = h("span", { class: "tl-seg" }, sheets);
this.right = h("div", { class: "tl-right", "data-sheet": "step" }, h("div", { class: "tl-sheetbar" }, grip, this.panel.node.hidden ? null : this.sheets), this.message.node, this.panel.node, this.compare.node);
this.grip = grip;
const bar = h("div", { class: "tl-steerbar" });
this.controls.home(bar);
const help = h("button", { class: "tl-iconbtn", title: "Keys", "aria-label": "Keyboard", text: "?", on: { click: () => this.help() } });
const theme = this.page && h("button", { class: "tl-iconbtn", title: "Light or dark", "aria-label": "Light or dark", on: { click: () => turnTheme(this.root) } }, h("span", { class: "tl-halfmoon", "aria-hidden": "true" }));
this.root.append(
h("div", { class: "tl-view" },
h("div", { class: "tl-head" }, this.title, this.badges, this.controls.stops, h("span", { class: "tl-headright" }, this.search.node, this.controls.keep, theme, help)),
h("div", { role: "group", class: "tl-over", "aria-label": "What happened over time" }, this.timeline.label, this.timeline.lanes, this.timeline.state, this.controls.transport, this.timeline.steps, bar),
h("div", { class: "tl-main" }, this.ladder.node, this.right, this.wires)),
this.said, this.tipNode);
}


watch() {
this.sizes = new ResizeObserver(() => this.measure());
this.sizes.observe(this.root);
const unfollow = followTheme(this.root, () => this.store.mark("layout"));
const before = () => {
this.sheetOfPaper?.remove();
this.root.append((this.sheetOfPaper = printed(this.store)));
};
const after = () => this.sheetOfPaper?.remove();
window.addEventListener("beforeprint", before);
window.addEventListener("afterprint", after);
this.unwatch = () => {
this.sizes?.disconnect();
unfollow();
window.removeEventListener("beforeprint", before);
window.removeEventListener("afterprint", after);
};
}

measure() {
const width = this.root.clientWidth;
if (!width) return;
this.store.set({ width, narrow: width < SLIM, wide: width >= BROAD });
this.store.mark("width");
this.store.mark("layout");
}

draw(changed) {
if (changed.has("up") || changed.has("narrow")) this.raise();
if (changed.has("frame") || changed.has("doc") || changed.has("live")) this.name();
const focused = ["frame", "live", "edits", "row"].some((key) => changed.has(key)) && this.root.contains(document.activeElement) ? document.activeElement : null;
for (const part of this.steps) part.draw(changed);
if (focused && document.activeElement === document.body || focused?.getClientRects().length === 0) this.ladder.scroller.focus({ preventScroll: true }); // what was pressed has gone: keys stay in here
if (changed.has("compare")) this.right?.classList.toggle("tl-comparing", this.store.compare !== null);
if (changed.has("said")) fill(this.said, this.store.said);
if (changed.has("row") || changed.has("field") || changed.has("piece")) this.sync.tell();
for (const over of OVERS) {
if (!over.needs.some((key) => changed.has(key))) continue;
this.wires.replaceChildren();
over(this.wires, this.store);
}
}

name() {
const { frame } = this.store.doc;
fill(this.title, frame.title || "A run");
this.title.title = shown(frame.title);
const badge = frame.badge || frame.substrate;
this.badges.replaceChildren(
...(badge ? [h("details", { class: "tl-menu tl-badge" }, h("summary", { text: frame.substrate === "memory" ? "everything in one process" : frame.substrate || "where it ran" }), h("div", { class: "tl-menubody" }, h("p", { text: badge })))] : []),
...(frame.secrets_shown ? [h("span", { class: "tl-secretbadge", title: "This view holds keys and private plaintext.", text: "secrets shown" })] : []),
...(frame.notes.length ? [h("details", { class: "tl-menu tl-notes" }, h("summary", { text: frame.notes.length === 1 ? "1 note" : `${frame.notes.length} notes` }), h("div", { class: "tl-menubody" }, frame.notes.map((note) => h("p", { text: note }))))] : []));
}

sheet(id) {
this.right?.setAttribute("data-sheet", id);
for (const one of this.sheets?.children ?? []) one.setAttribute("aria-pressed", String(one.getAttribute("data-sheet") === id));
this.store.set({ up: id === "panel" || this.store.up });
this.store.mark("layout");
}

raise() {
const { up, narrow } = this.store;
this.right?.classList.toggle("tl-up", up && narrow);
this.grip?.setAttribute("aria-expanded", String(up));
this.grip?.setAttribute("aria-label", up ? "Show less" : "Show fields and bytes");
this.store.mark("layout");
}

tip(text, x, y) {
this.tipNode.hidden = !text;
if (!text) return;
const box = this.root.getBoundingClientRect();
fill(this.tipNode, text);
const wide = this.tipNode.offsetWidth;
this.tipNode.style.left = `${Math.max(4, Math.min(x - box.left + 12, box.width - wide - 8))}px`;
const high = this.tipNode.offsetHeight;
const below = y - box.top + 16;
this.tipNode.style.top = `${below + high > box.height ? y - box.top - high - 8 : below}px`;
}


link() {
const { address } = this.sync;
copyText(address, this.root);
this.store.say("The link is copied.");
pop(this.root, "A link to this field", h("p", { text: "It leads to the same step and field in every run of this act, and is on the clipboard now." }), h("pre", { class: "tl-mono tl-address1", tabindex: 0, text: address }));
}

pin() {
const { pins, row } = this.store;
if (!pins.delete(row)) pins.add(row);
this.store.say(pins.has(row) ? "This step will be printed." : "This step will not be printed, unless it is chosen then.");
this.store.mark("pins");
}

help() {
pop(this.root, "Keys", h("dl", { class: "tl-keys" }, KEYS.flatMap(([key, text]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text })])));
}

key(event) {
if ((event.ctrlKey || event.metaKey) && event.key === "s" && !this.page) return this.passOn(event);
const target = /** @type {HTMLElement} */ (event.target);
const typing = /^(TEXTAREA|SELECT)$/.test(target.tagName) || (target instanceof HTMLInputElement && !["range", "checkbox"].includes(target.type));
if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
const { store } = this;
const { key } = event;
const pressed = target.tagName === "BUTTON" || target.tagName === "SUMMARY" || target instanceof HTMLInputElement;
if (key === "/") this.search.input.focus();
else if (key === "[") this.controls.go(store.cursor - 1);
else if (key === "]") this.controls.go(store.cursor + 1);
else if (key === " " && !pressed) store.set({ playing: !store.playing });
else if (key === "t" || key === "T") this.message.other();
else if ((key === "d" || key === "D") && store.chosen) this.ladder.difference(store.chosen);
else if (key === "?") this.help();
else if (key === "Escape") this.ladder.scroller.focus({ preventScroll: true });
else if (/^[1-9]$/.test(key) && this.panel.shownPanels[Number(key) - 1]) this.panel.open(this.panel.shownPanels[Number(key) - 1].id);
else return;
event.preventDefault();
event.stopPropagation();
}

passOn(event) {
event.preventDefault();
event.stopPropagation();
const { key, code, keyCode, ctrlKey, metaKey } = event;
this.el.dispatchEvent(new KeyboardEvent("keydown", /** @type {any} */ ({ key, code, keyCode, ctrlKey, metaKey, bubbles: true, cancelable: true })));
}

close() {
this.unwatch?.();
this.unhide();
this.sync.close();
this.controls.close();
this.compare.close();
this.store.close();
this.root.remove();
}
}
return { View };
})();

// index.js
const books = new WeakMap();

function bookOf(model) {
const known = books.get(model);
if (known) return known;
const book = new Book(model);
books.set(model, book);
return book;
}

function initialize({ model }) {
bookOf(model); // it hears from now on, whether a view is open or not
}

function render({ model, el }) {
const view = new View(el, bookOf(model));
return () => view.close();
}

const page = () => openPage({ render });

export default { initialize, render, page };
