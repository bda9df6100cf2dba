"""The binders against the normative vectors, and what they refuse."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab import tls
from trustlab.attest import H
from trustlab.passage.binders import FIELDS, KEY_PROOF, Binder, BinderError, ChannelFacts
from trustlab.passage.designs import TRUSTED_PASSAGE
from trustlab.tls.schedule13 import HandshakeSecret

VECTORS = Path(os.environ.get("TRUSTLAB_VECTORS", Path(__file__).parents[2].parent / "shared" / "vectors"))

CLIENT = ("L", "C", "nonce_S", "client_random", "server_random")
KEYED = ("L", "S", "nonce_C", "client_random", "server_random", "H(SPKI_S)")
NORMATIVE = [
    ("server", "attest-then-connect", Binder(("nonce_C",), bare=True), {}),
    ("server", "connect-then-attest", Binder(("nonce_C",), bare=True), {}),
    ("server", "key-in-quote", Binder(KEYED), {}),
    ("server", "machine-linked-key", Binder(KEYED), {}),
    ("server", "tcb-key", TRUSTED_PASSAGE.server, {}),
    (
        "server",
        "session-hash",
        Binder(("L", "S", "nonce_C", "session_hash", "H(SPKI_S)", "H(SPKI_C)?")),
        {"spki_C": b""},
    ),
    (
        "server",
        "session-hash, client certificate",
        Binder(("L", "S", "nonce_C", "session_hash", "H(SPKI_S)", "H(SPKI_C)?")),
        {},
    ),
    ("server", "tls13-nonce", Binder(("nonce_C",), bare=True), {}),
    ("server", "tls13-key", Binder(("H(SPKI_S)",), bare=True), {}),
    ("server", "tls13-nonce-key", Binder(("nonce_C", "H(SPKI_S)")), {}),
    ("server", "tls13-early", Binder(("early(SPKI_S)",), bare=True), {}),
    ("server", "tls13-early, SHA-384 suite", Binder(("early(SPKI_S)",), bare=True), {"sha384": b"1"}),
    ("server", "tls13-handshake-secret", Binder(("L", "S", "attest_secret", "H(SPKI_S)")), {}),
    (
        "server",
        "tls13-handshake-secret, SHA-384 suite",
        Binder(("L", "S", "attest_secret", "H(SPKI_S)")),
        {"sha384": b"1"},
    ),
    ("server", "tls13-exporter", Binder(("L", "S", "exporter_server", "H(SPKI_S)", "H(SPKI_C)?")), {}),
    (
        "server",
        "tls13-exporter, no client certificate",
        Binder(("L", "S", "exporter_server", "H(SPKI_S)", "H(SPKI_C)?")),
        {"spki_C": b""},
    ),
    ("server key proof (TPM2_CertifyCreation)", "all", KEY_PROOF, {}),
    ("client", "client-quote", Binder(CLIENT), {}),
    ("client", "client-certificate", Binder((*CLIENT, "H(SPKI_C)")), {}),
    ("client", "pms-in-quote", Binder((*CLIENT, "HMAC(PMS)")), {}),
    ("client", "trusted-passage", TRUSTED_PASSAGE.client, {}),
    (
        "client",
        "session-hash",
        Binder(("L", "C", "nonce_S", "session_hash", "H(SPKI_C)?", "H(SPKI_S)")),
        {"spki_C": b""},
    ),
    (
        "client",
        "session-hash, client certificate",
        Binder(("L", "C", "nonce_S", "session_hash", "H(SPKI_C)?", "H(SPKI_S)")),
        {},
    ),
    ("client", "tls13-exporter", Binder(("L", "C", "exporter_client", "H(SPKI_C)?", "H(SPKI_S)")), {}),
    ("client", "tls13-handshake-secret", Binder(("L", "C", "attest_secret", "H(SPKI_C)")), {}),
    ("client", "tls13-early", Binder(("early(SPKI_C)",), bare=True), {}),
    ("pms commitment", "pms-in-quote", Binder(("HMAC(PMS)",), bare=True), {}),
]


@pytest.fixture(scope="module")
def normative() -> dict[str, dict[str, object]]:
    path = VECTORS / "binders.json"
    if not path.exists():
        pytest.skip(f"no vectors at {path}: set TRUSTLAB_VECTORS to the folder that holds binders.json")
    return json.loads(path.read_text())


def facts_of(vectors: dict, changes: dict[str, bytes]) -> ChannelFacts:
    """Return the facts of the vectors' inputs; the secrets in them become what an engine tells of them."""
    given = {name: bytes.fromhex(value) for name, value in vectors["inputs"].items()}
    if changes.pop("sha384", None):
        given["transcript_hash_CH_SH"] = given["transcript_hash_CH_SH_sha384"]
        given["handshake_secret"] = given["handshake_secret_sha384"]
    given |= changes
    digest = given["transcript_hash_CH_SH"]
    secret = HandshakeSecret(given["handshake_secret"], "sha256" if len(digest) == 32 else "sha384")
    given["tp_attest"] = secret.attest(digest)
    given["pms_commitment"] = tls.pms_commitment(given["pms"], given["client_random"], given["server_random"])
    names = {field.name for field in dataclasses.fields(ChannelFacts)}
    return ChannelFacts(**{name: value for name, value in given.items() if name in names})


