"""The event log of a real machine's firmware: where Linux keeps it, and whether it tells of the PCRs as they are."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.attest import AttestError, EventLog
from trustlab.cloud.errors import CloudError
from trustlab.octets import read_file
from trustlab.tpm import DEVICE, TpmError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.tpm import KeyProfile, Platform

LINUX = "/sys/kernel/security/tpm{}/binary_bios_measurements"
BANKS = ("sha256", "sha384", "sha512")
MAX_LOG = 1 << 20


@dataclass(frozen=True)
class FirmwareLog:
    """A log, and a sentence about it for whoever started the machine."""

    log: EventLog
    note: str


def read_firmware_log(device: str, file: Path | None) -> FirmwareLog:
    """Read the log in `file`, else the one that Linux keeps for `device`; without one there are simply no events.

    CloudError for a `file` that cannot be read or is not a log of PCRs.
    """
    number = re.fullmatch(r"/dev/tpm(?:rm)?(\d+)", device)
    if file is None and number is None:
        return FirmwareLog(EventLog(), "No event log is sent along (name one with --event-log): only PCR values count.")
    path = file or Path(LINUX.format(number[1] if number else 0))
    try:
        return FirmwareLog(_log_in(path), "")
    except CloudError as error:
        if file is not None:
            raise
        return FirmwareLog(EventLog(), f"No event log is sent along: {error}.")


def _log_in(path: Path) -> EventLog:
    try:
        log = EventLog.decode(read_file(path, MAX_LOG))
    except OSError as error:
        why = "only root may read it" if error.errno == errno.EACCES else (error.strerror or "no reason is known")
        raise CloudError(f"the event log {path} cannot be read ({why})") from error
    except AttestError as error:
        raise CloudError(f"{path} is not an event log: {error}") from error
    if log.registers:
        raise CloudError(
            f"{path} is a confidential VM's log: its indices are measurement registers, not the PCRs of a TPM"
        )
    return log


def told(log: EventLog, bank: str, values: Mapping[int, bytes]) -> str:
    """Say how a log fits the PCR values that a TPM has."""
    if not log.events:
        return ""
    if bank not in log.algorithms:
        return f"The event log has no {bank} digests (only {', '.join(log.algorithms)}), so it proves nothing here."
    replayed = log.replay(bank)
    strange = [str(pcr) for pcr, value in values.items() if replayed.get(pcr, bytes(len(value))) != value]
    if not strange:
        return "The event log replays to this machine's PCRs."
    return f"The event log does not replay to PCR {', '.join(strange)}: its events there are unproved."


def bind_to_firmware(platform: Platform, bank: str | None) -> KeyProfile:
    """Bind a device's keys and quotes to the bank that was asked for, else to the first that it keeps.

    TpmError if it does not keep that bank.
    """
    kept = platform.client("this system").pcr_banks()
    chosen = bank or next((name for name in BANKS if name in kept), "sha256")
    if chosen not in BANKS:
        raise CloudError(f"--pcr-bank {chosen!r}: choose from {', '.join(BANKS)}")
    if chosen not in kept:
        raise TpmError(f"{platform.tpm!r} keeps no {chosen} bank of PCRs; it has: {', '.join(kept) or 'none'}")
    profile = replace(DEVICE, bank=chosen)
    platform.bind(profile)
    return profile
