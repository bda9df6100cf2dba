"""What a page asks of a real act that is held: its own paths of fields lead to the octets on the wire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from trustlab.inspector import Inspector
from trustlab.inspector.document import Document, MessageRow, Piece, Tampered
from trustlab.scenarios import acts


def paths(document: Document, piece: Piece) -> dict[str, str]:
    """Return a piece's fields as a page names them, each with its octets in hex."""
    found, path = {}, list[str]()
    for field in piece.fields:
        del path[field.depth :]
        path.append(document.texts[field.label])
        found["/".join(path)] = piece.hex[2 * field.start : 2 * field.end]
    return found


@pytest.mark.parametrize(
    ("design", "message", "field", "ends"),
    [
        ("trusted-passage", "ServerHello", "random", "Refused by the check 'extraData'"),
        ("trusted-passage", "ServerHello", "extensions/attestation/nonce", "decrypt_error"),
        ("trusted-passage", "Certificate", "subjectPublicKey/modulus", "bad_certificate"),
        ("trusted-passage", "SupplementalData", "quote/value/extraData", "Refused by the check 'signature'"),
        ("tls13-key", "ServerHello", "extensions/key_share/key_exchange", "bad_record_mac"),
    ],
)
def test_a_field_that_the_page_edits_in_a_held_message_is_changed_on_the_wire(
    design: str, message: str, field: str, ends: str
) -> None:
    sent: list[dict[str, Any]] = []
    with acts.rung(design) as act:
        inspector = Inspector(act)
        inspector.send = lambda content, buffers=None: sent.append(content)
        ask = lambda **content: inspector._heard(None, {"type": "control", **content}, None)  # noqa: E731
        ask(action="break_on", name=message)
        act.start()
        until = time.monotonic() + 60
        while act.controller.state != "held" and time.monotonic() < until:
            time.sleep(0.01)
        inspector.flush()
        steering = inspector.document.frame.steering
        assert steering is not None
        assert steering.row is not None
        row = inspector.rows[steering.row]
        assert isinstance(row, MessageRow)
        assert (row.name, row.state) == (message, "written")
        path, octets = next(item for item in paths(inspector.document, row.parts[0]).items() if item[0].endswith(field))
        ask(action="tamper", name=message, field=path, value=f"{int(octets[:2], 16) ^ 1:02x}{octets[2:]}")
        ask(action="play")
        outcome = act.wait(60)
        inspector.close()
    assert [content["text"] for content in sent if content["type"] == "say"] == []
    assert ends in str(outcome)


@pytest.mark.long
def test_a_tamper_map_is_played_beside_the_cell_a_layer_at_a_time() -> None:
    sent: list[dict[str, Any]] = []
    with acts.rung("tls13-key") as act:
        inspector = Inspector(act)
        inspector._heard(inspector, {"type": "tamper-map", "action": "start"}, [])
        act.run()
        inspector.send = lambda content, buffers=None: sent.append(content)
        play = inspector.tamper_map()
        assert play.state == "playing"
        assert inspector.document.tamper == []
        assert play.wait(120)
        shown = [row for content in sent if content["type"] == "batch" for row in content.get("tamper", [])]
        whole = inspector.document.tamper
        assert len(whole) == len(shown) > 50
        assert all(isinstance(row, Tampered) for row in whole)
        assert sum(content["type"] == "batch" for content in sent) > 2, "rows come as they are played"
        assert repr(play) == f"<tamper map of tls13-key: {len(whole)} of {len(whole)} fields, over>"
        inspector._heard(inspector, {"type": "tamper-map", "action": "start", "keys": True}, [])
        inspector._heard(inspector, {"type": "tamper-map", "action": "stop"}, [])
        assert inspector.document.frame.tampering.state == "stopped"
        assert [row for row in inspector.document.tamper if not row.keys] == whole, "the other layer stays"
        inspector.tamper_map([]).wait()
        assert [row for row in inspector.document.tamper if not row.keys] == []
        inspector.close()
    assert [content["text"] for content in sent if content["type"] == "say"] == []
