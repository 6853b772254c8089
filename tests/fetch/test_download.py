"""Downloads survive what networks and servers do, send few bytes twice, and end when they are told to."""

from __future__ import annotations

import contextlib
import email.utils
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from tests.echo_runs import until
from tests.hub_server import COMMIT, HubServer, Served, hub_server
from tests.weights_factory import REPOSITORY, hub_source, sha256, some_bytes, url_source, weights
from zoo.card import FolderSource, HubSource, UrlSource, Weights, WeightsFile
from zoo.errors import ChecksumMismatch, DownloadFailed, RunCancelled
from zoo.fetch import Progress, fetch, locate, receiving
from zoo.fetch.places import place_of
from zoo.locking import try_lock

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


@pytest.fixture
def served(server: HubServer) -> Served:
    """The one file of the weights, on a well behaved server."""
    return server.serve(PATH, CONTENT)


@pytest.fixture
def wanted(server: HubServer) -> Weights:
    return weights({NAME: CONTENT}, url_source(server))


def fetched(wanted: Weights, name: str = NAME) -> bytes:
    return (fetch(wanted) / name).read_bytes()


def broken_off(wanted: Weights, after: int) -> None:
    """Leave the first part of the file behind, as a stopped download does."""
    told: list[Progress] = []
    with pytest.raises(RunCancelled):
        fetch(wanted, on_progress=told.append, should_stop=lambda: told[-1].received_bytes >= after)


def start_fetching(wanted: Weights) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FETCH, msgspec.json.encode(wanted).decode()])


