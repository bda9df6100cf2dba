"""08-key-in-ram: find the bank's private key in the memory of an ordinary virtual machine.

The memory here is made up: 2 MB of noise with the key and three decoys, at places that differ by student. Between virtual
machines the attack `memory-scrape` does the same with a real kernel's memory.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

HALF = 1_000_000
CUT = 600


def find_key(ram: bytes, certificate_key: RSAPublicKey) -> RSAPrivateKey | None:
    """Return the private key that belongs to this public key, or None if it is not in these bytes.

    A private key in DER begins with 30 82 and two bytes of length, and then has that many bytes more.
    `load_der_private_key(octets, None)` reads one, and raises ValueError for anything else.
    """
    at = ram.find(b"\x30\x82")
    while at >= 0:
        octets = ram[at : at + 4 + int.from_bytes(ram[at + 2 : at + 4], "big")]
        try:
            key = load_der_private_key(octets, None)
        except (ValueError, TypeError):
            pass
        else:
            if key.public_key() == certificate_key:
                return key  # type: ignore[return-value]
        at = ram.find(b"\x30\x82", at + 1)
    return None


@lru_cache(maxsize=1)
def _keys() -> tuple[RSAPrivateKey, RSAPrivateKey]:
    return generate_private_key(65537, 2048), generate_private_key(65537, 2048)


def _der(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _memory(student: Student, *, with_key: bool) -> bytes:
    """Return noise with the public key, half of the private key, another program's key, and then perhaps the key."""
    bank, other = _keys()
    draw = random.Random(student.own("memory"))  # noqa: S311 - noise, not secrets
    noise = bytearray(draw.randbytes(2 * HALF).replace(b"\x30\x82", b"\x30\x83"))
    places = sorted(draw.sample(range(10, 90), 3))
    decoys = (
        bank.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        _der(bank)[:CUT],
        _der(other),
    )
    for place, decoy in zip(places, student.shuffled("decoys", decoys), strict=True):
        start = place * 10_000
        noise[start : start + len(decoy)] = decoy
    return bytes(noise[:HALF]) + (_der(bank) if with_key else b"") + bytes(noise[HALF:])


def _judge(answer: Any, student: Student) -> Ruling:
    bank, _ = _keys()
    got = answer(_memory(student, with_key=True), bank.public_key())
    if got is None:
        return wrong(
            "It is there, and you did not find it. (There are decoys before it, among them half of the key itself.)"
        )
    if not isinstance(got, RSAPrivateKey):
        return wrong(f"Return a private key; you returned {type(got).__name__}. A place is not a key yet.")
    if got.public_key() != bank.public_key():
        return wrong(
            "You found a private key, and it is another program's. Compare it with the key in the certificate."
        )
    if answer(_memory(student, with_key=False), bank.public_key()) is not None:
        return wrong("In a memory without the key you found one, too. Where does it come from?")
    return right(
        "Found. With it she opens every recording of this server, past and future: RSA key exchange has no forward secrecy."
    )


def _first(ram: bytes, certificate_key: RSAPublicKey) -> object:  # noqa: ARG001
    at = ram.find(b"\x30\x82")
    while at >= 0:
        try:
            return load_der_private_key(ram[at : at + 4 + int.from_bytes(ram[at + 2 : at + 4], "big")], None)
        except (ValueError, TypeError):
            at = ram.find(b"\x30\x82", at + 1)
    return None


def _once(ram: bytes, certificate_key: RSAPublicKey) -> object:  # noqa: ARG001
    at = ram.find(b"\x30\x82")
    try:
        return load_der_private_key(ram[at : at + 1300], None)
    except (ValueError, TypeError):
        return None


EXERCISE = Exercise(
    id="08-key-in-ram",
    task="Find the bank's private key in the memory of its machine.",
    hints=(
        "Look for the bytes 30 82, read the two-byte length behind them, and try to load that many bytes and 4.",
        "Several things look right: another private key, half a key, the public key.",
        "Go on after each failure; and take a key only if key.public_key() == certificate_key.",
    ),
    judge=_judge,
    solution=find_key,
    given=(
        "from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey\n"
        "from cryptography.hazmat.primitives.serialization import load_der_private_key"
    ),
    wrong={
        "the first that loads": (_first, "another program's"),
        "looks once": (_once, "you did not find it"),
        "the place": (lambda ram, certificate_key: ram.find(b"\x30\x82"), "A place is not a key yet"),
        "nothing": (lambda ram, certificate_key: None if ram else 0, "you did not find it"),
    },
    varies="the places, and the noise",
)
