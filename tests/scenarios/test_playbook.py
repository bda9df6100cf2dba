"""An attested handshake as a script: who says what to whom, which TPM commands it takes, and who judges what.

The script is what a reader should know by heart; the run must be it line by line. Read it from the top: an arrow is a
message as it is written, `TPM` a command that succeeds, `accepts` a verdict over the other side's evidence.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest

from trustlab.scenarios import rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.trace import Trace

TRUSTED_PASSAGE = """
    teller -> bank    ClientHello
    bank -> teller    ServerHello
    bank              TPM2_StartAuthSession
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_CertifyCreation
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_Quote over L, S, nonce_C, client_random, server_random, H(SPKI_S)
    bank              TPM2_PCR_Read
    bank -> teller    SupplementalData
    bank -> teller    Certificate
    bank -> teller    ServerHelloDone
    teller            accepts the evidence of bank
    teller            TPM2_StartAuthSession
    teller            TPM2_PolicyPCR
    teller            TPM2_PolicyLocality
    teller            TPM2_Quote over L, C, nonce_S, client_random, server_random, HMAC(PMS), H(EPMS)
    teller            TPM2_PCR_Read
    teller -> bank    SupplementalData
    teller -> bank    ClientKeyExchange
    teller -> bank    ChangeCipherSpec
    teller -> bank    Finished, encrypted
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_RSA_Decrypt
    bank              accepts the evidence of teller
    bank -> teller    ChangeCipherSpec
    bank -> teller    Finished, encrypted
    teller -> bank    ApplicationData, encrypted
    bank -> teller    ApplicationData, encrypted
    bank -> teller    Alert, encrypted
    teller -> bank    Alert, encrypted
"""
"""The slides' last step, on TLS 1.2: the client's quote holds what only the holder of the server's key could open."""

HANDSHAKE_SECRET = """
    teller -> bank    ClientHello
    bank -> teller    ServerHello
    bank -> teller    ChangeCipherSpec
    bank -> teller    EncryptedExtensions, encrypted
    bank -> teller    CertificateRequest, encrypted
    bank              TPM2_StartAuthSession
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_CertifyCreation
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_Quote over L, S, attest_secret, H(SPKI_S)
    bank              TPM2_PCR_Read
    bank -> teller    Certificate, encrypted
    bank              TPM2_PolicyPCR
    bank              TPM2_PolicyLocality
    bank              TPM2_Sign
    bank -> teller    CertificateVerify, encrypted
    bank -> teller    Finished, encrypted
    teller            accepts the evidence of bank
    teller -> bank    ChangeCipherSpec
    teller            TPM2_StartAuthSession
    teller            TPM2_PolicyPCR
    teller            TPM2_PolicyLocality
    teller            TPM2_CertifyCreation
    teller            TPM2_PolicyPCR
    teller            TPM2_PolicyLocality
    teller            TPM2_Quote over L, C, attest_secret, H(SPKI_C)
    teller            TPM2_PCR_Read
    teller -> bank    Certificate, encrypted
    teller            TPM2_PolicyPCR
    teller            TPM2_PolicyLocality
    teller            TPM2_Sign
    teller -> bank    CertificateVerify, encrypted
    teller -> bank    Finished, encrypted
    teller -> bank    ApplicationData, encrypted
    bank              accepts the evidence of teller
    bank -> teller    ApplicationData, encrypted
    bank -> teller    Alert, encrypted
    teller -> bank    Alert, encrypted
"""
"""The same idea on TLS 1.3: both quotes hold a secret that comes from the key agreement itself."""


def played(trace: Trace) -> Iterator[str]:
    """Write a run as a script, from the first ClientHello on."""
    other = {"teller": "bank", "bank": "teller"}
    fields = {}
    begun = False
    for event in trace.ordered():
        begun |= event.kind == "tls.message"
        if not begun or event.party not in other:
            continue
        match event.kind:
            case "tls.message" if event.sent:
                sealed = ", encrypted" if event.data["encrypted"] else ""
                yield f"{f'{event.party} -> {other[event.party]}':<18}{event.name}{sealed}"
            case "binder" if event.data["side"] == "attester":
                fields[event.party] = ", ".join(name for name, _ in event.data["fields"])
            case "tpm.response" if event.data["rc"] == 0:
                over = f" over {fields[event.party]}" if event.name == "TPM2_Quote" else ""
                yield f"{event.party:<18}{event.name}{over}"
            case "appraisal":
                verdict = "accepts" if event.data["refused_by"] is None else "refuses"
                yield f"{event.party:<18}{verdict} the evidence of {event.data['about']}"


@pytest.mark.parametrize(
    ("design", "script"), [("trusted-passage", TRUSTED_PASSAGE), ("tls13-handshake-secret", HANDSHAKE_SECRET)]
)
def test_a_whole_attested_handshake_goes_by_its_script(design, script):
    with rung(design, substrate="memory") as act:
        act.run()
        found = list(played(act.trace))
    expected = [line.strip() for line in script.strip().splitlines()]
    found = [line.rstrip() for line in found]
    difference = difflib.unified_diff(expected, found, "the script", "the run", lineterm="", n=2)
    assert found == expected, "\n".join(["the run is not the script:", *difference])
