from __future__ import annotations

import hashlib
import itertools
import subprocess
from contextlib import suppress

import pytest
from attest_cases import EC_KEY, RSA_KEY, attests, covers_every_octet, creation_datas, damaged, vectors
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tpm2_pytss.constants import TPM2_ALG, TPM2_CC, TPM2_ECC, TPM2_GENERATED, TPM2_RH, TPM2_ST, TPMA_OBJECT

from trustlab.attest import (
    CodecError,
    KeyedHashParameters,
    ObjectAttributes,
    PcrSelection,
    QuoteInfo,
    attest_spans,
    constants,
    creation_data_spans,
    parse_attest,
    parse_creation_data,
    parse_public,
    parse_signature,
    public_spans,
    qualified_name,
    signature_spans,
)
from trustlab.attest.build import (
    build_attest,
    build_creation_data,
    build_ecdsa_signature,
    build_pcr_selections,
    build_public,
    build_rsa_signature,
)
from trustlab.attest.constants import ALG_ECDSA, ALG_RSAPSS, ALG_RSASSA, ALG_SHA1, ALG_SHA256, TPM_GENERATED_VALUE
from trustlab.attest.creation import CreationData
from trustlab.attest.reading import StructureReader
from trustlab.attest.signature import Signature
from trustlab.attest.structures import Attest, CertifyInfo, ClockInfo, CreationInfo, read_pcr_selections
from trustlab.octets import sized

