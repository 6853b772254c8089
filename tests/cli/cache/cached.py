"""Three sets of weights in the caches, and what `zoo cache` says of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.echo_runs import until
from tests.hub_server import HubServer
from tests.weights_factory import REPOSITORY, some_bytes
from zoo.card import HubSource, Weights
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch.places import hub_cache

NAME = "model.safetensors"
CONTENT = some_bytes(300_000)
OTHER = some_bytes(300_000, seed=1)
LATER = HubSource(repository=REPOSITORY, revision="f" * 40)
IMPORTS = "from zoo import FolderSource, HubSource, TorchHubSource, UrlSource, Weights, WeightsFile"
DAY_S = 86_400.0


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.OK) -> str:
    capsys.readouterr()
    assert main(["cache", *words]) == code
    return capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    sets = json.loads(answer(capsys, "ls", "--json", *words))
    assert isinstance(sets, list)
    return sets


def names(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    return [one["name"] for one in listed(capsys, *words)]


def used_days_ago(store: Path, days: float) -> None:
    """Let every note of last use be as old."""
    for path in (store / "cache" / "uses").glob("*.json"):
        note = json.loads(path.read_bytes())
        path.write_text(json.dumps({**note, "used_at": time.time() - days * DAY_S}))


def unfinished(store: Path, hub: HubServer, weights: Weights) -> Path:
    """A download that was killed on its way."""
    served = next(file for path, file in hub.files.items() if path.startswith("/store/"))
    served.stall_after = 100_000
    program = "import sys, msgspec\nfrom zoo.card import Weights\nfrom zoo.fetch import fetch\n"
    program += "fetch(msgspec.json.decode(sys.argv[1], type=Weights))"
    process = subprocess.Popen([sys.executable, "-c", program, msgspec.json.encode(weights).decode()])
    until(lambda: sum(path.stat().st_size for path in hub_cache().rglob("*.partial")) == 100_000)
    process.kill()
    process.wait()
    served.stall_after = None
    (partial,) = hub_cache().rglob("*.partial")
    return partial
