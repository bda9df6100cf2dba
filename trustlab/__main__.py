"""Where the `trustlab` command begins: a Ctrl-C while everything is still being imported is a clean end, too.

SIGTERM, by which a service manager or `kill` ends a command, ends it as Ctrl-C does: whatever was started or laid down
is taken away. Only the exit code differs.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Import the command and run it."""
    pressed: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a job in the background ignores it
        signal.signal(signal.SIGINT, note)
    try:
        from trustlab.cli import main as run  # noqa: PLC0415 - the import takes most of a second
    except BaseException:
        if pressed:
            sys.exit(INTERRUPTED)
        raise
    if signal.getsignal(signal.SIGINT) is note:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:  # raised where a library under way swallowed it
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
