"""No message of a peer that has all the keys leads to anything but success or a typed alert, whatever it says.

A seeded sample here; TRUSTLAB_SOAK=1 tries every mutation of every message.
"""

from __future__ import annotations

import os
import random
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from rewriting import SCENARIOS, Mutation, Place, Play, Scenario, extension_lists, mutations, of_fields, of_the_whole
from unruly import TLS12, TLS13, End, client_config, run, server_config

from trustlab import tls
from trustlab.tls import authenticators
from trustlab.tls.client13 import Client13
from trustlab.tls.extensions import push_attestation

if TYPE_CHECKING:
    from collections.abc import Callable

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
SAMPLE = 150
SECONDS = 5.0


@lru_cache
def all_cases(scenario: Scenario) -> tuple[tuple[Place, Mutation], ...]:
    """Return every mutation of every message of a scenario, at its place."""
    plain = Play(scenario)
    ends = plain.run()
    assert [end.connection.error for end in ends.values()] == [None, None]
    return tuple(
        (place, mutation)
        for place, message, raw, version, suite in plain.seen
        for mutation in mutations(message, raw, version, suite)
    )


def promised(scenario: Scenario, place: Place, mutation: Mutation, *, consistent: bool) -> set[type]:
    """Play a mutation and look at both ends: in success, or in a typed alert that is not internal_error, and in time.

    Returns what kinds of errors the two ended with, NoneType for success.
    """
    begun = time.perf_counter()
    what = f"{scenario}: {place.role}'s {place.name} {place.number}: {mutation.title} (consistent: {consistent})"
    try:
        ends = Play(scenario, place, mutation, consistent).run()
    except Exception as error:
        raise AssertionError(what) from error
    for role, end in ends.items():
        error = end.connection.error
        assert end.connection.state == "Closed", what
        assert error is None or isinstance(error, tls.TlsError), f"{what}: {role}: {error!r}"
        assert not isinstance(error, tls.InternalError | tls.LocalProtocolError), f"{what}: {role}: {error!r}"
        assert isinstance(end.events[-1], tls.ConnectionClosed), what
    elapsed = time.perf_counter() - begun
    assert elapsed < SECONDS, f"{what}: {elapsed:.1f} s"
    return {type(end.connection.error) for end in ends.values()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_a_peer_with_the_keys_says_the_reader_knows_an_alert_for_it(scenario: Scenario) -> None:
    cases: Any = all_cases(scenario)
    if not SOAK:
        cases = random.Random(scenario.name).sample(cases, SAMPLE)  # noqa: S311 - the same every time
    for number, (place, mutation) in enumerate(cases):
        for consistent in (True, False) if SOAK else (bool(number % 2),):
            promised(scenario, place, mutation, consistent=consistent)


def test_the_mutations_reach_the_states_behind_the_record_protection() -> None:
    """With a consistent peer the alerts are those of the messages, and some mutations are lawful."""
    scenario = next(s for s in SCENARIOS if s.name == "TLS 1.3, evidence of both")
    found: set[type] = set()
    for place, mutation in all_cases(scenario):
        if place.name in {"EncryptedExtensions", "CertificateRequest"} and mutation.title.startswith("extension"):
            found |= promised(scenario, place, mutation, consistent=True)
    expected = {tls.DecodeError, tls.IllegalParameter, tls.UnsupportedExtension, tls.MissingExtension, type(None)}
    assert found >= expected
    assert tls.BadRecordMac not in found


def test_a_fault_of_the_reader_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise KeyError("a fault made for this test")

    monkeypatch.setattr(Client13, "take_attestation", breaks)
    scenario = SCENARIOS[0]
    with pytest.raises(AssertionError, match=r"EncryptedExtensions 0: .*InternalError"):
        promised(
            scenario,
            Place("server", "EncryptedExtensions", 0),
            Mutation("as it was", b"\x08\0\0\2\0\0"),
            consistent=True,
        )


# Exported authenticators: a program hands the peer's octets to the engine by itself


CONTEXT = bytes(range(32))


def shaken(version: tls.Version) -> tuple[tls.Connection, tls.Connection]:
    client = End(tls.Client(client_config(version, client="ECDSA")))
    server = End(tls.Server(server_config(version, client="ECDSA")))
    run(client, server)
    return client.connection, server.connection


def refused_by_alert_or_taken(act: Callable[[], object], what: str) -> None:
    try:
        act()
    except Exception as error:
        if not isinstance(error, tls.Alert) or isinstance(error, tls.InternalError):
            error.add_note(what)
            raise


def signed(connection: tls.Connection, asked: bytes, extensions: tuple[tls.Extension, ...]) -> bytes:
    """Return an authenticator by the real key, whatever stands beside the leaf."""
    config = connection.config
    unsigned = authenticators.prepare(connection, asked, config.certificates, extensions)
    return unsigned.finish(tls.perform(tls.KeyOperationWanted("sign", config.key, unsigned.data, unsigned.scheme)))


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
@pytest.mark.parametrize("role", ["client", "server"])
def test_whatever_an_authenticator_says_its_reader_knows_an_alert_for_it(role: str, version: tls.Version) -> None:
    """Both the request and the answer; with extensions of all sorts the answer has a signature that verifies."""
    ends = shaken(version)
    asking, proving = ends if role == "client" else ends[::-1]
    wanted = push_attestation(tls.AttestationExtension(CONTEXT, 0, 3, (1,)))
    asked = authenticators.request(asking, [tls.Extension(tls.ExtensionType.ATTESTATION, wanted)], CONTEXT)
    suite = asking.cipher_suite
    name = "CertificateRequest"
    for mutation in (*of_the_whole(asked), *of_fields(name, asked, suite, TLS13)):
        refused_by_alert_or_taken(
            lambda m=mutation: authenticators.read_request(proving, m.octets), f"request {mutation.title}"
        )
    evidence = tls.Extension(tls.ExtensionType.ATTESTATION, b"\0\x08evidence")
    for title, extensions in extension_lists((evidence,)):
        answer = signed(proving, asked, extensions)
        refused_by_alert_or_taken(
            lambda a=answer: authenticators.validate(asking, asked, a).evidence, f"answer with {title}"
        )
    answer = signed(proving, asked, (evidence,))
    assert authenticators.validate(asking, asked, answer).evidence == b"evidence"
    for mutation in (*of_the_whole(answer), *(Mutation(f"cut at {n}", answer[:n]) for n in range(0, len(answer), 3))):
        refused_by_alert_or_taken(
            lambda m=mutation: authenticators.validate(asking, asked, m.octets), f"answer {mutation.title}"
        )
