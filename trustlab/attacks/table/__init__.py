"""The one table of what is expected: every design against every attack, with a sentence and a source for each cell.

The two tables that were signed before anything ran, `expected.EXPECTED` and `expected13.EXPECTED13`, are parts of it;
the modules here hold the rest, by families of attacks.
"""

from __future__ import annotations

import msgspec

from trustlab.attacks import CATALOGUE, Attack, evidence_relay_rsa, evidence_replay_rsa, forwarding13, known_dh_secret
from trustlab.attacks.expected import EXPECTED, Cell
from trustlab.attacks.expected13 import EXPECTED13
from trustlab.attacks.table import between, evidence, keys, machines, server, service, software
from trustlab.attacks.table.notation import DESIGN_NAMES, spread
from trustlab.attacks.unwilling import BY_CAROL
from trustlab.passage import DESIGNS


class Family(msgspec.Struct, frozen=True):
    """Attacks of one kind: a title, and their names in the table's order."""

    title: str
    attacks: tuple[str, ...]


FAMILIES = (
    Family("the bank's key, copied or used", ("deployed-key", "deployed-key-middle", "memory-scrape", "key-abuse")),
    Family(
        "in the middle, with a certificate",
        ("rogue-certificate", "toctou-redirect", "tunnel-relay", "downgrade", "early-canary", "fail-open"),
    ),
    Family(
        "another client, another session",
        ("client-impersonation", "same-pms-reencryption", "resumption-splice", "reflection"),
    ),
    Family(
        "the bank's evidence, and what leaked",
        ("evidence-replay", "evidence-relay", "known-dh-secret", "known-dh-secret-and-key"),
    ),
    Family(
        "another machine",
        (
            "own-genuine-machine",
            "own-genuine-machine-pinned",
            "own-genuine-machine-other-image",
            "diversion",
            "cuckoo",
            "uncertified-mallory",
        ),
    ),
    Family(
        "other software",
        ("evil-workload", "same-machine-wrong-workload", "evil-hypersafe", "reference-rollback"),
    ),
    Family("an unwilling customer", tuple(BY_CAROL)),
    Family("answers and service", ("bleichenbacher", "quote-flooding", "tpm-nuisance", "tpm-nuisance-without-end")),
)
"""The attacks of the table, by what they have in common."""

ONLY_BETWEEN_VMS = {
    ("plain-tls", "memory-scrape"): (
        "In the memory substrate no VM has a memory of its own that could be searched; between virtual machines she "
        "succeeds."
    ),
}
"""Cells that take machines with memory of their own, and what is said of them where there are none."""

_PLAYED = {
    ("evidence-replay", "1.2"): evidence_replay_rsa.ATTACK,
    ("evidence-relay", "1.2"): evidence_relay_rsa.ATTACK,
    ("known-dh-secret", "1.2"): known_dh_secret.ON_12,
    ("client-impersonation", "1.3"): forwarding13.ATTACK,
    ("same-pms-reencryption", "1.3"): forwarding13.LAX,
}
"""Attacks that take other steps on the other version of TLS, under one name in the table."""


def attack_on(attack: str, tls: str) -> Attack:
    """Return the attack of a column as it is played on a version of TLS; KeyError where there is none."""
    return _PLAYED.get((attack, tls)) or BY_CAROL.get(attack) or CATALOGUE[attack]


def _table() -> dict[tuple[str, str], Cell]:
    rows = {**EXPECTED, **EXPECTED13}
    for part in (keys, between, server, evidence, machines, software, service):
        new = spread(part.ROWS)
        if double := rows.keys() & new.keys():
            raise ValueError(f"signed already: {min(double)}")
        rows |= new
    return {
        (design, attack): _sourced(design, attack, rows[design, attack])
        for design in DESIGN_NAMES
        for family in FAMILIES
        for attack in family.attacks
    }


def _sourced(design: str, attack: str, cell: Cell) -> Cell:
    """Return the cell with its source: the attack's, and the design's where that is another."""
    found = DESIGNS[design]
    sources = (attack_on(attack, found.tls).source, found.source)
    only = "uml" if (design, attack) in ONLY_BETWEEN_VMS else ""
    return msgspec.structs.replace(cell, source="; ".join(dict.fromkeys(sources)), only=only)


TABLE = _table()
"""(design, attack) to the cell: every design of both ladders, in their order, against every attack of `FAMILIES`."""

__all__ = ["FAMILIES", "ONLY_BETWEEN_VMS", "TABLE", "Cell", "Family", "attack_on"]
