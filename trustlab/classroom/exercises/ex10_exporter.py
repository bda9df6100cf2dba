"""10-exporter: compute a TLS 1.3 exporter."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.tls import back_to_back, hkdf_expand_label

EMPTY = hashlib.sha256(b"").digest()
SIZES = (20, 32, 48)


def exporter(exporter_secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return TLS-Exporter(label, context, length) of TLS 1.3 (RFC 9846, 7.5). The hash is SHA-256.

    `hkdf_expand_label(secret, label, context, length, "sha256")` is HKDF-Expand-Label; it adds the "tls13 " itself.
    """
    nothing = hashlib.sha256(b"").digest()
    derived = hkdf_expand_label(exporter_secret, label, nothing, 32, "sha256")
    return hkdf_expand_label(derived, b"exporter", hashlib.sha256(context).digest(), length, "sha256")


def _expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    return hkdf_expand_label(secret, label, context, length, "sha256")


def _judge(answer: Any, student: Student) -> Ruling:
    label = b"EXPERIMENTAL " + student.own("label", 4).hex().encode()
    context, length = student.own("context"), student.choose("length", SIZES)
    pair = back_to_back("1.3")
    secret = next(
        event.raw for event in pair.trace.select("secret", party="teller") if event.name == "exporter_master_secret"
    )
    wanted = pair.client.export(label.decode(), context, length)
    got = answer(secret, label, context, length)
    if not isinstance(got, bytes):
        return wrong(f"Return {length} bytes; you returned {type(got).__name__}.")
    if got == wanted == pair.server.export(label.decode(), context, length):
        return right(
            "Both ends of the channel have these bytes, and nobody else. Alice in the middle has two channels, and so two "
            "different values: that is what makes an exporter a binder.",
            trace=pair.trace,
        )
    for value, sentence in _known(secret, label, context, length):
        if got == value:
            return wrong(sentence, look="the exporter secret in the key schedule", trace=pair.trace)
    first = _expand(secret, label, EMPTY, 32).hex()[:8]
    return wrong(
        f"{len(got)} bytes, and not the right ones. Check the first of two steps alone: it should begin with {first}."
    )


def _known(secret: bytes, label: bytes, context: bytes, length: int) -> list[tuple[bytes, str]]:
    hashed, derived = hashlib.sha256(context).digest(), _expand(secret, label, EMPTY, 32)
    return [
        (
            _expand(derived, b"exporter", context, length),
            "You put in the context as it is. The standard hashes it first, so that a context of any length fits.",
        ),
        (
            _expand(_expand(secret, label, b"", 32), b"exporter", hashed, length),
            "Derive-Secret takes the hash of its messages. Here there are none: that is the hash of nothing, 32 bytes, and "
            "not nothing.",
        ),
        (
            _expand(secret, label, hashed, length),
            'One step is missing. First a secret of its own for the label, then the expansion with "exporter": so whoever '
            "learns one exporter cannot compute another.",
        ),
        (
            _expand(derived, label, hashed, length),
            'The second label is always "exporter"; yours was used in the first step.',
        ),
        (
            _expand(derived, b"exporter", EMPTY, length),
            "You left out the context. Then every request on one channel gets the same bytes, and an old answer fits a new "
            "question.",
        ),
        (
            _expand(derived, b"exporter", hashed, 32)[:length],
            "You expanded to 32 bytes and cut. The length goes into the expansion: another length gives other bytes.",
        ),
    ]


EXERCISE = Exercise(
    id="10-exporter",
    task="Compute a TLS 1.3 exporter.",
    hints=(
        'Two steps: Derive-Secret with your label, then an expansion with the label "exporter".',
        'Derive-Secret(secret, label, "") expands over the hash of nothing, not over nothing.',
        'expand(expand(exporter_secret, label, SHA256(b""), 32), b"exporter", SHA256(context), length)',
    ),
    judge=_judge,
    solution=exporter,
    given="import hashlib\n\nfrom trustlab.tls import hkdf_expand_label",
    wrong={
        "context not hashed": (
            lambda exporter_secret, label, context, length: _expand(
                _expand(exporter_secret, label, EMPTY, 32), b"exporter", context, length
            ),
            "hashes it first",
        ),
        "nothing instead of its hash": (
            lambda exporter_secret, label, context, length: _expand(
                _expand(exporter_secret, label, b"", 32), b"exporter", hashlib.sha256(context).digest(), length
            ),
            "the hash of nothing",
        ),
        "one step": (
            lambda exporter_secret, label, context, length: _expand(
                exporter_secret, label, hashlib.sha256(context).digest(), length
            ),
            "One step is missing",
        ),
        "no context": (
            lambda exporter_secret, label, context, length: _expand(
                _expand(exporter_secret, label, EMPTY, 32), b"exporter", EMPTY, length
            ),
            "You left out the context",
        ),
        "a plain HMAC": (
            lambda exporter_secret, label, context, length: hmac.digest(exporter_secret, label + context, "sha256")[
                :length
            ],
            "not the right ones",
        ),
    },
    varies="label, context, length",
)
