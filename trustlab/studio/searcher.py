"""Searches beside the kernel: one thread, and the next question ends the search of the one before."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from trustlab.finder import FinderError
from trustlab.finder.search import SearchStoppedError
from trustlab.passage import DesignError
from trustlab.studio.answer import StudioAnswer, answer_of, key_of, turns_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.finder import Found
    from trustlab.finder.proposal import Proposal

KEPT = 512
"""How many answers are remembered."""


class Searcher:
    """Answers the newest question; `tell` gets each answer, in the thread, and once more when its turns are known.

    `close` ends the thread. A search looks at each state whether it is still wanted, so it ends within milliseconds.
    """

    def __init__(self, tell: Callable[[StudioAnswer], None]) -> None:
        self._tell = tell
        self._asked: Proposal | None = None
        self._closed = False
        self._news = threading.Condition()
        self._known: dict[str, tuple[StudioAnswer, Found | None]] = {}
        self._thread = threading.Thread(target=self._serve, name="studio searches", daemon=True)
        self._thread.start()

    def ask(self, proposal: Proposal) -> None:
        """Ask a question; the one before is forgotten."""
        with self._news:
            self._asked = proposal
            self._news.notify_all()

    def result(self, proposal: Proposal, seconds: float) -> tuple[StudioAnswer, Found | None]:
        """Wait for the answer to a question that was asked; TimeoutError if it does not come."""
        key = key_of(proposal)
        with self._news:
            if not self._news.wait_for(lambda: key in self._known, seconds):
                raise TimeoutError(f"the search has not ended after {seconds:g} seconds")
            return self._known[key]

    def close(self) -> None:
        """End the thread."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _serve(self) -> None:
        done: Proposal | None = None
        while True:
            with self._news:
                self._news.wait_for(lambda done=done: self._closed or self._asked is not done)  # type: ignore[misc]
                if self._closed or self._asked is None:
                    return
                done = self._asked
            try:
                self._answer(done)
            except SearchStoppedError:
                continue

    def _answer(self, proposal: Proposal) -> None:
        def stop() -> bool:
            return self._closed or self._asked is not proposal

        known = self._known.get(key_of(proposal))
        if known is None:
            try:
                found = proposal.search(stop=stop)
                known = answer_of(proposal, found), found
            except SearchStoppedError:
                raise
            except (DesignError, FinderError) as error:
                known = StudioAnswer(key_of(proposal), error=str(error)), None
            self._keep(known)
        answer, found_before = known
        self._tell(answer)
        if answer.turns is None and not answer.error:
            answer = msgspec.structs.replace(answer, turns=turns_of(proposal, answer.verdict, stop))
            self._keep((answer, found_before))
            self._tell(answer)

    def _keep(self, known: tuple[StudioAnswer, Found | None]) -> None:
        with self._news:
            while len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[known[0].key] = known
            self._news.notify_all()
