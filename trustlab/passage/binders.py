"""Binders: the 32 octets that tie one piece of Evidence to one TLS handshake.

A binder is data: an ordered tuple of field names. Each name says how its octets come from the *facts* of a handshake
(nonces, randoms, public keys, the encrypted pre-master secret, ...), so you can see by which field two rungs of the
ladder differ. The result is the TPM's `qualifyingData`, signed as `extraData` inside TPMS_ATTEST (TPM 2.0 Part 2,
10.12.8).

`H(a,b,...)` is SHA-256 over the fields in order, each prefixed by its length as u16 (`attest.H`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from trustlab.attest.binding import H, L
from trustlab.tls.facts import HandshakeFacts
from trustlab.tls.schedule13 import attestation_base, hkdf_expand_label, standard_early_exporter

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class ChannelFacts(HandshakeFacts):
    """The facts of a finished handshake, and the values of its exporters over the context of one request (32 octets).

    `exporter_server` and `exporter_client` have a label for the role that proves, `exporter` has one label for both.
    Those without a context, and the one without a role, are only for designs that show what context and role are for.
    `exporter_attestation` has the label of draft-fossati-seat-expat. `hpke_key` is a public key of the server's, to
    which messages inside the channel are sealed.
    """

    exporter_server: bytes | None = None
    exporter_client: bytes | None = None
    exporter: bytes | None = None
    exporter_attestation: bytes | None = None
    hpke_key: bytes | None = None
    exporter_server_without_context: bytes | None = None
    exporter_client_without_context: bytes | None = None
    exporter_without_context: bytes | None = None


class BinderError(ValueError):
    """A fact that the binder needs is missing or has the wrong size, or a field is unknown; the message names it."""


class BinderField(msgspec.Struct, frozen=True):
    """One field of a computed binder: its name in the notation of the designs, and its octets."""

    name: str
    octets: bytes


class Bound(msgspec.Struct, frozen=True):
    """A computed binder: the 32 octets, and the fields from which they were computed (the inspector shows them)."""

    octets: bytes
    fields: tuple[BinderField, ...]


def fact(facts: HandshakeFacts, name: str, *sizes: int) -> bytes:
    """Return a fact; BinderError if it is missing, or if its size in octets is not one of `sizes`."""
    value: bytes | None = getattr(facts, name.replace(" ", "_"), None)
    if value is None:
        raise BinderError(f"the handshake has no {name} yet: this binder cannot be computed at this point")
    if sizes and len(value) not in sizes:
        raise BinderError(f"{name} has {len(value)} octets; it needs {' or '.join(map(str, sizes))}")
    return value


def _spki_digest(name: str) -> Callable[[HandshakeFacts], bytes]:
    return lambda facts: hashlib.sha256(fact(facts, name)).digest()


def _optional_spki_digest(name: str) -> Callable[[HandshakeFacts], bytes]:
    return lambda facts: hashlib.sha256(fact(facts, name)).digest() if getattr(facts, name) else b""


def _fixed(value: bytes) -> Callable[[HandshakeFacts], bytes]:
    return lambda _facts: value


def _named(name: str, *sizes: int) -> Callable[[HandshakeFacts], bytes]:
    return lambda facts: fact(facts, name, *sizes)


def _early(spki: str) -> Callable[[HandshakeFacts], bytes]:
    """Compute the binder of draft-fossati-seat-early-attestation, hashed to 32 octets if the suite's hash is longer."""

    def compute(facts: HandshakeFacts) -> bytes:
        digest = fact(facts, "transcript_hash_CH_SH", 32, 48)
        size, name = len(digest), "sha256" if len(digest) == 32 else "sha384"
        own = hashlib.new(name, fact(facts, spki)).digest()
        binder = hkdf_expand_label(attestation_base(digest, name), b"attestation", own, size, name)
        return binder if size == 32 else hashlib.sha256(binder).digest()

    return compute


EARLY_LABEL = b"EXPERIMENTAL trusted passages v1 early"
"""The label for the standard's own early exporter."""


