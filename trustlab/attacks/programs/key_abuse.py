"""`key-abuse`: the key cannot leave the TPM, so Alice has the TPM use it for her.

The encrypted key (its blob) and its password are on the disk, as she deployed them. From her root VM, at locality 0,
she loads the blob into the same TPM and has it decrypt the EncryptedPreMasterSecret that she recorded.

In TLS 1.3 a key only signs: so she has the TPM sign for a channel of her own, and forwards the bank's evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.borrowed_key import BLOB, BorrowedKey
from trustlab.attacks.alice.ends import use_key_of_victim
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.tpm import TpmError, load_key, read_key, rsa_decrypt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.cloud import Guest

ATTACK = Attack(
    name="key-abuse",
    needs=("the root VM's access to the machine's TPM, at locality 0", "deployed the configuration with the password"),
    steps=(
        "copies the key's blob and password off the bank's disk",
        "loads it into the bank's own TPM, from the root VM",
        "has the TPM decrypt the recorded EncryptedPreMasterSecret",
    ),
    breaks="confidentiality",
    why="A key that cannot be copied can still be used.",
    source="Trusted Passages (2011), on IBM 2006",
    stopped_by="the key's policy: only the measured software, at HyperSafe's locality, can use it",
)


def start(guest: Guest) -> None:
    """Wait, because the network is recorded in any case; in TLS 1.3 sit between teller and bank."""
    alice = Alice(guest, ATTACK)
    if alice.design.tls == "1.3":
        use_key_of_victim(alice, BorrowedKey(alice))
    else:
        alice.only_listen()


def afterwards(guest: Guest) -> None:
    """Have the bank's TPM decrypt the recorded secret."""
    alice = Alice(guest, ATTACK)
    if alice.design.tls == "1.3":
        return
    blob = alice.powers.disk_of(alice.victim).get(BLOB)
    if not isinstance(blob, bytes):
        alice.tell("nothing", "does not find a TPM key on the bank's disk.")
        return
    tpm = alice.powers.root_tpm(alice.victim)
    try:
        key = load_key(tpm, read_key(blob))
        alice.tell("load", "loads the key's blob into the bank's own TPM, from the root VM at locality 0.")
        for connection, client_random, epms in recorded(alice):
            secret = rsa_decrypt(tpm, key, epms)
            guest.party.secret("pre_master_secret", secret, connection=connection, client_random=client_random.hex())
            alice.tell("decrypt", f"has the TPM decrypt the secret of {connection}.")
    except TpmError as error:
        alice.tell("refused", f"is refused by the TPM: {error}")


def recorded(alice: Alice) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield connection, client_random and EncryptedPreMasterSecret of every RSA key exchange that Alice recorded."""
    seen = alice.powers.knowledge()
    for connection in seen.connections:
        random = b""
        for decoded in seen.messages(connection, "client"):
            match decoded.message:
                case tls.ClientHello(random=random):
                    pass
                case tls.ClientKeyExchange(exchange=epms) if random:
                    yield connection, random, epms
