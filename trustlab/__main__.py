"""Where the `trustlab` command begins: a Ctrl-C while everything is still being imported is a clean end, too."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Import the command and run it."""
    try:
        from trustlab.cli import main as run  # noqa: PLC0415 - the import takes most of a second
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