@pytest.mark.parametrize(
    ("group", "name", "binder", "changes"), NORMATIVE, ids=[f"{g}-{n}" for g, n, _, _ in NORMATIVE]
)
def test_each_binder_is_the_normative_one(normative, group, name, binder, changes):
    bound = binder.bind(facts_of(normative, dict(changes)))
    assert bound.octets.hex() == normative["binders"][group][name]
    assert len(bound.octets) == 32


def test_no_normative_binder_is_left_out(normative):
    tested = {(group, name) for group, name, _, _ in NORMATIVE}
    assert tested == {(group, name) for group, members in normative["binders"].items() for name in members}


def test_the_trusted_passage_depends_on_the_secret_only_on_the_clients_side():
    assert TRUSTED_PASSAGE.client.pms_dependent
    assert not TRUSTED_PASSAGE.server.pms_dependent


@pytest.mark.parametrize(("size", "name"), [(32, "sha256"), (48, "sha384")])
def test_the_early_binder_is_the_drafts_in_the_suites_own_hash_and_32_octets_of_it(size, name):
    """draft-fossati-seat-early-attestation, step by step: two HKDF-Expand-Labels (RFC 9846 7.1) of one block each."""
    transcript, spki = bytes(range(size)), b"the key"

    def expand(secret, label, context):
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([size]) + context
        return hmac.digest(secret, info + b"\1", name)

    base = expand(bytes(size), b"tls13 attestation base", transcript)
    expected = expand(base, b"tls13 attestation", hashlib.new(name, spki).digest())
    facts = tls.HandshakeFacts(transcript_hash_CH_SH=transcript, spki_S=spki)
    bound = Binder(("early(SPKI_S)",), bare=True).bind(facts)
    assert bound.octets == (expected if size == 32 else hashlib.sha256(expected).digest())


@pytest.mark.parametrize(
    ("field", "sizes"),
    [("nonce_C", {32}), ("client_random", {32}), ("session_hash", {32, 48}), ("attest_secret", {32, 48})],
)
def test_a_fact_has_its_size_or_is_refused(field, sizes):
    name = {"attest_secret": "tp_attest"}.get(field, field)
    taken = set()
    for size in range(65):
        with contextlib.suppress(BinderError):
            bound = Binder((field,), bare=True).bind(tls.HandshakeFacts(**{name: bytes(size)}))
            taken.add(len(bound.octets))
    assert taken == sizes


