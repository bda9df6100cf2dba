"""The guard makes and judges evidence, and whatever goes wrong in it refuses."""

from __future__ import annotations

import pytest

from trustlab import tls
from trustlab.attest import AttestationResult, Check
from trustlab.passage import DESIGNS, PLAIN_TLS, TRUSTED_PASSAGE, AttestationFailure, Guard, design_without
from trustlab.passage.exchange import MAX_FRAME, Asking, ExchangeError, frame
from trustlab.passage.guard import RateLimited
from trustlab.passage.placement import offer
from trustlab.trace import Trace

FACTS = tls.HandshakeFacts(
    nonce_C=bytes(32),
    nonce_S=bytes(32),
    client_random=b"c" * 32,
    server_random=b"s" * 32,
    spki_S=b"the server's key",
    epms=b"e" * 256,
    pms_commitment=b"p" * 32,
)


class FakeAttester:
    def __init__(self, error: Exception | None = None, size: int | None = None) -> None:
        self.asked: list[tuple[bytes, bool]] = []
        self.error, self.size = error, size

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        self.asked.append((binder, prove_key))
        if self.error:
            raise self.error
        return b"evidence over " + binder if self.size is None else bytes(self.size)


class FakeVerifier:
    """Finds a fault with the checks it is told to."""

    def __init__(self, *failing: str, error: Exception | None = None) -> None:
        self.failing = failing
        self.error = error
        self.expected = None

    def appraise(self, evidence, expected):
        self.expected = expected
        if self.error:
            raise self.error
        names = ("signature", "extraData", *self.failing)
        return AttestationResult(
            tuple(
                Check(name, "fail" if name in self.failing else "pass", f"about {name}", b"\1", b"\2", "a clause")
                for name in dict.fromkeys(names)
            ),
            expected.binder,
        )


def guard(role, *, attester=None, verifier=None, design=TRUSTED_PASSAGE, trace=None):
    party = (Trace() if trace is None else trace).party("teller" if role == "client" else "bank")
    return Guard(design, role, party=party, connection="c", attester=attester, verifier=verifier, peer="peer")


def test_both_roles_offer_what_they_prove_and_demand_what_the_peer_does():
    client, server = offer(TRUSTED_PASSAGE, "client"), offer(TRUSTED_PASSAGE, "server")
    assert (client.offered, client.demanded) == (tls.ROLE_C, tls.ROLE_S)
    assert (server.offered, server.demanded) == (tls.ROLE_S, tls.ROLE_C)
    assert offer(PLAIN_TLS, "client") is None


@pytest.mark.parametrize(("role", "proves_key"), [("server", True), ("client", False)])
def test_evidence_is_made_over_the_roles_own_binder(role, proves_key):
    attester = FakeAttester()
    evidence = guard(role, attester=attester).evidence(FACTS)
    own = (TRUSTED_PASSAGE.server if role == "server" else TRUSTED_PASSAGE.client).bind(FACTS).octets
    assert attester.asked == [(own, proves_key)]
    assert evidence == b"evidence over " + own


def test_evidence_that_does_not_fit_beside_a_certificate_ends_the_handshake_here():
    design = DESIGNS["tls13-key"]
    assert guard("server", attester=FakeAttester(size=65_529), design=design).evidence(FACTS) == bytes(65_529)
    assert guard("server", attester=FakeAttester(size=65_530), design=design).evidence(FACTS).code == 80
    assert guard("server", attester=FakeAttester(size=65_530)).evidence(FACTS) == bytes(65_530)


def test_the_peers_evidence_is_held_against_the_peers_binder():
    verifier = FakeVerifier()
    assert guard("client", verifier=verifier).appraise(b"", FACTS) is None
    assert verifier.expected.binder == TRUSTED_PASSAGE.server.bind(FACTS).octets
    assert verifier.expected.key_spki == FACTS.spki_S
    server = FakeVerifier()
    assert guard("server", verifier=server).appraise(b"", FACTS) is None
    assert server.expected.binder == TRUSTED_PASSAGE.client.bind(FACTS).octets
    assert server.expected.key_spki is None


