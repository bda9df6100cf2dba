"""`evidence-relay` on the ladder of the slides: with the bank's key every octet passes as it is, and Alice reads along.

RSA key exchange has no forward secrecy, and no fresh secret of the bank's own. Who can use the bank's key opens the
encrypted secret, and can send the very same octets on: both channels have one transcript, one session hash and one set
of keys, and all evidence fits both. What binds the channel binds hers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import evidence_relay
from trustlab.attacks.borrowed_key import BorrowedKey
from trustlab.attacks.middle import HTTPS, Borrowed, Impostor, Pipe
from trustlab.attacks.programs import powers, teller_of
from trustlab.attacks.standing_in import visit

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Connection

ATTACK = msgspec.structs.replace(
    evidence_relay.ATTACK,
    name="evidence-relay-rsa",
    steps=(
        "answers the teller's connection with the bank's own certificate",
        "says to the bank what the teller says to her, and to the teller what the bank says, octet for octet",
        "has the bank's TPM open the encrypted secret, and is in the one channel that both have",
    ),
    why="With RSA key exchange the secret is the client's alone, and whoever can use the key has it.",
    stopped_by="a key nobody else can use; or an ephemeral key agreement, and the channel in the quote",
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Visit the bank for its certificate; then sit between teller and bank."""
    tell = teller_of(guest, ATTACK)
    kept, key = visit(guest), BorrowedKey(guest, tell)

    def answer(connection: Connection) -> Impostor:
        own = Borrowed(kept.certificate_der, key)
        return Impostor(guest, own, connection, tell=tell, towards_bank=Steady(), same_octets=True)

    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, answer)
    tell("relay", "waits for the teller, with the bank's own certificate.")


class Steady(Pipe):
    """Stays with the teller when the bank is gone."""

    def closed(self, error: Exception | None) -> None:
        """Leave the other leg alone."""
