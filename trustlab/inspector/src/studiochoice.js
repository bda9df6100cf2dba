/** The reader's choices as a value: what a click makes of them, and the line of text by which an answer is found. */

/**
 * @typedef {"server" | "client"} Side
 * @typedef {"never" | "may" | "always"} ByClient
 * @typedef {{server: string[], client: string[], origins: string[], attests: ByClient, client_key: ByClient}} Offer
 * @typedef {{tls: string, when: string, key_origin: string, asks_key: boolean, client_key: boolean, server: string[],
 *   client: string[] | null, powers: string[], goal: string, replay: boolean}} Choice
 * @typedef {{offers: Record<string, Record<string, Offer>>, fields: Record<string, [string, string]>,
 *   placements: Record<string, string>, origins: Record<string, string>, powers: Record<string, string>,
 *   goals: Record<string, string>, provenances: Record<string, string>, presets: Record<string, Choice>,
 *   sentences: Record<string, string>}} Choices
 */

/** Fields with which a client that begins to attest begins. */
const FIRST = ["L", "C"];

/**
 * @param {Choices} all @param {Choice} choice
 * @returns {Offer}
 */
export const offerOf = (all, choice) => all.offers[choice.tls][choice.when];

/**
 * Return the choices with some of them changed. What no longer fits is changed with them: fields that are not there at
 * a placement, a kind of key that the lab does not make there, a quote or a key that the client has to have or cannot.
 * @param {Choices} all @param {Choice} choice @param {Partial<Choice>} change
 * @returns {Choice}
 */
export function changed(all, choice, change) {
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

/**
 * Return the choices with one field put in or left out.
 * @param {Choices} all @param {Choice} choice @param {Side} side @param {string} field
 */
export function toggled(all, choice, side, field) {
  const fields = choice[side] ?? [];
  return changed(all, choice, { [side]: fields.includes(field) ? fields.filter((name) => name !== field) : [...fields, field] });
}

/**
 * Return all choices as one line of text, as `Proposal.key` has it.
 * @param {Choice} choice
 */
export function keyOf(choice) {
  const flags = [choice.asks_key, choice.client_key, choice.replay].map(Number).join("");
  return [choice.tls, choice.when, choice.key_origin, flags, choice.server.join(","), choice.client === null ? "-" : choice.client.join(","), choice.powers.join(","), choice.goal].join("|");
}

/**
 * @typedef {{party: string, message: string, sends: boolean, did: string, fields: Record<string, string>}} DrawnStep
 * @typedef {{key: string, name?: string, verdict?: string, bounds?: string, states?: number, seconds?: number,
 *   steps?: DrawnStep[], turns?: [Side, string][], python?: string, error?: string}} Answer
 * @typedef {{pool: any[], table: Record<string, [number, number, number, number, number[], number[]]>}} Atlas
 */

/**
 * Look an answer up in the atlas of a page.
 * @param {Atlas} atlas @param {Choices} all @param {Choice} choice
 * @returns {Answer | null}
 */
export function lookedUp(atlas, all, choice) {
  const key = keyOf(choice);
  const row = atlas.table[key];
  if (!row) return null;
  const [name, verdict, bounds] = row.slice(0, 3).map((n) => atlas.pool[/** @type {number} */ (n)]);
  /** @type {[Side, string][]} */
  const turns = [];
  for (const side of /** @type {Side[]} */ (["server", "client"])) {
    for (const field of side === "client" && choice.client === null ? [] : offerOf(all, choice)[side]) {
      const other = atlas.table[keyOf(toggled(all, choice, side, field))];
      if (other && atlas.pool[other[1]] !== verdict) turns.push([side, field]);
    }
  }
  return { key, name, verdict, bounds, states: row[3], steps: row[4].map((n) => atlas.pool[n]), python: row[5].map((n) => atlas.pool[n]).join("\n"), turns };
}
