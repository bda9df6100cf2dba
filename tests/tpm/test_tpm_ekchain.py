"""EK certificates in odd shapes: a machine is pinned by the digest of its EK certificate, so there is one encoding."""

from __future__ import annotations

import pytest
from broken_certificates import MALFORMED, ODD_BUT_READABLE, changed_octets, other_encodings, rebuilt, signed, tbs_of
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest.build import build_public
from trustlab.tpm import EnrolmentRefused, TpmMaker, verify_ek_certificate

MAKER = TpmMaker()
EK = ec.generate_private_key(ec.SECP256R1()).public_key()
GOOD = MAKER.certify(build_public(EK, 0))
OTHERS = other_encodings(tbs_of(GOOD), MAKER._key)


def test_a_good_certificate_passes() -> None:
    assert verify_ek_certificate(GOOD, [MAKER.root]) == EK
    assert verify_ek_certificate(signed(tbs_of(GOOD), MAKER._key), [MAKER.root]) == EK


@pytest.mark.parametrize("how", OTHERS)
def test_another_encoding_is_refused(how: str) -> None:
    with pytest.raises(EnrolmentRefused) as refused:
        verify_ek_certificate(OTHERS[how], [MAKER.root])
    assert refused.value.check == "EK certificate"


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_is_refused(name: str) -> None:
    der = rebuilt(GOOD, MAKER._key, MALFORMED[name])
    if name in ODD_BUT_READABLE or name in {"serialNumber: zero", "serialNumber: negative"}:
        try:
            verify_ek_certificate(der, [MAKER.root])
        except EnrolmentRefused as refused:
            assert refused.check in {"EK certificate", "EK type"}  # noqa: PT017 - it may as well be accepted
    else:
        with pytest.raises(EnrolmentRefused):
            verify_ek_certificate(der, [MAKER.root])


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_of_a_maker_vouches_for_nobody(name: str) -> None:
    der = rebuilt(MAKER.root.public_bytes(Encoding.DER), MAKER._key, MALFORMED[name])
    try:
        maker = x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion, Warning):
        return  # nobody can hand it over
    try:
        verify_ek_certificate(GOOD, [maker])
    except EnrolmentRefused as refused:
        assert refused.check == "EK certificate"  # noqa: PT017 - it may as well be accepted
    with pytest.raises(EnrolmentRefused):
        verify_ek_certificate(GOOD, [], [maker])


def test_no_changed_octet_is_accepted() -> None:
    for der in changed_octets(GOOD, (0x01, 0x80)):
        with pytest.raises(EnrolmentRefused):
            verify_ek_certificate(der, [MAKER.root])
