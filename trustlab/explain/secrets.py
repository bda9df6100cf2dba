"""What each secret is, in a sentence with its clause: for a trace's `secret` events and for the graph of keys."""

from __future__ import annotations

SECRETS = {
    "pre_master_secret": (
        "The secret that both ends agreed on. Every key of the connection comes from it.",
        "RFC 5246, 8.1",
    ),
    "master_secret": ("What all keys of the connection are made of. It lasts as long as the session.", "RFC 5246, 8.1"),
    "key_block": ("The keys of both directions in one piece, before it is cut.", "RFC 5246, 6.3"),
    "client_verify_data": ("What the client's Finished holds: a MAC over the handshake so far.", "RFC 5246, 7.4.9"),
    "server_verify_data": ("What the server's Finished holds: a MAC over the handshake so far.", "RFC 5246, 7.4.9"),
    "early_secret": (
        "Where the key schedule begins. Without a pre-shared key everybody can compute it.",
        "RFC 9846, 7.1",
    ),
    "shared_secret": (
        "What the key agreement gave: only whoever has one of the private halves can compute it.",
        "RFC 9846, 7.4",
    ),
    "handshake_secret": ("What protects the rest of the handshake.", "RFC 9846, 7.1"),
    "client_handshake_traffic_secret": ("Makes the keys for what the client writes in the handshake.", "RFC 9846, 7.1"),
    "server_handshake_traffic_secret": ("Makes the keys for what the server writes in the handshake.", "RFC 9846, 7.1"),
    "main_secret": ("What all keys after the handshake come from.", "RFC 9846, 7.1"),
    "client_application_traffic_secret_0": ("Makes the keys for the client's application data.", "RFC 9846, 7.1"),
    "server_application_traffic_secret_0": ("Makes the keys for the server's application data.", "RFC 9846, 7.1"),
    "client_application_traffic_secret": ("Makes the client's next keys, after a KeyUpdate.", "RFC 9846, 7.2"),
    "server_application_traffic_secret": ("Makes the server's next keys, after a KeyUpdate.", "RFC 9846, 7.2"),
    "exporter_master_secret": ("Makes secrets for other protocols that run over this connection.", "RFC 9846, 7.5"),
    "resumption_master_secret": ("Makes the pre-shared key of a later connection.", "RFC 9846, 7.1"),
}
"""Names of secrets, as the engine gives them."""
OTHERS = {
    "canary pin": ("Bob's PIN: the secret that Alice is after.", "trustlab protocol, bank"),
    "canary balance": ("What is in the account: a secret of the bank.", "trustlab protocol, bank"),
    "hpke_private_key": (
        "One end's private key for this connection: whoever has it opens the messages that are sealed to it.",
        "RFC 9180, 4; trustlab protocol, sealed",
    ),
    "private key": ("A private key: whoever has it can act under the name in its certificate.", "RFC 5280, 4.1.2.7"),
}
UNKNOWN = ("Key material, or plaintext that only its owner may see.", "trustlab trace")


def secret_words(name: str) -> tuple[str, str]:
    """Return the sentence and the clause for a secret by its name."""
    if name.startswith("TPM2_"):
        command, _, field = name.partition(" ")
        return f"The field {field} of {command}, in clear: the trace keeps it apart from the command.", "TPM 2.0 Part 3"
    return SECRETS.get(name) or OTHERS.get(name) or UNKNOWN
