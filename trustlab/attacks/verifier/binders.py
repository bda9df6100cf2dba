"""What the evidence is about: attacks on parts of binders that need only a relying party, and no cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab import tls
from trustlab.attacks.verifier.kind import on_binder
from trustlab.attacks.verifier.testbed import CLAIM, STALE
from trustlab.attest import KeyAttestation, L, claim_event
from trustlab.cloud import Authority
from trustlab.passage import Guard, H
from trustlab.passage.exported import answer, context_of, exporter_facts, request
from trustlab.tls import authenticators
from trustlab.tpm import certify_creation, measure

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import TestbedMachine, VerifierTestbed
    from trustlab.attest import AttestationResult
    from trustlab.passage import Attester, Design
    from trustlab.passage.guard import Role

NAME = "bank.example"
CONNECTION = "relying-party-bank-1"


def guard(bed: VerifierTestbed, design: Design, role: Role, *, attester: Attester | None = None) -> Guard:
    """Return the guard of one end: the server attests; the client is the relying party, and demands everything."""
    party = "bank" if role == "server" else "relying party"
    return Guard(
        design,
        role,
        party=bed.trace.party(party),
        connection=CONNECTION,
        attester=attester,
        verifier=bed.verifier(design.not_demanded) if role == "client" else None,
    )


class Remembering:
    """The root VM between HyperSafe and the network: it answers every question with the first evidence it saw."""

    def __init__(self, machine: TestbedMachine) -> None:
        self._machine = machine
        self._kept = b""

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:  # noqa: ARG002 - this base proves no key
        """Have HyperSafe quote the first binder, and return that quote for every other."""
        self._kept = self._kept or self._machine.evidence(binder).encode()
        return self._kept


@on_binder(
    name="stale-authenticator",
    needs=("the root VM between HyperSafe and the network, on a machine that is neglected",),
    steps=(
        "keeps the evidence of the first answer on a long connection",
        "lets the machine's state change: its antivirus grows old, and measured code reports that",
        "puts the old evidence into the answer to the next question",
    ),
    breaks="freshness",
    why="The channel and its exporter are the same as an hour ago; the state of the machine is not.",
    source="SEAT use cases; RFC 9261, 4 certificate_request_context",
    stopped_by="the context of the request in the exporter",
    prize="peer",
    tls="1.3",
)
def stale_authenticator(bed: VerifierTestbed, design: Design) -> AttestationResult:
    """Let the relying party ask, let the machine's state change, and let the relying party ask again."""
    machine = bed.machine().boot()
    client, server = channel(design)
    relying, proving = guard(bed, design, "client"), guard(bed, design, "server", attester=Remembering(machine))
    if not asked(relying, proving, client, server).accepted:
        raise RuntimeError("the relying party should have accepted the first evidence, which is correct")
    measure(machine.hypersafe, machine.platform.event_log, claim_event(CLAIM, STALE))
    return asked(relying, proving, client, server)


def asked(relying: Guard, proving: Guard, client: tls.Client, server: tls.Server) -> AttestationResult:
    """Ask the server for an authenticator, and judge the evidence in it."""
    wanted = request(client)
    evidence = proving.evidence(exporter_facts(server, "server", context_of(wanted)))
    if isinstance(evidence, tls.Alert):
        raise evidence
    shown = authenticators.validate(client, wanted, answer(server, wanted, evidence))
    return judged(relying, shown.evidence or b"", exporter_facts(client, "server", context_of(wanted)))


def judged(relying: Guard, evidence: bytes, facts: tls.HandshakeFacts) -> AttestationResult:
    """Let the relying party appraise evidence; return its result."""
    relying.appraise(evidence, facts)
    if relying.result is None:
        raise RuntimeError("the relying party's verifier failed, so it has no result")
    return relying.result


def channel(design: Design) -> tuple[tls.Client, tls.Server]:
    """Return both ends of a finished handshake of TLS 1.3, joined in memory."""
    authority, key = Authority("A public CA"), ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue([NAME], key.public_key()).public_bytes(Encoding.DER)
    versions, suites = (tls.Version.TLS13,), (tls.CipherSuite[design.suite],)
    client = tls.Client(
        tls.ClientConfig(server_name=NAME, trust=[authority.root], versions=versions, cipher_suites=suites)
    )
    server = tls.Server(tls.ServerConfig(certificates=(certificate,), key=key, versions=versions, cipher_suites=suites))
    while not (client.handshake_complete and server.handshake_complete):
        for end, other in ((client, server), (server, client)):
            for _ in tls.pump(end):
                pass
            other.receive(end.data_to_send())
    return client, server


@on_binder(
    name="key-of-another-purpose",
    needs=(
        "a second key of the bank's VM, made and attested by the same TPM, that signs what strangers write",
        "a certificate for it, in the bank's name",
    ),
    steps=(
        "runs TLS on the key with which the bank signs its public log",
        "has the bank sign her handshake as an entry of the log",
        "forwards a quote over the nonce, with the log key's own attestation",
    ),
    breaks="trust",
    why="The attestation says truthfully that the TPM made the key for this software, but not what the key is for.",
    source="protocol.md, H(L, K, H(SPKI)); TPM 2.0 Part 3, 18.3 qualifyingData",
    stopped_by="the purpose in the binder of the key's attestation",
    prize="peer",
)
def key_of_another_purpose(bed: VerifierTestbed, design: Design) -> AttestationResult:
    """Show the attestation of the bank's log key, on a channel in which Alice uses that key."""
    machine = bed.machine().boot()
    log_key = machine.tls_key()
    purpose = H(L, b"log", log_key.spki)
    certified = certify_creation(machine.hypersafe, machine.attestation_key, log_key, purpose)
    attested = KeyAttestation(certified.attest, certified.signature, log_key.public, log_key.creation_data)
    facts = tls.HandshakeFacts(nonce_C=bed.binder, spki_S=log_key.spki)
    if design.server is None:
        raise ValueError(f"{design.name}: this attack needs a design in which the server attests")
    evidence = replace(machine.evidence(design.server.bind(facts).octets), key_attestation=attested)
    return judged(guard(bed, design, "client"), evidence.encode(), facts)
