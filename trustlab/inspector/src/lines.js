/** Rows -> lines of the ladder: what stands beside what, what is folded, what a filter leaves. Pure. */

/**
 * @typedef {import("./types.js").AnyRow} AnyRow
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {"pair" | "say" | "tpm" | "fold" | "sub" | "verdict" | "read" | "bind" | "caption"} LineKind
 * @typedef {{t: LineKind, ids: number[], key?: string, open?: boolean}} Line
 * @typedef {{aligned: boolean, filter: {messages: boolean, failures: boolean, party: string}, folds: Set<string>}} Choice
 */

const BARS = 24;
const SHORT = 3;

/**
 * Whether a filter leaves a row.
 * @param {AnyRow} row @param {Choice["filter"]} filter
 */
export function passes(row, filter) {
  if (filter.party && row.at !== filter.party && row.to !== filter.party) return false;
  if (filter.messages && !["message", "appraisal", "read"].includes(row.kind)) return false;
  if (!filter.failures) return true;
  if (row.kind === "message") return row.fatal || row.dropped || row.altered;
  if (row.kind === "tpm") return row.rc !== 0;
  return row.mark === "fail" || (row.kind === "read" && row.secret);
}

/**
 * Return the lines for rows. `ids` are the rows of a line in order of time; two of a `pair` are one message on two legs.
 * @param {AnyRow[]} rows
 * @param {Choice} choice
 * @returns {Line[]}
 */
export function linesOf(rows, choice) {
  /** @type {Line[]} */
  const lines = [];
  /**
   * Lines that belong behind an earlier one: what Alice says of the leg that is drawn there.
   * @type {Map<Line, Line[]>}
   */
  const behind = new Map();
  /** @type {Map<number, Line>} */
  const drawn = new Map();
  const { filter, aligned } = choice;
  /**
   * Where each connection opens.
   * @type {Map<string, Line>}
   */
  const opened = new Map();
  const filtered = filter.messages || filter.failures || filter.party !== "";
  /** Machines' steps before this row are known to stand open. */
  let clear = 0;
  /** @type {Line | null} */
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
    /** @type {Line} */
    const line = { t: kindOf(row), ids: [n] };
    if (line.t === "pair") {
      const twin = aligned && "twin" in row ? row.twin : null;
      if (twin !== null && twin > n && rows[twin] && passes(rows[twin], filter)) line.ids.push(twin);
      for (const id of line.ids) drawn.set(id, line);
      if (row.kind === "connect") opened.set(row.connection, line);
    }
    // What speaks of a leg or a connection that is drawn already stands behind it.
    const spoken = aligned && row.kind === "attack" ? drawn.get(n + 1) : undefined;
    const place = aligned && row.kind === "truth" ? opened.get(row.connection) : spoken;
    if (place) behind.set(place, [...(behind.get(place) ?? []), line]);
    else lines.push(line);
  }
  return behind.size ? lines.flatMap((line) => [line, ...(behind.get(line) ?? [])]) : lines;
}

/** @param {AnyRow} row @returns {LineKind} */
function kindOf(row) {
  if (row.kind === "message" || row.kind === "connect") return "pair";
  if (row.kind === "appraisal") return "verdict";
  if (row.kind === "read") return "read";
  if (row.kind === "binder") return "bind";
  return row.kind === "section" ? "caption" : "say";
}

/**
 * Where a stretch of machines that start or stop ends, their steps and their TPMs'; and how far it was looked for.
 * @param {AnyRow[]} rows @param {number} from @returns {[number, number]}
 */
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
  // TPM commands behind the last machine's step belong to what follows.
  let last = end;
  while (last > from && rows[last - 1].kind !== "machine") last -= 1;
  return [last, end];
}

/** @param {AnyRow[]} rows @param {number} from @param {number} end @param {Set<string>} folds @returns {Line[]} */
function folded(rows, from, end, folds) {
  const ids = [];
  /** @type {Line[]} */
  const attacks = [];
  for (let n = from; n < end; n += 1) {
    if (rows[n].kind === "attack") attacks.push({ t: "say", ids: [n] });
    else ids.push(n);
  }
  const key = `fold-${from}`;
  const open = folds.has(key);
  /** @type {Line[]} */
  const subs = open ? ids.map((id) => ({ t: "sub", ids: [id] })) : [];
  return [{ t: "fold", ids, key, open }, ...subs, ...attacks];
}

/**
 * The line of each row, by id; a row without a line of its own has that of the next one that has, as a check that of its appraisal.
 * @param {Line[]} lines
 * @param {number} count
 */
export function placesOf(lines, count) {
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
