"""Why a field differs between the two legs of a connection that Alice took apart, or why it does not: rules as data.

Each rule is a pattern over `Message/path/of/field`, a word and a sentence; the first that fits counts. The sentences
hold for every design: they say what Alice can and cannot do, not what a certain run did.
"""

from __future__ import annotations

Rule = tuple[str, str, str]

HAS_TO, FOLLOWS, HAPPENS = "has to differ", "follows", "happens to differ"
COPIED, THE_SAME = "copied", "has to be the same"

OWN_HANDSHAKE = "Each leg is a handshake of its own. Alice's software filled this field anew."
OWN_OFFER = "Alice's software says what it can do itself, as every TLS program does."
OTHER_CERTIFICATE = "It is another certificate: its public key has to differ, and this follows from it."
UNDER_OTHER_KEYS = "The same words under other keys: Alice decrypts on one leg and encrypts again on the other."

DIFFERS: tuple[Rule, ...] = (
    (r"/(\w*length|size)$", FOLLOWS, "A length. What it counts has another length on the other leg."),
    # Hellos
    (
        r"^ClientHello/.*nonce$",
        HAPPENS,
        "Alice asked with a nonce of her own. A quote made for it does not fit the other leg.",
    ),
    (
        r"^ServerHello/.*nonce$",
        HAPPENS,
        "Alice sent a nonce of her own. A quote made for it does not fit the other leg.",
    ),
    (
        r"Hello(RetryRequest)?/.*key_share",
        HAS_TO,
        "Alice's own key share: without its private half she could not make the keys of this leg.",
    ),
    (
        r"^ClientHello/.*(pre_shared_key|session_ticket)",
        HAS_TO,
        "It resumes a session, and each leg's session is its own.",
    ),
    (
        r"^ClientHello/random$",
        HAPPENS,
        "Alice opened a handshake of her own, and her software drew its own random number.",
    ),
    (
        r"^ServerHello/random$",
        HAPPENS,
        "Alice answered in a handshake of her own, and her software drew its own random number.",
    ),
    (
        r"^ServerHello/\w*session_id\w*$",
        FOLLOWS,
        "In TLS 1.3 the server repeats what its client sent; in TLS 1.2 it names the session of this leg.",
    ),
    (r"^(Client|Server)Hello/\w*session_id", HAPPENS, OWN_HANDSHAKE),
    (r"^(ClientHello|ServerHello|HelloRetryRequest|EncryptedExtensions)", HAPPENS, OWN_OFFER),
    # Certificates
    (
        r"Certificate/.*subjectPublicKey",
        HAS_TO,
        "Alice's own key: she has its private half. With a key that she cannot use she could not finish this leg.",
    ),
    (r"^Certificate/.*serialNumber", FOLLOWS, "It is another certificate, so the CA gave it another number."),
    (r"^Certificate/.*(validity|notBefore|notAfter)", FOLLOWS, "The two certificates were issued at different times."),
    (r"^Certificate/.*subjectKeyIdentifier", FOLLOWS, "A hash of the key: it changes when the key does."),
    (r"^Certificate/.*(signatureValue|signature$)", FOLLOWS, "The CA signed other content: another signature."),
    (
        r"^(Certificate|SupplementalData|Evidence)/.*(evidence|attestation|supp_data_entry|quote|event-log|pcr|ak-)",
        FOLLOWS,
        "Other evidence: a quote is made for one handshake on one machine.",
    ),
    (r"^Certificate/certificate_request_context", FOLLOWS, "It repeats the request of this leg."),
    (r"^Certificate(/|$)", FOLLOWS, OTHER_CERTIFICATE),
    (r"^(SupplementalData|Evidence)(/|$)", FOLLOWS, "Other evidence: a quote is made for one handshake."),
    (r"^(Client)?CertificateRequest/.*(context|nonce)", HAPPENS, "Fresh bytes of whoever asks on this leg."),
    (r"^(Client)?CertificateRequest", HAPPENS, OWN_OFFER),
    (
        r"^(CertificateStatus|CertificateURL)",
        FOLLOWS,
        "It is about another certificate.",
    ),
    (
        r"^CertificateVerify/",
        HAS_TO,
        "A signature over this leg's own messages. Nobody can carry it over to another handshake.",
    ),
    # Keys
    (
        r"^ServerKeyExchange/.*signature",
        FOLLOWS,
        "A signature over this leg's randoms and key share.",
    ),
    (
        r"^ServerKeyExchange/",
        HAS_TO,
        "Alice's own key share: without its private half she could not make the keys of this leg.",
    ),
    (
        r"^ClientKeyExchange/.*encrypted_pre_master_secret",
        HAS_TO,
        "Encrypted to two different keys: Alice opens what comes in, and encrypts for the server herself.",
    ),
    (
        r"^ClientKeyExchange/",
        HAS_TO,
        "Alice's own key share: without its private half she could not make the keys of this leg.",
    ),
    (
        r"^Finished/",
        HAS_TO,
        "A check value under this leg's keys, over this leg's messages. Each leg is honest in itself.",
    ),
    (r"^NewSessionTicket/", HAS_TO, "A ticket belongs to one session, and each leg is a session of its own."),
    (r"^KeyUpdate/", HAPPENS, OWN_HANDSHAKE),
    # Data
    (r"^\w+/explicit_nonce$", HAPPENS, "Each sender numbers its records in its own way."),
    (r"^(ApplicationData|Heartbeat)", HAS_TO, UNDER_OTHER_KEYS),
    (r"^Challenge", HAPPENS, "Alice asked with a nonce of her own. A quote made for it does not fit the other leg."),
)
"""For fields that differ."""

SAME: tuple[Rule, ...] = (
    (
        r"^(Client|Server)Hello/.*attestation/nonce$",
        COPIED,
        "The other side's quote is bound to this nonce. With one of her own the quote would not fit.",
    ),
    (
        r"^(Client|Server)Hello/random$",
        COPIED,
        "Alice copied it. Where it goes into the hash under the quote, another random would be noticed.",
    ),
    (r"Hello/.*key_share/.*key_exchange$", COPIED, "Alice passes it on. She cannot make the keys that follow from it."),
    (
        r"^(SupplementalData|Certificate|Evidence)/.*(/extraData|evidence|supp_data_entry\[\d+\]/data)$",
        COPIED,
        "Alice has no key that could sign another quote, so she forwards this one, byte for byte.",
    ),
    (r"^Certificate/.*issuer$", THE_SAME, "The receiver must trust whoever signed: it is the same CA."),
    (
        r"^Certificate/.*(subject|subjectAltName)$",
        THE_SAME,
        "The receiver looks for this name. Alice needs a certificate for exactly this name.",
    ),
    (
        r"^Certificate/.*subjectPublicKeyInfo$",
        COPIED,
        "The very same key: it helps Alice only if she has a copy of its private half, or may use it.",
    ),
    (r"^Challenge/nonce$", COPIED, "The quote has to contain these bytes. Alice passes the question on."),
    (
        r"^ClientKeyExchange/.*encrypted_pre_master_secret$",
        COPIED,
        "Alice passes it on. Only whoever has the private key can open it.",
    ),
    (r"^Finished/verify_data$", COPIED, "Alice passes it on: it fits both legs only if they are one handshake."),
    (r"^CertificateVerify/signature$", COPIED, "Alice passes it on: it fits both legs only if they are one handshake."),
    (r"^ApplicationData/encrypted", COPIED, "Alice passes it on unopened: she has no key for it."),
)
"""For fields that are the same on both legs."""
