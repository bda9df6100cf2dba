"""The experiments: an attack that is stopped, and succeeds when one thing is left out, or several that overlap.

Checks overlap on purpose, so each experiment has a base: a design, a policy and an attacker for which what is left out
decides. `checks` are those of the Verifier, on evidence alone; `rules` are no checks; `fields` are parts of binders;
`overlaps` are attacks that stand in no other list, with all that stops them. Those on checks stand beside their attacks
in `verifier/`, the others are data, in `ablation.toml`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from trustlab.attacks.catalogue import BY_CAROL, CATALOGUE, CatalogueError, read_toml
from trustlab.attacks.verifier import ATTACKS_ON_BINDERS, ATTACKS_ON_VERIFIER
from trustlab.passage import BARE_EXPORTER_WITH_ROLE, DESIGNS, RESUMED, Binder, Design
from trustlab.passage.designs13 import KEY_CHECKS

FILE = Path(__file__).with_name("ablation.toml")
Kind = Literal["checks", "rules", "fields", "overlaps"]
BinderOf = Literal["server", "client", "key_proof"]


class Experiment(msgspec.Struct, frozen=True):
    """One row: play the attack on the design; leave these things out; play it again.

    `without` are names of checks, rules or parts of binders; the attack must succeed when all are left out. `base` says
    what else is assumed. Without a design the Verifier judges evidence alone. `binder` says in which of the design's
    binders a part is missed.
    """

    kind: Kind
    attack: str
    without: tuple[str, ...]
    base: str
    design: Design | None = None
    binder: BinderOf = "server"

    @property
    def place(self) -> str:
        """The name of its design; nothing if there is none."""
        return self.design.name if self.design else ""


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
PROVED_KEY = Design.custom(
    "machine-linked-key-proved",
    like=DESIGNS["machine-linked-key"],
    not_demanded=(),
    sentence="As machine-linked-key, and the teller asks how the key was made.",
)
ON_OTHERS = (
    SESSION_HASH_EPHEMERAL,
    UNPROVED_KEYS,
    OWN_KEYS_ONLY,
    NONCE_AND_KEY_PROOF,
    PROVED_KEY,
    BARE_EXPORTER_WITH_ROLE,
    RESUMED,
)
"""Designs that stand on no ladder: each is one that does, with what makes one thing decisive."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment as `ablation.toml` has it, with its design by name."""

    attack: str
    without: tuple[str, ...]
    design: str
    base: str
    binder: BinderOf = "server"


class Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: the experiments by kind, and the attacks that no check stops, with the reason."""

    rules: tuple[Row, ...]
    fields: tuple[Row, ...]
    overlaps: tuple[Row, ...]
    stopped_by_no_check: dict[str, str]


def placed(kind: Kind, row: Row) -> Experiment:
    """Return the experiment of a row; CatalogueError if there is no such design."""
    designs = {**DESIGNS, **{design.name: design for design in ON_OTHERS}}
    if row.design not in designs:
        raise CatalogueError(
            f"attacks/ablation.toml plays {row.attack} on a design {row.design!r}; there are: {', '.join(designs)}"
        )
    return Experiment(kind, row.attack, row.without, row.base, designs[row.design], row.binder)


@cache
def lists() -> Lists:
    """Return what the file says."""
    return read_toml(FILE, Lists)


@cache
def experiments() -> dict[Kind, tuple[Experiment, ...]]:
    """Return every experiment, by its kind, in the order in which they are told."""
    return {
        "checks": tuple(Experiment("checks", on.name, (on.check,), on.base) for on in ATTACKS_ON_VERIFIER.values()),
        "rules": tuple(placed("rules", row) for row in lists().rules),
        "fields": tuple(placed("fields", row) for row in lists().fields),
        "overlaps": tuple(placed("overlaps", row) for row in lists().overlaps),
    }


def stopped_by_no_check() -> dict[str, str]:
    """Return the attacks that no check, rule or field stops by itself, each with what there is to say."""
    return lists().stopped_by_no_check


def missing() -> list[str]:
    """Return what the lists lack, a sentence each: an attack in none of them, or in two that contradict each other."""
    listed = {experiment.attack for kind in experiments().values() for experiment in kind}
    unstopped = {*stopped_by_no_check()}
    there_are = {*CATALOGUE, *BY_CAROL, *ATTACKS_ON_VERIFIER, *ATTACKS_ON_BINDERS}
    said = {
        "stands in no list: say in attacks/ablation.toml what stops it, or why nothing does": there_are
        - listed
        - unstopped,
        "is an experiment, and attacks/ablation.toml says that no check stops it": listed & unstopped,
        "is in attacks/ablation.toml, and there is no such attack": (listed | unstopped) - there_are,
    }
    return [f"{name} {sentence}" for sentence, names in said.items() for name in sorted(names)]
