"""The channel to one TPM: sets locality and sends a command as one step, logs every exchange, plays slow hardware."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from trustlab.octets import u32
from trustlab.tpm.commands import command_name
from trustlab.tpm.errors import TpmResponseError
from trustlab.tpm.framing import header
from trustlab.tpm.responses import RC_RETRY
from trustlab.tpm.transport import CONTROL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.tpm.commandlog import CommandLog
    from trustlab.tpm.latency import LatencyProfile
    from trustlab.tpm.transport import Transport

PLATFORM = "platform"
"""The client name of the platform's own commands."""
RESUBMISSIONS = 5
"""How often a command is sent that the TPM did not begin, for instance while it notes that a password is used."""
_RETRY = u32(RC_RETRY)


class CommandChannel:
    """Sends commands at localities. Not thread-safe: `Platform` holds the lock."""

    def __init__(self, tpm: Transport, log: CommandLog, timeout: float, latency: LatencyProfile | None) -> None:
        self.tpm = tpm
        self.timeout = timeout
        self.latency = latency
        self._log = log
        self._locality: int | None = None
        self._flight: _Flight | None = None

    def reset(self) -> None:
        """Forget at which locality the TPM is: it was started or launched."""
        self._locality = self._flight = None

    def exchange(self, octets: bytes, client: str, locality: int, timeout: float | None = None) -> bytes:
        """Send a command and return its response. While the TPM answers TPM_RC_RETRY, send it again (Part 2, 6.6.3)."""
        bound = self.timeout if timeout is None else timeout
        for _ in range(RESUBMISSIONS):
            response = self._once(octets, client, locality, bound)
            if response[6:10] != _RETRY:
                break
        return response

    @property
    def queues(self) -> bool:
        """Whether `together` may be used: what plays hardware (`latency`) has no queue either."""
        return self.tpm.queues and self.latency is None

    def together(
        self, commands: Sequence[bytes], client: str, locality: int, timeout: float | None = None
    ) -> list[bytes]:
        """Send commands one behind the other and return all their responses, whatever they say.

        What is logged meanwhile is logged while the TPM is at work; a command's time counts from when it was sent, or
        from the response to the one before, whatever was later.
        """
        bound = self.timeout if timeout is None else timeout
        self._before(locality, bound)
        sent = []
        for n, octets in enumerate(commands):
            sent.append(time.time())
            self.tpm.send(octets, bound, behind=n > 0)
        flight = self._flight = _Flight(self.tpm, len(commands), bound)
        logged = [self._log.command(octets, client, locality) for octets in commands]
        responses, began = [], 0.0
        for asked, since in zip(logged, sent, strict=True):
            response, came = flight.next()
            self._log.response(response, asked, client, _milliseconds(max(since, began), came))
            responses.append(response)
            began = came
        return responses

    def own(self, octets: bytes) -> bytes:
        """Send a command of the platform itself, whatever comes back."""
        return self.exchange(octets, PLATFORM, 0)

    def succeed(self, octets: bytes) -> bytes:
        """Send a command of the platform itself; TpmResponseError if it fails."""
        response = self.own(octets)
        rc = header(response)[2]
        if rc:
            raise TpmResponseError(command_name(header(octets)[2]), rc)
        return response

    def _once(self, octets: bytes, client: str, locality: int, bound: float) -> bytes:
        """One command, one response, both in the log. The command is logged while the TPM is at work on it."""
        self._before(locality, bound)
        began = time.time()
        self.tpm.send(octets, bound)
        logged = self._log.command(octets, client, locality)
        response, came = self.tpm.receive(bound), self.tpm.came
        if self.latency is not None:
            time.sleep(max(began + self.latency.wanted(logged[0].name) / 1e3 - time.time(), 0))
            came = time.time()
        self._log.response(response, logged, client, _milliseconds(began, came))
        return response

    def _before(self, locality: int, bound: float) -> None:
        """Set the locality of what follows.

        A subscriber that hears of a queued command and sends one of its own sends it behind the queue.
        """
        if self._flight is not None:
            self._flight.land()
        if locality != self._locality and self.tpm.emulated:
            self.tpm.set_locality(locality, min(bound, CONTROL_TIMEOUT))
            self._locality = locality


class _Flight:
    """Commands in the TPM's queue: their responses, each with the moment it came."""

    def __init__(self, tpm: Transport, due: int, bound: float) -> None:
        self._tpm = tpm
        self._due = due
        self._bound = bound
        self._landed: deque[tuple[bytes, float]] = deque()

    def next(self) -> tuple[bytes, float]:
        return self._landed.popleft() if self._landed else self._read()

    def land(self) -> None:
        """Read all that is due, for `next` to return later."""
        while self._due:
            self._landed.append(self._read())

    def _read(self) -> tuple[bytes, float]:
        self._due -= 1
        return self._tpm.receive(self._bound), self._tpm.came


def _milliseconds(began: float, came: float) -> float:
    """Return a time that a clock which is set meanwhile never makes negative."""
    return max(came - began, 0.0) * 1e3
