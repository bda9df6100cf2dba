"""Endpoints join engine, keys, guard and application over a wire: the passage without TPMs, and plain TLS by OpenSSL."""

from __future__ import annotations

import datetime as dt
import gc

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from trustlab import tls
from trustlab.passage import OpenSslEndpoint, TlsEndpoint
from trustlab.passage.endpoint import operate
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace
from trustlab.wire import MemoryNetwork

NAME = "bank.example"
SUITE = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)


class Echo:
    """Says the same back and leaves."""

    def __init__(self) -> None:
        self.finished = False
        self.error = None
        self.over = False

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        self.finished = True
        return data.upper()

    def closed(self, error: Exception | None) -> None:
        self.over, self.error = True, error


class Caller(Echo):
    """Says something and keeps the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = b""

    def connected(self) -> bytes:
        return b"hello"

    def received(self, data: bytes) -> bytes:
        self.heard += data
        self.finished = True
        return b""


class HeldElsewhere:
    """A key that is not here: it counts how often it was used, or fails."""

    def __init__(self, key: rsa.RSAPrivateKey, error: Exception | None = None) -> None:
        self.key, self.error, self.used = key, error, []

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        self.used.append(operation)
        if self.error:
            raise self.error
        return self.key.decrypt(data, padding.PKCS1v15())


@pytest.fixture(scope="module")
def pki():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = {
        name: name in ("digital_signature", "key_encipherment", "key_cert_sign")
        for name in (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        )
    }
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(ski, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def pem(pki) -> tuple[str, str]:
    certificate, key = pki
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key.private_bytes(*form).decode()


def meet(client, server):
    network = MemoryNetwork(client.trace if hasattr(client, "trace") else Trace())
    network.attach("teller")
    network.attach("bank")
    network.listen("bank", 443, lambda _: server)
    connection = network.connect("teller", "bank", 443, client)
    network.run()
    return connection


def ours(pki, key):
    certificate, _ = pki
    common = {
        "versions": (tls.Version.TLS12,),
        "cipher_suites": SUITE,
        "extended_master_secret": False,
    }
    client = tls.Client(UncheckedClientConfig(server_name=NAME, **common))
    der = certificate.public_bytes(serialization.Encoding.DER)
    server = tls.Server(tls.ServerConfig(certificates=(der,), key=key, **common))
    return TlsEndpoint(client, Caller()), TlsEndpoint(server, Echo())


def test_a_key_held_elsewhere_opens_the_pre_master_secret(pki):
    key = HeldElsewhere(pki[1])
    client, server = ours(pki, key)
    assert not meet(client, server).open
    assert key.used == ["rsa-decrypt"]
    assert client.application.heard == b"HELLO"
    assert (client.error, server.error) == (None, None)


def test_a_key_that_fails_looks_like_a_wrong_secret_to_the_peer(pki):
    client, server = ours(pki, HeldElsewhere(pki[1], RuntimeError("the TPM says 0x101")))
    meet(client, server)
    assert client.application.heard == b""
    assert isinstance(server.error, tls.Alert)
    assert server.error.code in (20, 51)
    assert "0x101" not in str(client.error)


def test_something_that_is_no_key_is_named_and_fails_closed(pki):
    client, server = ours(pki, object())
    meet(client, server)
    assert client.application.heard == b""
    assert client.application.over
    assert server.application.error is not None


def test_openssl_talks_to_openssl_and_tells_its_keys_to_its_own_party_only(pki):
    trace = Trace()
    certificate, key = pem(pki)
    caller, echo = Caller(), Echo()
    client = OpenSslEndpoint.client(
        caller, party=trace.party("teller"), connection="c", server_name=NAME, roots_pem=certificate, check=False
    )
    server = OpenSslEndpoint.server(
        echo, party=trace.party("bank"), connection="c", chain_pem=[certificate], key_pem=key
    )
    assert not meet(client, server).open
    assert caller.heard == b"HELLO"
    held = [(e.party, e.raw) for e in trace.select("secret")]
    assert [party for party, _ in held] == ["teller", "bank"]
    assert held[0][1] == held[1][1]
    assert held[0][1].hex() not in repr(list(trace))


def test_openssl_refuses_a_certificate_nobody_vouches_for(pki):
    trace = Trace()
    certificate, key = pem(pki)
    caller = Caller()
    client = OpenSslEndpoint.client(
        caller, party=trace.party("teller"), connection="c", server_name="other.example", roots_pem=certificate
    )
    server = OpenSslEndpoint.server(
        Echo(), party=trace.party("bank"), connection="c", chain_pem=[certificate], key_pem=key
    )
    meet(client, server)
    assert "certificate verify failed" in str(client.error)
    assert caller.heard == b""


def test_openssl_asks_for_an_internationalised_name_by_its_a_label(pki):
    """Python's own codec is IDNA 2003 and would ask for fass.example, which is another host."""
    certificate, _ = pem(pki)
    client = OpenSslEndpoint.client(
        Caller(), party=Trace().party("teller"), connection="c", server_name="faß.example", roots_pem=certificate
    )
    assert b"\0\x12xn--fa-hia.example" in client.data_to_send()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x40\x01" + bytes(200), b"GET / HTTP/1.1\r\n\r\n", bytes(5)])
