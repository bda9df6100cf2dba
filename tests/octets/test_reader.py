"""The cursor: what it reads, where it stops, and that it reads the same with and without names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.octets import OctetsError, Reader, SpanReader, Writer, sized, u8, u16, u32, u64

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.octets import Order


def _group(r: Reader) -> tuple[int, bytes]:
    with r.group("clockInfo", "The clock.", "Part 2"):
        return r.uint(2, "clock"), r.octets(1, "safe")


def _item(r: Reader) -> tuple[int, ...]:
    values = []
    for n in range(2):
        entry = r.item("entry", n)
        values.append(entry.uint(2, "type"))
        r.close(entry)
    return tuple(values)


def _nested(r: Reader) -> bytes:
    inside = r.nested(2, "list", 1, 9)
    value = inside.vector(1, "name")
    inside.finish("list")
    return value


PRIMITIVES: dict[str, tuple[bytes, Callable[[Reader], object], object]] = {
    "uint": (b"\1\2\3", lambda r: r.uint(3, "x"), 0x010203),
    "octets": (b"abc", lambda r: r.octets(3, "x"), b"abc"),
    "vector": (b"\0\3abc", lambda r: r.vector(2, "x"), b"abc"),
    "uints of 1": (b"\2\7\x08", lambda r: r.uints(1, 1, "x", 1, 4), (7, 8)),
    "uints of 2": (b"\0\4\0\7\1\0", lambda r: r.uints(2, 2, "x", 2, 4), (7, 256)),
    "nested": (b"\0\4\3abc", _nested, b"abc"),
    "inner": (b"\1\2", lambda r: r.inner(2, "x").uint(2, "y"), 0x0102),
    "group": (b"\1\2\3", _group, (0x0102, b"\3")),
    "item": (b"\0\1\0\2", _item, (1, 2)),
}
"""By name: octets, how they are pulled, the value."""


@pytest.mark.parametrize("name", PRIMITIVES)
@pytest.mark.parametrize("kind", [Reader, SpanReader])
def test_a_field_is_read_to_its_end_and_not_further(name, kind):
    raw, pull, value = PRIMITIVES[name]
    reader = kind(b"??" + raw + b"!!", 2, 2 + len(raw), "S")
    assert pull(reader) == value
    assert (reader.position, reader.left) == (2 + len(raw), 0)
    reader.finish("S")


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_truncation_is_an_error_that_is_the_same_with_names(name):
    raw, pull, _ = PRIMITIVES[name]
    for end in range(len(raw)):
        with pytest.raises(OctetsError) as plain:
            pull(Reader(raw, 0, end, "S"))
        with pytest.raises(OctetsError) as named:
            pull(SpanReader(raw, 0, end, "S"))
        assert plain.value.structure == "S"
        assert plain.value.offset <= end
        assert (plain.value.offset, plain.value.reason) == (named.value.offset, named.value.reason)
        assert plain.value.field == re.sub(r"^entry\[\d\]\.", "", named.value.field)  # elements are told apart by names


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_octet_gets_a_name(name):
    raw, pull, _ = PRIMITIVES[name]
    reader = SpanReader(b"??" + raw, 2, prefix="S")
    pull(reader)
    assert {n for span in reader.spans for n in range(span.start, span.end)} == set(range(2, 2 + len(raw)))


@pytest.mark.parametrize(
    ("pull", "field", "offset", "reason"),
    [
        (lambda r: r.uint(9, "x"), "x", 0, "needs 9 octets, 8 are left"),
        (lambda r: r.octets(9, "x"), "x", 0, "needs 9 octets, 8 are left"),
        (lambda r: r.skip(9, "x"), "x", 0, "needs 9 octets, 8 are left"),
        (lambda r: r.inner(9, "x"), "x", 0, "needs 9 octets, 8 are left"),
        (lambda r: r.vector(9, "x"), "x_length", 0, "needs 9 octets, 8 are left"),
        (lambda r: r.vector(2, "x"), "x", 2, "claims 258 octets, 6 are left"),
        (lambda r: r.vector(1, "x", 2), "x", 1, "has 1 octets, which its definition does not allow"),
        (lambda r: r.vector(1, "x", 0, 0), "x", 1, "has 1 octets, which its definition does not allow"),
        (lambda r: r.inner(2, "y").vector(1, "x", 2), "y.x", 1, "has 1 octets, which its definition does not allow"),
        (lambda r: r.uints(1, 2, "x", 0, 9), "x", 1, "has 1 octets, which its definition does not allow"),
        (lambda r: r.finish("x"), "x", 0, "has 8 octets too many at its end"),
        (lambda r: r.nested(1, "list").uint(2, "x"), "list.x", 1, "needs 2 octets, 1 are left"),
        (lambda r: r.fail("x", "is wrong", 5), "x", 5, "is wrong"),
    ],
)
@pytest.mark.parametrize("kind", [Reader, SpanReader])
def test_an_error_names_structure_field_offset_and_reason(kind, pull, field, offset, reason):
    reader = kind(b"\1\2\3\4\5\6\7\x08", prefix="Message")
    with pytest.raises(OctetsError) as caught:
        pull(reader)
    error = caught.value
    assert (error.structure, error.field, error.offset, error.reason) == ("Message", field, offset, reason)
    assert str(error) == f"Message.{field} at offset {offset}: {reason}"


@pytest.mark.parametrize("bounds", [(3, 3), (0, 3), (3, 9)])
def test_the_bounds_of_a_vector_belong_to_it(bounds):
    assert Reader(b"\3abc").vector(1, "x", *bounds) == b"abc"


def test_a_vector_without_bounds_of_its_own_may_be_empty_and_has_a_length_of_three_octets_at_most():
    assert Reader(b"\0").length(1, "x") == 0
    for size, fits in ((2**24 - 1, True), (2**24, False)):
        reader = Reader(size.to_bytes(4, "big") + bytes(2**24))
        if fits:
            assert reader.length(4, "x") == size
        else:
            with pytest.raises(OctetsError, match="has 16777216 octets, which its definition does not allow"):
                reader.length(4, "x")


def test_octets_are_skipped_up_to_the_end():
    reader = Reader(b"abcdef", 2, 5)
    assert (reader.skip(1, "x"), reader.skip(2, "y"), reader.left) == (2, 3, 0)


def test_without_a_list_for_names_nothing_is_named():
    reader = Reader(b"ab", prefix="S")
    reader.record("x", 0, 1)
    reader.enclose("y", 0, 0)
    assert reader.spans is None


def test_names_values_notes_and_clauses_are_those_of_the_codec():
    reader = SpanReader(b"\0\x17\2ab\5", prefix="S")
    reader.uint(2, "kind", hex, "What it is.", "Part 2, 6")
    reader.vector(1, "name", show=bytes.decode, note="Its name.", clause="Part 2, 7")
    reader.uint(1, "end")
    assert [(s.name, s.start, s.end, s.value, s.note, s.clause) for s in reader.spans] == [
        ("kind", 0, 2, "0x17", "What it is.", "Part 2, 6"),
        ("name_length", 2, 3, "2", "How many bytes of name follow.", "Part 2, 7"),
        ("name", 3, 5, "ab", "Its name.", "Part 2, 7"),
        ("end", 5, 6, "5", "", ""),
    ]


def test_an_empty_field_has_no_span_but_its_length_has():
    reader = SpanReader(b"\0\0", prefix="S")
    reader.vector(1, "x")
    reader.inner(0, "nothing")
    reader.nested(1, "y")
    assert [s.name for s in reader.spans] == ["x_length", "y_length"]


def test_a_length_out_of_bounds_still_has_its_name():
    reader = SpanReader(b"\x09a", prefix="S")
    with pytest.raises(OctetsError):
        reader.vector(1, "x")
    assert [(s.name, s.value) for s in reader.spans] == [("x_length", "9")]


def test_parents_stand_before_their_fields_and_lend_them_their_names():
    reader = SpanReader(b"\1" + PRIMITIVES["nested"][0] + PRIMITIVES["group"][0] + PRIMITIVES["item"][0], prefix="S")
    reader.uint(1, "first")
    _nested(reader)
    _group(reader)
    _item(reader)
    assert [(s.name, s.start, s.end) for s in reader.spans] == [
        ("first", 0, 1),
        ("list_length", 1, 3),
        ("list", 3, 7),
        ("list.name_length", 3, 4),
        ("list.name", 4, 7),
        ("clockInfo", 7, 10),
        ("clockInfo.clock", 7, 9),
        ("clockInfo.safe", 9, 10),
        ("entry[0].type", 10, 12),
        ("entry[1].type", 12, 14),
    ]
    group = reader.spans[5]
    assert (group.note, group.clause) == ("The clock.", "Part 2")


@pytest.mark.parametrize("kind", [Reader, SpanReader])
def test_a_group_ends_where_its_block_ends_also_when_it_breaks_off(kind):
    reader = kind(b"\1\2", prefix="S")

    def pull() -> None:
        with reader.group("outer"), reader.group("inner"):
            reader.uint(1, "a")
            reader.uint(4, "b")

    with pytest.raises(OctetsError) as caught:
        pull()
    assert caught.value.field == "outer.inner.b"
    assert reader.path("c") == "c"
    assert [s.name for s in reader.spans or ()] == (["outer.inner.a"] if kind is SpanReader else [])


@pytest.mark.parametrize("kind", [Reader, SpanReader])
def test_readers_of_what_is_inside_keep_the_order_of_octets(kind):
    reader = kind(b"\2\0\1\0\3\0\4\0", order="little")
    assert reader.nested(2, "list").uint(2, "x") == 1
    assert reader.inner(2, "inner").uint(2, "x") == 3
    assert reader.item("entry", 0).uint(2, "x") == 4


def test_the_rest_is_all_that_is_left():
    reader = Reader(b"abcdef", 2, 5)
    assert reader.rest("x") == b"cde"
    assert reader.rest("x") == b""


@given(st.integers(0, 2**64 - 1), st.sampled_from(["big", "little"]))
def test_integers_come_back_in_both_orders(value: int, order: Order):
    size = max(1, (value.bit_length() + 7) // 8)
    writer = Writer(order)
    writer.uint(size, value)
    assert writer.result() == value.to_bytes(size, order)
    assert Reader(writer.result(), order=order).uint(size, "x") == value


FIELDS = st.one_of(
    st.tuples(st.just("uint"), st.integers(1, 8), st.integers(0, 255)),
    st.tuples(st.just("octets"), st.just(0), st.binary(max_size=9)),
    st.tuples(st.just("vector"), st.integers(1, 3), st.binary(max_size=9)),
    st.tuples(st.just("uints"), st.integers(1, 2), st.lists(st.integers(0, 255), max_size=9).map(tuple)),
)
STRUCTURES = st.recursive(
    st.lists(FIELDS, max_size=5),
    lambda inner: st.lists(st.one_of(FIELDS, st.tuples(st.just("block"), st.integers(2, 3), inner)), max_size=4),
    max_leaves=12,
)


def _push(writer: Writer, structure: list) -> None:
    for what, size, value in structure:
        if what == "block":
            with writer.block(size):
                _push(writer, value)
        elif what == "octets":
            writer.octets(value)
        elif what == "uints":
            writer.uints(2, size, value)
        else:
            getattr(writer, what)(size, value)


def _pull(reader: Reader, structure: list) -> list:
    found: list = []
    for n, (what, size, value) in enumerate(structure):
        if what == "block":
            inside = reader.nested(size, f"f{n}")
            found.append((what, size, _pull(inside, value)))
            inside.finish(f"f{n}")
        elif what == "octets":
            found.append((what, size, reader.octets(len(value), f"f{n}")))
        elif what == "uints":
            found.append((what, size, reader.uints(2, size, f"f{n}", 0, 0xFFFF)))
        else:
            found.append((what, size, getattr(reader, what)(size, f"f{n}")))
    return found


@given(STRUCTURES, st.sampled_from(["big", "little"]))
def test_any_structure_comes_back_and_every_octet_of_it_has_a_name(structure: list, order: Order):
    writer = Writer(order)
    _push(writer, structure)
    raw = writer.result()
    plain, named = Reader(raw, prefix="S", order=order), SpanReader(raw, prefix="S", order=order)
    assert _pull(plain, structure) == _pull(named, structure) == structure
    plain.finish("S")
    assert {n for span in named.spans for n in range(span.start, span.end)} == set(range(len(raw)))
    assert all(0 <= span.start < span.end <= len(raw) for span in named.spans)


@given(STRUCTURES, st.binary(max_size=40), st.data())
def test_any_octets_are_read_the_same_with_and_without_names(structure: list, noise: bytes, data: st.DataObject):
    writer = Writer()
    _push(writer, structure)
    raw = data.draw(st.sampled_from([noise, writer.result()[: len(noise)], writer.result() + noise]))
    outcomes = []
    for reader in (Reader(raw, prefix="S"), SpanReader(raw, prefix="S")):
        try:
            outcomes.append((_pull(reader, structure), reader.position))
        except OctetsError as error:
            outcomes.append((str(error), error.offset))
        assert reader.position <= len(raw)
    assert outcomes[0] == outcomes[1]


@given(st.integers(0, 255), st.binary(max_size=300))
def test_fields_by_themselves_are_those_of_a_writer(value: int, octets: bytes):
    writer = Writer()
    for size in (1, 2, 4, 8):
        writer.uint(size, value)
    writer.vector(2, octets)
    assert u8(value) + u16(value) + u32(value) + u64(value) + sized(octets) == writer.result()


def test_a_writer_refuses_what_does_not_fit():
    with pytest.raises(OverflowError):
        Writer().uint(1, 256)
    with pytest.raises(OverflowError):
        Writer().vector(1, bytes(256))
    writer = Writer()
    block = writer.block(1)
    block.__enter__()
    writer.octets(bytes(256))
    with pytest.raises(OverflowError):
        block.__exit__()
