"""The log's memory for layouts changes nothing but the time it takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from trustlab.tpm import certify_creation, create_ak, create_tls_key, quote, sign
from trustlab.tpm.decode import _decode_command, _decode_response, decode_command, decode_response
from trustlab.tpm.span_cache import ALIKE, MAX_LAYOUTS, Layout, SpanCache
from trustlab.trace import Span

if TYPE_CHECKING:
    from tpm_machine import Machine


def test_what_was_decoded_before_is_decoded_the_same_again(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), create_tls_key(machine.hypersafe, "ecdsa")
    for n in range(6):
        quote(machine.hypersafe, ak, os.urandom(32), (17, 18, 19, 20) if n % 2 else (17,))
        certify_creation(machine.hypersafe, ak, key, os.urandom(32))
        sign(machine.hypersafe, key, os.urandom(32))
        machine.hypersafe.pcr_extend(16, os.urandom(32))
        machine.hypersafe.pcr_read((16, 17, 18))
        machine.alice.pcr_read((16,))
    code = 0
    for event in machine.trace.select("tpm"):
        if event.kind == "tpm.command":
            code = int.from_bytes(event.raw[6:10], "big")
            assert tuple(_decode_command(event.raw).spans) == event.spans, event
        else:
            assert tuple(_decode_response(event.raw, code).spans) == event.spans, event


@given(st.data())
def test_any_change_of_a_known_command_is_decoded_as_if_it_were_new(data: st.DataObject) -> None:
    known = bytes.fromhex("8001000000340000015800000010") + bytes(range(38))
    decode_command(known)
    changed = bytearray(known)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(known) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(changed)
    assert tuple(decode_command(raw).spans) == tuple(_decode_command(raw).spans)


@given(st.data())
def test_any_change_of_a_known_response_is_decoded_as_if_it_were_new(data: st.DataObject) -> None:
    body = bytes.fromhex("0000000100000001000b03000002000000010020") + bytes(32)
    known = bytes.fromhex("80010000003e00000000") + body
    decode_response(known, 0x17E)
    changed = bytearray(known)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(known) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(changed)
    assert tuple(decode_response(raw, 0x17E).spans) == tuple(_decode_response(raw, 0x17E).spans)


def test_a_shape_does_not_fit_where_a_size_differs() -> None:
    shape = Layout(b"\0\x08" + bytes(8), [Span("size", 0, 2, "8"), Span("data", 2, 10, bytes(8).hex())])
    fitted = shape.fit(b"\0\x08" + b"\1" * 8)
    assert fitted is not None
    assert fitted[1].value == "01" * 8
    assert shape.fit(b"\0\x07" + b"\1" * 8) is None


def test_the_memory_is_bounded() -> None:
    cache = SpanCache()
    for n in range(3 * MAX_LAYOUTS):
        cache.learn(n, b"", ())
    assert len(cache._layouts) <= MAX_LAYOUTS


def test_as_many_layouts_are_remembered_as_there_is_room_for() -> None:
    cache = SpanCache()
    for n in range(MAX_LAYOUTS):
        cache.learn(n, b"", ())
    assert all(cache.fit(n, b"") == () for n in range(MAX_LAYOUTS))
    cache.learn(MAX_LAYOUTS, b"", ())
    assert cache.fit(MAX_LAYOUTS, b"") == ()
    assert len(cache._layouts) <= MAX_LAYOUTS


def test_of_one_key_the_last_layouts_are_remembered() -> None:
    cache = SpanCache()
    for n in range(ALIKE + 1):
        cache.learn("key", bytes([n]), (Span(f"layout {n}", 0, 1, "", ""),))
    known = [cache.fit("key", bytes([n])) for n in range(ALIKE + 1)]
    assert known[0] is None
    assert [spans[0].name for spans in known[1:] if spans] == [f"layout {n}" for n in range(1, ALIKE + 1)]


def test_fields_shorter_than_eight_octets_keep_their_value_in_a_layout() -> None:
    for size, fits in ((7, False), (8, True)):
        shape = Layout(bytes(size), [Span("digest", 0, size, bytes(size).hex())])
        found = shape.fit(b"\1" * size)
        assert found == ((Span("digest", 0, size, (b"\1" * size).hex()),) if fits else None)
