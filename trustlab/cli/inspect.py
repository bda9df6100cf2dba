"""`trustlab inspect`: open a trace, a capture or a live server, as a page, in the terminal or as JSON."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from trustlab import tls
from trustlab.capture import CaptureError, open_trace
from trustlab.cli.failure import Failure, host_and_port, plain
from trustlab.cli.tls import connected, roots
from trustlab.cli.tls_service import announce
from trustlab.cli.tls_talk import Echo, converse
from trustlab.inspector import TerminalLadder
from trustlab.inspector.export import save_page
from trustlab.inspector.report import report
from trustlab.inspector.terminal_browser import NoTerminalError, browse
from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.passage import TlsEndpoint
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace, TraceFormatError

if TYPE_CHECKING:
    from trustlab.capture import CaptureProgress

PATIENCE = 1.0
"""Seconds of silence before the first word of progress."""
INTERVALS = {True: 0.2, False: 5.0}
"""Seconds between two words of progress, by whether they are read on a terminal, where they replace each other."""


def inspect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|HOST:PORT",
            help="A trace (.jsonl), a capture (pcapng, pcap), each also packed by gzip; or a server.",
        ),
    ],
    *,
    keylog: Annotated[
        Path | None, typer.Option(help="Secrets that open the capture (SSLKEYLOGFILE, NSS format).")
    ] = None,
    secrets: Annotated[bool, typer.Option(help="Show decrypted data and keys, too.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the inspector as one page to this file.")] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Look at it here, by keyboard.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print connections, messages and fields as JSON.")] = False,
    ca: Annotated[Path | None, typer.Option("--ca", help="For HOST:PORT: PEM file of roots to trust.")] = None,
    insecure: Annotated[bool, typer.Option(help="For HOST:PORT: accept any certificate.")] = False,
) -> None:
    """Open a trace, a capture or a live server: every message and field, in a page, in the terminal or as JSON."""
    if terminal and as_json:
        raise typer.BadParameter("--terminal and --json exclude each other: choose one")
    text = _keylog(keylog) if keylog is not None else ""
    try:
        trace = _opened(source, text, ca=ca, insecure=insecure)
    except (CaptureError, TraceFormatError, Failure) as error:
        if as_json:
            _print_json(report(Trace(), source) | {"notes": [str(error)]})
        raise Failure(str(error)) from error
    if html is not None:
        _save(trace, html, secrets=secrets)
        typer.echo(f"written to {html}", err=as_json)
    if as_json:
        _print_json(report(trace, source, secrets=secrets))
    elif terminal:
        _browse(trace, secrets=secrets)
    elif html is None:
        _show(trace, source, secrets=secrets)
    if not _decoded(trace):
        raise Failure("" if as_json else f"nothing could be decoded in {source}. {_read(trace)}".strip())


def _browse(trace: Trace, *, secrets: bool) -> None:
    """Show the trace by keyboard; without a terminal print it whole, and say why."""
    try:
        browse(trace, secrets=secrets)
    except NoTerminalError as error:
        typer.echo(f"{error}: here is the whole ladder.", err=True)
        with TerminalLadder(Console(highlight=False), lifelines=()) as printed:
            printed.attach(trace)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=1))


def _keylog(path: Path) -> str:
    try:
        return read_file(path, LONGEST_RECORDING).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "this is not the name of a file"
        raise typer.BadParameter(f"--keylog {path} cannot be read: {reason.lower()}") from error


def _opened(source: str, keylog: str, *, ca: Path | None, insecure: bool) -> Trace:
    """Open what is named: a path that exists, else a server."""
    if os.path.lexists(source) if "\0" not in source else False:
        progress = _Progress()
        try:
            return open_trace(source, keylog=keylog, progress=progress)
        finally:
            progress.end()
    if not re.fullmatch(r".+:[0-9]+", source):
        raise typer.BadParameter(f"{source!r} is neither a file nor HOST:PORT (as in localhost:4433)")
    try:
        host, port = host_and_port(source, "localhost:4433")
    except Failure as error:
        raise typer.BadParameter(str(error)) from error
    return _live(host, port, ca=ca, insecure=insecure)


def _live(host: str, port: int, *, ca: Path | None, insecure: bool) -> Trace:
    """Make a connection with our engine, end it, and return what happened; a refusal is part of that."""
    configured = UncheckedClientConfig if insecure else tls.ClientConfig
    config = configured(server_name=host, trust=None if insecure else roots(ca))
    trace = Trace(f"{host}:{port}", "tcp")
    with connected(host, port) as sock:
        announce(trace, sock, "client", "server")
        observer = tls.TraceObserver(trace.party("client"), "c", role="client")
        end = TlsEndpoint(tls.Client(config), _Greeting(), observer=observer)
        converse(sock, end, stdin=False)
    if end.error is not None:
        trace.append("client", "note", "the connection failed", connection="c", data={"sentence": str(end.error)})
    return trace


class _Greeting(Echo):
    """Ends the connection as soon as it stands, before a server has said anything that would be echoed."""

    finished = True


def _decoded(trace: Trace) -> bool:
    """Whether there is anything to look at: messages of a capture, or any event of a trace of ours."""
    captured = bool(trace.select("capture"))
    return bool(trace.select("tls.message")) if captured else bool(len(trace))


def _read(trace: Trace) -> str:
    return " ".join(str(event.data.get("sentence", "")) for event in trace.select("capture"))


def _save(trace: Trace, path: Path, *, secrets: bool) -> None:
    try:
        save_page(path, trace, secrets=secrets)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "this is not the name of a file"
        raise Failure(f"cannot write {path}: {reason.lower()}") from error


def _show(trace: Trace, source: str, *, secrets: bool) -> None:
    """Write the page to a folder of its own and open it in a browser, or say where it is."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", Path(source).name).strip("-")[:60] or "trace"
    path = Path(tempfile.mkdtemp(prefix="trustlab-inspect-")) / f"{name}.html"
    _save(trace, path, secrets=secrets)
    shown = _has_display() and webbrowser.open(path.as_uri())
    typer.echo(f"opened in the browser: {path}" if shown else f"the page is {path}: open it in a browser")
    if trace.select("secret") and not secrets:
        typer.echo("Decrypted data and keys are left out; --secrets shows them.", err=True)


def _has_display() -> bool:
    """Whether a browser would have a window. A text browser in this terminal could not run the page."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


class _Progress:
    """Says on standard error how far the reading has come, once it takes longer than a moment."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + PATIENCE
        self._said = False

    def __call__(self, progress: CaptureProgress) -> None:
        """Say it, if it is time again."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next, self._said = now + INTERVALS[self._terminal], True
        share = f"{100 * progress.done // progress.size} % of {progress.size / 1e6:,.0f} MB, " if progress.size else ""
        what = f"{progress.packets:,} packets" if progress.packets else "looking for keys"
        sentence = f"reading: {share}{what}"
        sys.stderr.write(f"\r{sentence}\x1b[K" if self._terminal else f"{plain(sentence)}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._said and self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
