"""Attestation after Finished in TLS 1.3: both ends ask for, and give, an exported authenticator (RFC 9261).

Both send a request as their first application data, with 32 fresh octets as its context; each answers the other's with
Certificate, CertificateVerify, Finished, and Evidence in an extension of the first CertificateEntry. The binder takes
the exporter over that context, so no answer fits another channel or another request. Frames are those of `exchange`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.passage.binders import ChannelFacts
from trustlab.passage.endpoint import operate
from trustlab.passage.exchange import ExchangeError, _Framed, frame
from trustlab.passage.guard import CMW_CBOR
from trustlab.tls import authenticators
from trustlab.tls.extensions import push_attestation
from trustlab.trace import other_role

if TYPE_CHECKING:
    from trustlab.passage.application import Application
    from trustlab.passage.guard import Guard

LABELS = {
    "server": "EXPERIMENTAL trusted passages v1 server",
    "client": "EXPERIMENTAL trusted passages v1 client",
}
"""Exporter labels by the role that proves (RFC 9846, 7.5; RFC 5705, 4: labels that begin with EXPERIMENTAL)."""
BARE_LABEL = "EXPERIMENTAL trusted passages v1"
"""A label without a role: only for designs that show what the role is for."""
ATTESTATION_LABEL = "Attestation"
"""The label of draft-fossati-seat-expat, as its section on the binding spells it."""
EXPORTED = 32
EMPTY = "RFC 9261 5.2.3"


def request(connection: tls.Client | tls.Server, context: bytes | None = None, *, empty_offer: bool = False) -> bytes:
    """Return a request for the peer's authenticator that asks for Evidence, with 32 fresh octets of context.

    With `empty_offer` the extension that asks is empty, as in draft-fossati-seat-expat.
    """
    if context is None:
        context = connection.config.random(authenticators.CONTEXT_LENGTH)
    wanted = tls.ROLE_S if connection.role == "client" else tls.ROLE_C
    asked = b"" if empty_offer else push_attestation(tls.AttestationExtension(context, 0, wanted, (CMW_CBOR,)))
    return authenticators.request(connection, [tls.Extension(tls.ExtensionType.ATTESTATION, asked)], context)


def context_of(asked: bytes) -> bytes:
    """Return the certificate_request_context of a request (RFC 9261, 4): opaque<0..255> after the header."""
    return asked[5 : 5 + asked[4]]


def exporter_facts(connection: tls.Client | tls.Server, role: str, context: bytes) -> ChannelFacts:
    """Return the facts of the channel, with the exporters for Evidence of `role` over the context of a request."""
    exported = {}
    for name, label in ((f"exporter_{role}", LABELS[role]), ("exporter", BARE_LABEL)):
        exported[name] = connection.export(label, context, EXPORTED)
        exported[f"{name}_without_context"] = connection.export(label, b"", EXPORTED)
    exported["exporter_attestation"] = connection.export(ATTESTATION_LABEL, context, EXPORTED)
    return ChannelFacts(**vars(connection.facts)).knowing(**exported)


def answer(connection: tls.Client | tls.Server, asked: bytes, evidence: bytes) -> bytes:
    """Return this side's authenticator for a request, signed by the key of its certificate, with Evidence (b"": none).

    Raises an alert if the request is malformed, LocalProtocolError if this side's key does not fit or fails.
    """
    body = len(evidence).to_bytes(2, "big") + evidence
    extensions = [tls.Extension(tls.ExtensionType.ATTESTATION, body)] if evidence else []
    unsigned = authenticators.prepare(connection, asked, connection.config.certificates, extensions)
    wanted = tls.KeyOperationWanted("sign", connection.config.key, unsigned.data, unsigned.scheme)
    signature = operate(wanted) if hasattr(wanted.key, "perform") else tls.perform(wanted)
    if isinstance(signature, Exception):
        raise tls.LocalProtocolError(f"the key could not sign: {signature}") from signature
    return unsigned.finish(signature)


class AuthenticatorExchange:
    """The three steps of one direction: ask, answer, judge. What is sent and received goes into the trace."""

    def __init__(self, guard: Guard, connection: tls.Client | tls.Server) -> None:
        self._guard = guard
        self._connection = connection

    def ask(self) -> bytes:
        """Return a request with fresh context."""
        asked = request(self._connection, empty_offer=self._guard.design.empty_offer)
        self._show(asked, sent=True)
        return asked

    def answer(self, asked: bytes) -> bytes | tls.Alert:
        """Return the authenticator for the peer's request, or the alert that ends the channel."""
        self._show(asked, sent=False)
        try:
            authenticators.read_request(self._connection, asked)
            evidence = self._guard.evidence(exporter_facts(self._connection, self._guard.role, context_of(asked)))
            if isinstance(evidence, tls.Alert):
                return evidence
            authenticator = self._authenticator(asked, evidence)
        except tls.Alert as alert:
            return self._failed(alert)
        except tls.LocalProtocolError as error:
            return tls.InternalError(f"this end cannot answer: {error}")
        self._show(authenticator, sent=True)
        return authenticator

    def judge(self, asked: bytes, octets: bytes) -> tls.Alert | None:
        """Judge the peer's authenticator for our request; None accepts it."""
        self._show(octets, sent=False)
        try:
            return self._judge(asked, octets)
        except tls.Alert as alert:
            return self._failed(alert)

    def _failed(self, alert: tls.Alert) -> tls.Alert:
        self._guard.refuse("authenticator", f"The authenticator exchange failed: {alert}")
        return alert

    def _authenticator(self, asked: bytes, evidence: bytes) -> bytes:
        """Return the answer to a request; the empty one where no certificate of ours fits it (RFC 9261 5.2.3)."""
        try:
            return answer(self._connection, asked, evidence)
        except authenticators.NothingInCommonError:
            return authenticators.refuse(self._connection, asked)

    def _judge(self, asked: bytes, octets: bytes) -> tls.Alert | None:
        proved = authenticators.validate(self._connection, asked, octets)
        if not proved.chain:
            raise tls.BadCertificate("an empty authenticator: no certificate of the peer fits our request", EMPTY)
        if proved.chain[:1] != self._connection.peer_certificates[:1]:
            raise tls.BadCertificate("the authenticator shows another certificate than the handshake", "RFC 9261 5.2.1")
        facts = exporter_facts(self._connection, other_role(self._guard.role), context_of(asked))
        return self._guard.appraise(proved.evidence or b"", facts)

    def _show(self, octets: bytes, *, sent: bool) -> None:
        """Write the handshake messages inside a frame into the trace, each with its octets named."""
        suite, version = self._connection.cipher_suite, tls.Version.TLS13
        while octets:
            end = 4 + int.from_bytes(octets[1:4], "big")
            raw, octets = octets[:end], octets[end:]
            try:
                message = tls.parse_message(tls.ContentType.HANDSHAKE, raw, suite, version)
                name, sentence = message.name, tls.sentence(message)
            except tls.Alert as alert:
                name, sentence = "unreadable", f"Not a message of an authenticator: {alert}"
            spans = tls.describe(raw, tls.ContentType.HANDSHAKE, suite, version)
            self._guard.show(name, raw, spans, f"Exported authenticator (RFC 9261): {sentence}", sent=sent)


class Exported(_Framed):
    """Both ends ask and answer; the inner application speaks once the peer's authenticator was accepted.

    The first frame of each side is its request, the second its authenticator.
    """

    def __init__(self, inner: Application, guard: Guard, connection: tls.Client | tls.Server) -> None:
        super().__init__(inner, connection.abort)
        self._exchange = AuthenticatorExchange(guard, connection)
        self._asked = b""
        self._answered = False

    def connected(self) -> bytes:
        """Ask."""
        self._asked = self._exchange.ask()
        return frame(self._asked)

    def frame_received(self, octets: bytes) -> bytes:
        """Answer the first frame, the peer's request; judge the second, its authenticator."""
        if self._answered:
            refused = self._exchange.judge(self._asked, octets)
            return self._open() if refused is None else self._give_up(refused)
        self._answered = True
        answered = self._exchange.answer(octets)
        if isinstance(answered, tls.Alert):
            return self._give_up(answered)
        try:
            return frame(answered)
        except ExchangeError as error:
            return self._give_up(tls.InternalError(f"this end cannot answer: {error}"))
