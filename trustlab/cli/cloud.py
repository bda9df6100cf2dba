"""`trustlab cloud`: a small cloud in the shell. See its machines, PCRs and frames live, and let Alice act."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trustlab.attest import AttestError
from trustlab.cli.failure import Failure
from trustlab.cli.shell import RunOption, Shell, drive
from trustlab.cloud import CloudError
from trustlab.cloud.uml import UmlMachine, why_not
from trustlab.scenarios.live_cloud import LiveCloud
from trustlab.tpm import TpmError
from trustlab.wire import Match, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import TraceEvent
    from trustlab.wire import Hold

PCRS = (17, 18, 19, 20)


def cloud(
    *,
    design: Annotated[
        str, typer.Option(help="The design that teller and bank use; `trustlab demo` shows two.")
    ] = "plain-tls",
    substrate: Annotated[
        str, typer.Option(help="uml (virtual machines), memory, or auto: uml where it works.")
    ] = "auto",
    run: RunOption = "",
    frames: Annotated[bool, typer.Option(help="Print every frame that crosses Alice's switch.")] = False,
) -> None:
    """Boot a small cloud with Bob's bank and teller, and play Alice in it.

    Prompts for commands; `help` lists them. For a first walk:

        trustlab cloud --run "machines; pay; alice rogue-certificate; pay; knows"
    """
    console = Console(highlight=False)
    reason = why_not() if substrate == "auto" else None
    if reason is not None:
        console.print(Text(f"No virtual machines here: {reason} The cloud runs in memory instead.", style="yellow"))
    chosen = ("memory" if reason else "uml") if substrate == "auto" else substrate
    with LiveCloud(design, substrate=chosen) as live:
        console.print(f"Booting Bob's machines ({live.substrate}) ...")
        live.open()
        shell = CloudShell(live, console)
        if frames:
            shell.onecmd("frames on")
        drive(shell, run)


class CloudShell(Shell):
    """The commands of `trustlab cloud`, one method each."""

    intro = "Bob's bank and teller are up. `help` lists the commands, `quit` ends and switches everything off."
    prompt = "cloud> "
    errors = (Failure, CloudError, WireError, TpmError, AttestError)

    def __init__(self, live: LiveCloud, console: Console) -> None:
        super().__init__()
        self._live = live
        self._console = console
        self._quiet: Callable[[], None] | None = None
        self._held: Hold | None = None

    def tell_error(self, sentence: str) -> None:
        self._console.print(Text(f"  {sentence}", style="bold red"))

    def do_machines(self, _: str) -> None:
        """`machines`: list the machines, and what they run."""
        table = Table("machine", "image", "hypervisor", "kernel", "image digest", pad_edge=False)
        for machine in self._live.cloud.machines:
            process = f"process {machine.pid}" if isinstance(machine, UmlMachine) else "none: in this process"
            digest = machine.image.digest.hex()[:16]
            table.add_row(machine.name, machine.image.name, machine.hypervisor.name, process, digest)
        self._console.print(table)

    def do_pcrs(self, name: str) -> None:
        """`pcrs [MACHINE]`: show the PCRs of every machine, or of one."""
        for machine in self._live.cloud.machines:
            if name in ("", machine.name):
                values = machine.platform.client("root VM", locality=0).pcr_read(PCRS)
                for index, value in values.items():
                    self._console.print(f"  {machine.name:8} {index} {value.hex()}", soft_wrap=True)

    def do_frames(self, state: str) -> None:
        """`frames on|off`: print every frame that crosses the switch, live."""
        if self._quiet is not None:
            self._quiet()
            self._quiet = None
        if state != "off":
            self._quiet = self._live.trace.subscribe(self._frame)

    def do_pay(self, _: str) -> None:
        """`pay`: the teller pays through the bank, once."""
        for sentence in self._live.pay():
            self._console.print(Text(f"  {sentence}"))

    def do_alice(self, attack: str) -> None:
        """`alice ATTACK`: rent Alice's machine and start her program on it."""
        self._live.let_alice(attack)
        self._console.print(f"  Alice is ready for {attack}. Now let the teller `pay`.")

    def do_knows(self, _: str) -> None:
        """`knows`: let Alice work on her recording, and show what she knows."""
        self._live.afterwards()
        judged = self._live.judged()
        known = ", ".join(judged.alice_knows) or "nothing"
        self._console.print(Text(f"  Alice knows: {known}", style="bold red" if judged.alice_knows else "bold green"))
        if judged.alice_read:
            self._console.print(Text(f"  Alice prints: {judged.alice_read.decode('utf-8', 'replace')}"))
        if judged.refused_by:
            self._console.print(f"  refused by the check {judged.refused_by!r}")

    def do_hold(self, _: str) -> None:
        """`hold`: have Alice's switch hold every frame with a payload, until `release`."""
        self._held = self._live.cloud.order(lambda switch: switch.hold(Match(payload=True)))

    def do_release(self, _: str) -> None:
        """`release`: let all held frames go, and hold no more."""
        held, self._held = self._held, None
        if held is None:
            self._console.print("  no frames are held; `hold` begins")
            return
        count = len(held.held)
        self._live.cloud.order(lambda _switch: held.undo())
        self._live.cloud.run()
        self._console.print(f"  {count} frames released")

    def do_drop(self, count: str) -> None:
        """`drop [N]`: have Alice's switch drop the next N frames with a payload (default 1); kernels resend them."""
        if count and not re.fullmatch("[0-9]{1,6}", count):
            raise CloudError(f"{count!r} is not a number of frames; for example: drop 3")
        times = int(count or 1)
        self._live.cloud.order(lambda switch: switch.drop(Match(payload=True), times=times))

    def do_console(self, name: str) -> None:
        """`console MACHINE`: show the last lines of a virtual machine's console."""
        for machine in self._live.cloud.machines:
            if machine.name == name and isinstance(machine, UmlMachine):
                self._console.print(Text("\n".join(machine.console) or "  (silent)"))
                return
        raise CloudError(f"there is no virtual machine {name!r}; `machines` lists the machines")

    def do_save(self, folder: str) -> None:
        """`save FOLDER`: write the trace and the capture, with this run's secrets in them."""
        kept = self._live.save(folder or "trustlab-out")
        self._console.print(f"  {kept.trace}\n  {kept.capture}")

    def do_quit(self, _: str) -> bool:
        """`quit`: switch everything off."""
        return True

    do_EOF = do_quit  # noqa: N815 - cmd's own name for the end of input

    def _frame(self, event: TraceEvent) -> None:
        if event.kind == "frame":
            ends = f"{event.data.get('from', '?')} -> {event.data.get('to', '?')}"
            what = f"{event.data.get('flags', '')} {event.data.get('payload_length', '')}".strip()
            self._console.print(Text(f"    {event.name:5} {ends:20} {event.connection:16} {what}", style="dim"))
