// @ts-check
/**
 * The live handshake inspector: a plain ES module for anywidget, no bundler, nothing fetched.
 *
 * The whole state is one object, `_picture`, in the model. Python sends what is new as custom messages of numbered rows, which
 * `initialize` writes into that object in place; so a second view, or the page after a reload, finds everything there. A patch may come
 * twice, or out of step with a reload: rows are put at their number, and a gap asks Python for the whole picture.
 *
 * @typedef {{name: string, start: number, end: number, value?: string, note?: string, clause?: string}} Span
 * @typedef {{title: string, hex: string, spans?: Span[], secret?: boolean}} RowPart
 * @typedef {{id: number, kind: string, at?: string, to?: string, name?: string, text?: string, mark?: string, connection?: string,
 *   direction?: string, offset?: number, size?: number, section?: number, time?: number, parts?: RowPart[],
 *   meta?: Record<string, any>, events?: [string, number][]}} LadderRow
 * @typedef {{party: string, name: string, row: number, hex?: string, connection?: string, inputs?: string[], snippet?: string}} Key
 * @typedef {{rows: LadderRow[], lifelines: string[], keys: Key[], alice_knows: string[] | null, chosen?: number}} Picture
 * @typedef {{get(name: string): any, on(name: string, f: Function): void, off(name: string, f: Function): void,
 *   send(content: any): void}} Model
 */

const SIGNS = /** @type {Record<string, string>} */ ({ pass: "✔", fail: "✘", none: "○", "": "" });
const WORDS = /** @type {Record<string, string>} */ ({ pass: "passed", fail: "failed", none: "not demanded", "": "" });
const HEX_LIMIT = 4096;

// ---------------------------------------------------------------------------------------------------- small helpers

const FOCUSABLE = ["a", "button", "input", "summary"];

/**
 * Make an element. `props` are attributes; `class`, `text` and `on` (listeners) are what they say.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = String(value);
    else if (key === "class") node.className = value;
    else if (key === "on") for (const [name, f] of Object.entries(value)) node.addEventListener(name, /** @type {any} */ (f));
    else if (key === "style") node.style.cssText = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  // The notebook must not take keys pressed in here for its own commands (x would cut the cell). It looks for this mark
  // on the focused element itself.
  if ("tabindex" in props || FOCUSABLE.includes(tag)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const child of children) if (child) node.append(child);
  return node;
}

/** @param {string} hex @returns {string[]} */
const octetsOf = (hex) => hex.match(/../g) ?? [];

/** @param {number} n */
const count = (n) => (n === 1 ? "1 octet" : `${n.toLocaleString("en")} octets`);

/** @param {string} hex */
const short = (hex) => (hex.length > 20 ? `${hex.slice(0, 16)}…` : hex);

/** @param {string | undefined} party */
const tone = (party) => (["teller", "alice", "bank", "carol"].includes(party ?? "") ? `tl-p-${party}` : "tl-p-other");

/** @param {number} index @param {number} total */
function place(index, total) {
  if (total < 2) return 12;
  const margin = total > 2 ? 9 : 13;
  return margin + (index * (100 - 2 * margin)) / (total - 1);
}

// ---------------------------------------------------------------------------------------------------- the picture

/**
 * Put a batch into the picture. Returns the numbers of the rows that changed, or null where a row is missing.
 * @param {Picture} picture
 * @param {any} message
 * @returns {number[] | null}
 */
function apply(picture, message) {
  if (message.type !== "whole" && message.type !== "batch") return [];
  if (message.type === "whole") {
    picture.rows.splice(0, picture.rows.length, ...message.picture.rows);
    picture.lifelines = message.picture.lifelines;
    picture.keys = message.picture.keys;
    picture.alice_knows = message.picture.alice_knows;
    return picture.rows.map((row) => row.id);
  }
  for (const row of message.rows) {
    if (row.id > picture.rows.length) return null;
    picture.rows[row.id] = row;
  }
  picture.lifelines = message.lifelines;
  picture.keys = message.keys;
  picture.alice_knows = message.alice_knows;
  return message.rows.map((/** @type {LadderRow} */ row) => row.id);
}

// ---------------------------------------------------------------------------------------------------- octets and fields

/**
 * The spans as a tree in reading order; octets that nobody named get an entry of their own, so that every octet has one.
 * @param {RowPart} part
 */
function fieldsOf(part) {
  const length = part.hex.length / 2;
  /** @type {(Span & {depth: number, leaf: boolean, label: string})[]} */
  const result = [];
  /** @type {Span[]} */
  const open = [];
  const spans = [...(part.spans ?? [])].sort((a, b) => a.start - b.start || b.end - a.end || a.name.length - b.name.length);
  if (!spans.length) return [{ name: part.title, label: part.title, start: 0, end: length, depth: 0, leaf: true }];
  const covered = new Uint8Array(length);
  for (const span of spans) {
    while (open.length && !inside(span, open[open.length - 1])) open.pop();
    const parent = open[open.length - 1];
    const label = parent && span.name.startsWith(`${parent.name}.`) ? span.name.slice(parent.name.length + 1) : span.name;
    result.push({ ...span, depth: open.length, leaf: true, label });
    open.push(span);
  }
  result.forEach((field, n) => {
    field.leaf = !(result[n + 1] && result[n + 1].depth > field.depth);
    if (field.leaf) covered.fill(1, field.start, field.end);
  });
  for (let start = 0; start < length; start += 1) {
    if (covered[start]) continue;
    let end = start;
    while (end < length && !covered[end]) end += 1;
    const at = result.findIndex((field) => field.start > start);
    const owner = result.filter((field) => field.start <= start && field.end >= end).pop();
    const gap = { name: "(other octets)", label: "(other octets)", start, end, depth: owner ? owner.depth + 1 : 0, leaf: true };
    result.splice(at < 0 ? result.length : at, 0, gap);
    start = end;
  }
  return result;
}

/** @param {Span} inner @param {Span} outer */
function inside(inner, outer) {
  return inner.start >= outer.start && inner.end <= outer.end && (inner.name.startsWith(`${outer.name}.`) || inner.end - inner.start < outer.end - outer.start);
}

