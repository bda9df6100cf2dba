"""A proposal: a design, Alice's powers and her goal, as the choices of one reader. The studio's chips are these.

Not every design that can be written down can be played. `OFFERS` says, for each version and placement, which fields
exist when the evidence is made, who attests, and whose keys the lab can make there.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trustlab.finder.powers import DEFAULT, POWERS, goal_named, powers_of
from trustlab.finder.search import Found, find
from trustlab.finder.terms import FinderError
from trustlab.passage import DESIGNS, TRUSTED_PASSAGE, Binder, Design, DesignError
from trustlab.passage.designs import KeyOrigin, Version, When  # noqa: TC001 - msgspec reads them
from trustlab.passage.designs13 import KEY_CHECKS, SUITE

Side = Literal["server", "client"]
ByClient = Literal["never", "may", "always"]
KEY_POLICY = ("key provenance", "key policy")
"""The checks that a key which software uses with a password cannot pass."""
BARE = {
    binder.fields for design in DESIGNS.values() for binder in (design.server, design.client) if binder and binder.bare
}
"""Fields that stand in a quote as they are, without a hash around them, if they are alone."""


class Offer(msgspec.Struct, frozen=True):
    """What can be chosen at one placement: fields in the order of the binder, and whose key the server may have.

    `client` says whether the client attests too. `client_key` says whether it then has a key and a certificate.
    """

    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    origins: tuple[KeyOrigin, ...] = ("deployed", "machine", "tcb")
    attests: ByClient = "never"
    client_key: ByClient = "never"


QUESTION = ("L", "S", "nonce_C")
HELLOS = ("client_random", "server_random")
EARLY_EXPORTERS = ("early_exporter", "standard_early_exporter")
OFFERS: dict[str, dict[str, Offer]] = {
    "1.2": {
        "never": Offer(origins=("deployed",)),
        "before": Offer(QUESTION),
        "inside": Offer(QUESTION),
        "handshake": Offer(
            (*QUESTION, *HELLOS, "H(SPKI_S)"),
            ("L", "C", "nonce_S", *HELLOS, "H(SPKI_C)", "H(SPKI_S)", "HMAC(PMS)", "H(EPMS)"),
            attests="may",
            client_key="may",
        ),
        "after-finished": Offer(
            (*QUESTION, "session_hash", "H(SPKI_S)", "H(SPKI_C)?"),
            ("L", "C", "nonce_S", "session_hash", "H(SPKI_C)?", "H(SPKI_S)"),
            attests="always",
        ),
    },
    "1.3": {
        "before": Offer(QUESTION, origins=("machine", "tcb")),
        "inside": Offer(QUESTION, origins=("machine", "tcb")),
        "handshake": Offer(
            (*QUESTION, *HELLOS, "attest_secret", *EARLY_EXPORTERS, "H(SPKI_S)", "early(SPKI_S)"),
            ("L", "C", "nonce_C", *HELLOS, "attest_secret", "H(SPKI_C)", "H(SPKI_S)", "early(SPKI_C)"),
            origins=("machine", "tcb"),
            attests="may",
            client_key="always",
        ),
        "after-finished": Offer(
            ("L", "S", "exporter_server", "exporter", "H(SPKI_S)", "H(SPKI_C)?", "expat(SPKI_S)"),
            ("L", "C", "exporter_client", "exporter", "H(SPKI_C)?", "H(SPKI_S)", "expat(SPKI_C)"),
            origins=("machine", "tcb"),
            attests="always",
            client_key="always",
        ),
    },
}
"""What can be chosen, by the version of TLS and the placement."""


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reader's choices. `client` is None if the client does not attest; `server` is empty if nobody does.

    With `asks_key` the relying party asks where the server's key lives and who can use it.
    """

    tls: Version = "1.2"
    when: When = "handshake"
    key_origin: KeyOrigin = "tcb"
    asks_key: bool = True
    client_key: bool = False
    server: tuple[str, ...] = ()
    client: tuple[str, ...] | None = None
    powers: tuple[str, ...] = DEFAULT
    goal: str = "pin"
    replay: bool = False

    @property
    def offer(self) -> Offer:
        """What can be chosen at this placement; FinderError if the lab plays none there."""
        offers = OFFERS[self.tls]
        if self.when not in offers:
            raise FinderError(f"the lab plays no design of TLS {self.tls} with when={self.when!r}: {', '.join(offers)}")
        return offers[self.when]

    @property
    def key(self) -> str:
        """All choices as one line of text, the same for equal choices; the page has the same (`studiochoice.js`)."""
        offer = self.offer
        client = "-" if self.client is None else ",".join(name for name in offer.client if name in self.client)
        return "|".join(
            (
                *(self.tls, self.when, self.key_origin),
                "".join(str(int(each)) for each in (self.asks_key, self.client_key, self.replay)),
                ",".join(name for name in offer.server if name in self.server),
                client,
                ",".join(name for name in POWERS if name in powers_of(self.powers)),
                self.goal,
            )
        )

    def toggled(self, side: Side, field: str) -> Proposal:
        """Return the proposal with one field of a binder put in or left out."""
        chosen = getattr(self, side) or ()
        wanted = set(chosen) ^ {field}
        ordered = tuple(name for name in getattr(self.offer, side) if name in wanted)
        return msgspec.structs.replace(self, **{side: ordered})

    def design(self) -> Design:
        """Return the design, under its own name if it has one; DesignError or FinderError if it cannot be."""
        self._check()
        made = Design.custom(
            "mine",
            like=TRUSTED_PASSAGE,
            tls=self.tls,
            when=self.when,
            key_origin=self.key_origin,
            server=None if self.when == "never" else _binder(self.server),
            client=None if self.client is None else _binder(self.client),
            client_key=self.client_key,
            extended_master_secret=(self.tls, self.when) == ("1.2", "after-finished"),
            not_demanded=self._not_demanded,
            suite=SUITE if self.tls == "1.3" else TRUSTED_PASSAGE.suite,
        )
        known = (design for design in DESIGNS.values() if _same(design, made))
        return next(known, made)

    def search(self, **options: object) -> Found:
        """Search an attack on it, as `find` does."""
        return find(self.design(), self.powers, self.goal, replay=self.replay, **options)  # type: ignore[arg-type]

    @property
    def _not_demanded(self) -> tuple[str, ...]:
        if not self.asks_key:
            return KEY_CHECKS
        return KEY_POLICY if self.key_origin == "machine" else ()

    def _check(self) -> None:
        offer = self.offer
        powers_of(self.powers)
        goal_named(self.goal)
        if self.key_origin not in offer.origins:
            raise FinderError(
                f"with TLS {self.tls} and when={self.when!r} the lab makes no key of the kind {self.key_origin!r}: "
                f"choose {' or '.join(offer.origins)}"
            )
        for side, fields, known in (("server", self.server, offer.server), ("client", self.client or (), offer.client)):
            for name in fields:
                if name not in known:
                    raise FinderError(
                        f"with TLS {self.tls} and when={self.when!r} the {side}'s quote cannot name {name}: choose "
                        f"from {', '.join(known) or 'nothing'}"
                    )
        for said, wanted, told in (
            (self.client is not None, offer.attests, "quote"),
            (self.client_key, offer.client_key if self.client is not None else "never", "key and certificate"),
        ):
            if wanted != "may" and said != (wanted == "always"):
                has = "has to have a" if wanted == "always" else "cannot have a"
                raise FinderError(f"with TLS {self.tls} and when={self.when!r} the client {has} {told} of its own")


