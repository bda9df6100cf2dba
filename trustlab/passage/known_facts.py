"""Which fields a binder may have: those whose facts both ends know when that piece of evidence is made and judged.

A binder over anything else can never be computed, so no connection of such a design is ever completed; and every attack
on it would come to nothing. `Design` refuses it. The lists were found by runs: every field, in every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.passage.designs import Design

CONSTANT = frozenset({"L", "S", "C", "K"})
NONCES = frozenset({"nonce_C", "nonce_S"})
RANDOMS = frozenset({"client_random", "server_random"})
OPTIONAL = frozenset({"H(SPKI_S)?", "H(SPKI_C)?"})
EXPORTED = ("exporter", "exporter without context")
RULED = (
    CONSTANT
    | NONCES
    | RANDOMS
    | OPTIONAL
    | {"H(SPKI_S)", "H(SPKI_C)", "HMAC(PMS)", "H(EPMS)", "session_hash", "attest_secret", "early(SPKI_S)"}
    | {"early(SPKI_C)", *EXPORTED}
    | {f"exporter_{role}{rest}" for role in ("server", "client") for rest in ("", " without context")}
)
"""The fields that are judged here; of any other one nothing is said."""


def known_facts(design: Design, role: str) -> frozenset[str]:
    """Return the fields that the binder of a role (`server`, `client`) may have in a design."""
    return CONSTANT | frozenset(_known(design, role))


def _known(design: Design, role: str) -> Iterator[str]:
    if design.when in {"before", "inside"}:  # there the exchange knows the question alone
        yield from ("nonce_C", *OPTIONAL)
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
        yield from (*EXPORTED, *(f"exporter_{role}{rest}" for rest in ("", " without context")))
    else:
        yield from (*NONCES, "attest_secret", "early(SPKI_S)")
        if role == "client" and design.client_key:
            yield "early(SPKI_C)"


def _known12(design: Design, role: str, *, late: bool) -> Iterator[str]:
    yield from NONCES
    if late:
        yield "session_hash"
    elif role == "client":
        yield "HMAC(PMS)"
    if design.transports_key and (late or role == "client"):
        yield "H(EPMS)"
