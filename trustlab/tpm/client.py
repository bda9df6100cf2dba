"""A client of a machine's TPM: raw octets, a few everyday commands, and the whole ESAPI over the same logged path."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from trustlab.attest import pcr_selection
from trustlab.tpm.commands import CODES, command_name
from trustlab.tpm.errors import TpmProtocolError, TpmResponseError
from trustlab.tpm.marshal import PASSWORD, Fields, command, header, parameters_of, response_handle, u16, u32
from trustlab.tpm.policy import PolicySession

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.tpm.gate import Gate
    from trustlab.tpm.handles import HandleSpace
    from trustlab.tpm.keys import LoadedKey
    from trustlab.tpm.platform import Platform

ALG_SHA256 = 0x000B
PCRS_A_READ = 8
"""PCR_Read returns at most this many values (the TPML_DIGEST of its response)."""


class TpmClient:
    """Someone who talks to the TPM: at one locality, behind one gate, with handles of its own."""

    def __init__(self, platform: Platform, space: HandleSpace, locality: int, gate: Gate) -> None:
        self.platform = platform
        self.name = space.client
        self.space = space
        self.locality = locality
        self.gate = gate
        self.session_lock = threading.RLock()
        self._session: PolicySession | None = None
        self._esys: Any = None

    def __repr__(self) -> str:
        return f"<TpmClient {self.name} of {self.platform.name}, locality {self.locality}>"

    def transmit(self, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command's octets and return the response's, whatever its response code.

        GateRefused, TpmOff, TpmBusy, TpmTimeout and TpmDead are raised; a TPM that says no is an ordinary answer.
        """
        return self.platform.execute(self, octets, timeout)

    def run(
        self,
        name: str,
        handles: Iterable[int] = (),
        auths: Iterable[bytes] = (),
        parameters: bytes = b"",
        *,
        timeout: float | None = None,
    ) -> bytes:
        """Put a command together by its name (`Quote`), send it, and return the response.

        TpmResponseError if it failed.
        """
        response = self.platform.execute(self, command(CODES[name], handles, auths, parameters), timeout)
        rc = header(response)[2]
        if rc:
            raise TpmResponseError(command_name(CODES[name]), rc)
        return response

    def ask(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> Fields:
        """Do what `run` does and return the response's parameters, for a command that returns no handle."""
        return parameters_of(self.run(name, handles, auths, parameters))

    def load(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> tuple[int, Fields]:
        """Do what `run` does for a command that returns a handle; returns it and the parameters."""
        response = self.run(name, handles, auths, parameters)
        return response_handle(response), parameters_of(response, handle=True)

    # everyday commands

    def pcr_read(self, pcrs: Sequence[int]) -> dict[int, bytes]:
        """Return the SHA-256 values of `pcrs` (32 octets each)."""
        values: dict[int, bytes] = {}
        wanted = sorted(set(pcrs))
        for start in range(0, len(wanted), PCRS_A_READ):
            some = wanted[start : start + PCRS_A_READ]
            fields = self.ask("PCR_Read", parameters=pcr_selection(some))
            fields.u32()
            for _ in range(fields.u32()):
                fields.u16()
                fields.take(fields.take(1)[0])
            digests = [fields.sized() for _ in range(fields.u32())]
            if len(digests) != len(some):
                raise TpmProtocolError(f"PCR_Read returned {len(digests)} values for PCR {some}")
            values.update(zip(some, digests, strict=True))
        return values

    def pcr_extend(self, pcr: int, digest: bytes) -> None:
        """Extend a PCR of the SHA-256 bank with a digest of 32 octets; the TPM checks the locality."""
        self.run("PCR_Extend", (pcr,), (PASSWORD,), u32(1) + u16(ALG_SHA256) + digest)

    def pcr_reset(self, pcr: int) -> None:
        """Set a PCR to zero where the TPM allows this locality to."""
        self.run("PCR_Reset", (pcr,), (PASSWORD,))

    def flush(self, key: LoadedKey | int) -> None:
        """Remove a loaded key, or whatever else of ours has this handle, from the TPM."""
        self.run("FlushContext", parameters=u32(key if isinstance(key, int) else key.handle))

    def random(self, count: int) -> bytes:
        """Return random octets from the TPM (at most 32 a call on most TPMs)."""
        return self.ask("GetRandom", parameters=u16(count)).sized()

    def policy_session(self) -> PolicySession:
        """Return this client's one policy session, opened when there is none (hold `session_lock` while using it)."""
        if self._session is None or self._session.handle not in self.space.sessions:
            self._session = PolicySession(self)
        return self._session

    def forget_session(self) -> None:
        """Let go of the policy session: the TPM it was in lost its power, or was put back to an earlier state."""
        self._session = None

    # ESAPI

    @property
    def esys(self) -> Any:  # noqa: ANN401 - tpm2_pytss has no types
        """A tpm2_pytss.ESAPI whose commands go through this client: gated, at its locality, in the trace."""
        if self._esys is None:
            from trustlab.tpm.tcti import open_esys  # noqa: PLC0415 - a fifth of a second that most runs do not need

            self._esys = open_esys(self)
        return self._esys

    def close(self) -> None:
        """Let go of the ESAPI context, if there is one."""
        esys, self._esys = self._esys, None
        if esys is not None:
            esys.close()
