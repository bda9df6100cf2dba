"""Alice may send the TPM any octets: she gets its answer or a typed refusal, and HyperSafe's keys go on working."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustlab.tpm import GateRefused, Platform, TpmClient, TpmProtocolError, create_ak, quote
from trustlab.tpm.commands import COMMANDS
from trustlab.tpm.framing import PASSWORD, command
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDLES = st.one_of(
    st.sampled_from([0x40000001, 0x40000007, 0x4000000B, 0x4000000C, 16, 17, 0x80000000, 0x80010000, 0x03000000]),
    st.integers(0, 0xFFFFFFFF),
)


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[TpmClient, TpmClient]]:
    with Platform("bank", Trace().party("bank"), timeout=20) as platform:
        platform.launch(b"HyperSafe")
        yield platform.client("HyperSafe", 2), platform.client("root VM", 0)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(sorted(COMMANDS)),
    handles=st.lists(HANDLES, max_size=3),
    sessions=st.integers(0, 3),
    parameters=st.binary(max_size=120),
)
def test_commands_of_any_shape(
    clients: tuple[TpmClient, TpmClient], code: int, handles: list[int], sessions: int, parameters: bytes
) -> None:
    _, alice = clients
    with suppress(GateRefused):
        response = alice.transmit(command(code, handles, [PASSWORD] * sessions, parameters))
        assert int.from_bytes(response[2:6], "big") == len(response)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=64))
def test_octets_of_any_kind(clients: tuple[TpmClient, TpmClient], raw: bytes) -> None:
    _, alice = clients
    for octets in (raw, b"\x80\x01" + (len(raw) + 6).to_bytes(4, "big") + raw):
        with suppress(GateRefused, TpmProtocolError):
            assert len(alice.transmit(octets)) >= 10


def test_and_hypersafe_still_quotes(clients: tuple[TpmClient, TpmClient]) -> None:
    hypersafe, _ = clients
    hypersafe.platform.launch(b"HyperSafe")
    ak = create_ak(hypersafe)
    assert quote(hypersafe, ak, bytes(32)).attest