def test_garbage_ends_either_kind_of_endpoint_with_a_typed_error(pki, garbage):
    certificate, key = pem(pki)
    _, server = ours(pki, pki[1])
    other = OpenSslEndpoint.server(
        Echo(), party=Trace().party("bank"), connection="c", chain_pem=[certificate], key_pem=key
    )
    for end in (server, other):
        end.receive(garbage)
        end.eof_received()
        end.data_to_send()
        assert end.closed
        assert end.application.over
        assert end.error is not None


def openssl(pki, *, names=(NAME, NAME), applications=None, check=False):
    """Return both ends by OpenSSL, for names that the client asks for and the certificate has."""
    trace = Trace()
    certificate, key = pem(pki)
    caller, echo = applications or (Caller(), Echo())
    return OpenSslEndpoint.client(
        caller, party=trace.party("teller"), connection="c", server_name=names[0], roots_pem=certificate, check=check
    ), OpenSslEndpoint.server(echo, party=trace.party("bank"), connection="c", chain_pem=[certificate], key_pem=key)


def exchange(client, server, rounds=4):
    for _ in range(rounds):
        server.receive(client.data_to_send())
        client.receive(server.data_to_send())


class Quiet(Caller):
    """Says nothing by itself and stays."""

    waits_for = "the teller's order"

    def __init__(self) -> None:
        super().__init__()
        self.ends = []

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        self.heard += data
        return b""

    def closed(self, error: Exception | None) -> None:
        self.ends.append(error)


def test_openssl_says_what_it_waits_for_and_how_much_is_here(pki):
    client, server = openssl(pki, applications=(Quiet(), Quiet()))
    handshake = "the handshake's next message"
    assert server.waits_for == f"{handshake}: no octet of it is here"
    hello = client.data_to_send()
    server.receive(hello[:3])
    assert server.waits_for == f"{handshake}: 2 more octets of a record's header (3 of 5 are here)"
    server.receive(hello[3:20])
    assert server.waits_for == f"{handshake}: {len(hello) - 20} more octets of a record (20 of {len(hello)} are here)"
    server.receive(hello[20:])
    assert server.waits_for == f"{handshake}: no octet of it is here"
    client.receive(server.data_to_send())
    exchange(client, server)
    assert client.waits_for == server.waits_for == "application data: no octet of it is here"
    client.close()
    assert client.waits_for == ""


def test_openssl_keeps_what_is_written_early_and_sends_what_is_written_late(pki):
    client, server = openssl(pki, applications=(Quiet(), Quiet()))
    client.write(b"early")
    client.write(b", and more")
    exchange(client, server)
    assert server.application.heard == b"early, and more"
    client.write(b"")
    assert client.data_to_send() == b""
    client.write(b" late")
    exchange(client, server)
    assert server.application.heard == b"early, and more late"
    client.close()
    assert client.closed
    assert len(client.data_to_send()) > 0
    client.write(b"too late")
    assert client.data_to_send() == b""


def test_openssl_closes_once_and_tells_each_application_once(pki):
    client, server = openssl(pki, applications=(Quiet(), Quiet()))
    exchange(client, server)
    for _ in range(2):
        client.close()
        exchange(client, server)
    for end in (client, server):
        end.eof_received()
        assert end.closed
    assert client.application.ends == server.application.ends == [None]
    assert (client.error, server.error) == (None, None)


