"""Downloads go on where they were, and send few bytes twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.echo_runs import until
from tests.fetch.web_file import CONTENT, NAME, OTHER, PATH, broken_off, fetched, start_fetching
from tests.hub_server import HubServer, Served
from tests.weights_factory import REPOSITORY, hub_source, sha256, some_bytes, url_source, weights
from zoo.card import Weights
from zoo.fetch import Progress, fetch, receiving
from zoo.fetch.places import place_of


def test_a_cut_connection_goes_on_within_the_call(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.cut_after, served.cuts = 400_000, 1

    assert fetched(web_weights) == CONTENT

    first, second = server.requests
    assert (first.status, second.status) == (200, 206)
    assert second.headers["range"] == "bytes=400000-"
    assert second.headers["if-range"] == f'"{sha256(CONTENT)}"'
    assert server.sent_bytes == len(CONTENT)


def test_a_server_that_always_cuts_delivers_as_long_as_bytes_arrive(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.cut_after = 50_000

    assert fetched(web_weights) == CONTENT
    assert len(server.requests) == 20 > receiving.ATTEMPTS
    assert server.sent_bytes == len(CONTENT)


def test_a_stopped_download_goes_on_the_next_time(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.stall_after = 700_000
    broken_off(web_weights, after=700_000)
    served.stall_after = None

    reports: list[Progress] = []
    assert (fetch(web_weights, on_progress=reports.append) / NAME).read_bytes() == CONTENT

    assert server.sent_bytes == len(CONTENT)
    assert min(progress.received_bytes for progress in reports) >= 700_000


@pytest.mark.slow
def test_a_process_killed_at_ten_random_points_sends_few_bytes_twice(server: HubServer) -> None:
    """`bench/kills.py` does it fifty times."""
    content = some_bytes(40_000_000)
    server.serve(PATH, content, chunk_bytes=1 << 14, chunk_pause_s=0.0005)
    web_weights = weights({NAME: content}, url_source(server))
    dice = random.Random()
    points = sorted(dice.randrange(len(content)) for _ in range(10))
    kills = 0

    for point in points:
        process = start_fetching(web_weights)
        until(lambda point=point, process=process: server.sent_bytes >= point or process.poll() is not None)
        kills += process.poll() is None
        process.kill()
        process.wait()
    last = start_fetching(web_weights)

    assert last.wait(60) == 0
    assert kills >= 5, points
    assert (place_of(web_weights.sources[0]) / NAME).read_bytes() == content
    assert server.sent_bytes - len(content) < 0.05 * len(content), points


def test_a_file_that_changed_is_fetched_anew(server: HubServer, served: Served) -> None:
    served.stall_after = 300_000
    broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
    server.serve(PATH, OTHER)

    assert fetched(weights({NAME: OTHER}, url_source(server))) == OTHER

    assert server.requests[-1].headers["range"] == "bytes=300000-"
    assert server.requests[-1].status == 200


def test_a_file_that_changed_is_noticed_where_the_server_overlooks_if_range(server: HubServer, served: Served) -> None:
    served.stall_after = 300_000
    broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
    server.serve(PATH, OTHER, if_range=False)

    assert fetched(weights({NAME: OTHER}, url_source(server))) == OTHER
    assert [request.status for request in server.requests[1:]] == [206, 200]


def test_a_server_without_ranges_sends_all_again(server: HubServer, served: Served, web_weights: Weights) -> None:
    served.ranges, served.cut_after, served.cuts = False, 400_000, 2

    assert fetched(web_weights) == CONTENT
    assert [request.status for request in server.requests] == [200, 200, 200]


def test_a_server_that_names_no_version_sends_all_again(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.etag, served.cut_after, served.cuts = "none", 400_000, 1

    assert fetched(web_weights) == CONTENT
    assert "range" not in server.requests[-1].headers


def test_a_file_that_became_shorter_than_what_is_here_is_fetched_anew(server: HubServer, served: Served) -> None:
    served.stall_after = 300_000
    broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
    server.serve(PATH, OTHER[:1000], etag=f'"{sha256(CONTENT)}"')

    assert fetched(weights({NAME: OTHER[:1000]}, url_source(server))) == OTHER[:1000]
    assert [request.status for request in server.requests[1:]] == [416, 200]


def test_a_file_that_was_whole_but_not_published_is_not_sent_again(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    longer = CONTENT + b"more"
    server.serve(PATH, longer, etag=f'"{sha256(CONTENT)}"', stall_after=len(CONTENT))
    broken_off(weights({NAME: longer}, url_source(server)), after=len(CONTENT))
    request_count = len(server.requests)

    assert fetched(web_weights) == CONTENT
    assert len(server.requests) == request_count


def test_what_an_earlier_process_left_damaged_is_fetched_anew(
    server: HubServer, served: Served, web_weights: Weights, store: Path
) -> None:
    served.stall_after = 300_000
    broken_off(web_weights, after=300_000)
    (partial,) = store.rglob("*.partial")
    partial.write_bytes(bytes(partial.stat().st_size))
    served.stall_after = None

    assert fetched(web_weights) == CONTENT
    assert [request.status for request in server.requests[1:]] == [206, 200]


@pytest.mark.parametrize("damage", [b"", b"\xff", b'"two\nlines"'])
def test_a_damaged_note_of_the_version_costs_the_part_only(
    server: HubServer, served: Served, web_weights: Weights, store: Path, damage: bytes
) -> None:
    served.stall_after = 300_000
    broken_off(web_weights, after=300_000)
    (note,) = store.rglob("*.etag")
    note.write_bytes(damage)
    served.stall_after = None

    assert fetched(web_weights) == CONTENT
    assert "range" not in server.requests[-1].headers


def test_a_weak_version_is_compared_here_for_no_server_takes_it_in_if_range(
    server: HubServer, served: Served, web_weights: Weights
) -> None:
    served.etag, served.cut_after, served.cuts = 'W/"weak"', 400_000, 1

    assert fetched(web_weights) == CONTENT
    assert "if-range" not in server.requests[-1].headers
    assert server.sent_bytes == len(CONTENT)


def test_the_hubs_store_resumes_though_it_calls_the_version_otherwise(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT, cut_after=400_000, cuts=2)

    assert fetched(weights({NAME: CONTENT}, hub_source())) == CONTENT

    assert [request.status for request in hub.requests_for("/store/")] == [200, 206, 206]
    assert hub.sent_bytes == len(CONTENT)


def test_a_file_of_the_hub_that_changed_is_fetched_anew(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT, stall_after=300_000)
    broken_off(weights({NAME: CONTENT}, hub_source()), after=300_000)
    hub.serve_hub(REPOSITORY, NAME, OTHER)

    assert fetched(weights({NAME: OTHER}, hub_source())) == OTHER
    assert hub.requests_for("/store/")[-1].status == 200


def test_a_small_file_of_the_hub_resumes(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, "vocab.txt", CONTENT, large=False, cut_after=400_000, cuts=1)

    assert fetched(weights({"vocab.txt": CONTENT}, hub_source()), "vocab.txt") == CONTENT
    assert [request.status for request in hub.requests] == [200, 206]
