"""Fields in flight: every octet of every record has a field, at the stream position where it really lies."""

from __future__ import annotations

import pytest
from tls_identities import root, server_identity

from trustlab import tls
from trustlab.capture import FieldsInFlight
from trustlab.capture.flight import apart, covering
from trustlab.tls.observe import TraceObserver
from trustlab.trace import Span, Trace
from trustlab.wire.gate import overwritten


class Wire:
    """A client and a server of ours whose octets are cut into items on the way."""

    def __init__(self, version, suite=None, *, kind="ECDSA"):
        identity = server_identity(kind)
        more = {} if suite is None else {"cipher_suites": (suite,)}
        self.trace = Trace("flight")
        self.fields = FieldsInFlight(self.trace)
        self.client = tls.Client(
            tls.ClientConfig(server_name="bank.example", trust=[root().certificate], versions=(version,), **more)
        )
        self.server = tls.Server(
            tls.ServerConfig(certificates=(identity.der,), key=identity.key, versions=(version,), **more)
        )
        self.observers = {
            end: TraceObserver(self.trace.party(end.role), "c", end.role) for end in (self.client, self.server)
        }
        self.items = []
        self.data = b""

    def pump(self, end):
        for event in tls.pump(end):
            self.observers[end].observe(event)
            if isinstance(event, tls.KeyOperationWanted):
                end.answer(event, tls.perform(event))
            elif isinstance(event, tls.Request):
                end.answer(event, None)
            elif isinstance(event, tls.ApplicationData):
                self.data += event.data

    def run(self, change=lambda item: item.octets):
        moved = True
        while moved:
            moved = False
            for writer, reader in ((self.client, self.server), (self.server, self.client)):
                self.pump(writer)
                octets = writer.data_to_send()
                self.pump(writer)
                for item in self.fields.cut("c", writer.role, octets) if octets else ():
                    moved = True
                    self.items.append(item)
                    reader.receive(change(item))
                    self.pump(reader)
        return self


