"""Bob's bank over HTTP: a guest program, which `trustlab serve` runs. One GET a passage, answered in JSON.

This file is measured: HyperSafe extends its octets into PCR 19 as part of the image, and runs those same octets.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443
MAX_HEAD = 16_384
CENTS = 100_000
"""The balance of the account when the bank opens."""
REQUEST = re.compile(rb"GET (/[!-~]*) HTTP/1\.[01]\r\n")
AMOUNT = re.compile(r"([0-9]{1,9})\.([0-9]{2})")
PAGES = {"balance": "/balance", "pay": "/pay?amount=120.00&to=carol"}


def start(guest: Guest) -> None:
    """Get an identity for the bank's name and serve customers."""
    identity = guest.obtain_identity(guest.setting("server_name"))
    bank = Bank()
    guest.serve(HTTPS, identity, lambda: HttpCustomer(guest, bank))


class Bank:
    """One account, and its pages."""

    def __init__(self) -> None:
        self.cents = CENTS

    def answer(self, head: bytes) -> bytes:
        """Answer a request, whose `head` ends with an empty line; the connection is closed afterwards."""
        asked = REQUEST.match(head)
        if len(head) > MAX_HEAD:
            error = f"the request's head has more than {MAX_HEAD} octets"
            status, page = "431 Request Header Fields Too Large", {"error": error}
        elif asked is None:
            status, page = "400 Bad Request", {"error": "this bank understands only GET, as in GET /balance HTTP/1.1"}
        else:
            status, page = self._page(asked[1].decode("ascii"))
        body = json.dumps(page) + "\n"
        fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
        return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n{body}".encode()

    def _page(self, path: str) -> tuple[str, dict[str, str]]:
        name, _, query = path.partition("?")
        fields = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        match name:
            case "/":
                return "200 OK", {"bank": "open", **PAGES}
            case "/balance":
                return "200 OK", {"balance": f"{self.cents // 100}.{self.cents % 100:02}"}
            case "/pay":
                return self._pay(fields.get("amount", ""), fields.get("to", ""))
            case _:
                return "404 Not Found", {"error": f"there is no page {name}", **PAGES}

    def _pay(self, amount: str, to: str) -> tuple[str, dict[str, str]]:
        written = AMOUNT.fullmatch(amount)
        cents = int(written[1]) * 100 + int(written[2]) if written else 0
        if not cents:
            said = f"{amount!r} is not an amount: give one above zero, with at most nine digits and two decimals"
            return "400 Bad Request", {"error": f"{said}, as in {PAGES['pay']}"}
        if not to:
            return "400 Bad Request", {"error": f"say who gets the money, as in {PAGES['pay']}"}
        if cents > self.cents:
            return "409 Conflict", {"error": f"the account does not have {amount}"}
        self.cents -= cents
        return "200 OK", {"paid": amount, "to": to}


class HttpCustomer:
    """The connection of one customer."""

    def __init__(self, guest: Guest, bank: Bank) -> None:
        self.finished = False
        self._guest = guest
        self._bank = bank
        self._head = b""

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        """Collect the head of a request and answer it."""
        self._head += data
        if b"\r\n\r\n" not in self._head and len(self._head) <= MAX_HEAD:
            return b""
        self.finished = True
        answer = self._bank.answer(self._head)
        status = answer.partition(b"\r\n")[0].decode()
        self._guest.log("http", f"The bank answers {status}.")
        return answer

    def closed(self, error: Exception | None) -> None:
        if error is not None:
            self._guest.log("channel failed", f"The bank's channel ended: {error}")
