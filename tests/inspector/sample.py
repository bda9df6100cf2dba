"""A made-up run in the shapes that the other rooms emit, for pictures and tests without TLS, TPMs or machines."""

from __future__ import annotations

import hashlib
import random

from trustlab.trace import Link, Party, Span, Trace, TraceEvent

RANDOM = random.Random(2011)  # noqa: S311 - octets for a picture
PIN = b"PIN 4711 to account 0815"
CLIENT, SERVER = "client", "server"
ADDRESS = {"teller": "10.0.0.2:49152", "alice": "10.0.0.66:49200", "bank": "10.0.0.3:443"}
CHECKS = [
    ("AK chain", "The AK certificate leads to a privacy CA that Bob trusts.", "RFC 5280 6.1"),
    (
        "AK public area",
        "The key that signed is the one named in the certificate: restricted, signing, fixed to its TPM.",
        "TPM 2.0 Part 1, 16",
    ),
    (
        "AK policy",
        "Only HyperSafe, launched by the CPU and working at locality 2, may use this AK.",
        "TPM 2.0 Part 3, 23.7",
    ),
    ("machine pinned", "This policy pins no machine.", ""),
    ("signature", "The quote is signed by the AK.", "TPM 2.0 Part 2, 11.3.4"),
    ("magic and type", "The signed structure was made inside a TPM and is a quote.", "TPM 2.0 Part 2, 10.12.8"),
    ("extraData", "The binder recomputed here stands inside the signed quote.", "TPM 2.0 Part 2, 10.12.8"),
    ("selection and bank", "PCRs 17, 18 and 19 of the SHA-256 bank were quoted, as demanded.", "TPM 2.0 Part 2, 10.6"),
    ("log equals pcrDigest", "Replaying the event log gives the quoted PCR values.", "TCG PFP 10.4.5"),
    ("events", "Every event is known, and there is exactly one VM image.", "TCG PFP 10.4"),
    ("reference values", "HyperSafe, its policy and the image are the ones Bob published.", "RFC 9334 4.2"),
    ("key identity", "The attested TPM key is the one in the TLS certificate.", "TPM 2.0 Part 1, 16"),
    ("key provenance", "The TLS key was made inside this TPM and cannot leave it.", "TPM 2.0 Part 3, 18.3"),
    ("key policy", "Only this image under this HyperSafe may use the key.", "TPM 2.0 Part 3, 23.7"),
]


def octets(count: int) -> bytes:
    return RANDOM.randbytes(count)


def build(
    *fields: tuple[str, bytes] | tuple[str, bytes, str] | tuple[str, bytes, str, str],
) -> tuple[bytes, list[Span]]:
    """Lay fields end to end; a name that ends in a colon opens a parent which runs to the end of the message."""
    raw, spans, parents = b"", [], []
    for name, value, *more in fields:
        note, clause = [*more, "", ""][:2]
        if name.endswith(":"):
            parents.append((name[:-1], len(raw), note, clause))
            continue
        shown = value.hex() if len(value) > 4 else str(int.from_bytes(value, "big"))
        spans.append(Span(name, len(raw), len(raw) + len(value), shown[:40], note, clause))
        raw += value
    spans += [Span(name, start, len(raw), "", note, clause) for name, start, note, clause in parents]
    return raw, sorted(spans, key=lambda s: (s.start, -s.end))


def handshake(kind: int, *fields: tuple[str, ...] | tuple[str, bytes, str, str]) -> tuple[bytes, list[Span]]:
    body = b"".join(f[1] for f in fields if not f[0].endswith(":"))
    return build(
        ("msg_type", bytes([kind]), "Tells the reader which handshake message follows.", "RFC 5246 7.4"),
        ("length", len(body).to_bytes(3, "big"), "Octets that follow.", "RFC 5246 7.4"),
        *fields,
    )


