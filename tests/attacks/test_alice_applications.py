"""What Alice says inside a channel: three applications, octets in and octets out."""

from __future__ import annotations

import pytest

from trustlab.attacks.alice.applications import (
    NOTHING_TO_SHOW,
    STATEMENT,
    THANKS,
    Ask,
    Frames,
    ListenAndThank,
    Relay,
    ShowEvidence,
)
from trustlab.attacks.alice.authenticators import RelayOrThank
from trustlab.passage.exchange import frame

ORDER = b"PAY 120.00 TO carol PIN 471100\n"


class Other:
    """The other channel of a relay."""

    def __init__(self):
        self.said = []
        self.closed = 0

    def write(self, data):
        self.said.append(data)

    def close(self):
        self.closed += 1


def relay(kind=Relay, **how):
    made = kind(**how)
    made.other = Other()
    return made


def test_a_relay_passes_on_what_it_reads_and_says_its_own_words_first():
    made = relay(opening=STATEMENT)
    assert made.connected() == STATEMENT
    assert made.received(ORDER) == b""
    assert made.other.said == [ORDER]


def test_a_relay_that_answers_the_first_thing_itself_passes_on_only_the_next():
    made = relay(first=NOTHING_TO_SHOW)
    assert made.received(b"a question") == NOTHING_TO_SHOW
    assert made.received(ORDER) == b""
    assert made.other.said == [ORDER]


def test_a_relay_that_keeps_everything_to_itself_says_nothing_of_it():
    made = relay(passes=False)
    assert made.received(ORDER) == b""
    assert made.other.said == []


@pytest.mark.parametrize(("stays", "closed"), [(False, 1), (True, 0)])
def test_a_relay_closes_the_other_channel_unless_it_stays(stays, closed):
    made = relay(stays=stays)
    made.closed(None)
    assert made.other.closed == closed


def test_a_relay_without_another_channel_is_quiet():
    alone = Relay(STATEMENT)
    assert (alone.connected(), alone.received(ORDER), alone.finished) == (STATEMENT, b"", False)
    alone.closed(None)


@pytest.mark.parametrize("passes", [True, False])
def test_in_the_servers_place_she_thanks_where_no_server_listens(passes):
    made = relay(RelayOrThank, passes=passes)
    assert made.received(ORDER) == THANKS
    assert made.other.said == []


@pytest.mark.parametrize("ends", [b"\n", b"\0", b"."])
def test_a_question_is_told_from_an_order_by_its_place_and_not_by_its_last_octet(ends):
    clone = ShowEvidence(b"", 1)
    assert clone.received(frame(b"nonce" + ends)) == NOTHING_TO_SHOW
    assert clone.received(ORDER[:-1] + ends) == THANKS
    assert ListenAndThank().received(ORDER) == THANKS


def test_evidence_is_shown_once_and_an_order_that_came_with_the_last_frame_is_thanked_for():
    bank = ShowEvidence(b"evidence", 2, opening=frame(b"question"))
    assert bank.connected() == frame(b"question")
    asked = frame(b"nonce")
    assert bank.received(asked[:5]) == b""
    assert bank.received(asked[5:]) == frame(b"evidence")
    assert bank.received(frame(b"theirs") + ORDER) == THANKS
    assert bank.received(ORDER) == THANKS


def test_whoever_asks_keeps_the_last_frame_it_waited_for_and_leaves():
    visit = Ask(frame(b"nonce"), 2)
    assert visit.connected() == frame(b"nonce")
    visit.received(frame(b"their question"))
    assert not visit.finished
    visit.received(frame(b"evidence")[:4])
    assert not visit.finished
    visit.received(frame(b"evidence")[4:])
    assert (visit.answer, visit.finished) == (b"evidence", True)


@pytest.mark.parametrize(("frames", "finished"), [(0, True), (None, False)])
def test_whoever_waits_for_nothing_leaves_and_whoever_waits_for_no_number_stays(frames, finished):
    visit = Ask(STATEMENT, frames)
    assert visit.connected() == STATEMENT
    assert visit.received(frame(b"anything")) == b""
    assert (visit.answer, visit.finished) == (b"", finished)


def test_no_more_frames_are_taken_than_were_asked_for():
    frames = Frames()
    assert frames.feed(frame(b"one") + frame(b"two") + b"rest", 1) == [b"one"]
    assert frames.rest == frame(b"two") + b"rest"
    assert frames.feed(b"", 5) == [b"two"]
    assert frames.rest == b"rest"
