"""One file of weights on the web, and downloads of it that end early or in a process of their own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

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


@contextlib.contextmanager
def silent_address() -> Iterator[str]:
    """One where whoever calls is not answered, as behind a firewall that drops what is sent."""
    with socket.socket() as listener, contextlib.ExitStack() as callers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/web"