def client_hello(cr: bytes, nonce: bytes | None) -> tuple[bytes, list[Span]]:
    fields = [
        (
            "client_version",
            b"\x03\x03",
            "TLS 1.2, the version that Trusted Passages was drawn for.",
            "RFC 5246 7.4.1.2",
        ),
        (
            "random",
            cr,
            "Fresh octets of the client: they make every session's keys, and every quote, new.",
            "RFC 5246 7.4.1.2",
        ),
        ("session_id_length", b"\x00", "No session to resume.", "RFC 5246 7.4.1.2"),
        ("cipher_suites_length", b"\x00\x02"),
        (
            "cipher_suites",
            b"\x00\x9c",
            "TLS_RSA_WITH_AES_128_GCM_SHA256: the client encrypts the secret to the server's key.",
            "RFC 5288 3",
        ),
        ("compression_methods_length", b"\x01"),
        ("compression_methods", b"\x00"),
    ]
    if nonce is not None:
        fields += [
            ("extensions:", b"", "What the client asks for beyond plain TLS.", "RFC 5246 7.4.1.4"),
            ("extensions.length", b"\x00\x2c"),
            ("extensions.attestation:", b"", "The client asks for Evidence and offers its own.", "trustlab 0xFF54"),
            ("extensions.attestation.extension_type", b"\xff\x54"),
            ("extensions.attestation.extension_length", b"\x00\x28"),
            ("extensions.attestation.version", b"\x01"),
            (
                "extensions.attestation.nonce",
                nonce,
                "The server's quote must contain these octets: it cannot be an old one.",
                "RFC 9334 10.2",
            ),
            ("extensions.attestation.offered", b"\x02"),
            ("extensions.attestation.demanded", b"\x01"),
            ("extensions.attestation.formats", b"\x00\x02\x00\x01"),
        ]
    return handshake(1, *fields)


class Leg:
    """One connection, with the frames and messages both ends would emit."""

    def __init__(self, trace: Trace, client: str, server: str, *, addressed: str = "", number: int = 1) -> None:
        self.trace = trace
        self.ends = {CLIENT: client, SERVER: server}
        self.name = f"{client}-{addressed or server}-{number}"
        self.addressed = addressed or server
        self.offsets = {CLIENT: 0, SERVER: 0}
        self._frame(CLIENT, None)

    def _frame(self, direction: str, payload: bytes | None) -> None:
        other = SERVER if direction == CLIENT else CLIENT
        names = {CLIENT: ADDRESS[self.ends[CLIENT]], SERVER: ADDRESS[self.addressed]}
        self.trace.party("network").emit(
            "frame",
            "TCP",
            raw=octets(54) + (payload or b""),
            connection=self.name,
            direction=direction,
            offset=None if payload is None else self.offsets[direction],
            reconstructed=True,
            src=names[direction],
            dst=names[other],
            payload_offset=54,
            payload_length=len(payload or b""),
            **{"from": self.ends[direction], "to": self.ends[other]},
        )

    def say(
        self,
        direction: str,
        name: str,
        raw: bytes,
        spans: list[Span] = (),  # type: ignore[assignment]
        sentence: str = "",
        *,
        kind: int = 22,
        encrypted: bool = False,
        inside: bytes | None = None,
        passive: bool = False,
    ) -> None:
        start = self.offsets[direction]
        length = len(raw) + (24 if encrypted and kind != 23 else 0) + (0 if kind == 23 else 5)
        data = {
            "content_type": kind,
            "version": "TLS 1.2",
            "encrypted": encrypted,
            "records": [[start, start + length]],
            "sentence": sentence,
        }
        if passive:
            data["passive"] = True
        other = SERVER if direction == CLIENT else CLIENT
        event = self._emit(self.ends[direction], name, raw, spans, direction, start, data, sent=True)
        self._frame(direction, bytes(length))
        if inside is not None:
            link = [Link("inside", event.party, event.seq)]
            self.trace.party(self.ends[direction]).secret(
                "application data", inside, links=link, connection=self.name, direction=direction
            )
        if not passive:
            self._emit(self.ends[other], name, raw, spans, direction, start, data, sent=False)
        self.offsets[direction] += length

    def _emit(self, party, name, raw, spans, direction, offset, data, *, sent) -> TraceEvent:
        return self.trace.party(party).emit(
            "tls.message",
            name,
            raw=raw,
            spans=spans,
            connection=self.name,
            direction=direction,
            offset=offset,
            sent=sent,
            **data,
        )


