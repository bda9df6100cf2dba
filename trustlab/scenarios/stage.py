"""An act on the stage: Bob's teller pays through Bob's bank in Alice's cloud, over one design, against one attack.

Every rung and every attack is played by the same few lines; what differs is the `Design`, and Alice's program.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import TYPE_CHECKING, Self

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attacks import CATALOGUE, Judgement, answers, judge, quotes_for
from trustlab.attest import ReferenceValues, publish
from trustlab.capture import PassiveDecoder
from trustlab.cloud import Cloud, CloudClosedError, HyperSafe, Image, Ordinary, choose
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.cloud.published import PUBLISHER, publisher_setting
from trustlab.passage import (
    design_without,
    placement_of,
    setting_of,
    with_ephemeral_keys,
    with_resumption,
    with_usable_key,
)
from trustlab.scenarios.assumptions import ALICE, Leaks, genuine_machine, genuine_name
from trustlab.scenarios.deployed import WITHDRAWN, deploy
from trustlab.scenarios.left_out import left_out
from trustlab.scenarios.record import Recording, record
from trustlab.scenarios.verdict import verdict
from trustlab.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from trustlab.cloud import Machine
    from trustlab.passage import Design
    from trustlab.wire import Waiting

BANK_NAME = "bank.example"
AMOUNT, PAYEE = "120.00", "carol"
LAB = "lab"
QUOTE_BURST = 4
"""How many quotes at once the bank makes for one peer, where somebody floods it."""
STRANGERS = ("teller-bank-1", "alice-bank-1")
"""The connections between stacks that are not ours: their messages come from passive decoding."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of an act: its attack `succeeded` or was `refused`; without one it `completed`."""

    design: str
    attack: str | None
    outcome: str
    alice_knows: tuple[str, ...]
    refused_by: str | None
    sentence: str
    failed: tuple[str, ...] = ()
    as_told: bool = True
    alice_read: str = ""
    """The line she decrypted, with Bob's secret in it: for the lab's eyes, and not in repr."""

    def __repr__(self) -> str:
        return f"<Outcome of {self.design} against {self.attack or 'nobody'}: {self.outcome}. {self.sentence}>"


