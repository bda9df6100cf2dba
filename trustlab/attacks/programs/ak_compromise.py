"""`ak-compromise`: an attestation key was extracted from its hardware, and Alice signs quotes with it.

Interposers on a memory bus did that in 2025 to processors with confidential computing. Whoever has the key can attest
any key of her own as made by the measured software, over any channel: every signature, certificate and measurement is
the bank's. A pin does not help, because it is the bank's own machine; a second endorser, with another root of trust,
would have to be broken as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attacks.alice.applications import ListenAndThank
from trustlab.attacks.alice.forged import Credulous, Forger
from trustlab.attacks.alice.tools import HTTPS, QUESTIONS, Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.cloud.channels import Channels

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.passage import Guard
    from trustlab.passage.guard import Role
    from trustlab.passage.limits import RateLimiter

ATTACK = Attack(
    name="ak-compromise",
    needs=(
        "owns the network between the VMs",
        "a CA that validates names across that network",
        "the attestation key of the bank's machine, extracted from its hardware",
    ),
    steps=(
        "makes a key of her own, and a certificate for the bank's name",
        "attests it with the bank's attestation key, over the teller's own channel",
    ),
    breaks="trust",
    why="A Verifier believes a key; if the key is out, there is nothing left that it could check.",
    source="bus interposers against SGX, TDX and SEV-SNP (WireTap, Battering RAM, TEE.fail; 2025)",
    stopped_by="nothing here: a pin names the same machine. Revocation afterwards; a second, independent endorser",
    assumes=Assumptions(leaks=("attestation keys",)),
)


def start(guest: Guest) -> None:
    """Take the bank's place, with everything that the bank has."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    spki = identity.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    attester = Forger(alice, alice.victim, spki)
    channels = BelievingChannels(
        alice.design, guest.configuration, party=guest.party, attester=attester, references=None, pinned=()
    )
    alice.take_place(lambda c: channels.server(identity, ListenAndThank(), c.name, c.client.name), HTTPS)
    if alice.placement.asks_before:
        alice.take_place(lambda c: channels.answerer(ListenAndThank(), c.name, c.client.name), QUESTIONS)
    alice.tell("attest", f"answers for {alice.victim} with quotes by its own attestation key.")


class BelievingChannels(Channels):
    """The channels of a server that attests, and does not ask who its client is."""

    def guard(self, role: Role, connection: str, peer: str, limiter: RateLimiter | None = None) -> Guard:  # noqa: ARG002
        """Return a guard that accepts everybody."""
        return Credulous(
            self.design,
            role,
            party=self._party,
            connection=connection,
            attester=self._attester,
            verifier=None,
            peer=peer,
        )
