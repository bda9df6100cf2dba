"""What is not good any more: Bob's signed list, expiry, and CRLs from files."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace as changed
from software_tpm import CA, NOW, REFERENCES, Machine, PrivacyCa, spki, verifier

from trustlab.attest import (
    ReferenceValues,
    ReferenceValuesError,
    RevocationList,
    Revocations,
    publish,
    read_crls,
    read_published,
    read_revocations,
    sign_revocations,
)

BOB, MALLORY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
MACHINE = Machine()
AK = hashlib.sha256(spki(MACHINE.ak_key)).hexdigest()
EK = MACHINE.ek_key.hex()
DAY = dt.timedelta(days=1)
HEAD = "version = 3\nexpires = 2026-12-31T00:00:00Z\n"
SIGNER = MACHINE.ak()
GOOD = MACHINE.evidence(signer=SIGNER).encode()


def appraise(revocations: Revocations, **changes):
    return verifier(revocations=revocations, **changes).appraise(GOOD, MACHINE.expected())


def listed(text: str) -> Revocations:
    return Revocations(read_revocations(sign_revocations(HEAD + text, BOB), [BOB.public_key()]))


@pytest.mark.parametrize(
    ("text", "check", "words"),
    [
        (f'[aks]\n"{AK}" = "signed for Mallory"', "AK chain", "This AK was revoked: signed for Mallory."),
        (f'[eks]\n"{EK}" = "has a flaw"', "machine pinned", "This machine was revoked: has a flaw."),
        (f'[machines]\n"{EK}" = "stolen"', "machine pinned", "This machine was revoked: stolen."),
    ],
    ids=["AK", "EK", "machine"],
)
def test_what_bob_has_revoked_is_refused_by_one_check(text, check, words):
    result = appraise(listed(text))
    assert result.failed == [check]
    assert words in result[check].sentence
    assert appraise(listed(text.replace(text.split('"')[1], "00" * 32))).accepted


def test_a_revoked_machine_is_refused_where_no_machine_is_pinned_too():
    policy = changed(verifier().policy, ek_keys=())
    assert appraise(listed(f'[machines]\n"{EK}" = "stolen"'), policy=policy).failed == ["machine pinned"]


def test_a_list_that_is_too_old_refuses_everybody():
    old = listed("").listed
    result = appraise(Revocations(changed(old, expires=NOW)))
    assert result.failed == ["AK chain"]
    assert "expired at 2026-11-23 12:00 UTC: get a newer one" in result["AK chain"].sentence
    assert appraise(Revocations(changed(old, expires=NOW + dt.timedelta(seconds=1)))).accepted


def test_only_bobs_signature_over_a_list_counts():
    signed = sign_revocations(HEAD, BOB)
    assert read_revocations(signed, [BOB.public_key()]).version == 3
    for text, words in (
        (HEAD, "a revocation list must be signed"),
        (signed.replace("version = 3", "version = 4"), "was changed after signing"),
        (sign_revocations(HEAD, MALLORY), "does not belong to a publisher"),
        (publish(REFERENCES, BOB), "was changed after signing"),
    ):
        with pytest.raises(ReferenceValuesError, match=words):
            read_revocations(text, [BOB.public_key()])
    with pytest.raises(ReferenceValuesError, match="was changed after signing"):
        read_published(signed, [BOB.public_key()])


@pytest.mark.parametrize(
    "text",
    [
        "version = 3\n",
        HEAD + "[aks]\nx = 'y'\n",
        HEAD.replace("Z", ""),
        HEAD + "more = 1\n",
        HEAD.replace("3", "-1", 1),
    ],
)
def test_a_list_that_is_none_is_an_error(text):
    with pytest.raises(ReferenceValuesError):
        RevocationList.from_toml(text)


def test_reference_values_expire():
    text = "expires = 2026-11-23T12:00:00Z\n" + REFERENCES.to_toml()
    references = ReferenceValues.from_toml(text)
    assert ReferenceValues.from_toml(references.to_toml()) == references
    result = appraise(Revocations(), references=references)
    assert result.failed == ["reference version"]
    assert "expired on 2026-11-23 12:00 UTC" in result["reference version"].sentence
    assert appraise(Revocations(), references=changed(references, expires=NOW + DAY)).accepted


def crl(*serials: int, key=None, issuer=None, begin=NOW - DAY, end=NOW + DAY, critical=False):
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer or CA.certificate.subject)
    builder = builder.last_update(begin).next_update(end)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    if critical:
        builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    return builder.sign(key or CA.key, hashes.SHA256())


LEAF = x509.load_der_x509_certificate(SIGNER.certificate)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (crl(LEAF.serial_number), "was revoked by its issuer on 2026-11-22 12:00 UTC"),
        (crl(key=MALLORY), "is not signed by it"),
        (crl(begin=NOW - 3 * DAY, end=NOW - DAY), "does not hold now (next update 2026-11-22 12:00 UTC)"),
        (crl(begin=NOW + DAY, end=NOW + 2 * DAY), "does not hold now"),
    ],
)
def test_a_crl_refuses_what_it_lists_and_whatever_it_cannot_tell(given, words):
    result = appraise(Revocations(crls=(given,)))
    assert result.failed == ["AK chain"]
    assert words in result["AK chain"].sentence


def test_a_crl_that_lists_others_or_belongs_to_others_refuses_nobody():
    assert appraise(Revocations(crls=(crl(LEAF.serial_number + 1),))).accepted
    assert appraise(
        Revocations(crls=(crl(LEAF.serial_number, issuer=PrivacyCa("other").certificate.subject),))
    ).accepted


def test_the_newest_crl_that_the_issuer_signed_decides():
    old, new = crl(LEAF.serial_number, begin=NOW - 2 * DAY), crl()
    forged = crl(key=MALLORY, begin=NOW - dt.timedelta(hours=1))
    assert appraise(Revocations(crls=(old, new, forged))).accepted
    assert not appraise(Revocations(crls=(old, forged))).accepted


def test_crls_are_read_in_der_and_in_pem_and_nothing_else(tmp_path):
    path = tmp_path / "crl"
    path.write_bytes(crl().public_bytes(Encoding.DER))
    assert len(read_crls(path)) == 1
    path.write_bytes(crl().public_bytes(Encoding.PEM) * 2)
    assert len(read_crls(path)) == 2
    for octets, words in (
        (b"", "not a CRL"),
        (b"-----BEGIN X509 CRL-----", "not a CRL"),
        (b"-----BEGIN CERTIFICATE-----", "holds no CRL"),
        (crl(critical=True).public_bytes(Encoding.DER), "a partial CRL"),
        (crl().public_bytes(Encoding.DER)[:-9], "not a CRL"),
    ):
        path.write_bytes(octets)
        with pytest.raises(ReferenceValuesError, match=words):
            read_crls(path)
    with pytest.raises(ReferenceValuesError, match="cannot be read"):
        read_crls(tmp_path / "none")
