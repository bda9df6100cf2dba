"""Measuring: extend a PCR and write the same into the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import EVENT_CLAIM, EVENT_IMAGE, EVENT_LAUNCH_NONCE, EVENT_LAUNCH_POLICY

if TYPE_CHECKING:
    from trustlab.attest import EventLog, LogEvent
    from trustlab.tpm.client import TpmClient
    from trustlab.trace import TraceEvent

_WHAT = {
    EVENT_LAUNCH_POLICY: "HyperSafe's launch policy",
    EVENT_IMAGE: "the VM image",
    EVENT_CLAIM: "a claim of measured code",
    EVENT_LAUNCH_NONCE: "the nonce of this launch",
}


def measure(client: TpmClient, log: EventLog, event: LogEvent) -> TraceEvent:
    """Extend `event.pcr` with `event.digest` at the client's locality, then append the event to the log.

    The TPM refuses the wrong locality (TpmResponseError, TPM_RC_LOCALITY); then the log stays as it was.
    """
    client.pcr_extend(event.pcr, event.digest)
    log.append(event)
    what = _WHAT.get(event.event_type, "data")
    drawn = event.event_type == EVENT_LAUNCH_NONCE
    said = event.data.hex() if drawn else event.data.decode(errors="replace")
    return client.platform.party.emit(
        "machine",
        "measure",
        sentence=f"{client.name} measures {what} into PCR {event.pcr}: {said}",
        pcr=event.pcr,
        digest=event.digest.hex(),
        client=client.name,
    )
