"""An attack as data: what Alice needs, what she does, why it works, what stops it, and which program plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import msgspec

from trustlab.attacks.live import hold
from trustlab.passage.source import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

Prize = Literal["pin", "balance", "agree", "peer", "service", "oracle", "quotes", "unnoticed", "evidence"]
Goal = Literal["pin", "balance", "agree", "peer", "service", "evidence"]
MEASURED_GOALS: dict[Prize, Goal] = {"oracle": "pin", "quotes": "service", "unnoticed": "agree"}
"""What a prize that is only measured would lead to: an oracle decrypts recordings, a flood ends the service, and ends
that do not notice a change do not agree."""
Leak = Literal["key usable", "DH secret", "verifier errs", "attestation keys"]
Deployed = Literal["", "another image", "a published image", "an old image", "another hypervisor"]


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack assumes of the world in which it is played; `scenarios.setup` makes that world.

    - `lax_client`: the client checks nothing. `unpinned`: the relying parties do not pin a machine.
    - `leaks`: what the lab gives Alice: the use of the bank's TLS key (by a password, at locality 0); the secret of the
      key agreement; a client whose verifier fails.
    - `genuine`: she has a genuine machine of her own, with the bank's image or another; or Bob has a second machine
      with the same image. `certified`: if False, she is not the provider, and no public CA signs for that machine.
    - `deploys`: what she has launched in the bank's place.
    - `resumes`: both ends resume sessions. `peers`: either end accepts a machine like itself.
    """

    lax_client: bool = False
    unpinned: bool = False
    leaks: tuple[Leak, ...] = ()
    genuine: Literal["", "same image", "other image", "same image, Bob's"] = ""
    certified: bool = True
    deploys: Deployed = ""
    resumes: bool = False
    peers: bool = False


class Described(TypedDict, total=False):
    """What may be said of an attack of your own; each field as of `Attack`."""

    needs: tuple[str, ...]
    why: str
    prize: Prize
    assumes: Assumptions
    tls: Literal["any", "1.2", "1.3"]


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One attack: of the catalogue, or your own (`from_source`).

    `prize` says how success is recognised: Alice can read a canary, the client's `pin` or the server's `balance`; a
    client trusts the wrong `peer`; a client and the machine that it meant do not `agree` on the traffic keys, and Alice
    has the client's; the `service` fails; different answers make an `oracle`; she gets all the `quotes`
    that she asks for; a change of hers goes `unnoticed`, and the payment is made; she can read somebody's `evidence`.
    `tls` is the version of TLS that it attacks. `plays` names the row of the table that it plays on
    that version, if the row has another name. `program` is its module in `attacks.programs`; the catalogue fills it in.
    Your own attack has the `code` of its program instead. `script` is what a program that plays many attacks is told;
    it is measured with the program. A `live` one is a function of this process (`from_function`).
    """

    name: str
    needs: tuple[str, ...]
    steps: tuple[str, ...]
    breaks: str
    why: str
    source: str
    stopped_by: str
    prize: Prize = "pin"
    assumes: Assumptions = Assumptions()
    tls: Literal["any", "1.2", "1.3"] = "any"
    plays: str = ""
    program: str = ""
    code: str = ""
    script: str = ""
    live: bool = False

    @property
    def goal(self) -> Goal:
        """The goal that a mark of this attack is about."""
        return MEASURED_GOALS.get(self.prize, self.prize)  # type: ignore[arg-type]  # the rest are goals

    @property
    def module(self) -> str:
        """The program's module, for an image."""
        return f"trustlab.attacks.programs.{self.program}"

    @classmethod
    def from_function(
        cls,
        name: str,
        start: Callable[[Guest], None],
        afterwards: Callable[[Guest], None] | None = None,
        **described: Unpack[Described],
    ) -> Attack:
        """Make your own attack of functions as they are, with all that they use; it plays in this process only.

        What Alice's machine measures is a line that fetches them, not their text; `from_source` measures the text.
        """
        return cls._own(name, hold(start, afterwards), "your own functions", described, live=True)

    @classmethod
    def from_source(cls, name: str, program: object, **described: Unpack[Described]) -> Attack:
        """Make your own attack: `program` is Python source that defines `start(guest)`, or such a function.

        Its text goes into the image of Alice's machine, is measured with it, and runs in every substrate. So it must
        import or define whatever it uses. `passage.SourceError` says what is wrong with it.
        """
        code = source_of(program, f"the program of the attack {name!r}", function="start")
        return cls._own(name, code, "your own program", described)

    @classmethod
    def _own(cls, name: str, code: str, source: str, described: Described, *, live: bool = False) -> Attack:
        told: Described = {"needs": (), "why": "", **described}
        return cls(name=name, steps=(), breaks="", source=source, stopped_by="", code=code, live=live, **told)
