"""A trace on disk: round trip, secrets, files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlab.trace import Link, Span, Trace, TraceFormatError

HEADER = b'{"trustlab_trace":1}\n'
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def trace() -> Trace:
    trace = Trace("act I", substrate="memory")
    teller, bank = trace.party("teller"), trace.party("bank")
    hello = teller.emit(
        "tls.message",
        "ClientHello",
        raw=b"\x01\x00\x00\x02\x03\x03",
        spans=[Span("client_version", 4, 6, "TLS 1.2", "the highest version", "RFC 5246 7.4.1.2")],
        connection="teller-bank-1",
        direction="client",
        offset=0,
        sent=True,
        records=[[0, 11]],
    )
    bank.emit("note", "got it", links=[Link("response-to", hello.party, hello.seq)])
    teller.secret("pre_master_secret", b"the-canary-4711", connection="teller-bank-1")
    return trace


def test_a_trace_survives_the_disk_unchanged(trace: Trace, tmp_path: Path) -> None:
    loaded = Trace.load(trace.save(tmp_path / "run.jsonl", secrets=True))
    assert list(loaded) == list(trace)
    assert (loaded.title, loaded.substrate) == ("act I", "memory")


@given(
    st.binary(max_size=64),
    st.text(max_size=16),
    st.dictionaries(st.text(min_size=1, max_size=6), JSON_VALUES, max_size=4),
)
def test_any_octets_and_any_data_survive_the_disk(raw: bytes, name: str, data: dict[str, object]) -> None:
    trace = Trace()
    trace.append("lab", "note", name, raw=raw, data=data)  # type: ignore[arg-type]
    path = Path(_scratch.name) / "any.jsonl"
    assert list(Trace.load(trace.save(path))) == list(trace)


@pytest.fixture(scope="module", autouse=True)
def _scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    _scratch.name = str(tmp_path_factory.mktemp("traces"))


class _scratch:  # noqa: N801 - a place for a path that hypothesis tests share
    name = ""


def test_secrets_are_left_out_unless_asked_for(trace: Trace, tmp_path: Path) -> None:
    path = trace.save(tmp_path / "run.jsonl")
    assert b"canary" not in path.read_bytes()
    assert "dGhlLWNhbmFye" not in path.read_text()
    assert [e.kind for e in Trace.load(path)] == ["tls.message", "note"]


def test_the_header_says_whether_secrets_are_inside(trace: Trace, tmp_path: Path) -> None:
    def header(path: Path) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(path.read_text().splitlines()[0])
        return parsed

    assert header(trace.save(tmp_path / "with.jsonl", secrets=True))["secrets"] is True
    assert "secrets" not in header(trace.save(tmp_path / "without.jsonl"))


def test_no_repr_shows_a_secret(trace: Trace) -> None:
    secret = trace.select("secret")[0]
    for shown in (repr(secret), repr(trace), repr(trace.party("teller")), repr(list(secret.__rich_repr__()))):
        assert "canary" not in shown
        assert b"canary".hex() not in shown


def test_numbering_goes_on_after_loading(trace: Trace, tmp_path: Path) -> None:
    loaded = Trace.load(trace.save(tmp_path / "run.jsonl", secrets=True))
    assert loaded.party("teller").emit("note", "more").seq == 2
    assert loaded.party("carol").emit("note", "first").seq == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "first line"),
        (b"\n\n", "first line"),
        (b"hello\n", "first line"),
        (b"\xff\xfe\n", "first line"),
        (b'{"other": 1}\n', "first line"),
        (b'{"trustlab_trace": 99}\n', "update trustlab"),
        (HEADER + b"{}\n", "line 2"),
        (HEADER + b'{"kind":"note","party":"lab","seq":0}\n\n', "line 3"),
        (HEADER + b'{"kind":"note","party":"lab","seq":"zero"}\n', "line 2"),
        (HEADER + b'{"kind":"note","party":"lab","seq":0,"raw":"*"}\n', "line 2"),
        (HEADER + b'{"kind":"note","party":"lab","seq":0\n', "line 2"),
        (HEADER + b'{"kind":"note","party":"lab","seq":0,"data":{"x":' + b"[" * 99_999 + b"\n", "line 2"),
        (HEADER + b'{"kind":"note","party":"lab","seq":0}\n' * 2, "lab#0 occurs twice"),
    ],
)
def test_what_is_no_trace_is_refused_by_line(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(TraceFormatError, match=complaint):
        Trace.load(path)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_octet_is_refused_or_harmless(position: int, change: int) -> None:
    trace = Trace("title")
    trace.party("lab").emit("note", "name", raw=b"octets", number=1)
    path = Path(_scratch.name) / "flipped.jsonl"
    content = bytearray(trace.save(path).read_bytes())
    content[position % len(content)] ^= change
    path.write_bytes(content)
    try:
        loaded = Trace.load(path)
    except TraceFormatError as error:
        assert "flipped.jsonl" in str(error)  # noqa: PT017 - a flipped letter of a title is still a title
    else:
        assert len(loaded) <= 2


def test_a_file_of_todays_format_is_read_and_one_of_the_next_format_is_not(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(HEADER)
    assert not Trace.load(path)
    path.write_bytes(b'{"trustlab_trace":2}\n')
    with pytest.raises(TraceFormatError, match="trace format 2, but this version reads up to 1"):
        Trace.load(path)


def test_numbering_goes_on_behind_the_highest_number_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    lines = [b'{"kind":"note","party":"lab","seq":%d}' % seq for seq in (0, 5, 2)]
    path.write_bytes(HEADER + b"\n".join(lines) + b"\n")
    loaded = Trace.load(path)
    assert [event.seq for event in loaded.ordered()] == [0, 2, 5]
    assert loaded.party("lab").emit("note").seq == 6


def test_the_moment_when_a_trace_began_survives_the_disk(trace: Trace, tmp_path: Path) -> None:
    trace.began_at = 1234.5
    assert Trace.load(trace.save(tmp_path / "run.jsonl")).began_at == 1234.5


def test_an_event_shows_its_place_in_a_connection_if_it_has_one(trace: Trace) -> None:
    assert repr(trace[0]) == "<teller#0 tls.message 'ClientHello' teller-bank-1/client@0 6 octets>"
    assert repr(trace[1]) == "<bank#0 note 'got it' 0 octets>"


def test_a_line_holds_only_what_an_event_has(tmp_path: Path) -> None:
    trace = Trace()
    trace.party("lab").emit("note", spans=[Span("version", 0, 2)], links=[Link("inside", "lab", 0)])
    event = json.loads(trace.save(tmp_path / "run.jsonl").read_text().splitlines()[1])
    assert event.pop("time") > 0
    links = [{"rel": "inside", "party": "lab", "seq": 0}]
    assert event == {
        "kind": "note", "party": "lab", "seq": 0, "spans": [{"name": "version", "start": 0, "end": 2}], "links": links,
    }  # fmt: skip


def test_what_happened_cannot_be_changed_afterwards(trace: Trace) -> None:
    with pytest.raises(AttributeError):
        trace[0].name = "ServerHello"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        trace[0].spans[0].end = 9  # type: ignore[misc]
