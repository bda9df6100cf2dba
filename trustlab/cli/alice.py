"""`trustlab alice`: Alice as a proxy between your own attested server and client, over TCP."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
import typer

from trustlab.capture import open_trace, write_trace
from trustlab.cli.failure import Failure, host_and_port
from trustlab.cli.passage import DesignName, Lab, Quiet, why_not
from trustlab.cli.watching import watching
from trustlab.cloud import World
from trustlab.inspector.export import save_page
from trustlab.passage import TRUSTED_PASSAGE, design_named, placement_of
from trustlab.scenarios.proxy import MODES, QUIET, AliceProxy, Mode
from trustlab.trace import Trace

NO_VERDICT = 3
EXAMPLE = "127.0.0.1:4455"


def alice(  # noqa: PLR0913 - options
    mode: Annotated[str, typer.Argument(help="; ".join(f"{name}: {words}" for name, words in MODES.items()) + ".")],
    *,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT where your client is to connect to her; port 0 takes a free one.")
    ] = EXAMPLE,
    connect: Annotated[str, typer.Option(help="HOST:PORT of your server.")] = "127.0.0.1:4444",
    lab: Lab = Path("trustlab-lab"),
    design: DesignName = TRUSTED_PASSAGE.name,
    i_own_both_ends: Annotated[
        bool, typer.Option("--i-own-both-ends", help="Needed for any address that is not this machine's own loopback.")
    ] = False,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many connections (0: never).")] = 1,
    idle: Annotated[float, typer.Option(min=0.1, help="Seconds without a byte after which she hangs up.")] = QUIET,
    pcapng: Annotated[Path | None, typer.Option(help="Write what crossed her hands, with her keys inside.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the inspector on it, as one HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Stand between your own attested server and your own client as Alice would, and say what she gets.

    This is for systems that are yours. It decrypts what a client sends to it, if the client lets it. The lab's web CA
    (--lab) certifies her, as a CA does that validates names across her network.

    trustlab serve --port 4444
    trustlab alice relay --listen 127.0.0.1:4455 --connect 127.0.0.1:4444
    trustlab connect 127.0.0.1:4455 /balance

    Exits with 0 if she read nothing, with 1 if she read what a client sent, and with 3 without a verdict.
    """
    if mode not in MODES:
        raise Failure(f"there is no {mode!r}; choose from: {', '.join(MODES)}")
    chosen = design_named(design)
    if mode != "forward" and not (placement_of(chosen).one_channel and placement_of(chosen).our_engine):
        raise Failure(f"the design {chosen.name} has no single attested channel: choose another, or `forward`")
    here, target = host_and_port(listen, EXAMPLE, least=0), host_and_port(connect, "127.0.0.1:4444")
    if not i_own_both_ends:
        _check_own(here[0], "--listen")
        _check_own(target[0], "--connect")
    trace = Trace(f"trustlab alice {mode}", "tcp")
    proxy = AliceProxy(msgspec.convert(mode, Mode), target, chosen, World(lab), trace, idle=idle)
    try:
        with watching(trace, quiet=quiet or as_json):
            asyncio.run(_serve(proxy, here, count, quiet=as_json))
    finally:
        _keep(trace, mode, pcapng, page)
    _tell(proxy, listen, connect, pcapng, as_json=as_json)


async def _serve(proxy: AliceProxy, here: tuple[str, int], count: int, *, quiet: bool) -> None:
    def ready(where: str) -> None:
        typer.echo(f"Alice listens on {where} and {MODES[proxy.mode]}.", err=quiet)

    try:
        await proxy.serve(*here, count=count, ready=ready)
    except (ConnectionRefusedError, TimeoutError) as error:
        raise Failure(f"{proxy.target}: nothing answers there. Is your server running there, on this port?") from error
    except OSError as error:
        raise Failure(f"cannot listen on {here[0]}, port {here[1]}: {why_not(error)}") from error


def _check_own(host: str, option: str) -> None:
    """Failure unless a host is this machine's own loopback."""
    try:
        own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost"
    if not own:
        raise Failure(
            f"{option} {host} is not this machine's loopback. Alice is for systems that are yours: if both ends are, "
            "give --i-own-both-ends"
        )


def _keep(trace: Trace, mode: str, pcapng: Path | None, page: Path | None) -> None:
    """Write what was asked for, also after Ctrl-C. A page of forwarded octets is that of the capture."""
    if pcapng is not None:
        write_trace(pcapng, trace)
    if page is None:
        return
    if mode != "forward":
        save_page(page, trace, secrets=True)
        return
    with TemporaryDirectory(prefix="trustlab-alice-") as folder:
        save_page(page, open_trace(write_trace(Path(folder, "forwarded.pcapng"), trace)), secrets=True)


def _tell(proxy: AliceProxy, listen: str, connect: str, pcapng: Path | None, *, as_json: bool) -> None:
    verdicts = proxy.verdicts
    outcomes = [verdict.outcome for verdict in verdicts]
    worst = next((each for each in ("succeeded", "refused", "failed") if each in outcomes), "unknown")
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "mode": proxy.mode,
                    "design": proxy.design.name,
                    "listen": listen,
                    "connect": connect,
                    "outcome": worst,
                    "connections": msgspec.to_builtins(verdicts),
                    "pcapng": str(pcapng) if pcapng else None,
                }
            )
        )
    else:
        for verdict in verdicts:
            typer.echo(f"{verdict.connection}: {verdict.outcome}. {verdict.sentence}")
    if worst == "succeeded":
        raise typer.Exit(1)
    if worst == "unknown":
        raise typer.Exit(NO_VERDICT)
