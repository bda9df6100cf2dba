"""What `trustlab serve` and `trustlab connect` demand of the other side, from files of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from trustlab.attest import Memory, ReferenceValues, Revocations, read_crls, read_revocations
from trustlab.cli.failure import Failure, octets_of

if TYPE_CHECKING:
    from trustlab.attest.signing import PublicKey
    from trustlab.cloud import Image, World

PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Appraisal Policy (TOML) for the other side; what it leaves out stays as this command demands it. With "
        'reattest = "1s" and freshness = "60s" the other side attests again while the passage stands.',
    ),
]
ReferencesFile = Annotated[
    Path | None,
    typer.Option("--references", help="Reference Values (TOML) for the other side, in place of the lab's."),
]
MemoryFile = Annotated[
    Path | None,
    typer.Option(
        "--memory",
        help="File that remembers the last versions of Reference Values and revocation list, and each machine's last "
        "boot: none may go back.",
    ),
]
RevokedFile = Annotated[
    Path | None,
    typer.Option(
        "--revoked",
        help="Revocation list (TOML), signed by Bob: `trustlab sign` signs one with the lab's key. AKs and machines.",
    ),
]
CrlFiles = Annotated[
    list[Path] | None, typer.Option("--crl", help="A CRL for the certificates in AKs' paths (DER or PEM); repeatable.")
]
PublisherFile = Annotated[
    Path | None,
    typer.Option("--publisher", help="Public key (PEM) of whoever signs --revoked; in a lab, its own by default."),
]
CaAddress = Annotated[
    str | None,
    typer.Option("--ca", help="HOST:PORT of a `trustlab ca`, in place of the private keys in --lab; needs --root."),
]
RootFile = Annotated[
    Path | None, typer.Option("--root", help="The root.pem that `trustlab ca` wrote, handed over from its host.")
]
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Write a JSON line for each event to standard error, not the ladder.")
]


@dataclass(frozen=True)
class Demands:
    """The files of one side."""

    policy: Path | None = None
    references: Path | None = None
    memory: Path | None = None
    revoked: Path | None = None
    crls: tuple[Path, ...] = ()
    publisher: Path | None = None

    @property
    def any(self) -> bool:
        given = (self.policy, self.references, self.memory, self.revoked, *self.crls)
        return any(path is not None for path in given)

    def values(self, world: World, *images: Image) -> ReferenceValues:
        """Return the Reference Values: the file's, or the lab's for these images."""
        if self.references is None:
            return world.references(*images)
        return ReferenceValues.from_toml(self.references)

    @property
    def remembering(self) -> Memory | None:
        return None if self.memory is None else Memory(self.memory)

    def revocations(self, world: World) -> Revocations:
        """Return what is not good any more; the list is signed by --publisher, or with the lab's own key."""
        own = world.publisher.public_key() if self.publisher is None and self.revoked is not None else None
        return revocations_in(self.revoked, self.crls, self.publisher, own)

    def check_alone(self) -> None:
        """Failure if something is given, for virtual machines are measured with what they demand."""
        if self.any:
            raise Failure(
                "a virtual machine's demands are part of its measured image: do not give --policy, --references, "
                "--memory, --revoked or --crl with --in-vm"
            )


def revocations_in(
    revoked: Path | None, crls: tuple[Path, ...], publisher: Path | None, own: PublicKey | None = None
) -> Revocations:
    """Read a signed list and CRLs; Failure if nobody is known who may sign the list."""
    listed = None
    if revoked is not None:
        key = own if publisher is None else _public_key(publisher)
        if key is None:
            raise Failure("--revoked needs --publisher: the public key (PEM) of whoever signs the list")
        listed = read_revocations(revoked, [key])
    return Revocations(listed, tuple(crl for path in crls for crl in read_crls(path)))


def _public_key(path: Path) -> PublicKey:
    try:
        key = load_pem_public_key(octets_of(path))
    except (ValueError, UnsupportedAlgorithm):
        raise Failure(f"{path} does not hold a public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
        raise Failure(f"{path}: lists are signed with keys on P-256 or of Ed25519, and this is another kind")
    return key
