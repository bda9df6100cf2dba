"""The designs on TLS 1.3 (RFC 9846) that are debated today, each as a value.

In all of them the attested key signs CertificateVerify: the TPM made that key for the measured software alone.
Evidence travels in an extension of the first CertificateEntry; in `tls13-exporter` it travels in exported
authenticators (RFC 9261) after Finished. The binders of the first four name no role, as published.
"""

from __future__ import annotations

from trustlab.passage.binders import Binder
from trustlab.passage.designs import Design

SUITE = "TLS_AES_128_GCM_SHA256"
KEY_CHECKS = ("key identity", "key provenance", "key policy", "one AK for both")

NONCE = Design(
    name="tls13-nonce",
    tls="1.3",
    key_origin="tcb",
    server=Binder(("nonce_C",), bare=True),
    not_demanded=KEY_CHECKS,
    suite=SUITE,
    sentence="The quote contains the client's nonce: it is fresh, and that is all it says.",
    not_enough="Nothing ties the quote to this channel: Alice forwards the nonce, and the quote comes back.",
    source="the naive design; Intra-handshake.fail",
)
KEY = Design(
    name="tls13-key",
    tls="1.3",
    key_origin="tcb",
    server=Binder(("H(SPKI_S)",), bare=True),
    suite=SUITE,
    sentence="The quote names the server's public key, once for all connections.",
    not_enough="It is never fresh: whoever can use the key can show the same evidence for ever.",
    source="RA-TLS (Knauth et al., 2018)",
)
NONCE_KEY = Design(
    name="tls13-nonce-key",
    tls="1.3",
    key_origin="tcb",
    server=Binder(("nonce_C", "H(SPKI_S)")),
    suite=SUITE,
    sentence="The quote names the client's nonce and the server's public key.",
    not_enough="It names no channel: whoever can use the key relays fresh evidence into a channel of her own.",
    source="Constellation, Contrast, the CCC proof of concept; CVE-2026-33697",
)
EARLY = Design(
    name="tls13-early",
    tls="1.3",
    key_origin="tcb",
    server=Binder(("early(SPKI_S)",), bare=True),
    client=Binder(("early(SPKI_C)",), bare=True),
    client_key=True,
    suite=SUITE,
    sentence="Each quote names both hellos, which contain both key shares, and the key of its own side.",
    not_enough="It does not cover what comes after ServerHello.",
    source="draft-fossati-seat-early-attestation",
)
HANDSHAKE_SECRET = Design(
    name="tls13-handshake-secret",
    tls="1.3",
    key_origin="tcb",
    server=Binder(("L", "S", "attest_secret", "H(SPKI_S)")),
    client=Binder(("L", "C", "attest_secret", "H(SPKI_C)")),
    client_key=True,
    suite=SUITE,
    sentence="Each quote names a secret that only the two ends of this key agreement can derive, and its side's key.",
    not_enough="It does not cover what comes after ServerHello.",
    source="our construction, after mechanism 8 of Intra-handshake.fail",
)
EXPORTER = Design(
    name="tls13-exporter",
    tls="1.3",
    when="after-finished",
    key_origin="tcb",
    server=Binder(("L", "S", "exporter_server", "H(SPKI_S)", "H(SPKI_C)?")),
    client=Binder(("L", "C", "exporter_client", "H(SPKI_C)?", "H(SPKI_S)")),
    client_key=True,
    suite=SUITE,
    sentence="After Finished each side shows, in an exported authenticator, a quote over the exporter of this channel.",
    not_enough="It costs one more round trip; and nothing helps against a passive reader who knows the secret.",
    source="RFC 9261; draft-fossati-seat-expat; cmc",
)

BARE_EXPORTER = Design.custom(
    "bare-exporter",
    like=EXPORTER,
    server=Binder(("L", "exporter")),
    client=Binder(("L", "exporter")),
    not_demanded=KEY_CHECKS,
    sentence="Both quotes contain the same exporter and no role: each could stand for the other.",
    not_enough="Alice gives the client's own evidence back to it (reflection).",
    source="cmc issue 406",
)
"""Not on the ladder: the exporter design without role, label and keys."""
BARE_EXPORTER_WITH_ROLE = Design.custom(
    "bare-exporter-with-role",
    like=BARE_EXPORTER,
    server=Binder(("L", "S", "exporter")),
    client=Binder(("L", "C", "exporter")),
    sentence="Both quotes contain the same exporter, and the role of whoever gives them.",
    not_enough="Nobody proves the key; the quotes name only the channel and the role.",
    source="cmc issue 406",
)
"""The same with the role: the base on which the role alone decides."""

LADDER13 = (NONCE, KEY, NONCE_KEY, EARLY, HANDSHAKE_SECRET, EXPORTER)
"""The designs on TLS 1.3, from the weakest."""
