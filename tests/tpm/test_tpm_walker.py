"""Fields by their kind: each is named as Part 2 lays it out, with the TSS's numbers, and secrets are blanked."""

from __future__ import annotations

import hashlib

import pytest
from tpm2_pytss.constants import TPM2_ALG, TPM2_RC, TPM2_RH

from trustlab.octets import OctetsError
from trustlab.tpm import responses, walker
from trustlab.tpm.errors import GateRefused
from trustlab.tpm.handles import HandleSpace, LoadedObject, check_owned, uses
from trustlab.tpm.walker import SpanWalker, handle_name


def walked(kind: str, octets: bytes) -> list[tuple[str, int, int, str]]:
    walk = SpanWalker(octets)
    walk.field("f", kind)
    assert walk.left == 0
    return [(s.name.removeprefix("f"), s.start, s.end, s.value) for s in walk.spans]


FIELDS = [
    ("u8", "07", [("", 0, 1, "7")]),
    ("u16", "0107", [("", 0, 2, "263")]),
    ("u32", "00000107", [("", 0, 4, "263")]),
    ("u64", "0000000000000107", [("", 0, 8, "263")]),
    ("2b", "0002aabb", [(".size", 0, 2, "2"), ("", 2, 4, "aabb")]),
    ("2b", "0000", [(".size", 0, 2, "0")]),
    ("hash", "000b" + "11" * 32, [("", 0, 34, ""), (".hashAlg", 0, 2, "SHA-256"), (".digest", 2, 34, "11" * 32)]),
    ("hash", "0004" + "11" * 20, [("", 0, 22, ""), (".hashAlg", 0, 2, "SHA-1"), (".digest", 2, 22, "11" * 20)]),
    (
        "hashes",
        "00000001 0004" + "11" * 20,
        [("", 0, 26, ""), (".count", 0, 4, "1"), ("[0].hashAlg", 4, 6, "SHA-1"), ("[0].digest", 6, 26, "11" * 20)],
    ),
    ("digests", "00000000", [("", 0, 4, ""), (".count", 0, 4, "0")]),
    (
        "digests",
        "00000002 0001aa 0000",
        [("", 0, 9, ""), (".count", 0, 4, "2"), ("[0].size", 4, 6, "1"), ("[0]", 6, 7, "aa"), ("[1].size", 7, 9, "0")],
    ),
    ("codes", "00000001 0000017b", [("", 0, 8, ""), (".count", 0, 4, "1"), ("[0]", 4, 8, "TPM2_GetRandom")]),
    (
        "algorithms",
        "00000002 000b ffff",
        [("", 0, 8, ""), (".count", 0, 4, "2"), ("[0]", 4, 6, "SHA-256"), ("[1]", 6, 8, "65535")],
    ),
    (
        "pcrs",
        "00000001 000b 03 810000",
        [
            *(("", 0, 10, ""), (".count", 0, 4, "1"), ("[0].hash", 4, 6, "SHA-256")),
            *(("[0].sizeofSelect", 6, 7, "3"), ("[0].pcrSelect", 7, 10, "PCR 0, 7")),
        ],
    ),
    (
        "ticket",
        "8021 40000007 0000",
        [("", 0, 8, ""), (".tag", 0, 2, "0x8021"), (".hierarchy", 2, 6, "TPM_RH_NULL"), (".digest.size", 6, 8, "0")],
    ),
    ("scheme", "0010", [(".scheme", 0, 2, "NULL")]),
    ("scheme", "0015", [(".scheme", 0, 2, "RSAES")]),
    ("scheme", "0014 000b", [("", 0, 4, ""), (".scheme", 0, 2, "RSASSA"), (".hashAlg", 2, 4, "SHA-256")]),
    ("symmetric", "0010", [(".algorithm", 0, 2, "NULL")]),
    (
        "symmetric",
        "0006 0080 0043",
        [("", 0, 6, ""), (".algorithm", 0, 2, "AES"), (".keyBits", 2, 4, "128"), (".mode", 4, 6, "CFB")],
    ),
    ("locality", "15", [("", 0, 1, "locality 0, 2, 4")]),
    ("locality", "1f", [("", 0, 1, "locality 0, 1, 2, 3, 4")]),
    ("locality", "20", [("", 0, 1, "locality 32")]),
    ("signature", "0010", [(".sigAlg", 0, 2, "NULL")]),
    ("rest", "aabbccdd", [("", 0, 4, "aabbccdd")]),
]


