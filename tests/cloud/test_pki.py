"""The public CA validates a name by a connection, and believes whoever answers it."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from trustlab.cloud import NameNotValidatedError
from trustlab.cloud.pki import HTTP, MAX_ANSWER, ChallengeAnswer, ChallengeRequest, spki_of
from trustlab.cloud.provider import MemoryFabric, MemoryProvider
from trustlab.trace import Trace
from trustlab.wire import ConnectionRefusedOnWireError


def key():
    return ec.generate_private_key(ec.SECP256R1()).public_key()


@pytest.fixture
def fabric():
    fabric = MemoryFabric(Trace())
    fabric.network.attach("bank")
    fabric.network.attach("alice")
    return fabric


def names_in(certificate: x509.Certificate) -> list[str]:
    return certificate.extensions.get_extension_for_oid(
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME
    ).value.get_values_for_type(x509.DNSName)


def test_whoever_answers_for_the_name_gets_the_certificate(fabric):
    own = key()
    fabric.network.listen("bank", HTTP, lambda _: ChallengeAnswer(spki_of(own)))
    certificate = fabric.web_ca.certify("bank.example", "bank", own)
    assert names_in(certificate) == ["bank.example"]
    assert certificate.public_key() == own
    certificate.verify_directly_issued_by(fabric.web_ca.root)


def test_an_answer_for_another_key_gets_nothing(fabric):
    fabric.network.listen("bank", HTTP, lambda _: ChallengeAnswer(spki_of(key())))
    with pytest.raises(NameNotValidatedError, match=r"bank\.example"):
        fabric.web_ca.certify("bank.example", "bank", key())


def test_a_name_where_nobody_answers_gets_nothing(fabric):
    with pytest.raises(ConnectionRefusedOnWireError):
        fabric.web_ca.certify("bank.example", "bank", key())


def test_alice_gets_a_certificate_for_a_name_hosted_with_her_by_answering_herself(fabric):
    real, own = key(), key()
    fabric.network.listen("bank", HTTP, lambda _: ChallengeAnswer(spki_of(real)))
    certificate = MemoryProvider(fabric, "alice").obtain_certificate("bank.example", "bank", own)
    assert names_in(certificate) == ["bank.example"]
    assert certificate.public_key() == own
    frames = fabric.network.trace.select("frame")
    assert {e.data["to"] for e in frames if e.direction == "client"} == {"alice"}


def test_her_redirection_ends_with_the_certificate(fabric):
    real = key()
    fabric.network.listen("bank", HTTP, lambda _: ChallengeAnswer(spki_of(real)))
    MemoryProvider(fabric, "alice").obtain_certificate("bank.example", "bank", key())
    assert fabric.web_ca.certify("bank.example", "bank", real).public_key() == real


def test_an_answer_of_any_length_is_bounded_and_refused(fabric):
    class Flood(ChallengeAnswer):
        def data_to_send(self) -> bytes:
            return b"x" * 100_000 if super().data_to_send() else b""

    own = key()
    fabric.network.listen("bank", HTTP, lambda _: Flood(spki_of(own)))
    with pytest.raises(NameNotValidatedError):
        fabric.web_ca.certify("bank.example", "bank", own)


def test_no_more_is_kept_of_an_answer_or_of_a_request_than_the_bound():
    asked = ChallengeRequest("bank.example", "token")
    asked.receive(b"x" * (MAX_ANSWER - 1))
    asked.receive(b"yz" * MAX_ANSWER)
    assert asked.answer == b"x" * (MAX_ANSWER - 1) + b"y"
    end = b" HTTP/1.1\r\n\r\n"
    for length, answered in ((MAX_ANSWER, True), (MAX_ANSWER + 1, False)):
        answer = ChallengeAnswer(spki_of(key()))
        request = b"GET /" + b"x" * (length - len(b"GET /" + end)) + end
        answer.receive(request[:10])
        answer.receive(request[10:])
        assert answer.closed is answered
        assert bool(answer.data_to_send()) is answered
