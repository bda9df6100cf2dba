"""What the path validation of `cryptography` takes above a leaf: which keys and hashes an authority may sign by."""

from __future__ import annotations

from typing import Any

import pytest
from certified import new_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tls_identities import DAY, NAME, NOW, key
from tls_pair import Pair

from trustlab import tls

SHA256, SHA384, SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()


def certified(
    subject: str, issuer: str, public: Any, signer: Any, digest: Any, *, pss: bool = False
) -> x509.Certificate:
    """Certify a public key: a CA if it is the signer's own, a server otherwise."""
    ca = subject == issuer
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (issuer, subject)]
    builder = (
        x509.CertificateBuilder(*names, public, 7, NOW - DAY, NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # noqa: FBT003 - keyCertSign
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(
        signer, digest, rsa_padding=padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else None
    )


@pytest.mark.parametrize(
    ("kind", "digest", "pss", "refusal"),
    [
        *[("RSA", digest, pss, None) for digest in (SHA256, SHA384, SHA512) for pss in (False, True)],
        ("ECDSA", SHA256, False, None),
        ("P-384", SHA384, False, None),
        ("P-521", SHA512, False, None),
        ("Ed25519", None, False, tls.BadCertificate),
    ],
)
def test_an_authority_signs_by(kind: str, digest: Any, refusal: Any, *, pss: bool) -> None:
    own, authority = key("ECDSA"), new_key(kind)
    root = certified("CA", "CA", authority.public_key(), authority, digest)
    leaf = certified(NAME, "CA", own.public_key(), authority, digest, pss=pss)
    pair = Pair(
        tls.ClientConfig(server_name=NAME, trust=[root]),
        tls.ServerConfig(certificates=(leaf.public_bytes(Encoding.DER),), key=own),
    ).run()
    if refusal is None:
        assert pair.client.connection.handshake_complete, pair.client.error
    else:
        assert isinstance(pair.client.error, refusal)
