"""The keys of a machine: EK, SRK, AK and TLS keys.

Load keys after the DRTM launch: the policies name PCR values that only exist then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from tpm2_pytss import TPM2B_PRIVATE, TPM2B_PUBLIC, TPM2B_SENSITIVE_CREATE, TPML_PCR_SELECTION, TPMT_PUBLIC

from trustlab.attest import ObjectAttributes, Public, parse_public, pcr_selection
from trustlab.octets import sized
from trustlab.tpm.errors import TpmProtocolError, TssError
from trustlab.tpm.esys import afterwards, structure
from trustlab.tpm.framing import RH_ENDORSEMENT, RH_OWNER, TpmReader
from trustlab.tpm.policy import KeyPolicy
from trustlab.tpm.profile import DRTM
from trustlab.tpm.templates import AK_ATTRIBUTES, AkKind, Kind, ak_template, ek_template, srk_template, tls_key_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from trustlab.tpm.client import TpmClient

NO_SENSITIVE = TPM2B_SENSITIVE_CREATE()
"""An empty password, no data: the TPM draws the key itself."""
NO_PCRS = TPML_PCR_SELECTION()
"""The creation data need not name PCR values: the policy does."""


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

    @property
    def file(self) -> bytes:
        """The key as it lies on a disk: TPM2B_PUBLIC, TPM2B_PRIVATE (Part 2, 12.2.5 and 12.3.7). See `read_key`."""
        return sized(self.public) + sized(self.private)


TlsKey = CreatedKey
"""What `create_tls_key` returns."""


def create_ek(client: TpmClient, kind: Literal["ecc", "rsa"] = "ecc") -> LoadedKey:
    """Derive the endorsement key from the endorsement seed: always the same in the same TPM."""
    return create_primary(client, RH_ENDORSEMENT, ek_template(kind))


def create_srk(client: TpmClient) -> LoadedKey:
    """Derive the storage root key, parent of the TLS keys."""
    return create_primary(client, RH_OWNER, srk_template())


def create_ak(
    client: TpmClient,
    policy: KeyPolicy | None = None,
    *,
    attributes: int = AK_ATTRIBUTES,
    kind: AkKind = "ecc",
) -> CreatedKey:
    """Derive an attestation key in the endorsement hierarchy (elsewhere quotes obfuscate resetCount).

    Without `policy`: PolicyPCR over the present PCR 17, then PolicyLocality 2. `kind` is ecc (P-256), ecc-p384, rsa
    (2048 bits, RSASSA) or rsapss. The same policy gives the same AK again.
    """
    chosen = KeyPolicy.for_ak(client) if policy is None else policy
    return create_primary(client, RH_ENDORSEMENT, ak_template(chosen.digest, attributes, kind), chosen)


def create_primary(client: TpmClient, hierarchy: int, template: bytes, policy: KeyPolicy | None = None) -> CreatedKey:
    """Derive a primary key of `hierarchy` (its password is empty) from a TPMT_PUBLIC template."""
    esys = client.esys
    resource, public, *proof = esys.create_primary(
        NO_SENSITIVE, public_of(template), esys.resource(hierarchy), b"", NO_PCRS
    )
    return _created(esys.handle_of(resource), public, proof, policy)


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
    template = public_of(tls_key_template(kind, bound.digest if bound else b""))
    esys, parent = client.esys, create_srk(client)
    with afterwards(lambda: client.flush(parent)):
        under = esys.resource(parent.handle)
        private, public, *proof = esys.create(under, NO_SENSITIVE, template, b"", NO_PCRS)
        return _created(esys.handle_of(esys.load(under, private, public)), public, proof, bound, bytes(private))


def read_key(octets: bytes) -> CreatedKey:
    """Read a key's `file`; it is not loaded. TpmProtocolError, or a CodecError of `attest`, if it is not one.

    A public area holds the digest of a policy, not its terms: where no password opens the key, they are taken to be
    those of `DRTM`.
    """
    key = TpmReader(octets)
    try:
        public, private = key.sized("public"), key.sized("private")
    except TpmProtocolError as error:
        raise TpmProtocolError(f"{len(octets)} octets that are not a key file") from error
    area = parse_public(public)
    policy = None
    if not area.attributes & ObjectAttributes.USER_WITH_AUTH:
        policy = KeyPolicy(DRTM.key_pcrs, DRTM.locality, area.auth_policy, pcr_selection(DRTM.key_pcrs))
    return CreatedKey(0, public, policy, private=private)


def load_key(client: TpmClient, key: CreatedKey) -> CreatedKey:
    """Load a TLS key again from its encrypted private part, after a power cycle or for another client."""
    private = structure(TPM2B_PRIVATE, key.private)
    esys, parent = client.esys, create_srk(client)
    with afterwards(lambda: client.flush(parent)):
        resource = esys.load(esys.resource(parent.handle), private, public_of(key.public))
        return replace(key, handle=esys.handle_of(resource))


def public_of(octets: bytes) -> TPM2B_PUBLIC:
    """Return the TSS's structure for a TPMT_PUBLIC's octets; TssError if they are none."""
    area, length = structure(TPMT_PUBLIC.unmarshal, octets)
    if length != len(octets):
        raise TssError(f"{len(octets) - length} octets follow the TPMT_PUBLIC")
    return TPM2B_PUBLIC(publicArea=area)


def _created(
    handle: int, public: TPM2B_PUBLIC, proof: Sequence[Any], policy: KeyPolicy | None, private: bytes = b""
) -> CreatedKey:
    """Wrap the key, with the TPM's account of its creation: `proof` is creationData, creationHash, creationTicket."""
    data, digest, ticket = proof
    return CreatedKey(
        handle,
        public.publicArea.marshal(),
        policy,
        data.creationData.marshal(),
        bytes(digest),
        ticket.marshal(),
        private,
    )
