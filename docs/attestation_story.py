"""Writes docs/attestation.md: the attestation of one passage as a story, with the octets of the run that wrote it.

Run it as `python docs/attestation_story.py`; it needs swtpm, as the lab does.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, VerifierTestbed
from trustlab.attacks.verifier.testbed import BANK, CLAIM, CODE, CURRENT, EVIDENCE_PCRS, LAUNCH_POLICY, TestbedMachine
from trustlab.attest import (
    EVENT_LAUNCH_NONCE,
    AttestationResult,
    Evidence,
    attest_spans,
    creation_data_spans,
    extend,
    issue,
    key_policy,
    parse_attest,
    parse_public,
    policy_pcr,
    public_spans,
    signature_spans,
)
from trustlab.attest.signing import from_base64url
from trustlab.passage.binders import H, L

if TYPE_CHECKING:
    from trustlab.trace import Span

PAGE = Path(__file__).with_name("attestation.md")
WIDTH = 64
ZEROS = bytes(32)


def hexdump(octets: bytes) -> str:
    """Return octets in hex, in lines that fit a page."""
    text = octets.hex()
    return "\n".join(text[at : at + WIDTH] for at in range(0, len(text), WIDTH))


def block(label: str, octets: bytes) -> str:
    """Return a fenced block of hex; the label lets a test find the octets again."""
    return f"```hex {label}\n{hexdump(octets)}\n```"


def fields(spans: list[Span]) -> str:
    """Return a table of the fields of a structure, the groups left out."""
    leaves = [  # a group stands before its fields, and may be as long as its only one
        s for n, s in enumerate(spans) if not any(s.start <= o.start and o.end <= s.end for o in spans[n + 1 :])
    ]
    rows = [f"| {s.start} | `{s.name}` | `{_short(s.value)}` | {s.note} |" for s in leaves]
    return "\n".join(["| at | field | value | why it is there |", "|---|---|---|---|", *rows])


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:24]}…{value[-8:]}"


def verdicts(result: AttestationResult) -> str:
    """Return a table of all checks of an appraisal."""
    rows = [f"| {c.name} | {c.verdict} | {c.sentence} |" for c in result.checks]
    return "\n".join(["| check | verdict | in a sentence |", "|---|---|---|", *rows])


def attacks() -> str:
    """Return the table of checks and the attacks that need them."""
    rows = [f"| {a.check} | `{a.name}` | {a.attack.why} | {a.base} |" for a in ATTACKS_ON_VERIFIER.values()]
    head = ["| check | attack that only this check refuses | why it would work | base |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def binder_fields(spki: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return the fields of the server's binder in the design tcb-key, with fresh nonce and randoms."""
    return (
        ("L", L),
        ("role", b"S"),
        ("nonce_C", os.urandom(32)),
        ("client_random", os.urandom(32)),
        ("server_random", os.urandom(32)),
        ("H(SPKI_S)", hashlib.sha256(spki).digest()),
    )


def equation(inputs: tuple[tuple[str, bytes], ...], binder: bytes) -> str:
    """Return how the binder comes from its fields."""
    lines = [f"{name:<14} {octets.hex()}" for name, octets in inputs]
    return "\n".join([*lines, f"{'binder':<14} {binder.hex()}"])


def launch(machine: TestbedMachine) -> str:
    """Tell the measurements."""
    values = machine.hypersafe.pcr_read(EVIDENCE_PCRS)
    code, policy = hashlib.sha256(CODE).digest(), hashlib.sha256(LAUNCH_POLICY).digest()
    claim = hashlib.sha256(f"{CLAIM}={CURRENT}".encode()).digest()
    (nonce,) = [e.digest for e in machine.platform.event_log.events if e.event_type == EVENT_LAUNCH_NONCE]
    steps = ((17, code, "the launched code"), (18, policy, "the policy's text"), (19, BANK, "the image"))
    lines = [f"PCR {n} = SHA256(0^32 ‖ {d.hex()[:16]}…)  {what}" for n, d, what in steps]
    lines.append(f"first  = SHA256(0^32 ‖ {nonce.hex()[:16]}…)  the nonce of this launch")
    lines.append(f"PCR 20 = SHA256(first ‖ {claim.hex()[:16]}…)  the claim")
    replayed = {pcr: extend(ZEROS, digest) for pcr, digest, _ in steps} | {20: extend(extend(ZEROS, nonce), claim)}
    if replayed != dict(values):
        raise RuntimeError("a PCR is not what the story says")
    shown = "\n".join(f"PCR {n} = {value.hex()}" for n, value in values.items())
    return "```\n" + "\n".join(lines) + f"\n\n{shown}\n```"


