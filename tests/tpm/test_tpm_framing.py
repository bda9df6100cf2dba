"""Responses read by hand: each field by its name, TpmProtocolError where they run out."""

from __future__ import annotations

import pytest
from tpm2_pytss.constants import TPM2_RH, TPM2_ST

from trustlab.octets import sized, u32
from trustlab.tpm import TpmProtocolError, framing
from trustlab.tpm.framing import (
    ST_NO_SESSIONS,
    ST_SESSIONS,
    authorization,
    command,
    header,
    parameters_of,
    response_handle,
)


def response(tag: int, body: bytes) -> bytes:
    return tag.to_bytes(2, "big") + u32(10 + len(body)) + u32(0) + body


def test_the_parameters_of_an_authorised_response_end_before_its_sessions() -> None:
    raw = response(ST_SESSIONS, u32(0x80000001) + u32(8) + sized(b"name") + b"ab" + bytes(5))
    parameters = parameters_of(raw, handle=True)
    assert response_handle(raw) == 0x80000001
    assert parameters.sized("name") == b"name"
    assert parameters.rest("ticket") == b"ab"


def test_without_sessions_they_end_with_the_response() -> None:
    parameters = parameters_of(response(ST_NO_SESSIONS, sized(b"random")))
    assert parameters.sized("randomBytes") == b"random"
    assert not parameters.left


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "parameters.size at offset 10 needs 4 octets, 0 are left"),
        (u32(5) + b"\0\0", "parameters at offset 14 needs 5 octets, 2 are left"),
        (u32(2) + b"\0\4" + b"abcd", "quoted at offset 16 needs 4 octets, 0 are left"),
        (u32(1) + b"\0" + bytes(8), "quoted.size at offset 14 needs 2 octets, 1 are left"),
    ],
)
def test_a_response_that_runs_out_says_where(body: bytes, sentence: str) -> None:
    with pytest.raises(TpmProtocolError) as caught:
        parameters_of(response(ST_SESSIONS, body)).sized("quoted")
    assert str(caught.value) == sentence


@pytest.mark.parametrize("size", range(4))
def test_a_response_too_short_for_its_handle_says_so(size: int) -> None:
    with pytest.raises(TpmProtocolError, match="handle at offset 10 needs 4 octets"):
        response_handle(response(ST_NO_SESSIONS, bytes(size)))


def test_the_handles_and_tags_are_those_of_the_tss() -> None:
    assert (int(TPM2_ST.NO_SESSIONS), int(TPM2_ST.SESSIONS)) == (ST_NO_SESSIONS, ST_SESSIONS)
    for name in ("OWNER", "NULL", "LOCKOUT", "ENDORSEMENT", "PLATFORM"):
        assert getattr(framing, f"RH_{name}") == int(getattr(TPM2_RH, name))
    assert int(TPM2_RH.PW) == framing.RS_PW
    assert bytes.fromhex("40000009 0000 00 0000") == framing.PASSWORD


def test_a_command_is_put_together_as_part_1_says() -> None:
    """TPM 2.0 Part 1, 18: tag, size, code, handles, the authorisation area with its size, parameters."""
    assert command(0x17B, parameters=b"\0\x08") == bytes.fromhex("8001 0000000c 0000017b 0008")
    policy = authorization(0x03000001, nonce=b"n", auth=b"au")
    assert policy == bytes.fromhex("03000001 0001 6e 01 0002 6175")
    made = command(0x15D, [0x80000001], [policy], b"p")
    assert made == bytes.fromhex("8002 0000001f 0000015d 80000001 0000000c") + policy + b"p"


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        ("", "0 octets: too short for the header"),
        ("8001 00000009 000000", "9 octets: too short for the header"),
        ("8001 0000000b 00000000", "the header announces 11 octets, but there are 10"),
        ("8001 00000009 00000000", "the header announces 9 octets, but there are 10"),
        ("8003 0000000a 00000000", "tag 0x8003 is neither TPM_ST_NO_SESSIONS nor TPM_ST_SESSIONS"),
        ("00c4 0000000a 0000001f", "tag 0x00c4 is neither"),
    ],
)
def test_a_header_that_is_none_is_told(octets: str, complaint: str) -> None:
    with pytest.raises(TpmProtocolError, match=complaint):
        header(bytes.fromhex(octets))


def test_a_header_is_read_also_of_a_tpm_that_speaks_1_2() -> None:
    """Part 3, 6.3: a bad tag is answered by TPM_RC_BAD_TAG under the tag of TPM 1.2, TPM_TAG_RSP_COMMAND."""
    assert header(bytes.fromhex("8002 0000000a 00000101")) == (0x8002, 10, 0x101)
    assert header(bytes.fromhex("00c4 0000000a 0000001e")) == (0xC4, 10, 0x1E)
