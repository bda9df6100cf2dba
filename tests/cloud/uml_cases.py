"""What the tests of virtual machines share: when they can run, images that do little, and what is left of them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from trustlab.cloud import Image

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable


def living(directory: Path) -> list[str]:
    """Return the command lines of processes that run with their files in a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            environment = (path / "environ").read_bytes()
            line = (path / "cmdline").read_bytes()
        except OSError:
            continue
        ours = str(directory).encode() in environment + line
        if ours and state != "Z" and (b"linux" in line or b"swtpm" in line):
            found.append(line.replace(b"\0", b" ").decode())
    return found


def gone(directory: Path) -> bool:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        # os.walk does not mind folders that the janitor removes while it looks
        if not living(directory) and not [name for _, _, files in os.walk(directory) for name in files]:
            return True
        time.sleep(0.1)
    return False


PROGRAM = b"""
def start(guest):
    guest.log("started", "The program runs.")

def who(guest):
    return guest.name

def echo(guest, *, data):
    return data

def fail(guest):
    raise ValueError("as it was told")

def claim(guest):
    guest._hypervisor.claim("antivirus.signatures", "2026-11-20")

def tpm(guest, *, command):
    return guest._hypervisor.tpm(command)

def write(guest, *, name, data):
    guest.disk[name] = data

def remove(guest, *, name):
    del guest.disk[name]

def files(guest):
    return dict(guest.disk)

def ask(guest, *, what, arguments):
    return guest._fabric.network._ask(what, **arguments)

def remember(guest, *, text):
    guest.memory["kept"] = text

def write_to_root(guest):
    open("/trustlab-was-here", "w")

def write_to_tmp(guest):
    import os
    note = os.environ["TMPDIR"] + "/note"
    open(note, "w").write("kept in the VM's own memory")
    return open(note).read()

def kernel(guest):
    import os
    return list(os.uname())

def hang(guest):
    import time
    time.sleep(3600)

class Echo:
    def __init__(self, data=b"", heard=None):
        self.out, self.heard, self.closed = data, heard, False

    def receive(self, data):
        if self.heard is None:
            self.out += data.upper()
        else:
            self.heard.append(data)
            self.closed = True

    def data_to_send(self):
        out, self.out = self.out, b""
        return out

    def eof_received(self):
        self.closed = True

HEARD = []

def serve(guest):
    guest.listen(7, lambda connection: Echo())

def shout(guest, *, to, text):
    HEARD.clear()
    guest.connect(to, 7, lambda name: Echo(text, HEARD))

def heard(guest):
    return b"".join(HEARD)

class Broken(Echo):
    def receive(self, data):
        raise RuntimeError("a bug in the program")

def serve_badly(guest):
    guest.listen(9, lambda connection: Broken())

def shout_at(guest, *, to, port):
    guest.connect(to, port, lambda name: Echo(b"anybody?", []))

def forge(guest):
    guest.party.emit("ground-truth", "connection", client="teller", addressed="bank", server="bank")

def babble(guest):
    import os
    os.write(guest._hypervisor._line.fileno(), bytes([255]) * 64)

def die(guest):
    import os
    os._exit(3)
"""

IDLE = Image("idle", PROGRAM, {"design": "plain-tls"})
