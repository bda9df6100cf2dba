"""`trustlab sign`: sign Reference Values or a revocation list with Bob's key of a lab."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from trustlab.attest import sign_file, sign_revocations
from trustlab.cli.failure import Failure, octets_of
from trustlab.cloud import World


def sign(
    file: Annotated[Path, typer.Argument(help="Reference Values or a revocation list (TOML), not signed yet.")],
    *,
    lab: Annotated[Path, typer.Option(help="The lab folder, which holds Bob's key (bob.pem).")] = Path("trustlab-lab"),
    out: Annotated[Path | None, typer.Option(help="Where to write the signed file; else it is printed.")] = None,
) -> None:
    """Sign a file as Bob, so that others can tell that it is his: the signature becomes its last line."""
    octets = octets_of(file)
    try:
        text = octets.decode()
        kind = sign_file if "hypersafe" in tomllib.loads(text) else sign_revocations
    except (ValueError, RecursionError) as error:
        raise Failure(f"{file} is not TOML that can be signed") from error
    signed = kind(text, World(lab).publisher)
    if out is None:
        typer.echo(signed, nl=False)
    else:
        out.write_text(signed, "utf-8")
