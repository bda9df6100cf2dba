"""ESAPI and the commands made by hand work on the same objects, on one path, and fail in one family of errors."""

from __future__ import annotations

import ast
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tpm2_pytss import ESYS_TR

import trustlab.tpm
from trustlab.tpm import (
    Credential,
    GateRefused,
    Platform,
    TpmDead,
    TpmError,
    TpmOff,
    TpmResponseError,
    TpmTimeout,
    TssError,
    activate,
    create_ak,
    create_ek,
    create_primary,
    create_srk,
    create_tls_key,
    load_key,
    quote,
    sign,
)
from trustlab.tpm.commands import CODES
from trustlab.tpm.keys import public_of
from trustlab.tpm.tcti import ClientTcti
from trustlab.tpm.templates import ak_template, template
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tpm_machine import Machine

    from trustlab.tpm import TpmClient

HOT = {"Quote", "CertifyCreation", "Certify", "Sign", "RSA_Decrypt"}
SESSION = {"StartAuthSession", "PolicyPCR", "PolicyLocality", "PolicyRestart", "FlushContext"}
OWNER = 0x40000001


def commands_made_by_hand(path: Path) -> set[str]:
    """Find the names of commands in calls such as `client.ask("Quote", ...)`, `authorized(tpm, policy, "Quote", ...)`."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    constants = (arg.value for call in calls for arg in call.args[:3] if isinstance(arg, ast.Constant))
    return {value for value in constants if value in CODES}


def test_only_the_commands_of_a_handshake_are_made_by_hand() -> None:
    room = Path(trustlab.tpm.__file__).parent
    by_hand = {path.name: names for path in room.glob("*.py") if (names := commands_made_by_hand(path))}
    assert by_hand == {"fast_commands.py": HOT, "policy.py": SESSION, "client.py": {"FlushContext"}}


def test_an_object_that_esapi_made_is_used_by_hand_under_the_same_handle(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    assert ak.handle in machine.hypersafe.space.objects
    assert quote(machine.hypersafe, ak, bytes(32)).attest
    public, name, _ = machine.hypersafe.esys.read_public(machine.hypersafe.esys.resource(ak.handle))
    assert bytes(name) == ak.name
    assert public.publicArea.marshal() == ak.public


def test_esapi_meets_a_lent_object_by_reading_its_public_area(machine: Machine) -> None:
    srk = create_srk(machine.hypersafe)
    machine.platform.lend(srk, owner=machine.hypersafe, to=machine.alice)
    _, name, _ = machine.alice.esys.read_public(machine.alice.esys.resource(srk.handle))
    assert bytes(name) == srk.name


def test_esapi_never_meets_a_foreign_object(machine: Machine) -> None:
    srk = create_srk(machine.hypersafe)
    with pytest.raises(GateRefused):
        machine.alice.esys.resource(srk.handle)


def test_the_authorisation_area_of_an_esapi_command_is_decoded_like_any(machine: Machine) -> None:
    create_srk(machine.hypersafe)
    event = machine.trace.select("tpm.command", name="TPM2_CreatePrimary")[-1]
    named = {span.name: span.value for span in event.spans}
    assert named["primaryHandle"] == "TPM_RH_OWNER"
    assert named["auth[0].sessionHandle"] == "TPM_RS_PW"
    covered = {octet for span in event.spans for octet in range(span.start, span.end)}
    assert covered == set(range(len(event.raw)))


def test_enrolment_leaves_no_session_and_no_password_behind(machine: Machine) -> None:
    ek, ak = create_ek(machine.hypersafe), create_ak(machine.hypersafe)
    challenge = machine.privacy_ca.challenge(machine.maker.certify(ek.public), ak.public)
    before = set(machine.hypersafe.space.sessions)
    secret = activate(machine.hypersafe, ek, ak, challenge.credential)
    assert machine.privacy_ca.issue(challenge.number, secret)
    assert set(machine.hypersafe.space.sessions) == before
    with pytest.raises(TpmResponseError):
        activate(machine.hypersafe, ek, ak, Credential(bytes(40), challenge.credential.secret))
    assert set(machine.hypersafe.space.sessions) == before


def test_esapi_goes_on_after_a_power_cycle_without_the_old_objects(machine: Machine) -> None:
    esys, srk = machine.hypersafe.esys, create_srk(machine.hypersafe)
    machine.platform.power_off()
    with pytest.raises(TpmOff):
        esys.get_random(8)
    machine.platform.power_on()
    machine.relaunch()
    assert len(esys.get_random(8)) == 8
    with pytest.raises(GateRefused, match="foreign handle"):
        esys.resource(srk.handle)
    assert create_srk(machine.hypersafe).name == srk.name


def test_objects_of_a_snapshot_are_esapis_again_after_its_restoration(machine: Machine) -> None:
    srk = create_srk(machine.hypersafe)
    snapshot = machine.platform.snapshot()
    machine.platform.restore(snapshot)
    assert bytes(machine.hypersafe.esys.read_public(machine.hypersafe.esys.resource(srk.handle))[1]) == srk.name
    machine.hypersafe.flush(srk)
    assert srk.handle not in machine.hypersafe.space.objects


def test_threads_share_one_esapi_context(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")

    def work(number: int) -> int:
        client = machine.hypersafe
        match number % 4:
            case 0:
                client.flush(create_srk(client))
            case 1:
                return len(client.random(8))
            case 2:
                return len(client.pcr_read((17, 18, 19))) + 5
            case _:
                assert sign(client, key, bytes(32))
        return 8

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(80))) == [8] * 80


def test_an_interrupt_under_esapi_arrives_as_what_it_is(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(octets: bytes, timeout: float | None = None) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(machine.hypersafe, "transmit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            machine.hypersafe.random(8)
    assert len(machine.hypersafe.random(8)) == 8


def test_an_interrupt_before_anything_was_sent_leaves_esapi_usable(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ClientTcti, "do_transmit", lambda *_: None)
        with pytest.raises(KeyboardInterrupt, match="before it was sent"):
            machine.hypersafe.random(8)
    assert len(machine.hypersafe.random(8)) == 8


@pytest.mark.parametrize(
    ("end", "error"), [(signal.SIGKILL, TpmDead), (signal.SIGSTOP, TpmTimeout)], ids=["dies", "hangs"]
)
def test_a_tpm_that_ends_in_the_middle_of_a_long_command_says_so_and_comes_back(
    end: signal.Signals, error: type[TpmError]
) -> None:
    trace = Trace()
    with Platform("bank", trace.party("bank"), timeout=2) as platform, ThreadPoolExecutor(1) as pool:
        client = platform.client("HyperSafe", 2)
        ek = create_ek(client, "ecc").name
        making = pool.submit(_make_rsa_keys_for_ever, client)
        while not trace.select("tpm.command", name="TPM2_Create"):
            time.sleep(0.001)
        os.kill(platform.tpm.pid, end)  # type: ignore[attr-defined]
        began = time.monotonic()
        with pytest.raises(error, match="switch it off and on" if error is TpmTimeout else "signal|status|went away"):
            making.result(30)
        assert time.monotonic() - began < 10
        with pytest.raises(TpmDead):
            client.random(8)
        platform.cycle()
        assert create_ek(client, "ecc").name == ek


def _make_rsa_keys_for_ever(client: TpmClient) -> None:
    while True:
        client.flush(create_tls_key(client, "rsa-sign", policy="password"))


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("a digest of another size", lambda m: m.hypersafe.pcr_extend(16, bytes(20))),
        ("no such PCR", lambda m: m.hypersafe.pcr_extend(99, bytes(32))),
        ("a negative PCR", lambda m: m.hypersafe.pcr_reset(-1)),
        ("no PCR to read", lambda m: m.hypersafe.pcr_read((17, 24))),
        ("more octets than a UINT16 counts", lambda m: m.hypersafe.random(70_000)),
        ("no public area", lambda m: create_primary(m.hypersafe, OWNER, b"not a public area")),
        ("octets behind the public area", lambda m: create_primary(m.hypersafe, OWNER, ak_template(b"") + b"\0")),
        ("a credential larger than the TSS's", lambda m: _activate(m, Credential(bytes(5000), b""))),
        ("a secret larger than the TSS's", lambda m: _activate(m, Credential(b"", bytes(5000)))),
        ("words that are no template", lambda _: template("ecc256:rot13", 0)),
        ("an empty public area", lambda _: public_of(b"")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_tss_cannot_put_into_a_command_is_a_typed_error(
    machine: Machine, name: str, work: Callable[[Machine], object]
) -> None:
    with pytest.raises(TssError):
        work(machine)
    assert machine.hypersafe.random(8), name


def _activate(machine: Machine, credential: Credential) -> bytes:
    return activate(machine.hypersafe, create_ek(machine.hypersafe), create_ak(machine.hypersafe), credential)


def test_a_private_part_of_another_tpm_is_the_tpms_to_refuse(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    other = create_tls_key(machine.hypersafe, "ecdsa")
    mixed = type(key)(key.handle, key.public, key.policy, private=other.private)
    objects = len(machine.hypersafe.space.objects)
    with pytest.raises(TpmResponseError) as caught:
        load_key(machine.hypersafe, mixed)
    assert caught.value.command == "TPM2_Load"
    assert len(machine.hypersafe.space.objects) == objects, "the parent is flushed"


def test_a_refusal_of_the_tpm_names_command_and_code(machine: Machine) -> None:
    with pytest.raises(TpmResponseError) as caught:
        machine.alice.esys.pcr_reset(ESYS_TR.PCR17)
    assert (caught.value.command, caught.value.rc_name) == ("TPM2_PCR_Reset", "TPM_RC_LOCALITY")
