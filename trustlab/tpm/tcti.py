"""The TSS's way to our TPM: a TCTI in Python, so that ESAPI's commands take the same logged and gated path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tpm2_pytss import PyTCTI

if TYPE_CHECKING:
    from trustlab.tpm.ports import Transmitter

os.environ.setdefault("TSS2_LOG", "all+none")
"""Errors reach the caller; the C library, which looks here when it first has something to say, need not print them."""
MAGIC = b"TRUSTLAB"
_FAILURE = bytes.fromhex("80010000000a00000101")


class ClientTcti(PyTCTI):  # type: ignore[misc] # tpm2_pytss has no types
    """Transmits through a TpmClient; `error` keeps what was raised there, `code` is the last command's code."""

    def __init__(self, client: Transmitter) -> None:
        super().__init__(magic=MAGIC)
        self._client = client
        self._response: bytes | None = None
        self.error: BaseException | None = None
        self.code = 0

    def do_transmit(self, command: bytes) -> None:
        """Send a command; the response waits for `do_receive`.

        After a TCTI that fails, an ESAPI context is of no use any more: so a failure on our side looks to it like a TPM
        that answers TPM_RC_FAILURE, and `Esys` raises what really happened. That may also be a Ctrl-C: C code on the
        way would lose it.
        """
        self.code = int.from_bytes(command[6:10], "big")
        try:
            self._response = self._client.transmit(bytes(command))
        except BaseException as error:  # noqa: BLE001 - raised again by `Esys`
            self.error = error
            self._response = _FAILURE

    def do_receive(self, timeout: int) -> bytes:  # noqa: ARG002 - the client bounds every command
        """Return the response; where there is none, Ctrl-C came before `do_transmit` had begun, and arrives late."""
        response, self._response = self._response, None
        if response is None:
            self.error = KeyboardInterrupt("the command was interrupted before it was sent")
            return _FAILURE
        return response
