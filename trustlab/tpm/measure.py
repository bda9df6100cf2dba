"""Measuring: extend a PCR and write the same into the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.attest import EventLog, LogEvent
    from trustlab.tpm.client import TpmClient
    from trustlab.trace import TraceEvent

_WHAT = {18: "HyperSafe's launch policy", 19: "the VM image", 20: "a claim of measured code"}


def measure(client: TpmClient, log: EventLog, event: LogEvent) -> TraceEvent:
    """Extend `event.pcr` with `event.digest` at the client's locality, then append the event to the log.

    The TPM refuses the wrong locality (TpmResponseError, TPM_RC_LOCALITY); then the log stays as it was.
    """
    client.pcr_extend(event.pcr, event.digest)
    log.append(event)
    what = _WHAT.get(event.pcr, "data")
    said = event.data.decode(errors="replace")
    return client.platform.party.emit(
        "machine",
        "measure",
        sentence=f"{client.name} measures {what} into PCR {event.pcr}: {said}",
        pcr=event.pcr,
        digest=event.digest.hex(),
        client=client.name,
    )