/** @type {number} */
let serial = 0;

/**
 * A part's octets beside its fields, linked both ways.
 * @param {RowPart} part
 * @param {Set<string>} changed names of fields that differ from the other leg
 * @param {(text: string) => void} say
 */
function octetsView(part, changed, say) {
  const id = `tl-${(serial += 1)}`;
  const fields = fieldsOf(part);
  const octets = octetsOf(part.hex);
  /** @type {number[]} */
  const owner = new Array(octets.length).fill(-1);
  fields.forEach((field, n) => field.leaf && owner.fill(n, field.start, field.end));
  let shown = Math.min(octets.length, HEX_LIMIT);
  let chosen = -1;
  let cursor = 0;
  // A long message opens with its inner structures closed.
  const closed = new Set(fields.flatMap((field, n) => (fields.length > 40 && !field.leaf && field.depth > 1 ? [n] : [])));

  const note = h("div", { class: "tl-note", id: `${id}-note` });
  const tree = h("div", { class: "tl-tree", role: "tree", tabindex: "0", "aria-label": `Fields of ${part.title}`, "aria-describedby": `${id}-note` });
  const hex = h("div", { class: "tl-hex", role: "group", tabindex: "0", "aria-label": `Octets of ${part.title}; arrow keys move by one octet`, "aria-describedby": `${id}-note` });

  const items = fields.map((field, n) => {
    const differs = changed.has(field.name);
    const item = h(
      "div",
      {
        class: `tl-field${field.leaf ? ` tl-tint${n % 3}` : ""}`,
        role: "treeitem",
        id: `${id}-f${n}`,
        "aria-level": field.depth + 1,
        "aria-selected": "false",
        "data-field": field.name,
        style: `padding-left:${0.4 + field.depth * 0.9}em`,
        on: { click: () => { if (chosen === n) fold(n, !closed.has(n)); else choose(n, "tree"); }, mouseenter: () => hover(n), mouseleave: () => hover(-1) },
      },
      h("span", { class: "tl-fname", text: field.label }),
      differs && h("span", { class: "tl-chip tl-differs", text: "≠ other leg" }),
      h("span", { class: "tl-fvalue", text: field.value ?? (field.leaf ? short(part.hex.slice(2 * field.start, 2 * field.end)) : "") }),
      h("span", { class: "tl-frange", text: field.end - field.start === 1 ? `${field.start}` : `${field.start}–${field.end - 1}` }),
    );
    if (!field.leaf) item.setAttribute("aria-expanded", "true");
    return item;
  });
  tree.append(...items);

  /** @type {HTMLElement[]} */
  let cells = [];
  function drawHex() {
    hex.replaceChildren();
    cells = [];
    for (let line = 0; line < shown; line += 16) {
      const row = h("div", { class: "tl-hexrow" }, h("span", { class: "tl-addr", text: line.toString(16).padStart(4, "0") }));
      const bytes = h("span", { class: "tl-bytes" });
      let ascii = "";
      for (let n = line; n < Math.min(line + 16, shown); n += 1) {
        const cell = h("span", { class: `tl-octet${owner[n] >= 0 ? ` tl-tint${owner[n] % 3}` : ""}`, "data-octet": n, text: octets[n] });
        cells.push(cell);
        bytes.append(cell);
        const code = parseInt(octets[n], 16);
        ascii += code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
      }
      row.append(bytes, h("span", { class: "tl-ascii", "aria-hidden": "true", text: ascii }));
      hex.append(row);
    }
    if (shown < octets.length) {
      hex.append(
        h("button", { class: "tl-button", type: "button", text: `show all ${count(octets.length)}`, on: { click: () => { shown = octets.length; drawHex(); paint(); } } }),
      );
    }
  }

  /** @param {number} n */
  function hover(n) {
    for (const cell of hex.querySelectorAll(".tl-hover")) cell.classList.remove("tl-hover");
    for (const item of tree.querySelectorAll(".tl-hover")) item.classList.remove("tl-hover");
    if (n < 0) return;
    items[n].classList.add("tl-hover");
    for (let k = fields[n].start; k < Math.min(fields[n].end, shown); k += 1) cells[k]?.classList.add("tl-hover");
  }

  function paint() {
    for (const cell of hex.querySelectorAll(".tl-on, .tl-cursor")) cell.classList.remove("tl-on", "tl-cursor", "tl-first", "tl-last");
    items.forEach((item, n) => {
      item.setAttribute("aria-selected", String(n === chosen));
      item.classList.toggle("tl-on", n === chosen);
    });
    if (chosen < 0) return;
    const field = fields[chosen];
    for (let k = field.start; k < Math.min(field.end, shown); k += 1) cells[k]?.classList.add("tl-on");
    cells[field.start]?.classList.add("tl-first");
    cells[Math.min(field.end, shown) - 1]?.classList.add("tl-last");
    cells[cursor]?.classList.add("tl-cursor");
  }

  /**
   * @param {number} n
   * @param {"tree" | "hex"} from
   * @param {boolean} [quiet]
   */
  function choose(n, from, quiet = false) {
    if (n < 0 || n >= fields.length) return;
    chosen = n;
    const field = fields[n];
    if (items[n].hidden) {
      for (let k = parentOf(n); k >= 0; k = parentOf(k)) closed.delete(k);
      drawTree();
    }
    if (from === "tree") cursor = field.start;
    tree.setAttribute("aria-activedescendant", items[n].id);
    note.replaceChildren(
      h("span", { class: "tl-note-name", text: field.name }),
      h("span", { class: "tl-note-range", text: `octets ${field.start}–${Math.max(field.start, field.end - 1)} · ${count(field.end - field.start)}` }),
      h("p", { text: field.note || (field.name === "(other octets)" ? "Octets that no field names." : "") }),
      field.clause ? h("span", { class: "tl-clause", text: field.clause }) : "",
    );
    paint();
    if (!quiet) {
      reveal(tree, items[n]);
      const cell = cells[Math.min(cursor, cells.length - 1)];
      if (cell) reveal(hex, cell);
      say(`${field.name}, octets ${field.start} to ${Math.max(field.start, field.end - 1)}. ${field.note ?? ""}`);
    }
  }

  hex.addEventListener("click", (event) => {
    const cell = /** @type {HTMLElement} */ (event.target).closest(".tl-octet");
    if (!cell) return;
    cursor = Number(/** @type {HTMLElement} */ (cell).dataset.octet);
    choose(owner[cursor], "hex");
  });
  hex.addEventListener("mouseover", (event) => {
    const cell = /** @type {HTMLElement} */ (event.target).closest(".tl-octet");
    hover(cell ? owner[Number(/** @type {HTMLElement} */ (cell).dataset.octet)] : -1);
  });
  hex.addEventListener("mouseleave", () => hover(-1));
  hex.addEventListener("keydown", (event) => {
    const step = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: 16, ArrowUp: -16 })[event.key];
    if (!step || event.target !== hex) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(shown - 1, cursor + step));
    choose(owner[cursor], "hex");
    say(`octet ${cursor}: ${octets[cursor]}, ${fields[owner[cursor]]?.name ?? ""}`);
  });
  tree.addEventListener("keydown", (event) => {
    const visible = fields.map((_, n) => n).filter((n) => !items[n].hidden);
    const here = visible.indexOf(chosen);
    const to = /** @type {Record<string, number>} */ ({ ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: visible.length - 1 })[event.key];
    if (to !== undefined) {
      event.preventDefault();
      choose(visible[Math.max(0, Math.min(visible.length - 1, to))], "tree");
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && chosen >= 0) {
      event.preventDefault();
      fold(chosen, event.key === "ArrowLeft");
    }
  });

  /** @param {number} n the field; its parent, or -1 */
  function parentOf(n) {
    for (let k = n - 1; k >= 0; k -= 1) if (fields[k].depth < fields[n].depth) return k;
    return -1;
  }

  /** Close or open a field; closing a leaf, or what is closed already, goes up instead. @param {number} n @param {boolean} close */
  function fold(n, close) {
    if (fields[n].leaf || (close && closed.has(n))) {
      const up = parentOf(n);
      if (close && up >= 0) choose(up, "tree");
      return;
    }
    if (close) closed.add(n);
    else closed.delete(n);
    drawTree();
  }

  function drawTree() {
    let shut = Infinity;
    fields.forEach((field, n) => {
      if (field.depth <= shut) shut = Infinity;
      items[n].hidden = shut !== Infinity;
      if (!field.leaf) items[n].setAttribute("aria-expanded", String(!closed.has(n)));
      if (closed.has(n) && shut === Infinity) shut = field.depth;
    });
  }

  drawHex();
  drawTree();
  const first = fields.findIndex((field) => changed.has(field.name));
  choose(first >= 0 ? first : 0, "tree", true);
  return h(
    "div",
    { role: "group", class: `tl-part${part.secret ? " tl-secret" : ""}`, "aria-label": part.title },
    h("h4", { class: "tl-part-title" }, part.title, h("span", { class: "tl-dim", text: ` ${count(octets.length)}` }), part.secret && h("span", { class: "tl-chip tl-differs", text: "secret, shown because secrets=True" })),
    h("div", { class: "tl-split" }, h("div", { class: "tl-left" }, tree), h("div", { class: "tl-right" }, hex)),
    note,
  );
}

