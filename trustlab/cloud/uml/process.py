"""One VM's process: started, listened to, and ended for good."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.cloud.errors import CloudError
from trustlab.cloud.uml import janitor, kernel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from socket import socket

    from trustlab.wire import Host

CONSOLE_LINES = 200
KILLED = (
    "signal 9 ended its process, which the system does when memory runs out: a run between virtual machines takes "
    "about 270 MB. Allow more memory, or use the memory substrate (`--substrate memory`), which takes 45 MB"
)
NOISE = ("make_umid", "initialize umid", "ubd device 0", "SELinux:", "mmapper_init", "remove_umid_dir")
"""What the kernel always says and nobody needs: it may leave no directory, and has no disk."""
REAPED = 0.2
"""How long a process whose console has closed may take to be gone, in seconds."""
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


class VirtualMachine:
    """The process of one User Mode Linux kernel, with its console. Made and used on the cloud's thread.

    `ended` is called once, when the kernel has gone, whoever ended it.
    """

    def __init__(self, host: Host, ends: tuple[socket, socket, socket], ended: Callable[[], None]) -> None:
        path = kernel.find_kernel()
        directory = kernel.ram_directory()
        if path is None or directory is None:
            raise CloudError(f"no VM can run here: {kernel.why_not()}")
        self.kernel = path
        self._lines: deque[str] = deque(maxlen=CONSOLE_LINES)
        self._rest = b""
        self._ended = ended
        self._closed = False
        self._killed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        descriptors = [end.fileno() for end in ends]
        self._janitor = janitor.engage()
        try:
            self._process = subprocess.Popen(
                kernel.command_line(path, host, *descriptors),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, "TMPDIR": directory},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us; we stop our VMs in order
            )
        except BaseException:
            janitor.release(self._janitor)
            raise
        self._janitor.add(self.pid)

    @property
    def pid(self) -> int:
        """The kernel's process id on the host."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def console(self) -> tuple[str, ...]:
        """The last lines of the console."""
        return tuple(self._lines)

    def last_words(self) -> str:
        """Return for an error message whether somebody killed the kernel, and the console's last lines."""
        lines = [line for line in self._lines if line.strip()][-12:]
        told = "its console's last lines:\n  " + "\n  ".join(lines) if lines else "its console printed nothing"
        return f"{KILLED}; {told}" if self._was_killed() else told

    def _was_killed(self) -> bool:
        """Whether somebody else ended the kernel by the signal that no process can catch."""
        if self._killed:
            return False
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAPED)
        return self._process.returncode == -signal.SIGKILL

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep what comes over the console."""
        if self._process.stdout is None:  # it was asked for above
            return
        self._loop = loop
        os.set_blocking(self._process.stdout.fileno(), False)
        loop.add_reader(self._process.stdout.fileno(), self._readable)

    def wait(self, timeout: float) -> bool:
        """Wait for the kernel to end by itself; say whether it did."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return not self.running

    def kill(self) -> None:
        """End the kernel and all processes in which it runs its guests' programs."""
        self._killed = self._killed or self.running
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End what is left and keep the console. On the cloud's thread."""
        if self._closed:
            return
        self._closed = True
        self.kill()
        self._janitor.drop(self.pid)
        janitor.release(self._janitor)
        if self._process.stdout is not None:
            self._readable()
            self._stop_listening()
            self._process.stdout.close()

    def ram(self) -> Path:
        """Return the path of the file that is this VM's memory; CloudError when it is gone.

        The file has no name any more: it is reached through the kernel's own descriptors, and it is sparse.
        """
        best, size = None, 0
        with suppress(OSError):
            for link in Path(f"/proc/{self.pid}/fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()).endswith("(deleted)") and link.stat().st_size > size:
                        best, size = link, link.stat().st_size
        if best is None:
            raise CloudError("this VM was powered off, so it has no memory any more")
        return best

    def proportional_size(self) -> int:
        """Return what this VM costs the host in octets: the PSS of all its processes, its memory file included.

        The kernel's helpers share the kernel's own address space: what reports the same is counted once.
        """
        found = set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.getpgid(int(path.name)) == self.pid:
                    found.add((path / "smaps_rollup").read_text())
        sizes = [int(line.split()[1]) for text in found for line in text.splitlines() if line.startswith("Pss:")]
        return sum(sizes) * 1024

    def _readable(self) -> None:
        if self._process.stdout is None:
            return
        try:
            data = os.read(self._process.stdout.fileno(), 65536)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines, self._rest = [self._rest], b""
        for raw in lines:
            line = raw.decode("utf-8", "replace").rstrip("\r")
            if not any(word in line for word in NOISE):
                self._lines.append(line)
        if not data:
            self._stop_listening()

    def _stop_listening(self) -> None:
        if self._loop is not None and self._process.stdout is not None:
            self._loop.remove_reader(self._process.stdout.fileno())
            self._loop = None
            self._ended()