@pytest.mark.parametrize(
    ("role", "failing", "code"),
    [
        ("client", "signature", 49),
        ("client", "extraData", 49),
        ("server", "signature", 49),
        ("server", "extraData", 51),
    ],
)
def test_a_refusal_is_alert_49_or_51_where_the_pre_master_secret_was_at_stake(role, failing, code):
    alert = guard(role, verifier=FakeVerifier(failing)).appraise(b"", FACTS)
    assert alert.code == code
    assert failing in str(alert)


def test_a_verifier_that_errs_refuses_and_the_trace_says_so():
    trace = Trace()
    alert = guard("client", verifier=FakeVerifier(error=ZeroDivisionError("oops")), trace=trace).appraise(b"", FACTS)
    assert alert.code == 49
    refusal = trace.select("appraisal")[0]
    assert (refusal.name, refusal.data["refused_by"]) == ("refused", "verifier")
    assert "oops" in refusal.data["sentence"]


def test_a_missing_fact_refuses_too():
    assert guard("client", verifier=FakeVerifier()).appraise(b"", {}).code == 49
    assert guard("client", attester=FakeAttester()).evidence({}).code == 80


def test_nobody_to_appraise_or_to_attest_refuses():
    assert guard("client").appraise(b"", FACTS).code == 49
    assert guard("client").evidence(FACTS).code == 80
    assert guard("client", verifier=FakeVerifier(), design=PLAIN_TLS).appraise(b"", FACTS).code == 49


def test_a_machine_that_cannot_attest_ends_the_handshake_and_the_trace_says_why():
    trace = Trace()
    alert = guard("server", attester=FakeAttester(AttestationFailure("the TPM is off")), trace=trace).evidence(FACTS)
    assert alert.code == 80
    assert "the TPM is off" in trace.select("note")[0].data["sentence"]


def test_the_trace_shows_both_sides_of_the_binding_field_by_field():
    trace = Trace()
    one = guard("client", attester=FakeAttester(), verifier=FakeVerifier(), trace=trace)
    one.evidence(FACTS)
    one.appraise(b"", FACTS)
    attester, verifier = trace.select("binder")
    assert (attester.data["side"], attester.data["role"]) == ("attester", "C")
    assert (verifier.data["side"], verifier.data["role"]) == ("verifier", "S")
    assert [name for name, _ in attester.data["fields"]] == list(TRUSTED_PASSAGE.client.fields)


class Inner:
    """An application that keeps what it hears."""

    finished = False
    heard, ended = b"", None

    def connected(self):
        return b""

    def received(self, data):
        self.heard += data
        return b""

    def closed(self, error):
        self.ended = error


def test_a_frame_holds_as_many_octets_as_its_length_can_say_and_no_more():
    octets = bytes(range(256)) * 255 + bytes(255)
    assert len(octets) == MAX_FRAME == 2**16 - 1
    assert frame(octets) == b"\xff\xff" + octets
    with pytest.raises(ExchangeError, match="65536 octets do not fit into a frame, which holds at most 65535"):
        frame(octets + b"!")


@pytest.mark.parametrize("piece", [1, 1000, 2**17])
def test_the_application_hears_what_stands_behind_the_last_frame_and_not_an_octet_of_it(piece):
    """The largest frame, in pieces: not before its last octet is it judged, and what follows it is the application's."""
    inner, verifier = Inner(), FakeVerifier()
    asking = Asking(inner, guard("client", verifier=verifier, design=DESIGNS["connect-then-attest"]), random=bytes)
    assert asking.connected() == b"\0\x20" + bytes(32)
    said = frame(b"e" * MAX_FRAME)
    for start in range(0, len(said) - 1, piece):
        asking.received(said[:-1][start : start + piece])
    assert verifier.expected is None
    asking.received(said[-1:] + b"hello")
    assert verifier.expected is not None
    assert inner.heard == b"hello"


@pytest.mark.parametrize("through", [False, True])
def test_an_end_before_the_evidence_was_accepted_is_an_error_and_one_after_it_is_none(through):
    inner = Inner()
    asking = Asking(inner, guard("client", verifier=FakeVerifier(), design=DESIGNS["connect-then-attest"]))
    asking.connected()
    if through:
        asking.received(frame(b"evidence"))
    asking.closed(None)
    assert (inner.ended is None) is through


