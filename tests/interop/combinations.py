"""What there is to combine: versions, cipher suites, groups, certificates, client certificates, ALPN.

A peer says what it offers (`Offer`, found out by probing); only combinations of that are collected, and what it lacks
is listed with the reason at the head of the run.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tls_identities import NAME, client_identity, root, server_identity

from trustlab import tls
from trustlab.tls import groups
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
VERSIONS = (TLS12, TLS13)
SUITES_12 = tuple(s for s in tls.CipherSuite if s in SUITES and "_WITH_" in s.name)
SUITES_13 = tuple(s for s in tls.CipherSuite if s in SUITES and "_WITH_" not in s.name)
GROUPS = tuple(tls.Group(g) for g in groups.SUPPORTED)
CERTIFICATES = ("ECDSA", "RSA")
CLIENT_CERTIFICATES = ("none", "ECDSA", "RSA")
PROTOCOL = "lab/1"


@dataclass(frozen=True)
class Combination:
    """One way to shake hands; `group` is None with RSA key exchange."""

    version: tls.Version
    suite: tls.CipherSuite
    group: tls.Group | None
    certificate: str
    client: str = "none"
    alpn: bool = False
    extended: bool = True

    def __str__(self) -> str:
        parts = [self.suite.name.removeprefix("TLS_"), self.group.name if self.group else "", self.certificate]
        parts += ["" if self.client == "none" else f"client-{self.client}", "ALPN" if self.alpn else ""]
        parts += ["" if self.extended else "no-EMS"]
        return " ".join(p for p in [self.version.title.replace(" ", ""), *parts] if p).replace(" ", "-")

    @cached_property
    def common(self) -> dict[str, Any]:
        return {
            "versions": (self.version,),
            "cipher_suites": (self.suite,),
            "groups": (self.group,) if self.group else (tls.Group.X25519,),
            "alpn": (PROTOCOL,) if self.alpn else (),
            "trust": [root().certificate],
            "extended_master_secret": self.extended,
        }

    def client_config(self, **changes: Any) -> tls.ClientConfig:
        own: dict[str, Any] = {"server_name": NAME}
        if self.version == TLS12 and self.group and "ECDSA" in (self.certificate, self.client):
            own["groups"] = (self.group, tls.Group.SECP256R1)  # RFC 8422 5.1: they limit certificates' curves too
        if self.client != "none":
            identity = client_identity(self.client)
            own |= {"certificates": (identity.der,), "key": identity.key}
        return tls.ClientConfig(**(self.common | own | changes))

    def server_config(self, **changes: Any) -> tls.ServerConfig:
        identity = server_identity(self.certificate)
        own: dict[str, Any] = {"certificates": (identity.der,), "key": identity.key}
        own["client_certificate"] = "none" if self.client == "none" else "require"
        return tls.ServerConfig(**(self.common | own | changes))

    @property
    def peer_certificate(self) -> bytes:
        """What a server must see of the client."""
        return client_identity(self.client).der


@dataclass
class Offer:
    """What an installed peer can do, its own names for the suites, and why the rest is left out."""

    name: str
    versions: tuple[tls.Version, ...] = VERSIONS
    suites: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    names: dict[int, str] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.versions:
            missing = [suite for suite in SUITES_12 + SUITES_13 if suite not in self.suites]
            self.lacks += [f"{suite.name} is not in its list of cipher suites" for suite in missing]
            self.lacks += [f"{group.name} is refused or unknown there" for group in GROUPS if group not in self.groups]


def _exchanges(offer: Offer) -> Iterator[tuple[tls.Version, tls.CipherSuite, tls.Group | None, str]]:
    if TLS12 in offer.versions:
        for suite in SUITES_12:
            if suite not in offer.suites:
                continue
            kind = SUITES[suite].authentication
            if "ECDHE" not in suite.name:
                yield TLS12, suite, None, kind
                continue
            for group in GROUPS:
                if group in offer.groups and group != tls.Group.X25519MLKEM768:
                    yield TLS12, suite, group, kind
    if TLS13 in offer.versions:
        for suite, group, kind in itertools.product(SUITES_13, GROUPS, CERTIFICATES):
            if suite in offer.suites and group in offer.groups:
                yield TLS13, suite, group, kind


def combinations(offer: Offer, *, every: bool = SOAK) -> list[Combination]:
    """Return every version, suite, group and certificate the peer has, with what goes beside them.

    `every` takes each with all client certificates, with ALPN and without, and (in a soak) with the extended master
    secret and without. Otherwise these change from one to the next, so that every pair of choices meets somewhere.
    """
    beside = list(itertools.product(CLIENT_CERTIFICATES, (False, True)))
    found: list[Combination] = []
    for number, exchange in enumerate(_exchanges(offer)):
        chosen = beside if every else [beside[(number * 5 + step) % len(beside)] for step in (0, 3)]
        for client, alpn in chosen:
            choices = (True,) if exchange[0] == TLS13 else (True, False) if SOAK else (len(found) % 5 < 3,)
            found += [Combination(*exchange, client, alpn, extended) for extended in choices]
    return found
