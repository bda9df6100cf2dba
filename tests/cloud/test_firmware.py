"""A machine behind a device TPM: what vouches for it. A manufactured emulator stands in for the device."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest
from cryptography import x509

from trustlab.cloud import CloudError, Endorsers
from trustlab.cloud.firmware import VOUCHED, FirmwareSystem, makers_in
from trustlab.passage import AttestationFailure
from trustlab.tpm import DeviceTpm, EnrolmentRefused, Platform, Swtpm, TpmError, TpmMaker
from trustlab.tpm.framing import command
from trustlab.trace import Trace

DATA = Path(__file__).parents[1] / "tpm" / "data" / "swtpm_setup"


@contextlib.contextmanager
def device(tpm: Swtpm):
    with tpm:
        tpm.transmit(command(0x144, parameters=b"\0\0"))
        device = DeviceTpm(opener=lambda _: os.dup(tpm.fileno()))
        with Platform("laptop", Trace().party("laptop"), tpm=device) as platform:
            yield platform


@pytest.fixture
def bought(tmp_path):
    shutil.copy(DATA / "tpm2-00.permall", tmp_path)
    with device(Swtpm(tmp_path, state_key=bytes(range(32)))) as platform:
        yield platform


@pytest.fixture
def nameless():
    with device(Swtpm()) as platform:
        yield platform


def pem(folder: Path, *names: str) -> Path:
    file = folder / "makers.pem"
    file.write_bytes(b"".join((DATA / name).read_bytes() for name in names))
    return file


def test_the_makers_own_certificate_vouches_for_a_device(bought, tmp_path):
    makers = makers_in(pem(tmp_path, "root.pem", "issuer.pem"))
    system = FirmwareSystem(bought, Endorsers(), makers)
    assert system.vouched == "CN=swtpm-localca vouches for its endorsement key (id:00001014 swtpm 20191023)."
    assert "the lab" not in system.vouched
    assert sorted(system.values) == [0, 2, 4, 7]
    assert system.attest(bytes(32), prove_key=False)


def test_another_makers_certificates_do_not(bought, tmp_path):
    with pytest.raises(EnrolmentRefused, match="no TPM maker that we trust"):
        FirmwareSystem(bought, Endorsers(), makers_in(pem(tmp_path, "root.pem")))
    other = tmp_path / "other.pem"
    other.write_text(TpmMaker("another maker").root_pem)
    with pytest.raises(EnrolmentRefused, match="no TPM maker that we trust"):
        FirmwareSystem(bought, Endorsers(), makers_in(other))


def test_an_authority_that_is_named_alone_is_an_anchor_whoever_signed_it(bought, tmp_path):
    makers = makers_in(pem(tmp_path, "issuer.pem"))
    assert [anchor.called for anchor in makers.anchors] == ["CN=swtpm-localca"]
    assert FirmwareSystem(bought, Endorsers(), makers).vouched.startswith("CN=swtpm-localca vouches")


def test_one_bad_file_does_not_spoil_a_folder_of_certificates(bought, tmp_path):
    folder = tmp_path / "makers" / "below"
    folder.mkdir(parents=True)
    (folder / "readme.txt").write_text("certificates of makers")
    (folder / "empty.crt").write_bytes(b"")
    for name in ("root.pem", "issuer.pem"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    (folder / "broken.crt").write_bytes(
        x509.load_pem_x509_certificate((DATA / "root.pem").read_bytes()).tbs_certificate_bytes
    )
    makers = makers_in(tmp_path / "makers")
    assert len(makers.certificates) == 2
    assert [sentence.partition(":")[0] for sentence in makers.skipped] == ["broken.crt", "readme.txt"]
    assert "Of --ek-roots, 2 could not be read." in FirmwareSystem(bought, Endorsers(), makers).vouched


def test_a_device_without_a_certificate_has_nobody_but_the_lab(nameless, tmp_path):
    with pytest.raises(TpmError, match="did not leave an EK certificate"):
        FirmwareSystem(nameless, Endorsers(), makers_in(pem(tmp_path, "root.pem")))
    assert FirmwareSystem(nameless, Endorsers()).vouched == VOUCHED


def test_a_key_that_was_not_made_cannot_be_proved(nameless):
    with pytest.raises(AttestationFailure, match="not made a key yet"):
        FirmwareSystem(nameless, Endorsers()).attest(bytes(32), prove_key=True)


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_named(tmp_path, content):
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_bytes(content)
    wrong = "does not hold certificates of TPM makers" if content is not None else "of --ek-roots cannot be read"
    with pytest.raises(CloudError, match=rf"roots\.pem {wrong}"):
        makers_in(file)
