"""What the image's definition promises: pinned, hashed, no host named, nobody privileged, one definition for all."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "binder" / "Dockerfile"
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
PINS = [ROOT / "binder" / name for name in ("requirements.txt", "build-requirements.txt")]
A_HOST = re.compile(r"https?://|\b[a-z0-9-]+\.(?:org|com|io|net|dev)\b")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions: continued lines are joined, comments left out."""
    text = "\n".join(line for line in DOCKERFILE.read_text("utf-8").splitlines() if not line.startswith("#"))
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            found[rest.rpartition(" AS ")[2] if " AS " in rest else "final"] = []
        elif found:
            found[list(found)[-1]].append((word, rest))
    return found


def pinned(path: Path) -> dict[str, tuple[str, int]]:
    """Return version and number of hashes of each package; two versions for two Pythons are two entries."""
    entries = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    found = {}
    for entry in (line for line in entries if line and not line.lstrip().startswith("#")):
        match = re.match(r"([\w.-]+)==(\S+)(?: ; ([^-]*?))? +(--hash=.*)$", entry)
        assert match, f"{path.name}: not pinned and hashed: {entry[:80]}"
        hashes = match[4].split()
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), entry[:80]
        found[canonicalize_name(match[1]) + (match[3] or "")] = (match[2], len(hashes))
    return found


def test_the_base_is_pinned_to_a_release_and_can_be_another():
    ((word, base), *_) = instructions()
    assert (word, base.partition("=")[0]) == ("ARG", "BASE")
    assert re.fullmatch(r"debian:\d+\.\d+-slim", base.partition("=")[2])
    known = {"${BASE}"}
    for _, rest in (one for one in instructions() if one[0] == "FROM"):
        name, _, stage = rest.partition(" AS ")
        assert name in known, f"{name} is pinned nowhere"
        known.add(stage)


def test_whatever_is_installed_by_pip_has_a_hash_or_comes_from_the_sources():
    commands = [part.strip() for word, rest in instructions() if word == "RUN" for part in rest.split("&&")]
    installs = [one for one in commands if re.search(r"pip (install|wheel|download)\b", one)]
    assert len(installs) == 4
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert not any("--no-compile" in one for one in installs), "the image's user could not keep the bytecode"


def test_no_step_runs_twice():
    steps = [part.strip() for word, rest in instructions() if word in {"RUN", "COPY"} for part in rest.split("&&")]
    # Each stage that installs packages of the distribution needs their list, and the shipped one must not keep it.
    again = [one for one in steps if steps.count(one) > 1 and one != "apt-get update -q"]
    assert not again
    packages = [one.split() for one in steps if "apt-get install" in one]
    assert not set(packages[0][4:]) & {word for one in packages[1:] for word in one if not word.startswith("-")} - {
        *("apt-get", "install")
    }


def test_it_ends_as_binder_wants_it():
    last = stages()["final"]
    settings = dict(last)
    assert settings["USER"] == "${NB_UID}"
    assert [rest for word, rest in last if word == "ARG"] == ["NB_USER=jovyan", "NB_UID=1000"]
    assert json.loads(settings["ENTRYPOINT"]) == ["tini", "-g", "--"]
    assert json.loads(settings["CMD"])[:2] == ["jupyter", "lab"]
    assert not any("apt-get" in rest for _, rest in last), "compilers stay behind"
    after = [rest for word, rest in last[last.index(("USER", "${NB_UID}")) :] if word in {"RUN", "COPY"}]
    assert not after
    copied = [rest for word, rest in last if word == "COPY" and "--from" not in rest and "/opt" not in rest]
    assert all(rest.startswith("--chown=${NB_UID}:${NB_UID} ") for rest in copied)
    assert not any("trustlab" in rest.split() for rest in copied), "~/trustlab would hide the installed package"


def test_jupyterlab_does_not_ask_about_news():
    assert any(
        "labextension disable" in rest and "apputils-extension:announcements" in rest for _, rest in instructions()
    )


@pytest.mark.parametrize(
    "path", [DOCKERFILE, *PINS, ROOT / "docker" / "compose.yaml", DEVCONTAINER], ids=lambda p: p.name
)
def test_no_host_is_named(path):
    assert A_HOST.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", PINS, ids=lambda p: p.name)
def test_every_package_is_pinned_with_its_hashes(path):
    assert len(pinned(path)) > 5


def test_both_lists_agree_and_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["labs"]]
    wanted += [
        Requirement(line.partition("#")[0])
        for line in (ROOT / "binder/requirements.in").read_text().splitlines()
        if not line.startswith("#")
    ]
    runs, builds = map(pinned, PINS)
    for one in wanted:
        version, _ = runs[canonicalize_name(one.name)]
        assert one.specifier.contains(version), f"{one}: pinned is {version}; `make pins` renews"
    assert {name: runs[name] for name in set(runs) & set(builds)} == {
        name: builds[name] for name in set(runs) & set(builds)
    }


def test_what_is_compiled_has_files_for_both_pythons_and_both_processors():
    runs = pinned(PINS[0])
    for name in ("cryptography", "msgspec", "cbor2", "pyzmq", "cffi"):
        assert runs[name][1] > 8, f"{name}: wheels for 3.11 and 3.13, x86-64 and aarch64, and the source"
    assert runs["tpm2-pytss"][1] == 1  # only its source: compiled in the image


def test_what_the_dockerfile_copies_is_not_left_out():
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    copied = [
        word for kind, rest in instructions() if kind == "COPY" and "--from" not in rest for word in rest.split()[:-1]
    ]
    names = [word for word in copied if not word.startswith("--") and word != "."] + ["trustlab", "pyproject.toml"]
    for name in names:
        assert (ROOT / name).exists(), name
        assert not any(fnmatch.fnmatch(name, pattern) for pattern in ignored), name
    assert {".git", ".venv"} <= set(ignored)


def test_compose_runs_the_same_file_locked_down_on_loopback():
    (service,) = COMPOSE["services"].values()
    build = ROOT / "docker" / service["build"]["context"]
    assert (build / service["build"]["dockerfile"]).resolve() == DOCKERFILE
    (port,) = service["ports"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(":8888")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["mem_limit"], service["memswap_limit"], service["cpus"], service["pids_limit"]) == (
        "2g",
        "2g",
        2,
        1024,
    )
    assert "privileged" not in service
    (tmp,) = service["tmpfs"]
    assert "exec" in tmp.partition(":")[2].split(","), "virtual machines execute their memory file"
    (volume,) = service["volumes"]
    home = volume.partition(":")[2]
    assert service["environment"]["JUPYTER_TOKEN_FILE"].startswith(f"{home}/")
    assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_the_development_container_is_the_same_image():
    config = json.loads(DEVCONTAINER.read_text("utf-8"))
    assert (DEVCONTAINER.parent / config["build"]["dockerfile"]).resolve() == DOCKERFILE
    assert (DEVCONTAINER.parent / config["build"]["context"]).resolve() == ROOT
    assert config["remoteUser"] == "jovyan"
    assert all((ROOT / name).is_file() for name in config["customizations"]["codespaces"]["openFiles"])


def test_there_is_one_definition():
    others = [path for path in ROOT.rglob("*ockerfile*") if ".venv" not in path.parts and path.name != ".dockerignore"]
    assert others == [DOCKERFILE]
