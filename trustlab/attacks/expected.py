"""The signed table of the ladder: what each attack does to each rung, with a sentence and a source for every cell.

Marks: `S` the attack succeeds, `x` it is stopped, `-` it makes no sense there (the sentence says why). The matrix is
run and held against this table; where they differ, one of the two is wrong.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trustlab.passage import LADDER

Mark = Literal["S", "x", "-"]


class Cell(msgspec.Struct, frozen=True):
    """What is expected of one attack against one design, and where that comes from.

    `only` names the substrate that the cell takes, where not every one will do.
    """

    mark: Mark
    sentence: str
    source: str = ""
    only: str = ""


_CERTIFIED = "Nobody asks for evidence, and the certificate is in order: Alice earned it."
_NO_QUOTE = "There is no attestation here that could be redirected or relayed."
_SECOND = "The evidence was about the first connection; the second one has only a certificate, and Alice has one too."
_EMPTY = "The question comes inside the channel, and Alice has no machine that could answer it."
_OTHER_KEY = "The quote names the bank's key; the key in Alice's certificate is another."
_NO_EVIDENCE = "Her clone cannot give evidence on this connection, and an offer that is not answered fails closed."
_FORWARDED = "The machine gives its quote to anyone, and nothing in it says which channel it is for."
_COPY = "The key came with the image she deployed: her copy opens the recording."
_NOT_THERE = "The private key was never outside the TPM: there is nothing to copy."
_USABLE = "The TPM does not give the key away, but uses it for whoever knows the password."
_POLICY = "The key opens only for the measured software at locality 2: from the root VM the TPM refuses."
_SOFTWARE = "The key is in software; who wants it copies it (deployed-key)."
_ANYONE = "Anyone may be the client: there is no client to impersonate."
_CHOSEN = "The teller's quote binds the randoms only, and they are public: the secret is Alice's own."
_SIGNED = "CertificateVerify covers the ClientKeyExchange, and only the teller's TPM can sign it."
_OWN_CERTIFICATE = "CertificateVerify covers the ClientKeyExchange: hers is by a key that the quote does not name."
_COMMITTED = "The teller's quote commits to the secret it chose; Alice does not know it and sends another."
_SAME_TWICE = "The quote binds the secret, and Evil uses the same one with the bank, encrypted anew."
_REENCRYPTED = "The quote names the encrypted secret; encrypted anew it is another."
_SESSION = "The session hash covers every message of the handshake, and the two handshakes differ."

_RUNGS = tuple(design.name for design in LADDER)
_ROWS: dict[str, tuple[tuple[Mark, str], ...]] = {
    "rogue-certificate": (
        ("S", _CERTIFIED),
        ("S", _SECOND),
        ("x", _EMPTY),
        *(("x", _OTHER_KEY),) * 7,
        ("x", _SESSION),
    ),
    "toctou-redirect": (
        ("-", _NO_QUOTE),
        ("S", _SECOND),
        ("x", _EMPTY),
        *(("x", _NO_EVIDENCE),) * 8,
    ),
    "tunnel-relay": (
        ("-", _NO_QUOTE),
        ("-", "The question is asked outside TLS: there is no tunnel to relay through."),
        ("S", _FORWARDED),
        *(("x", _OTHER_KEY),) * 7,
        ("x", _SESSION),
    ),
    "deployed-key": (*(("S", _COPY),) * 4, *(("x", _NOT_THERE),) * 7),
    "key-abuse": (*(("-", _SOFTWARE),) * 4, ("S", _USABLE), *(("x", _POLICY),) * 6),
    "client-impersonation": (
        *(("-", _ANYONE),) * 6,
        ("S", _CHOSEN),
        ("x", _OWN_CERTIFICATE),
        ("x", _COMMITTED),
        ("x", _COMMITTED),
        ("x", _SESSION),
    ),
    "same-pms-reencryption": (
        *(("-", _ANYONE),) * 6,
        ("S", _SAME_TWICE),
        ("x", _SIGNED),
        ("S", _SAME_TWICE),
        ("x", _REENCRYPTED),
        ("x", _SESSION),
    ),
}
EXPECTED: dict[tuple[str, str], Cell] = {
    (design, attack): Cell(*cell) for attack, row in _ROWS.items() for design, cell in zip(_RUNGS, row, strict=True)
}
"""(design, attack) to the cell, as the slides and the protocol have it; `table.TABLE` adds each cell's source."""
