"""A tree of spans: each name once, each field inside the one that its name lies in."""

from __future__ import annotations

import pytest

from trustlab.octets import SpanTree, leaves, nested
from trustlab.octets.tree import ENTRY, TOGETHER
from trustlab.trace import Span


def places(spans: list[Span]) -> list[tuple[str, int, int]]:
    return [(span.name, span.start, span.end) for span in spans]


def given(*places: tuple[str, int, int]) -> list[Span]:
    return [Span(name, start, end, "", "A note.", "A clause") for name, start, end in places]


def test_a_name_that_comes_again_is_numbered() -> None:
    tree = SpanTree()
    with tree.inside("subject", 0, 9):
        assert [tree.add("name", n, n + 1) for n in range(3)] == ["name", "name[1]", "name[2]"]
    tree.add("name", 9, 10)
    assert [span.name for span in tree.spans] == [
        "subject", "subject.name", "subject.name[1]", "subject.name[2]", "name",
    ]  # fmt: skip


def test_a_field_is_left_also_when_something_goes_wrong_in_it() -> None:
    tree = SpanTree()
    with pytest.raises(ValueError, match="here"), tree.inside("a", 0, 1):
        raise ValueError("here")
    tree.add("b", 1, 2)
    assert tree.spans[-1].name == "b"


def test_a_graft_is_moved_and_nested() -> None:
    tree = SpanTree()
    with tree.inside("value", 10, 20):
        tree.graft(given(("nonce.size", 0, 2), ("nonce", 2, 6)), 10)
    assert places(tree.spans)[1:] == [("value.nonce_size", 10, 12), ("value.nonce", 12, 16)]


def test_what_codecs_name_becomes_a_tree() -> None:
    spans = given(
        ("nonce.size", 0, 2),
        ("nonce", 2, 6),
        ("pcrs", 6, 12),
        ("pcrs.count", 6, 8),
        ("pcrs[0].hash", 8, 10),
        ("pcrs[1].hash", 10, 12),
        ("digests.count", 12, 13),
        ("digests[0].digest", 13, 15),
        ("empty", 15, 15),
        ("nonce", 2, 6),
    )
    assert places(nested(spans)) == [
        ("nonce_size", 0, 2),
        ("nonce", 2, 6),
        ("pcrs", 6, 12),
        ("pcrs.count", 6, 8),
        ("pcrs.entry[0]", 8, 10),
        ("pcrs.entry[0].hash", 8, 10),
        ("pcrs.entry[1]", 10, 12),
        ("pcrs.entry[1].hash", 10, 12),
        ("digests", 12, 15),
        ("digests.count", 12, 13),
        ("digests.entry[0]", 13, 15),
        ("digests.entry[0].digest", 13, 15),
    ]
    notes = {span.name: span.note for span in nested(spans)}
    assert notes["pcrs.entry[0]"] == ENTRY
    assert notes["digests"] == TOGETHER
    assert notes["pcrs.count"] == "A note."


def test_a_plan_is_used_again_with_other_values() -> None:
    one, other = (Span("a.b", 0, 2, value, note, "c") for value, note in (("1", "One."), ("2", "Two.")))
    assert [(s.value, s.note) for s in nested([one])] == [("", TOGETHER), ("1", "One.")]
    assert [(s.value, s.note) for s in nested([other])] == [("", TOGETHER), ("2", "Two.")]


def test_what_lies_outside_the_field_above_is_no_part_of_it() -> None:
    assert places(nested(given(("a", 0, 2), ("a.b", 1, 4)))) == [("a", 0, 2), ("a-b", 1, 4)]


def test_one_name_for_two_places_is_numbered() -> None:
    assert places(nested(given(("a", 0, 2), ("a", 2, 4)))) == [("a", 0, 2), ("a[1]", 2, 4)]


def test_leaves_are_the_fields_with_none_inside() -> None:
    tree = nested(given(("a.b", 0, 1), ("a.c", 1, 2), ("d", 2, 3)))
    assert [span.name for span in leaves(tree)] == ["a.b", "a.c", "d"]


def test_what_has_one_name_and_several_places_is_numbered() -> None:
    spans = given(("name", 0, 1), ("name", 1, 2), ("name", 2, 3))
    assert places(nested(spans)) == [("name", 0, 1), ("name[1]", 1, 2), ("name[2]", 2, 3)]