def policy_of_ak(machine: TestbedMachine) -> str:
    """Tell the AK's policy, step by step."""
    values = machine.hypersafe.pcr_read((17,))
    first, whole = policy_pcr((17,), values), key_policy((17,), values)
    if parse_public(machine.attestation_key.public).auth_policy != whole:
        raise RuntimeError("the AK's policy is not what the story says")
    return (
        "```\nP1 = SHA256(0^32 ‖ 0000017f ‖ 00000001 000b 03 000002 ‖ SHA256(PCR 17))\n"
        f"   = {first.hex()}\nP2 = SHA256(P1 ‖ 0000016f ‖ 04)\n   = {whole.hex()}\n```"
    )


def parts(evidence: Evidence) -> str:
    """Return a table of what the collection holds."""
    key = evidence.key_attestation
    if key is None:
        raise RuntimeError("the story is about a server, which has a key")
    rows = {
        "quote": evidence.quote,
        "signature": evidence.signature,
        "ak-public": evidence.ak_public,
        "ak-certificates/0": evidence.ak_certificates[0],
        "event-log": evidence.event_log,
        "key-attestation/attest": key.attest,
        "key-attestation/signature": key.signature,
        "key-attestation/public": key.public,
        "key-attestation/creation-data": key.creation_data,
    }
    lines = [f"| `{name}` | {len(octets)} |" for name, octets in rows.items()]
    return "\n".join(
        ["| entry | octets |", "|---|---|", *lines, f"| the whole collection | {len(evidence.encode())} |"]
    )


def page() -> str:
    """Play the story once and tell it."""
    with VerifierTestbed() as bed:
        machine = bed.machine().boot()
        key = machine.tls_key()
        inputs = binder_fields(key.spki)
        bed.binder = H(*(octets for _, octets in inputs))
        evidence = machine.evidence(bed.binder, key)
        expected = replace(bed.expected(key), fields=inputs)
        presented = bed.present(evidence, expected, pinned=machine)
        accepted = presented.appraise()
        told = {"launch": launch(machine), "policy": policy_of_ak(machine)}
        others = binder_fields(key.spki)
        other = replace(expected, binder=H(*(octets for _, octets in others)), fields=others)
        refused = bed.present(evidence, other, pinned=machine).appraise()
    attested = evidence.key_attestation
    if attested is None or not accepted.accepted:
        raise RuntimeError("the story should end well")
    token = issue(accepted, ec.generate_private_key(ec.SECP256R1()), about="bank")
    claims = json.loads(from_base64url(token.split(".")[1]))
    claims["submods"]["bank"]["checks"] = [f"… all {len(accepted.checks)} checks, each with its verdict and sentence …"]
    clock = parse_attest(evidence.quote).clock_info
    return TEMPLATE.format(
        **told,
        binder=equation(inputs, bed.binder),
        quote=block("quote", evidence.quote),
        quote_fields=fields(attest_spans(evidence.quote)),
        signature=block("signature", evidence.signature),
        signature_fields=fields(signature_spans(evidence.signature)),
        ak=block("ak-public", evidence.ak_public),
        ak_fields=fields(public_spans(evidence.ak_public)),
        key=block("key-attestation", attested.attest),
        key_fields=fields(attest_spans(attested.attest)),
        creation=fields(creation_data_spans(attested.creation_data)),
        parts=parts(evidence),
        accepted=verdicts(accepted),
        found=refused["extraData"].found.hex(),
        wanted=refused["extraData"].expected.hex(),
        sentence=refused["extraData"].sentence,
        attacks=attacks(),
        claims=json.dumps(claims, indent=2, ensure_ascii=False),
        reset=clock.reset_count,
        restart=clock.restart_count,
    )


TEMPLATE = (Path(__file__).with_name("attestation.template.md")).read_text(encoding="utf-8")

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
