"""`zoo cache prune`: what was not used for long, and unfinished downloads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.cache.cached import CONTENT, NAME, answer, names, unfinished, used_days_ago
from tests.hub_server import HubServer
from tests.weights_factory import hub_source, url_source, weights
from zoo.card import Weights
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch
from zoo.fetch.places import hub_cache, url_cache


def test_only_what_was_not_used_for_long_is_deleted(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights, store: Path
) -> None:
    fetch(on_hub)
    used_days_ago(store, 31)
    fetch(at_torch)

    assert answer(capsys, "prune", "--older-than", "5w", "-y") == "nothing to delete, freed 0 B\n"
    assert answer(capsys, "prune", "--older-than", "30d", "--dry-run") == "would delete 2 files and free 300.0 kB\n"
    assert answer(capsys, "prune", "--older-than", "30d", "-y") == "deleted 2 files, freed 300.0 kB\n"
    assert names(capsys) == ["net"]


def test_unfinished_downloads_only(
    capsys: pytest.CaptureFixture[str], at_torch: Weights, store: Path, hub: HubServer
) -> None:
    fetch(at_torch)
    partial = unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))

    assert answer(capsys, "prune", "--partial", "--older-than", "1d", "-y") == "nothing to delete, freed 0 B\n"
    os.utime(partial, (0, 0))
    assert answer(capsys, "prune", "--partial", "--older-than", "1d", "-y") == "deleted 1 file, freed 100.0 kB\n"
    assert names(capsys) == ["net"]
    assert not (hub_cache() / "models--toys--model").exists()


def test_zoos_own_folders_go_with_their_files(capsys: pytest.CaptureFixture[str], hub: HubServer) -> None:
    hub.serve("/web/a/b.bin", CONTENT)
    fetch(weights({"a/b.bin": CONTENT}, url_source(hub)))

    answer(capsys, "prune", "--older-than", "0d", "-y")

    assert list(url_cache().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "nothing says what to delete"),
        (["--older-than", "soon"], "'soon' is no age; give one such as 30d, 2w or 12h"),
        (["--json"], "there is no option '--json'"),
    ],
)
def test_what_cannot_be_meant_is_refused(capsys: pytest.CaptureFixture[str], words: list[str], error: str) -> None:
    assert main(["cache", "prune", *words]) == ExitCode.USAGE
    assert error in capsys.readouterr().err
