/** One view of the studio: chips, verdict, and what can be done with them. */
import { cap, fill, h } from "./dom.js";
import { copyText, pop, python } from "./pop.js";
import { followTheme, hideStills, turnTheme } from "./shell.js";
import { changed, keyOf, lookedUp, offerOf, toggled } from "./studiochoice.js";
import { boundsOf, effortOf, ladderOf } from "./studioverdict.js";

/**
 * @typedef {import("./store.js").Model} Model
 * @typedef {import("./studiochoice.js").Answer} Answer
 * @typedef {import("./studiochoice.js").Choice} Choice
 * @typedef {import("./studiochoice.js").Side} Side
 */

/** Milliseconds after which a search says that it goes on. */
const SLOW = 250;
/** Why a page has no answer. */
const NO_PAGE = "This page looks answers up in a table that was made beforehand, and this combination is not in it. In a notebook every combination is searched.";

export class StudioView {
  /** @param {HTMLElement} el @param {Model} model */
  constructor(el, model) {
    this.model = model;
    /** @type {import("./studiochoice.js").Choices} */
    this.all = model.get("choices");
    /** @type {Choice} */
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

  /**
   * The answer to the choices as they are now; null while there is none.
   * @returns {Answer | null}
   */
  get answer() {
    if (this.atlas) return lookedUp(this.atlas, this.all, this.choice);
    /** @type {Answer} */
    const answer = this.model.get("answer") ?? {};
    return answer.key === keyOf(this.choice) || answer.error ? answer : null;
  }

  /** @param {Choice} next */
  set(next) {
    this.choice = next;
    if (!this.page) {
      this.model.set("choice", next);
      this.model.save_changes();
    }
    this.draw();
  }

  /**
   * Where a click on another version or placement leads in a page: if what is left of the fields there is not in the
   * atlas, to the first design of the lab that stands there.
   * @param {string} group @param {Choice} next
   * @returns {Choice}
   */
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

  // Drawing

  /** Draw everything anew; the focus stays on what was pressed. */
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

  /** @param {string} name @param {(HTMLElement | null)[]} chips */
  row(name, chips) {
    const shown = chips.filter((chip) => chip !== null);
    return shown.length ? h("div", { class: "tl-sgroup", role: "group", "aria-label": name }, h("span", { class: "tl-slabel", "aria-hidden": "true", text: name }), h("span", { class: "tl-schips" }, shown)) : null;
  }

  /** @param {string} text @param {string} [mark] */
  heading(text, mark = "") {
    return h(this.level, { class: "tl-stitle" }, mark ? h("span", { "aria-hidden": "true", text: mark }) : null, text);
  }

  /** @param {string} text */
  note(text) {
    return h("p", { class: "tl-snote", text });
  }

  /**
   * The fields of one side's quote; those that are in it make the formula.
   * @param {Side} side @param {string} name @param {string[] | null} fields
   */
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

  /**
   * A chip: pressed or not. `one` of a group stays pressed; `gone` cannot be had here; `turns` would change the verdict.
   * @param {string} group @param {string} name
   * @param {{on: boolean, next: Partial<Choice>, say?: string, small?: string, gone?: boolean, fixed?: boolean, one?: boolean, turns?: boolean}} given
   */
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

  /** Draw the verdict, and mark the fields that would change it. */
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

  /**
   * The verdict in the head, for windows in which it stands below.
   * @param {Answer | null} answer
   */
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

  /**
   * @param {Answer} answer
   * @returns {HTMLElement[]}
   */
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

  /** @param {Answer} answer */
  how(answer) {
    pop(this.root, "How to run it", h("p", { text: "A page has no machines. With trustlab installed, this program plays the same with real TPMs and real TLS, and judges it. In a notebook, Studio() has a button for it, and opens the inspector on the run." }), python(answer.python ?? ""));
  }

  /** @param {Answer} answer */
  ranNote(answer) {
    const run = this.model.get("played") ?? {};
    if (!run.state || run.key !== answer.key) return null;
    const tone = run.state === "playing" ? "tl-sopen" : run.state === "failed" || run.as_found === false ? "tl-sodd" : run.outcome === "succeeded" ? "tl-sbad" : "tl-sgood";
    const head = run.state === "playing" ? "It plays. " : run.state === "failed" ? "" : run.outcome === "unplayed" ? "Not played. " : run.as_found ? "It came out as searched. " : "";
    return h("p", { class: `tl-sran ${tone}`, role: "status" }, h("b", { text: head }), run.sentence, run.state === "over" && run.outcome !== "unplayed" ? " The inspector below shows it." : "");
  }

  // Hands

  /** @param {string} text */
  say(text) {
    fill(this.said, text);
  }

  /** @param {KeyboardEvent} event */
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
