"""A client of a server that takes a connection and then says nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from zoo.errors import RunCancelled
from zoo.sites.addresses import Address
from zoo.sites.client import SiteClient


@pytest.fixture
def silent() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address("127.0.0.1", server.getsockname()[1])


@pytest.mark.parametrize("fingerprint", ["", "SHA256:" + "00" * 32])
def test_a_request_that_hangs_is_left_once_a_stop_is_asked_for(silent: Address, fingerprint: str) -> None:
    client = SiteClient(silent, "a" * 43, fingerprint, patience_s=0.0, should_stop=lambda: True)
    with pytest.raises(RunCancelled, match="stopped while the server answered"):
        client.terms()


@pytest.mark.parametrize("fingerprint", ["", "SHA256:" + "00" * 32])
def test_a_server_that_hangs_is_not_waited_for_when_a_client_goes(
    silent: Address, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.sites.client.FAREWELL_S", 0.05)
    monkeypatch.setattr("zoo.sites.client.ANSWER_S", 1000.0)
    monkeypatch.setattr("zoo.sites.client.CONNECT_TIMEOUT_S", 1000.0)
    client = SiteClient(silent, "a" * 43, fingerprint)
    client.leave()
    client.close()
