"""ESAPI over a client: whatever is not on a handshake's way goes through the TSS, on the same logged and gated path.

Two kinds of handles meet here. A `LoadedKey`, the hot commands and the trace know a TPM handle, one of the client's own
handle space. ESAPI knows an ESYS_TR, which also holds the object's Name. `handle_of` leads from the second to the
first, `resource` back.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from tpm2_pytss import ESAPI, ESYS_TR, TSS2_Exception

from trustlab.tpm.commands import command_name
from trustlab.tpm.errors import TpmResponseError, TssError
from trustlab.tpm.framing import RH_ENDORSEMENT, RH_LOCKOUT, RH_NULL, RH_OWNER, RH_PLATFORM
from trustlab.tpm.tcti import ClientTcti

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.tpm.ports import Transmitter

T = TypeVar("T")
_HIERARCHIES = {
    RH_OWNER: ESYS_TR.OWNER,
    RH_NULL: ESYS_TR.NULL,
    RH_LOCKOUT: ESYS_TR.LOCKOUT,
    RH_ENDORSEMENT: ESYS_TR.ENDORSEMENT,
    RH_PLATFORM: ESYS_TR.PLATFORM,
}
_TPM_LAYER = 0x10000
"""A TSS2_RC below this came from the TPM itself, others from a layer of the TSS."""


class Esys(ESAPI):  # type: ignore[misc] # tpm2_pytss has no types
    """A tpm2_pytss.ESAPI for one client. Thread-safe: every call holds the TPM until it is done.

    A TPM that says no raises TpmResponseError, our own side (a gate, a time-out) its TpmError, the TSS itself (an
    argument that cannot be, a response that does not fit) TssError.
    """

    def __init__(self, client: Transmitter) -> None:
        self._client = client
        self._client_tcti = ClientTcti(client)
        self._resources: dict[int, ESYS_TR] = {}
        super().__init__(self._client_tcti)

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        """Return every public method wrapped, so that it waits for its turn and raises what really happened."""
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value):
            return value
        return _honest(value, self._client_tcti, self._client)

    def resource(self, handle: int) -> ESYS_TR:
        """Return the ESYS_TR for a TPM handle.

        An object that ESAPI has not met yet (lent, kept in the TPM, loaded by hand) costs a TPM2_ReadPublic.
        """
        known = _HIERARCHIES.get(handle) or self._resources.get(handle)
        if known is None:
            known = self._resources[handle] = self.tr_from_tpmpublic(handle)
        return known

    def handle_of(self, resource: ESYS_TR) -> int:
        """Return the TPM handle of what ESAPI has just made or loaded, and remember them as one."""
        handle = int(self.tr_get_tpm_handle(resource))
        self._resources[handle] = resource
        return handle

    def knows(self, handle: int) -> bool:
        """Whether ESAPI has met the object under this handle."""
        return handle in self._resources

    def flush(self, handle: int) -> None:
        """Flush an object that ESAPI knows."""
        self.flush_context(self._resources.pop(handle))

    def forget(self) -> None:
        """Let go of all objects without a word to the TPM: it has lost its power, or was put back."""
        while self._resources:
            self.tr_close(self._resources.popitem()[1])


def _honest(method: Callable[..., T], tcti: ClientTcti, client: Transmitter) -> Callable[..., T]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> T:  # noqa: ANN401
        with client.platform.turn():  # an ESAPI context is not thread-safe
            tcti.error = None
            try:
                return method(*args, **kwargs)
            except TSS2_Exception as error:
                if tcti.error is not None:
                    raise tcti.error from error
                rc = int(error.rc)
                if rc < _TPM_LAYER:
                    raise TpmResponseError(command_name(tcti.code), rc) from error
                raise TssError(f"{method.__name__}: {error}") from error
            except (ValueError, IndexError, OverflowError) as error:  # cffi: a value does not fit its C type
                raise TssError(f"{method.__name__}: {error}") from error

    return call
