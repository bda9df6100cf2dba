"""Every trace that loads can be looked at: real traces, changed at random, in every view."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from trustlab.capture import decode_pcapng, keylog, write_trace
from trustlab.inspector import Inspector, Ladder, TerminalLadder
from trustlab.inspector.document import Document
from trustlab.inspector.export import page
from trustlab.inspector.report import report
from trustlab.inspector.sound import sound
from trustlab.inspector.static_html import picture_html
from trustlab.inspector.static_svg import ladder_svg
from trustlab.inspector.terminal_browser import TerminalBrowser
from trustlab.trace import Span, Trace, TraceEvent, TraceFormatError
from trustlab.wire import read_pcapng

KEPT = Path(__file__).parents[1] / "trace" / "data" / "before.jsonl.gz"
SHOWN = 40
"""Events of a trace that are changed and looked at: a window of a real one."""

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
    | st.sampled_from([2**53, 2**62, -(2**62), 1e308, "zz", "00ff", "\u202e", "0x", "client", "fail", "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip
KEYS = st.sampled_from([
    "records", "ms", "rc", "rc_name", "fields", "verdict", "verdicts", "original", "payload_length", "expected", "found",
    "about", "failed", "refused_by", "act", "step", "binder", "binding", "role", "side", "client_random", "inputs",
    "client", "sentence", "from", "to", "src", "dst", "readable", "encrypted", "clause", "frames", "skipped", "left_out",
    "says", "changed", "captured", "link", "links", "appraisal", "twin", "log", "content_type", "version", "passive",
])  # fmt: skip
KINDS = [
    "", "note", "frame", "secret", "tpm.command", "tpm.response", "verdict", "appraisal", "binder", "tls.message",
    "tls.state", "connection", "app", "attack", "machine", "capture", "ground-truth",
]  # fmt: skip
FIELDS = {
    "kind": st.sampled_from(KINDS),
    "time": st.floats(-1e18, 1e308) | st.just(-5.0),
    "name": st.sampled_from(["", "x", "ClientHello", "Alert", "SupplementalData", "master_secret", "extraData", "a\nb"]),
    "connection": st.sampled_from(["", "c", "\u202e"]),
    "direction": st.sampled_from(["", "client", "server", "up"]),
    "offset": st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 100),
    "sent": st.sampled_from([None, True, False]),
    "raw": st.sampled_from(["", "AQID", "/////w=="]),
    "spans": st.lists(
        st.fixed_dictionaries({
            "name": st.sampled_from(["", "a", "a.b", "random", "x.[0].data", "description"]),
            "start": st.integers(-3, 400), "end": st.integers(-3, 400), "value": st.text(max_size=4),
        }), max_size=3,
    ),
    "links": st.lists(
        st.fixed_dictionaries({
            "rel": st.sampled_from(["inside", "response-to", "x"]), "party": st.sampled_from(["", "bank", "alice"]),
            "seq": st.integers(-1, 60),
        }), max_size=2,
    ),
}  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.integers(0, SHOWN - 1), st.just("data"), KEYS, JSON_VALUES)
    | st.sampled_from(sorted(FIELDS)).flatmap(lambda f: st.tuples(st.integers(0, SHOWN - 1), st.just(f), st.just(""), FIELDS[f]))
    | st.tuples(st.integers(0, SHOWN - 1), st.just("party"), st.just(""), st.sampled_from(["", "network", "lab", "x" * 99])),
    min_size=1, max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("recorded")
    stories = [sample.story(kind).save(folder / kind, secrets=True).read_bytes() for kind in ("plain", "refused")]
    whole = [gzip.decompress(KEPT.read_bytes()), *stories]
    return [[json.loads(line) for line in octets.splitlines()] for octets in whole]


def document_in(text: str) -> Document:
    packed = text.partition('id="document">')[2].partition("</script>")[0]
    return msgspec.json.decode(gzip.decompress(base64.b64decode(packed)), type=Document)


def views(trace: Trace, folder: Path) -> None:
    ladder = Ladder.of(trace, secrets=True)
    with TerminalLadder(Console(file=io.StringIO(), width=80)) as printed:
        printed.attach(trace)
    assert ladder_svg(ladder).endswith("</svg>")
    assert picture_html(ladder).endswith("</div>")
    assert document_in(page(trace, secrets=True)) == ladder.document
    frames = read_pcapng(write_trace(folder / "all.pcapng", trace)).frames
    assert len(frames) >= len(trace.select("frame"))
    json.dumps(report(trace, "x"), allow_nan=False)
    browser = TerminalBrowser(trace, secrets=True)
    for key in ("n", "enter", "down", "left", "down") * 8:
        browser.press(key)
        assert all(len(line.plain) <= 80 for line in browser.screen())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2), st.integers(0, 400), CHANGES)
def test_a_changed_trace_that_loads_can_be_looked_at(
    recorded: list[list[dict[str, Any]]], tmp_path: Path, which: int, start: int, changes: list[tuple[Any, ...]]
) -> None:
    header, *events = recorded[which]
    start %= max(1, len(events) - SHOWN)
    window = json.loads(json.dumps(events[start : start + SHOWN]))
    for number, (place, field, key, value) in enumerate(changes):
        event = window[place % len(window)]
        if field == "data":
            event.setdefault("data", {})[key] = value
        else:
            event[field] = value
        if field == "party":
            event["seq"] = 10_000 + number
    path = tmp_path / "changed.jsonl"
    path.write_text("\n".join(map(json.dumps, [header, *window])))
    views(Trace.load(path), tmp_path)


ODD = {
    "a record that is not a range": ("tls.message", {"records": [[1, 2, 3]]}),
    "records of words": ("tls.message", {"records": [["a", "b"]]}),
    "records that are not a list": ("tls.message", {"records": 5}),
    "a time in words": ("tpm.response", {"ms": "fast", "rc": 0}),
    "a return code in words": ("tpm.response", {"rc": "bad", "ms": 1}),
    "fields without octets": ("binder", {"fields": [1, None]}),
    "an appraisal with a finding of the views": ("appraisal", {"verdicts": [999], "binding": {"holds": 1}}),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_facts_are_left_out_of_the_views_and_kept_in_the_trace(odd: str, tmp_path: Path) -> None:
    kind, data = ODD[odd]
    trace = Trace("odd")
    frame = {"from": "teller", "to": "bank", "payload_length": 9}
    trace.append("network", "frame", "TCP", b"", connection="c", direction="client", offset=0, data=frame)
    event = trace.append("bank", kind, "x", b"\1", connection="c", direction="client", offset=0, sent=True, data=data)
    views(trace, tmp_path)
    assert sound(event).data != data
    assert event.data == data


@pytest.mark.parametrize("time", [1e300, -1e300, 2.0**40])
def test_a_frame_of_any_time_is_exported(time: float, tmp_path: Path) -> None:
    trace = Trace()
    trace.append("network", "frame", "TCP", bytes(60))
    trace.append("network", "frame", "TCP", bytes(60), data={"captured": time, "link": 1 << 20})
    path = trace.save(tmp_path / "kept.jsonl")
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"time": time})
    path.write_text("\n".join(lines))
    frames = read_pcapng(write_trace(tmp_path / "all.pcapng", Trace.load(path))).frames
    assert [(f.raw, f.link) for f in frames] == [(bytes(60), 1)] * 2
    assert all(0 <= f.time <= 2.0**34 for f in frames)


def test_a_tpm_that_says_nothing_has_no_packet(tmp_path: Path) -> None:
    trace = Trace()
    for number in range(600):
        trace.append(f"machine {number}", "tpm.command", "TPM2_GetRandom", b"\x80\1")
        trace.append(f"machine {number}", "tpm.response", "TPM2_GetRandom", b"", data={"ms": 1})
    assert len(read_pcapng(write_trace(tmp_path / "all.pcapng", trace)).frames) == 600


def test_a_client_random_that_is_none_is_not_in_a_key_log(tmp_path: Path) -> None:
    trace = Trace()
    for value in ["00" * 32 + "\nCLIENT_RANDOM", [1], None, "zz" * 32]:
        trace.party("bank").secret("master_secret", bytes(48), client_random=value)
    assert keylog(trace) == ""


def test_an_event_as_ours_are_is_taken_as_it_is() -> None:
    for kind in ("plain", "trusted", "refused"):
        assert [e for e in sample.story(kind) if sound(e) is not e] == []


def test_a_field_that_lies_outside_its_octets_is_left_out() -> None:
    spans = (Span("in", 0, 1), Span("behind", 1, 9), Span("backwards", 1, 0), Span("before", -1, 1))
    assert sound(TraceEvent("tls.message", "bank", 0, raw=b"\1", spans=spans)).spans == spans[:1]


def test_the_inspector_opens_a_path(tmp_path: Path) -> None:
    trace = sample.story("plain")
    path = trace.save(tmp_path / "kept.jsonl")
    packed = tmp_path / "kept.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    capture = write_trace(tmp_path / "kept.pcapng", trace)
    for source in (path, str(path), packed):
        assert len(Inspector(source).rows) == len(Ladder.of(Trace.load(path)).rows)
    assert len(Inspector(capture).rows) == len(Ladder.of(decode_pcapng(capture)).rows)


@pytest.mark.parametrize(("wrong", "told"), [(None, "None"), (5, "an int"), ([], "a list")])
def test_the_inspector_says_what_it_needs(wrong: object, told: str) -> None:
    with pytest.raises(TypeError, match=f"^{told} cannot be inspected: give a Trace, an act, or the path"):
        Inspector(wrong)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: whole[:40] + b"?" + whole[41:]])
def test_a_damaged_packed_trace_is_a_typed_error(damage: Any, tmp_path: Path) -> None:
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(damage(KEPT.read_bytes()))
    with pytest.raises(TraceFormatError, match="gzip file is damaged or ends too early"):
        Trace.load(path)
