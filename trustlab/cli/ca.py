"""`trustlab ca`: a lab's authorities over the network, for hosts that must not share its private keys."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from trustlab.cli.failure import Failure
from trustlab.cloud import World
from trustlab.cloud.remote_ca import CaService

ROOT = "root.pem"


def ca(
    *,
    lab: Annotated[Path, typer.Option(help="The lab folder; its private keys stay in it.")] = Path("trustlab-lab"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")] = 4545,
    name: Annotated[
        list[str] | None, typer.Option(help="A name or address by which others reach this host; repeatable.")
    ] = None,
) -> None:
    """Certify the machines of a lab on other hosts, over TLS 1.3.

    It writes root.pem into the lab folder. Hand that file over, and on the other host:

    trustlab connect HOST:4444 --ca THIS_HOST:4545 --root root.pem

    Ctrl-C ends the service.
    """
    world = World(lab)
    root = lab / ROOT
    root.write_text(world.web_ca.root_pem, "ascii")
    service = CaService(world)
    names = list(dict.fromkeys(["localhost", "127.0.0.1", *(name or ())]))
    try:
        socket.getaddrinfo(host, port)  # `create_server` forgets to close its socket if it is not a name at all
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not an address of this host"
        raise Failure(f"cannot listen on {host}, port {port}: {why.lower()}") from error
    with listener:
        try:
            context = service.context(names)
        except ValueError as error:
            raise Failure("--name takes DNS names in ASCII (an IDN in its xn-- form) and IP addresses") from error
        typer.echo(f"certifying on {host}:{listener.getsockname()[1]}, under {root}")
        service.run(listener, context)
