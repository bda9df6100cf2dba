"""How much of a run the inspector explains, and what that costs; `benchmarks.painted` measures the browser's half."""

from __future__ import annotations

import time

from benchmarks.explained import share_explained
from trustlab.explain import event as explain_event
from trustlab.explain import fields_of
from trustlab.passage import DESIGNS
from trustlab.scenarios import acts

GOALS = {"chosen_octets_explained": 0.97, "explain_5000_ms": 1000.0}
NOTES = {
    "chosen_octets_explained": "share of the octets of messages, commands and plaintext of all designs that stand "
    "under a sentence saying what they are; a leaf of more than 64 bytes counts only if it says why it is one",
    "explain_5000_ms": "what the fields of 5000 events cost that were never seen before (all designs, one act each)",
}
EVENTS = 5000


def run() -> dict[str, float]:
    """Return how much is explained, and what it costs."""
    events = []
    for name in DESIGNS:
        with acts.rung(name) as act:
            act.run()
        events += [event for event in act.trace if event.raw]
    explain_event.forget()
    start = time.process_time()
    for event in events:
        fields_of(event)
    seconds = time.process_time() - start
    return {
        "chosen_octets_explained": round(share_explained(events), 4),
        "explain_5000_ms": 1000 * seconds * EVENTS / len(events),
    }