def tpm(party: Party, name: str, ms: float, *, client: str = "HyperSafe", locality: int = 2, rc: int = 0) -> None:
    code = {"TPM2_PCR_Read": 0x17E, "TPM2_Quote": 0x158, "TPM2_RSA_Decrypt": 0x159, "TPM2_PolicyPCR": 0x17F}.get(
        name, 0x17C
    )
    raw, spans = build(
        ("tag", b"\x80\x02", "The command carries an authorisation.", "TPM 2.0 Part 1, 18"),
        ("commandSize", b"\x00\x00\x00\x3f"),
        ("commandCode", code.to_bytes(4, "big"), f"{name}.", "TPM 2.0 Part 2, 6.5.2"),
        ("signHandle", b"\x80\xff\xff\xff", "The key to use.", "TPM 2.0 Part 3, 18.4"),
        ("parameters", octets(49)),
    )
    command = party.emit("tpm.command", name, raw=raw, spans=spans, client=client, locality=locality)
    raw, spans = build(
        ("tag", b"\x80\x02"),
        ("responseSize", b"\x00\x00\x00\x4a"),
        ("responseCode", rc.to_bytes(4, "big")),
        ("parameters", octets(64)),
    )
    rc_name = "TPM_RC_SUCCESS" if not rc else "TPM_RC_LOCALITY"
    link = [Link("response-to", command.party, command.seq)]
    party.emit("tpm.response", name, raw=raw, spans=spans, links=link, rc=rc, rc_name=rc_name, ms=ms)


def machines(trace: Trace) -> None:
    for name in ("bank", "teller"):
        party = trace.party(name)
        party.emit(
            "machine",
            "power on",
            sentence=f"Alice switches on {name}'s machine; its TPM starts with PCR 17 to 22 at all ones.",
        )
        party.emit(
            "machine",
            "DRTM launch",
            sentence="The CPU resets PCR 17 and measures HyperSafe into it.",
            pcr=17,
            digest=octets(32).hex(),
        )
        tpm(party, "TPM2_PCR_Extend", 0.06)
        party.emit(
            "machine",
            "measure image",
            sentence="HyperSafe measures the VM's image into PCR 19 before it starts it.",
            pcr=19,
            digest=octets(32).hex(),
        )
        tpm(party, "TPM2_PCR_Extend", 0.05)
        tpm(party, "TPM2_CreatePrimary", 2.41)
        party.emit("machine", "ready", sentence=f"{name} runs, and its keys exist in its own TPM only.")


def binder(party: Party, side: str, role: str, fields: list[tuple[str, bytes]], connection: str) -> bytes:
    digest = hashlib.sha256(b"".join(len(v).to_bytes(2, "big") + v for _, v in fields)).digest()
    listed = [[name, value.hex()] for name, value in fields]
    party.emit(
        "binder", "trusted-passage", role=role, side=side, fields=listed, binder=digest.hex(), connection=connection
    )
    return digest


def appraise(party: Party, about: str, connection: str, expected: bytes, found: bytes) -> None:
    failed = [] if expected == found else ["extraData"]
    for name, sentence, clause in CHECKS:
        same, text, word = octets(32), sentence, "pass"
        want = have = same
        if name == "machine pinned":
            word, want, have = "not demanded", b"", b""
        if name == "extraData":
            want, have = expected, found
        if name in failed:
            word, text = (
                "fail",
                "The signed quote belongs to another connection: its extraData is not the binder of this one.",
            )
        party.emit(
            "verdict",
            name,
            connection=connection,
            verdict=word,
            sentence=text,
            expected=want.hex(),
            found=have.hex(),
            clause=clause,
            about=about,
        )
    party.emit(
        "appraisal",
        "refused" if failed else "accepted",
        connection=connection,
        refused_by=failed[0] if failed else None,
        failed=failed,
        sentence=f"{party.name} does not speak to this peer: the quote was made for another channel."
        if failed
        else f"{party.name} accepts: this is {about}'s machine, image and key, on this very connection.",
        about=about,
    )


