"""What the tests of virtual machines share: when they can run, and images that do little."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from trustlab.cloud import Image

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable

needs_vms = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="User Mode Linux runs on Linux on x86-64 alone",
)

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

def remember(guest, *, text):
    guest.memory["kept"] = text

def write_to_root(guest):
    open("/trustlab-was-here", "w")

def write_to_tmp(guest):
    open("/tmp/note", "w").write("kept in the VM's own memory")
    return open("/tmp/note").read()

def kernel(guest):
    import os
    return list(os.uname())

def hang(guest):
    import time
    time.sleep(3600)

def die(guest):
    import os
    os._exit(3)
"""

IDLE = Image("idle", PROGRAM, {"design": "plain-tls"})
