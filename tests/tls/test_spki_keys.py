"""Which signature schemes a certified key serves: id-RSASSA-PSS and its parameters, curves, and room for a hash."""

from __future__ import annotations

import pytest
from certified import (
    MGF1,
    SHA3_256,
    SHA256,
    SHA384,
    SHA512,
    as_pss,
    der,
    identity,
    new_key,
    pss_der,
    pss_params,
)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tls_identities import NAME, issue, root

from trustlab import tls
from trustlab.tls import x509
from trustlab.tls.keys import CertifiedKey, encrypt, sign, verify
from trustlab.tls.spki import PssParameters, pss_parameters, spki_of

S = tls.SignatureScheme
RSAE = (S.RSA_PSS_RSAE_SHA256, S.RSA_PSS_RSAE_SHA384, S.RSA_PSS_RSAE_SHA512)
PSS = (S.RSA_PSS_PSS_SHA256, S.RSA_PSS_PSS_SHA384, S.RSA_PSS_PSS_SHA512)
PKCS1 = (S.RSA_PKCS1_SHA256, S.RSA_PKCS1_SHA384, S.RSA_PKCS1_SHA512)
P256, P384, P521 = S.ECDSA_SECP256R1_SHA256, S.ECDSA_SECP384R1_SHA384, S.ECDSA_SECP521R1_SHA512


@pytest.mark.parametrize(
    ("kind", "tls12", "tls13"),
    [
        ("RSA", (*RSAE, *PKCS1), RSAE),
        ("RSA-1024", (*RSAE[:2], *PKCS1), RSAE[:2]),
        ("RSA-PSS", PSS, PSS),
        ("ECDSA", (P256, P384, P521), (P256,)),
        ("P-384", (P384, P256, P521), (P384,)),
        ("P-521", (P521, P256, P384), (P521,)),
        ("Ed25519", (S.ED25519,), (S.ED25519,)),
    ],
)
def test_a_key_serves_the_schemes_of_its_kind(kind, tls12, tls13) -> None:
    key = CertifiedKey.of(identity(kind).certificate)
    assert (key.schemes(tls13=False), key.schemes(tls13=True)) == (tls12, tls13)


@pytest.mark.parametrize(
    ("params", "schemes"),
    [
        (pss_params(), PSS[:1]),
        (pss_params(trailer=1), PSS[:1]),
        (pss_params(salt=21), PSS[:1]),
        (pss_params(salt=33), ()),
        (pss_params(SHA384, SHA384, 48), PSS[1:2]),
        (pss_params(SHA512, SHA512, 21), PSS[2:]),
        (pss_params(SHA512, SHA512, 65), ()),
        (pss_params(SHA256, SHA384), ()),
        (pss_params(SHA384, SHA256), ()),
        (pss_params(SHA3_256, SHA3_256), ()),
        (pss_params(function=SHA256), ()),
        (pss_params(trailer=2), ()),
        (der(0x30), ()),
        (der(0x30, der(0xA0, der(0x30, SHA256))), ()),
    ],
)
def test_parameters_of_a_pss_key_limit_its_schemes(params: bytes, schemes) -> None:
    key = CertifiedKey.of(as_pss(identity("RSA"), params).certificate)
    assert key.kind == "RSA-PSS"
    assert key.schemes12 == key.schemes13 == schemes


def algorithm(params: bytes) -> bytes:
    return der(0x30, der(0x30, bytes.fromhex("06092a864886f70d01010a"), params), der(3, b"\0"))


def test_absent_parameters_are_no_limits_and_empty_ones_are_those_of_sha1() -> None:
    assert pss_parameters(algorithm(b"")) is None
    assert pss_parameters(algorithm(der(0x30))) == PssParameters("sha1", "sha1", 20, 1)
    assert pss_parameters(algorithm(pss_params(SHA384, SHA512, 7, 3))) == PssParameters("sha384", "sha512", 7, 3)


