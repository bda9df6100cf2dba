"""08-edit-frame: change bytes of a frame in flight, so that the receiving kernel accepts it."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

ETHERNET, IP, TCP = 14, 20, 20
"""Bytes of the three headers, which have no options here."""
PAYLOAD = ETHERNET + IP + TCP
CHECKSUM = ETHERNET + IP + 16
PAYEES = ("carol", "peter", "robin", "simon", "wendy")


def edited(frame: bytes, payee: bytes) -> bytes:
    """Return the frame with `payee` replaced by b"alice", so that the receiving kernel accepts it.

    14 bytes of Ethernet, 20 of IPv4, 20 of TCP, then HTTP in clear. The TCP checksum stands at offset 50, 2 bytes. It is
    the complement of the one's complement sum of all 16-bit words of the pseudo header (source and destination address, a
    zero byte, the protocol 6, the length of the segment in 2 bytes) and of the segment with the checksum field zero.
    """
    changed = bytearray(frame.replace(payee, b"alice"))
    changed[50:52] = b"\0\0"
    segment = bytes(changed[34:])
    words = changed[26:34] + bytes((0, 6)) + len(segment).to_bytes(2, "big") + segment + bytes(len(segment) % 2)
    total = sum(int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    changed[50:52] = (0xFFFF - total).to_bytes(2, "big")
    return bytes(changed)


def _sum(octets: bytes) -> int:
    """Return the complement of the one's complement sum (RFC 1071)."""
    padded = octets + bytes(len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def checksum_of(frame: bytes) -> int:
    """Return the TCP checksum that a frame should have."""
    segment = frame[ETHERNET + IP : CHECKSUM] + b"\0\0" + frame[CHECKSUM + 2 :]
    return _sum(frame[ETHERNET + 12 : ETHERNET + IP] + bytes((0, 6)) + len(segment).to_bytes(2, "big") + segment)


def frame_with(payload: bytes, source_port: int) -> bytes:
    """Return a frame from the teller to the bank with this payload, as a kernel would send it."""
    addresses = bytes((10, 0, 0, 4, 10, 0, 0, 3))
    header = (
        bytes.fromhex("4500")
        + (IP + TCP + len(payload)).to_bytes(2, "big")
        + bytes.fromhex("0001400040060000")
        + addresses
    )
    header = header[:10] + _sum(header).to_bytes(2, "big") + header[12:]
    tcp = source_port.to_bytes(2, "big") + bytes.fromhex("0050000003e9000007d150187210000000000000")[: TCP - 2]
    frame = bytes.fromhex("020000000003020000000004 0800") + header + tcp + payload
    return frame[:CHECKSUM] + checksum_of(frame).to_bytes(2, "big") + frame[CHECKSUM + 2 :]


def _judge(answer: Any, student: Student) -> Ruling:
    payee = student.choose("payee", PAYEES).encode()
    amount = f"{10 + student.number('amount', 900)}.00".encode()
    frame = frame_with(
        b"GET /pay?amount=" + amount + b"&to=" + payee + b" HTTP/1.1\r\n\r\n", 49152 + student.number("port", 9999)
    )
    got = answer(frame, payee)
    if not isinstance(got, bytes):
        return wrong(f"Return bytes; you returned {type(got).__name__}.")
    if len(got) != len(frame):
        return wrong(
            f"The frame had {len(frame)} bytes and has {len(got)} now. Everything behind it in the stream would be off: the "
            "kernels count bytes."
        )
    if b"to=alice" not in got:
        return wrong("The payee has not changed." if payee in got else "The payee is neither the old one nor alice.")
    if got[:CHECKSUM] != frame[:CHECKSUM] or got[CHECKSUM + 2 : PAYLOAD] != frame[CHECKSUM + 2 : PAYLOAD]:
        return wrong(
            "You changed more of the headers than the TCP checksum. The frame would not arrive, or not belong anywhere."
        )
    if got[PAYLOAD:] != frame[PAYLOAD:].replace(payee, b"alice"):
        return wrong("You changed more than the payee.")
    if got[CHECKSUM : CHECKSUM + 2] == frame[CHECKSUM : CHECKSUM + 2]:
        return wrong(
            "The TCP checksum is the old one. The bank's kernel throws the segment away without a word, and the teller's kernel "
            "sends it again, unchanged."
        )
    if int.from_bytes(got[CHECKSUM : CHECKSUM + 2], "big") != checksum_of(got):
        return wrong(
            "The checksum is neither the old one nor the right one. Have you set the field to zero before you add, and is the "
            "pseudo header in the sum?"
        )
    return right(
        f"The kernel accepts it, and Alice has {payee.decode()}'s money. A checksum is no MAC: whoever can change the bytes can "
        "change the sum. In TLS the same edit ends in bad_record_mac."
    )


def _no_pseudo_header(frame: bytes, payee: bytes) -> bytes:
    changed = frame.replace(payee, b"alice")
    segment = changed[ETHERNET + IP : CHECKSUM] + b"\0\0" + changed[CHECKSUM + 2 :]
    return changed[:CHECKSUM] + _sum(segment).to_bytes(2, "big") + changed[CHECKSUM + 2 :]


EXERCISE = Exercise(
    id="08-edit-frame",
    task="Change the payee in a frame, so that the receiving kernel accepts it.",
    hints=(
        "Both names have five letters: nothing moves, and no length changes.",
        "TCP adds up all 16-bit words of the segment and of a pseudo header. Your change changes the sum.",
        "Zero the two bytes at 50; sum frame[26:34], 00 06, the segment's length, and the segment frame[34:]; fold the carries; "
        "store 0xFFFF minus the sum.",
    ),
    judge=_judge,
    solution=edited,
    wrong={
        "no checksum": (lambda frame, payee: frame.replace(payee, b"alice"), "throws the segment away"),
        "too long": (lambda frame, payee: frame.replace(payee, b"alice the provider"), "the kernels count bytes"),
        "nothing": (lambda frame, payee: frame, "has not changed"),
        "no pseudo header": (_no_pseudo_header, "neither the old one nor the right one"),
        "zeros": (
            lambda frame, payee: frame[:50] + b"\0\0" + frame.replace(payee, b"alice")[52:],
            "neither the old one nor the right one",
        ),
        "text": (lambda frame, payee: str(frame), "Return bytes"),
    },
    varies="payee, amount and port",
)
