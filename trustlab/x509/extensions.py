"""The extensions of a certificate, each with its value in words (RFC 5280, 4.2)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from trustlab.octets.der import Element, NotDer
from trustlab.x509.names import (
    EXTENSIONS,
    GENERAL_NAMES,
    KEY_USAGES,
    OIDS,
    OTHER_EXTENSIONS,
    PrivateExtension,
    oid_name,
    oid_text,
)
from trustlab.x509.walk import LONGEST_TEXT, Walk, expect, hexadecimal, integer, text

if TYPE_CHECKING:
    from collections.abc import Callable

RFC = "RFC 5280, "
BOOLEAN, OCTET_STRING, OID = 0x01, 0x04, 0x06
PRIMITIVE_TEXTS = (1, 2, 6)
DEEPEST = 8
"""Levels below an entry of a list at which texts are looked for."""
UNKNOWN = ("An extension that this lab does not know.", f"{RFC}4.2")


def name_extension(walk: Walk, element: Element, private: tuple[PrivateExtension, ...]) -> None:
    """Name an Extension: extnID, critical and extnValue, and what is inside the value as far as it is known."""
    parts = walk.parts(element, "an Extension", least=2)
    expect(parts[0], OID, "extnID")
    number = oid_text(parts[0].value)
    own = next((p for p in private if p.oid == number), None)
    name = own.name if own else OIDS.get(number, number)
    note, clause = (own.note, own.clause) if own else _words(name)
    value = parts[-1]
    said = _said(walk, name, value, own)
    critical = len(parts) == 3
    shown = f"{said} (critical)" if said and critical else said
    with walk.field(name.replace(".", "-"), element, shown, note, clause):
        walk.leaf("extnID", parts[0], number, "Which extension it is.", f"{RFC}4.2")
        if critical:
            says = "TRUE: whoever does not understand this extension has to refuse the certificate."
            walk.leaf("critical", parts[1], "TRUE" if parts[1].value == b"\xff" else "FALSE", says, f"{RFC}4.2")
        if len(parts) > 3 or value.tag != OCTET_STRING:
            raise NotDer("an Extension is extnID, critical and extnValue (RFC 5280 4.1)")
        with walk.field("extnValue", value, said or hexadecimal(value.value), note, clause):
            inside = _INSIDE.get(name)
            if inside is not None:
                inside(walk, walk.child(value.content, value.end, name))


def _words(name: str) -> tuple[str, str]:
    if name in EXTENSIONS:
        note, section = EXTENSIONS[name]
        return note, RFC + section
    return OTHER_EXTENSIONS.get(name, UNKNOWN)


def _said(walk: Walk, name: str, value: Element, own: PrivateExtension | None) -> str:
    """Return the value in words; nothing if it cannot be read, which the fields below then say."""
    try:
        inner = walk.child(value.content, value.end, name)
        if own is not None:
            return hexadecimal(inner.value if inner.tag == OCTET_STRING else inner.raw)
        render = _VALUES.get(name)
        return render(walk, inner) if render else ""
    except ValueError:
        return ""


def _general_name(element: Element) -> tuple[str, str, str]:
    """Return the form of a GeneralName, its value and a sentence."""
    number = element.tag & 0x1F
    form, note = GENERAL_NAMES.get(number, ("name", "A name of a form that RFC 5280 does not know."))
    if number in PRIMITIVE_TEXTS:
        value = element.value.decode("latin-1")
        return form, value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…", note
    if number == 7 and len(element.value) in (4, 16):
        return form, str(ipaddress.ip_address(element.value)), note
    return form, hexadecimal(element.value), note


def _names(walk: Walk, inner: Element) -> str:
    found = (_general_name(part) for part in walk.parts(inner, "a GeneralName"))
    return ", ".join(f"{form} {value}" for form, value, _ in found)


def _name_names(walk: Walk, inner: Element) -> None:
    for part in walk.parts(inner, "a GeneralName"):
        form, value, note = _general_name(part)
        walk.leaf(form, part, value, note, f"{RFC}4.2.1.6")


def _usages(_: Walk, inner: Element) -> str:
    bits = int.from_bytes(inner.value[1:], "big")
    size = 8 * (len(inner.value) - 1)
    return ", ".join(usage for n, usage in enumerate(KEY_USAGES) if n < size and bits >> (size - 1 - n) & 1)


def _purposes(walk: Walk, inner: Element) -> str:
    return ", ".join(oid_name(part.value) for part in walk.parts(inner, "a purpose"))


def _name_purposes(walk: Walk, inner: Element) -> None:
    for part in walk.parts(inner, "a purpose"):
        note = "A purpose that the key serves."
        walk.leaf("keyPurposeId", part, oid_name(part.value), note, f"{RFC}4.2.1.12")


def _constraints(walk: Walk, inner: Element) -> str:
    parts = walk.parts(inner, "basicConstraints")
    authority = any(part.tag == BOOLEAN and part.value == b"\xff" for part in parts)
    length = next((f", pathLenConstraint {integer(part)}" for part in parts if part.tag == 0x02), "")
    return f"cA {'TRUE' if authority else 'FALSE'}{length}"


def _name_constraints(walk: Walk, inner: Element) -> None:
    for part in walk.parts(inner, "basicConstraints"):
        if part.tag == BOOLEAN:
            note = "Whether this is a CA's certificate."
            walk.leaf("cA", part, "TRUE" if part.value == b"\xff" else "FALSE", note, f"{RFC}4.2.1.9")
        else:
            note = "How many further CA certificates may stand between this one and a leaf."
            walk.leaf("pathLenConstraint", part, integer(part), note, f"{RFC}4.2.1.9")


def _key_identifier(_: Walk, inner: Element) -> str:
    return hexadecimal(inner.value)


def _authority(walk: Walk, inner: Element) -> str:
    key = next((part for part in walk.parts(inner, "authorityKeyIdentifier") if part.tag == 0x80), None)
    return hexadecimal(key.value) if key else ""


def _name_authority(walk: Walk, inner: Element) -> None:
    for part in walk.parts(inner, "authorityKeyIdentifier"):
        word, note = {
            0x80: ("keyIdentifier", "The subjectKeyIdentifier of the key that signed."),
            0xA1: ("authorityCertIssuer", "Who issued the issuer's own certificate."),
            0x82: ("authorityCertSerialNumber", "The serial number of the issuer's own certificate."),
        }.get(part.tag, ("part", "A part that RFC 5280 does not know."))
        walk.leaf(word, part, hexadecimal(part.value), note, f"{RFC}4.2.1.1")


def _policies(walk: Walk, inner: Element) -> str:
    policies = walk.parts(inner, "certificatePolicies")
    return ", ".join(oid_name(walk.parts(policy, "a policy", least=1)[0].value) for policy in policies)


def _name_listed(walk: Walk, inner: Element) -> None:
    """Name the elements of a list whose form RFC 5280 gives, with the texts in them as their value."""
    for part in walk.parts(inner, "an element of the list"):
        walk.leaf("entry", part, "; ".join(_texts(walk, part)), "An entry of the list.", f"{RFC}4.2")


def _texts(walk: Walk, element: Element, depth: int = 0) -> list[str]:
    """Return the object identifiers and texts inside an element, from left to right."""
    if element.tag == OID:
        return [oid_name(element.value)]
    if element.tag in (0x86, 0x82, 0x81):
        return [_general_name(element)[1]]
    if element.tag & 0x20 and depth < DEEPEST:
        return [said for part in walk.parts(element, "a part") for said in _texts(walk, part, depth + 1)]
    return [text(element)]


_VALUES: dict[str, Callable[[Walk, Element], str]] = {
    "subjectAltName": _names,
    "issuerAltName": _names,
    "keyUsage": _usages,
    "extKeyUsage": _purposes,
    "basicConstraints": _constraints,
    "subjectKeyIdentifier": _key_identifier,
    "authorityKeyIdentifier": _authority,
    "certificatePolicies": _policies,
    "inhibitAnyPolicy": lambda _, inner: integer(inner),
}
_INSIDE: dict[str, Callable[[Walk, Element], None]] = {
    "subjectAltName": _name_names,
    "issuerAltName": _name_names,
    "extKeyUsage": _name_purposes,
    "basicConstraints": _name_constraints,
    "authorityKeyIdentifier": _name_authority,
    "certificatePolicies": _name_listed,
    "cRLDistributionPoints": _name_listed,
    "authorityInfoAccess": _name_listed,
    "subjectInfoAccess": _name_listed,
}
