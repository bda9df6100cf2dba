"""`trustlab doctor`: what works here, what does not and why, and the command that mends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from trustlab.cli import packages
from trustlab.cli.doctor_checks import Finding, commands, examine, works
from trustlab.cli.failure import Failure

NAMES = {
    "demo": "trustlab demo",
    "lab": "the notebooks",
    "uml": "virtual machines (User Mode Linux)",
    "qemu": "virtual machines (QEMU)",
    "inspect": "trustlab inspect",
    "verify": "trustlab verify",
}


def doctor(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Run the commands that mend it, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fix: do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what works on this machine, why something does not, and the command that mends it.

    Knows the packages of Debian, Ubuntu, Fedora and Arch. Needs no TPM library itself. Exits with 0 if the demo works.
    """
    where = packages.family()
    findings = list(examine(where))
    if fix and (lines := commands(findings, where)):
        _mend(lines, yes=yes, told=Console(stderr=True, highlight=False))
        command = [sys.executable, "-m", "trustlab", "doctor", *(["--json"] if as_json else [])]
        raise typer.Exit(subprocess.run(command, check=False).returncode)  # a new process finds what was installed
    use = works(findings)
    if as_json:
        typer.echo(json.dumps({"works": use, "checks": [_as_json(one, where) for one in findings]}))
    else:
        _show(findings, use, where)
    if not use["demo"]:
        raise typer.Exit(1)


def _mend(lines: list[str], *, yes: bool, told: Console) -> None:
    """Show the commands, ask, and run them one after the other; Failure if one fails or nobody agrees."""
    told.print("These commands mend what is missing:")
    for line in lines:
        told.print(Text(f"  {line}", style="bold"), soft_wrap=True)
    if any(line.startswith("sudo ") for line in lines) and not packages.can_install():
        raise Failure("the program sudo is not installed: run the first command as root, without `sudo`")
    if not yes and not _agreed():
        raise Failure("nothing was changed. `trustlab doctor --fix --yes` runs these commands without asking")
    for line in lines:
        told.print(Text(f"$ {line}", style="bold"), soft_wrap=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        code = subprocess.run(["sh", "-c", line], env=environment, stdout=sys.stderr, check=False).returncode
        if code:
            raise Failure(f"this command ended with exit code {code}, and the rest was not run: {line}")


def _agreed() -> bool:
    try:
        return typer.confirm("Run them?", err=True)
    except typer.Abort:  # the end of the input, too
        return False


def _as_json(finding: Finding, where: str | None) -> dict[str, Any]:
    return {
        "name": finding.name,
        "ok": finding.ok,
        "needed_for": list(finding.needed_for),
        "sentence": finding.sentence,
        "fix": " && ".join(finding.commands(where)) or None,
    }


def _show(findings: list[Finding], use: dict[str, bool], where: str | None) -> None:
    console = Console(highlight=False)
    for finding in findings:
        mark, style = ("✔", "green") if finding.ok else ("✘", "bold red") if finding.needed_for else ("○", "yellow")
        console.print(Text.assemble((f"{mark} ", style), (finding.name, "bold"), f": {finding.sentence}"))
        for line in finding.commands(where):
            console.print(Text(f"    {line}", style="cyan"), soft_wrap=True)
    console.print()
    for name, well in use.items():
        console.print(Text.assemble(("✔ " if well else "✘ ", "green" if well else "bold red"), NAMES[name]))
    if any(finding.commands(where) for finding in findings):
        console.print("\n`trustlab doctor --fix` runs these commands, after asking.")
