"""One long connection, asked twice: the second answer holds the evidence of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustlab import tls
from trustlab.attacks.attack import Attack
from trustlab.attacks.on_binder.kind import OnBinder, guard
from trustlab.attacks.on_verifier.stage import CLAIM, STALE
from trustlab.attest import claim_event
from trustlab.cloud import Authority
from trustlab.passage.exported import answer, context_of, exporter_facts, request
from trustlab.tls import authenticators
from trustlab.tpm import measure

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Machine, Stage
    from trustlab.attest import AttestationResult
    from trustlab.passage import Design, Guard

NAME = "bank.example"


class Remembering:
    """The root VM between HyperSafe and the network: what it saw once it gives again, whatever is asked."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._kept = b""

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:  # noqa: ARG002 - no key is proved on this base
        """Have HyperSafe quote the first binder, and return that quote for every other."""
        self._kept = self._kept or self._machine.evidence(binder).encode()
        return self._kept


def carry_out(stage: Stage, design: Design) -> AttestationResult:
    """Let the relying party ask, the machine's state change, and the relying party ask again."""
    machine = stage.machine().boot()
    client, server = channel(design)
    relying, proving = guard(stage, design, "client"), guard(stage, design, "server", attester=Remembering(machine))
    if not asked(relying, proving, client, server).accepted:
        raise RuntimeError("the evidence is in order, and the relying party refuses it")
    measure(machine.hypersafe, machine.platform.event_log, claim_event(CLAIM, STALE))
    return asked(relying, proving, client, server)


def asked(relying: Guard, proving: Guard, client: tls.Client, server: tls.Server) -> AttestationResult:
    """Ask the server for an authenticator, and judge the evidence in it."""
    wanted = request(client)
    evidence = proving.evidence(exporter_facts(server, "server", context_of(wanted)))
    if isinstance(evidence, tls.Alert):
        raise evidence
    shown = authenticators.validate(client, wanted, answer(server, wanted, evidence))
    relying.appraise(shown.evidence or b"", exporter_facts(client, "server", context_of(wanted)))
    if relying.result is None:
        raise RuntimeError("the relying party did not come to a result")
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


ATTACK = OnBinder(
    attack=Attack(
        name="stale-authenticator",
        needs=("the root VM between HyperSafe and the network, on a machine whose owner has grown careless",),
        steps=(
            "keeps the evidence of the first answer on a long connection",
            "lets the machine's state change: its antivirus grows old, and measured code says so",
            "puts the kept evidence into the answer to the next question",
        ),
        breaks="freshness",
        why="The channel is the same as an hour ago, and so is its exporter; what the machine runs is not.",
        source="SEAT use cases; RFC 9261, 4 certificate_request_context",
        stopped_by="the context of the request in the exporter",
        prize="peer",
        tls="1.3",
    ),
    carry_out=carry_out,
)