/** Scroll `child` into view inside `box`, and nothing else on the page. @param {HTMLElement} box @param {HTMLElement} child */
function reveal(box, child) {
  const outer = box.getBoundingClientRect();
  const inner = child.getBoundingClientRect();
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 24;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom + 24;
}

// ---------------------------------------------------------------------------------------------------- judgements

const ROW = 8; // octets a line: narrow enough for a pane beside a ladder beside a file browser

/**
 * Two octet strings, one under the other, differing octets marked by a sign below and not by colour alone.
 * @param {string} expected @param {string} found @param {[string, string]} labels
 */
function compare(expected, found, labels = ["expected", "found"]) {
  const a = octetsOf(expected);
  const b = octetsOf(found);
  const total = Math.max(a.length, b.length);
  const differing = Array.from({ length: total }, (_, n) => a[n] !== b[n]);
  const first = differing.indexOf(true);
  const box = h("div", { class: "tl-compare", role: "group", tabindex: "0", "aria-label": `Octets, ${labels[0]} and ${labels[1]}` });
  for (let start = 0; start < Math.min(total, 64); start += ROW) {
    for (const [label, list, kind] of /** @type {[string, string[], string][]} */ ([[labels[0], a, "want"], [labels[1], b, "have"]])) {
      const line = h("div", { class: "tl-cmp-row" }, h("span", { class: "tl-cmp-label", text: label }));
      for (let n = start; n < Math.min(start + ROW, total); n += 1) {
        line.append(h(differing[n] ? "mark" : "span", { class: `tl-octet tl-${kind}`, text: list[n] ?? "··" }));
      }
      box.append(line);
    }
    const marks = h("div", { class: "tl-cmp-row tl-cmp-marks", "aria-hidden": "true" }, h("span", { class: "tl-cmp-label" }));
    for (let n = start; n < Math.min(start + ROW, total); n += 1) marks.append(h("span", { class: "tl-octet", text: differing[n] ? "▲" : "" }));
    if (differing.slice(start, start + ROW).some(Boolean)) box.append(marks);
  }
  const sum = differing.filter(Boolean).length;
  const text = first < 0 ? `✔ equal in all ${count(total)}` : `first differing octet: ${first}; ${sum} of ${count(total)} differ`;
  box.append(h("p", { class: "tl-dim", text: total > 64 ? `${text}; the first 64 are shown` : text }));
  return box;
}

