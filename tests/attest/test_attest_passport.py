from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from software_tpm import BINDER, NONCE, NOW, Machine, log_of, verifier

from trustlab.attest import AttestError, BootCounters, ResultError, issue, trustworthiness_vector, verify
from trustlab.attest.passport import MAX_TOKEN
from trustlab.attest.signing import from_base64url, key_id, sign, to_base64url, verifies

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ed25519.Ed25519PrivateKey.generate()
MACHINE = Machine()
BOOT = BootCounters(7, 3, hashlib.sha256(NONCE).digest())
ACCEPTED = verifier().appraise(MACHINE.evidence().encode(), MACHINE.expected(boot=BOOT))
REFUSED = verifier().appraise(MACHINE.evidence().encode(), MACHINE.expected(binder=bytes(32)))
TOKEN = issue(ACCEPTED, KEY, about="bank", time=NOW)


KEYS = (KEY.public_key(), OTHER.public_key())


def check(token=TOKEN, keys=KEYS, binder=BINDER, time=NOW):
    return verify(token, keys, binder=binder, time=time)


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["ES256", "EdDSA"])
def test_a_relying_party_reads_what_the_verifier_found(key):
    passport = check(issue(ACCEPTED, key, about="bank", time=NOW))
    assert passport.accepted
    assert passport.about == "bank"
    assert passport.appraisal.image == "bank 1.0"
    assert passport.appraisal.claims == {"antivirus.signatures": "2026-11-20"}
    assert [c.name for c in passport.appraisal.checks] == [c.name for c in ACCEPTED.checks]
    assert passport.appraisal.vector == {
        "instance-identity": 2,
        "configuration": 2,
        "executables": 3,
        "hardware": 2,
        "storage-opaque": 2,
    }


def test_the_token_is_a_jwt_with_the_binder_as_its_nonce():
    header, claims, _ = TOKEN.split(".")
    assert json.loads(from_base64url(header)) == {"alg": "ES256", "kid": key_id(KEY.public_key()), "typ": "eat+jwt"}
    body = json.loads(from_base64url(claims))
    assert from_base64url(body["eat_nonce"]) == BINDER
    assert body["submods"]["bank"]["ear.status"] == "affirming"
    assert set(body) == {"eat_profile", "iat", "exp", "eat_nonce", "ear.verifier-id", "submods"}


def test_a_token_about_refused_evidence_says_so_and_why():
    passport = check(issue(REFUSED, KEY, about="bank", time=NOW), binder=bytes(32))
    assert not passport.accepted
    assert passport.appraisal.status == "contraindicated"
    assert set(passport.appraisal.vector.values()) == {99}
    assert [c.name for c in passport.appraisal.checks if c.verdict == "fail"] == ["extraData"]


def test_malformed_evidence_gives_a_token_that_affirms_nothing():
    result = verifier().appraise(b"junk", MACHINE.expected())
    passport = check(issue(result, KEY, about="bank", time=NOW))
    assert not passport.accepted
    assert set(passport.appraisal.vector.values()) == {1}


def test_the_vector_tells_an_unknown_image_from_a_stale_claim():
    unknown = Machine(log=log_of(image=bytes(32)))
    vector = trustworthiness_vector(verifier().appraise(unknown.evidence().encode(), unknown.expected()))
    assert (vector["executables"], vector["configuration"]) == (33, 2)
    stale = Machine(log=log_of(date="2011-01-01"))
    vector = trustworthiness_vector(verifier().appraise(stale.evidence().encode(), stale.expected()))
    assert (vector["executables"], vector["configuration"]) == (3, 96)


def test_what_was_not_demanded_is_not_claimed():
    result = verifier().appraise(MACHINE.evidence().encode(), MACHINE.expected(key_spki=None, key_binder=None))
    assert "storage-opaque" not in trustworthiness_vector(result)


