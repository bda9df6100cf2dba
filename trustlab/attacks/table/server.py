"""The table, third part: the bank deceived about its client, and the teller shown its own evidence."""

from __future__ import annotations

from trustlab.attacks.table.notation import ALL_13, Row

_ANYONE = "Anyone may be the client: there is no client to impersonate."
_NOTHING_OF_ITS_OWN = "The client proves nothing here: it has no evidence that could be given back to it."
_SERVER_FIRST = "The server proves itself first: when she must show evidence, the teller has shown none yet."
_OTHER_CHANNEL = (
    "The teller's evidence names the channel it was made in, which is not the one that she has with the bank."
)
_ALREADY = "She is in the middle of the first connection already: there is no need to splice a second one."

ROWS: dict[str, Row] = {
    "client-impersonation": (
        ("-", "tls13-nonce to tls13-nonce-key", _ANYONE),
        (
            "x",
            "tls13-early to tls13-handshake-secret",
            "The teller shows its evidence to a server that it has accepted, and to no other.",
        ),
        ("x", "tls13-exporter", _OTHER_CHANNEL),
    ),
    "same-pms-reencryption": (
        ("-", "tls13-nonce to tls13-nonce-key", _ANYONE),
        (
            "x",
            "tls13-early",
            "There is no secret to encrypt twice, and the evidence names the hellos of the lax channel.",
        ),
        (
            "x",
            "tls13-handshake-secret",
            "There is no secret to encrypt twice: the evidence holds the secret of the other agreement.",
        ),
        ("x", "tls13-exporter", "There is no secret to encrypt twice, and the exporters of the two channels differ."),
    ),
    "resumption-splice": (
        ("-", "plain-tls to connect-then-attest", _ALREADY),
        (
            "x",
            "key-in-quote to trusted-passage",
            "The first handshake is refused before there is a session: the second one is whole, and attested.",
        ),
        (
            "x",
            "session-hash",
            "The session hash goes into the master secret: she cannot make two sessions the same.",
        ),
        ("-", ALL_13, "Nothing is resumed here: the engine has no tickets and no 0-RTT."),
    ),
    "reflection": (
        ("-", "plain-tls to tcb-key", _NOTHING_OF_ITS_OWN),
        ("-", "client-quote to trusted-passage", _SERVER_FIRST),
        (
            "x",
            "session-hash",
            "Both quote one hash, but each says whose quote it is; and the teller's is about no server's key.",
        ),
        ("-", "tls13-nonce to tls13-nonce-key", _NOTHING_OF_ITS_OWN),
        ("-", "tls13-early to tls13-handshake-secret", _SERVER_FIRST),
        ("x", "tls13-exporter", "Each side's exporter has a label of its own, and the role stands in the binder."),
    ),
}