@pytest.mark.parametrize(("kind", "octets", "spans"), FIELDS, ids=[f"{k}-{o[:12]}" for k, o, _ in FIELDS])
def test_a_field_is_named_as_it_is_laid_out(kind: str, octets: str, spans: list[tuple[str, int, int, str]]) -> None:
    raw = bytes.fromhex(octets)
    assert sorted(walked(kind, raw)) == sorted(spans)
    for end in range(len(raw)):
        if kind != "rest":
            with pytest.raises(OctetsError):
                walked(kind, raw[:end])


@pytest.mark.parametrize(
    ("octets", "parts"),
    [
        ("0018 000b 0001 aa 0002 bbcc", {"sigAlg", "hash", "signatureR", "signatureS"}),
        ("0014 000b 0002 aabb", {"sigAlg", "hash", "sig"}),
    ],
)
def test_a_signature_has_one_number_or_two(octets: str, parts: set[str]) -> None:
    raw = bytes.fromhex(octets)
    found = {name.lstrip(".").partition(".")[0] for name, *_ in walked("signature", raw)}
    assert found - {""} == parts
    walk = SpanWalker(raw + b"\xff")
    walk.field("f", "signature")
    assert walk.left == 1


@pytest.mark.parametrize("algorithm", [0x0010, 0x0012, 0x1234])
def test_a_digest_by_an_unknown_algorithm_is_an_error(algorithm: int) -> None:
    with pytest.raises(OctetsError, match=f"is of the unknown algorithm {algorithm:#06x}"):
        walked("hash", algorithm.to_bytes(2, "big") + bytes(64))


@pytest.mark.parametrize(
    ("kind", "content", "value", "secret"),
    [
        ("2b/secret", b"abc", "3 bytes", True),
        ("2b/secret", b"", None, False),
        ("2b/secret", bytes(4), "4 bytes", True),
        ("2b/sensitive", bytes(4), "no password, no data", False),
        ("2b/sensitive", b"\0\1x\0\0", "5 bytes", True),
    ],
)
def test_a_secret_is_blanked_and_noted(kind: str, content: bytes, value: str | None, *, secret: bool) -> None:
    walk = SpanWalker(len(content).to_bytes(2, "big") + content)
    walk.field("f", kind)
    assert [s.value for s in walk.spans if s.name == "f"] == ([] if value is None else [value])
    assert walk.secrets == ([("f", 2, 2 + len(content))] if secret else [])


def test_what_is_inside_a_buffer_and_cannot_be_read_is_named_with_why() -> None:
    walk = SpanWalker(b"\0\3abc" + b"rest")
    walk.field("f", "2b/public")
    assert [(s.name, s.start, s.end) for s in walk.spans] == [("f.size", 0, 2), ("f", 2, 5), ("f.unparsed", 2, 5)]
    assert "TPMT_PUBLIC" in walk.spans[-1].note
    assert walk.left == 4


@pytest.mark.parametrize(
    ("handle", "name"),
    [
        (TPM2_RH.OWNER, "TPM_RH_OWNER"),
        (TPM2_RH.NULL, "TPM_RH_NULL"),
        (TPM2_RH.PW, "TPM_RS_PW"),
        (TPM2_RH.LOCKOUT, "TPM_RH_LOCKOUT"),
        (TPM2_RH.ENDORSEMENT, "TPM_RH_ENDORSEMENT"),
        (TPM2_RH.PLATFORM, "TPM_RH_PLATFORM"),
        (0, "PCR 0"),
        (23, "PCR 23"),
        (0x01C00002, "NV 0x01c00002"),
        (0x02000001, "HMAC session 0x02000001"),
        (0x03000001, "policy session 0x03000001"),
        (0x80000000, "loaded 0x80000000"),
        (0x81000001, "kept 0x81000001"),
        (0x90000000, "0x90000000"),
        (0x40000002, "0x40000002"),
    ],
)
def test_a_handle_is_called_what_it_stands_for(handle: int, name: str) -> None:
    assert handle_name(int(handle)) == name


def test_algorithms_and_digests_have_the_numbers_of_the_tss() -> None:
    names = {"SHA-1": "SHA1", "SHA-256": "SHA256", "SHA-384": "SHA384", "SHA-512": "SHA512"}
    for number, name in walker._ALGORITHMS.items():
        assert number == int(getattr(TPM2_ALG, names.get(name, name))), name
    for number, size in walker._DIGEST_SIZES.items():
        assert hashlib.new(walker._ALGORITHMS[number].replace("-", "").lower()).digest_size == size


def test_the_codes_that_are_compared_are_those_of_the_tss() -> None:
    for name in ("FAILURE", "PCR_CHANGED", "OBJECT_MEMORY", "SESSION_MEMORY", "LOCALITY", "RETRY"):
        assert getattr(responses, f"RC_{name}") == int(getattr(TPM2_RC, name))


