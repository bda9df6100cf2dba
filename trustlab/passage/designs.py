"""Designs: the rungs of the ladder, as values.

A design says which binder each role proves, when attestation happens, where the server's key comes from, and what the
relying party demands. Two rungs differ visibly: by a field of a binder, by whose key it is, by who checks what.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from trustlab import tls
from trustlab.passage.binders import FIELDS, KEY_PROOF, Binder
from trustlab.passage.known_facts import RULED, known_facts
from trustlab.tls.groups import SUPPORTED
from trustlab.tls.suites import TLS13_SUITES

Version = Literal["1.2", "1.3"]
When = Literal["never", "before", "inside", "sealed", "handshake", "after-finished"]
KeyOrigin = Literal["deployed", "machine", "tcb"]
CHOICES: dict[str, tuple[str, ...]] = {
    "tls": get_args(Version),
    "when": get_args(When),
    "key_origin": get_args(KeyOrigin),
}
"""The values that a design's field may take, for fields that have a fixed list."""

SLIDES = "Trusted Passages (Song, Lee, Raj, 2011)"


class DesignError(ValueError):
    """A design contradicts itself; the message says how."""


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """One way to bind TLS to attestation.

    `server` and `client` are the binders of their Evidence (None: that role does not attest). `key_proof` is the binder
    of a key's attestation (None: nobody asks for what purpose the key was attested). `when` says where the Evidence
    travels: nowhere (`never`), on another connection `before`, `inside` the finished channel, there with messages that
    are `sealed` to a key in the quote, in the `handshake`, or `after-finished` as the first application data of both
    sides. `key_origin` says who made the server's key: `deployed` by the provider with the image; `machine`, made in
    the TPM but usable with a password that the provider deployed; `tcb`, made in the TPM for the measured software
    alone. With `client_key` the client has a TCB key and a certificate too. `not_demanded` names checks of the Verifier
    that this rung does not make. `suite` and `group` are the cipher suite and, in TLS 1.3, the group of the key
    agreement, by the registry's names. With `empty_offer` a request for an authenticator asks for Evidence by an empty
    extension. With `resumes` both ends resume TLS 1.2 sessions; no rung does, the lab needs it for one experiment.
    """

    name: str
    tls: Version = "1.2"
    when: When = "handshake"
    key_origin: KeyOrigin = "deployed"
    server: Binder | None = None
    client: Binder | None = None
    key_proof: Binder | None = KEY_PROOF
    client_key: bool = False
    resumes: bool = False
    empty_offer: bool = False
    extended_master_secret: bool = False
    not_demanded: tuple[str, ...] = ()
    suite: str = "TLS_RSA_WITH_AES_128_GCM_SHA256"
    group: str = "X25519"
    sentence: str = ""
    not_enough: str = ""
    source: str = SLIDES

    def __post_init__(self) -> None:
        for field, known in CHOICES.items():
            if (value := getattr(self, field)) not in known:
                raise DesignError(f"{self.name}: {field} cannot be {value!r}; choose from: {', '.join(known)}")
        if self.when == "never" and (self.server or self.client):
            raise DesignError(f"{self.name}: it has binders, but when='never' means that nobody attests")
        if self.when != "never" and self.server is None:
            raise DesignError(f"{self.name}: when={self.when!r} needs a binder for the server, and `server` is None")
        if self.when in {"before", "inside", "sealed"} and self.client is not None:
            raise DesignError(f"{self.name}: with when={self.when!r} only the client asks: `client` has to be None")
        if self.when == "after-finished" and self.client is None:
            raise DesignError(f"{self.name}: with when='after-finished' each side asks the other: `client` is None")
        if self.when == "after-finished" and self.tls == "1.2" and not (self.extended_master_secret or self.resumes):
            raise DesignError(
                f"{self.name}: when='after-finished' on TLS 1.2 needs extended_master_secret=True (RFC 7627)"
            )
        self._check_names()
        self._check_binders()

    def _check_binders(self) -> None:
        """Refuse what can never complete: a binder over what nobody knows yet, evidence beside no certificate."""
        if self.tls == "1.3" and self.client is not None and not self.client_key:
            raise DesignError(
                f"{self.name}: on TLS 1.3 the client's evidence travels beside its certificate, so it needs "
                "client_key=True"
            )
        for role, binder in (("server", self.server), ("client", self.client)):
            known = known_facts(self, role)
            for field in binder.fields if binder else ():
                if field in RULED and field not in known:
                    choices = ", ".join(name for name in FIELDS if name in known)
                    raise DesignError(
                        f"{self.name}: the {role}'s binder cannot contain {field}: with when={self.when!r}, on TLS "
                        f"{self.tls} with {self.suite}, that is not known when the evidence is made or judged; "
                        f"it can contain: {choices}"
                    )

    def _check_names(self) -> None:
        for value, registry in ((self.suite, tls.CipherSuite), (self.group, tls.Group)):
            if value not in registry.__members__:
                raise DesignError(f"{self.name}: {value!r} is not a name in trustlab.tls.{registry.__name__}")
        if tls.Group[self.group] not in SUPPORTED:
            raise DesignError(f"{self.name}: the engine cannot agree on a key in the group {self.group}")
        if (tls.CipherSuite[self.suite] in TLS13_SUITES) != (self.tls == "1.3"):
            raise DesignError(f"{self.name}: {self.suite} is not a suite of TLS {self.tls}")
        if self.tls == "1.2" and not self.transports_key and ("ECDSA" in self.suite) == (self.key_origin == "deployed"):
            raise DesignError(f"{self.name}: deployed keys are RSA, keys made in the TPM sign ECDSA; not {self.suite}")

    @property
    def transports_key(self) -> bool:
        """Whether the client encrypts the secret to the server's key (RSA key transport), as in 2011."""
        return self.suite.startswith("TLS_RSA_")

    @property
    def attests_key(self) -> bool:
        """Whether the server's Evidence shows where its TLS key lives and how it was made."""
        return self.key_origin != "deployed" and "key identity" not in self.not_demanded

    @property
    def measured(self) -> bool:
        """Whether the VMs run on HyperSafe."""
        return self.when != "never"

    @classmethod
    def custom(cls, name: str, *, like: Design | None = None, **changes: object) -> Design:
        """Make a design of your own; what is not given is as in `like`, or as in `trusted-passage`.

        DesignError if it contradicts itself.
        """
        base = msgspec.structs.asdict(like or TRUSTED_PASSAGE)
        unknown = set(changes) - set(base)
        if unknown:
            raise DesignError(f"a design has no field {min(unknown)!r}; it has: {', '.join(base)}")
        return cls(**{**base, "name": name, "sentence": "", "not_enough": "", "source": "", **changes})


