"""`evidence-replay` on the ladder of the slides: the bank's key, and evidence of an earlier day.

As on TLS 1.3, Alice can use the bank's key: a copy if it came with the image, else by its password in the bank's own
TPM. She connects to the bank as anybody may, keeps its evidence, and later shows it to the teller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.applications import ShowEvidence
from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.ends import EvidenceCollector, replay_server
from trustlab.attacks.alice.legs import Credentials
from trustlab.attacks.alice.tools import QUESTIONS, Alice
from trustlab.attacks.programs import evidence_replay
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

ATTACK = msgspec.structs.replace(
    evidence_replay.ATTACK,
    name="evidence-replay-rsa",
    plays="evidence-replay",
    why="Evidence that does not name the handshake in which it is shown never expires.",
    stopped_by="the client's nonce in the quote, and the randoms if they are in it too",
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Collect the bank's evidence first; then take the bank's place."""
    alice = Alice(guest, ATTACK)
    visit, key = EvidenceCollector(alice), BorrowedKey(alice)
    alice.tell("collect", f"connects to {alice.victim} as anybody may, and keeps its evidence.")

    def answer(connection: WireConnection) -> Endpoint:
        alice.tell("replay", "answers with the evidence that she kept; the bank is not asked.")
        return replay_server(alice, connection, Credentials(visit.chain, key), visit.evidence)

    alice.take_place(answer)
    if alice.placement.asks_before:
        alice.take_place(lambda _connection: PlainEndpoint(ShowEvidence(visit.evidence, 1)), QUESTIONS)
