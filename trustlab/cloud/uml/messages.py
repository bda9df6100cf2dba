"""What crosses a VM's two serial lines: frames of a length (u32, big-endian) and one msgpack message.

The *hypercall line* (ttyS0) leads to HyperSafe and has these few calls only; an ordinary VM has its TPM there, raw. The
*control line* (ttyS1) is the lab's: a back door that a real secure VM must not have. Its verbs are
`image.CONTROL_VERBS` towards the guest and `GUEST_VERBS` towards the provider; the guest's trace events come back.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trustlab.trace import TraceEvent  # noqa: TC001 - msgspec reads the annotation at run time

WINDOW = 2048
"""How many octets may be under way to a guest: its terminal holds 4096, and stalls once it was full."""
MAX_MESSAGE = 16 * 1024 * 1024
ANY_GUESTS = ("lookup", "which", "certify", "files", "write", "remove")
PROVIDERS = ("redirect", "undo", "disk_of", "search_memory", "root_tpm", "order_tpm", "recording")
GUEST_VERBS = ANY_GUESTS + PROVIDERS


class LineError(Exception):
    """What came over a serial line is not a message; the error's text says what is wrong with it."""


class Read(msgspec.Struct, frozen=True, tag="read"):
    """The guest has read so many octets: as many more may be sent. On both lines, below everything else."""

    octets: int


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The guest's hypercall line is open: the guest asks for its image."""


class MakeKey(msgspec.Struct, frozen=True, tag="make-key"):
    """Hypercall: make this VM's TLS key. Answered by its SubjectPublicKeyInfo (DER)."""

    id: int
    kind: Literal["rsa-decrypt", "ecdsa"]
    origin: Literal["machine", "tcb"]


class UseKey(msgspec.Struct, frozen=True, tag="use-key"):
    """Hypercall: use the key made before. Answered by plaintext or signature."""

    id: int
    operation: str
    data: bytes
    scheme: int | None


class AttestCall(msgspec.Struct, frozen=True, tag="attest"):
    """Hypercall: quote a binder (32 octets) over a selection of PCRs. Answered by encoded Evidence."""

    id: int
    binder: bytes
    prove_key: bool
    pcrs: tuple[int, ...]


class MeasureClaim(msgspec.Struct, frozen=True, tag="claim"):
    """Hypercall: extend a claim, `name=value`, into PCR 20. Answered by nothing."""

    id: int
    name: str
    value: str


class RawTpm(msgspec.Struct, frozen=True, tag="tpm"):
    """An ordinary VM's access to its TPM: one command as it is. Answered by the response."""

    id: int
    command: bytes


class Boot(msgspec.Struct, frozen=True, tag="boot"):
    """HyperSafe's answer to `Hello`: the image from its own private copy, the octets that it hashed."""

    name: str
    image: str
    program: bytes
    configuration: dict[str, str]
    files: dict[str, bytes]


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """A hypercall's result."""

    id: int
    value: bytes


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A hypercall that failed: the error's class name and its message."""

    id: int
    error: str
    sentence: str


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A verb with arguments, on the control line, in either direction."""

    id: int
    verb: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What a call returned."""

    id: int
    value: Any


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """What a call raised: the error's class name and its message."""

    id: int
    error: str
    sentence: str


class Patience(msgspec.Struct, frozen=True, tag="patience"):
    """On both lines, to the guest: the run is held, so what it waits for may take longer. It begins to count again."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The agent runs, the network is up, the program is loaded. `verbs` are the functions the program defines."""

    verbs: tuple[str, ...]
    seconds: float


class Told(msgspec.Struct, frozen=True, tag="told"):
    """An event of the guest's own trace."""

    event: TraceEvent


Hypercall = Read | Hello | MakeKey | UseKey | AttestCall | MeasureClaim | RawTpm
Hyperanswer = Boot | Granted | Refused | Patience
FromGuest = Read | Call | Answer | Failed | Ready | Told
ToGuest = Call | Answer | Failed | Patience

_encoder = msgspec.msgpack.Encoder()


def frame(message: msgspec.Struct) -> bytes:
    """Return the octets of a message on a line."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


class Unframer:
    """Cuts what comes over a line into messages of the given types."""

    def __init__(self, types: Any) -> None:  # noqa: ANN401 - a union of message types
        self._decoder = msgspec.msgpack.Decoder(types)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """Take octets and return the messages that are complete; LineError if they are none."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if length > MAX_MESSAGE:
                raise LineError(f"a message of {length} octets was announced; {MAX_MESSAGE} is the limit")
            if len(self._buffer) < 4 + length:
                break
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            try:
                messages.append(self._decoder.decode(body))
            except msgspec.MsgspecError as error:
                raise LineError(f"not a message of this line: {error}") from error
        return messages
