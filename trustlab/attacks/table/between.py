"""The table, second part: Alice in the middle, with a certificate that a trusted CA signed for the bank's name."""

from __future__ import annotations

from trustlab.attacks.table.notation import MEASURED, Row

_SILENT_12 = "An offer of evidence that is not answered ends the handshake, alert 40."
_SILENT_13 = "An offer of evidence that is not answered ends the handshake, alert 109."
_ASKED_AFTER = "The teller says nothing but its question before it has accepted an answer, and there is none."
_WITHIN = "The evidence is judged within the handshake, and before Finished there is nothing of the application."
_FIRST_WORDS = "The first words in the channel are question and answer; the order comes after them."

ROWS: dict[str, Row] = {
    "toctou-redirect": (
        (
            "x",
            "tls13-nonce to tls13-handshake-secret",
            "There is no earlier connection whose evidence could count, and on this one her clone cannot answer.",
        ),
        ("x", "tls13-exporter", _ASKED_AFTER),
    ),
    "tunnel-relay": (
        ("S", "tls13-nonce", "A quote over a nonce says that a good machine exists, not that this channel ends there."),
        (
            "x",
            "tls13-key to tls13-nonce-key",
            "The evidence names the bank's key; the key in her certificate is another.",
        ),
        ("x", "tls13-early", "The evidence names the hellos of her own channel to the bank, not of the teller's."),
        ("x", "tls13-handshake-secret", "The evidence holds the secret of her own channel to the bank."),
        ("x", "tls13-exporter", "The evidence holds the exporter of her own channel to the bank."),
    ),
    "downgrade": (
        ("-", "plain-tls", "Nothing is demanded here that could be left out."),
        ("S", "attest-then-connect", "On the connection that carries the data nobody demands evidence, or misses it."),
        ("x", "connect-then-attest", _ASKED_AFTER),
        ("x", "key-in-quote to trusted-passage", _SILENT_12),
        ("x", "session-hash", _ASKED_AFTER),
        ("x", "tls13-nonce to tls13-handshake-secret", _SILENT_13),
        ("x", "tls13-exporter", _ASKED_AFTER),
    ),
    "early-canary": (
        ("-", "plain-tls", "Nobody waits for evidence here: nothing can be said too early."),
        ("-", "attest-then-connect", "The evidence comes first here; what is wrong with that is toctou-redirect."),
        ("x", "connect-then-attest", _FIRST_WORDS),
        ("x", "key-in-quote to trusted-passage", _WITHIN),
        ("x", "session-hash", _FIRST_WORDS),
        ("x", "tls13-nonce to tls13-handshake-secret", _WITHIN),
        ("x", "tls13-exporter", _FIRST_WORDS),
    ),
    "fail-open": (
        ("-", "plain-tls", "There is no verifier here that could err."),
        ("x", MEASURED, "A verifier that errs refuses, whatever the error."),
    ),
}
