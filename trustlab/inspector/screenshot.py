"""A page as a PNG, by a Chromium that is installed already; it sees a copy of the page in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60
MEASURE = "<script>document.documentElement.dataset.height = document.documentElement.scrollHeight</script>"
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


class NoPictureError(RuntimeError):
    """There is no browser, or it did not draw; the message says what to do."""


def browser() -> str:
    """Return the path of a Chromium: that of TRUSTLAB_CHROMIUM, or the first installed. NoPictureError without one."""
    found = os.environ.get("TRUSTLAB_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NoPictureError(
            "a PNG needs Chromium, which was not found: install the package chromium (apt-get install chromium) "
            "or set TRUSTLAB_CHROMIUM to a browser's path"
        )
    return found


def screenshot(page: str, path: str | Path, *, width: int = 1180, scale: float = 1.5) -> Path:
    """Draw a self-contained page at its full height, `width` CSS pixels wide, and return the PNG's path.

    NoPictureError if no browser draws it.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="trustlab-png-") as name:
        folder = Path(name)
        # The copy that is measured runs one line of ours; the page that is drawn runs none.
        (folder / "measured.html").write_text(POLICY.sub("", page).replace("</body>", f"{MEASURE}</body>"), "utf-8")
        (folder / "drawn.html").write_text(page, "utf-8")
        told = _run(folder, [f"--window-size={width},800", "--dump-dom", str(folder / "measured.html")])
        height = re.search(r'data-height="(\d+)"', told)
        if height is None:
            raise NoPictureError("Chromium did not say how high the page is")
        size = f"--window-size={width},{height[1]}"
        drawn = folder / "drawn.png"
        options = [size, f"--force-device-scale-factor={scale:g}", f"--screenshot={drawn}"]
        _run(folder, [*options, str(folder / "drawn.html")])
        if not drawn.exists():
            raise NoPictureError("Chromium drew no picture")
        path.write_bytes(drawn.read_bytes())
    return path


def _run(folder: Path, options: list[str]) -> str:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not start as root
    command = [
        *(browser(), "--headless", *root, "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
        *("--no-first-run", f"--user-data-dir={folder / 'profile'}", "--disable-background-networking", *options),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise NoPictureError(f"Chromium did not finish within {SECONDS} seconds") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return told
