"""A Hub, and plugins with models whose weights it has, for every test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cache.cached import CONTENT, IMPORTS, LATER, NAME, OTHER
from tests.hub_server import HubServer, hub_server
from tests.plugin_site import Site, card, new_site, plugin
from tests.weights_factory import REPOSITORY, hub_source, weights
from zoo.card import TorchHubSource, Weights, WeightsFile


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        server.serve_hub(REPOSITORY, NAME, CONTENT)
        server.serve_hub(REPOSITORY, "config.json", b"{}", large=False)
        server.serve("/web/net.pth", OTHER)
        yield server


@pytest.fixture
def on_hub() -> Weights:
    return Weights(
        files=(*weights({NAME: CONTENT}).files, WeightsFile(name="config.json")),
        sources=(hub_source(),),
    )


@pytest.fixture
def at_torch(hub: HubServer) -> Weights:
    return weights({"net.pth": OTHER}, TorchHubSource(base_url=f"{hub.address}/web"))


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_hub: Weights, at_torch: Weights) -> Iterator[Site]:
    """Two models with weights, and one that shares those of the first at another commit."""
    with new_site(tmp_path / "site", monkeypatch) as site:
        later = weights({NAME: CONTENT}, LATER)
        cards = [card(name, weights=repr(w)) for name, w in (("toy", on_hub), ("net", at_torch), ("later", later))]
        site.install("toys", plugin(*cards, more=IMPORTS))
        yield site
