"""The TPM of a machine: the emulator's process, the platform around it, its keys, quotes and enrolment."""

from trustlab.tpm.client import TpmClient
from trustlab.tpm.credential import Credential, make_credential
from trustlab.tpm.device import DeviceTpm
from trustlab.tpm.ekchain import verify_ek_certificate
from trustlab.tpm.enrol import activate, enrol
from trustlab.tpm.errors import (
    EnrolmentRefused,
    GateRefused,
    TpmBusy,
    TpmDead,
    TpmError,
    TpmNotInstalled,
    TpmOff,
    TpmProtocolError,
    TpmResponseError,
    TpmStartError,
    TpmTimeout,
    TssError,
)
from trustlab.tpm.evidence import EVIDENCE_PCRS, EvidenceMaker, key_binder
from trustlab.tpm.fast_commands import Attestation, certify, certify_creation, quote, rsa_decrypt, sign
from trustlab.tpm.gate import ALICE, OPEN, Gate
from trustlab.tpm.keys import (
    CreatedKey,
    LoadedKey,
    TlsKey,
    create_ak,
    create_ek,
    create_primary,
    create_srk,
    create_tls_key,
    load_key,
    read_key,
)
from trustlab.tpm.latency import SLB9670, LatencyProfile
from trustlab.tpm.maker import OID_EK_EKU, TpmMaker, from_pem, to_pem
from trustlab.tpm.measure import measure
from trustlab.tpm.platform import Platform, Snapshot, launch_pcr
from trustlab.tpm.policy import KeyPolicy
from trustlab.tpm.privacyca import Challenge, PrivacyCa
from trustlab.tpm.profile import DEVICE, DRTM, KeyProfile
from trustlab.tpm.provisioned import kept_key, provisioned_ek, read_ek_certificate
from trustlab.tpm.swtpm import SavedState, Swtpm
from trustlab.tpm.transport import Transport

__all__ = [
    "ALICE",
    "DEVICE",
    "DRTM",
    "EVIDENCE_PCRS",
    "OID_EK_EKU",
    "OPEN",
    "SLB9670",
    "Attestation",
    "Challenge",
    "CreatedKey",
    "Credential",
    "DeviceTpm",
    "EnrolmentRefused",
    "EvidenceMaker",
    "Gate",
    "GateRefused",
    "KeyPolicy",
    "KeyProfile",
    "LatencyProfile",
    "LoadedKey",
    "Platform",
    "PrivacyCa",
    "SavedState",
    "Snapshot",
    "Swtpm",
    "TlsKey",
    "TpmBusy",
    "TpmClient",
    "TpmDead",
    "TpmError",
    "TpmMaker",
    "TpmNotInstalled",
    "TpmOff",
    "TpmProtocolError",
    "TpmResponseError",
    "TpmStartError",
    "TpmTimeout",
    "Transport",
    "TssError",
    "activate",
    "certify",
    "certify_creation",
    "create_ak",
    "create_ek",
    "create_primary",
    "create_srk",
    "create_tls_key",
    "enrol",
    "from_pem",
    "kept_key",
    "key_binder",
    "launch_pcr",
    "load_key",
    "make_credential",
    "measure",
    "provisioned_ek",
    "quote",
    "read_ek_certificate",
    "read_key",
    "rsa_decrypt",
    "sign",
    "to_pem",
    "verify_ek_certificate",
]
