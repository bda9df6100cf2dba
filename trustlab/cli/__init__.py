"""The `trustlab` command: a module for each group of sub-commands, errors as one sentence, Ctrl-C that cleans up."""

from __future__ import annotations

import functools
import io
import os
import sys
from typing import Any

import typer
import typer.main
from rich.console import Console
from rich.text import Text

from trustlab import __version__
from trustlab.attacks import CatalogueError
from trustlab.attest import AttestError
from trustlab.capture import CaptureError
from trustlab.cli import ending
from trustlab.cli.ablation import ablation
from trustlab.cli.alice import alice
from trustlab.cli.ca import ca
from trustlab.cli.cloud import cloud
from trustlab.cli.course import answers, grade
from trustlab.cli.demo import demo
from trustlab.cli.doctor import doctor
from trustlab.cli.failure import Failure, plain
from trustlab.cli.find import find_attack, models, show_atlas
from trustlab.cli.goals import goals
from trustlab.cli.inspect import inspect
from trustlab.cli.lab import lab
from trustlab.cli.matrix import matrix
from trustlab.cli.passage import connect, serve
from trustlab.cli.sign import sign
from trustlab.cli.tamper import tamper
from trustlab.cli.third_party import third_party
from trustlab.cli.tls import s_client, s_server
from trustlab.cli.tpm import tpm
from trustlab.cli.verify import verify
from trustlab.cloud import CloudError
from trustlab.finder import FinderError
from trustlab.passage import DesignError
from trustlab.tls import TlsError
from trustlab.tpm import TpmError
from trustlab.trace import TraceFormatError
from trustlab.wire import EndpointError, WireError

__all__ = ["Failure", "app", "main"]

INTERRUPTED = 130
OWN_FAULT = 3
DEBUG = "TRUSTLAB_DEBUG"
"""The environment variable that makes a bug, also that of an attack's program, show its traceback."""
KNOWN = (
    Failure,
    CaptureError,
    CatalogueError,
    CloudError,
    DesignError,
    FinderError,
    TpmError,
    AttestError,
    TlsError,
    TraceFormatError,
    WireError,
)
"""Errors whose message is a sentence for the user."""
app = typer.Typer(
    help=(
        "Watch the owner of a data centre break plain TLS, and fail against a trusted passage: "
        "a TLS handshake bound to TPM attestation, with TPM emulators and real TLS on the wire."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(demo)
app.command()(lab)
app.command()(doctor)
app.command()(cloud)
app.command()(inspect)
app.command()(matrix)
app.command()(ablation)
app.command()(goals)
app.command("third-party")(third_party)
app.command()(tamper)
app.command("find")(find_attack)
app.command("atlas")(show_atlas)
app.command()(models)
app.command()(serve)
app.command()(connect)
app.command()(alice)
app.command()(ca)
app.command()(sign)
app.command()(tpm)
app.command()(verify)
app.command()(grade)
app.command()(answers)
app.command("s_server")(s_server)
app.command("s_client")(s_client)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"trustlab {__version__}")


def main() -> None:
    """Run the command; a known failure prints one sentence to stderr, Ctrl-C ends everything that was started."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without arrows gets question marks, not an exception
    ending.arm()
    try:
        code = _run()
        code = _flushed(code)
    except KeyboardInterrupt:  # after the command has ended
        code = _interrupted()
    ending.disarm()
    sys.exit(code)


@functools.cache
def _command() -> Any:  # noqa: ANN401 - click's, or typer's own copy of it, by version
    """Make what typer reads from the functions above: once a process, since it takes longer than most commands."""
    return typer.main.get_command(app)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError as error:
        sys.stderr.write(f"trustlab: the output could not be written: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or 1
    return code


def _run() -> int:
    errors = Console(stderr=True, highlight=False)
    try:
        code: int = _command()(standalone_mode=False) or 0
        return _interrupted() if code == INTERRUPTED else code  # some versions of typer raise, others return this code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except KNOWN as error:
        if isinstance(error, EndpointError) and os.environ.get(DEBUG):
            raise  # a program that somebody writes may have raised it
        _tell(errors, str(error))
        return 1
    except OSError as error:
        _tell(errors, f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 1
    except Exception as error:
        if hasattr(error, "format_message"):
            _tell(errors, error.format_message())
            return 2
        if os.environ.get(DEBUG):
            raise
        _tell(errors, f"this is a bug in trustlab ({type(error).__name__}): set {DEBUG}=1 to see the traceback.")
        return OWN_FAULT


def _interrupted() -> int:
    """Say that the command was interrupted; further signals are ignored."""
    ending.disarm()
    errors = Console(stderr=True, highlight=False)
    errors.print("[bold]interrupted[/bold]: everything that was started has been stopped.")
    return ending.code()


def _tell(errors: Console, sentence: str) -> None:
    if sentence:
        errors.print(Text.assemble(("trustlab: ", "bold red"), plain(sentence)))
