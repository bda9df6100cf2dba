"""What a page may ask of a run: to steer it, and to run it again with one field changed."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.inspector.document import MessageRow
from trustlab.inspector.ladder import SEVERAL, Ladder

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import Controller

ACTIONS: dict[str, tuple[str, ...]] = {
    "pause": (),
    "play": (),
    "step": ("what",),
    "break_on": ("name", "connection"),
    "tamper": ("name", "field", "value", "nth", "connection", "octet"),
    "drop": ("name", "nth", "connection"),
    "drop_held": (),
    "cancel": (),
}
"""The calls of a controller that a page may make, and what it may give them."""
OCTETS = ("value",)
LET_GO = "let_go"
"""What else a page may ask for: to change what is held and let it go, as one thing."""


class BadRequest(ValueError):  # noqa: N818 - it is a request, and it is bad
    """A page asked for something that is not to be had; the message is a sentence for the reader."""


class Requests:
    """Makes the calls that a page asks for, on the controller and the act behind the view.

    An act that plays is not kept: when its cell runs again, nobody holds it any more, and it ends with its machines.
    `over` keeps one that has ended, so that it can run again with a field changed.
    """

    def __init__(self, controller: Controller | None, source: object) -> None:
        self._controller = controller
        self._act: Callable[[], object] = weakref.ref(source) if hasattr(source, "what_if") else lambda: None
        self._kept: object = None
        if controller is None:
            self.over()
        self.breaks: list[str] = []
        """Names of the messages before which the page asked to hold."""

    @property
    def act(self) -> object:
        """The act behind the view, None if there is none any more."""
        return self._act()

    def over(self) -> None:
        """Say that the run has ended."""
        self._kept = self.act

    def control(self, content: dict[str, Any]) -> None:
        """Steer the run; BadRequest where this run cannot be steered, or not so."""
        action = content.get("action")
        if not isinstance(action, str) or action not in {*ACTIONS, LET_GO}:
            raise BadRequest(f"A run cannot be told to {action!r}; there are: {', '.join((*ACTIONS, LET_GO))}.")
        if self._controller is None:
            raise BadRequest("This run is recorded: nothing in it can be held or changed.")
        if action == LET_GO:
            self._let_go(self._controller, content)
            return
        call = getattr(self._controller, action, None)
        if call is None:
            raise BadRequest(f"This run cannot be told to {action}.")
        given = {name: _value(name, content[name]) for name in ACTIONS[action] if content.get(name) is not None}
        try:
            call(**given)
        except (ValueError, TypeError, LookupError) as error:
            raise BadRequest(f"{error}") from error
        if action == "break_on":
            self.breaks.append(str(given.get("name", "")))

    def _let_go(self, controller: Controller, content: dict[str, Any]) -> None:
        """Change what is held, all fields or none, and let it go on; BadRequest leaves it held and as it is."""
        name, connection, fields = content.get("name"), content.get("connection"), content.get("fields")
        if not isinstance(fields, dict) or not fields:
            raise BadRequest("The page did not say which fields are to be changed.")
        changes = {_dotted(path): _octets(value) for path, value in fields.items()}
        place = controller.at
        if place is None or connection != place[0] or name not in place[1].split(SEVERAL):
            raise BadRequest(f"{name} is not held any more, so nothing was changed.")
        try:
            controller.change(changes)
        except (ValueError, TypeError, LookupError) as error:
            raise BadRequest(f"{error}. Nothing was changed, and the message is still held.") from error
        controller.play()

    def what_if(self, content: dict[str, Any], ladder: Ladder, send: Callable[[dict[str, Any]], object]) -> None:
        """Run the act again with a field changed, in a thread, and send its document when it is there."""
        source = self.act
        again = getattr(source, "what_if", None)
        if again is None:
            raise BadRequest("To change a field and run again, the inspector needs the act: Inspector(act).")
        number, field = content.get("row"), content.get("field")
        rows = ladder.rows
        if not isinstance(number, int) or not 0 <= number < len(rows) or not isinstance(field, str):
            raise BadRequest("The page did not say which field of which row is to be changed.")
        row = rows[number]
        if not isinstance(row, MessageRow):
            raise BadRequest(f"{row.name} is not a message, so nothing in it can be changed on the way.")
        same = [r for r in rows if isinstance(r, MessageRow) and (r.name, r.connection) == (row.name, row.connection)]
        value, nth = _value("value", content.get("value")), 1 + next(n for n, r in enumerate(same) if r is row)
        secrets = ladder.document.frame.secrets_shown

        def run() -> None:
            try:
                act = again(row.name, _dotted(field), value, nth=nth, connection=row.connection)
                document = Ladder.of(act.trace, secrets=secrets).document
                first = _compared(source, act)
            except Exception as error:  # noqa: BLE001 - whatever happened, the reader is told
                send({"type": "say", "text": f"The run with {field} changed did not work: {error}"})
                return
            answer = {"type": "what-if", "asker": content.get("asker"), "first": first}
            send({**answer, "document": msgspec.to_builtins(document)})

        threading.Thread(target=run, name="what if", daemon=True).start()


def _compared(source: object, act: object) -> str:
    """Return the first difference in a sentence; nothing while the run that it is compared with has not ended."""
    compare = getattr(source, "compare", None)
    try:
        return "" if compare is None else str(compare(act))
    except ValueError:
        return ""


def _dotted(path: str) -> str:
    """Return a field's path as a run knows it: `extensions.attestation.nonce`."""
    return path.replace("/", ".")


def _value(name: str, value: object) -> object:
    """Return what a page gave for an argument: octets come as hex."""
    if name == "field" and isinstance(value, str):
        return _dotted(value)
    return _octets(value) if name in OCTETS and isinstance(value, str) else value


def _octets(value: object) -> bytes:
    """Return octets that a page gave in hex."""
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        raise BadRequest(f"{str(value)[:40]!r} is not a row of bytes in hex.") from None
