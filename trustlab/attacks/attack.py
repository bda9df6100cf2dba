"""An attack as data: what Alice needs, what she does, why it works, what stops it."""

from __future__ import annotations

from typing import Literal

import msgspec

Prize = Literal["pin", "balance"]


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One attack of the catalogue. Its module is Alice's guest program, named like it with underscores.

    `prize` is the canary secret that shows it succeeded: the client's `pin` or the server's `balance`. `lax_client`
    says that it needs a client that checks nothing.
    """

    name: str
    needs: tuple[str, ...]
    steps: tuple[str, ...]
    breaks: str
    why: str
    source: str
    stopped_by: str
    prize: Prize = "pin"
    lax_client: bool = False

    @property
    def module(self) -> str:
        """The program's module, for an image."""
        return f"trustlab.attacks.{self.name.replace('-', '_')}"