class Act:
    """One act of the story; made by `plain_tls` or `trusted_passage`, played once by `run`.

    `trace` is live from the beginning: an inspector may watch it before the act is played. `without` leaves checks
    out of Bob's verifiers, rules (`passage.RULES`) out of his programs, or parts (`passage.PARTS`) out of the design's
    binders, to see what each is good for. ValueError for anything else.
    """

    customer = "teller"
    """Who orders the payment."""

    def __init__(
        self,
        design: Design,
        attack: str | None,
        *,
        expected: tuple[str, ...],
        title: str,
        sentence: str,
        without: tuple[str, ...] = (),
        substrate: str = "memory",
    ) -> None:
        if attack is not None and attack not in CATALOGUE:
            raise ValueError(f"no attack {attack!r}; there are: {', '.join(CATALOGUE)}")
        self.attack = CATALOGUE[attack] if attack is not None else None
        if self.attack is not None and self.attack.tls not in {"any", design.tls}:
            raise ValueError(f"{attack} is an attack on TLS {self.attack.tls}, and {design.name} runs on {design.tls}")
        self._without = left_out(without)
        design = design_without(design, self._without.parts)
        design = with_usable_key(design) if self.attack and "key usable" in self.attack.leaks else design
        if self.attack and design.tls == "1.2":
            design = with_ephemeral_keys(design) if "DH secret" in self.attack.leaks else design
            design = with_resumption(design) if self.attack.resumes else design
        self.design = design
        self.expected = expected
        self.substrate = choose(substrate)
        self.trace = Trace(title, self.substrate)
        self.outcome: Outcome | None = None
        self._sentence = sentence
        self._publisher = Ed25519PrivateKey.generate()
        self._canaries = {"pin": _number(6), "balance": _number(9)}
        self._cloud: Cloud | None = None
        self._waiting: tuple[Waiting, ...] = ()
        self._closing = threading.Lock()
        self._closed = False

    @property
    def slug(self) -> str:
        """A file name for this act."""
        design = self.design.name.replace(" ", "-")
        return f"{design}-{self.attack.name}" if self.attack else design

    def run(self) -> Outcome:
        """Play the act to its end and return what became of it. A second call returns the same outcome.

        CloudClosedError if `close` came first, from whichever thread.
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
        """End everything that still runs, and begin nothing more; harmless at any time, from any thread."""
        with self._closing:
            self._closed, cloud = True, self._cloud
        if cloud is not None:
            cloud.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_cloud(self) -> Cloud:
        """Make the act's cloud, and none once the act is closed: what `close` cannot see it could not end."""
        if not self._closed:
            cloud = Cloud(self.substrate, trace=self.trace)
            with self._closing:
                if not self._closed:
                    self._cloud = cloud
                    return cloud
            cloud.close()
        raise CloudClosedError(f"the act '{self.trace.title}' is closed: make a new one")

    def _play(self, cloud: Cloud) -> None:
        hypervisor = HyperSafe if self.design.measured else Ordinary
        images = {name: self._image(cloud, name) for name in ("bank", self.customer)}
        deployed = deploy(self.attack, images["bank"], hypervisor, self._references(images))
        references = publish(deployed.references, self._publisher)
        bank = cloud.rent("bank", deployed.image, deployed.hypervisor, wait=False)
        teller = self._rent_customer(cloud, images[self.customer], hypervisor)
        alice = self._alice(cloud)
        pinned = [
            machine.hypervisor.ek_digest for machine in (bank, teller) if isinstance(machine.hypervisor, HyperSafe)
        ]
        if self.attack is not None and self.attack.unpinned:
            pinned = []
        bank.start(references=references, pinned=pinned)
        teller.start(references=references, pinned=pinned)
        bank.control("open_account", balance=self._canaries["balance"])
        self.trace.party("bank").secret("canary balance", self._canaries["balance"].encode())
        if self.attack is not None and self.attack.genuine:
            genuine_machine(cloud, self.attack, images["bank"], references)
        if alice is not None:
            self._start_alice(cloud, alice)
        self._say(
            "the payment",
            f"The {self.customer} is told to pay {AMOUNT} to {PAYEE}. The PIN is secret, and Alice's prize.",
        )
        self.trace.party(self.customer).secret("canary pin", self._canaries["pin"].encode())
        teller.control("pay", amount=AMOUNT, payee=PAYEE, pin=self._canaries["pin"])
        cloud.run()
        self._afterwards(cloud, teller)
        if alice is not None and alice.understands("afterwards"):
            alice.control("afterwards")
            cloud.run()

    def _afterwards(self, cloud: Cloud, customer: Machine) -> None:
        """Go on after the payment: where sessions are resumed, with another one."""
        if self.design.resumes:
            self._say("once more", f"The {self.customer} is told to pay again, and resumes the session it has.")
            self._pay_again(cloud, customer)

    def _pay_again(self, cloud: Cloud, customer: Machine) -> None:
        customer.control("pay", amount=AMOUNT, payee=PAYEE, pin=self._canaries["pin"])
        cloud.run()

    def _alice(self, cloud: Cloud) -> Machine | None:
        """Rent Alice's own machine, if she takes part; between VMs it boots beside the others."""
        if self.attack is None:
            return None
        settings = {
            "design": setting_of(self.design),
            "attack": self.attack.name,
            "victim": "bank",
            "genuine": genuine_name(self.attack),
            "server_name": BANK_NAME,
            "web_root": cloud.web_root_pem,
        }
        return cloud.rent("alice", Image.of("alice's tools", self.attack.module, settings), Ordinary, wait=False)

    @staticmethod
    def _start_alice(cloud: Cloud, alice: Machine) -> None:
        alice.start(provider=True)
        cloud.run()

    def _image(self, cloud: Cloud, name: str) -> Image:
        peer = self.customer if name == "bank" else "bank"
        configuration = {
            "design": setting_of(self.design),
            "server_name": BANK_NAME,
            "peer_image": peer,
            "web_root": cloud.web_root_pem,
            "privacy_root": _pem(cloud),
            PUBLISHER: publisher_setting(self._publisher.public_key()),
            "without": ",".join(self._without.checks),
            "policy": "lax" if self.attack and self.attack.lax_client and name == self.customer else "strict",
        }
        if self._without.rules:
            configuration["without_rules"] = ",".join(self._without.rules)
        if name == self.customer and self.attack and "verifier errs" in self.attack.leaks:
            configuration["verifier"] = "errs"
        if name == self.customer and self.attack and self.attack.deploys == "an old image":
            configuration["references_seen"] = str(WITHDRAWN)
        if name == "bank" and self.attack and self.attack.prize == "quotes":
            configuration["quote_burst"] = str(QUOTE_BURST)
        program = "bank" if name == "bank" else "teller"
        return Image.of(name, f"trustlab.scenarios.{program}", configuration | self._settings(name))

    def _settings(self, name: str) -> dict[str, str]:  # noqa: ARG002 - for acts that say more
        """Return what an act adds to the configuration of one of Bob's images."""
        return {}

    def _rent_customer(self, cloud: Cloud, image: Image, hypervisor: type[HyperSafe | Ordinary]) -> Machine:
        """Rent the machine of whoever orders the payment."""
        return cloud.rent(self.customer, image, hypervisor, wait=False)

    @staticmethod
    def _references(images: dict[str, Image]) -> ReferenceValues:
        """Return what Bob publishes, from his own copies of everything: he asks no machine what it thinks it runs."""
        return ReferenceValues(
            version=1,
            hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe"},
            launch_policies={hashlib.sha256(LAUNCH_POLICY).digest(): "one secure VM"},
            images={image.digest: name for name, image in images.items()},
        )

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
        """Whether the bank paid and the teller heard so."""
        told = self.trace.select("app", party=self.customer, name="answer")
        return bool(told and self.trace.select("app", party="bank", name="payment"))

    def _say(self, title: str, sentence: str) -> None:
        self.trace.party(LAB).emit("note", title, sentence=sentence, act=self.trace.title)


def _pem(cloud: Cloud) -> str:
    return cloud.endorsers.privacy_ca.root.public_bytes(serialization.Encoding.PEM).decode()


def _number(digits: int) -> str:
    """Return a fresh secret number that no two runs share."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"