def test_a_key_that_may_be_missing_is_named_by_its_digest_or_by_nothing():
    for field, name in (("H(SPKI_C)?", "spki_C"), ("H(SPKI_S)?", "spki_S")):
        binder = Binder((field,), bare=True)
        assert binder.bind(tls.HandshakeFacts(**{name: b"key"})).octets == hashlib.sha256(b"key").digest()
        assert binder.bind(tls.HandshakeFacts()).octets == b""
        with pytest.raises(BinderError, match=f"the handshake has no {name} yet"):
            Binder((field[:-1],)).bind(tls.HandshakeFacts())


def test_one_field_stands_for_itself_or_is_hashed():
    facts = tls.HandshakeFacts(nonce_C=b"n" * 32)
    assert Binder(("nonce_C",), bare=True).bind(facts).octets == b"n" * 32
    hashed = hashlib.sha256(b"\0\x20" + b"n" * 32).digest()
    assert Binder(("nonce_C",)).bind(facts).octets == hashed == H(b"n" * 32)
    assert Binder(("nonce_C",), bare=True).formula == "nonce_C"
    assert (Binder(("nonce_C",)).formula, Binder(()).formula) == ("H(nonce_C)", "a constant")


def test_a_missing_fact_is_named():
    with pytest.raises(BinderError, match="server_random"):
        TRUSTED_PASSAGE.server.bind(tls.HandshakeFacts(nonce_C=bytes(32), client_random=bytes(32)))


def test_a_fact_of_the_wrong_size_is_named():
    with pytest.raises(BinderError, match="nonce_C has 31 octets; it needs 32"):
        TRUSTED_PASSAGE.server.bind(tls.HandshakeFacts(nonce_C=bytes(31)))


def test_an_unknown_field_and_a_bare_pair_are_refused():
    with pytest.raises(BinderError, match="unknown binder field 'moon'"):
        Binder(("L", "moon"))
    with pytest.raises(BinderError, match="exactly one"):
        Binder(("nonce_C", "nonce_S"), bare=True)


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.binary(max_size=40), max_size=5))
def test_different_fields_never_hash_to_the_same_binder(left, right):
    assert (H(*left) == H(*right)) == (left == right)


def test_changing_any_single_input_changes_the_binder(normative):
    bound = TRUSTED_PASSAGE.client.bind(facts_of(normative, {})).octets
    for name in ("nonce_S", "client_random", "server_random", "pms", "epms"):
        octets = bytes.fromhex(normative["inputs"][name])
        changed = facts_of(normative, {name: bytes([octets[0] ^ 1]) + octets[1:]})
        assert TRUSTED_PASSAGE.client.bind(changed).octets != bound, name


def test_the_commitment_never_shows_the_secret(normative):
    pms = bytes.fromhex(normative["inputs"]["pms"])
    assert pms not in b"".join(f.octets for f in TRUSTED_PASSAGE.client.bind(facts_of(normative, {})).fields)


def test_facts_take_no_name_that_is_none():
    with pytest.raises(TypeError, match="nonce_X"):
        tls.HandshakeFacts().knowing(nonce_C=bytes(32), nonce_X=bytes(32))
    with pytest.raises(dataclasses.FrozenInstanceError):
        tls.HandshakeFacts().nonce_C = bytes(32)


def test_facts_that_learn_something_stay_what_they_are_and_those_before_do_not_change():
    before = ChannelFacts(nonce_C=b"n")
    after = before.knowing(exporter=b"e")
    assert (type(after), after) == (ChannelFacts, ChannelFacts(nonce_C=b"n", exporter=b"e"))
    assert before == ChannelFacts(nonce_C=b"n")


def test_every_field_of_a_binder_reads_a_fact_that_there_is():
    """A name that no facts have would be missing in every handshake."""
    names = {field.name for field in dataclasses.fields(ChannelFacts)}
    everything = ChannelFacts(**dict.fromkeys(names, bytes(32)))
    assert all(isinstance(compute(everything), bytes) for compute in FIELDS.values())
