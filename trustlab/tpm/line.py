"""The line to one TPM: locality and command as one step, every exchange in the log, slow where hardware is slow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trustlab.tpm.commands import command_name
from trustlab.tpm.errors import TpmResponseError
from trustlab.tpm.marshal import header, u32
from trustlab.tpm.responses import RC_RETRY
from trustlab.tpm.transport import CONTROL_TIMEOUT

if TYPE_CHECKING:
    from trustlab.tpm.commandlog import CommandLog
    from trustlab.tpm.latency import LatencyProfile
    from trustlab.tpm.transport import Transport

PLATFORM = "platform"
"""The client name of the platform's own commands."""
RESUBMISSIONS = 5
"""How often a command is sent that the TPM did not begin, for instance while it notes that a password is used."""
_RETRY = u32(RC_RETRY)


class Line:
    """Sends commands at localities. Not thread-safe: `Platform` holds the lock."""

    def __init__(self, tpm: Transport, log: CommandLog, timeout: float, latency: LatencyProfile | None) -> None:
        self.tpm = tpm
        self.timeout = timeout
        self.latency = latency
        self._log = log
        self._locality: int | None = None

    def reset(self) -> None:
        """Forget at which locality the TPM is: it was started or launched."""
        self._locality = None

    def exchange(self, octets: bytes, client: str, locality: int, timeout: float | None = None) -> bytes:
        """Send a command and return its response; again, as the standard wants it, where the TPM says TPM_RC_RETRY."""
        bound = self.timeout if timeout is None else timeout
        for _ in range(RESUBMISSIONS):
            response = self._once(octets, client, locality, bound)
            if response[6:10] != _RETRY:
                break
        return response

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
        if locality != self._locality and self.tpm.emulated:
            self.tpm.set_locality(locality, min(bound, CONTROL_TIMEOUT))
            self._locality = locality
        began = time.perf_counter()
        self.tpm.send(octets, bound)
        logged = self._log.command(octets, client, locality)
        response = self.tpm.receive(bound)
        if self.latency is not None:
            time.sleep(max(began + self.latency.wanted(logged[0].name) / 1e3 - time.perf_counter(), 0))
        self._log.response(response, logged, client, (time.perf_counter() - began) * 1e3)
        return response
