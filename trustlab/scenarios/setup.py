"""What is in place before an act begins: made here, and not changed afterwards.

A `Plan` is what was asked for: a design, an attack, and what is left out or replaced. `set_up` turns it into a `Setup`:
the image and hypervisor of every machine, Bob's Reference Values, which machines are pinned, and what each image
demands of its peer. Then the act only plays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.attacks import CATALOGUE, Attack
from trustlab.attest import AppraisalPolicy, PolicyError, ReferenceValues, publish
from trustlab.cloud import HyperSafe, Image, Ordinary
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.cloud.published import PUBLISHER, publisher_setting
from trustlab.passage import (
    check_settings,
    design_without,
    seed_setting,
    setting_of,
    with_ephemeral_keys,
    with_resumption,
    with_usable_key,
)
from trustlab.scenarios.assumptions import genuine_image, genuine_name
from trustlab.scenarios.deployed import WITHDRAWN, deploy
from trustlab.scenarios.left_out import LeftOut, left_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from trustlab.attacks.attack import Assumptions
    from trustlab.cloud import Cloud, Machine
    from trustlab.cloud.ports import HypervisorKind
    from trustlab.passage import Design

BANK, TELLER = "bank", "teller"
BANK_NAME = "bank.example"
QUOTE_BURST = 4
"""How many quotes at once the bank makes for one peer in the attack that floods it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be played; `plan` makes it and checks it.

    `settings` are additional settings of Bob's images, by the image's name.
    """

    design: Design
    attack: Attack | None
    customer: str
    without: LeftOut
    settings: Mapping[str, Mapping[str, str]]
    seed: str | None

    @property
    def assumes(self) -> Assumptions | None:
        """What the attack assumes; None if there is no attack."""
        return self.attack.assumes if self.attack else None


def attack_named(attack: object, design: Design) -> Attack:
    """Return the attack that is given, by its name or as an `Attack`; ValueError says why it cannot be played."""
    if isinstance(attack, str):
        if attack not in CATALOGUE:
            raise ValueError(f"there is no attack {attack!r}; choose from: {', '.join(CATALOGUE)}")
        attack = CATALOGUE[attack]
    if not isinstance(attack, Attack):
        raise ValueError(f"attack must be a name or an Attack, not {type(attack).__name__}")  # noqa: TRY004 - as for a name
    if not attack.code and not attack.program:
        raise ValueError(f"the attack {attack.name!r} does not have a program: make it with Attack.from_source")
    if attack.tls not in {"any", design.tls}:
        raise ValueError(f"{attack.name} is an attack on TLS {attack.tls}, but {design.name} runs on TLS {design.tls}")
    return attack


def plan(  # noqa: PLR0913 - all that can be asked for
    design: Design,
    attack: str | Attack | None = None,
    *,
    customer: str = TELLER,
    without: Iterable[str] = (),
    checks: Mapping[str, object] | None = None,
    policy: object = None,
    judges: str = TELLER,
    seed: int | str | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> Plan:
    """Return a plan; ValueError if something is unknown, or cannot be left out or replaced.

    `checks` replace checks of the Verifier in both of Bob's images; `policy` is that of the image called `judges`.
    `settings` are additional settings of Bob's images, by their names.
    """
    chosen, names = None if attack is None else attack_named(attack, design), left_out(without)
    design = design_without(design, names.parts)
    if chosen is not None:
        design = assumed(design, chosen.assumes)
    own = check_settings(checks or {})
    more = {name: {**own, **(settings or {}).get(name, {})} for name in (BANK, customer)}
    if policy is not None:
        more[judges]["appraisal policy"] = _policy(policy).to_toml()
    drawn = None if seed is None else seed_setting(seed)
    return Plan(design=design, attack=chosen, customer=customer, without=names, settings=more, seed=drawn)


def assumed(design: Design, assumes: Assumptions) -> Design:
    """Return the design, changed as an attack assumes it."""
    design = with_usable_key(design) if "key usable" in assumes.leaks else design
    if design.tls == "1.2":
        design = with_ephemeral_keys(design) if "DH secret" in assumes.leaks else design
        design = with_resumption(design) if assumes.resumes else design
    return design


def _policy(policy: object) -> AppraisalPolicy:
    if isinstance(policy, str):
        return AppraisalPolicy.from_toml(policy)
    if not isinstance(policy, AppraisalPolicy):
        raise PolicyError(f"policy must be an AppraisalPolicy or its TOML text, not {type(policy).__name__}")
    return policy


@dataclass(frozen=True)
class Rental:
    """A machine to rent: its name, its image and hypervisor, and the files on its disk."""

    name: str
    image: Image
    hypervisor: HypervisorKind
    disk: Mapping[str, bytes] = field(default_factory=dict)

    def rent(self, cloud: Cloud) -> Machine:
        """Rent it; a VM may still be booting when this returns."""
        machine = cloud.rent(self.name, self.image, self.hypervisor, wait=False)
        machine.disk.update(self.disk)
        return machine


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The machines: Bob's two, Alice's own, and a genuine one if her attack needs it.

    `references` is the file that Bob signed; `pinned` are the names of the machines that his images pin.
    """

    bank: Rental
    customer: Rental
    alice: Rental | None
    genuine: Rental | None
    references: str
    pinned: tuple[str, ...]


