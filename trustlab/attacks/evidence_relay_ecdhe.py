"""`evidence-relay-ecdhe`: fresh Evidence after Finished, from a channel that the machine's own key signs for Alice.

As `evidence-relay`, where both ends ask and answer inside the channel. She terminates the teller's TLS with the bank's
certificate, copies both randoms, and passes every frame on; only the two handshakes are not the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.apps13 import TowardsBank
from trustlab.attacks.attack import Attack
from trustlab.attacks.borrowed_key import BorrowedKey
from trustlab.attacks.middle import HTTPS, Borrowed, Impostor
from trustlab.attacks.middle13 import BankLeg
from trustlab.attacks.programs import powers, teller_of

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Connection

ATTACK = Attack(
    name="evidence-relay-ecdhe",
    needs=("owns the network between the VMs", "can use the bank's TLS key, though it never leaves the TPM"),
    steps=(
        "connects to the bank as anybody may, for its certificate",
        "answers the teller's connection with it, and opens her own connection to the bank",
        "has the bank's TPM sign for her channel, and passes nonces and evidence on",
    ),
    breaks="trust",
    why="The evidence is fresh and names the key, and the key signs for two channels.",
    source="CVE-2026-33697; RFC 7627",
    stopped_by="the session hash in the binder; or a key nobody else can use",
    leaks=("key usable",),
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Look at the bank's certificate; then sit between teller and bank with it."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    looked: list[BankLeg] = []

    def look(name: str) -> BankLeg:
        looked.append(BankLeg(guest, name, TowardsBank(guest.design), learned=leave))
        return looked[0]

    def leave() -> None:
        looked[0].close()

    guest.connect(victim, HTTPS, look)
    tell("look", f"connects to {victim} as anybody may, for its certificate.")
    key = BorrowedKey(guest, tell)
    powers(guest).redirect(victim, HTTPS)

    def answer(connection: Connection) -> Impostor:
        return Impostor(guest, Borrowed(looked[0].connection.peer_certificates[0], key), connection, tell=tell)

    guest.listen(HTTPS, answer)
    tell("relay", "waits for the teller, with the bank's own certificate.")
