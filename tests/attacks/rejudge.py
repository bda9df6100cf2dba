"""A second judge: frames and keys alone, read by its own few lines of TLS, none of them the program's.

It knows the two record protections that the lab's designs use (AES-GCM in TLS 1.2 and 1.3), the two ways to a master
secret, and RSA key transport. A channel is trusted where the client sent its PIN; whoever can decrypt it is at its end.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key

HANDSHAKE, DATA = 22, 23
CLIENT_HELLO, SERVER_HELLO, CLIENT_KEY_EXCHANGE = 1, 2, 16
WITH_SHA384 = {0x009D, 0xC02C, 0xC030, 0x1302}
TRAFFIC = "_application_traffic_secret_0"


class Keys(NamedTuple):
    masters: set
    pre_masters: set
    traffic: set
    private: list


def streams(trace):
    """Return {(connection, client port?): octets}, by the sequence numbers of the segments."""
    pieces, clients = defaultdict(dict), {}
    for event in trace.select("frame"):
        ip = event.raw[14:]
        tcp = ip[4 * (ip[0] & 15) : int.from_bytes(ip[2:4], "big")]
        source, data = ip[12:16] + tcp[:2], tcp[4 * (tcp[12] >> 4) :]
        if tcp[13] & 2:
            if not tcp[13] & 16:
                clients[event.connection] = source
            continue
        if data:
            pieces[event.connection, source][int.from_bytes(tcp[4:8], "big")] = data
    joined = defaultdict(lambda: [b"", b""])
    for (connection, source), segments in pieces.items():
        whole = b"".join(segments[at] for at in sorted(segments))
        joined[connection][source != clients[connection]] = whole
    return dict(joined)


def records(stream):
    """Yield type and fragment of each complete record."""
    while len(stream) >= 5 + int.from_bytes(stream[3:5], "big"):
        end = 5 + int.from_bytes(stream[3:5], "big")
        yield stream[0], stream[:5], stream[5:end]
        stream = stream[end:]


def clear_messages(stream):
    """Yield type and octets of the handshake messages before anything is encrypted."""
    joined = b""
    for kind, _, fragment in records(stream):
        if kind != HANDSHAKE:
            break
        joined += fragment
    while len(joined) >= 4 and len(joined) >= 4 + int.from_bytes(joined[1:4], "big"):
        end = 4 + int.from_bytes(joined[1:4], "big")
        yield joined[0], joined[:end]
        joined = joined[end:]


def prf(secret, label, seed, size, digest):
    seed, out, a = label + seed, b"", label + seed
    while len(out) < size:
        a = hmac.digest(secret, a, digest)
        out += hmac.digest(secret, a + seed, digest)
    return out[:size]


def expand(secret, label, size, digest):
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return hmac.digest(secret, info + b"\1", digest)[:size]


class Handshake:
    """What stands in clear at the beginning of a connection."""

    def __init__(self, client, server):
        self.streams = client, server
        said = {kind: octets for stream in self.streams for kind, octets in clear_messages(stream)}
        hello, answer = said.get(CLIENT_HELLO), said.get(SERVER_HELLO)
        self.tls = hello is not None and answer is not None
        if not self.tls:
            return
        self.randoms = hello[6:38], answer[6:38]
        suite = int.from_bytes(answer[39 + answer[38] :][:2], "big")
        self.digest, self.size = ("sha384", 32) if suite in WITH_SHA384 else ("sha256", 16)
        self.v13 = suite >> 8 == 0x13
        self.exchange = said.get(CLIENT_KEY_EXCHANGE, b"")
        self.transcripts = self._transcripts()

    def _transcripts(self):
        """Every order in which the two sides' clear messages can have come, up to ClientKeyExchange: for RFC 7627."""
        client, server = ([octets for _, octets in clear_messages(stream)] for stream in self.streams)
        return [b"".join([client[0], *server, *client[1:cut]]) for cut in range(2, len(client) + 1)]

    def masters(self, keys):
        pre_masters = set(keys.pre_masters)
        if self.exchange:
            pre_masters |= {private.decrypt(self.exchange[6:], PKCS1v15()) for private in keys.private}
        found = set(keys.masters)
        for pms in pre_masters:
            found.add(prf(pms, b"master secret", b"".join(self.randoms), 48, self.digest))
            for transcript in self.transcripts:
                digest = hashlib.new(self.digest, transcript).digest()
                found.add(prf(pms, b"extended master secret", digest, 48, self.digest))
        return found

    def plaintext(self, keys, side):
        """Return the application data of one side (0: the client's) that these keys open."""
        if not self.tls:
            return b""
        if self.v13:
            return next(filter(None, (self._open13(secret, side) for secret in keys.traffic)), b"")
        return next(filter(None, (self._open12(master, side) for master in self.masters(keys))), b"")

    def _open12(self, master, side):
        block = prf(master, b"key expansion", self.randoms[1] + self.randoms[0], 2 * self.size + 8, self.digest)
        key = AESGCM(block[side * self.size : (side + 1) * self.size])
        salt = block[2 * self.size + 4 * side :][:4]
        number, protected, out = 0, False, b""
        for kind, head, fragment in records(self.streams[side]):
            if protected:
                aad = number.to_bytes(8, "big") + head[:3] + (len(fragment) - 24).to_bytes(2, "big")
                try:
                    opened = key.decrypt(salt + fragment[:8], fragment[8:], aad)
                except InvalidTag:
                    return b""
                number += 1
                out += opened if kind == DATA else b""
            protected = protected or kind == 20
        return out

    def _open13(self, secret, side):
        key, iv = AESGCM(expand(secret, b"key", self.size, self.digest)), expand(secret, b"iv", 12, self.digest)
        number, out = 0, b""
        for kind, head, fragment in records(self.streams[side]):
            nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(12, "big"), strict=True))
            if kind == DATA:
                try:
                    opened = key.decrypt(nonce, fragment, head).rstrip(b"\0")
                except InvalidTag:  # of the handshake, under other keys
                    continue
                number += 1
                out += opened[:-1] if opened[-1] == DATA else b""
        return out


