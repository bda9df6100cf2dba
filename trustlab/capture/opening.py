"""Open a recording of any kind: a trace of ours, or anybody's capture with a key log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.capture.errors import CaptureError
from trustlab.capture.limits import CaptureLimits
from trustlab.capture.offline import decode_pcapng
from trustlab.octets.files import UNPACKING_ERRORS, PackedFile, unpacking_error
from trustlab.trace import Trace
from trustlab.wire import MAGICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.capture.offline import CaptureProgress

_BLANKS = b" \t\r\n"
_SHOWN = 8


def open_trace(
    source: Trace | str | os.PathLike[str],
    *,
    keylog: str = "",
    limits: CaptureLimits | None = None,
    progress: Callable[[CaptureProgress], None] | None = None,
) -> Trace:
    """Return the trace that `source` is, or that the file at this path holds or decodes to.

    A file may be a trace (JSON Lines), pcapng or pcap, and packed by gzip. Of a capture as much is kept as `limits`
    say, by default what a page can show; `keylog` (NSS text) and `progress` are for captures. CaptureError or
    TraceFormatError if the file cannot be read, TypeError if `source` is neither a trace nor a path.
    """
    if isinstance(source, Trace):
        return source
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"a Trace is needed, or the path of a trace or a capture: this is {kind_in_words(source)}")
    path = Path(source)
    if _is_trace(path):
        return Trace.load(path)
    return decode_pcapng(path, keylog=keylog, limits=limits or CaptureLimits(), progress=progress)


def _is_trace(path: Path) -> bool:
    """Tell a trace from a capture by what the file begins with; CaptureError if it is neither."""
    try:
        if not (path.is_file() or path.is_dir()) and path.exists():  # opening a pipe would wait for its writer
            raise CaptureError(f"{path} is a pipe or a device. Save what it gives to a file, and open that.")
        with PackedFile(path) as file:
            beginning = file.beginning(_SHOWN)
    except UNPACKING_ERRORS as error:
        raise CaptureError(f"{path}: {unpacking_error(error)}") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero octet
        reason = getattr(error, "strerror", "") or "this is not the name of a file"
        raise CaptureError(f"{path} cannot be read: {reason}") from error
    if beginning[:4] in MAGICS:
        return False
    if beginning.lstrip(_BLANKS).startswith(b"{"):
        return True
    begins = f"It begins with the octets {beginning.hex(' ')}" if beginning else "It is empty"
    raise CaptureError(f"{path} is neither a trace of trustlab (JSON Lines) nor a pcapng or pcap file. {begins}.")


def kind_in_words(value: object) -> str:
    """Return what kind of thing a value is, with its article: "None", "a list", "an int"."""
    kind = type(value).__name__
    return "None" if value is None else f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
