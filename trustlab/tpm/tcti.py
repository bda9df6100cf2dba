"""The TSS's way to our TPM: a TCTI in Python, so that ESAPI's commands take the same logged and gated path."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TSS2_LOG", "all+none")  # errors reach the caller; the C library need not print them as well

from tpm2_pytss import ESAPI, TSS2_RC, PyTCTI, TSS2_Exception

from trustlab.tpm.errors import TpmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.tpm.client import TpmClient

MAGIC = b"TRUSTLAB"
_FAILURE = bytes.fromhex("80010000000a00000101")


class ClientTcti(PyTCTI):  # type: ignore[misc] # tpm2_pytss has no types
    """Transmits through a TpmClient; `error` keeps what was raised there, which C code on the way would lose."""

    def __init__(self, client: TpmClient) -> None:
        super().__init__(magic=MAGIC)
        self._client = client
        self._response: bytes | None = None
        self.error: TpmError | None = None

    def do_transmit(self, command: bytes) -> None:
        """Send a command; the response waits for `do_receive`.

        After a TCTI that fails, an ESAPI context is of no use any more: so a failure on our side looks to it like a TPM
        that answers TPM_RC_FAILURE, and `Esys` raises what really happened.
        """
        try:
            self._response = self._client.transmit(bytes(command))
        except TpmError as error:
            self.error = error
            self._response = _FAILURE

    def do_receive(self, timeout: int) -> bytes:  # noqa: ARG002 - the client bounds every command
        """Return the response."""
        response, self._response = self._response, None
        if response is None:
            raise TSS2_Exception(TSS2_RC.TCTI_RC_BAD_SEQUENCE)
        return response


class Esys(ESAPI):  # type: ignore[misc]
    """ESAPI over a client: a TPM that says no raises TSS2_Exception, our own side (a gate, a time-out) its TpmError."""

    def __init__(self, client: TpmClient) -> None:
        self._client_tcti = ClientTcti(client)
        super().__init__(self._client_tcti)

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        """Return every public method wrapped, so that it raises what really happened."""
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value):
            return value
        return _honest(value, self._client_tcti)


def _honest(method: Callable[..., Any], tcti: ClientTcti) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        tcti.error = None
        try:
            return method(*args, **kwargs)
        except TSS2_Exception as error:
            if tcti.error is not None:
                raise tcti.error from error
            raise

    return call


def open_esys(client: TpmClient) -> Esys:
    """Open an ESAPI context over `client`."""
    return Esys(client)
