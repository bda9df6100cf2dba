"""`trustlab tpm`: a machine with a TPM to play with."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from cryptography.hazmat.primitives import serialization

from trustlab.attest import (
    FIRMWARE,
    AppraisalPolicy,
    AttestError,
    Evidence,
    ReferenceValues,
    claim_event,
    image_event,
    launch_nonce_event,
    launch_policy_event,
)
from trustlab.attest.eventdata import data_fields
from trustlab.attest.toolfiles import written_files
from trustlab.cli.failure import Failure
from trustlab.cli.shell import RunOption, Shell, drive
from trustlab.cli.verify import BINDER_OCTETS, FILES, binder_in
from trustlab.cloud import Endorsers, World
from trustlab.cloud.firmware_log import bind_to_firmware, read_firmware_log
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.octets import read_file
from trustlab.tpm import (
    DeviceTpm,
    EvidenceMaker,
    Platform,
    PrivacyCa,
    TpmError,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    measure,
)
from trustlab.tpm.templates import AK_KINDS, AkKind
from trustlab.trace import Trace, TraceEvent

if TYPE_CHECKING:
    from trustlab.tpm import CreatedKey, TpmClient
    from trustlab.trace import Value

NO_LAUNCH = (
    "PCR {} belongs to software that was launched by DRTM, and takes nothing from locality 0, where Linux sends. "
    "The emulator shows it: leave --tpm out"
)


def tpm(
    *,
    run: RunOption = "",
    device: Annotated[
        str, typer.Option("--tpm", help="`swtpm`, an emulator, or `device:/dev/tpmrm0`, this machine's own.")
    ] = "swtpm",
    pcr_bank: Annotated[
        str | None,
        typer.Option(help="For a device: the bank of PCRs to quote, sha256, sha384 or sha512; else the first."),
    ] = None,
    event_log: Annotated[
        Path | None,
        typer.Option(help="For a device: file with the firmware's event log; else the one that Linux keeps."),
    ] = None,
    lab: Annotated[
        Path | None, typer.Option(help="Folder with a lab's authorities, which are kept; else they are fresh ones.")
    ] = None,
    log: Annotated[bool, typer.Option(help="Print every TPM command with locality, response code and time.")] = False,
) -> None:
    """Power on a machine and try its TPM: PCRs, the DRTM launch, keys, quotes.

    Prompts for commands; `help` lists them. For a first walk:

        trustlab tpm --run "pcrs; launch; measure hello; pcrs; quote; save kept" && trustlab verify kept
    """
    trace = Trace("trustlab tpm", "memory")
    if log:
        trace.subscribe(_Log().print)
    other = None if device == "swtpm" else DeviceTpm.from_name(device)
    if other is None and (pcr_bank is not None or event_log is not None):
        raise Failure("an emulator has no firmware: give --pcr-bank and --event-log only with --tpm device:...")
    with Platform("machine", trace.party("machine"), tpm=other) as platform:
        if other is not None:
            bind_to_firmware(platform, pcr_bank)
            platform.event_log = read_firmware_log(other.path, event_log).log
        drive(TpmShell(platform, None if lab is None else World(lab).endorsers), run)


class _Log:
    """Prints what happens at the TPM: each command, once it is answered; power on and off; the DRTM launch."""

    def __init__(self) -> None:
        self._localities: dict[tuple[str, int], Value] = {}

    def print(self, event: TraceEvent) -> None:
        """Print an event of the trace."""
        if event.kind == "tpm.command":
            self._localities[event.party, event.seq] = event.data["locality"]
        elif event.kind == "tpm.response":
            (link,) = event.links
            locality = self._localities.pop((link.party, link.seq), "?")
            self._say(f"{event.name}  locality {locality}  {event.data['rc_name']}  {event.data['ms']} ms")
        elif event.kind == "machine":
            self._say(event.name)

    @staticmethod
    def _say(text: str) -> None:
        print(f"    {text}", file=sys.stderr)  # noqa: T201


class TpmShell(Shell):
    """The commands of `trustlab tpm`, one method each."""

    intro = "A machine with power and a TPM. `help` lists the commands, `quit` ends."
    prompt = "tpm> "
    errors = (Failure, TpmError, AttestError, ValueError)

    def __init__(self, platform: Platform, endorsers: Endorsers | None = None) -> None:
        super().__init__()
        self._platform = platform
        self._tpm: TpmClient = platform.client("you", locality=platform.profile.locality or 0, gate=None)
        self._endorsers = endorsers or Endorsers()
        self._kept = endorsers is not None
        self._maker: EvidenceMaker | None = None
        self._key: CreatedKey | None = None
        self._image = hashlib.sha256(b"").digest()
        self._saved: tuple[bytes, bytes] | None = None

    def do_pcrs(self, _: str) -> None:
        """`pcrs`: show the PCRs that are not zero, of the SHA-256 bank or a device's chosen one."""
        for index, value in sorted(self._tpm.pcr_read(range(24), self._platform.profile.bank).items()):
            if any(value):
                self._say(f"PCR {index:2}  {value.hex() if set(value) != {255} else 'ff ... ff (no launch yet)'}")

    def do_extend(self, line: str) -> None:
        """`extend PCR TEXT`: extend a PCR with SHA-256(TEXT), at locality 2 (the TPM decides which PCRs allow it)."""
        self._only_emulated(
            "extend",
            "a real machine's PCRs stay extended until it boots again, and its own secrets may be sealed to them "
            "(disk encryption, for instance); `tpm2_pcrextend` does it if you mean it",
        )
        index, _, text = line.partition(" ")
        self._tpm.pcr_extend(_number(index), hashlib.sha256(text.encode()).digest())
        self.do_pcrs("")

    def do_reset(self, line: str) -> None:
        """`reset PCR`: reset a PCR to zero, if the TPM allows it (16 and 23, for instance)."""
        self._tpm.pcr_reset(_number(line))

    def do_launch(self, line: str) -> None:
        """`launch [FILE]`: launch HyperSafe, or a file, by DRTM: measure it into PCR 17."""
        code = read_file(line) if line else CODE
        self._platform.launch(code, line or "HyperSafe")
        measure(self._tpm, self._platform.event_log, launch_nonce_event(os.urandom(32)))
        measure(self._tpm, self._platform.event_log, launch_policy_event(LAUNCH_POLICY))
        self._maker = self._key = None
        self._say(f"launched {line or 'HyperSafe'}: PCR 17 holds it, PCR 18 its launch policy, PCR 20 a fresh nonce")

    def do_measure(self, line: str) -> None:
        """`measure NAME`: measure a VM image of that name into PCR 19 (here its digest is SHA-256(NAME))."""
        self._only_emulated("measure", NO_LAUNCH.format(19))
        self._image = hashlib.sha256(line.encode()).digest()
        measure(self._tpm, self._platform.event_log, image_event(self._image, line or "image"))

    def do_claim(self, line: str) -> None:
        """`claim NAME VALUE`: measure a run-time claim into PCR 20, such as `antivirus.signatures 2026-11-20`."""
        self._only_emulated("claim", NO_LAUNCH.format(20))
        name, _, value = line.partition(" ")
        measure(self._tpm, self._platform.event_log, claim_event(name, value))

    def do_key(self, _: str) -> None:
        """`key`: make an RSA key bound to the PCRs as they are now; the next quote proves how it was made."""
        self._key = create_tls_key(self._tpm, "rsa-decrypt")
        self._say(f"made a key, Name {self._key.name.hex()}")

    def do_quote(self, line: str) -> None:
        """`quote [HEX]`: quote the PCRs over your own 32 octets (a nonce, a binder), or over a fresh nonce."""
        binder = binder_in(line, "quote") if line else os.urandom(BINDER_OCTETS)
        evidence = self._evidence_maker().evidence(binder, key=self._key).encode()
        self._saved = binder, evidence
        self._say(f"quoted, extraData {binder.hex()}; evidence of {len(evidence)} octets. `save FOLDER` keeps it.")

    def do_save(self, line: str) -> None:
        """`save FOLDER`: write the last evidence, what `trustlab verify FOLDER` needs, and files for tpm2-tools."""
        if self._saved is None:
            raise Failure("there is no quote to save yet: run `quote` first")
        folder = Path(line or "trustlab-evidence")
        folder.mkdir(parents=True, exist_ok=True)
        binder, evidence = self._saved
        references, policy = self._demands(evidence)
        expected = {"binder": binder.hex(), "key_spki": self._key.spki.hex() if self._key else None}
        (folder / FILES[0]).write_bytes(evidence)
        (folder / FILES[1]).write_text(references.to_toml())
        (folder / FILES[2]).write_text(policy.to_toml())
        (folder / FILES[3]).write_bytes(self._privacy_ca.root.public_bytes(serialization.Encoding.PEM))
        (folder / FILES[4]).write_text(json.dumps(expected, indent=1) + "\n")
        for name, octets in written_files(Evidence.decode(evidence)).items():
            (folder / name).write_bytes(octets)
        self._say(f"saved in {folder}. Now run: trustlab verify {folder}")

    def _demands(self, evidence: bytes) -> tuple[ReferenceValues, AppraisalPolicy]:
        """Return Reference Values and a policy that this machine meets: what it measured, or its PCRs as they are."""
        profile = self._platform.profile
        if not self._platform.emulated:
            values: dict[int, tuple[bytes, ...]] = {
                pcr: (value,) for pcr, value in Evidence.decode(evidence).pcr_values.items()
            }
            policy = msgspec.structs.replace(FIRMWARE, bank=profile.bank)
            return ReferenceValues(1, {}, {}, {}, values), policy
        references = ReferenceValues(
            version=1,
            hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe"},
            launch_policies={hashlib.sha256(LAUNCH_POLICY).digest(): "one secure VM"},
            images={self._image: "image"},
        )
        return references, AppraisalPolicy(pcrs=tuple(profile.quote_pcrs), key_pcrs=tuple(profile.key_pcrs))

    def do_log(self, _: str) -> None:
        """`log`: show the event log since the launch, or that of a device's firmware."""
        bank = self._platform.profile.bank
        for event in self._platform.event_log.events:
            told = data_fields(event.event_type, event.data)[0]
            self._say(f"PCR {event.pcr:2}  {event.digest_of(bank).hex()[:16]}...  {event.type_name}  {told[:60]}")

    def do_ak(self, line: str) -> None:
        """`ak [KIND]`: make an AK of another kind for the next quotes: ecc (P-256), ecc-p384, rsa or rsapss."""
        kind = line or "ecc"
        if kind not in AK_KINDS:
            raise Failure(f"{kind!r} is not a kind of AK: give one of {', '.join(AK_KINDS)}")
        self._maker = self._make(kind)
        self._say(f"made an AK ({kind}), Name {self._maker.ak.name.hex()}")

    def _only_emulated(self, command: str, why: str) -> None:
        if not self._platform.emulated:
            raise Failure(f"`{command}` is not for a real TPM: {why}")

    def do_quit(self, _: str) -> bool:
        """`quit`: power off and leave."""
        return True

    do_EOF = do_quit  # noqa: N815 - cmd's own name for the end of input

    def _evidence_maker(self) -> EvidenceMaker:
        if self._maker is None:
            self._maker = self._make("ecc")
        return self._maker

    def _make(self, kind: AkKind) -> EvidenceMaker:
        ek = create_ek(self._tpm, "ecc")
        certificate = self._endorsers.maker.certify(ek.public)
        ak = create_ak(self._tpm, kind=kind)
        self._privacy_ca = (
            self._endorsers.device_ca if self._kept else PrivacyCa([self._endorsers.maker.root], ak_policies=None)
        )
        certificates = enrol(self._tpm, ek, certificate, ak, self._privacy_ca)
        self._tpm.flush(ek)
        return EvidenceMaker(self._tpm, ak, certificates, self._platform.event_log)

    def _say(self, text: str) -> None:
        self.stdout.write(text + "\n")


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,2}", text.strip()) or int(text) > 23:
        raise Failure(f"{text!r} is not the number of a PCR: give one from 0 to 23, such as 16")
    return int(text)
