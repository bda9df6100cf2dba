"""What goes beside the plain handshake, with OpenSSL at the other end: retries, new keys, padding, pieces, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ours import Ours, listener
from programs import Program, connect, running
from tls_identities import CLIENT_NAME, DAY, NAME, NOW, client_identity, issue, key, root, server_identity, stranger

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
X25519, P256 = tls.Group.X25519, tls.Group.SECP256R1
FLAGS = {TLS12: "-tls1_2", TLS13: "-tls1_3"}
ONE = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)


def client_config(version: tls.Version, **changes: Any) -> tls.ClientConfig:
    common: dict[str, Any] = {"versions": (version,), "server_name": NAME, "trust": [root().certificate]}
    return tls.ClientConfig(**(common | {"groups": (X25519, P256)} | changes))


def server_config(version: tls.Version, **changes: Any) -> tls.ServerConfig:
    identity = server_identity("ECDSA")
    common: dict[str, Any] = {"versions": (version,), "certificates": (identity.der,), "key": identity.key}
    return tls.ServerConfig(**(common | {"groups": (X25519, P256)} | changes))


def serving(pems: Path, log: Path, version: tls.Version, *flags: str) -> AbstractContextManager[Program]:
    own = ["-cert", str(pems / "server-ECDSA.pem"), "-key", str(pems / "server-ECDSA.key")]
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", FLAGS[version], "-CAfile", str(pems / "ca.pem")]
    return running([*command, *own, *flags], log)


def meet(program: Program, config: tls.ClientConfig) -> Ours:
    return Ours(tls.Client(config), connect(int(program.says(r"ACCEPT 127\.0\.0\.1:(\d+)\n"))))


def visiting(pems: Path, log: Path, port: int, version: tls.Version, *flags: str) -> AbstractContextManager[Program]:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME, FLAGS[version]]
    return running([*command, "-CAfile", str(pems / "ca.pem"), "-verify_return_error", *flags], log)


@pytest.fixture
def visited(pems: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[Ours, Program]]]:
    """Give a function that starts s_client and returns our server's end of its connection, and the program."""
    opened: list[Any] = []

    def start(config: tls.ServerConfig, *flags: str) -> tuple[Ours, Program]:
        door = listener()
        opened.append(door)
        running_ = visiting(pems, tmp_path / "log", door.getsockname()[1], config.versions[0], *flags)
        program = running_.__enter__()
        opened.append(running_)
        ours = Ours(tls.Server(config), door.accept()[0])
        opened.append(ours)
        return ours, program

    yield start
    for each in reversed(opened):
        each.__exit__(None, None, None)


def names(ours: Ours) -> list[str]:
    return [event.name for event in ours.messages]


def echo(ours: Ours, program: Program, word: str) -> None:
    """Say a word both ways; a line that begins with K, Q or R would be an order to OpenSSL's programs."""
    ours.send(f"{word} to them\n".encode())
    program.says(f"{word} to them")
    program.say(f"{word} to us\n".encode())
    ours.expect(f"{word} to us\n".encode())


def test_our_client_says_hello_again_for_s_server(pems: Path, tmp_path: Path) -> None:
    config = client_config(TLS13, key_shares=(X25519,))
    with serving(pems, tmp_path / "log", TLS13, "-groups", "P-256") as program, meet(program, config) as ours:
        echo(ours.handshake(), program, "hello")
    assert names(ours).count("ClientHello") == 2
    assert ours.group == P256


def test_our_client_says_hello_without_key_shares(pems: Path, tmp_path: Path) -> None:
    config = client_config(TLS13, key_shares=())
    with serving(pems, tmp_path / "log", TLS13) as program, meet(program, config) as ours:
        echo(ours.handshake(), program, "hello")
    assert "HelloRetryRequest" in names(ours)


def test_our_server_asks_s_client_for_another_share(visited: Any) -> None:
    ours, program = visited(server_config(TLS13, groups=(P256,)), "-groups", "X25519:P-256")
    echo(ours.handshake(), program, "hello")
    assert names(ours).count("ClientHello") == 2
    assert ours.group == P256


def test_s_client_updates_keys_and_asks_us_to(visited: Any) -> None:
    ours, program = visited(server_config(TLS13))
    echo(ours.handshake(), program, "before")
    program.say(b"K\n")
    program.says("KEYUPDATE")
    echo(ours, program, "after")
    assert names(ours).count("KeyUpdate") == 2


