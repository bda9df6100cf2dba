"""Forms of handshake messages that this engine does not speak, but a listener may meet.

Before TLS 1.2 signatures name no algorithm (RFC 4346 7.4.3), and the form of both key exchange messages depends on the
key exchange. What is known of a form gets its names; the rest is kept as `opaque`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.tls.messages.base import Context, Message
from trustlab.tls.registry import (
    ClientCertificateType,
    CurveType,
    Group,
    SignatureScheme,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.octets import Writer
    from trustlab.tls.reading import MessageReader


@dataclass(frozen=True, slots=True)
class ForeignMessage(Message):
    """A message in a form that this engine does not speak: `form` says which, `body` has its octets."""

    form: str
    body: bytes = field(repr=False)

    @classmethod
    def pull(cls, reader: MessageReader, context: Context) -> Self:
        body = reader.data[reader.position : reader.end]
        cls.pull_fields(reader, context)
        if reader.left:
            reader.rest("opaque")
        return cls(context.foreign, body)

    @classmethod
    def pull_fields(cls, reader: MessageReader, context: Context) -> None:
        """Pull what is known of the form; DecodeError where that is malformed."""

    def push(self, writer: Writer) -> None:
        writer.octets(self.body)


def _signature(reader: MessageReader, context: Context) -> None:
    if context.version >= Version.TLS12:
        reader.uint(2, "signature_algorithm", SignatureScheme)
    reader.vector(2, "signature")


class ForeignServerKeyExchange(ForeignMessage):
    """ServerKeyExchange by DHE (RFC 5246 7.4.3), PSK (RFC 4279, RFC 5489), SRP (RFC 5054) or ECDHE before TLS 1.2."""

    __slots__ = ()

    @classmethod
    def pull_fields(cls, reader: MessageReader, context: Context) -> None:
        words = _words(context)
        if "PSK" in words:
            reader.vector(2, "psk_identity_hint")
        if words & {"DHE", "DH"}:
            for name in ("dh_p", "dh_g", "dh_Ys"):
                reader.vector(2, name, 1)
        elif words & {"ECDHE", "ECDH"}:
            if reader.uint(1, "curve_type", CurveType) != CurveType.NAMED_CURVE:
                return
            reader.uint(2, "namedcurve", Group)
            reader.vector(1, "public", 1)
        elif words & {"EXPORT", "EXPORT1024"}:
            reader.vector(2, "rsa_modulus", 1)
            reader.vector(2, "rsa_exponent", 1)
        elif "SRP" in words:
            reader.vector(2, "srp_N", 1)
            reader.vector(2, "srp_g", 1)
            reader.vector(1, "srp_s", 1)
            reader.vector(2, "srp_B", 1)
        if words & {"RSA", "DSS", "ECDSA"} and "PSK" not in words:
            _signature(reader, context)


class ForeignClientKeyExchange(ForeignMessage):
    """ClientKeyExchange by DHE (RFC 5246 7.4.7.2), PSK (RFC 4279, RFC 5489), SRP (RFC 5054), or before TLS 1.2."""

    __slots__ = ()

    @classmethod
    def pull_fields(cls, reader: MessageReader, context: Context) -> None:
        words = _words(context)
        if "PSK" in words:
            reader.vector(2, "psk_identity")
        if words & {"DHE", "DH"}:
            if reader.left:  # none where the client's certificate has it (RFC 5246 7.4.7.2)
                reader.vector(2, "dh_Yc", 1)
        elif words & {"ECDHE", "ECDH"}:
            if reader.left:
                reader.vector(1, "ecdh_Yc", 1)
        elif "SRP" in words:
            reader.vector(2, "srp_A", 1)
        elif "RSA" in words:
            if context.version == Version.SSL30:  # no length in front (RFC 6101 5.6.7.1)
                reader.rest("encrypted_pre_master_secret")
            else:
                reader.vector(2, "encrypted_pre_master_secret")


class ForeignCertificateVerify(ForeignMessage):
    """CertificateVerify before TLS 1.2: a signature alone (RFC 4346 7.4.8)."""

    __slots__ = ()

    @classmethod
    def pull_fields(cls, reader: MessageReader, context: Context) -> None:  # noqa: ARG003
        reader.vector(2, "signature")


class ForeignCertificateRequest(ForeignMessage):
    """CertificateRequest before TLS 1.2: without signature algorithms (RFC 4346 7.4.4)."""

    __slots__ = ()

    @classmethod
    def pull_fields(cls, reader: MessageReader, context: Context) -> None:  # noqa: ARG003
        reader.uints(1, 1, "certificate_types", 1, ClientCertificateType)
        reader.vectors((2, 2), "certificate_authorities", "distinguished_name", (0, 1))


def _words(context: Context) -> set[str]:
    """Return the parts of the key exchange's name; none if its form is not known here."""
    words = set(context.exchange.split("_"))
    return set() if words & {"KRB5", "FORTEZZA", "ECCPWD", "ECJPAKE", "NULL"} else words


_ALWAYS: dict[int, type[ForeignMessage]] = {
    kind.type: kind for kind in (ForeignServerKeyExchange, ForeignClientKeyExchange)
}
_OLD: dict[int, type[ForeignMessage]] = {
    kind.type: kind for kind in (ForeignCertificateVerify, ForeignCertificateRequest)
}
"""What depends on the key exchange, and what had another form before TLS 1.2."""


def foreign_codec(kind: int, context: Context) -> Callable[[MessageReader, Context], Message] | None:
    """Return the codec of a message whose form in this connection is not the engine's; None if it is."""
    if not context.foreign:
        return None
    found = _ALWAYS.get(kind) or (_OLD.get(kind) if context.version < Version.TLS12 else None)
    return found.pull if found else None
