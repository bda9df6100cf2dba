"""Third parties: Carol, Bob's customer, wants to know what the bank runs; Bob wants to know what Carol's machine runs.

The same passage, both ways. Carol sends her secret only after the bank's Evidence; the bank pays only for a machine
whose measured agent found an antivirus with signatures as new as Bob's policy says.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from trustlab.attest import EventLog, Evidence, LogEvent, claim_event
from trustlab.cloud import HyperSafe, Image
from trustlab.passage import TRUSTED_PASSAGE
from trustlab.scenarios.stage import Act
from trustlab.tpm import EVIDENCE_PCRS

if TYPE_CHECKING:
    from trustlab.cloud import Cloud, Machine, Ordinary
    from trustlab.passage import Design

CURRENT, OUTDATED, DEMANDED = "2026-11-20", "2026-03-01", "2026-11-01"
AGENT = b'guest.claim("antivirus.signatures", date)'
TRICKS = {
    "stale-antivirus": "The signatures are old, and the measured agent says so.",
    "lying-agent": "Carol changes the agent so that it claims another date: now it is another image.",
    "posture-drift": "The signatures are current when Carol's first payment is made, and old when the next one is.",
    "rolled-back-log": "The root VM of Carol's machine rewrites the claim in the event log on its way out.",
}
"""What an unwilling Carol may try, in a sentence each."""


class Rewriting(HyperSafe):
    """A machine whose root VM rewrites the event log as the Evidence passes; HyperSafe itself is the genuine one."""

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = EVIDENCE_PCRS) -> bytes:
        """Return the Evidence with another claim in its log."""
        evidence = Evidence.decode(super().attest(binder, prove_key=prove_key, pcrs=pcrs))
        log = EventLog()
        for event in EventLog.decode(evidence.event_log).events:
            log.append(_renewed(event))
        return dataclasses.replace(evidence, event_log=log.encode()).encode()


def _renewed(event: LogEvent) -> LogEvent:
    wanted = claim_event("antivirus.signatures", CURRENT)
    return wanted if event.event_type == wanted.event_type else event


class ThirdParty(Act):
    """Carol pays through Bob's bank; with a `trick` she tries to pass with an outdated antivirus."""

    customer = "carol"

    def __init__(
        self,
        trick: str | None,
        *,
        without: tuple[str, ...] = (),
        design: Design = TRUSTED_PASSAGE,
        substrate: str = "memory",
    ) -> None:
        if trick is not None and trick not in TRICKS:
            raise ValueError(f"no trick {trick!r}; there are: {', '.join(TRICKS)}")
        super().__init__(
            design,
            None,
            expected=("refused",) if trick and not without else ("completed",),
            title=f"Carol and the bank: {trick}" if trick else "Carol and the bank",
            sentence="Carol measures the bank before she says a word; the bank wants to know how old her antivirus is. "
            + (TRICKS[trick] if trick else "Both are in order."),
            without=without,
            substrate=substrate,
        )
        self.trick = trick

    @property
    def slug(self) -> str:
        """A file name for this act."""
        return f"third-party-{self.trick}" if self.trick else "third-party"

    def _settings(self, name: str) -> dict[str, str]:
        if name == "bank":
            return {"claims": f"antivirus.signatures >= {DEMANDED}"}
        return {"antivirus": "reports before it speaks"}

    def _rent_customer(self, cloud: Cloud, image: Image, hypervisor: type[HyperSafe | Ordinary]) -> Machine:
        if self.trick == "lying-agent":
            lie = f'guest.claim("antivirus.signatures", "{CURRENT}")'.encode()
            image = Image(image.name, image.program.replace(AGENT, lie), image.configuration)
        hypervisor = Rewriting if self.trick == "rolled-back-log" else hypervisor
        machine = cloud.rent(self.customer, image, hypervisor, wait=False)
        date = OUTDATED if self.trick not in {None, "posture-drift"} else CURRENT
        machine.disk["antivirus.db"] = f"signatures {date}\n".encode()
        return machine

    def _afterwards(self, cloud: Cloud, customer: Machine) -> None:
        if self.trick != "posture-drift":
            super()._afterwards(cloud, customer)
            return
        self._say("drift", "Time passes. Carol's signatures grow old; her measured agent says so, and she pays again.")
        customer.disk["antivirus.db"] = f"signatures {OUTDATED}\n".encode()
        customer.control("report_antivirus")
        self._pay_again(cloud, customer)

    @property
    def _paid(self) -> bool:
        orders = 2 if self.trick == "posture-drift" else 1
        return super()._paid and len(self.trace.select("app", party="bank", name="payment")) >= orders


def third_party(
    trick: str | None = None,
    *,
    without: tuple[str, ...] = (),
    design: Design = TRUSTED_PASSAGE,
    substrate: str = "memory",
) -> ThirdParty:
    """Return the act of Carol and the bank; ValueError names the tricks there are."""
    return ThirdParty(trick, without=without, design=design, substrate=substrate)
