"""The first and only program of a VM: prepares the machine, then hands over to the agent. The kernel runs this file.

It uses the host's files read-only. What the VM writes goes to file systems in its own memory.
"""

from __future__ import annotations

import ast
import ctypes
import os
import sys
import time
import traceback
import types
from pathlib import Path

BEGAN = time.monotonic()
POWER_OFF = 0x4321FEDC
PLACES = ("/run", "/tmp", "/mnt")  # noqa: S108 - mounted over, nothing is named in them
"""Where memory to write into may be mounted: a checkout may itself lie under /tmp."""
PACKAGE = Path(__file__).parents[2]
LAZY = ("wire", "tpm", "capture", "cloud", "cloud.uml", "attacks", "scenarios")
"""Rooms whose face would import half the house: it is run only if somebody asks for a name of it."""


def mount() -> None:
    """Mount what programs expect: /proc, and memory where they write, in a place that hides nothing they read."""
    libc = ctypes.CDLL(None, use_errno=True)
    read = [str(PACKAGE), sys.prefix, sys.base_prefix]
    where = next(place for place in PLACES if not any(path.startswith(place + "/") for path in read))
    for kind, target in ((b"proc", b"/proc"), (b"tmpfs", where.encode())):
        if libc.mount(kind, target, kind, 0, None) != 0:
            raise OSError(ctypes.get_errno(), f"cannot mount {target.decode()}: {os.strerror(ctypes.get_errno())}")
    os.environ["TMPDIR"] = where


def lazy_room(name: str) -> None:
    """Put a package in place whose `__init__` is executed when a name of it is missed; a submodule's is not one."""
    module = types.ModuleType(name)
    folder = PACKAGE.parent / name.replace(".", "/")
    face = folder / "__init__.py"
    asked: list[str] = []

    def missing(attribute: str) -> object:
        if attribute.startswith("__") or asked:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        text = ast.parse(face.read_bytes())
        imported = [alias for node in text.body if isinstance(node, ast.ImportFrom) for alias in node.names]
        if not any(attribute in (alias.asname, alias.name) for alias in imported):  # then an import tries submodules
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        asked.append(attribute)
        exec(compile(text, str(face), "exec"), module.__dict__)  # noqa: S102 - the package's own face
        return getattr(module, attribute)

    module.__path__ = [str(folder)]
    module.__file__ = str(face)
    module.__dict__["__getattr__"] = missing
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)


def power_off() -> None:
    """Switch the machine off; does not return."""
    ctypes.CDLL(None).reboot(POWER_OFF)


def main() -> None:
    """Prepare the machine, run the agent, switch off whatever happens: an init that ends makes the kernel panic."""
    try:
        mount()
        sys.path.insert(0, str(PACKAGE.parent))
        __import__("trustlab")
        for room in LAZY:
            lazy_room(f"trustlab.{room}")
        from trustlab.cloud.agent.agent import Agent  # noqa: PLC0415 - only now can it be imported

        Agent(BEGAN).run()
    except BaseException:  # noqa: BLE001 - the console is the only place left to say it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        power_off()


if __name__ == "__main__":
    main()
