"""Write docs/vectors.json: the binder of every design for fixed inputs, field by field."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from trustlab import tls
from trustlab.passage import BARE_EXPORTER, BARE_EXPORTER_WITH_ROLE, DESIGNS, EARLY_EXPORTER_ALONE, RESUMED, Binder
from trustlab.passage.binders import KEY_PROOF, ChannelFacts
from trustlab.passage.exported import ATTESTATION_LABEL, BARE_LABEL, LABELS
from trustlab.tls.schedule13 import HandshakeSecret, export

FILE = Path(__file__).with_name("vectors.json")
BESIDE = (RESUMED, BARE_EXPORTER, BARE_EXPORTER_WITH_ROLE, EARLY_EXPORTER_ALONE)
"""Designs that are not columns of the matrix."""
HASHES = {"sha256": 32, "sha384": 48}


def octets(start: int, size: int) -> bytes:
    """Return octets that count up from `start`."""
    return bytes((start + n) % 256 for n in range(size))


def inputs(size: int) -> dict[str, bytes]:
    """Return the fixed inputs, for a suite whose hash has `size` octets."""
    return {
        "nonce_C": octets(0x00, 32),
        "nonce_S": octets(0x20, 32),
        "client_random": octets(0x40, 32),
        "server_random": octets(0x60, 32),
        "spki_S": octets(0x80, 91),
        "spki_C": octets(0x10, 91),
        "pms": b"\x03\x03" + octets(0xA0, 46),
        "epms": octets(0xC0, 256),
        "session_hash": octets(0x30, size),
        "transcript_hash_CH": octets(0xE0, size),
        "transcript_hash_CH_SH": octets(0x50, size),
        "handshake_secret": octets(0x70, size),
        "exporter_secret": octets(0xD0, size),
        "certificate_request_context": octets(0x08, 32),
        "hpke_key": octets(0x18, 32),
    }


def derived(given: dict[str, bytes], hash_name: str) -> dict[str, bytes]:
    """Return what an engine derives from the secrets among the inputs, to bind Evidence to."""
    secret, digest = HandshakeSecret(given["handshake_secret"], hash_name), given["transcript_hash_CH_SH"]
    found = {
        "pms_commitment": tls.pms_commitment(given["pms"], given["client_random"], given["server_random"]),
        "tp_attest": secret.attest(digest),
        "tp_early_exporter": secret.early_exporter(digest),
        "tp_early_exporter_without_hellos": secret.early_exporter(b""),
    }
    labels = {"exporter_attestation": ATTESTATION_LABEL, "exporter": BARE_LABEL}
    labels |= {f"exporter_{role}": label for role, label in LABELS.items()}
    for name, label in labels.items():
        context = given["certificate_request_context"]
        found[name] = export(given["exporter_secret"], label.encode(), context, 32, hash_name)
    return found


def vectors() -> dict[str, object]:
    """Return the content of the file."""
    known: dict[str, dict[str, dict[str, str]]] = {}
    bound = []
    for hash_name, size in HASHES.items():
        given = inputs(size)
        made = derived(given, hash_name)
        known[hash_name] = {"inputs": _hexed(given), "derived": _hexed(made)}
        names = {field.name for field in dataclasses.fields(ChannelFacts)}
        facts = ChannelFacts(**{name: value for name, value in (given | made).items() if name in names})
        for design in (*DESIGNS.values(), *BESIDE):
            for role, binder in (("S", design.server), ("C", design.client)):
                if binder is not None:
                    bound.append({"design": design.name, "role": role, "hash": hash_name, **_bound(binder, facts)})
        bound.append({"design": "", "role": "K", "hash": hash_name, **_bound(KEY_PROOF, facts)})
    return {
        "about": "The binder (TPM2 qualifyingData) of every design, for fixed inputs in hex. `hash` is the suite's. "
        "Role K is the qualifyingData of TPM2_CertifyCreation, the same in every design that attests keys. `derived` "
        "are values that the TLS engine makes of the secrets among the inputs. Both ends show a key here; a binder "
        "with `?` has the empty field where a side has none.",
        **known,
        "binders": bound,
    }


def _bound(binder: Binder, facts: ChannelFacts) -> dict[str, object]:
    found = binder.bind(facts)
    fields = [[field.name, field.octets.hex()] for field in found.fields]
    return {"formula": binder.formula, "fields": fields, "binder": found.octets.hex()}


def _hexed(values: dict[str, bytes]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
    print(f"wrote {FILE}")  # noqa: T201 - a script's word


if __name__ == "__main__":
    main()
