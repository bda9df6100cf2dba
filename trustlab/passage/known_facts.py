"""Which fields a binder may have: those whose facts both ends know when that piece of evidence is made and judged.

A binder over anything else can never be computed, so no connection of such a design is ever completed; and every attack
on it would come to nothing. `Design` refuses it. The lists were found by runs: every field, in every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Placed(Protocol):
    """What decides about the facts of a design."""

    @property
    def tls(self) -> str:
        """The version of TLS."""

    @property
    def when(self) -> str:
        """Where the evidence travels."""

    @property
    def client_key(self) -> bool:
        """Whether the client has a key and a certificate."""

    @property
    def transports_key(self) -> bool:
        """Whether the client encrypts the secret to the server's key."""


CONSTANT = frozenset({"L", "S", "C", "K"})
NONCES = frozenset({"nonce_C", "nonce_S"})
RANDOMS = frozenset({"client_random", "server_random"})
OPTIONAL = frozenset({"H(SPKI_S)?", "H(SPKI_C)?"})
EXPORTED = ("exporter", "exporter without context")
EARLY = ("early_exporter", "early_exporter without hellos", "standard_early_exporter")
RULED = (
    CONSTANT
    | NONCES
    | RANDOMS
    | OPTIONAL
    | {"H(SPKI_S)", "H(SPKI_C)", "HMAC(PMS)", "H(EPMS)", "session_hash", "attest_secret", "early(SPKI_S)"}
    | {"early(SPKI_C)", "expat(SPKI_S)", "expat(SPKI_C)", "H(HPKE_S)", *EARLY, *EXPORTED}
    | {f"exporter_{role}{rest}" for role in ("server", "client") for rest in ("", " without context")}
)
"""The fields that are judged here; of any other one nothing is said."""


def known_facts(design: Placed, role: str) -> frozenset[str]:
    """Return the fields that the binder of a role (`server`, `client`) may have in a design."""
    return CONSTANT | frozenset(_known(design, role))


def _known(design: Placed, role: str) -> Iterator[str]:
    if design.when in {"before", "inside", "sealed"}:  # there the exchange knows the question alone, and its own key
        yield from ("nonce_C", *OPTIONAL)
        if design.when == "sealed":
            yield "H(HPKE_S)"
        return
    yield from (*RANDOMS, "H(SPKI_S)", "H(SPKI_S)?")
    late = design.when == "after-finished"
    if late or role == "client" or not design.client_key:  # else only one end knows the client's key by then
        yield "H(SPKI_C)?"
    if design.client_key and (late or role == "client"):
        yield "H(SPKI_C)"
    if design.tls == "1.2":
        yield from _known12(design, role, late=late)
    elif late:
        yield from (*EXPORTED, *(f"exporter_{role}{rest}" for rest in ("", " without context")), "expat(SPKI_S)")
        yield from ["expat(SPKI_C)"] if design.client_key else []
    else:
        yield from (*NONCES, "attest_secret", "early(SPKI_S)", *EARLY)
        if role == "client" and design.client_key:
            yield "early(SPKI_C)"


def _known12(design: Placed, role: str, *, late: bool) -> Iterator[str]:
    yield from NONCES
    if late:
        yield "session_hash"
    elif role == "client":
        yield "HMAC(PMS)"
    if design.transports_key and (late or role == "client"):
        yield "H(EPMS)"
