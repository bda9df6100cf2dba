"""Building commands and reading responses by hand: big-endian fields, sized buffers, the authorisation area.

ESAPI spends milliseconds of session HMAC on each policy-authorised command. The authorisation of a policy session
without HMAC is nine octets, so the commands on a handshake's way are put together here (TPM 2.0 Part 1, 18). All others
are ESAPI's: see `esys`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from trustlab.tpm.errors import TpmProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

ST_NO_SESSIONS = 0x8001
ST_SESSIONS = 0x8002
HEADER_SIZE = 10

RH_OWNER = 0x40000001
RH_NULL = 0x40000007
RS_PW = 0x40000009
RH_LOCKOUT = 0x4000000A
RH_ENDORSEMENT = 0x4000000B
RH_PLATFORM = 0x4000000C

CONTINUE_SESSION = 0x01

_HEADER = struct.Struct(">HII")
_U32 = struct.Struct(">I")
_U16 = struct.Struct(">H")


def u16(value: int) -> bytes:
    """Return a UINT16."""
    return _U16.pack(value)


def u32(value: int) -> bytes:
    """Return a UINT32."""
    return _U32.pack(value)


def sized(data: bytes) -> bytes:
    """Return a TPM2B: a UINT16 size, then the octets."""
    return _U16.pack(len(data)) + data


def authorization(session: int, attributes: int = CONTINUE_SESSION, auth: bytes = b"", nonce: bytes = b"") -> bytes:
    """Return one TPMS_AUTH_COMMAND (Part 2, 10.13.2): with a plain policy session or an empty password, nine octets."""
    return b"".join((_U32.pack(session), sized(nonce), bytes((attributes,)), sized(auth)))


PASSWORD = authorization(RS_PW, 0)
"""The authorisation by the empty password."""


def command(code: int, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b"") -> bytes:
    """Put a command together; with `auths` (TPMS_AUTH_COMMANDs) it carries an authorisation area."""
    body = b"".join(_U32.pack(handle) for handle in handles)
    area = b"".join(auths)
    if area:
        body += _U32.pack(len(area)) + area
    body += parameters
    return _HEADER.pack(ST_SESSIONS if area else ST_NO_SESSIONS, HEADER_SIZE + len(body), code) + body


def header(octets: bytes) -> tuple[int, int, int]:
    """Return (tag, size, command or response code); TpmProtocolError unless the size is that of `octets`."""
    if len(octets) < HEADER_SIZE:
        raise TpmProtocolError(f"{len(octets)} octets: a TPM command or response has a header of {HEADER_SIZE}")
    tag, size, code = _HEADER.unpack_from(octets)
    if size != len(octets):
        raise TpmProtocolError(f"the header promises {size} octets, {len(octets)} are there")
    if tag not in (ST_NO_SESSIONS, ST_SESSIONS) and code != 0x01E:
        raise TpmProtocolError(f"tag {tag:#06x} is neither TPM_ST_NO_SESSIONS nor TPM_ST_SESSIONS")
    return tag, size, code


class Fields:
    """Reads a response's fields in their order; TpmProtocolError where they run out."""

    def __init__(self, octets: bytes, position: int = 0) -> None:
        self.octets = octets
        self.position = position

    def take(self, count: int) -> bytes:
        """Return the next `count` octets."""
        end = self.position + count
        if end > len(self.octets):
            raise TpmProtocolError(f"{count} octets wanted at offset {self.position}, the response ends before")
        data = self.octets[self.position : end]
        self.position = end
        return data

    def u16(self) -> int:
        """Return the next UINT16."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Return the next UINT32."""
        return int.from_bytes(self.take(4), "big")

    def sized(self) -> bytes:
        """Return the contents of the next TPM2B."""
        return self.take(self.u16())

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self.octets) - self.position)


def parameters_of(response: bytes, *, handle: bool = False) -> Fields:
    """Return the parameters of a successful response, past its handle and its parameterSize."""
    tag, _, _ = header(response)
    start = HEADER_SIZE + (4 if handle else 0)
    if tag != ST_SESSIONS:
        return Fields(response, start)
    size = Fields(response, start).u32()
    end = start + 4 + size
    if end > len(response):
        raise TpmProtocolError(f"parameterSize {size} runs past the response's end")
    return Fields(response[:end], start + 4)


def response_handle(response: bytes) -> int:
    """Return the handle that follows the response's header."""
    return Fields(response, HEADER_SIZE).u32()
