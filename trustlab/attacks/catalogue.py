"""Every attack by name: those that Alice's programs play, and those of an unwilling customer."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from trustlab.attacks import programs
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


Data = TypeVar("Data")


class CatalogueError(ValueError):
    """The files about attacks do not fit together; the message says which, and what to write where."""


def read_toml(path: Path, kind: type[Data]) -> Data:
    """Return the content of a TOML file of this package as a `kind`; CatalogueError says what is wrong with it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogueError(f"{path.name} of attacks cannot be read: {error}") from error


def collected(found: Iterable[tuple[str, tuple[Attack, ...]]]) -> dict[str, Attack]:
    """Return the attacks of (module, attacks) pairs by name, each with its program; CatalogueError for a name twice."""
    catalogue: dict[str, Attack] = {}
    for module, attacks in found:
        for attack in attacks:
            if (other := catalogue.get(attack.name)) is not None:
                raise CatalogueError(
                    f"programs/{module}.py and programs/{other.program}.py both have an attack {attack.name!r}: "
                    "give one of them another name"
                )
            catalogue[attack.name] = msgspec.structs.replace(attack, program=module)
    return catalogue


def _programs() -> Iterable[tuple[str, tuple[Attack, ...]]]:
    """Yield each module of `programs` with its `Attack`s; a program that an attack launches has none."""
    for module in pkgutil.iter_modules(programs.__path__):
        source = importlib.import_module(f"{programs.__name__}.{module.name}")
        yield module.name, tuple(value for value in vars(source).values() if isinstance(value, Attack))


CATALOGUE = collected(_programs())
"""Every attack that a program of Alice's plays, by name."""

STALE_ANTIVIRUS = Attack(
    name="stale-antivirus",
    needs=("a machine of Carol's own, with an outdated antivirus",),
    steps=("lets her measured agent report what it finds, and orders a payment",),
    breaks="trust",
    why="Measuring the code does not show that its data are out of date.",
    source="Trusted Passages (2011)",
    stopped_by="the policy's condition on the claim of the measured agent",
    prize="service",
)
EDITED_DATABASE = Attack(
    name="edited-database",
    needs=("a machine of Carol's own, with an outdated antivirus", "its disk, which is not measured"),
    steps=("writes another date into the first line of the signature database", "orders a payment"),
    breaks="trust",
    why="A measured program that believes an unmeasured file says what the owner of the file wants.",
    source="tried",
    stopped_by="the vendor's signature over database and date, which the measured agent verifies before it claims",
    prize="service",
)
LYING_AGENT = Attack(
    name="lying-agent",
    needs=("a machine of Carol's own, with an outdated antivirus",),
    steps=("changes the agent, so that it claims another date", "orders a payment"),
    breaks="trust",
    why="A claim is worth as much as the code that makes it.",
    source="Trusted Passages (2011)",
    stopped_by="reference values: a changed agent is another image",
    prize="service",
)
POSTURE_DRIFT = Attack(
    name="posture-drift",
    needs=("a machine of Carol's own, whose antivirus grows old",),
    steps=("pays while everything is in order", "lets time pass, and pays again"),
    breaks="trust",
    why="Evidence is about the moment in which it was made.",
    source="SEAT use cases",
    stopped_by="new evidence for each payment",
    prize="service",
)
BY_CAROL = {attack.name: attack for attack in (STALE_ANTIVIRUS, EDITED_DATABASE, LYING_AGENT, POSTURE_DRIFT)}
"""The attacks of an unwilling customer, by name. `scenarios.third_party` plays them, without a program of Alice's."""

SLIDES = (
    "rogue-certificate",
    "toctou-redirect",
    "tunnel-relay",
    "deployed-key",
    "key-abuse",
    "client-impersonation",
    "same-pms-reencryption",
    "memory-scrape",
)
"""The names of all attacks of the slides, in their order; the last one needs machines with memory of their own."""
ATTACKS = {name: CATALOGUE[name] for name in SLIDES[:-1] if name in CATALOGUE}
"""The attacks on the ladder of TLS 1.2 whose outcomes were written down and signed before anything ran."""


def attack_on(name: str, tls: str) -> Attack | None:
    """Return the attack that plays a row of the table on a version of TLS; None if there is none."""
    played = (attack for attack in CATALOGUE.values() if (attack.plays, attack.tls) == (name, tls))
    return next(played, None) or BY_CAROL.get(name) or CATALOGUE.get(name)
