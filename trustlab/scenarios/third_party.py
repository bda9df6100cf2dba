"""Third parties: Carol, Bob's customer, wants to know what the bank runs; Bob wants to know what Carol's machine runs.

One passage answers both. Carol sends her secret only after she has accepted the bank's Evidence. The bank pays only if
the measured agent on Carol's machine reports an antivirus with signatures as new as Bob's policy demands.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attacks import CATALOGUE, table
from trustlab.attest import EventLog, Evidence, LogEvent, claim_event
from trustlab.cloud import HyperSafe, Image
from trustlab.passage import TRUSTED_PASSAGE
from trustlab.scenarios.setup import BANK, plan
from trustlab.scenarios.stage import Act
from trustlab.scenarios.teller import SIGNED_BY
from trustlab.tpm import EVIDENCE_PCRS

if TYPE_CHECKING:
    from trustlab.attacks.attack import Prize
    from trustlab.attest import AppraisalPolicy
    from trustlab.cloud import Cloud, Machine
    from trustlab.passage import Design
    from trustlab.scenarios.setup import Setup

CURRENT, OUTDATED, DEMANDED = "2026-11-20", "2026-03-01", "2026-11-01"
AGENT = b'guest.claim("antivirus.signatures", date)'
TRICKS = {
    "stale-antivirus": "The signatures are old, and the measured agent reports that.",
    "lying-agent": "Carol changes the agent so that it claims another date; that makes it another image.",
    "posture-drift": "The signatures are current at Carol's first payment, and old at the next one.",
    "edited-database": "The signatures are old, and Carol writes another date into the first line of their file.",
    "rolled-back-log": "The root VM of Carol's machine rewrites the claim in the event log when the evidence passes.",
}
"""The tricks of an unwilling Carol, each with a sentence."""


@cache
def vendor() -> Ed25519PrivateKey:
    """Return the key of the antivirus's vendor, who signs every database; nobody else has it."""
    return Ed25519PrivateKey.generate()


def vendor_setting() -> str:
    """Return the vendor's public key as a measured configuration spells it."""
    return vendor().public_key().public_bytes_raw().hex()


def signed_database(date: str) -> bytes:
    """Return a signature database of this date, as its vendor ships it."""
    content = f"signatures {date}\nEICAR-Test-File 44d88612fea8a8f36de82e1278abb02f\n".encode()
    return content + SIGNED_BY + vendor().sign(content).hex().encode() + b"\n"


class Rewriting(HyperSafe):
    """A machine whose root VM rewrites the event log when the Evidence passes; HyperSafe itself is genuine."""

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = EVIDENCE_PCRS) -> bytes:
        """Return the Evidence with another claim in its event log."""
        evidence = Evidence.decode(super().attest(binder, prove_key=prove_key, pcrs=pcrs))
        log = EventLog()
        for event in EventLog.decode(evidence.event_log).events:
            log.append(_renewed(event))
        return replace(evidence, event_log=log.encode()).encode()


def _renewed(event: LogEvent) -> LogEvent:
    wanted = claim_event("antivirus.signatures", CURRENT)
    return wanted if event.event_type == wanted.event_type else event


