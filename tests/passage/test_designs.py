"""The designs are what the papers and drafts say: whose key, which binder, when; and what contradicts itself is refused."""

from __future__ import annotations

import msgspec
import pytest

from trustlab.passage import BARE_EXPORTER, DESIGNS, RESUMED, Binder, Design, DesignError, design_of, setting_of
from trustlab.passage.catalogue import with_ephemeral_keys, with_resumption, with_usable_key

HELLOS = "client_random, server_random"
SERVER = f"H(L, S, nonce_C, {HELLOS}, H(SPKI_S))"
CLIENT = f"L, C, nonce_S, {HELLOS}"
RUNGS = {
    # name: (TLS, when, whose key, the server's binder, the client's, whether the client has a TCB key)
    "plain-tls": ("1.2", "never", "deployed", None, None, False),
    "attest-then-connect": ("1.2", "before", "deployed", "nonce_C", None, False),
    "connect-then-attest": ("1.2", "inside", "deployed", "nonce_C", None, False),
    "key-in-quote": ("1.2", "handshake", "deployed", SERVER, None, False),
    "machine-linked-key": ("1.2", "handshake", "machine", SERVER, None, False),
    "tcb-key": ("1.2", "handshake", "tcb", SERVER, None, False),
    "client-quote": ("1.2", "handshake", "tcb", SERVER, f"H({CLIENT})", False),
    "client-certificate": ("1.2", "handshake", "tcb", SERVER, f"H({CLIENT}, H(SPKI_C))", True),
    "pms-in-quote": ("1.2", "handshake", "tcb", SERVER, f"H({CLIENT}, HMAC(PMS))", False),
    "trusted-passage": ("1.2", "handshake", "tcb", SERVER, f"H({CLIENT}, HMAC(PMS), H(EPMS))", False),
    "session-hash": (
        *("1.2", "after-finished", "tcb"),
        "H(L, S, nonce_C, session_hash, H(SPKI_S), H(SPKI_C)?)",
        "H(L, C, nonce_S, session_hash, H(SPKI_C)?, H(SPKI_S))",
        False,
    ),
    "tls13-nonce": ("1.3", "handshake", "tcb", "nonce_C", None, False),
    "tls13-key": ("1.3", "handshake", "tcb", "H(SPKI_S)", None, False),
    "tls13-nonce-key": ("1.3", "handshake", "tcb", "H(nonce_C, H(SPKI_S))", None, False),
    "tls13-early": ("1.3", "handshake", "tcb", "early(SPKI_S)", "early(SPKI_C)", True),
    "tls13-handshake-secret": (
        *("1.3", "handshake", "tcb"),
        "H(L, S, attest_secret, H(SPKI_S))",
        "H(L, C, attest_secret, H(SPKI_C))",
        True,
    ),
    "tls13-exporter": (
        *("1.3", "after-finished", "tcb"),
        "H(L, S, exporter_server, H(SPKI_S), H(SPKI_C)?)",
        "H(L, C, exporter_client, H(SPKI_C)?, H(SPKI_S))",
        True,
    ),
    "sealed": ("1.2", "sealed", "deployed", "H(L, S, nonce_C, H(HPKE_S))", None, False),
    "expat": ("1.3", "after-finished", "tcb", "expat(SPKI_S)", "expat(SPKI_C)", True),
    "role-exporter": ("1.3", "after-finished", "tcb", "exporter_server", "exporter_client", True),
    "tls13-client-random": ("1.3", "handshake", "tcb", "client_random", None, False),
    "tls13-early-exporter": ("1.3", "handshake", "tcb", "early_exporter", None, False),
    "tls13-nonce-early-exporter": ("1.3", "handshake", "tcb", "H(nonce_C, early_exporter)", None, False),
    "tls13-nonce-early-exporter-key": (
        *("1.3", "handshake", "tcb"),
        "H(nonce_C, early_exporter, H(SPKI_S))",
        None,
        False,
    ),
    "tls13-standard-early-exporter": ("1.3", "handshake", "tcb", "standard_early_exporter", None, False),
}
KEYS_UNPROVED = {
    *("tls13-nonce", "tls13-client-random", "tls13-early-exporter"),
    *("tls13-nonce-early-exporter", "tls13-standard-early-exporter"),
}
"""The designs on TLS 1.3 that ask nobody where a key lives."""


@pytest.mark.parametrize("name", DESIGNS)
def test_a_rung_is_what_its_source_says(name):
    design = DESIGNS[name]
    formulas = (binder and binder.formula for binder in (design.server, design.client))
    assert (design.tls, design.when, design.key_origin, *formulas, design.client_key) == RUNGS[name]
    assert (design.extended_master_secret, design.resumes) == (name == "session-hash", False)
    assert design.measured is (name != "plain-tls")
    attested = design.key_origin != "deployed" and name not in KEYS_UNPROVED
    assert design.attests_key is attested


