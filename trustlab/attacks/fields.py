"""The ablation of binders: for each part a base on which the attack is refused, and succeeds when it is left out."""

from __future__ import annotations

from typing import Literal

import msgspec

from trustlab.passage import BARE_EXPORTER_WITH_ROLE, DESIGNS, Binder, Design
from trustlab.passage.designs13 import KEY_CHECKS


class FieldRow(msgspec.Struct, frozen=True):
    """One row: the part of the binder, the attack that needs it, the design it is decisive on, what else is assumed.

    `binder` says in which of the design's binders it is missed.
    """

    part: str
    attack: str
    design: Design
    base: str
    binder: Literal["server", "client", "key_proof"] = "server"


SESSION_HASH_EPHEMERAL = Design.custom(
    "session-hash-ecdhe",
    like=DESIGNS["session-hash"],
    suite="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    group="SECP256R1",
    sentence="As session-hash, with ephemeral keys.",
)
UNPROVED_KEYS = Design.custom(
    "client-certificate-unproved",
    like=DESIGNS["client-certificate"],
    not_demanded=KEY_CHECKS,
    sentence="As client-certificate, and nobody asks where a key lives.",
)
OWN_KEYS_ONLY = Design.custom(
    "tls13-exporter-own-keys",
    like=DESIGNS["tls13-exporter"],
    server=Binder(("L", "S", "exporter_server", "H(SPKI_S)")),
    client=Binder(("L", "C", "exporter_client", "H(SPKI_C)?")),
    sentence="As tls13-exporter, and neither end names the other's key.",
)
NONCE_AND_KEY_PROOF = Design.custom(
    "tls13-nonce-and-key-proof",
    like=DESIGNS["tls13-nonce"],
    not_demanded=(),
    sentence="As tls13-nonce, and the key has to be proved beside the quote.",
)

_USABLE = "a password opens the bank's key, and the verifiers do not ask how it was made"
FIELD_ROWS = (
    FieldRow("nonce and randoms", "evidence-replay-rsa", DESIGNS["tcb-key"], f"{_USABLE}; anybody may be the client"),
    FieldRow(
        "nonce and randoms", "client-evidence-replay", DESIGNS["client-quote"], "the client has no TLS key", "client"
    ),
    FieldRow("nonce and randoms", "evidence-replay", DESIGNS["tls13-nonce-key"], _USABLE),
    FieldRow(
        "role",
        "reflection",
        BARE_EXPORTER_WITH_ROLE,
        "either end accepts a machine like itself; no key proved",
    ),
    FieldRow("H(SPKI_S)", "tunnel-relay", DESIGNS["key-in-quote"], "a rogue certificate; no key proved"),
    FieldRow("H(SPKI_C)", "client-impersonation", UNPROVED_KEYS, "a certificate of Alice's; no key proved", "client"),
    FieldRow("HMAC(PMS)", "client-impersonation", DESIGNS["pms-in-quote"], "the client has no TLS key", "client"),
    FieldRow(
        "H(EPMS)", "same-pms-reencryption", DESIGNS["trusted-passage"], "a lax client; a valid certificate", "client"
    ),
    FieldRow("session_hash", "evidence-relay-ecdhe", SESSION_HASH_EPHEMERAL, f"{_USABLE}; ephemeral keys"),
    FieldRow("Hash(CH..SH)", "evidence-relay", DESIGNS["tls13-early"], _USABLE),
    FieldRow("attest_secret", "evidence-relay", DESIGNS["tls13-handshake-secret"], _USABLE),
    FieldRow("exporter", "evidence-relay", OWN_KEYS_ONLY, f"{_USABLE}; no peer's key in the binder"),
    FieldRow(
        "exporter",
        "known-dh-secret-and-key",
        OWN_KEYS_ONLY,
        f"{_USABLE}; the secret of the key agreement is known; no peer's key in the binder",
    ),
    FieldRow(
        "request context",
        "stale-authenticator",
        BARE_EXPORTER_WITH_ROLE,
        "asked twice on one connection; no key proved",
    ),
    FieldRow("key binder", "key-of-another-purpose", NONCE_AND_KEY_PROOF, "a quote over the nonce alone", "key_proof"),
)
"""Every part of a binder that can be left out, with the attack that needs it."""
