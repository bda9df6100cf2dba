"""What the data of firmware's events hold, taken apart for people to read; nothing is decided by it.

Source: TCG PC Client Platform Firmware Profile 1.06, 10.2 and 10.4; UEFI Specification 2.10, 3.1.3 EFI_LOAD_OPTION, 5.3
GPT, 10 Device Path Protocol and 32.4 Signature Database. Data that are not as their type says stay one field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustlab.attest import eventtypes as types
from trustlab.attest.devicepath import device_path
from trustlab.attest.errors import CodecError, shown
from trustlab.attest.guids import guid
from trustlab.attest.reading import StructureReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import Span

PFP = "TCG PC Client Platform Firmware Profile, "
VARIABLE = PFP + "10.2.6 UEFI_VARIABLE_DATA"
IMAGE_LOAD = PFP + "10.2.3 UEFI_IMAGE_LOAD_EVENT"
GPT = PFP + "10.2.4 UEFI_GPT_DATA"
BLOB = PFP + "10.2.5 UEFI_PLATFORM_FIRMWARE_BLOB"
TABLES = PFP + "10.2.2 UEFI_HANDOFF_TABLE_POINTERS"
NO_ACTION = PFP + "10.4.5 EV_NO_ACTION Event Types"
TAGGED = PFP + "10.4.2.1 TCG_PCClientTaggedEvent"
SIGNATURES = "UEFI Specification, 32.4.1 Signature Database"
MARK = "docs/evidence.cddl"
LOAD_OPTION = "UEFI Specification, 3.1.3 EFI_LOAD_OPTION"

STARTUP_LOCALITY = b"StartupLocality\0"
LEFT_OUT = b"trustlab: data left out\0"
"""Stands in place of an event's data that were too long to travel; their length follows, in four octets."""
QEMU = b"QEMU FW CFG\0"
FILE_NAME = 56
GPT_HEADER = 92
LEAST_ENTRY = 128
MAX_ENTRIES = 1024
SIGNATURE_HEAD = 28
CERTIFICATE = b"\x30\x82"
"""A DER SEQUENCE of some length, as certificates begin."""
X509_TYPE = "EFI_CERT_X509"
SWITCHES = {"SecureBoot", "SetupMode", "AuditMode", "DeployedMode", "MokSBState", "MokIgnoreDB"}
DATABASES = {"PK", "KEK", "db", "dbx", "dbt", "dbr", "MokList", "MokListX", "MokListTrusted"}
TAGS = {
    0xF5BC582A: "systemd-boot: loader.conf",
    0x8F3B22EC: "Linux: the initial RAM disk",
    0x8F3B22ED: "Linux: the command line",
}


def data_fields(event_type: int, data: bytes) -> tuple[str, list[Span]]:
    """Return what an event's data say in short, and their fields; no fields if they are not as their type says."""
    spans: list[Span] = []
    read = _left_out if data.startswith(LEFT_OUT) else _READERS.get(event_type, _text)
    try:
        reader = StructureReader(data, prefix="event", order="little", spans=spans)
        said = read(reader)
        reader.finish()
    except CodecError:
        return event_text(data), []
    return shown(said, 200), spans


def event_text(data: bytes) -> str:
    """Return an event's data as text if they are one, else in hex."""
    return _as_text(data) or data.hex()


def _as_text(data: bytes) -> str:
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(encoding).rstrip("\0").replace("\r", "").rstrip("\n")
        except UnicodeDecodeError:
            continue
        line = " | ".join(text.split("\n"))
        if line.isprintable() and (encoding == "utf-8" or _plain(line)):
            return line
    return ""


def _plain(text: str) -> bool:
    """Whether a text is one that firmware writes in UTF-16: any two octets are some character, few are of this kind."""
    return bool(text) and all(" " <= character < "\u0250" for character in text)


def _text(r: StructureReader) -> str:
    data = r.data
    r.position = r.end
    return event_text(data)


def _left_out(r: StructureReader) -> str:
    r.octets(len(LEFT_OUT), "mark", event_text, "Says that the sender left the data out; the digest is whole.", MARK)
    return f"{r.uint(4, 'size', str, 'How many bytes were left out.', MARK)} bytes, left out by the sender"


def _separator(r: StructureReader) -> str:
    def show(value: int) -> str:
        return {0: "0: nothing went wrong", 0xFFFFFFFF: "ffffffff: nothing went wrong"}.get(value, f"error {value:#x}")

    return show(r.uint(4, "ErrorCode", show, "0 or ffffffff; anything else is an error.", PFP + "10.4.1 EV_SEPARATOR"))


