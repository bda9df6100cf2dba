"""The Attestation Result as a token to carry around: the passport model (RFC 9334, 5.1).

A JWT (RFC 7519) that is an EAT (RFC 9711), in the manner of draft-ietf-rats-ear: the Verifier's verdict as an AR4SI
trustworthiness vector, all checks by name, and the binder as `eat_nonce`. The binder makes it a passport for one
passage: whoever is shown the token recomputes the binder of the connection it arrives in.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.attest import signing
from trustlab.attest.errors import ResultError
from trustlab.attest.result import FAIL, NOT_COMPARED, NOT_DEMANDED, PASS, AttestationResult
from trustlab.attest.verifier import CHECKS, FORMAT

if TYPE_CHECKING:
    from collections.abc import Collection

PROFILE = "tag:trustlab.example,2026:attestation-result/1"
TYPE = "eat+jwt"
DEVELOPER = "trustlab"
MAX_TOKEN = 65_536
LIFETIME = dt.timedelta(minutes=5)
LEEWAY = dt.timedelta(seconds=60)

CANNOT_PARSE, AFFIRMED, BOOT_AFFIRMED, NOT_RECOGNIZED, CONTRAINDICATED, UNKNOWN_INSTANCE, NOT_VALID = (
    1,
    2,
    3,
    33,
    96,
    97,
    99,
)
"""Values of draft-ietf-rats-ar4si, 2.3.4."""
CRYPTOGRAPHIC = ("AK chain", "AK public area", "AK policy", "signature", "magic and type", "extraData")
VECTOR = {
    "instance-identity": (("machine pinned", "boot continuity"), AFFIRMED, UNKNOWN_INSTANCE),
    "configuration": (("claims",), AFFIRMED, CONTRAINDICATED),
    "executables": (
        ("selection and bank", "log equals pcrDigest", "events", "reference values", "reference version"),
        BOOT_AFFIRMED,
        NOT_RECOGNIZED,
    ),
    "hardware": (("AK chain",), AFFIRMED, NOT_VALID),
    "storage-opaque": (
        ("key identity", "key provenance", "key policy", "one AK for both"),
        AFFIRMED,
        CONTRAINDICATED,
    ),
}
"""Which checks speak for which claim of the vector, its value if they pass, and if one fails. Nothing here speaks for
`runtime-opaque`: the lab's isolation is emulated."""

HARMLESS = {PASS, NOT_DEMANDED, NOT_COMPARED}
"""Verdicts of a check that stand in nobody's way."""
NO_CLAIM, WORST_AFFIRMING = 0, 31
"""draft-ietf-rats-ar4si, 2.3.2: 2 to 31 affirm, higher numbers warn or contraindicate, -1 and 1 say nothing."""

Status = Literal["none", "affirming", "warning", "contraindicated"]


class CheckVerdict(msgspec.Struct, frozen=True):
    """A check as it stands in a token."""

    name: str
    verdict: str
    sentence: str


class EarAppraisal(
    msgspec.Struct, frozen=True, rename={"status": "ear.status", "vector": "ear.trustworthiness-vector"}
):
    """One submodule of a token: what was found about one Attester."""

    status: Status
    vector: dict[str, int]
    checks: tuple[CheckVerdict, ...]
    image: str | None = None
    claims: dict[str, str] = {}
    ek_key: str = ""
    reference_version: int = 0

    @property
    def affirms(self) -> bool:
        """Whether the status is "affirming", and nothing beside it speaks against it: no check, no claim."""
        good = {NO_CLAIM, *range(AFFIRMED, WORST_AFFIRMING + 1)}
        sound = all(check.verdict in HARMLESS for check in self.checks) and set(self.vector.values()) <= good
        return self.status == "affirming" and sound


class VerifierId(msgspec.Struct, frozen=True):
    """Who made a token."""

    developer: str
    build: str


class Passport(msgspec.Struct, frozen=True, rename={"verifier": "ear.verifier-id", "profile": "eat_profile"}):
    """A token's claims set. `about` names the one submodule, whose `status` decides."""

    profile: str
    iat: int
    exp: int
    eat_nonce: str
    verifier: VerifierId
    submods: dict[str, EarAppraisal]

    @property
    def about(self) -> str:
        """Whose evidence was appraised."""
        return next(iter(self.submods))

    @property
    def appraisal(self) -> EarAppraisal:
        """What was found."""
        return self.submods[self.about]

    @property
    def accepted(self) -> bool:
        """Whether the Verifier accepted the evidence, and the token says nothing else beside it."""
        return self.appraisal.affirms


class _JoseHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


