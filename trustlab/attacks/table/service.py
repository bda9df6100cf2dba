"""The table, last part: the bank's answers as an oracle, its TPM's time, and its TPM's patience."""

from __future__ import annotations

from trustlab.attacks.table.notation import ALL_13, MEASURED, Row

_ALIKE = "Whatever is wrong with the secret, the bank's answer is the same, octet for octet."
_PACED = "A hello costs the bank's TPM a quote, and for one peer it makes four at once and no more."
_LATER = "A hello brings no quote here: who wants one must finish a handshake first."
_NO_TPM = "No TPM works for this connection."

ROWS: dict[str, Row] = {
    "bleichenbacher": (
        ("x", "plain-tls to session-hash", _ALIKE),
        ("-", ALL_13, "TLS 1.3 has no RSA key exchange: there is no encrypted secret to ask about."),
    ),
    "quote-flooding": (
        ("-", "plain-tls", _NO_TPM),
        (
            "x",
            "attest-then-connect",
            "The machine answers questions, and for one peer it makes four quotes at once and no more.",
        ),
        ("x", "connect-then-attest", _LATER),
        ("x", "key-in-quote to trusted-passage", _PACED),
        ("x", "session-hash", _LATER),
        ("x", "tls13-nonce to tls13-handshake-secret", _PACED),
        ("x", "tls13-exporter", _LATER),
    ),
    "tpm-nuisance": (
        ("-", "plain-tls", _NO_TPM),
        ("x", MEASURED, "HyperSafe tries again, and the platform's gate stops the rest: the payment goes through."),
    ),
    "tpm-nuisance-without-end": (
        ("-", "plain-tls", _NO_TPM),
        (
            "S",
            MEASURED,
            "Who owns the machine can keep its TPM from answering, or pull the plug: only the service ends.",
        ),
    ),
}
