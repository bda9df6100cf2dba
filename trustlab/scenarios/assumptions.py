"""What an attack assumes, provided by the lab: leaked secrets, and machines of Alice's.

How a secret leaked is not part of the lab: it gives Alice the secret and says so in the trace. The rest is Alice's
work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from trustlab.cloud import Image
from trustlab.cloud.pki import WebCa

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.attacks import Attack
    from trustlab.cloud import Cloud, Machine
    from trustlab.trace import Trace, TraceEvent

LAB, ALICE, VICTIM = "lab", "alice", "bank"
GENUINE = "alice-genuine"
"""A machine of Alice's own with a genuine TPM, launched by HyperSafe like any other."""
BOBS = "bank-test"
"""A second machine of Bob's, with the bank's image."""
USABLE = (
    "Assumed: a password opens the bank's key, the password is in the configuration that Alice deployed, and the "
    "verifiers do not ask how the key was made. The key itself stays in the TPM."
)

FAILING = (
    "Assumed: the teller's verifier fails, because it fetches its reference values across Alice's network. Our real "
    "verifiers fetch nothing."
)
AGREED = ("shared_secret", "pre_master_secret")
"""The names of the result of a key agreement in TLS 1.3 and in TLS 1.2."""


class OwnCa(WebCa):
    """A private certificate authority: it signs whatever its owner wants, and nobody else trusts it."""

    def certify(self, name: str, host: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:  # noqa: ARG002 - it asks nobody
        return self._authority.issue([name], public_key)


class Leaks:
    """Gives Alice the secrets that an attack assumes she knows, once they exist; a context manager around the run."""

    def __init__(self, trace: Trace, attack: Attack | None) -> None:
        self._trace = trace
        self._leaks = attack.assumes.leaks if attack else ()
        self._leave: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        if "key usable" in self._leaks:
            self._say("assumption: key usable", USABLE)
        if "verifier errs" in self._leaks:
            self._say("assumption: verifier errs", FAILING)
        if "DH secret" in self._leaks:
            self._leave = self._trace.subscribe(self._observe)
        return self

    def __exit__(self, *_: object) -> None:
        if self._leave is not None:
            self._leave()

    def _observe(self, event: TraceEvent) -> None:
        if (event.kind, event.party) != ("secret", VICTIM) or event.name not in AGREED:
            return
        name = event.connection or str(event.data.get("connection", ""))
        self._say(
            "assumption: DH secret",
            f"Assumed: the secret of the key agreement of {name} has leaked. The lab gives it to Alice.",
        )
        client_random = str(event.data.get("client_random", ""))
        self._trace.party(ALICE).secret(
            event.name, event.raw, connection=name, client_random=client_random, inputs=["a leak"], leaked=True
        )

    def _say(self, title: str, sentence: str) -> None:
        self._trace.party(LAB).emit("note", title, sentence=sentence)


def genuine_name(attack: Attack) -> str:
    """Return the name of the genuine machine that an attack needs beside the bank's."""
    return BOBS if attack.assumes.genuine == "same image, Bob's" else GENUINE


def genuine_image(attack: Attack, bank: Image) -> Image:
    """Return the image on that machine: the bank's own, or another one."""
    if attack.assumes.genuine == "other image":
        return Image.of(bank.name, "trustlab.scenarios.bank", {**bank.configuration, "book": "kept on Alice's disk"})
    return bank


def genuine_machine(cloud: Cloud, attack: Attack, rent: Callable[[Cloud], Machine], references: str) -> None:
    """Rent and start a genuine machine for Alice; `references` is the file that Bob published."""
    sentence = f"Alice has a genuine machine of her own. To certify it, the CA connects to {GENUINE}, in her network."
    if genuine_name(attack) == BOBS:
        sentence = f"Bob has a second machine, {BOBS}, with the image of his bank; it has test accounts only."
    if not attack.assumes.certified:
        sentence = "Mallory has a genuine machine of her own; its certificate comes from her own private CA."
    cloud.trace.party(LAB).emit("note", "assumption: genuine machine", sentence=sentence)
    machine = rent(cloud)
    machine.wait()
    if not attack.assumes.certified:
        machine.stand_behind(OwnCa(None, cloud.trace.party("mallory-ca")))
    machine.start(references=references)
