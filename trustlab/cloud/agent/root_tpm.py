"""Alice's access to another machine's TPM: her root VM stands on that machine, and her own VM talks to it by her line.

The commands are put together here, in her VM, by the same code as in the `memory` substrate. Each crosses the control
line as it is; the host sends it at locality 0, behind the platform's gate, and the TPM's answer comes back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from trustlab.cloud.errors import CloudError
from trustlab.tpm import ALICE, DRTM, TpmClient, TpmError
from trustlab.tpm.handles import HandleSpace
from trustlab.tpm.policy import PolicySession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.cloud.agent.remote_services import CallProvider
    from trustlab.tpm.ports import Sender
    from trustlab.trace import Emitter

ROOT = "root VM"


class FarRouter:
    """The way to a TPM at the other end of the line, a command at a time: gate and handles are guarded there."""

    queues = False

    def __init__(self, name: str, ask: CallProvider) -> None:
        self.name = name
        self._ask = ask

    def execute(self, client: Sender, octets: bytes, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Have the root VM send one command, and return the response; TpmError if the host or its gate refuses."""
        try:
            return bytes(self._ask("root_tpm", name=self.name, command=octets))
        except CloudError as error:
            raise TpmError(str(error)) from error

    def queue(self, client: Sender, commands: Sequence[bytes]) -> list[bytes]:
        """Send one after the other: there is no queue across the line."""
        return [self.execute(client, octets) for octets in commands]


class FarPlatform:
    """What a `TpmClient` needs of a platform."""

    profile = DRTM

    def __init__(self, name: str, party: Emitter, ask: CallProvider) -> None:
        self.name = name
        self.party = party
        self.router = FarRouter(name, ask)

    def turn(self) -> AbstractContextManager[None]:
        """Hold nothing: a VM's agent has one thread, and the host's platform takes its turns a command at a time."""
        return nullcontext()


class RootTpm(TpmClient):
    """The root VM's client of one machine's TPM, in Alice's hands."""

    def __init__(self, name: str, party: Emitter, ask: CallProvider) -> None:
        super().__init__(FarPlatform(name, party, ask), HandleSpace(ROOT), 0, ALICE)

    def policy_session(self) -> PolicySession:
        """Return the one policy session: whose handles are whose is known at the other end."""
        if self._session is None:
            self._session = PolicySession(self)
        return self._session
