"""One file of weights on the web, and downloads of it that end early or in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from tests.weights_factory import some_bytes
from zoo.card import Weights
from zoo.errors import RunCancelled
from zoo.fetch import Progress, fetch

NAME = "model.safetensors"
CONTENT = some_bytes(1_000_000)
OTHER = some_bytes(1_000_000, seed=1)
PATH = f"/web/{NAME}"
FETCH = """
import sys, msgspec
from zoo.card import Weights
from zoo.fetch import fetch
fetch(msgspec.json.decode(sys.argv[1], type=Weights))
"""


def fetched(web_weights: Weights, name: str = NAME) -> bytes:
    return (fetch(web_weights) / name).read_bytes()


def broken_off(web_weights: Weights, after: int) -> None:
    """Leave the first part of the file behind, as a stopped download does."""
    reports: list[Progress] = []
    with pytest.raises(RunCancelled):
        fetch(web_weights, on_progress=reports.append, should_stop=lambda: reports[-1].received_bytes >= after)


def start_fetching(web_weights: Weights) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FETCH, msgspec.json.encode(web_weights).decode()])
