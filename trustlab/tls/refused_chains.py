"""Why a certificate chain is refused, in words of ours: which issuer is missing, or which rule is broken.

`cryptography` decides whether a chain is good; these sentences say what a reader can look at. Names in certificates are
whatever somebody wrote there, so they are cut and made printable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_NAME = 80
MOST_NAMES = 3
USES = {True: (ExtendedKeyUsageOID.SERVER_AUTH, "a server"), False: (ExtendedKeyUsageOID.CLIENT_AUTH, "a client")}


def called(name: x509.Name) -> str:
    """Return a distinguished name to be shown; one that cannot be written down is nameless."""
    try:
        text = name.rfc4514_string()
    except Exception:  # noqa: BLE001 - a stranger's name may be anything
        text = ""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"{text[:LONGEST_NAME]}{'...' if len(text) > LONGEST_NAME else ''}" or "an issuer without a name"


def missing_issuer(certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> str:
    """Say which issuer was looked for in vain: follow the chain up from its leaf as far as it goes."""
    last, left = certificates[0], list(certificates[1:])
    while (above := next((other for other in left if _signed(last, other)), None)) is not None:
        left.remove(above)
        last = above
    if last.issuer == last.subject:
        return f"{called(last.subject)} signed its own certificate, and is not trusted here"
    name = called(last.issuer)
    if any(root.subject == last.issuer for root in roots):
        return f"a trusted root is called {name}, but another key signed the certificate of {called(last.subject)}"
    if any(other.subject == last.issuer for other in certificates):
        return f"the certificate of {name} is here, but another key signed the certificate of {called(last.subject)}"
    return f"its issuer {name} is not among the trusted roots, and its certificate is not in the chain"


def names_in(leaf: x509.SubjectAlternativeName | None) -> str:
    """Say for which names a certificate is."""
    names = [] if leaf is None else [str(name.value) for name in leaf if not isinstance(name, x509.OtherName)]
    if not names:
        return "it has no name of a server"
    shown = ["".join(c if c.isprintable() else "?" for c in name[:LONGEST_NAME]) for name in names[:MOST_NAMES]]
    more = len(names) - len(shown)
    return f"it is for {', '.join(shown)}{f' and {more} more' if more else ''}"


def broken_rule(certificates: Sequence[x509.Certificate], *, server: bool) -> str:
    """Say which rule of RFC 5280 a chain breaks that leads to a trusted root, where it is one that can be named."""
    for one in certificates:
        for issuer in certificates[1:]:
            if issuer is not one and issuer.subject == one.issuer and not _may_sign(issuer):
                return f"{called(issuer.subject)} signed a certificate, and is not a CA"
    usage, role = USES[server]
    try:
        allowed = certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        allowed = None
    if allowed is not None and usage not in allowed:
        return f"its extended key usage does not let {called(certificates[0].subject)} be {role}"
    return "it breaks a rule of RFC 5280 or of the CA/Browser Forum's profile: look at its extensions and signatures"


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - any failure means: not issued by this one
        return False
    return certificate != issuer


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
