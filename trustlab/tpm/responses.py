"""Response codes by name (TPM 2.0 Part 2, 6.6: how a code is built; 6.6.3: the names)."""

from __future__ import annotations

_FORMAT_ZERO = {
    0x000: "INITIALIZE", 0x001: "FAILURE", 0x003: "SEQUENCE", 0x00B: "PRIVATE", 0x019: "HMAC", 0x020: "DISABLED",
    0x021: "EXCLUSIVE", 0x024: "AUTH_TYPE", 0x025: "AUTH_MISSING", 0x026: "POLICY", 0x027: "PCR", 0x028: "PCR_CHANGED",
    0x02D: "UPGRADE", 0x02E: "TOO_MANY_CONTEXTS", 0x02F: "AUTH_UNAVAILABLE", 0x030: "REBOOT", 0x031: "UNBALANCED",
    0x042: "COMMAND_SIZE", 0x043: "COMMAND_CODE", 0x044: "AUTHSIZE", 0x045: "AUTH_CONTEXT", 0x046: "NV_RANGE",
    0x047: "NV_SIZE", 0x048: "NV_LOCKED", 0x049: "NV_AUTHORIZATION", 0x04A: "NV_UNINITIALIZED", 0x04B: "NV_SPACE",
    0x04C: "NV_DEFINED", 0x050: "BAD_CONTEXT", 0x051: "CPHASH", 0x052: "PARENT", 0x053: "NEEDS_TEST",
    0x054: "NO_RESULT", 0x055: "SENSITIVE",
}  # fmt: skip
_FORMAT_ONE = {
    0x01: "ASYMMETRIC", 0x02: "ATTRIBUTES", 0x03: "HASH", 0x04: "VALUE", 0x05: "HIERARCHY", 0x07: "KEY_SIZE",
    0x08: "MGF", 0x09: "MODE", 0x0A: "TYPE", 0x0B: "HANDLE", 0x0C: "KDF", 0x0D: "RANGE", 0x0E: "AUTH_FAIL",
    0x0F: "NONCE", 0x10: "PP", 0x12: "SCHEME", 0x15: "SIZE", 0x16: "SYMMETRIC", 0x17: "TAG", 0x18: "SELECTOR",
    0x1A: "INSUFFICIENT", 0x1B: "SIGNATURE", 0x1C: "KEY", 0x1D: "POLICY_FAIL", 0x1F: "INTEGRITY", 0x20: "TICKET",
    0x21: "RESERVED_BITS", 0x22: "BAD_AUTH", 0x23: "EXPIRED", 0x24: "POLICY_CC", 0x25: "BINDING", 0x26: "CURVE",
    0x27: "ECC_POINT",
}  # fmt: skip
_WARNINGS = {
    0x01: "CONTEXT_GAP", 0x02: "OBJECT_MEMORY", 0x03: "SESSION_MEMORY", 0x04: "MEMORY", 0x05: "SESSION_HANDLES",
    0x06: "OBJECT_HANDLES", 0x07: "LOCALITY", 0x08: "YIELDED", 0x09: "CANCELED", 0x0A: "TESTING",
    0x10: "REFERENCE_H0", 0x11: "REFERENCE_H1", 0x12: "REFERENCE_H2", 0x13: "REFERENCE_H3", 0x18: "REFERENCE_S0",
    0x19: "REFERENCE_S1", 0x20: "NV_RATE", 0x21: "LOCKOUT", 0x22: "RETRY", 0x23: "NV_UNAVAILABLE",
}  # fmt: skip

RC_FAILURE = 0x101
RC_PCR_CHANGED = 0x128
RC_OBJECT_MEMORY = 0x902
RC_SESSION_MEMORY = 0x903
RC_LOCALITY = 0x907
RC_RETRY = 0x922


def rc_name(rc: int) -> str:
    """Name a response code as TPM 2.0 Part 2 writes it, e.g. 0x99d `TPM_RC_POLICY_FAIL (session 1)`."""
    if rc == 0:
        return "TPM_RC_SUCCESS"
    if rc == 0x01E:
        return "TPM_RC_BAD_TAG"
    if rc & 0x080:
        return _format_one_name(rc)
    number = rc & 0x07F
    if rc & 0x100:
        table = _WARNINGS if rc & 0x800 else _FORMAT_ZERO
        if number in table and not rc & 0x400:
            return f"TPM_RC_{table[number]}"
    return f"TPM_RC_{rc:#05x}"


def _format_one_name(rc: int) -> str:
    """Name a format-one code, which also says which parameter, session or handle is to blame."""
    name = _FORMAT_ONE.get(rc & 0x03F, f"{rc:#05x}")
    index = rc >> 8 & 0xF
    if rc & 0x040:
        return f"TPM_RC_{name} (parameter {index})"
    if index & 0x8:
        return f"TPM_RC_{name} (session {index & 0x7})"
    return f"TPM_RC_{name} (handle {index})" if index else f"TPM_RC_{name}"


_SENTENCES = {
    "TPM_RC_LOCALITY": "the command came from a locality that this object or PCR does not allow",
    "TPM_RC_POLICY_FAIL": "the policy session does not lead to the object's authPolicy",
    "TPM_RC_AUTH_UNAVAILABLE": "this object cannot be used by password: userWithAuth is clear",
    "TPM_RC_PCR_CHANGED": "a PCR was extended after PolicyPCR: the assertions must be made again",
    "TPM_RC_FAILURE": "the TPM could not carry out the command",
    "TPM_RC_OBJECT_MEMORY": "there is no room for another loaded object",
    "TPM_RC_INITIALIZE": "TPM2_Startup was not sent, or was sent twice",
    "TPM_RC_ATTRIBUTES": "the object's attributes do not allow this",
    "TPM_RC_INTEGRITY": "the integrity check failed: the blob was altered or was made for another object",
    "TPM_RC_TICKET": "the ticket was not made by this TPM over these data",
}


def rc_clause(rc: int) -> str:
    """Say in plain words what a response code means where the lab meets it, else where it is defined."""
    return _SENTENCES.get(rc_name(rc).split(" (")[0], "TPM 2.0 Part 2, 6.6.3")
