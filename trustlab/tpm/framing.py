"""Building commands and reading responses by hand: big-endian fields, sized buffers, the authorisation area.

ESAPI spends milliseconds of session HMAC on each policy-authorised command. The authorisation of a policy session
without HMAC is nine octets, so the commands on a handshake's way are put together here (TPM 2.0 Part 1, 18). All others
are ESAPI's: see `esys`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NoReturn

from trustlab.attest import StructureReader
from trustlab.octets import sized, u8, u32
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


def authorization(session: int, attributes: int = CONTINUE_SESSION, auth: bytes = b"", nonce: bytes = b"") -> bytes:
    """Return one TPMS_AUTH_COMMAND (Part 2, 10.13.2): with a plain policy session or an empty password, nine octets."""
    return b"".join((u32(session), sized(nonce), u8(attributes), sized(auth)))


PASSWORD = authorization(RS_PW, 0)
"""The authorisation by the empty password."""


def command(code: int, handles: Iterable[int] = (), auths: Iterable[bytes] = (), parameters: bytes = b"") -> bytes:
    """Put a command together; with `auths` (TPMS_AUTH_COMMANDs) it carries an authorisation area."""
    body = b"".join(u32(handle) for handle in handles)
    area = b"".join(auths)
    if area:
        body += u32(len(area)) + area
    body += parameters
    return _HEADER.pack(ST_SESSIONS if area else ST_NO_SESSIONS, HEADER_SIZE + len(body), code) + body


def header(octets: bytes) -> tuple[int, int, int]:
    """Return (tag, size, command or response code); TpmProtocolError unless the size is that of `octets`."""
    if len(octets) < HEADER_SIZE:
        raise TpmProtocolError(
            f"{len(octets)} octets: too short for the header of a TPM command or response, which has {HEADER_SIZE}"
        )
    tag, size, code = _HEADER.unpack_from(octets)
    if size != len(octets):
        raise TpmProtocolError(f"the header announces {size} octets, but there are {len(octets)}")
    if tag not in (ST_NO_SESSIONS, ST_SESSIONS) and code != 0x01E:
        raise TpmProtocolError(f"tag {tag:#06x} is neither TPM_ST_NO_SESSIONS nor TPM_ST_SESSIONS")
    return tag, size, code


class TpmReader(StructureReader):
    """Pulls the fields of what a TPM said; TpmProtocolError if they run out."""

    __slots__ = ()

    def fail(self, name: str, reason: str, at: int | None = None) -> NoReturn:
        raise TpmProtocolError(f"{name} at offset {self.position if at is None else at} {reason}")


def parameters_of(response: bytes, *, handle: bool = False) -> TpmReader:
    """Return the parameters of a successful response, past its handle and its parameterSize."""
    tag, _, _ = header(response)
    reader = TpmReader(response, HEADER_SIZE + (4 if handle else 0))
    if tag == ST_SESSIONS:
        reader.end = reader.length(4, "parameters") + reader.position
    return reader


def response_handle(response: bytes) -> int:
    """Return the handle that follows the response's header."""
    return TpmReader(response, HEADER_SIZE).uint(4, "handle")
