"""An attack as data: what Alice needs, what she does, why it works, what stops it, and the program that plays it."""

from __future__ import annotations

from typing import Literal

import msgspec

from trustlab.passage.source import source_of

Prize = Literal["pin", "balance", "peer", "service", "oracle", "quotes"]
Leak = Literal["key usable", "DH secret", "verifier errs"]
Deployed = Literal["", "another image", "a published image", "an old image", "another hypervisor"]


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack assumes of the world it is played in; `scenarios.setup` makes that world.

    `lax_client` says that it needs a client that checks nothing, `unpinned` that it needs relying parties that pin no
    machine. `leaks` are given to Alice by the lab: that she can use the bank's TLS key, with a password, at locality 0;
    that she knows the secret of the key agreement; that the client's verifier fails. With `genuine` she has a genuine
    machine of her own, with the bank's image or another, or there is a second one of Bob's with the same image; not
    `certified`, she is not the provider, and no CA of the public's signs for it. `deploys` is what she has launched in
    the bank's place. `resumes`: both ends resume sessions. `peers`: either end accepts a machine like itself.
    """

    lax_client: bool = False
    unpinned: bool = False
    leaks: tuple[Leak, ...] = ()
    genuine: Literal["", "same image", "other image", "same image, Bob's"] = ""
    certified: bool = True
    deploys: Deployed = ""
    resumes: bool = False
    peers: bool = False


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, of the catalogue or of one's own (`from_source`).

    `prize` is what shows that it succeeded: a canary secret, the client's `pin` or the server's `balance`; that a
    client trusts the wrong `peer`; that there is no `service`; that answers differ and make an `oracle`; that she
    gets as many `quotes` as she asks for. `tls` is the version it is about. `plays` is the row of the table it stands
    for on that version, if the row has another name. `program` is the module of `attacks.programs` in which it was
    found; the catalogue fills it in. An attack of one's own has the `code` of its program instead.
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

    @property
    def module(self) -> str:
        """The program's module, for an image."""
        return f"trustlab.attacks.programs.{self.program}"

    @classmethod
    def from_source(
        cls,
        name: str,
        program: object,
        *,
        needs: tuple[str, ...] = (),
        why: str = "",
        prize: Prize = "pin",
        assumes: Assumptions | None = None,
        tls: Literal["any", "1.2", "1.3"] = "any",
    ) -> Attack:
        """Make an attack of one's own: `program` is Python source that defines `start(guest)`, or such a function.

        It is put into the image of Alice's machine as text, measured with it, and runs in every substrate; so it has to
        import or define what it uses. `passage.SourceError` says what is wrong with it.
        """
        code = source_of(program, f"the program of the attack {name!r}", function="start")
        return cls(
            name=name,
            needs=needs,
            steps=(),
            breaks="",
            why=why,
            source="a program of one's own",
            stopped_by="",
            prize=prize,
            assumes=assumes or Assumptions(),
            tls=tls,
            code=code,
        )
