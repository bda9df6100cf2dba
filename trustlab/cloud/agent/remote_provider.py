"""Alice's powers as the provider, seen from a VM of hers: the other end of its control line gives them to no one else.

The programs that use it are those of the `memory` substrate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.cloud.errors import CloudError
from trustlab.cloud.pki import HTTP, ChallengeAnswer, spki_of
from trustlab.trace import Trace, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.capture import Knowledge
    from trustlab.cloud.agent.remote_services import CallProvider, RemoteCa, RemoteNetwork
    from trustlab.cloud.standing import StandingOrder
    from trustlab.tpm import TpmClient
    from trustlab.trace import Emitter


class RemoteProvider:
    """A `ports.Provider` at the end of a line."""

    def __init__(self, party: Emitter, network: RemoteNetwork, ca: RemoteCa, ask: CallProvider) -> None:
        self._party = party
        self._name = party.name
        self._network = network
        self._ca = ca
        self._ask = ask
        self._tape = Trace("what Alice recorded", "uml")
        self._heard = 0

    def redirect(self, destination: str, port: int, *, to: str = "") -> Callable[[], None]:
        """Have connections to `destination` answered on her own machine, or on `to`; the returned function ends it."""
        order = self._ask("redirect", destination=destination, port=port, to=to or self._name)
        return lambda: self._ask("undo", order=order)

    def on_connection(self, destination: str, decide: Callable[[str, int, int], str]) -> Callable[[], None]:  # noqa: ARG002
        """Refuse: frames do not wait at the switch until a program in a virtual machine has made up its mind."""
        raise CloudError(f"the switch cannot ask about each connection to {destination} between VMs: use redirect")

    def disk_of(self, name: str) -> Mapping[str, Any]:
        return dict(self._ask("disk_of", name=name))

    def search_memory(self, name: str, pattern: bytes, before: int = 0) -> list[bytes]:
        """Search a machine's memory (`uml.memory.search`); HypercallRefusedError at a HyperSafe machine."""
        return list(self._ask("search_memory", name=name, pattern=pattern, before=before))

    def root_tpm(self, name: str) -> TpmClient:
        """Return the root VM's own access to a machine's TPM: made here, sent there, a command at a time."""
        from trustlab.cloud.agent.root_tpm import RootTpm  # noqa: PLC0415 - no other VM needs the TPM's software

        return RootTpm(name, self._party, self._ask)

    def order_tpm(self, name: str, order: StandingOrder) -> Callable[[], None]:
        """Leave a standing order with a machine's root VM; the returned function takes it back."""
        number = self._ask("order_tpm", name=name, order=msgspec.structs.asdict(order))
        return lambda: self._ask("undo", order=number)

    def recording(self) -> list[TraceEvent]:
        """Return every frame that crossed her network so far."""
        return self._recorded().select("frame")

    def knowledge(self) -> Knowledge:
        """Return what she can read of what she recorded, with the keys she holds; it is worked out in this VM."""
        from trustlab.capture.knowledge import knowledge  # noqa: PLC0415 - no other VM decodes anything

        return knowledge(self._recorded(), self._name)

    def own_secrets(self, name: str) -> list[TraceEvent]:
        """Return the secrets of that name that she holds herself: found by her programs, or given to her by the lab."""
        return self._recorded().select("secret", party=self._name, name=name)

    def obtain_certificate(
        self, server_name: str, host: str, public_key: CertificateIssuerPublicKeyTypes
    ) -> x509.Certificate:
        """Have the public CA certify her own key for a name hosted with her, by answering its connection herself."""
        undo = self.redirect(host, HTTP)
        self._network.listen(self._name, HTTP, lambda _connection: ChallengeAnswer(spki_of(public_key)))
        try:
            return self._ca.certify(server_name, host, public_key)
        finally:
            undo()

    def _recorded(self) -> Trace:
        """Fetch what was recorded since the last time."""
        told = self._ask("recording", since=self._heard)
        self._heard = told["next"]
        for event in msgspec.convert(told["events"], list[TraceEvent]):
            self._tape.append(
                event.party,
                event.kind,
                event.name,
                raw=event.raw,
                connection=event.connection,
                direction=event.direction,
                offset=event.offset,
                sent=event.sent,
                data=event.data,
            )
        return self._tape