def test_a_pinned_machine_at_its_first_passage_is_affirmed_though_no_boot_counters_are_demanded():
    result = verifier().appraise(MACHINE.evidence().encode(), MACHINE.expected(boot=None))
    assert (result["machine pinned"].verdict, result["boot continuity"].verdict) == ("pass", "not demanded")
    assert trustworthiness_vector(result)["instance-identity"] == 2


def test_a_result_with_checks_left_out_is_not_signed():
    result = verifier(without=["extraData"]).appraise(MACHINE.evidence().encode(), MACHINE.expected())
    with pytest.raises(ResultError, match="experiment"):
        issue(result, KEY, about="bank")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"binder": bytes(32)}, "another connection"),
        ({"binder": b""}, "binder is empty"),
        ({"keys": (OTHER.public_key(),)}, "not belong to a Verifier that we trust"),
        ({"keys": ()}, "not belong to a Verifier that we trust"),
        ({"time": NOW + dt.timedelta(minutes=5)}, "has expired"),
        ({"time": NOW - dt.timedelta(minutes=2)}, "not yet valid"),
        ({"token": ""}, "compact form"),
        ({"token": "a.b"}, "compact form"),
        ({"token": "\xff.b.c"}, "compact form"),
        ({"token": b"\xff.b.c"}, "compact form"),
        ({"token": TOKEN + "="}, "compact form"),
        ({"token": "x" * 70_000}, "the limit is"),
    ],
)
def test_a_token_that_does_not_hold_is_a_result_error(changes, message):
    with pytest.raises(ResultError, match=message):
        check(**changes)


def retold(token: str, change) -> str:
    """Change the claims set and keep header and signature."""
    header, claims, signature = token.split(".")
    body = json.loads(from_base64url(claims))
    change(body)
    return ".".join((header, to_base64url(json.dumps(body).encode()), signature))


def test_a_claims_set_changed_after_signing_is_a_result_error():
    refused = issue(REFUSED, KEY, about="bank", time=NOW)
    token = retold(refused, lambda body: body["submods"]["bank"].update({"ear.status": "affirming"}))
    with pytest.raises(ResultError, match="changed after signing"):
        check(token, binder=bytes(32))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "EdDSA"}, {"alg": "HS256"}, {"crit": ["exp"]}, {"typ": 1}])
def test_a_header_that_asks_for_something_else_is_a_result_error(header):
    before, claims, signature = TOKEN.split(".")
    changed = to_base64url(json.dumps({**json.loads(from_base64url(before)), **header}).encode())
    with pytest.raises(ResultError):
        check(f"{changed}.{claims}.{signature}")


@pytest.mark.parametrize("without", [["alg"], ["kid"], ["typ"]])
def test_a_header_without_what_it_needs_is_a_result_error(without):
    before, claims, signature = TOKEN.split(".")
    header = {k: v for k, v in json.loads(from_base64url(before)).items() if k not in without}
    with pytest.raises(ResultError):
        check(".".join((to_base64url(json.dumps(header).encode()), claims, signature)))


@settings(max_examples=200)
@given(st.integers(0, len(TOKEN) - 1), st.characters(max_codepoint=126))
def test_a_token_with_any_character_changed_is_a_result_error(place, character):
    if TOKEN[place] == character:
        character = "A" if character != "A" else "B"
    with pytest.raises(ResultError):
        check(TOKEN[:place] + character + TOKEN[place + 1 :])


def test_a_key_on_another_curve_signs_nothing():
    with pytest.raises(AttestError, match="P-256"):
        issue(ACCEPTED, ec.generate_private_key(ec.SECP384R1()), about="bank")


def test_a_token_may_have_as_many_characters_as_the_bound_and_no_more():
    for text in ("x" * MAX_TOKEN, b"x" * MAX_TOKEN):
        with pytest.raises(ResultError, match="not a token"):
            check(text)
        with pytest.raises(ResultError, match=f"{MAX_TOKEN + 1} characters; the limit is {MAX_TOKEN}"):
            check(text + text[:1])


