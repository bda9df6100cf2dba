"""The guest kernel: where it is, whether it can run here, and its command line.

User Mode Linux is a real Linux kernel that runs as a process of an ordinary user. Its root file system is the host's
own, read-only; nothing is downloaded or built.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.wire import Host

NAMES = ("linux.uml", "linux")
MEMORY_MIB = 96
ADDRESS = "TRUSTLAB_ADDRESS"
LAUNCHER = Path(__file__).with_name("launcher.py")
INIT = Path(__file__).parents[1] / "agent" / "init.py"
_CAPABILITIES = [
    "AVX",
    "AVX2",
    "AVX512F",
    "AVX512VL",
    "AVX512BW",
    "AVX512CD",
    "AVX512DQ",
    "ERMS",
    "AVX_Fast_Unaligned_Load",
]
SKIPPED = "initcall_blacklist=raid6_select_algo"
"""The kernel times its RAID6 routines for 0.85 s of the 1.3 s that it boots; no guest has a disk, let alone six."""
WITHOUT_AVX = (
    f"GLIBC_TUNABLES=glibc.cpu.hwcaps={','.join(f'-{name}' for name in _CAPABILITIES)}",
    "OPENSSL_ia32cap=~0x1800080000000000:0",
)
"""Environment of a guest whose kernel cannot keep AVX registers: the C library and OpenSSL do without them."""

_TURNS = itertools.count(os.getpid())
"""VMs take turns on the processors: the next one's, and not every process begins with the first."""


def find_kernel() -> str | None:
    """Return the path of a User Mode Linux kernel, None if there is none; TRUSTLAB_UML names another."""
    named = os.environ.get("TRUSTLAB_UML")
    if named:
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def why_not() -> str | None:
    """Say in a sentence why no VM can run here, None if one can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"User Mode Linux runs on Linux on x86-64, and this is {sys.platform} on {platform.machine()}."
    if find_kernel() is None:
        return "there is no User Mode Linux kernel (on Debian and Ubuntu: apt-get install user-mode-linux)."
    if ram_directory() is None:
        return "no temporary directory allows files to be executed: set TMPDIR to one that does."
    words = [sys.executable, str(INIT), str(LAUNCHER)]
    if any(" " in word for word in words):
        return f"a kernel's command line cannot hold a path with spaces: {next(w for w in words if ' ' in w)}"
    return None


def ram_directory() -> str | None:
    """Return a directory that may hold VMs' memory: one that allows execution, TMPDIR first; None if there is none."""
    wanted = [os.environ.get("TMPDIR"), "/dev/shm", tempfile.gettempdir()]  # noqa: S108 - nothing is named there
    for path in filter(None, wanted):
        try:
            facts = os.statvfs(path)
        except OSError:
            continue
        room = facts.f_bavail * facts.f_frsize >= 4 * MEMORY_MIB << 20
        if room and not facts.f_flag & os.ST_NOEXEC and os.access(path, os.W_OK | os.X_OK):
            return path
    return None


@functools.cache
def has_amx() -> bool:
    """Whether this processor has AMX, whose state these kernels cannot carry (see `launcher`)."""
    return " amx_tile" in Path("/proc/cpuinfo").read_text()


@functools.cache
def digest(path: str) -> str:
    """Return a kernel's SHA-256 in hex, for the record: the host's kernel file is not measured."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def command_line(kernel: str, host: Host, hypercalls: int, control: int, network: int) -> list[str]:
    """Return what starts a VM, given its ends of both serial lines and of its network cable as descriptors."""
    mode, extra = ("no-xstate", WITHOUT_AVX) if has_amx() else ("plain", ())
    return [
        sys.executable,
        *("-I", "-S", str(LAUNCHER), str(os.getpid()), str(next(_TURNS)), mode, kernel),
        *("rootfstype=hostfs", "rootflags=/", "ro", f"mem={MEMORY_MIB}M", f"init={sys.executable}", "quiet"),
        *("con=null", "con0=null,fd:1", "ipv6.disable=1", "uml_dir=/dev/null/"),  # it leaves no directory behind
        SKIPPED,
        *(f"ssl0=fd:{hypercalls}", f"ssl1=fd:{control}", f"vec0:transport=fd,fd={network},mac={host.mac}"),
        *(f"{ADDRESS}={host.ip}", *extra),
        *("--", "-B", "-s", str(INIT)),
    ]