MESSAGE = b"octets that a TPM signed"
EC_PUBLIC = build_public(EC_KEY.public_key(), 0x50072, bytes(32), scheme=(ALG_ECDSA, ALG_SHA256))
RSA_PUBLIC = build_public(RSA_KEY.public_key(), 0x20032, bytes(32))
EC_SIGNATURE = build_ecdsa_signature(EC_KEY.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
KEYEDHASH = bytes.fromhex("0008 000b 00000052 0000 0005 000b 0020") + bytes(32)
CODECS = [
    (parse_public, public_spans, EC_PUBLIC),
    (parse_public, public_spans, RSA_PUBLIC),
    (parse_public, public_spans, KEYEDHASH),
    (parse_signature, signature_spans, EC_SIGNATURE),
    (parse_signature, signature_spans, build_rsa_signature(ALG_RSASSA, bytes(256))),
]


def test_the_numbers_are_those_of_the_tss():
    ours = vars(constants)
    algorithms = {name.removeprefix("ALG_"): value for name, value in ours.items() if name.startswith("ALG_")}
    curves = {name.removeprefix("ECC_"): value for name, value in ours.items() if name.startswith("ECC_")}
    assert len(algorithms) > 20
    assert algorithms == {name: int(getattr(TPM2_ALG, name)) for name in algorithms}
    assert curves == {name: int(getattr(TPM2_ECC, name)) for name in curves}
    for flag in ObjectAttributes:
        name = flag.name if flag is ObjectAttributes.SIGN_ENCRYPT else flag.name.replace("_", "")
        assert flag.value == int(getattr(TPMA_OBJECT, name))
    assert [constants.TPM_ST_ATTEST_CERTIFY, constants.TPM_ST_ATTEST_QUOTE, constants.TPM_ST_ATTEST_CREATION] == [
        TPM2_ST.ATTEST_CERTIFY, TPM2_ST.ATTEST_QUOTE, TPM2_ST.ATTEST_CREATION,
    ]  # fmt: skip
    assert (constants.TPM_GENERATED_VALUE, constants.TPM_RH_ENDORSEMENT) == (TPM2_GENERATED.VALUE, TPM2_RH.ENDORSEMENT)
    assert (
        TPM2_CC.PolicyLocality,
        TPM2_CC.PolicyPCR,
    ) == (constants.TPM_CC_POLICY_LOCALITY, constants.TPM_CC_POLICY_PCR)
    for number, name in constants.HASH_NAMES.items():
        assert constants.HASH_SIZES[number] == hashlib.new(name).digest_size


@given(attests)
def test_an_attest_reads_back_as_it_was_written(attest):
    raw = build_attest(attest)
    read = parse_attest(raw)
    assert structs.replace(read, raw=b"", type=0) == attest
    assert read.raw == raw


@given(attests)
def test_every_octet_of_an_attest_has_a_name_and_a_note(attest):
    raw = build_attest(attest)
    assert covers_every_octet(attest_spans(raw), raw)


@given(creation_datas)
def test_creation_data_read_back_as_they_were_written(data):
    raw = build_creation_data(data)
    assert structs.replace(parse_creation_data(raw), raw=b"") == data
    assert covers_every_octet(creation_data_spans(raw), raw)


@given(attests, st.data())
def test_an_attest_cut_short_names_the_field_and_offset(attest, data):
    raw = build_attest(attest)
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(CodecError) as caught:
        parse_attest(raw[:cut])
    assert caught.value.structure == "TPMS_ATTEST"
    assert caught.value.field
    assert 0 <= caught.value.offset <= cut


@given(creation_datas, st.data())
def test_damaged_creation_data_give_a_codec_error_or_are_read_exactly(data, draw):
    raw = draw.draw(damaged(build_creation_data(data)))
    with suppress(CodecError):
        assert parse_creation_data(raw).raw == raw


@given(attests, st.data())
def test_a_damaged_attest_gives_a_codec_error_or_is_read_exactly(attest, data):
    raw = data.draw(damaged(build_attest(attest)))
    with suppress(CodecError):
        assert parse_attest(raw).raw == raw


@pytest.mark.parametrize(("parse", "spans", "raw"), CODECS)
def test_public_areas_and_signatures_name_every_octet(parse, spans, raw):
    assert parse(raw).raw == raw
    assert covers_every_octet(spans(raw), raw)


@pytest.mark.parametrize(("parse", "spans", "raw"), CODECS)
def test_every_truncation_and_every_extra_octet_is_a_codec_error(parse, spans, raw):
    for octets in itertools.chain((raw[:n] for n in range(len(raw))), [raw + b"\0"]):
        with pytest.raises(CodecError) as caught:
            parse(octets)
        assert caught.value.offset <= len(octets)
        with pytest.raises(CodecError) as named:
            spans(octets)
        assert (named.value.field, named.value.offset) == (caught.value.field, caught.value.offset)


@pytest.mark.parametrize(("parse", "spans", "raw"), CODECS)
@given(data=st.data())
def test_damaged_public_areas_and_signatures_raise_nothing_but_codec_errors(parse, spans, raw, data):
    octets = data.draw(damaged(raw))
    try:
        read = parse(octets)
    except CodecError:
        with pytest.raises(CodecError):
            spans(octets)
        return
    assert covers_every_octet(spans(octets), octets)
    with suppress(CodecError):
        if parse is parse_public:
            assert read.spki
            assert read.name[2:] == hashlib.sha256(octets).digest() or read.name_alg != ALG_SHA256
        else:
            assert read.verify(EC_KEY.public_key(), b"other octets") is False
            assert read.verify(RSA_KEY.public_key(), b"other octets") is False


@given(st.binary(max_size=80))
def test_random_octets_raise_nothing_but_codec_errors(raw):
    for parse in (parse_attest, parse_public, parse_signature, parse_creation_data):
        with suppress(CodecError):
            assert parse(raw).raw == raw


def test_the_spki_of_a_public_area_is_the_key_as_der():
    for key, raw in ((EC_KEY, EC_PUBLIC), (RSA_KEY, RSA_PUBLIC)):
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert parse_public(raw).spki == der


def test_a_keyedhash_object_is_read_and_has_no_public_key():
    public = parse_public(KEYEDHASH)
    assert isinstance(public.parameters, KeyedHashParameters)
    with pytest.raises(CodecError, match="no public key") as caught:
        _ = public.spki
    assert (caught.value.field, caught.value.offset) == ("type", 0)


def test_an_exponent_is_kept_and_the_usual_one_left_out():
    for exponent, written in ((3, 3), (65537, 0)):
        key = rsa.RSAPublicNumbers(exponent, RSA_KEY.public_key().public_numbers().n).public_key()
        public = parse_public(build_public(key, 0x20032, bytes(32)))
        assert public.parameters.exponent == written
        assert public.public_key.public_numbers().e == exponent


def test_a_signature_of_a_scheme_for_other_keys_never_verifies():
    value = RSA_KEY.sign(MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    for algorithm, valid in ((ALG_RSAPSS, True), (ALG_ECDSA, False)):
        assert Signature(b"", algorithm, ALG_SHA256, value).verify(RSA_KEY.public_key(), MESSAGE) is valid


def test_a_point_off_the_curve_is_a_codec_error():
    off = EC_PUBLIC[:-1] + bytes([EC_PUBLIC[-1] ^ 1])
    with pytest.raises(CodecError, match="unique"):
        _ = parse_public(off).public_key


def test_coordinates_without_their_leading_zeros_are_the_same_key():
    number = next(n for n in range(1, 2000) if not _x(n) >> 248)
    key = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    raw = build_public(key, 0x50072)
    shorter = raw[: -68 + 0] + sized(_x(number).to_bytes(31, "big")) + raw[-34:]
    assert parse_public(shorter).spki == parse_public(raw).spki


def _x(number: int) -> int:
    return ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers().x


def test_signatures_verify_for_their_own_key_and_octets_only():
    signature = parse_signature(EC_SIGNATURE)
    assert signature.verify(EC_KEY.public_key(), MESSAGE)
    assert not signature.verify(EC_KEY.public_key(), MESSAGE + b"!")
    assert not signature.verify(RSA_KEY.public_key(), MESSAGE)


@pytest.mark.parametrize("algorithm", [ALG_RSASSA, ALG_RSAPSS])
def test_rsa_signatures_verify_in_both_schemes(algorithm):
    how = padding.PKCS1v15() if algorithm == ALG_RSASSA else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    octets = RSA_KEY.sign(MESSAGE, how, hashes.SHA256())
    signature = parse_signature(build_rsa_signature(algorithm, octets))
    assert signature.verify(RSA_KEY.public_key(), MESSAGE)
    assert not signature.verify(RSA_KEY.public_key(), b"")
    assert not signature.verify(EC_KEY.public_key(), MESSAGE)


def test_a_sha1_signature_is_read_but_never_verifies():
    der = EC_KEY.sign(MESSAGE, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - the point is that it does not count
    assert not parse_signature(build_ecdsa_signature(der, ALG_SHA1)).verify(EC_KEY.public_key(), MESSAGE)


def test_the_keylime_quote_verifies_and_tells_what_it_quotes():
    folder = vectors("quotes")
    ak = parse_public((folder / "ak.pub").read_bytes()[2:])
    attest = parse_attest((folder / "quote.out").read_bytes())
    assert ak.name == (folder / "ak.name").read_bytes()
    assert ak.public_key == load_pem_public_key((folder / "akpub.pem").read_bytes())
    assert parse_signature((folder / "quotesig.out").read_bytes()).verify(ak.public_key, attest.raw)
    assert isinstance(attest.attested, QuoteInfo)
    assert attest.attested.selections == (PcrSelection(ALG_SHA256, (15, 16, 22)),)


def test_the_keylime_public_areas_have_the_attributes_of_their_purpose():
    folder = vectors("quotes")
    ak, ek = (parse_public((folder / name).read_bytes()[2:]) for name in ("ak.pub", "ek.pub"))
    assert ak.attributes & (ObjectAttributes.RESTRICTED | ObjectAttributes.SIGN_ENCRYPT)
    assert not ak.attributes & ObjectAttributes.DECRYPT
    assert ek.attributes & ObjectAttributes.DECRYPT
    assert not ek.attributes & ObjectAttributes.SIGN_ENCRYPT


@pytest.mark.parametrize("kind", ["TPMS_ATTEST", "TPM2B_PUBLIC"])
def test_tpm2_print_reads_what_we_read(kind, tmp_path):
    folder = vectors("quotes")
    raw = (folder / ("quote.out" if kind == "TPMS_ATTEST" else "ak.pub")).read_bytes()
    path = tmp_path / "structure"
    path.write_bytes(raw)
    printed = subprocess.run(["tpm2_print", "-t", kind, path], capture_output=True, text=True, check=True).stdout
    if kind == "TPMS_ATTEST":
        attest = parse_attest(raw)
        assert attest.extra_data.hex() in printed
        assert attest.attested.pcr_digest.hex() in printed
    else:
        assert parse_public(raw[2:]).unique.hex() in printed


def test_a_qualified_name_hashes_the_parents_with_the_name():
    name = parse_public(EC_PUBLIC).name
    expected = b"\0\x0b" + hashlib.sha256(bytes.fromhex("4000000b") + name).digest()
    assert qualified_name(bytes.fromhex("4000000b"), name) == expected


def test_a_name_by_an_unknown_hash_is_a_codec_error():
    with pytest.raises(CodecError, match="not a hash"):
        qualified_name(b"", b"\x7f\x7f" + bytes(32))


ATTEST = Attest(b"", TPM_GENERATED_VALUE, 0, b"", b"", ClockInfo(0, 0, 0, safe=True), 0, QuoteInfo((), b""))
CREATION_DATA = CreationData(b"", (), b"", 0, 0, b"", b"", b"")
BOUNDED = {
    "attest.qualifiedSigner": (66, lambda o: build_attest(structs.replace(ATTEST, qualified_signer=o)), parse_attest),
    "attest.extraData": (66, lambda o: build_attest(structs.replace(ATTEST, extra_data=o)), parse_attest),
    "quote.pcrDigest": (64, lambda o: build_attest(structs.replace(ATTEST, attested=QuoteInfo((), o))), parse_attest),
    "creation.objectName": (
        66,
        lambda o: build_attest(structs.replace(ATTEST, attested=CreationInfo(o, b""))),
        parse_attest,
    ),
    "creation.creationHash": (
        64,
        lambda o: build_attest(structs.replace(ATTEST, attested=CreationInfo(b"", o))),
        parse_attest,
    ),
    "certify.name": (66, lambda o: build_attest(structs.replace(ATTEST, attested=CertifyInfo(o, b""))), parse_attest),
    "certify.qualifiedName": (
        66,
        lambda o: build_attest(structs.replace(ATTEST, attested=CertifyInfo(b"", o))),
        parse_attest,
    ),
    "creationData.pcrDigest": (
        64,
        lambda o: build_creation_data(structs.replace(CREATION_DATA, pcr_digest=o)),
        parse_creation_data,
    ),
    "creationData.parentName": (
        66,
        lambda o: build_creation_data(structs.replace(CREATION_DATA, parent_name=o)),
        parse_creation_data,
    ),
    "creationData.parentQualifiedName": (
        66,
        lambda o: build_creation_data(structs.replace(CREATION_DATA, parent_qualified_name=o)),
        parse_creation_data,
    ),
    "creationData.outsideInfo": (
        1024,
        lambda o: build_creation_data(structs.replace(CREATION_DATA, outside_info=o)),
        parse_creation_data,
    ),
    "public.authPolicy": (64, lambda o: build_public(EC_KEY.public_key(), 0x50072, o), parse_public),
    "public.unique.keyedHash": (64, lambda o: KEYEDHASH[:-34] + sized(o), parse_public),
    "public.unique.rsa": (512, lambda o: RSA_PUBLIC[:-258] + sized(o), parse_public),
    "signature.sig": (512, lambda o: build_rsa_signature(ALG_RSASSA, o), parse_signature),
    "signature.signatureR": (66, lambda o: b"\0\x18\0\x0b" + sized(o) + sized(b"s"), parse_signature),
    "signature.signatureS": (66, lambda o: b"\0\x18\0\x0b" + sized(b"r") + sized(o), parse_signature),
}


@pytest.mark.parametrize("field", BOUNDED)
def test_a_field_may_be_as_long_as_its_type_and_no_longer(field):
    longest, build, parse = BOUNDED[field]
    assert parse(build(b"o" * longest))
    with pytest.raises(CodecError, match=field.rsplit(".", 1)[1]):
        parse(build(b"o" * (longest + 1)))


def test_as_many_banks_may_be_selected_from_as_there_are_and_of_each_as_many_pcrs():
    bank = b"\0\x0b\x20" + bytes(31) + b"\x80"
    whole = (16).to_bytes(4, "big") + bank * 16
    assert (
        read_pcr_selections(StructureReader(whole, prefix="selection"), "pcrSelect")
        == (PcrSelection(ALG_SHA256, (255,)),) * 16
    )
    with pytest.raises(CodecError, match="17 banks, at most 16 exist"):
        read_pcr_selections(StructureReader((17).to_bytes(4, "big") + bank * 17, prefix="selection"), "pcrSelect")
    with pytest.raises(CodecError, match="no TPM has more than 256 PCRs"):
        read_pcr_selections(StructureReader(b"\0\0\0\1\0\x0b\x21" + bytes(33), prefix="selection"), "pcrSelect")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (EC_SIGNATURE[:5], "TPMT_SIGNATURE.signatureR.size at offset 4: needs 2 octets, 1 are left"),
        (EC_SIGNATURE[:9], "TPMT_SIGNATURE.signatureR at offset 6: needs 32 octets, 3 are left"),
        (
            EC_SIGNATURE[:4] + b"\0\x43" + bytes(99),
            "TPMT_SIGNATURE.signatureR.size at offset 4: 67 octets announced; the limit is 66",
        ),
        (EC_SIGNATURE[:4] + b"\0\x42", "TPMT_SIGNATURE.signatureR at offset 6: needs 66 octets, 0 are left"),
        (EC_SIGNATURE + b"\0", "TPMT_SIGNATURE.(end) at offset 72: 1 octets left over after the last field"),
    ],
)
def test_a_codec_error_says_structure_field_offset_and_why(raw, sentence):
    for read in (parse_signature, signature_spans):
        with pytest.raises(CodecError) as caught:
            read(raw)
        assert str(caught.value) == sentence


def test_an_error_inside_a_structure_names_the_whole_path():
    with pytest.raises(CodecError) as caught:
        parse_public(EC_PUBLIC[:-1])
    assert caught.value.field == "unique.ecc.y"


def test_no_pcr_is_a_selection_of_three_octets_too():
    """TPM 2.0 Part 2, 10.6.1: PCR_SELECT_MIN is 3 on a PC, also where nothing is selected."""
    none, some = PcrSelection(ALG_SHA256, ()), PcrSelection(ALG_SHA256, (0, 23))
    assert build_pcr_selections([none]) == bytes.fromhex("00000001 000b 03 000000")
    assert build_pcr_selections([some]) == bytes.fromhex("00000001 000b 03 010080")
    assert build_pcr_selections([PcrSelection(ALG_SHA256, (24,))]) == bytes.fromhex("00000001 000b 04 00000001")


def test_schemes_with_a_third_field_are_read_to_their_end():
    """TPM 2.0 Part 2, 11.1.18: ECDAA has a count; 11.1.5: XOR has a key derivation function."""
    plain = build_public(EC_KEY.public_key(), 0x50072, b"", scheme=(0x0018, ALG_SHA256))
    at = plain.index(bytes.fromhex("0018000b"))
    ecdaa = plain[:at] + bytes.fromhex("001a000b0007") + plain[at + 4 :]
    assert parse_public(ecdaa).parameters.scheme.algorithm == 0x001A
    assert parse_public(ecdaa).name != parse_public(plain).name
    xor = KEYEDHASH[:-38] + bytes.fromhex("000a000b0020") + KEYEDHASH[-34:]
    assert parse_public(xor).parameters.scheme.algorithm == 0x000A
    for raw in (ecdaa, xor):
        assert covers_every_octet(public_spans(raw), raw)
