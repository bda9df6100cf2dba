"""The inputs of binders in plain words: what each one is, what it covers, and what a hash without it leaves open."""

from __future__ import annotations

from typing import NamedTuple

from trustlab.inspector.rows import joined


class InputWords(NamedTuple):
    """An input in plain words, a sentence about it, and the aspects of a connection that it covers."""

    plain: str
    say: str
    covers: frozenset[str] = frozenset()


HELLOS = frozenset({"nonce", "client_random", "server_random", "key shares"})
KEY_S, KEY_C = frozenset({"server's key"}), frozenset({"client's key"})
CLIENT_SHARE = "client's key share"
WHOLE = HELLOS | KEY_S | KEY_C | frozenset({"secret", "encrypted secret"})

INPUTS: dict[str, InputWords] = {
    "L": InputWords(
        "label", "A constant of the protocol, so that a signature made for something else can never be used here."
    ),
    "S": InputWords(
        "role", "Whose quote it is: S for the server's. A quote of the client's cannot be used in its place."
    ),
    "C": InputWords(
        "role", "Whose quote it is: C for the client's. A quote of the server's cannot be used in its place."
    ),
    "K": InputWords("purpose", "What the TPM signed it for: K for a key, so that it cannot pass for a quote."),
    "nonce_C": InputWords(
        "client's nonce",
        "32 fresh bytes of the client. They prove that the quote was made after the client asked.",
        frozenset({"nonce"}),
    ),
    "nonce_S": InputWords(
        "server's nonce",
        "32 fresh bytes of the server. They prove that the quote was made after the server asked.",
        frozenset({"nonce"}),
    ),
    "client_random": InputWords(
        "client's random",
        "The client's random number. With the server's it makes this handshake different from every other.",
        frozenset({"client_random"}),
    ),
    "server_random": InputWords(
        "server's random",
        "The server's random number. With the client's it makes this handshake different from every other.",
        frozenset({"server_random"}),
    ),
    "H(SPKI_S)": InputWords(
        "server's public key",
        "A hash of the server's public key, from the certificate it showed.",
        KEY_S,
    ),
    "H(SPKI_C)": InputWords(
        "client's public key",
        "A hash of the client's public key, from the certificate it showed.",
        KEY_C,
    ),
    "H(SPKI_S)?": InputWords(
        "server's public key", "A hash of the server's public key; empty where the server has none.", KEY_S
    ),
    "H(SPKI_C)?": InputWords(
        "client's public key", "A hash of the client's public key; empty where the client has none.", KEY_C
    ),
    "H(HPKE_S)": InputWords(
        "key that messages are sealed to",
        "A hash of the public key to which the client seals what it says: only the quoted software can open it.",
        frozenset({"sealing key"}),
    ),
    "HMAC(PMS)": InputWords(
        "commitment to the secret",
        "A check value made with the pre-master secret: whoever knows the secret can check it, and it shows nothing.",
        frozenset({"secret"}),
    ),
    "H(EPMS)": InputWords(
        "encrypted secret",
        "A hash of the pre-master secret as the client encrypted it: nobody can encrypt it anew to another key.",
        frozenset({"encrypted secret"}),
    ),
    "session_hash": InputWords(
        "session hash",
        "A hash over all handshake messages up to ClientKeyExchange (RFC 7627). It is not in any one message.",
        WHOLE - frozenset({"nonce"}),
    ),
    "attest_secret": InputWords(
        "secret of the key agreement",
        "Derived from the keys of both hellos: only the two ends of this key agreement can compute it.",
        HELLOS,
    ),
    "exporter": InputWords(
        "exporter",
        "Derived from the keys of the finished channel, over the bytes of the request: only its ends can compute it.",
        WHOLE,
    ),
    "early(SPKI_S)": InputWords(
        "both hellos and the server's key",
        "Derived from a hash of both hellos and from the server's public key.",
        HELLOS | KEY_S,
    ),
    "early(SPKI_C)": InputWords(
        "both hellos and the client's key",
        "Derived from a hash of both hellos and from the client's public key.",
        HELLOS | KEY_C,
    ),
    "early_exporter": InputWords(
        "exporter of the key agreement",
        "Derived from the keys of both hellos, and from a hash of both: only the ends of this key agreement can.",
        HELLOS,
    ),
    "early_exporter without hellos": InputWords(
        "exporter of the key agreement",
        "Derived from the keys of both hellos, but not from a hash of them.",
        frozenset({"key shares"}),
    ),
    "standard_early_exporter": InputWords(
        "early exporter",
        "Derived from a hash of the ClientHello. Without a pre-shared key no secret goes in: everybody can compute it.",
        frozenset({"nonce", "client_random", CLIENT_SHARE}),
    ),
    "expat(SPKI_S)": InputWords(
        "exporter and the server's key",
        "A hash of the server's public key and of an exporter of the finished channel, over the bytes of the request.",
        WHOLE,
    ),
    "expat(SPKI_C)": InputWords(
        "exporter and the client's key",
        "A hash of the client's public key and of an exporter of the finished channel, over the bytes of the request.",
        WHOLE,
    ),
}
for _name in ("exporter_server", "exporter_client"):
    INPUTS[_name] = INPUTS["exporter"]
