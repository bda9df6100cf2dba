"""Which fields a binder may have is what runs say: with a field that is allowed the payment is made, with another not."""

from __future__ import annotations

import os

import msgspec
import pytest

from trustlab.passage import DESIGNS, Binder, DesignError
from trustlab.passage.binders import FIELDS
from trustlab.passage.designs import Design
from trustlab.passage.known_facts import CONSTANT, RULED, known_facts
from trustlab.scenarios import rung

EC = {"suite": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "group": "SECP256R1"}
PLACES = {
    "before": ("attest-then-connect", {}),
    "inside": ("connect-then-attest", {}),
    "sealed": ("sealed", {}),
    "handshake": ("client-quote", {}),
    "handshake, certified": ("client-certificate", {}),
    "handshake, ephemeral": ("client-certificate", EC),
    "session hash": ("session-hash", {}),
    "session hash, certified": ("session-hash", {"client_key": True}),
    "session hash, ephemeral": ("session-hash", EC),
    "TLS 1.3": ("tls13-early", {}),
    "TLS 1.3, server alone": ("tls13-key", {}),
    "authenticators": ("tls13-exporter", {}),
}
BASES = {place: msgspec.structs.replace(DESIGNS[like], **more) for place, (like, more) in PLACES.items()}
CASES = [
    (place, role, field)
    for place, base in BASES.items()
    for role in ("server", "client")
    for field in sorted(RULED - CONSTANT)
    if getattr(base, role)
]
SAMPLE = 1 if os.environ.get("TRUSTLAB_SOAK") else 23


def test_every_field_is_judged():
    assert set(FIELDS) == RULED | {"H(HPKE_S)"}


@pytest.mark.parametrize("place", BASES)
def test_what_a_design_may_contain_is_what_it_is_refused_without(place):
    base = BASES[place]
    for role in ("server", "client"):
        for field in RULED - CONSTANT if getattr(base, role) else ():
            changed = {role: Binder(("L", field))}
            if field in known_facts(base, role):
                assert getattr(msgspec.structs.replace(base, **changed), role).fields == ("L", field)
            else:
                with pytest.raises(DesignError, match="that is not known when the evidence is made"):
                    msgspec.structs.replace(base, **changed)


@pytest.mark.parametrize(("place", "role", "field"), CASES[::SAMPLE], ids=lambda value: value)
def test_a_run_says_the_same(place, role, field, monkeypatch):
    """With TRUSTLAB_SOAK=1 every field in every place is played; else some of them."""
    monkeypatch.setattr(Design, "_check_binders", lambda _design: None)
    mine = msgspec.structs.replace(BASES[place], name="mine", **{role: Binder(("L", field))})
    with rung(mine) as act:
        paid = act.run().outcome == "completed"
    assert paid == (field in known_facts(BASES[place], role))
