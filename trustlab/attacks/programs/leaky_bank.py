"""A bank with a leak: the guest program of an image that is not Bob's, or that Bob withdrew or made for tests.

It serves the counter like Bob's bank, and repeats every order to Alice's machine, in clear. Measured like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import Ask
from trustlab.attacks.alice.tools import HTTPS
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest

EAR = 9999
"""The port on which Alice's own machine listens."""
ALICE = "alice"


def start(guest: Guest) -> None:
    """Get an identity for the bank's name and serve the counter."""
    identity = guest.obtain_identity(guest.setting("server_name"))
    guest.serve(HTTPS, identity, lambda: Counter(guest))


def open_account(guest: Guest, *, balance: str) -> None:
    """Control verb: keep an account with this balance."""
    guest.memory["balance"] = balance


class Counter:
    """One customer at the counter, and Alice listening."""

    def __init__(self, guest: Guest) -> None:
        self.finished = False
        self._guest = guest
        self._line = b""

    def connected(self) -> bytes:
        """Wait for an order."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Repeat the order to Alice, and thank for it."""
        self._line += data
        if b"\n" not in self._line:
            return b""
        self.finished = True
        self._guest.log("leak", "The program that runs in the bank's place repeats the order to Alice.")
        self._guest.connect(ALICE, EAR, lambda _name: PlainEndpoint(Ask(self._line, frames=0)))
        return b"PAID, and thank you\n"

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""
