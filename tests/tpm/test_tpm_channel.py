"""The channel to an emulator: one question, one answer, each in its time; and what else ends a TPM."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustlab.tpm import EnrolmentRefused, Platform, Swtpm, TpmDead, TpmStartError, TpmTimeout
from trustlab.tpm.channel import Channel
from trustlab.tpm.credential import make_credential
from trustlab.tpm.maker import from_pem
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, lambda error: error, lambda: "its last words"), theirs


def test_an_answer_is_read_in_pieces_with_the_time_of_the_last(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    before = time.time()
    channel.ask(b"question", "Quote", 5)
    assert theirs.recv(100) == b"question"
    theirs.sendall(b"abc")
    theirs.sendall(b"defgh")
    assert channel.read(4, 5) in (b"abcd", b"abcde")
    assert before <= channel.came <= time.time()
    channel.answered()
    channel.ask(b"next", "Sign", 5)


def test_a_question_waits_for_the_answer_before_unless_it_may_stand_behind(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    channel.ask(b"one", "Quote", 5)
    channel.ask(b"two", "Sign", 5, behind=True)
    theirs.sendall(b"12")
    for _ in range(2):
        with pytest.raises(TpmDead, match="'Sign' was interrupted before its answer came"):
            channel.ask(b"three", "Load", 5)
        assert len(channel.read(1, 1)) == 1
        channel.answered()
    channel.ask(b"three", "Load", 5)


def test_no_answer_in_time_and_no_room_for_a_question_are_timeouts(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    channel.ask(b"question", "Quote", 0.05)
    with pytest.raises(TpmTimeout, match=r"no answer within 0\.05 s to 'Quote'"):
        channel.read(1, 1)
    channel.answered()
    with pytest.raises(TpmTimeout, match="to 'Sign'"):
        channel.ask(bytes(1 << 24), "Sign", 0.05)


@pytest.mark.parametrize("said", [b"", b"abc"])
def test_a_tpm_that_goes_away_says_its_last_words(ends: tuple[Channel, socket.socket], said: bytes) -> None:
    channel, theirs = ends
    channel.ask(b"question", "Quote", 5)
    theirs.recv(100)
    theirs.sendall(said)
    theirs.close()
    with pytest.raises(TpmDead, match="the TPM went away during 'Quote': its last words"):
        channel.read(4, 4)
    channel.answered()
    with pytest.raises(TpmDead, match="went away during 'Sign'"):
        channel.ask(b"question", "Sign", 5)


def test_an_emulator_that_is_off_has_no_descriptor_and_one_that_is_not_there_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tpm = Swtpm()
    with contextlib.closing(tpm):
        with pytest.raises(TpmDead, match="the TPM process is not running"):
            tpm.fileno()
        assert tpm.state.is_dir()
        before = len(list(Path("/proc/self/fd").iterdir()))
        monkeypatch.setattr("subprocess.Popen", refuse)
        with pytest.raises(TpmStartError, match=r"cannot start swtpm: .*no processes left"):
            tpm.start()
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def refuse(*_: object, **__: object) -> None:
    raise BlockingIOError(11, "no processes left")


def test_a_tpm_that_dies_at_its_startup_did_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform("bank", Trace().party("bank"))
    try:
        monkeypatch.setattr(Swtpm, "send", die)
        with pytest.raises(TpmStartError, match="the TPM of bank did not start: it went away"):
            platform.power_on()
        monkeypatch.undo()
        platform.power_on()
        assert platform.client("owner").random(4)
    finally:
        platform.close()


def die(*_: object, **__: object) -> None:
    raise TpmDead("it went away")


def test_only_keys_of_the_ek_profile_get_a_credential() -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - the point
    with pytest.raises(EnrolmentRefused, match="an RSA EK of 1024 bits is not a kind that this CA knows"):
        make_credential(key, b"\0\x0b" + bytes(32), bytes(32))


def test_what_was_kept_of_a_maker_is_an_elliptic_curve_key() -> None:
    kept = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="is not an elliptic curve key"):
        from_pem(kept)
