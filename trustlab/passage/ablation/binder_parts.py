"""The parts of a binder, by name, and a design without one of them, to see what that part is for.

A part is one field, or several that serve the same purpose: without the nonce the randoms are still fresh, so they
are one part. The result is a design like any other, and differs in nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.passage.binders import Binder
from trustlab.passage.designs import Design, DesignError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Part(msgspec.Struct, frozen=True):
    """One part: what it says, and what becomes of the fields that hold it.

    `server` and `client` map a field of that role's binder to the field that replaces it without the part, or to None.
    `key_proof` says that the part is the whole binder of the key attestation.
    """

    name: str
    sentence: str
    server: Mapping[str, str | None] = {}
    client: Mapping[str, str | None] = {}
    key_proof: bool = False

    @property
    def fields(self) -> frozenset[tuple[str, str]]:
        """The fields that belong to it, each with its role."""
        return frozenset({("S", name) for name in self.server} | {("C", name) for name in self.client})


def _both(name: str, sentence: str, fields: Mapping[str, str | None]) -> Part:
    return Part(name, sentence, fields, fields)


_FRESH: dict[str, str | None] = dict.fromkeys(("nonce_C", "nonce_S", "client_random", "server_random"))
_SERVERS, _CLIENTS, _BARE = "exporter_server", "exporter_client", "exporter"
PARTS = {
    part.name: part
    for part in (
        _both("nonce and randoms", "The evidence was made for this handshake, and not for an earlier one.", _FRESH),
        Part("role", "It says which end proves itself.", {"S": None}, {"C": None}),
        Part("H(SPKI_S)", "It names the key that the server shows.", {"H(SPKI_S)": None}),
        Part("H(SPKI_C)", "It names the key that the client shows.", {}, {"H(SPKI_C)": None, "H(SPKI_C)?": None}),
        Part("H(HPKE_S)", "It names the key that messages are sealed to.", {"H(HPKE_S)": None}),
        Part("HMAC(PMS)", "It names the secret that the client chose.", {}, {"HMAC(PMS)": None}),
        Part("H(EPMS)", "It names the encrypted secret, and so the key it is encrypted to.", {}, {"H(EPMS)": None}),
        _both("session_hash", "It names every message up to ClientKeyExchange.", {"session_hash": None}),
        Part(
            "Hash(CH..SH)",
            "It names both hellos; without it only the key is left.",
            {"early(SPKI_S)": "H(SPKI_S)"},
            {"early(SPKI_C)": "H(SPKI_C)"},
        ),
        _both(
            "attest_secret", "It names a secret that only the ends of this key agreement know.", {"attest_secret": None}
        ),
        Part(
            "early exporter",
            "It names a value of this key agreement; the standard's own names the ClientHello.",
            dict.fromkeys(("early_exporter", "standard_early_exporter")),
        ),
        _both(
            "exporter",
            "It names a value that only the ends of this channel can derive.",
            {
                **dict.fromkeys((_SERVERS, _CLIENTS, _BARE)),
                "expat(SPKI_S)": "H(SPKI_S)",
                "expat(SPKI_C)": "H(SPKI_C)",
            },
        ),
        _both(
            "request context",
            "The evidence was made for this question, and not for an earlier one on the same channel.",
            {name: f"{name} without context" for name in (_SERVERS, _CLIENTS, _BARE)},
        ),
        Part("key binder", "The TPM vouches for this key as a TLS key only.", key_proof=True),
    )
}
"""The parts that can be left out, by name."""

NOT_LEFT_OUT = {
    "L": (
        "separates quotes of this protocol from those of another: an attack would need a second protocol that quotes "
        "what a stranger chose, and the lab does not have one"
    ),
    "H(SPKI_peer)": (
        "repeats what other fields cover: a session hash covers both certificates, an exporter the server's, and the "
        "client's own field the client's. Leaving it out lets nobody in: it is there for the reader"
    ),
}
"""The parts that no experiment leaves out, and why."""


def design_without(design: Design, parts: Collection[str]) -> Design:
    """Return the design without these parts of its binders, or the design itself if it has none of them.

    DesignError for a name that is not a part.
    """
    if unknown := set(parts) - PARTS.keys():
        raise DesignError(f"no part of a binder is called {min(unknown)!r}; choose from: {', '.join(PARTS)}")
    for part in (PARTS[name] for name in PARTS if name in parts):
        less = msgspec.structs.replace(
            design,
            server=_less(design.server, part.server),
            client=_less(design.client, part.client),
            key_proof=None if part.key_proof else design.key_proof,
        )
        if less != design:
            design = msgspec.structs.replace(less, name=f"{design.name} without {part.name}")
    return design


def _less(binder: Binder | None, gone: Mapping[str, str | None]) -> Binder | None:
    if binder is None or gone.keys().isdisjoint(binder.fields):
        return binder
    fields = tuple(kept for name in binder.fields if (kept := gone.get(name, name)) is not None)
    return Binder(fields, bare=binder.bare and len(fields) == 1)
