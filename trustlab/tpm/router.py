"""Routes all clients' commands to one machine's TPM: past the gate, in handles of their own, one by one or queued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab.tpm.commands import command_name
from trustlab.tpm.decode import decode_command
from trustlab.tpm.errors import GateRefused
from trustlab.tpm.framing import header
from trustlab.tpm.handles import check_owned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.tpm.command_channel import CommandChannel
    from trustlab.tpm.command_queue import Turn
    from trustlab.tpm.handles import Use
    from trustlab.tpm.ports import CommandGate, Sender
    from trustlab.tpm.resource_manager import ResourceManager
    from trustlab.tpm.transport import Transport
    from trustlab.trace import Party

_SHOWN = 64
"""Octets of a refused command that the trace keeps."""


class Power(Protocol):
    """Whose turn it is, and whether the TPM has power."""

    def turn(self) -> Turn:
        """Hold the TPM to the end of a `with`."""

    def powered(self) -> Transport:
        """Return the TPM; TpmOff if the machine has no power."""

    @property
    def name(self) -> str:
        """The machine's."""


class Router:
    """Sends what clients want to send. A `gate` is asked before each command, which then goes by itself."""

    def __init__(
        self,
        party: Party,
        channel: CommandChannel,
        manager: ResourceManager,
        power: Power,
        gate: CommandGate | None = None,
    ) -> None:
        self._party = party
        self._channel = channel
        self._manager = manager
        self._power = power
        self._gate = gate
        self._interleaved = 0

    def execute(self, client: Sender, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command of `client` at its locality and return the response, in the client's own handles."""
        if self._gate is not None:
            name, asked = command_name(int.from_bytes(octets[6:10], "big")), octets
            octets = self._gate.command(self._power.name, name, asked, lambda: decode_command(asked).spans)
        with self._power.turn():
            code, used = self._check(client, octets)
            return self._manager.send(
                client.space,
                code,
                octets,
                used,
                lambda real: self._channel.exchange(real, client.name, client.locality, timeout),
            )

    @property
    def queues(self) -> bool:
        """Whether there is a `queue` now: the TPM must have one, and nobody want to come between (`interleave`)."""
        return self._channel.queues and not self._interleaved and self._gate is None

    def queue(self, client: Sender, commands: Sequence[bytes]) -> list[bytes]:
        """Send commands that wait in the TPM for one another, and return all responses, whatever they say.

        They may use what is loaded, and need no more room than that.
        """
        with self._power.turn():
            checked = [(octets, *self._check(client, octets)) for octets in commands]
            return self._manager.together(
                client.space, checked, lambda real: self._channel.together(real, client.name, client.locality)
            )

    def interleave(self) -> Callable[[], None]:
        """Until the returned function is called, let other clients' commands come between any two of one client, as
        those of a busy program would.
        """
        self._interleaved += 1

        def end() -> None:
            self._interleaved -= 1

        return end

    def _check(self, client: Sender, octets: bytes) -> tuple[int, list[Use]]:
        """Return a command's code and the handles that it uses; GateRefused if `client` may not send it."""
        self._power.powered()
        tag, _, code = header(octets)
        try:
            client.gate.check(code, client.name)
            used = check_owned(client.space, octets, tag, code)
            self._manager.check_share(client.space, code)
        except GateRefused as error:
            self._record_refusal(client, octets, error)
            raise
        return code, used

    def _record_refusal(self, client: Sender, octets: bytes, error: GateRefused) -> None:
        self._party.emit(
            "machine",
            "gate refused",
            sentence=str(error),
            gate=error.gate,
            command=error.command,
            client=client.name,
            octets=octets.hex() if len(octets) <= _SHOWN else f"{octets[:_SHOWN].hex()}…",
        )
