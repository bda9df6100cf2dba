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

// studiochoice.js
const { offerOf, changed, toggled, keyOf, lookedUp } = (() => {
const FIRST = ["L", "C"];

const offerOf = (all, choice) => all.offers[choice.tls][choice.when];

function changed(all, choice, change) {
const next = { ...choice, ...change };
const placements = all.offers[next.tls];
if (!(next.when in placements)) next.when = "handshake";
const offer = placements[next.when];
if (!offer.origins.includes(next.key_origin)) next.key_origin = offer.origins[offer.origins.length - 1];
if (offer.attests === "never") next.client = null;
else if (offer.attests === "always" && next.client === null) next.client = FIRST;
next.client_key = next.client !== null && (offer.client_key === "always" || (offer.client_key === "may" && next.client_key));
const keyless = (/** @type {string} */ name) => name === "H(SPKI_C)" && !next.client_key;
next.server = offer.server.filter((name) => next.server.includes(name));
next.client = next.client && offer.client.filter((name) => next.client?.includes(name) && !keyless(name));
next.powers = Object.keys(all.powers).filter((name) => next.powers.includes(name) || name === "network");
return next;
}

function toggled(all, choice, side, field) {
const fields = choice[side] ?? [];
return changed(all, choice, { [side]: fields.includes(field) ? fields.filter((name) => name !== field) : [...fields, field] });
}

function keyOf(choice) {
const flags = [choice.asks_key, choice.client_key, choice.replay].map(Number).join("");
return [choice.tls, choice.when, choice.key_origin, flags, choice.server.join(","), choice.client === null ? "-" : choice.client.join(","), choice.powers.join(","), choice.goal].join("|");
}


function lookedUp(atlas, all, choice) {
const key = keyOf(choice);
const row = atlas.table[key];
if (!row) return null;
const [name, verdict, bounds] = row.slice(0, 3).map((n) => atlas.pool[/** @type {number} */ (n)]);
const turns = [];
for (const side of /** @type {Side[]} */ (["server", "client"])) {
for (const field of side === "client" && choice.client === null ? [] : offerOf(all, choice)[side]) {
const other = atlas.table[keyOf(toggled(all, choice, side, field))];
if (other && atlas.pool[other[1]] !== verdict) turns.push([side, field]);
}
}
return { key, name, verdict, bounds, states: row[3], steps: row[4].map((n) => atlas.pool[n]), python: row[5].map((n) => atlas.pool[n]).join("\n"), turns };
}
return { offerOf, changed, toggled, keyOf, lookedUp };
})();