@pytest.mark.parametrize(
    ("rc", "name"),
    [
        (0x000, "TPM_RC_SUCCESS"),
        (0x01E, "TPM_RC_BAD_TAG"),
        (0x100, "TPM_RC_INITIALIZE"),
        (0x500, "TPM_RC_0x500"),  # of the vendor's own
        (0x13F, "TPM_RC_0x13f"),
        (0x922, "TPM_RC_RETRY"),
        (0xD22, "TPM_RC_0xd22"),
        (0x001, "TPM_RC_0x001"),
        (0x08B, "TPM_RC_HANDLE"),
        (0x18B, "TPM_RC_HANDLE (handle 1)"),
        (0x78B, "TPM_RC_HANDLE (handle 7)"),
        (0x88E, "TPM_RC_AUTH_FAIL (session 0)"),
        (0x98E, "TPM_RC_AUTH_FAIL (session 1)"),
        (0xF8E, "TPM_RC_AUTH_FAIL (session 7)"),
        (0x0C4, "TPM_RC_VALUE (parameter 0)"),
        (0x1C4, "TPM_RC_VALUE (parameter 1)"),
        (0xFC4, "TPM_RC_VALUE (parameter 15)"),
        (0x1BF, "TPM_RC_0x1bf (handle 1)"),
    ],
)
def test_a_response_code_says_what_is_to_blame(rc: int, name: str) -> None:
    """TPM 2.0 Part 2, 6.6.2: bit 6 a parameter, bit 11 a session, else a handle, and its number."""
    assert responses.rc_name(rc) == name


def command(code: int, handles: bytes = b"", sessions: bytes | None = None, rest: bytes = b"") -> bytes:
    area = b"" if sessions is None else len(sessions).to_bytes(4, "big") + sessions
    body = handles + area + rest
    tag = 0x8001 if sessions is None else 0x8002
    return tag.to_bytes(2, "big") + (10 + len(body)).to_bytes(4, "big") + code.to_bytes(4, "big") + body


def session(handle: int, nonce: bytes = b"", attributes: int = 1, hmac: bytes = b"") -> bytes:
    sized = len(nonce).to_bytes(2, "big") + nonce
    return handle.to_bytes(4, "big") + sized + bytes([attributes]) + len(hmac).to_bytes(2, "big") + hmac


FLUSH, SIGN, COMPLETE = 0x165, 0x15D, 0x13E
KEY, OTHER, POLICY, PASSWORD = 0x80000001, 0x80000002, 0x03000000, 0x40000009


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (command(FLUSH, rest=KEY.to_bytes(4, "big")), [(10, KEY, True)]),
        (command(SIGN, KEY.to_bytes(4, "big"), session(PASSWORD)), [(10, KEY, False)]),
        (
            command(SIGN, KEY.to_bytes(4, "big"), session(POLICY) + session(POLICY + 1, b"nonce", 0, b"hmac")),
            [(10, KEY, False), (18, POLICY, False), (27, POLICY + 1, True)],
        ),
        (command(COMPLETE, KEY.to_bytes(4, "big"), session(PASSWORD)), [(10, KEY, True)]),
        (command(0x7FFF, KEY.to_bytes(4, "big")), []),
    ],
)
def test_handles_are_found_where_they_stand_with_whether_they_end(
    octets: bytes, found: list[tuple[int, int, bool]]
) -> None:
    tag, code = int.from_bytes(octets[:2], "big"), int.from_bytes(octets[6:10], "big")
    assert [tuple(use) for use in uses(octets, tag, code)] == found


def test_a_client_uses_its_own_objects_and_sessions_and_nobody_elses() -> None:
    space = HandleSpace("bank", {KEY: LoadedObject(None, 0)}, {POLICY: LoadedObject(None, 0)})
    own = command(SIGN, KEY.to_bytes(4, "big"), session(POLICY))
    assert len(check_owned(space, own, 0x8002, SIGN)) == 2
    kept = command(SIGN, (0x81000001).to_bytes(4, "big"), session(PASSWORD))
    assert len(check_owned(space, kept, 0x8002, SIGN)) == 1  # what is kept in the TPM is everybody's
    for handle, who in ((OTHER, POLICY), (KEY, POLICY + 1), (KEY, 0x02000000)):
        foreign = command(SIGN, handle.to_bytes(4, "big"), session(who))
        with pytest.raises(GateRefused, match="is not one of its own"):
            check_owned(space, foreign, 0x8002, SIGN)
    for end in range(10, len(own)):
        with pytest.raises(GateRefused, match="its handles cannot be read"):
            check_owned(space, own[:end], 0x8002, SIGN)
    space.forget(KEY)
    with pytest.raises(GateRefused):
        check_owned(space, own, 0x8002, SIGN)
    space.clear()
    assert (space.objects, space.sessions) == ({}, {})
