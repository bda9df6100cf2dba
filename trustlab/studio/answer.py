"""What the studio's page is told: about the choices that there are, and about each proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.finder import DEFAULT, GOALS, POWERS, PROVENANCES, FinderError, Found
from trustlab.finder.explanation import deed_of, sends
from trustlab.finder.proposal import OFFERS, Proposal, presets, proposal_of, python_of
from trustlab.finder.search import SearchStoppedError
from trustlab.inspector.bindinputs import words_of
from trustlab.passage import DesignError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.finder import AttackStep
    from trustlab.finder.proposal import Side

SIDES: tuple[Side, ...] = ("server", "client")
GLANCE = 3_000
"""How many states a search may look at that only says whether one more click would change the verdict."""
PLACEMENTS = {
    "never": "Nobody attests: plain TLS.",
    "before": "The teller asks for evidence on a connection of its own, before TLS.",
    "inside": "The teller asks for evidence inside the finished channel.",
    "handshake": "The evidence travels in the handshake.",
    "after-finished": "Both sides show evidence right after Finished, before any other data.",
}
ORIGINS = {
    "deployed": "Alice deployed the bank's TLS key with its image.",
    "machine": "The TPM made the bank's TLS key; software uses it with a password that Alice deployed.",
    "tcb": "The TPM made the bank's TLS key for the measured software alone.",
}


class DrawnStep(msgspec.Struct, frozen=True):
    """One step of Alice's as the page draws it. If the party `sends`, the arrow leads to Alice, else from her."""

    party: str
    message: str
    sends: bool
    did: str
    fields: dict[str, str]


class StudioAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the finder says about the proposal with this `key`; `error` says why it cannot be searched.

    `turns` are the fields of which one click changes the verdict; None while that is not known.
    """

    key: str
    name: str = ""
    verdict: str = ""
    bounds: str = ""
    states: int = 0
    seconds: float = 0.0
    steps: tuple[DrawnStep, ...] = ()
    turns: tuple[tuple[str, str], ...] | None = None
    python: str = ""
    error: str = ""


def key_of(proposal: Proposal) -> str:
    """Return the proposal's key; if it is at a placement that there is not, a text of its own."""
    try:
        return proposal.key
    except FinderError:
        return str(msgspec.to_builtins(proposal))


def answer_of(proposal: Proposal, found: Found) -> StudioAnswer:
    """Return what a search found as the page shows it."""
    return StudioAnswer(
        key=proposal.key,
        name=found.design.name,
        verdict=found.verdict,
        bounds=found.bounds.sentence,
        states=found.states,
        seconds=round(found.seconds, 4),
        steps=tuple(map(_drawn, found.steps)),
        python=python_of(proposal),
    )


def _drawn(step: AttackStep) -> DrawnStep:
    return DrawnStep(step.party, step.message, sends(step), deed_of(step), step.fields)


def turns_of(proposal: Proposal, verdict: str, stop: Callable[[], bool]) -> tuple[tuple[str, str], ...]:
    """Return the fields of which one click changes the verdict; SearchStoppedError if `stop` says so."""
    return tuple((side, field) for side, field in _clicks(proposal) if _turns(proposal, side, field, verdict, stop))


def _clicks(proposal: Proposal) -> Iterator[tuple[Side, str]]:
    for side in SIDES:
        if side == "server" or proposal.client is not None:
            yield from ((side, field) for field in getattr(proposal.offer, side))


def _turns(proposal: Proposal, side: Side, field: str, verdict: str, stop: Callable[[], bool]) -> bool:
    try:
        found = proposal.toggled(side, field).search(states=GLANCE, stop=stop)
    except SearchStoppedError:
        raise
    except (DesignError, FinderError):
        return False
    return found.bounds.complete and found.verdict != verdict


def choices() -> dict[str, Any]:
    """Return what there is to choose, with the words for it, in JSON values."""
    fields = {
        name for offers in OFFERS.values() for offer in offers.values() for name in (*offer.server, *offer.client)
    }
    return {
        "offers": msgspec.to_builtins(OFFERS),
        "fields": {name: [words_of(name).plain, words_of(name).say] for name in sorted(fields)},
        "placements": PLACEMENTS,
        "origins": ORIGINS,
        "powers": POWERS,
        "goals": GOALS,
        "provenances": PROVENANCES,
        "presets": {design.name: msgspec.to_builtins(proposal_of(design, DEFAULT)) for design in presets()},
        "sentences": {design.name: design.sentence for design in presets()},
    }
