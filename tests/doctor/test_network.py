"""The servers that models come from, as a server of this machine plays them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doctor.findings import bad, found
from tests.hub_server import HubServer, hub_server
from zoo.doctor import network


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(network, "TORCH", server.other_address)
        yield server


def test_servers_that_answer_are_well(hub: HubServer) -> None:
    assert [] == bad("network")
    assert ["the Hub", "token for the Hub", "torchvision's weights"] == [one.about for one in found("network")]
    assert {"HEAD"} == {request.method for request in hub.requests}


def test_one_that_cannot_be_reached_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://name:secret@127.0.0.1:9")

    (unreachable,) = bad("network")
    assert (unreachable.mark, unreachable.about) == ("fault", "the Hub")
    assert unreachable.evidence.startswith("http://127.0.0.1:9 cannot be reached: ")
    assert "HF_ENDPOINT names a mirror" in unreachable.mend


def test_one_that_is_out_of_order_is_a_fault(hub: HubServer) -> None:
    hub.serve("/", b"").faults = [(503, {})] * 2

    assert ["the Hub", "torchvision's weights"] == [one.about for one in bad("network")]


def test_a_token_that_is_refused_is_a_fault_and_is_not_shown(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.serve("/api/whoami-v2", b"{}").faults = [(401, {})]

    (token,) = bad("network")
    assert (token.mark, token.mend) == ("fault", "hf auth login, or unset HF_TOKEN")
    assert "secret" not in token.evidence
    assert bad("network") == []  # the server has thought better of it


def test_the_hub_is_not_asked_where_it_must_not_be(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert ["the Hub"] == [one.about for one in bad("network")]
    assert 1 == len(hub.requests)
