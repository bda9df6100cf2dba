"""`trustlab serve` and `trustlab connect`: a passage between two shells, with a small bank on top."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlab import passage
from trustlab.cli import in_vm
from trustlab.cli.demands import (
    CaAddress,
    CrlFiles,
    Demands,
    LogJson,
    MemoryFile,
    PolicyFile,
    PublisherFile,
    ReferencesFile,
    RevokedFile,
    RootFile,
)
from trustlab.cli.failure import Failure, host_and_port
from trustlab.cli.watching import watching
from trustlab.cloud import SERVER_NAME, Image, Station, TpmKind, World, kind_of
from trustlab.cloud.remote_ca import RemoteWorld
from trustlab.passage import TRUSTED_PASSAGE, Design, PassageError, RateLimiter, design_named
from trustlab.passage.limits import BURST, RATE
from trustlab.passage.serving import MAX_STANDING, MAX_UNFINISHED
from trustlab.passage.streams import HANDSHAKE_SECONDS
from trustlab.trace import Trace

if TYPE_CHECKING:
    from trustlab.passage import PassageStream

KEPT = 10_000
"""How many events of its trace a server keeps: it may run for days."""
MAX_HEAD, MAX_ANSWER = 16_384, 1 << 20
HINTS = {
    "unknown_ca": "The server's certificate is from another lab: give the same --lab in both shells.",
    "'AK chain'": "The peer's TPM is from another lab, or of another kind: give the same --lab in both shells, "
    "and the kind with --peer-tpm.",
    "'reference values'": "The peer runs a program, a --design or firmware that this lab does not know: give the same "
    "--design in both shells.",
    "handshake_failure": "Give the same --design in both shells.",
    "protocol_version": "Give the same --design in both shells.",
    "alert access_denied": "The server refused this machine; the ladder in its shell names the check.",
    "alert internal_error": "The server did not give evidence; the ladder in its shell says why. It may be a rate "
    "limit (--quote-burst, --quote-rate): then try again in a while.",
    "alert general_error": "The server makes no more quotes for this address at the moment: try again in a while, or "
    "start it with a larger --quote-burst or --quote-rate.",
}
"""What to try first, by words in a refusal."""
ASK_SECONDS = 30.0
"""How long a customer of the bank may take to send its request, and the bank to answer, in seconds."""

Lab = Annotated[
    Path, typer.Option(help="Folder that both shells share. It holds the lab's authorities, with their keys.")
]
DesignName = Annotated[str, typer.Option("--design", help="The design; it must be the same in both shells.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Do not print the ladder.")]
InVm = Annotated[
    bool,
    typer.Option("--in-vm", help="Use virtual machines: `serve` runs the cloud, `connect` rents a machine in it."),
]
Tpm = Annotated[
    str,
    typer.Option(
        help="swtpm: an emulator, with an emulated DRTM launch. device:/dev/tpmrm0: a real TPM; its evidence is only "
        "about the firmware, and any program that may open it can quote."
    ),
]
Makers = Annotated[
    Path | None,
    typer.Option(
        "--ek-roots",
        help="For --tpm device:...: the CA certificates of your TPM's maker, a file (PEM, DER, PKCS#7) or a folder. "
        "They vouch for the device's EK, instead of the lab.",
    ),
]
PcrBank = Annotated[
    str | None,
    typer.Option(help="For --tpm device:...: the bank of PCRs to quote, sha256, sha384 or sha512; else the first."),
]
Log = Annotated[
    Path | None,
    typer.Option(
        "--event-log",
        help="For --tpm device:...: file with the firmware's event log; else the one that Linux keeps.",
    ),
]
PeerTpm = Annotated[
    str,
    typer.Option(help="What to demand of the other side: swtpm (HyperSafe and its image) or device (its firmware)."),
]


def serve(  # noqa: PLR0913 - options
    *,
    lab: Lab = Path("trustlab-lab"),
    host: Annotated[str, typer.Option(help="Address to listen on; ::1 or :: for IPv6.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 4444,
    design: DesignName = TRUSTED_PASSAGE.name,
    tpm: Tpm = "swtpm",
    makers: Makers = None,
    pcr_bank: PcrBank = None,
    event_log: Log = None,
    peer_tpm: PeerTpm = "swtpm",
    policy: PolicyFile = None,
    references: ReferencesFile = None,
    memory: MemoryFile = None,
    revoked: RevokedFile = None,
    crl: CrlFiles = None,
    publisher: PublisherFile = None,
    ca: CaAddress = None,
    root: RootFile = None,
    vm: InVm = False,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many answers (0: never).")] = 0,
    quote_burst: Annotated[
        int,
        typer.Option(min=0, help="How many quotes one address gets at once, before --quote-rate counts (0: no limit)."),
    ] = BURST,
    quote_rate: Annotated[
        float, typer.Option(min=0, help="How many quotes a second one address gets after that.")
    ] = RATE,
    unfinished: Annotated[
        int,
        typer.Option(
            min=1,
            help="Limit on unfinished handshakes. When it is full, the address with the most loses its oldest.",
        ),
    ] = MAX_UNFINISHED,
    standing: Annotated[
        int,
        typer.Option(
            min=1, help="Limit on established passages. When it is full, the address with the most loses its oldest."
        ),
    ] = MAX_STANDING,
    idle: Annotated[
        float, typer.Option(min=1, help="Seconds that a customer may take to send its request.")
    ] = ASK_SECONDS,
    log_json: LogJson = False,
    quiet: Quiet = False,
) -> None:
    """Boot a machine with a TPM, and serve a small HTTP bank over trusted passages.

    In another shell, with the same --lab:

    trustlab connect 127.0.0.1:4444 /balance

    A client that does not send evidence is refused. Ctrl-C ends the server.
    """
    chosen, demands = design_named(design), Demands(policy, references, memory, revoked, tuple(crl or ()), publisher)
    if vm:
        _emulated(tpm, peer_tpm, makers, pcr_bank, event_log)
        demands.check_alone()
        in_vm.serve(lab, chosen, count, quiet=quiet)
        return
    _check_makers(tpm, makers)
    _check_device(tpm, pcr_bank, event_log)
    world, trace = _world(lab, ca, root), Trace("trustlab serve", "tcp", keep=KEPT)
    bank, teller = _images(world, chosen, bank=kind_of(tpm), teller=_kind(peer_tpm))
    limiter = RateLimiter(quote_burst or math.inf, quote_rate)
    with (
        watching(trace, quiet=quiet, as_json=log_json),
        Station(
            world,
            chosen,
            bank,
            demands.values(world, bank, teller),
            trace.party("bank"),
            tpm=tpm,
            makers=makers,
            bank=pcr_bank,
            event_log=event_log,
            policy=demands.policy,
            memory=demands.remembering,
            revocations=demands.revocations(world),
        ) as station,
    ):
        station.certify(SERVER_NAME)
        _tell(station)
        answers = _Answers(bank, count, idle)
        asyncio.run(_serve(answers, station, host, port, limiter=limiter, unfinished=unfinished, standing=standing))


def connect(  # noqa: PLR0913 - options
    target: Annotated[str, typer.Argument(help="HOST:PORT of a `trustlab serve`; with --in-vm: bank.")],
    path: Annotated[str, typer.Argument(help="What to ask for.")] = "/",
    *,
    lab: Lab = Path("trustlab-lab"),
    design: DesignName = TRUSTED_PASSAGE.name,
    tpm: Tpm = "swtpm",
    makers: Makers = None,
    pcr_bank: PcrBank = None,
    event_log: Log = None,
    peer_tpm: PeerTpm = "swtpm",
    policy: PolicyFile = None,
    references: ReferencesFile = None,
    memory: MemoryFile = None,
    revoked: RevokedFile = None,
    crl: CrlFiles = None,
    publisher: PublisherFile = None,
    ca: CaAddress = None,
    root: RootFile = None,
    hold: Annotated[
        float,
        typer.Option(min=0, help="Seconds to keep the passage before it asks (see --idle of serve)."),
    ] = 0.0,
    vm: InVm = False,
    log_json: LogJson = False,
    quiet: Quiet = False,
) -> None:
    """Boot a machine with a TPM, open a passage to the bank, and print its answer.

    Paths: / and /balance and "/pay?amount=120.00&to=carol". Exits with 1 if
    either side refuses the other (the ladder names the check), or if the bank
    answers anything but 200.
    """
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise Failure(f"{path!r} is not a path: give ASCII that begins with / and has no spaces, such as /balance")
    chosen, demands = design_named(design), Demands(policy, references, memory, revoked, tuple(crl or ()), publisher)
    if vm:
        _emulated(tpm, peer_tpm, makers, pcr_bank, event_log)
        demands.check_alone()
        typer.echo(_body(in_vm.ask(lab, chosen, target, path, quiet=quiet)))
        return
    _check_makers(tpm, makers)
    _check_device(tpm, pcr_bank, event_log)
    host, port = host_and_port(target, "127.0.0.1:4444 or [::1]:4444")
    world, trace = _world(lab, ca, root), Trace(f"trustlab connect {target}", "tcp")
    bank, teller = _images(world, chosen, bank=_kind(peer_tpm), teller=kind_of(tpm))
    with (
        watching(trace, quiet=quiet, as_json=log_json),
        Station(
            world,
            chosen,
            teller,
            demands.values(world, bank, teller),
            trace.party("teller"),
            tpm=tpm,
            makers=makers,
            bank=pcr_bank,
            event_log=event_log,
            policy=demands.policy,
            memory=demands.remembering,
            revocations=demands.revocations(world),
        ) as station,
    ):
        if chosen.client_key:
            station.certify("teller.example")
        _tell(station)
        request = teller.load().function("request")(path, SERVER_NAME)
        answer = asyncio.run(_ask(station, host, port, request, hold))
    typer.echo(_body(answer))


class _Answers:
    """Answers requests with the measured program, whose digest is in PCR 19."""

    def __init__(self, bank: Image, count: int, idle: float) -> None:
        self._idle = idle
        self._bank = bank.load().function("Bank")()
        self._left = count or math.inf
        self.done = asyncio.Event()

    async def answer(self, stream: PassageStream) -> None:
        """Answer one request; a client that takes too long to send it gets no answer."""
        head = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._idle):
                while not head.endswith(b"\r\n\r\n") and len(head) <= MAX_HEAD:
                    line = await stream.readline()
                    if not line:
                        return
                    head += line
                await stream.write(self._bank.answer(head))
                await stream.close()
            self._left -= 1
            if self._left <= 0:
                self.done.set()


async def _serve(
    answers: _Answers, station: Station, host: str, port: int, *, limiter: RateLimiter, unfinished: int, standing: int
) -> None:
    try:
        server = await passage.serve(
            answers.answer,
            host,
            port,
            policy=station,
            limiter=limiter,
            unfinished=unfinished,
            standing=standing,
            seconds=HANDSHAKE_SECONDS,
        )
    except (UnicodeError, TypeError):  # TypeError if it is not even UTF-8
        raise Failure(f"cannot serve on {host!r}: that is not a host name") from None
    except OSError as error:
        raise Failure(f"cannot serve on {host}, port {port}: {why_not(error)}") from error
    async with server:
        bound = server.sockets[0].getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        typer.echo(f"serving on {shown}:{bound[1]}")
        await answers.done.wait()


def why_not(error: OSError) -> str:
    """Return why an address cannot be listened on, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is taken. Choose another with --port, or 0 for a free one."
        case errno.EADDRNOTAVAIL | None:  # asyncio gives no number for it from Python 3.13.1 on
            return "this machine does not have the address. Give one that it has with --host."
        case errno.EACCES:
            return "only root may use ports below 1024. Choose another with --port."
        case _:
            return f"{error.strerror or error}."


