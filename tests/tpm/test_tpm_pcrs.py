"""Who may extend and reset which PCR, and with which code the TPM itself refuses the others (PC Client PTP, table of PCR attributes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustlab.tpm import TpmClient, TpmResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tpm_machine import Machine

LOCALITIES = range(5)
EXTENDS = {
    16: {0, 1, 2, 3, 4},
    17: {2, 3, 4},
    18: {2, 3, 4},
    19: {2, 3},
    20: {1, 2, 3},
    21: {2},
    22: {2},
    23: {0, 1, 2, 3, 4},
    0: {0, 1, 2, 3, 4},
}
RESETS = {16: {0, 1, 2, 3}, 17: set(), 18: set(), 19: set(), 20: {2}, 21: {2}, 22: {2}, 23: {0, 1, 2, 3}, 0: set()}
RC_LOCALITY = 0x907


def at(machine: Machine, locality: int) -> TpmClient:
    client = machine.platform.client(f"locality {locality}", min(locality, 3))
    client.locality = locality  # 4 is the CPU's own: no client gets it
    return client


def outcome(work: Callable[[], None]) -> int:
    """Return the TPM's response code."""
    try:
        work()
    except TpmResponseError as error:
        return error.rc
    return 0


@pytest.mark.parametrize("pcr", EXTENDS)
def test_a_pcr_is_extended_only_at_its_localities(machine: Machine, pcr: int) -> None:
    allowed = set()
    for locality in LOCALITIES:
        client = at(machine, locality)
        before = client.pcr_read((pcr,))
        refused = outcome(lambda client=client: client.pcr_extend(pcr, b"\1" * 32))  # type: ignore[misc]
        assert refused in (0, RC_LOCALITY)
        assert (client.pcr_read((pcr,)) == before) == bool(refused)
        allowed |= set() if refused else {locality}
    assert allowed == EXTENDS[pcr]


@pytest.mark.parametrize("pcr", RESETS)
def test_a_pcr_is_reset_only_at_its_localities(machine: Machine, pcr: int) -> None:
    allowed = set()
    for locality in LOCALITIES:
        client = at(machine, locality)
        machine.platform.client("measurer", 2).pcr_extend(pcr, b"\1" * 32)
        refused = outcome(lambda client=client: client.pcr_reset(pcr))  # type: ignore[misc]
        assert refused in (0, RC_LOCALITY)
        assert (client.pcr_read((pcr,))[pcr] == bytes(32)) == (not refused)
        allowed |= set() if refused else {locality}
    assert allowed == RESETS[pcr]


def test_pcr_read_returns_more_than_eight_values(machine: Machine) -> None:
    values = machine.alice.pcr_read(range(24))
    assert sorted(values) == list(range(24))
    assert {len(v) for v in values.values()} == {32}
