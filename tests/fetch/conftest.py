"""A server of its own and short waits for every test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fetch.web_file import CONTENT, NAME, PATH
from tests.hub_server import HubServer, Served, hub_server
from tests.weights_factory import url_source, weights
from zoo.card import Weights
from zoo.fetch import receiving


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture
def hub(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The server, as the Hub that this process asks."""
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return server


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "BACKOFF_S", 0.001)


@pytest.fixture
def served(server: HubServer) -> Served:
    """The one file of the weights, on a well behaved server."""
    return server.serve(PATH, CONTENT)


@pytest.fixture
def web_weights(server: HubServer) -> Weights:
    return weights({NAME: CONTENT}, url_source(server))
