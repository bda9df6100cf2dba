"""What carries octets to a TPM, and the socket or file underneath: whole responses, within a bound."""

from __future__ import annotations

from typing import Protocol, Self

DEFAULT_TIMEOUT = 60.0
"""Seconds; the slowest command is the search for an RSA key, which may take seconds on a busy machine."""
CONTROL_TIMEOUT = 10.0
MAX_RESPONSE = 1 << 16


class Transport(Protocol):
    """An emulated TPM (`Swtpm`), or a device file (`DeviceTpm`). Not thread-safe: `Platform` holds the lock."""

    @property
    def emulated(self) -> bool:
        """Whether power, locality and launch are ours to work."""

    @property
    def queues(self) -> bool:
        """Whether a command may be sent before the last one is answered; the answers come in the same order."""

    @property
    def came(self) -> float:
        """When the last response came, in seconds since 1970; it may have been read later."""

    def start(self) -> Self:
        """Give the TPM power, or open the device."""

    def send(self, command: bytes, timeout: float, *, behind: bool = False) -> None:
        """Send one command; TpmDead or TpmTimeout take the TPM out of service.

        With `behind`, which only a TPM that `queues` understands, others may still wait for their answers.
        """

    def receive(self, timeout: float) -> bytes:
        """Receive one whole response; TpmDead or TpmTimeout take the TPM out of service."""

    def set_locality(self, locality: int, timeout: float) -> None:
        """Set the locality of what follows."""

    def launch(self, code: bytes) -> None:
        """Run the DRTM sequence over `code`."""

    def stop(self) -> None:
        """Take the power away; non-volatile state stays."""

    def close(self) -> None:
        """Stop, and leave nothing behind."""
