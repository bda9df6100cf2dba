"""A key in memory is found whole, and across pages that are no neighbours."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustlab.attacks.programs.memory_scrape import BEGIN, END, LENGTHS, private_keys

FORM = PrivateFormat.PKCS8, NoEncryption()


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def test_a_whole_key_is_found_once_however_often_it_lies_there(key):
    pem = key.private_bytes(Encoding.PEM, *FORM)
    assert len(pem.strip()) in LENGTHS
    assert private_keys([pem + os.urandom(200), pem], [b"garbage" + END]) == [key.private_bytes(Encoding.DER, *FORM)]


@pytest.mark.parametrize("cut", [40, 700, 1660])
def test_a_key_across_two_pages_is_put_together(key, cut):
    pem = key.private_bytes(Encoding.PEM, *FORM).strip()
    head, tail = pem[:cut] + b"\0" * 400, b"\xff" * 1000 + pem[cut:]
    assert private_keys([b"-----BEGIN PRIVATE KEY-----\n....", head], [END, tail]) == [
        key.private_bytes(Encoding.DER, *FORM)
    ]


def test_what_is_no_rsa_key_is_passed_over():
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, *FORM)
    assert private_keys([other, BEGIN, b"", os.urandom(2000)], [END, b""]) == []
