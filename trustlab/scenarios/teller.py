"""Bob's `teller`: a guest program that sends payment orders to the bank. The PIN is the canary of every act.

This file is measured: the octets below are what HyperSafe extends into PCR 19 with the image, and what runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443


def start(guest: Guest) -> None:
    """Wait for orders on the control line."""
    guest.log("ready", "The teller waits for orders.")


def pay(guest: Guest, *, amount: str, payee: str, pin: str) -> None:
    """Control verb: order a payment from the bank."""
    guest.dial("bank", HTTPS, guest.setting("server_name"), Order(guest, amount, payee, pin))


class Order:
    """One payment order: says it when the channel stands, and waits for the bank's word."""

    def __init__(self, guest: Guest, amount: str, payee: str, pin: str) -> None:
        self.finished = False
        self._guest = guest
        self._amount, self._payee, self._pin = amount, payee, pin
        self._answer = b""

    def connected(self) -> bytes:
        """Say the order, PIN and all."""
        self._guest.log("connected", f"The teller trusts this channel and orders {self._amount} for {self._payee}.")
        return f"PAY {self._amount} TO {self._payee} PIN {self._pin}\n".encode()

    def received(self, data: bytes) -> bytes:
        """Read the bank's answer."""
        self._answer += data
        if self._answer.endswith(b"\n"):
            self.finished = True
            self._guest.log("answer", f"The bank says: {self._answer.decode('utf-8', 'replace').strip()}")
        return b""

    def closed(self, error: Exception | None) -> None:
        """Note how it ended."""
        if error is not None:
            self._guest.log("channel failed", f"The teller said nothing of worth: {error}")
