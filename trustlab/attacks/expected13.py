"""The signed table of TLS 1.3: what each attack does to each design, with a sentence and a source for every cell.

Marks as in `expected`: `S` the client accepts while Alice holds the traffic keys, or while it speaks with a machine of
hers; `x` it does not. Rows say what they assume: that Alice can use the bank's key (it has a password, she has
locality 0; a TPM's key does not leak), that the secret of the key agreement is known. The last row has two ways.
"""

from __future__ import annotations

import msgspec

from trustlab.attacks import CATALOGUE
from trustlab.attacks.expected import Cell, Mark
from trustlab.passage import LADDER13


class Row(msgspec.Struct, frozen=True):
    """One row of the signed table: its words, and the attacks that play it; every one must come out alike."""

    words: str
    attacks: tuple[str, ...]


ROWS = (
    Row("relay, own key, rogue certificate", ("rogue-certificate",)),
    Row("server's key usable, relay (CVE-2026-33697)", ("evidence-relay",)),
    Row("server's key usable, replay", ("evidence-replay",)),
    Row("DH secret known, handshake untouched", ("known-dh-secret",)),
    Row("key usable and DH secret known, Alice speaks after ServerHello", ("known-dh-secret-and-key",)),
    Row("Alice's own genuine machine, same image, no pin", ("own-genuine-machine",)),
    Row(
        "the same with the machine pinned, or another image",
        ("own-genuine-machine-pinned", "own-genuine-machine-other-image"),
    ),
)
"""The rows of the signed table, in its order; the columns are `LADDER13`."""

_NOTHING_TIES = "The nonce is the teller's and the quote is fresh; nothing in it says for which channel it was made."
_OTHER_KEY = "The evidence names the bank's key; the key in Alice's certificate is another."
_SAME_KEY = "The evidence names the bank's key, and the bank's TPM signs for Alice's channel too."
_SAME_KEY_FRESH = "The nonce is the teller's, the key is the bank's, and the bank's TPM signs for Alice's channel too."
_OTHER_HELLOS = "The evidence names the hellos of Alice's own channel to the bank; the teller's has other key shares."
_OTHER_AGREEMENT = (
    "The evidence holds the secret of Alice's key agreement with the bank; hers with the teller is another."
)
_OTHER_EXPORTER = "The evidence holds the exporter of Alice's channel to the bank; the teller's channel has another."
_OLD_NONCE = "The evidence holds the nonce of an earlier connection."
_FOR_EVER = "Evidence over the key alone is good for every connection there will be."
_OLD_HELLOS = "The evidence names the hellos of an earlier connection."
_OLD_AGREEMENT = "The evidence holds the secret of an earlier connection's key agreement."
_OLD_EXPORTER = "The evidence holds the exporter of an earlier connection, over another request's context."
_PASSIVE = "Nothing on the wire differs from an honest run: with the secret, the traffic keys follow for who listens."
_AFTER_HELLO = "All that the evidence names ends with ServerHello; what Alice says after it is not compared."
_WHOLE = "The exporter covers everything up to Finished, and what Alice said in between differs."
_TRUE = "Everything in the evidence is true, the exporter included: the machine is genuine, and it is Alice's."
_PINNED = "The quote is by the TPM of another machine than the policy names."
_IMAGE = "The image that the genuine machine measured is not one that Bob published."

_CELLS: dict[str, tuple[tuple[Mark, str], ...]] = {
    "rogue-certificate": (
        ("S", _NOTHING_TIES),
        ("x", _OTHER_KEY),
        ("x", _OTHER_KEY),
        ("x", _OTHER_HELLOS),
        ("x", _OTHER_AGREEMENT),
        ("x", _OTHER_EXPORTER),
    ),
    "evidence-relay": (
        ("S", _NOTHING_TIES),
        ("S", _SAME_KEY),
        ("S", _SAME_KEY_FRESH),
        ("x", _OTHER_HELLOS),
        ("x", _OTHER_AGREEMENT),
        ("x", _OTHER_EXPORTER),
    ),
    "evidence-replay": (
        ("x", _OLD_NONCE),
        ("S", _FOR_EVER),
        ("x", _OLD_NONCE),
        ("x", _OLD_HELLOS),
        ("x", _OLD_AGREEMENT),
        ("x", _OLD_EXPORTER),
    ),
    "known-dh-secret": (("S", _PASSIVE),) * 6,
    "known-dh-secret-and-key": (*(("S", _AFTER_HELLO),) * 5, ("x", _WHOLE)),
    "own-genuine-machine": (("S", _TRUE),) * 6,
    "own-genuine-machine-pinned": (("x", _PINNED),) * 6,
    "own-genuine-machine-other-image": (("x", _IMAGE),) * 6,
}
EXPECTED13: dict[tuple[str, str], Cell] = {
    (design.name, attack): Cell(mark, sentence, f"{CATALOGUE[attack].source}; {design.source}")
    for attack, row in _CELLS.items()
    for design, (mark, sentence) in zip(LADDER13, row, strict=True)
}
"""(design, attack) to the cell; what the sources say apart, the signed table of the protocol says together."""
