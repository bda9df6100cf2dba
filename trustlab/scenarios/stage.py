"""An act on the stage: Bob's teller pays through Bob's bank in Alice's cloud, over one design, against one attack.

The same few lines play every rung and every attack; only the `Design` and Alice's program differ.
"""

from __future__ import annotations

import copy
import os
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attacks import NO_ANSWER, Judgement, answers, judge, quotes_for, stop_of
from trustlab.capture import PassiveDecoder
from trustlab.cloud import Cloud, CloudClosedError, CloudError, choose
from trustlab.passage import placement_of, seeded
from trustlab.scenarios.assumptions import ALICE, Leaks, genuine_machine
from trustlab.scenarios.comparison import compare, edits, noise
from trustlab.scenarios.honest import honest_fault
from trustlab.scenarios.leaked_ak import leak_attestation_keys
from trustlab.scenarios.record import Recording, record
from trustlab.scenarios.setup import Bob, Setup, set_up
from trustlab.scenarios.steered import Life
from trustlab.scenarios.tampermaps import TamperMaps
from trustlab.scenarios.verdict import verdict
from trustlab.trace import Trace
from trustlab.wire import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustlab.attacks import Attack, Stop
    from trustlab.attacks.attack import Prize
    from trustlab.cloud import Machine
    from trustlab.passage import Design
    from trustlab.scenarios.comparison import Comparison, Noise
    from trustlab.scenarios.setup import Plan
    from trustlab.wire import Steering, Waiting

AMOUNT, PAYEE = "120.00", "carol"
LAB = "lab"
STRANGERS = ("teller-bank-1", "alice-bank-1")
"""The connections on which OpenSSL speaks, not our engine: their messages are decoded from the frames."""


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an act: the attack `succeeded`, was `refused`, `failed` or `broke`; without one it `completed`.

    `refused`: a check or a rule of one of Bob's ends refused what it was shown. `failed`: she did not get what she was
    after, and nobody had to refuse evidence; `stopped_by` says what stopped her. `broke`: nothing follows from the run,
    because even an honest payment does not go through, or the run died of an error.
    """

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
    stopped_by: tuple[str, ...] = ()
    """What stopped her in this run: all checks that failed, an alert, a TPM's code, an isolation or a limit."""
    reached: tuple[str, ...] = ()
    """Every goal of hers that this run reached, whatever she was after."""

    def __repr__(self) -> str:
        return f"<Outcome of {self.design} against {self.attack or 'nobody'}: {self.outcome}. {self.sentence}>"