def _variable(r: StructureReader) -> str:
    _guid(r, "VariableName", "Whose variable it is.", VARIABLE)
    letters = r.uint(8, "UnicodeNameLength", str, "How many characters the name has.", VARIABLE)
    size = r.uint(8, "VariableDataLength", str, "How many bytes the value has.", VARIABLE)
    name = _utf16(r, 2 * letters, "UnicodeName", "The variable's name.", VARIABLE)
    value = _value(r, name, size)
    return f"{name}: {value}"


def _value(r: StructureReader, name: str, size: int) -> str:
    """Read a variable's value by its name; where it is not as it should be, as octets."""
    read = _value_reader(name)
    if read is not None and 0 < size <= r.left:
        place = len(r.spans or ())
        try:
            with r.group("VariableData", f"The value of {name}.", VARIABLE):
                inner = StructureReader(r.data, r.position, r.position + size, r.prefix, r.spans, r.order)
                said = read(inner)
                inner.finish()
                r.position = inner.position
        except CodecError:
            if r.spans is not None:
                del r.spans[place:]
        else:
            return said
    return event_text(r.octets(size, "VariableData", event_text, f"The value of {name}.", VARIABLE))


def _value_reader(name: str) -> Callable[[StructureReader], str] | None:
    if name in SWITCHES:
        return _switch
    if name in DATABASES:
        return _signature_lists
    if name == "BootOrder":
        return _boot_order
    if name.startswith("Boot") and len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name[4:]):
        return _load_option
    return None


def _switch(r: StructureReader) -> str:
    def show(value: int) -> str:
        return {0: "off", 1: "on"}.get(value, f"{value}, which is neither on nor off")

    return show(r.uint(1, "value", show, "1: on, 0: off.", "UEFI Specification, 3.3 Globally Defined Variables"))


def _boot_order(r: StructureReader) -> str:
    order: list[str] = []
    while r.left:
        number = r.uint(2, f"entry[{len(order)}]", "{:04X}".format, "What is tried next.", LOAD_OPTION)
        order.append(f"Boot{number:04X}")
    return ", ".join(order)


def _load_option(r: StructureReader) -> str:
    r.uint(4, "Attributes", hex, "1: the entry is active.", LOAD_OPTION)
    size = r.uint(2, "FilePathListLength", str, "How long the path is, in bytes.", LOAD_OPTION)
    end = r.position
    while r.data[end : end + 2] not in {b"\0\0", b"\0", b""}:
        end += 2
    description = _utf16(r, end + 2 - r.position, "Description", "What a boot menu shows.", LOAD_OPTION)
    path = device_path(r, size, "FilePathList")
    r.octets(r.left, "OptionalData", event_text, "What the program is told.", LOAD_OPTION)
    return f"{description} ({path})"


