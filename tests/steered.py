"""Stepping an act from its beginning to its end, for the tests of steering in either substrate."""

from __future__ import annotations

from trustlab.scenarios import rung

PATIENCE = 60


def stops(design: str, what: str = "message", substrate: str = "memory") -> list[tuple[str, str]]:
    """Return all places where an act stops when it is stepped."""
    with rung(design, substrate=substrate) as act:
        act.controller.step(what)
        act.start()
        places = []
        while (at := act.controller.wait(PATIENCE)) is not None:
            places.append(at)
            act.controller.step(what)
        assert act.wait(PATIENCE).outcome == "completed"
    return places
