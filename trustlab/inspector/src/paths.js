/** Fields of a piece by number and by path: "extensions/attestation/nonce", the same in every run. */

/**
 * @typedef {import("./types.js").Piece} Piece
 * @typedef {{n: number, label: string, depth: number, start: number, end: number, value: string, note: string, clause: string,
 *   path: string, parent: number, leaf: boolean, last: number}} Field
 */

/** @type {WeakMap<object, {texts: number, fields: Field[]}>} */
const kept = new WeakMap();

/**
 * Return a piece's fields with their words. `path` is their labels from the outermost on; the second field of one path ends in "[1]".
 * `last` is the number of the last field inside, or its own.
 * @param {Piece | undefined} piece
 * @param {string[]} texts
 * @returns {Field[]}
 */
export function fieldsOf(piece, texts) {
  if (!piece) return [];
  const known = kept.get(piece);
  if (known && known.texts === texts.length) return known.fields;
  /** @type {Field[]} */
  const fields = [];
  /** @type {Field[]} */
  const stack = [];
  /** @type {Map<string, number>} */
  const seen = new Map();
  piece.fields.forEach(([label, depth, start, end, value, note, clause], n) => {
    stack.length = Math.min(depth, stack.length);
    const name = texts[label] ?? "";
    const parent = stack.at(-1);
    const plain = parent ? `${parent.path}/${name}` : name;
    const count = seen.get(plain) ?? 0;
    seen.set(plain, count + 1);
    const next = piece.fields[n + 1];
    /** @type {Field} */
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

/**
 * Find a field by its path, or by the end of it: "random" and "extensions/attestation/nonce" both do. -1 if there is none.
 * @param {Field[]} fields
 * @param {string} path
 */
export function fieldAt(fields, path) {
  if (!path) return -1;
  const exact = fields.find((one) => one.path === path);
  return (exact ?? fields.find((one) => one.path.endsWith(`/${path}`)))?.n ?? -1;
}

/**
 * The innermost field that holds a byte, or -1.
 * @param {Field[]} fields @param {number} byte
 */
export function fieldOfByte(fields, byte) {
  let found = -1;
  for (const one of fields) if (one.start <= byte && byte < one.end && (found < 0 || one.depth >= fields[found].depth)) found = one.n;
  return found;
}