// studioverdict.js
const { ladderOf, boundsOf, effortOf } = (() => {
const LANES = /** @type {Record<string, [string, string]>} */ ({
teller: ["Teller", "tl-teller"], alice: ["Alice", "tl-alice"], bank: ["Bank", "tl-bank"], machine: ["Its machine", "tl-bank"], genuine: ["Her machine", "tl-other"],
});
const WHOSE = /** @type {Record<string, string>} */ ({
teller: "tl-teller", "teller-anew": "tl-teller", "teller-machine": "tl-teller", bank: "tl-bank", "bank-machine": "tl-bank",
genuine: "tl-other", "genuine-machine": "tl-other", own: "tl-alice", rogue: "tl-alice", any: "tl-alice", checked: "tl-alice",
});

const lanesOf = (steps) => Object.keys(LANES).filter((who) => who === "alice" || steps.some((step) => step.party === who));

function ladderOf(all, steps) {
const lanes = lanesOf(steps);
const at = (/** @type {string} */ who) => (100 * (lanes.indexOf(who) + 0.5)) / lanes.length;
const lifelines = () => lanes.map((who) => h("i", { class: `tl-slife ${LANES[who][1]}`, style: `left:${at(who)}%` }));
const head = h("div", { class: "tl-srow tl-snames", "aria-hidden": "true" },
h("div", { class: "tl-slanes" }, lanes.map((who) => h("b", { class: LANES[who][1], style: `left:${at(who)}%`, text: LANES[who][0] }))));
const rows = steps.map((step, n) => {
const [from, to] = step.sends ? [step.party, "alice"] : ["alice", step.party];
const right = at(from) < at(to);
const ends = `left:${Math.min(at(from), at(to))}%;right:${100 - Math.max(at(from), at(to))}%`;
const fields = Object.entries(step.fields);
return h("li", { class: "tl-srow" },
h("div", { class: "tl-slanes", "aria-hidden": "true" }, lifelines(),
h("div", { class: `tl-sarrow ${right ? "tl-sright" : "tl-sleft"} ${step.sends ? LANES[step.party][1] : "tl-alice"}`, style: ends }, h("span", { text: step.message }))),
h("div", { class: "tl-swords" },
h("p", {}, h("b", { class: "tl-snumber", text: `${n + 1}` }), `${step.did}.`),
fields.length ? h("ul", { class: "tl-sfields" }, fields.map(([name, where]) => h("li", { class: WHOSE[where] }, h("b", { text: name }), h("span", { text: all.provenances[where] })))) : null));
});
return h("div", { class: "tl-sladder" }, head, h("ol", { "aria-label": "Alice's steps" }, rows));
}

function boundsOf(answer) {
return h("div", { class: "tl-sbounds" },
h("p", { text: "Within these bounds no order of messages, and no choice of values, leads Alice there:" }),
h("p", { class: "tl-sbound", text: `${answer.bounds}.` }),
h("p", { class: "tl-dim", text: "This is not a proof. An attack with more sessions, or with a value that no menu has, would not be seen." }));
}

function effortOf(answer) {
const states = answer.states === 1 ? "1 state" : `${(answer.states ?? 0).toLocaleString("en")} states`;
return answer.seconds === undefined ? `${states} searched beforehand` : `${states} in ${Math.max(1, Math.round(answer.seconds * 1000)).toLocaleString("en")} ms`;
}
return { ladderOf, boundsOf, effortOf };
})();

