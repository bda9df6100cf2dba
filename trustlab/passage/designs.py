"""Designs: the rungs of the ladder, as values.

A design says which binder each role proves, when attestation happens, where the server's key comes from, and what the
relying party demands. The slides' ladder and the protocol live here as data; the pump in `passage.endpoint` runs on it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trustlab.passage.binders import Binder

When = Literal["never", "handshake"]
KeyOrigin = Literal["deployed", "tcb"]


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """One way to bind TLS to attestation.

    `server` and `client` are the binders their Evidence carries (None: that role does not attest); `key_origin` says
    who made the server's key: `deployed` with the image by the provider, or `tcb`, made in the TPM for the measured
    software alone and proved by TPM2_CertifyCreation.
    """

    name: str
    tls: Literal["1.2", "1.3"]
    when: When
    key_origin: KeyOrigin
    server: Binder | None = None
    client: Binder | None = None
    sentence: str = ""
    source: str = ""

    @property
    def demands_key_attestation(self) -> bool:
        """Whether the client must see the server key's proof of creation."""
        return self.key_origin == "tcb"


PLAIN_TLS = Design(
    name="plain-tls",
    tls="1.2",
    when="never",
    key_origin="deployed",
    sentence="A certificate of a trusted CA, and nothing else, says who the server is.",
    source="Trusted Passages (2011), why TLS alone fails",
)

TRUSTED_PASSAGE = Design(
    name="trusted-passage",
    tls="1.2",
    when="handshake",
    key_origin="tcb",
    server=Binder(("L", "S", "nonce_C", "client_random", "server_random", "H(SPKI_S)")),
    client=Binder(("L", "C", "nonce_S", "client_random", "server_random", "HMAC(PMS)", "H(EPMS)")),
    sentence=(
        "The server's TPM quotes the handshake and the key that only its measured software can use; "
        "the client's TPM quotes the handshake, the secret it chose and how it encrypted it."
    ),
    source="Trusted Passages (2011), the encrypted pre-master secret in the attestation",
)

DESIGNS = {design.name: design for design in (PLAIN_TLS, TRUSTED_PASSAGE)}
"""The designs that run, by name."""
