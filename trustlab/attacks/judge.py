"""The judge: the outcome of an attack, from facts in the trace and never from what Alice claims.

The facts are what she knows (`capture.knowledge` derives it from the octets she saw and the keys she has), and who
holds the traffic secrets of each channel that a client trusted (`holders`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.holders import trusted_channels
from trustlab.capture import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trustlab.capture import Knowledge
    from trustlab.trace import Trace


class Judgement(msgspec.Struct, frozen=True):
    """What the facts say.

    `alice_knows` names the canaries that she can read. `refused_by` is the check by which a relying party first
    refused, `failed` are all checks that failed there. `wrong_peer` names a party that trusted a channel of which the
    machine that it meant does not hold the traffic secrets, and another one does. `disagrees` names a party that
    trusted such a channel, and Alice herself can read it; `elsewhere` one whose channel ends in a machine that keeps
    its keys to itself. `evidence_of` names the machines whose quotes she can read.
    """

    alice_knows: tuple[str, ...]
    refused_by: str | None
    failed: tuple[str, ...]
    wrong_peer: str | None
    disagrees: str | None = None
    evidence_of: tuple[str, ...] = ()
    elsewhere: str | None = None
    alice_read: bytes = b""
    """The line of decrypted (or unencrypted) text that contains the first canary: a secret, and not in repr."""

    def __repr__(self) -> str:
        return f"<Judgement: Alice knows {self.alice_knows or 'nothing'}, refused by {self.refused_by}>"


def judge(trace: Trace, canaries: Mapping[str, bytes], *, adversary: str = "alice") -> Judgement:
    """Judge a run: `canaries` are the secrets that only Bob's two VMs should know.

    Only a refusal by a relying party counts, not one that the adversary writes into the trace.
    """
    known = knowledge(trace, adversary)
    refusals = [event for event in trace.select("appraisal", name="refused") if event.party != adversary]
    refusal = refusals[0] if refusals else None
    failed = refusal.data.get("failed") if refusal else None
    misled = [channel for channel in trusted_channels(trace) if channel.misled]
    hers = [c for c in misled if adversary in c.holders or known.plaintext(c.connection, "client")]
    return Judgement(
        alice_knows=tuple(name for name, value in canaries.items() if known.holds(value)),
        refused_by=str(refusal.data["refused_by"]) if refusal else None,
        failed=tuple(map(str, failed)) if isinstance(failed, list) else (),
        wrong_peer=next((channel.client for channel in misled), None),
        disagrees=next((channel.client for channel in hers), None),
        evidence_of=tuple(_quoted(trace, known)),
        elsewhere=next((c.client for c in misled if c not in hers), None),
        alice_read=next((line for value in canaries.values() if (line := _line(known, value))), b""),
    )


def _quoted(trace: Trace, known: Knowledge) -> Iterator[str]:
    """Yield the machines of which she can read something that their TPM quoted."""
    for machine in dict.fromkeys(event.party for event in trace.select("tpm.response", name="TPM2_Quote")):
        quotes = trace.select("tpm.response", party=machine, name="TPM2_Quote")
        signed = [q.raw[s.start : s.end] for q in quotes for s in q.spans if s.name == "quoted"]
        if any(known.holds(octets) for octets in signed):
            yield machine


def _line(known: Knowledge, canary: bytes) -> bytes:
    """Return the line of decrypted text that contains a canary, or b""."""
    for place in known.holds(canary):
        lines = known.plaintext(place.connection, place.direction).splitlines()
        found = next((line for line in lines if canary in line), b"")
        if found:
            return found
    return b""
