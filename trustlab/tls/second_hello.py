"""What a client may say differently when a HelloRetryRequest makes it say hello again (RFC 9846 4.2.2)."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from trustlab.tls.alerts import IllegalParameter, MissingExtension, ProtocolVersion
from trustlab.tls.extensions import extension_name
from trustlab.tls.registry import ExtensionType, Version

if TYPE_CHECKING:
    from trustlab.tls.messages import ClientHello

MAY_CHANGE = {
    ExtensionType.KEY_SHARE,
    ExtensionType.EARLY_DATA,
    ExtensionType.COOKIE,
    ExtensionType.PRE_SHARED_KEY,
    ExtensionType.PADDING,
}
"""The extensions that may differ, each by a rule of its own; the one for key_share is the server's (RFC 9846 4.3.8)."""
FIXED_FIELDS = ("legacy_version", "random", "session_id", "cipher_suites", "compression_methods")
"""The fields other than extensions: none may differ."""


def refuse_ssl30(hello: ClientHello) -> None:
    """Refuse SSL 3.0 and older, in a first ClientHello and in a second (RFC 9846 E.5)."""
    if hello.legacy_version <= Version.SSL30:
        raise ProtocolVersion(f"a ClientHello of version 0x{hello.legacy_version:04x}", "RFC 9846 E.5")


def check_second(first: ClientHello, second: ClientHello, cookie: bytes | None) -> None:
    """Refuse a second ClientHello that changed what it must not, or kept what it must not (RFC 9846 4.2.2).

    `cookie` is the body of that extension in the HelloRetryRequest, None if there was none. Raises the alert that is
    due. The server has already checked what every ClientHello must have.
    """
    refuse_ssl30(second)
    for field in FIXED_FIELDS:
        if getattr(first, field) != getattr(second, field):
            raise IllegalParameter(f"a second ClientHello with another {field}", "RFC 9846 4.2.2")
    before, now = ([e for e in hello.extensions if e.type not in MAY_CHANGE] for hello in (first, second))
    if before != now:
        old, new = next(pair for pair in zip_longest(before, now) if pair[0] != pair[1])
        name = extension_name((new or old).type)
        raise IllegalParameter(f"a second ClientHello that differs from the first at {name}", "RFC 9846 4.2.2")
    if second.extension(ExtensionType.EARLY_DATA) is not None:
        raise IllegalParameter("early data after a HelloRetryRequest", "RFC 9846 4.3.10")
    psk = ExtensionType.PRE_SHARED_KEY
    if second.extension(psk) is not None and first.extension(psk) is None:
        raise IllegalParameter("a second ClientHello with pre_shared_key, unlike the first", "RFC 9846 4.2.2")
    _check_cookie(second, first.extension(ExtensionType.COOKIE) if cookie is None else cookie)


def _check_cookie(second: ClientHello, due: bytes | None) -> None:
    """Refuse any cookie but the one that the HelloRetryRequest gave (RFC 9846 4.3.2)."""
    found = second.extension(ExtensionType.COOKIE)
    if found == due:
        return
    if found is None:
        raise MissingExtension("a second ClientHello without the cookie it was given", "RFC 9846 4.3.2")
    raise IllegalParameter("a second ClientHello with a cookie it was not given", "RFC 9846 4.3.2")
