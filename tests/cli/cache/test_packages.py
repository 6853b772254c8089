"""Weights that came with an installed package: they are here, but not zoo's to delete."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cache.cached import CONTENT, IMPORTS, NAME, OTHER, answer, listed
from tests.plugin_site import Site, card, plugin
from tests.weights_factory import hub_source, weights, write_files
from zoo.card import PackageSource, Weights
from zoo.cli import main
from zoo.cli.exit_codes import ExitCode
from zoo.fetch import fetch


@pytest.fixture(autouse=True)
def package(tmp_path: Path, site: Site) -> Path:
    """A package with weights, and a model that has them from there or from the Hub."""
    folder = tmp_path / "site" / "toy_weights"
    write_files(folder, {NAME: CONTENT})
    information = tmp_path / "site" / "toy_weights-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
    source = PackageSource(distribution="toy-weights", folder="toy_weights")
    both = Weights(files=weights({NAME: CONTENT}).files, sources=(source, hub_source()))
    site.install("packed", plugin(card("packed", weights=repr(both)), more=f"{IMPORTS}, PackageSource"))
    return folder


def test_they_are_listed_with_their_package(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    capsys.readouterr()
    assert main(["cache", "ls"]) == ExitCode.OK
    out, err = capsys.readouterr()
    _, row = out.splitlines()
    assert "in the package toy-weights" in row
    assert (row.split()[0], row.split()[-1]) == ("packed", str(package))
    assert err == "0 B in the cache, and 300.0 kB that zoo cache cannot delete\n"
    assert listed(capsys)[0]["part_of"] == "the package toy-weights"


def test_they_are_verified(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    assert answer(capsys, "verify", "packed") == "1 file hashed, 0 damaged\n"
    (package / NAME).write_bytes(OTHER)
    assert main(["cache", "verify", "packed", "--fix"]) == ExitCode.STORE
    err = capsys.readouterr().err
    assert "(install the package toy-weights again)" in err
    assert "stays: it is in the package toy-weights" in err
    assert (package / NAME).exists()


def test_they_are_not_deleted(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    assert main(["cache", "rm", "packed", "-y"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "error: packed is not zoo's to delete: it is in the package toy-weights",
        "hint: pip uninstall toy-weights",
    ]
    assert answer(capsys, "prune", "--older-than", "0d", "-y") == "nothing to delete, freed 0 B\n"
    assert (package / NAME).exists()


def test_a_copy_in_the_cache_can_be_deleted(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    fetch(weights({NAME: CONTENT}, hub_source()))

    assert answer(capsys, "rm", "packed", "-y") == "deleted 1 file, freed 300.0 kB\n"
    assert (package / NAME).exists()


def test_a_run_is_told_from_weights(capsys: pytest.CaptureFixture[str], store: Path) -> None:
    folder = store / "runs" / "mine"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")

    assert main(["cache", "rm", "mine", "-y"]) == ExitCode.USAGE
    assert "hint: mine is a run: zoo rm mine" in capsys.readouterr().err