// studioview.js
const { StudioView } = (() => {
const SLOW = 250;
const NO_PAGE = "This page looks answers up in a table that was made beforehand, and this combination is not in it. In a notebook every combination is searched.";

class StudioView {
constructor(el, model) {
this.model = model;
this.all = model.get("choices");
this.choice = model.get("choice");
this.page = Boolean(model.get("_page"));
this.atlas = this.page ? model.get("atlas") : null;
this.level = this.page ? "h2" : "h3";
this.root = h("div", { class: `tl-root tl-studio${this.page ? " tl-inpage" : ""}`, on: { keydown: (/** @type {KeyboardEvent} */ e) => this.key(e) } });
this.said = h("div", { class: "tl-sr", role: "status" });
this.design = h("section", { class: "tl-scard", "aria-label": "The design" });
this.alice = h("section", { class: "tl-scard", "aria-label": "Alice" });
this.verdict = h("section", { class: "tl-scard tl-sverdict", "aria-label": "The verdict" });
this.presets = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Begin with a design of the lab", on: { change: () => this.preset() } }));
this.under = h("p", { class: "tl-sunder" });
this.pill = h("button", { class: "tl-spill", "aria-label": "To the verdict", on: { click: () => this.verdict.scrollIntoView({ block: "start" }) } });
const theme = this.page && h("button", { class: "tl-siconbtn", title: "Light or dark", "aria-label": "Light or dark", on: { click: () => turnTheme(this.root) } }, h("span", { class: "tl-halfmoon", "aria-hidden": "true" }));
this.root.append(
h("div", { class: "tl-view tl-sview" },
h("div", { class: "tl-shead" },
h(this.page ? "h1" : "h2", { class: "tl-title", text: "The studio" }),
this.under,
this.pill,
h("label", { class: "tl-spreset" }, h("span", { text: "begin with" }), this.presets), theme),
h("div", { class: "tl-smain" }, h("div", { class: "tl-schoices" }, this.design, this.alice), this.verdict)),
this.said);
el.append(this.root);
this.unfollow = followTheme(this.root);
this.unhide = hideStills(String(model.get("_still") ?? ""));
this.onChoice = () => { this.choice = model.get("choice"); this.draw(); };
this.onAnswer = () => this.answered();
model.on("change:choice", this.onChoice);
model.on("change:answer", this.onAnswer);
model.on("change:played", this.onAnswer);
this.draw();
}

get answer() {
if (this.atlas) return lookedUp(this.atlas, this.all, this.choice);
const answer = this.model.get("answer") ?? {};
return answer.key === keyOf(this.choice) || answer.error ? answer : null;
}

set(next) {
this.choice = next;
if (!this.page) {
this.model.set("choice", next);
this.model.save_changes();
}
this.draw();
}

near(group, next) {
const { atlas } = this;
if (!atlas || keyOf(next) in atlas.table || !["tls", "when"].includes(group)) return next;
const { powers, goal, replay } = next;
const there = Object.values(this.all.presets).map((named) => ({ ...named, powers, goal, replay })).filter((named) => named.tls === next.tls && keyOf(named) in atlas.table);
return there.find((named) => named.when === next.when) ?? (group === "tls" ? there[0] : undefined) ?? next;
}

preset() {
const { powers, goal, replay } = this.choice;
const named = this.all.presets[this.presets.value];
if (named) this.set({ ...named, powers, goal, replay });
}


draw() {
const focused = this.root.contains(document.activeElement) ? document.activeElement?.getAttribute("data-id") : null;
this.drawDesign();
this.drawAlice();
this.answered();
if (focused) /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-id="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
}

drawDesign() {
const { all, choice } = this;
const offer = offerOf(all, choice);
const named = Object.keys(all.presets).find((name) => keyOf({ ...all.presets[name], powers: choice.powers, goal: choice.goal, replay: choice.replay }) === keyOf(choice));
fill(this.presets, [...(named ? [] : [""]), ...Object.keys(all.presets)].map((name) => h("option", { value: name, text: name || "a design of your own" })));
this.presets.value = named ?? "";
fill(this.under, named ? all.sentences[named] : "Propose what each quote says. See at once what Alice can do.");
const origins = Object.keys(all.origins);
fill(this.design,
h(this.level, { text: "The design" }),
this.row("TLS", Object.keys(all.offers).map((tls) => this.chip("tls", tls, { on: choice.tls === tls, next: { tls }, one: true }))),
this.row("Evidence travels", Object.keys(all.placements).map((when) => this.chip("when", when, { on: choice.when === when, next: { when }, say: all.placements[when], gone: !(when in all.offers[choice.tls]), one: true }))),
this.note(all.placements[choice.when]),
this.row("The bank's key", origins.map((origin) => this.chip("origin", origin, { on: choice.key_origin === origin, next: { key_origin: origin }, say: all.origins[origin], gone: !offer.origins.includes(origin), one: true }))),
this.note(all.origins[choice.key_origin]),
offer.server.length ? this.binder("server", "The bank's quote", choice.server) : null,
offer.attests === "never" ? null : this.binder("client", "The teller's quote", choice.client),
this.row("Also", [
this.chip("asks", "asks about the key", { on: choice.asks_key, next: { asks_key: !choice.asks_key }, say: "The teller asks where the bank's key lives and who can use it." }),
offer.attests === "may" ? this.chip("attests", "the teller attests", { on: choice.client !== null, next: { client: choice.client === null ? ["L", "C"] : null }, say: "The teller has a machine too, and quotes the handshake." }) : null,
offer.client_key === "may" && choice.client !== null ? this.chip("ckey", "the teller has a key", { on: choice.client_key, next: { client_key: !choice.client_key }, say: "The teller's TPM made a key for its measured software alone; a certificate names it, and it signs the handshake." }) : null,
]));
}

drawAlice() {
const { all, choice } = this;
fill(this.alice,
h(this.level, { class: "tl-alice", text: "Alice" }),
this.row("She", Object.entries(all.powers).map(([power, say]) => this.chip("power", power, {
on: choice.powers.includes(power), fixed: power === "network", say: `She ${say}.`,
next: { powers: choice.powers.includes(power) ? choice.powers.filter((name) => name !== power) : [...choice.powers, power] },
}))),
h("ul", { class: "tl-spowers" }, choice.powers.map((power) => h("li", {}, h("b", { text: power }), ` ${all.powers[power]}`))),
this.row("Her goal", Object.entries(all.goals).map(([goal, say]) => this.chip("goal", goal, { on: choice.goal === goal, next: { goal }, say: `${say}.`, one: true }))),
this.note(`${cap(all.goals[choice.goal])}.`),
this.row("When", [this.chip("replay", "the bank is gone", { on: choice.replay, next: { replay: !choice.replay }, say: "The bank has gone before the teller comes: what Alice shows was made before." })]));
}

row(name, chips) {
const shown = chips.filter((chip) => chip !== null);
return shown.length ? h("div", { class: "tl-sgroup", role: "group", "aria-label": name }, h("span", { class: "tl-slabel", "aria-hidden": "true", text: name }), h("span", { class: "tl-schips" }, shown)) : null;
}

heading(text, mark = "") {
return h(this.level, { class: "tl-stitle" }, mark ? h("span", { "aria-hidden": "true", text: mark }) : null, text);
}

note(text) {
return h("p", { class: "tl-snote", text });
}

binder(side, name, fields) {
if (fields === null) return null;
const turns = (this.answer?.turns ?? []).filter((turn) => turn[0] === side).map((turn) => turn[1]);
const bare = fields.length === 1;
const formula = fields.length === 0 ? "a constant" : bare ? fields[0] : `H(${fields.join(", ")})`;
const chips = offerOf(this.all, this.choice)[side].map((field) => this.chip(side, field, {
on: fields.includes(field), say: this.all.fields[field][1], small: this.all.fields[field][0], turns: turns.includes(field),
next: toggled(this.all, this.choice, side, field), gone: field === "H(SPKI_C)" && !this.choice.client_key,
}));
return h("div", { class: `tl-sbinder ${side === "server" ? "tl-bank" : "tl-teller"}`, role: "group", "aria-label": `${name} names` },
h("p", { class: "tl-sformula" }, h("b", { text: name }), h("span", { class: "tl-mono", text: `= ${formula}` })),
h("div", { class: "tl-schips" }, chips));
}

chip(group, name, { on, next, say = "", small = "", gone = false, fixed = false, one = false, turns = false }) {
const target = this.near(group, changed(this.all, this.choice, next));
const missing = !gone && this.atlas && !(one && on) && !(keyOf(target) in this.atlas.table);
const off = gone || fixed || missing;
const why = gone ? "Not with the choices beside it." : missing ? NO_PAGE : fixed ? "Always." : "";
const press = () => {
if (off) this.say(why);
else if (!(one && on)) this.set(target);
};
return h("button", { class: `tl-schip${small ? " tl-two" : ""}${turns ? " tl-turns" : ""}`, "data-id": `${group}-${name}`, "aria-pressed": on, "aria-disabled": off ? true : null, title: [say, turns ? "One click on it changes the verdict." : "", why].filter(Boolean).join(" "), on: { click: press } },
h("span", { text: name }), small ? h("small", { text: small }) : null, turns ? h("span", { class: "tl-sr", text: " (changes the verdict)" }) : null);
}

answered() {
const { all, choice } = this;
const answer = this.answer;
clearTimeout(this.timer);
if (answer === null && !this.atlas) {
this.verdict.classList.add("tl-swaits");
this.timer = setTimeout(() => this.drawWaiting(), SLOW);
return;
}
this.verdict.classList.remove("tl-swaits");
for (const [side, field] of [...(answer?.turns ?? [])]) this.root.querySelector(`[data-id="${CSS.escape(`${side}-${field}`)}"]`)?.classList.add("tl-turns");
this.namePill(answer);
if (answer === null) {
fill(this.verdict, h("div", { class: "tl-sband tl-sopen" }, this.heading("Not in this page"), h("p", { text: NO_PAGE })));
return;
}
if (answer.error) {
fill(this.verdict, h("div", { class: "tl-sband tl-sopen" }, this.heading("This cannot be a design"), h("p", { text: `${cap(answer.error)}.` })));
this.say(answer.error);
return;
}
const attack = answer.verdict === "attack";
const title = attack ? "Alice has an attack" : "Nothing found";
const goal = all.goals[choice.goal];
fill(this.verdict,
h("div", { class: `tl-sband ${attack ? "tl-sbad" : "tl-sgood"}` },
this.heading(title, attack ? "✘ " : "✔ "),
h("p", { text: attack ? `${cap(goal)}.` : `Out of reach: ${goal}.` }),
h("p", { class: "tl-seffort", text: effortOf(answer) })),
answer.turns?.length ? h("p", { class: "tl-sturns" }, h("i", { class: "tl-sdot", "aria-hidden": "true" }), `One click changes this verdict: ${answer.turns.map(([side, field]) => `${field} in the ${side === "server" ? "bank's" : "teller's"} quote`).join(", ")}.`) : null,
h("div", { class: "tl-shands" }, this.hands(answer)),
this.ranNote(answer),
attack ? ladderOf(all, answer.steps ?? []) : boundsOf(answer));
if (answer.turns) this.say(`${title}: ${goal}.`);
}

namePill(answer) {
const [tone, text] = answer?.verdict === "attack" ? ["tl-sbad", "✘ an attack"] : answer?.verdict ? ["tl-sgood", "✔ nothing found"] : ["tl-sopen", "no verdict"];
this.pill.className = `tl-spill ${tone}`;
this.pill.setAttribute("aria-label", `To the verdict: ${text.slice(2)}`);
fill(this.pill, text);
}

drawWaiting() {
this.pill.className = "tl-spill tl-sopen";
fill(this.pill, "searching …");
fill(this.verdict, h("div", { class: "tl-sband tl-sopen" }, this.heading("Searching"), h("p", { text: "This design has many states. The next click ends this search." })));
}

hands(answer) {
const run = this.model.get("played") ?? {};
const playing = run.state === "playing";
const play = () => {
if (this.page) this.how(answer);
else if (!playing) this.model.send({ type: "run" });
};
const label = this.page ? "How to run it" : playing ? "It plays …" : answer.verdict === "attack" ? "Run it" : "Try the known attacks";
const copy = () => {
copyText(answer.python ?? "", this.root);
pop(this.root, "The same in Python", h("p", { text: "It is on the clipboard now." }), python(answer.python ?? ""));
};
return [
h("button", { class: "tl-ghostbtn tl-srun", "data-id": "run", "aria-disabled": playing ? true : null, on: { click: play } }, h("span", { "aria-hidden": "true", text: "▶" }), label),
h("button", { class: "tl-ghostbtn", "data-id": "python", text: "Copy as Python", on: { click: copy } }),
];
}

how(answer) {
pop(this.root, "How to run it", h("p", { text: "A page has no machines. With trustlab installed, this program plays the same with real TPMs and real TLS, and judges it. In a notebook, Studio() has a button for it, and opens the inspector on the run." }), python(answer.python ?? ""));
}

ranNote(answer) {
const run = this.model.get("played") ?? {};
if (!run.state || run.key !== answer.key) return null;
const tone = run.state === "playing" ? "tl-sopen" : run.state === "failed" || run.as_found === false ? "tl-sodd" : run.outcome === "succeeded" ? "tl-sbad" : "tl-sgood";
const head = run.state === "playing" ? "It plays. " : run.state === "failed" ? "" : run.outcome === "unplayed" ? "Not played. " : run.as_found ? "It came out as searched. " : "";
return h("p", { class: `tl-sran ${tone}`, role: "status" }, h("b", { text: head }), run.sentence, run.state === "over" && run.outcome !== "unplayed" ? " The inspector below shows it." : "");
}


say(text) {
fill(this.said, text);
}

key(event) {
const target = /** @type {HTMLElement} */ (event.target);
const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
if (step === undefined || !target.classList.contains("tl-schip") || event.ctrlKey || event.metaKey || event.altKey) return;
const chips = [...(target.closest("[role=group]")?.querySelectorAll(".tl-schip") ?? [])];
/** @type {HTMLElement | undefined} */ (chips[chips.indexOf(target) + step])?.focus();
event.preventDefault();
event.stopPropagation();
}

close() {
clearTimeout(this.timer);
this.unfollow();
this.unhide();
this.model.off("change:choice", this.onChoice);
this.model.off("change:answer", this.onAnswer);
this.model.off("change:played", this.onAnswer);
this.root.remove();
}
}
return { StudioView };
})();

// studio.js
function render({ model, el }) {
const view = new StudioView(el, model);
return () => view.close();
}

const page = () => openPage({ render }, quiet);

export default { render, page };
