"""Bob's Reference Values come into his machines by Alice's hands: only what he signed counts."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attest import ReferenceValues, ReferenceValuesError, publish
from trustlab.cloud import Cloud, HyperSafe, Image
from trustlab.cloud.published import accepted, publisher_setting

BOB, ALICE = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
VALUES = ReferenceValues(7, {bytes(32): "HyperSafe"}, {bytes(32): "one secure VM"}, {bytes(32): "bank"})
CONFIGURATION = {"design": "trusted-passage", "publisher": publisher_setting(BOB.public_key())}
IDLE = Image("idle", b"def start(guest): pass\n", CONFIGURATION)


def test_what_the_publisher_in_the_configuration_signed_is_accepted():
    assert accepted(publish(VALUES, BOB), CONFIGURATION) == VALUES


@pytest.mark.parametrize(
    ("handed", "why"),
    [
        (VALUES, "must be signed"),
        (VALUES.to_toml(), "must be signed"),
        (publish(VALUES, ALICE), "not belong to a publisher that we trust"),
        (publish(VALUES, BOB).replace('= "bank"', '= "evil"'), "changed after signing"),
    ],
    ids=["values", "unsigned", "by Alice", "edited"],
)
def test_anything_else_is_refused(handed, why):
    with pytest.raises(ReferenceValuesError, match=why):
        accepted(handed, CONFIGURATION)


def test_an_image_that_names_no_publisher_takes_what_it_is_given():
    assert accepted(VALUES, {}) == accepted(VALUES.to_toml(), {}) == accepted(publish(VALUES, ALICE), {}) == VALUES
    assert accepted(None, CONFIGURATION) is None


def test_a_publisher_who_is_no_key_is_said():
    with pytest.raises(ReferenceValuesError, match="'publisher' is not a public key"):
        accepted(publish(VALUES, BOB), {"publisher": "Bob"})


@pytest.mark.parametrize("substrate", ["memory", pytest.param("uml", marks=pytest.mark.machines)])
def test_a_machine_does_not_start_on_alices_reference_values(substrate):
    with Cloud(substrate) as cloud:
        machine = cloud.rent("bank", IDLE, HyperSafe)
        with pytest.raises(ReferenceValuesError, match="not belong to a publisher that we trust"):
            machine.start(references=publish(VALUES, ALICE))
        machine.start(references=publish(VALUES, BOB))
