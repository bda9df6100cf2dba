"""The table, first part: the bank's key, copied or used; Alice does nothing to the network, or hardly anything."""

from __future__ import annotations

from trustlab.attacks.table.notation import ALL_13, MEASURED, Row

_NOT_THERE = "The private key was never outside the TPM: there is nothing to copy."

ROWS: dict[str, Row] = {
    "deployed-key": (
        ("x", ALL_13, f"{_NOT_THERE} And with an ephemeral key agreement a copy would open no recording."),
    ),
    "deployed-key-middle": (
        ("S", "plain-tls", "She has the bank's key, and a certificate for it: to the teller she is the bank."),
        (
            "S",
            "attest-then-connect",
            "The evidence was about the first connection; on the second she answers with the bank's own key.",
        ),
        ("S", "connect-then-attest", "She answers with the bank's key, and passes question and quote on."),
        (
            "S",
            "key-in-quote",
            "The quote names the key, the nonce and the randoms: she has the one and copies the rest.",
        ),
        ("x", "machine-linked-key to tls13-exporter", _NOT_THERE),
    ),
    "memory-scrape": (
        ("S", "plain-tls", "The key lies in the VM's memory, and that memory is a file of the host's."),
        ("x", MEASURED, "HyperSafe shows its guest's memory to nobody (emulated: its refusal is an `if`)."),
    ),
    "key-abuse": (
        (
            "x",
            ALL_13,
            "The key opens only for the measured software at locality 2: the TPM signs nothing for the root VM.",
        ),
    ),
}
