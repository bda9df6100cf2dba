"""The name of a server in one normal form: what is sent in server_name, checked in the certificate, and kept.

A host name is in lower case, in ASCII, and without a dot at its end (RFC 6066 3); an address is written as
`ipaddress` writes it. A name with other letters becomes its A-label by UTS #46, non-transitional, as in browsers and
curl: the same text leads to the same host everywhere, and `ß` stays `ß`. The library `idna` then holds the result to
IDNA2008 (RFC 5891 5).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import idna

from trustlab.tls.alerts import LocalProtocolError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

LONGEST_LABEL = 63
LONGEST_HOST = 253
"""Octets of a label, and of a whole name without the dot at its end (RFC 1035 2.3.4: 255 with lengths and root)."""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
"""The dots of UTS #46: the full stop and its three ideographic forms."""


def normal_name(text: object) -> str:
    """Return the normal form of a host name or an IP address; LocalProtocolError says why it is neither."""
    if not isinstance(text, str):
        raise LocalProtocolError(f"a server name is text, not {text!r}")
    return _normal(text)


@lru_cache(maxsize=256)
def _normal(text: str) -> str:
    name = text if text.isascii() else _a_labels(text)
    name = name.removesuffix(".").lower()
    found = address(name)
    if found is not None:
        return str(found)
    if len(name) > LONGEST_HOST:
        raise LocalProtocolError(f"a server name has {LONGEST_HOST} characters at most, not {len(name)}")
    labels = name.split(".")
    for label in labels:
        if not label:
            raise LocalProtocolError(f"{text!r} is not a host name: there is nothing before, between or after a dot")
        if len(label) > LONGEST_LABEL:
            raise LocalProtocolError(f"{label!r} is too long for a host name: {LONGEST_LABEL} characters between dots")
        if not _LABEL.fullmatch(label):
            raise LocalProtocolError(
                f"{text!r} is not a host name: {label!r} may have letters and digits, and hyphens between them only"
                " (RFC 1123 2.1)"
            )
    if labels[-1].isdecimal():  # some resolvers read 127.1 and 2130706433 as addresses: RFC 1123 2.1, RFC 3696 2
        raise LocalProtocolError(f"{text!r} is not a host name: it ends in a number. Write an IP address in full")
    return name


def address(name: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a name is, None for a host. A zone (`%eth0`) is dropped: it is local."""
    try:
        return ipaddress.ip_address(name.partition("%")[0] if ":" in name else name)
    except ValueError:
        return None


def _a_labels(text: str) -> str:
    """Return a name with non-ASCII letters in A-labels (RFC 5890 2.3.2.1).

    A label that UTS #46 maps to plain ASCII (full-width letters, ligatures, invisible characters) is refused: it looks
    like one host and would lead to another.
    """
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError as error:  # IDNAError among them
        raise LocalProtocolError(f"{text!r} is not an internationalised host name (RFC 5891 5): {error}") from error
    for written, label in zip(_DOTS.split(text), name.split("."), strict=True):
        if not written.isascii() and not label.startswith("xn--"):
            raise LocalProtocolError(
                f"{text!r} is another way to write {name!r}: write that name if it is the one you mean"
            )
    return name
