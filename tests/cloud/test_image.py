"""An image is what is measured, and what is measured is what runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.cloud import Image, ImageError
from trustlab.cloud import image as image_module


def test_an_image_of_a_module_holds_its_source_and_does_not_import_it():
    image = Image.of("image", "trustlab.cloud.image", {})
    assert image.program == Path(image_module.__file__).read_bytes()


def test_the_digest_is_the_sha256_of_the_manifest():
    image = Image("bank", b"def start(guest): ...\n", {"design": "plain-tls"})
    assert image.digest == hashlib.sha256(image.manifest).digest()
    assert b"unmeasured" in image.manifest


@given(st.integers(0, 20), st.integers(0, 255))
def test_changing_any_octet_of_the_program_makes_another_image(position, value):
    program = b"def start(guest): pass"
    changed = program[:position] + bytes([value]) + program[position + 1 :]
    same = changed == program
    assert (Image("x", changed, {}).digest == Image("x", program, {}).digest) == same


def test_changing_a_setting_or_the_name_makes_another_image():
    base = Image("x", b"", {"a": "1", "b": "2"})
    assert base.digest == Image("x", b"", {"b": "2", "a": "1"}).digest
    assert base.digest != Image("x", b"", {"a": "1", "b": "3"}).digest
    assert base.digest != Image("y", b"", {"a": "1", "b": "2"}).digest


def test_changing_a_files_octet_or_name_makes_another_image():
    base = Image("x", b"", {}, {"rates.csv": b"1,2"})
    assert base.digest == Image("x", b"", {}, {"rates.csv": b"1,2"}).digest
    assert base.digest != Image("x", b"", {}, {"rates.csv": b"1,3"}).digest
    assert base.digest != Image("x", b"", {}, {"other.csv": b"1,2"}).digest
    assert base.digest != Image("x", b"", {}).digest


def test_what_was_measured_is_what_runs():
    image = Image("x", b"def start(guest):\n    return guest + 1\n", {})
    assert image.load().function("start")(41) == 42


def test_a_program_that_does_not_compile_is_named():
    with pytest.raises(ImageError, match="image 'x' does not compile"):
        Image("x", b"def start(:", {}).load()


def test_a_program_that_fails_while_it_is_loaded_is_named():
    with pytest.raises(ImageError, match=r"image 'x' failed.*ZeroDivisionError"):
        Image("x", b"1 / 0", {}).load()


def test_a_missing_function_or_module_is_named():
    with pytest.raises(ImageError, match="defines no function 'pay'"):
        Image("x", b"", {}).load().function("pay")
    with pytest.raises(ImageError, match=r"no Python source.*'trustlab\.nowhere'"):
        Image.of("x", "trustlab.nowhere", {})
