"""A download ends at once when it is stopped, whatever it waits for."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from tests.echo_runs import until
from tests.fetch.web_file import CONTENT, NAME, silent_address, start_fetching
from tests.hub_server import HubServer, Served
from tests.weights_factory import url_source, weights
from zoo.card import UrlSource, Weights
from zoo.errors import DownloadFailed, RunCancelled
from zoo.fetch import Progress, fetch, receiving
from zoo.locking import try_lock


@pytest.mark.parametrize("after", [-1, 0, 300_000], ids=["before the answer", "before the body", "in the body"])
def test_a_silent_server_does_not_keep_it(server: HubServer, served: Served, web_weights: Weights, after: int) -> None:
    # Only the test's own time limit ends this one where the download waits for the server.
    served.stall_after = after

    with pytest.raises(RunCancelled) as caught:
        fetch(web_weights, should_stop=server.stalled.is_set)

    assert caught.value.hint == "the next one goes on where it was"
    assert [thread for thread in threading.enumerate() if thread.name.startswith("zoo-download")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets callers wait")
def test_a_server_that_does_not_take_up_does_not_keep_it(store: Path) -> None:
    with silent_address() as address:
        began = time.monotonic()

        with pytest.raises(RunCancelled):
            fetch(
                weights({NAME: CONTENT}, UrlSource(base_url=address)),
                should_stop=lambda: time.monotonic() > began + 0.5,
            )

        assert 0.5 <= time.monotonic() - began < 2
        (lock,) = store.rglob("*.lock")
        with lock.open("ab") as file:
            assert try_lock(file), "the next download would have to wait"


def test_a_wait_between_attempts_does_not_keep_it(
    server: HubServer, served: Served, web_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MAX_WAIT_S", 10_000.0)
    served.faults = [(503, {"Retry-After": "10000"})]

    with pytest.raises(RunCancelled):
        fetch(web_weights, should_stop=lambda: bool(server.requests))


def test_a_callback_that_fails_ends_the_download(served: Served, web_weights: Weights) -> None:
    served.stall_after = 300_000

    def fail(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(web_weights, on_progress=fail)


def test_another_process_that_fetches_does_not_keep_it(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.stall_after = 300_000
    other = start_fetching(web_weights)
    try:
        until(server.stalled.is_set)

        with pytest.raises(RunCancelled):
            fetch(web_weights, should_stop=lambda: True)
    finally:
        other.kill()
        other.wait()


def test_one_file_that_fails_ends_the_others(server: HubServer) -> None:
    server.serve("/web/a", CONTENT, stall_after=300_000)
    server.serve("/web/b", CONTENT, faults=[(404, {})])

    with pytest.raises(DownloadFailed, match="/web/b: the server answered 404"):
        fetch(weights({"a": CONTENT, "b": CONTENT}, url_source(server)))