def trustworthiness_vector(result: AttestationResult) -> dict[str, int]:
    """Return the AR4SI trustworthiness claims of a result; what was not demanded is not claimed."""
    verdicts = {check.name: check.verdict for check in result.checks}
    if verdicts[FORMAT] == FAIL:
        return dict.fromkeys(VECTOR, CANNOT_PARSE)
    if any(verdicts[name] == FAIL for name in CRYPTOGRAPHIC):
        return dict.fromkeys(VECTOR, NOT_VALID)
    vector = {}
    for claim, (names, good, bad) in VECTOR.items():
        found = [verdicts[name] for name in names]
        if FAIL in found:
            vector[claim] = bad
        elif set(found) <= HARMLESS and found[0] == PASS:
            vector[claim] = good
    return vector


def issue(
    result: AttestationResult,
    key: signing.PrivateKey,
    *,
    about: str,
    build: str = "1",
    time: dt.datetime | None = None,
    lifetime: dt.timedelta = LIFETIME,
) -> str:
    """Return the signed token about `about`'s evidence; ResultError for a result in which checks were left out."""
    verdicts = tuple(CheckVerdict(check.name, check.verdict, check.sentence) for check in result.checks)
    if any(check.verdict not in {*HARMLESS, FAIL} for check in verdicts):
        raise ResultError("this result has checks left out: it belongs to an experiment and is not signed")
    now = time or dt.datetime.now(dt.UTC)
    passport = Passport(
        profile=PROFILE,
        iat=int(now.timestamp()),
        exp=int((now + lifetime).timestamp()),
        eat_nonce=signing.to_base64url(result.binder),
        verifier=VerifierId(DEVELOPER, build),
        submods={
            about: EarAppraisal(
                status="affirming" if result.accepted else "contraindicated",
                vector=trustworthiness_vector(result),
                checks=verdicts,
                image=result.image,
                claims=result.claims,
                ek_key=result.ek_key.hex(),
                reference_version=result.reference_version,
            )
        },
    )
    header = _JoseHeader(signing.algorithm(key), signing.key_id(key.public_key()), TYPE)
    body = ".".join(signing.to_base64url(msgspec.json.encode(part)) for part in (header, passport))
    return f"{body}.{signing.to_base64url(signing.sign(key, body.encode()))}"


def verify(
    token: str | bytes, verifiers: Collection[signing.PublicKey], *, binder: bytes, time: dt.datetime | None = None
) -> Passport:
    """Return what a token says, if one of these Verifiers signed it, for this passage, and not too long ago.

    ResultError otherwise. A token about refused evidence is a good token too: look at `accepted`.
    """
    if not binder:
        raise ResultError("the expected binder is empty: a token that is bound to nothing would match it")
    header, passport = _open(token, verifiers)
    if header.typ != TYPE or passport.profile != PROFILE:
        raise ResultError(
            f"a {header.typ} token of profile {passport.profile} is not an Attestation Result of this lab"
        )
    now = time or dt.datetime.now(dt.UTC)
    if not passport.iat - LEEWAY.seconds <= now.timestamp() < passport.exp:
        raise ResultError("the token is not yet valid, or has expired")
    if passport.eat_nonce != signing.to_base64url(binder):
        raise ResultError("the token was made for another connection: its eat_nonce is not the binder of this one")
    _consistent(passport)
    return passport


def _open(token: str | bytes, verifiers: Collection[signing.PublicKey]) -> tuple[_JoseHeader, Passport]:
    if len(token) > MAX_TOKEN:
        raise ResultError(f"a token of {len(token)} characters; the limit is {MAX_TOKEN}")
    try:
        text = token.decode("ascii") if isinstance(token, bytes) else token
        first, second, third = text.split(".")
        header = msgspec.json.decode(signing.from_base64url(first), type=_JoseHeader)
        signature = signing.from_base64url(third)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ResultError("not a token in JWS compact form: three parts in base64url, joined by dots") from error
    key = next((k for k in verifiers if signing.key_id(k) == header.kid), None)
    if key is None or header.alg != signing.algorithm(key):
        raise ResultError(
            f"signed by key {header.kid} with {header.alg}, which does not belong to a Verifier that we trust"
        )
    if not signing.verifies(key, signature, f"{first}.{second}".encode()):
        raise ResultError("the signature is not by this Verifier, or the token was changed after signing")
    try:
        return header, msgspec.json.decode(signing.from_base64url(second), type=Passport)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ResultError("the Verifier signed claims that cannot be read as an Attestation Result") from error


def _consistent(passport: Passport) -> None:
    if len(passport.submods) != 1:
        raise ResultError(f"{len(passport.submods)} submodules; a result of this lab is about exactly one Attester")
    names = tuple(check.name for check in passport.appraisal.checks)
    affirming = passport.appraisal.status == "affirming"
    if names not in {CHECKS, CHECKS[:1]} or (affirming and (names != CHECKS or not passport.accepted)):
        raise ResultError("the token's status does not follow from its checks and its trustworthiness vector")
