"""A certificate as a tree of fields: RFC 5280 chapter 4 from tbsCertificate to signatureValue."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.octets.der import BIT_STRING, INTEGER, SEQUENCE, VERSION, Element, NotDer
from trustlab.x509.extensions import name_extension
from trustlab.x509.names import ABBREVIATIONS, ATTRIBUTES, oid_name, oid_text
from trustlab.x509.walk import Walk, expect, hexadecimal, integer, text, time

if TYPE_CHECKING:
    from trustlab.trace import Span
    from trustlab.x509.names import PrivateExtension

RFC = "RFC 5280, "
NULL = 0x05
OID = 0x06
SET = 0x31
ISSUER_ID, SUBJECT_ID, EXTENSIONS = 0x81, 0x82, 0xA3
REMEMBERED, REMEMBERED_SIZE = 256, 2**14
"""How many certificates are kept with their fields, and up to which size: both ends of both legs see the same one."""

ISSUER = "Who issued the certificate: the CA that signed it."
SUBJECT = "Whose certificate it is. A name proves nothing about the machine that holds the key."
SUBJECT_KEY = "The subject's public key. Whoever holds the private half of it can act under this name."
SIGNATURE = "The issuer's signature over tbsCertificate. Only whoever holds the issuer's private key can make it."


def certificate_fields(octets: bytes, private: tuple[PrivateExtension, ...] = ()) -> tuple[Span, ...]:
    """Return a span for each field of a certificate in DER, in the order of the octets, parents before children.

    Offsets count from the certificate's first octet. Never raises: octets that cannot be read are one span,
    `unreadable`, whose value says why. `private` names extensions that only the caller knows.
    """
    return _remembered(octets, private) if len(octets) <= REMEMBERED_SIZE else _fields(octets, private)


def _fields(octets: bytes, private: tuple[PrivateExtension, ...]) -> tuple[Span, ...]:
    walk = Walk(octets)
    try:
        whole = walk.child(0, len(octets), "the Certificate")
        _certificate(walk, whole, private)
        walk.unreadable(whole.end, len(octets), "further bytes follow the Certificate")
    except ValueError as error:
        walk.unreadable(max((span.end for span in walk.spans), default=0), len(octets), str(error))
    return tuple(walk.spans)


_remembered = lru_cache(maxsize=REMEMBERED)(_fields)


def _certificate(walk: Walk, whole: Element, private: tuple[PrivateExtension, ...]) -> None:
    expect(whole, SEQUENCE, "the Certificate")
    tbs = _next(walk, whole.content, whole.end, "tbsCertificate")
    note = "Everything that the CA signed. Change one bit in here and the signature no longer fits."
    with walk.field("tbsCertificate", tbs, "", note, f"{RFC}4.1.1.1"):
        expect(tbs, SEQUENCE, "tbsCertificate")
        _signed_part(walk, tbs, private)
    algorithm = _next(walk, tbs.end, whole.end, "signatureAlgorithm")
    _algorithm(walk, "signatureAlgorithm", algorithm, "How the CA signed.", f"{RFC}4.1.1.2")
    value = _next(walk, algorithm.end, whole.end, "signatureValue")
    shown = hexadecimal(value.value[1:])
    with walk.field("signatureValue", value, shown, SIGNATURE, f"{RFC}4.1.1.3"):
        expect(value, BIT_STRING, "signatureValue")
        _signature(walk, value)
    walk.unreadable(value.end, whole.end, "further bytes follow signatureValue")


def _signed_part(walk: Walk, tbs: Element, private: tuple[PrivateExtension, ...]) -> None:
    at = tbs.content
    if at < tbs.end and walk.octets[at] == VERSION:
        element = _next(walk, at, tbs.end, "version")
        number = walk.child(element.content, element.end, "version")
        note = "Version 3 has the number 2. It is the only one with extensions."
        walk.leaf("version", element, f"v{int(integer(number)) + 1}", note, f"{RFC}4.1.2.1")
        at = element.end
    serial = _next(walk, at, tbs.end, "serialNumber")
    expect(serial, INTEGER, "serialNumber")
    note = "The CA's own number for this certificate. It gives each number once."
    walk.leaf("serialNumber", serial, hexadecimal(serial.value), note, f"{RFC}4.1.2.2")
    signed = _next(walk, serial.end, tbs.end, "signature")
    _algorithm(walk, "signature", signed, "How the CA signed. The same stands outside, unsigned.", f"{RFC}4.1.2.3")
    issuer = _next(walk, signed.end, tbs.end, "issuer")
    _name(walk, "issuer", issuer, ISSUER, f"{RFC}4.1.2.4")
    validity = _next(walk, issuer.end, tbs.end, "validity")
    _validity(walk, validity)
    subject = _next(walk, validity.end, tbs.end, "subject")
    _name(walk, "subject", subject, SUBJECT, f"{RFC}4.1.2.6")
    key = _next(walk, subject.end, tbs.end, "subjectPublicKeyInfo")
    _key(walk, key)
    _optional(walk, key.end, tbs.end, private)


def _optional(walk: Walk, at: int, end: int, private: tuple[PrivateExtension, ...]) -> None:
    """Name what only versions 2 and 3 have."""
    while at < end:
        element = _next(walk, at, end, "a part of tbsCertificate")
        if element.tag in (ISSUER_ID, SUBJECT_ID):
            name = "issuerUniqueID" if element.tag == ISSUER_ID else "subjectUniqueID"
            note = "Tells two holders of one name apart. No CA should use it any more."
            walk.leaf(name, element, hexadecimal(element.value[1:]), note, f"{RFC}4.1.2.8")
        elif element.tag == EXTENSIONS:
            note = "What version 3 added: the names that count, and rules for using the key."
            with walk.field("extensions", element, "", note, f"{RFC}4.1.2.9"):
                listed = walk.child(element.content, element.end, "extensions")
                for extension in walk.parts(listed, "an Extension"):
                    walk.check_room()
                    _extension(walk, extension, private)
                walk.unreadable(listed.end, element.end, "further bytes follow the extensions")
        else:
            raise NotDer(f"a part of tbsCertificate has the tag 0x{element.tag:02x}")
        at = element.end


def _extension(walk: Walk, element: Element, private: tuple[PrivateExtension, ...]) -> None:
    """Name an extension; those behind one that cannot be read are named all the same."""
    try:
        name_extension(walk, element, private)
    except ValueError as error:
        walk.unreadable(element.start, element.end, str(error))


def _next(walk: Walk, at: int, end: int, what: str) -> Element:
    return walk.child(at, end, what)


def _algorithm(walk: Walk, name: str, element: Element, note: str, clause: str) -> None:
    with walk.field(name, element, _algorithm_name(walk, element), note, clause):
        parts = walk.parts(element, name, least=1)
        expect(parts[0], OID, "the algorithm's number")
        number = "Which algorithm it is, as a number that means the same everywhere."
        walk.leaf("algorithm", parts[0], oid_name(parts[0].value), number, f"{RFC}4.1.1.2")
        for parameters in parts[1:]:
            value, what = _parameters(parameters)
            walk.leaf("parameters", parameters, value, what, f"{RFC}4.1.1.2")


def _algorithm_name(walk: Walk, element: Element) -> str:
    """Return an algorithm's name, nothing if it cannot be read: the field below says why."""
    try:
        return oid_name(walk.child(element.content, element.end, "algorithm").value)
    except ValueError:
        return ""


