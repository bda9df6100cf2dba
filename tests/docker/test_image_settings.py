"""The image's Jupyter configuration: where it opens, and a token that is kept; and the link of the README's badge."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "binder" / "jupyter_server_config.py"
LINK = ROOT / "scripts" / "binder-link"
README = (ROOT / "README.md").read_text("utf-8")


def configured(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Config:
    for name in ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "TRUSTLAB_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = Config()
    exec(compile(SETTINGS.read_text("utf-8"), SETTINGS, "exec"), {"get_config": lambda: config, "__name__": "settings"})  # noqa: S102 - ours
    return config


def test_it_opens_on_the_first_notebook_which_is_there(monkeypatch):
    config = configured(monkeypatch)
    for address in (config.ServerApp.default_url, config.LabApp.default_url):
        assert (ROOT / address.removeprefix("/lab/tree/")).is_file()


def test_a_token_is_made_once_kept_and_told(monkeypatch, tmp_path, capsys):
    kept = tmp_path / "share" / "token"
    configured(monkeypatch, JUPYTER_TOKEN_FILE=str(kept), TRUSTLAB_PORT="9000")
    token = kept.read_text()
    assert len(token) == 32
    assert kept.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().out == f"trustlab: open http://127.0.0.1:9000/?token={token}\n"
    configured(monkeypatch, JUPYTER_TOKEN_FILE=str(kept))
    assert kept.read_text() == token
    assert f":8888/?token={token}" in capsys.readouterr().out


def test_a_token_of_ones_own_wins_and_is_not_told(monkeypatch, tmp_path, capsys):
    configured(monkeypatch, JUPYTER_TOKEN_FILE=str(tmp_path / "token"), JUPYTER_TOKEN="mine")
    assert not list(tmp_path.iterdir())
    assert "mine" not in capsys.readouterr().out


def test_on_binder_and_in_a_hub_nothing_is_made(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    configured(monkeypatch)
    assert not list(tmp_path.rglob("*"))
    assert capsys.readouterr().out == ""


def test_the_badge_opens_the_first_notebook():
    assert "https://mybinder.org/v2/gh/OWNER/NAME/HEAD?urlpath=lab%2Ftree%2Flabs%2F00-start-here.ipynb" in README


def test_make_binder_sets_owner_and_name_and_nothing_else(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(README, "utf-8")
    subprocess.run([LINK, "some-body", "trust.lab_2", page], check=True)
    assert page.read_text("utf-8") == README.replace("/v2/gh/OWNER/NAME/", "/v2/gh/some-body/trust.lab_2/")
    subprocess.run([LINK, "OWNER", "NAME", page], check=True)
    assert page.read_text("utf-8") == README


@pytest.mark.parametrize(
    ("owner", "name"), [("", "lab"), ("me", ""), ("me", "a/b"), ("me", "$(id)"), ("#", "x"), ("me", "..")]
)
def test_what_cannot_be_on_github_is_refused_with_a_sentence(tmp_path, owner, name):
    page = tmp_path / "README.md"
    page.write_text(README, "utf-8")
    done = subprocess.run([LINK, owner, name, page], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make binder OWNER=" in done.stderr
    assert page.read_text("utf-8") == README