def keys_of(trace, party):
    """Return the keys of a party; a secret before the keys counts for Alice alone.

    An honest end that agreed on the same one in another handshake does not have the keys of this.
    """
    held = trace.select("secret", party=party)
    before = {"pre_master_secret", "shared_secret"} if party == "alice" else set()
    return Keys(
        {e.raw for e in held if e.name == "master_secret"},
        {e.raw for e in held if e.name in before and len(e.raw) in {32, 48}},
        {e.raw for e in held if e.name.endswith(TRAFFIC)},
        [load_der_private_key(e.raw, None) for e in held if e.name == "private_key"],
    )


def goals_reached(trace):
    """Return the goals that Alice reached in this run, by frames and keys alone."""
    canaries = {e.name.removeprefix("canary "): e.raw for e in trace.select("secret") if e.name.startswith("canary ")}
    parties = {e.party for e in trace.select("secret")} - {"cloud", "lab", "network"}
    keys = {party: keys_of(trace, party) for party in parties | {"alice"}}
    reached = set()
    for connection, (client, server) in streams(trace).items():
        shake = Handshake(client, server)
        for name, canary in canaries.items():
            read = client + server + shake.plaintext(keys["alice"], 0) + b"\n" + shake.plaintext(keys["alice"], 1)
            reached |= {name} if canary in read else set()
        sender, addressed = connection.split("-")[:2]
        if (
            sender in keys
            and sender != "alice"
            and canaries.get("pin")
            and canaries["pin"] in shake.plaintext(keys[sender], 0)
        ):
            ends = {party for party in parties - {sender} if shake.plaintext(keys[party], 0)}
            if ends and addressed not in ends:
                reached.add("agree" if "alice" in ends else "peer")
    return reached