def _parameters(element: Element) -> tuple[str, str]:
    if element.tag == NULL:
        return "NULL", "What the algorithm still needs to know: nothing, here."
    if element.tag == OID:
        return oid_name(element.value), "The curve that the key lies on (RFC 5480, 2.1.1)."
    return hexadecimal(element.value), "What the algorithm still needs to know, such as its hash."


def _name(walk: Walk, name: str, element: Element, note: str, clause: str) -> None:
    with walk.field(name, element, _name_in_a_line(walk, element), note, clause):
        for relative in walk.parts(element, name):
            expect(relative, SET, f"a part of {name}")
            attributes = walk.parts(relative, name)
            for attribute in attributes:
                kind, value = attribute.parts((OID, "the type of a part of a name"), (_tag_of(attribute), "its value"))
                word = oid_name(kind.value)
                outer = relative if len(attributes) == 1 else attribute
                sentence = ATTRIBUTES.get(word, "One part of the name.")
                walk.leaf(_plain(word), outer, text(value), sentence, clause)


def _tag_of(attribute: Element) -> int:
    """Return the tag of an attribute's value, which may be any string type; 0 if there is no value."""
    kind = Element(attribute.octets, attribute.content, attribute.end, "the type of a part of a name")
    return attribute.octets[kind.end] if kind.end < attribute.end else 0


def _plain(word: str) -> str:
    """Return a name without dots, which would look like a path."""
    return word.replace(".", "-")


