"""The guard of one connection: makes this end's Evidence and appraises the peer's, as the design says.

It deals with facts and octets only, so the same guard serves an in-memory wire, TCP and a VM. Whatever goes wrong
inside it refuses the connection: a verifier that fails must never let anybody in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from trustlab import tls
from trustlab.attest import Expected
from trustlab.passage.binders import BinderError
from trustlab.trace import other_role

if TYPE_CHECKING:
    from trustlab.attest import AttestationResult, BootCounters, Verifier
    from trustlab.passage.binders import Bound
    from trustlab.passage.designs import Design
    from trustlab.trace import Emitter, Span

Role = Literal["client", "server"]
CMW_CBOR = 1
"""The only Evidence format so far: a CMW collection in CBOR (RFC 9999)."""


BESIDE_CERTIFICATE = 0xFFFF - 6
"""Octets of Evidence that fit into the extensions of a CertificateEntry (RFC 9846, 4.5.1), behind two lengths."""


IN_PLACE_OF_EVIDENCE = {tls.InternalError.code, tls.GeneralError.code}
"""The alerts of an end that cannot make its Evidence, or refuses to at the moment."""


class AttestationFailure(Exception):  # noqa: N818 - it is a failure to attest, and named for it
    """This end could not make its Evidence; the message is the machine's answer."""


class RateLimited(AttestationFailure):
    """This end makes no Evidence for this peer at the moment: the peer has used up its quotes."""


class Attester(Protocol):
    """Whatever can have a TPM quote a binder for this end (RFC 9334: the Attester)."""

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        """Return encoded Evidence over `binder` (32 octets); AttestationFailure if the machine refuses.

        With `prove_key` the Evidence also shows how the TLS key was made, by a CertifyCreation over
        `H(L,"K",H(SPKI_S))`.
        """


def _key_of(design: Design, role: Role) -> str | None:
    """Return the name of the fact that holds this role's attested key; None if the design attests no key."""
    if role == "server":
        return "spki_S" if design.attests_key else None
    return "spki_C" if design.client_key else None


