"""Several files, processes and names of the same bytes."""

from __future__ import annotations

import os
import threading

import pytest

from tests.fetch.web_file import CONTENT, NAME, OTHER, fetched, start_fetching
from tests.hub_server import HubServer, Served
from tests.weights_factory import REPOSITORY, hub_source, some_bytes, url_source, weights
from zoo.card import HubSource, Weights, WeightsFile
from zoo.errors import DownloadFailed, RunCancelled
from zoo.fetch import Progress, fetch, locate
from zoo.fetch.places import place_of


def test_up_to_four_arrive_at_the_same_time(server: HubServer) -> None:
    files = {f"model-{i}.safetensors": some_bytes(100_000, seed=i) for i in range(9)}
    for name, content in files.items():
        server.serve(f"/web/{name}", content, stall_after=50_000)
    four = threading.Event()

    def should_stop() -> bool:
        if server.open_bodies == 4:
            four.set()
        return four.is_set()

    with pytest.raises(RunCancelled):
        fetch(weights(files, url_source(server)), should_stop=should_stop)

    assert server.most_at_once == 4


def test_all_of_them_arrive(server: HubServer) -> None:
    files = {f"part/{i}.bin": some_bytes(50_000 + i, seed=i) for i in range(9)}
    for name, content in files.items():
        server.serve(f"/web/{name}", content, cut_after=30_000, cuts=1)
    reports: list[Progress] = []

    folder = fetch(weights(files, url_source(server)), on_progress=reports.append)

    assert {name: (folder / name).read_bytes() for name in files} == files
    assert reports[-1].received_bytes == reports[-1].total_bytes == sum(map(len, files.values()))
    received = [progress.received_bytes for progress in reports]
    assert received == sorted(received)


@pytest.mark.slow
def test_two_processes_share_one_download(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.chunk_bytes, served.chunk_pause_s = 10_000, 0.01

    processes = [start_fetching(web_weights) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert (place_of(web_weights.sources[0]) / NAME).read_bytes() == CONTENT
    assert server.sent_bytes == len(CONTENT)


def test_two_names_of_the_same_bytes_are_both_there(hub: HubServer) -> None:
    files = {"a.bin": CONTENT, "b.bin": CONTENT}
    for name, content in files.items():
        hub.serve_hub(REPOSITORY, name, content)

    folder = fetch(weights(files, hub_source()))

    assert {name: (folder / name).read_bytes() for name in files} == files


def test_bytes_that_are_here_at_another_commit_are_not_fetched_again(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT)
    first = fetch(weights({NAME: CONTENT}, hub_source()))
    hub.requests.clear()
    elsewhere = weights({"other-name": CONTENT}, HubSource(repository=REPOSITORY, revision="f" * 40))

    second = fetch(elsewhere)

    assert (second / "other-name").resolve() == (first / NAME).resolve()
    assert hub.requests == []


def test_what_was_hashed_while_it_arrived_is_not_hashed_again(served: Served, web_weights: Weights) -> None:
    fetch(web_weights)
    path = place_of(web_weights.sources[0]) / NAME
    stat = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert locate(web_weights) == path.parent, "hashed again, though size and time are as they were"


def test_an_empty_file_is_a_file(server: HubServer) -> None:
    server.serve("/web/empty", b"")

    assert fetched(weights({"empty": b""}, url_source(server)), "empty") == b""


def test_a_file_without_size_and_digest_is_taken_as_it_is_at_a_commit(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, "config.json", CONTENT, large=False, cut_after=400_000, cuts=1)
    web_weights = Weights(files=(WeightsFile(name="config.json"),), sources=(hub_source(),))

    assert fetched(web_weights, "config.json") == CONTENT


def test_an_address_pins_nothing_so_a_file_there_needs_a_digest(server: HubServer) -> None:
    server.serve("/web/config.json", CONTENT)

    with pytest.raises(DownloadFailed, match=r"/web/config\.json: the card names no sha256"):
        fetch(Weights(files=(WeightsFile(name="config.json"),), sources=(url_source(server),)))
    assert server.requests == []