def trusted(trace: Trace, *, attack: bool) -> None:
    teller, bank, alice = (trace.party(n) for n in ("teller", "bank", "alice"))
    nonce, cr, sr, cr2, sr2, spki = (octets(32) for _ in range(6))
    if attack:
        alice.emit(
            "attack",
            "rogue-certificate",
            step="certificate",
            sentence="Alice has a trusted CA sign a certificate for bank.bob.example and her own key.",
        )
        alice.emit(
            "attack",
            "rogue-certificate",
            step="redirect",
            sentence="Alice's switch leads teller's connection to her own machine.",
        )
    legs = [Leg(trace, "teller", "alice" if attack else "bank", addressed="bank")]
    if attack:
        legs.append(Leg(trace, "alice", "bank"))
    for n, leg in enumerate(legs):
        raw, spans = client_hello([cr, cr2][n], nonce)
        leg.say(
            CLIENT,
            "ClientHello",
            raw,
            spans,
            "The client offers versions and suites, asks for Evidence, and gives a fresh nonce.",
        )
    server_randoms = [sr, sr2] if attack else [sr]
    for n, leg in reversed(list(enumerate(legs))):
        random_ = server_randoms[n]
        raw, spans = handshake(
            2,
            ("server_version", b"\x03\x03"),
            ("random", random_, "Fresh octets of the server.", "RFC 5246 7.4.1.3"),
            ("session_id_length", b"\x00"),
            ("cipher_suite", b"\x00\x9c"),
            ("compression_method", b"\x00"),
        )
        if leg.ends[SERVER] == "bank":
            real = cr2 if attack else cr
            signed = binder(
                bank,
                "attester",
                "S",
                [
                    ("label", b"TrustedPassages/v1"),
                    ("role", b"S"),
                    ("nonce_C", nonce),
                    ("client_random", real),
                    ("server_random", random_),
                    ("H(SPKI_S)", spki),
                ],
                leg.name,
            )
            tpm(bank, "TPM2_PolicyPCR", 0.08)
            tpm(bank, "TPM2_PolicyLocality", 0.05)
            tpm(bank, "TPM2_Quote", 0.74)
            tpm(bank, "TPM2_CertifyCreation", 0.44)
        leg.say(
            SERVER, "ServerHello", raw, spans, "The server chooses, answers with its own nonce and promises Evidence."
        )
    evidence = octets(2600)
    for leg in reversed(legs):
        raw, spans = handshake(
            23,
            ("supp_data_length", b"\x00\x0a\x2c"),
            ("supp_data_type", b"\xff\x54"),
            ("entry_length", b"\x0a\x28"),
            ("evidence", evidence, "Quote, keys, certificates and event log in one CBOR collection.", "RFC 4680 2"),
        )
        leg.say(SERVER, "SupplementalData", raw, spans, "The server's Evidence travels before its certificate.")
        raw, spans = handshake(
            11,
            ("certificate_list_length", b"\x00\x03\x20"),
            ("certificate", octets(800), "Says who the server is, in a CA's word.", "RFC 5246 7.4.2"),
        )
        leg.say(SERVER, "Certificate", raw, spans, "The server's certificate, signed by a CA.")
        leg.say(SERVER, "ServerHelloDone", *handshake(14), "The server has said its part.")
    leg = legs[0]
    key = octets(32) if attack else spki
    expected = binder(
        teller,
        "verifier",
        "S",
        [
            ("label", b"TrustedPassages/v1"),
            ("role", b"S"),
            ("nonce_C", nonce),
            ("client_random", cr),
            ("server_random", sr),
            ("H(SPKI_S)", key),
        ],
        leg.name,
    )
    appraise(teller, "bank", leg.name, expected, signed)
    if attack:
        raw, spans = build(
            ("level", b"\x02", "fatal", "RFC 5246 7.2"),
            ("description", b"\x31", "access_denied: the Evidence was refused.", "RFC 5246 7.2"),
        )
        leg.say(CLIENT, "Alert", raw, spans, "The teller breaks off before it has sent anything secret.", kind=21)
        trace.party("cloud").emit(
            "ground-truth",
            "ends",
            connection=leg.name,
            sentence="teller's connection ended at alice's own machine, not at the bank.",
            client="teller",
            server="alice",
        )
        return
    tpm(teller, "TPM2_Quote", 0.71)
    leg.say(
        CLIENT,
        "ClientKeyExchange",
        *handshake(
            16,
            ("length", b"\x01\x00"),
            ("EncryptedPreMasterSecret", octets(256), "Only the bank's TPM can open it.", "RFC 5246 7.4.7.1"),
        ),
        "The pre-master secret, encrypted to the bank's TPM key.",
    )
    tpm(bank, "TPM2_RSA_Decrypt", 4.2)
    finish(leg)