def _standard_early(facts: HandshakeFacts) -> bytes:
    """Compute the early exporter of RFC 9846 7.5 over no context; without a pre-shared key it needs no secret."""
    digest = fact(facts, "transcript_hash_CH", 32, 48)
    return standard_early_exporter(digest, EARLY_LABEL, b"", 32, "sha256" if len(digest) == 32 else "sha384")


def _expat(spki: str) -> Callable[[HandshakeFacts], bytes]:
    """Compute the binder of draft-fossati-seat-expat: SHA-256 of the own public key, then the exporter."""
    return lambda facts: hashlib.sha256(fact(facts, spki) + fact(facts, "exporter_attestation", 32)).digest()


FIELDS: dict[str, Callable[[HandshakeFacts], bytes]] = {
    "L": _fixed(L),
    "S": _fixed(b"S"),
    "C": _fixed(b"C"),
    "K": _fixed(b"K"),
    "nonce_C": _named("nonce_C", 32),
    "nonce_S": _named("nonce_S", 32),
    "client_random": _named("client_random", 32),
    "server_random": _named("server_random", 32),
    "H(SPKI_S)": _spki_digest("spki_S"),
    "H(SPKI_C)": _spki_digest("spki_C"),
    "H(SPKI_S)?": _optional_spki_digest("spki_S"),
    "H(SPKI_C)?": _optional_spki_digest("spki_C"),
    "H(HPKE_S)": lambda facts: hashlib.sha256(fact(facts, "hpke_key", 32)).digest(),
    "HMAC(PMS)": _named("pms_commitment", 32),
    "H(EPMS)": lambda facts: hashlib.sha256(fact(facts, "epms")).digest(),
    "session_hash": _named("session_hash", 32, 48),
    "attest_secret": _named("tp_attest", 32, 48),
    "early_exporter": _named("tp_early_exporter", 32),
    "early_exporter without hellos": _named("tp_early_exporter_without_hellos", 32),
    "standard_early_exporter": _standard_early,
    "exporter_server": _named("exporter_server", 32),
    "exporter_client": _named("exporter_client", 32),
    "exporter": _named("exporter", 32),
    "exporter_server without context": _named("exporter_server without context", 32),
    "exporter_client without context": _named("exporter_client without context", 32),
    "exporter without context": _named("exporter without context", 32),
    "early(SPKI_S)": _early("spki_S"),
    "early(SPKI_C)": _early("spki_C"),
    "expat(SPKI_S)": _expat("spki_S"),
    "expat(SPKI_C)": _expat("spki_C"),
}
"""Every field a design may name, and how its octets come from the facts.

`?`: empty if that side has no key. `without context`: the exporter with an empty context, the same for every request.
`without hellos`: made of the secret of the key agreement alone.
"""

PMS_DEPENDENT = frozenset({"HMAC(PMS)"})
"""Fields that can be compared only when both ends agree on the pre-master secret: after Finished, alert 51."""


class Binder(msgspec.Struct, frozen=True):
    """How one role of a design makes its binder: field names, hashed with `H` unless the single field stands `bare`."""

    fields: tuple[str, ...]
    bare: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.fields if name not in FIELDS]
        if unknown:
            raise BinderError(f"unknown binder field {unknown[0]!r}; choose from: {', '.join(FIELDS)}")
        if self.bare and len(self.fields) != 1:
            raise BinderError(f"a bare binder has exactly one field, and this one has {len(self.fields)}")

    @property
    def pms_dependent(self) -> bool:
        """Whether the binder may be compared only after the peer's Finished verified."""
        return not PMS_DEPENDENT.isdisjoint(self.fields)

    @property
    def formula(self) -> str:
        """How it is computed, in the notation of the designs."""
        if not self.fields:
            return "a constant"
        return self.fields[0] if self.bare else f"H({', '.join(self.fields)})"

    def bind(self, facts: HandshakeFacts) -> Bound:
        """Compute the binder from the facts of a handshake; BinderError if a fact is missing."""
        fields = tuple(BinderField(name, FIELDS[name](facts)) for name in self.fields)
        return Bound(fields[0].octets if self.bare else H(*(f.octets for f in fields)), fields)


KEY_PROOF = Binder(("L", "K", "H(SPKI_S)"))
"""The qualifyingData of the server key's CertifyCreation: `H(L,"K",H(SPKI_S))`, once per key."""
