"""The two messages outside the handshake protocol: ChangeCipherSpec and Alert (RFC 5246 7.1, 7.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from trustlab.tls.alerts import Alert, IllegalParameter, UnexpectedMessage
from trustlab.tls.registry import AlertDescription, AlertLevel, ContentType

if TYPE_CHECKING:
    from trustlab.tls.messages.base import Context
    from trustlab.tls.reading import MessageReader


@dataclass(frozen=True, slots=True)
class ChangeCipherSpec:
    """What follows is protected with the new keys; in TLS 1.3 it means nothing (RFC 9846 E.4)."""

    type = 1
    name = "ChangeCipherSpec"
    content_type = ContentType.CHANGE_CIPHER_SPEC

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        """Pull the one octet of the message."""
        if reader.uint(1, "type") != 1 or reader.left:
            raise UnexpectedMessage("a ChangeCipherSpec that is not the octet 1", "RFC 5246 7.1, RFC 9846 5")
        return cls()

    def encode(self) -> bytes:
        """Return the message."""
        return b"\x01"


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """An alert as on the wire."""

    level: int
    description: int

    name = "Alert"
    content_type = ContentType.ALERT

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:  # noqa: ARG003
        """Pull level and description."""
        level = reader.uint(1, "level", AlertLevel)
        description = reader.uint(1, "description", AlertDescription)
        reader.finish(cls.name)
        if level not in {AlertLevel.WARNING, AlertLevel.FATAL}:
            raise IllegalParameter(f"an alert of level {level}", "RFC 5246 7.2")
        return cls(level, description)

    def encode(self) -> bytes:
        """Return the message."""
        return bytes([self.level, self.description])

    @property
    def alert(self) -> Alert:
        """The error class of this description."""
        return Alert.of(self.description)
