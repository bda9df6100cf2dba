"""`evidence-replay`: Evidence that was good once, shown again when nobody asks the machine any more.

Alice connects to the bank as anybody may, and keeps what it proves. Later she answers the teller with the bank's
certificate, has the key sign, and shows the Evidence she kept. What the machine runs by then, nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.apps13 import TowardsBank
from trustlab.attacks.attack import Attack
from trustlab.attacks.borrowed_key import BorrowedKey
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.middle13 import BankLeg, Middle
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.passage.exported import request

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="evidence-replay",
    needs=("can use the bank's TLS key, though it never leaves the TPM", "once opened a connection of her own"),
    steps=(
        "connects to the bank as anybody may, and keeps its evidence",
        "answers the teller's connection later, with the bank's own certificate",
        "shows the evidence she kept, while the bank's TPM signs for her channel",
    ),
    breaks="freshness",
    why="Evidence over the key alone is good for ever, whatever became of the machine since.",
    source="analyses of RA-TLS (2024); SEAT use cases",
    stopped_by="a nonce, or anything else of this handshake, in the binder",
    leaks=("key usable",),
    tls="1.3",
)


def start(guest: Guest) -> None:
    """Collect Evidence first; then take the bank's place."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    exported = guest.design.when == "after-finished"
    own = rogue_identity(guest, tell) if exported else None
    kept: list[BankLeg] = []

    def collect() -> None:
        leg = kept[0]

        def keep(evidence: bytes) -> None:
            leg.evidence = evidence

        if exported:
            leg.towards.ask(request(leg.connection), keep)

    def make(name: str) -> BankLeg:
        kept.append(BankLeg(guest, name, TowardsBank(guest.design), learned=collect, identity=own))
        return kept[0]

    guest.connect(victim, HTTPS, make)
    tell("collect", f"connects to {victim} as anybody may, and keeps its evidence.")
    key = BorrowedKey(guest, tell)
    powers(guest).redirect(victim, HTTPS)
    guest.listen(HTTPS, lambda connection: Middle(guest, connection, tell, key=key, kept=kept[0]))
