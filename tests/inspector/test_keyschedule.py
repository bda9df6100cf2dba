"""Each secret of a real run can be made again from what it is made of, by Python that a reader copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tls_identities import NAME, issue, key, root

from trustlab import tls
from trustlab.inspector import Ladder
from trustlab.inspector.keyschedule import KeyNode, KeySchedule
from trustlab.passage import DESIGNS
from trustlab.scenarios import acts
from trustlab.tls.observe import TraceObserver
from trustlab.trace import Trace, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

SUITES12 = (
    tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
    tls.CipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
    tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    tls.CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
)
SUITES13 = (
    tls.CipherSuite.TLS_AES_128_GCM_SHA256,
    tls.CipherSuite.TLS_AES_256_GCM_SHA384,
    tls.CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
)


def connection(version: tls.Version, *, update: bool = False, client: Any = None, **both: Any) -> Trace:
    """Connect both ends of our engine, say something each way, and return what the trace holds."""
    trace = Trace()
    identity = issue(key("RSA", 5), NAME, root())
    settings = {"versions": (version,), **both}
    ends: dict[str, Any] = {
        "client": tls.Client(
            tls.ClientConfig(**(settings | {"server_name": NAME, "trust": [root().certificate]} | (client or {})))
        ),
        "server": tls.Server(tls.ServerConfig(**(settings | {"certificates": (identity.der,), "key": identity.key}))),
    }
    watch = {role: TraceObserver(trace.party(role).emitter, "c", role) for role in ends}
    said = False
    for _ in range(40):
        for role, other in (("client", "server"), ("server", "client")):
            for event in tls.pump(ends[role]):
                watch[role].observe(event)
            ends[other].receive(ends[role].data_to_send())
        if ends["client"].handshake_complete and ends["server"].handshake_complete and not said:
            said = True
            if update:
                ends["client"].update_keys(request_peer=True)
                ends["client"].update_keys()
            ends["client"].send(b"hello from the client")
    assert said, [end.error for end in ends.values()]
    return trace


def run(snippet: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - what a reader would run
    return names


def assert_recomputed(nodes: Iterable[KeyNode]) -> None:
    """Every node's Python runs; those with a recipe end in their own value."""
    nodes = list(nodes)
    for node in nodes:
        assert node.sentence, node
        assert node.clause, node
        names = run(node.snippet)
        if node.inputs or node.public:
            assert names[node.name].hex() == node.value, node
            assert "assert" in node.snippet, node
    seen: set[tuple[str, str]] = set()
    for node in nodes:
        assert {(node.connection, source) for source in node.inputs} <= seen, f"{node} stands before its inputs"
        seen.add((node.connection, node.name))
    assert len(seen) == len(nodes)


@pytest.mark.parametrize("suite", SUITES12)
@pytest.mark.parametrize("extended", [False, True])
def test_every_secret_of_tls12_is_made_again(suite: tls.CipherSuite, *, extended: bool) -> None:
    nodes = KeySchedule.of(
        connection(tls.Version.TLS12, cipher_suites=(suite,), extended_master_secret=extended), values=True
    ).nodes()
    assert_recomputed(nodes)
    by_name = {node.name: node for node in nodes}
    assert ("session_hash" in by_name["master_secret"].inputs) is extended
    assert by_name["master_secret"].clause == ("RFC 7627, 4" if extended else "RFC 5246, 8.1")
    assert {"client_write_key", "server_write_key", "client_verify_data", "server_verify_data"} <= by_name.keys()
    assert ("client_write_MAC_key" in by_name) is ("CBC" in suite.name)
    assert {node.name for node in nodes if not node.inputs and not node.public} == {"pre_master_secret"}


@pytest.mark.parametrize("suite", SUITES13)
def test_every_secret_of_tls13_is_made_again(suite: tls.CipherSuite) -> None:
    nodes = KeySchedule.of(connection(tls.Version.TLS13, cipher_suites=(suite,)), values=True).nodes()
    assert_recomputed(nodes)
    assert {node.name for node in nodes if not node.inputs and not node.public} == {"shared_secret"}
    assert {"client_application_iv", "server_finished_key", "resumption_master_secret"} <= {n.name for n in nodes}


def test_a_second_hello_counts_in_the_transcript_as_the_standard_says() -> None:
    groups = (tls.Group.X25519, tls.Group.SECP256R1)
    trace = connection(
        tls.Version.TLS13, groups=(tls.Group.SECP256R1,), client={"groups": groups, "key_shares": (tls.Group.X25519,)}
    )
    assert trace.select("tls.message", name="HelloRetryRequest")
    nodes = KeySchedule.of(trace, values=True).nodes()
    assert_recomputed(nodes)
    assert next(node for node in nodes if node.name == "client_handshake_traffic_secret").inputs


def test_keys_after_an_update_follow_from_those_before() -> None:
    nodes = KeySchedule.of(connection(tls.Version.TLS13, update=True), values=True).nodes()
    assert_recomputed(nodes)
    inputs = {node.name: node.inputs for node in nodes}
    for number in (1, 2):
        assert inputs[f"client_application_traffic_secret_{number}"] == (
            f"client_application_traffic_secret_{number - 1}",
        )
    assert "server_application_traffic_secret_1" in inputs


