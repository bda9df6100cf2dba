"""The TPM of a machine: the emulator's process, the platform around it, its keys, quotes and enrolment.

Theory of operation
-------------------

A `Platform` is one machine as its TPM sees it. Several clients share that TPM: HyperSafe at locality 2, Alice's root
VM at locality 0. None of them may speak to it directly, because the TPM itself knows no clients: whoever sends a
command may name any loaded object. So every command of a `TpmClient` goes this way::

    TpmClient          builds the command: `fast_commands` by hand, everything else through ESAPI (`esys`)
      Router           takes the client's turn (`CommandQueue`), then asks three questions:
        Gate             may this client send this command at all?
        HandleSpace      are the handles in it the client's own?
        ResourceManager  are the objects behind them loaded? If not, it swaps them in.
      CommandChannel   sets the locality and sends the command, as one step; logs it while the TPM works (`CommandLog`)
        Transport        `Swtpm` (an emulator of our own) or `DeviceTpm` (`/dev/tpmrm0`)

Rule 1: locality and command are set and sent under one lock. Otherwise Alice's command could run at the locality that
was just set for HyperSafe.

Rule 2: handles are virtual. A client sees handles of its own space; the resource manager maps them to the TPM's, of
which there are three for objects and three for sessions. So Alice can neither name HyperSafe's key nor fill the TPM.

Rule 3: a TPM that was late, or died, answers nothing more until it is switched off and on: a late answer could be
taken for the answer to the next command.

Keys are bound to software by policy, not by password (`KeyPolicy`: PolicyPCR over what was launched, then
PolicyLocality). A `PolicySession` gathers these assertions again for every use. Alice can extend a PCR in between;
then the TPM says TPM_RC_PCR_CHANGED and the session starts over.

`Platform.launch` plays the CPU's DRTM launch, over the emulator's control socket. That socket never leaves the
platform object: whoever has it can pretend to be the CPU. On a device, a program has no such power.

Only this room uses `tpm2_pytss`. Whoever verifies evidence needs no TPM software: see `attest`.
"""

from trustlab.tpm.client import TpmClient
from trustlab.tpm.credential import Credential, make_credential
from trustlab.tpm.device import DeviceTpm
from trustlab.tpm.ekchain import load_ek_certificate, tpm_of, verify_ek_certificate
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
from trustlab.tpm.ports import CommandGate
from trustlab.tpm.privacyca import Challenge, PrivacyCa
from trustlab.tpm.profile import DEVICE, DRTM, KeyProfile
from trustlab.tpm.provisioned import kept_key, provisioned_ek, read_ek_certificate, read_on_die_certificates
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
    "CommandGate",
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
    "load_ek_certificate",
    "load_key",
    "make_credential",
    "measure",
    "provisioned_ek",
    "quote",
    "read_ek_certificate",
    "read_key",
    "read_on_die_certificates",
    "rsa_decrypt",
    "sign",
    "to_pem",
    "tpm_of",
    "verify_ek_certificate",
]