@pytest.mark.parametrize("code", [80, 117])
@pytest.mark.parametrize(("role", "design"), [("client", "tcb-key"), ("server", "trusted-passage")])
def test_an_alert_in_place_of_awaited_evidence_is_explained_with_who_withheld_it(role, design, code):
    trace = Trace()
    guard(role, design=DESIGNS[design], trace=trace).heard(
        tls.InternalError("x") if code == 80 else tls.GeneralError("x")
    )
    (note,) = trace.select("note", name="evidence withheld")
    alert = {80: "internal_error", 117: "general_error"}[code]
    assert f"The peer sent the alert {alert} instead of its evidence" in note.data["sentence"]


@pytest.mark.parametrize(
    ("role", "design", "alert"),
    [
        ("client", "tcb-key", tls.HandshakeFailure("x")),  # another alert
        ("server", "tcb-key", tls.InternalError("x")),  # the client has nothing to show here
        ("client", "plain-tls", tls.InternalError("x")),  # nobody has
    ],
)
def test_an_alert_that_stands_for_no_evidence_is_not_explained(role, design, alert):
    trace = Trace()
    guard(role, design=DESIGNS[design], trace=trace).heard(alert)
    assert trace.select("note") == []


def test_an_alert_behind_the_evidence_does_not_stand_in_its_place():
    trace = Trace()
    one = guard("client", verifier=FakeVerifier(), trace=trace)
    one.appraise(b"", FACTS)
    one.heard(tls.InternalError("x"))
    assert trace.select("note") == []


def test_a_rate_limit_is_an_alert_of_its_own_where_tls_has_one():
    """RFC 9846 6.2: general_error; TLS 1.2 has only internal_error."""
    limited = FakeAttester(RateLimited("its share"))
    assert guard("server", attester=limited).evidence(FACTS).code == 80
    assert guard("server", attester=limited, design=DESIGNS["tls13-key"]).evidence(FACTS).code == 117
    broken = FakeAttester(AttestationFailure("off"))
    assert guard("server", attester=broken, design=DESIGNS["tls13-key"]).evidence(FACTS).code == 80


def test_the_key_binder_is_expected_with_the_key_and_only_where_the_design_has_one():
    verifier = FakeVerifier()
    guard("client", verifier=verifier).appraise(b"", FACTS)
    key = tls.HandshakeFacts(spki_S=FACTS.spki_S)
    assert verifier.expected.key_binder == TRUSTED_PASSAGE.key_proof.bind(key).octets
    guard("client", verifier=verifier, design=design_without(TRUSTED_PASSAGE, ["key binder"])).appraise(b"", FACTS)
    assert (verifier.expected.key_spki, verifier.expected.key_binder) == (FACTS.spki_S, None)
    guard("client", verifier=verifier, design=DESIGNS["key-in-quote"]).appraise(b"", FACTS)
    assert (verifier.expected.key_spki, verifier.expected.key_binder) == (None, None)


def test_a_clients_key_is_proved_and_expected_where_it_has_one():
    design, facts = DESIGNS["client-certificate"], FACTS.knowing(spki_C=b"the client's key")
    attester, verifier = FakeAttester(), FakeVerifier()
    guard("client", attester=attester, design=design).evidence(facts)
    assert attester.asked[0][1] is True
    guard("server", verifier=verifier, design=design).appraise(b"", facts)
    assert verifier.expected.key_spki == b"the client's key"


@pytest.mark.parametrize(("role", "sent", "direction"), [("client", True, "client"), ("client", False, "server")])
def test_a_message_inside_the_channel_is_shown_with_who_sent_it(role, sent, direction):
    trace = Trace()
    guard(role, trace=trace).show("Certificate", b"\x0b\0\0\0", (), "a sentence", sent=sent)
    (shown,) = trace.select("authenticator")
    assert (shown.name, shown.raw, shown.direction, shown.sent) == ("Certificate", b"\x0b\0\0\0", direction, sent)
