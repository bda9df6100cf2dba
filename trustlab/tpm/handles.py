"""Whose handle is whose: each client sees only the objects and sessions it made itself.

The TPM itself knows no owners. As a resource manager does, the platform gives out handles of its own (see `slots`), and
a handle that is not in a client's space is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.tpm.commands import CODES, COMMANDS, Command, command_name
from trustlab.tpm.errors import GateRefused, TpmProtocolError
from trustlab.tpm.marshal import CONTINUE_SESSION, HEADER_SIZE, RS_PW, ST_SESSIONS, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRANSIENT = 0x80
_SESSIONS = (0x02, 0x03)
_FLUSH = CODES["FlushContext"]
_ENDS_SEQUENCE = {CODES["SequenceComplete"], CODES["EventSequenceComplete"]}


@dataclass(slots=True)
class LoadedObject:
    """An object of one client: in a slot of the TPM (`real`), or swapped out (`context`)."""

    real: int | None
    context: bytes = b""
    used: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """A handle inside a command's octets: where it stands and what it is."""

    position: int
    handle: int
    ends: bool = False
    """This session or object is gone after the command succeeds."""


@dataclass
class HandleSpace:
    """One client's handles."""

    client: str
    objects: dict[int, LoadedObject] = field(default_factory=dict)
    sessions: set[int] = field(default_factory=set)

    def owned(self, handle: int, command: str) -> None:
        """Raise GateRefused if `handle` is an object or session of somebody else."""
        kind = handle >> 24
        if (kind == _TRANSIENT and handle not in self.objects) or (kind in _SESSIONS and handle not in self.sessions):
            raise GateRefused("foreign handle", command, self.client, f"{handle:#010x} is not one of its own")

    def forget(self, handle: int) -> None:
        """Take a handle out of the space."""
        self.objects.pop(handle, None)
        self.sessions.discard(handle)

    def clear(self) -> None:
        """Forget everything: the power went."""
        self.objects.clear()
        self.sessions.clear()


def uses(command: bytes, tag: int, code: int) -> list[Use]:
    """List the handles in a command: the handle area, the sessions of the authorisation area, a flushed handle."""
    return list(_uses(command, tag, code, COMMANDS.get(code)))


def _uses(command: bytes, tag: int, code: int, row: Command | None) -> Iterator[Use]:
    fields = Fields(command, HEADER_SIZE)
    ends_first = code in _ENDS_SEQUENCE
    last = len(row.handles) - 1 if row else -1
    for index in range(last + 1):
        yield Use(fields.position, fields.u32(), ends_first and index == last)
    if tag == ST_SESSIONS:
        end = fields.u32() + fields.position
        while fields.position < end:
            position, session = fields.position, fields.u32()
            fields.sized()
            attributes = fields.take(1)[0]
            fields.sized()
            if session != RS_PW:
                yield Use(position, session, not attributes & CONTINUE_SESSION)
    if code == _FLUSH:
        yield Use(fields.position, fields.u32(), ends=True)


def check_owned(space: HandleSpace, command: bytes, tag: int, code: int) -> list[Use]:
    """Return the handles used; GateRefused for a foreign one.

    A command too short to read holds none: the TPM refuses it.
    """
    try:
        found = uses(command, tag, code)
    except TpmProtocolError:
        raise GateRefused("malformed", command_name(code), space.client, "its handles cannot be read") from None
    for use in found:
        space.owned(use.handle, command_name(code))
    return found
