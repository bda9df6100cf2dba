"""The guest's side of HyperSafe: its few calls, each with a number and a time-out. Nothing else leaves the VM here."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, cast

from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustlab.cloud.errors import CloudError, HypercallRefusedError
from trustlab.cloud.uml.messages import (
    AttestCall,
    Boot,
    Granted,
    Hello,
    Hyperanswer,
    MakeKey,
    MeasureClaim,
    Patience,
    RawTpm,
    UseKey,
)
from trustlab.passage import AttestationFailure

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    import msgspec
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from trustlab.cloud.agent.lines import SerialLine

TIMEOUT = 30.0
PCRS = (17, 18, 19, 20)
ERRORS: dict[str, type[Exception]] = {
    "AttestationFailure": AttestationFailure,
    "HypercallRefusedError": HypercallRefusedError,
}


class HeldKey:
    """A TLS key that stays in the TPM: `passage.KeyHolder`. Its uses are hypercalls."""

    def __init__(self, hypersafe: RemoteHypervisor, public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> None:
        self.public_key = public_key
        self._hypersafe = hypersafe

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Have HyperSafe use the key; CloudError if the TPM refuses."""
        number = int(scheme) if isinstance(scheme, int) else None
        return self._hypersafe.call(UseKey, operation=operation, data=data, scheme=number)


class RemoteHypervisor:
    """Whoever stands below this VM, at the other end of the hypercall line."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._numbers = itertools.count(1)

    def boot(self) -> Boot:
        self._line.send(Hello())
        image: Hyperanswer = Patience()
        while isinstance(image, Patience):
            image = self._line.wait(TIMEOUT)[-1]
        if not isinstance(image, Boot):
            raise CloudError(f"the hypervisor answered with {type(image).__name__} instead of an image")
        return image

    def make_key(
        self, kind: Literal["rsa-decrypt", "ecdsa"], *, origin: str, disk: MutableMapping[str, Any]
    ) -> HeldKey:
        """Hypercall: make this VM's key. Its blob lies on the host's side of the `disk` already."""
        del disk
        spki = self.call(MakeKey, kind=kind, origin=origin)
        return HeldKey(self, cast("rsa.RSAPublicKey", load_der_public_key(spki)))

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = PCRS) -> bytes:
        """Hypercall: quote a binder over a selection of PCRs; AttestationFailure where the machine refuses."""
        return self.call(AttestCall, binder=binder, prove_key=prove_key, pcrs=pcrs)

    def claim(self, name: str, value: str) -> None:
        """Hypercall: extend a claim into PCR 20."""
        self.call(MeasureClaim, name=name, value=value)

    def tpm(self, command: bytes) -> bytes:
        """Send one command to the TPM of an ordinary VM as it is, and return the response."""
        return self.call(RawTpm, command=command)

    def call(self, message: type[msgspec.Struct], /, **fields: Any) -> bytes:  # noqa: ANN401 - the message's own fields
        """Make one hypercall and wait for its answer."""
        number = next(self._numbers)
        self._line.send(message(id=number, **fields))
        while True:
            for answer in self._line.wait(TIMEOUT):
                if getattr(answer, "id", None) == number:
                    return self._result(answer)

    @staticmethod
    def _result(answer: Hyperanswer) -> bytes:
        if isinstance(answer, Granted):
            return answer.value
        sentence = getattr(answer, "sentence", "no sentence")
        raise ERRORS.get(getattr(answer, "error", ""), CloudError)(sentence)
