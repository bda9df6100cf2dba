"""Proposals: choices make designs and designs make choices, what cannot be is named, and what can be is played."""

from __future__ import annotations

import os
import random

import msgspec
import pytest

from trustlab.finder import FinderError, find
from trustlab.finder.proposal import OFFERS, Proposal, presets, proposal_of, python_of
from trustlab.passage import DESIGNS, PLAIN_TLS, Design, DesignError
from trustlab.scenarios import found as played
from trustlab.scenarios.found import run_finding

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
PLACES = [(tls, when) for tls, offers in OFFERS.items() for when in offers]


@pytest.mark.parametrize("design", presets(), ids=lambda design: design.name)
def test_a_named_design_is_a_proposal_and_the_proposal_that_design(design: Design) -> None:
    assert proposal_of(design, ("copy",), "balance", replay=True).design() is design


def whole(tls: str, when: str, **changes: object) -> Proposal:
    """Propose every field that there is at a placement."""
    offer = OFFERS[tls][when]
    attests = offer.attests != "never"
    proposal = Proposal(
        tls=tls,  # type: ignore[arg-type]
        when=when,  # type: ignore[arg-type]
        key_origin=offer.origins[-1],
        client_key=attests and offer.client_key != "never",
        server=offer.server,
        client=offer.client if attests else None,
    )
    return msgspec.structs.replace(proposal, **changes)


@pytest.mark.parametrize(("tls", "when"), PLACES)
def test_every_field_that_is_offered_is_there_when_the_evidence_is_made(tls: str, when: str) -> None:
    assert whole(tls, when).search().verdict in {"attack", "none"}


@pytest.mark.parametrize(
    ("proposal", "said"),
    [
        (Proposal(tls="1.3", when="never"), "the lab plays no design of TLS 1.3 with when='never'"),
        (whole("1.2", "never", key_origin="tcb"), "makes no key of the kind 'tcb': choose deployed"),
        (whole("1.2", "handshake", server=("session_hash",)), "the server's quote cannot name session_hash: choose"),
        (whole("1.2", "before", client=("L",)), "the client's quote cannot name L: choose from nothing"),
        (whole("1.2", "before", client=()), "the client cannot have a quote of its own"),
        (whole("1.3", "after-finished", client=None, client_key=False), "the client has to have a quote of its own"),
        (whole("1.3", "handshake", client_key=False), "the client has to have a key and certificate of its own"),
        (whole("1.2", "handshake", powers=("magic",)), "there is no power 'magic'"),
        (whole("1.2", "handshake", goal="fame"), "there is no goal 'fame'"),
        (whole("1.2", "handshake", client_key=False), "the client's binder cannot contain H(SPKI_C)"),
    ],
)
def test_what_cannot_be_is_named(proposal: Proposal, said: str) -> None:
    with pytest.raises((FinderError, DesignError)) as caught:
        proposal.search()
    assert said in str(caught.value)


def test_a_design_that_the_chips_cannot_show_is_refused() -> None:
    assert {design.name for design in DESIGNS.values()} - {design.name for design in presets()} == {"sealed"}
    with pytest.raises(FinderError, match="cannot show the design sealed"):
        proposal_of(DESIGNS["sealed"])
    with pytest.raises(FinderError, match="something that the chips do not show"):
        proposal_of(Design.custom("mine", resumes=True))


def test_a_field_is_put_in_and_left_out_at_its_place() -> None:
    proposal = proposal_of(DESIGNS["pms-in-quote"])
    assert proposal.toggled("client", "H(EPMS)").design() is DESIGNS["trusted-passage"]
    assert proposal.toggled("client", "H(EPMS)").toggled("client", "H(EPMS)") == proposal


@pytest.mark.parametrize(
    "proposal",
    [
        proposal_of(PLAIN_TLS, ("ca",), "pin"),
        whole("1.2", "handshake", powers=("ca", "lax-peer"), goal="balance", replay=True),
        proposal_of(DESIGNS["tls13-early"]).toggled("server", "nonce_C"),
        whole("1.2", "inside", server=("nonce_C",), key_origin="machine"),
    ],
    ids=lambda proposal: proposal.when,
)
def test_the_program_searches_the_same_design(proposal: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played, "run_finding", lambda found: played.Ran("unplayed", found.goal))
    names: dict[str, object] = {}
    exec(python_of(proposal), names)  # noqa: S102 - our own text
    assert names["design"] == proposal.design()
    found = names["found"]
    wanted = proposal.search()
    for name in ("verdict", "powers", "goal", "replay", "steps"):
        assert getattr(found, name) == getattr(wanted, name)


def drawn(count: int) -> list[Proposal]:
    draw = random.Random("studio")  # noqa: S311 - designs, not keys
    proposals = []
    while len(proposals) < count:
        tls, when = draw.choice(PLACES)
        offer = OFFERS[tls][when]
        some = [tuple(name for name in fields if draw.random() < 0.6) for fields in (offer.server, offer.client)]
        attests = offer.attests == "always" or (offer.attests == "may" and draw.random() < 0.6)
        has_key = attests and (offer.client_key == "always" or (offer.client_key == "may" and draw.random() < 0.3))
        proposal = Proposal(
            tls=tls,  # type: ignore[arg-type]
            when=when,  # type: ignore[arg-type]
            key_origin=draw.choice(offer.origins),
            asks_key=draw.random() < 0.7,
            client_key=has_key,
            server=some[0],
            client=tuple(name for name in some[1] if has_key or name != "H(SPKI_C)") if attests else None,
            powers=("network", "ca", *draw.choice(((), ("copy",), ("root-tpm",), ("key-usable",), ("lax-peer",)))),
            goal=draw.choice(("pin", "balance")),
        )
        proposals.append(proposal)
    return proposals


@pytest.mark.parametrize("proposal", drawn(60 if SOAK else 8), ids=lambda proposal: proposal.key)
def test_what_is_found_about_a_proposal_comes_out(proposal: Proposal) -> None:
    ran = run_finding(proposal.search())
    assert ran.as_found, ran.sentence


def test_a_search_can_be_stopped() -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(FinderError, match="stopped"):
        find(DESIGNS["session-hash"], ("ca", "own-machine"), stop=stop)
    assert len(asked) == 4
