"""Where a device's firmware log comes from, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from firmware_machine import log_of, octets_of, pcrs_of

from trustlab.attest import EventLog
from trustlab.cloud import CloudError, firmware_log
from trustlab.cloud.firmware_log import read_firmware_log, told

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {pcr: pcrs_of("shim-grub")["sha256"][pcr] for pcr in (0, 2, 4, 7)}


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which Linux keeps the log of TPM 7."""
    monkeypatch.setattr(firmware_log, "LINUX", str(tmp_path / "tpm{}" / "log"))
    (tmp_path / "tpm7").mkdir()
    return tmp_path / "tpm7" / "log"


@pytest.mark.parametrize("device", ["/dev/tpm7", "/dev/tpmrm7"])
def test_the_log_is_the_one_that_linux_keeps_for_this_tpm(linux: Path, device: str) -> None:
    linux.write_bytes(octets_of("shim-grub"))
    assert read_firmware_log(device, None) == firmware_log.FirmwareLog(log_of("shim-grub"), "")


@pytest.mark.parametrize(
    ("octets", "why"),
    [(None, "cannot be read"), (b"", "is not an event log"), (octets_of("systemd-boot") + b"\xff" * 9, "confidential")],
)
def test_a_log_that_linux_does_not_have_is_done_without_and_said(linux: Path, octets: bytes | None, why: str) -> None:
    if octets is not None:
        linux.write_bytes(octets)
    read = read_firmware_log("/dev/tpmrm7", None)
    assert read.log == EventLog()
    assert read.note.startswith("No event log is sent along: ")
    assert why in read.note
    with pytest.raises(CloudError, match=why):
        read_firmware_log("/dev/tpmrm7", linux)


def test_a_log_that_only_root_may_read_says_so(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, longest: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path), longest)

    monkeypatch.setattr(firmware_log, "read_file", refuse)
    assert f"{linux} cannot be read (only root may read it)" in read_firmware_log("/dev/tpm7", None).note


def test_behind_another_name_there_is_no_log_to_look_for(tmp_path: Path) -> None:
    assert "--event-log" in read_firmware_log(str(tmp_path / "tpm.sock"), None).note


def test_a_log_is_held_against_the_pcrs_as_they_are() -> None:
    log = log_of("shim-grub")
    assert told(EventLog(), "sha256", VALUES) == ""
    assert told(log, "sha256", VALUES) == "The event log replays to this machine's PCRs."
    changed = VALUES | {4: bytes(32), 7: bytes(32)}
    assert told(log, "sha256", changed) == "The event log does not replay to PCR 4, 7: its events there are unproved."
    assert told(log.about((0,), "sha256"), "sha256", {0: VALUES[0], 16: bytes(32)}).endswith("machine's PCRs.")
    assert "no sha512 digests (only sha1, sha256, sha384)" in told(log, "sha512", VALUES)
