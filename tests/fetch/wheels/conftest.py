"""An index with nothing in it yet, and the tools that ask it: the real uv and the real pip."""

from __future__ import annotations

import ensurepip
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.fetch.wheels.toy_wheel import Index, ask
from tests.hub_server import HubServer

BUNDLED = Path(ensurepip.__file__).parent / "_bundled"


@pytest.fixture(autouse=True)
def _uv() -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")


@pytest.fixture
def index(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The only index that uv and pip know."""
    index = Index(server)
    ask(index.address, monkeypatch)
    return index


@pytest.fixture
def no_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pip that comes with Python."""
    bundled = next(BUNDLED.glob("pip-*.whl"), None)
    if bundled is None:
        pytest.skip("this Python comes without pip")
    folder = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(bundled) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(params=["uv", pytest.param("pip", marks=pytest.mark.slow)])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What brings wheels: uv, or pip where there is no uv."""
    if request.param == "pip":
        request.getfixturevalue("no_uv")
        folder = request.getfixturevalue("pip")
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.syspath_prepend(folder)
    return str(request.param)