def _binder(fields: tuple[str, ...]) -> Binder:
    return Binder(fields, bare=fields in BARE)


def _same(design: Design, made: Design) -> bool:
    """Return whether two designs differ only in their words, and in how an empty offer is written."""
    words = {"name": "", "sentence": "", "not_enough": "", "source": "", "empty_offer": False}
    return msgspec.structs.replace(design, **words) == msgspec.structs.replace(made, **words)


def proposal_of(
    design: Design, powers: tuple[str, ...] = DEFAULT, goal: str = "pin", *, replay: bool = False
) -> Proposal:
    """Return the choices that make a design; FinderError if no choices do."""
    proposal = Proposal(
        tls=design.tls,
        when=design.when,
        key_origin=design.key_origin,
        asks_key=design.not_demanded != KEY_CHECKS,
        client_key=design.client_key,
        server=design.server.fields if design.server else (),
        client=design.client.fields if design.client else None,
        powers=tuple(name for name in POWERS if name in powers_of(powers)),
        goal=goal_named(goal),
        replay=replay,
    )
    try:
        if _same(proposal.design(), design):
            return proposal
        why = "it has something that the chips do not show"
    except (DesignError, FinderError) as error:
        why = str(error)
    raise FinderError(f"the studio cannot show the design {design.name}: {why}")


def presets() -> list[Design]:
    """Return the designs by name that chips can show: all but those that the finder has no terms for."""
    return [design for design in DESIGNS.values() if design.when in OFFERS[design.tls]]


def python_of(proposal: Proposal) -> str:
    """Return a program that searches the same, prints the answer and plays it."""
    design = proposal.design()
    imports = ["from trustlab.finder import find", "from trustlab.scenarios.found import run_finding"]
    if design.name in DESIGNS:
        imports.insert(1, "from trustlab.passage import DESIGNS")
        made = f'design = DESIGNS["{design.name}"]'
    else:
        imports.insert(1, "from trustlab.passage import Binder, Design")
        made = f"design = Design.custom(\n    {_quoted('mine')},\n{_changes(design)})"
    replay = ", replay=True" if proposal.replay else ""
    powers = f"({', '.join(map(_quoted, proposal.powers))}{',' if len(proposal.powers) == 1 else ''})"
    asked = f"found = find(design, {powers}, {_quoted(proposal.goal)}{replay})"
    shown = (
        "print(found.verdict)",
        "print(found.bounds.sentence)",
        "for step in found.steps:",
        "    print(step.sentence)",
    )
    return "\n".join((*imports, "", made, asked, *shown, "print(run_finding(found).sentence)", ""))


def _changes(design: Design) -> str:
    """Return the fields of a design that are not as in `trusted-passage`, each on a line of its own."""
    base = msgspec.structs.asdict(TRUSTED_PASSAGE)
    told = {
        name: value
        for name, value in msgspec.structs.asdict(design).items()
        if name not in {"name", "sentence", "not_enough", "source"} and value != base[name]
    }
    return "".join(f"    {name}={_spelled(value)},\n" for name, value in told.items())


def _spelled(value: object) -> str:
    if isinstance(value, Binder):
        return f"Binder({_spelled(value.fields)}{', bare=True' if value.bare else ''})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_spelled, value))}{',' if len(value) == 1 else ''})"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return f'"{text}"'
