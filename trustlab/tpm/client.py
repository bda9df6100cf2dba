"""A client of a machine's TPM: octets for the hot commands, ESAPI for all others, both on one logged and gated path."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from trustlab.attest import pcr_selection
from trustlab.attest.constants import HASH_IDS, HASH_NAMES
from trustlab.octets import u32
from trustlab.tpm import tss
from trustlab.tpm.commands import CODES, command_name, command_of
from trustlab.tpm.errors import TpmError, TpmProtocolError, TpmResponseError, TssError
from trustlab.tpm.framing import TpmReader, header, parameters_of, response_handle
from trustlab.tpm.policy import PolicySession
from trustlab.tpm.tss import structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.tpm.esys import Esys
    from trustlab.tpm.gate import Gate
    from trustlab.tpm.handles import HandleSpace
    from trustlab.tpm.ports import ClientPlatform, Loaded

PCRS = 24
PCRS_A_READ = 8
"""PCR_Read returns at most this many values (the TPML_DIGEST of its response)."""
_SUCCESS = bytes(4)


class TpmClient:
    """Someone who talks to the TPM: at one locality, behind one gate, with handles of its own."""

    def __init__(self, platform: ClientPlatform, space: HandleSpace, locality: int, gate: Gate) -> None:
        self.platform = platform
        self.name = space.client
        self.space = space
        self.locality = locality
        self.gate = gate
        self.session_lock = threading.RLock()
        self._session: PolicySession | None = None
        self._esys: Esys | None = None

    def __repr__(self) -> str:
        return f"<TpmClient {self.name} of {self.platform.name}, locality {self.locality}>"

    def transmit(self, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command's octets and return the response's, whatever its response code.

        GateRefused, TpmOff, TpmBusy, TpmTimeout and TpmDead are raised; a TPM that says no is an ordinary answer.
        """
        return self.platform.router.execute(self, octets, timeout)

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

        For what is on a handshake's way, and for octets that ESAPI would not send. TpmResponseError if it failed.
        """
        response = self.platform.router.execute(self, command_of(name, handles, auths, parameters), timeout)
        if response[6:10] != _SUCCESS:
            raise TpmResponseError(command_name(CODES[name]), header(response)[2])
        return response

    def run_together(self, commands: Sequence[bytes], *, queued: bool = True) -> bytes:
        """Send whole commands that belong together (a policy and what it authorises); return the last one's response.

        `queued`, all are sent at once where the TPM has a queue; else each when the one before it has succeeded.
        TpmResponseError for the first that failed.
        """
        router = self.platform.router
        at_once = queued and router.queues
        responses = router.queue(self, commands) if at_once else (router.execute(self, each) for each in commands)
        for octets, response in zip(commands, responses, strict=True):
            if response[6:10] != _SUCCESS:
                raise TpmResponseError(command_name(header(octets)[2]), header(response)[2])
        return response

    def ask(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> TpmReader:
        """Do what `run` does and return the response's parameters, for a command that returns no handle."""
        return parameters_of(self.run(name, handles, auths, parameters))

    def load(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> tuple[int, TpmReader]:
        """Do what `run` does for a command that returns a handle; returns it and the parameters."""
        response = self.run(name, handles, auths, parameters)
        return response_handle(response), parameters_of(response, handle=True)

    # everyday commands

    def pcr_banks(self) -> tuple[str, ...]:
        """Return the banks whose PCRs this TPM keeps, of those that are known here (TPM 2.0 Part 3, 30.2)."""
        _, capability = self.esys.get_capability(tss.TPM2_CAP.PCRS, 0, 1)
        kept = {int(bank.hash) for bank in capability.data.assignedPCR if any(bytes(bank.pcrSelect))}
        return tuple(name for identifier, name in HASH_NAMES.items() if identifier in kept)

    def pcr_read(self, pcrs: Sequence[int], bank: str = "sha256") -> dict[int, bytes]:
        """Return the values of `pcrs` in one bank; TpmError if this TPM does not keep that bank."""
        values: dict[int, bytes] = {}
        wanted = sorted({int(_pcr(pcr)) for pcr in pcrs})
        for start in range(0, len(wanted), PCRS_A_READ):
            some = wanted[start : start + PCRS_A_READ]
            selection, _ = structure(tss.TPML_PCR_SELECTION.unmarshal, pcr_selection(some, HASH_IDS[bank]))
            _, _, digests = self.esys.pcr_read(selection)
            if not len(digests):  # a TPML has no truth value
                raise TpmError(f"this TPM keeps no {bank} values of PCR {some}; its banks: {self._banks()}")
            if len(digests) != len(some):
                raise TpmProtocolError(f"PCR_Read returned {len(digests)} values for PCR {some}")
            values.update((pcr, bytes(digest)) for pcr, digest in zip(some, digests, strict=True))
        return values

    def _banks(self) -> str:
        return ", ".join(self.pcr_banks()) or "none that is known here"

    def pcr_extend(self, pcr: int, digest: bytes) -> None:
        """Extend a PCR of the SHA-256 bank with a digest of 32 octets; the TPM checks the locality."""
        if len(digest) != hashlib.sha256().digest_size:
            raise TssError(f"{len(digest)} octets: a SHA-256 digest has 32")
        value = tss.TPMT_HA(hashAlg=tss.TPM2_ALG.SHA256, digest=tss.TPMU_HA(sha256=digest))
        self.esys.pcr_extend(_pcr(pcr), tss.TPML_DIGEST_VALUES([value]))

    def pcr_reset(self, pcr: int) -> None:
        """Set a PCR to zero where the TPM allows this locality to."""
        self.esys.pcr_reset(_pcr(pcr))

    def flush(self, key: Loaded | int) -> None:
        """Remove a loaded key, or whatever else of ours has this handle, from the TPM.

        By hand where ESAPI has not met it: it would read the public area first, only to forget it.
        """
        handle = key if isinstance(key, int) else key.handle
        if self._esys is not None and self._esys.knows(handle):
            self._esys.flush(handle)
        else:
            self.run("FlushContext", parameters=u32(handle))

    def random(self, count: int) -> bytes:
        """Return random octets from the TPM (at most 32 a call on most TPMs)."""
        return bytes(self.esys.get_random(count))

    def policy_session(self) -> PolicySession:
        """Return this client's one policy session, opened when there is none (hold `session_lock` while using it)."""
        if self._session is None or self._session.handle not in self.space.sessions:
            self._session = PolicySession(self)
        return self._session

    # ESAPI

    @property
    def esys(self) -> Esys:
        """ESAPI for this client: gated, at its locality, in the trace. Opened at first use."""
        if self._esys is None:
            tss.library()
            from trustlab.tpm.esys import Esys  # noqa: PLC0415 - its classes derive from those of tpm2-pytss

            with self.platform.turn():
                self._esys = self._esys or Esys(self)
        return self._esys

    def forget(self) -> None:
        """Let go of sessions and objects: the TPM they were in lost its power, or was put back to an earlier state."""
        self._session = None
        if self._esys is not None:
            self._esys.forget()

    def close(self) -> None:
        """Let go of the ESAPI context, if there is one."""
        esys, self._esys = self._esys, None
        if esys is not None:
            esys.close()


def _pcr(index: int) -> Any:  # noqa: ANN401 - an ESYS_TR: tpm2_pytss has no types
    """Return what ESAPI calls a PCR: its index, under another type."""
    if not 0 <= index < PCRS:
        raise TssError(f"PCR {index}: a PC's TPM has PCRs 0 to {PCRS - 1}")
    return tss.ESYS_TR(index)