/** The binding as an equation. @param {any} equation */
function bindingView(equation) {
  const rows = equation.fields.map((/** @type {any} */ field) => {
    const same = field.verifier === field.attester;
    const mark = !equation.compared ? "" : same ? "pass" : "fail";
    return h(
      "tr",
      { class: `tl-m-${mark}` },
      h("td", { class: "tl-sign", text: SIGNS[mark], "aria-label": mark === "pass" ? "equal" : mark === "fail" ? "differs" : null, role: mark ? null : "cell" }),
      h("th", { scope: "row", text: field.name }),
      h("td", { class: "tl-mono", title: field.verifier ?? "", text: field.verifier === undefined ? "absent" : short(field.verifier) || "empty" }),
      equation.compared && h("td", { class: "tl-mono", title: field.attester ?? "", text: field.attester === undefined ? "absent" : short(field.attester) || "empty" }),
    );
  });
  return h(
    "div",
    { role: "group", class: "tl-binding", "aria-label": "The binding" },
    h("h4", { text: "The binding as an equation" }),
    h("p", { class: "tl-formula" }, "extraData ", h("b", { class: equation.holds ? "tl-m-pass" : "tl-m-fail", text: equation.holds ? "=" : "≠" }), " H( ", equation.fields.map((/** @type {any} */ f) => f.name).join(", "), " )"),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col", text: "field" }), h("th", { scope: "col", text: "recomputed here" }), equation.compared && h("th", { scope: "col", text: "under the quote" }))),
      h("tbody", {}, ...rows),
    ),
    compare(equation.binder, equation.extra_data, ["recomputed", "extraData"]),
  );
}

/** @param {LadderRow} row */
function verdictView(row) {
  const meta = row.meta ?? {};
  const mark = row.mark ?? "";
  const body = h("div", { class: "tl-verdict-body" });
  if (meta.expected || meta.found) body.append(compare(meta.expected ?? "", meta.found ?? ""));
  if (meta.clause) body.append(h("span", { class: "tl-clause", text: meta.clause }));
  const head = [
    h("span", { class: "tl-sign", "aria-hidden": "true", text: SIGNS[mark] }),
    h("span", { class: "tl-vname", text: row.name }),
    h("span", { class: "tl-hide", text: ` ${WORDS[mark]}. ` }),
    h("span", { class: "tl-vtext", text: row.text }),
  ];
  const content = body.childNodes.length
    ? h("details", { open: mark === "fail" }, h("summary", {}, ...head), body)
    : h("div", { class: "tl-nosummary" }, ...head);
  return h("li", { class: `tl-verdict tl-m-${mark}`, "data-check": row.name, "data-mark": mark }, content);
}

// ---------------------------------------------------------------------------------------------------- rows of the ladder

/** @param {LadderRow} row @param {string[]} lines */
function besideStyle(row, lines) {
  const index = lines.indexOf(row.at ?? "");
  const x = place(Math.max(0, index), lines.length);
  const last = lines.length > 1 && index === lines.length - 1;
  const next = last ? place(index - 1, lines.length) : index + 1 < lines.length ? place(index + 1, lines.length) : 100;
  return last
    ? { side: "left", style: `right:${100 - x}%;width:${Math.max(x - next, 0)}%` }
    : { side: "right", style: `left:${x}%;width:${next - x}%` };
}

/**
 * What stands in one option of the ladder.
 * @param {LadderRow} row @param {string[]} lines @param {LadderRow[]} rows
 * @returns {{nodes: (Node)[], label: string, css: string}}
 */
function drawRow(row, lines, rows) {
  const meta = row.meta ?? {};
  if (row.kind === "section") {
    return { css: "tl-section", label: `${row.name}. ${row.text ?? ""}`, nodes: [h("strong", { text: row.name }), h("span", { text: row.text })] };
  }
  if (row.kind === "message" || row.kind === "connect") return drawArrow(row, lines);
  if (row.kind === "appraisal") return drawAppraisal(row, rows);
  if (row.kind === "truth") return { css: "tl-truth", label: `Ground truth. ${row.text}`, nodes: [h("span", { class: "tl-over", text: "ground truth" }), h("span", { text: row.text || row.name })] };
  if (row.kind === "verdict") {
    return { css: `tl-loose tl-m-${row.mark}`, label: `${row.name} ${WORDS[row.mark ?? ""]}. ${row.text}`, nodes: [h("span", { text: `${SIGNS[row.mark ?? ""]} ${row.name}` })] };
  }
  let text = row.text || row.name || row.kind;
  let head = row.kind === "attack" ? meta.step ?? row.name : row.kind === "machine" ? row.name : "";
  if (row.kind === "binder") {
    head = meta.side === "verifier" ? "recomputes" : "binds";
    text = `${short(meta.binder ?? "")} = H(${(meta.fields ?? []).map((/** @type {any} */ f) => f[0]).join(", ")})`;
  }
  if (!lines.includes(row.at ?? "")) return { css: "tl-aside", label: `${head ? `${head}: ` : ""}${text}`, nodes: [h("span", {}, head && h("b", { text: `${head} ` }), text)] };
  const { side, style } = besideStyle(row, lines);
  const box = h("div", { class: `tl-beside tl-${side}`, style }, h("span", { class: "tl-dot", "aria-hidden": "true" }), h("span", { class: "tl-btext", title: row.kind === "binder" ? text : null }, head && h("b", { text: `${head} ` }), h("span", { text })));
  return { css: `tl-step ${tone(row.at)}`, label: `${row.at ?? ""}: ${head ? `${head}: ` : ""}${text}`, nodes: [box] };
}

