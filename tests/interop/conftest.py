"""The interoperation tests: certificates as files, and a word at the head of the run on what peers do not offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from peers import lacking
from tls_identities import write_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("pems"))


def pytest_report_collectionfinish(items: list[pytest.Item]) -> list[str]:
    if not any("interop" in item.path.parts for item in items):
        return []
    return [f"interop leaves out: {line}" for line in lacking()]
