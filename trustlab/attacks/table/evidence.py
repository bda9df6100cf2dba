"""The table, fourth part: the bank's evidence in the wrong place, with the use of its key or a secret that leaked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.attacks.table.notation import Row

_NONE = "There is no evidence here that could be shown anywhere."
_EVERY_OCTET = (
    "With the bank's key she opens the encrypted secret and lets every octet pass as it is: all evidence fits, and the "
    "channel is hers too."
)
_NO_AGREEMENT = "RSA key exchange has no key agreement: the secret is the client's, and the bank's key opens it."

ROWS: dict[str, Row] = {
    "evidence-replay": (
        ("-", "plain-tls", _NONE),
        ("x", "attest-then-connect to connect-then-attest", "The evidence holds the nonce of an earlier question."),
        (
            "x",
            "key-in-quote to trusted-passage",
            "The evidence holds the nonce and the randoms of an earlier handshake.",
        ),
        ("x", "session-hash", "The evidence holds the nonce and the session hash of an earlier handshake."),
    ),
    "evidence-relay": (
        ("-", "plain-tls", _NONE),
        ("S", "attest-then-connect", "The evidence was about the first connection; the second one has the bank's key."),
        ("S", "connect-then-attest", "She passes question and quote on, and everything else: the key is the bank's."),
        ("S", "key-in-quote to trusted-passage", _EVERY_OCTET),
        ("S", "session-hash", f"{_EVERY_OCTET} With ephemeral keys the session hash stops it (--fields)."),
    ),
    "known-dh-secret": (
        ("-", "plain-tls to trusted-passage", _NO_AGREEMENT),
        (
            "S",
            "session-hash",
            "Played with ephemeral keys, which this design takes too: nothing on the wire differs, and she only reads.",
        ),
    ),
    "known-dh-secret-and-key": (
        ("-", "plain-tls to trusted-passage", _NO_AGREEMENT),
        (
            "-",
            "session-hash",
            "In TLS 1.2 nothing but the secret is hidden after the hellos: with it she needs no key (known-dh-secret).",
        ),
    ),
}
