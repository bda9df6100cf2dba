"""`trustlab inspect`: files, servers, pages, JSON, progress, and how it ends. docs/inspect.md is executed here, too."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustlab import cli
from trustlab.capture import CaptureProgress, decode_pcapng
from trustlab.cli import inspect as _inspect  # noqa: F401 - the module, of which a function has the name
from trustlab.cloud import Authority
from trustlab.inspector import Ladder
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, Host, TcpConversation, parse_pcapng, write_capture

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "capture" / "data"
CAPTURE, KEYS = DATA / "curl-openssl.pcapng.gz", DATA / "curl-openssl.keys"
COMMAND = [sys.executable, "-m", "trustlab", "inspect"]
MODULE = sys.modules["trustlab.cli.inspect"]
PATIENCE = 60.0


@pytest.fixture
def inspected(capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command as the shell does; what it leaves goes to a folder of the test's own."""
    monkeypatch.setattr(MODULE.tempfile, "tempdir", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["trustlab", "inspect", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code, out=out, err=" ".join(err.split()))

    return run


def picture(path: Path) -> dict[str, Any]:
    packed = path.read_text().partition('id="document">')[2].partition("</script>")[0]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_json_has_every_connection_message_and_field(inspected: Any) -> None:
    done = inspected(CAPTURE, "--keylog", KEYS, "--json")
    told = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (told["source"], told["frames"]) == (str(CAPTURE), 57)
    assert [c["decrypted"] for c in told["connections"]] == [True] * 3
    assert sum(len(m["fields"]) for c in told["connections"] for m in c["messages"]) > 500
    assert not json.loads(inspected(CAPTURE, "--json").out)["connections"][0]["decrypted"]


def test_a_page_is_written_where_it_is_wanted_and_secrets_only_if_wanted(inspected: Any, tmp_path: Path) -> None:
    rows = len(Ladder.of(decode_pcapng(CAPTURE, keylog=KEYS.read_text())).rows)
    for options, found in (([], False), (["--secrets"], True)):
        page = tmp_path / "page.html"
        done = inspected(CAPTURE, "--keylog", KEYS, "--html", page, *options)
        assert (done.code, done.out.strip()) == (0, f"written to {page}")
        assert len(picture(page)["rows"]) == rows
        assert (b"GET / HTTP/1.1".hex() in json.dumps(picture(page))) is found


def test_without_a_display_the_page_is_made_and_its_place_told(inspected: Any, tmp_path: Path) -> None:
    done = inspected(CAPTURE, "--keylog", KEYS)
    path = Path(re.search(r"the page is (\S+): open it in a browser", done.out)[1])
    assert tmp_path in path.parents
    assert picture(path)["rows"]
    assert "--secrets shows them" in done.err
    assert path.parent.stat().st_mode & 0o077 == 0, "nobody else reads it"


def test_with_a_display_the_page_is_opened(inspected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    done = inspected(CAPTURE)
    assert done.out.startswith("opened in the browser: ")
    assert opened == [Path(done.out.split(": ")[1].strip()).as_uri()]


def test_a_trace_opens_and_an_existing_path_wins_over_a_server(
    inspected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trace = decode_pcapng(CAPTURE, keylog=KEYS.read_text())
    trace.save("localhost:443")
    Path("packed.jsonl.gz").write_bytes(gzip.compress(Path("localhost:443").read_bytes()))
    told = [json.loads(inspected(name, "--json").out) for name in ("localhost:443", "packed.jsonl.gz")]
    assert told[0]["connections"] == told[1]["connections"] != []
    assert told[0]["skipped"] == [{"what": "UDP packets", "count": 3}]


def test_nothing_decoded_is_exit_code_one_and_json_all_the_same(inspected: Any, tmp_path: Path) -> None:
    udp = [f for f in parse_pcapng(gzip.decompress(CAPTURE.read_bytes())).frames if f.raw[23] == 17]
    path = write_capture(tmp_path / "udp.pcapng", udp)
    done = inspected(path)
    assert done.code == 1
    assert "nothing could be decoded" in done.err
    assert "Not decoded: 3 UDP packets." in done.err
    done = inspected(path, "--json")
    assert (done.code, json.loads(done.out)["skipped"]) == (1, [{"what": "UDP packets", "count": 3}])
    path.write_bytes(b"GIF89a")
    done = inspected(path, "--json")
    assert done.code == 1
    assert "neither a trace" in json.loads(done.out)["notes"][0]


BAD = {
    "no file": ["nowhere.pcapng"],
    "no port": ["localhost"],
    "a port out of range": ["localhost:99999"],
    "no key log": [str(CAPTURE), "--keylog", "nowhere.keys"],
    "a folder as key log": [str(CAPTURE), "--keylog", "/"],
    "two ways to look": [str(CAPTURE), "--json", "--terminal"],
    "no source": [],
    "an option that is none": [str(CAPTURE), "--pdf"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_bad_arguments_are_exit_code_two(inspected: Any, arguments: list[str]) -> None:
    done = inspected(*arguments)
    assert done.code == 2
    assert done.err.startswith("trustlab: ")
    assert done.out == ""


@pytest.mark.parametrize("arguments", [["127.0.0.1:1"], [str(CAPTURE), "--html", "/nowhere/page.html"]])
def test_what_cannot_be_done_is_exit_code_one(inspected: Any, arguments: list[str]) -> None:
    done = inspected(*arguments)
    assert done.code == 1
    assert re.search("cannot (connect|write)", done.err)


def test_without_a_terminal_the_whole_ladder_is_printed_with_a_sentence(inspected: Any) -> None:
    done = inspected(CAPTURE, "--keylog", KEYS, "--terminal")
    assert done.code == 0
    assert "standard input is not a terminal, so there are no keys to press: here is the whole ladder." in done.err
    assert done.out.count("ClientHello") >= 2
    assert "Read 57 packets (Ethernet). Not decoded: 3 UDP packets." in done.out


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve TLS by OpenSSL; give the address and the root."""
    authority, key = Authority("a root"), ec.generate_private_key(ec.SECP256R1())
    chain = authority.issue(["localhost"], key.public_key()).public_bytes(Encoding.PEM)
    (tmp_path / "chain.pem").write_bytes(chain + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate = tmp_path / "root.pem"
    certificate.write_text(authority.root_pem)
    serve = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", tmp_path / "chain.pem"]
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            if line.startswith(b"ACCEPT 127"):
                break
        yield f"localhost:{line.split(b':')[-1].strip().decode()}", certificate
        process.kill()


def test_a_server_is_looked_at_by_a_connection_of_our_own(inspected: Any, bank: tuple[str, Path]) -> None:
    address, certificate = bank
    done = inspected(address, "--ca", certificate, "--json")
    (connection,) = json.loads(done.out)["connections"]
    assert done.code == 0
    assert (connection["version"], connection["decrypted"]) == ("TLS 1.3", True)
    assert {"ServerHello", "Certificate", "Finished"} <= {m["name"] for m in connection["messages"]}
    assert json.loads(inspected(address, "--insecure", "--json").out)["notes"] == []


def test_a_server_that_is_not_trusted_is_shown_up_to_the_refusal(inspected: Any, bank: tuple[str, Path]) -> None:
    done = inspected(bank[0], "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["connections"][0]["messages"][-1]["name"] == "Alert"
    assert "does not lead to a trusted root" in told["notes"][0]


def test_progress_is_told_after_a_second_and_not_before(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(MODULE, "time", clock)
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=terminal: answer)
        said = MODULE._Progress()
        told = []
        for clock.now in (clock.now + step for step in (0.9, 0.2, 0.1, 6.0)):
            said(CaptureProgress(25_000_000, 100_000_000, 1_234))
            told.append(capsys.readouterr().err)
        said.end()
        shown = "reading: 25 % of 100 MB, 1,234 packets"
        wanted = f"\r{shown}\x1b[K" if terminal else f"{shown}\n"
        assert told == ["", wanted, "", wanted]
        assert capsys.readouterr().err == ("\r\x1b[K" if terminal else "")


def test_ctrl_c_ends_the_reading_of_a_large_file(tmp_path: Path) -> None:
    trace = Trace()
    tcp = TcpConversation(
        trace.party("n"),
        "c",
        Host("a", "02:00:00:00:00:02", "10.0.0.2"),
        Host("b", "02:00:00:00:00:03", "10.0.0.3"),
        5,
        6,
    )
    tcp.open()
    tcp.data("client", b"\x17\x03\x03\x05\x00" + bytes(1280))
    path = tmp_path / "large.pcapng"
    write_capture(path, [CapturedFrame(0.0, event.raw) for event in trace])
    octets = path.read_bytes()
    packet = octets.rindex(b"\6\0\0\0", 0, len(octets) - 1400)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(octets[packet:] * 1000)
    command = ["env", "--default-signal=INT", *COMMAND, str(path)]  # a shell's background jobs ignore Ctrl-C
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert re.fullmatch(r"reading: \d+ % of 1\d\d MB, .*\n", process.stderr.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert "interrupted" in err
    assert "Traceback" not in err


PAGE = (ROOT / "docs" / "inspect.md").read_text()
BLOCKS = re.findall(r"^```\n(trustlab .*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_command_of_the_page_works(bank: tuple[str, Path], tmp_path: Path) -> None:
    """The names that the page uses stand for files that are here."""
    (tmp_path / "capture.pcapng").write_bytes(gzip.decompress(CAPTURE.read_bytes()))
    (tmp_path / "keys.log").write_bytes(KEYS.read_bytes())
    decode_pcapng(CAPTURE).save(tmp_path / "trace.jsonl")
    commands = [line for block in BLOCKS for line in block.splitlines()]
    assert len(commands) >= 6
    for line in commands:
        arguments = shlex.split(line.partition("#")[0].replace("localhost:4433", bank[0]))
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE,
            check=False, env=os.environ | {"TMPDIR": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": ""},
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout, line


def test_every_option_stands_on_the_page(inspected: Any) -> None:
    options = set(re.findall(r"--[a-z]+", inspected("--help").out)) - {"--help"}
    assert {option for option in options if option not in PAGE and not option.startswith("--no")} == set()
