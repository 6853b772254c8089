"""Every test runs against a store of its own and leaves the environment as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accelerator import accelerators
from tests.echo_runs import echo, finetune, finished_run, rows, words
from tests.plugin_site import site
from tests.slurm_cluster import cluster, slurm
from zoo import atomic
from zoo.devices import NO_TORCH
from zoo.settings import SETTINGS

__all__ = ["accelerators", "cluster", "echo", "finetune", "finished_run", "rows", "site", "slurm", "words"]


@pytest.fixture(autouse=True)
def environment_unchanged() -> Iterator[None]:
    """Fail a test that alters the environment without putting it back."""
    before = dict(os.environ)
    yield
    after = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    before.pop("PYTEST_CURRENT_TEST", None)
    assert after == before, "the test altered the environment"


@pytest.fixture(autouse=True)
def store(
    environment_unchanged: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A fresh ZOO_HOME and a Hub that is switched off, for this process and its children."""
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
    home = tmp_path_factory.mktemp("zoo-home")
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("ZOO_PLUGINS", "ZOO_PLACES"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of what the first test that needed the devices of this machine has found out about them."""
    session = tmp_path_factory.getbasetemp()
    return (session.parent if "PYTEST_XDIST_WORKER" in os.environ else session) / "devices.json"


@pytest.fixture(autouse=True)
def known_devices(store: Path, measurement: Path) -> Iterator[None]:
    """Devices are measured once, which takes an import of torch and seconds of computing, and not in every store."""
    path = store / "cache" / "devices.json"
    if measurement.exists() and not path.exists():
        path.parent.mkdir(exist_ok=True)
        shutil.copy(measurement, path)
    yield
    if path.exists() and not measurement.exists():
        found = path.read_bytes()
        if NO_TORCH.encode() not in found:  # a test of an environment of its own looked there
            atomic.write_bytes(measurement, found)
