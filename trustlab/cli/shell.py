"""The shell of `trustlab cloud` and `trustlab tpm`: commands from a prompt or from --run; an error is one sentence."""

from __future__ import annotations

import cmd
from typing import Annotated

import typer

from trustlab.cli.failure import Failure, plain

RunOption = Annotated[
    str, typer.Option("--run", help="Run these commands, separated by ';', instead of prompting for them.")
]


class Shell(cmd.Cmd):
    """Commands, one `do_` method each. A command that fails prints a sentence, and the shell goes on."""

    errors: tuple[type[Exception], ...] = (Failure,)
    """The errors whose message is a sentence for the user."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        """Whether a command has failed."""

    def tell_error(self, sentence: str) -> None:
        """Print why a command failed."""
        self.stdout.write(f"✘ {sentence}\n")

    def onecmd(self, line: str) -> bool:
        """Run one command; a known error is printed, not raised. Return whether the shell should end."""
        try:
            return bool(super().onecmd(_utf8(line)))
        except self.errors as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(f"{error.filename or line.partition(' ')[2]}: {(error.strerror or 'it failed').lower()}")
        return False

    def emptyline(self) -> bool:
        """Do nothing; `cmd` itself would run the last command again."""
        return False

    def default(self, line: str) -> None:
        raise Failure(f"there is no command {line.split(maxsplit=1)[0]!r}; `help` lists the commands")

    def _fail(self, sentence: str) -> None:
        self.failed = True
        self.tell_error(plain(sentence))


def _utf8(line: str) -> str:
    """Return the line; Failure if it was not UTF-8 (Python then has lone surrogates in it, PEP 383)."""
    try:
        line.encode()
    except UnicodeEncodeError:
        raise Failure("this line is not UTF-8 text: type it again") from None
    return line


def drive(shell: Shell, run: str) -> None:
    """Run the commands in `run`, or prompt for commands if it is empty; exit with 1 if a command in `run` failed."""
    if not run:
        shell.cmdloop()
        return
    for line in run.split(";"):
        shell.onecmd(line.strip())
    if shell.failed:
        raise typer.Exit(1)