@pytest.mark.parametrize(
    "params",
    [
        der(0x30, b"\xa0"),
        der(0x30, b"\xa2\x03\x02\x05\x20"),
        der(0x30, b"\xa0\x05\0"),
        der(0x30, der(0xA0)),
        der(0x30, der(0xA0, der(0x30))),
        der(0x30, der(0xA1, der(0x30, MGF1))),
        der(0x30, der(0xA2)),
        der(0x30, der(0xA4, der(2, b"\1"))),
    ],
)
def test_malformed_parameters_are_a_value_error(params: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|RSASSA|unpack"):
        pss_parameters(algorithm(params))


def test_a_leaf_with_malformed_parameters_is_bad() -> None:
    with pytest.raises(tls.BadCertificate):
        x509.PeerCertificate(pss_der(identity("RSA"), der(0x30, der(0xA4, der(2, b"\1")))))


@pytest.mark.parametrize("kind", ["RSA", "RSA-PSS", "ECDSA", "Ed25519"])
def test_the_spki_is_the_certificates_own_octets(kind: str) -> None:
    certificate = identity(kind, pss_params() if kind == "RSA-PSS" else b"").certificate
    spki = spki_of(certificate)
    assert certificate.tbs_certificate_bytes.count(spki) == 1
    assert x509.PeerCertificate(identity(kind).der).spki == spki_of(identity(kind).certificate)
    library = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert (spki == library) == (kind != "RSA-PSS")


@pytest.mark.parametrize("tls13", [False, True])
@pytest.mark.parametrize("scheme", [*RSAE, *PSS, *PKCS1])
def test_a_signature_counts_only_by_a_scheme_of_the_certificates_key(scheme: int, *, tls13: bool) -> None:
    key, data = new_key("RSA"), b"what is signed"
    signature = sign(key, scheme, data)
    for made, schemes in (
        (identity("RSA"), RSAE if tls13 else (*RSAE, *PKCS1)),
        (as_pss(identity("RSA")), PSS),
    ):
        certified = CertifiedKey.of(made.certificate)
        if scheme in schemes:
            verify(certified, scheme, signature, data, tls13=tls13)
            with pytest.raises(tls.DecryptError):
                verify(certified, scheme, signature, data + b"!", tls13=tls13)
        else:
            with pytest.raises(tls.IllegalParameter):
                verify(certified, scheme, signature, data, tls13=tls13)


def test_the_salt_is_as_long_as_the_hash() -> None:
    key = new_key("RSA")
    signature = sign(key, S.RSA_PSS_PSS_SHA384, b"data")
    exact, other = (padding.PSS(padding.MGF1(hashes.SHA384()), n) for n in (48, 32))
    key.public_key().verify(signature, b"data", exact, hashes.SHA384())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"data", other, hashes.SHA384())


def test_an_ed25519_signature_is_verified() -> None:
    key = CertifiedKey.of(identity("Ed25519").certificate)
    signature = sign(new_key("Ed25519"), S.ED25519, b"data")
    verify(key, S.ED25519, signature, b"data", tls13=True)
    with pytest.raises(tls.DecryptError):
        verify(key, S.ED25519, signature, b"date", tls13=True)
    with pytest.raises(tls.LocalProtocolError):
        sign(new_key("Ed25519"), S.ECDSA_SECP256R1_SHA256, b"data")


@pytest.mark.parametrize("kind", ["RSA-PSS", "ECDSA", "Ed25519"])
def test_nothing_is_encrypted_to_a_key_that_only_signs(kind: str) -> None:
    with pytest.raises(tls.UnsupportedCertificate):
        encrypt(CertifiedKey.of(identity(kind).certificate), bytes(48))


def test_the_curve_counts_for_ecdsa_alone() -> None:
    groups = (tls.Group.X25519, tls.Group.SECP256R1)
    assert {
        k: CertifiedKey.of(identity(k).certificate).suits_groups(groups) for k in ("ECDSA", "P-384", "RSA", "Ed25519")
    } == {
        "ECDSA": True,
        "P-384": False,
        "RSA": True,
        "Ed25519": True,
    }
    odd = CertifiedKey.of(issue(new_key("secp256k1"), NAME, root()).certificate)
    assert odd.suits_groups(None)
    assert not odd.suits_groups((0x16, *groups))
    assert odd.schemes13 == ()


@pytest.mark.parametrize(("bits", "fits"), [(1033, False), (1034, True), (1040, True), (1041, True)])
def test_an_rsa_key_has_room_for_sha512_from_1034_bits_on(bits: int, fits: bool) -> None:  # noqa: FBT001
    """RFC 8017 9.1.1: the encoded message, one bit shorter than the modulus, holds hash, salt and two octets."""
    private = rsa.generate_private_key(65537, bits)
    assert (S.RSA_PSS_RSAE_SHA512 in CertifiedKey(private.public_key(), "RSA").schemes13) is fits
    pss = padding.PSS(padding.MGF1(hashes.SHA512()), 64)
    if fits:
        assert private.sign(b"data", pss, hashes.SHA512())
    else:
        with pytest.raises(ValueError, match="too long for key size"):
            private.sign(b"data", pss, hashes.SHA512())


@pytest.mark.parametrize(("tls13", "clause"), [(True, "RFC 9846 4.5.2"), (False, "RFC 5246 7.4.8")])
def test_a_scheme_that_does_not_fit_the_key_is_refused_with_the_clause_of_the_version(
    *, tls13: bool, clause: str
) -> None:
    key = CertifiedKey(rsa.generate_private_key(65537, 2048).public_key(), "RSA")
    with pytest.raises(tls.IllegalParameter, match="does not fit the certificate's key") as caught:
        verify(key, P256, b"signature", b"data", tls13=tls13)
    assert caught.value.clause == clause
