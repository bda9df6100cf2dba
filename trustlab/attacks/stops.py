"""What stopped Alice in one run, taken from the trace: a check, an alert, a TPM's code, an isolation or a limit.

The order of the questions matters. A check that refused says more than the alert that followed it, and a TPM that did
not obey says more than the alert of whoever had asked it. What an attack claims about itself is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.attacks.holders import trusted_channels
from trustlab.attacks.measures import answers, quotes_for
from trustlab.capture import knowledge
from trustlab.tls.hpke import KEY_NAME
from trustlab.tls.registry import AlertDescription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.attacks.attack import Prize
    from trustlab.trace import Trace

ROOT, GENUINE_HYPERVISOR = "root VM", "HyperSafe"
FATAL = 2
WARNING, IN_WARNINGS = 0x900, 0xF80
LOCALITY = 0x907
PCR_CHANGED = 0x128
LIMIT = "used up its quotes"
NO_ANSWER = "no answer"
"""The stop of a run in which nobody refused anything, and somebody waits for ever."""


class Stop(NamedTuple):
    """What stopped her: `by` are names (all checks that failed, an alert, a code of a TPM, ...), and a sentence."""

    by: tuple[str, ...]
    sentence: str


def stop_of(trace: Trace, prize: Prize, *, adversary: str = "alice") -> Stop | None:
    """Return what stopped an attack on a prize in a run in which she did not get it; None if nothing did."""
    questions: tuple[Callable[[Trace, Prize, str], Stop | None], ...] = (
        _check,
        _measured,
        _tpm,
        _hypervisor,
        _alert,
        _sealed,
        _no_key_on_disk,
        _no_keys,
    )
    return next((stop for question in questions if (stop := question(trace, prize, adversary))), None)


def _check(trace: Trace, _prize: Prize, adversary: str) -> Stop | None:
    """A relying party's first refusal, with all checks that failed there."""
    for event in trace.select("appraisal", name="refused"):
        if event.party != adversary:
            failed = event.data.get("failed")
            names = tuple(map(str, failed)) if isinstance(failed, list) else (str(event.data["refused_by"]),)
            told = " and ".join(f"'{name}'" for name in names)
            return Stop(names, f"The {event.party} refused the evidence: {told} failed.")
    return None


def _measured(trace: Trace, prize: Prize, adversary: str) -> Stop | None:
    """A limit, or an answer that says nothing: what attacks on answers and on the service meet."""
    if prize == "oracle":
        said = answers(trace, adversary)
        if len(said) < 2 or len(set(said.values())) > 1:
            return None
        return Stop(("one answer",), f"The bank's {len(said)} answers are alike, byte for byte.")
    if prize == "quotes":
        made = quotes_for(trace)[adversary]
        limited = [e for e in trace.select("note", name="no evidence") if LIMIT in str(e.data["sentence"])]
        if limited:
            told = f"The bank's TPM made {made} quotes for her and refused {len(limited)} more."
            return Stop(("paced quotes",), told)
        return Stop(("handshake first",), "Her unfinished handshakes led to no quote.") if not made else None
    if prize == "service" and trace.select("app", party="bank", name="payment"):
        gated = [e for e in trace.select("machine", name="gate refused") if e.data["client"] == ROOT]
        retried = [e for e in trace.select("tpm.response") if e.data["rc"] == PCR_CHANGED]
        by = (("the gate",) if gated else ()) + (("another try",) if retried else ())
        told = f"The gate refused {len(gated)} commands of hers, and HyperSafe repeated {len(retried)} of its own."
        return Stop(by, f"The payment went through. {told}") if by else None
    return None


def _tpm(trace: Trace, _prize: Prize, _adversary: str) -> Stop | None:
    """A TPM that refused a command to Alice's root VM or to a hypervisor of hers; a busy TPM did not refuse."""
    for event in trace.select("tpm.response"):
        code, client = int(event.data["rc"]), str(event.data["client"])  # type: ignore[arg-type]  # JSON's own number
        busy = code & IN_WARNINGS == WARNING and code != LOCALITY
        if code and not busy and client != GENUINE_HYPERVISOR:
            name = str(event.data["rc_name"])
            said = f"The TPM of {event.party} refused {event.name} to {client}: {name}."
            return Stop((name.partition(" (")[0],), said)
    return None