def test_we_update_keys_and_s_client_follows(visited: Any) -> None:
    ours, program = visited(server_config(TLS13))
    echo(ours.handshake(), program, "before")
    for number in range(3):
        ours.connection.update_keys(request_peer=True)
        echo(ours, program, f"after {number}")
    assert names(ours).count("KeyUpdate") == 6


def test_s_server_updates_keys_of_our_client(pems: Path, tmp_path: Path) -> None:
    with serving(pems, tmp_path / "log", TLS13) as program, meet(program, client_config(TLS13)) as ours:
        echo(ours.handshake(), program, "before")
        program.say(b"K\n")
        echo(ours, program, "after")
        assert names(ours).count("KeyUpdate") == 2


def test_padded_records_are_read_by_both(visited: Any) -> None:
    ours, program = visited(server_config(TLS13, padding=lambda length: -length % 512), "-record_padding", "256")
    echo(ours.handshake(), program, "padded")


@ONE
def test_small_pieces_are_read_by_both(version: tls.Version, visited: Any) -> None:
    ours, program = visited(server_config(version), "-max_send_frag", "512")
    ours.connection.records.max_fragment = 64
    echo(ours.handshake(), program, "pieces " * 100)


@ONE
def test_messages_together_in_a_record_are_read(version: tls.Version, visited: Any) -> None:
    ours, program = visited(server_config(version, coalesce=True))
    echo(ours.handshake(), program, "together")


@ONE
def test_a_session_is_never_resumed(version: tls.Version, pems: Path, tmp_path: Path) -> None:
    """s_client keeps its session and offers it to a second connection."""
    session = tmp_path / "session"
    for flag in ("-sess_out", "-sess_in"):
        with (
            listener() as door,
            visiting(pems, tmp_path / flag, door.getsockname()[1], version, flag, str(session)) as program,
            Ours(tls.Server(server_config(version)), door.accept()[0]) as ours,
        ):
            echo(ours.handshake(), program, "hello")
            assert program.says(r"(New|Reused), TLS") == "New"
            ours.close()
            program.process.wait(20)
        if not session.exists():
            return  # without a ticket or a session id there is nothing to keep


def test_renegotiation_is_refused_with_a_warning(visited: Any) -> None:
    ours, program = visited(server_config(TLS12))
    echo(ours.handshake(), program, "before")
    program.say(b"R\n")
    program.says("RENEGOTIATING")
    ours.until(lambda: any(isinstance(e, tls.AlertSent) for e in ours.events))
    sent = [e.alert for e in ours.events if isinstance(e, tls.AlertSent)]
    assert [type(alert) for alert in sent] == [tls.NoRenegotiation]


def old() -> Any:
    return issue(key("ECDSA", 7), NAME, root(), start=NOW - 9 * DAY, end=NOW - DAY)


REFUSALS = {
    "of-an-unknown-authority": (lambda: issue(key("ECDSA", 7), NAME, stranger()), tls.UnknownCa, "unknown ca"),
    "that-has-expired": (old, tls.CertificateExpired, "certificate expired"),
    "for-another-name": (
        lambda: issue(key("ECDSA", 7), "alice.example", root()),
        tls.CertificateUnknown,
        "certificate unknown",
    ),
}


