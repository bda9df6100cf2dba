"""`evidence-replay` on the ladder of the slides: the bank's key, and evidence of an earlier day.

As on TLS 1.3, Alice has the use of the bank's key: its copy where it came with the image, else by its password in the
bank's own TPM. She visits the bank as anybody may, keeps what it proves, and later shows that to the teller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import evidence_replay
from trustlab.attacks.borrowed_key import BorrowedKey
from trustlab.attacks.middle import HTTPS, Borrowed
from trustlab.attacks.programs import powers, teller_of
from trustlab.attacks.standing_in import QUESTIONS, Answering, StandIn, visit
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Connection, Endpoint

ATTACK = msgspec.structs.replace(
    evidence_replay.ATTACK,
    name="evidence-replay-rsa",
    why="Evidence that names nothing of the handshake it is shown in is good for ever.",
    stopped_by="the client's nonce in the quote; and the randoms, where it has them",
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Visit the bank first; then take its place."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    kept = visit(guest)
    tell("collect", f"connects to {victim} as anybody may, and keeps its evidence.")
    key = BorrowedKey(guest, tell)

    def answer(connection: Connection) -> Endpoint:
        tell("replay", "answers with the evidence that she kept; nobody asks the bank.")
        return StandIn(guest, connection.name, Borrowed(kept.certificate_der, key), kept.evidence)

    powers(guest).redirect(victim, HTTPS)
    guest.listen(HTTPS, answer)
    if guest.design.when == "before":
        powers(guest).redirect(victim, QUESTIONS)
        guest.listen(QUESTIONS, lambda _connection: PlainEndpoint(Answering(guest.design, kept.evidence)))
