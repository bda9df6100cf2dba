from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from software_tpm import REFERENCES

from trustlab.attest import ReferenceValues, ReferenceValuesError, VersionMemory, publish, read_published, sign_file
from trustlab.attest.publication import MAX_FILE

BOB = ed25519.Ed25519PrivateKey.generate()
TRUSTED = (BOB.public_key(),)
FILE = publish(REFERENCES, BOB)


@pytest.mark.parametrize("key", [BOB, ec.generate_private_key(ec.SECP256R1())], ids=["EdDSA", "ES256"])
def test_a_published_file_reads_back_for_who_trusts_the_publisher(key):
    assert read_published(publish(REFERENCES, key), (key.public_key(),)) == REFERENCES


def test_a_signed_file_is_still_toml_that_anybody_reads(tmp_path):
    path = tmp_path / "references.toml"
    path.write_text(FILE)
    assert ReferenceValues.from_toml(path) == REFERENCES
    assert read_published(path, TRUSTED) == REFERENCES


def test_a_file_written_by_hand_keeps_its_comments_under_the_signature():
    signed = sign_file("# Bob's bank, November\n" + REFERENCES.to_toml(), BOB)
    assert signed.startswith("# Bob's bank, November")
    assert read_published(signed, TRUSTED) == REFERENCES


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (REFERENCES.to_toml(), "must be signed"),
        ("", "must be signed"),
        (FILE + "\n", "must be signed"),
        (FILE + "# later\n", "must be signed"),
        (FILE.replace("version = 7", "version = 8"), "changed after signing"),
        (FILE.replace("bank 1.0", "bank 1.1"), "changed after signing"),
        (publish(REFERENCES, ed25519.Ed25519PrivateKey.generate()), "not belong to a publisher that we trust"),
    ],
)
def test_a_file_that_is_not_the_publishers_own_is_refused(file, message):
    with pytest.raises(ReferenceValuesError, match=message):
        read_published(file, TRUSTED)


def test_a_signature_by_another_key_under_the_publishers_name_is_refused():
    mallory = publish(REFERENCES, ed25519.Ed25519PrivateKey.generate())
    own, forged = FILE.splitlines()[-1].split(), mallory.splitlines()[-1].split()
    line = " ".join((*forged[:2], own[2], forged[3]))
    with pytest.raises(ReferenceValuesError, match="not by this publisher"):
        read_published("\n".join((*mallory.splitlines()[:-1], line)) + "\n", TRUSTED)


@given(st.integers(0, len(FILE) - 2), st.characters(max_codepoint=126, exclude_characters="\r"))
def test_a_file_with_any_character_changed_is_refused(place, character):
    if FILE[place] == character:
        character = "0" if character != "0" else "1"
    with pytest.raises(ReferenceValuesError):
        read_published(FILE[:place] + character + FILE[place + 1 :], TRUSTED)


def test_what_is_no_reference_file_or_signed_already_is_not_signed():
    with pytest.raises(ReferenceValuesError, match="it lacks the field 'hypersafe'"):
        sign_file("version = 1\n", BOB)
    with pytest.raises(ReferenceValuesError, match="already has a signature"):
        sign_file(FILE, BOB)


def test_a_file_that_is_not_there_or_too_big_is_a_typed_error(tmp_path):
    with pytest.raises(ReferenceValuesError, match="nowhere"):
        read_published(tmp_path / "nowhere", TRUSTED)
    with pytest.raises(ReferenceValuesError, match="more than"):
        read_published(b"#" * (1 << 21), TRUSTED)


def test_the_memory_only_ever_goes_up(tmp_path):
    memory = VersionMemory(tmp_path / "version")
    assert memory.last == 0
    memory.remember(7)
    memory.remember(5)
    assert VersionMemory(tmp_path / "version").last == 7
    assert [path.name for path in tmp_path.iterdir()] == ["version"]


def test_a_memory_that_cannot_be_read_is_an_error_and_not_a_fresh_start(tmp_path):
    path = tmp_path / "version"
    path.write_text("sev")
    with pytest.raises(ReferenceValuesError, match="cannot be read"):
        _ = VersionMemory(path).last


def test_a_file_may_have_as_many_octets_as_the_bound_and_no_more(tmp_path):
    path = tmp_path / "references.toml"
    path.write_bytes(b"#" * MAX_FILE)
    for source in (path, b"#" * MAX_FILE, "#" * MAX_FILE):
        with pytest.raises(ReferenceValuesError, match="must be signed"):
            read_published(source, TRUSTED)
    path.write_bytes(b"#" * (MAX_FILE + 1))
    for source in (path, b"#" * (MAX_FILE + 1), "#" * (MAX_FILE + 1)):
        with pytest.raises(ReferenceValuesError, match=f"more than {MAX_FILE} octets"):
            read_published(source, TRUSTED)


def test_a_file_that_is_not_there_is_said_with_the_systems_reason(tmp_path):
    with pytest.raises(
        ReferenceValuesError, match=r"none.toml: the file cannot be read \(no such file or directory\)$"
    ):
        read_published(tmp_path / "none.toml", TRUSTED)
