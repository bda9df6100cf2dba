"""Who holds which secret, and from when on. What each is made of is in `keyschedule`.

Names are always kept: that the bank holds a master secret is no secret. Values only where they were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.inspector.rows import text_of

if TYPE_CHECKING:
    from trustlab.trace import TraceEvent


class Secret(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A secret that a party holds from ladder row `row` on.

    `hex` is empty unless values were asked for, and never in repr; `inputs` are the names of what it was made of.
    """

    party: str
    name: str
    row: int
    hex: str = ""
    connection: str = ""
    inputs: tuple[str, ...] = ()
    snippet: str = ""

    def __repr__(self) -> str:
        return f"<Secret {self.name!r} of {self.party}>"


def secret_of(event: TraceEvent, row: int, *, values: bool) -> Secret:
    """Return what a `secret` event says, its octets only with `values`."""
    inputs = event.data.get("inputs")
    return Secret(
        party=event.party,
        name=event.name,
        row=row,
        hex=event.raw.hex() if values else "",
        connection=text_of(event, "connection"),
        inputs=tuple(str(x) for x in inputs) if isinstance(inputs, list) else (),
    )