/** @param {LadderRow} row @param {string[]} lines */
function drawArrow(row, lines) {
  const meta = row.meta ?? {};
  const from = lines.indexOf(row.at ?? "");
  const to = lines.indexOf(row.to ?? "");
  const known = from >= 0 && to >= 0 && from !== to;
  const a = place(Math.max(from, 0), lines.length);
  const b = known ? place(to, lines.length) : Math.min(a + 20, 98);
  const left = Math.min(a, b);
  const label = row.kind === "connect" ? `connects to ${meta.dst ?? "?"}` : meta.says ? `${row.name}: ${meta.says}` : row.name ?? "";
  const changed = /** @type {string[]} */ (meta.changed ?? []);
  const names = changed.map((name) => name.split(".").pop());
  const alert = meta.fatal === true;
  const arrow = h(
    "div",
    { class: `tl-arrow ${b >= a ? "tl-toright" : "tl-toleft"}${meta.encrypted ? " tl-enc" : ""}${row.kind === "connect" ? " tl-conn" : ""}${alert ? " tl-alert" : ""}`, style: `left:${left}%;width:${Math.abs(b - a)}%` },
    h(
      "span",
      { class: "tl-alabel" },
      alert && h("span", { "aria-hidden": "true", text: "✘ " }),
      h("span", { class: "tl-aname", text: label }),
      row.kind === "message" && h("span", { class: "tl-dim", text: ` ${row.size ?? 0}` }),
      meta.encrypted && h("span", { class: "tl-lock", title: "encrypted on the wire", "aria-hidden": "true" }),
      changed.length > 0 && h("span", { class: "tl-chip tl-differs", title: `differs from the other leg: ${changed.join(", ")}`, text: `≠ ${names.length > 1 ? `${names.length} fields` : names[0]}` }),
      meta.altered && h("span", { class: "tl-chip tl-differs", text: "✘ altered under way" }),
    ),
    h("span", { class: "tl-shaft", "aria-hidden": "true" }),
  );
  const spoken = `${label}, ${row.at || "?"} to ${row.to || "nobody seen"}${row.kind === "message" ? `, ${count(row.size ?? 0)}` : ""}${meta.encrypted ? ", encrypted" : ""}${changed.length ? `, differs from the other leg in ${names.join(", ")}` : ""}`;
  return { css: `tl-message ${tone(row.at)}`, label: spoken, nodes: [arrow] };
}

/** @param {LadderRow} row @param {LadderRow[]} rows */
function drawAppraisal(row, rows) {
  const meta = row.meta ?? {};
  const refused = row.mark === "fail";
  const verdicts = (meta.verdicts ?? []).map((/** @type {number} */ n) => rows[n]).filter(Boolean);
  const strip = h("span", { class: "tl-strip", "aria-hidden": "true" }, ...verdicts.map((/** @type {LadderRow} */ v) => h("span", { class: `tl-m-${v.mark}`, title: v.name ?? "", text: SIGNS[v.mark ?? ""] })));
  const title = refused ? `${row.at} refuses: ${meta.refused_by ?? "?"}` : `${row.at} accepts the evidence about ${meta.about ?? "its peer"}`;
  const nodes = [
    h("div", { class: "tl-ap-title" }, h("span", { class: "tl-sign", "aria-hidden": "true", text: SIGNS[row.mark ?? ""] }), h("strong", { text: title })),
    h("div", { class: "tl-ap-text", text: row.text }),
    strip,
  ];
  return { css: `tl-appraisal ${refused ? "tl-refused" : "tl-accepted"}`, label: `${refused ? "Refused" : "Accepted"}. ${title}. ${row.text ?? ""}`, nodes };
}

// ---------------------------------------------------------------------------------------------------- detail of a row

/** @param {[string, any][]} pairs */
function facts(pairs) {
  const list = h("dl", { class: "tl-facts" });
  for (const [name, value] of pairs) if (value !== "" && value !== undefined && value !== null) list.append(h("div", {}, h("dt", { text: name }), h("dd", { text: value })));
  return list;
}

/**
 * @param {LadderRow} row @param {Picture} picture
 * @param {(id: number) => void} go
 * @param {(text: string) => void} say
 * @returns {Node[]}
 */
function detail(row, picture, go, say) {
  const meta = row.meta ?? {};
  if (row.kind === "message" || row.kind === "connect") return messageDetail(row, picture, go, say);
  if (row.kind === "appraisal") {
    const verdicts = (meta.verdicts ?? []).map((/** @type {number} */ n) => picture.rows[n]);
    const failed = verdicts.find((/** @type {LadderRow} */ v) => v.name === meta.refused_by);
    return [
      h("p", { class: "tl-sentence", text: row.text }),
      meta.binding && (!failed || failed.name === "extraData") && bindingView(meta.binding),
      failed && failed.name !== "extraData" && h("div", { class: "tl-why" }, h("h4", { text: `The check that refused: ${failed.name}` }), h("p", { text: failed.text }), compare(failed.meta?.expected ?? "", failed.meta?.found ?? "")),
      h("h4", { text: `What ${row.at} checked` }),
      h("ul", { class: "tl-verdicts", "aria-label": "Verdicts" }, ...verdicts.map(verdictView)),
      meta.binding && failed && failed.name !== "extraData" && bindingView(meta.binding),
    ].filter(Boolean);
  }
  if (row.kind === "tpm") {
    return [
      facts([["machine", row.at], ["asked by", meta.client], ["locality", meta.locality], ["answer", meta.rc_name || (meta.rc === undefined ? "none yet" : `0x${Number(meta.rc).toString(16)}`)], ["time", meta.ms === undefined ? "" : `${Number(meta.ms).toFixed(2)} ms`]]),
      ...(row.parts ?? []).map((part) => octetsView(part, new Set(), say)),
    ];
  }
  if (row.kind === "binder") {
    const table = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "field" }), h("th", { scope: "col", text: "octets" }))), h("tbody", {}, ...(meta.fields ?? []).map((/** @type {any} */ f) => h("tr", {}, h("th", { scope: "row", text: f[0] }), h("td", { class: "tl-mono tl-wrap", text: f[1] || "empty" })))));
    return [
      h("p", { class: "tl-sentence", text: meta.side === "verifier" ? `${row.at} recomputes the binder from its own end of the connection.` : `${row.at} has these fields hashed into the quote as extraData.` }),
      h("div", { role: "group", class: "tl-binding", "aria-label": "Binder" }, h("h4", { text: `${row.name}, role ${meta.role ?? "?"}` }), table, h("p", { class: "tl-formula tl-wrap" }, "H( … ) = ", h("span", { class: "tl-mono", text: meta.binder }))),
    ];
  }
  if (row.kind === "verdict") return [h("ul", { class: "tl-verdicts" }, verdictView(row))];
  const rest = Object.entries(meta).filter(([, value]) => typeof value !== "object" || value === null);
  return [
    h("p", { class: "tl-sentence", text: row.text }),
    facts(/** @type {[string, any][]} */ (rest)),
    ...(row.parts ?? []).map((part) => octetsView(part, new Set(), say)),
  ];
}