class TestResuming:
    def test_a_cut_connection_goes_on_within_the_call(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.cut_after, served.cuts = 400_000, 1

        assert fetched(wanted) == CONTENT

        first, second = server.requests
        assert (first.status, second.status) == (200, 206)
        assert second.headers["range"] == "bytes=400000-"
        assert second.headers["if-range"] == f'"{sha256(CONTENT)}"'
        assert server.sent_bytes == len(CONTENT)

    def test_a_server_that_always_cuts_delivers_as_long_as_bytes_arrive(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.cut_after = 50_000

        assert fetched(wanted) == CONTENT
        assert len(server.requests) == 20 > receiving.ATTEMPTS
        assert server.sent_bytes == len(CONTENT)

    def test_a_stopped_download_goes_on_the_next_time(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.stall_after = 700_000
        broken_off(wanted, after=700_000)
        served.stall_after = None

        told: list[Progress] = []
        assert (fetch(wanted, on_progress=told.append) / NAME).read_bytes() == CONTENT

        assert server.sent_bytes == len(CONTENT)
        assert min(progress.received_bytes for progress in told) >= 700_000

    @pytest.mark.slow
    def test_a_process_killed_at_ten_random_points_sends_few_bytes_twice(self, server: HubServer) -> None:
        """`bench/kills.py` does it fifty times."""
        content = some_bytes(40_000_000)
        server.serve(PATH, content, chunk_bytes=1 << 14, chunk_pause_s=0.0005)
        wanted = weights({NAME: content}, url_source(server))
        dice = random.Random()
        points = sorted(dice.randrange(len(content)) for _ in range(10))
        kills = 0

        for point in points:
            process = start_fetching(wanted)
            until(lambda point=point, process=process: server.sent_bytes >= point or process.poll() is not None)
            kills += process.poll() is None
            process.kill()
            process.wait()
        last = start_fetching(wanted)

        assert last.wait(60) == 0
        assert kills >= 5, points
        assert (place_of(wanted.sources[0]) / NAME).read_bytes() == content
        assert server.sent_bytes - len(content) < 0.05 * len(content), points

    def test_a_file_that_changed_is_fetched_anew(self, server: HubServer, served: Served) -> None:
        served.stall_after = 300_000
        broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
        server.serve(PATH, OTHER)

        assert fetched(weights({NAME: OTHER}, url_source(server))) == OTHER

        assert server.requests[-1].headers["range"] == "bytes=300000-"
        assert server.requests[-1].status == 200

    def test_a_file_that_changed_is_noticed_where_the_server_overlooks_if_range(
        self, server: HubServer, served: Served
    ) -> None:
        served.stall_after = 300_000
        broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
        server.serve(PATH, OTHER, if_range=False)

        assert fetched(weights({NAME: OTHER}, url_source(server))) == OTHER
        assert [request.status for request in server.requests[1:]] == [206, 200]

    def test_a_server_without_ranges_sends_all_again(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.ranges, served.cut_after, served.cuts = False, 400_000, 2

        assert fetched(wanted) == CONTENT
        assert [request.status for request in server.requests] == [200, 200, 200]

    def test_a_server_that_names_no_version_sends_all_again(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.etag, served.cut_after, served.cuts = "none", 400_000, 1

        assert fetched(wanted) == CONTENT
        assert "range" not in server.requests[-1].headers

    def test_a_file_that_became_shorter_than_what_is_here_is_fetched_anew(
        self, server: HubServer, served: Served
    ) -> None:
        served.stall_after = 300_000
        broken_off(weights({NAME: CONTENT}, url_source(server)), after=300_000)
        server.serve(PATH, OTHER[:1000], etag=f'"{sha256(CONTENT)}"')

        assert fetched(weights({NAME: OTHER[:1000]}, url_source(server))) == OTHER[:1000]
        assert [request.status for request in server.requests[1:]] == [416, 200]

    def test_a_file_that_was_whole_but_not_published_is_not_sent_again(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        longer = CONTENT + b"more"
        server.serve(PATH, longer, etag=f'"{sha256(CONTENT)}"', stall_after=len(CONTENT))
        broken_off(weights({NAME: longer}, url_source(server)), after=len(CONTENT))
        asked = len(server.requests)

        assert fetched(wanted) == CONTENT
        assert len(server.requests) == asked

    def test_what_an_earlier_process_left_damaged_is_fetched_anew(
        self, server: HubServer, served: Served, wanted: Weights, store: Path
    ) -> None:
        served.stall_after = 300_000
        broken_off(wanted, after=300_000)
        (partial,) = store.rglob("*.partial")
        partial.write_bytes(bytes(partial.stat().st_size))
        served.stall_after = None

        assert fetched(wanted) == CONTENT
        assert [request.status for request in server.requests[1:]] == [206, 200]

    @pytest.mark.parametrize("damage", [b"", b"\xff", b'"two\nlines"'])
    def test_a_damaged_note_of_the_version_costs_the_part_only(
        self, server: HubServer, served: Served, wanted: Weights, store: Path, damage: bytes
    ) -> None:
        served.stall_after = 300_000
        broken_off(wanted, after=300_000)
        (note,) = store.rglob("*.etag")
        note.write_bytes(damage)
        served.stall_after = None

        assert fetched(wanted) == CONTENT
        assert "range" not in server.requests[-1].headers

    def test_a_weak_version_is_compared_here_for_no_server_takes_it_in_if_range(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.etag, served.cut_after, served.cuts = 'W/"weak"', 400_000, 1

        assert fetched(wanted) == CONTENT
        assert "if-range" not in server.requests[-1].headers
        assert server.sent_bytes == len(CONTENT)

    def test_the_hubs_store_resumes_though_it_calls_the_version_otherwise(self, hub: HubServer) -> None:
        hub.serve_hub(REPOSITORY, NAME, CONTENT, cut_after=400_000, cuts=2)

        assert fetched(weights({NAME: CONTENT}, hub_source())) == CONTENT

        assert [request.status for request in hub.asked("/store/")] == [200, 206, 206]
        assert hub.sent_bytes == len(CONTENT)

    def test_a_file_of_the_hub_that_changed_is_fetched_anew(self, hub: HubServer) -> None:
        hub.serve_hub(REPOSITORY, NAME, CONTENT, stall_after=300_000)
        broken_off(weights({NAME: CONTENT}, hub_source()), after=300_000)
        hub.serve_hub(REPOSITORY, NAME, OTHER)

        assert fetched(weights({NAME: OTHER}, hub_source())) == OTHER
        assert hub.asked("/store/")[-1].status == 200

    def test_a_small_file_of_the_hub_resumes(self, hub: HubServer) -> None:
        hub.serve_hub(REPOSITORY, "vocab.txt", CONTENT, large=False, cut_after=400_000, cuts=1)

        assert fetched(weights({"vocab.txt": CONTENT}, hub_source()), "vocab.txt") == CONTENT
        assert [request.status for request in hub.requests] == [200, 206]


class TestOtherBytes:
    def test_another_digest_is_told_with_both(self, server: HubServer, wanted: Weights, store: Path) -> None:
        server.serve(PATH, OTHER)

        with pytest.raises(ChecksumMismatch) as caught:
            fetch(wanted)

        address = f"{server.address}{PATH}"
        assert caught.value.message == f"{address} has sha256 {sha256(OTHER)}, not {sha256(CONTENT)}"
        assert [path for path in store.rglob("*model*") if not path.name.endswith(".lock")] == [], "the bytes stayed"

    def test_a_shorter_file_is_told_with_both_sizes(self, server: HubServer, wanted: Weights) -> None:
        server.serve(PATH, CONTENT[:999])

        with pytest.raises(ChecksumMismatch) as caught:
            fetch(wanted)

        assert caught.value.message == f"{server.address}{PATH} has 999 bytes, not 1,000,000"

    def test_a_pointer_of_git_lfs_is_named_as_one(self, server: HubServer, wanted: Weights) -> None:
        server.serve(PATH, b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n")

        with pytest.raises(ChecksumMismatch) as caught:
            fetch(wanted)

        assert caught.value.message == f"{server.address}{PATH} is a git-lfs pointer, not the file itself"

    def test_a_longer_file_is_not_received_to_its_end(self, server: HubServer) -> None:
        server.serve(PATH, some_bytes(30_000_000))

        with pytest.raises(ChecksumMismatch, match=r"has at least [\d,]+ bytes, not 1,000,000"):
            fetch(weights({NAME: CONTENT}, url_source(server)))

        assert server.sent_bytes < 20_000_000

    def test_a_length_stated_too_small_is_no_file(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.stated_length = 1000

        with pytest.raises(ChecksumMismatch, match="has 1,000 bytes, not 1,000,000"):
            fetch(wanted)

    def test_a_length_stated_too_large_is_a_cut(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.stated_length = len(CONTENT) + 1

        assert fetched(wanted) == CONTENT

    def test_the_right_bytes_are_fetched_after_the_wrong_ones(self, server: HubServer, wanted: Weights) -> None:
        server.serve(PATH, OTHER)
        with pytest.raises(ChecksumMismatch):
            fetch(wanted)
        server.serve(PATH, CONTENT)

        assert fetched(wanted) == CONTENT


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "hint"),
        [
            (401, "the repository is private or gated: set HF_TOKEN"),
            (403, "you may not read it: ask its owner for access, and set HF_TOKEN"),
            (404, "the file or the commit is gone; the plugin's card may be out of date"),
            (410, "try again later"),
        ],
    )
    def test_a_refusal_is_told_at_once_with_what_to_do(self, hub: HubServer, status: int, hint: str) -> None:
        path = f"/{REPOSITORY}/resolve/{COMMIT}/{NAME}"
        hub.serve(path, CONTENT, faults=[(status, {})])

        with pytest.raises(DownloadFailed) as caught:
            fetch(weights({NAME: CONTENT}, hub_source()))

        assert caught.value.message == f"{hub.address}{path}: the server answered {status}"
        assert caught.value.hint == hint
        assert len(hub.requests) == 1

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_server_that_is_busy_is_asked_again(
        self, server: HubServer, served: Served, wanted: Weights, status: int
    ) -> None:
        served.faults = [(status, {})] * 2

        assert fetched(wanted) == CONTENT
        assert [request.status for request in server.requests] == [status, status, 200]

    def test_the_wait_is_the_one_the_server_asks_for(
        self, server: HubServer, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiving, "BACKOFF_S", 1000.0)
        past = email.utils.formatdate(time.time() - 60, usegmt=True)
        served.faults = [(429, {"Retry-After": "0"}), (503, {"Retry-After": past})]

        assert fetched(wanted) == CONTENT

    def test_no_server_can_make_it_wait_for_long(
        self, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiving, "MAX_WAIT_S", 0.01)
        distant = email.utils.formatdate(time.time() + 100_000, usegmt=True)
        served.faults = [(503, {"Retry-After": "86400"}), (503, {"Retry-After": distant})]

        assert fetched(wanted) == CONTENT

    @pytest.mark.parametrize("header", [{"Retry-After": "300"}, {"RateLimit": '"resolvers";r=0;t=300'}])
    def test_a_server_that_takes_no_more_requests_is_believed(
        self, hub: HubServer, header: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"/{REPOSITORY}/resolve/{COMMIT}/{NAME}"
        hub.serve(path, CONTENT, faults=[(429, header)] * 2)

        for token, helps in (("", "; to whom it knows by a token (HF_TOKEN) the Hub answers more often"), ("hf_x", "")):
            monkeypatch.setenv("HF_TOKEN", token)
            with pytest.raises(DownloadFailed) as caught:
                fetch(weights({NAME: CONTENT}, hub_source()))
            assert f"{hub.address}{path}: the server takes no more requests for now (429)" == caught.value.message
            assert f"try again in 5 minutes{helps}" == caught.value.hint
        assert 2 == len(hub.requests)

    def test_a_server_that_never_takes_more_requests_is_no_fault_of_the_network(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.faults = [(429, {"Retry-After": "0"})] * 9

        with pytest.raises(DownloadFailed, match="takes no more requests") as caught:
            fetch(wanted)
        assert "try again later" == caught.value.hint
        assert 6 == len(server.requests)

    def test_a_machine_without_a_network_is_told_at_once(self) -> None:
        began = time.monotonic()
        with pytest.raises(DownloadFailed) as caught:
            fetch(weights({NAME: CONTENT}, UrlSource(base_url="http://nowhere.invalid/web")))

        assert "nowhere.invalid cannot be reached: this machine seems to be offline" == caught.value.message
        assert time.monotonic() - began < 10

    def test_a_wait_that_cannot_be_read_is_left_out(self, served: Served, wanted: Weights) -> None:
        served.faults = [(503, {"Retry-After": "soon"}), (503, {"Retry-After": "-1"})]

        assert fetched(wanted) == CONTENT

    def test_it_gives_up_after_the_attempts(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.faults = [(503, {})] * 100

        with pytest.raises(DownloadFailed) as caught:
            fetch(wanted)

        assert len(server.requests) == receiving.ATTEMPTS == 6
        assert caught.value.message == f"{server.address}{PATH}: the server answered 503, 6 times in a row"
        assert caught.value.hint == "look at the network and try again; what has arrived is kept"

    def test_a_server_that_sends_nothing_before_it_cuts_is_given_up(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.cut_after = 0

        with pytest.raises(DownloadFailed, match="6 times in a row"):
            fetch(wanted)

        assert len(server.requests) == 6

    def test_a_server_without_ranges_that_always_cuts_is_given_up(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.ranges, served.cut_after = False, 400_000

        with pytest.raises(DownloadFailed, match="6 times in a row"):
            fetch(wanted)

    def test_a_server_that_is_not_there_is_given_up(self, store: Path) -> None:
        with hub_server() as gone:
            wanted = weights({NAME: CONTENT}, url_source(gone))

        with pytest.raises(DownloadFailed, match="6 times in a row"):
            fetch(wanted)

    def test_redirects_are_followed_to_another_server(self, server: HubServer, wanted: Weights) -> None:
        with hub_server() as other:
            other.serve("/b", b"", redirect="/c")
            other.serve("/c", CONTENT)
            server.serve(PATH, b"", redirect=f"{other.address}/b")

            assert fetched(wanted) == CONTENT

    def test_redirects_in_a_circle_are_told(self, server: HubServer, wanted: Weights) -> None:
        server.serve(PATH, b"", redirect=PATH)

        with pytest.raises(DownloadFailed) as caught:
            fetch(wanted)

        assert caught.value.message == f"{server.address}{PATH} redirects in circles"

    @pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
    def test_a_redirect_that_leaves_the_web_is_told_at_once(
        self, server: HubServer, wanted: Weights, address: str
    ) -> None:
        server.serve(PATH, b"", redirect=address)

        with pytest.raises(DownloadFailed):
            fetch(wanted)

        assert len(server.requests) == 1

    @pytest.mark.parametrize("address", ["http://[", "http://a:b/"])
    def test_a_redirect_that_cannot_be_read_is_told_at_once(
        self, server: HubServer, wanted: Weights, address: str
    ) -> None:
        server.serve(PATH, b"", redirect=address)

        with pytest.raises(DownloadFailed) as caught:
            fetch(wanted)

        told = f"{server.address}{PATH} redirects to {address!r}, which is no address: "
        assert caught.value.message.startswith(told)
        assert len(server.requests) == 1


class TestStopping:
    @pytest.mark.parametrize("after", [-1, 0, 300_000], ids=["before the answer", "before the body", "in the body"])
    def test_a_silent_server_does_not_keep_it(
        self, server: HubServer, served: Served, wanted: Weights, after: int
    ) -> None:
        # Only the test's own time limit ends this one where the download waits for the server.
        served.stall_after = after

        with pytest.raises(RunCancelled) as caught:
            fetch(wanted, should_stop=server.stalled.is_set)

        assert caught.value.hint == "it goes on where it was the next time"
        assert [thread for thread in threading.enumerate() if thread.name.startswith("zoo-download")] == []

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets callers wait")
    def test_a_server_that_does_not_take_up_does_not_keep_it(self, store: Path) -> None:
        with socket.socket() as listener, contextlib.ExitStack() as callers:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(3):  # whoever calls now is not answered
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(listener.getsockname())
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/web"
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
        self, server: HubServer, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiving, "MAX_WAIT_S", 10_000.0)
        served.faults = [(503, {"Retry-After": "10000"})]

        with pytest.raises(RunCancelled):
            fetch(wanted, should_stop=lambda: bool(server.requests))

    def test_a_callback_that_fails_ends_the_download(self, served: Served, wanted: Weights) -> None:
        served.stall_after = 300_000

        def fail(progress: Progress) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fetch(wanted, on_progress=fail)

    def test_another_process_that_fetches_does_not_keep_it(
        self, server: HubServer, served: Served, wanted: Weights
    ) -> None:
        served.stall_after = 300_000
        other = start_fetching(wanted)
        try:
            until(server.stalled.is_set)

            with pytest.raises(RunCancelled):
                fetch(wanted, should_stop=lambda: True)
        finally:
            other.kill()
            other.wait()

    def test_one_file_that_fails_ends_the_others(self, server: HubServer) -> None:
        server.serve("/web/a", CONTENT, stall_after=300_000)
        server.serve("/web/b", CONTENT, faults=[(404, {})])

        with pytest.raises(DownloadFailed, match="/web/b: the server answered 404"):
            fetch(weights({"a": CONTENT, "b": CONTENT}, url_source(server)))


class TestSeveralFiles:
    def test_up_to_four_arrive_at_the_same_time(self, server: HubServer) -> None:
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

    def test_all_of_them_arrive(self, server: HubServer) -> None:
        files = {f"part/{i}.bin": some_bytes(50_000 + i, seed=i) for i in range(9)}
        for name, content in files.items():
            server.serve(f"/web/{name}", content, cut_after=30_000, cuts=1)
        told: list[Progress] = []

        folder = fetch(weights(files, url_source(server)), on_progress=told.append)

        assert {name: (folder / name).read_bytes() for name in files} == files
        assert told[-1].received_bytes == told[-1].total_bytes == sum(map(len, files.values()))
        received = [progress.received_bytes for progress in told]
        assert received == sorted(received)

    def test_two_processes_share_one_download(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.chunk_bytes, served.chunk_pause_s = 10_000, 0.01

        processes = [start_fetching(wanted) for _ in range(2)]

        assert [process.wait(60) for process in processes] == [0, 0]
        assert (place_of(wanted.sources[0]) / NAME).read_bytes() == CONTENT
        assert server.sent_bytes == len(CONTENT)

    def test_two_names_of_the_same_bytes_are_both_there(self, hub: HubServer) -> None:
        files = {"a.bin": CONTENT, "b.bin": CONTENT}
        for name, content in files.items():
            hub.serve_hub(REPOSITORY, name, content)

        folder = fetch(weights(files, hub_source()))

        assert {name: (folder / name).read_bytes() for name in files} == files

    def test_bytes_that_are_here_at_another_commit_are_not_fetched_again(self, hub: HubServer) -> None:
        hub.serve_hub(REPOSITORY, NAME, CONTENT)
        first = fetch(weights({NAME: CONTENT}, hub_source()))
        hub.requests.clear()
        elsewhere = weights({"other-name": CONTENT}, HubSource(repository=REPOSITORY, revision="f" * 40))

        second = fetch(elsewhere)

        assert (second / "other-name").resolve() == (first / NAME).resolve()
        assert hub.requests == []

    def test_what_was_hashed_while_it_arrived_is_not_hashed_again(self, served: Served, wanted: Weights) -> None:
        fetch(wanted)
        path = place_of(wanted.sources[0]) / NAME
        stat = path.stat()
        path.write_bytes(OTHER)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

        assert locate(wanted) == path.parent, "hashed again, though size and time are as they were"

    def test_an_empty_file_is_a_file(self, server: HubServer) -> None:
        server.serve("/web/empty", b"")

        assert fetched(weights({"empty": b""}, url_source(server)), "empty") == b""

    def test_a_file_without_size_and_digest_is_taken_as_it_is_at_a_commit(self, hub: HubServer) -> None:
        hub.serve_hub(REPOSITORY, "config.json", CONTENT, large=False, cut_after=400_000, cuts=1)
        wanted = Weights(files=(WeightsFile(name="config.json"),), sources=(hub_source(),))

        assert fetched(wanted, "config.json") == CONTENT

    def test_an_address_pins_nothing_so_a_file_there_needs_a_digest(self, server: HubServer) -> None:
        server.serve("/web/config.json", CONTENT)

        with pytest.raises(DownloadFailed, match=r"/web/config\.json: the card names no sha256"):
            fetch(Weights(files=(WeightsFile(name="config.json"),), sources=(url_source(server),)))
        assert server.requests == []


class TestDisk:
    def test_a_disk_without_room_is_told_before_anything_is_asked(
        self, server: HubServer, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=999_999))

        with pytest.raises(DownloadFailed) as caught:
            fetch(wanted)

        folder = place_of(wanted.sources[0])
        assert caught.value.message == f"{folder} has 1.0 MB free, the weights need 1.0 MB"
        assert server.requests == []

    def test_what_is_here_needs_no_room(
        self, server: HubServer, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served.stall_after = 600_000
        broken_off(wanted, after=600_000)
        served.stall_after = None
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=400_000))

        assert fetched(wanted) == CONTENT

    def test_a_place_that_cannot_be_written_is_told(self, served: Served, wanted: Weights, store: Path) -> None:
        shutil.rmtree(store / "cache", ignore_errors=True)
        (store / "cache").write_text("a file where the folder should be")

        with pytest.raises(DownloadFailed) as caught:
            fetch(wanted)

        assert f"{store / 'cache'} is a file, not a folder" == caught.value.message


class TestEnvironment:
    @pytest.mark.parametrize("token", ["hf_\u00fc", "hf_a\nb", "hf_x y"])
    def test_what_cannot_be_a_token_is_told_and_not_shown(
        self, hub: HubServer, monkeypatch: pytest.MonkeyPatch, token: str
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", token)

        with pytest.raises(DownloadFailed, match="characters that no token has") as caught:
            fetch(weights({NAME: CONTENT}, hub_source()))

        assert token not in str(caught.value)
        assert hub.requests == []

    def test_a_password_in_the_endpoint_is_not_shown(self, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("//", "//me:secret@"))

        with pytest.raises(DownloadFailed) as caught:
            fetch(weights({NAME: CONTENT}, hub_source()))

        assert f"{hub.address}/{REPOSITORY}" in caught.value.message
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("variable", "value"),
        [("HTTP_PROXY", "nonsense://127.0.0.1:9"), ("SSL_CERT_FILE", "/nowhere/some.pem")],
    )
    def test_settings_that_allow_no_connection_are_told(
        self, served: Served, wanted: Weights, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        monkeypatch.setenv(variable, value)

        with pytest.raises(DownloadFailed, match="settings of this environment"):
            fetch(wanted)

    def test_a_cache_of_verdicts_that_cannot_be_written_is_done_without(self, store: Path, tmp_path: Path) -> None:
        shutil.rmtree(store / "cache", ignore_errors=True)
        (store / "cache").write_text("in the way")
        (tmp_path / NAME).write_bytes(CONTENT)

        assert fetch(weights({NAME: CONTENT}, FolderSource(path=str(tmp_path)))) == tmp_path

    def test_a_redirect_to_nowhere_is_told(self, server: HubServer, served: Served, wanted: Weights) -> None:
        served.faults = [(304, {})]

        with pytest.raises(DownloadFailed, match="the server answered 304"):
            fetch(wanted)
