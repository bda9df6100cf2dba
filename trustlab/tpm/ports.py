"""What a client of a TPM asks of its platform, and what keys, policies and ESAPI ask of a client, as Protocols.

A platform may stand here or at the other end of a line into another machine; a key operation need not care.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from trustlab.tpm.framing import TpmReader
    from trustlab.tpm.gate import Gate
    from trustlab.tpm.handles import HandleSpace
    from trustlab.tpm.profile import KeyProfile
    from trustlab.trace import Emitter, Span


class Loaded(Protocol):
    """Something that is loaded in the TPM for one client."""

    @property
    def handle(self) -> int:
        """Its handle, in the client's own handle space."""


class Sender(Protocol):
    """Who sends a command: at one locality, behind one gate, with handles of its own."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def space(self) -> HandleSpace: ...

    @property
    def locality(self) -> int:
        """0 to 3."""

    @property
    def gate(self) -> Gate:
        """Which commands it may send."""


class CommandGate(Protocol):
    """Asked before a client's command goes to a TPM, and before it takes the TPM's turn, so that it may wait there."""

    def command(self, machine: str, name: str, octets: bytes, spans: Callable[[], Iterable[Span]]) -> bytes:
        """Return the octets that are sent: of a command called `name`, whose `spans` are made when asked for."""

    def now(self) -> float:
        """Return seconds of a clock that stands still while a command waits here."""


class CommandPath(Protocol):
    """The way of commands to one TPM."""

    @property
    def queues(self) -> bool:
        """Whether `queue` can be used now."""

    def execute(self, client: Sender, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command and return the response, whatever its response code."""

    def queue(self, client: Sender, commands: Sequence[bytes]) -> list[bytes]:
        """Send commands that wait in the TPM for one another, and return all responses."""


class ClientPlatform(Protocol):
    """What a client needs of the machine whose TPM it talks to."""

    @property
    def name(self) -> str: ...

    @property
    def party(self) -> Emitter:
        """Where its events go."""

    @property
    def profile(self) -> KeyProfile:
        """Which PCRs and which locality keys are bound to here, unless told otherwise."""

    @property
    def router(self) -> CommandPath:
        """The way of commands."""

    def turn(self) -> AbstractContextManager[object]:
        """Hold the TPM for several commands of one thread in a row."""


class Transmitter(Protocol):
    """What ESAPI needs of a client."""

    @property
    def platform(self) -> ClientPlatform:
        """Whose TPM it talks to."""

    def transmit(self, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command's octets and return the response's, whatever its response code."""


class Commander(Transmitter, Protocol):
    """What a policy needs of a client: commands by their names."""

    @property
    def name(self) -> str:
        """What people call it."""

    def pcr_read(self, pcrs: Sequence[int], bank: str = "sha256") -> dict[int, bytes]:
        """Return the values of `pcrs` in one bank."""

    def run(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> bytes:
        """Send a command by its name and return the response; TpmResponseError if it failed."""

    def run_together(self, commands: Sequence[bytes], *, queued: bool = True) -> bytes:
        """Send whole commands that belong together; return the last one's response."""

    def ask(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> TpmReader:
        """Do what `run` does and return the response's parameters."""

    def load(
        self, name: str, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b""
    ) -> tuple[int, TpmReader]:
        """Do what `run` does for a command that returns a handle; returns it and the parameters."""
