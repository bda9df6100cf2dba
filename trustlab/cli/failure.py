"""A command's own failure, and how failures are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trustlab.octets import read_file
from trustlab.tls import LocalProtocolError
from trustlab.tls.names import normal_name

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_WORD = 160
"""Characters of a word that are said again: whoever gave a longer one knows it."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Failure(Exception):  # noqa: N818 - what a person reads is its message
    """The command cannot do what it was asked; the message names the fix."""


def octets_of(path: Path) -> bytes:
    """Read a file; Failure says why it cannot be read."""
    try:
        return read_file(path)
    except OSError as error:
        raise Failure(f"cannot read {path}: {(error.strerror or 'no reason is known').lower()}") from error


def host_and_port(target: str, example: str) -> tuple[str, int]:
    """Take HOST:PORT apart, the brackets of an IPv6 address off; Failure if it is something else.

    An internationalised name comes back as its A-labels: a resolver's own IDNA 2003 may find another host.
    """
    host, colon, port = target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536 or not host.strip():
        raise Failure(f"{target!r} is not HOST:PORT (as in {example})")
    return host_name(host), int(port)


def host_name(host: str) -> str:
    """Return a host as a resolver may have it; Failure if it cannot be the name of a host, nor an address."""
    if not host.isprintable():
        raise Failure(f"{host!r} is not the name of a host: it has characters that cannot be printed")
    if not host.isascii():
        try:
            return normal_name(host)
        except LocalProtocolError as error:
            raise Failure(str(error)) from None
    if any(not 0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise Failure(f"{host!r} is not the name of a host: each part between dots has 1 to 63 characters")
    return host


def plain(sentence: str) -> str:
    """Return a sentence as a terminal may have it: no control characters of whoever's input, no word without end."""
    shown = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], sentence)
    return re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda found: f"{found[0][:LONGEST_WORD]}...", shown)
