"""A standing order to a root VM: what to send to its machine's TPM at which moment.

Between two commands of a TPM there is no time to ask anybody. So the owner of the machine leaves an order, as she
leaves them with her switch, and the root VM, which shares the machine, carries it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.tpm import Platform, TpmClient
    from trustlab.trace import Trace, TraceEvent

POLICY = "TPM2_Policy"


class StandingOrder(msgspec.Struct, frozen=True):
    """Send `octets`, a TPM command, whenever the TPM has answered the command named `after` to somebody else.

    At most `in_a_row` times (None: always) before something else than a policy command succeeds.
    """

    after: str
    octets: bytes
    in_a_row: int | None = None

    def carry_out(self, trace: Trace, platform: Platform, tpm: TpmClient) -> Callable[[], None]:
        """Have the root VM's client of a machine's TPM obey from now on; the returned function ends that."""
        done = 0

        def passing(event: TraceEvent) -> None:
            nonlocal done
            if event.kind != "tpm.response" or event.party != platform.name or event.data.get("client") == tpm.name:
                return
            if event.name == self.after:
                if self.in_a_row is None or done < self.in_a_row:
                    done += 1
                    tpm.transmit(self.octets)
            elif event.data.get("rc") == 0 and not event.name.startswith(POLICY):
                done = 0

        ends = trace.subscribe(passing), platform.router.interleave()

        def end() -> None:
            for each in ends:
                each()

        return end