class Act:
    """One act of the story; made by `plain_tls`, `trusted_passage` or `rung`, played once by `run` or `start`.

    It only plays: its `plan` says what, and `setup.set_up` prepares the machines. `trace` exists from the beginning: an
    inspector may watch it before the act is played.

    An act can be steered by its `controller`. `start` plays it in the background; keep the act while it plays, because
    one that nobody holds any more is ended.
    """

    def __init__(
        self, plan: Plan, *, expected: tuple[str, ...], title: str, sentence: str, substrate: str = "memory"
    ) -> None:
        self.plan = plan
        self.expected = expected
        self.substrate = choose(substrate)
        if plan.attack is not None and plan.attack.live and self.substrate != "memory":
            raise ValueError(
                f"the attack {plan.attack.name!r} is a function of this process, and cannot be played in "
                f"{self.substrate}: make it with Attack.from_source, or choose substrate='memory'"
            )
        self.trace = Trace(title, self.substrate)
        self._sentence = sentence
        draw = os.urandom if plan.seed is None else seeded(plan.seed, "act")
        self._publisher = Ed25519PrivateKey.from_private_bytes(draw(32))
        self._canaries = {name: _number(digits, draw) for name, digits in (("pin", 6), ("balance", 9))}
        self._waiting: tuple[Waiting, ...] = ()
        self._life = Life(self.trace)
        self._outcomes: list[Outcome] = []
        self._noise: list[Noise] = []
        """What differs between any two runs of this act, once it was learned; shared by all of them."""

    @property
    def design(self) -> Design:
        """The design, with what the attack assumes of it."""
        return self.plan.design

    @property
    def attack(self) -> Attack | None:
        """The attack; None if Alice only records."""
        return self.plan.attack

    @property
    def prize(self) -> Prize | None:
        """What somebody is after in this act; None if everybody is honest."""
        return self.attack.prize if self.attack else None

    @property
    def customer(self) -> str:
        """The name of the party that orders the payment."""
        return self.plan.customer

    @property
    def slug(self) -> str:
        """A file name for this act."""
        design = self.design.name.replace(" ", "-")
        return f"{design}-{self.attack.name}" if self.attack else design

    @property
    def outcome(self) -> Outcome | None:
        """What became of the act; None until it has ended."""
        return self._outcomes[0] if self._outcomes else None

    @property
    def controller(self) -> Steering:
        """What steers this act. Ask for it before the act begins: one that began without it cannot be held."""
        return self._life.steer()

    def run(self) -> Outcome:
        """Play the act to its end and return the outcome. A second call returns the same outcome.

        CloudClosedError if `close` was called first, from any thread; ValueError if an edit did not fit what passed.
        """
        if self._life.thread is not None:
            return self.wait()
        if self.outcome is not None:
            return self.outcome
        self._life.begin()
        return self._perform()

    def start(self) -> None:
        """Play the act in the background, and return at once. CloudError if it was begun before.

        `controller` steers it, `wait` gives the outcome, `close` ends it. It also ends when nobody holds the act any
        more, as when the cell of a notebook that made it runs again.
        """
        steering = self._life.steer()
        if not self._life.begin():
            raise CloudError(f"the act '{self.trace.title}' was begun before: make a new one")
        weakref.finalize(self, steering.cancel).atexit = False  # of all that belongs to the act this must hold no more
        self._life.perform(copy.copy(self)._perform, f"trustlab act {self.trace.title}")  # noqa: SLF001 - its own copy

    def wait(self, timeout: float | None = None) -> Outcome:
        """Wait for the end of an act that was started, and return its outcome, or raise what `run` would.

        TimeoutError after `timeout` seconds; CloudError if it was not started.
        """
        if self._life.thread is None:
            raise CloudError(f"the act '{self.trace.title}' was not started: call start first, or run")
        if not self._life.join(timeout):
            where = self.controller.why_held or "it still plays"
            raise TimeoutError(f"the act '{self.trace.title}' did not end within {timeout} s: {where}")
        if self._life.error is not None:
            raise self._life.error
        return self._outcomes[0]

    def _perform(self) -> Outcome:
        """Play on this thread."""
        steering = self._life.steering
        if steering is not None:
            steering.run_here()
        try:
            return self._run()
        except (Exception, Cancelled) as error:
            if steering is None or not steering.cancelled:
                raise
            early = CloudClosedError(f"the act '{self.trace.title}' was ended early: make a new one")
            raise (steering.error or early) from error
        finally:
            if steering is not None:
                steering.over()

    def _run(self) -> Outcome:
        fault = "" if self.prize is None else honest_fault(type(self), self.plan, self._play_honest)
        self._say(self.trace.title, self._sentence)
        with self._new_cloud() as cloud:
            strangers = () if placement_of(self.design).our_engine else STRANGERS
            with PassiveDecoder(self.trace, connections=strangers), Leaks(self.trace, self.attack):
                self._play(cloud)
                self._waiting = () if self._paid else tuple(cloud.waiting())
        outcome = self._judged(
            judge(self.trace, {name: value.encode() for name, value in self._canaries.items()}), fault
        )
        self._outcomes.append(outcome)
        self._say("outcome", outcome.sentence)
        return outcome

    def what_if(
        self, message: str, field: str, value: bytes, *, nth: int = 1, connection: str = "", octet: int | None = None
    ) -> Act:
        """Play the same act again with one field changed in flight; return that act, which has run.

        Parameters as of `controller.tamper`. ValueError if the change does not fit, or if no such message passed.
        `compare` says what it led to.
        """
        other = self._anew()
        with other:
            other.controller.tamper(message, field, value, nth=nth, connection=connection, octet=octet)
            other.run()
        if other.controller.pending:
            where = f" on {connection}" if connection else ""
            raise ValueError(f"no {message} number {nth} passed{where}: nothing was changed")
        return other

    def tamper_map(self, *, keys: bool = False, every: bool = False) -> TamperMaps:
        """Return the tamper map of this act's design, played in a process of its own. ValueError if the design is your
        own: only the named ones have a map.
        """
        return TamperMaps([self.design.name], keys=keys, every=every)

    def compare(self, other: Act) -> Comparison:
        """Say how another run of this act differs from this one, which has run too; as text the first difference.

        What differs in every run is learned from one more run, the first time.
        """
        for act in (self, other):
            if act.outcome is None:
                raise ValueError(f"the act '{act.trace.title}' has not been played: run it first")
        if not self._noise:
            usual = [act for act in (self, other) if not edits(act.trace)][:1]
            while len(usual) < 2:
                again = self._anew()
                with again:
                    again.run()
                usual.append(again)
            self._noise.append(noise(usual[0].trace, usual[1].trace))
        return compare(self.trace, other.trace, self._noise[0])

    def _anew(self) -> Self:
        """Return the same act, with the same secrets, not played yet."""
        other = copy.copy(self)
        other.trace = Trace(self.trace.title, self.substrate)
        other._waiting, other._outcomes, other._life = (), [], Life(other.trace)  # noqa: SLF001 - its own copy
        return other

    def save(self, folder: str | Path) -> Recording:
        """Write the trace and the capture into `folder`, with this run's secrets, and return their paths."""
        return record(self.trace, folder, self.slug)

    def close(self) -> None:
        """End everything that still runs, and start nothing more; can be called at any time, from any thread.

        If the act is held, nothing more passes.
        """
        life = self._life
        life.cancel()
        with life.lock:
            life.closed, cloud = True, life.cloud
        if cloud is not None:
            cloud.close()
        if not self.trace.telling_here:  # else the act waits for this subscriber
            life.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_cloud(self) -> Cloud:
        """Make the act's cloud; CloudClosedError once the act is closed, because nobody would end the cloud."""
        life = self._life
        if not life.closed:
            cloud = Cloud(self.substrate, trace=self.trace, seed=self.plan.seed, gate=life.steering)
            with life.lock:
                if not life.closed:
                    life.cloud = cloud
                    return cloud
            cloud.close()
        raise CloudClosedError(f"the act '{self.trace.title}' is closed: make a new one")

    @property
    def _cloud(self) -> Cloud | None:
        return self._life.cloud

    def _setup(self, cloud: Cloud) -> Setup:
        """Return what is in place in this cloud."""
        return set_up(self.plan, Bob(self._publisher, cloud.web_root_pem, cloud.endorsers.privacy_ca.root_pem))

    def _play(self, cloud: Cloud) -> None:
        setup = self._setup(cloud)
        machines = {rental.name: rental.rent(cloud) for rental in (setup.bank, setup.customer)}
        alice = setup.alice.rent(cloud) if setup.alice else None
        self._start(setup, machines)
        if self.attack is not None and "attestation keys" in self.attack.assumes.leaks:
            leak_attestation_keys(cloud, machines.values())
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
        digests = [machines[name].hypervisor.ek_key for name in setup.pinned]
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

    def honest(self) -> Self:
        """Return the same act without the attack, in memory and not played yet: what an honest run does."""
        other = self._anew()
        other.plan = replace(self.plan, attack=None)
        other.expected, other.substrate = ("completed",), "memory"
        other.trace = Trace(self.design.name, "memory")
        other._life = Life(other.trace)  # noqa: SLF001 - its own copy
        return other

    def _play_honest(self) -> tuple[str, str]:
        with self.honest() as act:
            told = act.run()
        return told.outcome, told.sentence

    def _judged(self, facts: Judgement, fault: str = "") -> Outcome:
        held = {"agree": facts.disagrees, "peer": facts.elsewhere}
        if self.prize == "evidence":
            held["evidence"] = ", ".join(facts.evidence_of) or None
        reached = (*facts.alice_knows, *(goal for goal, party in held.items() if party))
        if self.attack is None:
            completed = self._paid and not facts.alice_knows and facts.wrong_peer is None
            outcome = "completed" if completed else "refused" if facts.refused_by else "failed"
        elif self.attack.prize == "unnoticed":
            outcome = "succeeded" if self._paid else "refused" if facts.refused_by else "failed"
        elif self.attack.goal in reached:
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
        if outcome in {"succeeded", "completed"} and self.prize in {"service", "quotes"}:
            reached = (*reached, "service")
        stop: Stop | None = None
        names: tuple[str, ...] = ()
        if self.prize is not None and outcome not in {"succeeded", "completed"}:
            stop = stop_of(self.trace, self.prize)
            names = stop.by if stop else (NO_ANSWER,)
            outcome = "broke" if fault else outcome
        return Outcome(
            design=self.design.name,
            attack=self.attack.name if self.attack else None,
            outcome=outcome,
            alice_knows=facts.alice_knows,
            refused_by=facts.refused_by,
            failed=facts.failed,
            sentence=fault
            if outcome == "broke"
            else verdict(
                outcome,
                facts,
                self.attack,
                self.trace,
                customer=self.customer,
                paid=self._paid,
                waiting=self._waiting,
                stop=stop,
            ),
            as_told=outcome in self.expected,
            alice_read=facts.alice_read.decode("utf-8", "replace"),
            stopped_by=names,
            reached=reached,
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