@pytest.mark.parametrize("version", [tls.Version.TLS12, tls.Version.TLS13])
def test_the_client_s_key_opens_the_client_s_record(version: tls.Version) -> None:
    suite = SUITES12[0] if version == tls.Version.TLS12 else SUITES13[0]
    trace = connection(version, cipher_suites=(suite,))
    values = {node.name: bytes.fromhex(node.value) for node in KeySchedule.of(trace, values=True).nodes()}
    record = next(e.raw for e in trace if e.name == "ApplicationData" and e.direction == "client")
    if version == tls.Version.TLS12:
        aad = (1).to_bytes(8, "big") + record[:3] + (len(record) - 5 - 8 - 16).to_bytes(2, "big")
        opened = AESGCM(values["client_write_key"]).decrypt(values["client_write_IV"] + record[5:13], record[13:], aad)
    else:
        opened = AESGCM(values["client_application_key"]).decrypt(
            values["client_application_iv"], record[5:], record[:5]
        )[:-1]
    assert opened == b"hello from the client"


@pytest.mark.parametrize("design", DESIGNS)
def test_every_secret_of_every_design_is_made_again(design: str) -> None:
    with acts.rung(design) as act:
        act.run()
    nodes = KeySchedule.of(act.trace, values=True).nodes()
    assert_recomputed(nodes)
    for node in nodes:
        assert bool(node.holders) is not node.public
    bound = {
        "pms-in-quote": "pms_commitment",
        "trusted-passage": "pms_commitment",
        "tls13-early": "attest_base",
        "tls13-handshake-secret": "attest_secret",
        "tls13-exporter": "exporter_server",
        "role-exporter": "exporter_server",
        "expat": "exporter_attestation_server",
        "tls13-early-exporter": "early_exporter",
        "tls13-nonce-early-exporter": "early_exporter",
        "tls13-nonce-early-exporter-key": "early_exporter",
    }
    clients = {"exporter_client", "exporter_attestation_client"}
    found = {n.name for n in nodes} & {*bound.values(), *clients}
    assert found - clients == ({bound[design]} if design in bound else set())


def test_holders_say_who_has_a_secret_and_since_which_event() -> None:
    with acts.plain_tls() as act:
        act.run()
    nodes = {(n.connection, n.name): n for n in KeySchedule.of(act.trace).nodes()}
    held = nodes["teller-bank-1", "master_secret"].holders
    assert [holder.party for holder in held] == ["teller", "alice"]
    for holder in held:
        assert act.trace.find(holder.party, holder.seq).name == "master_secret"
    assert nodes["teller-bank-1", "client_write_key"].holders == held
    assert nodes["teller-bank-1", "client_random"].holders == ()


def test_without_values_there_are_none() -> None:
    trace = connection(tls.Version.TLS13)
    secrets = {event.raw.hex() for event in trace.select("secret") if len(event.raw) > 16}
    shown = str(KeySchedule.of(trace).nodes()) + msgspec.json.encode(KeySchedule.of(trace).nodes()).decode()
    with_values = KeySchedule.of(trace, values=True).nodes()
    assert not [value for value in secrets if value in shown or value in repr(with_values)]


def test_a_handshake_that_somebody_changed_leads_nowhere_and_says_so() -> None:
    trace = connection(tls.Version.TLS13)
    changed = Trace()
    for event in trace:
        raw = event.raw[:-1] + bytes([event.raw[-1] ^ 1]) if event.name == "EncryptedExtensions" else event.raw
        changed.append(
            event.party, event.kind, event.name, raw, event.spans, event.links, event.connection, event.direction,
            event.offset, event.sent, event.data,
        )  # fmt: skip
    nodes = {node.name: node for node in KeySchedule.of(changed, values=True).nodes()}
    assert nodes["client_handshake_traffic_secret"].inputs
    assert nodes["client_application_traffic_secret_0"].inputs == ()
    for node in nodes.values():
        run(node.snippet)


def test_secrets_of_an_unknown_connection_are_shown_alone() -> None:
    event = TraceEvent("secret", "p", 0, name="master_secret", raw=bytes(48), data={"connection": "c", "inputs": 7})
    odd = TraceEvent(
        "tls.message", "p", 1, name="ServerHello", raw=b"\2\0\0\1\0", connection="c", data={"content_type": 22}
    )
    for events in ([event], [odd, event], [odd]):
        nodes = KeySchedule.of(events, values=True).nodes()
        assert [node.name for node in nodes] == (["master_secret"] if event in events else [])


def test_the_secrets_of_a_document_carry_the_same_python() -> None:
    with acts.rung("tls13-key") as act:
        act.run()
    secrets = Ladder.of(act.trace, secrets=True).document.frame.secrets
    made = [secret for secret in secrets if secret.connection]
    assert len(made) > 13
    ids = {secret.id for secret in secrets}
    for secret in made:
        assert secret.snippet, secret
        assert secret.say, secret
        assert set(secret.inputs) <= ids
        assert bool(secret.holders) is not secret.public
        run(secret.snippet)
    closed = Ladder.of(act.trace).document.frame.secrets
    assert [secret.id for secret in closed] == [secret.id for secret in secrets]
    assert not [secret for secret in closed if secret.snippet or secret.hex]