@dataclass(frozen=True)
class Bob:
    """What goes into Bob's images besides the plan: his publishing key, and the CAs' certificates in PEM."""

    publisher: Ed25519PrivateKey
    web_root: str
    privacy_root: str


def set_up(wanted: Plan, bob: Bob) -> Setup:
    """Return the setup of a plan."""
    attack, customer = wanted.attack, wanted.customer
    hypervisor = HyperSafe if wanted.design.measured else Ordinary
    images = {name: bobs_image(wanted, bob, name) for name in (BANK, customer)}
    deployed = deploy(attack, images[BANK], hypervisor, references_of(images))
    pinned = () if attack and attack.assumes.unpinned else (BANK, customer)
    return Setup(
        bank=Rental(BANK, deployed.image, deployed.hypervisor),
        customer=Rental(customer, images[customer], hypervisor),
        alice=alice_of(wanted, bob) if attack else None,
        genuine=Rental(genuine_name(attack), genuine_image(attack, images[BANK]), HyperSafe)
        if attack and attack.assumes.genuine
        else None,
        references=publish(deployed.references, bob.publisher),
        pinned=pinned,
    )


def references_of(images: Mapping[str, Image]) -> ReferenceValues:
    """Return the Reference Values that Bob publishes, computed from his own copies of all software."""
    return ReferenceValues(
        version=1,
        hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe"},
        launch_policies={hashlib.sha256(LAUNCH_POLICY).digest(): "one secure VM"},
        images={image.digest: name for name, image in images.items()},
    )


def bobs_image(wanted: Plan, bob: Bob, name: str) -> Image:
    """Return the image of the bank or of its customer, with everything that it demands of its peer."""
    attack, is_bank = wanted.attack, name == BANK
    leaks = attack.assumes.leaks if attack else ()
    configuration = {
        "design": setting_of(wanted.design),
        "server_name": BANK_NAME,
        "peer_image": wanted.customer if is_bank else BANK,
        "web_root": bob.web_root,
        "privacy_root": bob.privacy_root,
        PUBLISHER: publisher_setting(bob.publisher.public_key()),
        "without": ",".join(wanted.without.checks),
        "policy": "lax" if attack and attack.assumes.lax_client and not is_bank else "strict",
    }
    if wanted.without.rules:
        configuration["without_rules"] = ",".join(wanted.without.rules)
    if not is_bank and "verifier errs" in leaks:
        configuration["verifier"] = "errs"
    if not is_bank and attack and attack.assumes.deploys == "an old image":
        configuration["references_seen"] = str(WITHDRAWN)
    if is_bank and attack and attack.prize == "quotes":
        configuration["quote_burst"] = str(QUOTE_BURST)
    program = "bank" if is_bank else "teller"
    more = {**_seed(wanted), **wanted.settings[name]}
    return Image.of(name, f"trustlab.scenarios.{program}", configuration | more)


def alice_of(wanted: Plan, bob: Bob) -> Rental:
    """Return Alice's own machine, with the program of the plan's attack."""
    attack = wanted.attack
    if attack is None:
        raise ValueError("this plan has no attack, so Alice does not need a machine")
    settings = {
        "design": setting_of(wanted.design),
        "attack": attack.name,
        "victim": BANK,
        "genuine": genuine_name(attack),
        "server_name": BANK_NAME,
        "web_root": bob.web_root,
        **_seed(wanted),
    }
    if attack.script:
        settings["script"] = attack.script
    name = "alice's tools"
    image = Image(name, attack.code.encode(), settings) if attack.code else Image.of(name, attack.module, settings)
    return Rental("alice", image, Ordinary)


def _seed(wanted: Plan) -> dict[str, str]:
    return {} if wanted.seed is None else {"seed": wanted.seed}
