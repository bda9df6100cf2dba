"""Code points of the IANA TLS registries, as far as this engine speaks or names them."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from trustlab.tls.suitenames import SUITE_NAMES


class Version(IntEnum):
    """ProtocolVersion (RFC 5246 6.2.1, RFC 9846 4.3.1)."""

    SSL30 = 0x0300
    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304

    @property
    def title(self) -> str:
        """The name people use: `TLS 1.2`."""
        return _TITLES[self]


_TITLES = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


class ContentType(IntEnum):
    """Record content types (RFC 5246 6.2.1)."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class HandshakeType(IntEnum):
    """Handshake message types (RFC 5246 7.4, RFC 4680, RFC 6066 5 and 8, RFC 9846 4, RFC 8879, RFC 9261)."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    CLIENT_CERTIFICATE_REQUEST = 17
    FINISHED = 20
    CERTIFICATE_URL = 21
    CERTIFICATE_STATUS = 22
    SUPPLEMENTAL_DATA = 23
    KEY_UPDATE = 24
    COMPRESSED_CERTIFICATE = 25
    MESSAGE_HASH = 254

    @property
    def title(self) -> str:
        """The name the standards use: `ClientHello`."""
        return "CertificateURL" if self == HandshakeType.CERTIFICATE_URL else self.name.title().replace("_", "")


class ExtensionType(IntEnum):
    """Extension types (IANA; 0xFF54 is the lab's own, from the private use range)."""

    SERVER_NAME = 0
    MAX_FRAGMENT_LENGTH = 1
    TRUNCATED_HMAC = 4
    STATUS_REQUEST = 5
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    SIGNED_CERTIFICATE_TIMESTAMP = 18
    PADDING = 21
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    COMPRESS_CERTIFICATE = 27
    RECORD_SIZE_LIMIT = 28
    SESSION_TICKET = 35
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    CERTIFICATE_AUTHORITIES = 47
    OID_FILTERS = 48
    POST_HANDSHAKE_AUTH = 49
    SIGNATURE_ALGORITHMS_CERT = 50
    KEY_SHARE = 51
    ATTESTATION = 0xFF54
    RENEGOTIATION_INFO = 0xFF01


class CipherSuite(IntEnum):
    """Cipher suites this engine can run, and the two signalling values."""

    TLS_AES_128_GCM_SHA256 = 0x1301
    TLS_AES_256_GCM_SHA384 = 0x1302
    TLS_CHACHA20_POLY1305_SHA256 = 0x1303
    TLS_RSA_WITH_AES_128_CBC_SHA = 0x002F
    TLS_RSA_WITH_AES_256_CBC_SHA = 0x0035
    TLS_RSA_WITH_AES_128_CBC_SHA256 = 0x003C
    TLS_RSA_WITH_AES_128_GCM_SHA256 = 0x009C
    TLS_RSA_WITH_AES_256_GCM_SHA384 = 0x009D
    TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA = 0xC009
    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA = 0xC013
    TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 = 0xC023
    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 = 0xC027
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xC02B
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xC02C
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xC02F
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xC030
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA8
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA9
    TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF
    TLS_FALLBACK_SCSV = 0x5600


class Group(IntEnum):
    """Named groups (RFC 8422 5.1.1, RFC 9846 4.3.7, draft-ietf-tls-ecdhe-mlkem)."""

    SECP256R1 = 0x0017
    SECP384R1 = 0x0018
    SECP521R1 = 0x0019
    X25519 = 0x001D
    X448 = 0x001E
    FFDHE2048 = 0x0100
    X25519MLKEM768 = 0x11EC


class SignatureScheme(IntEnum):
    """Signature schemes (RFC 9846 4.3.3); in TLS 1.2 the two octets are hash and signature algorithm."""

    RSA_PKCS1_SHA1 = 0x0201
    ECDSA_SHA1 = 0x0203
    RSA_PKCS1_SHA256 = 0x0401
    ECDSA_SECP256R1_SHA256 = 0x0403
    RSA_PKCS1_SHA384 = 0x0501
    ECDSA_SECP384R1_SHA384 = 0x0503
    RSA_PKCS1_SHA512 = 0x0601
    ECDSA_SECP521R1_SHA512 = 0x0603
    RSA_PSS_RSAE_SHA256 = 0x0804
    RSA_PSS_RSAE_SHA384 = 0x0805
    RSA_PSS_RSAE_SHA512 = 0x0806
    ED25519 = 0x0807
    ED448 = 0x0808
    RSA_PSS_PSS_SHA256 = 0x0809
    RSA_PSS_PSS_SHA384 = 0x080A
    RSA_PSS_PSS_SHA512 = 0x080B


class ClientCertificateType(IntEnum):
    """ClientCertificateType of a TLS 1.2 CertificateRequest (RFC 5246 7.4.4, RFC 8422 5.5)."""

    RSA_SIGN = 1
    ECDSA_SIGN = 64


class CompressionMethod(IntEnum):
    """Record compression (RFC 5246 6.1); only null is left."""

    NULL = 0


class NameType(IntEnum):
    """NameType of server_name (RFC 6066 3)."""

    HOST_NAME = 0


class PointFormat(IntEnum):
    """ECPointFormat (RFC 8422 5.1.2)."""

    UNCOMPRESSED = 0
    ANSIX962_COMPRESSED_PRIME = 1
    ANSIX962_COMPRESSED_CHAR2 = 2


class CertificateStatusType(IntEnum):
    """CertificateStatusType of a CertificateStatus (RFC 6066 8, RFC 6961 2.2)."""

    OCSP = 1
    OCSP_MULTI = 2


class CertChainType(IntEnum):
    """CertChainType of a CertificateURL (RFC 6066 5)."""

    INDIVIDUAL_CERTS = 0
    PKIPATH = 1


class CertificateCompressionAlgorithm(IntEnum):
    """CertificateCompressionAlgorithm (RFC 8879 7.3)."""

    ZLIB = 1
    BROTLI = 2
    ZSTD = 3


class CurveType(IntEnum):
    """ECCurveType of a TLS 1.2 ServerKeyExchange (RFC 8422 5.4)."""

    EXPLICIT_PRIME = 1
    EXPLICIT_CHAR2 = 2
    NAMED_CURVE = 3


class AlertLevel(IntEnum):
    """AlertLevel (RFC 5246 7.2)."""

    WARNING = 1
    FATAL = 2


class AlertDescription(IntEnum):
    """AlertDescription (RFC 5246 7.2, RFC 9846 6, and the documents that added to them)."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    DECRYPTION_FAILED = 21
    RECORD_OVERFLOW = 22
    DECOMPRESSION_FAILURE = 30
    HANDSHAKE_FAILURE = 40
    NO_CERTIFICATE = 41
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    EXPORT_RESTRICTION = 60
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    CERTIFICATE_UNOBTAINABLE = 111
    UNRECOGNIZED_NAME = 112
    BAD_CERTIFICATE_STATUS_RESPONSE = 113
    BAD_CERTIFICATE_HASH_VALUE = 114
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    GENERAL_ERROR = 117
    NO_APPLICATION_PROTOCOL = 120


class KeyUpdateRequest(IntEnum):
    """KeyUpdateRequest (RFC 9846 4.7.3)."""

    UPDATE_NOT_REQUESTED = 0
    UPDATE_REQUESTED = 1


class EvidenceFormat(IntEnum):
    """Formats of Evidence named in the lab's `attestation` extension."""

    CMW_CBOR = 1


def snake(title: str) -> str:
    """Return a name of the standards (`ServerHelloDone`) in the form of a method's or an alert's."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", title).lower()


@lru_cache(maxsize=1024)
def label(registry: type[IntEnum] | None, value: int, size: int = 2) -> str:
    """Name a code point for people: `x25519 (0x001d)`; unassigned ones keep their number."""
    number = f"0x{value:0{2 * size}x}"
    if registry is None:
        return number
    try:
        name = registry(value).name
    except ValueError:
        known = SUITE_NAMES.get(value, "unknown") if registry is CipherSuite else "unknown"
        return f"{known} ({number})"
    if registry is Version:
        return f"{Version(value).title} ({number})"
    return f"{name if name.startswith('TLS_') else name.lower()} ({number})"