async def _ask(station: Station, host: str, port: int, request: bytes, hold: float) -> str:
    try:
        stream = await passage.connect(host, port, policy=station)
    except PassageError as error:
        hint = next((hint for words, hint in HINTS.items() if words in str(error)), "")
        raise Failure(f"{error}. {hint}".rstrip(". ") + ".") from error
    except OSError as error:
        why = "nothing listens there" if isinstance(error, ConnectionRefusedError) else error.strerror or error
        raise Failure(f"{host}, port {port}: {why}. Is `trustlab serve` running there, on this port?") from error
    async with stream:
        if hold:
            await _stay(stream, hold)
        await stream.write(request)
        answer = b""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                while data := await stream.read(MAX_ANSWER):
                    answer += data
                    if len(answer) > MAX_ANSWER:
                        raise PassageError(f"the bank's answer has more than {MAX_ANSWER} octets")
        except TimeoutError:
            raise PassageError(f"the bank did not answer within {ASK_SECONDS:g} seconds") from None
    return answer.decode("utf-8", "replace")


async def _stay(stream: PassageStream, seconds: float) -> None:
    """Keep the passage; PassageError if it ends meanwhile."""
    with contextlib.suppress(TimeoutError):
        said = await asyncio.wait_for(stream.read(1), seconds)
        raise PassageError("the bank spoke before it was asked" if said else "the bank closed the passage meanwhile")


