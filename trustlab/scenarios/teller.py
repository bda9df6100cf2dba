"""A guest program that sends payment orders to the bank: Bob's `teller`, and `carol`, his customer, with an antivirus.

The PIN is the canary of every act.

This file is measured: HyperSafe extends its octets into PCR 19 as part of the image, and runs those same octets.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from trustlab.attest.signing import verifies

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443
SIGNED_BY = b"signed by the vendor: "
"""What the last line of a signature database begins with."""
UNSIGNED = "unsigned"
"""What is claimed in place of a date. It is not a date, so it meets no condition on one."""


def start(guest: Guest) -> None:
    """Wait for orders on the control line; if the image has an antivirus, let it report first."""
    if guest.configuration.get("antivirus"):
        report_antivirus(guest)
    guest.log("ready", f"The {guest.name} waits for orders.")


def report_antivirus(guest: Guest) -> None:
    """Read the signature database from the disk, and have its digest and its date measured before anything else.

    The database is on a disk that is not measured, and its owner can edit it. This program is measured, and so is the
    vendor's key in its configuration: it claims a date only for a database that the vendor signed, date and all.
    """
    database = bytes(guest.disk.get("antivirus.db", b""))
    vendor = Ed25519PublicKey.from_public_bytes(bytes.fromhex(guest.setting("antivirus vendor")))
    date = date_of(database, vendor)
    guest.claim("antivirus.database", hashlib.sha256(database).hexdigest())
    guest.claim("antivirus.signatures", date)
    told = f"with signatures of {date}" if date != UNSIGNED else "whose database its vendor did not sign"
    guest.log("antivirus", f"The measured agent finds an antivirus {told}.")


def date_of(database: bytes, vendor: Ed25519PublicKey) -> str:
    """Return the date in a database's first line if the vendor signed everything above the last line, or UNSIGNED."""
    content, mark, signature = database.rpartition(SIGNED_BY)
    try:
        signed = bool(mark) and verifies(vendor, bytes.fromhex(signature.decode().strip()), content)
        return content.decode().split("\n")[0].removeprefix("signatures ") if signed else UNSIGNED
    except ValueError:  # the last line is not hexadecimal, or the text is not text
        return UNSIGNED


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
