"""Whose handle is whose: each client sees only the objects and sessions it made itself.

The TPM itself knows no owners. As a resource manager does, the platform gives out handles of its own (see `slots`), and
a handle that is not in a client's space is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from trustlab.tpm.commands import CODES, COMMANDS, command_name
from trustlab.tpm.errors import GateRefused
from trustlab.tpm.framing import CONTINUE_SESSION, HEADER_SIZE, RS_PW, ST_SESSIONS

_TRANSIENT = 0x80
_SESSIONS = (0x02, 0x03)
_OWNED = (_TRANSIENT, *_SESSIONS)
_FLUSH = CODES["FlushContext"]
_U32 = struct.Struct(">I").unpack_from
_SESSION = struct.Struct(">IH").unpack_from
"""sessionHandle, and the length of the nonce that follows."""
_ATTRIBUTES = struct.Struct(">BH").unpack_from
"""sessionAttributes, and the length of the hmac that follows (Part 2, 10.13.2)."""
_ENDS_SEQUENCE = {CODES["SequenceComplete"], CODES["EventSequenceComplete"]}


@dataclass(slots=True)
class LoadedObject:
    """An object or session of one client: in a slot of the TPM (`real`), or swapped out (`context`)."""

    real: int | None
    used: int
    context: bytes = b""


class Use(NamedTuple):
    """A handle inside a command's octets: where it stands, what it is, and whether it is gone after a success."""

    position: int
    handle: int
    ends: bool


@dataclass
class HandleSpace:
    """One client's handles."""

    client: str
    objects: dict[int, LoadedObject] = field(default_factory=dict)
    sessions: dict[int, LoadedObject] = field(default_factory=dict)

    def owned(self, handle: int, command: str) -> None:
        """Raise GateRefused if `handle` is an object or session of somebody else."""
        kind = handle >> 24
        if (kind == _TRANSIENT and handle not in self.objects) or (kind in _SESSIONS and handle not in self.sessions):
            raise GateRefused("foreign handle", command, self.client, f"{handle:#010x} is not one of its own")

    def forget(self, handle: int) -> None:
        """Take a handle out of the space."""
        self.objects.pop(handle, None)
        self.sessions.pop(handle, None)

    def clear(self) -> None:
        """Forget everything: the power went."""
        self.objects.clear()
        self.sessions.clear()


def uses(command: bytes, tag: int, code: int) -> list[Use]:
    """List the handles in a command: the handle area, the sessions of the authorisation area, a flushed handle.

    struct.error where the command is too short for them.
    """
    row = COMMANDS.get(code)
    at = HEADER_SIZE
    found = []
    for _ in row.handles if row else ():
        found.append(Use(at, _u32(command, at), ends=False))
        at += 4
    if found and code in _ENDS_SEQUENCE:
        found[-1] = found[-1]._replace(ends=True)
    if tag == ST_SESSIONS:
        end = at + 4 + _u32(command, at)
        at += 4
        while at < end:
            session, size = _SESSION(command, at)
            attributes, more = _ATTRIBUTES(command, at + 6 + size)
            if session != RS_PW:
                found.append(Use(at, session, not attributes & CONTINUE_SESSION))
            at += 9 + size + more
    if code == _FLUSH:
        found.append(Use(at, _u32(command, at), ends=True))
    return found


def _u32(octets: bytes, at: int) -> int:
    return int(_U32(octets, at)[0])


def check_owned(space: HandleSpace, command: bytes, tag: int, code: int) -> list[Use]:
    """Return the handles used; GateRefused for a foreign one.

    A command too short to read holds none: the TPM refuses it.
    """
    try:
        found = uses(command, tag, code)
    except struct.error:
        raise GateRefused("malformed", command_name(code), space.client, "its handles cannot be read") from None
    for use in found:
        if use.handle >> 24 in _OWNED and use.handle not in space.objects and use.handle not in space.sessions:
            space.owned(use.handle, command_name(code))
    return found
