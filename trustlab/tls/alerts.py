# ruff: noqa: N818 - errors are named for the alerts of the RFCs
"""What can go wrong, one class per alert of the RFCs.

If the peer breaks the protocol, the engine raises the `Alert` that it has to send. The sentence says what the peer did,
the clause where the standard forbids it. The connection turns it into an alert record, `AlertSent` and
`ConnectionClosed`.
"""

from __future__ import annotations

from typing import ClassVar

from trustlab.tls.registry import AlertDescription, snake

__all__ = [
    "AccessDenied",
    "Alert",
    "BadCertificate",
    "BadCertificateStatusResponse",
    "BadRecordMac",
    "CertificateExpired",
    "CertificateRequired",
    "CertificateRevoked",
    "CertificateUnknown",
    "CloseNotify",
    "DecodeError",
    "DecompressionFailure",
    "DecryptError",
    "GeneralError",
    "HandshakeFailure",
    "IllegalParameter",
    "InappropriateFallback",
    "InsufficientSecurity",
    "InternalError",
    "LocalProtocolError",
    "MissingExtension",
    "NoApplicationProtocol",
    "NoRenegotiation",
    "PeerAlert",
    "ProtocolVersion",
    "RecordOverflow",
    "RemoteProtocolError",
    "TlsError",
    "Truncated",
    "Unanswered",
    "UnexpectedMessage",
    "UnknownAlert",
    "UnknownCa",
    "UnknownPskIdentity",
    "UnrecognizedName",
    "UnsupportedCertificate",
    "UnsupportedExtension",
    "UserCanceled",
]


class TlsError(Exception):
    """Anything that ends or refuses TLS work."""


class LocalProtocolError(TlsError):
    """This side's program used the engine in a way the protocol or the engine does not allow."""


class RemoteProtocolError(TlsError):
    """The peer broke the protocol."""


class Truncated(RemoteProtocolError):
    """The stream ended without close_notify: data may be missing (RFC 5246 7.2.1, RFC 9846 6.1)."""


class Unanswered(Truncated):
    """The stream ended after this side's close_notify and before the peer's.

    The program decides whether that matters; it does not if the program wanted no more data (RFC 5246 7.2.1).
    """


class Alert(RemoteProtocolError):
    """What the peer did wrong, and the alert that answers it.

    `code` and `name` are the alert's own, `sentence` says what happened, `clause` cites the standard.
    """

    code: ClassVar[int]
    name: ClassVar[str]
    classes: ClassVar[dict[int, type[Alert]]] = {}

    def __init_subclass__(cls) -> None:
        """Take name and code from the registry: `UnexpectedMessage` is `unexpected_message`, 10."""
        super().__init_subclass__()
        cls.name = snake(cls.__name__)
        description = AlertDescription.__members__.get(cls.name.upper())
        if description is not None:
            cls.code = description
            Alert.classes[description] = cls

    def __init__(self, sentence: str = "", clause: str = "") -> None:
        super().__init__(sentence, clause)
        self.sentence = sentence
        self.clause = clause

    def __str__(self) -> str:
        text = self.name
        if self.sentence:
            text += f": {self.sentence}"
        return f"{text} ({self.clause})" if self.clause else text

    @staticmethod
    def of(code: int, sentence: str = "", clause: str = "") -> Alert:
        """Return the alert with this number; an unknown number makes an `UnknownAlert`."""
        kind = Alert.classes.get(code)
        return kind(sentence, clause) if kind else UnknownAlert(code, sentence, clause)


class UnknownAlert(Alert):
    """An alert number that no RFC assigns."""

    def __init__(self, code: int, sentence: str = "", clause: str = "") -> None:
        super().__init__(sentence, clause)
        self.__dict__.update(code=code, name=f"unknown alert {code}")  # this one's number belongs to the instance


class PeerAlert(TlsError):
    """The peer sent a fatal alert; `alert` says which."""

    def __init__(self, alert: Alert) -> None:
        super().__init__(alert)
        self.alert = alert

    def __str__(self) -> str:
        return f"the peer sent the alert {self.alert.name}"


class CloseNotify(Alert):
    """The sender will send nothing more on this connection."""


class UnexpectedMessage(Alert):
    """A message that has no place here."""


class BadRecordMac(Alert):
    """A record that does not authenticate; also bad CBC padding, without telling them apart."""


class RecordOverflow(Alert):
    """A record longer than allowed."""


class DecompressionFailure(Alert):
    """Compression is not used here; the class completes the list."""


class HandshakeFailure(Alert):
    """No acceptable set of parameters."""


class BadCertificate(Alert):
    """A certificate that is corrupt or whose signatures do not verify."""


class UnsupportedCertificate(Alert):
    """A certificate of a type this side cannot use."""


class CertificateRevoked(Alert):
    """A certificate its issuer took back."""


class CertificateExpired(Alert):
    """A certificate outside its time of validity."""


class CertificateUnknown(Alert):
    """Another problem with a certificate, for example another name."""


class IllegalParameter(Alert):
    """A field that is well formed but wrong."""


class UnknownCa(Alert):
    """A chain that does not lead to a trusted root."""


class AccessDenied(Alert):
    """Authentic but not admitted; here mostly because the appraisal refused the Evidence."""


class DecodeError(Alert):
    """A message whose syntax or lengths are wrong."""


class DecryptError(Alert):
    """A handshake signature, Finished or binder that does not verify."""


class ProtocolVersion(Alert):
    """A version this side does not speak."""


class InsufficientSecurity(Alert):
    """This side demands more than the peer offers."""


class InternalError(Alert):
    """A failure on the sender's own side."""


class GeneralError(Alert):
    """A refusal for which there is no other alert, or whose reason is not the peer's business (RFC 9846 6.2)."""


class InappropriateFallback(Alert):
    """A client retries with a lower version than both speak (RFC 7507)."""


class UserCanceled(Alert):
    """The user gave up; a warning."""


class NoRenegotiation(Alert):
    """Renegotiation is refused; a warning (TLS 1.2)."""


class MissingExtension(Alert):
    """An extension that must be there is not (TLS 1.3)."""


class UnsupportedExtension(Alert):
    """An extension that was not asked for."""


class UnrecognizedName(Alert):
    """No server of that name here (RFC 6066)."""


class BadCertificateStatusResponse(Alert):
    """An invalid OCSP response (RFC 6066)."""


class UnknownPskIdentity(Alert):
    """No such pre-shared key."""


class CertificateRequired(Alert):
    """A client certificate is demanded and was not given (TLS 1.3)."""


class NoApplicationProtocol(Alert):
    """No ALPN protocol in common (RFC 7301)."""
