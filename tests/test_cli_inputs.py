"""No input of any command ends in a traceback: every parameter of every command is fed with what it should not be.

The commands and their parameters are taken from the app itself: a new one is fed, too. What costs time (an act, a
table, a server's day) is put away; everything before it is the command's own.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args, get_type_hints

import pytest
from test_cli import children_of, emulators, gone_soon
from typer.main import get_command

from trustlab import cli
from trustlab.cli.failure import Failure
from trustlab.cli.tpm import FILES, TpmShell
from trustlab.cloud import World
from trustlab.cloud.world import FILES as AUTHORITIES
from trustlab.cloud.world import FIRMWARE
from trustlab.scenarios import Act
from trustlab.scenarios.live_cloud import LiveCloud
from trustlab.tpm import Platform
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = get_command(cli.app)
COMMANDS = APP.commands
REACHED = "the work itself begins here"
FOREIGN = re.compile(
    r"Traceback|Errno|msgspec|cbor2|tomllib|ParseError|asn1|`\$|codec can't|fromhex|Expecting |line \d+ column|char \d|"
    r"object at 0x|Exception|[a-z]Error\b|null byte|surrogates|\bint\(\)|\bfloat\(\)|MalformedFraming|deserialize|"
    r"OpenSSL|recursion|<class|NoneType|Expected `|JSON is"
)
"""Words of libraries, which say nothing to whoever typed a command."""
KEPT = Path(tempfile.mkdtemp()) / "kept"
"""Evidence that `verify` accepts; the tests of this module make it once."""
CAPTURE = Path(__file__).parent / "capture" / "data" / "curl-openssl.pcapng.gz"
BASES = {
    "doctor": [],
    "lab": ["--no-open"],
    "demo": [],
    "find": ["plain-tls"],
    "atlas": [],
    "models": ["plain-tls", "--out", "models"],
    "alice": ["relay"],
    "sign": [str(CAPTURE)],
    "ca": ["--port", "0"],
    "grade": ["."],
    "answers": ["--student", "ada"],
    "inspect": [str(CAPTURE)],
    "ablation": ["checks"],
    "cloud": ["--run", "machines"],
    "matrix": [],
    "goals": ["tls13-key"],
    "third-party": [],
    "tamper": ["plain-tls"],
    "serve": ["--port", "0", "--quiet"],
    "connect": ["127.0.0.1:1"],
    "tpm": ["--run", "pcrs"],
    "verify": [str(KEPT)],
    "s_server": ["--port", "0", "--quiet"],
    "s_client": ["127.0.0.1:1"],
    "version": [],
}
"""What each command is given beside the parameter that is looked at."""
TEXTS = {
    "empty": "",
    "a blank": " ",
    "huge": "x" * 10_000,
    "negative": "-1",
    "a huge number": "9" * 400,
    "not a number": "nan",
    "without end": "inf",
    "control characters": "\x01\x1b[31m\x7f",
    "a line break": "a\nb",
    "not ASCII": "ünïcødé-名-🗝",
    "not UTF-8": os.fsdecode(b"\xff\xfe"),
    "commas": "a,,b,",
    "colons": "::",
    "no port": "localhost:",
    "port 0": "localhost:0",
    "a port out of range": "localhost:70000",
    "other digits": "localhost:¹²",
    "no host": ":4433",
    "brackets": "[::1",
    "a label too long": f"{'a' * 70}.example:1",
    "markup": "[bold]x[/nonsense]",
    "a format": "%s {0} {x}",
    "a device": "device:",
    "a device that is none": "device:/dev/null",
    "a folder as a device": "device:/",
}
LAB_FILES = (*AUTHORITIES, FIRMWARE)
CONTENTS = {
    "empty": b"",
    "blank": b"\n \n",
    "binary": bytes(range(256)) * 8,
    "nested JSON": b"[" * 100_000,
    "nested TOML": b"a = " + b"[" * 100_000,
    "nested TOML keys": b".".join([b"a"] * 5_000) + b" = 1",
    "nested CBOR": b"\x81" * 100_000,
    "a huge CBOR string": b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    "a JSON number": b"1" * 5_000,
    "a JSON list": b"[1, 2]",
    "a JSON object": b'{"binder": 1, "key_spki": [], "version": "x"}',
    "a JSON text": b'"text"',
    "TOML of another kind": b'version = "one"\nhypersafe = 3\nallowed_images = 7\n',
    "a TOML table": b"[version]\nx = 1\n",
    "a PEM frame around nothing": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "a PEM frame around noise": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "a key that is noise": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "an encrypted key": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "UTF-16": "version = 1".encode("utf-16"),
}


@pytest.fixture(autouse=True)
def light(monkeypatch, tmp_path):
    """Put away what takes time; and let no test write where it is run."""

    def reached(*_args, **_options):
        raise Failure(REACHED)

    powers = Platform.power_on

    def power_on(platform):
        if platform.emulated:
            reached()
        powers(platform)

    monkeypatch.setattr(Platform, "power_on", power_on)
    monkeypatch.setattr(Act, "run", reached)
    monkeypatch.setattr(LiveCloud, "open", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.matrix"], "run_matrix", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.ablation"], "run", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.in_vm"], "serve", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.tls"].Service, "run", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.doctor"], "examine", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.ca"].CaService, "run", reached)
    monkeypatch.setattr(sys.modules["trustlab.cli.alice"].AliceProxy, "serve", reached)
    monkeypatch.setattr(os, "execve", reached)  # `lab` becomes JupyterLab
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module", autouse=True)
def nothing_stays():
    """Whatever was started is gone in the end."""
    with Platform("machine", Trace().party("machine")) as platform:
        shell = TpmShell(platform)
        for line in ("launch", "measure hello", "key", "quote", f"save {KEPT}"):
            shell.onecmd(line)
    assert not shell.failed
    yield
    shutil.rmtree(KEPT.parent)
    assert gone_soon({pid for pid in children_of(os.getpid()) if pid in emulators()})


def run(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    """Run a command as the shell does; return its exit code, and what it wrote to each stream."""
    monkeypatch.setattr(sys, "argv", ["trustlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def check(code: int, err: str, arguments: tuple[str, ...], out: str = "") -> None:
    """Judge how a command ended; a shell of commands, or a verdict, tells its failures on standard output."""
    if code == 1 and not err and "refused by" in out:
        assert "Traceback" not in out
        return
    if code == 1 and not err and "✘" in out:
        err = f"trustlab: {out}"
    shown = f"{[a[:80] for a in arguments]}: {code}, {err[:2000]}"
    assert code in (0, 1, 2), shown  # 3 is a fault of trustlab's own
    if code:
        sentence = " ".join(err.split())
        assert "trustlab: " in sentence, shown
        said = sentence.rpartition("trustlab: ")[2]
        assert len(said) > 10, shown
        for given in arguments:  # what was given may be said again
            said = said.replace(" ".join(given.split()), "")
        assert not FOREIGN.search(said), f"{FOREIGN.search(said)} in {shown}"
        assert len(sentence) < 6_000, shown
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err), shown


class Parameter(NamedTuple):
    """One argument or option of a command."""

    command: str
    name: str
    option: str
    """Its name on the command line; empty for an argument."""
    place: int
    kinds: frozenset[type]

    def __str__(self) -> str:
        return f"{self.command} {self.option or self.name}"

    def fed(self, value: str) -> tuple[str, ...]:
        """Return a command line that gives it this value."""
        base = BASES[self.command]
        if not self.option:
            return (self.command, *base[: self.place], "--", value)
        if bool in self.kinds:
            return (self.command, *base, self.option)
        return (self.command, *base, f"{self.option}={value}")


def parameters() -> Iterator[Parameter]:
    """Walk the app: the names are typer's, the types those of the functions."""
    for info in cli.app.registered_commands:
        name = info.name or info.callback.__name__
        hints, place = get_type_hints(info.callback), 0
        for found in COMMANDS[name].params:
            if found.name == "help":
                continue
            option = next((opt for opt in found.opts if opt.startswith("-")), "")
            hint = hints[found.name]
            kinds = {k for part in (hint, *get_args(hint)) for k in (part, *get_args(part)) if isinstance(k, type)}
            yield Parameter(name, found.name, option, place, frozenset(kinds))
            place += not option


