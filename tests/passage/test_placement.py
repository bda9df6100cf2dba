"""Where a design places attestation: one object says it, and wraps the application with the exchange that comes first."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import trustlab
from trustlab import tls
from trustlab.passage import (
    DESIGNS,
    Answering,
    Asking,
    Exported,
    Guard,
    Mutual,
    placement_of,
)
from trustlab.passage.components import HONEST
from trustlab.passage.designs import CHOICES
from trustlab.passage.placement import PLACEMENTS, InAuthenticators, offer
from trustlab.passage.sealed import SealedClient, SealedServer
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace

APPLICATION = object()


def facts_of(place):
    names = (
        "attests",
        "our_engine",
        "one_channel",
        "in_handshake",
        "asks_before",
        "asks_inside",
        "mutual",
        "frames",
        "seals",
    )
    return {name for name in names if getattr(place, name)}


def wrapped(design, role):
    engine = tls.Client(UncheckedClientConfig(server_name="bank.example"))
    guard = Guard(design, role, party=Trace().party("x"), connection="c", attester=None, verifier=None)
    return placement_of(design).wrap(APPLICATION, guard, engine, HONEST)


def test_there_is_a_placement_for_every_word_and_version():
    assert set(PLACEMENTS) == set(CHOICES["when"])
    for when, version in itertools.product(CHOICES["when"], CHOICES["tls"]):
        place = placement_of(SimpleNamespace(when=when, tls=version))
        authenticators = (when, version) == ("after-finished", "1.3")
        assert type(place) is (InAuthenticators if authenticators else type(PLACEMENTS[when]))


@pytest.mark.parametrize(
    ("design", "facts"),
    [
        ("plain-tls", set()),
        ("attest-then-connect", {"attests", "our_engine", "asks_before"}),
        ("connect-then-attest", {"attests", "our_engine", "one_channel", "asks_inside", "frames"}),
        ("sealed", {"attests", "our_engine", "one_channel", "asks_inside", "frames", "seals"}),
        ("trusted-passage", {"attests", "our_engine", "one_channel", "in_handshake"}),
        ("session-hash", {"attests", "our_engine", "one_channel", "mutual", "frames"}),
        ("tls13-early", {"attests", "our_engine", "one_channel", "in_handshake"}),
        ("tls13-exporter", {"attests", "our_engine", "one_channel", "mutual", "frames"}),
    ],
)
def test_what_follows_from_a_place(design, facts):
    assert facts_of(placement_of(DESIGNS[design])) == facts


@pytest.mark.parametrize(
    ("design", "client", "server"),
    [
        ("plain-tls", object, object),
        ("attest-then-connect", object, object),
        ("connect-then-attest", Asking, Answering),
        ("sealed", SealedClient, SealedServer),
        ("trusted-passage", object, object),
        ("session-hash", Mutual, Mutual),
        ("tls13-nonce", object, object),
        ("tls13-exporter", Exported, Exported),
    ],
)
def test_the_application_speaks_after_the_exchange_of_its_place(design, client, server):
    for role, kind in (("client", client), ("server", server)):
        inner = wrapped(DESIGNS[design], role)
        assert type(inner) is kind
        assert inner is APPLICATION if kind is object else inner.inner is APPLICATION


@pytest.mark.parametrize("design", DESIGNS.values(), ids=lambda design: design.name)
def test_evidence_is_offered_in_a_handshake_that_carries_it_and_in_no_other(design):
    offers = [offer(design, "client"), offer(design, "server")]
    assert all(offers) if design.when == "handshake" else offers == [None, None]


def test_nobody_but_the_design_itself_and_its_placement_reads_the_word():
    package = Path(trustlab.__file__).parent
    reads = {str(p.relative_to(package)) for p in package.rglob("*.py") if re.search(r"\.when\b", p.read_text())}
    plays = {path for path in reads if not path.startswith(("finder/", "studio/"))}  # they model each placement anew
    assert plays == {"passage/designs.py", "passage/known_facts.py", "passage/placement.py"}
