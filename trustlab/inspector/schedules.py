"""The two key schedules as tables: for every secret its step, its clause, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.explain import secret_words
from trustlab.inspector.recipes import NOTHING, Cut, Expand, Exporter, Extract, Mac, Prf, Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from trustlab.tls.suites import SuiteParameters

LAB = "trustlab protocol, designs"
EARLY = "draft-fossati-seat-early-attestation"
SCHEDULE = "RFC 9846, 7.1"
RANDOMS = ("client_random", "server_random")
SIDES = ("client", "server")


class Made(NamedTuple):
    """How one secret is made: the step, the clause, and a sentence. `public`: everybody can compute it."""

    step: Step
    clause: str
    sentence: str
    public: bool = False


def _told(name: str, step: Step, clause: str) -> Made:
    """Return how a secret is made that has a sentence of its own."""
    return Made(step, clause, secret_words(name)[0])


def tls12(suite: SuiteParameters, master_inputs: Collection[str]) -> dict[str, Made]:
    """Return the schedule of TLS 1.2 for a suite; `master_inputs` say how the master secret was made."""
    sizes = (suite.mac_length, suite.mac_length, suite.key_length, suite.key_length, *[suite.fixed_iv_length] * 2)
    made: dict[str, Made] = {}
    if "session_hash" in master_inputs:
        step = Prf("pre_master_secret", "extended master secret", ("session_hash",), 48)
        made["master_secret"] = _told("master_secret", step, "RFC 7627, 4")
    elif "pre_master_secret" in master_inputs:
        step = Prf("pre_master_secret", "master secret", RANDOMS, 48)
        made["master_secret"] = _told("master_secret", step, "RFC 5246, 8.1")
    block = Prf("master_secret", "key expansion", ("server_random", "client_random"), sum(sizes))
    made["key_block"] = _told("key_block", block, "RFC 5246, 6.3")
    start = 0
    for (name, sentence), size in zip(_PARTS, sizes, strict=True):
        if size:
            made[name] = Made(Cut(start, start + size), "RFC 5246, 6.3", sentence)
        start += size
    for side in SIDES:
        step = Prf("master_secret", f"{side} finished", (f"hash_before_{side}_Finished",), 12)
        made[f"{side}_verify_data"] = _told(f"{side}_verify_data", step, "RFC 5246, 7.4.9")
    commitment = Mac("pre_master_secret", RANDOMS, "tp pms", "sha256")
    made["pms_commitment"] = Made(commitment, LAB, "Names the pre-master secret in a quote without giving it away.")
    return made


_PARTS = (
    ("client_write_MAC_key", "With this key the client protects its records from changes."),
    ("server_write_MAC_key", "With this key the server protects its records from changes."),
    ("client_write_key", "With this key the client encrypts what it writes."),
    ("server_write_key", "With this key the server encrypts what it writes."),
    ("client_write_IV", "The secret part of the nonces of the client's records."),
    ("server_write_IV", "The secret part of the nonces of the server's records."),
)
"""What the key block is cut into, in this order."""


def tls13(suite: SuiteParameters, told: Iterable[str], requests: Iterable[tuple[str, bytes]]) -> dict[str, Made]:
    """Return the schedule of TLS 1.3 for a suite.

    `told` are the names of secrets, among them those after KeyUpdates; `requests` are the sides that were asked for an
    authenticator, each with the request's context.
    """
    zero = "Where the key schedule begins. Without a pre-shared key everybody can compute it."
    over = "Carries the secret above over to the next step."
    made = {
        "early_secret": Made(Extract("", ""), SCHEDULE, zero, public=True),
        "early_derived": Made(Expand("early_secret", "derived", NOTHING), SCHEDULE, over, public=True),
        "handshake_secret": _told("handshake_secret", Extract("early_derived", "shared_secret"), SCHEDULE),
        "handshake_derived": Made(Expand("handshake_secret", "derived", NOTHING), SCHEDULE, over),
        "main_secret": _told("main_secret", Extract("handshake_derived", ""), SCHEDULE),
    }
    for side in SIDES:
        made |= _side13(side, suite)
    for name, label, end in (
        ("exporter_master_secret", "exp master", "hash_to_server_Finished"),
        ("resumption_master_secret", "res master", "hash_to_client_Finished"),
    ):
        made[name] = _told(name, Expand("main_secret", label, end), SCHEDULE)
    made |= _designs13(requests)
    for side in SIDES:
        before = f"{side}_application_traffic_secret_0"
        for number in range(
            1, 1 + sum(1 for name in told if name.startswith(f"{side}_application_traffic_secret_")) - 1
        ):
            name = f"{side}_application_traffic_secret_{number}"
            made[name] = _told(name[: -len(f"_{number}")], Expand(before, "traffic upd"), "RFC 9846, 7.2")
            before = name
    return made


def _side13(side: str, suite: SuiteParameters) -> dict[str, Made]:
    """Return what one side protects its records and its Finished with."""
    handshake, application = f"{side}_handshake_traffic_secret", f"{side}_application_traffic_secret_0"
    made = {
        handshake: _told(
            handshake, Expand("handshake_secret", f"{side[0]} hs traffic", "hash_to_ServerHello"), SCHEDULE
        )
    }
    made |= _keys13(side, "handshake", handshake, suite)
    finished = f"{side}_finished_key"
    made[finished] = Made(
        Expand(handshake, "finished"), "RFC 9846, 4.5.3", f"The key of the MAC in the {side}'s Finished."
    )
    verify = f"{side}_verify_data"
    made[verify] = _told(verify, Mac(finished, (f"hash_before_{side}_Finished",)), "RFC 9846, 4.5.3")
    made[application] = _told(
        application, Expand("main_secret", f"{side[0]} ap traffic", "hash_to_server_Finished"), SCHEDULE
    )
    return made | _keys13(side, "application", application, suite)


def _keys13(side: str, phase: str, secret: str, suite: SuiteParameters) -> dict[str, Made]:
    key = f"With this key the {side} encrypts its records."
    iv = f"With the number of a record it makes the nonce that the {side} encrypts it with."
    return {
        f"{side}_{phase}_key": Made(Expand(secret, "key", "", suite.key_length), "RFC 9846, 7.3", key),
        f"{side}_{phase}_iv": Made(Expand(secret, "iv", "", 12), "RFC 9846, 7.3", iv),
    }


def _designs13(requests: Iterable[tuple[str, bytes]]) -> dict[str, Made]:
    """Return what the designs bind Evidence to."""
    bound = "Binds Evidence to this handshake's secret without giving the secret away."
    base = "Made of the hellos alone: no secret goes in, so everybody who saw them can compute it."
    exporter = "A secret of this connection and of one request: only its two ends can compute it."
    made = {
        "attest_secret": Made(Expand("handshake_secret", "tp attest", "hash_to_ServerHello"), LAB, bound),
        "early_exporter": Made(Expand("handshake_secret", "tp early exp", "hash_to_ServerHello", 32), LAB, bound),
        "attest_base": Made(Expand("", "attestation base", "hash_to_ServerHello"), EARLY, base, public=True),
    }
    for side, context in requests:
        step = Exporter(f"EXPERIMENTAL trusted passages v1 {side}", context)
        made[f"exporter_{side}"] = Made(step, "RFC 9846, 7.5", exporter)
        made[f"exporter_attestation_{side}"] = Made(Exporter("Attestation", context), "RFC 9846, 7.5", exporter)
    return made
