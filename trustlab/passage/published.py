"""Designs that others published, as values beside the ladders.

`sealed` does not trust TLS at all: messages are sealed with HPKE to a key in the quote, as services for private
inference do it. It runs inside the weakest TLS of the ladder, to show that nothing depends on it.

The others are on TLS 1.3. Two attest after Finished, as `tls13-exporter` does: `expat` is a reading of draft-fossati-
seat-expat of July 2026, and `role-exporter` has nothing in its quote but an exporter whose label names the role.

The rest attest in the handshake. Intra-handshake.fail (Sardar, Dubeyko, Jacquet, 2026) numbers seven binders: 1 the
client's TLS nonce, 2 an attestation nonce, 3 an "early exporter", 4 the server's public key, 5 is 2 with 3, 6 is 2 with
4, 7 is 2 with 3 and 4. Numbers 2, 4 and 6 are `tls13-nonce`, `tls13-key` and `tls13-nonce-key` of the ladder.

Their early exporter is a value of the key agreement's secret. Here it is `HKDF-Expand-Label(handshake_secret,
"tp early exp", Hash(ClientHello..ServerHello), 32)`. The early exporter of RFC 9846 7.5 comes from the early secret, in
which there is no key agreement without a pre-shared key: that is a design of its own. `EARLY_EXPORTER_ALONE` is the
first of them without the hellos.
"""

from __future__ import annotations

from trustlab.passage.binders import Binder
from trustlab.passage.designs import CONNECT_THEN_ATTEST, Design
from trustlab.passage.designs13 import EXPORTER, KEY, KEY_CHECKS, NONCE, NONCE_KEY

PAPER = "Intra-handshake.fail (Sardar, Dubeyko, Jacquet, 2026)"

EXPAT = Design.custom(
    "expat",
    like=EXPORTER,
    server=Binder(("expat(SPKI_S)",), bare=True),
    client=Binder(("expat(SPKI_C)",), bare=True),
    empty_offer=True,
    sentence="After Finished each side shows a quote over its own public key and this channel's exporter.",
    not_enough="The draft of July 2026 spells the exporter's label in two ways; whoever reads it otherwise is refused.",
    source="draft-fossati-seat-expat (July 2026), read with the label Attestation",
)
ROLE_EXPORTER = Design.custom(
    "role-exporter",
    like=EXPORTER,
    server=Binder(("exporter_server",), bare=True),
    client=Binder(("exporter_client",), bare=True),
    sentence="After Finished each side shows a quote over this channel's exporter alone; its label names the role.",
    not_enough="The quote names no key: the key is proved beside it, and only the authenticator joins the two.",
    source="cmc, with a label for each role",
)


def _mechanism(name: str, number: int, *fields: str, sentence: str, not_enough: str) -> Design:
    """Return a published binder as a design: like `tls13-nonce`, with key checks if its quote names the key."""
    return Design.custom(
        name,
        like=NONCE,
        server=Binder(fields, bare=len(fields) == 1),
        not_demanded=() if "H(SPKI_S)" in fields else KEY_CHECKS,
        sentence=sentence,
        not_enough=not_enough,
        source=f"{PAPER}, mechanism {number}",
    )


CLIENT_RANDOM = _mechanism(
    "tls13-client-random",
    1,
    "client_random",
    sentence="The quote contains the random number of the ClientHello, in place of a nonce of its own.",
    not_enough="Alice copies the random number into a ClientHello of hers, and the quote comes back.",
)
EARLY_EXPORTER = _mechanism(
    "tls13-early-exporter",
    3,
    "early_exporter",
    sentence="The quote contains a value that only the two ends of this key agreement can derive.",
    not_enough="It names no key, and it does not cover what comes after ServerHello.",
)
NONCE_EARLY_EXPORTER = _mechanism(
    "tls13-nonce-early-exporter",
    5,
    "nonce_C",
    "early_exporter",
    sentence="The quote names the client's nonce, and a value that only the ends of this key agreement can derive.",
    not_enough="The nonce adds nothing: the key agreement is fresh already. What follows ServerHello is not covered.",
)
NONCE_EARLY_EXPORTER_KEY = _mechanism(
    "tls13-nonce-early-exporter-key",
    7,
    "nonce_C",
    "early_exporter",
    "H(SPKI_S)",
    sentence="The quote names the client's nonce, a value of this key agreement, and the server's public key.",
    not_enough="It does not cover what comes after ServerHello.",
)
STANDARD_EARLY_EXPORTER = Design.custom(
    "tls13-standard-early-exporter",
    like=EARLY_EXPORTER,
    server=Binder(("standard_early_exporter",), bare=True),
    sentence="The quote contains the standard's own early exporter, which without a pre-shared key names one message: "
    "the ClientHello.",
    not_enough="Everybody who saw the ClientHello can compute it: no key agreement is in it.",
    source="RFC 9846, 7.5",
)
EARLY_EXPORTER_ALONE = Design.custom(
    "tls13-early-exporter-alone",
    like=EARLY_EXPORTER,
    server=Binder(("early_exporter without hellos",), bare=True),
    sentence="As tls13-early-exporter, but the value is of the key agreement's secret alone: the hellos are not in it.",
    not_enough="Whoever knows that secret can change the hellos.",
    source=f"{PAPER}, mechanism 3 as its result implies",
)
"""Not a column of the matrix: it shows what the hellos in the early exporter are for."""

SEALED = Design.custom(
    "sealed",
    like=CONNECT_THEN_ATTEST,
    when="sealed",
    server=Binder(("L", "S", "nonce_C", "H(HPKE_S)")),
    sentence="TLS is only a pipe: the client seals its messages to a key that the server's quote names.",
    not_enough="Whoever ends the channel sees when and how much is said. Anybody may be the client.",
    source="HPKE (RFC 9180), as services for private inference use it",
)

BESIDE12 = (SEALED,)
"""The published designs on TLS 1.2 that are not on the ladder."""

BESIDE = (
    EXPAT,
    ROLE_EXPORTER,
    CLIENT_RANDOM,
    EARLY_EXPORTER,
    NONCE_EARLY_EXPORTER,
    NONCE_EARLY_EXPORTER_KEY,
    STANDARD_EARLY_EXPORTER,
)
"""Those on TLS 1.3."""

MECHANISMS = {
    1: CLIENT_RANDOM,
    2: NONCE,
    3: EARLY_EXPORTER,
    4: KEY,
    5: NONCE_EARLY_EXPORTER,
    6: NONCE_KEY,
    7: NONCE_EARLY_EXPORTER_KEY,
}
"""The seven published binders by their number."""
