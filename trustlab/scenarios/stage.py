"""An act on the stage: Bob's teller pays through Bob's bank in Alice's cloud, over one design, against one attack.

The same few lines play every rung and every attack; only the `Design` and Alice's program differ.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attacks import Judgement, answers, judge, quotes_for
from trustlab.capture import PassiveDecoder
from trustlab.cloud import Cloud, CloudClosedError, choose
from trustlab.passage import placement_of, seeded
from trustlab.scenarios.assumptions import ALICE, Leaks, genuine_machine
from trustlab.scenarios.record import Recording, record
from trustlab.scenarios.setup import Bob, Setup, set_up
from trustlab.scenarios.verdict import verdict
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustlab.attacks import Attack
    from trustlab.cloud import Machine
    from trustlab.passage import Design
    from trustlab.scenarios.setup import Plan
    from trustlab.wire import Waiting

AMOUNT, PAYEE = "120.00", "carol"
LAB = "lab"
STRANGERS = ("teller-bank-1", "alice-bank-1")
"""The connections on which OpenSSL speaks, not our engine: their messages are decoded from the frames."""


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an act: the attack `succeeded`, was `refused` or `failed`; without an attack it `completed`."""

    design: str
    attack: str | None
    outcome: str
    alice_knows: tuple[str, ...]
    refused_by: str | None
    sentence: str
    failed: tuple[str, ...] = ()
    as_told: bool = True
    alice_read: str = ""
    """The line that she decrypted, with Bob's secret in it; it is not in repr."""

    def __repr__(self) -> str:
        return f"<Outcome of {self.design} against {self.attack or 'nobody'}: {self.outcome}. {self.sentence}>"


