"""A design without one part of its binders is a design like any other, and differs by nothing else."""

from __future__ import annotations

import msgspec
import pytest

from trustlab.passage import (
    BARE_EXPORTER,
    BARE_EXPORTER_WITH_ROLE,
    DESIGNS,
    NOT_LEFT_OUT,
    PARTS,
    RESUMED,
    Binder,
    DesignError,
    design_of,
    design_without,
    setting_of,
)

EVERY_DESIGN = (*DESIGNS.values(), RESUMED, BARE_EXPORTER, BARE_EXPORTER_WITH_ROLE)
PEERS = {("S", "H(SPKI_C)?"), ("C", "H(SPKI_S)")}
"""The role that proves, and the field that names the other side's key."""


def fields_of(design):
    binders = (("S", design.server), ("C", design.client))
    return {(role, name) for role, binder in binders if binder is not None for name in binder.fields}


def test_every_field_of_every_design_can_be_left_out_or_the_page_says_why_not():
    used = set().union(*map(fields_of, EVERY_DESIGN))
    covered = set().union(*(part.fields for part in PARTS.values()))
    assert used - covered == PEERS | {("S", "L"), ("C", "L")}
    assert set(NOT_LEFT_OUT) == {"L", "H(SPKI_peer)"}


def test_every_part_is_a_part_of_some_design():
    for name in PARTS:
        assert any(design_without(design, [name]) != design for design in EVERY_DESIGN), name


def test_what_is_left_out_is_gone_and_nothing_else():
    whole = DESIGNS["trusted-passage"]
    less = design_without(whole, ["H(EPMS)", "role"])
    assert less.name == "trusted-passage without role without H(EPMS)"
    assert less.server == Binder(("L", "nonce_C", "client_random", "server_random", "H(SPKI_S)"))
    assert less.client == Binder(("L", "nonce_S", "client_random", "server_random", "HMAC(PMS)"))
    assert msgspec.structs.replace(less, name=whole.name, server=whole.server, client=whole.client) == whole


@pytest.mark.parametrize(
    ("design", "part", "formula"),
    [
        ("session-hash", "H(SPKI_S)", "H(L, S, nonce_C, session_hash, H(SPKI_C)?)"),
        ("connect-then-attest", "nonce and randoms", "a constant"),
        ("tls13-key", "H(SPKI_S)", "a constant"),
        ("tls13-early", "Hash(CH..SH)", "H(SPKI_S)"),
        ("tls13-exporter", "request context", "H(L, S, exporter_server without context, H(SPKI_S), H(SPKI_C)?)"),
    ],
)
def test_the_formula_says_what_is_left(design, part, formula):
    assert design_without(DESIGNS[design], [part]).server.formula == formula


def test_the_peers_key_stays_where_the_own_one_is_left_out():
    less = design_without(DESIGNS["tls13-exporter"], ["H(SPKI_S)", "H(SPKI_C)"])
    assert fields_of(less) >= PEERS


def test_without_the_key_binder_nobody_compares_it():
    assert design_without(DESIGNS["tcb-key"], ["key binder"]).key_proof is None


def test_a_design_without_the_part_is_the_same_without_it():
    assert design_without(DESIGNS["tls13-key"], ["H(EPMS)"]) is DESIGNS["tls13-key"]


def test_it_stands_in_a_configuration_like_any_other():
    less = design_without(DESIGNS["tls13-exporter"], ["exporter", "key binder"])
    assert design_of(setting_of(less)) == less


def test_what_is_no_part_is_named_with_what_is():
    with pytest.raises(
        DesignError, match=r"no part of a binder is called 'nonce'; choose from: nonce and randoms, role"
    ):
        design_without(DESIGNS["tcb-key"], ["nonce"])


@pytest.mark.parametrize(
    ("suite", "origin"),
    [("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "deployed"), ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "tcb")],
)
def test_a_suite_that_no_key_of_the_design_could_serve_is_refused(suite, origin):
    with pytest.raises(DesignError, match="deployed keys are RSA, keys made in the TPM sign ECDSA"):
        msgspec.structs.replace(DESIGNS["tcb-key"], suite=suite, key_origin=origin)
