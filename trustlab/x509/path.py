"""Certification paths: from a certificate to an anchor, judged as RFC 5280 6.1 demands.

`find_path` looks for a path through the certificates it is given, and validates it: signatures, dates, names, CA
flags, path lengths, keyCertSign, name constraints, policies, purposes, critical extensions, and keys that are strong
enough. An anchor is whatever the caller names as one: it need not have signed itself, for makers' roots are often
signed by somebody else. What an anchor's own certificate constrains is applied as well (RFC 5937).

Libraries that validate paths are made for web servers and refuse what TPM makers issue, so this is our own; whoever
extends it should have RFC 5280 6.1 beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustlab.octets.der import NotDer
from trustlab.x509.constraints import (
    ANY_POLICY,
    ANY_PURPOSE,
    KEY_CERT_SIGN,
    PathFacts,
    Subtrees,
    names_of,
    outside,
    strange_kinds,
)
from trustlab.x509.lenient import SHA1

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from trustlab.x509.lenient import LenientCertificate

MAX_PATH = 10
"""How many certificates may stand below the anchor: Intel's on-die authorities make it six."""
MAX_SIGNATURES = 200
"""How many signatures one search verifies at most, whatever certificates it is given."""
RSA_BITS = 2048
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class PathProblem(ValueError):  # noqa: N818 - what a person reads is its message
    """There is no valid path; the message says what is wrong with the best that was found."""


@dataclass(frozen=True)
class PathPurpose:
    """What the first certificate must be for: its extended key usage, and who is to vouch for it, in words."""

    number: str
    authority: str


def facts_of(certificate: LenientCertificate) -> PathFacts:
    """Return what the certificate's extensions say; PathProblem if one cannot be read."""
    try:
        return PathFacts.of(certificate)
    except NotDer as error:
        raise PathProblem(f"{certificate.called} has an extension that cannot be read: {error}") from error


def find_path(
    leaf: LenientCertificate,
    anchors: Sequence[LenientCertificate],
    others: Sequence[LenientCertificate],
    purpose: PathPurpose,
    time: dt.datetime | None,
) -> tuple[LenientCertificate, ...]:
    """Return a valid path, the leaf first and an anchor last; PathProblem says why there is none.

    Without a `time`, dates are left to the caller (`check_dates`).
    """
    return _Search(anchors, others, purpose, time).run(leaf)


def check_dates(path: Sequence[LenientCertificate], time: dt.datetime) -> None:
    """Check that every certificate is valid at this time; PathProblem names the one that is not."""
    for certificate in path:
        if not certificate.begin <= time <= certificate.end:
            dates = f"{certificate.begin:%Y-%m-%d %H:%M} to {certificate.end:%Y-%m-%d %H:%M} UTC"
            raise PathProblem(f"{certificate.called} is not valid today: it is valid from {dates}")


@dataclass
class _Search:
    anchors: Sequence[LenientCertificate]
    others: Sequence[LenientCertificate]
    purpose: PathPurpose
    time: dt.datetime | None
    problems: list[tuple[int, str]] = field(default_factory=list)
    verified: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)

    def run(self, leaf: LenientCertificate) -> tuple[LenientCertificate, ...]:
        found = self._extend((leaf,))
        if found is not None:
            return found
        raise PathProblem(max(self.problems, key=lambda problem: problem[0])[1])

    def _extend(self, path: tuple[LenientCertificate, ...]) -> tuple[LenientCertificate, ...] | None:
        """Return a valid path that begins with this one; None if there is none."""
        last = path[-1]
        issued = False
        for issuer, anchor in [*((a, True) for a in self.anchors), *((c, False) for c in self.others)]:
            if issuer.subject != last.issuer or any(_same(issuer, each) for each in path):
                continue
            if len(path) + (not anchor) > MAX_PATH:
                self._note(2, f"the path to a {self.purpose.authority} has more than {MAX_PATH} certificates")
                continue
            if not self._signed(last, issuer):
                continue
            issued = True
            longer = (*path, issuer)
            if anchor:
                try:
                    validate(longer, self.purpose, self.time)
                except PathProblem as problem:
                    self._note(3, str(problem))
                    continue
                return longer
            if (found := self._extend(longer)) is not None:
                return found
        if not issued:
            self._note(1, self._nobody(last))
        return None

    def _nobody(self, last: LenientCertificate) -> str:
        if last.algorithm in SHA1:
            return f"{last.called} is signed with SHA-1, which proves nothing any more"
        issuer = f" (its issuer is {last.issuer_shown})" if last.issuer_shown else ""
        return f"no {self.purpose.authority} that we trust issued {last.called}{issuer}"

    def _note(self, weight: int, sentence: str) -> None:
        self.problems.append((weight, sentence))

    def _signed(self, certificate: LenientCertificate, issuer: LenientCertificate) -> bool:
        known = certificate.identity, issuer.identity
        if known not in self.verified:
            if len(self.verified) >= MAX_SIGNATURES:
                self._note(2, f"more than {MAX_SIGNATURES} signatures would have to be verified to find a path")
                return False
            self.verified[known] = certificate.signed_by(issuer)
        return self.verified[known]


