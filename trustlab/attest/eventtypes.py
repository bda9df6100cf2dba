"""The types of events in a log: their names, what each is for, and what its digest covers.

Source: TCG PC Client Platform Firmware Profile 1.06, 10.4 Event Types; the lab's own types begin at 0x54500001 ("TP").
"""

from __future__ import annotations

EV_PREBOOT_CERT = 0x00000000
EV_POST_CODE = 0x00000001
EV_NO_ACTION = 0x00000003
EV_SEPARATOR = 0x00000004
EV_ACTION = 0x00000005
EV_EVENT_TAG = 0x00000006
EV_S_CRTM_CONTENTS = 0x00000007
EV_S_CRTM_VERSION = 0x00000008
EV_CPU_MICROCODE = 0x00000009
EV_PLATFORM_CONFIG_FLAGS = 0x0000000A
EV_TABLE_OF_DEVICES = 0x0000000B
EV_COMPACT_HASH = 0x0000000C
EV_IPL = 0x0000000D
EV_IPL_PARTITION_DATA = 0x0000000E
EV_NONHOST_CODE = 0x0000000F
EV_NONHOST_CONFIG = 0x00000010
EV_NONHOST_INFO = 0x00000011
EV_OMIT_BOOT_DEVICE_EVENTS = 0x00000012
EV_POST_CODE2 = 0x00000013
EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001
EV_EFI_VARIABLE_BOOT = 0x80000002
EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003
EV_EFI_BOOT_SERVICES_DRIVER = 0x80000004
EV_EFI_RUNTIME_SERVICES_DRIVER = 0x80000005
EV_EFI_GPT_EVENT = 0x80000006
EV_EFI_ACTION = 0x80000007
EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008
EV_EFI_HANDOFF_TABLES = 0x80000009
EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000A
EV_EFI_HANDOFF_TABLES2 = 0x8000000B
EV_EFI_VARIABLE_BOOT2 = 0x8000000C
EV_EFI_GPT_EVENT2 = 0x8000000D
EV_EFI_HCRTM_EVENT = 0x80000010
EV_EFI_VARIABLE_AUTHORITY = 0x800000E0
EV_EFI_SPDM_FIRMWARE_BLOB = 0x800000E1
EV_EFI_SPDM_FIRMWARE_CONFIG = 0x800000E2
EV_EFI_SPDM_DEVICE_POLICY = 0x800000E3
EV_EFI_SPDM_DEVICE_AUTHORITY = 0x800000E4

EVENT_LAUNCH = 0x54500001
"""HyperSafe's launch, PCR 17; the digest is SHA-256 of the launched code, the data a description."""
EVENT_LAUNCH_POLICY = 0x54500002
"""HyperSafe's launch policy, PCR 18; the digest is the hash of the data."""
EVENT_IMAGE = 0x54500003
"""The VM image, PCR 19; the digest is the image's, the data its name."""
EVENT_CLAIM = 0x54500004
"""A claim `name=value` by measured code, PCR 20; the digest is the hash of the data."""
EVENT_LAUNCH_NONCE = 0x54500005
"""32 octets that HyperSafe draws at each launch, the first event of PCR 20; the digest is the hash of the data."""

