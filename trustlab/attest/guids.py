"""GUIDs as UEFI writes them, and the names of those that logs are full of (UEFI Specification, Appendix A)."""

from __future__ import annotations

from uuid import UUID

GUIDS = {
    "00000000-0000-0000-0000-000000000000": "none",
    "8be4df61-93ca-11d2-aa0d-00e098032b8c": "EFI_GLOBAL_VARIABLE",
    "d719b2cb-3d3a-4596-a3bc-dad00e67656f": "EFI_IMAGE_SECURITY_DATABASE",
    "605dab50-e046-4300-abb6-3dd810dd8b23": "SHIM_LOCK",
    "77fa9abd-0359-4d32-bd60-28f4e78f784b": "Microsoft",
    "c1c41626-504c-4092-aca9-41f936934328": "EFI_CERT_SHA256",
    "a5c059a1-94e4-4aa7-87b5-ab155c2bf072": "EFI_CERT_X509",
    "3c5766e8-269c-4e34-aa14-ed776e85b3b6": "EFI_CERT_RSA2048",
    "3bd2a492-96c0-4079-b420-fcf98ef103ed": "EFI_CERT_X509_SHA256",
    "eb9d2d31-2d88-11d3-9a16-0090273fc14d": "SMBIOS table",
    "f2fd1544-9794-4a2c-992e-e5bbcf20e394": "SMBIOS 3 table",
    "8868e871-e4f1-11d3-bc22-0080c73c8881": "ACPI table",
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system partition",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot partition",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux file system",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
}


def guid(octets: bytes) -> str:
    """Return a GUID's name, or itself: its first three parts are little-endian."""
    text = str(UUID(bytes_le=octets))
    return GUIDS.get(text, text)
