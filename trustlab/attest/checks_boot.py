"""Boot continuity: whether this quote comes from the same boot as the last evidence of this passage.

resetCount, restartCount and clock do not answer that alone: TPM2_Clear, for which whoever boots the machine has the
authorisation, takes all three back while the AK stays. So HyperSafe draws 32 octets at every launch and extends them
into PCR 20 before anything else can, and this check compares that event. The counters may refuse, and never accept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest.checks import CheckOutcome, failed, not_demanded, passed
from trustlab.attest.eventlog import EVENT_LAUNCH_NONCE, PCR_CLAIMS, PCR_LAUNCH
from trustlab.attest.result import NOT_COMPARED, BootCounters

if TYPE_CHECKING:
    from trustlab.attest.appraisal import Appraisal
    from trustlab.attest.policy import AppraisalPolicy

LIMIT = (
    "This machine has no launch that draws a nonce, and TPM2_Clear takes the counters back: so a reboot cannot be "
    "ruled out."
)


def boot_of(appraisal: Appraisal) -> BootCounters:
    """Return which boot the quote comes from."""
    clock = appraisal.quote.clock_info
    first = next((event for event in appraisal.log.events if event.pcr == PCR_CLAIMS), None)
    launch = first.digest if first is not None and first.event_type == EVENT_LAUNCH_NONCE else b""
    return BootCounters(clock.reset_count, clock.restart_count, launch, clock.clock, clock.safe)


def boot_continuity(appraisal: Appraisal) -> CheckOutcome:
    """Boot continuity: neither rebooted nor relaunched since this passage's last evidence."""
    before, now = appraisal.expected.boot, boot_of(appraisal)
    if outcome := _key_of_another_boot(appraisal, now):
        return outcome
    remembered = appraisal.remembered
    if remembered is not None and (problem := remembered.problem(now)):
        return failed(f"{problem} {_shown(now)}", found=_counters(now))
    if before is None and remembered is not None:
        return passed(f"The machine's boot is not an earlier one than the last accepted. {_shown(now)}", _counters(now))
    if before is None:
        return not_demanded("This is the first evidence in this connection: there is no earlier boot to compare with.")
    return _changed(before, now) or _same(now, _counters(before), appraisal.policy)


def _changed(before: BootCounters, now: BootCounters) -> CheckOutcome | None:
    since = "since the last evidence in this connection"
    if _counters(before) != _counters(now):
        text = f"The machine was rebooted or relaunched {since}."
        return failed(f"{text} {_shown(now)}", _counters(before), _counters(now))
    if now.clock < before.clock:
        text = f"The TPM's clock went back {since}, so the TPM was cleared."
        return failed(f"{text} {_shown(now)}", before.clock.to_bytes(8, "big"), now.clock.to_bytes(8, "big"))
    if before.launch != now.launch:
        text = f"The machine was launched again {since}: its launch nonce is another."
        return failed(f"{text} {_shown(now)}", before.launch, now.launch)
    return None


def _same(now: BootCounters, counters: bytes, policy: AppraisalPolicy) -> CheckOutcome:
    since = "the last evidence in this connection"
    if now.launch:
        text = f"The machine was neither rebooted nor relaunched since {since}: its launch nonce is the same."
        return passed(f"{text} {_shown(now)}", now.launch)
    if {PCR_LAUNCH, PCR_CLAIMS} <= set(policy.pcrs):
        return failed(f"PCR {PCR_CLAIMS} does not begin with a launch nonce, so nothing tells one launch from another.")
    return CheckOutcome(
        NOT_COMPARED, f"The counters are those of {since}. {LIMIT} {_shown(now)}", counters, _counters(now)
    )


def _key_of_another_boot(appraisal: Appraisal, now: BootCounters) -> CheckOutcome | None:
    """Hold the key attestation's counters against the quote's, if one AK signed both."""
    key = appraisal.key
    if not appraisal.key_demanded or key is None or key.attest.qualified_signer != appraisal.quote.qualified_signer:
        return None
    clock = key.attest.clock_info
    proved = BootCounters(clock.reset_count, clock.restart_count)
    if _counters(proved) == _counters(now):
        return None
    text = "The key was attested in another boot than the quote: have the TPM certify it again."
    return failed(text, _counters(now), _counters(proved))


def _counters(boot: BootCounters) -> bytes:
    return boot.reset_count.to_bytes(4, "big") + boot.restart_count.to_bytes(4, "big")


def _shown(boot: BootCounters) -> str:
    """Show what the TPM says of its time, which does not decide alone."""
    safe = "" if boot.safe else ", which a loss of power may have set back"
    counters = f"resetCount {boot.reset_count}, restartCount {boot.restart_count}"
    return f"Its TPM shows {counters}, clock {boot.clock} ms{safe}."
