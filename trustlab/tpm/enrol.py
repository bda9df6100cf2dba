"""Enrolment from the machine's side: have the TPM open the CA's credential, and get the AK certificate for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import ObjectAttributes
from trustlab.tpm.errors import EnrolmentRefused, TpmResponseError
from trustlab.tpm.marshal import PASSWORD, RH_ENDORSEMENT, sized, u32

if TYPE_CHECKING:
    from trustlab.tpm.client import TpmClient
    from trustlab.tpm.credential import Credential
    from trustlab.tpm.keys import LoadedKey
    from trustlab.tpm.privacyca import PrivacyCa

_NO_LIMITS = sized(b"") * 3 + u32(0)
"""PolicySecret without nonceTPM, cpHashA, policyRef and expiration."""


def enrol(
    client: TpmClient, ek: LoadedKey, ek_certificate: bytes, ak: LoadedKey, privacy_ca: PrivacyCa
) -> tuple[bytes, ...]:
    """Enrol `ak` and return its certificates (DER, the leaf first, without the root).

    EnrolmentRefused where the CA refuses, or where the TPM does not open the credential.
    """
    challenge = privacy_ca.challenge(ek_certificate, ak.public)
    try:
        answer = activate(client, ek, ak, challenge.credential)
    except TpmResponseError as error:
        raise EnrolmentRefused("activation", f"the TPM does not open the credential: {error}") from error
    certificate = privacy_ca.issue(challenge.number, answer)
    client.platform.party.emit(
        "machine",
        "AK enrolled",
        sentence=f"{privacy_ca.name} certifies the AK: it lives in the TPM of this EK, and only HyperSafe can use it.",
        ak_name=ak.name.hex(),
    )
    return (certificate,)


def activate(client: TpmClient, ek: LoadedKey, ak: LoadedKey, credential: Credential) -> bytes:
    """TPM2_ActivateCredential: the AK by its empty password, the EK as its template says.

    Low-range EKs obey PolicySecret(endorsement) alone; high-range ones (P-384) open by their empty password as well.
    """
    parameters = sized(credential.blob) + sized(credential.secret)
    handles = (ak.handle, ek.handle)
    if ek.parsed.attributes & ObjectAttributes.USER_WITH_AUTH:
        return client.ask("ActivateCredential", handles, (PASSWORD, PASSWORD), parameters).sized()
    with client.session_lock:
        session = client.policy_session()
        session.restart()
        client.run("PolicySecret", (RH_ENDORSEMENT, session.handle), (PASSWORD,), _NO_LIMITS)
        fields = client.ask("ActivateCredential", handles, (PASSWORD, session.authorization), parameters)
        session.used()
        return fields.sized()
