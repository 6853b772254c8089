"""`zoo cache verify`: damaged files are reported, and deleted on request."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.cache.cached import CONTENT, NAME, OTHER, answer
from tests.hub_server import HubServer
from tests.weights_factory import hub_source, sha256, write_files
from zoo.card import Weights
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch, locate
from zoo.fetch.places import hub_cache


def test_whole_files_are_counted(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    fetch(on_hub)

    assert answer(capsys, "verify") == "2 files hashed, 0 damaged\n"


@pytest.mark.parametrize("name", [NAME, "config.json"], ids=["pinned", "pinned by the commit only"])
def test_bytes_that_rotted_are_found_though_size_and_time_are_the_same(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, name: str
) -> None:
    path = fetch(on_hub) / name
    stat, content = path.stat(), path.read_bytes()
    path.resolve().write_bytes(b"?" + content[1:])
    os.utime(path.resolve(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    capsys.readouterr()

    for _ in range(2):
        assert main(["cache", "verify", "toy"]) == ExitCode.STORE == 6
        out, err = capsys.readouterr()
        assert out == "2 files hashed, 1 damaged\n"
        actual, expected = sha256(b"?" + content[1:]), sha256(content)
        assert f"warning: toy: {path} has sha256 {actual}, not {expected}" in err.splitlines()
    if name == NAME:
        assert locate(on_hub) is None


def test_a_damaged_file_is_deleted_when_asked_and_fetched_again(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, hub: HubServer
) -> None:
    folder = fetch(on_hub)
    (folder / NAME).resolve().write_bytes(OTHER)
    hub.requests.clear()

    answer(capsys, "verify", "--fix", code=ExitCode.STORE)

    assert not (folder / NAME).exists()
    assert (fetch(on_hub) / NAME).read_bytes() == CONTENT
    assert [request.path for request in hub.requests if "config" in request.path] == []
    assert answer(capsys, "verify") == "2 files hashed, 0 damaged\n"


def test_a_file_cut_short_is_found(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    path = fetch(on_hub) / NAME
    path.resolve().write_bytes(CONTENT[:-1])

    verdicts = json.loads(answer(capsys, "verify", "--json", code=ExitCode.STORE))
    assert [(v["file"]["name"], v["problem"]) for v in verdicts] == [
        ("config.json", ""),
        (NAME, "has 299,999 bytes, not 300,000"),
    ]


def test_only_the_named_ones_are_looked_at(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights
) -> None:
    (fetch(on_hub) / NAME).resolve().write_bytes(OTHER)
    fetch(at_torch)

    assert answer(capsys, "verify", "net") == "1 file hashed, 0 damaged\n"


def test_a_file_nobody_vouches_for_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    write_files(hub_cache() / "models--toys--model" / "snapshots" / hub_source().revision, {"config.json": b"{}"})

    assert answer(capsys, "verify") == "1 file hashed, 0 damaged, 1 with nothing to compare with\n"
