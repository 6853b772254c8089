"""Files of the Hub stand in the cache that its own client uses, and each finds what the other fetched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fetch.served_files import FILES, OTHER, contents, serve_hub
from tests.hub_server import COMMIT, HubServer
from tests.weights_factory import (
    REPOSITORY,
    hub_source,
    sha256,
    weights,
)
from zoo.errors import DownloadFailed
from zoo.fetch import fetch, locate
from zoo.fetch.places import hub_cache


def python(program: str, *words: str, **environment: str) -> str:
    """What a program prints, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_files_are_fetched_into_the_cache_that_other_tools_share(hub: HubServer) -> None:
    serve_hub(hub)

    folder = fetch(weights(FILES, hub_source()))

    assert folder == hub_cache() / "models--toys--model" / "snapshots" / COMMIT
    assert contents(folder) == FILES
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(FILES)
    assert (folder / "model.safetensors").resolve().name == sha256(FILES["model.safetensors"])


def test_the_second_time_needs_no_network(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_hub(hub)
    hub_weights = weights(FILES, hub_source())
    folder = fetch(hub_weights)
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert fetch(hub_weights) == folder
    assert hub.requests == []


@pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
def test_offline_is_told_with_the_way_out(hub: HubServer, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)

    with pytest.raises(DownloadFailed) as caught:
        fetch(weights(FILES, hub_source()))

    assert caught.value.message == "toys/model is not here, and HF_HUB_OFFLINE forbids to fetch it"
    assert caught.value.hint == "unset HF_HUB_OFFLINE"
    assert hub.requests == []


def test_the_endpoint_may_have_a_path(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.address}/mirror/hf/")
    serve_hub(hub, prefix="/mirror/hf")

    assert contents(fetch(weights(FILES, hub_source()))) == FILES


def test_the_cache_may_be_another_folder(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    serve_hub(hub)

    assert fetch(weights(FILES, hub_source())).is_relative_to(tmp_path / "cache")


def test_a_damaged_file_is_named_and_fetched_again(hub: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    serve_hub(hub)
    hub_weights = weights(FILES, hub_source())
    path = fetch(hub_weights) / "model.safetensors"
    path.resolve().write_bytes(OTHER)
    assert locate(hub_weights) is None

    fetch(hub_weights)

    assert path.read_bytes() == FILES["model.safetensors"]
    expected, actual = sha256(FILES["model.safetensors"]), sha256(OTHER)
    assert f"{path} has sha256 {actual}, not {expected}; it is fetched again" in caplog.messages


def test_a_link_whose_bytes_are_gone_is_made_again(hub: HubServer) -> None:
    serve_hub(hub)
    hub_weights = weights(FILES, hub_source())
    path = fetch(hub_weights) / "model.safetensors"
    path.resolve().unlink()

    assert contents(fetch(hub_weights)) == FILES
    assert path.is_symlink()


@pytest.mark.slow
def test_the_hubs_own_client_finds_what_was_fetched(hub: HubServer) -> None:
    serve_hub(hub)
    folder = fetch(weights(FILES, hub_source()))

    located = python(
        "import sys\n"
        "from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache\n"
        "repository, commit, *names = sys.argv[1:]\n"
        "for name in names:\n"
        "    print(try_to_load_from_cache(repository, name, revision=commit))\n"
        "print(snapshot_download(repository, revision=commit, local_files_only=True))\n"
        "scan = scan_cache_dir()\n"
        "print(len(scan.repos), scan.size_on_disk, scan.warnings)\n",
        REPOSITORY,
        COMMIT,
        *FILES,
        HF_HUB_OFFLINE="1",
    )

    size_bytes = sum(map(len, FILES.values()))
    assert located.splitlines() == [
        *(str(folder / name) for name in FILES),
        str(folder),
        f"1 {size_bytes} []",
    ]


@pytest.mark.slow
def test_what_the_hubs_own_client_downloaded_is_found(hub: HubServer) -> None:
    serve_hub(hub)
    program = (
        "import sys\n"
        "from huggingface_hub import hf_hub_download\n"
        "repository, commit, *names = sys.argv[1:]\n"
        "for name in names:\n"
        "    hf_hub_download(repository, name, revision=commit)\n"
    )
    python(program, REPOSITORY, COMMIT, *FILES, HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1")
    hub.requests.clear()

    assert contents(fetch(weights(FILES, hub_source()))) == FILES
    assert hub.requests == []


@pytest.mark.slow
def test_both_put_a_file_in_the_same_place(hub: HubServer) -> None:
    serve_hub(hub)
    fetch(weights(FILES, hub_source()))
    ours = hub_cache() / "models--toys--model"
    program = (
        "import sys\n"
        "from huggingface_hub import hf_hub_download\n"
        "repository, commit, cache, *names = sys.argv[1:]\n"
        "for name in names:\n"
        "    hf_hub_download(repository, name, revision=commit, cache_dir=cache)\n"
    )
    cache = ours.parent.with_name("theirs")
    python(program, REPOSITORY, COMMIT, str(cache), *FILES, HF_HUB_DISABLE_PROGRESS_BARS="1")

    def files(folder: Path, part: str) -> set[tuple[str, str]]:
        return {
            (str(path.relative_to(folder)), str(path.readlink()) if path.is_symlink() else "")
            for path in (folder / part).rglob("*")
            if path.is_file()
        }

    theirs = cache / "models--toys--model"
    assert files(ours, "snapshots") == files(theirs, "snapshots")
    assert files(ours, "blobs") == files(theirs, "blobs")
