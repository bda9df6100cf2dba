"""One event of a log, and the lab's own events."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from trustlab.attest.errors import EventLogError
from trustlab.attest.eventdata import LEFT_OUT, STARTUP_LOCALITY
from trustlab.attest.eventtypes import (
    EV_NO_ACTION,
    EVENT_CLAIM,
    EVENT_IMAGE,
    EVENT_LAUNCH,
    EVENT_LAUNCH_NONCE,
    EVENT_LAUNCH_POLICY,
    LAB_TYPES,
    event_name,
)

PCR_LAUNCH, PCR_LAUNCH_POLICY, PCR_IMAGE, PCR_CLAIMS = 17, 18, 19, 20
NONCE_OCTETS = 32


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One extend: `digests` holds (hash name, octets) for each bank, `data` what the event says was measured."""

    pcr: int
    event_type: int
    digests: tuple[tuple[str, bytes], ...]
    data: bytes

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest, which is what gets extended; empty where the log has none."""
        return self.digest_of("sha256")

    def digest_of(self, bank: str) -> bytes:
        """Return the digest for a bank (`sha256`), empty if there is none."""
        for name, octets in self.digests:
            if name == bank:
                return octets
        return b""

    @property
    def type_name(self) -> str:
        """The event type's name, or its number in hex."""
        return event_name(self.event_type)

    @property
    def extends(self) -> bool:
        """Whether this event says that a PCR was extended."""
        return self.event_type != EV_NO_ACTION

    @property
    def locality(self) -> int | None:
        """From where TPM2_Startup came, if that is what this event says of PCR 0."""
        says = self.event_type == EV_NO_ACTION and not self.pcr and self.data.startswith(STARTUP_LOCALITY)
        return self.data[-1] if says and len(self.data) == len(STARTUP_LOCALITY) + 1 else None

    @property
    def left_out(self) -> int | None:
        """How many octets of data the sender left out, None if these are the data themselves."""
        whole = len(self.data) == len(LEFT_OUT) + 4 and self.data.startswith(LEFT_OUT)
        return int.from_bytes(self.data[-4:], "little") if whole else None

    @property
    def may_lack_data(self) -> bool:
        """Whether the Verifier needs no more of this event than its digest: true of firmware's events."""
        return self.extends and self.event_type not in LAB_TYPES

    def without_data(self) -> LogEvent:
        """Return this event with a mark in place of its data; its digests stay."""
        return replace(self, data=LEFT_OUT + len(self.data).to_bytes(4, "little"))


def launch_event(code_digest: bytes, description: str) -> LogEvent:
    """Note HyperSafe's launch: `code_digest` = SHA-256 of the code, which the launch itself extends into PCR 17."""
    return _event(PCR_LAUNCH, EVENT_LAUNCH, code_digest, description.encode())


def launch_policy_event(text: bytes) -> LogEvent:
    """Note HyperSafe's launch policy, measured into PCR 18 as the SHA-256 of its text."""
    return _event(PCR_LAUNCH_POLICY, EVENT_LAUNCH_POLICY, hashlib.sha256(text).digest(), text)


def image_event(image_digest: bytes, name: str) -> LogEvent:
    """Note the VM image, measured into PCR 19; the name is a hint for people, the digest decides."""
    return _event(PCR_IMAGE, EVENT_IMAGE, image_digest, name.encode())


def launch_nonce_event(nonce: bytes) -> LogEvent:
    """Note what HyperSafe drew at this launch (32 octets), as the first event of PCR 20."""
    if len(nonce) != NONCE_OCTETS:
        raise EventLogError(f"a launch nonce has {NONCE_OCTETS} octets, this one has {len(nonce)}")
    return _event(PCR_CLAIMS, EVENT_LAUNCH_NONCE, hashlib.sha256(nonce).digest(), nonce)


def claim_event(name: str, value: str) -> LogEvent:
    """Note a claim of measured code at run time, such as ("antivirus.signatures", "2026-11-20"), into PCR 20."""
    data = f"{name}={value}".encode()
    return _event(PCR_CLAIMS, EVENT_CLAIM, hashlib.sha256(data).digest(), data)


def _event(pcr: int, event_type: int, digest: bytes, data: bytes) -> LogEvent:
    if len(digest) != hashlib.sha256().digest_size:
        raise EventLogError(f"a SHA-256 digest has 32 octets, this one for PCR {pcr} has {len(digest)}")
    return LogEvent(pcr, event_type, (("sha256", digest),), data)
