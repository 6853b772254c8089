"""From a published pickle to tensors: fetched, checked, unpickled without running anything, kept as safetensors."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
import torch
import torchvision
from safetensors.torch import load_file

from zoo import Card, ChecksumMismatch, StoreInvalid, TorchHubSource, Weights, WeightsFile
from zoo.fetch import fetch, locate
from zoo.training.weights import state_of


class _Quiet(SimpleHTTPRequestHandler):
    paths: list[str]

    def log_message(self, *words: object) -> None:
        self.paths.append(self.path)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """A folder, its address on loopback, and what was asked for."""
    folder = tmp_path / "web"
    folder.mkdir()
    paths: list[str] = []
    handler = type("Handler", (_Quiet,), {"paths": paths})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Of a real ResNet-18, from random numbers."""
    torch.manual_seed(0)
    return torchvision.models.resnet18().state_dict()


def published(card: Card, folder: Path, address: str, state: object) -> Card:
    """The card, with weights of this state instead of torchvision's, named by their digest as torchvision does."""
    torch.save(state, folder / "raw")
    prefix = hashlib.sha256((folder / "raw").read_bytes()).hexdigest()[:8]
    name = f"resnet18-{prefix}.pth"
    (folder / "raw").rename(folder / name)
    weights = Weights(
        files=(WeightsFile(name=name, sha256_prefix=prefix, about_bytes=46_000_000),),
        sources=(TorchHubSource(base_url=address),),
    )
    return msgspec.structs.replace(card, weights=weights)


def test_the_whole_road(
    card: Callable[[str], Card],
    web: tuple[Path, str, list[str]],
    torch_home: Path,
    state: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    folder, address, paths = web
    served = published(card("resnet18"), folder, address, state)
    assert served.weights is not None
    reports = []
    place = fetch(served.weights, on_progress=reports.append)
    name = served.weights.files[0].name

    assert place == torch_home
    assert [path.name for path in torch_home.iterdir()] == [name]
    assert reports[-1].received_bytes == reports[-1].total_bytes == (folder / name).stat().st_size
    assert all(progress.received_bytes <= progress.total_bytes for progress in reports)
    loaded = state_of(served, place, tmp_path / "cache")
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)

    assert locate(served.weights) == torch_home
    assert paths == [f"/{name}"]
    theirs = torch.hub.load_state_dict_from_url(f"{address}/{name}", check_hash=True, weights_only=True)
    assert theirs.keys() == state.keys()
    assert paths == [f"/{name}"], "torchvision finds the same file"


def test_what_torch_hub_fetched_is_not_fetched_again(
    card: Callable[[str], Card],
    web: tuple[Path, str, list[str]],
    torch_home: Path,
    state: dict[str, torch.Tensor],
) -> None:
    folder, address, paths = web
    served = published(card("resnet18"), folder, address, state)
    assert served.weights is not None
    torch.hub.load_state_dict_from_url(
        f"{address}/{served.weights.files[0].name}", progress=False, check_hash=True, weights_only=True
    )
    before = list(paths)
    assert fetch(served.weights) == torch_home
    assert paths == before


def test_other_bytes_than_the_name_says_are_refused(
    card: Callable[[str], Card],
    web: tuple[Path, str, list[str]],
    torch_home: Path,
    state: dict[str, torch.Tensor],
) -> None:
    folder, address, _ = web
    served = published(card("resnet18"), folder, address, state)
    assert served.weights is not None
    path = folder / served.weights.files[0].name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ChecksumMismatch, match=rf"not {served.weights.files[0].sha256_prefix}\.\.\."):
        fetch(served.weights)
    assert list(torch_home.iterdir()) == []


def test_the_pickle_is_read_once(card: Callable[[str], Card], state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    folder, cache = tmp_path, tmp_path / "cache"
    served = published(card("resnet18"), folder, "http://127.0.0.1", state)
    assert served.weights is not None
    pickled = folder / served.weights.files[0].name
    state_of(served, folder, cache)
    (converted,) = cache.iterdir()
    assert load_file(converted).keys() == state.keys()

    pickled.write_bytes(b"")
    assert torch.equal(state_of(served, folder, cache)["fc.bias"], state["fc.bias"])
    converted.write_bytes(converted.read_bytes()[:100])  # a conversion that was damaged is made again
    with pytest.raises(StoreInvalid, match="holds more than tensors, or is damaged"):
        state_of(served, folder, cache)
    torch.save(state, pickled)
    assert torch.equal(state_of(served, folder, cache)["fc.bias"], state["fc.bias"])
    assert load_file(converted).keys() == state.keys()


class _Evil:
    """Makes a folder where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_cannot_run_anything(card: Callable[[str], Card], tmp_path: Path) -> None:
    served = published(card("resnet18"), tmp_path, "http://127.0.0.1", {})
    assert served.weights is not None
    path, trace = tmp_path / served.weights.files[0].name, tmp_path / "trace"
    for write in (
        lambda: torch.save({"fc.weight": _Evil(trace)}, path),
        lambda: path.write_bytes(pickle.dumps({"fc.weight": _Evil(trace)}, protocol=2)),
    ):
        write()
        with pytest.raises(StoreInvalid) as caught:
            state_of(served, tmp_path, tmp_path / "cache")
        assert str(path) in caught.value.message
        assert not trace.exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"fc.weight": 3}, {3: torch.zeros(1)}, torch.zeros(2)])
def test_anything_but_named_tensors_is_refused(card: Callable[[str], Card], content: object, tmp_path: Path) -> None:
    served = published(card("resnet18"), tmp_path, "http://127.0.0.1", content)
    with pytest.raises(StoreInvalid, match="holds something else than named tensors"):
        state_of(served, tmp_path, tmp_path / "cache")


def test_a_result_that_is_gone_or_damaged_is_told(card: Callable[[str], Card], tmp_path: Path) -> None:
    with pytest.raises(StoreInvalid, match=r"model\.safetensors cannot be read"):
        state_of(card("resnet10-32px"), tmp_path, tmp_path / "cache")
    (tmp_path / "model.safetensors").write_bytes(b"12345678")
    with pytest.raises(StoreInvalid, match=r"model\.safetensors cannot be read"):
        state_of(card("resnet10-32px"), tmp_path, tmp_path / "cache")
