"""What Alice's switch adds to a cable, and what listening to a handshake costs beside making one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.measure import side_by_side
from trustlab.trace import Trace
from trustlab.wire import Flag, Host, Segment, Switch, build_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

GOALS = {"switch_frames_per_s": 5000.0}
NOTES = {
    "switch_round_trip_vs_socketpair": "a frame there and back through the recording switch / over a bare socketpair, "
    "both answered by another process",
    "switch_frames_per_s": "1400-octet frames of one stream, recorded with connection and offset",
}
TELLER = Host("teller", "02:00:00:00:00:02", "10.0.0.2")
BANK = Host("bank", "02:00:00:00:00:03", "10.0.0.3")
WINDOW = 64
ECHO = """
import socket, sys
cable, answer = socket.socket(fileno=int(sys.argv[1])), bytes.fromhex(sys.argv[2])
while True:
    cable.recv(65536)
    cable.send(answer)
"""


def run() -> dict[str, float]:
    """Measure the switch beside a plain socketpair."""
    return {
        "switch_round_trip_vs_socketpair": round_trip(),
        "switch_frames_per_s": throughput(),
    }


def round_trip() -> float:
    """Send a frame of 58 octets to an echoing process and back, through the switch and without."""
    with _switched() as (teller, bank), _pair() as (near, far), _echo(bank), _echo(far):
        times = side_by_side(
            {"switch": lambda: _ask(teller), "bare": lambda: _ask(near)},
            rounds=40,
            calls=25,
        )
    return times["switch"] / times["bare"]


def throughput() -> float:
    """Count frames a second through the switch, never more than a window of them on the way."""
    frames = [_frame(TELLER, BANK, bytes(1400), seq=1 + 1400 * n) for n in range(4096)]
    with _switched() as (teller, bank):
        teller.send(_frame(TELLER, BANK, b"", seq=0))
        bank.recv(65536)
        began = time.perf_counter()
        for start in range(0, len(frames), WINDOW):
            for frame in frames[start : start + WINDOW]:
                teller.send(frame)
            for _ in frames[start : start + WINDOW]:
                bank.recv(65536)
        return len(frames) / (time.perf_counter() - began)


def _frame(source: Host, destination: Host, payload: bytes, seq: int = 1) -> bytes:
    ports = (50000, 443) if source is TELLER else (443, 50000)
    return build_frame(
        Segment(source.mac, destination.mac, source.ip, destination.ip, *ports, seq, 0, Flag.ACK, payload)
    )


def _ask(cable: socket.socket) -> None:
    cable.send(_frame(TELLER, BANK, b"ping"))
    cable.recv(65536)


@contextlib.contextmanager
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        yield near, far


@contextlib.contextmanager
def _echo(cable: socket.socket) -> Iterator[None]:
    """Answer every datagram, in a process of its own as a guest is one, until the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", ECHO, str(cable.fileno()), _frame(BANK, TELLER, b"pong").hex()],
        pass_fds=[cable.fileno()],
    )
    try:
        yield
    finally:
        child.kill()
        child.wait()


@contextlib.contextmanager
def _switched() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Plug two machines into a switch whose loop runs in a thread of its own, as a Cloud's does, and introduce them."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def plug() -> tuple[Switch, socket.socket, socket.socket]:
        switch = Switch(Trace())
        return switch, switch.plug(TELLER), switch.plug(BANK)

    async def unplug(switch: Switch) -> None:
        switch.close()

    switch, teller, bank = asyncio.run_coroutine_threadsafe(plug(), loop).result()
    try:
        with teller, bank:
            for cable, frame in ((teller, _frame(TELLER, BANK, b"")), (bank, _frame(BANK, TELLER, b""))):
                cable.send(frame)
            for cable in (bank, teller):
                cable.settimeout(10)
                cable.recv(65536)
                cable.settimeout(None)  # the echoing child shares it
            yield teller, bank
            asyncio.run_coroutine_threadsafe(unplug(switch), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
