"""The experiments: an attack that is stopped, and that succeeds when one thing, or several that overlap, are left out.

Checks overlap on purpose, so each experiment has a base: a design, a policy and an attacker for which the thing that is
left out decides. There are four kinds: `checks` of the Verifier, played on evidence alone; `rules`, which are not
checks; `fields`, the parts of binders; and `overlaps`, the attacks in none of these lists with everything that stops
them. The experiments on checks are beside their attacks in `verifier/`; the others are data, in `ablation.toml`.
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
    what else is assumed. Without a design only evidence is judged. `binder` says from which of the design's binders a
    part is left out.
    """

    kind: Kind
    attack: str
    without: tuple[str, ...]
    base: str
    design: Design | None = None
    binder: BinderOf = "server"

    @property
    def place(self) -> str:
        """The name of its design; empty if it has none."""
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
    sentence="As client-certificate, but nobody asks where a key lives.",
)
OWN_KEYS_ONLY = Design.custom(
    "tls13-exporter-own-keys",
    like=DESIGNS["tls13-exporter"],
    server=Binder(("L", "S", "exporter_server", "H(SPKI_S)")),
    client=Binder(("L", "C", "exporter_client", "H(SPKI_C)?")),
    sentence="As tls13-exporter, but neither end names the other's key.",
)
NONCE_AND_KEY_PROOF = Design.custom(
    "tls13-nonce-and-key-proof",
    like=DESIGNS["tls13-nonce"],
    not_demanded=(),
    sentence="As tls13-nonce, but the server must also prove its key.",
)
PROVED_KEY = Design.custom(
    "machine-linked-key-proved",
    like=DESIGNS["machine-linked-key"],
    not_demanded=(),
    sentence="As machine-linked-key, but the teller asks how the key was made.",
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
"""Designs beside the ladders: each is a design of a ladder, changed so that one thing decides."""


class ExperimentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment in `ablation.toml`, with its design by name."""

    attack: str
    without: tuple[str, ...]
    design: str
    base: str
    binder: BinderOf = "server"


class Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: the experiments by kind, and the attacks that no check stops, with the reason."""

    rules: tuple[ExperimentRow, ...]
    fields: tuple[ExperimentRow, ...]
    overlaps: tuple[ExperimentRow, ...]
    stopped_by_no_check: dict[str, str]


def placed(kind: Kind, row: ExperimentRow) -> Experiment:
    """Return the experiment of a row; CatalogueError if there is no such design."""
    designs = {**DESIGNS, **{design.name: design for design in ON_OTHERS}}
    if row.design not in designs:
        raise CatalogueError(
            f"attacks/ablation.toml plays {row.attack} on an unknown design {row.design!r}; "
            f"choose from: {', '.join(designs)}"
        )
    return Experiment(kind, row.attack, row.without, row.base, designs[row.design], row.binder)


@cache
def lists() -> Lists:
    """Return the content of the file."""
    return read_toml(FILE, Lists)


@cache
def experiments() -> dict[Kind, tuple[Experiment, ...]]:
    """Return every experiment by its kind, in the order in which they are shown."""
    return {
        "checks": tuple(Experiment("checks", on.name, (on.check,), on.base) for on in ATTACKS_ON_VERIFIER.values()),
        "rules": tuple(placed("rules", row) for row in lists().rules),
        "fields": tuple(placed("fields", row) for row in lists().fields),
        "overlaps": tuple(placed("overlaps", row) for row in lists().overlaps),
    }


def stopped_by_no_check() -> dict[str, str]:
    """Return the attacks that no check, rule or field stops by itself, each with the reason."""
    return lists().stopped_by_no_check


def missing() -> list[str]:
    """Return a sentence for each gap in the lists: an attack in none of them, or in two that contradict each other."""
    listed = {experiment.attack for kind in experiments().values() for experiment in kind}
    unstopped = {*stopped_by_no_check()}
    there_are = {*CATALOGUE, *BY_CAROL, *ATTACKS_ON_VERIFIER, *ATTACKS_ON_BINDERS}
    said = {
        "is not in attacks/ablation.toml: add an experiment, or a line under [stopped_by_no_check]": there_are
        - listed
        - unstopped,
        "is an experiment, but attacks/ablation.toml lists it under [stopped_by_no_check]: leave one out": listed
        & unstopped,
        "is in attacks/ablation.toml, but there is no such attack: correct the name": (listed | unstopped) - there_are,
    }
    return [f"{name} {sentence}" for sentence, names in said.items() for name in sorted(names)]
