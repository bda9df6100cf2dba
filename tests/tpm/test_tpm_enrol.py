"""Enrolment: what the privacy CA certifies, and everything it refuses."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest import OID_AIK_EKU, OID_AK_NAME, OID_EK_KEY, ek_key_of
from trustlab.attest import ObjectAttributes as Attr
from trustlab.tpm import (
    OID_EK_EKU,
    CreatedKey,
    EnrolmentRefused,
    KeyPolicy,
    LoadedKey,
    Platform,
    PrivacyCa,
    TpmMaker,
    activate,
    create_ak,
    create_ek,
    enrol,
    make_credential,
    verify_ek_certificate,
)
from trustlab.tpm.templates import AK_ATTRIBUTES
from trustlab.trace import Trace
from trustlab.x509.path import MAX_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from tpm_machine import Machine


def refused(machine: Machine, ek: LoadedKey, certificate: bytes, ak: LoadedKey) -> EnrolmentRefused:
    with pytest.raises(EnrolmentRefused) as caught:
        enrol(machine.hypersafe, ek, certificate, ak, machine.privacy_ca)
    return caught.value


@pytest.fixture
def ek(machine: Machine) -> LoadedKey:
    return create_ek(machine.hypersafe)


@pytest.fixture
def ek_certificate(machine: Machine, ek: LoadedKey) -> bytes:
    return machine.maker.certify(ek.public)


@pytest.mark.parametrize("kind", ["ecc", "rsa"])
def test_an_ak_is_enrolled_with_its_name_and_the_ek_in_its_certificate(machine: Machine, kind: str) -> None:
    ek = create_ek(machine.hypersafe, kind)  # type: ignore[arg-type]
    ek_certificate = machine.maker.certify(ek.public)
    ak = create_ak(machine.hypersafe)
    (der,) = enrol(machine.hypersafe, ek, ek_certificate, ak, machine.privacy_ca)
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(machine.privacy_ca.root)
    assert certificate.public_key() == ak.public_key
    assert OID_AIK_EKU in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    name = certificate.extensions.get_extension_for_oid(OID_AK_NAME).value
    digest = certificate.extensions.get_extension_for_oid(OID_EK_KEY).value
    assert isinstance(name, x509.UnrecognizedExtension)
    assert isinstance(digest, x509.UnrecognizedExtension)
    assert name.value[2:] == ak.name
    assert digest.value[2:] == ek_key_of(ek.spki)
    assert (
        machine.trace.select("machine", name="AK enrolled")[-1].data["sentence"].endswith("only HyperSafe can use it.")
    )
    enrol(machine.hypersafe, ek, ek_certificate, ak, PrivacyCa([machine.maker.root], ak_policies=None))
    sentence = machine.trace.select("machine", name="AK enrolled")[-1].data["sentence"]
    assert sentence.endswith("any program here can use it.")


def test_of_an_ek_certificate_only_its_purpose_is_not_critical(ek_certificate: bytes) -> None:
    """TCG EK Credential Profile 2.5, 3.2: the name is in a critical alternative name, since the subject is empty."""
    extensions = x509.load_der_x509_certificate(ek_certificate).extensions
    noncritical = {type(e.value) for e in extensions if not e.critical}
    assert {type(e.value) for e in extensions if e.critical} == {
        x509.SubjectAlternativeName,
        x509.BasicConstraints,
        x509.KeyUsage,
    }
    assert x509.ExtendedKeyUsage in noncritical


@pytest.mark.parametrize(("kind", "bits"), [("ecc", "03020308"), ("rsa", "03020520")])
def test_an_ek_agrees_on_keys_or_takes_them_enciphered_and_does_nothing_else(
    machine: Machine, kind: str, bits: str
) -> None:
    der = machine.maker.certify(create_ek(machine.hypersafe, kind).public)  # type: ignore[arg-type]
    usage = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.public_bytes().hex() == bits


def test_openssl_verifies_both_certificates(
    machine: Machine, ek_certificate: bytes, ek: LoadedKey, tmp_path: Path
) -> None:
    ak = create_ak(machine.hypersafe)
    (ak_certificate,) = enrol(machine.hypersafe, ek, ek_certificate, ak, machine.privacy_ca)
    for der, root in ((ek_certificate, machine.maker.root), (ak_certificate, machine.privacy_ca.root)):
        leaf = x509.load_der_x509_certificate(der)
        (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        (tmp_path / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
        verified = subprocess.run(
            ["openssl", "verify", "-ignore_critical", "-CAfile", tmp_path / "root.pem", tmp_path / "leaf.pem"],
            capture_output=True,
            check=False,
            timeout=10,
        )
        assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        (AK_ATTRIBUTES & ~Attr.RESTRICTED, "restricted"),
        (AK_ATTRIBUTES | Attr.USER_WITH_AUTH, "userWithAuth"),
        (AK_ATTRIBUTES | Attr.ADMIN_WITH_POLICY, "adminWithPolicy"),
        (AK_ATTRIBUTES & ~(Attr.FIXED_TPM | Attr.FIXED_PARENT), "fixedTPM"),
    ],
)
def test_the_ca_refuses_keys_of_other_attributes(
    machine: Machine, ek: LoadedKey, ek_certificate: bytes, attributes: Attr, word: str
) -> None:
    ak = create_ak(machine.hypersafe, attributes=attributes)
    error = refused(machine, ek, ek_certificate, ak)
    assert error.check == "AK attributes"
    assert word in str(error)


def test_the_tpm_itself_would_activate_an_unrestricted_key(machine: Machine, ek: LoadedKey) -> None:
    """This is why the CA must look: activation says nothing about attributes."""
    key = create_ak(machine.hypersafe, attributes=AK_ATTRIBUTES & ~Attr.RESTRICTED)
    credential = make_credential(ek.public_key, key.name, b"s" * 32)
    assert activate(machine.hypersafe, ek, key, credential) == b"s" * 32


def test_the_ca_refuses_an_ak_that_other_software_could_use(
    machine: Machine, ek: LoadedKey, ek_certificate: bytes
) -> None:
    alices = KeyPolicy.expected((17,), {17: hashlib.sha256(b"Alice's hypervisor").digest()})
    assert refused(machine, ek, ek_certificate, create_ak(machine.hypersafe, alices)).check == "AK policy"
    anywhere = KeyPolicy.present(machine.hypersafe, (17,), locality=None)
    assert refused(machine, ek, ek_certificate, create_ak(machine.hypersafe, anywhere)).check == "AK policy"


def test_alice_makes_and_activates_an_ak_of_her_own_and_the_ca_still_refuses(machine: Machine) -> None:
    ek = create_ek(machine.alice)
    policy = KeyPolicy.present(machine.alice, (16,), locality=0)
    ak = create_ak(machine.alice, policy)
    credential = make_credential(ek.public_key, ak.name, b"s" * 32)
    assert activate(machine.alice, ek, ak, credential) == b"s" * 32
    with pytest.raises(EnrolmentRefused) as caught:
        enrol(machine.alice, ek, machine.maker.certify(ek.public), ak, machine.privacy_ca)
    assert caught.value.check == "AK policy"


def test_a_ca_that_demands_no_policy_takes_any(machine: Machine, ek: LoadedKey, ek_certificate: bytes) -> None:
    lax = PrivacyCa([machine.maker.root], ak_policies=None)
    ak = create_ak(machine.hypersafe, KeyPolicy.present(machine.hypersafe, (16,), locality=None))
    assert enrol(machine.hypersafe, ek, ek_certificate, ak, lax)


def test_an_ak_in_another_tpm_than_the_ek_cannot_be_activated(machine: Machine, ek_certificate: bytes) -> None:
    with Platform("elsewhere", Trace().party("elsewhere")) as elsewhere:
        elsewhere.launch(b"HyperSafe, version 1")
        client = elsewhere.client("HyperSafe", 2)
        ek, ak = create_ek(client), create_ak(client)
        with pytest.raises(EnrolmentRefused) as caught:
            enrol(client, ek, ek_certificate, ak, machine.privacy_ca)
    assert caught.value.check == "activation"


def test_a_challenge_may_be_tried_once(machine: Machine, ek_certificate: bytes) -> None:
    ak = create_ak(machine.hypersafe)
    challenge = machine.privacy_ca.challenge(ek_certificate, ak.public)
    for wanted in ("activation", "challenge"):
        with pytest.raises(EnrolmentRefused) as caught:
            machine.privacy_ca.issue(challenge.number, bytes(32))
        assert caught.value.check == wanted


def test_a_late_answer_is_refused(machine: Machine, ek_certificate: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.tpm.privacyca.LIFETIME", -1)
    challenge = machine.privacy_ca.challenge(ek_certificate, create_ak(machine.hypersafe).public)
    with pytest.raises(EnrolmentRefused, match="no such challenge"):
        machine.privacy_ca.issue(challenge.number, bytes(32))


def test_waiting_challenges_are_bounded(
    machine: Machine, ek_certificate: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustlab.tpm.privacyca.MAX_PENDING", 2)
    ak = create_ak(machine.hypersafe)
    for _ in range(2):
        machine.privacy_ca.challenge(ek_certificate, ak.public)
    with pytest.raises(EnrolmentRefused) as caught:
        machine.privacy_ca.challenge(ek_certificate, ak.public)
    assert caught.value.check == "load"


def test_a_maker_that_nobody_trusts_is_refused(machine: Machine, ek: LoadedKey) -> None:
    certificate = TpmMaker("Alice's chips").certify(ek.public)
    error = refused(machine, ek, certificate, create_ak(machine.hypersafe))
    assert error.check == "EK certificate"
    assert "that we trust" in str(error)


@pytest.mark.parametrize("certificate", [b"", b"\x30\x82\x01", b"not a certificate" * 9])
def test_octets_that_are_no_certificate_are_refused(machine: Machine, ek: LoadedKey, certificate: bytes) -> None:
    assert refused(machine, ek, certificate, create_ak(machine.hypersafe)).check == "EK certificate"


def test_octets_that_are_no_public_area_are_refused(machine: Machine, ek_certificate: bytes) -> None:
    with pytest.raises(EnrolmentRefused) as caught:
        machine.privacy_ca.challenge(ek_certificate, b"\0\x23 and so on")
    assert caught.value.check == "AK public area"


def certificate_like(maker: TpmMaker, ek: LoadedKey, *, eku: bool = True, ca: bool = False, days: int = 0) -> bytes:
    """Return an EK certificate with one thing wrong, or nothing."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(maker.root.subject)
        .public_key(ek.public_key)
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([OID_EK_EKU]), critical=False)
    return builder.sign(maker._key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"eku": False}, "usage"), ({"ca": True}, "CA"), ({"days": 30}, "today"), ({"days": -30}, "today")],
)
def test_an_ek_certificate_with_one_thing_wrong_is_refused(
    machine: Machine, ek: LoadedKey, wrong: dict[str, int], sentence: str
) -> None:
    verify_ek_certificate(certificate_like(machine.maker, ek), [machine.maker.root])
    with pytest.raises(EnrolmentRefused, match=sentence):
        verify_ek_certificate(certificate_like(machine.maker, ek, **wrong), [machine.maker.root])  # type: ignore[arg-type]


