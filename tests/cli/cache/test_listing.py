"""`zoo cache ls`: what is here, how large, of which models, and when it was last used."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.cache.cached import CONTENT, DAY_S, NAME, OTHER, answer, listed, names, unfinished, used_days_ago
from tests.hub_server import HubServer
from tests.weights_factory import hub_source, url_source, weights, write_files
from zoo.card import Weights
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch
from zoo.fetch.places import hub_cache, torch_checkpoints


def test_nothing_here_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "ls"]) == ExitCode.OK
    assert capsys.readouterr() == ("", "no weights are on this machine\n")


def test_sets_are_a_table_of_sizes_models_and_last_use(capsys: pytest.CaptureFixture[str], on_hub: Weights) -> None:
    folder = fetch(on_hub)

    header, row = answer(capsys, "ls").splitlines()
    assert header.split() == ["NAME", "SIZE", "FILES", "LAST", "USE", "STATE", "FOLDER"]
    assert row.split()[:4] == ["toy", "300.0", "kB", "2"]
    assert row.split()[4].endswith("s")
    assert row.split()[-1] == str(folder)


def test_last_use_is_that_of_the_last_fetch_though_all_was_here(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, at_torch: Weights, store: Path
) -> None:
    fetch(on_hub)
    fetch(at_torch)
    used_days_ago(store, 40)
    fetch(on_hub)

    assert names(capsys, "--sort", "used") == ["net", "toy"]
    net, toy = listed(capsys, "--sort", "used")
    assert time.time() - net["used_at"] > 39 * DAY_S
    assert time.time() - toy["used_at"] < 60


def test_listing_is_no_use(capsys: pytest.CaptureFixture[str], on_hub: Weights, store: Path) -> None:
    fetch(on_hub)
    used_days_ago(store, 40)
    main(["ls", "--local"])

    assert time.time() - listed(capsys)[0]["used_at"] > 39 * DAY_S


def test_without_a_note_the_newest_file_tells(capsys: pytest.CaptureFixture[str], at_torch: Weights) -> None:
    write_files(torch_checkpoints(), {"net.pth": OTHER})
    os.utime(torch_checkpoints() / "net.pth", (1_000_000.0, 1_000_000.0))

    assert [(one["name"], one["used_at"]) for one in listed(capsys)] == [("net", 1_000_000.0)]


def test_what_no_model_names_any_more_is_told_by_where_it_came_from(
    capsys: pytest.CaptureFixture[str], hub: HubServer
) -> None:
    hub.serve("/web/a.bin", CONTENT)
    fetch(weights({"a.bin": CONTENT}, url_source(hub)))

    (one,) = listed(capsys)
    assert (one["name"], one["models"]) == (f"{hub.address}/web", [])


def test_what_zoo_knows_nothing_of_is_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    write_files(torch_checkpoints(), {"other.pth": OTHER})
    write_files(hub_cache() / "models--a--b" / "snapshots" / ("e" * 40), {NAME: OTHER})

    assert listed(capsys) == []


def test_an_unfinished_download_is_told(
    capsys: pytest.CaptureFixture[str], on_hub: Weights, store: Path, hub: HubServer
) -> None:
    unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))

    (one,) = listed(capsys)
    assert (one["name"], one["partial_bytes"], one["size_bytes"]) == ("toy", 100_000, 100_000)
    assert "unfinished, 100.0 kB" in answer(capsys, "ls")


def test_an_unfinished_download_of_no_model_is_told(
    capsys: pytest.CaptureFixture[str], store: Path, hub: HubServer
) -> None:
    partial = unfinished(store, hub, weights({NAME: CONTENT}, hub_source()))
    partial.rename(partial.with_name("stranger.partial"))

    assert names(capsys) == ["toys/model@0123456789ab"]
    assert answer(capsys, "rm", "toys/model@0123456789ab", "-y") == "deleted 1 file, freed 100.0 kB\n"
