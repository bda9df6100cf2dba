"""Why each field of a message is there, in a sentence, and where the standards define it.

Keys are field paths: a message's name, then the codec's field names; list positions are left out. A path that is not
here falls back to its last two parts (extensions stand in several messages), then to its last part.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RFC5246 = "RFC 5246 "
_EXT = "RFC 9846 4.3"

NOTES: dict[str, tuple[str, str]] = {
    "record.type": ("Which protocol the record carries.", "RFC 5246 6.2.1"),
    "record.version": ("The record's version; TLS 1.3 freezes it at that of TLS 1.2.", "RFC 5246 6.2.1, RFC 9846 5.1"),
    "record.length": ("How many bytes of the record follow.", "RFC 5246 6.2.1"),
    "record.explicit_nonce": (
        "The part of the AEAD nonce that travels; the rest is secret. Here it is the record's number.",
        "RFC 5288 3",
    ),
    "record.iv": ("The first block of CBC, unpredictable, so that equal records look different.", "RFC 5246 6.2.3.2"),
    "record.encrypted": ("Ciphertext: only the two ends can read it.", "RFC 5246 6.2.3.3"),
    "record.tag": ("Proof that nobody changed the record or its place in the order.", "RFC 5246 6.2.3.3"),
    "record.fragment": ("The record's content, unprotected.", "RFC 5246 6.2.1"),
    "msg_type": ("Which handshake message this is.", "RFC 5246 7.4"),
    "length": ("How many bytes of the message follow.", "RFC 5246 4.3"),
    "unreadable": ("These bytes do not have the form the standard gives this message.", "RFC 5246 7.2.2"),
    "ClientHello.client_version": (
        "The highest version the client speaks; TLS 1.3 says it in supported_versions and leaves TLS 1.2 here.",
        "RFC 5246 7.4.1.2, RFC 9846 4.2.2",
    ),
    "ClientHello.random": (
        "32 fresh bytes of the client: every key of the connection depends on them, so nothing can be replayed.",
        "RFC 5246 7.4.1.2",
    ),
    "ClientHello.session_id": (
        "Names a session to resume; empty for a new one. TLS 1.3 fills it with noise for old middleboxes.",
        "RFC 5246 7.4.1.2, RFC 9846 E.4",
    ),
    "ClientHello.cipher_suites": (
        "A cipher suite that the client offers, the one it likes best first.",
        "RFC 5246 7.4.1.2",
    ),
    "ClientHello.compression_methods": ("Always null: compression leaked secrets.", "RFC 5246 7.4.1.2"),
    "ServerHello.server_version": (
        "The version the server chose; TLS 1.3 says it in supported_versions.",
        "RFC 5246 7.4.1.3, RFC 9846 4.2.3",
    ),
    "ServerHello.random": (
        "32 fresh bytes of the server; their end warns of a downgrade from TLS 1.3.",
        "RFC 5246 7.4.1.3, RFC 9846 4.2.3",
    ),
    "ServerHello.session_id": ("The session's name, or the echo of the client's.", "RFC 5246 7.4.1.3"),
    "ServerHello.cipher_suite": ("The one suite the server chose.", "RFC 5246 7.4.1.3"),
    "ServerHello.compression_method": ("Always null.", "RFC 5246 7.4.1.3"),
    "extensions": ("What was added to the protocol over the years, each by type and length.", _EXT),
    "extension_type": ("Which extension it is.", _EXT),
    "extension_data": ("The extension's body.", _EXT),
    "server_name_list": ("The names the client wants to reach.", "RFC 6066 3"),
    "name_type": ("What kind of name follows; only host names exist.", "RFC 6066 3"),
    "host_name": ("The host the client wants: in clear, for the server to choose its certificate.", "RFC 6066 3"),
    "server_name": ("Server Name Indication: which host the client wants.", "RFC 6066 3"),
    "max_fragment_length": ("The client asks for smaller records.", "RFC 6066 4"),
    "status_request": ("The client asks for an OCSP response with the certificate.", "RFC 6066 8"),
    "supported_groups": ("The groups for key agreement, best first.", "RFC 9846 4.3.7"),
    "named_group_list": ("A group for key agreement.", "RFC 9846 4.3.7"),
    "ec_point_formats": ("How points may be written; only uncompressed is left.", "RFC 8422 5.1.2"),
    "ec_point_format_list": ("A way to write points.", "RFC 8422 5.1.2"),
    "signature_algorithms": ("The signatures this side can verify in the handshake.", "RFC 9846 4.3.3"),
    "signature_algorithms_cert": ("The signatures this side can verify in certificates.", "RFC 9846 4.3.3"),
    "supported_signature_algorithms": ("A signature scheme.", "RFC 9846 4.3.3"),
    "alpn": ("Which application protocol is spoken inside.", "RFC 7301 3.1"),
    "protocol_name_list": ("The application protocols, best first.", "RFC 7301 3.1"),
    "protocol_name": ("The name of an application protocol.", "RFC 7301 3.1"),
    "signed_certificate_timestamp": (
        "The client asks for proof that the certificate is in public logs.",
        "RFC 6962 3.3.1",
    ),
    "padding": ("Zeros that only make the message longer.", "RFC 7685"),
    "encrypt_then_mac": ("The client asks for the safer order of encryption and MAC in CBC records.", "RFC 7366 2"),
    "extended_master_secret": (
        "Binds the master secret to the whole handshake through ClientKeyExchange.",
        "RFC 7627 5.1",
    ),
    "compress_certificate": ("How certificates may be compressed.", "RFC 8879 3"),
    "record_size_limit": ("The largest record this side takes.", "RFC 8449 4"),
    "session_ticket": ("A ticket to resume a session with; empty asks for one.", "RFC 5077 3.2"),
    "pre_shared_key": ("Names of keys that both sides may already share.", "RFC 9846 4.3.11"),
    "early_data": ("The client wants to send data before the server answers.", "RFC 9846 4.3.10"),
    "supported_versions": ("The versions this side speaks, or the one that was chosen.", "RFC 9846 4.3.1"),
    "versions": ("A version the client speaks.", "RFC 9846 4.3.1"),
    "selected_version": ("The version the server chose.", "RFC 9846 4.3.1"),
    "cookie": ("Bytes the server wants back, so that it need not remember the client.", "RFC 9846 4.3.2"),
    "psk_key_exchange_modes": ("How a pre-shared key may be used.", "RFC 9846 4.3.9"),
    "ke_modes": ("A way to use a pre-shared key.", "RFC 9846 4.3.9"),
    "certificate_authorities": ("The authorities this side trusts.", "RFC 9846 4.3.4"),
    "authorities": ("Names of authorities.", "RFC 9846 4.3.4"),
    "distinguished_name": ("The name of an authority in DER.", "RFC 5246 7.4.4"),
    "oid_filters": ("What a client certificate must contain.", "RFC 9846 4.3.5"),
    "post_handshake_auth": ("The client is willing to authenticate later.", "RFC 9846 4.3.6"),
    "key_share": ("Public values for key agreement.", "RFC 9846 4.3.8"),
    "client_shares": ("The client's public values, one for each group.", "RFC 9846 4.3.8"),
    "group": ("The group of the value that follows.", "RFC 9846 4.3.8"),
    "selected_group": ("The group for which the server wants a key share.", "RFC 9846 4.3.8"),
    "key_exchange": ("A public value: with the other side's it gives the shared secret.", "RFC 9846 4.3.8"),
    "renegotiation_info": ("Ties a renegotiation to the handshake before; empty in a first one.", "RFC 5746 3.2"),
    "renegotiated_connection": ("The verify_data of the handshake before, empty in a first one.", "RFC 5746 3.2"),
    "attestation": (
        "Who gives and who wants Evidence of a machine. This laboratory's own extension.",
        "trustlab protocol",
    ),
    "attestation.version": ("The version of this extension.", "trustlab protocol, carriage"),
    "attestation.nonce": ("32 fresh bytes that the peer's Evidence must be bound to.", "trustlab protocol, carriage"),
    "attestation.offered": ("Whose Evidence the sender will give: 1 server, 2 client.", "trustlab protocol, carriage"),
    "attestation.demanded": ("Whose Evidence the sender wants: 1 server, 2 client.", "trustlab protocol, carriage"),
    "attestation.formats": ("A form Evidence may have.", "trustlab protocol, carriage; RFC 9999"),
    "evidence": ("What the machine says about itself, signed by its TPM.", "trustlab protocol, carriage; RFC 9999"),
    "SupplementalData.supp_data": ("Entries of data beside the handshake.", "RFC 4680 2"),
    "supp_data_type": ("What kind of data follows; 0xFF54 is Evidence.", "RFC 4680 2"),
    "supp_data_entry.data": (
        "Evidence: what the machine says about itself, signed by its TPM.",
        "RFC 4680 2; RFC 9999",
    ),
    "Certificate.certificate_list": ("The chain, leaf first.", "RFC 5246 7.4.2, RFC 9846 4.5.1"),
    "Certificate.certificate": ("A certificate: a CA's word that a name and a key belong together.", "RFC 5246 7.4.2"),
    "cert_data": ("A certificate: a CA's word that a name and a key belong together.", "RFC 9846 4.5.1"),
    "certificate_request_context": (
        "Ties a certificate to the request it answers; empty in a handshake.",
        "RFC 9846 4.4.2, RFC 9261 4",
    ),
    "ServerKeyExchange.curve_type": ("Says that a named group follows.", "RFC 8422 5.4"),
    "ServerKeyExchange.namedcurve": ("The group of the server's ephemeral key.", "RFC 8422 5.4"),
    "ServerKeyExchange.public": ("The server's ephemeral public value.", "RFC 8422 5.4"),
    "ServerKeyExchange.signature_algorithm": ("How the server signed.", "RFC 5246 7.4.3"),
    "ServerKeyExchange.signature": (
        "The certificate's key vouches for the ephemeral value and both randoms, but for nothing else.",
        "RFC 5246 7.4.3",
    ),
    "ServerKeyExchange.psk_identity_hint": ("Which shared key the server would like to be used.", "RFC 4279 2"),
    "ServerKeyExchange.dh_p": ("The prime of the server's Diffie-Hellman group.", "RFC 5246 7.4.3"),
    "ServerKeyExchange.dh_g": ("The generator of that group.", "RFC 5246 7.4.3"),
    "ServerKeyExchange.dh_Ys": ("The server's ephemeral public value.", "RFC 5246 7.4.3"),
    "ClientKeyExchange.psk_identity": ("Which shared key the client uses.", "RFC 4279 2"),
    "ClientKeyExchange.dh_Yc": ("The client's ephemeral public value.", "RFC 5246 7.4.7.2"),
    "opaque": ("Bytes of a form that this lab does not take apart.", "RFC 5246 7.4"),
    "CertificateStatus.status_type": ("What kind of statement follows.", "RFC 6066 8"),
    "CertificateStatus.response": ("An OCSPResponse in DER, signed by the authority.", "RFC 6066 8, RFC 6961 2.2"),
    "CertificateStatus.ocsp_response_list": ("A statement for each certificate of the chain.", "RFC 6961 2.2"),
    "CertificateURL.chain_type": ("Whether each certificate has its own URL, or one URL has all.", "RFC 6066 5"),
    "CertificateURL.url_and_hash_list": ("Where the certificates are.", "RFC 6066 5"),
    "CertificateURL.padding": ("Always 1; it once said whether a digest follows.", "RFC 6066 5"),
    "CertificateURL.url": ("Where a certificate can be fetched.", "RFC 6066 5"),
    "CertificateURL.sha1_hash": ("The digest of what is found there.", "RFC 6066 5"),
    "CompressedCertificate.algorithm": ("How the Certificate message was compressed.", "RFC 8879 4"),
    "CompressedCertificate.uncompressed_length": ("Its length before that, in bytes.", "RFC 8879 4"),
    "CompressedCertificate.compressed_certificate_message": (
        "The compressed Certificate message, which this lab does not decompress.",
        "RFC 8879 4",
    ),
    "CertificateRequest.certificate_types": ("A kind of certificate the server takes.", "RFC 5246 7.4.4"),
    "CertificateRequest.certificate_authorities": ("The authorities the server trusts.", "RFC 5246 7.4.4"),
    "CertificateVerify.algorithm": ("How this side signed.", "RFC 5246 7.4.8, RFC 9846 4.5.2"),
    "CertificateVerify.signature": (
        "A signature over the handshake so far: whoever has the certificate's key took part in it.",
        "RFC 5246 7.4.8, RFC 9846 4.5.2",
    ),
    "ClientKeyExchange.encrypted_pre_master_secret": (
        "The client's secret, encrypted to the server's RSA key: ciphertext. Whoever has that key can read everything.",
        "RFC 5246 7.4.7.1",
    ),
    "ClientKeyExchange.ecdh_Yc": ("The client's ephemeral public value.", "RFC 8422 5.7"),
    "Finished.verify_data": (
        "A MAC with the new secret over all messages before: both saw the same handshake.",
        "RFC 5246 7.4.9, RFC 9846 4.5.3",
    ),
    "ticket_lifetime_hint": ("How long the ticket is good for, in seconds.", "RFC 5077 3.3"),
    "ticket_lifetime": ("How long the ticket is good for, in seconds.", "RFC 9846 4.7.1"),
    "ticket_age_add": ("Hides the ticket's age.", "RFC 9846 4.7.1"),
    "ticket_nonce": ("Tells the tickets of one connection apart.", "RFC 9846 4.7.1"),
    "ticket": ("The session, encrypted so that only the server can read it.", "RFC 9846 4.7.1"),
    "KeyUpdate.request_update": ("Whether the peer has to change its keys too.", "RFC 9846 4.7.3"),
    "ChangeCipherSpec.type": ("Always 1: what follows is protected with the new keys.", "RFC 5246 7.1"),
    "Alert.level": ("Warning or fatal.", "RFC 5246 7.2"),
    "Alert.description": ("What is wrong, or that the connection ends in peace.", "RFC 5246 7.2, RFC 9846 6"),
}
_INDEX = re.compile(r"\[\d+\]")


@lru_cache(maxsize=4096)
def note_of(path: str) -> tuple[str, str]:
    """Return note and clause of a field path such as `ClientHello.extensions.alpn.protocol_name_list`."""
    path = _INDEX.sub("", path).replace("HelloRetryRequest.", "ServerHello.")
    if path.endswith("_length"):
        field = path.removesuffix("_length")
        return f"How many bytes of {field.rpartition('.')[2]} follow.", note_of(field)[1]
    parts = path.split(".")
    if parts[-1].startswith("unknown_0x"):
        return "An extension this engine does not know; perhaps GREASE, which keeps peers tolerant.", "RFC 8701"
    for candidate in (path, ".".join(parts[-2:]), parts[0] + "." + parts[-1], parts[-1]):
        if candidate in NOTES:
            note, clause = NOTES[candidate]
            break
    else:
        return (f"A field of {parts[0]}.", _EXT if "extensions" in parts else _RFC5246 + "7.4")
    return note, clause
