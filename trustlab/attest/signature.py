"""TPMT_SIGNATURE: ECDSA, RSASSA and RSAPSS, and their verification (TPM 2.0 Part 2, 11.3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trustlab.attest.constants import (
    ALG_ECDSA,
    ALG_RSAPSS,
    ALG_RSASSA,
    ALG_SHA1,
    ALG_SHA256,
    ALG_SHA384,
    ALG_SHA512,
    algorithm_name,
)
from trustlab.attest.reading import StructureReader, spans_of

if TYPE_CHECKING:
    from trustlab.trace import Span

SIGNATURE = "TPM 2.0 Part 2, 11.3.4 TPMT_SIGNATURE"
ECDSA = "TPM 2.0 Part 2, 11.3.2 TPMS_SIGNATURE_ECDSA"
RSASSA = "TPM 2.0 Part 2, 11.3.1 TPMS_SIGNATURE_RSASSA"
MAX_RSA = 512
MAX_COORDINATE = 66
HASHES: dict[int, hashes.HashAlgorithm] = {
    ALG_SHA256: hashes.SHA256(),
    ALG_SHA384: hashes.SHA384(),
    ALG_SHA512: hashes.SHA512(),
}
_ECDSA = {number: ec.ECDSA(algorithm) for number, algorithm in HASHES.items()}


class Signature(msgspec.Struct, frozen=True):
    """A TPMT_SIGNATURE; `value` is the RSA signature, or the ECDSA one as DER (RFC 3279, 2.2.3)."""

    raw: bytes
    algorithm: int
    hash_alg: int
    value: bytes

    def verify(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, data: bytes) -> bool:
        """Whether this is `key`'s signature over `data` (the octets of a TPMS_ATTEST).

        False, never an exception, where the key is of the other kind. SHA-1 does not count as a signature.
        """
        chosen = HASHES.get(self.hash_alg)
        if chosen is None:
            return False
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                if self.algorithm != ALG_ECDSA:
                    return False
                key.verify(self.value, data, _ECDSA[self.hash_alg])
            else:
                if self.algorithm not in {ALG_RSASSA, ALG_RSAPSS}:
                    return False
                key.verify(self.value, data, _rsa_padding(self.algorithm, chosen), chosen)
        except InvalidSignature:
            return False
        return True


def parse_signature(raw: bytes) -> Signature:
    """Read a whole TPMT_SIGNATURE; CodecError for anything but ECDSA, RSASSA and RSAPSS."""
    return _signature(StructureReader(raw, prefix="TPMT_SIGNATURE"))


def signature_spans(raw: bytes) -> list[Span]:
    """Name every octet of a TPMT_SIGNATURE; CodecError as `parse_signature`."""
    return spans_of(raw, "TPMT_SIGNATURE", _signature)


def _signature(r: StructureReader) -> Signature:
    algorithm = r.uint(2, "sigAlg", algorithm_name, "The signature scheme.", SIGNATURE)
    if algorithm not in {ALG_ECDSA, ALG_RSASSA, ALG_RSAPSS}:
        r.fail("sigAlg", f"{algorithm_name(algorithm)} is neither ecdsa nor rsassa nor rsapss", at=0)
    hash_alg = r.uint(2, "hash", algorithm_name, "The hash over the signed bytes.", SIGNATURE)
    if hash_alg not in HASHES and hash_alg != ALG_SHA1:
        r.fail("hash", f"{algorithm_name(hash_alg)} is not a hash known here", at=2)
    if algorithm == ALG_ECDSA:
        first = r.sized("signatureR", "One half of the ECDSA signature.", ECDSA, MAX_COORDINATE)
        second = r.sized("signatureS", "The other half of the ECDSA signature.", ECDSA, MAX_COORDINATE)
        value = encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))
    else:
        value = r.sized("sig", "The RSA signature.", RSASSA, MAX_RSA)
    r.finish()
    return Signature(r.data, algorithm, hash_alg, value)


def _rsa_padding(algorithm: int, chosen: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if algorithm == ALG_RSASSA:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO)  # TPMs differ in salt length
