"""The TLS 1.3 traces of the working group, octet by octet, our engine in either role.

What a trace draws at random is put in through the engine's own hooks: key shares by `ephemeral`, hellos, certificates
and signatures as replaced messages. Everything else - secrets, keys, Finished, records - the engine computes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from tls_pair import NAME, End

from trustlab import tls
from trustlab.tls import schedule13
from trustlab.tls.describe import context_for
from trustlab.tls.groups import NistShare, X25519Share
from trustlab.tls.messages import Certificate13, pull_message
from trustlab.tls.reading import MessageReader
from trustlab.tls.unchecked import UncheckedClientConfig, UncheckedServerConfig

FOLDER = Path(os.environ.get("TRUSTLAB_VECTORS", Path(__file__).parents[2].parent / "shared" / "vectors"))
FILE = FOLDER / "tls13-traces" / "traces.json"
needs_vectors = pytest.mark.skipif(not FILE.exists(), reason=f"the TLS 1.3 traces are not at {FILE}")
TRACES = {t["section"]: t for t in json.loads(FILE.read_text())} if FILE.exists() else {}
FULL = [s for s in ("3", "5", "6", "7") if s in TRACES]
SUITE = tls.CipherSuite.TLS_AES_128_GCM_SHA256
SECRETS = {
    'derive secret "tls13 c hs traffic"': "client_handshake_traffic_secret",
    'derive secret "tls13 s hs traffic"': "server_handshake_traffic_secret",
    'derive secret "tls13 c ap traffic"': "client_application_traffic_secret_0",
    'derive secret "tls13 s ap traffic"': "server_application_traffic_secret_0",
    'derive secret "tls13 exp master"': "exporter_master_secret",
    'derive secret "tls13 res master"': "resumption_master_secret",
}


def field(step: Any, name: str) -> bytes:
    return next(bytes.fromhex(value) for title, _, value in step["fields"] if title == name)


def steps(section: str, who: str, what: str) -> list[Any]:
    return [s for s in TRACES[section]["steps"] if s["who"] == who and s["what"].startswith(what) and s["fields"]]


def message(step: Any) -> Any:
    [(_, _, value)] = step["fields"]
    raw = bytes.fromhex(value)
    return pull_message(MessageReader(raw), context_for(SUITE, tls.Version.TLS13))


def records(section: str, who: str) -> list[tuple[str, bytes, bytes]]:
    sent = [s for s in TRACES[section]["steps"] if s["who"] == who and "complete record" in str(s["fields"])]
    return [(s["what"], field(s, "payload"), field(s, "complete record")) for s in sent]


def shares(section: str, who: str) -> Any:
    found: dict[int, Any] = {}
    for step in steps(section, who, "create an ephemeral"):
        private = field(step, "private key")
        if "x25519" in step["what"]:
            found[tls.Group.X25519] = X25519Share(x25519.X25519PrivateKey.from_private_bytes(private))
        else:
            key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
            found[tls.Group.SECP256R1] = NistShare(key)
    return found.__getitem__


def written(section: str, who: str) -> dict[str, list[Any]]:
    messages: dict[str, list[Any]] = {}
    for step in steps(section, who, "construct a"):
        found = message(step)
        messages.setdefault(found.name, []).append(found)
    return messages


def end_of(section: str, who: str) -> End:
    """Return our engine in a role of a trace, its random choices taken from there."""
    own = written(section, who)

    def replaced(request: tls.MessageReady) -> Any:
        computed = request.message.name == "Finished"
        return None if computed else own[request.message.name].pop(0)

    chain = [m for name in ("Certificate",) for m in own.get(name, []) if isinstance(m, Certificate13)]
    certificates = tuple(e.cert_data for e in chain[0].certificate_list) if chain else ()
    common: dict[str, Any] = {
        "versions": (tls.Version.TLS13,),
        "certificates": certificates,
        "key": "in the trace",
        "ephemeral": shares(section, who),
        "groups": (tls.Group.SECP256R1,) if section == "5" and who == "server" else (tls.Group.X25519,),
        "intercept": True,
        "coalesce": True,
    }
    answers = {"MessageReady": replaced, "KeyOperationWanted": b"replaced by the trace"}
    if who == "client":
        return End(tls.Client(UncheckedClientConfig(server_name=NAME, **common)), **answers)
    wish = "request" if section == "6" else "none"
    return End(tls.Server(UncheckedServerConfig(client_certificate=wish, **common)), **answers)


def play(section: str, who: str) -> End:
    """Run a trace to its end, comparing every record we send with the trace's."""
    end = end_of(section, who)
    expected = b""
    sent = b""
    for step in TRACES[section]["steps"]:
        if "complete record" not in str(step["fields"]):
            continue
        sent += end.drain()
        if step["who"] != who:
            assert sent == expected, f"before: {step['what']}"
            end.connection.receive(field(step, "complete record"))
            continue
        expected += field(step, "complete record")
        if "application_data" in step["what"]:
            end.connection.send(field(step, "payload"))
        elif "alert" in step["what"] and not end.connection.closed:
            assert field(step, "payload") == b"\x01\x00"
            end.connection.close()
        elif field(step, "payload")[0] == tls.HandshakeType.NEW_SESSION_TICKET and "handshake" in step["what"]:
            ticket = pull_message(MessageReader(field(step, "payload")), end.connection.context)
            end.connection.put(ticket, field(step, "payload"))
    sent += end.drain()
    assert sent == expected
    return end


