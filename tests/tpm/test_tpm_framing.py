"""Responses read by hand: each field by its name, TpmProtocolError where they run out."""

from __future__ import annotations

import pytest

from trustlab.octets import sized, u32
from trustlab.tpm import TpmProtocolError
from trustlab.tpm.framing import ST_NO_SESSIONS, ST_SESSIONS, parameters_of, response_handle


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
