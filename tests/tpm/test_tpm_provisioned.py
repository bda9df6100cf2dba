"""A TPM that swtpm_setup manufactured: its maker's certificates are read from it and lead to an enrolled AK."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tpm2_pytss import TPM2_ALG, TPM2B_NV_PUBLIC, TPMA_NV, TPMS_NV_PUBLIC

from trustlab.attest.build import build_public
from trustlab.tpm import (
    EnrolmentRefused,
    KeyPolicy,
    LoadedKey,
    Platform,
    PrivacyCa,
    Swtpm,
    TpmClient,
    TpmError,
    TpmMaker,
    TpmResponseError,
    create_ak,
    create_ek,
    enrol,
    kept_key,
    launch_pcr,
    provisioned_ek,
    read_ek_certificate,
    verify_ek_certificate,
)
from trustlab.tpm.ektemplates import TEMPLATES
from trustlab.tpm.framing import RH_ENDORSEMENT
from trustlab.tpm.keys import create_primary
from trustlab.tpm.provisioned import MAX_CERTIFICATE
from trustlab.tpm.tss import structure
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data" / "swtpm_setup"
KEY = bytes(range(32))
CODE = b"HyperSafe"


def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((DATA / name).read_bytes())


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TpmClient]:
    shutil.copy(DATA / "tpm2-00.permall", tmp_path)
    with Platform("bought", Trace().party("bought"), tpm=Swtpm(tmp_path, state_key=KEY)) as platform:
        platform.launch(CODE)
        yield platform.client("HyperSafe", 2)


@pytest.fixture
def privacy_ca() -> PrivacyCa:
    policy = KeyPolicy.expected((17,), {17: launch_pcr(CODE)})
    return PrivacyCa([certificate("root.pem")], intermediates=[certificate("issuer.pem")], ak_policies={policy.digest})


def test_the_makers_rsa_certificate_is_for_the_ek_of_the_profiles_template(client: TpmClient) -> None:
    der = read_ek_certificate(client, "rsa")
    key = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key == create_ek(client, "rsa").public_key
    assert kept_key(client, 0x81010001).name == create_ek(client, "rsa").name


def test_the_makers_p384_certificate_is_for_the_kept_ek(client: TpmClient) -> None:
    key = x509.load_der_x509_certificate(read_ek_certificate(client, "ecc-p384")).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key == kept_key(client, 0x81010016).public_key


def test_a_missing_certificate_is_the_tpms_answer(client: TpmClient) -> None:
    with pytest.raises(TpmResponseError) as caught:
        read_ek_certificate(client, "ecc")
    assert caught.value.rc == 0x18B


@pytest.mark.parametrize("kind", ["rsa", "ecc-p384"])
def test_an_ak_is_enrolled_with_the_makers_certificate(client: TpmClient, privacy_ca: PrivacyCa, kind: str) -> None:
    ek: LoadedKey = create_ek(client, "rsa") if kind == "rsa" else kept_key(client, 0x81010016)
    der = read_ek_certificate(client, kind)  # type: ignore[arg-type]
    (leaf,) = enrol(client, ek, der, create_ak(client), privacy_ca)
    x509.load_der_x509_certificate(leaf).verify_directly_issued_by(privacy_ca.root)


def test_the_ek_that_its_maker_certified_is_found(client: TpmClient, privacy_ca: PrivacyCa) -> None:
    ek, der = provisioned_ek(client)
    assert enrol(client, ek, der, create_ak(client), privacy_ca)


def test_an_unprovisioned_tpm_has_none(platform: Platform) -> None:
    with pytest.raises(TpmError, match="did not leave an EK certificate"):
        provisioned_ek(platform.client("HyperSafe", 2))


def test_without_the_intermediate_the_path_is_incomplete(client: TpmClient) -> None:
    der = read_ek_certificate(client, "rsa")
    assert verify_ek_certificate(der, [certificate("root.pem")], [certificate("issuer.pem")])
    with pytest.raises(EnrolmentRefused, match="no TPM maker"):
        verify_ek_certificate(der, [certificate("root.pem")])


@pytest.mark.parametrize(
    ("size", "read"), [(4, False), (5, True), (MAX_CERTIFICATE, True), (MAX_CERTIFICATE + 1, False)]
)
def test_an_index_too_small_or_too_large_for_a_certificate_is_not_read(size: int, *, read: bool) -> None:
    """No TPM here has an index so large (libtpms stops at 2048 octets), so a stand-in answers."""
    octets = b"\xde" + os.urandom(size - 1)
    esys = SimpleNamespace(
        resource=lambda handle: handle,
        nv_read_public=lambda _: (SimpleNamespace(nvPublic=SimpleNamespace(dataSize=size)), b""),
        nv_read=lambda _, count, offset: octets[offset : offset + count],
    )
    client: Any = SimpleNamespace(esys=esys)
    if read:
        assert read_ek_certificate(client, "rsa") == octets
    else:
        with pytest.raises(TpmError, match=f"NV index 0x01c00002 has {size} octets"):
            read_ek_certificate(client, "rsa")


def write_index(client: TpmClient, index: int, octets: bytes) -> None:
    """Put octets where a maker would have put them."""
    attributes = structure(TPMA_NV.parse, "ownerwrite|ownerread|authread|authwrite")
    public = TPM2B_NV_PUBLIC(
        TPMS_NV_PUBLIC(nvIndex=index, nameAlg=TPM2_ALG.SHA256, attributes=attributes, dataSize=len(octets))
    )
    esys = client.esys
    resource = esys.nv_define_space(b"", public)
    for at in range(0, len(octets), 512):
        esys.nv_write(resource, octets[at : at + 512], at)


@pytest.mark.parametrize("kind", ["rsa3072", "ecc-p256-high", "rsa2048-high", "ecc-p384"])
def test_an_ek_of_every_template_is_found_by_its_certificate(platform: Platform, kind: str) -> None:
    platform.launch(CODE)
    client, maker = platform.client("HyperSafe", 2), TpmMaker()
    template = TEMPLATES[kind]  # type: ignore[index]
    ek = create_primary(client, RH_ENDORSEMENT, template.template())
    assert template.public_area(ek.public_key) == ek.public
    client.flush(ek)
    der = maker.certify(ek.public)
    padded = b"\x10\x01\0" + len(der).to_bytes(2, "big") + der + b"\xff" * 40
    write_index(client, template.certificate, padded)
    found, certificate_found = provisioned_ek(client)
    assert (found.spki, certificate_found) == (ek.spki, der)
    assert enrol(client, found, certificate_found, create_ak(client), PrivacyCa([maker.root], ak_policies=None))


@pytest.mark.parametrize("where", ["template", "nonce"])
def test_a_makers_own_template_or_nonce_is_used(platform: Platform, where: str) -> None:
    platform.launch(CODE)
    client, maker, low = platform.client("HyperSafe", 2), TpmMaker(), TEMPLATES["ecc"]
    nonce = b"a maker's nonce"
    area = low.template(nonce)
    ek = create_primary(client, RH_ENDORSEMENT, area)
    assert ek.spki != create_ek(client, "ecc").spki
    write_index(client, low.certificate, maker.certify(ek.public))
    if where == "template":
        write_index(client, low.template_index, area)
    else:
        write_index(client, low.certificate + 1, nonce)
    found, _ = provisioned_ek(client)
    assert found.spki == ek.spki


def test_a_certificate_for_another_key_is_told(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    stranger = build_public(ec.generate_private_key(ec.SECP256R1()).public_key(), 0)
    write_index(client, 0x01C0000A, TpmMaker().certify(stranger))
    write_index(client, 0x01C00002, b"no certificate at all")
    with pytest.raises(TpmError) as refused:
        provisioned_ek(client)
    assert "0x01c0000a: this TPM does not make the key that it certifies" in str(refused.value)
    assert "0x01c00002: the certificate cannot be read" in str(refused.value)
