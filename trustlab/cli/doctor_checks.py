"""What `trustlab doctor` looks at: each check tries the thing itself, and says what is in the way."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.cli import packages
from trustlab.cloud.cloud import SENTENCES
from trustlab.cloud.uml import why_not
from trustlab.tpm import Swtpm, TpmError, TpmNotInstalled, tss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USES = ("demo", "lab", "uml", "qemu", "inspect", "verify")
"""What a user may want to do here, in the words of `works`."""
NEEDS_A_TPM = ("demo", "lab", "uml", "qemu")
STARTUP_CLEAR = bytes.fromhex("80010000000c00000144") + bytes(2)
EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
"""JupyterLab's extensions that draw the inspector: anywidget's own, and the one it builds on."""
ANEW = ("--force-reinstall", "--no-deps")
"""Options of pip for a package that is there, but broken."""
FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


@dataclass(frozen=True)
class Finding:
    """One check's result. `need` names system packages, `wants` are requirements of pip, `also` is one more command."""

    name: str
    ok: bool
    needed_for: tuple[str, ...]
    sentence: str
    need: str = ""
    wants: list[str] = field(default_factory=list)
    also: str = ""

    def commands(self, where: str | None) -> list[str]:
        """Return what mends it, in order; nothing if it is well, or if nothing is known to help."""
        return commands([self], where)


def commands(findings: list[Finding], where: str | None) -> list[str]:
    """Return the commands that mend all of these, each package once."""
    broken = [one for one in findings if not one.ok]
    needs = list(dict.fromkeys(name for one in broken if one.need for name in packages.packages(one.need, where)))
    wants = list(dict.fromkeys(wanted for one in broken for wanted in one.wants))
    lines = [packages.install(needs, where)] if needs and where else []
    lines += [packages.pip(wants)] if wants else []
    return lines + list(dict.fromkeys(one.also for one in broken if one.also))


def examine(where: str | None) -> Iterator[Finding]:
    """Make all checks, one after the other."""
    checks: tuple[Callable[[], Finding], ...] = (
        _temporary,
        _swtpm,
        _tss,
        _uml,
        _qemu,
        _jupyter,
        _widget,
        _tshark,
        _scapy,
        _fonts,
    )
    for check in checks:
        found = check()
        if not found.ok and found.need and not packages.packages(found.need, where):
            debian = packages.NAMES[found.need]["debian"]
            why = "We know no package for it on this distribution" if where else "We do not know this distribution"
            found = replace(found, sentence=f"{found.sentence} {why}; on Debian it is: {debian}.")
        yield found


def works(findings: list[Finding]) -> dict[str, bool]:
    """Return for each use whether all that it needs is here, and this version knows it."""
    here = {use: all(one.ok for one in findings if use in one.needed_for) for use in USES}
    return here | {"qemu": here["qemu"] and "qemu" in SENTENCES}


def _temporary() -> Finding:
    """Find out whether something can be written to a temporary folder; `inspect` shows a page from there."""
    uses = (*NEEDS_A_TPM, "inspect")
    try:
        with tempfile.TemporaryDirectory(prefix="trustlab-") as folder:
            (Path(folder) / "probe").write_bytes(b"probe")
    except OSError as error:
        reason = (error.strerror or "no reason is known").lower()
        return Finding(
            "temporary folder", ok=False, needed_for=uses,
            sentence=f"No temporary folder can be written to ({reason}). Set TMPDIR to one that can.",
        )  # fmt: skip
    return Finding("temporary folder", ok=True, needed_for=uses, sentence="Temporary files can be written.")


def _swtpm() -> Finding:
    """Start a TPM emulator and power it on."""
    name = "swtpm"
    try:
        with Swtpm() as emulator:
            answer = emulator.transmit(STARTUP_CLEAR)
    except TpmNotInstalled:
        return Finding(
            name, ok=False, needed_for=NEEDS_A_TPM, sentence="The TPM emulator swtpm is not installed.", need=name
        )
    except TpmError as error:
        return Finding(name, ok=False, needed_for=NEEDS_A_TPM, sentence=f"The TPM emulator does not start: {error}.")
    except OSError as error:
        reason = (error.strerror or "no reason is known").lower()
        return Finding(name, ok=False, needed_for=NEEDS_A_TPM, sentence=f"The TPM emulator finds no place: {reason}.")
    well = answer[6:10] == bytes(4)
    said = "The TPM emulator starts and answers." if well else f"The TPM emulator refuses to start up: {answer.hex()}."
    return Finding(name, ok=well, needed_for=NEEDS_A_TPM, sentence=said)


def _tss() -> Finding:
    """Load tpm2-pytss, and with it the TPM software stack."""
    name = "tpm2-pytss"
    try:
        tss.library()
    except TpmNotInstalled as error:
        missing = isinstance(error.__cause__, ModuleNotFoundError)
        return Finding(
            name, ok=False, needed_for=NEEDS_A_TPM,
            sentence=(
                "The Python package tpm2-pytss is not installed. pip compiles it, which takes a C compiler and the "
                "development files of the TPM software stack (tss2)."
                if missing
                else "tpm2-pytss is installed, but does not find the libraries of the TPM software stack (tss2)."
            ),
            need="tss",
            wants=packages.requirements(name) if missing else [*ANEW, "--no-cache-dir", name],
        )  # fmt: skip
    version = importlib.metadata.version(name)
    return Finding(
        name, ok=True, needed_for=NEEDS_A_TPM, sentence=f"tpm2-pytss {version} finds the TPM software stack."
    )


