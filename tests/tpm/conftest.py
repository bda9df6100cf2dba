"""A machine whose HyperSafe has been launched, as most tests here want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tpm_machine import CODE, Machine

from trustlab.tpm import KeyPolicy, Platform, PrivacyCa, TpmMaker, launch_pcr
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def maker() -> TpmMaker:
    return TpmMaker()


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform("bank", Trace().party("bank")) as powered:
        yield powered


@pytest.fixture
def machine(platform: Platform, maker: TpmMaker) -> Machine:
    policy = KeyPolicy.expected((17,), {17: launch_pcr(CODE)})
    made = Machine(
        platform.party.trace,
        platform,
        platform.client("HyperSafe", locality=2),
        platform.client("root VM", locality=0),
        maker,
        PrivacyCa([maker.root], ak_policies={policy.digest}),
    )
    made.relaunch()
    return made
