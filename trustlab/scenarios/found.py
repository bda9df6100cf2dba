"""Plays what the finder says: a found attack by its steps, and "none" by every named attack within its powers.

The search is about symbols, and the run about octets and real TPMs. If they differ, one of the two is wrong, and that
is a defect of ours: `Ran.as_found` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import CATALOGUE, Assumptions, Attack
from trustlab.finder import agrees_on_key
from trustlab.passage import placement_of
from trustlab.scenarios.acts import rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustlab.attacks.attack import Leak, Prize
    from trustlab.finder import Found
    from trustlab.scenarios.stage import Act

PRIZES: dict[str, Prize] = {"pin": "pin", "balance": "balance", "agree": "agree", "peer": "peer"}
"""What the judge looks for, by the goal of the search."""
LEAKS: dict[str, Leak] = {"key-usable": "key usable", "dh-known": "DH secret", "ak-leaked": "attestation keys"}
HIJACK = (
    "both ends share a channel whose keys Alice has, and the teller never asks for the balance: she would have to take "
    "over the channel after its handshake and ask in it, and no program of the lab does that"
)
"""Why the lab does not play an attack on the balance in which both ends see the same handshake."""
NEEDS: dict[str, frozenset[str]] = {
    "plain-wire": frozenset(),
    "stranger": frozenset(),
    "ak-compromise": frozenset({"ca", "ak-leaked"}),
    "record-tampering": frozenset(),
    "negotiation-tampering": frozenset(),
    "rogue-certificate": frozenset({"ca"}),
    "toctou-redirect": frozenset({"ca"}),
    "downgrade": frozenset({"ca"}),
    "tunnel-relay": frozenset({"ca"}),
    "early-canary": frozenset({"ca"}),
    "deployed-key": frozenset({"copy"}),
    "deployed-key-middle": frozenset({"copy", "ca"}),
    "key-abuse": frozenset({"root-tpm"}),
    "client-impersonation": frozenset({"ca"}),
    "client-impersonation-tls13": frozenset({"ca"}),
    "same-pms-reencryption": frozenset({"ca", "lax-peer"}),
    "same-pms-reencryption-tls13": frozenset({"ca", "lax-peer"}),
    "evidence-relay": frozenset({"ca", "key-usable"}),
    "evidence-relay-rsa": frozenset({"key-usable"}),
    "evidence-replay": frozenset({"ca", "key-usable"}),
    "evidence-replay-rsa": frozenset({"key-usable"}),
    "known-dh-secret": frozenset({"dh-known"}),
    "known-dh-secret-ecdhe": frozenset({"dh-known"}),
    "known-dh-secret-and-key": frozenset({"ca", "dh-known", "key-usable"}),
    "own-genuine-machine": frozenset({"own-machine", "unpinned"}),
    "own-genuine-machine-pinned": frozenset({"own-machine"}),
    "own-genuine-machine-other-image": frozenset({"evil-image", "unpinned"}),
    "cuckoo": frozenset({"ca", "own-machine", "unpinned"}),
}
"""The powers that each attack of the catalogue needs; those that are not named need something that no search has."""


class Ran(msgspec.Struct, frozen=True):
    """What a run of a finding led to: `outcome` and `sentence` of the judge, and the trace's file if it was kept.

    `outcome` is `unplayed` if nothing could be played. `as_found` says whether the run agrees with the search.
    """

    outcome: str
    sentence: str
    trace: str = ""
    as_found: bool = True


def attack_of(found: Found) -> Attack:
    """Return the attack that plays the steps that were found, by the measured program `scripted`."""
    script = {name: getattr(found, name) for name in ("goal", "replay", "unchanged")}
    script["forges"] = forges(found)
    script["steps"] = [msgspec.structs.asdict(step) for step in found.steps]
    return Attack(
        name="found",
        needs=found.powers,
        steps=tuple(step.sentence for step in found.steps),
        breaks=found.goal,
        why="The finder found these steps.",
        source="trustlab find",
        stopped_by="",
        prize=PRIZES[found.goal],
        assumes=Assumptions(
            lax_client="lax-peer" in found.powers,
            unpinned="unpinned" in found.powers,
            leaks=leaks_of(found),
            genuine="same image" if "own-machine" in found.powers else "",
        ),
        tls=found.design.tls,
        program="scripted",
        script=msgspec.json.encode(script).decode(),
    )


def forges(found: Found) -> bool:
    """Return whether Alice plays a finding alone, with evidence that she forges."""
    placement = placement_of(found.design)
    asked = placement.asks_before or placement.asks_inside or placement.seals or not placement.attests
    return not asked and "ak-leaked" in found.powers and found.goal != "peer"


def act_of_finding(found: Found, *, substrate: str = "memory") -> Act:
    """Return the act that plays a found attack; ValueError if nothing was found, or the lab lacks a power."""
    if found.verdict != "attack":
        raise ValueError(f"nothing was found on {found.design.name}, so there are no steps to play")
    if found.unchanged and found.goal == "balance":
        raise ValueError(HIJACK)
    return rung(found.design, attack_of(found), substrate=substrate)


def leaks_of(found: Found) -> tuple[Leak, ...]:
    """Return what the lab leaks to Alice for the powers of a search; without a key agreement no secret of it."""
    agrees = agrees_on_key(found.design)
    return tuple(leak for power, leak in LEAKS.items() if power in found.powers and (agrees or leak != "DH secret"))


def catalogued(found: Found) -> Iterator[str]:
    """Yield the attacks of the catalogue that a search covered: with its powers, its goal and its version of TLS."""
    for name, needs in NEEDS.items():
        attack = CATALOGUE[name]
        goals = {found.goal, "pin"} if found.goal == "agree" else {found.goal}
        if attack.tls not in {"any", found.design.tls} or attack.goal not in goals:
            continue
        if found.replay != name.startswith("evidence-replay"):
            continue
        if not set(attack.assumes.leaks) <= set(leaks_of(found)):
            continue
        if needs <= set(found.powers) and attack.assumes.unpinned == ("unpinned" in found.powers):
            yield name


def unwatched(_act: Act) -> None:
    """Look at no act."""


def run_finding(
    found: Found,
    *,
    substrate: str = "memory",
    keep: Path | None = None,
    watch: Callable[[Act], None] = unwatched,
) -> Ran:
    """Play a finding, and have it judged. With `keep`, a file, the trace of the (last) run is written there.

    `watch` is shown each act before it is played.

    A found attack is played by its steps. If nothing was found, every attack of the catalogue that the search covered
    is played, until one succeeds.
    """
    if found.verdict == "none":
        return _none(found, substrate, keep, watch)
    try:
        act = act_of_finding(found, substrate=substrate)
    except ValueError as error:
        return Ran("unplayed", str(error))
    outcome, sentence, trace = _played(act, keep, watch)
    if outcome == "succeeded":
        return Ran(outcome, sentence, trace)
    wrong = (
        "The search found an attack, and its run did not succeed: one of the two is wrong, which is a defect of ours."
    )
    return Ran(outcome, f"{wrong} {sentence}", trace, as_found=False)


def _none(found: Found, substrate: str, keep: Path | None, watch: Callable[[Act], None]) -> Ran:
    tried = []
    trace = ""
    for name in catalogued(found):
        sought = msgspec.structs.replace(CATALOGUE[name], prize=PRIZES[found.goal])
        outcome, sentence, trace = _played(rung(found.design, sought, substrate=substrate), keep, watch)
        if outcome == "succeeded":
            wrong = (
                f"The search found nothing, and {name} succeeds: one of the two is wrong, which is a defect of ours."
            )
            return Ran(outcome, f"{wrong} {sentence}", trace, as_found=False)
        tried.append(name)
    if not tried:
        return Ran("unplayed", "No attack of the catalogue has only these powers and this goal.")
    return Ran("refused", f"None of these succeeds: {', '.join(tried)}.", trace)


def _played(act: Act, keep: Path | None, watch: Callable[[Act], None]) -> tuple[str, str, str]:
    with act:
        watch(act)
        told = act.run()
        return told.outcome, told.sentence, str(act.trace.save(keep, secrets=True)) if keep else ""
