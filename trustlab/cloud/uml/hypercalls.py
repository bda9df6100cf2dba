"""HyperSafe's side of the hypercall line: the few calls, each done on the TPM's own thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab import tls
from trustlab.cloud.errors import CloudError, HypercallRefusedError
from trustlab.cloud.hypersafe import HyperSafe
from trustlab.cloud.uml.messages import (
    AttestCall,
    Boot,
    Granted,
    Hello,
    Hypercall,
    MakeKey,
    MeasureClaim,
    RawTpm,
    Read,
    Refused,
    UseKey,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from concurrent.futures import Future

    from trustlab.cloud.image import Image
    from trustlab.cloud.ports import GuestKey, Hypervisor
    from trustlab.tpm import Platform, TpmClient


class HypercallServer:
    """Answers one VM. `image` is the hypervisor's own copy: what it measured is what it boots."""

    def __init__(
        self,
        name: str,
        image: Image,
        hypervisor: Hypervisor,
        platform: Platform,
        *,
        disk: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._name = name
        self._image = image
        self._hypervisor = hypervisor
        self._platform = platform
        self._disk = disk
        self._loop = loop
        self._key: GuestKey | None = None
        self._raw: TpmClient | None = None

    def heard(self, call: Hypercall, say: Callable[[Boot | Granted | Refused], None]) -> None:
        """Begin one call; `say` is called in the loop with its answer."""
        if isinstance(call, Read):
            return
        if isinstance(call, Hello):
            image = self._image
            say(Boot(self._name, image.name, image.program, dict(image.configuration), dict(image.files)))
            return
        number = call.id

        def answered(future: Future[bytes]) -> None:
            if future.cancelled():
                return  # the machine is powered off: nobody waits for the answer any more
            error = future.exception()
            if error is None:
                answer: Granted | Refused = Granted(number, future.result())
            else:
                answer = Refused(number, type(error).__name__, str(error))
            self._loop.call_soon_threadsafe(say, answer)

        try:
            self._platform.submit(self._do, call).add_done_callback(answered)
        except Exception as error:  # noqa: BLE001 - the guest gets it as the call's error
            say(Refused(number, type(error).__name__, str(error)))

    def _do(self, call: Hypercall) -> bytes:
        match call:
            case MakeKey(kind=kind, origin=origin):
                self._key = self._hypervisor.make_key(kind, origin=origin, disk=self._disk)
                return self._key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            case UseKey(operation=operation, data=data, scheme=scheme):
                if self._key is None:
                    raise HypercallRefusedError("this VM does not have a key yet: make one first")
                return self._key.perform(operation, data, None if scheme is None else tls.SignatureScheme(scheme))
            case AttestCall(binder=binder, prove_key=prove_key, pcrs=pcrs):
                return self._hypervisor.attest(binder, prove_key=prove_key, pcrs=pcrs)
            case MeasureClaim(name=name, value=value):
                self._hypervisor.claim(name, value)
                return b""
            case RawTpm(command=command):
                return self._tpm().transmit(command)
            case _:
                raise CloudError(f"no such hypercall: {type(call).__name__}")

    def _tpm(self) -> TpmClient:
        if isinstance(self._hypervisor, HyperSafe):
            raise HypercallRefusedError("HyperSafe does not share the TPM: its guest uses hypercalls")
        if self._raw is None:
            self._raw = self._platform.client("guest", locality=0)
        return self._raw