def _same(one: LenientCertificate, other: LenientCertificate) -> bool:
    """Whether two certificates are of one name and key, whoever signed them: a path needs one of them."""
    return one.subject == other.subject and one.spki == other.spki


def validate(path: Sequence[LenientCertificate], purpose: PathPurpose, time: dt.datetime | None) -> None:
    """Judge a path whose signatures and names fit, the leaf first and the anchor last; PathProblem if it is not valid.

    The variables are those of RFC 5280 6.1.2.
    """
    if time is not None:
        check_dates(path, time)
    state = _State(len(path))
    for certificate in reversed(path):
        last = certificate is path[0]
        facts = facts_of(certificate)
        _check_key(certificate)
        if facts.strange:
            what = f"a critical extension that this verifier does not understand ({', '.join(facts.strange)})"
            raise PathProblem(f"{certificate.called} has {what}")
        state.names(certificate, facts, last=last)
        state.policies(certificate, facts, first=certificate is path[-1], last=last)
        if facts.purposes is not None and not facts.purposes & {purpose.number, *(() if last else (ANY_PURPOSE,))}:
            raise PathProblem(f"{certificate.called} is not for this purpose (extended key usage {purpose.number})")
        if not last:
            state.authority(certificate, facts, first=certificate is path[-1])


def _check_key(certificate: LenientCertificate) -> None:
    key = certificate.key
    strong = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES)
    )
    if not strong:
        known = "neither RSA of 2048 bits or more nor on P-256, P-384 or P-521"
        raise PathProblem(f"the key of {certificate.called} is {known}")


class _State:
    """What the certificates above say about those below."""

    def __init__(self, length: int) -> None:
        self._max_path_length = length
        self._subtrees: list[Subtrees] = []
        self._explicit_policy = self._inhibit_any = length + 1
        self._policies: frozenset[str] | None = frozenset({ANY_POLICY})
        """The policies that the whole path so far is valid for; None once there are none."""

    def names(self, certificate: LenientCertificate, facts: PathFacts, *, last: bool) -> None:
        """Apply the name constraints to every certificate but those that only roll an authority's key over."""
        if self._subtrees and (last or not certificate.self_issued):
            names = names_of(certificate, facts)
            if outside(names, self._subtrees):
                raise PathProblem(f"{certificate.called} has a name outside the name constraints of its authority")
            if strange_kinds(names, self._subtrees):
                raise PathProblem(f"{certificate.called} has a name of a kind whose constraints cannot be judged here")
        if facts.subtrees is not None:
            self._subtrees.append(facts.subtrees)

    def policies(self, certificate: LenientCertificate, facts: PathFacts, *, first: bool, last: bool) -> None:
        """Keep the policies that every certificate has (6.1.3 d to f); nobody here asks for a certain one."""
        if not first:
            if facts.policies is None or self._policies is None:
                self._policies = None
            elif not (ANY_POLICY in facts.policies and (self._inhibit_any > 0 or certificate.self_issued)):
                own = facts.policies - {ANY_POLICY}
                left = own if ANY_POLICY in self._policies else own & self._policies
                self._policies = left or None
            if last:  # 6.1.5 a: the last certificate counts as well
                self._explicit_policy -= 1
            if self._explicit_policy <= 0 and self._policies is None:
                raise PathProblem(f"{certificate.called} has none of the policies that its authority demands")
            if not certificate.self_issued:
                self._explicit_policy, self._inhibit_any = self._explicit_policy - 1, self._inhibit_any - 1
        if facts.require_policy is not None:
            self._explicit_policy = min(self._explicit_policy, facts.require_policy)
        if facts.inhibit_any is not None:
            self._inhibit_any = min(self._inhibit_any, facts.inhibit_any)

    def authority(self, certificate: LenientCertificate, facts: PathFacts, *, first: bool) -> None:
        """Check that the certificate may vouch for the next one (6.1.4 k to n)."""
        if not facts.ca:
            raise PathProblem(f"{certificate.called} is not a CA's certificate (basicConstraints)")
        if facts.usage is not None and KEY_CERT_SIGN not in facts.usage:
            raise PathProblem(f"{certificate.called} may not sign certificates (keyUsage lacks keyCertSign)")
        if not first and not certificate.self_issued:
            if self._max_path_length <= 0:
                what = "more authorities stand below an authority than it allows (pathLenConstraint)"
                raise PathProblem(f"{certificate.called}: {what}")
            self._max_path_length -= 1
        if facts.path_length is not None:
            self._max_path_length = min(self._max_path_length, facts.path_length)
