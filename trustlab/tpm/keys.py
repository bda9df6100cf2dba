"""The keys of a machine: EK, SRK, AK and TLS keys.

Load keys after the DRTM launch: the policies name PCR values that only exist then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from trustlab.attest import Public, parse_public
from trustlab.tpm.marshal import PASSWORD, RH_ENDORSEMENT, RH_OWNER, Fields, sized, u32
from trustlab.tpm.policy import KeyPolicy
from trustlab.tpm.templates import AK_ATTRIBUTES, Kind, ak_template, ek_template, srk_template, tls_key_template

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from trustlab.tpm.client import TpmClient

NO_SENSITIVE = sized(sized(b"") + sized(b""))
"""TPM2B_SENSITIVE_CREATE with an empty password: the TPM draws the key itself."""
_NO_PCRS = u32(0)


@dataclass(frozen=True)
class LoadedKey:
    """A key loaded for one client: its handle there, its TPMT_PUBLIC, the policy that opens it.

    Where `policy` is None, the empty password opens it.
    """

    handle: int
    public: bytes
    policy: KeyPolicy | None = None

    @cached_property
    def parsed(self) -> Public:
        """The public area as `attest` reads it."""
        return parse_public(self.public)

    @property
    def name(self) -> bytes:
        """The Name: nameAlg and the digest of the public area."""
        return self.parsed.name

    @property
    def spki(self) -> bytes:
        """The key as a DER SubjectPublicKeyInfo."""
        return self.parsed.spki

    @property
    def public_key(self) -> RSAPublicKey | EllipticCurvePublicKey:
        """The key as `cryptography` knows it."""
        return self.parsed.public_key


@dataclass(frozen=True)
class CreatedKey(LoadedKey):
    """A key with the TPM's own account of its creation, which CertifyCreation signs.

    `private` is the private part under its parent's encryption (empty for a primary): of use to nobody but this TPM.
    """

    creation_data: bytes = field(default=b"", repr=False)
    creation_hash: bytes = field(default=b"", repr=False)
    creation_ticket: bytes = field(default=b"", repr=False)
    private: bytes = field(default=b"", repr=False)


TlsKey = CreatedKey
"""What `create_tls_key` returns."""


def create_ek(client: TpmClient, kind: Literal["ecc", "rsa"] = "ecc") -> LoadedKey:
    """Derive the endorsement key from the endorsement seed: always the same in the same TPM."""
    return create_primary(client, RH_ENDORSEMENT, ek_template(kind))


def create_srk(client: TpmClient) -> LoadedKey:
    """Derive the storage root key, parent of the TLS keys."""
    return create_primary(client, RH_OWNER, srk_template())


def create_ak(client: TpmClient, policy: KeyPolicy | None = None, *, attributes: int = AK_ATTRIBUTES) -> CreatedKey:
    """Derive an attestation key in the endorsement hierarchy (elsewhere quotes obfuscate resetCount).

    Without `policy`: PolicyPCR over the present PCR 17, then PolicyLocality 2. The same policy gives the same AK again.
    """
    chosen = KeyPolicy.for_ak(client) if policy is None else policy
    return create_primary(client, RH_ENDORSEMENT, ak_template(chosen.digest, attributes), chosen)


def create_primary(client: TpmClient, hierarchy: int, template: bytes, policy: KeyPolicy | None = None) -> CreatedKey:
    """Derive a primary key of `hierarchy` (its password is empty) from a TPMT_PUBLIC template."""
    parameters = NO_SENSITIVE + sized(template) + sized(b"") + _NO_PCRS
    handle, fields = client.load("CreatePrimary", (hierarchy,), (PASSWORD,), parameters)
    return _created(handle, fields.sized(), fields, policy)


def create_tls_key(
    client: TpmClient, kind: Kind = "rsa-decrypt", *, policy: KeyPolicy | Literal["password"] | None = None
) -> CreatedKey:
    """Have the TPM make a TLS key under the SRK, and load it.

    `kind`: `rsa-decrypt` (RSA-2048, PKCS#1 v1.5: TLS 1.2 RSA key exchange), `rsa-sign` (RSA-2048, any RSA signature
    scheme), `ecdsa` (P-256). Without `policy` it is bound to the present PCR 17, 18, 19 and locality 2; "password"
    makes a key that its empty password opens to anyone who can talk to the TPM.
    """
    chosen = KeyPolicy.for_tls_key(client) if policy is None else policy
    bound = None if chosen == "password" else chosen
    parent = create_srk(client)
    try:
        template = tls_key_template(kind, bound.digest if bound else b"")
        parameters = NO_SENSITIVE + sized(template) + sized(b"") + _NO_PCRS
        fields = client.ask("Create", (parent.handle,), (PASSWORD,), parameters)
        private, public = fields.sized(), fields.sized()
        handle, _ = client.load("Load", (parent.handle,), (PASSWORD,), sized(private) + sized(public))
        return _created(handle, public, fields, bound, private)
    finally:
        client.flush(parent.handle)


def load_key(client: TpmClient, key: CreatedKey) -> CreatedKey:
    """Load a TLS key again from its encrypted private part, after a power cycle or for another client."""
    parent = create_srk(client)
    try:
        handle, _ = client.load("Load", (parent.handle,), (PASSWORD,), sized(key.private) + sized(key.public))
    finally:
        client.flush(parent.handle)
    return CreatedKey(
        handle, key.public, key.policy, key.creation_data, key.creation_hash, key.creation_ticket, key.private
    )


def _created(handle: int, public: bytes, fields: Fields, policy: KeyPolicy | None, private: bytes = b"") -> CreatedKey:
    """Read creationData, creationHash and creationTicket, and wrap the key."""
    data, digest = fields.sized(), fields.sized()
    start = fields.position
    fields.take(6)
    fields.sized()
    ticket = fields.octets[start : fields.position]
    return CreatedKey(handle, public, policy, data, digest, ticket, private)
