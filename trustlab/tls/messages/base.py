"""What every handshake message has in common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Self

from trustlab.octets import Writer
from trustlab.tls.registry import ContentType, HandshakeType, Version

if TYPE_CHECKING:
    from trustlab.tls.reading import MessageReader
    from trustlab.tls.registry import CipherSuite


class KeyExchange(Enum):
    """How the parties agree on a secret; it decides the form of the key exchange messages."""

    RSA = "RSA"
    ECDHE = "ECDHE"
    TLS13 = "TLS 1.3"


@dataclass(frozen=True, slots=True)
class Context:
    """What must be known of the connection to read a message: octets alone do not tell.

    The last three fields are for listeners: `foreign` names the form of the messages if it is not the engine's own
    (a version before TLS 1.2, another key exchange), and is empty otherwise.
    """

    tls13: bool = False
    key_exchange: KeyExchange = KeyExchange.RSA
    suite: CipherSuite | None = None
    version: int = Version.TLS12
    exchange: str = ""
    foreign: str = ""


_TYPES = {kind.title: kind for kind in HandshakeType}


class Message:
    """A message of the handshake protocol: `pull` and `push` are its codec, `encode` adds the 4-octet header."""

    __slots__ = ()
    type: ClassVar[HandshakeType]
    content_type: ClassVar[ContentType] = ContentType.HANDSHAKE
    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Take type and name from the registry: `Certificate13` and `ForeignCertificate` are forms of `Certificate`."""
        super().__init_subclass__()
        title = cls.__name__.removesuffix("13").removeprefix("Foreign")
        if title in _TYPES:
            cls.type, cls.name = _TYPES[title], title

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:
        """Pull the body of the message; DecodeError or IllegalParameter if it is malformed."""
        raise LookupError(f"{cls.__name__} has no codec: {reader.left} octets, {context}")

    def push(self, writer: Writer) -> None:
        """Push the body of the message."""
        raise LookupError(f"{type(self).__name__} has no codec: {writer}")

    def encode(self) -> bytes:
        """Return the message as it stands in the transcript: msg_type, length, body (RFC 5246 7.4)."""
        writer = Writer()
        self.push(writer)
        return b"".join((bytes((self.type,)), len(writer.buffer).to_bytes(3, "big"), writer.buffer))


class EmptyMessage(Message):
    """A message whose type says everything."""

    __slots__ = ()

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        reader.finish(cls.name)
        return cls()

    def push(self, writer: Writer) -> None:
        """Push nothing."""
