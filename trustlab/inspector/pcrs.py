"""A machine's PCRs over time: each launch and each measurement with the value before and after.

A launch by DRTM sets PCR 17 to 22 to zeros and extends what the CPU measured (TCG PC Client Platform TPM Profile,
4.6.2); every measurement extends one of them. The arithmetic is the Verifier's own (`attest.PcrReplay`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import PcrReplay
from trustlab.inspector.document import Extended
from trustlab.inspector.rows import number_of, text_of

if TYPE_CHECKING:
    from trustlab.inspector.book import Book
    from trustlab.inspector.document import MachineRow
    from trustlab.trace import TraceEvent

LAUNCH, POWER = "DRTM launch", ("power on", "power off")
PCRS = 24


class Pcrs:
    """Keeps the document's list of changes of PCRs."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._machines: dict[str, PcrReplay] = {}

    def machine(self, event: TraceEvent, row: MachineRow) -> None:
        """Take a machine's event; those with a PCR and a digest change one."""
        if event.name in POWER:
            self._machines.pop(event.party, None)
        pcr, digest = number_of(event.data.get("pcr"), -1), text_of(event, "digest")
        if not 0 <= pcr < PCRS:
            return
        try:
            measured = bytes.fromhex(digest)
        except ValueError:
            return
        pcrs = self._machines.setdefault(event.party, PcrReplay())
        if len(measured) != len(pcrs.zeros):
            return
        if event.name == LAUNCH:
            pcrs.launch()
        before, after = pcrs.extend(pcr, measured)
        self._book.frame.pcrs.append(
            Extended(
                machine=event.party,
                pcr=pcr,
                row=row.id,
                before=before.hex(),
                digest=digest,
                after=after.hex(),
                what=row.text,
            )
        )
        self._book.reframe()