def _uml() -> Finding:
    """Ask the substrate itself whether it can boot here."""
    name, reason = "User Mode Linux", why_not()
    if reason is None:
        return Finding(name, ok=True, needed_for=("uml",), sentence="Virtual machines of User Mode Linux can run.")
    missing = sys.platform == "linux" and "user-mode-linux" in reason
    return Finding(
        name, ok=False, needed_for=("uml",), need="uml" if missing else "",
        sentence=f"Virtual machines cannot run: {reason} The lab then uses the memory substrate.",
    )  # fmt: skip


def _qemu() -> Finding:
    """Look for QEMU's program; whether this version of the lab can use it is another question."""
    found, known = shutil.which("qemu-system-x86_64"), "qemu" in SENTENCES
    told = f"QEMU is installed ({found})." if found else "QEMU is not installed."
    return Finding(
        "QEMU", ok=bool(found), needed_for=("qemu",),
        sentence=told if known else f"{told} This version of the lab has no machines of QEMU, so nothing needs it.",
        need="qemu" if known else "",
    )  # fmt: skip


def _jupyter() -> Finding:
    """Look for JupyterLab in this environment, without importing it."""
    if importlib.util.find_spec("jupyterlab") is None:
        return Finding(
            "JupyterLab", ok=False, needed_for=("lab",), wants=packages.requirements("labs"),
            sentence="JupyterLab is not installed in this Python environment.",
        )  # fmt: skip
    version = importlib.metadata.version("jupyterlab")
    return Finding("JupyterLab", ok=True, needed_for=("lab",), sentence=f"JupyterLab {version} is installed.")


def _widget() -> Finding:
    """Ask JupyterLab which extensions it would load: the inspector needs two of them."""
    name, uses = "inspector in JupyterLab", ("lab",)
    missing = [
        module for module in ("anywidget", "ipywidgets", "jupyterlab") if importlib.util.find_spec(module) is None
    ]
    if missing:
        return Finding(
            name, ok=False, needed_for=uses, wants=packages.requirements("labs"),
            sentence=f"The inspector cannot be shown in a notebook: {' and '.join(missing)} not installed here.",
        )  # fmt: skip
    installed, disabled = _extensions()
    if absent := [extension for extension in EXTENSIONS if extension not in installed]:
        return Finding(
            name, ok=False, needed_for=uses,
            sentence=f"JupyterLab does not find the extension {' and '.join(absent)}; notebooks show still pictures.",
            wants=[*ANEW, "anywidget", "ipywidgets", "jupyterlab_widgets"],
        )  # fmt: skip
    if off := [extension for extension in EXTENSIONS if extension in disabled]:
        python = shlex.quote(sys.executable)
        return Finding(
            name, ok=False, needed_for=uses,
            sentence=f"JupyterLab has the extension {' and '.join(off)} disabled; notebooks show still pictures.",
            also=" && ".join(f"{python} -m jupyter labextension enable {one}" for one in off),
        )  # fmt: skip
    return Finding(name, ok=True, needed_for=uses, sentence="JupyterLab has the inspector's extensions, enabled.")


def _extensions() -> tuple[set[str], set[str]]:
    """Return the names of JupyterLab's prebuilt extensions, and of those that are disabled."""
    from jupyter_core.paths import jupyter_path  # noqa: PLC0415 - they are not there without the notebook extra
    from jupyterlab_server.config import get_page_config  # noqa: PLC0415

    settings = Path(os.environ.get("JUPYTERLAB_DIR") or Path(sys.prefix) / "share" / "jupyter" / "lab") / "settings"
    page = get_page_config(jupyter_path("labextensions"), str(settings))
    disabled = {str(one).partition(":")[0] for one in page.get("disabledExtensions", ())}
    return {str(one["name"]) for one in page.get("federated_extensions", ())}, disabled


def _tshark() -> Finding:
    """Look for tshark, which opens the captures that the lab keeps."""
    found = shutil.which("tshark")
    return Finding(
        "tshark", ok=found is not None, needed_for=(), need="tshark",
        sentence="tshark opens the captures that the lab keeps." if found
        else "tshark is not installed. The lab does without; tshark, or Wireshark, opens the captures that it keeps.",
    )  # fmt: skip


def _scapy() -> Finding:
    """Look for scapy, without importing it."""
    found = importlib.util.find_spec("scapy") is not None
    return Finding(
        "scapy", ok=found, needed_for=(), wants=packages.requirements("scapy"),
        sentence="scapy gives live packets, and looks into tunnels." if found
        else "scapy is not installed. The lab does without live packets, and without what is inside of tunnels.",
    )  # fmt: skip


def _fonts() -> Finding:
    """Look for a font: a browser on this machine draws the lab's arrows and marks with it."""
    found = any(
        next(Path(folder).expanduser().rglob(pattern), None) for folder in FONTS for pattern in ("*.ttf", "*.otf")
    )
    return Finding(
        "fonts", ok=found, needed_for=(), need="fonts",
        sentence="There are fonts for a browser on this machine." if found
        else "There are no fonts: a browser on this machine shows boxes. A browser elsewhere brings its own.",
    )  # fmt: skip