def _body(answer: str) -> str:
    """Return the body of a good answer; Failure, with the bank's own words, for another."""
    head, _, body = answer.partition("\r\n\r\n")
    version, _, status = head.partition("\r\n")[0].partition(" ")
    if not version.startswith("HTTP/1."):
        raise Failure("the bank closed the passage before it answered; the ladder in its shell may say why")
    if not status.startswith("200 "):
        raise Failure(f"the bank says {status}: {body.strip()}")
    return body.rstrip()


def _world(lab: Path, ca: str | None, root: Path | None) -> World:
    """Return the world: of the folder, or with authorities that answer elsewhere."""
    if ca is None and root is None:
        return World(lab)
    if ca is None or root is None:
        raise Failure("--ca and --root belong together: where `trustlab ca` runs, and the root.pem that it wrote")
    return RemoteWorld(lab, *host_and_port(ca, "127.0.0.1:4545"), root)


def _kind(name: str) -> TpmKind:
    if name not in ("swtpm", "device"):
        raise Failure(f"--peer-tpm {name!r}: choose swtpm or device")
    return "swtpm" if name == "swtpm" else "device"


def _emulated(tpm: str, peer_tpm: str, makers: Path | None, pcr_bank: str | None, event_log: Path | None) -> None:
    if {tpm, peer_tpm} != {"swtpm"} or makers is not None:
        raise Failure(
            "the TPMs of virtual machines are emulated: do not give --tpm, --peer-tpm or --ek-roots with --in-vm"
        )
    _check_device(tpm, pcr_bank, event_log)


def _check_device(tpm: str, pcr_bank: str | None, event_log: Path | None) -> None:
    if kind_of(tpm) != "device" and (pcr_bank is not None or event_log is not None):
        raise Failure("an emulator has no firmware: give --pcr-bank and --event-log only with --tpm device:...")


def _check_makers(tpm: str, makers: Path | None) -> None:
    if makers is not None and kind_of(tpm) != "device":
        raise Failure("an emulator's EK is certified by the lab itself: give --ek-roots only with --tpm device:...")


def _images(world: World, design: Design, *, bank: TpmKind, teller: TpmKind) -> tuple[Image, Image]:
    """Return both images; the measured configuration of each says what to demand of the other's TPM."""
    return (
        world.image("bank", "teller", "trustlab.scenarios.http_bank", design, peer_tpm=teller),
        world.image("teller", "bank", "trustlab.scenarios.http_teller", design, peer_tpm=bank),
    )


def _tell(station: Station) -> None:
    for note in station.notes:
        typer.echo(f"{station.platform.tpm!r}: {note}" if note is station.notes[0] else note, err=True)
