"""The VM's network interface, brought up by the kernel's oldest means: ioctl(2) (see netdevice(7))."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

NIC = b"vec0"
LOOPBACK = b"lo"
PREFIX = "255.255.0.0"
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x890B, 0x8914, 0x8916, 0x891C
UP = 1


class _Route(ctypes.Structure):
    """`struct rtentry` of <linux/route.h>."""

    _fields_ = (
        ("pad1", ctypes.c_ulong),
        ("destination", ctypes.c_char * 16),
        ("gateway", ctypes.c_char * 16),
        ("mask", ctypes.c_char * 16),
        ("flags", ctypes.c_ushort),
        ("pad2", ctypes.c_short),
        ("pad3", ctypes.c_ulong),
        ("pad4", ctypes.c_void_p),
        ("metric", ctypes.c_short),
        ("device", ctypes.c_char_p),
        ("mtu", ctypes.c_ulong),
        ("window", ctypes.c_ulong),
        ("irtt", ctypes.c_ushort),
    )


def bring_up(address: str) -> None:
    """Give the interface its IPv4 address; everybody is a neighbour on Alice's switch. OSError if it fails."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        _set(handle, SIOCSIFFLAGS, LOOPBACK, struct.pack("h", UP))
        _set(handle, SIOCSIFADDR, NIC, _address(address))
        _set(handle, SIOCSIFNETMASK, NIC, _address(PREFIX))
        _set(handle, SIOCSIFFLAGS, NIC, struct.pack("h", UP))
        anywhere = _address("0.0.0.0")  # noqa: S104 - a route's mask
        fcntl.ioctl(handle, SIOCADDRT, _Route(0, anywhere, anywhere, anywhere, UP, device=NIC))


def _set(handle: socket.socket, request: int, device: bytes, value: bytes) -> None:
    fcntl.ioctl(handle, request, struct.pack("16s24s", device, value))


def _address(text: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
