"""The attacks that stand in no other list: what stops each, all of it together, and those that no check stops.

Checks overlap on purpose, so one of these is refused for more than one reason: it succeeds when all are left out.
"""

from __future__ import annotations

import msgspec

from trustlab.passage import DESIGNS, Design


class OverlapRow(msgspec.Struct, frozen=True):
    """One row: the attack, the design, and the checks or rules that must all be left out for it to succeed."""

    attack: str
    design: Design
    together: tuple[str, ...]
    base: str


PROVED_KEY = Design.custom(
    "machine-linked-key-proved",
    like=DESIGNS["machine-linked-key"],
    not_demanded=(),
    sentence="As machine-linked-key, and the teller asks how the key was made.",
)

OVERLAP_ROWS = (
    OverlapRow(
        "rogue-certificate", DESIGNS["trusted-passage"], ("extraData", "key identity"), "she copies all that she can"
    ),
    OverlapRow("toctou-redirect", DESIGNS["tcb-key"], ("offer answered",), "the clone gives no evidence"),
    OverlapRow("key-abuse", PROVED_KEY, ("key provenance", "key policy"), "a password opens the bank's key"),
    OverlapRow(
        "client-impersonation-tls13",
        DESIGNS["tls13-early"],
        ("extraData", "key identity"),
        "she has a client's certificate of her own",
    ),
    OverlapRow(
        "same-pms-reencryption-tls13", DESIGNS["tls13-exporter"], ("extraData", "key identity"), "a client that is lax"
    ),
    OverlapRow("lying-agent", DESIGNS["trusted-passage"], ("reference values",), "an agent that was changed"),
    OverlapRow("posture-drift", DESIGNS["trusted-passage"], ("claims",), "evidence anew for each payment"),
    OverlapRow("own-genuine-machine-pinned", DESIGNS["tls13-exporter"], ("machine pinned",), "same image"),
    OverlapRow(
        "own-genuine-machine-other-image", DESIGNS["tls13-exporter"], ("reference values",), "no machine pinned"
    ),
)
"""Attacks on designs, with everything that stops them there."""

_PIN = "is played where no machine is pinned; with a pin it is own-genuine-machine-pinned"
_MADE = "the key is deployed, and no design that demands a key of the TPM's has it; evidence beside it is decoy-key"
STOPPED_BY_NO_CHECK = {
    "deployed-key": _MADE,
    "deployed-key-middle": _MADE,
    "evidence-relay-rsa": "assumes that she can use the key, and RSA key exchange binds nothing else; see key-abuse",
    "own-genuine-machine": _PIN,
    "diversion": _PIN,
    "known-dh-secret": "she only listens: key agreement itself must hold",
    "known-dh-secret-ecdhe": "she only listens: key agreement itself must hold",
    "memory-scrape": "she reads memory: what stops it is HyperSafe, between her and the VM (emulated)",
    "tpm-nuisance": "nobody is deceived: the platform's gate stops it",
    "tpm-nuisance-without-end": "nobody is deceived, and nothing stops who owns the machine",
}
"""Attacks that no check, rule or field stops by itself, each with what there is to say."""
