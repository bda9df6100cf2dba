"""Device paths: where a program lies, from the bus to the file (UEFI Specification 2.10, chapter 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest.errors import shown
from trustlab.attest.guids import guid

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest.reading import StructureReader

CLAUSE = "UEFI Specification, 10.3 Device Path Nodes"
HEAD = 4
END = 0x7F
MAX_NODES = 64


def device_path(r: StructureReader, size: int, name: str) -> str:
    """Read a device path of `size` octets and return it as text, such as `PciRoot(0)/Pci(1f,2)/Sata(0)`."""
    if size > r.left:
        r.short(size, name)
    if not size:
        return ""
    parts: list[str] = []
    end = r.position + size
    number = 0
    with r.group(name, "Where it comes from, step by step.", CLAUSE):
        while r.position < end:
            if number >= MAX_NODES:
                r.fail(name, f"more than {MAX_NODES} steps")
            with r.group(f"node[{number}]", "One step of the path.", CLAUSE):
                parts.append(_node(r, end))
            number += 1
    return "/".join(filter(None, parts))


def _node(r: StructureReader, end: int) -> str:
    kind = r.uint(1, "Type", hex, "Hardware, ACPI, messages, media, or the end.", CLAUSE)
    sub = r.uint(1, "SubType", hex, "What exactly.", CLAUSE)
    at = r.position
    length = r.uint(2, "Length", str, "How long this step is, with its head.", CLAUSE)
    if not HEAD <= length <= end - at + 2:
        r.fail("Length", f"{length} octets", at=at)

    def show(octets: bytes) -> str:
        return _said(kind, sub, octets)

    octets = r.octets(length - HEAD, "data", show, "Which one.", CLAUSE)
    return "" if kind == END else show(octets)


def _said(kind: int, sub: int, octets: bytes) -> str:
    known = _NODES.get((kind, sub))
    if known is None or len(octets) < known[0]:
        return f"({kind:x},{sub:x}){octets[:16].hex()}"
    return shown(known[1](octets))


def _number(octets: bytes, start: int, size: int) -> int:
    return int.from_bytes(octets[start : start + size], "little")


_NODES: dict[tuple[int, int], tuple[int, Callable[[bytes], str]]] = {
    (1, 1): (2, lambda o: f"Pci({o[1]:x},{o[0]:x})"),
    (1, 3): (20, lambda o: f"MemoryMapped({_number(o, 4, 8):#x})"),
    (1, 4): (16, lambda o: f"VenHw({guid(o[:16])})"),
    (2, 1): (8, lambda o: f"PciRoot({_number(o, 4, 4):x})" if _number(o, 0, 4) == 0x0A0341D0 else f"Acpi({o.hex()})"),
    (3, 2): (4, lambda o: f"Scsi({_number(o, 0, 2)},{_number(o, 2, 2)})"),
    (3, 5): (2, lambda o: f"USB({o[0]},{o[1]})"),
    (3, 11): (32, lambda o: f"MAC({o[:6].hex()})"),
    (3, 12): (8, lambda _: "IPv4"),
    (3, 13): (32, lambda _: "IPv6"),
    (3, 18): (6, lambda o: f"Sata({_number(o, 0, 2)})"),
    (3, 23): (12, lambda o: f"NVMe({_number(o, 0, 4)})"),
    (3, 24): (0, lambda o: f"Uri({o.decode('utf-8', 'replace')})"),
    (4, 1): (38, lambda o: f"HD({_number(o, 0, 4)},{guid(o[20:36]) if o[37] == 2 else o[20:24].hex()})"),
    (4, 2): (4, lambda o: f"CDROM({_number(o, 0, 4)})"),
    (4, 3): (16, lambda o: f"VenMedia({guid(o[:16])})"),
    (4, 4): (0, lambda o: o.decode("utf-16-le", "replace").partition("\0")[0]),
    (4, 6): (16, lambda o: f"FvFile({guid(o[:16])})"),
    (4, 7): (16, lambda o: f"Fv({guid(o[:16])})"),
}
"""By type and subtype: how many octets there must be, and how they read."""
