"""The assumption `attestation keys`: the lab gives Alice an attestation key for each of Bob's machines.

Attackers have read such keys out of hardware (in 2025 with an interposer on the memory bus). The lab cannot: swtpm
keeps its keys inside. So the privacy CA certifies one more key for the same TPM, as if that TPM had made it, and Alice
gets the private half. To a relying party it is the machine's attestation key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustlab.attacks.alice.forged import LEAKED, LeakedKey
from trustlab.attest import Evidence, parse_public
from trustlab.attest.build import build_public
from trustlab.attest.constants import ALG_ECDSA, ALG_SHA256
from trustlab.scenarios.assumptions import ALICE, LAB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.cloud import Cloud, Machine

SENTENCE = (
    "Assumed: the attestation keys of the bank's and the teller's machine have leaked. swtpm keeps its keys inside, so "
    "the privacy CA certifies a second one for each TPM, and the lab gives it to Alice."
)


def leak_attestation_keys(cloud: Cloud, machines: Iterable[Machine]) -> None:
    """Give Alice a certified attestation key for each machine, and evidence that it made, for its log and counters."""
    cloud.trace.party(LAB).emit("note", "assumption: attestation keys", sentence=SENTENCE)
    for machine in machines:
        hypervisor = machine.hypervisor
        if hypervisor.ek_key is None:
            continue
        template = hypervisor.attest(bytes(32), prove_key=False)
        genuine = parse_public(Evidence.decode(template).ak_public)
        key = ec.generate_private_key(ec.SECP256R1())
        public = build_public(key.public_key(), genuine.attributes, genuine.auth_policy, scheme=(ALG_ECDSA, ALG_SHA256))
        certificate = cloud.endorsers.privacy_ca.certificate(parse_public(public), hypervisor.ek_key)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        leaked = LeakedKey(private, public, certificate, template)
        cloud.trace.party(ALICE).secret(LEAKED, msgspec.msgpack.encode(leaked), machine=machine.name, leaked=True)