class Act:
    """One act of the story; made by `plain_tls`, `trusted_passage` or `rung`, played once by `run`.

    It only plays: its `plan` says what, and `setup.set_up` prepares the machines. `trace` exists from the beginning: an
    inspector may watch it before the act is played.
    """

    def __init__(
        self, plan: Plan, *, expected: tuple[str, ...], title: str, sentence: str, substrate: str = "memory"
    ) -> None:
        self.plan = plan
        self.expected = expected
        self.substrate = choose(substrate)
        self.trace = Trace(title, self.substrate)
        self.outcome: Outcome | None = None
        self._sentence = sentence
        draw = os.urandom if plan.seed is None else seeded(plan.seed, "act")
        self._publisher = Ed25519PrivateKey.from_private_bytes(draw(32))
        self._canaries = {name: _number(digits, draw) for name, digits in (("pin", 6), ("balance", 9))}
        self._cloud: Cloud | None = None
        self._waiting: tuple[Waiting, ...] = ()
        self._closing = threading.Lock()
        self._closed = False

    @property
    def design(self) -> Design:
        """The design, with what the attack assumes of it."""
        return self.plan.design

    @property
    def attack(self) -> Attack | None:
        """The attack; None if Alice only records."""
        return self.plan.attack

    @property
    def customer(self) -> str:
        """The name of the party that orders the payment."""
        return self.plan.customer

    @property
    def slug(self) -> str:
        """A file name for this act."""
        design = self.design.name.replace(" ", "-")
        return f"{design}-{self.attack.name}" if self.attack else design

    def run(self) -> Outcome:
        """Play the act to its end and return the outcome. A second call returns the same outcome.

        CloudClosedError if `close` was called first, from any thread.
        """
        if self.outcome is not None:
            return self.outcome
        self._say(self.trace.title, self._sentence)
        with self._new_cloud() as cloud:
            strangers = () if placement_of(self.design).our_engine else STRANGERS
            with PassiveDecoder(self.trace, connections=strangers), Leaks(self.trace, self.attack):
                self._play(cloud)
                self._waiting = () if self._paid else tuple(cloud.waiting())
        self.outcome = self._judged(judge(self.trace, {name: value.encode() for name, value in self._canaries.items()}))
        self._say("outcome", self.outcome.sentence)
        return self.outcome

    def save(self, folder: str | Path) -> Recording:
        """Write the trace and the capture into `folder`, with this run's secrets, and return their paths."""
        return record(self.trace, folder, self.slug)

    def close(self) -> None:
        """End everything that still runs, and start nothing more; can be called at any time, from any thread."""
        with self._closing:
            self._closed, cloud = True, self._cloud
        if cloud is not None:
            cloud.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_cloud(self) -> Cloud:
        """Make the act's cloud; CloudClosedError once the act is closed, because nobody would end the cloud."""
        if not self._closed:
            cloud = Cloud(self.substrate, trace=self.trace, seed=self.plan.seed)
            with self._closing:
                if not self._closed:
                    self._cloud = cloud
                    return cloud
            cloud.close()
        raise CloudClosedError(f"the act '{self.trace.title}' is closed: make a new one")

    def _setup(self, cloud: Cloud) -> Setup:
        """Return what is in place in this cloud."""
        return set_up(self.plan, Bob(self._publisher, cloud.web_root_pem, cloud.endorsers.privacy_ca.root_pem))

    def _play(self, cloud: Cloud) -> None:
        setup = self._setup(cloud)
        machines = {rental.name: rental.rent(cloud) for rental in (setup.bank, setup.customer)}
        alice = setup.alice.rent(cloud) if setup.alice else None
        self._start(setup, machines)
        self.trace.party(setup.bank.name).secret("canary balance", self._canaries["balance"].encode())
        if setup.genuine is not None and self.attack is not None:
            genuine_machine(cloud, self.attack, setup.genuine.rent, setup.references)
        if alice is not None:
            self._start_alice(cloud, alice)
        self._say(
            "the payment",
            f"The {self.customer} is told to pay {AMOUNT} to {PAYEE}. The PIN is secret, and Alice is after it.",
        )
        self.trace.party(self.customer).secret("canary pin", self._canaries["pin"].encode())
        customer = machines[self.customer]
        self._pay(cloud, customer)
        self._afterwards(cloud, customer)
        if alice is not None and alice.understands("afterwards"):
            alice.control("afterwards")
            cloud.run()

    def _start(self, setup: Setup, machines: dict[str, Machine]) -> None:
        """Start Bob's two machines, with the pins that the setup says, and open the account."""
        digests = [machines[name].hypervisor.ek_digest for name in setup.pinned]
        pinned = [digest for digest in digests if digest is not None]
        for machine in machines.values():
            machine.start(references=setup.references, pinned=pinned)
        machines[setup.bank.name].control("open_account", balance=self._canaries["balance"])

    def _afterwards(self, cloud: Cloud, customer: Machine) -> None:
        """Go on after the payment: if the design resumes sessions, pay again."""
        if self.design.resumes:
            self._say("once more", f"The {self.customer} is told to pay again, and resumes its session.")
            self._pay(cloud, customer)

    def _pay(self, cloud: Cloud, customer: Machine) -> None:
        customer.control("pay", amount=AMOUNT, payee=PAYEE, pin=self._canaries["pin"])
        cloud.run()

    @staticmethod
    def _start_alice(cloud: Cloud, alice: Machine) -> None:
        alice.start(provider=True)
        cloud.run()

    def _judged(self, facts: Judgement) -> Outcome:
        if self.attack is None:
            completed = self._paid and not facts.alice_knows and facts.wrong_peer is None
            outcome = "completed" if completed else "refused" if facts.refused_by else "failed"
        elif self.attack.prize in facts.alice_knows or (self.attack.prize == "peer" and facts.wrong_peer):
            outcome = "succeeded"
        elif self.attack.prize == "service":
            outcome = "failed" if self._paid else "succeeded"
        elif self.attack.prize == "quotes":
            asked = [e for e in self.trace.select("ground-truth", name="connection") if e.data["client"] == ALICE]
            outcome = "succeeded" if quotes_for(self.trace)[ALICE] == len(asked) else "failed"
        elif self.attack.prize == "oracle":
            outcome = "succeeded" if len(set(answers(self.trace).values())) > 1 else "failed"
        else:
            outcome = "refused" if facts.refused_by else "failed"
        return Outcome(
            design=self.design.name,
            attack=self.attack.name if self.attack else None,
            outcome=outcome,
            alice_knows=facts.alice_knows,
            refused_by=facts.refused_by,
            failed=facts.failed,
            sentence=verdict(
                outcome, facts, self.attack, self.trace, customer=self.customer, paid=self._paid, waiting=self._waiting
            ),
            as_told=outcome in self.expected,
            alice_read=facts.alice_read.decode("utf-8", "replace"),
        )

    @property
    def _paid(self) -> bool:
        """Whether the bank paid and the customer got its answer."""
        told = self.trace.select("app", party=self.customer, name="answer")
        return bool(told and self.trace.select("app", party="bank", name="payment"))

    def _say(self, title: str, sentence: str) -> None:
        self.trace.party(LAB).emit("note", title, sentence=sentence, act=self.trace.title)


def _number(digits: int, draw: Callable[[int], bytes]) -> str:
    """Return a secret number, made from random octets."""
    return f"{int.from_bytes(draw(16), 'big') % 10**digits:0{digits}d}"
