"""01-verify-data: compute the 12 bytes of a Finished. The pattern of every exercise that computes something.

The judge plays a fresh handshake, compares, and then computes the wrong variants that students write: whichever of them
the answer equals, its sentence is the one that helps.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.tls import back_to_back, prf

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import Trace

Messages = list[tuple[str, bytes]]


def verify_data(master_secret: bytes, messages: list[tuple[str, bytes]]) -> bytes:
    """Return verify_data, the 12 bytes inside Finished (RFC 5246, 7.4.9).

    `messages` is everything the two ends said before this Finished, in order: (name, bytes).
    If there is a Finished among them, it was the client's, and yours is the server's.
    """
    said = b"".join(raw for name, raw in messages if name != "ChangeCipherSpec")
    side = b"server" if any(name == "Finished" for name, _ in messages) else b"client"
    return prf(master_secret, side + b" finished", hashlib.sha256(said).digest(), 12)


def _material(side: str) -> tuple[Trace, bytes, Messages, bytes]:
    """Play a handshake; return its trace, the master secret, what was said before the Finished, and what is in it."""
    trace = back_to_back("1.2").trace
    seen = [(e.name, e.raw, e.direction) for e in trace.select("tls.message", party="teller")]
    cut = next(n for n, (name, _, direction) in enumerate(seen) if name == "Finished" and direction == side)
    secret = trace.select("secret", party="teller", name="master_secret")[0].raw
    return trace, secret, [(name, raw) for name, raw, _ in seen[:cut]], seen[cut][1][4:]


def _judge(answer: Callable[[bytes, Messages], bytes], student: Student) -> Ruling:
    side = student.choose("side", ("client", "server"))
    trace, secret, messages, wanted = _material(side)
    got = answer(secret, list(messages))
    if not isinstance(got, bytes):
        return wrong(f"The function returned {type(got).__name__}, not bytes.")
    if got == wanted:
        return right(
            f"These are the 12 bytes of the {side}'s Finished. Whoever computes them knows the master secret and saw "
            "these very messages.",
            look=f"the {side}'s row Finished",
            trace=trace,
        )
    for value, sentence in _known(side, secret, messages):
        if got == value:
            return wrong(sentence, look="the row Finished, tab 'key schedule'", trace=trace)
    if got[:12] == wanted:
        return wrong(f"The first 12 bytes are right, but you returned {len(got)}. Finished carries 12.")
    hashed = sum(name != "ChangeCipherSpec" for name, _ in messages)
    return wrong(
        f"{len(got)} bytes, and not the right ones. Your first byte is {got[:1].hex() or 'missing'}, it should be "
        f"{wanted[:1].hex()}. Start by checking which messages you hashed: there should be {hashed}.",
        look="the rows above Finished",
        trace=trace,
    )


def _known(side: str, secret: bytes, messages: Messages) -> list[tuple[bytes, str]]:
    """Compute the wrong variants, each with what is to be said about it."""
    said = [(name, raw) for name, raw in messages if name != "ChangeCipherSpec"]
    label = f"{side} finished".encode()
    other = b"server finished" if side == "client" else b"client finished"

    def value(raws: list[bytes], label: bytes = label) -> bytes:
        return prf(secret, label, hashlib.sha256(b"".join(raws)).digest(), 12)

    whole = [raw for _, raw in said]
    return [
        (
            value([raw for _, raw in messages]),
            "You hashed ChangeCipherSpec too. It is not a handshake message: it has a content type of its own (20), so "
            "no Finished covers it.",
        ),
        (
            value(whole, other),
            f"Right hash, wrong label: this is the {side}'s Finished. The two labels differ so that nobody can send "
            "your own Finished back to you.",
        ),
        (
            value([raw[4:] for raw in whole]),
            "You cut off the 4-byte headers of the messages. Type and length are part of what is hashed, or two "
            "messages could be shifted into each other.",
        ),
        (
            prf(secret, label, b"".join(whole), 12),
            "You gave the messages themselves to the PRF. TLS 1.2 hashes them first (SHA-256 here).",
        ),
        (
            hashlib.sha256(b"".join(whole)).digest()[:12],
            "That is only the hash. Anybody on the wire can compute a hash; Finished must need the master secret.",
        ),
        (
            value([raw for name, raw in said if name != "Finished"]),
            "The client's Finished was sent before the server's, so the server's Finished covers it. You left it out.",
        ),
    ]


def _label(messages: Messages) -> bytes:
    return b"server finished" if any(name == "Finished" for name, _ in messages) else b"client finished"


def _hashed(messages: Messages, cut: int = 0) -> bytes:
    return hashlib.sha256(b"".join(raw[cut:] for name, raw in messages if name != "ChangeCipherSpec")).digest()


def _swapped(messages: Messages) -> bytes:
    return b"client finished" if _label(messages) == b"server finished" else b"server finished"


EXERCISE = Exercise(
    id="01-verify-data",
    task="Compute the 12 bytes of a Finished.",
    hints=(
        "Which messages count as handshake messages? Look at the content type of each row in the inspector.",
        "PRF(master_secret, label, Hash(handshake_messages))[0..11]. The label depends on who speaks.",
        "Keep the 4-byte header of each handshake message. Leave out ChangeCipherSpec: its content type is 20, not 22.",
    ),
    judge=_judge,
    solution=verify_data,
    given="import hashlib\n\nfrom trustlab.tls import prf",
    varies="whose Finished it is",
    wrong={
        "with ChangeCipherSpec": (
            lambda s, m: prf(s, _label(m), hashlib.sha256(b"".join(raw for _, raw in m)).digest(), 12),
            "it has a content type of its own (20)",
        ),
        "the other label": (lambda s, m: prf(s, _swapped(m), _hashed(m), 12), "Right hash, wrong label"),
        "headers cut": (lambda s, m: prf(s, _label(m), _hashed(m, 4), 12), "You cut off the 4-byte headers"),
        "not hashed": (
            lambda s, m: prf(s, _label(m), b"".join(raw for name, raw in m if name != "ChangeCipherSpec"), 12),
            "TLS 1.2 hashes them first",
        ),
        "hash only": (lambda _, m: _hashed(m)[:12], "Anybody on the wire can compute a hash"),
        "32 bytes": (lambda s, m: prf(s, _label(m), _hashed(m), 32), "but you returned 32"),
        "nothing of it": (lambda _s, _m: bytes(12), "Start by checking which messages you hashed"),
    },
)
