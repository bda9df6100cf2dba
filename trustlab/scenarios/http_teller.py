"""Bob's teller over HTTP: a guest program, with which `trustlab connect` asks the bank.

This file is measured: HyperSafe extends its octets into PCR 19 as part of the image, and runs those same octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.cloud import Guest

HTTPS = 443
MAX_ANSWER = 1 << 20
LAST = "last answer", "last error"


def start(guest: Guest) -> None:
    """Wait for questions on the control line."""
    guest.log("ready", f"The {guest.name} waits for a question to ask.")


def request(path: str, server_name: str) -> bytes:
    """Return the request for a path."""
    return f"GET {path} HTTP/1.1\r\nHost: {server_name}\r\nConnection: close\r\n\r\n".encode("ascii")


def ask(guest: Guest, *, path: str) -> None:
    """Control verb: open a channel to the bank and ask for a path."""
    for name in LAST:
        guest.memory.pop(name, None)
    name = guest.setting("server_name")
    guest.dial("bank", HTTPS, name, Question(guest, request(path, name)))


def answer(guest: Guest) -> tuple[str, str]:
    """Control verb: return the answer to the last question, as it arrived, and what went wrong."""
    return guest.memory.get(LAST[0], ""), guest.memory.get(LAST[1], "")


class Question:
    """One request: sends it once the channel is open, and keeps the answer."""

    finished = False

    def __init__(self, guest: Guest, octets: bytes) -> None:
        self._guest = guest
        self._octets = octets
        self._heard = b""

    def connected(self) -> bytes:
        self._guest.log("connected", f"The {self._guest.name} trusts this channel and asks.")
        return self._octets

    def received(self, data: bytes) -> bytes:
        """Collect the answer, which ends with the channel."""
        self._heard += data
        self.finished = len(self._heard) > MAX_ANSWER
        return b""

    def closed(self, error: Exception | None) -> None:
        self._guest.memory[LAST[0]] = self._heard.decode("utf-8", "replace")
        self._guest.memory[LAST[1]] = str(error) if error is not None else ""
        if error is not None:
            self._guest.log("channel failed", f"The {self._guest.name} got no answer: {error}")
