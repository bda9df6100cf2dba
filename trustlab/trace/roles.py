"""The two ends of a connection, as every room calls them."""

from __future__ import annotations

from typing import Literal

Role = Literal["client", "server"]
"""Also the direction of what an end writes."""


def other_role(role: str) -> Role:
    """Return the role at the other end."""
    return "client" if role == "server" else "server"
