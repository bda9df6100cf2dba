"""Whatever a peer's certificate is made of, the handshake succeeds or ends with an alert, and nothing else is raised."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import pytest
from broken_certificates import MALFORMED, ODD_BUT_READABLE, changed_octets, other_encodings, rebuilt, signed, tbs_of
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from tls_pair import NAME, Identity, Pair, client_config, client_identity, make, root, server_config, server_identity

from trustlab import tls
from trustlab.tls import authenticators, keys, x509
from trustlab.tls.messages import Certificate13, CertificateEntry

VERSIONS = (tls.Version.TLS12, tls.Version.TLS13)
CHANGED = 5000


@lru_cache(maxsize=1)
def middle() -> Identity:
    return make("ECDSA", "Middle", root(), ca=True)


@lru_cache(maxsize=2)
def below(role: str) -> Identity:
    return make("ECDSA", NAME, middle(), client=role == "client")


def leaf(role: str) -> Identity:
    return server_identity("ECDSA") if role == "server" else client_identity("ECDSA")


def shown(role: str, version: tls.Version, chain: tuple[bytes, ...], key: Any = None, **checker: Any) -> Any:
    """Let a server or client show this chain in a handshake; return the error of the other end, which checks it."""

    def replaced(request: tls.MessageReady) -> Any:
        if request.message.name != "Certificate":
            return None
        if version == tls.Version.TLS12:
            return tls.Certificate(chain)
        entries = tuple(CertificateEntry(der, ()) for der in chain)
        return Certificate13(request.message.certificate_request_context, entries)

    own = {"key": key or leaf(role).key, "intercept": True}
    server = {"client_certificate": "require" if role == "client" else "none", "trust": [root().certificate]}
    server |= {"versions": (version,)} | (own if role == "server" else {})
    client = {"certificates": (leaf("client").der,), "key": leaf("client").key, "versions": (version,)}
    client |= own if role == "client" else {}
    (client if role == "server" else server).update(checker)
    pair = Pair(
        client_config(**client),
        server_config("ECDSA", **server),
        client_answers={"MessageReady": replaced} if role == "client" else {},
        server_answers={"MessageReady": replaced} if role == "server" else {},
    ).run()
    end = pair.client if role == "server" else pair.server
    assert end.error is not None or end.connection.handshake_complete
    return end.error


def authenticated(role: str, chain: tuple[bytes, ...]) -> None:
    """Show a chain in an exported authenticator, whatever it is; raises what the other side says of it."""
    pair = Pair(
        client_config(versions=(tls.Version.TLS13,)),
        server_config("ECDSA", versions=(tls.Version.TLS13,), trust=[root().certificate]),
    ).run()
    prover, asker = pair.server.connection, pair.client.connection
    if role == "client":
        prover, asker = asker, prover
    asked = authenticators.request(asker)
    good = authenticators.prepare(prover, asked, [leaf(role).der])
    sent = authenticators.read_request(prover, asked)
    entries = tuple(CertificateEntry(der, ()) for der in chain)
    certificate = Certificate13(sent.certificate_request_context, entries).encode()
    data = authenticators.SIGNATURE_CONTEXT + authenticators._digest(good._hash, good._before, certificate)
    other = authenticators.Unsigned(data, good.scheme, good._before, certificate, good._key, good._hash)
    authenticators.validate(asker, asked, other.finish(keys.sign(leaf(role).key, other.scheme, other.data)))


def is_right(name: str, error: Any) -> bool:
    """Whether the alert for a leaf is the right one: what is read all the same may be accepted or refused."""
    if name in ODD_BUT_READABLE:
        return error is None or (isinstance(error, tls.Alert) and not isinstance(error, tls.InternalError))
    unknown = name in {"key: an unknown curve", "key: an unknown type", "key: DSA of nonsense"}
    return isinstance(error, tls.UnsupportedCertificate if unknown else tls.BadCertificate)


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_leaf_is_bad_certificate(name: str, role: str) -> None:
    der = rebuilt(leaf(role).der, root().key, MALFORMED[name])
    for version in VERSIONS:
        error = shown(role, version, (der,))
        assert is_right(name, error), (version, error)
    if name not in ODD_BUT_READABLE:
        with pytest.raises((tls.BadCertificate, tls.UnsupportedCertificate)):
            authenticated(role, (der,))


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_leaf_of_nobody_we_know_is_refused_with_an_alert_too(name: str) -> None:
    """The path does not lead to a root, and the diagnosis looks at everything again."""
    der = rebuilt(make("ECDSA", NAME).der, leaf("server").key, MALFORMED[name])
    for version in VERSIONS:
        error = shown("server", version, (der,))
        assert error is not None
        assert isinstance(error, tls.UnknownCa) or is_right(name, error), (version, error)


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_intermediate_ends_as_an_alert(name: str, role: str) -> None:
    """What the path validation does not look at may pass; whatever it looks at is an alert."""
    der = rebuilt(middle().der, root().key, MALFORMED[name])
    for version in VERSIONS:
        error = shown(role, version, (below(role).der, der), key=below(role).key)
        accepted = error is None and not name.startswith(("key", "subject: not", "serialNumber: neg"))
        assert accepted or (isinstance(error, tls.Alert) and not isinstance(error, tls.InternalError)), error


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("key: an unknown type", tls.UnsupportedCertificate),
        ("key: a point not on the curve", tls.BadCertificate),
        ("basicConstraints: garbage", tls.BadCertificate),
        ("subject: UTF-8 that is none", tls.BadCertificate),
        ("serialNumber: negative", tls.BadCertificate),
    ],
)
def test_an_intermediate_that_is_needed_gets_the_alert_of_a_leaf(name: str, alert: type[tls.Alert]) -> None:
    der = rebuilt(middle().der, root().key, MALFORMED[name])
    for version in VERSIONS:
        assert isinstance(shown("server", version, (below("server").der, der), key=below("server").key), alert)


@pytest.mark.parametrize("error", [ValueError, TypeError, UnsupportedAlgorithm, InternalError])
def test_whatever_the_validation_raises_is_an_alert(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the library may read other parts, and complain of them in its own way."""

    class Verifier:
        def verify(self, *_: Any) -> None:
            raise error("complaint", None) if error is InternalError else error("complaint")

    monkeypatch.setattr(x509.PolicyBuilder, "build_server_verifier", lambda *_: Verifier(), raising=True)
    for version in VERSIONS:
        assert isinstance(shown("server", version, (leaf("server").der,)), tls.BadCertificate)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_certificate_that_nobody_needs_is_harmless_or_an_alert(name: str) -> None:
    der = rebuilt(root().der, root().key, MALFORMED[name])
    error = shown("server", tls.Version.TLS13, (leaf("server").der, der))
    assert error is None or isinstance(error, tls.BadCertificate), error


