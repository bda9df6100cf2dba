"""swtpm_setup manufactures a TPM now, with a certificate authority of its own; the lab takes it as a machine it bought.

The frozen state in `data/swtpm_setup` shows the same for one version; this shows it for the one installed here.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509

from trustlab.tpm import (
    EnrolmentRefused,
    KeyPolicy,
    LoadedKey,
    Platform,
    PrivacyCa,
    Swtpm,
    TpmClient,
    create_ak,
    create_ek,
    enrol,
    kept_key,
    launch_pcr,
    provisioned_ek,
    read_ek_certificate,
)
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETUP = shutil.which("swtpm_setup")
if SETUP is None:
    pytest.skip("swtpm_setup is not installed here (Debian: swtpm-tools)", allow_module_level=True)

KEY = bytes(range(32))
CODE = b"HyperSafe"


class Factory(NamedTuple):
    """What came out: the state of a TPM, its maker's certificates, the EK certificates as the maker filed them."""

    state: Path
    root: x509.Certificate
    issuer: x509.Certificate
    filed: set[bytes]


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    place = tmp_path_factory.mktemp("factory")
    for name in ("state", "ca", "filed", "temporary"):
        (place / name).mkdir()
    (place / "key").write_text(KEY.hex())
    (place / "options").touch()
    (place / "ca.conf").write_text(
        f"statedir = {place}/ca\nsigningkey = {place}/ca/signkey.pem\n"
        f"issuercert = {place}/ca/issuer.pem\ncertserial = {place}/ca/serial\n"
    )
    (place / "setup.conf").write_text(
        f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {place}/ca.conf\n"
        f"create_certs_tool_options = {place}/options\nactive_pcr_banks = sha256\n"
    )
    made = subprocess.run(
        [
            *(str(SETUP), "--tpm2", "--ecc", "--create-ek-cert", "--config", f"{place}/setup.conf"),
            *("--tpmstate", f"{place}/state", "--write-ek-cert-files", f"{place}/filed"),
            *("--keyfile", f"{place}/key", "--cipher", "aes-256-cbc", "--logfile", f"{place}/log"),
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(place / "temporary")},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr + (place / "log").read_bytes()
    return Factory(
        place / "state",
        x509.load_pem_x509_certificate((place / "ca/swtpm-localca-rootca-cert.pem").read_bytes()),
        x509.load_pem_x509_certificate((place / "ca/issuer.pem").read_bytes()),
        {path.read_bytes() for path in (place / "filed").iterdir()},
    )


@pytest.fixture
def client(factory: Factory, tmp_path: Path) -> Iterator[TpmClient]:
    shutil.copy(factory.state / "tpm2-00.permall", tmp_path)
    with Platform("bought", Trace().party("bought"), tpm=Swtpm(tmp_path, state_key=KEY)) as platform:
        platform.launch(CODE)
        yield platform.client("HyperSafe", 2)


@pytest.fixture
def privacy_ca(factory: Factory) -> PrivacyCa:
    policy = KeyPolicy.expected((17,), {17: launch_pcr(CODE)})
    return PrivacyCa([factory.root], intermediates=[factory.issuer], ak_policies={policy.digest})


def test_the_certificates_in_the_tpm_are_those_that_its_maker_filed(client: TpmClient, factory: Factory) -> None:
    assert {read_ek_certificate(client, "rsa"), read_ek_certificate(client, "ecc-p384")} == factory.filed


@pytest.mark.parametrize("kind", ["rsa", "ecc-p384"])
def test_an_ak_is_enrolled_on_the_makers_word(client: TpmClient, privacy_ca: PrivacyCa, kind: str) -> None:
    ek: LoadedKey = create_ek(client, "rsa") if kind == "rsa" else kept_key(client, 0x81010016)
    der = read_ek_certificate(client, kind)  # type: ignore[arg-type]
    assert x509.load_der_x509_certificate(der).public_key() == ek.public_key
    (leaf,) = enrol(client, ek, der, create_ak(client), privacy_ca)
    x509.load_der_x509_certificate(leaf).verify_directly_issued_by(privacy_ca.root)


def test_another_tpm_cannot_enrol_with_the_makers_certificate(client: TpmClient, privacy_ca: PrivacyCa) -> None:
    _, der = provisioned_ek(client)
    with Platform("other", Trace().party("other")) as other:
        other.launch(CODE)
        stranger = other.client("HyperSafe", 2)
        with pytest.raises(EnrolmentRefused, match="activation"):
            enrol(stranger, create_ek(stranger, "rsa"), der, create_ak(stranger), privacy_ca)


def test_a_ca_that_does_not_trust_this_maker_refuses(client: TpmClient) -> None:
    ek, der = provisioned_ek(client)
    with pytest.raises(EnrolmentRefused, match="no TPM maker"):
        enrol(client, ek, der, create_ak(client), PrivacyCa([], ak_policies=None))
