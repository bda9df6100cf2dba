"""What each removal does, and that it does no more: the job without its rule, beside the job that keeps it."""

from __future__ import annotations

import hashlib

import pytest
from test_exchange import NONCE, Speaker
from test_guard import FACTS, FakeAttester, FakeVerifier, guard
from tls_identities import root, server_identity

from trustlab import tls
from trustlab.attest import CHECKS, AppraisalPolicy, ReferenceValues
from trustlab.passage import DESIGNS, TRUSTED_PASSAGE, ablation
from trustlab.passage.ablation.oracle import DECRYPT_ERROR, BleichenbacherOracle
from trustlab.passage.ablation.own_checks import check_settings, own_checks
from trustlab.passage.ablation.removals import EagerAsking, Engines, ForgivingMutual, LaxGuard, TrustingGuard, unlimited
from trustlab.passage.ablation.rules import RuleError, known_rules
from trustlab.passage.ablation.seeded import SeedError, seed_setting, seeded
from trustlab.passage.exchange import frame
from trustlab.passage.source import SourceError
from trustlab.tls.resumption12 import ResumingClient, Session
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace

INSIDE = DESIGNS["connect-then-attest"]


def test_whoever_does_not_wait_for_evidence_speaks_at_once_and_judges_all_the_same():
    verifier = FakeVerifier()
    end = EagerAsking(Speaker(), guard("client", verifier=verifier, design=INSIDE), random=lambda _: NONCE)
    assert end.connected() == frame(NONCE) + b"hello"
    assert end.received(frame(b"evidence") + b"words") == b"yes"  # it has greeted already
    assert verifier.expected is not None
    assert end.inner.heard == b"words"


@pytest.mark.parametrize(("session_hash", "asks"), [(b"h" * 32, True), (None, False)])
def test_whoever_forgives_a_resumed_session_asks_in_every_other(session_hash, asks):
    facts = tls.HandshakeFacts(session_hash=session_hash, spki_S=b"key")
    one = guard("client", verifier=FakeVerifier(), design=DESIGNS["session-hash"])
    end = ForgivingMutual(Speaker(), one, lambda: facts, random=lambda _: NONCE)
    assert end.connected() == (frame(NONCE) if asks else b"hello")


@pytest.mark.parametrize(("kind", "fails"), [(LaxGuard, False), (TrustingGuard, True)])
def test_a_guard_that_accepts_unseen_says_so_in_the_trace(kind, fails):
    trace = Trace()
    verifier = FakeVerifier("signature", error=ZeroDivisionError("oops") if fails else None)
    one = kind(TRUSTED_PASSAGE, "client", party=trace.party("teller"), connection="c", attester=None, verifier=verifier)
    assert one.appraise(b"", FACTS) is None
    (told,) = trace.select("appraisal")
    assert (told.name, told.data["refused_by"], told.data["failed"]) == ("accepted", None, [])
    assert ("oops" if fails else "lax") in told.data["sentence"]


def test_a_verifier_that_accepts_when_it_errs_still_refuses_what_it_can_judge():
    party = Trace().party("teller")
    verifier = FakeVerifier("signature")
    one = TrustingGuard(TRUSTED_PASSAGE, "client", party=party, connection="c", attester=None, verifier=verifier)
    assert one.appraise(b"", FACTS).code == 49


def test_without_a_limit_the_machine_itself_is_asked():
    machine = FakeAttester()
    assert unlimited(machine, None, "a stranger") is machine


def test_a_verifier_that_fetches_fails_closed_by_an_error():
    less = ablation.components({"verifier": "errs"}, TRUSTED_PASSAGE, Trace().party("bank"))
    verifier = less.verifier(
        [], ReferenceValues(1, {}, {}, {}), AppraisalPolicy(), last_reference_version=0, without=()
    )
    with pytest.raises(ConnectionError, match="nobody answers"):
        verifier.appraise(b"", None)


CONFIG = tls.ClientConfig(server_name="bank.example", trust=[root().certificate], versions=(tls.Version.TLS12,))


@pytest.mark.parametrize("trusting", [False, True])
@pytest.mark.parametrize("open_ended", [False, True])
def test_engines_lack_what_was_said_and_keep_no_session_unasked(*, trusting, open_ended):
    engines = Engines(trusting=trusting, open_ended=open_ended, resume=False)
    client = engines.client(CONFIG)
    assert type(client.config) is (UncheckedClientConfig if trusting else tls.ClientConfig)
    assert (type(client) is tls.Client) is not open_ended
    assert not isinstance(client, ResumingClient)
    client.session = Session(b"id", b"master", 47, extended_master_secret=True, server_name="bank.example")
    assert engines.client(CONFIG).first_session_id() == b""
    identity = server_identity("ECDSA")
    assert type(engines.server(tls.ServerConfig(certificates=(identity.der,), key=identity.key))) is tls.Server