@pytest.mark.parametrize("name", MALFORMED)
def test_a_client_that_checks_nobody_meets_an_alert_or_none(name: str) -> None:
    der = rebuilt(leaf("server").der, root().key, MALFORMED[name])
    for version in VERSIONS:
        error = shown("server", version, (der,), checks=False, trust=None)
        assert error is None or isinstance(error, tls.Alert), (version, error)
        assert not isinstance(error, tls.InternalError)


def test_the_sentence_says_which_part() -> None:
    for name, words in {
        "SAN: nothing": "extensions cannot be read",
        "SAN: twice": "two extensions of the type 2.5.29.17",
        "subject: UTF-8 that is none": "names of issuer and subject cannot be read",
        "validity: the year 0": "dates cannot be read",
        "key: a point not on the curve": "key cannot be read",
        "serialNumber: zero": "serial number is not positive",
    }.items():
        error = shown("server", tls.Version.TLS13, (rebuilt(leaf("server").der, root().key, MALFORMED[name]),))
        assert words in error.sentence


OTHERS = other_encodings(tbs_of(leaf("server").certificate), root().key)


@pytest.mark.parametrize("how", OTHERS)
def test_another_encoding_of_a_good_certificate_is_bad_certificate(how: str) -> None:
    for version in VERSIONS:
        assert isinstance(shown("server", version, (OTHERS[how],)), tls.BadCertificate)
    with pytest.raises(tls.BadCertificate):
        authenticated("server", (OTHERS[how],))


@pytest.mark.parametrize("how", other_encodings(tbs_of(middle().certificate), root().key).items(), ids=lambda p: p[0])
def test_another_encoding_of_a_good_intermediate_is_bad_certificate(how: tuple[str, bytes]) -> None:
    error = shown("server", tls.Version.TLS13, (below("server").der, how[1]), key=below("server").key)
    assert isinstance(error, tls.BadCertificate)


def test_the_good_ones_pass() -> None:
    again = signed(tbs_of(leaf("server").certificate), root().key)
    for version in VERSIONS:
        assert shown("server", version, (again,)) is None
        assert shown("client", version, (leaf("client").der,)) is None
        assert shown("server", version, (below("server").der, middle().der), key=below("server").key) is None
    authenticated("server", (again,))
    authenticated("client", (leaf("client").der,))


def judged(der: bytes, config: tls.ClientConfig) -> None:
    """Do what a client does with a server's leaf."""
    found = x509.PeerCertificate(der)
    config.check_chain(found, (der,), NAME)
    config.check_usage(found, "digital_signature")
    with pytest.raises(tls.Alert):
        keys.verify(found.key, found.key.schemes13[0], bytes(64), b"", tls13=True)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
def test_no_changed_octet_of_a_certificate_is_accepted(kind: str) -> None:
    """By one octet at least, no two encodings of a certificate exist."""
    authority = make(kind, "Authority", ca=True)
    good = make("ECDSA", NAME, authority).der
    config = client_config(trust=[authority.certificate])
    judged(good, config)
    for der in changed_octets(good):
        with pytest.raises(tls.Alert):
            judged(der, config)


@pytest.mark.parametrize("trusted", [True, False])
def test_any_change_of_a_signed_certificate_is_accepted_or_an_alert(trusted: bool) -> None:  # noqa: FBT001
    """The signature is right, so that the change reaches whatever stands behind it."""
    dice = random.Random(11)  # noqa: S311 - a seed makes the same certificates each time
    key = root().key if trusted else ec.generate_private_key(ec.SECP256R1())
    config, tbs = client_config(), tbs_of(leaf("server").certificate)
    outcomes: dict[str, int] = {}
    for _ in range(CHANGED // 2):
        changed = bytearray(tbs)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            changed[dice.randrange(4, len(tbs))] = dice.choice((0, 1, 2, 0x30, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        der = signed(bytes(changed), key)
        try:
            judged(der, config)
            outcome = "accepted"
        except tls.Alert as alert:
            outcome = alert.name
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert outcomes["bad_certificate"] > CHANGED // 10
    assert "internal_error" not in outcomes
    assert ("accepted" in outcomes) is trusted
