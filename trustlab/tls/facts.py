# ruff: noqa: N815 - C and S are the protocol's own names of the roles
"""What both ends of a handshake know about it: the values that Evidence can be bound to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, kw_only=True)
class HandshakeFacts:
    """The values of one handshake by name, each None until it is known; both ends come to the same.

    `client_random`, `server_random`: of the hellos, 32 octets each. `nonce_C`, `nonce_S`: of the attestation extension,
    or of an exchange after the handshake, 32 octets each. `spki_S`, `spki_C`: SubjectPublicKeyInfo of the certificates,
    in DER. `epms`: the encrypted pre-master secret of an RSA key exchange. `session_hash`: of all messages through
    ClientKeyExchange (RFC 7627 3). `transcript_hash_CH`, `transcript_hash_CH_SH`: of all messages up to ClientHello,
    and up to ServerHello. `pms_commitment`, `tp_attest` and `tp_early_exporter` name the pre-master secret and the
    handshake secret without revealing them (trustlab protocol, binders); `tp_early_exporter_without_hellos` names the
    handshake secret alone. From the transcript hashes on, all are there only with attestation.
    """

    client_random: bytes | None = None
    server_random: bytes | None = None
    nonce_C: bytes | None = None
    nonce_S: bytes | None = None
    spki_S: bytes | None = None
    spki_C: bytes | None = None
    epms: bytes | None = None
    session_hash: bytes | None = None
    transcript_hash_CH: bytes | None = None
    transcript_hash_CH_SH: bytes | None = None
    pms_commitment: bytes | None = field(default=None, repr=False)
    tp_attest: bytes | None = field(default=None, repr=False)
    tp_early_exporter: bytes | None = field(default=None, repr=False)
    tp_early_exporter_without_hellos: bytes | None = field(default=None, repr=False)

    def knowing(self, **known: bytes) -> Self:
        """Return these facts with more of them known; TypeError for a name that is not among them.

        Like `dataclasses.replace`, which takes ten times as long: a handshake learns something every other message.
        """
        values = vars(self) | known
        if len(values) != len(vars(self)):
            raise TypeError(f"a handshake has no {min(known.keys() - vars(self).keys())}")
        other = object.__new__(type(self))
        vars(other).update(values)
        return other


NOTHING_KNOWN = HandshakeFacts()
"""Before the first hello."""
