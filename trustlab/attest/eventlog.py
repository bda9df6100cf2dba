"""The measured-boot event log and its replay.

The log itself is not protected by anything: only its replay, compared with a quote's pcrDigest, makes the digests - and
nothing else in it - believable. `eventcodec` reads and writes the octets.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from trustlab.attest.errors import EventLogError
from trustlab.attest.eventcodec import (
    MAX_ALGORITHMS,
    MAX_EVENTS,
    MAX_LOG,
    SPEC_ID,
    decode_log,
    encode_log,
    eventlog_spans,
)
from trustlab.attest.eventdata import STARTUP_LOCALITY, event_text
from trustlab.attest.eventtypes import (
    EV_NO_ACTION,
    EVENT_CLAIM,
    EVENT_IMAGE,
    EVENT_LAUNCH,
    EVENT_LAUNCH_NONCE,
    EVENT_LAUNCH_POLICY,
)
from trustlab.attest.logevent import (
    PCR_CLAIMS,
    PCR_IMAGE,
    PCR_LAUNCH,
    PCR_LAUNCH_POLICY,
    LogEvent,
    claim_event,
    image_event,
    launch_event,
    launch_nonce_event,
    launch_policy_event,
)
from trustlab.attest.replay import PcrReplay

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "EVENT_CLAIM",
    "EVENT_IMAGE",
    "EVENT_LAUNCH",
    "EVENT_LAUNCH_NONCE",
    "EVENT_LAUNCH_POLICY",
    "EV_NO_ACTION",
    "MAX_ALGORITHMS",
    "MAX_EVENTS",
    "MAX_LOG",
    "PCR_CLAIMS",
    "PCR_IMAGE",
    "PCR_LAUNCH",
    "PCR_LAUNCH_POLICY",
    "SPEC_ID",
    "STARTUP_LOCALITY",
    "EventLog",
    "LogEvent",
    "ReplayStep",
    "claim_event",
    "event_text",
    "eventlog_spans",
    "image_event",
    "launch_event",
    "launch_nonce_event",
    "launch_policy_event",
]


@dataclass
class EventLog:
    """A list of events and the banks they have digests for.

    `legacy` logs are the SHA-1 form without Spec ID event. In a confidential VM's log (`registers`) the events' indices
    are measurement registers, and nothing of it is replayed into PCRs.
    """

    events: list[LogEvent] = field(default_factory=list)
    algorithms: tuple[str, ...] = ("sha256",)
    legacy: bool = False
    registers: bool = False

    def append(self, event: LogEvent) -> None:
        """Add an event; EventLogError unless it has one digest for each of the log's banks."""
        if tuple(name for name, _ in event.digests) != self.algorithms:
            raise EventLogError(f"the log's banks are {', '.join(self.algorithms)}, the event has others")
        self.events.append(event)

    def encode(self) -> bytes:
        """Return the log's octets, Spec ID event first; `tpm2_eventlog` reads them."""
        return encode_log(self.events, self.algorithms, legacy=self.legacy)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a whole log; EventLogError says at which event and offset it is damaged."""
        return cls(*decode_log(raw))

    def replay(self, bank: str = "sha256", initial: Mapping[int, bytes] | None = None) -> dict[int, bytes]:
        """Return the PCR values that extending all events in order gives; PCRs without events are absent.

        PCRs begin at zeros (as 17 to 22 do after a launch) unless `initial` says otherwise. EV_NO_ACTION is not
        extended; a StartupLocality event sets PCR 0's last octet, once and before PCR 0 is extended. EventLogError if
        the log lacks the bank.
        """
        values = dict(initial or {})
        for step in self.steps(bank, initial):
            values[step.pcr] = step.after
        return values

    def steps(self, bank: str = "sha256", initial: Mapping[int, bytes] | None = None) -> list[ReplayStep]:
        """Return what `replay` does, one step for each event that changes a PCR; EventLogError as `replay`."""
        if bank not in self.algorithms:
            raise EventLogError(f"the log has no {bank} digests, only {', '.join(self.algorithms)}")
        if self.registers:
            return []
        pcrs = PcrReplay(bank, initial)
        steps: list[ReplayStep] = []
        for number, event in enumerate(self.events):
            if event.extends:
                steps.append(ReplayStep(number, event, event.pcr, *pcrs.extend(event.pcr, event.digest_of(bank))))
            elif event.locality is not None and (change := pcrs.start(event.locality)):
                steps.append(ReplayStep(number, event, 0, *change))
        return steps

    def about(self, pcrs: Collection[int], bank: str) -> EventLog:
        """Return what a quote over these PCRs of one bank can prove: their events, with that bank's digests alone.

        It is empty where the log lacks the bank, or is about measurement registers.
        """
        if self.registers or bank not in self.algorithms:
            return EventLog([], (bank,))
        zeros = PcrReplay(bank).zeros
        kept = [
            replace(event, digests=((bank, event.digest_of(bank) or zeros),))
            for event in self.events
            if event.pcr in pcrs and (event.extends or event.locality is not None)
        ]
        return EventLog(kept, (bank,))

    def within(self, limit: int) -> EventLog:
        """Return this log in at most `limit` octets: firmware's longest data are left out, and their place is marked.

        EventLogError if that does not suffice.
        """
        events, size = list(self.events), len(self.encode())
        longest = sorted(range(len(events)), key=lambda n: len(events[n].data), reverse=True)
        for number in longest:
            if size <= limit:
                break
            bare = events[number].without_data()
            saved = len(events[number].data) - len(bare.data)
            if saved <= 0 or not events[number].may_lack_data:
                continue
            events[number], size = bare, size - saved
        if size > limit:
            raise EventLogError(
                f"the log's {len(events)} events have {size} octets without their data; {limit} can travel. "
                "Quote fewer PCRs, or leave the log out: values that the Reference Values name need none"
            )
        return replace(self, events=events)


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One step of a replay: event `number` of the log took `pcr` from `before` to `after`."""

    number: int
    event: LogEvent
    pcr: int
    before: bytes
    after: bytes