_COVERED = "The digest is that of these bytes."
_APART = "The digest covers what is described, not this description."
_SOMETIMES = "The digest covers what the firmware chose to: perhaps these bytes, perhaps what they stand for."
_FIRMWARE = {
    EV_PREBOOT_CERT: ("EV_PREBOOT_CERT", "Reserved; once a certificate.", _SOMETIMES),
    EV_POST_CODE: ("EV_POST_CODE", "A part of the firmware (POST is the power-on self-test).", _APART),
    EV_NO_ACTION: ("EV_NO_ACTION", "A remark to the reader of the log.", "No PCR is extended: nothing proves it."),
    EV_SEPARATOR: ("EV_SEPARATOR", "The firmware is done with this PCR before it starts the boot loader.", _COVERED),
    EV_ACTION: ("EV_ACTION", "Something that happened, in words.", _COVERED),
    EV_EVENT_TAG: ("EV_EVENT_TAG", "An event of a boot loader's or an operating system's own.", _SOMETIMES),
    EV_S_CRTM_CONTENTS: ("EV_S_CRTM_CONTENTS", "The code that measures first (the static root of trust).", _APART),
    EV_S_CRTM_VERSION: ("EV_S_CRTM_VERSION", "The version of the code that measures first.", _COVERED),
    EV_CPU_MICROCODE: ("EV_CPU_MICROCODE", "An update of the CPU's microcode.", _APART),
    EV_PLATFORM_CONFIG_FLAGS: ("EV_PLATFORM_CONFIG_FLAGS", "Settings of the platform.", _SOMETIMES),
    EV_TABLE_OF_DEVICES: ("EV_TABLE_OF_DEVICES", "The devices that the firmware found.", _SOMETIMES),
    EV_COMPACT_HASH: ("EV_COMPACT_HASH", "Whatever the caller of a firmware service measured.", _APART),
    EV_IPL: ("EV_IPL", "What a boot loader loads or is told, such as a kernel or a command line.", _SOMETIMES),
    EV_IPL_PARTITION_DATA: ("EV_IPL_PARTITION_DATA", "The partition table that was booted from.", _SOMETIMES),
    EV_NONHOST_CODE: ("EV_NONHOST_CODE", "Firmware that runs beside the CPU.", _APART),
    EV_NONHOST_CONFIG: ("EV_NONHOST_CONFIG", "Settings of firmware that runs beside the CPU.", _SOMETIMES),
    EV_NONHOST_INFO: ("EV_NONHOST_INFO", "About firmware that runs beside the CPU.", _SOMETIMES),
    EV_OMIT_BOOT_DEVICE_EVENTS: (
        "EV_OMIT_BOOT_DEVICE_EVENTS",
        "Attempts to boot are not measured from here.",
        _COVERED,
    ),
    EV_POST_CODE2: ("EV_POST_CODE2", "A part of the firmware, with the place where it lies.", _APART),
    EV_EFI_VARIABLE_DRIVER_CONFIG: ("EV_EFI_VARIABLE_DRIVER_CONFIG", "A UEFI variable, such as SecureBoot.", _COVERED),
    EV_EFI_VARIABLE_BOOT: ("EV_EFI_VARIABLE_BOOT", "A UEFI variable about booting; its data were hashed.", _SOMETIMES),
    EV_EFI_BOOT_SERVICES_APPLICATION: (
        "EV_EFI_BOOT_SERVICES_APPLICATION",
        "A program that the firmware started, such as the boot loader.",
        "The digest is the program's Authenticode hash, not this description's.",
    ),
    EV_EFI_BOOT_SERVICES_DRIVER: ("EV_EFI_BOOT_SERVICES_DRIVER", "A driver for the time of booting.", _APART),
    EV_EFI_RUNTIME_SERVICES_DRIVER: ("EV_EFI_RUNTIME_SERVICES_DRIVER", "A driver that stays after booting.", _APART),
    EV_EFI_GPT_EVENT: ("EV_EFI_GPT_EVENT", "The disk's partition table (GPT).", _COVERED),
    EV_EFI_ACTION: ("EV_EFI_ACTION", "Something that the firmware did, in words.", _COVERED),
    EV_EFI_PLATFORM_FIRMWARE_BLOB: ("EV_EFI_PLATFORM_FIRMWARE_BLOB", "A part of the firmware.", _APART),
    EV_EFI_HANDOFF_TABLES: ("EV_EFI_HANDOFF_TABLES", "Tables that the firmware hands on (SMBIOS, ACPI).", _APART),
    EV_EFI_PLATFORM_FIRMWARE_BLOB2: ("EV_EFI_PLATFORM_FIRMWARE_BLOB2", "A part of the firmware, by name.", _APART),
    EV_EFI_HANDOFF_TABLES2: ("EV_EFI_HANDOFF_TABLES2", "Tables that the firmware hands on, by name.", _APART),
    EV_EFI_VARIABLE_BOOT2: ("EV_EFI_VARIABLE_BOOT2", "A UEFI variable about booting, such as BootOrder.", _COVERED),
    EV_EFI_GPT_EVENT2: (
        "EV_EFI_GPT_EVENT2",
        "The disk's partition table, without what differs in every disk.",
        _COVERED,
    ),
    EV_EFI_HCRTM_EVENT: ("EV_EFI_HCRTM_EVENT", "The hardware measured the first code (an H-CRTM).", _APART),
    EV_EFI_VARIABLE_AUTHORITY: (
        "EV_EFI_VARIABLE_AUTHORITY",
        "The entry of db (or of shim's list) that allowed a program to start.",
        _COVERED,
    ),
    EV_EFI_SPDM_FIRMWARE_BLOB: ("EV_EFI_SPDM_FIRMWARE_BLOB", "A device's firmware, by its own account.", _COVERED),
    EV_EFI_SPDM_FIRMWARE_CONFIG: ("EV_EFI_SPDM_FIRMWARE_CONFIG", "A device's settings, by its own account.", _COVERED),
    EV_EFI_SPDM_DEVICE_POLICY: ("EV_EFI_SPDM_DEVICE_POLICY", "Which devices are to be authenticated.", _COVERED),
    EV_EFI_SPDM_DEVICE_AUTHORITY: ("EV_EFI_SPDM_DEVICE_AUTHORITY", "Who vouches for a device.", _COVERED),
}
_HASHED = "The measured text itself, the hash's input: the digest above is its SHA-256."
_LAB = {
    EVENT_LAUNCH: (
        "TRUSTLAB_LAUNCH",
        "What was launched, for people to read.",
        "The digest covers the code, not this.",
    ),
    EVENT_LAUNCH_POLICY: ("TRUSTLAB_LAUNCH_POLICY", _HASHED, ""),
    EVENT_IMAGE: ("TRUSTLAB_IMAGE", "The image's name, for people to read.", "The digest covers the image, not this."),
    EVENT_CLAIM: ("TRUSTLAB_CLAIM", _HASHED, ""),
    EVENT_LAUNCH_NONCE: (
        "TRUSTLAB_LAUNCH_NONCE",
        "The launch nonce: 32 octets drawn at this launch, so no two launches look alike.",
        _COVERED,
    ),
}
LAB_TYPES = frozenset(_LAB)
"""The types that the lab itself gives a meaning."""
_TYPES = _FIRMWARE | _LAB
EVENT_NAMES = {number: name for number, (name, _, _) in _TYPES.items()}
_ANY = "What the event says about itself. The digest covers it only if the event's type says so."


def event_name(number: int) -> str:
    """Return an event type's name, or its number in hex."""
    return EVENT_NAMES.get(number, f"{number:#010x}")


def data_note(number: int) -> str:
    """Return a sentence about the data of an event of this type: what they are, and whether the digest covers them."""
    if number not in _TYPES:
        return _ANY
    _, what, covered = _TYPES[number]
    return f"{what} {covered}".rstrip()
