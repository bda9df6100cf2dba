"""The plain sentence of each message and step: what it does, for somebody who sees it for the first time."""

from __future__ import annotations

from trustlab.inspector.rows import cap, the

MESSAGES: dict[str, str] = {
    "HelloRequest": "{Writer} asks {reader} to begin a new handshake.",
    "ClientHello": "{Writer} says hello: the versions and cipher suites on offer, and a fresh random number.",
    "ServerHello": "{Writer} chooses the version and the cipher suite, and adds a random number.",
    "HelloRetryRequest": "{Writer} asks for another hello, with a key share for a group that it names.",
    "HelloVerifyRequest": "{Writer} asks for the hello again, with a cookie in it.",
    "EncryptedExtensions": "{Writer} answers the rest of the hello's extensions. From here on all is encrypted.",
    "SupplementalData": "Evidence: what {writer}'s machine says of itself, signed by its TPM.",
    "CertificateRequest": "{Writer} asks {reader} for a certificate.",
    "ClientCertificateRequest": "{Writer} asks {reader} to prove its key again, over this finished channel.",
    "CertificateStatus": "{Writer} adds what its CA says about the certificate today.",
    "CertificateURL": "{Writer} says where its certificate can be fetched.",
    "CertificateVerify": "{Writer} signs the handshake so far: it holds the private key of its certificate.",
    "ServerKeyExchange": "{Writer} sends a fresh key share, signed with the key of its certificate.",
    "ServerHelloDone": "{Writer} has nothing to add for now. It is {reader}'s turn.",
    "ChangeCipherSpec": "From here on {writer} encrypts what it sends.",
    "Finished": "A check value over all messages so far: had one been changed, {reader} would hang up here.",
    "NewSessionTicket": "{Writer} gives {reader} a ticket, to begin the next connection faster.",
    "EndOfEarlyData": "{Writer} has sent its early data; what follows uses the keys of this handshake.",
    "KeyUpdate": "From here on {writer} encrypts with fresh keys.",
    "ApplicationData": "What the two programs say to each other, encrypted with the keys of this connection.",
    "Data": "In clear: whoever is on the wire reads it.",
    "Heartbeat": "{Writer} asks whether {reader} is still there.",
    "Challenge": "{Writer} sends 32 fresh bytes: the evidence has to contain them, so it cannot be an old one.",
    "Evidence": "Evidence: what {writer}'s machine says of itself, signed by its TPM.",
}
IN_12: dict[str, str] = {
    "Certificate": "{Writer}'s certificate: a CA's word that this public key belongs to this name.",
    "ClientKeyExchange": "{Writer} sends its half of what the keys are made from.",
    "ChangeCipherSpec": "From here on {writer} encrypts what it sends, with the keys just made.",
}
IN_13: dict[str, str] = {
    "Certificate": "{Writer}'s certificate, already encrypted: a CA's word that this key belongs to this name.",
    "ClientHello": "{Writer} says hello, with a fresh random number and a key share: one half of the key agreement.",
    "ServerHello": "{Writer} chooses the cipher suite and sends the other key share. Both sides can now make keys.",
    "ChangeCipherSpec": "It means nothing in TLS 1.3. It is there for old boxes in the network.",
}
FORWARDED = "Alice forwards the evidence that she was shown. It was made on another machine, not on hers."
RSA = (
    "{Writer}'s secret, encrypted to the public key in {reader}'s certificate: "
    "whoever has the private key can read everything that follows."
)
CLOSING = {
    "close_notify": "{Writer} ends the connection in good order.",
    "user_canceled": "{Writer} breaks off before the handshake is done.",
}
CONNECT = "A TCP connection opens. TCP says nothing about who answers."
UNREADABLE = "An encrypted message. Without the keys nobody can say what it is."


def message_says(name: str, writer: str, reader: str, *, version: str = "", transports: bool = False) -> str:
    """Return the sentence of a message. `transports`: it holds a secret encrypted to the server's RSA key."""
    if name == "ClientKeyExchange" and transports:
        text = RSA
    else:
        table = IN_13 if version == "TLS 1.3" else IN_12
        text = table.get(name) or MESSAGES.get(name) or IN_12.get(name, "")
    return filled(text, writer, reader)


def alert_says(alert: str, writer: str, reader: str, *, fatal: bool) -> str:
    """Return the sentence of an alert, by its name in the standard."""
    if alert in CLOSING:
        return filled(CLOSING[alert], writer, reader)
    words = alert.replace("_", " ") or "something is wrong"
    if not fatal:
        return filled(f"{{Writer}} warns {{reader}}: {words}.", writer, reader)
    return filled(f"{{Writer}} hangs up and says why: {words}.", writer, reader)


def filled(text: str, writer: str, reader: str) -> str:
    """Return a sentence with the parties in it; who is not known yet is the sender or the receiver."""
    one, other = the(writer) if writer else "the sender", the(reader) if reader else "the receiver"
    return text.format(Writer=cap(one), writer=one, Reader=cap(other), reader=other)
