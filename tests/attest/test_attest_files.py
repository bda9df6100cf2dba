"""Reference Values, Appraisal Policy and claims, as people write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.attest import (
    AppraisalPolicy,
    EventLog,
    LogEvent,
    PolicyError,
    ReferenceValues,
    ReferenceValuesError,
    claim_event,
    image_event,
)
from trustlab.attest.claims import Condition, claims_of
from trustlab.attest.policy import FIRMWARE
from trustlab.attest.tables import MAX_FILE, MAX_LINE

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
FILE = f"""
version = 7
[hypersafe]
"{DIGEST}" = "HyperSafe 1.0"
[launch-policies]
"{DIGEST}" = "one VM"
[images]
"{DIGEST}" = "bank 1.0"
"""
digests = st.binary(min_size=32, max_size=32)
tables = st.dictionaries(digests, st.text(max_size=20), max_size=4)
values = st.dictionaries(
    st.sampled_from([*range(17), 21, 22, 23]), st.lists(digests, max_size=2).map(tuple), max_size=2
)
references = st.builds(ReferenceValues, st.integers(0, 2**53), tables, tables, tables, values)
pcrs = st.sets(st.integers(0, 23), min_size=1).map(lambda chosen: tuple(sorted(chosen)))
names = st.from_regex(r"[a-z][a-z.]{0,9}", fullmatch=True)
claims = st.builds("{} {} {}".format, names, st.sampled_from(["==", ">=", "<"]), st.dates().map(str))
policies = pcrs.flatmap(
    lambda chosen: st.builds(
        AppraisalPolicy,
        pcrs=st.just(chosen),
        key_pcrs=st.just(chosen[:2]),
        ek_keys=st.lists(digests, max_size=2).map(tuple),
        ak_policy=st.booleans(),
        key_attestation=st.booleans(),
        locality=st.one_of(st.none(), st.integers(0, 4)),
        allowed_images=st.lists(st.text(max_size=9), max_size=2).map(tuple),
        claims=st.lists(claims, max_size=2).map(tuple),
    )
)


@given(references)
def test_reference_values_read_back_as_they_were_written(values):
    assert ReferenceValues.from_toml(values.to_toml()) == values


@given(policies)
def test_a_policy_reads_back_as_it_was_written(policy):
    assert AppraisalPolicy.from_toml(policy.to_toml()) == policy


def test_what_a_policy_file_leaves_out_has_the_defaults():
    assert AppraisalPolicy.from_toml("ak-policy = true") == AppraisalPolicy()


@pytest.mark.parametrize("text", ["", "\n", "# pcrs = [17]\n"])
def test_a_policy_file_without_any_key_is_an_error(text, tmp_path):
    with pytest.raises(PolicyError, match="without any key: write down what you demand"):
        AppraisalPolicy.from_toml(text)
    (tmp_path / "empty.toml").write_text(text)
    with pytest.raises(PolicyError, match=r"empty\.toml: a policy file without any key"):
        AppraisalPolicy.from_toml(tmp_path / "empty.toml")


@pytest.mark.parametrize("pcr", [17, 18, 19, 20])
def test_values_of_a_launchs_pcrs_are_refused_for_nobody_would_look_at_them(pcr):
    with pytest.raises(ReferenceValuesError, match=f"PCR {pcr} has no values here"):
        ReferenceValues.from_toml(FILE + f"[pcrs]\n{pcr} = ['{DIGEST}']")
    with pytest.raises(ReferenceValuesError, match=f"PCR {pcr} has no values here"):
        ReferenceValues(1, {}, {}, {}, {pcr: (bytes(32),)})


def test_of_a_machine_without_a_launch_firmware_boot_loader_and_secure_boot_are_demanded():
    """TCG PC Client Platform Firmware Profile 3.3.4: PCRs 0 and 2 hold code of firmware, 4 the boot loader, 7 secure boot."""
    assert (FIRMWARE.pcrs, FIRMWARE.key_pcrs, FIRMWARE.ak_policy, FIRMWARE.locality) == (
        (0, 2, 4, 7), (0, 2, 4, 7), False, None,
    )  # fmt: skip


def test_a_reference_file_is_read_from_disk(tmp_path):
    path = tmp_path / "references.toml"
    path.write_text(FILE)
    assert ReferenceValues.from_toml(path).images == {bytes.fromhex(DIGEST): "bank 1.0"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("version = 7", "version = 'seven'"), "version: it must be a whole number, not text"),
        (lambda text: text.replace("version = 7", "version = -1"), "version: -1"),
        (lambda text: text.replace("version = 7", ""), "it lacks the field 'version'"),
        (lambda text: text.replace("version = 7", "version = 7\nversoin = 8"), "there is no field 'versoin'"),
        (lambda text: text.replace(DIGEST, DIGEST[:-1]), "hypersafe: .* is not a SHA-256 digest"),
        (lambda text: text.replace(DIGEST, DIGEST.upper()), "hypersafe: .* is not a SHA-256 digest"),
        (lambda text: text.replace('"bank 1.0"', "5"), r"images\[...\]: it must be text, not a whole number"),
        (lambda text: text.replace("[images]", "[images"), "at line 7"),
        (lambda text: text + "#" * (1 << 20), "at most"),
        (lambda text: text + "[pcrs]\n24 = []", "pcrs: '24' is not a PCR"),
        (lambda text: text + "[pcrs]\n7 = ['00']", "pcrs: '00' is not"),
        (lambda text: text.replace("[images]", "[images]\n" + "a." * 3000 + "b=1"), "line 8 has 6003"),
        (
            lambda text: text.replace("[images]", "[images]\n" + "a." * 900 + "b=1"),
            r"images\[...\]: it must be text, not a table",
        ),
        (lambda text: text.replace("version = 7", "version = " + "7" * 4000), "version"),
    ],
)
def test_a_reference_file_that_is_wrong_is_told_by_line_or_field(change, message):
    with pytest.raises(ReferenceValuesError, match=message):
        ReferenceValues.from_toml(change(FILE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pcrs = [24]", "pcrs"),
        ("pcrs = []", "pcrs"),
        ("pcrs = [18, 17]", "ascending order"),
        ("pcrs = [17, 17]", "ascending order"),
        ("pcrs = [17]", "key-pcrs"),
        ("locality = 5", "locality"),
        ("locality = 'every'", "locality"),
        ("ak_policy = true", "there is no field 'ak_policy'"),
        ("ak-policy = 1", "ak-policy: it must be true or false, not a whole number"),
        ("ek-keys = ['00']", "ek-keys"),
        ("ek-digests = []", r"ek-digests: .* Write ek-keys = \[...\]: the SHA-256 of the EK's SubjectPublicKeyInfo"),
        (f"ek-digests = ['{DIGEST}']", "Write ek-keys"),
        ("claims = ['antivirus']", "not of the form"),
        ("claims = ['antivirus.vendor > Clam']", "in an order"),
        ("claims = [oops]", "line 1"),
    ],
)
def test_a_policy_file_that_is_wrong_is_told_by_line_or_field(text, message):
    with pytest.raises(PolicyError, match=message):
        AppraisalPolicy.from_toml(text)


def test_a_pinned_digest_of_another_size_is_a_policy_error():
    with pytest.raises(PolicyError, match="32 octets"):
        AppraisalPolicy(ek_keys=(b"short",))


def test_a_file_that_is_not_there_or_not_text_is_a_typed_error(tmp_path):
    with pytest.raises(PolicyError, match="nowhere"):
        AppraisalPolicy.from_toml(tmp_path / "nowhere")
    with pytest.raises(ReferenceValuesError, match="not TOML"):
        ReferenceValues.from_toml(b"\xff\xfe")


@given(st.binary(max_size=60))
def test_random_octets_give_typed_errors_only(raw):
    with suppress(PolicyError):
        assert AppraisalPolicy.from_toml(raw).pcrs
    with pytest.raises(ReferenceValuesError):
        ReferenceValues.from_toml(raw)


@given(st.data())
def test_a_damaged_reference_file_gives_typed_errors_or_values(data):
    place, octet = data.draw(st.integers(0, len(FILE) - 1)), data.draw(st.characters())
    with suppress(ReferenceValuesError):
        assert ReferenceValues.from_toml(FILE[:place] + octet + FILE[place + 1 :]).version >= 0


@pytest.mark.parametrize(
    ("condition", "claimed", "holds"),
    [
        ("av >= 2026-11-01", "2026-11-01", True),
        ("av >= 2026-11-01", "2026-10-31", False),
        ("av >= 2026-11-01", "99999999", False),
        ("av >= 2026-11-01", "2026-13-77", False),
        ("av >= 2026-11-01", "", False),
        ("n > 9", "10", True),
        ("n > 9", "9", False),
        ("n < 9", "-1", True),
        ("vendor == Clam", "Clam", True),
        ("vendor == Clam", "clam", False),
        ("vendor != Clam", "Other", True),
        ("vendor != 5", "Other", False),
    ],
)
def test_conditions_compare_dates_as_dates_and_numbers_as_numbers(condition, claimed, holds):
    assert Condition.parse(condition).holds(claimed) is holds


@given(names, st.sampled_from(["==", "!=", ">=", "<=", ">", "<"]), st.dates().map(str))
def test_a_condition_reads_back_as_it_is_shown(name, operator, value):
    assert Condition.parse(str(Condition(name, operator, value))) == Condition(name, operator, value)


def test_the_last_claim_of_a_name_counts():
    log = EventLog([claim_event("av", "2011-01-01"), claim_event("av", "2026-11-20"), claim_event("vm", "a=b")])
    assert claims_of(log) == {"av": "2026-11-20", "vm": "a=b"}


def test_only_claim_events_claim_and_only_in_the_form_of_a_name_and_a_value():
    image = image_event(bytes(32), "av=2026-11-20")
    assert b"=" in image.data
    claim = claim_event("av", "x")
    nameless = LogEvent(claim.pcr, claim.event_type, claim.digest, b"av")
    assert claims_of(EventLog([image, nameless])) == {}


def test_a_file_and_its_lines_may_be_as_long_as_the_bounds_and_no_longer():
    line = "#" * MAX_LINE + "\n"
    lines = FILE + line * ((MAX_FILE - len(FILE) - 1) // len(line))
    whole = lines + "#" * (MAX_FILE - len(lines) - 1) + "\n"
    assert len(whole) == MAX_FILE
    assert max(map(len, whole.split("\n"))) == MAX_LINE
    assert ReferenceValues.from_toml(whole).version == 7
    with pytest.raises(ReferenceValuesError, match=f"{MAX_FILE + 1} characters; {MAX_FILE} are read at most"):
        ReferenceValues.from_toml(whole + "\n")
    with pytest.raises(ReferenceValuesError, match=f"line 1 has {MAX_LINE + 1} characters"):
        ReferenceValues.from_toml("#" * (MAX_LINE + 1) + FILE)


def test_versions_are_numbers_that_every_reader_of_json_reads_alike():
    for version in (0, 2**53):
        assert ReferenceValues.from_toml(FILE.replace("version = 7", f"version = {version}")).version == version
    for version in (-1, 2**53 + 1):
        with pytest.raises(ReferenceValuesError, match=f"version: {version} is not a version"):
            ReferenceValues.from_toml(FILE.replace("version = 7", f"version = {version}"))