def test_openssl_accepts_the_name_of_the_certificate_and_no_other(pki):
    client, server = openssl(pki, check=True)
    exchange(client, server)
    assert client.error is None
    assert client.application.heard == b"HELLO"
    client, server = openssl(pki, names=("other.example", NAME), check=True)
    exchange(client, server)
    assert "Hostname mismatch" in str(client.error)
    assert client.application.heard == b""


@pytest.mark.parametrize("whose", ["client", "server"])
def test_a_peer_that_leaves_in_the_handshake_is_an_error_with_openssl(pki, whose):
    end = dict(zip(("client", "server"), openssl(pki, applications=(Quiet(), Quiet())), strict=True))[whose]
    end.data_to_send()
    end.eof_received()
    assert end.closed
    assert end.error is not None
    assert end.application.ends == [end.error]


def test_without_memory_files_a_private_folder_holds_the_keys_and_goes_with_its_owner(pki, monkeypatch, tmp_path):
    monkeypatch.delattr("os.memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client, server = openssl(pki)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 3  # a key log each, and the server's key
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}
    assert {(path / "file").stat().st_mode & 0o777 for path in made} == {0o600}
    assert not any("PRIVATE KEY" in (path / "file").read_text() for path in made)
    exchange(client, server)
    assert client.application.heard == b"HELLO"
    del client, server
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def quiet_ends(pki):
    """Return both ends on our engine with applications that stay."""
    client, server = ours(pki, pki[1])
    client.application, server.application = Quiet(), Quiet()
    return client, server


def test_an_end_says_what_its_application_waits_for_once_the_channel_stands(pki):
    client, server = quiet_ends(pki)
    assert server.waits_for == "ClientHello: no octet of it is here"
    exchange(client, server)
    assert client.waits_for == "the teller's order, in application data: no octet of it is here"
    client.application = Caller()
    assert client.waits_for == "application data: no octet of it is here"
    client.close()
    exchange(client, server)
    assert (client.closed, client.waits_for) == (True, "")


def test_each_application_is_told_the_end_once_whoever_closes(pki):
    for closing in (0, 1):
        ends = quiet_ends(pki)
        exchange(*ends)
        ends[closing].close()
        exchange(*ends)
        for end in ends:
            end.eof_received()
            end.pump()
            assert end.closed
            assert end.application.ends == [None]


def test_both_directions_close_at_once_unless_told_otherwise(pki):
    client, server = quiet_ends(pki)
    assert (client.half_close, server.half_close) == (False, False)
    exchange(client, server)
    client.close()
    server.receive(client.data_to_send())
    assert server.connection.closed


FACTS = tls.HandshakeFacts(nonce_C=bytes(32))


class Answered:
    """An engine that keeps the answers it gets."""

    def __init__(self) -> None:
        self.answers = []

    def answer(self, request: object, answer: object) -> None:
        self.answers.append(answer)


@pytest.mark.parametrize("request_", [tls.EvidenceWanted(FACTS), tls.EvidenceReceived(b"evidence", FACTS)])
def test_without_a_guard_evidence_is_neither_given_nor_taken(request_):
    engine = Answered()
    TlsEndpoint(engine, Quiet()).respond(request_)
    (alert,) = engine.answers
    assert isinstance(alert, tls.AccessDenied)
    assert "no guard" in str(alert)


def test_what_an_attack_would_intercept_stays_as_it_is():
    engine = Answered()
    TlsEndpoint(engine, Quiet()).respond(tls.PreMasterSecretReady(bytes(48)))
    assert engine.answers == [None]


def test_a_guard_hears_of_the_alert_that_ended_the_channel_and_of_nothing_else(pki):
    class Listening:
        def __init__(self) -> None:
            self.alerts = []

        def heard(self, alert: tls.Alert) -> None:
            self.alerts.append(alert.code)

    for alert, heard in ((tls.HandshakeFailure("enough"), [40]), (None, [])):
        client, server = quiet_ends(pki)
        client.guard = Listening()
        exchange(client, server)
        if alert is None:
            server.close()
        else:
            server.connection.abort(alert)
        exchange(client, server)
        assert client.closed
        assert client.guard.alerts == heard


@pytest.mark.parametrize("operation", ["sign", "rsa-decrypt"])
def test_what_is_no_key_is_named_with_what_it_should_do(operation):
    answer = operate(tls.KeyOperationWanted(operation, object(), b"", None))
    assert isinstance(answer, TypeError)
    assert f"a object cannot do {operation}: give a private key or a KeyHolder" in str(answer)
