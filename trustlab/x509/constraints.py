"""What a certificate's extensions say about paths (RFC 5280 4.2.1), in values to compare; and name constraints."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlab.octets.ber import BOOLEAN, BerNode, read_ber
from trustlab.octets.der import BIT_STRING, INTEGER, SEQUENCE, NotDer
from trustlab.x509.lenient import attributes_of, canonical_name, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.x509.lenient import CanonicalName, LenientCertificate

BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_ALT_NAME, NAME_CONSTRAINTS = "2.5.29.17", "2.5.29.30"
POLICIES, POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY = "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"
SUBJECT_DIRECTORY_ATTRIBUTES, AUTHORITY_KEY, SUBJECT_KEY = "2.5.29.9", "2.5.29.35", "2.5.29.14"
ISSUER_ALT_NAME, AUTHORITY_INFO = "2.5.29.18", "1.3.6.1.5.5.7.1.1"
UNDERSTOOD = {
    *(BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, NAME_CONSTRAINTS),
    *(POLICIES, POLICY_CONSTRAINTS, INHIBIT_ANY),
    *(SUBJECT_DIRECTORY_ATTRIBUTES, AUTHORITY_KEY, SUBJECT_KEY, ISSUER_ALT_NAME, AUTHORITY_INFO),
}
"""Extensions that are no reason to refuse a certificate when they are critical (RFC 5280 4.2): those of the first two
lines are acted on, those of the third say nothing about who may do what."""
ANY_POLICY, ANY_PURPOSE = "2.5.29.32.0", "2.5.29.37.0"
DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT, KEY_CERT_SIGN = 0, 2, 4, 5
EMAIL, DNS, DIRECTORY, URI, ADDRESS = 1, 2, 4, 6, 7
EMAIL_ATTRIBUTE = "1.2.840.113549.1.9.1"


@dataclass(frozen=True)
class GeneralName:
    """One name of a kind (the tag in RFC 5280 4.2.1.6): a directory's as names are compared, others as octets."""

    kind: int
    octets: bytes = b""
    directory: CanonicalName = ()

    @property
    def text(self) -> str:
        return self.octets.decode("latin-1").casefold()


@dataclass(frozen=True)
class Subtrees:
    """Name constraints (RFC 5280 4.2.1.10)."""

    permitted: tuple[GeneralName, ...] = ()
    excluded: tuple[GeneralName, ...] = ()


@dataclass(frozen=True)
class PathFacts:
    """What a certificate says about itself and the certificates below it; None where it says nothing."""

    ca: bool
    path_length: int | None
    usage: frozenset[int] | None
    purposes: frozenset[str] | None
    names: tuple[GeneralName, ...]
    attributes: dict[str, str]
    subtrees: Subtrees | None
    policies: frozenset[str] | None
    require_policy: int | None
    inhibit_any: int | None
    strange: tuple[str, ...]

    @classmethod
    def of(cls, certificate: LenientCertificate) -> PathFacts:
        """Read them; NotDer for an extension that is not what it should be."""
        found = {number: extension.value for number, extension in certificate.extensions.items()}
        ca, path_length = _basic(found.get(BASIC_CONSTRAINTS))
        names, attributes = _names(found.get(SUBJECT_ALT_NAME))
        require, inhibit = _policy_constraints(found.get(POLICY_CONSTRAINTS)), found.get(INHIBIT_ANY)
        return cls(
            ca=ca,
            path_length=path_length,
            usage=_usage(found.get(KEY_USAGE)),
            purposes=_numbers(found.get(EXTENDED_KEY_USAGE), "extendedKeyUsage"),
            names=names,
            attributes=attributes,
            subtrees=_subtrees(found.get(NAME_CONSTRAINTS)),
            policies=_policies(found.get(POLICIES)),
            require_policy=require,
            inhibit_any=None if inhibit is None else _count(read_ber(inhibit, "inhibitAnyPolicy")),
            strange=tuple(n for n, e in certificate.extensions.items() if e.critical and n not in UNDERSTOOD),
        )


def _whole(value: bytes, what: str) -> BerNode:
    node = read_ber(value, what)
    if len(node.raw) != len(value):
        raise NotDer(f"further octets follow {what}")
    return node


def _sequence(value: bytes, what: str) -> list[BerNode]:
    return _whole(value, what).expect(SEQUENCE, what).parts


def _count(node: BerNode) -> int:
    number = int.from_bytes(node.content, "big", signed=True)
    if number < 0 or node.tag & 0x1F not in (INTEGER, 0, 1):
        raise NotDer("a number of certificates that is none")
    return number


def _basic(value: bytes | None) -> tuple[bool, int | None]:
    parts = [] if value is None else list(_sequence(value, "basicConstraints"))
    ca = parts.pop(0).content == b"\xff" if parts and parts[0].tag == BOOLEAN else False
    length = _count(parts.pop(0).expect(INTEGER, "pathLenConstraint")) if parts else None
    if parts:
        raise NotDer("further octets follow pathLenConstraint")
    return ca, length


