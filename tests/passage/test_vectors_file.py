"""docs/vectors.json, computed anew by the standard library alone: the vectors hold for whoever reads the formulas."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from docs import vectors_file

DOCS = Path(__file__).parents[2] / "docs"
VECTORS = json.loads((DOCS / "vectors.json").read_text("utf-8"))
SHARED = Path(__file__).parents[2].parent / "shared" / "vectors" / "binders.json"
IDS = [f"{v['design']}-{v['role']}-{v['hash']}" for v in VECTORS["binders"]]


def sha(octets):
    return hashlib.sha256(octets).digest()


def expand_label(secret, label, context, length, name):
    """HKDF-Expand-Label of RFC 9846 7.1; one block is enough here."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\1", name)[:length]


def exporter(secret, label, context, name):
    """TLS-Exporter of RFC 9846 7.5, 32 octets."""
    empty, size = hashlib.new(name, b"").digest(), hashlib.new(name).digest_size
    return expand_label(
        expand_label(secret, label, empty, size, name), b"exporter", hashlib.new(name, context).digest(), 32, name
    )


def values(name):
    """Every field of a binder, for the inputs of one hash."""
    given = {key: bytes.fromhex(value) for key, value in VECTORS[name]["inputs"].items()}
    size = hashlib.new(name).digest_size
    hellos, secret = given["transcript_hash_CH_SH"], given["handshake_secret"]
    context, master = given["certificate_request_context"], given["exporter_secret"]
    zeros = bytes(size)
    early_secret = hmac.digest(zeros, zeros, name)
    early_master = expand_label(early_secret, b"e exp master", given["transcript_hash_CH"], size, name)
    base = expand_label(zeros, b"attestation base", hellos, size, name)
    ours = b"EXPERIMENTAL trusted passages v1"
    attestation = exporter(master, b"Attestation", context, name)
    found = {
        "L": b"TrustedPassages/v1",
        **{letter: letter.encode() for letter in "SCK"},
        "HMAC(PMS)": hmac.digest(given["pms"], b"tp pms" + given["client_random"] + given["server_random"], "sha256"),
        "H(EPMS)": sha(given["epms"]),
        "H(HPKE_S)": sha(given["hpke_key"]),
        "attest_secret": expand_label(secret, b"tp attest", hellos, size, name),
        "early_exporter": expand_label(secret, b"tp early exp", hellos, 32, name),
        "early_exporter without hellos": expand_label(secret, b"tp early exp", b"", 32, name),
        "standard_early_exporter": exporter(early_master, ours + b" early", b"", name),
        "exporter": exporter(master, ours, context, name),
        "exporter_server": exporter(master, ours + b" server", context, name),
        "exporter_client": exporter(master, ours + b" client", context, name),
    }
    for side in "SC":
        spki = given[f"spki_{side}"]
        early = expand_label(base, b"attestation", hashlib.new(name, spki).digest(), size, name)
        found |= {
            f"H(SPKI_{side})": sha(spki),
            f"H(SPKI_{side})?": sha(spki),
            f"early(SPKI_{side})": early if size == 32 else sha(early),
            f"expat(SPKI_{side})": sha(spki + attestation),
        }
    return given | found


VALUES = {name: values(name) for name in ("sha256", "sha384")}


@pytest.mark.parametrize("vector", VECTORS["binders"], ids=IDS)
def test_a_binder_is_what_the_standard_library_makes_of_the_inputs(vector):
    found = [VALUES[vector["hash"]][name] for name, _ in vector["fields"]]
    assert [value.hex() for value in found] == [value for _, value in vector["fields"]]
    bare = not vector["formula"].startswith("H(") or vector["formula"] in {"H(SPKI_S)", "H(SPKI_C)"}
    hashed = sha(b"".join(len(value).to_bytes(2, "big") + value for value in found))
    assert vector["binder"] == (found[0] if bare else hashed).hex()


def test_the_file_is_what_the_program_writes():
    assert vectors_file.vectors() == VECTORS, "run docs/vectors_file.py"


def test_they_agree_with_the_normative_vectors():
    if not SHARED.exists():
        pytest.skip(f"no vectors at {SHARED}")
    told = json.loads(SHARED.read_text())["binders"]
    ours = {(v["design"], v["role"]): v["binder"] for v in VECTORS["binders"] if v["hash"] == "sha256"}
    same = [
        (design, role)
        for group, role in (("server", "S"), ("client", "C"))
        for design, binder in told[group].items()
        if ours.get((design, role)) == binder
    ]
    others = {"session-hash", "tls13-exporter"}  # vectors of a session without a client's key, or of given exporters
    assert {design for group in ("server", "client") for design in told[group] if "," not in design} - others == {
        design for design, _ in same
    } - others
    assert told["server key proof (TPM2_CertifyCreation)"]["all"] == ours["", "K"]
