"""The facts that decide a cell of the matrix, in words, taken from the trace alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trustlab.attacks import answers, quotes_for
from trustlab.scenarios.assumptions import ALICE
from trustlab.tls.registry import AlertDescription

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.attacks.attack import Prize
    from trustlab.trace import Trace, TraceEvent

FATAL, ROOT = 2, "root VM"


def facts(trace: Trace, prize: Prize, known: tuple[str, ...]) -> str:
    """Say what Alice can read, who refused whom and how, and where connections ended.

    For an attack on the service, on answers or on quotes, say what the trace shows about them.
    """
    found = [f"Alice knows the canary {name!r}" for name in known]
    found += dict.fromkeys(
        f"{e.party} refused by {e.data['refused_by']!r}" for e in trace.select("appraisal", name="refused")
    )
    found += dict.fromkeys(_silent(trace))
    if prize not in known:
        found += _alerts(trace)
        found += _tpm(trace)
    found += [
        f"{e.connection} was addressed to {e.data['addressed']} and answered by {e.data['server']}"
        for e in trace.select("ground-truth")
        if e.data["addressed"] != e.data["server"] and e.data["client"] != "web-ca"
    ]
    found += _prize(trace, prize)
    return "; ".join(found) or "Alice knows no canary, and every connection was answered by the machine it addressed"


def _silent(trace: Trace) -> Iterator[str]:
    """Yield why a machine of Bob's did not make evidence."""
    for event in trace.select("note", name="no evidence"):
        if event.party != ALICE:
            yield f"{event.party} did not make evidence: {str(event.data['sentence']).rstrip('.')}"


def _alerts(trace: Trace) -> Iterator[str]:
    """Yield the fatal alerts that Bob's side sent."""
    sent = [
        event
        for event in trace.select("tls.message", name="Alert")
        if event.party != ALICE and event.sent and len(event.raw) == 2 and event.raw[0] == FATAL
    ]
    for (party, alert), times in Counter((event.party, _name(event)) for event in sent).items():
        where = next(event.connection for event in sent if (event.party, _name(event)) == (party, alert))
        yield f"{party} ended {where if times == 1 else f'{times} connections'} with alert {alert}"


def _tpm(trace: Trace) -> Iterator[str]:
    """Yield the last command that a TPM refused to Alice's root VM; earlier ones may have failed for want of memory."""
    refused = [e for e in trace.select("tpm.response") if e.data.get("client") == ROOT and e.data.get("rc")]
    for event in refused[-1:]:
        yield f"the TPM of {event.party} refused {event.name} to the {ROOT}: {event.data['rc_name']}"


def _name(event: TraceEvent) -> str:
    code = event.raw[1]
    names = {int(value): value.name.lower() for value in AlertDescription}
    return f"{code} ({names.get(code, 'unknown')})"


def _prize(trace: Trace, prize: Prize) -> Iterator[str]:
    match prize:
        case "service":
            paid = len(trace.select("app", party="bank", name="payment"))
            yield f"the bank made {paid} payment{'' if paid == 1 else 's'}"
        case "oracle":
            told = answers(trace)
            said = sorted({octets.hex() for octets in told.values()})
            yield f"the bank's answers to {len(told)} secrets: {', '.join(said)}"
        case "quotes":
            made = quotes_for(trace)
            asked = [e for e in trace.select("ground-truth", name="connection") if e.data["client"] == ALICE]
            yield f"the bank's TPM made {made[ALICE]} quotes for Alice, who asked {len(asked)} times"
