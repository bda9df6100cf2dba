"""What two parties noted, side by side."""

from __future__ import annotations

from trustlab.trace import Span, Trace


def noted() -> Trace:
    trace = Trace()
    spans = (Span("random", 1, 3), Span("rest", 3, 4))
    for party, octets in (("teller", b"\x00abA"), ("bank", b"\x00abB")):
        emitter = trace.party(party)
        emitter.emit("tls.message", "Hello", raw=octets, connection="c", spans=spans)
        emitter.emit("tls.message", "Hello", raw=b"a later one", connection="c", spans=spans)
        emitter.secret("master_secret", b"equal", connection="c")
        emitter.secret("canary", octets)
        emitter.emit("note", "Hello again", raw=octets, connection="c")
    trace.party("teller").emit("tls.message", "Only here", raw=b"x", connection="c")
    trace.party("bank").emit("tls.message", "Empty", connection="c")
    trace.party("teller").emit("tls.message", "Empty", connection="c")
    return trace


def test_the_first_of_each_name_that_both_noted_of_a_connection() -> None:
    assert noted().legs() == {
        "Hello": (b"\x00abA", b"\x00abB"),
        "Hello.random": (b"ab", b"ab"),
        "master_secret": (b"equal", b"equal"),
    }


def test_parties_and_fields_may_be_chosen() -> None:
    legs = noted().legs("bank", "teller", fields=("rest",))
    assert legs["Hello.rest"] == (b"B", b"A")
    assert "Hello.random" not in legs
    assert noted().legs("bank", "nobody") == {}
