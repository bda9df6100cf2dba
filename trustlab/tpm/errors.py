"""One named error for everything that can go wrong between us and a TPM."""

# ruff: noqa: N818 - named for what happened; not everything that happens is an "Error"
from __future__ import annotations

from trustlab.tpm.responses import rc_clause, rc_name


class TpmError(Exception):
    """Anything that went wrong with a TPM, its process, or its enrolment."""


class TpmNotInstalled(TpmError):
    """A program that the emulated TPM needs is not installed; the message says how to install it."""


class TpmStartError(TpmError):
    """The TPM emulator did not start; the message carries what it said."""


class TpmOff(TpmError):
    """The TPM has no power."""


class TpmDead(TpmError):
    """The TPM went away in mid-command, or an earlier command killed it; a power cycle brings it back."""


class TpmTimeout(TpmDead):
    """The TPM gave no answer within the bound and was taken out of service; a power cycle brings it back."""


class TpmBusy(TpmError):
    """Too many commands wait for this TPM already."""


class TpmProtocolError(TpmError):
    """Octets that are not a TPM 2.0 command or response, or a control answer that is not one."""


class TssError(TpmError):
    """The TSS refused, not the TPM: an argument that cannot be, or a response that does not fit the command."""


class TpmResponseError(TpmError):
    """The TPM answered with a response code other than TPM_RC_SUCCESS.

    `rc` is the code, `rc_name` its name in TPM 2.0 Part 2 (6.6.3), `command` the command's name.
    """

    def __init__(self, command: str, rc: int) -> None:
        self.command = command
        self.rc = rc
        self.rc_name = rc_name(rc)
        super().__init__(f"{command} failed: {self.rc_name} ({rc:#05x}; {rc_clause(rc)})")


class GateRefused(TpmError):
    """The platform, not the TPM, refused a client's command: `gate` names the rule, `command` the command."""

    def __init__(self, gate: str, command: str, client: str, sentence: str) -> None:
        self.gate = gate
        self.command = command
        self.client = client
        super().__init__(f"the platform's gate '{gate}' refused {command} from {client}: {sentence}")


class EnrolmentRefused(TpmError):
    """The privacy CA (or the TPM maker's CA) will not certify this key.

    `check` names the check that failed, `sentence` says why.
    """

    def __init__(self, check: str, sentence: str) -> None:
        self.check = check
        self.sentence = sentence
        super().__init__(f"enrolment refused by the check '{check}': {sentence}")
