"""The parts of a binder, by name, so that a design can be had without one of them, to see what it is good for.

A part is one field, or fields that stand for each other: without the nonce the randoms still are fresh, so they are
one part. The result is a design like any other: it runs against every attack, and nothing else about it differs.
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

    `server` and `client` map a field of that role's binder to what stands in its place without the part; None where
    nothing does. `key_proof` says that the part is the binder of the key attestation, as a whole.
    """

    name: str
    sentence: str
    server: Mapping[str, str | None] = {}
    client: Mapping[str, str | None] = {}
    key_proof: bool = False

    @property
    def fields(self) -> frozenset[tuple[str, str]]:
        """The roles and fields that hold it."""
        return frozenset({("S", name) for name in self.server} | {("C", name) for name in self.client})


def _both(name: str, sentence: str, fields: Mapping[str, str | None]) -> Part:
    return Part(name, sentence, fields, fields)


_FRESH: dict[str, str | None] = dict.fromkeys(("nonce_C", "nonce_S", "client_random", "server_random"))
_SERVERS, _CLIENTS, _BARE = "exporter_server", "exporter_client", "exporter"
PARTS = {
    part.name: part
    for part in (
        _both("nonce and randoms", "The evidence was made for this handshake, and for no earlier one.", _FRESH),
        Part("role", "It says which end proves itself.", {"S": None}, {"C": None}),
        Part("H(SPKI_S)", "It names the key that the server shows.", {"H(SPKI_S)": None}),
        Part("H(SPKI_C)", "It names the key that the client shows.", {}, {"H(SPKI_C)": None, "H(SPKI_C)?": None}),
        Part("HMAC(PMS)", "It names the secret that the client chose.", {}, {"HMAC(PMS)": None}),
        Part("H(EPMS)", "It names the client's secret as encrypted, and so for whom.", {}, {"H(EPMS)": None}),
        _both("session_hash", "It names every message up to ClientKeyExchange.", {"session_hash": None}),
        Part(
            "Hash(CH..SH)",
            "It names both hellos; without it the key alone is left.",
            {"early(SPKI_S)": "H(SPKI_S)"},
            {"early(SPKI_C)": "H(SPKI_C)"},
        ),
        _both("attest_secret", "It holds what only the ends of this agreement can derive.", {"attest_secret": None}),
        _both(
            "exporter",
            "It holds what only the ends of this channel can derive.",
            dict.fromkeys((_SERVERS, _CLIENTS, _BARE)),
        ),
        _both(
            "request context",
            "It was made for this question, and for no earlier one on the same channel.",
            {name: f"{name} without context" for name in (_SERVERS, _CLIENTS, _BARE)},
        ),
        Part("key binder", "The TPM vouches for this key as a TLS key, and as nothing else.", key_proof=True),
    )
}
"""The parts that can be left out, by name."""

NOT_LEFT_OUT = {
    "L": (
        "keeps quotes of this protocol apart from those of another: an attack needs a second protocol that quotes "
        "what a stranger chose, and the lab has none"
    ),
    "H(SPKI_peer)": (
        "stands beside a session hash that covers both certificates, or an exporter that covers the server's, with the "
        "client's own field for the client's. Left out alone it lets nobody in: it is there to be read"
    ),
}
"""The parts of no row, and why."""


def design_without(design: Design, parts: Collection[str]) -> Design:
    """Return the design without these parts of its binders, or the design itself where it has none of them.

    DesignError for a name that is no part.
    """
    if unknown := set(parts) - PARTS.keys():
        raise DesignError(f"no part of a binder {min(unknown)!r}; there are: {', '.join(PARTS)}")
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
