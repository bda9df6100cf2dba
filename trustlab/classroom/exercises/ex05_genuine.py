"""05-genuine: verify what the teller received through Alice. Nothing of it was forged."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from cryptography import x509

from trustlab.attest import Evidence, parse_attest, parse_public, parse_signature
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played

FLIPPED = 50
"""A byte of the quote in which one bit is changed."""
WHOLE = {"nonce", "magic", "quote signature", "AK certificate holds this AK"}


def genuine(evidence: bytes, nonce: bytes) -> list[str]:
    """Return the names of all that you could verify.

    They are "nonce", "magic" (the quote begins with ff 54 43 47: a TPM wrote it), "quote signature" and
    "AK certificate holds this AK". `Evidence.decode(evidence)` has the parts: quote, signature, ak_public,
    ak_certificates. `parse_attest(quote)` has `.extra_data`; `parse_public(...)` has `.public_key`;
    `parse_signature(...)` has `.verify(key, signed)`.
    """
    read = Evidence.decode(evidence)
    key = parse_public(read.ak_public).public_key
    found = []
    if parse_attest(read.quote).extra_data == nonce:
        found.append("nonce")
    if read.quote[:4] == b"\xffTCG":
        found.append("magic")
    if parse_signature(read.signature).verify(key, read.quote):
        found.append("quote signature")
    if x509.load_der_x509_certificate(read.ak_certificates[0]).public_key() == key:
        found.append("AK certificate holds this AK")
    return found


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - a fresh run each time
    trace = played("connect-then-attest", "tunnel-relay").trace
    frames = trace.select("secret", party="teller", name="application data")
    raw = next(e.raw[2:] for e in frames if e.data["direction"] == "server" and len(e.raw) > len(WHOLE) * 100)
    nonce = bytes.fromhex(str(trace.select("binder", party="teller")[0].data["binder"]))
    said = answer(raw, nonce)
    if not isinstance(said, list | tuple | set) or not all(isinstance(name, str) for name in said):
        return wrong(f"Return a list of names. You returned {said!r}.")
    good = set(said)
    if strange := good - WHOLE:
        return wrong(f"{min(strange)!r} is not one of the four names.")
    if good != WHOLE:
        return wrong(f"All four can be verified, and {min(WHOLE - good)!r} is missing from your list.", trace=trace)
    evidence = Evidence.decode(raw)
    flipped = bytearray(evidence.quote)
    flipped[FLIPPED] ^= 1
    foreign = trace.select("tls.message", party="teller", name="Certificate")[0].raw[10:]
    if "nonce" in answer(raw, os.urandom(32)):
        return wrong("I gave you another nonce, and you still say that the nonce fits. Compare extra_data.")
    if "quote signature" in answer(dataclasses.replace(evidence, quote=bytes(flipped)).encode(), nonce):
        return wrong("I changed one bit of the quote, and you still say that its signature is good.")
    if "AK certificate holds this AK" in answer(
        dataclasses.replace(evidence, ak_certificates=(foreign,)).encode(), nonce
    ):
        return wrong("I put a certificate of another key beside the AK, and you still say that it holds this AK.")
    return right(
        "All four are genuine, and the PIN is Alice's. Nothing was forged: a true statement about the bank was shown on "
        "a channel that does not end there.",
        trace=trace,
    )


def _not_the_certificate(evidence: bytes, nonce: bytes) -> list[str]:
    return [name for name in genuine(evidence, nonce) if "certificate" not in name]


def _trusting(evidence: bytes, nonce: bytes) -> list[str]:
    return sorted({*genuine(evidence, nonce), "quote signature"})


def _by_name(evidence: bytes, nonce: bytes) -> list[str]:
    return sorted({*genuine(evidence, nonce), "AK certificate holds this AK"})


EXERCISE = Exercise(
    id="05-genuine",
    task="Verify everything that the teller received.",
    hints=(
        "Evidence.decode(evidence) takes it apart; parse_attest, parse_public and parse_signature read the pieces.",
        "parse_signature(read.signature).verify(parse_public(read.ak_public).public_key, read.quote)",
        "x509.load_der_x509_certificate(read.ak_certificates[0]).public_key() must be the same key.",
    ),
    judge=_judge,
    solution=genuine,
    given="from cryptography import x509\n\nfrom trustlab.attest import Evidence, parse_attest, parse_public, parse_signature",
    wrong={
        "by heart": (lambda evidence, nonce: sorted(WHOLE), "another nonce"),
        "two": (lambda evidence, nonce: ["nonce", "magic"], "is missing from your list"),
        "three": (_not_the_certificate, "'AK certificate holds this AK' is missing"),
        "trusting": (_trusting, "one bit of the quote"),
        "by name": (_by_name, "another key beside the AK"),
        "another name": (lambda evidence, nonce: ["freshness"], "not one of the four names"),
        "yes": (lambda evidence, nonce: True, "Return a list of names"),
    },
    varies="the run",
)
