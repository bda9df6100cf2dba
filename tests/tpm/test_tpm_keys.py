"""The keys: what their policies let happen, and the response codes with which the TPM refuses everything else."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Literal

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from tpm_machine import IMAGE, Machine

from trustlab.attest import CertifyInfo, CreationInfo, QuoteInfo, parse_attest, parse_creation_data, parse_signature
from trustlab.attest import ObjectAttributes as Attr
from trustlab.octets import sized, u16, u32
from trustlab.tpm import (
    CreatedKey,
    KeyPolicy,
    TpmClient,
    TpmError,
    TpmProtocolError,
    TpmResponseError,
    certify,
    certify_creation,
    create_ak,
    create_ek,
    create_primary,
    create_srk,
    create_tls_key,
    load_key,
    quote,
    read_key,
    rsa_decrypt,
    sign,
)
from trustlab.tpm.framing import PASSWORD, authorization
from trustlab.tpm.policy import PolicySession
from trustlab.tpm.templates import EK_POLICY, TLS_KEY_ATTRIBUTES, template

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = hashlib.sha256(b"to be signed").digest()
RC_LOCALITY, RC_AUTH_UNAVAILABLE, RC_POLICY_FAIL, RC_FAILURE = 0x907, 0x12F, 0x99D, 0x101


def refusal(work: Callable[[], object]) -> int:
    with pytest.raises(TpmResponseError) as caught:
        work()
    return caught.value.rc


def ecdsa_key(machine: Machine, policy: KeyPolicy | Literal["password"] | None = None) -> CreatedKey:
    return create_tls_key(machine.hypersafe, "ecdsa", policy=policy)


def at(machine: Machine, locality: int, *keys: CreatedKey) -> TpmClient:
    client = machine.platform.client(f"locality {locality}", min(locality, 3))
    client.locality = locality  # 4 is the CPU's own: no client gets it
    for key in keys:
        machine.platform.lend(key, owner=machine.hypersafe, to=client)
    return client


# what works


def test_the_ek_has_the_profiles_template(machine: Machine) -> None:
    for kind in ("ecc", "rsa"):
        public = create_ek(machine.hypersafe, kind).parsed
        assert public.auth_policy == EK_POLICY
        assert public.attributes == Attr(0x000300B2)


def test_the_ek_is_the_one_that_the_tss_derives(machine: Machine) -> None:
    from tpm2_pytss import ESYS_TR, TPM2B_PUBLIC, TPM2B_SENSITIVE_CREATE  # noqa: PLC0415
    from tpm2_pytss.utils import NoSuchIndex, create_ek_template  # noqa: PLC0415

    def no_index(index: int) -> bytes:
        raise NoSuchIndex(index)

    esys = machine.hypersafe.esys
    _, template = create_ek_template("EK-ECC256", no_index)
    assert isinstance(template, TPM2B_PUBLIC)
    handle, public, *_ = esys.create_primary(TPM2B_SENSITIVE_CREATE(), template, ESYS_TR.ENDORSEMENT)
    assert bytes(public.publicArea.get_name()) == create_ek(machine.hypersafe).name
    esys.flush_context(handle)


def test_the_ak_has_the_protocols_attributes_and_policy(machine: Machine) -> None:
    public = create_ak(machine.hypersafe).parsed
    wanted = Attr.FIXED_TPM | Attr.FIXED_PARENT | Attr.SENSITIVE_DATA_ORIGIN
    assert public.attributes == wanted | Attr.NO_DA | Attr.RESTRICTED | Attr.SIGN_ENCRYPT
    pcr17 = machine.hypersafe.pcr_read((17,))[17]
    p1 = hashlib.sha256(
        bytes(32) + bytes.fromhex("0000017F00000001000B03000002") + hashlib.sha256(pcr17).digest()
    ).digest()
    assert public.auth_policy == hashlib.sha256(p1 + bytes.fromhex("0000016F04")).digest()


def test_the_tpm_computes_the_same_policy_digest(machine: Machine) -> None:
    policy = KeyPolicy.for_tls_key(machine.hypersafe)
    session = PolicySession(machine.hypersafe)
    session.assert_policy(policy)
    assert machine.hypersafe.ask("PolicyGetDigest", (session.handle,)).sized("policyDigest") == policy.digest
    session.close()


def test_the_same_launch_gives_the_same_ak_again(machine: Machine) -> None:
    first = create_ak(machine.hypersafe)
    machine.platform.cycle()
    machine.relaunch()
    assert create_ak(machine.hypersafe).name == first.name


def test_a_quote_is_over_what_it_says_and_verifies(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    made = quote(machine.hypersafe, ak, b"b" * 32, (17, 19))
    attest = parse_attest(made.attest)
    assert attest.extra_data == b"b" * 32
    assert isinstance(attest.attested, QuoteInfo)
    assert attest.attested.selections[0].pcrs == (17, 19)
    values = machine.hypersafe.pcr_read((17, 19))
    assert attest.attested.pcr_digest == hashlib.sha256(values[17] + values[19]).digest()
    assert parse_signature(made.signature).verify(ak.public_key, made.attest)


def test_certify_creation_names_the_key_and_its_creation_data(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    made = certify_creation(machine.hypersafe, ak, key, b"q" * 32)
    attested = parse_attest(made.attest).attested
    assert isinstance(attested, CreationInfo)
    assert attested.object_name == key.name
    assert attested.creation_hash == hashlib.sha256(key.creation_data).digest()
    assert parse_creation_data(key.creation_data).parent_name == create_srk(machine.hypersafe).name
    assert parse_signature(made.signature).verify(ak.public_key, made.attest)


def test_certify_names_a_key_that_a_password_opens(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine, "password")
    attested = parse_attest(certify(machine.hypersafe, ak, key, b"q" * 32).attest).attested
    assert isinstance(attested, CertifyInfo)
    assert attested.name == key.name


def test_an_rsa_key_decrypts_what_was_encrypted_to_it(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "rsa-decrypt")
    secret = b"\3\3" + os.urandom(46)
    assert rsa_decrypt(machine.hypersafe, key, key.public_key.encrypt(secret, padding.PKCS1v15())) == secret  # type: ignore[union-attr]

    def opened() -> bytes | int:
        try:
            return rsa_decrypt(machine.hypersafe, key, wrong.to_bytes(256, "big"))
        except TpmResponseError as error:
            return error.rc

    wrong = pow(2, key.public_key.public_numbers().e, key.public_key.public_numbers().n)  # type: ignore[union-attr]
    found = opened()
    assert found == RC_FAILURE or (isinstance(found, bytes) and found == opened() != secret), "implicit rejection"
    assert rsa_decrypt(machine.hypersafe, key, key.public_key.encrypt(secret, padding.PKCS1v15())) == secret  # type: ignore[union-attr]


def test_an_ecdsa_key_signs_in_der(machine: Machine) -> None:
    key = ecdsa_key(machine)
    assert isinstance(key.public_key, ec.EllipticCurvePublicKey)
    key.public_key.verify(sign(machine.hypersafe, key, DIGEST), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_an_rsa_signing_key_signs_in_both_paddings(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "rsa-sign")
    hashed = Prehashed(hashes.SHA256())
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    key.public_key.verify(sign(machine.hypersafe, key, DIGEST, "rsassa"), DIGEST, padding.PKCS1v15(), hashed)  # type: ignore[call-arg, union-attr]
    key.public_key.verify(sign(machine.hypersafe, key, DIGEST, "rsapss"), DIGEST, pss, hashed)  # type: ignore[call-arg, union-attr]


def test_an_unknown_scheme_is_a_typed_error(machine: Machine) -> None:
    with pytest.raises(TpmError, match="ed25519"):
        sign(machine.hypersafe, ecdsa_key(machine), DIGEST, "ed25519")  # type: ignore[arg-type]


def test_a_tls_key_can_be_loaded_again_after_a_power_cycle_and_the_same_launch(machine: Machine) -> None:
    key = ecdsa_key(machine)
    machine.platform.cycle()
    machine.relaunch()
    again = load_key(machine.hypersafe, key)
    assert again.name == key.name
    assert sign(machine.hypersafe, again, DIGEST)


def test_one_session_serves_all_commands(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    before = len(machine.trace.select("tpm.command", name="TPM2_StartAuthSession"))
    for _ in range(3):
        quote(machine.hypersafe, ak, bytes(32))
        sign(machine.hypersafe, key, DIGEST)
    assert len(machine.trace.select("tpm.command", name="TPM2_StartAuthSession")) == before + 1
    assert not machine.trace.select("tpm.command", name="TPM2_PolicyRestart")


def test_repr_shows_neither_private_parts_nor_signatures(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    shown = repr([key, ak, machine.hypersafe, machine.platform, quote(machine.hypersafe, ak, bytes(32))])
    assert repr(key.private)[2:30] not in shown
    assert "private=" not in shown
    assert "signature=" not in shown


# what the TPM refuses


@pytest.mark.parametrize("locality", [0, 1, 3, 4])
def test_policy_bound_keys_refuse_other_localities(machine: Machine, locality: int) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    rsa = create_tls_key(machine.hypersafe, "rsa-decrypt")
    client = at(machine, locality, ak, key, rsa)
    assert refusal(lambda: quote(client, ak, bytes(32))) == RC_LOCALITY
    assert refusal(lambda: certify_creation(client, ak, key, bytes(32))) == RC_LOCALITY
    assert refusal(lambda: sign(client, key, DIGEST)) == RC_LOCALITY
    assert refusal(lambda: rsa_decrypt(client, rsa, bytes(256))) == RC_LOCALITY
    assert quote(machine.hypersafe, ak, bytes(32))


def test_a_session_built_at_locality_2_does_not_help_at_locality_0(machine: Machine) -> None:
    key = ecdsa_key(machine)
    client = at(machine, 0, key)
    session = machine.hypersafe.policy_session()
    session.assert_policy(key.policy)  # type: ignore[arg-type]
    client.space.sessions[session.handle] = machine.hypersafe.space.sessions[
        session.handle
    ]  # what the platform would never do
    parameters = sized(DIGEST) + u16(0x0018) + u16(0x000B) + bytes.fromhex("8024400000070000")
    assert refusal(lambda: client.run("Sign", (key.handle,), (session.authorization,), parameters)) == RC_LOCALITY


def test_no_password_opens_a_policy_bound_key(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    quote_parameters = sized(bytes(32)) + u16(0x0010) + u32(0)
    assert refusal(lambda: machine.hypersafe.run("Quote", (ak.handle,), (PASSWORD,), quote_parameters)) == (
        RC_AUTH_UNAVAILABLE
    )
    sign_parameters = sized(DIGEST) + u16(0x0018) + u16(0x000B) + bytes.fromhex("8024400000070000")
    guess = authorization(0x40000009, 0, b"secret")
    assert refusal(lambda: machine.hypersafe.run("Sign", (key.handle,), (guess,), sign_parameters)) == (
        RC_AUTH_UNAVAILABLE
    )


def test_other_software_cannot_use_the_keys(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    machine.relaunch(code=b"HyperSafe, patched by Alice")
    assert refusal(lambda: quote(machine.hypersafe, ak, bytes(32))) == RC_POLICY_FAIL
    assert refusal(lambda: sign(machine.hypersafe, key, DIGEST)) == RC_POLICY_FAIL


def test_another_image_cannot_use_the_tls_key_but_the_ak_still_quotes(machine: Machine) -> None:
    ak, key = create_ak(machine.hypersafe), ecdsa_key(machine)
    machine.relaunch(image=hashlib.sha256(b"another image").digest())
    assert quote(machine.hypersafe, ak, bytes(32))
    assert refusal(lambda: sign(machine.hypersafe, key, DIGEST)) == RC_POLICY_FAIL
    machine.relaunch(image=IMAGE)
    assert sign(machine.hypersafe, key, DIGEST)


@pytest.mark.parametrize("pcr", [17, 18, 19])
def test_extending_a_pcr_of_the_policy_closes_the_key(machine: Machine, pcr: int) -> None:
    key = ecdsa_key(machine)
    machine.hypersafe.pcr_extend(pcr, bytes(32))
    assert refusal(lambda: sign(machine.hypersafe, key, DIGEST)) == RC_POLICY_FAIL


def test_a_missing_assertion_or_the_wrong_order_fails(machine: Machine) -> None:
    key = ecdsa_key(machine)
    policy = key.policy
    assert policy is not None
    session = machine.hypersafe.policy_session()
    parameters = sized(DIGEST) + u16(0x0018) + u16(0x000B) + bytes.fromhex("8024400000070000")

    def use() -> object:
        return machine.hypersafe.run("Sign", (key.handle,), (session.authorization,), parameters)

    session.assert_policy(KeyPolicy(policy.pcrs, None, b"", policy.selection))
    assert refusal(use) == RC_POLICY_FAIL
    machine.hypersafe.run("PolicyRestart", (session.handle,))
    machine.hypersafe.run("PolicyLocality", (session.handle,), (), b"\4")
    assert refusal(use) == RC_POLICY_FAIL
    machine.hypersafe.run("PolicyPCR", (session.handle,), (), sized(b"") + policy.selection)
    assert refusal(use) == RC_POLICY_FAIL, "locality before PCRs is another policy"
    session.assert_policy(policy)
    assert use()


def test_assertions_must_be_made_again_before_each_command(machine: Machine) -> None:
    key = ecdsa_key(machine)
    session = machine.hypersafe.policy_session()
    parameters = sized(DIGEST) + u16(0x0018) + u16(0x000B) + bytes.fromhex("8024400000070000")
    session.assert_policy(key.policy)  # type: ignore[arg-type]
    machine.hypersafe.run("Sign", (key.handle,), (session.authorization,), parameters)
    again = refusal(lambda: machine.hypersafe.run("Sign", (key.handle,), (session.authorization,), parameters))
    assert again == RC_POLICY_FAIL


def test_with_user_with_auth_the_empty_password_opens_the_key_at_locality_0(machine: Machine) -> None:
    """The right policy is worth nothing if a password opens the key as well: the Verifier must look at the attributes."""
    policy = KeyPolicy.for_tls_key(machine.hypersafe)
    attributes = TLS_KEY_ATTRIBUTES | Attr.SIGN_ENCRYPT | Attr.USER_WITH_AUTH
    area = template("ecc256:ecdsa-sha256:null", attributes, policy.digest)
    key = create_primary(machine.hypersafe, 0x40000001, area)
    assert sign(at(machine, 0, key), key, DIGEST)


def test_a_key_with_a_password_is_alices_to_use(machine: Machine) -> None:
    key = ecdsa_key(machine, "password")
    assert sign(at(machine, 0, key), key, DIGEST)


def test_a_restricted_key_signs_no_digest_that_looks_like_an_attestation(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    forged = bytes.fromhex("ff544347") + b"8018 and whatever else a quote has"

    def hashed(data: bytes) -> tuple[bytes, bytes]:
        fields = machine.hypersafe.ask("Hash", (), (), sized(data) + u16(0x000B) + u32(0x4000000B))
        return fields.sized("outHash"), fields.rest("validation")

    def use(data: bytes) -> object:
        digest, ticket = hashed(data)
        session = machine.hypersafe.policy_session()
        session.assert_policy(ak.policy)  # type: ignore[arg-type]
        parameters = sized(digest) + u16(0x0010) + ticket
        return machine.hypersafe.run("Sign", (ak.handle,), (session.authorization,), parameters)

    assert refusal(lambda: use(forged)) == 0x3E0, "TPM_RC_TICKET (parameter 3)"
    assert use(bytes.fromhex("ff544348") + forged[4:])


def test_certify_creation_refuses_a_ticket_of_another_key(machine: Machine) -> None:
    ak, one, other = create_ak(machine.hypersafe), ecdsa_key(machine), ecdsa_key(machine)
    mixed = CreatedKey(
        one.handle, one.public, one.policy, one.creation_data, one.creation_hash, other.creation_ticket, one.private
    )
    assert refusal(lambda: certify_creation(machine.hypersafe, ak, mixed, bytes(32))) == 0x4E0


def test_an_fixed_tpm_key_with_an_imported_private_part_is_refused_by_the_tpm(machine: Machine) -> None:
    """FixedTPM without fixedParent or without sensitiveDataOrigin cannot be made at all: 0x2c2."""
    attributes = Attr.FIXED_TPM | Attr.SENSITIVE_DATA_ORIGIN | Attr.SIGN_ENCRYPT | Attr.USER_WITH_AUTH
    area = template("ecc256:ecdsa-sha256:null", attributes)
    assert refusal(lambda: create_primary(machine.hypersafe, 0x40000001, area)) == 0x2C2


@pytest.mark.parametrize("policy", [None, "password"])
def test_a_keys_file_is_all_it_takes_to_load_it_again_in_its_own_tpm(machine, policy):
    key = ecdsa_key(machine, policy)
    again = load_key(machine.hypersafe, read_key(key.file))
    assert again.name == key.name
    assert again.policy == key.policy
    key.public_key.verify(sign(machine.hypersafe, again, DIGEST), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_a_file_that_is_no_key_is_refused():
    with pytest.raises(TpmProtocolError, match="not a key file"):
        read_key(b"\x00\x10short")