def test_a_binder_of_one_field_is_that_field_and_not_its_hash():
    bare = {name for name, d in DESIGNS.items() for b in (d.server, d.client) if b and b.bare}
    assert bare == {
        *("attest-then-connect", "connect-then-attest", "tls13-nonce", "tls13-key", "tls13-early", "expat"),
        *("role-exporter", "tls13-client-random", "tls13-early-exporter", "tls13-standard-early-exporter"),
    }


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"when": "never", "client": None}, "it has binders, but when='never' means that nobody attests"),
        ({"when": "never", "server": None}, "it has binders, but when='never' means that nobody attests"),
        ({"server": None}, "when='handshake' needs a binder for the server, and `server` is None"),
        ({"when": "after-finished"}, "when='after-finished' on TLS 1.2 needs extended_master_secret=True (RFC 7627)"),
        ({"when": "before"}, "with when='before' only the client asks: `client` has to be None"),
        ({"when": "inside"}, "with when='inside' only the client asks: `client` has to be None"),
        (
            {"when": "after-finished", "extended_master_secret": True, "client": None},
            "with when='after-finished' each side asks the other: `client` is None",
        ),
        ({"when": "sometimes"}, "when cannot be 'sometimes'; choose from: never, before, inside"),
        ({"suite": "TLS_MOON"}, "'TLS_MOON' is not a name in trustlab.tls.CipherSuite"),
        ({"group": "FFDHE2048"}, "the engine cannot agree on a key in the group FFDHE2048"),
        ({"suite": "TLS_AES_128_GCM_SHA256"}, "TLS_AES_128_GCM_SHA256 is not a suite of TLS 1.2"),
        ({"tls": "1.3"}, "is not a suite of TLS 1.3"),
        (
            {"suite": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "group": "SECP256R1"},
            "the client's binder cannot contain H(EPMS): with when='handshake', on TLS 1.2 with TLS_ECDHE_ECDSA",
        ),
        (
            {"when": "inside", "client": None, "server": Binder(("nonce_C", "H(SPKI_S)"))},
            "the server's binder cannot contain H(SPKI_S): with when='inside', on TLS 1.2",
        ),
        (
            {"when": "inside", "client": None, "server": Binder(("session_hash",))},
            "it can contain: L, S, C, K, nonce_C, H(SPKI_S)?, H(SPKI_C)?",
        ),
        (
            {"like": DESIGNS["tls13-early"], "client_key": False},
            "the client's evidence travels beside its certificate, so it needs client_key=True",
        ),
        ({"colour": "red", "age": 3}, "a design has no field 'age'; it has: name, tls, when"),
    ],
)
def test_what_contradicts_itself_is_refused_with_how(changes, complaint):
    with pytest.raises(DesignError) as refused:
        Design.custom("mine", **changes)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("switch", ["extended_master_secret", "resumes"])
def test_after_finished_in_tls12_wants_the_session_hash_or_the_labs_switch(switch):
    """RFC 7627: without the extended master secret there is no session hash, but a resumed session has none anyway."""
    like = DESIGNS["session-hash"]
    mine = Design.custom("mine", like=like, **{"extended_master_secret": False, switch: True})
    assert mine.when == "after-finished"
    Design.custom("mine", like=DESIGNS["tls13-exporter"])  # an exporter needs neither


def test_a_design_of_ones_own_differs_by_what_was_said_and_tells_no_story_of_another():
    mine, whole = Design.custom("mine", group="SECP256R1"), DESIGNS["trusted-passage"]
    assert msgspec.structs.replace(whole, name="mine", group="SECP256R1", sentence="", not_enough="", source="") == mine


@pytest.mark.parametrize("name", DESIGNS)
def test_a_known_design_is_named_and_another_one_spelt_out(name):
    assert setting_of(DESIGNS[name]) == name
    assert design_of(name) is DESIGNS[name]
    other = msgspec.structs.replace(DESIGNS[name], sentence="another")
    assert setting_of(other).startswith('{"name":')
    assert design_of(setting_of(other)) == other


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("moon", "there is no design 'moon'; choose from: plain-tls, attest-then-connect"),
        ("", "there is no design ''; choose from: plain"),
        ("{", "this design cannot be read: "),
        ('{"name": 3}', "this design cannot be read: "),
        ('{"name": "x"}', "this design cannot be read: x: when='handshake' needs a binder for the server"),
    ],
)
def test_what_is_no_design_is_refused(setting, complaint):
    with pytest.raises(DesignError) as refused:
        design_of(setting)
    assert complaint in str(refused.value)


def test_a_key_that_a_password_opens_is_the_machines_and_nobody_asks_for_more():
    leaky = with_usable_key(DESIGNS["tcb-key"])
    assert (leaky.key_origin, leaky.not_demanded) == ("machine", ("key provenance", "key policy"))
    once = with_usable_key(DESIGNS["machine-linked-key"])
    assert once == DESIGNS["machine-linked-key"]
    assert with_usable_key(DESIGNS["key-in-quote"]) is DESIGNS["key-in-quote"]


def test_ephemeral_keys_replace_rsa_key_transport_and_nothing_else():
    whole = DESIGNS["pms-in-quote"]
    fresh = with_ephemeral_keys(whole)
    assert (fresh.suite, fresh.group) == ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "SECP256R1")
    assert (whole.transports_key, fresh.transports_key) == (True, False)
    assert msgspec.structs.replace(fresh, suite=whole.suite, group=whole.group) == whole
    assert with_ephemeral_keys(fresh) is fresh
    assert with_ephemeral_keys(DESIGNS["tls13-key"]) is DESIGNS["tls13-key"]
    with pytest.raises(DesignError, match=r"cannot contain H\(EPMS\)"):
        with_ephemeral_keys(DESIGNS["trusted-passage"])


def test_resumption_is_a_switch_and_nothing_else():
    whole = DESIGNS["session-hash"]
    assert with_resumption(whole).resumes
    assert msgspec.structs.replace(with_resumption(whole), resumes=False) == whole
    assert RESUMED.resumes
    assert BARE_EXPORTER.server.formula == BARE_EXPORTER.client.formula == "H(L, exporter)"
