"""The table, sixth part: the right machine and other software, and an unwilling customer with software of her own."""

from __future__ import annotations

from trustlab.attacks.table.notation import MEASURED, Row

_NOBODY_ASKS = "Nobody asks what runs at the other end."
_NO_CLIENT = "The client proves nothing on this rung: Bob cannot ask how old Carol's antivirus is."
_STALE = "Carol's measured agent says how old the signatures are, and Bob's policy wants newer ones."
_CHANGED = "The agent that lies is another program, and so another image than the one that Bob knows."
_ANEW = "The second payment is attested like the first, and the evidence says how old the signatures are by now."


def _by_carol(sentence: str) -> Row:
    """Return a row of Carol's: it takes a design on which the client proves something."""
    return (
        ("-", "plain-tls to tcb-key", _NO_CLIENT),
        ("x", "client-quote to session-hash", sentence),
        ("-", "tls13-nonce to tls13-nonce-key", _NO_CLIENT),
        ("x", "tls13-early to tls13-exporter", sentence),
    )


ROWS: dict[str, Row] = {
    "evil-workload": (
        ("S", "plain-tls", _NOBODY_ASKS),
        ("x", MEASURED, "HyperSafe measured the image truthfully, and Bob never published it."),
    ),
    "same-machine-wrong-workload": (
        ("S", "plain-tls", _NOBODY_ASKS),
        ("x", MEASURED, "The image is one of Bob's, and not the one that the policy names."),
    ),
    "evil-hypersafe": (
        ("-", "plain-tls", "There is no HyperSafe here: what stands below this VM is Alice's anyway (memory-scrape)."),
        ("x", MEASURED, "The TPM refuses the attestation key to another launch (0x99d): there is no quote to show."),
    ),
    "reference-rollback": (
        ("-", "plain-tls", "No reference values are asked for: there are none to roll back."),
        ("x", MEASURED, "The teller has seen a later version of the reference values, and takes no older one."),
    ),
    "stale-antivirus": _by_carol(_STALE),
    "lying-agent": _by_carol(_CHANGED),
    "posture-drift": _by_carol(_ANEW),
}
