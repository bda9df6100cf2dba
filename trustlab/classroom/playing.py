"""Play a run in a notebook: show it while it grows, and say how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trustlab.scenarios import Outcome
    from trustlab.trace import Trace


class Playable(Protocol):
    """An act, or whatever plays as one does."""

    trace: Trace

    def run(self) -> Outcome: ...

    def close(self) -> None: ...


_played: list[Playable] = []


def play(act: Playable, *, show: bool = True) -> Outcome:
    """Play an act, with its picture above the sentence that says how it ended; return its outcome.

    The picture grows while the act plays, and has this run's secrets in it. `show=False` prints the sentence only. What
    was played stays open, for its picture; `close` ends it all.
    """
    _played.append(act)
    if not show:
        outcome = act.run()
    else:
        from IPython.display import display  # noqa: PLC0415 - in a notebook only

        from trustlab.inspector import Inspector  # noqa: PLC0415 - anywidget only where it is asked for

        picture = Inspector(act, secrets=True)
        display(picture)  # type: ignore[no-untyped-call]
        outcome = act.run()
        picture.flush()
    print(outcome.sentence)  # noqa: T201 - it belongs under the picture
    return outcome


def close() -> str:
    """End everything that `play` has played. The last cell of a notebook calls it; twice does no harm."""
    acts, _played[:] = _played[:], []
    for act in acts:
        act.close()
    return f"{len(acts)} {'run' if len(acts) == 1 else 'runs'} closed."