_SERVER_FIELDS = ("L", "S", "nonce_C", "client_random", "server_random", "H(SPKI_S)")
_CLIENT_FIELDS = ("L", "C", "nonce_S", "client_random", "server_random")
_SERVER = Binder(_SERVER_FIELDS)
_NONCE = Binder(("nonce_C",), bare=True)

PLAIN_TLS = Design(
    name="plain-tls",
    when="never",
    sentence="Only a certificate from a trusted CA says who the server is.",
    not_enough="Alice gets a certificate too, because she controls the name; or she keeps the key that she deployed.",
)
ATTEST_THEN_CONNECT = Design(
    name="attest-then-connect",
    when="before",
    server=_NONCE,
    sentence="The client asks the machine for a quote on a first connection, then opens TLS on a second.",
    not_enough="Alice sends the second connection to a machine of hers (TOCTOU).",
)
CONNECT_THEN_ATTEST = Design(
    name="connect-then-attest",
    when="inside",
    server=_NONCE,
    sentence="The client opens TLS, and asks for a quote inside it.",
    not_enough="Alice ends the client's TLS and forwards the question: the machine gives its quote to anybody.",
)
KEY_IN_QUOTE = Design(
    name="key-in-quote",
    server=_SERVER,
    sentence="The quote names the handshake and the server's public key.",
    not_enough="Alice deployed the private key: she keeps a copy, and decrypts her recording.",
)
MACHINE_LINKED_KEY = Design(
    name="machine-linked-key",
    key_origin="machine",
    server=_SERVER,
    not_demanded=("key provenance", "key policy"),
    sentence="The key cannot leave the machine's TPM, and the TPM certifies that; software uses it with a password.",
    not_enough="A key that cannot be copied can still be used: Alice deployed the password, and asks the same TPM.",
    source=f"{SLIDES}, on IBM 2006",
)
TCB_KEY = Design(
    name="tcb-key",
    key_origin="tcb",
    server=_SERVER,
    sentence="The TPM made the key for the measured software alone, and proves it (TPM2_CertifyCreation).",
    not_enough="The server's side is complete; but anybody may be the client.",
)
CLIENT_QUOTE = Design(
    name="client-quote",
    key_origin="tcb",
    server=_SERVER,
    client=Binder(_CLIENT_FIELDS),
    sentence="The client quotes the handshake too.",
    not_enough="Alice forwards the hellos and the client's quote, and sends a ClientKeyExchange of her own.",
)
CLIENT_CERTIFICATE = Design(
    name="client-certificate",
    key_origin="tcb",
    server=_SERVER,
    client=Binder((*_CLIENT_FIELDS, "H(SPKI_C)")),
    client_key=True,
    sentence="TLS's own answer: the client signs the handshake, including ClientKeyExchange, with a TCB key.",
    not_enough="No attack on this ladder breaks it; but the clients of the slides do not have such a key.",
)
PMS_IN_QUOTE = Design(
    name="pms-in-quote",
    key_origin="tcb",
    server=_SERVER,
    client=Binder((*_CLIENT_FIELDS, "HMAC(PMS)")),
    sentence="The client's quote commits to the pre-master secret, without showing it.",
    not_enough="A lax client connects to Evil, a VM with a valid certificate; Evil encrypts its secret to the bank.",
)
TRUSTED_PASSAGE = Design(
    name="trusted-passage",
    key_origin="tcb",
    server=_SERVER,
    client=Binder((*_CLIENT_FIELDS, "HMAC(PMS)", "H(EPMS)")),
    sentence=(
        "The server's TPM quotes the handshake and the key that only its measured software can use; "
        "the client's TPM quotes the handshake, the secret that the client chose, and its encryption."
    ),
    not_enough="The slides end here. There is no forward secrecy. A client that checks nothing still talks to Evil, "
    "but the server is no longer deceived.",
)
SESSION_HASH = Design(
    name="session-hash",
    when="after-finished",
    key_origin="tcb",
    server=Binder(("L", "S", "nonce_C", "session_hash", "H(SPKI_S)", "H(SPKI_C)?")),
    client=Binder(("L", "C", "nonce_S", "session_hash", "H(SPKI_C)?", "H(SPKI_S)")),
    extended_master_secret=True,
    sentence="Both sides quote the hash of the whole handshake, before any other data.",
    not_enough="A standard of 2015 generalised the slides' last step; it works with ephemeral keys too.",
    source="RFC 7627",
)

RESUMED = Design(
    name="session-hash-resumed",
    when="after-finished",
    key_origin="tcb",
    server=SESSION_HASH.server,
    client=SESSION_HASH.client,
    resumes=True,
    sentence="As session-hash, but sessions are resumed, and the master secret is made as before RFC 7627.",
    not_enough="Alice makes two sessions share a master secret; whoever resumes without evidence resumes with her.",
    source="RFC 7627, 1",
)
"""Not a rung: it shows what resumption would do to one."""

LADDER = (
    PLAIN_TLS,
    ATTEST_THEN_CONNECT,
    CONNECT_THEN_ATTEST,
    KEY_IN_QUOTE,
    MACHINE_LINKED_KEY,
    TCB_KEY,
    CLIENT_QUOTE,
    CLIENT_CERTIFICATE,
    PMS_IN_QUOTE,
    TRUSTED_PASSAGE,
    SESSION_HASH,
)
"""The rungs on TLS 1.2, from the lowest."""
