"""The public certificate authority of the lab: trusted by everyone, careful, and blind to who owns the network.

It validates a name the way public CAs do (RFC 8555, 8.3, the http-01 challenge): it opens a connection to the name
and wants to read an answer that only the holder of the name should be able to give. In Alice's cloud it is Alice's
network that decides where this connection ends. Every PKI of the lab is minted at run time and lives for a day.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from trustlab.cloud.authority import Authority
from trustlab.cloud.errors import CloudError, NameNotValidatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.trace import Party
    from trustlab.wire import MemoryNetwork

HTTP = 80
CHALLENGE_PATH = "/.well-known/acme-challenge/"
MAX_ANSWER = 4096


def spki_of(public_key: CertificateIssuerPublicKeyTypes) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a key."""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_authorization(token: str, spki: bytes) -> bytes:
    """Return what the holder of a name must answer (RFC 8555, 8.1): the token, and the digest of the key."""
    return f"{token}.{base64.urlsafe_b64encode(hashlib.sha256(spki).digest()).decode().rstrip('=')}".encode()


class ChallengeRequest:
    """The CA's end of http-01: asks for the token, and keeps the answer."""

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self.token = token
        self.answer = b""
        self.closed = False
        self._request = f"GET {CHALLENGE_PATH}{token} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()

    def receive(self, data: bytes) -> None:
        self.answer = (self.answer + data)[:MAX_ANSWER]

    def data_to_send(self) -> bytes:
        """Send the request, once."""
        request, self._request = self._request, b""
        return request

    def eof_received(self) -> None:
        """Learn that the answer is complete."""
        self.closed = True


class ChallengeAnswer:
    """The end of whoever answers for the name: gives the key authorization for its own key."""

    def __init__(self, spki: bytes) -> None:
        self.closed = False
        self._spki = spki
        self._request = b""
        self._answer = b""

    def receive(self, data: bytes) -> None:
        """Read the request until its blank line and prepare the answer."""
        self._request = (self._request + data)[:MAX_ANSWER]
        if b"\r\n\r\n" not in self._request or self.closed:
            return
        path = self._request.split(b" ", 2)[1].decode("ascii", "replace")
        body = key_authorization(path.removeprefix(CHALLENGE_PATH), self._spki)
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        self.closed = True

    def data_to_send(self) -> bytes:
        """Send the answer, once."""
        answer, self._answer = self._answer, b""
        return answer

    def eof_received(self) -> None:
        """Nobody asks any more."""
        self.closed = True


class WebCa:
    """A certificate authority that every relying party trusts.

    It does not ask for a proof of possession of the key: one that can only decrypt could not sign a request, and the
    passages do not rest on it.
    """

    HOST = "web-ca"
    IP = "198.51.100.7"

    def __init__(
        self, network: MemoryNetwork | None, party: Party, *, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        """Stand in `network`; without one somebody else carries a `challenge` to its name and brings it to `judge`."""
        self._network = network
        self._party = party
        self._random = random
        self._authority = Authority("trustlab public web CA")
        self.root = self._authority.root
        if network is not None:
            network.attach(self.HOST, ip=self.IP)

    @property
    def root_pem(self) -> str:
        return self._authority.root_pem

    def certify(self, name: str, host: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Issue a certificate for `name` if whoever answers at `host` gives the right answer for this very key."""
        if self._network is None:
            raise CloudError("this CA is not in a network of its own: carry its challenge there")
        challenge = self.challenge(name)
        self._network.connect(self.HOST, host, HTTP, challenge)
        self._network.run()
        return self.judge(challenge, public_key)

    def challenge(self, name: str) -> ChallengeRequest:
        """Make the CA's end of the connection that validates `name`."""
        return ChallengeRequest(name, base64.urlsafe_b64encode(self._random(24)).decode())

    def judge(self, challenge: ChallengeRequest, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Issue the certificate if the answer that the challenge got is the right one for this key."""
        name = challenge.name
        body = challenge.answer.partition(b"\r\n\r\n")[2]
        if not secrets.compare_digest(body, key_authorization(challenge.token, spki_of(public_key))):
            raise NameNotValidatedError(f"whoever answers at {name} does not answer for this key: no certificate")
        self._party.emit(
            "app",
            "certificate issued",
            sentence=f"The CA connected to {name}, got the answer it wanted, and signed. It cannot see who answered.",
        )
        return self._authority.issue([name], public_key)
