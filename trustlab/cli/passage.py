"""`trustlab serve` and `trustlab connect`: a passage between two shells, with a small bank on top."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from trustlab.cli.failure import Failure
from trustlab.cloud import SERVER_NAME, Image, Station, World
from trustlab.inspector import TerminalLadder
from trustlab.passage import DESIGNS, TRUSTED_PASSAGE, Design, PassageError, streams
from trustlab.trace import Trace

if TYPE_CHECKING:
    from trustlab.passage.streams import PassageStream

MAX_HEAD = 16_384
KEPT = 10_000
"""Events of its trace that a quiet server holds: it may run for days."""

Lab = Annotated[Path, typer.Option(help="Folder that both shells share: the lab's authorities, with their keys.")]
DesignName = Annotated[str, typer.Option("--design", help="Which design; both shells must name the same.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no ladder.")]


def serve(
    *,
    lab: Lab = Path("trustlab-lab"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 4444,
    design: DesignName = TRUSTED_PASSAGE.name,
    count: Annotated[int, typer.Option(min=0, help="Stop after so many passages; 0 never.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Boot a machine with a TPM and serve a small HTTP bank over a trusted passage.

    In another shell, with the same --lab: `trustlab connect 127.0.0.1:4444`. A client without evidence of its own is
    refused.
    """
    chosen, world = _design(design), World(lab)
    bank, teller = _images(world, chosen)
    trace = Trace("trustlab serve", "tcp", keep=KEPT if quiet else None)  # a ladder that is watched shows it all
    with Station(world, chosen, bank, world.references(bank, teller), trace.party("bank")) as station:
        station.certify(SERVER_NAME)
        with _ladder(trace, quiet=quiet):
            asyncio.run(_serve(station, host, port, count))


def connect(
    target: Annotated[str, typer.Argument(help="HOST:PORT of a `trustlab serve`")],
    *,
    path: Annotated[str, typer.Argument(help="What to ask for.")] = "/",
    lab: Lab = Path("trustlab-lab"),
    design: DesignName = TRUSTED_PASSAGE.name,
    quiet: Quiet = False,
) -> None:
    """Boot a machine with a TPM, open a trusted passage to the bank and print its answer.

    Try the paths / and /pay?amount=120.00&to=carol. Exits with 1 where either side refuses the other; the ladder says
    by which check.
    """
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdecimal():
        raise Failure(f"{target!r} is not HOST:PORT (as in 127.0.0.1:4444)")
    chosen, world = _design(design), World(lab)
    bank, teller = _images(world, chosen)
    trace = Trace(f"trustlab connect {target}", "tcp")
    with Station(world, chosen, teller, world.references(bank, teller), trace.party("teller")) as station:
        if chosen.client_key:
            station.certify("teller.example")
        with _ladder(trace, quiet=quiet):
            try:
                typer.echo(asyncio.run(_ask(station, host, int(port), path)))
            except OSError as error:
                raise Failure(f"{target}: {error.strerror or error}") from error


async def _serve(station: Station, host: str, port: int, count: int) -> None:
    done = asyncio.Event()
    served = 0

    async def handle(stream: PassageStream) -> None:
        nonlocal served
        await answer(stream)
        served += 1
        if count and served >= count:
            done.set()

    server = await streams.serve(handle, host, port, policy=station)
    typer.echo(f"serving on {host}:{server.sockets[0].getsockname()[1]}")
    async with server:
        await done.wait()


async def answer(stream: PassageStream) -> None:
    """Answer one HTTP request, as the bank does."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < MAX_HEAD:
        line = await stream.readline()
        if not line:
            return
        head += line
    words = head.split(b"\r\n")[0].decode("ascii", "replace").split(" ")
    page = _page(words[1] if len(words) > 1 else "/")
    body = json.dumps(page) + "\n"
    status = "404 Not Found" if "error" in page else "200 OK"
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    await stream.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n{body}".encode())


def _page(path: str) -> dict[str, str]:
    name, _, query = path.partition("?")
    fields = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
    match name:
        case "/":
            return {"bank": "open", "pay": "/pay?amount=120.00&to=carol"}
        case "/pay" if {"amount", "to"} <= set(fields):
            return {"paid": fields["amount"], "to": fields["to"]}
        case _:
            return {"error": f"no page {name}; there are / and /pay?amount=...&to=..."}


async def _ask(station: Station, host: str, port: int, path: str) -> str:
    async with await streams.connect(host, port, policy=station) as stream:
        await stream.write(f"GET {path} HTTP/1.1\r\nHost: {SERVER_NAME}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = await stream.readline()
            if not line:
                raise PassageError("the bank closed the passage before it answered")
            head += line
        return (await stream.readline()).decode("utf-8", "replace").rstrip()


def _design(name: str) -> Design:
    if name not in DESIGNS:
        raise Failure(f"no design {name!r}; there are: {', '.join(DESIGNS)}")
    return DESIGNS[name]


def _images(world: World, design: Design) -> tuple[Image, Image]:
    return (
        world.image("bank", "teller", "trustlab.scenarios.bank", design),
        world.image("teller", "bank", "trustlab.scenarios.teller", design),
    )


class _Silent:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _ladder(trace: Trace, *, quiet: bool) -> TerminalLadder | _Silent:
    if quiet:
        return _Silent()
    ladder = TerminalLadder(Console(stderr=True, highlight=False))
    ladder.attach(trace)
    return ladder