@pytest.mark.parametrize("why", REFUSALS)
@ONE
def test_s_server_hears_why_we_refuse_a_certificate(why: str, version: tls.Version, tmp_path: Path) -> None:
    make, alert, words = REFUSALS[why]
    identity = make()
    (tmp_path / "c.pem").write_bytes(identity.pem)
    (tmp_path / "k.pem").write_bytes(identity.key_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", FLAGS[version], "-cert", str(tmp_path / "c.pem")]
    with (
        running([*command, "-key", str(tmp_path / "k.pem")], tmp_path / "log") as program,
        meet(program, client_config(version)) as ours,
    ):
        with pytest.raises(AssertionError):
            ours.handshake()
        program.says(f"alert {words}")
    assert type(ours.connection.error) is alert


@ONE
def test_we_hear_why_s_client_refuses_us(version: tls.Version, visited: Any) -> None:
    identity = issue(key("ECDSA", 7), NAME, stranger())
    ours, _ = visited(server_config(version, certificates=(identity.der,), key=identity.key))
    with pytest.raises(AssertionError):
        ours.handshake().expect(b"never")
    error = ours.connection.error
    assert isinstance(error, tls.PeerAlert)
    assert type(error.alert) is tls.UnknownCa


@ONE
def test_a_client_certificate_of_an_unknown_authority_is_refused(
    version: tls.Version, visited: Any, tmp_path: Path
) -> None:
    identity = issue(key("ECDSA", 7), CLIENT_NAME, stranger(), client=True)
    (tmp_path / "c.pem").write_bytes(identity.pem)
    (tmp_path / "k.pem").write_bytes(identity.key_pem)
    config = server_config(version, client_certificate="require", trust=[root().certificate])
    ours, program = visited(config, "-cert", str(tmp_path / "c.pem"), "-key", str(tmp_path / "k.pem"))
    with pytest.raises(AssertionError):
        ours.handshake()
    program.says("alert unknown ca")
    assert type(ours.connection.error) is tls.UnknownCa


@ONE
def test_a_requested_client_certificate_may_be_left_out(version: tls.Version, visited: Any) -> None:
    config = server_config(version, client_certificate="request", trust=[root().certificate])
    ours, program = visited(config)
    echo(ours.handshake(), program, "anonymous")
    assert ours.connection.peer_certificates == ()


@ONE
def test_a_required_client_certificate_may_not_be_left_out(version: tls.Version, visited: Any) -> None:
    config = server_config(version, client_certificate="require", trust=[root().certificate])
    ours, _ = visited(config)
    with pytest.raises(AssertionError):
        ours.handshake()
    due = tls.HandshakeFailure if version == TLS12 else tls.CertificateRequired
    assert type(ours.connection.error) is due


def test_a_client_of_both_versions_is_not_led_down(pems: Path, tmp_path: Path) -> None:
    """A server of TLS 1.2 is honest company; the key shares sent in vain do no harm."""
    config = client_config(TLS12, versions=(TLS12, TLS13))
    with serving(pems, tmp_path / "log", TLS12) as program, meet(program, config) as ours:
        echo(ours.handshake(), program, "down")
    assert ours.connection.version == TLS12


def test_a_server_of_both_versions_takes_the_better(visited: Any) -> None:
    ours, program = visited(server_config(TLS13, versions=(TLS13, TLS12)))
    echo(ours.handshake(), program, "up")
    assert ours.connection.version == TLS13


@ONE
def test_a_server_of_both_versions_serves_either_client(version: tls.Version, pems: Path, tmp_path: Path) -> None:
    config = server_config(TLS13, versions=(TLS12, TLS13))
    with (
        listener() as door,
        visiting(pems, tmp_path / "log", door.getsockname()[1], version) as program,
        Ours(tls.Server(config), door.accept()[0]) as ours,
    ):
        echo(ours.handshake(), program, "either")
    assert ours.connection.version == version


def larger(kind: str) -> Any:
    made = ec.generate_private_key(ec.SECP384R1()) if kind == "P-384" else rsa.generate_private_key(65537, 3072)
    return issue(made, NAME, root())


@pytest.mark.parametrize("kind", ["P-384", "RSA-3072"])
@ONE
def test_s_client_takes_a_larger_key_of_ours(kind: str, version: tls.Version, visited: Any) -> None:
    identity = larger(kind)
    ours, program = visited(server_config(version, certificates=(identity.der,), key=identity.key))
    echo(ours.handshake(), program, "large")


@pytest.mark.parametrize(
    ("kind", "version"),
    [("P-384", TLS13), ("RSA-3072", TLS13), ("RSA-3072", TLS12)],
    ids=["P-384-TLS-1.3", "RSA-3072-TLS-1.3", "RSA-3072-TLS-1.2"],
)
def test_we_take_a_larger_key_of_s_server(kind: str, version: tls.Version, tmp_path: Path) -> None:
    """With TLS 1.2 a P-384 certificate would need secp384r1 among our groups (RFC 8422 5.1)."""
    identity = larger(kind)
    (tmp_path / "c.pem").write_bytes(identity.pem)
    (tmp_path / "k.pem").write_bytes(identity.key_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", FLAGS[version], "-cert", str(tmp_path / "c.pem")]
    with (
        running([*command, "-key", str(tmp_path / "k.pem")], tmp_path / "log") as program,
        meet(program, client_config(version)) as ours,
    ):
        echo(ours.handshake(), program, "large")


def test_client_identities_are_told_apart(visited: Any, pems: Path) -> None:
    config = server_config(TLS13, client_certificate="require", trust=[root().certificate])
    ours, program = visited(config, "-cert", str(pems / "client-RSA.pem"), "-key", str(pems / "client-RSA.key"))
    echo(ours.handshake(), program, "by name")
    assert ours.connection.peer_certificates[0] == client_identity("RSA").der
