"""A guest program that sends payment orders to the bank: Bob's `teller`, and `carol`, his customer, with an antivirus.

The PIN is the canary of every act.

This file is measured: HyperSafe extends its octets into PCR 19 as part of the image, and runs those same octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443


def start(guest: Guest) -> None:
    """Wait for orders on the control line; if the image has an antivirus, let it report first."""
    if guest.configuration.get("antivirus"):
        report_antivirus(guest)
    guest.log("ready", f"The {guest.name} waits for orders.")


def report_antivirus(guest: Guest) -> None:
    """Read the date of the signature database from the disk and have it measured, before anything else happens.

    The database is on a disk that is not measured; this program, which reads it, is measured.
    """
    database = bytes(guest.disk.get("antivirus.db", b""))
    date = database.decode("ascii", "replace").split("\n")[0].removeprefix("signatures ")
    guest.claim("antivirus.signatures", date)
    guest.log("antivirus", f"The measured agent finds an antivirus with signatures of {date}.")


def pay(guest: Guest, *, amount: str, payee: str, pin: str) -> None:
    """Control verb: order a payment from the bank."""
    guest.dial("bank", HTTPS, guest.setting("server_name"), Order(guest, amount, payee, pin))


class Order:
    """One payment order: sends it once the channel is open, and waits for the bank's answer."""

    def __init__(self, guest: Guest, amount: str, payee: str, pin: str) -> None:
        self.finished = False
        self._guest = guest
        self._amount, self._payee, self._pin = amount, payee, pin
        self._answer = b""

    def connected(self) -> bytes:
        """Send the order, with the PIN."""
        self._guest.log(
            "connected", f"The {self._guest.name} trusts this channel and orders {self._amount} for {self._payee}."
        )
        return f"PAY {self._amount} TO {self._payee} PIN {self._pin}\n".encode()

    def received(self, data: bytes) -> bytes:
        self._answer += data
        if self._answer.endswith(b"\n"):
            self.finished = True
            self._guest.log("answer", f"The bank says: {self._answer.decode('utf-8', 'replace').strip()}")
        return b""

    def closed(self, error: Exception | None) -> None:
        if error is not None:
            self._guest.log("channel failed", f"The channel of the {self._guest.name} failed: {error}")