/** @type {typeof detail} */
function messageDetail(row, picture, go, say) {
  const meta = row.meta ?? {};
  const readers = meta.encrypted ? `encrypted on the wire; shown as its ends, ${row.at} and ${row.to}, can read it` : "in clear: everybody on the wire can read it";
  const twin = meta.twin === undefined ? null : picture.rows[meta.twin];
  const records = /** @type {[number, number][]} */ (meta.records ?? []);
  const pairs = /** @type {[string, any][]} */ ([
    ["from", row.at],
    ["to", row.to],
    ["connection", row.connection],
    ["addressed to", meta.dst],
    ["on the wire", row.kind === "message" ? readers : ""],
    ["records", records.map(([a, b]) => `${a}–${b - 1}`).join(", ")],
    ["frames", meta.frames],
    ["seen by", meta.passive ? "capture alone, with the key log" : ""],
  ]);
  const other = twin && h(
    "div",
    { class: "tl-twin" },
    h("button", { class: "tl-button", type: "button", text: "the same message on the other leg", on: { click: () => go(twin.id) } }),
    h("span", { text: meta.changed?.length ? ` differs in: ${meta.changed.join(", ")}` : " is the same, octet for octet" }),
  );
  return [
    row.text ? h("p", { class: "tl-sentence", text: row.text }) : null,
    facts(pairs),
    other,
    meta.log ? logView(meta.log) : null,
    ...(row.parts ?? []).map((part) => octetsView(part, new Set(meta.changed ?? []), say)),
  ].filter((node) => node !== null);
}

/** The event log, replayed: what each event makes of its PCR, and whether the quoted machine's PCR agrees. @param {any[]} log */
function logView(log) {
  const rows = log.map((step) =>
    h(
      "tr",
      { class: step.agrees === false ? "tl-m-fail" : step.agrees ? "tl-m-pass" : "" },
      h("th", { scope: "row", text: `PCR ${step.pcr}` }),
      h("td", {}, h("span", { class: "tl-says", text: step.says }), h("span", { class: "tl-dim", text: ` ${step.type}` })),
      h("td", { class: "tl-mono", title: `SHA-256( ${step.before} ‖ ${step.digest} ) = ${step.after}` }, `${short(step.before).slice(0, 8)}… ‖ ${step.digest.slice(0, 8)}… → ${step.after.slice(0, 8)}…`),
      h("td", { class: "tl-word", text: step.agrees === true ? "✔ as sent" : step.agrees === false ? "✘ differs" : "" }),
    ),
  );
  return h(
    "details",
    { class: "tl-binding tl-log" },
    h("summary", { text: `The event log in it, replayed: ${log.length} events` }),
    h("p", { class: "tl-dim", text: "Each event extends its PCR: new value = SHA-256( old value ‖ digest ). The last value of each PCR must be the quoted one." }),
    h("table", {}, h("thead", {}, h("tr", {}, ...["PCR", "measured", "old ‖ digest → new", "PCR value"].map((text) => h("th", { scope: "col", text })))), h("tbody", {}, ...rows)),
  );
}

/**
 * Who holds what, up to a row: names always, values only where the inspector was opened with secrets.
 * @param {Picture} picture @param {number} upto
 */
function holdings(picture, upto) {
  const columns = picture.lifelines.map((party) => {
    const held = picture.keys.filter((key) => key.party === party && key.row <= upto);
    const seen = new Set();
    const list = h("ul", {});
    for (const key of held) {
      const name = `${key.name}${key.connection ? ` · ${key.connection}` : ""}`;
      if (seen.has(`${name}/${key.hex ?? ""}`)) continue;
      seen.add(`${name}/${key.hex ?? ""}`);
      const title = [party === "alice" && h("span", { class: "tl-sign", text: "✘ " }), h("span", { text: key.name }), key.connection && h("span", { class: "tl-dim", text: ` ${key.connection}` })];
      list.append(
        h(
          "li",
          { class: party === "alice" ? "tl-m-fail" : "" },
          key.hex
            ? h(
                "details",
                {},
                h("summary", {}, ...title),
                (key.inputs ?? []).length > 0 && h("p", { class: "tl-dim", text: `made of ${(key.inputs ?? []).join(", ")}` }),
                h("p", { class: "tl-mono tl-wrap", text: key.hex }),
                key.snippet && h("pre", { tabindex: "0", "aria-label": `Python that makes ${key.name}`, text: key.snippet }),
              )
            : h("span", {}, ...title),
        ),
      );
    }
    return h("div", { class: `tl-holder ${tone(party)}` }, h("h4", { text: party }), held.length ? list : h("p", { class: "tl-dim", text: "nothing secret yet" }));
  });
  return h("div", { class: "tl-holders" }, ...columns);
}

/** @param {LadderRow} row */
function headline(row) {
  if (row.kind === "appraisal") return row.mark === "fail" ? `Refused by ${row.at}: ${row.meta?.refused_by ?? "?"}` : `Accepted by ${row.at}`;
  if (row.kind === "binder") return row.meta?.side === "verifier" ? "Binder, recomputed" : "Binder, into the quote";
  if (row.kind === "attack") return `Alice: ${row.meta?.step ?? row.name}`;
  return row.meta?.says ? `${row.name}: ${row.meta.says}` : row.name || row.kind;
}

