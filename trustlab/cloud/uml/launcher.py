"""Start a VM's kernel so that it dies with its owner; run as a script, with the standard library alone.

`launcher.py OWNER-PID TURN plain|no-xstate KERNEL ARGUMENT...`: TURN counts the owner's VMs, which take turns on the
processors. With `no-xstate` a seccomp filter (seccomp(2)) refuses PTRACE_GETREGSET and PTRACE_SETREGSET: kernels up to
6.12 keep 2696 octets of floating-point state, and on a processor with AMX the host refuses to set fewer than all its
11 KiB (EFAULT, "ptrace set fp regs failed"). The kernel then falls back to PTRACE_SETFPREGS, which is right as long as
the guest's programs leave AVX alone; `kernel.py` sees to that.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
X86_64, PTRACE = 0xC000003E, 101
GETREGSET, SETREGSET = 0x4204, 0x4205
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 22  # EINVAL
FILTER = (
    (LOAD, 0, 0, 4),  # the architecture
    (IF_EQUAL, 0, 5, X86_64),
    (LOAD, 0, 0, 0),  # the system call
    (IF_EQUAL, 0, 3, PTRACE),
    (LOAD, 0, 0, 16),  # its first argument, the lower half
    (IF_EQUAL, 2, 0, GETREGSET),
    (IF_EQUAL, 1, 0, SETREGSET),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, REFUSE),
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _prctl(option: int, argument: object, second: object = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, second, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}): {os.strerror(ctypes.get_errno())}")


def refuse_register_sets() -> None:
    """Install the filter for this process and all it will run."""
    octets = b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER)
    buffer = ctypes.create_string_buffer(octets, len(octets))
    program = _Program(len(FILTER), ctypes.addressof(buffer))
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))


def stay_on_one_processor(turn: int) -> None:
    """Keep all of a VM on one processor; VMs that start one after the other take turns.

    The kernel is made for one, and every system call of its programs goes back and forth between two processes of ours:
    woken on an idle processor each time, a boot takes four times as long.
    """
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[turn % len(allowed)]})


def main() -> None:
    """Tie the life of this process to its owner's, and become the kernel."""
    owner, turn, mode, *line = sys.argv[1:]
    _prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != int(owner):
        sys.exit("the owner is gone already")
    if mode == "no-xstate":
        refuse_register_sets()
    stay_on_one_processor(int(turn))
    os.execv(line[0], line)  # noqa: S606 - fixed arguments


if __name__ == "__main__":
    main()