def _hypervisor(trace: Trace, _prize: Prize, _adversary: str) -> Stop | None:
    """A hypervisor that kept its guest's memory to itself."""
    for event in trace.select("machine", name="memory refused"):
        return Stop((str(event.data["hypervisor"]),), f"{event.data['sentence']}.")
    return None


def _alert(trace: Trace, _prize: Prize, adversary: str) -> Stop | None:
    """The first fatal alert of somebody else than Alice."""
    names = {int(value): value.name.lower() for value in AlertDescription}
    for event in trace.select("tls.message", name="Alert"):
        if event.party != adversary and event.sent and len(event.raw) == 2 and event.raw[0] == FATAL:
            name = names.get(event.raw[1], str(event.raw[1]))
            why = [e for e in trace.select("app", party=event.party, name="channel failed") if e.seq > event.seq]
            told = f": {str(why[0].data['sentence']).partition(f'{name}: ')[2]}" if why else ""
            said = f"The {event.party} ended {event.connection} with the alert {name} ({event.raw[1]}){told}"
            return Stop((f"alert {name}",), f"{said.rstrip('.')}.")
    return None


def _no_key_on_disk(trace: Trace, _prize: Prize, _adversary: str) -> Stop | None:
    """A key that a TPM made, and that she looked for on the disk."""
    for event in trace.select("machine", name="disk read"):
        if any(_shown(trace, event.party, public) for public in _made_in_tpm(trace, event.party)):
            return Stop(("key in the TPM",), f"The TPM of {event.party} made its key, and no copy is on the disk.")
    return None


def _made_in_tpm(trace: Trace, machine: str) -> Iterator[bytes]:
    """Yield the public numbers of every key that a machine's TPM created (TPM 2.0 Part 2, 12.2.3.2: unique)."""
    for event in trace.select("tpm.response", party=machine, name="TPM2_Create"):
        for span in event.spans:
            if span.name in {"outPublic.unique.rsa", "outPublic.unique.ecc.x"}:
                yield event.raw[span.start : span.end]


def _shown(trace: Trace, machine: str, public: bytes) -> bool:
    """Whether a machine showed a certificate with these numbers."""
    shown = trace.select("tls.message", party=machine, name="Certificate")
    return any(event.sent and public in event.raw for event in shown)


def _no_keys(trace: Trace, prize: Prize, adversary: str) -> Stop | None:
    """A channel that a client trusts, and of which she holds no key: what she wants from the client is in there."""
    if prize not in {"pin", "agree", "peer", "evidence"}:
        return None
    channels = list(trusted_channels(trace))
    if channels and all(adversary not in channel.holders for channel in channels):
        first = channels[0]
        said = f"Only {first.client} and {' and '.join(first.holders)} have the keys of {first.connection}."
        return Stop(("traffic keys",), said)
    return None


def _sealed(trace: Trace, prize: Prize, adversary: str) -> Stop | None:
    """Messages in a channel that she reads, sealed to a key that she lacks and that the accepted evidence names."""
    if prize not in {"pin", "agree", "peer", "evidence"}:
        return None
    holders: dict[str, dict[str, None]] = {}
    for event in trace.select("secret", name=KEY_NAME):
        holders.setdefault(str(event.data["digest"]), {})[event.party] = None
    for event in trace.select("binder"):
        fields: list[list[str]] = event.data["fields"] if event.data["side"] == "verifier" else []  # type: ignore[assignment]  # JSON
        have = next((holders.get(value) for name, value in fields if name == "H(HPKE_S)"), None)
        if have and adversary not in have and knowledge(trace, adversary).plaintext(event.connection, "client"):
            said = f"What the {event.party} says is sealed to a key that only {' and '.join(have)} has."
            return Stop(("sealed to the quoted key",), said)
    return None
