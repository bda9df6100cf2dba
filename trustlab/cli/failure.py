"""A command's own failure, and how failures are printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trustlab.octets import read_file
from trustlab.tls import LocalProtocolError
from trustlab.tls.names import normal_name

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_WORD = 160
"""How many characters of a word an error repeats."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Failure(Exception):  # noqa: N818 - what a person reads is its message
    """The command cannot do what it was asked to; the message says what to do."""


def octets_of(path: Path) -> bytes:
    """Read a file; Failure says why it cannot be read."""
    try:
        return read_file(path)
    except OSError as error:
        raise Failure(f"cannot read {path}: {(error.strerror or 'no reason is known').lower()}") from error


def host_and_port(target: str, example: str, *, least: int = 1) -> tuple[str, int]:
    """Split HOST:PORT, without the brackets of an IPv6 address; Failure if it is something else.

    The port is `least` or above. An internationalised name is returned as A-labels, because a resolver's own IDNA 2003
    may find another host.
    """
    host, colon, port = target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or not least <= int(port) < 65_536 or not host.strip():
        raise Failure(f"{target!r} is not HOST:PORT; for example {example}")
    return host_name(host), int(port)


def host_name(host: str) -> str:
    """Return a host in the form that a resolver takes; Failure if it is neither a host name nor an address."""
    if not host.isprintable():
        raise Failure(f"{host!r} is not a host name: it has characters that cannot be printed")
    if not host.isascii():
        try:
            return normal_name(host)
        except LocalProtocolError as error:
            raise Failure(str(error)) from None
    if any(not 0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise Failure(f"{host!r} is not a host name: each part between dots must have 1 to 63 characters")
    return host


def plain(sentence: str) -> str:
    """Return a sentence that is safe for a terminal: without control characters, and with overlong words cut."""
    shown = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], sentence)
    return re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda found: f"{found[0][:LONGEST_WORD]}...", shown)
