"""tpm2-pytss, the Python face of the TPM software stack, loaded when its first name is asked for.

Whoever only looks at a recording, verifies saved evidence or asks for help needs no TPM library. So nothing here
imports it at the top of a module: `tss.ESYS_TR` does, or raises TpmNotInstalled, which names what to install.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from trustlab.tpm.errors import TpmError, TpmNotInstalled, TssError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

T = TypeVar("T")
PACKAGES = "gcc pkg-config python3-dev libtss2-dev"
"""What tpm2-pytss is compiled with, on Debian and Ubuntu."""


def library() -> ModuleType:
    """Return tpm2_pytss; TpmNotInstalled if it is not here, or cannot load the C libraries that it stands on."""
    try:
        import tpm2_pytss  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise TpmNotInstalled(
            "the Python package tpm2-pytss is not installed, and this needs a TPM: run "
            f"`apt-get install {PACKAGES}` (Debian, Ubuntu), then `python3 -m pip install tpm2-pytss`. "
            "`trustlab doctor` says it for other systems"
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise TpmNotInstalled(
            "the Python package tpm2-pytss does not find the TPM software stack's libraries (tss2): run "
            f"`apt-get install {PACKAGES}` (Debian, Ubuntu), then `python3 -m pip install --force-reinstall "
            "--no-cache-dir tpm2-pytss`. `trustlab doctor` says it for other systems"
        ) from error
    return tpm2_pytss  # type: ignore[no-any-return]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - tpm2_pytss has no types
    if name.startswith("__"):
        raise AttributeError(name)
    value = globals()[name] = getattr(library(), name)
    return value


@contextmanager
def afterwards(release: Callable[[], object]) -> Iterator[None]:
    """Release something at the end of a `with`; an error inside is not hidden by that the release fails as well."""
    try:
        yield
    except BaseException:
        with suppress(TpmError):
            release()
        raise
    release()


def structure(make: Callable[..., T], *args: object, **fields: object) -> T:
    """Make one of the TSS's structures; TssError if what it is made from does not fit into it."""
    try:
        return make(*args, **fields)
    except (library().TSS2_Exception, IndexError, OverflowError, ValueError) as error:
        raise TssError(f"this is not a {_kind(make)}: {error}") from error


def _kind(make: Callable[..., object]) -> str:
    return make.__qualname__.partition(".")[0]