def _signature_lists(r: StructureReader) -> str:
    count = lists = 0
    while r.left:
        with r.group(f"list[{lists}]", "Entries of one kind.", SIGNATURES):
            count += _signature_list(r)
        lists += 1
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _signature_list(r: StructureReader) -> int:
    kind = _guid(r, "SignatureType", "What the entries are: certificates, or hashes of programs.", SIGNATURES)
    size = r.uint(4, "SignatureListSize", str, "How long this list is, in bytes.", SIGNATURES)
    head = r.uint(4, "SignatureHeaderSize", str, "How long the list's own header is.", SIGNATURES)
    each = r.uint(4, "SignatureSize", str, "How long each entry is.", SIGNATURES)
    left = size - SIGNATURE_HEAD - head
    if left < 0 or each < 17 or left % each or left + head > r.left:
        r.fail("SignatureListSize", f"{size} octets do not hold entries of {each}")
    r.octets(head, "SignatureHeader", None, "A header, for kinds that have one.", SIGNATURES)
    for n in range(left // each):
        with r.group(f"entry[{n}]", "One entry of the list.", SIGNATURES):
            _signature(r, each, kind)
    return left // each


def _signature(r: StructureReader, size: int, kind: str) -> str:
    _guid(r, "SignatureOwner", "Who put the entry there.", SIGNATURES)
    show = _certificate if kind == X509_TYPE else bytes.hex
    return show(r.octets(size - 16, "SignatureData", show, "The certificate, or the hash.", SIGNATURES))


def _certificate(der: bytes) -> str:
    """Return a certificate's subject, or its octets in hex if it is none."""
    try:
        return shown(x509.load_der_x509_certificate(der).subject.rfc4514_string())
    except Exception:  # noqa: BLE001 - the parser has many ways to complain, none of them documented
        return der.hex()


def _authority(r: StructureReader) -> str:
    """Read UEFI_VARIABLE_DATA whose value is one entry of a database, or, of shim's variables, anything."""
    _guid(r, "VariableName", "Whose variable it is.", VARIABLE)
    letters = r.uint(8, "UnicodeNameLength", str, "How many characters the name has.", VARIABLE)
    size = r.uint(8, "VariableDataLength", str, "How many bytes the entry has.", VARIABLE)
    name = _utf16(r, 2 * letters, "UnicodeName", "The database or variable.", VARIABLE)
    if size > r.left:
        r.short(size, "VariableData")
    entry = r.data[r.position : r.position + size]
    if entry[16:18] == CERTIFICATE and int.from_bytes(entry[18:20], "big") == size - 20:  # behind its owner's GUID
        with r.group("VariableData", "The entry that decided.", SIGNATURES):
            return f"{name}: {_signature(r, size, X509_TYPE)}"
    return f"{name}: {event_text(r.octets(size, 'VariableData', event_text, 'The entry that decided.', VARIABLE))}"


def _image(r: StructureReader) -> str:
    r.uint(8, "ImageLocationInMemory", hex, "Where the program was loaded.", IMAGE_LOAD)
    r.uint(8, "ImageLengthInMemory", str, "How long it is, in bytes.", IMAGE_LOAD)
    r.uint(8, "ImageLinkTimeAddress", hex, "Where it was linked to run.", IMAGE_LOAD)
    size = r.uint(8, "LengthOfDevicePath", str, "How long its path is, in bytes.", IMAGE_LOAD)
    return device_path(r, size, "DevicePath") or "a program without a path"


def _gpt(r: StructureReader) -> str:
    with r.group("UEFIPartitionHeader", "The header of the partition table.", GPT):
        r.octets(8, "Signature", event_text, "EFI PART.", GPT)
        r.octets(4, "Revision", None, "The version of the format.", GPT)
        r.uint(4, "HeaderSize", str, "How long the header is.", GPT)
        r.octets(4, "HeaderCRC32", None, "A checksum of the header.", GPT)
        r.octets(4, "Reserved", None, "Zeros.", GPT)
        for field in ("MyLBA", "AlternateLBA", "FirstUsableLBA", "LastUsableLBA"):
            r.uint(8, field, str, "A place on the disk, in blocks.", GPT)
        _guid(r, "DiskGUID", "The disk's own name.", GPT)
        r.uint(8, "PartitionEntryLBA", str, "Where the entries begin.", GPT)
        r.uint(4, "NumberOfPartitionEntries", str, "How many entries there can be.", GPT)
        each = r.uint(4, "SizeOfPartitionEntry", str, "How long an entry is.", GPT)
        r.octets(4, "PartitionEntryArrayCRC32", None, "A checksum of the entries.", GPT)
    count = r.uint(8, "NumberOfPartitions", str, "How many partitions follow.", GPT)
    if each < LEAST_ENTRY or count > MAX_ENTRIES:
        r.fail("NumberOfPartitions", f"{count} partitions of {each} octets", at=r.position - 8)
    names = [_partition(r, n, each) for n in range(count)]
    return f"{count} partition{'' if count == 1 else 's'}: {', '.join(names)}"


def _partition(r: StructureReader, number: int, size: int) -> str:
    with r.group(f"Partitions[{number}]", "One partition.", GPT):
        kind = _guid(r, "PartitionTypeGUID", "What it is for.", GPT)
        _guid(r, "UniquePartitionGUID", "Its own name.", GPT)
        r.uint(8, "StartingLBA", str, "Its first block.", GPT)
        r.uint(8, "EndingLBA", str, "Its last block.", GPT)
        r.octets(8, "Attributes", None, "How it is to be treated.", GPT)
        name = _utf16(r, 72, "PartitionName", "Its name for people.", GPT)
        r.octets(size - LEAST_ENTRY, "Reserved", None, "Room that later versions may use.", GPT)
    return name or kind


def _blob(r: StructureReader) -> str:
    base = r.uint(8, "BlobBase", hex, "Where it lies in memory.", BLOB)
    size = r.uint(8, "BlobLength", str, "How long it is, in bytes.", BLOB)
    return f"{size} bytes at {base:#x}"


def _named_blob(r: StructureReader) -> str:
    name = _description(r, "BlobDescription", BLOB)
    return f"{name}: {_blob(r)}"


def _code(r: StructureReader) -> str:
    """Read EV_POST_CODE or EV_S_CRTM_CONTENTS: a text in older firmware, else a blob, with its name or without."""
    if _as_text(r.data):
        return _text(r)
    return _blob(r) if r.left == 16 else _named_blob(r)


def _tables(r: StructureReader) -> str:
    count = r.uint(8, "NumberOfTables", str, "How many tables.", TABLES)
    if count > MAX_ENTRIES:
        r.fail("NumberOfTables", f"{count} tables", at=r.position - 8)
    names = []
    for n in range(count):
        with r.group(f"TableEntry[{n}]", "One table.", TABLES):
            names.append(_guid(r, "VendorGuid", "Which table.", TABLES))
            r.uint(8, "VendorTable", hex, "Where it lies.", TABLES)
    return ", ".join(names) or "no table"


def _named_tables(r: StructureReader) -> str:
    name = _description(r, "TableDescription", TABLES)
    return f"{name}: {_tables(r)}"


def _no_action(r: StructureReader) -> str:
    if r.data.startswith(STARTUP_LOCALITY):
        r.octets(16, "Signature", event_text, "From where TPM2_Startup came.", NO_ACTION)
        locality = r.uint(1, "StartupLocality", str, "PCR 0 begins with it. 4: an H-CRTM came first.", NO_ACTION)
        return f"TPM2_Startup came from locality {locality}"
    return _text(r)


def _tagged(r: StructureReader) -> str:
    def name(tag: int) -> str:
        return TAGS.get(tag, f"{tag:#010x}")

    tag = r.uint(4, "taggedEventID", name, "What is tagged.", TAGGED)
    size = r.uint(4, "taggedEventDataSize", str, "How many bytes follow.", TAGGED)
    return f"{name(tag)}: {event_text(r.octets(size, 'taggedEventData', event_text, 'What was tagged.', TAGGED))}"


def _flags(r: StructureReader) -> str:
    """Read EV_PLATFORM_CONFIG_FLAGS, whose form is the platform's own: QEMU's settings, a text, or octets."""
    if not r.data.startswith(QEMU):
        return _text(r)
    clause = "edk2, QemuFwCfgLib: FW_CFG_EVENT"
    r.octets(16, "FwCfg", _until_nul, "From QEMU's firmware configuration.", clause)
    name = r.octets(FILE_NAME, "FwCfgFileName", _until_nul, "Which file of it.", clause)
    r.octets(r.left, "FwCfgItem", None, "What the file said.", clause)
    return f"QEMU's {_until_nul(name)}"


def _until_nul(octets: bytes) -> str:
    return event_text(octets.partition(b"\0")[0])


def _guid(r: StructureReader, name: str, note: str, clause: str) -> str:
    return guid(r.octets(16, name, guid, note, clause))


def _utf16(r: StructureReader, size: int, name: str, note: str, clause: str) -> str:
    def show(octets: bytes) -> str:
        return octets.decode("utf-16-le", "replace").partition("\0")[0]

    return shown(show(r.octets(size, name, show, note, clause)))


def _description(r: StructureReader, name: str, clause: str) -> str:
    size = r.uint(1, f"{name}Size", str, "How long the name is.", clause)
    return event_text(r.octets(size, name, event_text, "What it is called.", clause))


_READERS: dict[int, Callable[[StructureReader], str]] = {
    types.EV_NO_ACTION: _no_action,
    types.EV_SEPARATOR: _separator,
    types.EV_EVENT_TAG: _tagged,
    types.EV_POST_CODE: _code,
    types.EV_POST_CODE2: _code,
    types.EV_S_CRTM_CONTENTS: _code,
    types.EV_PLATFORM_CONFIG_FLAGS: _flags,
    types.EV_EFI_VARIABLE_DRIVER_CONFIG: _variable,
    types.EV_EFI_VARIABLE_BOOT: _variable,
    types.EV_EFI_VARIABLE_BOOT2: _variable,
    types.EV_EFI_VARIABLE_AUTHORITY: _authority,
    types.EV_EFI_BOOT_SERVICES_APPLICATION: _image,
    types.EV_EFI_BOOT_SERVICES_DRIVER: _image,
    types.EV_EFI_RUNTIME_SERVICES_DRIVER: _image,
    types.EV_EFI_GPT_EVENT: _gpt,
    types.EV_EFI_GPT_EVENT2: _gpt,
    types.EV_EFI_PLATFORM_FIRMWARE_BLOB: _blob,
    types.EV_EFI_PLATFORM_FIRMWARE_BLOB2: _named_blob,
    types.EV_EFI_HANDOFF_TABLES: _tables,
    types.EV_EFI_HANDOFF_TABLES2: _named_tables,
}
