"""What object identifiers stand for, and the words for the parts of a certificate that they name."""

from __future__ import annotations

from typing import NamedTuple

LONGEST_OID = 128
"""Octets of an OBJECT IDENTIFIER that is read; those in use have some ten."""
OIDS = {
    "1.2.840.113549.1.1.1": "rsaEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "id-RSASSA-PSS",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.10045.2.1": "id-ecPublicKey",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.3.101.110": "id-X25519",
    "1.3.101.111": "id-X448",
    "1.3.101.112": "id-Ed25519",
    "1.3.101.113": "id-Ed448",
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "countryName",
    "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName",
    "2.5.4.9": "streetAddress",
    "2.5.4.10": "organizationName",
    "2.5.4.11": "organizationalUnitName",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "givenName",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.25": "domainComponent",
    "2.5.29.9": "subjectDirectoryAttributes",
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.15": "keyUsage",
    "2.5.29.17": "subjectAltName",
    "2.5.29.18": "issuerAltName",
    "2.5.29.19": "basicConstraints",
    "2.5.29.30": "nameConstraints",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies",
    "2.5.29.33": "policyMappings",
    "2.5.29.35": "authorityKeyIdentifier",
    "2.5.29.36": "policyConstraints",
    "2.5.29.37": "extKeyUsage",
    "2.5.29.46": "freshestCRL",
    "2.5.29.54": "inhibitAnyPolicy",
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "1.3.6.1.5.5.7.1.11": "subjectInfoAccess",
    "1.3.6.1.5.5.7.1.24": "tlsFeature",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "1.3.6.1.4.1.11129.2.4.2": "signedCertificateTimestampList",
    "1.3.6.1.4.1.11129.2.4.3": "ctPoison",
    "2.23.133.2.1": "tpmManufacturer",
    "2.23.133.2.2": "tpmModel",
    "2.23.133.2.3": "tpmVersion",
    "2.23.133.8.1": "tcg-kp-EKCertificate",
    "2.23.133.8.3": "tcg-kp-AIKCertificate",
}
"""Names of object identifiers: RFC 3279, 4055, 5280, 5480, 5758, 6962, 7633, 8410, and the TCG's profiles."""

ABBREVIATIONS = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
}
"""Short names of parts of a name (RFC 4514, 3)."""

ATTRIBUTES = {
    "commonName": "The name that people call it by. Clients no longer look for host names here.",
    "countryName": "The country, in two letters.",
    "domainComponent": "One label of a domain name.",
    "localityName": "The town.",
    "organizationName": "The organisation.",
    "organizationalUnitName": "The department.",
    "stateOrProvinceName": "The state or province.",
    "serialNumber": "A number that tells two holders of one name apart.",
    "tpmManufacturer": "Who made the TPM.",
    "tpmModel": "The TPM's model.",
    "tpmVersion": "The version of the TPM's firmware.",
}

EXTENSIONS = {
    "authorityKeyIdentifier": ("Which of the issuer's keys signed, so that the next certificate is found.", "4.2.1.1"),
    "subjectKeyIdentifier": ("A short name for this certificate's key, usually a hash of it.", "4.2.1.2"),
    "keyUsage": ("What the key may be used for, one bit for each use.", "4.2.1.3"),
    "certificatePolicies": ("The rules under which the CA issued the certificate.", "4.2.1.4"),
    "policyMappings": ("Which policies of two CAs mean the same.", "4.2.1.5"),
    "subjectAltName": ("The names the certificate speaks for. Clients look here, not in the subject.", "4.2.1.6"),
    "issuerAltName": ("Further names of the issuer.", "4.2.1.7"),
    "subjectDirectoryAttributes": ("Further attributes of the subject.", "4.2.1.8"),
    "basicConstraints": ("Whether the holder may issue certificates itself.", "4.2.1.9"),
    "nameConstraints": ("The names below which a CA may issue certificates.", "4.2.1.10"),
    "policyConstraints": ("Whether every certificate further down needs a policy.", "4.2.1.11"),
    "extKeyUsage": ("The purposes the key serves, such as being a TLS server.", "4.2.1.12"),
    "cRLDistributionPoints": ("Where the CA publishes which certificates it has revoked.", "4.2.1.13"),
    "inhibitAnyPolicy": ("From where on 'any policy' no longer counts as a policy.", "4.2.1.14"),
    "freshestCRL": ("Where the latest changes to the list of revoked certificates are.", "4.2.1.15"),
    "authorityInfoAccess": ("Where to ask the CA, for instance whether the certificate is revoked.", "4.2.2.1"),
    "subjectInfoAccess": ("Where to find what the subject offers.", "4.2.2.2"),
}
"""What each extension of RFC 5280 is for, and the section about it."""

OTHER_EXTENSIONS = {
    "tlsFeature": ("Which TLS extensions the server has to answer, such as a stapled OCSP response.", "RFC 7633, 4"),
    "signedCertificateTimestampList": (
        "Promises of public logs to show the certificate to everybody.",
        "RFC 6962, 3.3",
    ),
    "ctPoison": ("Marks a draft of a certificate that was only made for the logs.", "RFC 6962, 3.1"),
}

KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
"""The bits of keyUsage, from the first octet's highest on (RFC 5280, 4.2.1.3)."""

GENERAL_NAMES = {
    0: ("otherName", "A name of a form of its own."),
    1: ("rfc822Name", "A mail address."),
    2: ("dNSName", "A host name that the holder of the key may answer for."),
    3: ("x400Address", "An X.400 address."),
    4: ("directoryName", "A name of the form that issuer and subject have."),
    5: ("ediPartyName", "An EDI party's name."),
    6: ("uniformResourceIdentifier", "A URI."),
    7: ("iPAddress", "An IP address that the holder of the key may answer at."),
    8: ("registeredID", "An object identifier."),
}
"""The forms of a GeneralName by their context tags (RFC 5280, 4.2.1.6)."""


class PrivateExtension(NamedTuple):
    """An extension that only the caller knows: its object identifier, a name, a sentence and its clause.

    Its value is shown in hex: the content of an OCTET STRING, if it is one.
    """

    oid: str
    name: str
    note: str
    clause: str


def oid_text(content: bytes) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER's content (X.690, 8.19); ValueError if it breaks off."""
    if not 0 < len(content) <= LONGEST_OID:
        raise ValueError(f"an OBJECT IDENTIFIER of {len(content)} bytes")
    if content[-1] & 0x80:
        raise ValueError("an OBJECT IDENTIFIER that breaks off (X.690 8.19)")
    numbers: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def oid_name(content: bytes) -> str:
    """Return the name of an OBJECT IDENTIFIER's content, its dotted form if it has none here."""
    text = oid_text(content)
    return OIDS.get(text, text)