@needs_vectors
@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("section", FULL)
def test_a_trace_is_reproduced_octet_by_octet(section: str, who: str) -> None:
    end = play(section, who)
    assert end.connection.handshake_complete
    assert end.error is None
    other = "server" if who == "client" else "client"
    data = b"".join(payload for what, payload, _ in records(section, other) if "application_data" in what)
    assert end.data == data


@needs_vectors
@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("section", FULL)
def test_every_secret_of_a_trace_is_told_with_its_value(section: str, who: str) -> None:
    told = {e.label: e.value for e in play(section, who).of(tls.SecretDerived)}
    compared = 0
    for step in TRACES[section]["steps"]:
        if step["what"] in SECRETS and step["fields"]:
            assert told[SECRETS[step["what"]]] == field(step, "expanded"), step["what"]
            compared += 1
        if step["what"].startswith("extract secret") and step["fields"]:
            name = step["what"].split('"')[1]
            assert told[f"{'main' if name == 'master' else name}_secret"] == field(step, "secret")
            compared += 1
    assert compared == 9


@needs_vectors
def test_every_expansion_of_every_trace_is_hkdf_expand_label() -> None:
    compared = 0
    for trace in TRACES.values():
        for step in trace["steps"]:
            names = {f[0] for f in step["fields"]}
            if {"PRK", "info", "expanded"} <= names:
                info = field(step, "info")
                length, size = int.from_bytes(info[:2], "big"), info[2]
                label, context = info[3 + 6 : 3 + size], info[4 + size :]
                found = schedule13.hkdf_expand_label(field(step, "PRK"), label, context, length, "sha256")
                assert found == field(step, "expanded"), step["what"]
                compared += 1
    assert compared > 50


@needs_vectors
def test_the_secrets_of_the_resumed_trace_follow_from_its_pre_shared_key() -> None:
    [early] = steps("4", "client", 'extract secret "early"')
    secret = schedule13.EarlySecret.start("sha256", field(early, "IKM"))
    assert secret.value == field(early, "secret")
    [handshake] = steps("4", "server", 'extract secret "handshake"')
    following = secret.handshake(field(handshake, "IKM"))
    assert following.value == field(handshake, "secret")
    [master] = steps("4", "server", 'extract secret "master"')
    assert following.main().value == field(master, "secret")


@needs_vectors
@pytest.mark.parametrize("section", list(TRACES))
def test_every_message_of_every_trace_is_read_named_and_written_back(section: str) -> None:
    for step in steps(section, "client", "construct a") + steps(section, "server", "construct a"):
        if step["what"].endswith("EndOfEarlyData handshake message") or (
            section == "4" and "ClientHello" in step["what"]
        ):
            continue
        raw = bytes.fromhex(step["fields"][0][2])
        assert message(step).encode() == raw
        spans = tls.describe(raw, 22, SUITE, tls.Version.TLS13)
        assert not [s for s in spans if s.name == "unreadable"]
