"""`tpm-nuisance`: Alice reads nothing and deceives nobody; she makes commands to the bank's TPM fail.

A policy session that named PCRs becomes invalid when any PCR of the TPM changes (TPM 2.0 Part 3, 23.7:
TPM_RC_PCR_CHANGED, 0x128), and she may extend PCR 0. She also tries to clear the TPM and to flush what is loaded in it.
HyperSafe tries again, and the platform's gate blocks the rest. If she never stops, she wins: whoever owns a machine can
switch it off.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.cloud.standing import StandingOrder
from trustlab.octets import u16, u32
from trustlab.tpm import TpmError
from trustlab.tpm.commands import CODES
from trustlab.tpm.framing import PASSWORD, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.cloud import Guest
    from trustlab.tpm import TpmClient

ATTACK = Attack(
    name="tpm-nuisance",
    needs=("the root VM's access to the machine's TPM, at locality 0", "to know when a command is being prepared"),
    steps=(
        "asks the bank's TPM to clear itself",
        "asks it to flush whatever is loaded",
        "extends PCR 0 between PolicyPCR and the command that needs it, the first four times",
    ),
    breaks="availability",
    why="The TPM has one update counter for all PCRs, and a policy session remembers its value.",
    source="TPM 2.0 Part 3, 23.7; tried",
    stopped_by="trying again, and the platform's gate",
    prize="service",
)
WITHOUT_END = msgspec.structs.replace(
    ATTACK,
    name="tpm-nuisance-without-end",
    steps=(*ATTACK.steps[:2], "extends PCR 0 between every PolicyPCR and its command"),
    stopped_by="nothing: whoever owns the machine can always switch it off; only the service is lost",
)
"""The same every time: the handshake fails, and nobody is let in."""
TRIES = {ATTACK.name: 4}
"""How often each command is disturbed; for an attack that is not here, without end."""
RH_LOCKOUT = 0x4000000A
TRANSIENT = range(0x80000000, 0x80000003)
PCR_0, SHA256 = 0, 0x000B
EXTEND = command(CODES["PCR_Extend"], (PCR_0,), (PASSWORD,), u32(1) + u16(SHA256) + bytes(32))


def start(guest: Guest) -> None:
    """Try the commands that the gate forbids; order the root VM to extend PCR 0 at the right moment."""
    alice = Alice(guest, ATTACK)
    tpm = alice.powers.root_tpm(alice.victim)
    for what, attempt in _forbidden(tpm):
        try:
            attempt()
            alice.tell(what, f"has the bank's TPM {what}.")
        except TpmError as error:
            alice.tell("refused", f"asks the bank's TPM to {what}, and is refused: {error}")
    order = StandingOrder("TPM2_PolicyLocality", EXTEND, TRIES.get(alice.playing))
    alice.powers.order_tpm(alice.victim, order)
    alice.tell("order", "orders the root VM to extend PCR 0 in the moment between a policy and its command.")


def _forbidden(tpm: TpmClient) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "clear", partial(tpm.run, "Clear", (RH_LOCKOUT,), (PASSWORD,))
    for handle in TRANSIENT:
        yield f"flush {handle:#x}", partial(tpm.flush, handle)
