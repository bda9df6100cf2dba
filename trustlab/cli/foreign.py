"""The files of other people's tools, put together as evidence for the Verifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from trustlab.attest import AttestError, EventLog, Evidence, Expected, parse_attest, parse_public
from trustlab.attest.certificates import load_certificate
from trustlab.attest.toolfiles import read_pcr_values, read_public, read_quote, read_signature
from trustlab.cli.failure import Failure, octets_of
from trustlab.tpm import EnrolmentRefused, verify_ek_certificate
from trustlab.tpm.ekchain import EK_PURPOSE, is_parent
from trustlab.x509 import PathProblem, facts_of, read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustlab.attest import Attest, Public
    from trustlab.x509 import LenientCertificate


Read = TypeVar("Read")


class _Endorsed(NamedTuple):
    """What the certificates say of the EK: its identity if the AK lives under it, and what is wrong with them."""

    key: bytes = b""
    problem: str = ""


@dataclass(frozen=True)
class ForeignFiles:
    """The files as they were named on the command line."""

    quote: Path
    signature: Path
    ak: Path
    event_log: Path | None
    pcrs: Path | None
    certificates: Path | None

    def read(
        self, binder: bytes, anchors: Sequence[LenientCertificate], *, known_ak: bool
    ) -> tuple[Evidence, Expected]:
        """Return the evidence and what to expect of it; Failure names the file that cannot be read.

        With `known_ak` the AK itself is the Relying Party's, and needs no certificate.
        """
        quote = _of(self.quote, read_quote)
        public, _ = _of(self.ak, read_public)
        signature = _of(self.signature, lambda octets: read_signature(octets, public, quote))
        attest, area = parse_attest(quote), parse_public(public)
        chain, endorsed = self._certified(area, attest, anchors)
        evidence = Evidence(
            quote=quote,
            signature=signature,
            ak_public=public,
            ak_certificates=chain,
            event_log=EventLog().encode() if self.event_log is None else _log(self.event_log),
            pcr_values={} if self.pcrs is None else _of(self.pcrs, lambda octets: read_pcr_values(octets, attest)),
        )
        expected = Expected(
            binder=binder, ak=area.spki if known_ak else None, ek_key=endorsed.key, ek_problem=endorsed.problem
        )
        return evidence, expected

    def _certified(
        self, area: Public, attest: Attest, anchors: Sequence[LenientCertificate]
    ) -> tuple[tuple[bytes, ...], _Endorsed]:
        """Sort the certificates: the AK's with those between it and an anchor, and the EK's."""
        if self.certificates is None:
            return (), _Endorsed()
        bundle = read_bundle(octets_of(self.certificates), self.certificates.name)
        if not bundle.certificates:
            why = f" ({bundle.skipped[0]})" if bundle.skipped else ""
            raise Failure(f"{self.certificates} does not hold a readable certificate{why}")
        own = [c for c in bundle.certificates if c.spki == area.spki]
        endorsements = [c for c in bundle.certificates if _is_ek(c)]
        others = [c for c in bundle.certificates if c not in own and c not in endorsements]
        chain = (own[0].octets, *filter(_strict, (c.octets for c in others))) if own else ()
        return chain, _endorsed(endorsements, area, attest, anchors, others)


def _endorsed(
    endorsements: Sequence[LenientCertificate],
    area: Public,
    attest: Attest,
    anchors: Sequence[LenientCertificate],
    others: Sequence[LenientCertificate],
) -> _Endorsed:
    """Judge the EK certificates; of several the one under whose key the AK lives counts."""
    related = [c for c in endorsements if is_parent(c, area, attest.qualified_signer)]
    for certificate in related or endorsements[:1]:
        try:
            verify_ek_certificate(certificate.octets, anchors, others)
        except EnrolmentRefused as refused:
            return _Endorsed(problem=f"The EK certificate does not hold: {refused.sentence}.")
        if not related:
            return _Endorsed(problem="The AK does not live under the endorsement key whose certificate you gave.")
        return _Endorsed(certificate.spki_digest)
    return _Endorsed()


def _is_ek(certificate: LenientCertificate) -> bool:
    try:
        facts = facts_of(certificate)
    except PathProblem:
        return False
    return not facts.ca and EK_PURPOSE.number in (facts.purposes or ())


def _strict(octets: bytes) -> bool:
    """Whether the AK's chain may hold a certificate: evidence takes DER alone."""
    try:
        load_certificate(octets, "a certificate")
    except AttestError:
        return False
    return True


def _of(path: Path, read: Callable[[bytes], Read]) -> Read:
    try:
        return read(octets_of(path))
    except AttestError as error:
        raise Failure(f"{path}: {error}") from error


def _log(path: Path) -> bytes:
    octets = octets_of(path)
    _of(path, lambda _: EventLog.decode(octets))
    return octets
