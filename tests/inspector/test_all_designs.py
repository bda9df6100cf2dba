"""Every design, alone and against Alice: where inputs come from, what is said of a refusal, what she reads."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import pytest

from trustlab.capture import knowledge
from trustlab.inspector import Ladder
from trustlab.inspector.bindings import COMPUTED
from trustlab.inspector.bindinputs import INPUTS, not_covered
from trustlab.inspector.document import AppraisalRow, Binding, MessageRow, Source
from trustlab.inspector.legs import why
from trustlab.passage import DESIGNS
from trustlab.passage.binders import FIELDS
from trustlab.scenarios import acts

if TYPE_CHECKING:
    from trustlab.trace import Trace

pytestmark = pytest.mark.long
ATTACKS = [
    ("plain-tls", "rogue-certificate"),
    ("plain-tls", "deployed-key"),
    ("plain-tls", "evil-workload"),
    ("attest-then-connect", "toctou-redirect"),
    ("connect-then-attest", "evidence-relay-rsa"),
    ("key-in-quote", "evidence-replay-rsa"),
    ("trusted-passage", "same-pms-reencryption"),
    ("trusted-passage", "client-impersonation"),
    ("session-hash", "reflection"),
    ("tls13-nonce", "evidence-relay"),
    ("tls13-key", "rogue-certificate"),
    ("tls13-exporter", "reflection"),
    ("tls13-exporter", "known-dh-secret"),
]


@cache
def run(design: str, attack: str | None = None) -> Trace:
    with acts.rung(design, attack) as act:
        act.run()
    return act.trace


def octets(ladder: Ladder, source: Source) -> str:
    return ladder.rows[source.row].parts[source.part].hex[2 * source.start : 2 * source.end]


@pytest.mark.parametrize("design", [name for name, design in DESIGNS.items() if design.server])
def test_each_input_that_stands_in_a_message_points_to_its_octets_on_both_sides(design: str) -> None:
    ladder = Ladder.of(run(design), secrets=True)
    bindings = ladder.document.frame.bindings
    roles = {"S"} | ({"C"} if DESIGNS[design].client else set())
    assert {b.role for b in bindings} == roles
    for binding in bindings:
        assert binding.holds
        assert binding.appraisal is not None
        for i in binding.inputs:
            for value, source in ((i.attester, i.attester_source), (i.verifier, i.verifier_source)):
                if not value or len(value) < 32 or i.name in {"L", "K"} or i.name.startswith(COMPUTED):
                    assert source is None, i.name
                    continue
                assert source is not None, f"{design} {binding.role} {i.name}"
                found = octets(ladder, source)
                assert value in {found, hashlib.sha256(bytes.fromhex(found)).hexdigest()}, i.name


def test_every_field_that_a_binder_may_have_has_plain_words() -> None:
    assert set(FIELDS) <= set(INPUTS)
    assert all(words.plain and words.say.endswith((".", ").")) for words in INPUTS.values())


OPEN = {
    "attest-then-connect": {"S": "the server's key or the handshake"},
    "connect-then-attest": {"S": "the server's key or the handshake"},
    "client-quote": {"C": "the client's key or the secret that the client chose"},
    "client-certificate": {"C": "the secret that the client chose"},
    "pms-in-quote": {"C": "the client's key"},
    "trusted-passage": {"C": "the client's key"},
    "tls13-nonce": {"S": "the server's key or the handshake"},
    "tls13-key": {"S": "a nonce or the handshake"},
    "tls13-nonce-key": {"S": "the handshake"},
    "tls13-client-random": {"S": "the server's key or the handshake"},
    "tls13-early-exporter": {"S": "the server's key"},
    "tls13-nonce-early-exporter": {"S": "the server's key"},
    "tls13-standard-early-exporter": {"S": "the server's key or the handshake"},
}
"""What the hash of each design leaves open; of the others it is only what Finished protects."""


@pytest.mark.parametrize("design", [name for name, design in DESIGNS.items() if design.server])
def test_what_a_hash_leaves_open_follows_from_its_inputs(design: str) -> None:
    for role, binder in (("S", DESIGNS[design].server), ("C", DESIGNS[design].client)):
        if binder is not None:
            text = not_covered(list(binder.fields), role)
            wanted = OPEN.get(design, {}).get(role)
            if wanted:
                assert text.startswith(f"This hash does not cover {wanted}."), text
            else:
                assert "does not cover" not in text


@pytest.mark.parametrize(("design", "attack"), ATTACKS)
def test_what_alice_reads_is_what_her_knowledge_holds(design: str, attack: str) -> None:
    trace = run(design, attack)
    known = knowledge(trace, "alice")
    held = {e.name for e in trace.select("secret") if e.name.startswith("canary ") and known.holds(e.raw)}
    for secrets in (False, True):
        ladder = Ladder.of(trace, secrets=secrets)
        reads = ladder.document.frame.reads
        assert bool(reads) == bool(held)
        holders = {s.id for s in ladder.document.frame.secrets for h in s.holders if h.party == "alice" and s.prize}
        assert holders == {name.removeprefix("canary ") for name in held}


@pytest.mark.parametrize(("design", "attack"), ATTACKS)
def test_whatever_differs_between_two_legs_has_a_reason(design: str, attack: str) -> None:
    ladder = Ladder.of(run(design, attack), secrets=True)
    rows = [row for row in ladder.rows if isinstance(row, MessageRow)]
    for row in rows:
        labels = ladder.book.labels(row.parts[0])
        missing = [labels[c.field] for c in row.compared if not c.word or not c.text]
        assert not missing, f"{row.name}: {missing}"
        if row.twin is not None:
            twin = ladder.rows[row.twin]
            assert isinstance(twin, MessageRow)
            assert (twin.twin, twin.name, twin.direction) == (row.id, row.name, row.direction)
            assert row.differs == (row.parts[0].hex != twin.parts[0].hex)


REFUSALS = {
    ("key-in-quote", "evidence-replay-rsa"): (
        "Three inputs differ: the client's nonce, the client's random and the server's random."
    ),
    ("trusted-passage", "same-pms-reencryption"): "One input differs: the encrypted secret.",
    ("trusted-passage", "client-impersonation"): (
        "Two inputs differ: the commitment to the secret and the encrypted secret."
    ),
    ("tls13-key", "rogue-certificate"): "One input differs: the server's public key.",
}


@pytest.mark.parametrize(("design", "attack"), REFUSALS)
def test_a_refusal_names_the_inputs_that_differ(design: str, attack: str) -> None:
    ladder = Ladder.of(run(design, attack))
    refusal = next(row for row in ladder.rows if isinstance(row, AppraisalRow) and row.mark == "fail")
    assert refusal.say == f"This quote was made for another connection. {REFUSALS[design, attack]}"


@pytest.mark.parametrize("design", ["session-hash", "tls13-exporter"])
def test_evidence_sent_back_is_called_so(design: str) -> None:
    ladder = Ladder.of(run(design, "reflection"))
    refusal = next(row for row in ladder.rows if isinstance(row, AppraisalRow) and row.mark == "fail")
    assert refusal.more == "It is the quote that the teller made itself: somebody sends it back."


def test_an_accepted_quote_claims_no_more_than_it_covers() -> None:
    ladder = Ladder.of(run("tls13-nonce"))
    accepted = next(row for row in ladder.rows if isinstance(row, AppraisalRow))
    assert "The quote covers the nonce. This hash does not cover the server's key or the handshake." in accepted.more


def test_a_quote_that_nobody_hashed_here_says_that_it_cannot_say_which_input_differs() -> None:
    trace = run("key-in-quote", "evidence-replay-rsa")
    kept = [e for e in trace if not (e.kind == "binder" and e.data.get("side") == "attester")]
    ladder = Ladder.of(kept)
    refusal = next(row for row in ladder.rows if isinstance(row, AppraisalRow) and row.mark == "fail")
    assert refusal.say == "This quote was made for another connection."
    assert "cannot show which input differs" in refusal.more
    binding: Binding = ladder.document.frame.bindings[refusal.binding or 0]
    assert not any(i.differs for i in binding.inputs)


@pytest.mark.parametrize(
    ("message", "path", "differs", "word"),
    [
        ("Certificate", "certificate_list/certificate[0]/tbsCertificate/subject", False, "has to be the same"),
        ("ServerHello", "extensions/key_share/key_exchange", True, "has to differ"),
        ("ServerKeyExchange", "params/public", True, "has to differ"),
        ("CertificateVerify", "signature", True, "has to differ"),
        ("ClientHello", "extensions.attestation.nonce", False, "copied"),
        ("NewSessionTicket", "ticket", True, "has to differ"),
        ("Certificate", "certificate[0]#2/serialNumber", True, "follows"),
        ("EncryptedExtensions", "extensions/server_name", True, "happens to differ"),
        ("Unheard-of", "field", True, ""),
    ],
)
def test_the_rules_by_message_and_field(message: str, path: str, word: str, *, differs: bool) -> None:
    assert why(message, path, differs=differs).word == word
