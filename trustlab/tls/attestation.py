"""Agreement on Evidence in the hellos, and Evidence in SupplementalData (a protocol of this lab; RFC 4680).

The client names the roles it offers and demands; the server's answer names what it will give and what it wants, and
the one format. The handshake ends if one side demands Evidence that the other does not give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.alerts import DecodeError, HandshakeFailure, IllegalParameter, LocalProtocolError, MissingExtension
from trustlab.tls.extensions import NONCE_LENGTH, ROLE_C, ROLE_S, AttestationExtension
from trustlab.tls.messages.hello import attestation_of
from trustlab.tls.messages.tls12 import SupplementalData
from trustlab.tls.registry import ExtensionType

if TYPE_CHECKING:
    from trustlab.tls.alerts import Alert
    from trustlab.tls.config import Config
    from trustlab.tls.messages.hello import ClientHello

CLAUSE = "trustlab protocol, carriage"
MAX_EVIDENCE = 0xFFFF


def asked(config: Config, hello: ClientHello) -> AttestationExtension | None:
    """Return what a client asks for; None if this side does no attestation, and so does not know the extension."""
    return attestation_of(hello) if config.attestation is not None else None


def nonce_for(config: Config) -> bytes:
    """Return the configured nonce, or a fresh one."""
    offer = config.attestation
    if offer is None:
        return b""
    nonce = offer.nonce if offer.nonce is not None else config.random(NONCE_LENGTH)
    if len(nonce) != NONCE_LENGTH:
        raise LocalProtocolError(f"a nonce has {NONCE_LENGTH} octets, not {len(nonce)}")
    return nonce


def client_offer(config: Config) -> AttestationExtension | None:
    """Return what a client says in its hello, None without attestation."""
    offer = config.attestation
    if offer is None:
        return None
    return AttestationExtension(nonce_for(config), offer.offered, offer.demanded, tuple(offer.formats))


def unanswered(*, tls13: bool, sentence: str) -> Alert:
    """Return the alert for a demand that is not met: 40 in TLS 1.2, 109 in TLS 1.3."""
    return MissingExtension(sentence, CLAUSE) if tls13 else HandshakeFailure(sentence, CLAUSE)


def server_answer(config: Config, asked: AttestationExtension | None, *, tls13: bool) -> AttestationExtension | None:
    """Return the server's answer to a client's offer, None if it gives none."""
    own = config.attestation
    if asked is not None and (asked.offered & ~ROLE_C or asked.demanded & ~ROLE_S):
        raise IllegalParameter("a client that offers or demands the wrong role's evidence", CLAUSE)
    demanded = own.demanded if own else 0
    if own is None or asked is None:
        if demanded:
            raise unanswered(tls13=tls13, sentence="evidence is demanded and the client offers none")
        return None
    if demanded & ~asked.offered:
        raise unanswered(tls13=tls13, sentence="evidence is demanded and the client offers none")
    chosen = next((f for f in own.formats if f in asked.formats), None)
    if chosen is None:
        if demanded:
            raise unanswered(tls13=tls13, sentence="no format of evidence in common with the client")
        return None
    return AttestationExtension(nonce_for(config), own.offered & asked.demanded, demanded, (chosen,))


def check_demand(asked: AttestationExtension, answer: AttestationExtension | None, *, tls13: bool) -> None:
    """Refuse a server that does not offer what the client demands, or does not answer at all."""
    if asked.demanded and (answer is None or asked.demanded & ~answer.offered):
        raise unanswered(tls13=tls13, sentence="evidence is demanded and the server does not offer it")


def check_answer(asked: AttestationExtension, answer: AttestationExtension) -> None:
    """Refuse a server's answer that goes beyond what the client asked for."""
    if answer.offered & ~asked.demanded:
        raise IllegalParameter("the server offers evidence that nobody demanded", CLAUSE)
    if answer.demanded & ~asked.offered:
        raise IllegalParameter("the server demands evidence that the client did not offer", CLAUSE)
    if len(answer.formats) != 1 or answer.formats[0] not in asked.formats:
        raise IllegalParameter("the server did not choose one of the offered formats of evidence", CLAUSE)


def supplemental_data(evidence: bytes) -> SupplementalData:
    """Return the message that carries Evidence."""
    if not 0 < len(evidence) <= MAX_EVIDENCE:
        raise LocalProtocolError(f"evidence has 1 to {MAX_EVIDENCE} octets, not {len(evidence)}")
    return SupplementalData(((ExtensionType.ATTESTATION, evidence),))


def evidence_in(message: SupplementalData) -> bytes:
    """Return the one Evidence in SupplementalData."""
    found = [data for kind, data in message.entries if kind == ExtensionType.ATTESTATION]
    if len(found) != len(message.entries):
        raise IllegalParameter("SupplementalData with an entry that was not agreed on", "RFC 4680 2")
    if len(found) > 1:
        raise IllegalParameter("SupplementalData with evidence twice", CLAUSE)
    if not found[0]:
        raise DecodeError("SupplementalData with empty evidence", CLAUSE)
    return found[0]
