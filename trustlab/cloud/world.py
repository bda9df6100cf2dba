"""A lab folder: what two shells must share to meet in one world.

The TPM maker, the CAs and their private keys lie in it in clear: it is a lab, and nobody outside it trusts them. Each
shell boots its own machine, with a TPM of its own, and gets its certificates from the same authorities.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
from typing import TYPE_CHECKING, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from trustlab.attest import ReferenceValues
from trustlab.cloud.authority import Authority
from trustlab.cloud.errors import CloudError
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.cloud.image import Image
from trustlab.cloud.makers import Endorsers
from trustlab.octets import read_file
from trustlab.passage import renewable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from trustlab.passage import Design

SERVER_NAME = "bank.example"
FILES = ("tpm-maker.pem", "privacy-ca.pem", "device-ca.pem", "web-ca.pem")
FIRMWARE = "firmware.toml"
PUBLISHER = "bob.pem"
LIFETIME = dt.timedelta(days=365)
"""A lab folder stays, and its server may run for days."""
TpmKind = Literal["swtpm", "device"]
"""What stands behind a machine's evidence: HyperSafe on an emulator, or a real TPM's firmware measurements alone."""


class World:
    """The authorities of a lab folder; minted at first use, read afterwards.

    CloudError if the folder holds something else, a part of a lab, or a lab whose certificates have expired.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            kept = [read_file(folder / name) if (folder / name).exists() else None for name in FILES]
            missing = [name for name, octets in zip(FILES, kept, strict=True) if octets is None]
            try:
                self.endorsers = Endorsers(maker=kept[0], privacy_ca=kept[1], device_ca=kept[2])
                self.web_ca = Authority("trustlab web CA", kept=kept[3], lifetime=LIFETIME)
            except (ValueError, TypeError, UnsupportedAlgorithm) as error:
                raise CloudError(
                    f"{folder} does not hold a usable lab: one of its *.pem files is damaged: {ANEW}"
                ) from error
            if missing and len(missing) < len(FILES):
                raise CloudError(f"the lab in {folder} has lost its {missing[0]}: {ANEW}")
            if missing:
                self._keep()
        if self.web_ca.root.not_valid_after_utc < dt.datetime.now(dt.UTC):
            raise CloudError(f"the certificates of the lab in {folder} have expired: {ANEW}")

    def _keep(self) -> None:
        ours = self.endorsers
        keys = (ours.maker.keep(), ours.privacy_ca.keep(), ours.device_ca.keep(), self.web_ca.keep())
        for name, key in zip(FILES, keys, strict=True):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_bytes(key)

    @property
    def publisher(self) -> ec.EllipticCurvePrivateKey:
        """Bob's key, with which he signs Reference Values and revocation lists; minted at first use."""
        path = self.folder / PUBLISHER
        with _alone(self.folder):
            if not path.exists():
                key = ec.generate_private_key(ec.SECP256R1())
                path.touch(mode=0o600)
                path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                return key
            try:
                kept = load_pem_private_key(read_file(path), None)
            except (ValueError, TypeError, UnsupportedAlgorithm) as error:
                raise CloudError(f"{path} is not a private key in PEM: remove it, and sign your files again") from error
        if not isinstance(kept, ec.EllipticCurvePrivateKey):
            raise CloudError(f"{path} is not a key on P-256: remove it, and sign your files again")
        return kept

    def image(self, name: str, peer: str, module: str, design: Design, *, peer_tpm: TpmKind = "swtpm") -> Image:
        """Return the image of one of the two machines; both shells compute the same.

        `peer_tpm` says what its Verifier demands of the other machine, which is measured with the rest.
        """
        ca = self.endorsers.device_ca if peer_tpm == "device" else self.endorsers.privacy_ca
        configuration = {
            "design": design.name,
            "server_name": SERVER_NAME,
            "peer_image": peer,
            "web_root": self.web_ca.root_pem,
            "privacy_root": ca.root_pem,
        }
        if peer_tpm != "swtpm":
            configuration["peer_tpm"] = peer_tpm
        if renewable(design):
            configuration["stream"] = "frames"
        return Image.of(name, module, configuration)

    def references(self, *images: Image) -> ReferenceValues:
        """Return Bob's reference values for these images, and for the firmware that the lab has noted."""
        path = self.folder / FIRMWARE
        noted = ReferenceValues.from_toml(path).pcrs if path.exists() else {}
        return msgspec.structs.replace(references_of(*images), pcrs=noted)

    def note_firmware(self, values: Mapping[int, bytes], bank: str = "sha256") -> str:
        """Note a device's PCRs as reference values where the lab has none; return a sentence for its owner.

        Trust at first use: the values are taken as good because nobody has others. What is noted stays.
        """
        path = self.folder / FIRMWARE
        with _alone(self.folder):
            if not path.exists():
                noted = ReferenceValues(1, {}, {}, {}, {pcr: (value,) for pcr, value in values.items()})
                path.write_text(noted.to_toml(), "utf-8")
                return (
                    f"The lab trusts this firmware's PCRs because they are the first it sees, and keeps them in {path}."
                )
            known = ReferenceValues.from_toml(path).pcrs
        strange = [str(pcr) for pcr, value in values.items() if value not in known.get(pcr, ())]
        if not strange:
            return f"This firmware's PCRs are the ones in {path}."
        return (
            f"PCR {', '.join(strange)} of this machine is not what {path} notes: the other side will refuse. If you "
            "changed the firmware, the boot loader or secure boot, or if this is another machine, add its values there "
            f"(`tpm2_pcrread {bank}:{','.join(map(str, values))}`), or remove the file and restart both shells."
        )


def references_of(*images: Image) -> ReferenceValues:
    """Return reference values for images under HyperSafe, from Bob's own copies of everything."""
    return ReferenceValues(
        version=1,
        hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe"},
        launch_policies={hashlib.sha256(LAUNCH_POLICY).digest(): "one secure VM"},
        images={image.digest: image.name for image in images},
    )


ANEW = "give both shells another --lab, or remove its *.pem files and restart both"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two shells that begin at once must not each mint a world of its own."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
