"""07-commitment: commit to a secret without showing it."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

SIZE = 32


def commitment(pms: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Return 32 bytes that whoever knows the secret `pms` can check, and from which nobody else learns it.

    Use `hmac.digest(key, message, "sha256")`. In the lab the message is b"tp pms" and the two randoms.
    """
    return hmac.digest(pms, b"tp pms" + client_random + server_random, "sha256")


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - fresh secrets each time
    pms, cr, sr = b"\x03\x03" + os.urandom(46), os.urandom(32), os.urandom(32)
    got = answer(pms, cr, sr)
    if not isinstance(got, bytes):
        return wrong(f"Return {SIZE} bytes; you returned {type(got).__name__}.")
    if got == commitment(pms, cr, sr):
        return right("Whoever has the secret can check it; whoever does not have it learns nothing from it.")
    if any(pms[at : at + 8] in got for at in range(len(pms) - 7)):
        return wrong("Your commitment shows the secret, or a part of it. Evidence crosses the wire in clear.")
    message = b"tp pms" + cr + sr
    known = [
        (
            hashlib.sha256(pms).digest(),
            "A bare hash of the secret: it is the same in every handshake with this secret, and if the secret were short "
            "one could try all. Use the secret as a key, over the randoms.",
        ),
        (
            hmac.digest(message, pms, "sha256"),
            "Key and message are swapped. Your key is public: anybody who guesses a secret can check the guess.",
        ),
        (hmac.digest(cr + sr, pms, "sha256"), "Key and message are swapped, and your key is public."),
        (
            hashlib.sha256(message).digest(),
            "The secret is not in it at all. Alice can compute these bytes for a secret of her own.",
        ),
        (
            hashlib.sha256(pms + message).digest(),
            "A hash over secret and message. Whoever knows such a hash can continue it (length extension); HMAC was "
            "made against that.",
        ),
        (
            hmac.digest(pms, cr + sr, "sha256"),
            'The label b"tp pms" is missing. It keeps this use of the secret apart from every other.',
        ),
        (
            hmac.digest(pms, b"tp pms", "sha256"),
            "The randoms are missing: the same secret in another handshake gets the same commitment.",
        ),
        (
            hmac.digest(pms, b"tp pms" + sr + cr, "sha256"),
            "The randoms are the wrong way round: first the client's, then the server's.",
        ),
    ]
    for value, sentence in known:
        if got == value:
            return wrong(sentence)
    return wrong(
        f"{len(got)} bytes, and not those that the bank computes. What is the key of your HMAC, and what its message?"
    )


EXERCISE = Exercise(
    id="07-commitment",
    task="Commit to the pre-master secret without showing it.",
    hints=(
        "A keyed hash: only who has the key can compute it. Which value here is secret?",
        "The key is the secret. The message is b\"tp pms\", the client's random, the server's random.",
        'hmac.digest(pms, b"tp pms" + client_random + server_random, "sha256")',
    ),
    judge=_judge,
    solution=commitment,
    given="import hmac",
    wrong={
        "in clear": (lambda pms, client_random, server_random: pms[:32], "shows the secret"),
        "a bare hash": (lambda pms, client_random, server_random: hashlib.sha256(pms).digest(), "A bare hash"),
        "swapped": (
            lambda pms, client_random, server_random: hmac.digest(
                b"tp pms" + client_random + server_random, pms, "sha256"
            ),
            "Your key is public",
        ),
        "without the secret": (
            lambda pms, client_random, server_random: hashlib.sha256(
                b"tp pms" + client_random + server_random
            ).digest(),
            "not in it at all",
        ),
        "no label": (
            lambda pms, client_random, server_random: hmac.digest(pms, client_random + server_random, "sha256"),
            "keeps this use of the secret apart",
        ),
        "text": (lambda pms, client_random, server_random: pms.hex(), "you returned str"),
    },
    varies="fresh secrets each time",
)
