"""An attack as data: what Alice needs, what she does, why it works, what stops it."""

from __future__ import annotations

import msgspec


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One attack of the catalogue. Each module of this room holds one, with the state machine that carries it out."""

    name: str
    needs: tuple[str, ...]
    steps: tuple[str, ...]
    breaks: str
    why: str
    source: str
    stopped_by: str
