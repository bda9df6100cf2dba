"""Exported authenticators over the application stream: fresh each time, both ways, and closed where anything is wrong."""

from __future__ import annotations

import pytest
from tls_identities import client_identity, root, server_identity

from trustlab import tls
from trustlab.attest import AttestationResult, Check
from trustlab.passage import DESIGNS, AttestationFailure, Exported, Guard, TlsEndpoint
from trustlab.passage.exchange import frame
from trustlab.passage.exported import AuthenticatorExchange, answer, context_of, exporter_facts, request
from trustlab.tls import authenticators
from trustlab.trace import Trace

DESIGN = DESIGNS["tls13-exporter"]


class Talker:
    """Says something once it is connected, and keeps what it hears."""

    def __init__(self, says: bytes) -> None:
        self.finished = False
        self.says, self.heard, self.connections, self.ended, self.error = says, b"", 0, False, None

    def connected(self) -> bytes:
        self.connections += 1
        return self.says

    def received(self, data: bytes) -> bytes:
        self.heard += data
        return b""

    def closed(self, error: Exception | None) -> None:
        self.ended, self.error = True, error


class Quoting:
    """Attests whatever it is asked, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.binders: list[bytes] = []

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        if self.error:
            raise self.error
        self.binders.append(binder)
        return b"quote over " + binder


class Comparing:
    """Accepts a quote over exactly the binder it expects."""

    def appraise(self, evidence, expected):
        verdict = "pass" if evidence == b"quote over " + expected.binder else "fail"
        return AttestationResult((Check("extraData", verdict, "compared", b"\1", b"\2", "a clause"),), expected.binder)


class Deaf(Talker):
    """Stands where an attesting end should, and never shows anything."""


class Recorded(AuthenticatorExchange):
    """Answers with an authenticator made for an earlier request of the same connection."""

    def answer(self, asked: bytes) -> bytes:
        facts = exporter_facts(self._connection, "server", bytes(32))
        evidence = self._guard.evidence(facts)
        earlier = tls.authenticators.request(
            other_end(self._connection), [e for e in parsed(asked).extensions if e.type == 0xFF54], bytes(32)
        )
        return answer(self._connection, earlier, evidence)


class Replaying(Exported):
    def __init__(self, inner, guard, connection) -> None:
        super().__init__(inner, guard, connection)
        self._exchange = Recorded(guard, connection)


def parsed(asked: bytes):
    return tls.parse_message(22, asked, tls.CipherSuite.TLS_AES_128_GCM_SHA256, tls.Version.TLS13)


ENDS: dict[int, tls.Client] = {}


def other_end(connection):
    return ENDS[id(connection)]


def guard(role: str, attester, trace: Trace) -> Guard:
    party = trace.party("teller" if role == "client" else "bank")
    return Guard(DESIGN, role, party=party, connection="c", attester=attester, verifier=Comparing())


def settings() -> dict[str, object]:
    return {
        "versions": (tls.Version.TLS13,),
        "cipher_suites": (tls.CipherSuite.TLS_AES_128_GCM_SHA256,),
        "trust": [root().certificate],
    }


class Stage:
    """A teller and a bank on a wire; what stands inside the channel of each may be replaced."""

    def __init__(self, *, bank=Exported, bank_attester=None, teller_attester=None, bank_key=None) -> None:
        self.trace = Trace()
        mine, theirs = client_identity("ECDSA"), server_identity("ECDSA")
        client = tls.Client(
            tls.ClientConfig(server_name="bank.example", certificates=(mine.der,), key=mine.key, **settings())
        )
        server = tls.Server(
            tls.ServerConfig(
                certificates=(theirs.der,), key=bank_key or theirs.key, client_certificate="require", **settings()
            )
        )
        ENDS[id(server)] = client
        self.attesters = teller_attester or Quoting(), bank_attester or Quoting()
        self.teller_says, self.bank_says = Talker(b"the PIN"), Talker(b"")
        teller = Exported(self.teller_says, guard("client", self.attesters[0], self.trace), client)
        inside = (
            bank(b"") if bank is Deaf else bank(self.bank_says, guard("server", self.attesters[1], self.trace), server)
        )
        self.teller, self.bank = TlsEndpoint(client, teller), TlsEndpoint(server, inside)

    def run(self) -> Stage:
        for _ in range(100):
            to_bank, to_teller = self.teller.data_to_send(), self.bank.data_to_send()
            if not to_bank and not to_teller:
                break
            self.bank.receive(to_bank)
            self.teller.receive(to_teller)
        return self

    def refusals(self) -> list[str]:
        return [str(e.data["refused_by"]) for e in self.trace.select("appraisal", name="refused")]


def test_both_ends_prove_and_only_then_the_application_speaks():
    stage = Stage().run()
    assert (stage.teller_says.connections, stage.bank_says.connections) == (1, 1)
    assert stage.bank_says.heard == b"the PIN"
    assert stage.refusals() == []


def test_the_trace_shows_every_message_of_the_exchange_as_written_and_as_read():
    stage = Stage().run()
    shown = stage.trace.select("authenticator")
    written = [(e.direction, e.name, e.raw) for e in shown if e.sent]
    read = [(e.direction, e.name, e.raw) for e in shown if not e.sent]
    assert sorted(written) == sorted(read)
    proof = ["Certificate", "CertificateVerify", "Finished"]
    assert [n for d, n, _ in written if d == "client"] == ["ClientCertificateRequest", *proof]
    assert [n for d, n, _ in written if d == "server"] == ["CertificateRequest", *proof]


def test_two_connections_and_two_roles_never_share_a_binder():
    one, two = Stage().run(), Stage().run()
    binders = [b for stage in (one, two) for attester in stage.attesters for b in attester.binders]
    assert len(binders) == len(set(binders)) == 4


def test_an_exporter_is_taken_over_role_and_context():
    client = Stage().run().teller.connection
    facts = [
        getattr(exporter_facts(client, role, c), f"exporter_{role}")
        for role in ("server", "client")
        for c in (b"a", b"b")
    ]
    assert len(set(facts)) == 4
    assert {len(f) for f in facts} == {32}


def test_each_request_has_32_fresh_octets_of_context():
    client = Stage().run().teller.connection
    contexts = {context_of(request(client)) for _ in range(8)}
    assert len(contexts) == 8
    assert {len(c) for c in contexts} == {32}


def test_an_authenticator_for_an_earlier_request_of_this_connection_is_refused():
    stage = Stage(bank=Replaying).run()
    assert stage.refusals()[0] == "authenticator"
    assert stage.teller_says.connections == 0


def test_a_peer_that_shows_nothing_hears_nothing():
    stage = Stage(bank=Deaf).run()
    assert stage.teller_says.connections == 0
    assert b"PIN" not in stage.bank.application.heard
    stage.bank.connection.close()
    stage.run()
    assert "before the evidence was accepted" in str(stage.teller_says.error)


@pytest.mark.parametrize("size", [65_200, 65_529, 65_530, 70_000])
def test_evidence_that_does_not_fit_ends_the_channel_before_it_is_sent(size):
    class Verbose(Quoting):
        def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
            return bytes(size)

    stage = Stage(bank_attester=Verbose()).run()
    assert isinstance(stage.bank.error, tls.InternalError)
    assert stage.refusals() == []
    assert stage.teller_says.connections == 0


def test_a_refusal_goes_out_as_access_denied():
    stage = Stage(bank_attester=Lying()).run()
    assert isinstance(stage.teller_says.error, tls.AccessDenied)
    assert isinstance(stage.bank.error, tls.PeerAlert)
    assert stage.bank.error.alert.code == 49


class Stubborn:
    """A key in a TPM that refuses once the handshake is over."""

    def __init__(self, key) -> None:
        self.key, self.used = key, 0

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        self.used += 1
        if self.used > 1:
            raise OSError("the TPM is off")
        return tls.perform(tls.KeyOperationWanted(operation, self.key, data, scheme))


def test_a_key_that_refuses_to_sign_ends_the_channel_without_blaming_the_peer():
    stage = Stage(bank_key=Stubborn(server_identity("ECDSA").key)).run()
    assert stage.refusals() == []
    assert isinstance(stage.bank.error, tls.InternalError)
    assert "the TPM is off" in str(stage.bank.error)
    assert stage.teller_says.connections == 0


def test_a_machine_that_cannot_attest_ends_the_channel():
    stage = Stage(bank_attester=Quoting(AttestationFailure("the TPM is off"))).run()
    assert (stage.teller_says.connections, stage.bank_says.connections) == (0, 0)
    assert stage.bank.closed
    assert stage.teller_says.ended


class Lying(Quoting):
    """Quotes another binder than it was asked for."""

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        return super().attest(bytes(32), prove_key=prove_key)


@pytest.mark.parametrize(("liar", "victim"), [("bank_attester", "teller_says"), ("teller_attester", "bank_says")])
def test_evidence_over_another_binder_is_refused_by_either_end(liar, victim):
    stage = Stage(**{liar: Lying()}).run()
    assert stage.refusals() == ["extraData"]
    assert getattr(stage, victim).connections == 0
    assert stage.bank_says.heard == b""


@pytest.mark.parametrize(
    "octets", [b"", b"\0", b"\x0d\0\0\1\0", b"\x11\0\0\0", b"nonsense, and a lot of it", bytes(300)]
)
@pytest.mark.parametrize("number", [1, 2], ids=["as the request", "as the authenticator"])
def test_nonsense_in_a_frame_is_a_refusal_and_never_a_foreign_exception(octets, number):
    class Babbling(Talker):
        def __init__(self, _inner, _guard, connection):
            super().__init__(b"")
            good = [] if number == 1 else [lambda: frame(request(connection))]
            self.frames = [*good, lambda: frame(octets)]

        def connected(self) -> bytes:
            return b"".join(make() for make in self.frames)

    stage = Stage(bank=Babbling).run()
    assert stage.refusals() == ["authenticator"]
    assert stage.teller_says.connections == 0


def test_another_certificate_than_the_handshakes_is_refused():
    class Lending(AuthenticatorExchange):
        def answer(self, asked: bytes) -> bytes:
            other = server_identity("RSA")
            body = tls.Extension(tls.ExtensionType.ATTESTATION, b"\0\1e")
            unsigned = tls.authenticators.prepare(self._connection, asked, [other.der], [body])
            wanted = tls.KeyOperationWanted("sign", other.key, unsigned.data, unsigned.scheme)
            return unsigned.finish(tls.perform(wanted))

    class Another(Exported):
        def __init__(self, inner, guard, connection) -> None:
            super().__init__(inner, guard, connection)
            self._exchange = Lending(guard, connection)

    stage = Stage(bank=Another).run()
    assert stage.refusals() == ["authenticator"]
    assert "another certificate" in stage.trace.select("appraisal", name="refused")[0].data["sentence"]


def test_a_request_that_no_certificate_fits_is_declined_and_the_asker_says_so(monkeypatch):
    prepare = authenticators.prepare

    def unable(connection, asked, *rest):
        if connection.role == "server":
            raise authenticators.NothingInCommonError("as if the request had named schemes of other keys only")
        return prepare(connection, asked, *rest)

    monkeypatch.setattr(authenticators, "prepare", unable)
    stage = Stage().run()
    assert isinstance(stage.teller_says.error, tls.BadCertificate)
    assert "an empty authenticator: no certificate of the peer fits our request" in str(stage.teller_says.error)
    assert isinstance(stage.bank.error, tls.PeerAlert)  # it did not blame itself, nor anybody
    assert stage.teller_says.connections == 0