// ---------------------------------------------------------------------------------------------------- the view

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const picture = /** @type {Picture} */ (model.get("_picture"));
  const id = `tl-${(serial += 1)}-${Math.random().toString(36).slice(2)}`;
  /** @type {Map<number, HTMLElement>} */
  const options = new Map();
  let selected = -1;
  let byHand = false;
  /** @type {string[]} */
  let lines = [];
  /** @type {HTMLElement | null} */
  let cluster = null;
  let clusterKey = "";

  const status = h("div", { class: "tl-status", role: "status", "aria-live": "polite" });
  const names = h("div", { class: "tl-names", "aria-hidden": "true" });
  const list = h("div", { class: "tl-list", role: "listbox", tabindex: "0", "aria-label": "Ladder: messages, TPM commands and verdicts in their order", id: `${id}-list` });
  const scroller = h("div", { class: "tl-scroll" }, names, list);
  const pane = h("div", { class: "tl-pane", role: "group", tabindex: "0", "aria-label": "Detail of the selected row" });
  const outcome = h("div", { class: "tl-outcome" });
  const tools = h("div", { class: "tl-tools" });
  const holders = h("div", {});
  const know = h("details", { class: "tl-know" }, h("summary", { text: "Who holds which secret, up to the chosen row" }), holders);
  know.addEventListener("toggle", () => drawHolders());
  const root = h(
    "div",
    { class: "tl", "data-rows": "0" },
    h(
      "div",
      { class: "tl-head" },
      h("div", { class: "tl-title" }, h("strong", { text: model.get("_title") || "Inspector" }), h("details", { class: "tl-badge" }, h("summary", { text: model.get("_substrate") }), h("p", { text: model.get("_badge") }))),
      tools,
    ),
    model.get("_secrets") && h("p", { class: "tl-warning" }, h("b", { text: "Secrets are shown: " }), "this inspector was opened with secrets=True, and private plaintext and keys are in this page."),
    outcome,
    h("div", { class: "tl-main" }, scroller, pane),
    know,
    status,
  );

  let said = 0;
  /** @param {string} text */
  function say(text) {
    said += 1;
    const mine = said;
    setTimeout(() => { if (mine === said) status.textContent = text; }, 120);
  }

  // Tools

  for (const [kind, label] of [["tpm", "TPM commands"], ["machine", "machine steps"]]) {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
    box.checked = true;
    box.addEventListener("change", () => root.classList.toggle(`tl-no-${kind}`, !box.checked));
    tools.append(h("label", { class: "tl-check" }, box, label));
  }
  if (model.get("_controls")) {
    for (const action of ["pause", "step", "play"]) tools.append(h("button", { class: "tl-button", type: "button", text: action, on: { click: () => model.send({ type: "control", action }) } }));
  }
  const refusalButton = h("button", { class: "tl-button tl-goto", type: "button", text: "✘ go to the refusal", hidden: true, on: { click: () => { const row = refusal(); if (row) select(row.id, true, true); } } });
  tools.append(refusalButton);

  if (model.get("_live")) {
    const menu = h("details", { class: "tl-menu" }, h("summary", { class: "tl-button", text: "keep" }));
    const items = h("div", { class: "tl-menu-items" });
    for (const [what, label] of [["page", "this page (.html)"], ["trace", "the trace (.jsonl)"], ["capture", "a capture (.pcapng)"]]) {
      items.append(h("button", { class: "tl-button", type: "button", text: label, on: { click: () => { model.send({ type: "download", what, asker: id }); menu.removeAttribute("open"); } } }));
    }
    menu.append(items);
    tools.append(menu);
  }

  function drawHolders() {
    if (/** @type {HTMLDetailsElement} */ (know).open) holders.replaceChildren(holdings(picture, selected >= 0 ? selected : picture.rows.length));
  }

  function refusal() {
    return [...picture.rows].reverse().find((row) => row.kind === "appraisal" && row.mark === "fail");
  }

  function drawNames() {
    names.replaceChildren(...lines.map((name, n) => h("span", { class: `tl-name ${tone(name)}`, style: `left:${place(n, lines.length)}%`, text: name })));
    list.style.setProperty("--tl-lines", lines.map((_, n) => `linear-gradient(var(--tl-line),var(--tl-line)) ${place(n, lines.length)}% 0 / 1px 100% no-repeat`).join(",") || "none");
  }

  function drawOutcome() {
    const refused = refusal();
    refusalButton.hidden = !refused;
    outcome.replaceChildren();
    const knows = picture.alice_knows;
    if (knows !== null && knows !== undefined) {
      outcome.append(
        knows.length
          ? h("p", { class: "tl-knows tl-m-fail" }, h("b", { text: "✘ Alice knows: " }), knows.join(", "))
          : h("p", { class: "tl-knows tl-m-pass" }, h("b", { text: "✔ Alice knows none of Bob's secrets. " }), "Derived from the octets she saw and the keys she holds."),
      );
    }
  }

  /** @param {LadderRow} row */
  function draw(row) {
    const before = options.get(row.id);
    if (row.kind === "verdict" && row.meta?.appraisal !== undefined) {
      before?.remove();
      options.delete(row.id);
      return;
    }
    const node = row.kind === "tpm" ? chip(row) : line(row);
    node.classList.add(`tl-k-${row.kind}`);
    if (row.id === selected) mark(node, true);
    options.set(row.id, node);
    if (before) before.replaceWith(node);
    else if (row.kind === "tpm") clusterFor(row).append(node);
    else {
      cluster = null;
      list.append(node);
    }
  }

  /** @param {LadderRow} row */
  function line(row) {
    const { nodes, label, css } = drawRow(row, lines, picture.rows);
    return h("div", { class: `tl-row ${css}`, role: "option", id: `${id}-r${row.id}`, "data-row": row.id, "data-kind": row.kind, "data-name": row.name ?? "", "aria-label": label, "aria-selected": "false" }, ...nodes);
  }

  /** @param {LadderRow} row */
  function chip(row) {
    const meta = row.meta ?? {};
    const failed = row.mark === "fail";
    const ms = meta.ms === undefined ? "" : `${Number(meta.ms).toFixed(1)} ms`;
    return h(
      "span",
      { class: `tl-tick${failed ? " tl-m-fail" : ""}`, role: "option", id: `${id}-r${row.id}`, "data-row": row.id, "data-kind": "tpm", "data-name": row.name ?? "", "aria-selected": "false",
        "aria-label": `TPM of ${row.at}: ${row.name}, asked by ${meta.client ?? "?"} at locality ${meta.locality ?? "?"}, ${ms}${failed ? `, failed: ${meta.rc_name}` : ""}` },
      h("span", { text: `${failed ? "✘ " : ""}${(row.name ?? "").replace("TPM2_", "")}` }),
      h("span", { class: "tl-dim", text: failed ? ` ${meta.rc_name ?? ""}` : ` ${ms.replace(" ms", "")}` }),
    );
  }

  /** TPM commands in a row share a line. @param {LadderRow} row */
  function clusterFor(row) {
    const key = `${row.at}/${row.meta?.client}/${row.meta?.locality}`;
    if (cluster && clusterKey === key) return /** @type {HTMLElement} */ (cluster.lastElementChild);
    const { side, style } = besideStyle(row, lines);
    const chips = h("div", { class: `tl-beside tl-ticks tl-${side}`, style, role: "presentation" }, h("span", { class: "tl-tpm", "aria-hidden": "true", text: "TPM" }));
    cluster = h("div", { class: `tl-cluster ${tone(row.at)}`, role: "group", "aria-label": `TPM of ${row.at}` }, chips);
    clusterKey = key;
    list.append(cluster);
    return chips;
  }

  // Selecting

  /** @param {HTMLElement} node @param {boolean} on */
  function mark(node, on) {
    node.classList.toggle("tl-selected", on);
    node.setAttribute("aria-selected", String(on));
  }

  /** @param {number} next @param {boolean} hand @param {boolean} [show] */
  function select(next, hand, show = true) {
    const node = options.get(next);
    const row = picture.rows[next];
    if (!node || !row) return;
    const old = options.get(selected);
    if (old) mark(old, false);
    selected = next;
    byHand = byHand || hand;
    if (hand) picture.chosen = next;
    mark(node, true);
    list.setAttribute("aria-activedescendant", node.id);
    if (show) reveal(scroller, node);
    drawPane(row);
    drawHolders();
    el.dispatchEvent(new CustomEvent("tl-select", { detail: next }));
    if (hand) say(node.getAttribute("aria-label") ?? "");
  }

  /** @param {LadderRow} row */
  function drawPane(row) {
    const where = row.at ? (row.to ? `${row.at} → ${row.to}` : row.at) : "";
    pane.replaceChildren(
      h("div", { class: `tl-pane-head${row.mark ? ` tl-m-${row.mark}` : ""}` }, h("h3", { text: `${SIGNS[row.mark ?? ""] ? `${SIGNS[row.mark ?? ""]} ` : ""}${headline(row)}` }), h("span", { class: `tl-where ${tone(row.at)}`, text: where })),
      ...detail(row, picture, (to) => select(to, true), say),
    );
    pane.scrollTop = 0;
  }

  function visible() {
    return [...list.querySelectorAll("[role=option]")].filter((node) => /** @type {HTMLElement} */ (node).offsetParent !== null).map((node) => Number(/** @type {HTMLElement} */ (node).dataset.row));
  }

  list.addEventListener("click", (event) => {
    const node = /** @type {HTMLElement} */ (event.target).closest("[data-row]");
    if (node) select(Number(/** @type {HTMLElement} */ (node).dataset.row), true, false);
  });
  list.addEventListener("keydown", (event) => {
    const order = visible();
    const here = order.indexOf(selected);
    const to = /** @type {Record<string, number>} */ ({ ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: here - 1, ArrowLeft: here - 1, PageDown: here + 10, PageUp: here - 10, Home: 0, End: order.length - 1 })[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      select(order[Math.max(0, Math.min(order.length - 1, to))], true);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.stopPropagation();
      const tree = /** @type {HTMLElement | null} */ (pane.querySelector(".tl-tree"));
      (tree ?? pane).focus();
    }
  });
  pane.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    list.focus();
  });

  // Growing

  function drawAll() {
    lines = [...picture.lifelines];
    options.clear();
    list.replaceChildren();
    cluster = null;
    drawNames();
    for (const row of picture.rows) draw(row);
  }

  /** @param {number[]} changed */
  function grow(changed) {
    const whole = lines.join() !== picture.lifelines.join();
    const low = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    if (whole) drawAll();
    else for (const n of changed) draw(picture.rows[n]);
    root.dataset.rows = String(picture.rows.length);
    list.classList.toggle("tl-empty", picture.rows.length === 0);
    drawOutcome();
    const refused = changed.map((n) => picture.rows[n]).find((row) => row.kind === "appraisal" && row.mark === "fail");
    const last = changed.map((n) => picture.rows[n]).filter((row) => row.kind === "appraisal").pop();
    if (!byHand && last && options.has(last.id)) {
      const now = refused ?? last;
      select(now.id, false, true);
    } else if (!byHand && low) scroller.scrollTop = scroller.scrollHeight;
    if (byHand && changed.includes(selected) && !pane.contains(document.activeElement)) drawPane(picture.rows[selected]);
    const newest = changed.length ? options.get(changed[changed.length - 1]) : null;
    if (refused) say(`Refused. ${refused.at}: ${refused.meta?.refused_by}. ${refused.text ?? ""}`);
    else if (newest && !byHand) say(`${picture.rows.length} rows; last: ${newest.getAttribute("aria-label")}`);
  }

  /** @param {any} message @param {DataView[]} [buffers] */
  function onMessage(message, buffers) {
    if (message.type === "select") return select(message.row, true);
    if (message.type === "file") {
      if (message.asker === id && buffers) offer(message.name, buffers[0]);
      return;
    }
    const changed = apply(picture, message);
    if (changed === null) model.send({ type: "resync" });
    else grow(changed);
  }

  model.on("msg:custom", onMessage);
  el.replaceChildren(root);
  pane.append(h("p", { class: "tl-hint" }, "Choose a row of the ladder, by mouse or with the arrow keys, to see its octets and fields here. Enter goes to the fields, Escape comes back."));
  drawAll();
  grow([]);
  root.dataset.rows = String(picture.rows.length);
  const first = refusal() ?? [...picture.rows].reverse().find((row) => row.kind === "appraisal") ?? picture.rows.find((row) => row.kind === "message");
  // The list has no size yet while it is not in the page.
  requestAnimationFrame(() => {
    if (picture.chosen !== undefined) select(picture.chosen, true);
    else if (first && selected < 0) select(first.id, false, true);
  });
  return () => model.off("msg:custom", onMessage);
}

/** Hand a file to the reader. @param {string} name @param {DataView} octets */
function offer(name, octets) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (/** @type {unknown} */ (octets))]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @param {{model: Model}} context */
function initialize({ model }) {
  const picture = /** @type {Picture} */ (model.get("_picture"));
  const onMessage = (/** @type {any} */ message) => {
    if (apply(picture, message) === null) model.send({ type: "resync" });
  };
  model.on("msg:custom", onMessage);
  return () => model.off("msg:custom", onMessage);
}

export default { initialize, render };
