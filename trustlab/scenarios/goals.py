"""What evidence is tied to: the three goals of Intra-handshake.fail, judged by runs.

G1, G2 and G3 ask whether evidence that the teller accepts was made by the bank in a connection with the same secret of
the key agreement, the same handshake key of the client, and the same application key of the client. A run breaks a goal
if the teller accepted evidence in a connection that has another such secret than the bank's connection for which that
evidence was made. Both secrets are in the trace.

`GOAL_ATTACKS` are played against a design. A goal is `broken` if one of them breaks it, else `held`: that is not a
proof. In all of them Alice may use the bank's TLS key; in some she also knows the secret of its key agreement.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab import tls
from trustlab.passage import DESIGNS, EARLY_EXPORTER_ALONE, MECHANISMS, Design, DesignError
from trustlab.scenarios.acts import rung
from trustlab.tls.extensions import Extension, parse_extension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from trustlab.trace import Trace, TraceEvent

TELLER, BANK = "teller", "bank"


class BindingGoal(msgspec.Struct, frozen=True):
    """A goal: its name, the secret that has to be the same at both ends, and what that secret is, in words."""

    name: str
    secret: str
    words: str


BINDING_GOALS = (
    BindingGoal("G1", "shared_secret", "the secret of the key agreement"),
    BindingGoal("G2", "client_handshake_traffic_secret", "the client's handshake key"),
    BindingGoal("G3", "client_application_traffic_secret_0", "the client's application key"),
)
GOAL_ATTACKS = (
    "evidence-replay",
    "evidence-relay",
    "known-dh-secret-and-share",
    "known-dh-secret-and-hello",
    "known-dh-secret-and-key",
)
"""From the least to the most that both connections have in common."""
PUBLISHED = {1: (), 2: (), 3: ("G1",), 4: (), 5: ("G1",), 6: (), 7: ("G1",)}
"""The published result: the goals that each of the seven binders reaches."""
HELD = {
    "tls13-early": ("G1", "G2"),
    "tls13-handshake-secret": ("G1", "G2"),
    "tls13-early-exporter": ("G1", "G2"),
    "tls13-nonce-early-exporter": ("G1", "G2"),
    "tls13-nonce-early-exporter-key": ("G1", "G2"),
    EARLY_EXPORTER_ALONE.name: ("G1",),
    **dict.fromkeys(("tls13-exporter", "expat", "role-exporter"), ("G1", "G2", "G3")),
}
"""What our runs gave: the goals that were held. Designs that are not here hold none."""
JUDGED = {
    **{name: design for name, design in DESIGNS.items() if design.tls == "1.3" and design.server},
    EARLY_EXPORTER_ALONE.name: EARLY_EXPORTER_ALONE,
}
"""The designs that can be judged, by name."""


class GoalResult(msgspec.Struct, frozen=True):
    """A goal of a design: the attacks that broke it, in the order of `GOAL_ATTACKS`, and how many were played."""

    design: str
    goal: str
    broken_by: tuple[str, ...]
    played: int
    mechanism: int | None = None

    @property
    def verdict(self) -> Literal["held", "broken"]:
        """Whether any attack broke it."""
        return "broken" if self.broken_by else "held"

    @property
    def as_expected(self) -> bool:
        """Whether it is what earlier runs gave."""
        return (self.verdict == "held") == (self.goal in HELD.get(self.design, ()))

    @property
    def published(self) -> str:
        """What the published result says, `held` or `broken`; empty if it is about other designs."""
        if self.mechanism is None:
            return ""
        return "held" if self.goal in PUBLISHED[self.mechanism] else "broken"


def broken_goals(trace: Trace) -> frozenset[str]:
    """Return the goals that a run breaks."""
    broken = set()
    made = [(event.connection, shown) for event in _certificates(trace, BANK, sent=True) for shown in _evidence(event)]
    for accepted in trace.select("appraisal", party=TELLER, name="accepted"):
        for event in _certificates(trace, TELLER, sent=False):
            if event.connection != accepted.connection:
                continue
            for shown in _evidence(event):
                makers = [connection for connection, evidence in made if evidence == shown]
                broken |= {goal.name for goal in BINDING_GOALS if _differs(trace, goal, accepted.connection, makers)}
    return frozenset(broken)


def _differs(trace: Trace, goal: BindingGoal, tellers: str, banks: Collection[str]) -> bool:
    """Whether the teller's connection has the secret, and none of the bank's has the same."""
    own, others = (
        {e.raw for e in trace.select("secret", party=party, name=goal.secret) if e.data["connection"] in connections}
        for party, connections in ((TELLER, [tellers]), (BANK, banks))
    )
    return bool(own) and own.isdisjoint(others)


def _certificates(trace: Trace, party: str, *, sent: bool) -> Iterator[TraceEvent]:
    for event in chain(trace.select("tls.message", party=party), trace.select("authenticator", party=party)):
        if (event.name, bool(event.sent)) == ("Certificate", sent):
            yield event


def _evidence(event: TraceEvent) -> Iterator[bytes]:
    """Yield the evidence beside the first certificate of a message."""
    message = tls.parse_message(
        tls.ContentType.HANDSHAKE, event.raw, tls.CipherSuite.TLS_AES_128_GCM_SHA256, tls.Version.TLS13
    )
    kind = tls.ExtensionType.ATTESTATION
    for entry in getattr(message, "certificate_list", ())[:1]:
        body = entry.extension(kind)
        if body is not None:
            yield parse_extension(Extension(kind, body), message.name)


def judged_design(name: str) -> Design:
    """Return a design that can be judged; DesignError, with their names, for any other."""
    if name not in JUDGED:
        raise DesignError(
            f"the goals are about designs on TLS 1.3 in which the server attests, and {name!r} is none of them; "
            f"choose from: {', '.join(JUDGED)}"
        )
    return JUDGED[name]


def judge_goals(design: Design, *, keep: Path | None = None) -> list[GoalResult]:
    """Play every attack against a design, and judge its goals. With `keep`, a folder, the traces are written there.

    DesignError if the design does not carry a payment when nobody attacks: then nothing is held.
    """
    with rung(design) as act:
        if act.run().outcome != "completed":
            raise DesignError(f"{design.name} does not work when nobody attacks, so it has no goals to judge")
    broken = {attack: _played(design, attack, keep) for attack in GOAL_ATTACKS}
    numbers = {mechanism.name: number for number, mechanism in MECHANISMS.items()}
    return [
        GoalResult(
            design.name,
            goal.name,
            tuple(attack for attack in GOAL_ATTACKS if goal.name in broken[attack]),
            len(broken),
            numbers.get(design.name),
        )
        for goal in BINDING_GOALS
    ]


def _played(design: Design, attack: str, keep: Path | None) -> frozenset[str]:
    with rung(design, attack) as act:
        act.run()
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            act.trace.save(keep / f"{design.name}-{attack}.jsonl", secrets=True)
        return broken_goals(act.trace)
