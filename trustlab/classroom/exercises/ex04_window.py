"""04-window: how long what was checked could change without anybody noticing."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played
from trustlab.trace import Trace  # noqa: TC001 - as in the notebook

CLOSE = 1e-3
"""Seconds by which a moment may be missed."""


def window(trace: Trace) -> tuple[float, float]:
    """Return (begin, end) of the window, in seconds of the trace.

    It begins when what was checked could change without the teller noticing, and ends when the PIN leaves.
    `trace.select("tpm.command", party="bank", name="TPM2_Quote")`, `trace.select("appraisal", party="teller")` and
    `trace.select("app", party="teller", name="connected")` give lists of events; each has a `.time`.
    """
    quoted = trace.select("tpm.command", party="bank", name="TPM2_Quote")[0]
    paid = trace.select("app", party="teller", name="connected")[0]
    return quoted.time, paid.time


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - a fresh run each time
    """Play the redirect, and compare both ends of the window."""
    trace = played("attest-then-connect", "toctou-redirect").trace
    quoted = trace.select("tpm.command", party="bank", name="TPM2_Quote")[0].time
    accepted = trace.select("appraisal", party="teller")[0].time
    hello = trace.select("tls.message", party="teller", name="ClientHello")[0].time
    sent = trace.select("app", party="teller", name="connected")[0].time
    got = answer(trace)
    if not isinstance(got, tuple) or len(got) != 2 or not all(isinstance(time, int | float) for time in got):
        return wrong(f"Return two times, (begin, end). You returned {got!r}.")
    begin, end = got
    if abs(end - hello) < CLOSE < abs(sent - hello):
        return wrong(
            f"You closed the window at the ClientHello, {1000 * (sent - hello):.1f} ms too early. It closes when the PIN "
            "leaves: until then a change still matters.",
            trace=trace,
        )
    if abs(end - sent) > CLOSE:
        return wrong("The end is not right: the window closes when the PIN leaves the teller.", trace=trace)
    if abs(begin - accepted) < 1e-6:
        return wrong(
            "You began when the evidence was accepted. The machine was free to change "
            f"{1000 * (accepted - quoted):.1f} ms earlier, as soon as its TPM had signed.",
            look="the command Quote beside the bank",
            trace=trace,
        )
    if abs(begin - quoted) > CLOSE:
        return wrong("The beginning is not right. When did the TPM look at its PCRs for the last time?", trace=trace)
    return right(
        f"The window is {1000 * (sent - quoted):.1f} ms wide here, and Alice decides how wide: she can hold the second "
        "connection for an hour.",
        trace=trace,
    )


def _from_acceptance(trace: Trace) -> tuple[float, float]:
    sent = trace.select("app", party="teller", name="connected")[0].time
    return trace.select("appraisal", party="teller")[0].time, sent


def _to_the_hello(trace: Trace) -> tuple[float, float]:
    return window(trace)[0], trace.select("tls.message", party="teller", name="ClientHello")[0].time


EXERCISE = Exercise(
    id="04-window",
    task="How long was the gap between check and use?",
    hints=(
        "When is the machine's state fixed in the evidence? Not when the evidence arrives.",
        "The TPM signs at TPM2_Quote. From then on the machine may do what it likes.",
        "begin: the time of the bank's command TPM2_Quote. end: the time of the teller's app event \"connected\".",
    ),
    judge=_judge,
    solution=window,
    given="from trustlab.trace import Trace",
    wrong={
        "from acceptance": (_from_acceptance, "as soon as its TPM had signed"),
        "to the hello": (_to_the_hello, "closes when the PIN leaves"),
        "one number": (lambda trace: trace.ordered()[-1].time, "Return two times"),
        "the whole run": (lambda trace: (0.0, window(trace)[1]), "for the last time"),
    },
    varies="the run",
)