def finish(leg: Leg, *, passive: bool = False) -> None:
    for direction in (CLIENT, SERVER):
        leg.say(
            direction,
            "ChangeCipherSpec",
            *build(("type", b"\x01")),
            "From here on this side encrypts.",
            kind=20,
            passive=passive,
        )
        leg.say(
            direction,
            "Finished",
            *handshake(20, ("verify_data", octets(12), "A check over the whole conversation.", "RFC 5246 7.4.9")),
            "Proves that both saw the same messages.",
            encrypted=True,
            passive=passive,
        )
    raw, spans = build(
        ("type", b"\x17"),
        ("version", b"\x03\x03"),
        ("length", b"\x00\x30"),
        ("nonce_explicit", octets(8)),
        ("ciphertext", octets(40)),
    )
    leg.say(
        CLIENT,
        "ApplicationData",
        raw,
        spans,
        "The payment, protected.",
        kind=23,
        encrypted=True,
        inside=PIN,
        passive=passive,
    )


def plain(trace: Trace) -> None:
    alice = trace.party("alice")
    alice.emit(
        "attack",
        "rogue-certificate",
        step="certificate",
        sentence="Alice has a trusted CA sign a certificate for bank.bob.example and her own key.",
    )
    for leg in (Leg(trace, "teller", "alice", addressed="bank", number=9), Leg(trace, "alice", "bank", number=9)):
        leg.say(
            CLIENT,
            "ClientHello",
            *client_hello(octets(32), None),
            "The client offers versions and suites.",
            passive=True,
        )
        leg.say(
            SERVER,
            "ServerHello",
            *handshake(2, ("server_version", b"\x03\x03"), ("random", octets(32))),
            "The server chooses.",
            passive=True,
        )
        leg.say(SERVER, "Certificate", *handshake(11, ("certificate", octets(700))), "The certificate.", passive=True)
        leg.say(SERVER, "ServerHelloDone", *handshake(14), "The server has said its part.", passive=True)
        leg.say(
            CLIENT,
            "ClientKeyExchange",
            *handshake(16, ("EncryptedPreMasterSecret", octets(258))),
            "The secret, encrypted to the key in the certificate.",
            passive=True,
        )
        finish(leg, passive=True)
    alice.emit(
        "attack", "rogue-certificate", step="reads", sentence="Alice holds the session's keys: she reads the PIN."
    )
    trace.party("bank").emit("app", "received", sentence="The bank books the payment and notices nothing.")


def story(kind: str = "refused", trace: Trace | None = None) -> Trace:
    """Return a trace of one act: `plain` (Alice wins), `trusted` (nobody attacks) or `refused` (she loses)."""
    RANDOM.seed(2011)
    if trace is None:
        trace = Trace(
            {"plain": "Act I: plain TLS", "trusted": "Act II: a trusted passage"}.get(kind, "Act II: Alice again"),
            "memory",
        )
    lab = trace.party("lab")
    trace.party("teller").emit("app", "ready", sentence="Bob's teller wants to pay.")
    trace.party("bank").emit("app", "ready", sentence="Bob's bank waits for payments.")
    if kind == "plain":
        lab.emit(
            "note",
            "Act I: plain TLS falls",
            act=1,
            sentence="Bob's teller sends a PIN to Bob's bank. Alice, who owns the network between them, got herself a certificate for the bank's name.",
        )
        plain(trace)
        return trace
    lab.emit(
        "note", "Two machines start", act=2, sentence="Each machine launches HyperSafe under the eyes of its own TPM."
    )
    machines(trace)
    lab.emit(
        "note",
        "Act II: a trusted passage holds",
        act=2,
        sentence="The same teller, the same bank, the same Alice. Now each end proves with its TPM what it is, bound to this very handshake.",
    )
    trusted(trace, attack=kind == "refused")
    return trace