SUITES = [
    (tls.Version.TLS13, tls.CipherSuite.TLS_AES_128_GCM_SHA256, "ECDSA"),
    (tls.Version.TLS13, tls.CipherSuite.TLS_CHACHA20_POLY1305_SHA256, "ECDSA"),
    (tls.Version.TLS12, tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDSA"),
    (tls.Version.TLS12, tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDSA"),
    (tls.Version.TLS12, tls.CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, "RSA"),
]


@pytest.fixture(params=SUITES, ids=lambda each: each[1].name)
def wire(request):
    version, suite, kind = request.param
    wire = Wire(version, suite, kind=kind).run()
    assert wire.client.handshake_complete
    wire.client.send(b"x" * 100)
    wire.run()
    assert wire.data == b"x" * 100
    return wire


def test_every_octet_of_every_record_has_one_field(wire):
    ends = {"client": 0, "server": 0}
    for item in wire.items:
        assert item.offset == ends[item.direction]
        ends[item.direction] = item.end
        covered = sorted(at for field in item.fields for start, end in field.places for at in range(start, end))
        assert covered == list(range(item.offset, item.end)), item
        names = [field.full_name for field in item.fields]
        assert len(set(names)) == len(names)
        for field in item.fields:
            assert sum(end - start for start, end in field.places) == len(field.octets)


def test_a_field_in_clear_is_where_its_octets_are(wire):
    for item in wire.items:
        for field in item.fields:
            if not field.encrypted:
                found = b"".join(item.octets[start - item.offset : end - item.offset] for start, end in field.places)
                assert found == field.octets


def test_messages_are_named_and_counted(wire):
    names = [message for item in wire.items for message in item.messages]
    assert names[:2] == [("ClientHello", 1), ("ServerHello", 1)]
    assert ("Finished", 2) in names
    assert names[-1] == ("ApplicationData", 1)
    assert len(set(names)) == len(names)


def test_a_bit_turned_over_under_the_protection_breaks_the_tag_and_a_resealed_record_opens():
    for version, suite, kind in SUITES:
        for reseals in (False, True):
            wire = Wire(version, suite, kind=kind).run()

            def change(item, wire=wire, reseals=reseals):
                field = item.field("line")
                if reseals:
                    return wire.fields.resealed(item, field, b"HE", 1)
                return overwritten(item, item.octets, field, b"HE", 1)

            wire.client.send(b"the order")
            wire.run(lambda item: change(item) if item.direction == "client" and item.octets[0] == 23 else item.octets)
            assert wire.data == (b"tHE order" if reseals else b"")
            assert isinstance(wire.server.error, tls.BadRecordMac) is not reseals


def test_what_nobody_has_the_keys_of_has_its_record_header_and_gets_its_name_later():
    wire = Wire(tls.Version.TLS13).run()
    late = FieldsInFlight(trace := Trace("late"))
    items = [late.cut("c", item.direction, item.octets)[0] for item in wire.items]
    sealed = items[3]
    assert sealed.messages == []
    assert sealed.name == "record of application_data (0x17)"
    assert [field.path for field in sealed.fields] == [
        "record.type",
        "record.version",
        "record.length",
        "record.fragment",
    ]
    with pytest.raises(ValueError, match="nobody here has the keys of record of application_data"):
        late.resealed(sealed, sealed.fields[-1], b"x")
    for event in wire.trace.select("secret"):
        trace.party("lab").secret(event.name, event.raw, **event.data)
    late.poll("c")
    assert [item.name for item in items] == [item.name for item in wire.items]
    assert [f.full_name for f in sealed.fields] == [f.full_name for f in wire.items[3].fields]


def test_a_connection_that_was_forgotten_begins_anew():
    wire = Wire(tls.Version.TLS13).run()
    wire.fields.poll("c")
    wire.fields.forget("c")
    wire.fields.poll("c")
    (again,) = wire.fields.cut("c", "client", wire.items[0].octets)
    assert again.messages == [("ClientHello", 1)]


def test_whole_records_are_told_from_the_beginning_of_another():
    hello = Wire(tls.Version.TLS13).run().items[0].octets
    fields = FieldsInFlight(Trace())
    assert fields.whole("c", hello + hello[:7]) == len(hello)
    assert fields.whole("c", hello[:3]) == 0
    assert fields.whole("c", b"GET / HTTP/1.1") == 14
    fields.cut("c", "client", b"GET / HTTP/1.1")
    assert fields.whole("c", hello[:3]) == 3
    fields.cut("d", "client", hello)
    assert fields.whole("d", b"\x99" * 9) == 9


def test_streams_without_tls_are_frames_or_octets():
    fields = FieldsInFlight(Trace())
    (question,) = fields.cut("c", "client", b"\0\x20" + bytes(32))
    assert (question.name, [f.path for f in question.fields]) == ("Question", ["frame.length", "frame"])
    (answer,) = fields.cut("c", "server", b"\0\x05abcde")
    assert (answer.name, answer.field("frame").places) == ("Answer", ((2, 7),))
    (odd,) = fields.cut("c", "server", b"GET")
    assert (odd.name, odd.offset, [f.path for f in odd.fields]) == ("octets", 7, ["octets"])


def test_a_namer_looks_into_what_a_field_holds_and_leaves_no_octet_out():
    def letters(octets):
        return [Span("all", 1, len(octets)), Span("all.b", 2, 3)] if octets.startswith(b"abc") else []

    fields = FieldsInFlight(Trace(), [letters])
    (answer,) = fields.cut("c", "client", b"\0\x05abcde")
    assert [(f.path, f.octets) for f in answer.fields] == [
        ("frame.length", b"\0\x05"),
        ("frame.header", b"a"),
        ("frame.all.header", b"b"),
        ("frame.all.b", b"c"),
        ("frame.all.header#2", b"de"),
    ]
    assert list(covering([], 5)) == []
    assert list(apart([("a", 0, 1), ("a", 1, 2)])) == [("a", 0, 1), ("a#2", 1, 2)]


def test_messages_that_share_a_record_each_have_their_own_octets_of_it():
    items = Wire(tls.Version.TLS12).run().items
    hello, flight = items[0], [item for item in items if item.direction == "server"][:3]
    content = b"".join(item.octets[5:] for item in flight)
    fields = FieldsInFlight(Trace())
    fields.cut("c", "client", hello.octets)
    (record,) = fields.cut("c", "server", b"\x16\x03\x03" + len(content).to_bytes(2, "big") + content)
    assert record.messages == [item.messages[0] for item in flight]
    assert record.name == " + ".join(item.name for item in flight)
    covered = [at for field in record.fields for start, end in field.places for at in range(start, end)]
    assert covered == list(range(len(content) + 5))


def test_a_message_over_two_records_has_its_octets_in_both():
    hello = Wire(tls.Version.TLS13).run().items[0]
    fields = FieldsInFlight(Trace())
    first, second = (
        b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in (hello.octets[5:30], hello.octets[30:])
    )
    (begins,) = fields.cut("c", "client", first)
    (ends,) = fields.cut("c", "client", second)
    assert (begins.name, ends.name) == ("record of handshake (0x16)", "ClientHello")
    random = ends.field("random", "ClientHello")
    assert random.octets == hello.field("random").octets
    assert random.places == ((11, 30), (35, 48))
    with pytest.raises(ValueError, match="this part of it has passed already"):
        overwritten(ends, ends.octets, random, bytes(32))
