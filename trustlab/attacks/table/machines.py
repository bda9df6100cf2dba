"""The table, fifth part: another machine than the one that was meant, and nothing about it is false."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.attacks.table.notation import Row

_NOBODY_ASKS = "Nobody asks what runs at the other end, or where: the certificate is in order, and Alice earned it."
_FIRST = "The bank itself answered on the first connection; the second one goes to the other machine."
_TRUE = "Everything in the evidence is true: the machine is genuine, and it is Alice's."
_PINNED = "The quote is by the TPM of another machine than the policy names."
_IMAGE = "The image that the genuine machine measured is not one that Bob published."
_EITHER = "Bob's two machines with one image look the same to whoever asks only what runs."
_ANY_CHANNEL = "A quote over a nonce fits any channel, and without a pin it may come from any genuine machine."
_HER_KEY = "Her machine's evidence names that machine's key; the key in her certificate is another."
_NO_CA = "Her evidence is true, but no CA that the teller trusts signed her certificate."
_MEASURED_12 = "connect-then-attest to session-hash"

ROWS: dict[str, Row] = {
    "own-genuine-machine": (
        ("S", "plain-tls", _NOBODY_ASKS),
        ("S", "attest-then-connect", _FIRST),
        ("S", _MEASURED_12, _TRUE),
    ),
    "own-genuine-machine-pinned": (
        ("S", "plain-tls", f"{_NOBODY_ASKS} There is nothing a pin could be compared with."),
        ("S", "attest-then-connect", f"The pin was checked, once: {_FIRST[0].lower()}{_FIRST[1:]}"),
        ("x", _MEASURED_12, _PINNED),
    ),
    "own-genuine-machine-other-image": (
        ("S", "plain-tls", _NOBODY_ASKS),
        ("S", "attest-then-connect", _FIRST),
        ("x", _MEASURED_12, _IMAGE),
    ),
    "diversion": (
        ("S", "plain-tls", _NOBODY_ASKS),
        ("S", "attest-then-connect", _FIRST),
        ("S", "connect-then-attest to tls13-exporter", _EITHER),
    ),
    "cuckoo": (
        ("-", "plain-tls", "There is no evidence here that another machine could give."),
        (
            "S",
            "attest-then-connect",
            "The evidence was her machine's, and about the first connection; the second is hers.",
        ),
        ("S", "connect-then-attest", _ANY_CHANNEL),
        ("x", "key-in-quote to trusted-passage", _HER_KEY),
        ("x", "session-hash", "Her machine's evidence holds the session hash of her channel to that machine."),
        ("S", "tls13-nonce", _ANY_CHANNEL),
        ("x", "tls13-key to tls13-nonce-key", _HER_KEY),
        ("x", "tls13-early", "Her machine's evidence names the hellos of her channel to that machine."),
        ("x", "tls13-handshake-secret", "Her machine's evidence holds the secret of her channel to that machine."),
        ("x", "tls13-exporter", "Her machine's evidence holds the exporter of her channel to that machine."),
    ),
    "uncertified-mallory": (
        ("x", "plain-tls", "No CA that the teller trusts signed her certificate, and a certificate is all there is."),
        (
            "x",
            "attest-then-connect",
            "The bank answers the first connection; on the second no CA the teller trusts signed her certificate.",
        ),
        ("x", "connect-then-attest to tls13-exporter", _NO_CA),
    ),
}