PARAMETERS = list(parameters())


def test_every_command_is_looked_at():
    assert set(BASES) == set(COMMANDS)
    assert len(PARAMETERS) >= 70
    assert sum(Path in each.kinds for each in PARAMETERS) >= 15


@pytest.mark.parametrize("parameter", PARAMETERS, ids=str)
def test_odd_words(capsys, monkeypatch, parameter):
    for value in [""] if bool in parameter.kinds else TEXTS.values():
        arguments = parameter.fed(value)
        code, out, err = run(capsys, monkeypatch, *arguments)
        check(code, err, arguments, out)


def odd_paths(folder: Path) -> dict[str, Path]:
    """Make files and folders that should not be there, or not so."""
    for number, content in enumerate(CONTENTS.values()):
        (folder / f"content {number}").write_bytes(content)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("missing")
    locked = folder / "locked"
    locked.write_bytes(b"x")
    locked.chmod(0)
    found = {name: folder / f"content {number}" for number, name in enumerate(CONTENTS)}
    found |= {name: folder / name for name in ("folder", "loop", "nowhere", "locked", "missing", "missing/below")}
    return found | {
        "below a file": folder / "content 0" / "below",
        "a name too long": folder / ("n" * 300),
        "a path too long": Path("/" + "n/" * 3_000),
        "unreadable memory": Path("/proc/self/mem"),
        "a full device": Path("/dev/full"),
        "read-only": Path("/proc/version"),
        "below /proc": Path("/proc/nothing/here"),
    }


