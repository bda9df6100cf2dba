"""`trustlab verify`: appraise Evidence that was saved, or the files of other people's tools."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trustlab.attest import PROFILES, AppraisalPolicy, Expected, Memory, ReferenceValues, Verifier
from trustlab.cli.demands import CrlFiles, MemoryFile, PublisherFile, RevokedFile, revocations_in
from trustlab.cli.failure import Failure, octets_of
from trustlab.cli.foreign import ForeignFiles
from trustlab.octets import read_file
from trustlab.tpm import key_binder
from trustlab.x509 import read_bundle

if TYPE_CHECKING:
    from trustlab.attest import AttestationResult, Check, Revocations
    from trustlab.x509 import LenientCertificate

MARKS = {"pass": ("✔", "green"), "fail": ("✘", "bold red")}
FILES = ("evidence.cbor", "references.toml", "policy.toml", "privacy-ca.pem", "expected.json")
BINDER_OCTETS = 32
REFUSED, NO_VERDICT = 1, 3
ACCEPTED, NOT_A_VERDICT = "accepted", "not a verdict"
EvidenceArgument = Annotated[
    Path | None, typer.Argument(help="A folder that `trustlab tpm` saved, or an evidence file. Left out with --quote.")
]
FileOption = Path | None


def verify(  # noqa: PLR0913 - one parameter for each option
    evidence: EvidenceArgument = None,
    *,
    policy: Annotated[Path | None, typer.Option(help="Appraisal Policy (TOML).")] = None,
    references: Annotated[Path | None, typer.Option(help="Reference Values (TOML).")] = None,
    root: Annotated[
        Path | None, typer.Option(help="Certificates to trust: of a privacy CA, of TPM makers (PEM, DER, PKCS#7).")
    ] = None,
    binder: Annotated[str, typer.Option(help="The expected extraData in hex; 64 digits without --quote.")] = "",
    quote: Annotated[Path | None, typer.Option(help="A quote as `tpm2_quote -m` writes it.")] = None,
    signature: Annotated[Path | None, typer.Option(help="Its signature, as `tpm2_quote -s` writes it.")] = None,
    ak: Annotated[
        Path | None, typer.Option(help="The AK's public area, as `tpm2_createak -u` or `tpm2_readpublic -o` write it.")
    ] = None,
    event_log: Annotated[
        Path | None,
        typer.Option(help="The firmware's event log: /sys/kernel/security/tpm0/binary_bios_measurements."),
    ] = None,
    pcrs: Annotated[
        Path | None, typer.Option(help="PCR values, as `tpm2_quote -o` and `tpm2_pcrread` write them.")
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(help="Certificates of AK, EK and authorities between: PEM, DER, PKCS#7, or as a TPM holds them."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help=f"What to demand where no policy says it: {', '.join(PROFILES)}.", show_default=False)
    ] = "",
    memory: MemoryFile = None,
    revoked: RevokedFile = None,
    crl: CrlFiles = None,
    publisher: PublisherFile = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave this check out: an experiment, without a verdict (exit code 3).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Appraise evidence and print every check with its verdict.

    Exits with 0 if the evidence is accepted, with 1 if not, and with 3 where a check was left out.

    Files of other tools are judged as well. An AK that tpm2_createak made needs `--profile other-ak`:

        trustlab verify --quote q.msg --signature q.sig --ak ak.pub --pcrs q.pcrs --binder NONCE
            --profile other-ak --policy policy.toml --references references.toml
    """
    if profile and profile not in PROFILES:
        raise typer.BadParameter(f"--profile {profile!r} is none of: {', '.join(PROFILES)}")
    if memory is not None and without:
        raise typer.BadParameter("--memory with --without: an experiment has no verdict that could be remembered")
    revocations = revocations_in(revoked, tuple(crl or ()), publisher)
    demands = _Demands(policy, references, root, profile, tuple(without or ()), memory, revocations)
    if quote is None:
        others = {"signature": signature, "ak": ak, "event-log": event_log, "pcrs": pcrs, "certificates": certificates}
        if stray := [f"--{name}" for name, path in others.items() if path is not None]:
            raise typer.BadParameter(f"{', '.join(stray)} without --quote: files of other tools begin with a quote")
        result = _saved(evidence, binder, demands)
    else:
        if evidence is not None or signature is None or ak is None or not binder:
            raise typer.BadParameter(
                "--quote needs --signature, --ak and --binder (what `tpm2_quote -q` was given), and no saved evidence"
            )
        files = ForeignFiles(quote, signature, ak, event_log, pcrs, certificates)
        result = _foreign(files, foreign_binder(binder), demands)
    _tell(result, as_json=as_json)


@dataclass(frozen=True)
class _Demands:
    """Where to read what the Relying Party demands."""

    policy: Path | None
    references: Path | None
    root: Path | None
    profile: str
    without: tuple[str, ...]
    memory: Path | None
    revocations: Revocations

    def verifier(self, folder: Path | None) -> Verifier:
        """Return the Verifier; what was not named comes from a saved folder, if there is one."""
        base = PROFILES.get(self.profile)
        policy = self.policy or (None if folder is None or base is not None else folder / FILES[2])
        references = self.references or (None if folder is None else folder / FILES[1])
        root = self.root or (None if folder is None else folder / FILES[3])
        return Verifier(
            [] if root is None else trusted(root),
            ReferenceValues(0, {}, {}, {}) if references is None else ReferenceValues.from_toml(references),
            (base or AppraisalPolicy()) if policy is None else AppraisalPolicy.from_toml(policy, base),
            memory=None if self.memory is None else Memory(self.memory),
            revocations=self.revocations,
            without=self.without,
        )


