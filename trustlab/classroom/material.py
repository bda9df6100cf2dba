"""The material of several exercises: runs, and what two parties noted of one connection or of two."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from trustlab.attest import AppraisalPolicy, PolicyError
from trustlab.classroom.exercise import Ruling, wrong
from trustlab.explain import fields_of
from trustlab.scenarios import rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.passage import Design
    from trustlab.scenarios import Act

Saw = list[tuple[str, bytes]]
"""Every handshake message that crossed one end of the wire, in order: its name and its bytes."""
Fields = list[tuple[str, str, bytes]]
"""Every innermost field of these messages: the message, the field's path, its bytes."""
NO_HANDSHAKE = ("ApplicationData", "Alert", "ChangeCipherSpec")

_kept: dict[tuple[object, ...], Act] | None = None


def played(design: str | Design, attack: str | None = None, *, without: tuple[str, ...] = ()) -> Act:
    """Return an act that has just been played, from its `outcome` to its `trace`; its machines are gone.

    For runs into which nothing of the student's goes. They are fresh each time, or students would fit the one run.
    """
    known = (design, attack, without)
    if _kept is not None and known in _kept:
        return _kept[known]
    with rung(design, attack, without=without) as act:
        act.run()
    if _kept is not None:
        _kept[known] = act
    return act


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Play each run once only: for whoever tries many answers on one exercise."""
    global _kept  # noqa: PLW0603 - it holds for all judges of this process
    _kept = {}
    try:
        yield
    finally:
        _kept = None


def notes(act: Act, client: str = "teller", server: str = "bank") -> tuple[Saw, Saw]:
    """Return what the client and what the server saw of the handshakes that crossed their own ends."""
    sides = []
    for party in (client, server):
        seen = act.trace.select("tls.message", party=party)
        sides.append([(event.name, event.raw) for event in seen if event.name not in NO_HANDSHAKE])
    return sides[0], sides[1]


def fields(act: Act, party: str) -> Fields:
    """Return every innermost field of the handshake messages that a party saw."""
    found = []
    for event in act.trace.select("tls.message", party=party):
        if event.name in NO_HANDSHAKE:
            continue
        tree = fields_of(event)
        paths = [span.name for span in tree]
        for span, following in zip(tree, [*paths[1:], ""], strict=True):
            if not following.startswith((f"{span.name}.", f"{span.name}[")):
                found.append((event.name, span.name, event.raw[span.start : span.end]))
    return found


def policy_in(text: object) -> AppraisalPolicy | Ruling:
    """Return the policy that a student wrote as TOML, or what is wrong with it."""
    if not isinstance(text, str):
        return wrong(f"Return the policy as text. You returned {type(text).__name__}.")
    try:
        return AppraisalPolicy.from_toml(text)
    except PolicyError as error:
        return wrong(f"The policy cannot be read: {str(error).rstrip('.')[:250]}.")
