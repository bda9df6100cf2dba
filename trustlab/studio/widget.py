"""The studio in a notebook: chips above, the verdict beneath them, and the inspector below once something was played.

Neither a search nor a run keeps the kernel: each has a thread of its own, and every button is a call.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import msgspec
import traitlets

from trustlab.finder import DEFAULT
from trustlab.finder.proposal import Proposal, proposal_of
from trustlab.inspector import Inspector
from trustlab.inspector.join import STATIC
from trustlab.inspector.stills import Stills
from trustlab.passage import Design, design_of
from trustlab.scenarios.found import Ran, run_finding
from trustlab.studio.answer import StudioAnswer, choices
from trustlab.studio.page import save_studio_page
from trustlab.studio.searcher import Searcher
from trustlab.studio.still import answer_html, answer_text

if TYPE_CHECKING:
    from pathlib import Path

    from trustlab.finder import Found
    from trustlab.scenarios import Act

PATIENCE = 60.0
"""Seconds that Python waits for an answer."""


class StudioBoard(anywidget.AnyWidget):  # type: ignore[misc]
    """The chips and the verdict, without the inspector. A page sets `choice`; `answer` and `played` come back."""

    _esm = STATIC / "studio.js"
    _css = STATIC / "studio.css"
    choices = traitlets.Dict().tag(sync=True)
    choice = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    played = traitlets.Dict().tag(sync=True)
    _still = traitlets.Unicode(default_value="").tag(sync=True)


class Studio(ipywidgets.VBox):  # type: ignore[misc]
    """Propose a design, and see at once what the finder says.

    `design` is a `Design` or its name. `choose` changes a choice as a click does, `found` is the finder's answer,
    `run` plays it and opens the inspector beneath, `python` is a program that does the same. `close` ends it all.
    """

    def __init__(
        self,
        design: Design | str = "trusted-passage",
        powers: tuple[str, ...] = DEFAULT,
        goal: str = "pin",
        *,
        replay: bool = False,
    ) -> None:
        self._proposal = proposal_of(
            design if isinstance(design, Design) else design_of(design), powers, goal, replay=replay
        )
        self._answer = StudioAnswer(self._proposal.key)
        self._playing: threading.Thread | None = None
        self._ran: Ran | None = None
        self._act: Act | None = None
        self._stills = Stills(f"tl-still-{uuid.uuid4().hex}", self._pictures)
        self._searcher = Searcher(self._answered)
        self.board = StudioBoard(
            choices=choices(), choice=msgspec.to_builtins(self._proposal), _still=self._stills.name
        )
        super().__init__((self.board,))
        self.board.observe(self._chosen, "choice")
        self.board.on_msg(self._heard)
        self._searcher.ask(self._proposal)

    @property
    def proposal(self) -> Proposal:
        """The choices as they are now."""
        return self._proposal

    @property
    def found(self) -> Found:
        """What the finder says about the choices; waits for it. DesignError or FinderError if they cannot be."""
        proposal = self._proposal
        answer, found = self._searcher.result(proposal, PATIENCE)
        return found if found is not None and not answer.error else proposal.search()

    @property
    def python(self) -> str:
        """A program that searches the same, prints the answer and plays it."""
        self.found  # noqa: B018 - raises what is wrong with the choices
        return self._searcher.result(self._proposal, PATIENCE)[0].python

    @property
    def ran(self) -> Ran | None:
        """What the last run led to; None before its end."""
        return self._ran

    def choose(self, **changes: object) -> None:
        """Change choices by the names of a `Proposal`: `choose(powers=("ca", "copy"), client=None)`.

        msgspec.ValidationError names a choice that there is not.
        """
        wanted = msgspec.to_builtins(msgspec.structs.replace(self._proposal, **changes))
        msgspec.convert(wanted, Proposal)
        self.board.choice = wanted

    def run(self) -> None:
        """Play what was found, and open the inspector on it; returns at once. A run that goes on is not disturbed."""
        if self._playing is not None and self._playing.is_alive():
            return
        found = self.found
        self._ran = None
        self._playing = threading.Thread(target=self._play, args=(found,), name="studio plays", daemon=True)
        self._playing.start()

    def wait(self) -> Ran | None:
        """Wait for the end of a run, and return what it led to."""
        if self._playing is not None:
            self._playing.join()
        return self._ran

    def save_page(self, path: str | Path) -> Path:
        """Write the studio as one HTML page that works from a file, on the precomputed atlas."""
        return save_studio_page(path, self._proposal)

    def close(self) -> None:
        """End the search and the run, and close the inspector."""
        self._searcher.close()
        self._stills.stop()
        if self._act is not None:
            self._act.close()
        if self._playing is not None and self._playing is not threading.current_thread():
            self._playing.join(5)
        for child in self.children:
            child.close()
        super().close()

    # Searching

    def _chosen(self, change: dict[str, Any]) -> None:
        """Search what a page chose. What it should not have sent gets a sentence, never an exception in the kernel."""
        try:
            self._proposal = msgspec.convert(change["new"], Proposal)
        except msgspec.ValidationError as error:
            self.board.answer = msgspec.to_builtins(StudioAnswer("", error=f"The page sent an unknown choice: {error}"))
            return
        self._searcher.ask(self._proposal)

    def _answered(self, answer: StudioAnswer) -> None:
        self._answer = answer
        self.board.answer = msgspec.to_builtins(answer)
        self._stills.changed()

    # Playing

    def _heard(self, _board: object, content: object, _buffers: object) -> None:
        """Do what a page asks for."""
        if not isinstance(content, dict) or content.get("type") != "run":
            self._say("failed", "This version does not know what the page asks for.")
            return
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - a page must not break the kernel that it asks
            self._say("failed", f"That cannot be played: {error}")

    def _play(self, found: Found) -> None:
        self._say("playing", "The lab plays it, with real TPMs and real TLS.")
        try:
            self._ran = run_finding(found, watch=self._watch)
        except Exception as error:  # noqa: BLE001 - the thread has nobody else to tell
            self._say("failed", f"That could not be played: {error}")
            return
        finally:
            self._act = None
        self._say("over", self._ran.sentence, self._ran)

    def _watch(self, act: Act) -> None:
        """Open the inspector on an act that is about to be played; the one before is closed."""
        self._act = act
        before = self.children[1:]
        self.set_trait("children", (self.board, Inspector(act, secrets=True)))
        for each in before:
            each.close()

    def _say(self, state: str, sentence: str, ran: Ran | None = None) -> None:
        told = {"outcome": ran.outcome, "as_found": ran.as_found} if ran else {}
        self.board.played = {"state": state, "sentence": sentence, "key": self._answer.key, **told}

    # Without a live kernel

    def _pictures(self) -> dict[str, str]:
        """Return the answer as words by media types, for readers without a kernel."""
        return {"text/html": answer_html(self._proposal, self._answer), "text/plain": answer_text(self._answer)}

    def _ipython_display_(self) -> None:
        """Show the widget, and behind it the answer in words, which is renewed."""
        shown = self._repr_mimebundle_()
        self._stills.show(dict(shown[0] if isinstance(shown, tuple) else shown or {}))