class Guard:
    """Answers the engine's evidence requests of one connection."""

    def __init__(
        self,
        design: Design,
        role: Role,
        *,
        party: Emitter,
        connection: str,
        attester: Attester | None,
        verifier: Verifier | None,
        peer: str = "",
    ) -> None:
        self.design = design
        self.role = role
        self.result: AttestationResult | None = None
        self._boot: BootCounters | None = None
        self._party = party
        self._connection = connection
        self._attester = attester
        self._verifier = verifier
        self._peer = peer or other_role(role)

    def evidence(self, facts: tls.HandshakeFacts) -> bytes | tls.Alert:
        """Return this end's Evidence over its binder, or the alert that ends the handshake."""
        binder = self.design.client if self.role == "client" else self.design.server
        if binder is None or self._attester is None:
            return tls.InternalError(
                f"the peer asked for evidence, and in the design {self.design.name} the {self.role} has none to give"
            )
        try:
            bound = binder.bind(facts)
            self._emit_binder(bound, self.role, "attester")
            evidence = self._attester.attest(bound.octets, prove_key=_key_of(self.design, self.role) is not None)
        except (BinderError, AttestationFailure) as error:
            self._party.emit("note", "no evidence", connection=self._connection, sentence=str(error))
            return self._excuse(error)
        if self.design.tls == "1.3" and len(evidence) > BESIDE_CERTIFICATE:
            return tls.InternalError(
                f"{len(evidence)} octets of evidence do not fit beside a certificate, which has room for "
                f"{BESIDE_CERTIFICATE}"
            )
        return evidence

    def _excuse(self, error: Exception) -> tls.Alert:
        """Return the alert that is sent in place of Evidence.

        A rate limit is not an internal error, but TLS 1.2 has no better alert for it.
        """
        if isinstance(error, RateLimited) and self.design.tls == "1.3":
            return tls.GeneralError(f"no evidence: {error}", "RFC 9846 6.2")
        return tls.InternalError(f"this end could not attest: {error}")

    def heard(self, alert: tls.Alert) -> None:
        """Note in the trace what it may mean if the peer sends this alert when its Evidence is due."""
        awaited = self.design.server if self.role == "client" else self.design.client
        if alert.code not in IN_PLACE_OF_EVIDENCE or awaited is None or self.result is not None:
            return
        who = "The peer" if self._peer == "peer" else f"The peer, {self._peer},"
        why = f"{who} sent the alert {alert.name} instead of its evidence. Either it could not attest, or "
        why += "this end has used up its quotes for now; the peer's own log says which. A rate limit passes with time."
        self._party.emit("note", "evidence withheld", connection=self._connection, sentence=why)

    def appraise(self, evidence: bytes, facts: tls.HandshakeFacts) -> tls.Alert | None:
        """Judge the peer's Evidence; return None to accept it, else alert 51 if the binder covers the PMS, or 49."""
        peer_role = other_role(self.role)
        binder = self.design.client if peer_role == "client" else self.design.server
        if binder is None or self._verifier is None:
            return tls.AccessDenied(f"this end has no verifier for the {peer_role}'s evidence")
        try:
            bound = binder.bind(facts)
            self._emit_binder(bound, peer_role, "verifier")
            result = self._verifier.appraise(evidence, self._expected(bound, peer_role, facts))
        except Exception as error:  # noqa: BLE001 - fail closed: whatever the error, a verifier that fails refuses
            return self._erred(error)
        self.result = result
        if result.accepted:
            self._boot = result.boot
        result.record(self._party, about=self._peer, connection=self._connection)
        if result.accepted:
            return None
        sentence = f"the check '{result.refused_by}' refused the evidence"
        if binder.pms_dependent and "extraData" in result.failed:
            return tls.DecryptError(sentence, "Trusted Passages, alerts")
        return tls.AccessDenied(sentence, "Trusted Passages, alerts")

    def _erred(self, error: Exception) -> tls.Alert | None:
        """Refuse, because the verifier failed."""
        self.refuse("verifier", f"The verifier itself failed, and that counts as a refusal: {error}")
        return tls.AccessDenied(f"appraisal failed: {type(error).__name__}")

    def show(self, name: str, raw: bytes, spans: tuple[Span, ...], sentence: str, *, sent: bool) -> None:
        """Write a message of an exchange inside the channel into the trace, as this end wrote or read it."""
        direction = self.role if sent else other_role(self.role)
        self._party.emit(
            "authenticator",
            name,
            raw=raw,
            spans=spans,
            connection=self._connection,
            direction=direction,
            sent=sent,
            sentence=sentence,
        )

    def holds(self, name: str, raw: bytes, digest: bytes) -> None:
        """Write a private key of this end into the trace, with the hash of its public key."""
        self._party.secret(name, raw, connection=self._connection, digest=digest.hex())

    def _expected(self, bound: Bound, peer_role: Role, facts: tls.HandshakeFacts) -> Expected:
        name = _key_of(self.design, peer_role)
        spki = getattr(facts, name) if name is not None else None
        proof = self.design.key_proof
        return Expected(
            binder=bound.octets,
            fields=tuple((f.name, f.octets) for f in bound.fields),
            key_spki=spki,
            key_binder=proof.bind(tls.HandshakeFacts(spki_S=spki)).octets if proof and spki is not None else None,
            boot=self._boot,
        )

    def refuse(self, by: str, sentence: str) -> None:
        """Record a refusal that was not made by a check of the Verifier: `by` names what made it."""
        self._party.emit(
            "appraisal",
            "refused",
            connection=self._connection,
            refused_by=by,
            failed=[by],
            about=self._peer,
            sentence=sentence,
        )

    def _emit_binder(self, bound: Bound, role: Role, side: str) -> None:
        self._party.emit(
            "binder",
            self.design.name,
            connection=self._connection,
            role="S" if role == "server" else "C",
            side=side,
            fields=[[f.name, f.octets.hex()] for f in bound.fields],
            binder=bound.octets.hex(),
        )