def test_an_ek_of_a_strange_curve_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP521R1()).public_key()
    with pytest.raises(EnrolmentRefused, match="secp521r1"):
        make_credential(key, b"name", bytes(32))


def test_the_tpm_makes_the_same_kind_of_credential_as_we_do(machine: Machine, ek: LoadedKey) -> None:
    """TPM2_MakeCredential in the TPM, activated by the same code."""
    from trustlab.octets import sized  # noqa: PLC0415
    from trustlab.tpm import Credential  # noqa: PLC0415

    ak = create_ak(machine.hypersafe)
    fields = machine.hypersafe.ask("MakeCredential", (ek.handle,), (), sized(b"s" * 32) + sized(ak.name))
    credential = Credential(fields.sized("credentialBlob"), fields.sized("secret"))
    assert activate(machine.hypersafe, ek, ak, credential) == b"s" * 32


def test_the_challenge_stays_out_of_reprs(machine: Machine, ek_certificate: bytes) -> None:
    ak: CreatedKey = create_ak(machine.hypersafe)
    challenge = machine.privacy_ca.challenge(ek_certificate, ak.public)
    assert "blob" not in repr(challenge)
    assert repr(machine.privacy_ca) == "<PrivacyCa 'Privacy CA (simulated)'>"


def chain_of(length: int) -> tuple[list[x509.Certificate], bytes]:
    """Make a root, and a path of so many certificates below it, the last of them an EK's; return the others and it."""
    now = dt.datetime.now(dt.UTC)
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"level {n}")]) for n in range(length + 1)]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
    made = []
    for n, (name, key) in enumerate(zip(names, keys, strict=True)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[max(n - 1, 0)])
            .public_key(key.public_key())
            .serial_number(n + 1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=n < length, path_length=None), critical=True)
        )
        if n == length:
            builder = builder.add_extension(x509.ExtendedKeyUsage([OID_EK_EKU]), critical=False)
        made.append(builder.sign(keys[max(n - 1, 0)], hashes.SHA256()))
    return made[:-1], made[-1].public_bytes(Encoding.DER)


def test_a_path_to_a_maker_may_have_as_many_certificates_as_the_bound_says() -> None:
    (root, *between), ek = chain_of(MAX_PATH)
    assert verify_ek_certificate(ek, [root], between)
    (root, *between), ek = chain_of(MAX_PATH + 1)
    with pytest.raises(EnrolmentRefused, match="more than 10 certificates"):
        verify_ek_certificate(ek, [root], between)