def _saved(evidence: Path | None, binder: str, demands: _Demands) -> AttestationResult:
    if evidence is None or not os.path.lexists(evidence):
        raise Failure(
            f"there is no {evidence or 'evidence to verify'}; "
            '`trustlab tpm --run "launch; quote; save kept"` makes a folder to verify'
        )
    folder = evidence if evidence.is_dir() else evidence.parent
    octets = octets_of(evidence / FILES[0] if evidence.is_dir() else evidence)
    return demands.verifier(folder).appraise(octets, _expected(folder / FILES[4], binder))


def _foreign(files: ForeignFiles, binder: bytes, demands: _Demands) -> AttestationResult:
    anchors = [] if demands.root is None else trusted(demands.root)
    evidence, expected = files.read(binder, anchors, known_ak=demands.profile == "other-ak")
    result = demands.verifier(None).appraise_parts(evidence, expected)
    if files.event_log is not None:
        return result
    return replace(result, unproved=tuple(path for path in result.unproved if not path.startswith("event-log")))


def trusted(path: Path) -> list[LenientCertificate]:
    """Return the certificates of a file, all of them anchors; Failure if it holds none that can be read."""
    bundle = read_bundle(octets_of(path), path.name)
    if not bundle.certificates:
        why = f" ({bundle.skipped[0]})" if bundle.skipped else ""
        raise Failure(f"{path} does not hold a readable certificate{why}")
    return bundle.certificates


def _expected(path: Path, binder: str) -> Expected:
    """Return what the relying party expects: the saved file's key, and its binder unless another one is given."""
    octets = binder_in(binder) if binder else b""
    spki = None
    try:
        kept = json.loads(read_file(path))
        spki = bytes.fromhex(kept["key_spki"]) if kept["key_spki"] else None
        octets = octets or bytes.fromhex(kept["binder"])
    except FileNotFoundError as error:
        if not octets:
            raise Failure(f"the expected binder is not known: give --binder HEX (there is no {path})") from error
    except OSError as error:
        raise Failure(f"cannot read {path}: {(error.strerror or 'no reason is known').lower()}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        wanted = '{"binder": "64 hex digits", "key_spki": "hex digits, or null"}'
        raise Failure(f"{path} does not say what to expect: it should hold {wanted}.") from error
    return Expected(binder=octets, key_spki=spki, key_binder=key_binder(spki) if spki else None)


def binder_in(given: str, where: str = "--binder") -> bytes:
    """Return the 32 octets that somebody wrote in hex; Failure if they are others."""
    octets = _hex(given, where, f"{2 * BINDER_OCTETS} hex digits")
    if len(octets) != BINDER_OCTETS:
        raise Failure(f"{where} takes {2 * BINDER_OCTETS} hex digits ({BINDER_OCTETS} octets), not {2 * len(octets)}")
    return octets


def foreign_binder(given: str) -> bytes:
    """Return the qualifyingData of somebody else's quote, 1 to 64 octets."""
    octets = _hex(given, "--binder", "hex digits")
    if not 0 < len(octets) <= 64:
        raise Failure(f"--binder takes 2 to 128 hex digits here, not {2 * len(octets)}")
    return octets


def _hex(given: str, where: str, wanted: str) -> bytes:
    try:
        return bytes.fromhex(given)
    except ValueError:
        raise Failure(f"{where} takes {wanted}, and {given!r} has other characters") from None


def _tell(result: AttestationResult, *, as_json: bool) -> None:
    """Print the result and leave with the exit code that fits."""
    left_out = any(check.verdict == "left out" for check in result.checks)
    verdict = NOT_A_VERDICT if left_out else ACCEPTED if result.accepted else "refused"
    if as_json:
        told = {
            "accepted": verdict == ACCEPTED,
            "verdict": verdict,
            "refused_by": result.refused_by,
            "failed": result.failed,
            "unproved": list(result.unproved),
            "checks": [_told(check) for check in result.checks],
        }
        typer.echo(json.dumps(told))
    else:
        _show(result, verdict)
    if verdict != ACCEPTED:
        raise typer.Exit(NO_VERDICT if left_out else REFUSED)


def _told(check: Check) -> dict[str, str]:
    octets = {"expected": check.expected.hex(), "found": check.found.hex()}
    words = {"name": check.name, "verdict": check.verdict, "sentence": check.sentence, "clause": check.clause}
    return words | octets


def _show(result: AttestationResult, verdict: str) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in result.checks:
        mark, style = MARKS.get(check.verdict, ("○", "dim"))
        table.add_row(Text(mark, style=style), Text(check.name, style=style), Text(check.sentence))
    console.print(table)
    for check in result.checks:
        if check.verdict == "fail":
            lines = (
                f"\n{check.name} ({check.clause})\n  expected {check.expected.hex()}\n  found    {check.found.hex()}"
            )
            console.print(Text(lines, style="red"), soft_wrap=True)
    if result.unproved:
        said = "\nNothing proves what these fields say, so do not rely on them:\n  " + "\n  ".join(result.unproved)
        console.print(Text(said, style="dim"), soft_wrap=True)
    if verdict == NOT_A_VERDICT:
        console.print(Text("\nnot a verdict: checks were left out, so this is an experiment", style="bold yellow"))
        return
    word = Text(verdict, style="bold green" if result.accepted else "bold red")
    console.print(Text.assemble("\n", word, f" {'' if result.accepted else 'by ' + ', '.join(result.failed)}"))
