"""The TCG's templates of endorsement keys, low range and high range (EK Credential Profile 2.5, B.3 and B.4).

Whoever uses a template gets the same EK from the same TPM, so a template and the key that its maker certified make the
EK's whole public area, and with it the EK's Name. The indices are those of non-volatile memory (2.2.1.4 and 2.2.1.5):
the certificate, and behind it the template where the maker used another one than the profile's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustlab.attest.constants import (
    ALG_AES,
    ALG_ECC,
    ALG_NULL,
    ALG_RSA,
    ALG_SHA256,
    ALG_SHA384,
    ECC_NIST_P256,
    ECC_NIST_P384,
)
from trustlab.octets import sized, u16, u32

EkKind = Literal["ecc", "rsa", "ecc-p384", "ecc-p256-high", "rsa2048-high", "rsa3072"]
ALG_CFB = 0x0043
POLICY_A = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicySecret(TPM_RH_ENDORSEMENT) (B.6.2)."""
POLICY_B = {
    ALG_SHA256: bytes.fromhex("ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0"),
    ALG_SHA384: bytes.fromhex(
        "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12"
    ),
}
"""PolicyOR of PolicyA and the owner's PolicyNV (B.6.5)."""
LOW, HIGH = 0x000300B2, 0x000300F2
"""fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt; HIGH has userWithAuth as well."""


@dataclass(frozen=True)
class EkTemplate:
    """One template: `certificate` is the index of the EK certificate, `size` bits of RSA or the curve's number."""

    certificate: int
    kind: int
    size: int
    hash_alg: int = ALG_SHA256
    aes: int = 128
    high: bool = True

    @property
    def nonce_index(self) -> int | None:
        """Where a low-range EK's nonce lies if its maker chose one."""
        return None if self.high else self.certificate + 1

    @property
    def template_index(self) -> int:
        """Where the maker's own template lies if he used one."""
        return self.certificate + (1 if self.high else 2)

    def area(self, first: bytes, second: bytes = b"") -> bytes:
        """Return the TPMT_PUBLIC with these unique fields: a modulus, or a point's coordinates."""
        attributes, policy = (HIGH, POLICY_B[self.hash_alg]) if self.high else (LOW, POLICY_A)
        head = u16(self.kind) + u16(self.hash_alg) + u32(attributes) + sized(policy)
        head += u16(ALG_AES) + u16(self.aes) + u16(ALG_CFB) + u16(ALG_NULL) + u16(self.size)
        if self.kind == ALG_RSA:
            return head + u32(0) + sized(first)
        return head + u16(ALG_NULL) + sized(first) + sized(second)

    def template(self, nonce: bytes = b"") -> bytes:
        """Return what TPM2_CreatePrimary takes: low-range templates have zeros (or the nonce), the others nothing."""
        if self.high:
            return self.area(b"")
        size = self.size // 8 if self.kind == ALG_RSA else 32
        return self.area(nonce.ljust(size, b"\0"), bytes(size))

    def public_area(self, key: object) -> bytes | None:
        """Return the EK's TPMT_PUBLIC for the key that was certified; None if the key is not of this kind."""
        if isinstance(key, rsa.RSAPublicKey) and self.kind == ALG_RSA and key.key_size == self.size:
            return self.area(key.public_numbers().n.to_bytes(self.size // 8, "big"))
        if isinstance(key, ec.EllipticCurvePublicKey) and self.kind == ALG_ECC:
            if CURVE_SIZES.get(self.size) != key.curve.key_size:
                return None
            point, size = key.public_numbers(), (key.curve.key_size + 7) // 8
            return self.area(point.x.to_bytes(size, "big"), point.y.to_bytes(size, "big"))
        return None


CURVE_SIZES = {ECC_NIST_P256: 256, ECC_NIST_P384: 384}
TEMPLATES: dict[EkKind, EkTemplate] = {
    "ecc": EkTemplate(0x01C0000A, ALG_ECC, ECC_NIST_P256, high=False),
    "rsa": EkTemplate(0x01C00002, ALG_RSA, 2048, high=False),
    "ecc-p384": EkTemplate(0x01C00016, ALG_ECC, ECC_NIST_P384, ALG_SHA384, 256),
    "ecc-p256-high": EkTemplate(0x01C00014, ALG_ECC, ECC_NIST_P256),
    "rsa2048-high": EkTemplate(0x01C00012, ALG_RSA, 2048),
    "rsa3072": EkTemplate(0x01C0001C, ALG_RSA, 3072, ALG_SHA384, 256),
}
"""By kind, in the order in which they are tried: L-2, L-1, H-3, H-2, H-1, H-6."""