def test_a_token_counts_from_a_leeway_before_it_was_issued_to_the_moment_its_time_is_over():
    """`exp` is the time on or after which it is not to be accepted (RFC 7519, 4.1.4)."""
    passport = check()
    first, over = (dt.datetime.fromtimestamp(seconds, dt.UTC) for seconds in (passport.iat - 60, passport.exp))
    second = dt.timedelta(seconds=1)
    assert check(time=first).accepted
    assert check(time=over - second).accepted
    for time in (first - second, over, over + second):
        with pytest.raises(ResultError, match="not yet valid, or has expired"):
            check(time=time)


def resigned(change, key=KEY, token=TOKEN, typ=None) -> str:
    """Change the claims set, and sign it as the Verifier: what it should never say."""
    header, claims, _ = token.split(".")
    head, body = json.loads(from_base64url(header)), json.loads(from_base64url(claims))
    if typ is not None:
        head["typ"] = typ
    body = change(body) or body
    text = f"{to_base64url(json.dumps(head).encode())}.{to_base64url(json.dumps(body).encode())}"
    return f"{text}.{to_base64url(sign(key, text.encode()))}"


@pytest.mark.parametrize(
    ("change", "typ", "message"),
    [
        (lambda b: None, None, ""),
        (lambda b: None, "JWT", "a JWT token of profile .* is not an Attestation Result of this lab"),
        (lambda b: b | {"eat_profile": "tag:other"}, None, "of profile tag:other is not an Attestation Result"),
        (lambda b: [1], None, "the Verifier signed claims that cannot be read"),
        (lambda b: {k: v for k, v in b.items() if k != "exp"}, None, "the Verifier signed claims that cannot be read"),
        (lambda b: b | {"submods": {}}, None, "0 submodules; a result of this lab is about exactly one Attester"),
        (lambda b: b | {"submods": dict.fromkeys("ab", b["submods"]["bank"])}, None, "2 submodules"),
    ],
)
def test_what_the_verifier_should_never_sign_is_refused_all_the_same(change, typ, message):
    token = resigned(change, typ=typ)
    if not message:
        assert check(token).accepted
    else:
        with pytest.raises(ResultError, match=message):
            check(token)


def test_a_status_that_does_not_follow_from_the_checks_is_refused():
    refused = issue(REFUSED, KEY, about="bank", time=NOW)
    lie = resigned(lambda b: b["submods"]["bank"].update({"ear.status": "affirming"}), token=refused)
    with pytest.raises(ResultError, match="status does not follow from its checks"):
        check(lie, binder=bytes(32))


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_signature_of_another_size_is_none(size):
    assert not verifies(KEY.public_key(), bytes(size), b"octets")
    good = sign(KEY, b"octets")
    assert verifies(KEY.public_key(), good, b"octets")
    assert not verifies(KEY.public_key(), good + b"\0", b"octets")


@pytest.mark.parametrize("verdict", ["left out", "fail", "skipped", ""])
def test_a_passport_with_a_check_that_did_not_count_does_not_affirm(verdict):
    lie = resigned(lambda b: b["submods"]["bank"]["checks"][5].update({"verdict": verdict}))
    with pytest.raises(ResultError, match="status does not follow from its checks"):
        check(lie)


@pytest.mark.parametrize("value", [-1, 1, 32, 33, 96, 97, 99, 127])
def test_a_passport_whose_vector_is_worse_than_its_status_does_not_affirm(value):
    lie = resigned(lambda b: b["submods"]["bank"]["ear.trustworthiness-vector"].update({"hardware": value}))
    with pytest.raises(ResultError, match="trustworthiness vector"):
        check(lie)


@pytest.mark.parametrize("value", [0, 2, 31])
def test_what_a_vector_may_say_beside_an_affirming_status(value):
    token = resigned(lambda b: b["submods"]["bank"]["ear.trustworthiness-vector"].update({"hardware": value}))
    assert check(token).accepted
