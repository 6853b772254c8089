"""What is reported while files arrive."""

from __future__ import annotations

from pathlib import Path

from tests.fetch.served_files import FILES, serve_all, serve_hub
from tests.hub_server import HubServer
from tests.weights_factory import (
    hub_source,
    url_source,
    weights,
    weights_file,
    write_files,
)
from zoo.card import FolderSource, Weights, WeightsFile
from zoo.fetch import Progress, fetch


def test_it_ends_with_everything_received(server: HubServer) -> None:
    serve_all(server)
    reports: list[Progress] = []

    fetch(weights(FILES, url_source(server)), on_progress=reports.append)

    total = sum(map(len, FILES.values()))
    assert reports[-1].received_bytes == reports[-1].total_bytes == total
    assert {progress.total_bytes for progress in reports} == {total}
    assert reports[-1].file in FILES
    assert reports[-1].bytes_per_s > 0


def test_what_was_here_counts_from_the_start(server: HubServer) -> None:
    serve_all(server)
    folder = fetch(weights(FILES, url_source(server)))
    (folder / "onnx/config.json").unlink()
    reports: list[Progress] = []

    fetch(weights(FILES, url_source(server)), on_progress=reports.append)

    assert min(progress.received_bytes for progress in reports) >= len(FILES["model.safetensors"])
    assert reports[-1].received_bytes == reports[-1].total_bytes


def test_a_file_of_unknown_size_adds_what_it_has(hub: HubServer) -> None:
    serve_hub(hub)
    model = weights_file("model.safetensors", FILES["model.safetensors"])
    hub_weights = Weights(files=(model, WeightsFile(name="onnx/config.json")), sources=(hub_source(),))
    reports: list[Progress] = []

    fetch(hub_weights, on_progress=reports.append)

    assert reports[-1].received_bytes == reports[-1].total_bytes == sum(map(len, FILES.values()))


def test_without_any_size_there_is_no_total(hub: HubServer) -> None:
    serve_hub(hub)
    files = tuple(WeightsFile(name=name) for name in FILES)
    reports: list[Progress] = []

    fetch(Weights(files=files, sources=(hub_source(),)), on_progress=reports.append)

    assert reports[-1].received_bytes == sum(map(len, FILES.values()))
    assert reports[-1].total_bytes is None


def test_files_that_are_here_are_not_reported(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    reports: list[Progress] = []

    fetch(weights(FILES, FolderSource(path=str(tmp_path))), on_progress=reports.append)

    assert reports == []
