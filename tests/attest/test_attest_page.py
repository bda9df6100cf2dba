"""The octets that docs/attestation.md shows are still what it says of them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from trustlab.attest import CHECKS, CreationInfo, parse_attest, parse_public, parse_signature
from trustlab.attest.errors import CodecError

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "attestation.md").read_text(encoding="utf-8")
BLOCKS = {
    label: bytes.fromhex("".join(body.split()))
    for label, body in re.findall(r"^```hex ([\w-]+)\n([0-9a-f\n]+)```$", PAGE, re.MULTILINE)
}


def test_the_pages_ak_signed_the_pages_quote():
    ak, signature = parse_public(BLOCKS["ak-public"]), parse_signature(BLOCKS["signature"])
    assert signature.verify(ak.public_key, BLOCKS["quote"])


def test_the_pages_binder_is_the_hash_of_its_fields_and_the_quotes_extra_data():
    fields = dict(re.findall(r"^(\S+) +([0-9a-f]+)$", PAGE.split("The teller and the bank both")[1], re.MULTILINE))
    names = ("L", "role", "nonce_C", "client_random", "server_random", "H(SPKI_S)")
    octets = [bytes.fromhex(fields[name]) for name in names]
    binder = hashlib.sha256(b"".join(len(o).to_bytes(2, "big") + o for o in octets)).digest()
    assert binder.hex() == fields["binder"]
    assert parse_attest(BLOCKS["quote"]).extra_data == binder


def test_the_pages_key_attestation_is_by_the_same_ak():
    attest = parse_attest(BLOCKS["key-attestation"])
    assert isinstance(attest.attested, CreationInfo)
    assert attest.qualified_signer == parse_attest(BLOCKS["quote"]).qualified_signer


def test_the_pages_appraisal_names_every_check_in_order():
    table = PAGE.split("## The appraisal")[1].split("###")[0]
    told = tuple(re.findall(r"^\| ([\w ]+?) \| (?:pass|not demanded) \|", table, re.MULTILINE))
    assert told == CHECKS, "docs/attestation.md is not up to date: run `python docs/attestation_story.py`"


def test_the_pages_tables_name_every_octet_of_the_quote():
    table = PAGE.split("```hex quote")[1].split("The four octets")[0]
    starts = [int(at) for at in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    with pytest.raises(CodecError, match="pcrDigest"):
        parse_attest(BLOCKS["quote"][: starts[-1] + 1])


def test_the_page_was_written_from_the_template_that_is_here():
    template = (DOCS / "attestation.template.md").read_text(encoding="utf-8")
    for piece in re.split(r"\{\w+\}", template):
        assert piece in PAGE
