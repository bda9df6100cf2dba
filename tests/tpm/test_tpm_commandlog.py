"""The command log: every octet named, secrets out of the ordinary events, and nothing that Alice sends makes it stumble."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from tpm2_pytss.constants import TPM2_RC

from trustlab.octets import sized, u16
from trustlab.tpm import (
    certify_creation,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    quote,
    rsa_decrypt,
    sign,
)
from trustlab.tpm.commandlog import CommandLog
from trustlab.tpm.commands import CODES, COMMANDS
from trustlab.tpm.decode import DecodedCommand, decode_command, decode_response
from trustlab.tpm.framing import PASSWORD, RH_ENDORSEMENT, authorization, command
from trustlab.tpm.responses import rc_name
from trustlab.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from tpm_machine import Machine

    from trustlab.tpm import Platform


def covers(decoded: DecodedCommand, raw: bytes) -> bool:
    named = [False] * len(raw)
    for span in decoded.spans:
        assert 0 <= span.start < span.end <= len(raw)
        named[span.start : span.end] = [True] * (span.end - span.start)
    return all(named)


def test_every_octet_of_the_labs_commands_and_responses_is_named(machine: Machine) -> None:
    client = machine.hypersafe
    ek, ak = create_ek(client), create_ak(client)
    enrol(client, ek, machine.maker.certify(ek.public), ak, machine.privacy_ca)
    key, signer = create_tls_key(client, "rsa-decrypt"), create_tls_key(client, "ecdsa")
    quote(client, ak, bytes(32))
    certify_creation(client, ak, key, bytes(32))
    rsa_decrypt(client, key, key.public_key.encrypt(b"x" * 48, padding.PKCS1v15()))  # type: ignore[union-attr]
    sign(client, signer, bytes(32))
    client.random(8)
    seen = set()
    for event in machine.trace.select("tpm"):
        named = {n for span in event.spans for n in range(span.start, span.end)}
        assert named == set(range(len(event.raw))), event
        assert not [span for span in event.spans if span.name.endswith(("unparsed", "parameters"))], event
        seen.add(event.name)
    assert {"TPM2_Quote", "TPM2_ActivateCredential", "TPM2_CertifyCreation", "TPM2_RSA_Decrypt", "TPM2_Sign"} <= seen


def test_nested_fields_lie_inside_their_parents(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    quote(machine.hypersafe, ak, b"\xab" * 32)
    event = machine.trace.select("tpm.response", name="TPM2_Quote")[0]
    spans = {span.name: span for span in event.spans}
    inner, outer = spans["quoted.extraData"], spans["quoted"]
    assert outer.start <= inner.start < inner.end <= outer.end
    assert event.raw[inner.start : inner.end] == b"\xab" * 32


def test_a_response_points_to_its_command_and_says_how_it_went(machine: Machine) -> None:
    machine.hypersafe.pcr_read((17,))
    response = machine.trace[-1]
    asked = machine.trace.find(response.links[0].party, response.links[0].seq)
    assert (asked.kind, asked.name) == ("tpm.command", "TPM2_PCR_Read")
    assert (asked.sent, response.sent) == (True, False)
    assert asked.data["client"] == "HyperSafe"
    assert asked.data["locality"] == 2
    assert response.data["rc"] == 0
    assert response.data["rc_name"] == "TPM_RC_SUCCESS"
    assert isinstance(response.data["ms"], float)


def test_a_response_code_has_four_octets(platform: Platform) -> None:
    log = CommandLog(platform.party)
    asked = log.command(command(CODES["GetRandom"], parameters=u16(8)), "lab", 0)
    assert log.response(bytes.fromhex("8001 0000000a 81020304"), asked, "lab", 0.5).data["rc"] == 0x81020304


def test_a_command_code_has_four_octets_also_when_its_like_was_seen_before() -> None:
    like = command(CODES["GetRandom"], parameters=u16(8))
    vendors = like[:6] + b"\x20" + like[7:]
    for _ in range(3):
        assert decode_command(like).name == "TPM2_GetRandom"
        decoded = decode_command(vendors)
        assert decoded.code == 0x20000000 | CODES["GetRandom"]
        assert decoded.name != "TPM2_GetRandom"


def test_a_command_has_a_sentence_and_its_clause(machine: Machine) -> None:
    quote(machine.hypersafe, create_ak(machine.hypersafe), bytes(32))
    event = machine.trace.select("tpm.command", name="TPM2_Quote")[0]
    code = next(span for span in event.spans if span.name == "commandCode")
    assert code.clause == "TPM 2.0 Part 3, 18.4"
    assert "signs" in code.note


def test_a_decrypted_secret_is_only_in_an_event_of_kind_secret(machine: Machine, tmp_path: Path) -> None:
    key = create_tls_key(machine.hypersafe, "rsa-decrypt")
    secret = os.urandom(48)
    assert rsa_decrypt(machine.hypersafe, key, key.public_key.encrypt(secret, padding.PKCS1v15())) == secret  # type: ignore[union-attr]
    holders = [event for event in machine.trace if secret in event.raw]
    assert [event.kind for event in holders] == ["secret"]
    assert holders[0].data["client"] == "HyperSafe"
    response = machine.trace.select("tpm.response", name="TPM2_RSA_Decrypt")[0]
    [[start, end]] = response.data["redacted"]  # type: ignore[misc]
    assert response.raw[start:end] == bytes(48)
    saved = machine.trace.save(tmp_path / "run.jsonl")
    assert secret not in b"".join(event.raw for event in Trace.load(saved))


def test_a_password_is_only_in_an_event_of_kind_secret(machine: Machine) -> None:
    machine.alice.transmit(command(CODES["Unseal"], (0x81000001,), (authorization(0x40000009, 0, b"hunter2 hunter2"),)))
    holders = [event.kind for event in machine.trace if b"hunter2" in event.raw]
    assert holders == ["secret"]


def test_a_session_s_hmac_is_no_secret() -> None:
    raw = command(CODES["Unseal"], (0x80000000,), (authorization(0x02000000, 1, b"h" * 32, b"n" * 16),))
    decoded = decode_command(raw)
    assert not decoded.secrets
    assert {"auth[0].nonce", "auth[0].hmac"} <= {span.name for span in decoded.spans}


def test_two_authorisations_are_both_named() -> None:
    raw = command(CODES["Certify"], (1, 2), (PASSWORD, authorization(0x03000000)), sized(b"q") + u16(0x10))
    names = [span.name for span in decode_command(raw).spans]
    assert "auth[0].sessionHandle" in names
    assert "auth[1].sessionHandle" in names


@pytest.mark.parametrize("code", sorted(COMMANDS))
def test_a_truncated_command_of_any_code_is_named_to_its_last_octet(code: int) -> None:
    whole = command(code, (RH_ENDORSEMENT,) * len(COMMANDS[code].handles), (PASSWORD,), bytes(range(40)))
    for end in range(len(whole) + 1):
        assert covers(decode_command(whole[:end]), whole[:end])


@given(st.binary(max_size=200))
def test_any_octets_can_be_logged_as_a_command(raw: bytes) -> None:
    assert covers(decode_command(raw), raw)


@given(st.sampled_from(sorted(COMMANDS)), st.sampled_from([0x8001, 0x8002]), st.binary(max_size=200))
def test_any_parameters_can_be_logged(code: int, tag: int, body: bytes) -> None:
    asked = u16(tag) + (10 + len(body)).to_bytes(4, "big") + code.to_bytes(4, "big") + body
    assert covers(decode_command(asked), asked)
    answered = u16(tag) + (10 + len(body)).to_bytes(4, "big") + bytes(4) + body
    assert covers(decode_response(answered, code), answered)


@pytest.mark.parametrize(
    ("rc", "name"),
    [
        (0x000, "TPM_RC_SUCCESS"),
        (0x01E, "TPM_RC_BAD_TAG"),
        (0x100, "TPM_RC_INITIALIZE"),
        (0x101, "TPM_RC_FAILURE"),
        (0x124, "TPM_RC_AUTH_TYPE"),
        (0x128, "TPM_RC_PCR_CHANGED"),
        (0x12F, "TPM_RC_AUTH_UNAVAILABLE"),
        (0x143, "TPM_RC_COMMAND_CODE"),
        (0x18B, "TPM_RC_HANDLE (handle 1)"),
        (0x2C2, "TPM_RC_ATTRIBUTES (parameter 2)"),
        (0x902, "TPM_RC_OBJECT_MEMORY"),
        (0x907, "TPM_RC_LOCALITY"),
        (0x922, "TPM_RC_RETRY"),
        (0x99D, "TPM_RC_POLICY_FAIL (session 1)"),
        (0x98E, "TPM_RC_AUTH_FAIL (session 1)"),
        (0x500, "TPM_RC_0x500"),
        (0x001, "TPM_RC_0x001"),  # of TPM 1.2: bit 8 is clear (Part 2, 6.6.2)
        (0x803, "TPM_RC_0x803"),
        (0x501, "TPM_RC_0x501"),
        (0xD01, "TPM_RC_0xd01"),  # of a vendor
    ],
)
def test_response_codes_have_the_standards_names(rc: int, name: str) -> None:
    assert rc_name(rc) == name


def test_response_codes_have_the_names_of_the_tss() -> None:
    parts = {"VER1", "MAX_FM0", "FMT1", "WARN", "NOT_USED", "N_MASK", *"HPSABCDEF", *(f"RC{n}" for n in range(1, 10))}
    newer = {
        "FW_LIMITED",
        "SVN_LIMITED",
        *(f"REFERENCE_H{n}" for n in (4, 5, 6)),
        *(f"REFERENCE_S{n}" for n in range(2, 7)),
    }
    names = {n: int(v) for n, v in vars(TPM2_RC).items() if n.isupper() and n not in parts and not n.startswith("_")}
    assert len(names) > 90
    for name, code in names.items():
        assert rc_name(code) == (f"TPM_RC_{code:#05x}" if name in newer else f"TPM_RC_{name}")


def test_command_names_and_handle_counts_are_those_of_the_tss() -> None:
    from tpm2_pytss.command_parser import tpm2_command, tpm2_response  # noqa: PLC0415

    for code, row in COMMANDS.items():
        known = tpm2_command.lookup_command_class(code)
        assert len(row.handles) == known.num_handles(), row.name
        assert bool(row.answer_handle) == tpm2_response.lookup_response_class(code).has_handle(), row.name


def test_an_empty_pcr_selection_is_named_too() -> None:
    raw = command(CODES["PCR_Read"], parameters=bytes.fromhex("00000001000b00"))
    assert covers(decode_command(raw), raw)


def test_what_cannot_be_read_of_the_parameters_does_not_show_the_authorisation_behind_them() -> None:
    parameters = bytes.fromhex("0004") + b"abcd" + b"more"  # randomBytes, and octets that no field claims
    raw = bytes.fromhex("8002 00000021 00000000 0000000a") + parameters + bytes.fromhex("0000 01 0004") + b"hmac"
    raw = raw[:2] + len(raw).to_bytes(4, "big") + raw[6:]
    decoded = decode_response(raw, CODES["GetRandom"])
    assert covers(decoded, raw)
    values = {span.name: span.value for span in decoded.spans}
    assert (values["randomBytes"], values["unparsed"]) == (b"abcd".hex(), b"more".hex())
    assert values["auth[0].hmac"] == b"hmac".hex()
