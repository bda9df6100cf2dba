"""What listeners and programs call on octets from anywhere: a typed alert or an answer, never another exception."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fuzz_engine import Mutator, corpus, cut
from fuzz_targets import TARGETS, Target, no_cryptography
from tls_identities import NAME, root, server_identity

from trustlab import tls
from trustlab.tls import authenticators

ROUNDS = 400
SUITES = (None, *tls.CipherSuite)
KINDS = (20, 21, 22, 23)


def mutated(target: Target, rounds: int = ROUNDS) -> Any:
    """Yield streams changed in the usual ways, and the mutator's source of chance."""
    mutator = Mutator(5)
    pool = corpus(target)
    for _ in range(rounds):
        yield mutator.mutate(mutator.random.choice(pool), mutator.random.choice(pool)), mutator.random


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_streams_are_cut_and_joined_or_refused(target: Target) -> None:
    for data, chance in mutated(target):
        try:
            records, rest = tls.split_records(data)
        except tls.Alert:
            continue
        assert b"".join(record.raw for record in records) + rest == data
        joiner = tls.HandshakeJoiner()
        joined = b"".join(raw for r in records for raw, _ in joiner.feed(r.fragment, r.start, r.end))
        assert b"".join(record.fragment for record in records).startswith(joined)
        tls.describe_record(data, suite=chance.choice(SUITES), protected=chance.random() < 0.5)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_messages_are_read_or_refused_and_every_octet_is_named(target: Target) -> None:
    for data, chance in mutated(target):
        for kind, _, body in cut(data)[:4]:
            suite, version = chance.choice(SUITES), chance.choice(target.versions)
            content_type = kind if kind in KINDS else 22
            reached = 0
            for span in sorted(tls.describe(body, content_type, suite, version), key=lambda s: s.start):
                assert span.start <= reached
                reached = max(reached, span.end)
            assert reached == len(body)
            try:
                message = tls.parse_message(content_type, body, suite, version)
            except tls.Alert:
                continue
            assert tls.sentence(message)


def connected() -> tuple[tls.Connection, tls.Connection]:
    """Return both ends of an open connection of TLS 1.3."""
    common: dict[str, Any] = {"versions": (tls.Version.TLS13,), "trust": [root().certificate]}
    identity = server_identity("ECDSA")
    client = tls.Client(tls.ClientConfig(server_name=NAME, **common))
    server = tls.Server(tls.ServerConfig(certificates=(identity.der,), key=identity.key, **common))
    for _ in range(4):
        for source, target in ((client, server), (server, client)):
            list(tls.pump(source))
            target.receive(source.data_to_send())
            list(tls.pump(target))
    assert client.handshake_complete
    return client, server


def test_authenticators_and_their_requests_are_read_or_refused() -> None:
    client, server = connected()
    identity = server_identity("ECDSA")
    asked = authenticators.request(client)
    unsigned = authenticators.prepare(server, asked, [identity.der])
    made = unsigned.finish(identity.key.sign(unsigned.data, ec.ECDSA(hashes.SHA256())))
    assert authenticators.validate(client, asked, made).chain == (identity.der,)
    mutator = Mutator(11)
    refused = 0
    for _ in range(2 * ROUNDS):
        for octets, read in (
            (made, lambda octets: authenticators.validate(client, asked, octets)),
            (asked, lambda octets: authenticators.read_request(server, octets)),
        ):
            changed = mutator.octets(octets)
            try:
                with no_cryptography():
                    read(changed)
            except tls.Alert:
                refused += 1
    assert refused > ROUNDS


@pytest.mark.parametrize("suite", [s for s in tls.CipherSuite if "_WITH_" in s.name], ids=lambda s: s.name)
def test_a_passive_decryptor_refuses_what_is_not_authentic(suite: tls.CipherSuite) -> None:
    decryptor = tls.PassiveDecryptor(b"m" * 48, b"c" * 32, b"s" * 32, suite)
    for length in (*range(80), 1000, 2**14):
        record = tls.RawRecord(23, 0x0303, bytes(length), 0, length + 5)
        with pytest.raises(tls.BadRecordMac):
            decryptor.decrypt("client", 0, record)