def _name_in_a_line(walk: Walk, element: Element) -> str:
    parts = []
    try:
        for relative in walk.parts(element, "a name"):
            for attribute in walk.parts(relative, "a name"):
                kind, value = walk.parts(attribute, "a part of a name")
                word = oid_name(kind.value)
                parts.append(f"{ABBREVIATIONS.get(word, word)}={text(value)}")
    except ValueError:
        return ""
    return ", ".join(parts) or "empty"


def _validity(walk: Walk, element: Element) -> None:
    note = "From when until when the CA vouches for the certificate."
    with walk.field("validity", element, "", note, f"{RFC}4.1.2.5"):
        for name, part in zip(("notBefore", "notAfter"), walk.parts(element, "validity"), strict=True):
            note = f"Not valid {'before' if name == 'notBefore' else 'after'} this moment."
            walk.leaf(name, part, time(part), note, f"{RFC}4.1.2.5")


def _key(walk: Walk, element: Element) -> None:
    with walk.field("subjectPublicKeyInfo", element, "", SUBJECT_KEY, f"{RFC}4.1.2.7"):
        algorithm, key = element.parts((SEQUENCE, "the key's algorithm"), (BIT_STRING, "subjectPublicKey"))
        _algorithm(walk, "algorithm", algorithm, "What kind of key it is.", f"{RFC}4.1.2.7")
        kind = oid_text(walk.child(algorithm.content, algorithm.end, "the key's algorithm").value)
        note = "The key itself, as its algorithm writes it."
        with walk.field("subjectPublicKey", key, "", note, f"{RFC}4.1.2.7"):
            if kind in ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"):
                _rsa_key(walk, key)
            elif kind == "1.2.840.10045.2.1":
                _point(walk, key)
            else:
                shown = hexadecimal(key.value[1:])
                walk.add("key", key.content + 1, key.end, shown, "The public key's bytes.", "RFC 8410, 4")


def _rsa_key(walk: Walk, key: Element) -> None:
    pair = walk.child(key.content + 1, key.end, "RSAPublicKey")
    modulus, exponent = pair.parts((INTEGER, "modulus"), (INTEGER, "publicExponent"))
    bits = int.from_bytes(modulus.value, "big").bit_length()
    note = f"The RSA modulus: the product of two secret primes, {bits} bits long. It makes this key unlike any other."
    walk.leaf("modulus", modulus, hexadecimal(modulus.value.removeprefix(b"\0")), note, "RFC 8017, A.1.1")
    note = "The RSA public exponent. It is 65537 in almost every key."
    walk.leaf("publicExponent", exponent, integer(exponent), note, "RFC 8017, A.1.1")
    walk.unreadable(pair.end, key.end, "further bytes follow the RSAPublicKey")


def _point(walk: Walk, key: Element) -> None:
    start = key.content + 1
    form, size = walk.octets[start] if start < key.end else 0, (key.end - start - 1) // 2
    if form != 0x04 or start + 1 + 2 * size != key.end:
        note = "A point on the curve, in compressed form: which of two points the x coordinate means."
        walk.add("point", start, key.end, hexadecimal(walk.octets[start : key.end]), note, "RFC 5480, 2.2")
        return
    note = "A point on the curve: the private number times the curve's base point."
    name = walk.add("point", start, key.end, hexadecimal(walk.octets[start : key.end]), note, "RFC 5480, 2.2")
    middle = start + 1 + size
    walk.add(f"{name}.form", start, start + 1, "uncompressed", "04: both coordinates follow.", "RFC 5480, 2.2")
    for axis, begin, end in (("x", start + 1, middle), ("y", middle, key.end)):
        shown = hexadecimal(walk.octets[begin:end])
        walk.add(f"{name}.{axis}", begin, end, shown, f"The point's {axis} coordinate.", "RFC 5480, 2.2")


def _signature(walk: Walk, value: Element) -> None:
    """Name r and s of an ECDSA signature; any other signature is one number, named already."""
    start = value.content + 1
    if start >= value.end or walk.octets[start] != SEQUENCE:
        return
    try:
        pair = walk.child(start, value.end, "the ECDSA-Sig-Value")
        first, second = pair.parts((INTEGER, "r"), (INTEGER, "s"))
    except NotDer:
        return  # an RSA signature may begin with this octet too
    if pair.end != value.end:
        return
    walk.leaf("r", first, hexadecimal(first.value), "One half of the ECDSA signature.", "RFC 3279, 2.2.3")
    walk.leaf("s", second, hexadecimal(second.value), "The other half of the ECDSA signature.", "RFC 3279, 2.2.3")
