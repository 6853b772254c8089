"""torch sets variables of its own when a model is first loaded into the process; they are not the test's doing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def environment_restored(environment_unchanged: None) -> Iterator[None]:
    """Put the environment back before it is looked at."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, measurement: Path) -> Iterator[Path]:
    """One for all tests of a module that names it, so that a run can be compared with an earlier one."""
    home = tmp_path_factory.mktemp("zoo-home")
    if measurement.exists():  # what a module trains in front of its tests needs no other measurement of the devices
        (home / "cache").mkdir()
        shutil.copy(measurement, home / "cache" / "devices.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(home))
        patch.setenv("HF_HOME", str(home / "hf"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield home


@pytest.fixture(autouse=True)
def store(store: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of the module, or a fresh one."""
    if "shared_store" not in request.fixturenames:
        return store
    home: Path = request.getfixturevalue("shared_store")
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    return home
