"""The table of commands against the TPM itself: it knows all that this TPM can do, and the TPM means the same by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tpm2_pytss import (
    ESYS_TR,
    TPM2_ALG,
    TPM2_CAP,
    TPM2_ECC,
    TPM2_SE,
    TPM2_ST,
    TPM2B_ECC_POINT,
    TPM2B_NV_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPMA_NV,
    TPMA_SESSION,
    TPML_ALG,
    TPML_CC,
    TPMS_NV_PUBLIC,
    TPMT_PUBLIC_PARMS,
    TPMT_SIG_SCHEME,
    TPMT_SYM_DEF,
    TPMT_TK_HASHCHECK,
)

from trustlab.tpm import OPEN, Platform, TpmClient
from trustlab.tpm.commands import COMMANDS
from trustlab.tpm.keys import public_of
from trustlab.tpm.templates import SRK_ATTRIBUTES, TLS_KEY_ATTRIBUTES, Attr, template

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER_ATTESTATIONS = {"certifyInfo.unparsed", "timeInfo.unparsed", "auditInfo.unparsed"}
"""`attest` reads what a Verifier is shown; of other attestations the log shows the octets."""
NO_SYMMETRIC = TPMT_SYM_DEF(algorithm=TPM2_ALG.NULL)
OWN_SCHEME = TPMT_SIG_SCHEME(scheme=TPM2_ALG.NULL)
NO_TICKET = TPMT_TK_HASHCHECK(tag=TPM2_ST.HASHCHECK, hierarchy=0x40000007, digest=b"")


@pytest.fixture
def client(platform: Platform) -> TpmClient:
    return platform.client("owner", 2, gate=OPEN)


def signer(esys: Any) -> ESYS_TR:
    area = template("ecc256:ecdsa-sha256:null", TLS_KEY_ATTRIBUTES | Attr.SIGN_ENCRYPT | Attr.USER_WITH_AUTH)
    return esys.create_primary(TPM2B_SENSITIVE_CREATE(), public_of(area), ESYS_TR.OWNER)[0]


def storage(esys: Any) -> ESYS_TR:
    return esys.create_primary(
        TPM2B_SENSITIVE_CREATE(), public_of(template("ecc256:aes128cfb", SRK_ATTRIBUTES)), ESYS_TR.OWNER
    )[0]


def non_volatile(esys: Any) -> None:
    rules = TPMA_NV.parse("ownerread|ownerwrite|authread|authwrite")
    public = TPMS_NV_PUBLIC(nvIndex=0x01500001, nameAlg=TPM2_ALG.SHA256, attributes=rules, dataSize=8)
    index = esys.nv_define_space("secret", TPM2B_NV_PUBLIC(nvPublic=public))
    esys.nv_write(index, b"contents")
    assert bytes(esys.nv_read(index, 8)) == b"contents"
    esys.nv_certify(signer(esys), index, b"", OWN_SCHEME, 8, 0)
    esys.nv_undefine_space(index)


def time_and_audit(esys: Any) -> None:
    key = signer(esys)
    esys.read_clock()
    esys.get_time(key, b"q", OWN_SCHEME)
    esys.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC([0x17B]), TPML_CC())
    esys.get_command_audit_digest(key, b"q", OWN_SCHEME)


def hashing(esys: Any) -> None:
    esys.hash(b"data", TPM2_ALG.SHA256, ESYS_TR.OWNER)
    sequence = esys.hash_sequence_start(b"", TPM2_ALG.SHA256)
    esys.sequence_update(sequence, b"first")
    esys.sequence_complete(sequence, b"last")
    sequence = esys.hash_sequence_start("password", TPM2_ALG.NULL)
    esys.tr_set_auth(sequence, "password")
    esys.event_sequence_complete(ESYS_TR.PCR16, sequence, b"event")
    esys.pcr_event(ESYS_TR.PCR16, b"event")


def signing(esys: Any) -> None:
    key = signer(esys)
    signature = esys.sign(key, bytes(32), OWN_SCHEME, NO_TICKET)
    esys.verify_signature(key, bytes(32), signature)
    public, *_ = esys.read_public(key)
    esys.load_external(public)


def curves(esys: Any) -> None:
    esys.ecc_parameters(TPM2_ECC.NIST_P256)
    esys.ec_ephemeral(TPM2_ECC.NIST_P256)
    area = template("ecc256:null:null", TLS_KEY_ATTRIBUTES | Attr.DECRYPT | Attr.USER_WITH_AUTH)
    key, *_ = esys.create_primary(TPM2B_SENSITIVE_CREATE(), public_of(area), ESYS_TR.OWNER)
    _, point = esys.ecdh_key_gen(key)
    assert isinstance(point, TPM2B_ECC_POINT)
    esys.ecdh_zgen(key, point)


def self_tests(esys: Any) -> None:
    esys.self_test(full_test=True)
    esys.incremental_self_test(TPML_ALG([TPM2_ALG.SHA256, TPM2_ALG.RSA]))
    esys.get_test_result()
    esys.test_parms(
        TPMT_PUBLIC_PARMS(type=TPM2_ALG.ECC, parameters=public_of(template("ecc256", 0)).publicArea.parameters)
    )
    esys.stir_random(b"noise")


def hierarchies(esys: Any) -> None:
    esys.pcr_allocate("sha256:all")
    esys.set_primary_policy(ESYS_TR.OWNER, bytes(32), TPM2_ALG.SHA256)
    esys.dictionary_attack_lock_reset()
    esys.dictionary_attack_parameters(5, 6, 7)
    esys.clear_control(ESYS_TR.PLATFORM, disable=False)
    esys.hierarchy_change_auth(ESYS_TR.ENDORSEMENT, "password")
    esys.clear(ESYS_TR.LOCKOUT)


def contexts_and_credentials(esys: Any) -> None:
    parent = storage(esys)
    again = esys.context_load(esys.context_save(parent))
    esys.make_credential(parent, b"credential", bytes(esys.read_public(parent)[1]))
    esys.evict_control(ESYS_TR.OWNER, again, 0x81000001)
    area = template("ecc256:ecdsa-sha256:null", TLS_KEY_ATTRIBUTES | Attr.SIGN_ENCRYPT | Attr.USER_WITH_AUTH)
    private, public, *_ = esys.create(parent, TPM2B_SENSITIVE_CREATE(), public_of(area))
    key = esys.load(parent, private, public)
    esys.object_change_auth(key, parent, "new password")


def policies(esys: Any) -> None:
    session = esys.start_auth_session(ESYS_TR.NONE, ESYS_TR.NONE, TPM2_SE.TRIAL, NO_SYMMETRIC, TPM2_ALG.SHA256)
    esys.policy_secret(ESYS_TR.OWNER, session)
    esys.policy_auth_value(session)
    esys.policy_command_code(session, 0x158)
    esys.policy_name_hash(session, bytes(32))
    esys.policy_restart(session)
    esys.policy_password(session)
    esys.policy_duplication_select(session, b"", bytes(34))
    esys.policy_restart(session)
    esys.policy_cp_hash(session, bytes(32))
    esys.policy_restart(session)
    esys.policy_template(session, bytes(32))
    esys.policy_nv_written(session, written_set=True)
    esys.policy_physical_presence(session)
    assert len(esys.policy_get_digest(session)) == 32
    esys.flush_context(session)


def sessions_with_hmac(esys: Any) -> None:
    aes = TPMT_SYM_DEF.parse("aes128cfb")
    session = esys.start_auth_session(storage(esys), ESYS_TR.NONE, TPM2_SE.HMAC, aes, TPM2_ALG.SHA256)
    esys.trsess_set_attributes(session, TPMA_SESSION.ENCRYPT | TPMA_SESSION.CONTINUESESSION)
    assert len(esys.get_random(16, session1=session)) == 16


def test_the_table_knows_every_command_of_this_tpm(client: TpmClient) -> None:
    more, capability = client.esys.get_capability(TPM2_CAP.COMMANDS, 0, 256)
    attributes = [int(attribute) for attribute in capability.data.command]
    assert not more
    assert len(attributes) > 100
    for attribute in attributes:  # TPMA_CC, Part 2, 8.9
        row = COMMANDS[attribute & 0xFFFF]
        assert len(row.handles) == attribute >> 25 & 7, row.name
        assert bool(row.answer_handle) == bool(attribute >> 28 & 1), row.name


@pytest.mark.parametrize(
    "work",
    [
        non_volatile,
        time_and_audit,
        hashing,
        signing,
        curves,
        self_tests,
        hierarchies,
        contexts_and_credentials,
        policies,
        sessions_with_hmac,
    ],
)
def test_every_octet_of_uncommon_commands_is_named_too(client: TpmClient, work: Callable[[Any], None]) -> None:
    work(client.esys)
    for event in client.platform.party.trace.select("tpm"):
        named = {octet for span in event.spans for octet in range(span.start, span.end)}
        assert named == set(range(len(event.raw))), event
        left = {s.name for s in event.spans if s.name.endswith(("unparsed", "parameters"))}
        assert left <= OTHER_ATTESTATIONS, event.name
        assert b"password" not in event.raw
        assert b"secret" not in event.raw