@pytest.mark.parametrize("parameter", [each for each in PARAMETERS if Path in each.kinds], ids=str)
def test_odd_files(capsys, monkeypatch, tmp_path, parameter):
    for path in odd_paths(tmp_path).values():
        arguments = parameter.fed(str(path))
        code, out, err = run(capsys, monkeypatch, *arguments)
        check(code, err, arguments, out)


@pytest.mark.parametrize("options", [[], ["--json"], ["--terminal"]], ids=str)
def test_odd_files_to_inspect(capsys, monkeypatch, tmp_path, options):
    paths = odd_paths(tmp_path)
    for name, path in tuple(paths.items()):
        if name in CONTENTS:
            packed = path.with_name(f"{path.name}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            paths[f"{name}, packed"] = packed
    for path in paths.values():
        arguments = ("inspect", str(path), *options)
        code, out, err = run(capsys, monkeypatch, *arguments)
        assert code in (1, 2), path
        check(code, err, arguments, out)


def test_the_evidence_that_is_spoilt_below_is_good(capsys, monkeypatch):
    code, out, err = run(capsys, monkeypatch, "verify", str(KEPT))
    assert (code, err) == (0, "")
    assert "accepted" in out


@pytest.mark.parametrize("spoilt", FILES)
def test_odd_files_in_a_folder_of_evidence(capsys, monkeypatch, tmp_path, spoilt):
    folder = Path(shutil.copytree(KEPT, tmp_path / "kept"))
    whole = (folder / spoilt).read_bytes()
    for content in (*CONTENTS.values(), *(whole[:end] for end in range(0, len(whole), 1 + len(whole) // 40))):
        (folder / spoilt).write_bytes(content)
        code, out, err = run(capsys, monkeypatch, "verify", str(folder))
        check(code, err, ("verify", spoilt, str(folder)), out)
    (folder / spoilt).unlink()
    (folder / spoilt).mkdir()
    code, _, err = run(capsys, monkeypatch, "verify", str(folder))
    assert code == 1
    check(code, err, ("verify", str(folder)))


@pytest.mark.parametrize("spoilt", LAB_FILES)
@pytest.mark.parametrize("command", ["serve", "connect", "alice"])
def test_odd_files_in_a_lab(capsys, monkeypatch, tmp_path, command, spoilt):
    World(tmp_path / "lab")
    path = tmp_path / "lab" / spoilt
    whole = path.read_bytes() if path.exists() else b""
    for content in (*CONTENTS.values(), whole[: len(whole) // 2]):
        path.write_bytes(content)
        arguments = (command, *BASES[command], "--quiet", "--lab", str(tmp_path / "lab"))
        code, _, err = run(capsys, monkeypatch, *arguments)
        assert code == 1
        check(code, err, arguments)


def test_odd_lines_in_the_shell_of_a_machine(capsys, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    verbs = [name.removeprefix("do_") for name in dir(TpmShell) if name.startswith("do_")]
    with Platform("machine", Trace().party("machine")) as platform:
        for verb in verbs:
            for value in (*TEXTS.values(), "0 x", "99 x", "16", "24", "/proc/self/mem", "/dev/full", "/"):
                shell = TpmShell(platform)
                shell.onecmd(f"{verb} {value}")
                out, err = capsys.readouterr()
                if shell.failed:
                    check(1, f"trustlab: {out}", (verb, value))
                assert not err