class ThirdParty(Act):
    """Carol pays through Bob's bank; with a `trick` she tries to pass with an outdated antivirus.

    With an `attack` it is Alice who attacks: Carol must not take anything else for Bob's bank.
    """

    def __init__(
        self,
        trick: str | None,
        *,
        attack: str | None = None,
        without: tuple[str, ...] = (),
        policy: AppraisalPolicy | str | None = None,
        design: Design = TRUSTED_PASSAGE,
        substrate: str = "memory",
    ) -> None:
        if trick is not None and trick not in TRICKS:
            raise ValueError(f"there is no trick {trick!r}; choose from: {', '.join(TRICKS)}")
        if trick is not None and attack is not None:
            raise ValueError(f"choose one: Carol's trick {trick!r}, or Alice's attack {attack!r}")
        against = trick or attack
        what = (
            TRICKS[trick] if trick else CATALOGUE[attack].why if attack in CATALOGUE else "Both are as they should be."
        )
        super().__init__(
            plan(
                design,
                attack,
                customer="carol",
                without=without,
                policy=policy,
                judges=BANK,
                settings={
                    BANK: {"claims": f"antivirus.signatures >= {DEMANDED}"},
                    "carol": {"antivirus": "reports before it speaks", "antivirus vendor": vendor_setting()},
                },
            ),
            expected=_expected(trick, attack, design, without=without),
            title=f"Carol and the bank: {against}" if against else "Carol and the bank",
            sentence="Carol demands the bank's evidence before she sends anything; the bank wants to know how old her "
            f"antivirus is. {what}",
            substrate=substrate,
        )
        self.trick = trick

    @property
    def prize(self) -> Prize | None:
        """The service, if Carol tries a trick."""
        return "service" if self.trick else None

    def honest(self) -> Self:
        """Return the same act with a Carol as she should be."""
        other = super().honest()
        other.trick = None
        return other

    @property
    def slug(self) -> str:
        """A file name for this act."""
        played = self.trick or (self.attack.name if self.attack else "")
        return f"third-party-{played}" if played else "third-party"

    def _setup(self, cloud: Cloud) -> Setup:
        """Change Carol's machine for her trick, behind Bob's back."""
        setup = super()._setup(cloud)
        customer = setup.customer
        if self.trick == "lying-agent":
            lie = f'guest.claim("antivirus.signatures", "{CURRENT}")'.encode()
            image = customer.image
            customer = replace(
                customer, image=Image(image.name, image.program.replace(AGENT, lie), image.configuration)
            )
        if self.trick == "rolled-back-log":
            customer = replace(customer, hypervisor=Rewriting)
        date = OUTDATED if self.trick not in {None, "posture-drift"} else CURRENT
        database = signed_database(date)
        if self.trick == "edited-database":
            database = database.replace(OUTDATED.encode(), CURRENT.encode())
        return replace(setup, customer=replace(customer, disk={"antivirus.db": database}))

    def _afterwards(self, cloud: Cloud, customer: Machine) -> None:
        if self.trick != "posture-drift":
            super()._afterwards(cloud, customer)
            return
        self._say(
            "drift", "Time passes. Carol's signatures grow old; her measured agent reports it, and she pays again."
        )
        customer.disk["antivirus.db"] = signed_database(OUTDATED)
        customer.control("report_antivirus")
        self._pay(cloud, customer)

    @property
    def _paid(self) -> bool:
        orders = 2 if self.trick == "posture-drift" else 1
        return super()._paid and len(self.trace.select("app", party="bank", name="payment")) >= orders


def _expected(trick: str | None, attack: str | None, design: Design, *, without: tuple[str, ...]) -> tuple[str, ...]:
    """Return the outcomes that the act is told with: an attack of Alice's ends as it does in the matrix."""
    if attack is not None:
        row = CATALOGUE[attack].plays if attack in CATALOGUE else ""
        cell = table().get((design.name, row or attack))
        return ("succeeded",) if cell is not None and cell.mark == "S" else ("refused", "failed")
    return ("refused",) if trick and not without else ("completed",)


def third_party(
    trick: str | None = None,
    *,
    attack: str | None = None,
    without: tuple[str, ...] = (),
    policy: AppraisalPolicy | str | None = None,
    design: Design = TRUSTED_PASSAGE,
    substrate: str = "memory",
) -> ThirdParty:
    """Return the act of Carol and the bank; ValueError for an unknown trick or attack.

    A `trick` is Carol's, and Bob's bank should see through it; an `attack` is Alice's, and Carol should.
    `policy` is what the bank demands of Carol's machine, an `AppraisalPolicy` or its TOML, in place of Bob's own.
    """
    return ThirdParty(trick, attack=attack, without=without, policy=policy, design=design, substrate=substrate)
