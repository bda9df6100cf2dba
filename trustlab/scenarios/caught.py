"""What caught a change in flight: said from what the ends raised, and from what the parties told the trace."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.trace import TraceEvent
    from trustlab.wire import Endpoint

KINDS = (
    "record",
    "finished",
    "signature",
    "certificate",
    "check",
    "alert",
    "application",
    "stalled",
    "unread",
    "nothing",
)
"""In this order of precedence: the record's protection, Finished, a signature of the handshake, a certificate's path, a
check of a Verifier, another alert, an end that broke off without one, a wait for ever, nobody who read it, nothing."""
CERTIFICATE_ALERTS = (
    tls.BadCertificate,
    tls.UnknownCa,
    tls.CertificateUnknown,
    tls.CertificateExpired,
    tls.UnsupportedCertificate,
)


class Caught(NamedTuple):
    """What caught it (`by`, and its `kind`), at which party, in the party's own words, and how the payment came out."""

    kind: str
    by: str
    party: str | None
    sentence: str
    outcome: str


def caught(
    events: Sequence[TraceEvent],
    ends: Sequence[tuple[str, Endpoint]],
    *,
    customer: str,
    fault: Exception | None,
    read: bool,
) -> Caught:
    """Judge one payment by its events and by the endpoints of its connections, each with its party's name.

    `fault` is what an endpoint raised where it should not; `read` says whether anybody still waited for what was
    changed.
    """
    if fault is not None:
        return Caught("application", "fault of an endpoint", None, str(fault), "failed")
    paid = any(e.kind == "app" and e.name == "payment" for e in events)
    told = any(e.kind == "app" and e.name == "answer" and e.party == customer for e in events)
    refused = {e.party: e for e in events if e.kind == "appraisal" and e.name == "refused"}
    found = [_refused(event) for event in refused.values()]
    for party, end in ends:
        error = getattr(end, "error", None)
        if error is not None and party not in refused:
            what = _of_openssl(party, error) if isinstance(error, ssl.SSLError) else _of_engine(party, error)
            if what is not None:
                found.append(what)
    if found:
        return min(found, key=lambda each: KINDS.index(each.kind))
    if paid and told:
        by = "nothing" if read else "nobody read it any more"
        return Caught(
            "nothing" if read else "unread", by, None, "The payment was made, and answered as told.", "completed"
        )
    waiting = [(party, str(getattr(end, "waits_for", ""))) for party, end in ends]
    waits = [f"{party} waits for {what}." for party, what in waiting if what]
    if waits:
        party = next(party for party, what in waiting if what)
        return Caught("stalled", "nobody: they wait", party, " ".join(waits), "failed")
    failed = [e for e in events if e.kind == "app" and e.name in {"channel failed", "refused order", "answer"}]
    if failed:
        return Caught("application", failed[0].name, failed[0].party, str(failed[0].data["sentence"]), "failed")
    return Caught("application", "the payment", None, "The payment was not made, and nobody says why.", "failed")


def _refused(event: TraceEvent) -> Caught:
    failed = event.data["failed"]
    others = [str(name) for name in failed if name != event.data["refused_by"]] if isinstance(failed, list) else []
    too = f" (failed too: {', '.join(others)})" if others else ""
    by = str(event.data["refused_by"])
    return Caught("check", by, event.party, str(event.data.get("sentence", "")) + too, "refused")


def _of_engine(party: str, error: Exception) -> Caught | None:
    """Say what an end of our engine found; None if it only heard of it."""
    text = str(error)
    if isinstance(error, tls.PeerAlert):
        return None
    if isinstance(error, tls.BadRecordMac):
        return Caught("record", "bad_record_mac", party, text, "failed")
    if isinstance(error, tls.DecryptError):
        kind = "finished" if "Finished" in text else "signature"
        return Caught(kind, "decrypt_error", party, text, "failed")
    if isinstance(error, CERTIFICATE_ALERTS):
        return Caught("certificate", error.name, party, text, "failed")
    if isinstance(error, tls.Alert):
        return Caught("alert", error.name, party, text, "failed")
    return Caught("application", type(error).__name__, party, text, "failed")


def _of_openssl(party: str, error: ssl.SSLError) -> Caught | None:
    """Say what an end of OpenSSL found, by its reason codes; None if it only heard of it."""
    reason = error.reason or "an error that OpenSSL does not name"
    if "_ALERT_" in reason:  # SSLV3_ALERT_..., TLSV1_ALERT_...: the peer's
        return None
    if "VERIFY_FAILED" in reason:
        return Caught("certificate", reason, party, str(error), "failed")
    if "BAD_RECORD_MAC" in reason:
        return Caught("record", reason, party, str(error), "failed")
    if "DIGEST" in reason:
        return Caught("finished", reason, party, str(error), "failed")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Caught("application", type(error).__name__, party, str(error), "failed")
    return Caught("alert", reason, party, str(error), "failed")