for _name in ("exporter", "exporter_server", "exporter_client"):
    INPUTS[f"{_name} without context"] = InputWords(
        "exporter",
        "Derived from the keys of the finished channel, but the same for every request on it.",
        WHOLE - frozenset({"nonce"}),
    )

HANDSHAKE = frozenset({"client_random", "server_random"})


def words_of(name: str) -> InputWords:
    """Return the words for an input; of one that is not known here, its name."""
    return INPUTS.get(name) or InputWords(name, "An input of a design that this version does not know.")


def said(name: str) -> str:
    """Return an input as a sentence names it: `the server's public key`."""
    return f"the {words_of(name).plain}"


def covered(names: list[str]) -> frozenset[str]:
    """Return the aspects of a connection that a hash over these inputs covers."""
    return frozenset().union(*(words_of(name).covers for name in names))


def not_covered(names: list[str], role: str) -> str:
    """Return the sentence that says what a hash over `names`, made for `role` (S or C), leaves open."""
    have = covered(names)
    if "sealing key" in have:
        return "Nothing of the channel is in this hash. Whoever ends it can read no message that is sealed to this key."
    key = "server's key" if role == "S" else "client's key"
    channel, proves = have >= HANDSHAKE, key in have
    fresh = "nonce" in have or (not channel and ("client_random" if role == "S" else "server_random") in have)
    open_ = [
        *([] if fresh else ["a nonce"]),
        *([] if proves else [f"the {key}"]),
        *([] if channel else ["the handshake"]),
    ]
    if role == "C" and channel and "secret" not in have and "key shares" not in have:
        open_.append("the secret that the client chose")
    if not open_:
        return _rest(names)
    text = f"This hash does not cover {joined(open_).replace(' and ', ' or ')}."
    if CLIENT_SHARE in have:
        return (
            f"{text} Whoever passes the ClientHello on gets a quote that fits, but only its sender can read the answer."
        )
    if channel and not proves and "key shares" in have:
        return f"{text} It says nothing about whose key opens this connection."
    return f"{text} {_therefore(fresh=fresh, channel=channel, proves=proves)}".strip()


def covers(names: list[str], role: str) -> str:
    """Return the sentence that says what a hash covers: `The quote covers the nonce`."""
    have = covered(names)
    shown = [
        *(["the nonce"] if "nonce" in have else []),
        *(["the handshake"] if have >= HANDSHAKE else []),
        *([f"the {k}"] if (k := "server's key" if role == "S" else "client's key") in have else []),
        *(["the secret that the client chose"] if "secret" in have and not have >= WHOLE - {"nonce"} else []),
    ]
    return f"The quote covers {joined(shown)}." if shown else "The quote covers nothing of this connection."


def _therefore(*, fresh: bool, channel: bool, proves: bool) -> str:
    if channel and proves:
        return "" if fresh else "Its freshness comes from the randoms of the handshake."
    if channel:
        return "It says nothing about whose key opens this connection, or who chose its secret."
    if proves and not fresh:
        return "A quote like this one fits every connection to the same key, for ever."
    if proves:
        return "Whoever can use the same key can show it on another connection."
    if fresh:
        return "Anybody who passes the nonce on gets a quote that fits."
    return "A quote like this one fits every connection."


def _rest(names: list[str]) -> str:
    """Return what even a hash over all aspects leaves out."""
    if any(name.startswith(("exporter", "expat")) for name in names):
        return "Nothing of the handshake is left out. What is said afterwards is protected by the channel's own keys."
    if "session_hash" in names:
        return "Nothing up to ClientKeyExchange is left out. Finished protects what comes after it."
    if "attest_secret" in names or any(name.startswith("early") for name in names):
        return "What comes after ServerHello is not in this hash. Finished protects it, later."
    return (
        "Not in this hash: the cipher suites, the other extensions, the name in the certificate. "
        "Finished protects those, later."
    )
