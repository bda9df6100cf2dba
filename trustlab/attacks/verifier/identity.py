"""Who signs: attacks on the AK, the CA that vouches for it, and the machine it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.verifier.forging import forge_quote, good_log, unrestricted_ak
from trustlab.attacks.verifier.kind import refused_by
from trustlab.attacks.verifier.testbed import EVIDENCE_PCRS
from trustlab.attest import AppraisalPolicy
from trustlab.tpm import EvidenceMaker, KeyPolicy, PrivacyCa, TpmMaker, create_ak
from trustlab.tpm.framing import PASSWORD, RH_PLATFORM
from trustlab.tpm.gate import OPEN

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import Presented, VerifierTestbed


@refused_by(
    "AK chain",
    base="no machine pinned",
    name="fake-tpm",
    needs=("a TPM emulator", "a certification authority of her own"),
    steps=(
        "launches the genuine HyperSafe code in an emulator, and extends its PCRs as she likes",
        "her own privacy CA certifies its AK",
        "attests her own TLS key",
    ),
    breaks="trust",
    why="A signature proves that a TPM made it only if somebody trustworthy says that the key is in a TPM.",
    source="TCG EK Credential Profile; RFC 9334, 7.4",
    stopped_by="the AK's certificate must lead to a trusted privacy CA",
)
def fake_tpm(bed: VerifierTestbed) -> Presented:
    """Boot an emulator with a maker and a privacy CA of Alice's own; everything else about it is correct."""
    maker = TpmMaker()
    ca = PrivacyCa([maker.root], ak_policies=None, name="Alice's privacy CA")
    return bed.attested(bed.machine("alice", maker=maker, ca=ca).boot(), pinned=None)


@refused_by(
    "AK public area",
    base="AK policy not demanded",
    name="forged-attest",
    needs=("locality 0 of the machine's TPM", "a privacy CA that does not check attributes"),
    steps=(
        "makes an unrestricted signing key in the TPM",
        "has the CA certify it: credential activation works for any key",
        "writes a quote about the genuine image herself, and has the key sign its hash",
    ),
    breaks="trust",
    why="TPM2_ActivateCredential proves in which TPM a key is, not what the key signs.",
    source="TPM 2.0 Part 1, 24; trusted computing folklore, tried",
    stopped_by="the AK's public area must be that of a restricted signing key, and its Name the certified one",
)
def forged_attest(bed: VerifierTestbed) -> Presented:
    """Sign a hand-written TPMS_ATTEST with an unrestricted key of the pinned machine's TPM."""
    machine = bed.machine().boot()
    ak = unrestricted_ak(machine.root)
    certificates = machine.enrol(ak, bed.careless_ca, machine.root)
    evidence = forge_quote(machine.root, ak, certificates, bed.binder, good_log())
    policy = AppraisalPolicy(ak_policy=False)
    return bed.present(evidence, pinned=machine, policy=policy, anchors=(bed.careless_ca.root,))


@refused_by(
    "AK policy",
    base="all else demanded, machine pinned",
    name="quote-oracle",
    needs=("locality 0 of the machine's TPM", "a privacy CA that does not check policies"),
    steps=(
        "makes a restricted AK of her own beside HyperSafe's, usable at locality 0",
        "connects to the relying party herself",
        "has the TPM quote the genuine PCR values over the binder of that connection",
    ),
    breaks="trust",
    why="PCRs say what runs on the machine, not who asked for the quote.",
    source="protocol.md; tried",
    stopped_by="the AK's policy: PCR 17 and locality 2",
)
def quote_oracle(bed: VerifierTestbed) -> Presented:
    """Quote the genuine PCRs over the binder of Alice's own connection, with a restricted AK of hers."""
    machine = bed.machine().boot()
    ak = create_ak(machine.root, KeyPolicy.present(machine.root, (17,), locality=0))
    certificates = machine.enrol(ak, bed.policy_blind_ca, machine.root)
    log = machine.platform.event_log
    evidence = EvidenceMaker(machine.root, ak, certificates, log).evidence(bed.binder, EVIDENCE_PCRS)
    return bed.present(evidence, pinned=machine, anchors=(bed.policy_blind_ca.root,))


@refused_by(
    "machine pinned",
    base="same image on both machines; machine pinned",
    name="cuckoo",
    needs=("a genuine machine of her own, with the same image",),
    steps=(
        "relays the challenge that is meant for Bob's machine to a genuine machine of hers",
        "everything in the evidence is true, but of a machine whose hardware she can reach",
    ),
    breaks="identity",
    why="Attestation says what a machine is, not which machine it is.",
    source="Parno 2008, Bootstrapping Trust in a Trusted Platform",
    stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
)
def cuckoo(bed: VerifierTestbed) -> Presented:
    """Have another genuine machine with the same image attest this passage."""
    meant = bed.machine("bank").boot()
    return bed.attested(bed.machine("alice").boot(), pinned=meant)


@refused_by(
    "machine pinned",
    base="same image on both machines; machine pinned",
    name="identifier-takeover",
    needs=("a genuine machine of her own, with the same image",),
    steps=(
        "turns Bob's machine off and gives its address and name to a genuine machine of hers",
        "everything in the evidence is true, but of a machine whose hardware she can reach",
    ),
    breaks="identity",
    why="Attestation says what a machine is, not which machine it is.",
    source="ID-Crisis 2026",
    stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
)
def identifier_takeover(bed: VerifierTestbed) -> Presented:
    """Switch Bob's machine off, and let another genuine one attest under its name."""
    meant = bed.machine("bank").boot()
    meant.platform.power_off()
    return bed.attested(bed.machine("alice").boot(), pinned=meant)


@refused_by(
    "machine pinned",
    base="same image; machine pinned",
    name="ek-swap",
    needs=("the machine's hardware", "a TPM maker's certificate for the new EK"),
    steps=(
        "replaces the TPM (here by TPM2_ChangeEPS, which gives it a new identity)",
        "enrols the new TPM, which is genuine too",
        "it attests whatever the machine now measures",
    ),
    breaks="identity",
    why="A TPM vouches for the machine it is wired to; only a pinned identity shows that it is another TPM.",
    source="TPM 2.0 Part 3, 24.5; ID-Crisis 2026",
    stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
)
def ek_swap(bed: VerifierTestbed) -> Presented:
    """Replace the endorsement seed (as if another TPM were soldered in), and attest with the new identity."""
    meant = bed.machine("bank").boot()
    pinned = bed.present(meant.evidence(bed.binder), pinned=meant).policy
    owner = meant.platform.client("owner of the hardware", gate=OPEN)
    owner.run("ChangeEPS", (RH_PLATFORM,), (PASSWORD,))
    meant.platform.cycle()
    meant.ek_certificate = b""
    return bed.attested(meant.boot(), pinned=None, policy=pinned)
