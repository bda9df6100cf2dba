"""X.509 certificates for readers: every field of a certificate by its name in RFC 5280, each with a sentence.

Theory of operation
-------------------

A certificate is DER: elements of a tag, a length and a content, one inside the other (X.690). `certificate_fields`
walks through them with the cursor of `octets.der` and writes down a `Span` for each field, in the order of the octets.
A field's name is the path of names in RFC 5280 (`tbsCertificate.validity.notAfter`), its range lies inside the range of
the field above it, and no two fields have the same name.

Showing is not judging. Octets that cannot be read become one span called `unreadable`, whose value says why, and what
stands around them is named as usual. So a certificate that somebody damaged, or that Alice made up, is shown as far as
it goes.

Judging is another reader's work. `read_lenient` takes apart what TPM makers really issued, also where it is not DER;
`read_bundle` finds certificates in files of any kind; `find_path` validates a path as RFC 5280 6.1 demands. What a
certificate is for, and whose word counts, is said by who calls.

This room knows what a certificate is, and no protocol that carries one: TLS, Evidence and captures all use it.
Extensions that only one house understands are given by the caller, as `PrivateExtension`.
"""

from trustlab.x509.bundle import Bundle, read_bundle, unwrapped
from trustlab.x509.certificate import certificate_fields
from trustlab.x509.constraints import PathFacts
from trustlab.x509.lenient import LenientCertificate, read_lenient
from trustlab.x509.names import PrivateExtension, oid_name, oid_text
from trustlab.x509.path import PathProblem, PathPurpose, check_dates, facts_of, find_path

__all__ = [
    "Bundle",
    "LenientCertificate",
    "PathFacts",
    "PathProblem",
    "PathPurpose",
    "PrivateExtension",
    "certificate_fields",
    "check_dates",
    "facts_of",
    "find_path",
    "oid_name",
    "oid_text",
    "read_bundle",
    "read_lenient",
    "unwrapped",
]
