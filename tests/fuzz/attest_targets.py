"""What the attestation room reads from strangers, as fuzz targets: octets in, typed errors or a value out.

`TARGETS` maps a name to (target, seeds). A target returns normally or raises what is a finding. `python
tests/fuzz/attest_targets.py NAME [libFuzzer options]` runs one under atheris where that is installed; the tests run
all of them for a bounded number of deterministic mutations without it.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

sys.path.insert(0, str(Path(__file__).parents[1] / "attest"))

from software_tpm import BINDER, NOW, REFERENCES, Machine, verifier

from trustlab.attest import (
    AppraisalPolicy,
    AttestError,
    EventLog,
    Evidence,
    EvidenceError,
    PolicyError,
    ReferenceValues,
    ReferenceValuesError,
    ResultError,
    attest_spans,
    creation_data_spans,
    eventlog_spans,
    evidence_spans,
    issue,
    parse_attest,
    parse_creation_data,
    parse_public,
    parse_signature,
    public_spans,
    publish,
    read_published,
    signature_spans,
    verify,
)
from trustlab.attest.errors import CodecError, EventLogError

MACHINE = Machine()
EVIDENCE = MACHINE.evidence()
EXPECTED = MACHINE.expected()
VERIFIER = verifier()
BOB = ed25519.Ed25519PrivateKey.generate()
SERVICE = ec.generate_private_key(ec.SECP256R1())
GOOD = VERIFIER.appraise(EVIDENCE.encode(), EXPECTED)
HONEST = (GOOD.pcrs, GOOD.claims)


def appraisal(octets: bytes) -> None:
    """Demand that no octets make the Verifier raise, and what it accepts tells the truth about the machine."""
    result = VERIFIER.appraise(octets, EXPECTED)
    if result.accepted and (result.pcrs, result.claims) != HONEST:
        raise AssertionError("accepted evidence that tells something else than the machine measured")


def evidence(octets: bytes) -> None:
    """Demand that Evidence is read alike at a glance and item by item, and written again as the same octets."""
    found = []
    for reader in (Evidence.decode, Evidence.decode_fully):
        with suppress(EvidenceError):
            found.append(reader(octets))
    if len(found) == 1 or found[:1] != found[1:]:
        raise AssertionError("two readings of one Evidence")
    if found and found[0].encode() != octets:
        raise AssertionError("two encodings of one Evidence")
    with suppress(EvidenceError):
        evidence_spans(octets)


def structures(octets: bytes) -> None:
    """Demand that structures raise CodecError or are read to the last octet, with the key in them or a CodecError."""
    codecs = (
        (parse_attest, attest_spans),
        (parse_creation_data, creation_data_spans),
        (parse_signature, signature_spans),
        (parse_public, public_spans),
    )
    for parse, spans in codecs:
        with suppress(CodecError):
            read = parse(octets)
            if spans(octets)[-1].end != len(octets):
                raise AssertionError("octets without a name")
            if parse is parse_public:
                hashlib.sha256(read.spki)
            if parse is parse_signature:
                read.verify(SERVICE.public_key(), b"")


def event_log(octets: bytes) -> None:
    """Demand that a log raises EventLogError or replays in each of its banks."""
    with suppress(EventLogError):
        log = EventLog.decode(octets)
        for bank in log.algorithms:
            log.replay(bank)
        eventlog_spans(octets)


def reference_file(octets: bytes) -> None:
    """Demand that a file, signed or not, raises ReferenceValuesError or is read; a signed one must be Bob's own."""
    with suppress(ReferenceValuesError):
        ReferenceValues.from_toml(octets)
    with suppress(ReferenceValuesError):
        if read_published(octets, (BOB.public_key(),)) != REFERENCES:
            raise AssertionError("a signature over something else")


def policy_file(octets: bytes) -> None:
    """Demand that a policy file raises PolicyError or is a policy that reads back."""
    with suppress(PolicyError):
        policy = AppraisalPolicy.from_toml(octets)
        if AppraisalPolicy.from_toml(policy.to_toml()) != policy:
            raise AssertionError("a policy that reads back as another")


def passport(octets: bytes) -> None:
    """Demand that a token raises ResultError or is the very one that was signed."""
    with suppress(ResultError):
        if not verify(octets, (SERVICE.public_key(),), binder=BINDER, time=NOW).accepted:
            raise AssertionError("a token that says something else than was signed")


_KEY = EVIDENCE.key_attestation
_STRUCTURES = [EVIDENCE.quote, EVIDENCE.signature, EVIDENCE.ak_public, _KEY.attest, _KEY.public, _KEY.creation_data]
TARGETS = {
    "appraisal": (appraisal, [EVIDENCE.encode()]),
    "evidence": (evidence, [EVIDENCE.encode()]),
    "structures": (structures, _STRUCTURES),
    "event_log": (event_log, [EVIDENCE.event_log]),
    "reference_file": (reference_file, [publish(REFERENCES, BOB).encode(), REFERENCES.to_toml().encode()]),
    "policy_file": (policy_file, [AppraisalPolicy(claims=("av >= 2026-11-01",)).to_toml().encode()]),
    "passport": (passport, [issue(GOOD, SERVICE, about="bank", time=NOW).encode()]),
}
FINDINGS_ARE_NOT = AttestError
"""The one family of errors that a target's code may raise, and that the targets swallow where they belong."""


def main() -> None:
    """Run one target under atheris until told to stop; the corpus it finds is kept for the next run."""
    import atheris  # noqa: PLC0415 - an extra tool, not a dependency

    name = sys.argv.pop(1)
    target, seeds = TARGETS[name]
    corpus = Path(tempfile.gettempdir()) / f"trustlab-fuzz-{name}"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], lambda octets: target(bytes(octets)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
