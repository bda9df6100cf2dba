/** Bytes in cells: one piece, or a piece and its twin laid side by side field by field. Pure. */
import { fieldsOf } from "./paths.js";

/**
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {import("./paths.js").Field} Field
 * @typedef {{key: string, start: number, end: number, field: number}} Run bytes of one field, or of a field's own between those inside it
 * @typedef {{at: number, length: number, a: Run | null, b: Run | null}} Segment
 * @typedef {{segments: Segment[], cells: number, differing: number}} Strip
 */

/**
 * Cut a piece into its innermost fields and what lies between them.
 * @param {Piece} piece
 * @param {string[]} texts
 * @returns {Run[]}
 */
function runsOf(piece, texts) {
  const fields = fieldsOf(piece, texts);
  const size = piece.hex.length / 2;
  /** @type {Run[]} */
  const runs = [];
  let at = 0;
  let owner = -1;
  for (const field of fields) {
    if (!field.leaf) {
      // Bytes before this field belong to what lies around it.
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

/**
 * Lay a piece out, beside its twin if there is one: a field that is longer on one side leaves a gap on the other, so that what
 * follows still lines up.
 * @param {Piece} piece
 * @param {Piece | null} twin
 * @param {string[]} texts
 * @returns {Strip}
 */
export function stripOf(piece, twin, texts) {
  const left = runsOf(piece, texts);
  const right = twin ? runsOf(twin, texts) : [];
  /** @type {Segment[]} */
  const segments = [];
  let cells = 0;
  let differing = 0;
  /** @param {Run | null} a @param {Run | null} b */
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

/**
 * How many bytes differ, counting those that only one side has.
 * @param {string} one
 * @param {Run | null} a
 * @param {string} other
 * @param {Run | null} b
 */
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

/**
 * The segment that holds a cell.
 * @param {Segment[]} segments
 * @param {number} cell
 */
export function segmentAt(segments, cell) {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].at <= cell) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The cell of a byte of the piece, or the first cell.
 * @param {Segment[]} segments
 * @param {number} byte
 */
export function cellOf(segments, byte) {
  for (const { at, a } of segments) if (a && a.start <= byte && byte < a.end) return at + byte - a.start;
  return 0;
}
