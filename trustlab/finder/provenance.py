"""What a found attack is made of: messages to honest ends, and where each free field of them comes from.

An honest end checks some fields of a message (evidence, Finished, a signature), and takes others as they come. Alice
chooses only the second kind. So an attack is a list of steps, and a step a list of provenances from this closed list.
"""

from __future__ import annotations

import msgspec

PROVENANCES = {
    "own": "her own",
    "teller": "the teller's, forwarded",
    "bank": "the bank's, forwarded",
    "genuine": "that of her genuine machine",
    "rogue": "a certificate for a key of her own, in the name of its owner",
    "teller-anew": "the teller's secret, encrypted anew",
    "bank-machine": "evidence of the bank's machine",
    "teller-machine": "evidence of the teller's machine",
    "genuine-machine": "evidence of her genuine machine",
    "any": "anything, because nobody judges it",
    "checked": "the value that the end expects; Alice can make it",
}
"""Every provenance, with its words."""


class AttackStep(msgspec.Struct, frozen=True):
    """One message that an honest end sends or accepts: to or from which `party`, and the provenance of each field."""

    party: str
    message: str
    fields: dict[str, str]
    sentence: str = ""


def from_genuine(taken: AttackStep) -> AttackStep:
    """Return the teller's step for an Alice whose other connection goes to her genuine machine, not to the bank."""
    fields = {
        name: "genuine" if where == "bank" and name != "certificate" else where for name, where in taken.fields.items()
    }
    return msgspec.structs.replace(taken, fields=fields)


def step(party: str, message: str, **fields: str) -> AttackStep:
    """Return a step; fields that are empty strings are left out."""
    return AttackStep(party, message, {name: where for name, where in fields.items() if where})