def _usage(value: bytes | None) -> frozenset[int] | None:
    if value is None:
        return None
    bits = _whole(value, "keyUsage").expect(BIT_STRING, "keyUsage").content[1:]
    return frozenset(8 * k + n for k, octet in enumerate(bits) for n in range(8) if octet & 0x80 >> n)


def _numbers(value: bytes | None, what: str) -> frozenset[str] | None:
    return None if value is None else frozenset(dotted(part) for part in _sequence(value, what))


def _policies(value: bytes | None) -> frozenset[str] | None:
    if value is None:
        return None
    listed = _sequence(value, "certificatePolicies")
    return frozenset(dotted(part.parts[0]) for part in listed if part.parts)


def _policy_constraints(value: bytes | None) -> int | None:
    parts = [] if value is None else _sequence(value, "policyConstraints")
    return next((_count(part) for part in parts if part.tag == 0x80), None)


def _names(value: bytes | None) -> tuple[tuple[GeneralName, ...], dict[str, str]]:
    """Return the alternative names, and the attributes of those that are a directory's."""
    nodes = [] if value is None else _sequence(value, "subjectAltName")
    attributes: dict[str, str] = {}
    for node in nodes:
        if node.tag & 0x1F == DIRECTORY and node.parts:
            attributes |= attributes_of(node.parts[0])
    return tuple(map(_general_name, nodes)), attributes


def _general_name(node: BerNode) -> GeneralName:
    kind = node.tag & 0x1F
    if node.tag & 0xC0 != 0x80:
        raise NotDer(f"a name with the tag 0x{node.tag:02x}")
    if kind != DIRECTORY:
        return GeneralName(kind, node.raw if node.constructed else node.content)
    if len(node.parts) != 1:
        raise NotDer("a directoryName that is not one name")
    return GeneralName(kind, directory=canonical_name(node.parts[0]))


def _subtrees(value: bytes | None) -> Subtrees | None:
    if value is None:
        return None
    found: dict[int, tuple[GeneralName, ...]] = {}
    for node in _sequence(value, "nameConstraints"):
        if node.tag not in (0xA0, 0xA1) or any(len(tree.parts) != 1 for tree in node.parts):
            raise NotDer("nameConstraints with a minimum or a maximum, or with something unknown")
        found[node.tag] = tuple(_general_name(tree.parts[0]) for tree in node.parts)
    return Subtrees(found.get(0xA0, ()), found.get(0xA1, ()))


def names_of(certificate: LenientCertificate, facts: PathFacts) -> tuple[GeneralName, ...]:
    """Return every name that name constraints are about: the subject, the alternative names, an e-mail address."""
    subject = [GeneralName(DIRECTORY, directory=certificate.subject)] if certificate.subject else []
    mail = []
    if not any(name.kind == EMAIL for name in facts.names):
        texts = [text for part in certificate.subject for kind, text in part if kind == EMAIL_ATTRIBUTE]
        mail = [GeneralName(EMAIL, text.encode("latin-1", "replace")) for text in texts]
    return (*subject, *facts.names, *mail)


def outside(names: Iterable[GeneralName], trees: Iterable[Subtrees]) -> bool:
    """Whether a name is excluded by one of the constraints, or not among what one permits for its kind."""
    for tree in trees:
        for name in names:
            if any(_within(name, base) for base in tree.excluded if base.kind == name.kind):
                return True
            permitted = [base for base in tree.permitted if base.kind == name.kind]
            if permitted and not any(_within(name, base) for base in permitted):
                return True
    return False


def strange_kinds(names: Iterable[GeneralName], trees: Iterable[Subtrees]) -> bool:
    """Whether a constraint is about names of a kind that cannot be compared here, and there is such a name."""
    known = {EMAIL, DNS, DIRECTORY, URI, ADDRESS}
    constrained = {base.kind for tree in trees for base in (*tree.permitted, *tree.excluded)}
    return any(name.kind in constrained - known for name in names)


def _within(name: GeneralName, base: GeneralName) -> bool:
    match name.kind:
        case 4:
            return name.directory[: len(base.directory)] == base.directory
        case 2:
            return _below(name.text, base.text)
        case 1:
            host = name.text.rpartition("@")[2]
            return name.text == base.text if "@" in base.text else _host_within(host, base.text)
        case 6:
            return _host_within(_host_of(name.text), base.text)
        case _:
            return _address_within(name.octets, base.octets)


def _below(host: str, domain: str) -> bool:
    return not domain or host == domain.removeprefix(".") or host.endswith("." + domain.removeprefix("."))


def _host_within(host: str, base: str) -> bool:
    """Apply a constraint of an e-mail address or a URI: a host, or with a leading dot all hosts below a domain."""
    return host.endswith(base) and host != base if base.startswith(".") else host == base


def _host_of(uri: str) -> str:
    authority = uri.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return authority.partition(":")[0]


def _address_within(address: bytes, base: bytes) -> bool:
    size = len(address)
    if len(base) != 2 * size or size not in (4, 16):
        return False
    mask = int.from_bytes(base[size:], "big")
    net = int(ipaddress.ip_address(base[:size]))
    return int(ipaddress.ip_address(address)) & mask == net & mask
