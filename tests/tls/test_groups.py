"""Both ends of every group find the same secret, and a share of another form is an illegal parameter that says why."""

from __future__ import annotations

import pytest

from trustlab import tls
from trustlab.tls import groups

HYBRID = tls.Group.X25519MLKEM768


@pytest.mark.parametrize("group", groups.SUPPORTED)
def test_both_ends_find_the_same_secret(group: int) -> None:
    initiator = groups.generate(group)
    answer, secret = groups.respond(None, group, initiator.public)
    assert initiator.finish(answer) == secret


@pytest.mark.parametrize("group", groups.SUPPORTED)
def test_two_shares_of_one_group_differ(group: int) -> None:
    assert groups.generate(group).public != groups.generate(group).public


@pytest.mark.parametrize("change", [-1, 1])
def test_a_hybrid_share_of_another_length_is_refused_on_both_sides(change: int) -> None:
    initiator = groups.generate(HYBRID)
    answer, _ = groups.respond(None, HYBRID, initiator.public)
    assert (len(initiator.public), len(answer)) == (1184 + 32, 1088 + 32)  # ML-KEM-768 (FIPS 203) and x25519
    for share, use in (
        (answer, initiator.finish),
        (initiator.public, lambda peer: groups.respond(None, HYBRID, peer)),
    ):
        other = share[:change] if change < 0 else share + b"\0"
        with pytest.raises(tls.IllegalParameter, match=f"an X25519MLKEM768 share of {len(other)} octets"):
            use(other)


@pytest.mark.parametrize("group", [g for g in groups.SUPPORTED if g in groups.CURVES.values()])
def test_a_point_that_is_compressed_or_not_on_the_curve_is_refused(group: int) -> None:
    mine, public = groups.generate(group), groups.generate(group).public
    with pytest.raises(tls.IllegalParameter, match="not an uncompressed point"):
        mine.finish(b"\2" + public[1 : 1 + len(public) // 2])
    with pytest.raises(tls.IllegalParameter, match="not a point of"):
        mine.finish(public[:-1] + bytes([public[-1] ^ 1]))


def test_a_group_that_the_engine_does_not_have_is_this_sides_fault() -> None:
    with pytest.raises(tls.LocalProtocolError, match="this engine has no group"):
        groups.generate(0x1234)


def test_a_point_of_small_order_is_refused() -> None:
    with pytest.raises(tls.IllegalParameter, match="not a usable x25519 value"):
        groups.generate(tls.Group.X25519).finish(bytes(32))
