"""How an act is steered: the gate that is asked before each message and each TPM command, and who plays behind it."""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import TYPE_CHECKING

from trustlab.attest import evidence_fields, is_evidence
from trustlab.capture import FieldsInFlight
from trustlab.wire import Steering
from trustlab.x509 import certificate_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.cloud import Cloud
    from trustlab.trace import Span, Trace

LONG_SEQUENCE = b"\x30\x82"
"""How a certificate begins, in DER: a SEQUENCE with a length of two octets."""
PATIENCE = 5.0
"""Seconds that the interpreter waits at its end for acts that it cancels."""


def evidence_inside(octets: bytes) -> Sequence[Span]:
    """Return the fields of Evidence, none if these octets are nothing of the kind."""
    return evidence_fields(octets) if is_evidence(octets) else ()


def certificate_inside(octets: bytes) -> Sequence[Span]:
    """Return the fields of a certificate, none if these octets are nothing of the kind: a long DER SEQUENCE, whole."""
    whole = octets[:2] == LONG_SEQUENCE and int.from_bytes(octets[2:4], "big") == len(octets) - 4
    return certificate_fields(octets) if whole else ()


def fields_of(trace: Trace) -> FieldsInFlight:
    """Return what cuts and names all that the connections of an act carry."""
    return FieldsInFlight(trace, (evidence_inside, certificate_inside))


class Life:
    """What must outlive an act that nobody holds any more, and what `close` must reach from any thread.

    An act that was started plays as a copy of itself, which shares this. So the act itself is free: when a notebook's
    cell runs again and its name means another act, nobody holds the first one, and it ends.
    """

    def __init__(self, trace: Trace) -> None:
        self.lock = threading.Lock()
        self.cloud: Cloud | None = None
        self.closed = False
        self.steering: Steering | None = None
        self.thread: threading.Thread | None = None
        self.begun = False
        self.error: BaseException | None = None
        self._trace = trace

    def steer(self) -> Steering:
        """Return what steers; made at the first call, which must come before the act begins to have an effect."""
        with self.lock:
            if self.steering is None:
                self.steering = Steering(fields_of(self._trace), self._trace.party("network"))
                if self.begun:
                    self.steering.over()
            return self.steering

    def begin(self) -> bool:
        """Begin to play; False if that was done before."""
        with self.lock:
            first, self.begun = not self.begun, True
            return first

    def perform(self, play: Callable[[], object], name: str) -> None:
        """Play on a thread of its own; what it raises is kept for whoever waits."""

        def work() -> None:
            try:
                play()
            except BaseException as error:  # noqa: BLE001 - it is raised again where the act is waited for
                self.error = error

        self.thread = threading.Thread(target=work, name=name, daemon=True)
        _playing.add(self)
        self.thread.start()

    def cancel(self) -> None:
        """End what plays, without waiting for the end."""
        if self.steering is not None:
            self.steering.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of what was started; False if `timeout` seconds were not enough, or on its own thread."""
        if self.thread is None or self.thread is threading.current_thread():
            return self.thread is None
        self.thread.join(timeout)
        return not self.thread.is_alive()


_playing: weakref.WeakSet[Life] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """End acts that still play when the interpreter ends: a thread that is held would be cut off with its machines."""
    lives = list(_playing)
    for life in lives:
        life.cancel()
    for life in lives:
        life.join(PATIENCE)
