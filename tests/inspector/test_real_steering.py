"""What a page asks of a real act that is held: its own paths of fields lead to the octets on the wire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from trustlab.inspector import Inspector
from trustlab.inspector.document import Document, MessageRow, Piece, Tampered
from trustlab.scenarios import TamperMap, acts


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
def test_a_tamper_map_is_shown_while_it_is_played_and_travels_with_the_page(tmp_path: Any) -> None:
    sent: list[dict[str, Any]] = []
    with acts.rung("tls13-key") as act:
        act.run()
        inspector = Inspector(act)
        inspector.send = lambda content, buffers=None: sent.append(content)
        inspector.tamper_map(TamperMap("tls13-key"))
        shown = [row for content in sent if content["type"] == "batch" for row in content.get("tamper", [])]
        whole = inspector.document.tamper
        assert len(whole) == len(shown) > 50
        assert all(isinstance(row, Tampered) for row in whole)
        assert sum(content["type"] == "batch" for content in sent) > 2, "rows come as they are played"
        inspector.tamper_map([])
        assert inspector.document.tamper == []
        inspector.close()
