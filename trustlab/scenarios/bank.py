"""Bob's `bank`: a guest program. It answers payment orders, one a line.

This file is measured: HyperSafe extends its octets into PCR 19 as part of the image, and runs those same octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443
MAX_LINE = 200


def start(guest: Guest) -> None:
    """Get an identity for the bank's name and serve customers."""
    identity = guest.obtain_identity(guest.setting("server_name"))
    guest.serve(HTTPS, identity, lambda: BankCustomer(guest))


def open_account(guest: Guest, *, balance: str) -> None:
    """Control verb: keep an account with this balance. The balance is the bank's own secret, its canary."""
    guest.memory["balance"] = balance


class BankCustomer:
    """The connection of one customer.

    The answer to `PAY <amount> TO <whom> PIN <pin>` and a newline is `PAID` or `REFUSED`; the answer to `STATEMENT` is
    `BALANCE <amount>`.
    """

    def __init__(self, guest: Guest) -> None:
        self.finished = False
        self._guest = guest
        self._line = b""

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        """Collect a line and answer it."""
        self._line += data
        if b"\n" not in self._line:
            self.finished = len(self._line) > MAX_LINE
            return f"REFUSED an order has at most {MAX_LINE} octets\n".encode() if self.finished else b""
        order, _, self._line = self._line.partition(b"\n")
        self.finished = True
        match order.decode("utf-8", "replace").split(" "):
            case ["STATEMENT"]:
                self._guest.log("statement", "The bank tells its customer the balance of the account.")
                return f"BALANCE {self._guest.memory['balance']}\n".encode()
            case ["PAY", amount, "TO", payee, "PIN", _]:
                self._guest.log("payment", f"The bank pays {amount} to {payee}.")
                return f"PAID {amount} to {payee}\n".encode()
            case _:
                self._guest.log("refused order", "The bank does not understand the order.")
                return b"REFUSED say: PAY <amount> TO <whom> PIN <pin>, or STATEMENT\n"

    def closed(self, error: Exception | None) -> None:
        if error is not None:
            self._guest.log("channel failed", f"The bank's channel ended: {error}")
