"""Which key: attacks on where the TLS key is kept, and on who else may use it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.verifier.forging import PASSWORD_POLICY, certified_key, load_software_key, make_key, software_spki
from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.testbed import TELLER
from trustlab.attest import Expected, ObjectAttributes
from trustlab.tpm import KeyPolicy, key_binder, load_key

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by(
    "key identity",
    base="the binder does not name the key, as in tls13-nonce",
    name="decoy-key",
    needs=("the deployment of the TLS key",),
    steps=("HyperSafe makes a key and attests it", "TLS is configured with another key, of which Alice has a copy"),
    breaks="confidentiality",
    why="One key is safe, but that says nothing about the key in use.",
    source="the slides on IBM 2006",
    stopped_by="the attested key must be the one in TLS, and its Name that of the public area",
)
def decoy_key(bed: VerifierTestbed) -> Presented:
    """Attest a genuine TPM key while TLS runs on a software key of which Alice keeps a copy."""
    machine = bed.machine().boot()
    genuine = machine.tls_key()
    deployed = software_spki()
    expected = Expected(binder=bed.binder, key_spki=deployed, key_binder=key_binder(deployed))
    return bed.present(machine.evidence(bed.binder, genuine), expected, pinned=machine)


@refused_by(
    "key provenance",
    base="everything is demanded",
    name="software-key-certified",
    needs=("a HyperSafe that certifies what its guest loads",),
    steps=(
        "makes a key in software and keeps a copy",
        "has it loaded into the TPM, with the right policy in its public area",
        "TPM2_Certify attests that it is loaded, but not where it comes from",
    ),
    breaks="confidentiality",
    why="Certify says that a key is loaded, CertifyCreation where it was made; an imported key has no creation ticket.",
    source="TPM 2.0 Part 3, 18.2 and 18.3; tried",
    stopped_by="the type must be CREATION, creationHash that of the creation data, and fixedTPM set",
)
def software_key_certified(bed: VerifierTestbed) -> Presented:
    """Load a software key with the right policy and have the genuine AK certify that it is loaded."""
    machine = bed.machine().boot()
    key = load_software_key(machine.hypersafe)
    evidence = certified_key(machine, key, bed.binder)
    return bed.present(evidence, bed.expected(key), pinned=machine)


@refused_by(
    "key provenance",
    base="everything is demanded",
    name="userwithauth-key",
    needs=("the template by which the key is made",),
    steps=(
        "the key's policy names the right PCRs and locality",
        "with userWithAuth, its empty password also opens it, at locality 0",
    ),
    breaks="confidentiality",
    why="The policy is one way to use the key; userWithAuth opens another.",
    source="TPM 2.0 Part 2, 8.3.3; tried",
    stopped_by="userWithAuth must be clear",
)
def userwithauth_key(bed: VerifierTestbed) -> Presented:
    """Have the TPM make a key with the right authPolicy and userWithAuth set."""
    machine = bed.machine().boot()
    policy = KeyPolicy.for_tls_key(machine.hypersafe)
    return bed.attested(machine, make_key(machine.hypersafe, policy.digest, ObjectAttributes.USER_WITH_AUTH))


@refused_by(
    "key policy",
    base="the key's attributes are correct",
    name="password-policy-key",
    needs=("the template by which the key is made",),
    steps=(
        "all attributes of the key are as they should be",
        "its policy is TPM2_PolicyPassword, and Alice knows the password",
    ),
    breaks="confidentiality",
    why="Attributes say that a policy is needed, not what it demands.",
    source="TPM 2.0 Part 3, 23.18",
    stopped_by="the policy digest is recomputed from the quoted PCR values and the locality",
)
def password_policy_key(bed: VerifierTestbed) -> Presented:
    """Have the TPM make a key with PolicyPassword: a password opens it although userWithAuth is clear."""
    machine = bed.machine().boot()
    return bed.attested(machine, make_key(machine.hypersafe, PASSWORD_POLICY))


@refused_by(
    "key policy",
    base="the key's attributes are correct",
    name="other-image-same-hypersafe",
    needs=("the template by which the key is made",),
    steps=(
        "the key is made while the bank's image runs",
        "later boots an image of hers, and the same HyperSafe can use the key for it",
    ),
    breaks="confidentiality",
    why="PCR 17 measures the hypervisor, not its guest.",
    source="protocol.md; tried",
    stopped_by="the policy must name PCR 17, 18 and 19",
)
def other_image_same_hypersafe(bed: VerifierTestbed) -> Presented:
    """Have the TPM make a key bound to PCR 17 and locality 2, but not to the image."""
    machine = bed.machine().boot()
    return bed.attested(machine, machine.tls_key(KeyPolicy.present(machine.hypersafe, (17,))))


@refused_by(
    "key policy",
    base="the key's attributes are correct",
    name="cross-vm-key",
    needs=("another image that may run on the same machine",),
    steps=(
        "another VM has HyperSafe make a key for it",
        "while the bank runs, the TPM certifies truthfully that it made that key",
    ),
    breaks="confidentiality",
    why="A creation ticket says who made a key, not for whom.",
    source="protocol.md",
    stopped_by="the key's policy must cover the same PCR values as the quote",
)
def cross_vm_key(bed: VerifierTestbed) -> Presented:
    """Make a key while the teller's image runs, and present it as the bank's."""
    machine = bed.machine().boot(TELLER)
    made_before = machine.tls_key()
    machine.boot()
    return bed.attested(machine, load_key(machine.hypersafe, made_before))


@refused_by(
    "one AK for both",
    base="the pin applies to the quote's AK; the binder does not name the key",
    name="split-evidence",
    needs=("a genuine machine of her own, with the same image",),
    steps=(
        "Bob's machine quotes over the passage's nonce",
        "the key attestation comes from Alice's own machine, which is genuine too",
    ),
    breaks="identity",
    why="Two true statements about two machines look like one statement about one machine.",
    source="protocol.md; a variant of the cuckoo attack",
    stopped_by="the same AK must have signed both",
)
def split_evidence(bed: VerifierTestbed) -> Presented:
    """Join the pinned machine's quote to the key attestation of Alice's own genuine machine."""
    meant, own = bed.machine("bank").boot(), bed.machine("alice").boot()
    key = own.tls_key()
    attested = own.evidence(bytes(32), key).key_attestation
    if attested is None:
        raise RuntimeError("this evidence should have a key attestation")
    attested = replace(attested, ak_public=own.attestation_key.public, ak_certificates=own.certificates)
    evidence = replace(meant.evidence(bed.binder), key_attestation=attested)
    return bed.present(evidence, bed.expected(key), pinned=meant)
