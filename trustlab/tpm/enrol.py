"""Enrolment from the machine's side: have the TPM open the CA's credential, and get the AK certificate for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import ObjectAttributes
from trustlab.tpm import tss
from trustlab.tpm.errors import EnrolmentRefused, TpmResponseError
from trustlab.tpm.tss import afterwards, structure

if TYPE_CHECKING:
    from trustlab.tpm.client import TpmClient
    from trustlab.tpm.credential import Credential
    from trustlab.tpm.keys import LoadedKey
    from trustlab.tpm.privacyca import PrivacyCa


def enrol(
    client: TpmClient, ek: LoadedKey, ek_certificate: bytes, ak: LoadedKey, privacy_ca: PrivacyCa
) -> tuple[bytes, ...]:
    """Enrol `ak` and return its certificates (DER, the leaf first, without the root).

    EnrolmentRefused if the CA refuses, or where the TPM does not open the credential.
    """
    challenge = privacy_ca.challenge(ek_certificate, ak.public)
    try:
        answer = activate(client, ek, ak, challenge.credential)
    except TpmResponseError as error:
        raise EnrolmentRefused("activation", f"the TPM did not open the credential: {error}") from error
    certificate = privacy_ca.issue(challenge.number, answer)
    client.platform.party.emit(
        "machine",
        "AK enrolled",
        sentence=f"{privacy_ca.name} certifies the AK: it lives in the TPM of this EK, and "
        + ("any program here can use it." if privacy_ca.ak_policies is None else "only HyperSafe can use it."),
        ak_name=ak.name.hex(),
    )
    return (certificate,)


def activate(client: TpmClient, ek: LoadedKey, ak: LoadedKey, credential: Credential) -> bytes:
    """TPM2_ActivateCredential: the AK by its empty password, the EK as its template says.

    Low-range EKs obey PolicySecret(endorsement) alone; high-range ones (P-384) open by their empty password as well.
    """
    blob = structure(tss.TPM2B_ID_OBJECT, credential.blob)
    secret = structure(tss.TPM2B_ENCRYPTED_SECRET, credential.secret)
    esys = client.esys
    keys = esys.resource(ak.handle), esys.resource(ek.handle)
    if ek.parsed.attributes & ObjectAttributes.USER_WITH_AUTH:
        return bytes(esys.activate_credential(*keys, blob, secret))
    nobody, unencrypted = tss.ESYS_TR.NONE, tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL)
    session = esys.start_auth_session(nobody, nobody, tss.TPM2_SE.POLICY, unencrypted, tss.TPM2_ALG.SHA256)
    with afterwards(lambda: esys.flush_context(session)):
        esys.policy_secret(tss.ESYS_TR.ENDORSEMENT, session, expiration=0)
        return bytes(esys.activate_credential(*keys, blob, secret, session2=session))