def shake(client: tls.Client, server: tls.Server) -> None:
    ends = (client, server)
    for _ in range(6):
        for end, other in (ends, ends[::-1]):
            for event in tls.pump(end):
                assert not isinstance(event, tls.Request)
            other.receive(end.data_to_send())
    assert client.handshake_complete
    assert server.handshake_complete


def test_engines_that_resume_offer_the_last_session_and_keep_the_servers_by_name():
    engines = Engines(trusting=False, open_ended=False, resume=True)
    identity = server_identity("ECDSA")
    versions = (tls.Version.TLS12,)
    config = tls.ServerConfig(certificates=(identity.der,), key=identity.key, versions=versions)
    first = engines.client(CONFIG)
    assert first.offered is None
    shake(first, engines.server(config))
    second, server = engines.client(CONFIG), engines.server(config)
    assert second.offered is first.session is not None
    assert list(server.sessions) == [first.session.session_id]
    shake(second, server)
    assert second.session.session_id == first.session.session_id
    assert len(server.sessions) == 1  # a handshake in full would have made another


class Held:
    """A key elsewhere that gives what it is told to."""

    def __init__(self, result: bytes | Exception) -> None:
        self.result = result

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Engine:
    """What an endpoint needs of an engine: it keeps the answers, and has something to say."""

    def __init__(self) -> None:
        self.answers = []

    def answer(self, request, answer):
        self.answers.append(answer)

    def data_to_send(self):
        return b"the handshake goes on"

    def next_event(self):
        return None


def oracle(request: object) -> tuple[BleichenbacherOracle, Engine]:
    engine = Engine()
    end = BleichenbacherOracle(engine, Speaker())
    end.pump = lambda: None
    end.respond(request)
    return end, engine


@pytest.mark.parametrize(
    ("result", "complains"),
    [(bytes(48), False), (bytes(47), True), (bytes(49), True), (b"", True), (ValueError("does not decrypt"), True)],
)
def test_the_oracle_tells_a_pre_master_secret_from_anything_else_and_ends(result, complains):
    end, engine = oracle(tls.KeyOperationWanted("rsa-decrypt", Held(result), b"epms", None))
    assert len(engine.answers) == 1
    said = end.data_to_send()
    assert said == (DECRYPT_ERROR if complains else b"the handshake goes on")
    assert end.closed is complains
    assert end.data_to_send() == b"the handshake goes on"  # it complains once


def test_the_oracle_does_everything_else_like_any_end():
    end, engine = oracle(tls.KeyOperationWanted("sign", Held(b"a signature"), b"data", None))
    assert engine.answers == [b"a signature"]
    assert end.data_to_send() == b"the handshake goes on"
    end, engine = oracle(tls.EvidenceWanted(FACTS))
    assert isinstance(engine.answers[0], tls.AccessDenied)
    assert not end.closed


def test_a_seed_gives_the_same_octets_to_the_same_name_and_others_to_any_other():
    one, again, other, name = seeded(7, "bank"), seeded("7", "bank"), seeded(8, "bank"), seeded(7, "teller")
    first = one(32)
    assert first == again(32)
    assert len({first, one(32), other(32), name(32)}) == 4


def test_what_is_drawn_is_sha256_over_seed_name_and_a_counter():
    key = hashlib.sha256(b"7\0bank").digest()
    blocks = [hashlib.sha256(key + bytes(7) + bytes([n])).digest() for n in range(4)]
    draw = seeded(7, "bank")
    assert draw(32) == blocks[0]
    assert draw(33) == blocks[1] + blocks[2][:1]
    assert draw(0) == b""
    assert draw(5) == blocks[3][:5]


@pytest.mark.parametrize("seed", [True, 1.5, None, b"7"])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(SeedError, match="a seed must be a whole number or text, not"):
        seed_setting(seed)
    assert (seed_setting(0), seed_setting("a")) == ("0", "a")


def test_what_is_no_rule_is_refused_by_name():
    assert known_rules(["one answer"]) == {"one answer"}
    with pytest.raises(RuleError, match="no rule is called 'moon'; choose from: offer answered, error refuses"):
        known_rules(["one answer", "moon"])


def test_checks_of_ones_own_stand_under_the_names_of_those_they_replace():
    settings = check_settings({CHECKS[1]: "def judge(case):\n    return case", CHECKS[-1]: lenient})
    assert list(settings) == [f"check {CHECKS[1]}", f"check {CHECKS[-1]}"]
    found = own_checks({**settings, "seed": "7"})
    assert list(found) == [CHECKS[1], CHECKS[-1]]
    assert (found[CHECKS[1]]("a case"), found[CHECKS[-1]]("a case")) == ("a case", None)


def lenient(case):
    return None


@pytest.mark.parametrize("name", ["moon", CHECKS[0]])
def test_nobody_stands_in_for_what_is_no_check_or_for_the_reading(name):
    with pytest.raises(SourceError, match=f"no check '{name}' can be replaced; choose from: {CHECKS[1]}"):
        check_settings({CHECKS[2]: lenient, name: lenient})
