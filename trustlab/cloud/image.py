"""Images: what a customer rents a machine for, and what gets measured.

An image is a manifest: the guest program (Python source, the very octets that will run), its configuration, and in
words what comes from the host unmeasured. The manifest's SHA-256 is the digest that HyperSafe extends into PCR 19:
change a byte of the program, or a setting, and it is another image.
"""

from __future__ import annotations

import hashlib
import importlib.util
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.cloud.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNMEASURED = (
    "the Python interpreter and its standard library",
    "the trustlab package and its dependencies, apart from the program itself",
    "in a virtual machine: its kernel, and the agent that loads the program",
)
"""What a guest uses from the host's files and nobody measures: said in every manifest."""
CONTROL_VERBS = ("start", "control", "state", "power off")
"""What the lab may say to a guest on its control line, a back door that a real secure VM must not have: said too."""


class Image(msgspec.Struct, frozen=True):
    """A guest program with its configuration and files.

    `program` is Python source in UTF-8 that defines `start(guest)`; `files` are octets by name, which the program reads
    with `guest.file(name)`.
    """

    name: str
    program: bytes
    configuration: dict[str, str]
    files: dict[str, bytes] = {}

    @classmethod
    def of(
        cls, name: str, module: str, configuration: Mapping[str, str], files: Mapping[str, bytes] | None = None
    ) -> Image:
        """Make an image of an importable module's source file, which is read but not imported."""
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            raise ImageError(f"there is no Python source for the module {module!r}")
        return cls(name, Path(spec.origin).read_bytes(), dict(configuration), dict(files or {}))

    @property
    def manifest(self) -> bytes:
        """The octets that are measured: canonical JSON."""
        return msgspec.json.encode(
            {
                "name": self.name,
                "program": hashlib.sha256(self.program).hexdigest(),
                "configuration": self.configuration,
                "files": {name: hashlib.sha256(octets).hexdigest() for name, octets in self.files.items()},
                "unmeasured": UNMEASURED,
                "control line": CONTROL_VERBS,
            },
            order="sorted",
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of the manifest, 32 octets: what goes into PCR 19."""
        return hashlib.sha256(self.manifest).digest()

    def load(self) -> Program:
        """Run the measured octets themselves and return the program they define."""
        module = types.ModuleType(f"trustlab_guest_{self.name}")
        try:
            exec(compile(self.program, f"<image {self.name}>", "exec"), module.__dict__)  # noqa: S102 - it is what runs
        except (SyntaxError, ValueError) as error:
            raise ImageError(f"the program of the image {self.name!r} does not compile: {error}") from error
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ImageError(f"the program of the image {self.name!r} failed while it was loaded: {said}") from error
        return Program(self.name, module)


class Program:
    """A loaded guest program: the functions its source defines."""

    def __init__(self, image: str, module: types.ModuleType) -> None:
        self._image = image
        self._module = module

    def defines(self, name: str) -> bool:
        """Whether the program has a function of that name."""
        return callable(getattr(self._module, name, None))

    @property
    def verbs(self) -> tuple[str, ...]:
        """The names of the functions that the program's own source defines."""
        own = self._module.__name__
        return tuple(n for n, value in vars(self._module).items() if getattr(value, "__module__", "") == own)

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function of the program; ImageError if it defines none of that name."""
        function: Callable[..., Any] | None = getattr(self._module, name, None)
        if not callable(function):
            raise ImageError(f"the program of the image {self._image!r} defines no function {name!r}")
        return function
