"""Designs that nobody signed, drawn from a seed, each with powers and a goal; in all of them an honest run completes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from trustlab.passage import TRUSTED_PASSAGE, Binder, Design
from trustlab.passage.designs13 import EXPORTER, KEY_CHECKS, SUITE

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = ("nonce_C", "client_random", "server_random", "H(SPKI_S)")
ON_12 = {
    "handshake": (HELLO, ("nonce_S", "client_random", "server_random", "H(SPKI_S)", "HMAC(PMS)", "H(EPMS)")),
    "before": (("nonce_C",), ()),
    "inside": (("nonce_C",), ()),
    "after-finished": (
        ("nonce_C", "session_hash", "H(SPKI_S)"),
        ("nonce_S", "session_hash", "H(SPKI_S)"),
    ),
}
"""The fields that exist where each placement makes evidence: the server's, and the client's."""
ON_13 = {
    "handshake": (
        ("nonce_C", "client_random", "server_random", "H(SPKI_S)", "attest_secret", "early(SPKI_S)"),
        ("nonce_C", "client_random", "server_random", "H(SPKI_S)", "H(SPKI_C)", "attest_secret", "early(SPKI_C)"),
    ),
    "after-finished": (
        ("exporter_server", "exporter", "exporter without context", "H(SPKI_S)", "H(SPKI_C)?"),
        ("exporter_client", "exporter", "exporter without context", "H(SPKI_S)", "H(SPKI_C)?"),
    ),
}
ASKED = (
    (("ca",), "pin", False),
    (("ca", "copy"), "pin", False),
    (("ca", "root-tpm"), "pin", False),
    (("ca", "key-usable"), "pin", False),
    (("ca", "key-usable"), "pin", True),
    (("ca",), "balance", False),
    (("ca", "lax-peer"), "balance", False),
    (("ca", "dh-known"), "pin", False),
    (("ca", "own-machine", "unpinned"), "peer", False),
)


def random_designs(seed: str) -> Iterator[tuple[Design, tuple[str, ...], str, bool]]:
    """Yield designs without end: each with the powers, the goal, and whether the evidence has to be old."""
    draw = random.Random(seed)  # noqa: S311 - designs, not keys
    number = 0
    while True:
        number += 1
        version = draw.choice(("1.2", "1.3"))
        design = (on_12 if version == "1.2" else on_13)(draw, f"random {seed} {number}")
        yield design, *draw.choice(ASKED)


def some(draw: random.Random, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return a subset of the fields, in their order."""
    return tuple(field for field in fields if draw.random() < 0.5)


def on_12(draw: random.Random, name: str) -> Design:
    when = draw.choice(("handshake", "handshake", "handshake", *ON_12))
    server, client = ON_12[when]
    origin = draw.choice(("deployed", "machine", "tcb"))
    has_client = bool(client) and (when == "after-finished" or draw.random() < 0.6)
    has_key = when == "handshake" and has_client and draw.random() < 0.2
    return Design.custom(
        name,
        like=TRUSTED_PASSAGE,
        when=when,
        key_origin=origin,
        not_demanded=("key provenance", "key policy") if origin == "machine" else (),
        server=Binder(("L", "S", *some(draw, server))),
        client=Binder(("L", "C", *some(draw, client), *(("H(SPKI_C)",) if has_key else ()))) if has_client else None,
        client_key=has_key,
        extended_master_secret=when == "after-finished" or draw.random() < 0.3,
    )


def on_13(draw: random.Random, name: str) -> Design:
    when = draw.choice(tuple(ON_13))
    server, client = ON_13[when]
    has_client = when == "after-finished" or draw.random() < 0.4
    return Design.custom(
        name,
        like=EXPORTER,
        when=when,
        suite=SUITE,
        server=Binder(("L", "S", *some(draw, server))),
        client=Binder(("L", "C", *some(draw, client))) if has_client else None,
        client_key=has_client,
        not_demanded=KEY_CHECKS if draw.random() < 0.3 else (),
    )
